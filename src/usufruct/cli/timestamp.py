"""`journal timestamps`, `journal timestamp-verify`: when authorities say that a checkpoint existed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import FAULTED, HERE, Directory, doors, err, out, table
from usufruct.core.proof.checkpoint import Checkpoint, open_note
from usufruct.peer.timestamp import read_roots, verify
from usufruct.store.keys import verify_signature


def list_timestamps(
    save: Annotated[Path | None, typer.Option(help="a folder to write them to, each with its checkpoint")] = None,
    dir: Directory = HERE,
) -> None:
    """The time stamps of checkpoints that an authority gave."""
    with doors().open(dir) as node:
        kept = node.outside.attestations
        found = kept.timestamps()
        for size, _ in found if save else []:
            stamp = kept.timestamp(size)
            assert stamp is not None and save is not None
            save.mkdir(parents=True, exist_ok=True)
            (save / f"checkpoint-{size}.txt").write_bytes(stamp.note.encode())
            (save / f"checkpoint-{size}.tsr").write_bytes(stamp.token)
    table("", ["facts", "at"], [[size, at] for size, at in found], ("facts",))


def verify_timestamp(
    token: Annotated[Path, typer.Argument(help="the authority's answer, a `.tsr` file")],
    checkpoint: Annotated[Path, typer.Argument(help="the checkpoint that it is for, as it was signed")],
    ca: Annotated[Path, typer.Option(help="a PEM file with the authority's root certificate")],
    key: Annotated[str, typer.Option(help="the node's verifier key")],
) -> None:
    """Check a time stamp offline, and the checkpoint that it is for."""
    roots = read_roots(ca)
    try:
        note = checkpoint.read_bytes()
        stated = Checkpoint.parse(open_note(note.decode(), key, verify_signature))
        at = verify(token.read_bytes(), note, roots)
    except (ValueError, OSError) as error:
        err.print(f"NOT PROVEN: {error}", markup=False)
        raise typer.Exit(FAULTED) from None
    out.print(f"proven: the first {stated.size} facts of {stated.origin} were there at {at}", markup=False)
