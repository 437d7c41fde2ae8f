"""`witness`: sign other people's journals, so that they cannot show two people two histories.

A witness is a directory of its own, for its key must serve nothing else:

    signing.pem       the key; never leaves the machine
    vkey.txt          its name and public key, for those who trust it
    witness.sqlite    the logs it signs for, and what it signed last; must never be set back
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import command, group, out, table
from usufruct.cli.journal import checked_directory
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import instant
from usufruct.core.proof.checkpoint import COSIGNATURE, key_id, parse_vkey, vkey
from usufruct.node.cosign import Witness
from usufruct.store.keys import KeyFile, SystemClock, verify_signature
from usufruct.store.witnessed import SqliteWitnessed

witness = group("Be a witness for other people's journals.")


@command(witness)
def init(
    directory: Path, name: Annotated[str, typer.Argument(help="your domain and a path, without a scheme")]
) -> None:
    """Make a new witness in a directory."""
    try:
        key_id(name, bytes(32), COSIGNATURE)
    except ValueError as error:
        raise BadInput("input.witness", f"{error}", "name it as `witness.example/w1`") from None
    checked_directory(directory).mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    KeyFile.create(directory / "signing.pem")
    key = vkey(name, KeyFile(name, directory / "signing.pem").public, COSIGNATURE)
    (directory / "vkey.txt").write_text(f"{key}\n", encoding="utf-8")
    out.print(f"made a witness in {directory}\nits verifier key: {key}", markup=False, soft_wrap=True)


@command(witness)
def add(directory: Path, key: Annotated[str, typer.Argument(metavar="VKEY", help="the log's verifier key")]) -> None:
    """Sign for another log."""
    try:
        origin, _, public = parse_vkey(key)
    except ValueError as error:
        raise BadInput("input.key", str(error), "give the verifier key that the log's operator publishes") from None
    with open_witness(directory) as (opened, file):
        if public == opened.signer.public:
            raise BadInput("input.key", "this is the witness's own key", "one key serves one role; give the log's")
        new = file.add_key(origin, key)
    out.print(f"{'signs' if new else 'signs already'} for {origin}", markup=False)


@command(witness, "list")
def list_logs(directory: Path) -> None:
    """The logs it signs for, and what it signed last."""
    with open_witness(directory) as (_, file):
        rows: list[list[str | int]] = []
        for origin in file.origins():
            last = file.last(origin)
            rows.append([origin, last.size if last else "", _when(last.time) if last else "never"])
    table("", ["log", "leaves", "signed"], rows, ("leaves",))


@command(witness)
def serve(
    directory: Path,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="the port to listen on")] = 8000,
) -> None:
    """Serve the witness until stopped."""
    import uvicorn

    from usufruct.web.witness import make_app  # only this command needs the web

    with open_witness(directory) as (opened, _):
        out.print(f"{opened.signer.name} on http://{host}:{port} (stop with Ctrl-C)", markup=False)
        uvicorn.run(make_app(opened), host=host, port=port, log_level="warning", access_log=False)


@contextlib.contextmanager
def open_witness(directory: Path) -> Iterator[tuple[Witness, SqliteWitnessed]]:
    """The witness in a directory, and its file.

    Raises:
        BadInput: there is none, or its key is not the one that it was made with.
    """
    try:
        name, _, public = parse_vkey((directory / "vkey.txt").read_text(encoding="utf-8").strip(), COSIGNATURE)
        signer = KeyFile(name, directory / "signing.pem")
    except (OSError, ValueError) as error:
        raise BadInput(
            "input.witness", f"`{directory}` is not a witness: {error}", "make one with `usufruct witness init`"
        ) from None
    if signer.public != public:
        raise BadInput("input.witness", "`signing.pem` is not the key in `vkey.txt`", "restore the key from a backup")
    with contextlib.closing(SqliteWitnessed(directory / "witness.sqlite")) as witnessed:
        yield Witness(signer, witnessed, SystemClock(), verify_signature), witnessed


def _when(seconds: int) -> str:
    return instant(datetime.fromtimestamp(seconds, UTC))[:16] + "Z"
