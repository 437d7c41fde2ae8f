"""`member`: a person's side. What was done with her data, her yes and no, and counting whether that is all.

`key`, `book` and the rest work on the node's directory, for the steward does them. `audit` is hers: it needs no node, only
what it is pointed at, her key file, and a file to keep what it saw; it trusts nobody but that key file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import httpx
import typer

from usufruct import client
from usufruct.cli.app import HERE, Directory, command, done, doors, err, group, out, table
from usufruct.core.base.faults import BadInput, Fault, PeerFault
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.proof import keeping
from usufruct.core.proof.book import Audit
from usufruct.core.proof.keeping import CountingKey
from usufruct.core.rulebook import purposes
from usufruct.core.telling import lines, withheld
from usufruct.node import consent, epoch, erase, views
from usufruct.node.lines import line_proof
from usufruct.store.keys import SystemClock, verify_signature

T = TypeVar("T")

FROM_ENVIRONMENT = "USUFRUCT_TOKEN"

member = group("A member's side: who used her data, what it earned, her yes and no, and whether that is all.")


@command(member, "show")
def show(id: str, dir: Directory = HERE) -> None:
    """Who used data about a member, for what, what was let out and what it earned."""
    with doors().open(dir) as node:
        page = views.member_page(node, id)
    if page is None or not page.assets:
        done(_unknown("there is nothing to show", f"no asset is about `{id}`"))
        return
    for item in page.assets:
        out.print(f"{item.asset.title}: who asked", style="bold", markup=False)
        for seen in item.seen:
            what = seen.use.meaning or seen.use.question
            out.print(f"{seen.use.at[:16]}  {seen.who}, for {seen.use.purpose}: {what}", markup=False)
            out.print(f"  {_outcome(seen)} (fact {seen.seq})", markup=False)
        for held in item.withheld:
            out.print(withheld(held.ground, held.until), markup=False)
        for paid in item.paid:
            out.print(f"{paid.period}: {paid.amount}", markup=False)
            for step in paid.steps:
                out.print(f"  {step}", markup=False)
        for purpose, word in item.said.items():
            out.print(f"you said: {purposes.label(purpose)}: {word}", markup=False)


def _outcome(seen: views.Seen) -> str:
    match seen.use.state:
        case "answered":
            return f"answered; {seen.rows} of your rows counted"
        case "refused":
            return f"refused: {seen.use.reasons[0]}"
        case _:
            return "failed before an answer; nothing was let out"


@command(member, "refuse")
def refuse_use(
    id: str,
    asset: Annotated[str, typer.Option(help="the asset")],
    purpose: Annotated[str, typer.Option(help="what to refuse (default: everything)")] = purposes.ROOT,
    dir: Directory = HERE,
) -> None:
    """Refuse uses; from the next decision on the member's rows are out."""
    _say(id, asset, purpose, False, dir)


@command(member, "consent")
def consent_to(
    id: str,
    asset: Annotated[str, typer.Option(help="the asset")],
    purpose: Annotated[str, typer.Option(help="what to consent to")],
    dir: Directory = HERE,
) -> None:
    """Consent to uses for a purpose and what is narrower."""
    _say(id, asset, purpose, True, dir)


def _say(id: str, asset: str, purpose: str, yes: bool, dir: Path) -> None:
    with doors().open(dir) as node:
        fact, receipt = done(consent.record_word(node, asset, id, purpose, yes))
    word = "consents to" if yes else "refuses"
    out.print(f"{id} {word} {purposes.label(fact.purpose)}; receipt: fact {receipt.index}", markup=False)


@command(member, "erase")
def erase_person(
    id: str,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask whether it is meant")] = False,
    dir: Directory = HERE,
) -> None:
    """Erase a person for good: her key is destroyed, her rows leave every table; what was proved stays proved."""
    if not yes:
        typer.confirm(f"Erase {id}? Nobody can undo it", abort=True)
    with doors().open(dir) as node:
        fact = done(erase.erase(node, id, node.about.operator))
    tables = ", ".join(removed.asset for removed in fact.removed) or "no table"
    out.print(f"{id} is erased: her records can be read by nobody, her rows are gone from {tables}", markup=False)
    out.print("replace your copy of the key rings now, and make a new backup", markup=False)


@command(member, "receipt")
def receipt(
    id: str,
    seq: Annotated[int, typer.Argument(metavar="FACT")],
    to: Annotated[Path | None, typer.Option(help="where to write it (default: the screen)")] = None,
    dir: Directory = HERE,
) -> None:
    """The receipt of a fact that concerns a party."""
    with doors().open(dir) as node:
        found = views.receipt_for(node, id, seq)
    if found is None:
        remedy = "see `member show`"
        done(_unknown("no receipt was given", f"there is no fact {seq} that concerns `{id}`", remedy))
        return
    if to:
        to.write_text(found.text(), encoding="utf-8")
        out.print(f"receipt written to {to}", markup=False)
    else:
        out.print(found.text(), markup=False, soft_wrap=True)


