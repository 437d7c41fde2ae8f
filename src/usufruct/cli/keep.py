"""`backup`, `restore`, `migrate`, `keyring`: copies of a node, nodes from copies, and journals that move."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, doors, err, group, out
from usufruct.core.base.faults import BadInput
from usufruct.store import backup as backups
from usufruct.store.keys import SystemClock, SystemEntropy
from usufruct.store.move import move

keyring = group("The keys, of which there should be one copy.")


def backup(to: Path, dir: Directory = HERE) -> None:
    """Copy the node, which may go on serving, into a new folder; keys are not copied."""
    made = backups.back_up(dir, to, SystemClock(), SystemEntropy())
    out.print(f"backed up {made.size} facts and {made.tables} tables to {to}", markup=False)
    out.print("the keys are not in it: keep one copy of them with `usufruct keyring copy`", markup=False)


@command(keyring, "copy")
def copy_keys(to: Path, dir: Directory = HERE) -> None:
    """Copy all keys into a folder, over the copy that is there; repeat it after every erasure."""
    backups.copy_keys(dir, to)
    out.print(f"copied the keys to {to}; keep no other copy, and make this one again after every erasure", markup=False)


def restore(
    backup: Path,
    directory: Path,
    keys: Annotated[Path, typer.Option(help="the copy that `usufruct keyring copy` made")],
    kept: Annotated[
        list[Path] | None, typer.Option(help="the newest checkpoint that somebody keeps; may be repeated")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="nobody has seen a later checkpoint than the backup's own")
    ] = False,
    unsound: Annotated[
        bool, typer.Option("--unsound", help="restore what there is even if the audit finds something")
    ] = False,
) -> None:
    """Make a node from a backup and a copy of its keys."""
    if bool(kept) == alone:
        raise BadInput(
            "input.checkpoint", "it is not said how far the journal has been seen",
            "give the newest checkpoint that anybody has (`--kept FILE`: your own, a member's, a witness's); or, if nobody "
            "has one later than the backup's own, `--alone`: if that is wrong, the node will sign a second history",
        )  # fmt: skip
    missing = [file for file in kept or [] if not file.is_file()]
    if missing:
        raise BadInput("input.checkpoint", f"there is no file `{missing[0]}`", "name a checkpoint that you saved")
    notes = [file.read_text(encoding="utf-8") for file in kept or []]
    made = backups.restore(backup, keys, directory, notes, SystemEntropy(), unsound)
    for table in made.lost:
        err.print(f"lost: no key opens the stored table `{table}`; register it again from its source", markup=False)
    for finding in made.findings:
        err.print(finding, markup=False)
    out.print(f"restored {made.size} facts to {directory}", markup=False)


def migrate(
    to: Annotated[
        str, typer.Option(help="`sqlite`, a postgresql:// address, or env:NAME for a variable that holds one")
    ],
    dir: Directory = HERE,
) -> None:
    """Move the journal to another database; the node must not be serving."""
    with doors().open(dir) as node:
        size = move(dir, to, node.keyring)
    out.print(
        f"moved {size} facts to {'sqlite' if to == 'sqlite' else 'PostgreSQL'}; all arrived as they left", markup=False
    )
    out.print("the journal where it was is no longer used: remove it, for erasures do not reach it", markup=False)
