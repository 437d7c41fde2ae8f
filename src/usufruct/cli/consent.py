"""`consent`: who asks whom for consent, what she answers, on which conditions, and the receipt she gets.

`receipt verify` needs no node: a file and the node's public key are enough.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import FAULTED, HERE, Directory, command, done, doors, err, group, out, table
from usufruct.core.access.consent_conditions import Conditions, Within
from usufruct.core.access.consent_notice import digest
from usufruct.core.access.facts import ConsentGiven, ObjectionLifted, RequestDeferred, UseObjected
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import refuse
from usufruct.core.rulebook import purposes
from usufruct.node import consent as use_case
from usufruct.node.node import Node
from usufruct.store.keys import verify_signature
from usufruct.wire import consent_receipt

consent = group("Consent: who asks, what a person answers, on which conditions, and her receipt.")
receipt = group("Receipts of a person's words, as ISO/IEC TS 27560 has them.")
consent.add_typer(receipt, name="receipt")

Asset = Annotated[str, typer.Option("--asset", help="the asset")]
Purpose = Annotated[str, typer.Option("--purpose", help="the purpose, and what is narrower")]
Mode = Annotated[str, typer.Option("--mode", help="the furthest form of answer: query, view or store")]
Until = Annotated[str, typer.Option("--until", help="the day on which it ends, as 2027-06-30, or a moment")]
Uses = Annotated[int, typer.Option("--uses", help="how often at most in all (0: no limit)")]
Often = Annotated[str, typer.Option("--often", help="how often at most in a period, as 2/month")]
Rows = Annotated[list[str] | None, typer.Option("--rows", help="only rows with COLUMN=LOW..HIGH or COLUMN=VALUE,VALUE")]
For = Annotated[list[str] | None, typer.Option("--for", help="a recipient: a party, or kind:KIND (default: everybody)")]
By = Annotated[str, typer.Option("--by", help="the guardian who says it for her")]
As = Annotated[str, typer.Option("--as", help="for which party you act")]
_OFTEN = re.compile(r"([0-9]{1,4})/(day|week|month)")


@command(consent, "ask")
def ask(
    asset: str,
    party: As,
    purpose: Purpose,
    text: Annotated[str, typer.Option("--text", help="what it is for, in your own words")],
    mode: Mode = "query",
    until: Until = "",
    uses: Uses = 0,
    often: Often = "",
    rows: Rows = None,
    days: Annotated[int, typer.Option("--days", help="how long it stays open")] = 30,
    member: Annotated[str, typer.Option("--member", help="this member alone; only who keeps her data may")] = "",
    dir: Directory = HERE,
) -> None:
    """Ask the members in an asset for consent to uses of yours."""
    with doors().open(dir) as node:
        conditions = _conditions(node, asset, party, "", mode, until, uses, often, rows, None)
        fact = done(use_case.ask(node, party, asset, purpose, conditions, text, days, member))
    whom = member or f"the members of {asset}"
    out.print(
        f"{fact.request}: asked {whom} for {purposes.label(fact.purpose)}, open until {fact.until[:10]}", markup=False
    )


@command(consent, "sent")
def sent(party: As, dir: Directory = HERE) -> None:
    """What a party asked, and how many answered."""
    with doors().open(dir) as node:
        found = use_case.sent(node, party)
    rows = [[s.request.id, s.request.asset, s.request.purpose, "open" if s.open else "closed", s.told] for s in found]
    table("", ["request", "asset", "purpose", "state", "answers"], rows)


@command(consent, "withdraw")
def withdraw(request: str, party: As, dir: Directory = HERE) -> None:
    """Take a request back; what was answered stays."""
    with doors().open(dir) as node:
        done(use_case.withdraw(node, request, party))
    out.print(f"{request} is withdrawn", markup=False)


@command(consent, "inbox")
def inbox(member: str, by: By = "", dir: Directory = HERE) -> None:
    """Who asks a member for consent, and what she is to read before she answers."""
    with doors().open(dir) as node:
        found = use_case.inbox(node, member, by)
    for asked in found:
        put_off = asked.deferred.until if asked.deferred else None
        later = f", put off until {put_off[:10]}" if put_off else ""
        out.print(f"{asked.request.id}: {asked.who} asks{later}", style="bold", markup=False)
        out.print("\n".join(f"  {line}" for line in asked.notice.splitlines()), markup=False)
        learns = "what you answer, for nobody else is asked" if asked.alone else "how many answered, never who or what"
        out.print(f"  {asked.who} learns {learns}", markup=False)
        out.print(f"  to say yes: --notice {asked.request.notice}", markup=False, soft_wrap=True)
    if not found:
        out.print("nobody asks for anything", markup=False)


@command(consent, "answer")
def answer(
    member: str,
    request: str,
    word: Annotated[str, typer.Argument(metavar="yes|no|later")],
    notice: Annotated[str, typer.Option("--notice", help="for a yes: the digest of the notice that was read")] = "",
    purpose: Annotated[str, typer.Option("--purpose", help="a narrower purpose than was asked for")] = "",
    mode: Mode = "",
    until: Until = "",
    uses: Uses = 0,
    often: Often = "",
    rows: Rows = None,
    days: Annotated[int, typer.Option("--days", help="for later: how long to put it off")] = 7,
    by: By = "",
    dir: Directory = HERE,
) -> None:
    """Answer a request: yes as asked or to less, no, or later."""
    with doors().open(dir) as node:
        asked = next((a.request for a in use_case.inbox(node, member, by) if a.request.id == request), None)
        conditions = None
        if asked is not None and (mode or until or uses or often or rows):
            conditions = _narrowed(node, asked.conditions, asked.asset, member, by, mode, until, uses, often, rows)
        fact, proof = done(use_case.answer(node, request, member, word, notice, purpose, conditions, days, by))
    if isinstance(fact, RequestDeferred):
        out.print(f"{request} is put off until {fact.until[:10]}; fact {proof.index}", markup=False)
        return
    said = f"yes to {purposes.label(fact.purpose)}" if isinstance(fact, ConsentGiven) else "no"
    out.print(f"{member} answered {request}: {said}; word {fact.version}, fact {proof.index}", markup=False)


@command(consent, "give")
def give(
    member: str,
    asset: Asset,
    purpose: Purpose,
    mode: Mode = "store",
    until: Until = "",
    uses: Uses = 0,
    often: Often = "",
    rows: Rows = None,
    recipients: For = None,
    notice: Annotated[str, typer.Option("--notice", help="the digest of the notice that was read")] = "",
    by: By = "",
    dir: Directory = HERE,
) -> None:
    """Consent to uses for a purpose on conditions; without --notice what would be agreed to is shown, and nothing recorded."""
    with doors().open(dir) as node:
        conditions = _conditions(node, asset, member, by, mode, until, uses, often, rows, recipients)
        text = done(use_case.notice(node, asset, member, purpose, conditions, by))
        out.print("\n".join(f"  {line}" for line in text.splitlines()), markup=False)
        if not notice:
            out.print(
                f"nothing is recorded yet; to say yes to this: --notice {digest(text)}", markup=False, soft_wrap=True
            )
            return
        fact, proof = done(use_case.record_word(node, asset, member, purpose, True, conditions, notice, by))
    assert isinstance(fact, ConsentGiven)
    said = f"{member} consents to {purposes.label(fact.purpose)}"
    out.print(f"{said}; word {fact.version}, fact {proof.index}", markup=False)


@command(consent, "refuse")
def refuse_use(
    member: str,
    asset: Asset,
    purpose: Purpose = purposes.ROOT,
    recipient: Annotated[str, typer.Option("--for", help="uses by this party only (default: everybody)")] = "",
    by: By = "",
    dir: Directory = HERE,
) -> None:
    """Refuse uses, by everybody or by one party."""
    conditions = Conditions(recipients=(recipient,)) if recipient else Conditions()
    with doors().open(dir) as node:
        fact, proof = done(use_case.record_word(node, asset, member, purpose, False, conditions, "", by))
    whose = f" to {recipient}" if recipient else ""
    out.print(
        f"{member} refuses {purposes.label(fact.purpose)}{whose}; word {fact.version}, fact {proof.index}", markup=False
    )


@command(consent, "object")
def object_to(
    member: str,
    asset: Asset,
    purpose: Purpose = purposes.ROOT,
    basis: Annotated[str, typer.Option("--basis", help="uses on this legal basis only, as LegitimateInterest")] = "",
    lift: Annotated[bool, typer.Option("--lift", help="take the objection back")] = False,
    by: By = "",
    dir: Directory = HERE,
) -> None:
    """Object to uses on a legal basis, or on any; no consent lifts it."""
    with doors().open(dir) as node:
        fact: UseObjected | ObjectionLifted
        if lift:
            fact, proof = done(use_case.lift_objection(node, asset, member, purpose, basis, by))
        else:
            fact, proof = done(use_case.object_to(node, asset, member, purpose, basis, by))
    does, on = "lifts the objection" if lift else "objects", f" on {basis}" if basis else ""
    out.print(
        f"{member} {does} to {purposes.label(fact.purpose)}{on}; word {fact.version}, fact {proof.index}", markup=False
    )


@command(consent, "words")
def words(member: str, by: By = "", dir: Directory = HERE) -> None:
    """All that a member said, with conditions and status, the newest first."""
    with doors().open(dir) as node:
        found = use_case.words(node, member, by)
    rows = [
        [s.word.asset, s.word.version, s.word.at[:10], s.status, s.word.purpose, "; ".join(s.in_words)] for s in found
    ]
    table("", ["asset", "no", "on", "status", "purpose", "conditions"], rows, ("no",))


@command(receipt, "show")
def show_receipt(
    member: str,
    asset: str,
    version: Annotated[int, typer.Argument(metavar="WORD")],
    to: Annotated[Path | None, typer.Option(help="where to write it (default: the screen)")] = None,
    dir: Directory = HERE,
) -> None:
    """The signed receipt of one word of a member."""
    with doors().open(dir) as node:
        spoken = [s for s in use_case.words(node, member) if (s.word.asset, s.word.version) == (asset, version)]
        if not spoken:
            done(refuse(
                "registry.unknown", "no receipt was given", f"`{member}` said no word {version} on `{asset}`",
                remedy="see `consent words`",
            ))  # fmt: skip
        data = consent_receipt.issue(spoken[0], node.about.origin, f"{node.about.url}/me", node.signer.sign)
    if to is None:
        out.print(data.decode(), markup=False, soft_wrap=True)
        return
    try:
        to.write_bytes(data)
    except OSError as error:
        raise BadInput("input.file", f"`{to}` cannot be written: {error.strerror}", "name another file") from None
    out.print(f"receipt written to {to}", markup=False)


@command(receipt, "verify")
def verify_receipt(file: Path, key: Annotated[str, typer.Option(help="the node's verifier key")]) -> None:
    """Check a consent receipt offline: who signed it, and that its notice is the one that was shown."""
    try:
        found = consent_receipt.verify(file.read_bytes(), key, verify_signature)
        process, notices = found["dpv:hasProcess"][0], found["dpv:hasNotice"]
        status, purpose = process["dpv:hasConsentStatus"][0], process["dpv:hasPurpose"][0]
        what = (
            f"{status['@type'][0]} for {purpose}, word {found['dct:hasVersion']}, of {status['dpv:isIndicatedAtTime']}"
        )
    except (ValueError, OSError, KeyError, IndexError, TypeError) as error:
        err.print(f"NOT GOOD: {error}", markup=False)
        raise typer.Exit(FAULTED) from None
    out.print(f"good: {what}", markup=False)
    for condition in process["usufruct:condition"]:
        out.print(f"  only {condition}", markup=False)
    for notice in notices:
        out.print("\n".join(f"  | {line}" for line in notice["dct:description"].splitlines()), markup=False)


@command(consent, "appoint")
def appoint(
    guardian: str,
    ward: str,
    until: Annotated[str, typer.Option(help="her majority, or the day it ends")],
    evidence: Annotated[str, typer.Option(help="where the appointment can be seen")],
    dir: Directory = HERE,
) -> None:
    """Record a guardian, who speaks for a person until a day."""
    with doors().open(dir) as node:
        fact = done(use_case.appoint(node, guardian, ward, parse_instant(until), evidence))
    out.print(f"{guardian} speaks for {ward} until {fact.until[:10]}", markup=False)


@command(consent, "relieve")
def relieve(
    guardian: str,
    ward: str,
    evidence: Annotated[str, typer.Option(help="where the decision can be seen")],
    dir: Directory = HERE,
) -> None:
    """Record that a guardian speaks for a person no more; the consents he gave count no more."""
    with doors().open(dir) as node:
        done(use_case.relieve(node, guardian, ward, evidence))
    out.print(f"{guardian} no longer speaks for {ward}", markup=False)


@command(consent, "share")
def share(
    asset: str,
    members: list[str],
    evidence: Annotated[str, typer.Option(help="how it is known that their records are about all of them")],
    dir: Directory = HERE,
) -> None:
    """Record that the records of some members are about all of them: any one's no is everybody's."""
    with doors().open(dir) as node:
        done(use_case.share_records(node, asset, members, evidence))
    out.print(f"{', '.join(members)}: none of their records in {asset} is used unless each lets it be", markup=False)


def _conditions(
    node: Node, asset: str, party: str, by: str, mode: str, until: str, uses: int, often: str, rows: list[str] | None,
    recipients: list[str] | None,
) -> Conditions:  # fmt: skip
    frequency, per = _often(often)
    return Conditions(
        mode, parse_instant(until) if until else END_OF_TIME, uses, frequency, per,
        tuple(_rows(node, asset, party, by, text) for text in rows or ()), tuple(recipients or ()),
    )  # fmt: skip


def _narrowed(
    node: Node, asked: Conditions, asset: str, party: str, by: str, mode: str, until: str, uses: int, often: str,
    rows: list[str] | None,
) -> Conditions:  # fmt: skip
    """What was asked, with what was typed in its place; whether that is less is for the rules to say."""
    frequency, per = _often(often) if often else (asked.frequency, asked.per)
    return Conditions(
        mode or asked.mode, parse_instant(until) if until else asked.until, uses or asked.uses, frequency, per,
        tuple(_rows(node, asset, party, by, text) for text in rows) if rows else asked.rows, asked.recipients,
        asked.agreements,
    )  # fmt: skip


def _often(text: str) -> tuple[int, str]:
    found = _OFTEN.fullmatch(text)
    if text and not found:
        raise BadInput("input.conditions", f"`{text}` does not say how often", "write it as 1/day, 3/week or 2/month")
    return (int(found[1]), found[2]) if found else (0, "")


def _rows(node: Node, asset: str, party: str, by: str, text: str) -> Within:
    column, equals, wanted = text.partition("=")
    if not equals or not wanted:
        raise BadInput(
            "input.conditions", f"`{text}` does not say which rows", "write it as year=2021..2024 or site=a,b"
        )
    low, between, high = wanted.partition("..")
    values = () if between else tuple(wanted.split(","))
    return done(use_case.within(node, asset, party, by, column, low if between else "", high, values))