@command(member, "line")
def line(
    id: str,
    period: str,
    asset: Annotated[str, typer.Option(help="the asset that her rows are in")],
    to: Annotated[Path, typer.Option(help="the file to write")],
    dir: Directory = HERE,
) -> None:
    """Write what a member is paid for a closed period, with its proof; see `usufruct receipt line`."""
    with doors().open(dir) as node:
        found = done(line_proof(node, id, period, asset))
    _write(to, found.text())
    out.print(f"line and proof written to {to}", markup=False)


@command(member, "key")
def key(
    id: str, to: Annotated[Path, typer.Option(help="the file to write, which must be new")], dir: Directory = HERE
) -> None:
    """Write a member's key file, by which she counts her records."""
    with doors().open(dir) as node:
        found = done(epoch.key_file(node, id) or _unknown("no key was given", f"there is no person `{id}`"))
    _write(to, found.text(), os.O_EXCL)
    out.print(f"key file written to {to}; keep it, and keep it secret", markup=False)


@command(member, "book")
def book(id: str, to: Annotated[Path, typer.Option(help="the file to write")], dir: Directory = HERE) -> None:
    """Write the book of a member's records, as the node shows it to her; new ones are counted first."""
    found = _book_of(id, dir)
    _write(to, json.dumps(found, indent=1) + "\n")
    out.print(f"book with {len(found['records'])} records written to {to}", markup=False)


@command(member, "audit")
def audit(
    keys: Annotated[Path, typer.Option(help="the member's key file")],
    book: Annotated[str, typer.Argument(help="a book's file, or the node's address (default: the node in --dir)")] = "",
    kept: Annotated[Path | None, typer.Option(help="a file that keeps what was seen, for the audit after this")] = None,
    token: Annotated[Path | None, typer.Option(help="a file with her token (default: USUFRUCT_TOKEN)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print what was found as JSON")] = False,
    dir: Directory = HERE,
) -> None:
    """Check that a member is shown every record about her, each as it was made."""
    key = _read(keys, CountingKey.parse)
    before = _read(kept, keeping.parse_kept) if kept is not None and kept.exists() else None
    if book.startswith(("http://", "https://")):
        shown = _fetched(book, token)
    else:
        shown = _read(Path(book), json.loads) if book else _book_of(key.person, dir)
    found = keeping.check(shown, key, verify_signature, SystemClock().now(), before)
    if found.sound and found.keep and kept is not None:
        new = kept.with_name(f"{kept.name}.new")
        _write(new, keeping.kept_text(found.keep))
        new.replace(kept)
    (_tell_json if as_json else _tell)(shown, found)
    if not found.sound:
        raise typer.Exit(1)


def _tell(book: Any, found: Audit) -> None:
    out.print(f"the journal says that there are {found.count} records about you", markup=False)
    rows = [[line.number, line.at[:16].replace("T", " "), line.what, line.fact] for line in lines(book, found)]
    table("", ["no", "when", "what", "fact"], rows, ("no", "fact"))
    waiting = book.get("waiting") if isinstance(book, dict) else None
    if type(waiting) is int and waiting:
        out.print(f"{waiting} more will be counted with the next epoch", markup=False)
    for flaw in found.flaws:
        err.print(flaw.what if flaw.number is None else f"record {flaw.number}: {flaw.what}", markup=False)
    if found.flaws:
        err.print(f"NOT SOUND: {len(found.flaws)} flaw(s)")
    else:
        out.print("sound: every record is there, as it was made")


def _tell_json(book: Any, found: Audit) -> None:
    flaws, records = [asdict(flaw) for flaw in found.flaws], [asdict(line) for line in lines(book, found)]
    typer.echo(json.dumps(
        {"sound": found.sound, "count": found.count, "records": records, "flaws": flaws}, indent=1
    ))  # fmt: skip


def _book_of(party: str, dir: Path) -> dict[str, Any]:
    with doors().open(dir) as node:
        epoch.close_epoch(node)
        return done(epoch.book(node, party) or _unknown("no book was shown", f"there is no person `{party}`"))


def _fetched(url: str, token: Path | None) -> Any:
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query:
        raise BadInput(
            "input.url", "the address carries a secret", "put the token in a file and name it with `--token`"
        )
    secret = _read(token, str.strip) if token else os.environ.get(FROM_ENVIRONMENT, "")
    try:
        return client.connect(url, secret).book()
    except client.Refused as refused:
        raise Fault(refused.code, refused.message, refused.remedy) from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise PeerFault(
            "peer.failed", f"no book came from `{url}`: {error}", "check the address and ask again"
        ) from None


def _read(file: Path, parse: Callable[[str], T]) -> T:
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(
            "input.file", f"`{file}` cannot be read: {error}", "name a file that the node or an audit wrote"
        ) from None


def _write(file: Path, text: str, flags: int = os.O_TRUNC) -> None:
    """For nobody else's eyes."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | flags, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise BadInput("input.file", f"`{file}` cannot be written: {error.strerror}", "name another file") from None


def _unknown(message: str, reason: str, remedy: str = "check the name") -> Refusal:
    return refuse("registry.unknown", message, reason, remedy=remedy)
