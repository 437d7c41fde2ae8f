"""`work allocate`, `check` and `explain`: allocations on files, without a node."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from usufruct.allocator import Allocator
from usufruct.cli.app import done, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.work.allocation import certificate as certificates
from usufruct.core.work.allocation import encoding, lottery, reasons
from usufruct.core.work.allocation.certificate import Checked
from usufruct.core.work.allocation.rule import STABLE
from usufruct.engine.allocation.allocator import LocalAllocator
from usufruct.wire import allocation as wire

InstanceFile = Annotated[Path, typer.Argument(metavar="INSTANCE", help="the instance, as it was written")]
CertificateFile = Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="the certificate")]
INSTANCE, CERTIFICATE = "instance", "certificate.json"
SHOWN = 30  # workers on the screen


def commit(
    round: Annotated[str, typer.Argument(help="the round, by its name")],
    secret: Annotated[str, typer.Option(help="the secret, in hexadecimal (default: a new one)")] = "",
) -> None:
    """Draw a chamber's secret for the lottery of a round, and say what to publish of it."""
    try:
        drawn = bytes.fromhex(secret) if secret else secrets.token_bytes(lottery.SECRET_SIZE)
    except ValueError:
        drawn = b""
    if len(drawn) != lottery.SECRET_SIZE:
        raise BadInput(
            "input.allocation", f"a secret has {lottery.SECRET_SIZE} bytes", "write two hexadecimal digits for each"
        )
    out.print(f"keep until the round is closed: {drawn.hex()}", markup=False, soft_wrap=True)
    out.print(f"publish now: {lottery.commitment(drawn, round)}", markup=False, soft_wrap=True)


def allocate(
    file: Annotated[Path, typer.Argument(metavar="ROUND", help="the round, as TOML")],
    to: Annotated[Path, typer.Option(help="the directory for the instance and its certificate")] = Path(),
) -> None:
    """Allocate a round that is on file, and write the instance with the certificate that proves it."""
    found = wire.read(_read(file).decode("utf-8", "replace"))
    instance, allocator = found.instance, _allocator()
    refusal = lottery.opened(instance.round, instance.commitments, found.secrets)
    if refusal is not None:
        done(refusal)
    if None in found.secrets and not found.head:
        raise BadInput(
            "input.allocation", "a chamber opened no secret, and no head stands in for it",
            "give the journal's head at the end of the term, as head = and hexadecimal digits",
        )  # fmt: skip
    missing = allocator.missing(len(instance.job))
    if missing:
        out.print(f"this may take minutes; it would not with the extra `{missing}`", markup=False)
    used = found.head if None in found.secrets else b""
    allocation = allocator.match(instance, lottery.seed(found.secrets, used, instance.round))
    data = encoding.encode(instance)
    proof = certificates.encode(certificates.make(instance, allocation, found.secrets, used, data))
    checked = done(allocator.check(data, proof))
    to.mkdir(parents=True, exist_ok=True)
    (to / INSTANCE).write_bytes(data)
    (to / CERTIFICATE).write_bytes(proof)
    pairs = [[worker, job] for worker, job in allocation.pairs(instance)]
    table("", ["worker", "job"], pairs[:SHOWN])
    if len(pairs) > SHOWN:
        out.print(f"and {len(pairs) - SHOWN} more")
    _tell(checked)


def check(instance: InstanceFile, certificate: CertificateFile) -> None:
    """Check that a certificate proves an allocation: no solver, no node, no network."""
    _tell(done(_allocator().check(_read(instance), _read(certificate))))


def explain(
    instance: InstanceFile,
    certificate: CertificateFile,
    worker: Annotated[str, typer.Argument(help="whose jobs")],
) -> None:
    """Say why a worker got or did not get each job, and what would have changed it."""
    data, proof = _read(instance), _read(certificate)
    done(_allocator().check(data, proof))
    found = reasons.why(encoding.decode(data), certificates.decode(proof), worker)
    if not found:
        out.print(f"{worker} had no job to choose from", markup=False)
    for one in found:
        wish = f"wish {one.rank}, " if one.rank else ""
        out.print(f"{wish}{one.job}: {one.words}", markup=False, soft_wrap=True)
        if one.change:
            out.print(f"  {one.change}", markup=False, soft_wrap=True)


def _tell(checked: Checked) -> None:
    what = "stable, and the best for the workers" if checked.method == STABLE else "the largest sum there is"
    out.print(
        f"proved: {checked.round} is {what}; {checked.matched} of {checked.workers} workers have one of {checked.jobs} jobs,"
        f" with {checked.points} points in all",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    if checked.missing:
        out.print(f"the journal's head stood in for {', '.join(checked.missing)}, who opened no secret", markup=False)
    if not checked.only:
        out.print("another allocation has the same sum and as many lottery points", markup=False)


def _allocator() -> Allocator:
    return LocalAllocator()


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise BadInput("input.allocation", f"there is no file `{file}`", "name a file that is there")
    return file.read_bytes()
