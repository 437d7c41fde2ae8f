"""Findings: what the check of hours and conditions found about one worker, her appeals, and what was done to her account.

The same thing is found once. A rule that looks at whole days or weeks finds the same where it begins at the same moment; any
other where its time touches that of a finding, for the run or the day that was too long may have gone on since.

A machine finds, and stops dispatch for as long as a limit lasts: that ends by itself. To restrict, suspend or end an account
is another matter. A person signs it, gives reasons in plain words and names a human contact, on the day on which it takes
effect; the worker can appeal, and is answered within a term (Directive (EU) 2024/2831, articles 10 and 11). An answer that
upholds the appeal takes back what it was about.

All of it is about one worker, so her key seals it. It goes with her when she is erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import END_OF_TIME, Instant, later
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import OfParty
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Party
from usufruct.core.rulebook.parameters import Rulebook
from usufruct.core.work.hours.limits import Finding, Stop
from usufruct.core.work.state import JobAgreement, Shift, Work

MADE, APPEALED, LIFTED, KEPT = "made", "appealed", "lifted", "kept"
OPEN, UPHELD, REJECTED = "open", "upheld", "rejected"
RESTRICTIONS = {
    "restricted": "she is offered fewer jobs, or not all kinds",
    "suspended": "she is offered no jobs for a time",
    "ended": "she is offered no jobs any more",
}
WORDS_MAX = 2_000  # characters of a reason
CALENDAR = ("rest-weekly", "hours-day", "hours-week")
"""Shapes whose findings begin with a day or a week, so two of one rule may share days."""


@dataclass(frozen=True, slots=True)
class FindingMade(OfParty, Fact):
    """The check `found` that a rule was broken in the work of `party`. She can appeal `until` then."""

    KIND = "finding.made/1"
    finding: str
    party: str
    found: Finding
    until: Instant
    person: bool = False


@dataclass(frozen=True, slots=True)
class FindingAppealed(OfParty, Fact):
    """`party` says that a finding about her, or a restriction of her account, is wrong, and why. It is to be answered `until`
    then. `of` is the finding or the restriction."""

    KIND = "finding.appealed/1"
    of: str
    party: str
    reason: str
    until: Instant
    person: bool = False


@dataclass(frozen=True, slots=True)
class AppealAnswered(OfParty, Fact):
    """What became of an appeal, and why; a person decided it. `upheld`: the finding is lifted, or the account restored.
    Otherwise she can `turn_to` somebody else."""

    KIND = "appeal.answered/1"
    of: str
    party: str
    upheld: bool
    reasons: str
    by: str
    turn_to: str = ""
    person: bool = False


@dataclass(frozen=True, slots=True)
class DispatchStopped(OfParty, Fact):
    """At a limit no more work is sent to `party` by `operator`. It ends by itself, `until` then."""

    KIND = "dispatch.stopped/1"
    party: str
    operator: str
    rule: str
    words: str
    until: Instant
    person: bool = False


@dataclass(frozen=True, slots=True)
class AccountRestricted(OfParty, Fact):
    """A person decided that the account of `party` at `operator` is restricted, suspended or ended: a `kind` of
    `RESTRICTIONS`, from now `until` then. `reasons` say why, in plain words; `contact` is whom she can talk to; she can
    appeal until `appeal_until`."""

    KIND = "account.restricted/1"
    restriction: str
    party: str
    operator: str
    kind: str
    reasons: str
    contact: str
    by: str
    appeal_until: Instant
    until: Instant = END_OF_TIME
    person: bool = False


@dataclass(frozen=True, slots=True)
class AccountRestored(OfParty, Fact):
    """A restriction of an account counts no more, and `why`."""

    KIND = "account.restored/1"
    restriction: str
    party: str
    why: str
    by: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class MadeFinding(Row):
    """A finding as it `stands`; see `FindingMade`. `seq` is that of the last fact about it."""

    KEY = ("id",)
    INDEXED = ("party", "stands")
    id: str
    party: str
    found: Finding
    at: Instant
    until: Instant
    seq: int
    stands: str = MADE


@dataclass(frozen=True, slots=True)
class Appeal(Row):
    """An appeal as it `stands`; see `FindingAppealed`. There is one for each finding and restriction."""

    KEY = ("of",)
    INDEXED = ("party", "stands")
    of: str
    party: str
    reason: str
    at: Instant
    until: Instant
    seq: int
    stands: str = OPEN
    reasons: str = ""
    turn_to: str = ""
    answered: Instant | None = None


@dataclass(frozen=True, slots=True)
class DispatchStop(Row):
    """The last stop of dispatch for a worker by a rule; see `DispatchStopped`."""

    KEY = ("party", "operator", "rule")
    INDEXED = ("party",)
    party: str
    operator: str
    rule: str
    words: str
    since: Instant
    until: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class Restriction(Row):
    """A restriction of an account; see `AccountRestricted`. It counts until `until`, or until it was restored."""

    KEY = ("id",)
    INDEXED = ("party", "operator")
    id: str
    party: str
    operator: str
    kind: str
    reasons: str
    contact: str
    by: str
    since: Instant
    until: Instant
    appeal_until: Instant
    seq: int
    restored: str = ""


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about findings changes. What a fact is about is gone if she was erased, and stays gone."""
    match entry.fact:
        case FindingMade() as fact:
            yield MadeFinding(fact.finding, fact.party, fact.found, entry.at, fact.until, entry.seq)
        case FindingAppealed() as fact:
            yield Appeal(fact.of, fact.party, fact.reason, entry.at, fact.until, entry.seq)
            yield from _standing(read, fact.of, APPEALED, entry.seq)
        case AppealAnswered() as fact:
            appeal = read.get(Appeal, fact.of)
            if appeal is not None:
                yield replace(
                    appeal, stands=UPHELD if fact.upheld else REJECTED, reasons=fact.reasons, turn_to=fact.turn_to,
                    answered=entry.at, seq=entry.seq,
                )  # fmt: skip
            yield from _standing(read, fact.of, LIFTED if fact.upheld else KEPT, entry.seq)
        case DispatchStopped() as fact:
            yield DispatchStop(fact.party, fact.operator, fact.rule, fact.words, entry.at, fact.until, entry.seq)
        case AccountRestricted() as fact:
            yield Restriction(
                fact.restriction, fact.party, fact.operator, fact.kind, fact.reasons, fact.contact, fact.by, entry.at,
                fact.until, fact.appeal_until, entry.seq,
            )  # fmt: skip
        case AccountRestored() as fact:
            row = read.get(Restriction, fact.restriction)
            if row is not None:
                yield replace(row, restored=fact.why, until=min(row.until, entry.at), seq=entry.seq)
        case _:
            return


def _standing(read: Reader, of: str, stands: str, seq: int) -> Iterator[Row]:
    row = read.get(MadeFinding, of)
    if row is not None:
        yield replace(row, stands=stands, seq=seq)


# ---- finding


def unmade(read: Reader, party: str, found: Iterable[Finding]) -> list[Finding]:
    """Those findings about a worker that were not made before."""
    there = [row.found for row in read.list(MadeFinding, party=party)]
    new: list[Finding] = []
    for one in found:
        if not any(_same(one, other) for other in (*there, *new)):
            new.append(one)
    return new


def _same(one: Finding, other: Finding) -> bool:
    if (one.rule, one.operator) != (other.rule, other.operator):
        return False
    if one.shape == "promised":
        return (one.start, one.words) == (other.start, other.words)
    if one.shape in CALENDAR:
        return one.start == other.start
    return one.start <= other.end and other.start <= one.end


def make(read: Reader, party: str, found: Finding, number: int, rulebook: Rulebook, at: Instant) -> FindingMade:
    """The fact of a finding, with the day until which she can appeal."""
    until = later(at, days=rulebook.value("hours.appeal-days", at))
    return FindingMade(numbered("finding", number), party, found, until, is_person(read, party))


def is_person(read: Reader, party: str) -> bool:
    """Whether what is about a party is sealed with her key."""
    row = read.get(Party, party)
    return row is not None and row.kind == "person" and row.key_slot is not None


def stop(read: Reader, party: str, operator: str, found: Stop) -> DispatchStopped | None:
    """The fact that dispatch stops for a worker; None if one is told that lasts as long, or if there is no end in sight."""
    row = read.get(DispatchStop, party, operator, found.rule)
    if found.until is None or (row is not None and found.until <= row.until):
        return None
    return DispatchStopped(party, operator, found.rule, found.words, found.until, is_person(read, party))


# ---- appeals


def appeal(
    read: Reader, of: str, party: str, reason: str, rulebook: Rulebook, at: Instant
) -> FindingAppealed | Refusal:
    """A worker's appeal against a finding about her, or a restriction of her account.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    not_done = "your appeal was not recorded"
    about = read.get(MadeFinding, of) or read.get(Restriction, of)
    if about is None or about.party != party:
        return refuse(
            "registry.unknown", not_done, f"there is no finding or restriction `{of}` about you",
            remedy="take it from the list of your findings",
        )  # fmt: skip
    until = about.until if isinstance(about, MadeFinding) else about.appeal_until
    if at > until:
        return refuse(
            "hours.appeal", not_done, f"appeals against it could be made until {until[:10]}",
            remedy="turn to a court, your union or the labour authority",
        )  # fmt: skip
    if read.get(Appeal, of) is not None:
        return refuse(
            "hours.appeal",
            not_done,
            "you appealed against it already",
            remedy="wait for the answer, or turn to whom it names",
        )
    answer_by = later(at, days=rulebook.value("hours.answer-days", at))
    return FindingAppealed(of, party, _words(reason, "an appeal says what is wrong"), answer_by, is_person(read, party))


def answer(
    read: Reader, of: str, upheld: bool, reasons: str, turn_to: str, by: str, operator: str
) -> tuple[AppealAnswered | AccountRestored, ...] | Refusal:
    """The answer to an appeal: by the `operator` of the node, or by the operator of the platform that restricted the account.
    An appeal that is upheld against a restriction restores the account.

    Raises:
        BadInput: no reasons are given, or very long ones.
    """
    not_done = "the appeal was not answered"
    row, restriction = read.get(Appeal, of), read.get(Restriction, of)
    if row is None or row.stands != OPEN or by not in (operator, restriction.operator if restriction else operator):
        return refuse(
            "registry.unknown", not_done, f"there is no appeal against `{of}` that waits for your answer",
            remedy="look at the list of open appeals",
        )  # fmt: skip
    said, person = _words(reasons, "an answer has reasons"), is_person(read, row.party)
    if not upheld and not turn_to.strip():
        return refuse(
            "hours.appeal", not_done, "who is told no is told whom she can turn to",
            remedy="name a court, a union or the labour authority",
        )  # fmt: skip
    to = "" if upheld else _words(turn_to, "somebody")
    answered = AppealAnswered(of, row.party, upheld, said, by, to, person)
    if upheld and restriction is not None and not restriction.restored:
        return answered, AccountRestored(of, row.party, said, by, person)
    return (answered,)


# ---- accounts


def restrict(
    read: Reader, number: int, worker: str, platform: str, kind: str, reasons: str, contact: str, until: Instant,
    by: str, operator: str, rulebook: Rulebook, at: Instant,
) -> AccountRestricted | Refusal:  # fmt: skip
    """A worker's account at a `platform` is restricted, suspended or ended, by the platform itself or by the `operator` of the
    node. Only who worked there has one. That a person signs it is seen to by whoever calls.

    Raises:
        BadInput: no reasons or no contact are given, or very long ones.
    """
    not_done = "the account was not changed"
    who = find_party(read, worker)
    if who is None or by not in (platform, operator) or not works_for(read, who.id, platform):
        return refuse(
            "registry.unknown", not_done, f"there is no worker `{worker}` at `{platform}`, or her account is not yours to change",
            remedy="take her name from your list of workers",
        )  # fmt: skip
    if kind not in RESTRICTIONS or until <= at:
        return refuse(
            "hours.restricted", not_done, f"an account is {', '.join(RESTRICTIONS)}, and until a later day",
            remedy="say which of them, and until when",
        )  # fmt: skip
    said, whom = _words(reasons, "who is restricted is told why"), _words(contact, "she is told whom she can talk to")
    return AccountRestricted(
        numbered("restriction", number), who.id, platform, kind, said, whom, by,
        later(at, days=rulebook.value("hours.appeal-days", at)), until, is_person(read, who.id),
    )  # fmt: skip


def works_for(read: Reader, worker: str, platform: str) -> bool:
    """Whether a worker ever agreed on a job with a platform, or was on a shift or at work there."""
    return (
        any(row.poster == platform for row in read.list(JobAgreement, worker=worker))
        or any(row.operator == platform for row in read.list(Shift, worker=worker))
        or any(row.operator == platform for row in read.list(Work, worker=worker))
    )


def restore(read: Reader, restriction: str, why: str, by: str, operator: str, at: Instant) -> AccountRestored | Refusal:
    """A restriction counts no more.

    Raises:
        BadInput: it is not said why.
    """
    row = read.get(Restriction, restriction)
    if row is None or row.restored or at >= row.until or by not in (row.operator, operator):
        return refuse(
            "registry.unknown", "the account was not restored",
            f"there is no restriction `{restriction}` that counts, or it is not yours to end",
            remedy="look at the list of restrictions",
        )  # fmt: skip
    return AccountRestored(restriction, row.party, _words(why, "it is said why"), by, is_person(read, row.party))


def restricted(read: Reader, party: str, operator: str, at: Instant) -> Refusal | None:
    """Why no work is sent to a worker by an operator: her account there is suspended or ended."""
    for row in read.list(Restriction, party=party, operator=operator):
        if row.kind != "restricted" and row.since <= at < row.until:
            until = "" if row.until == END_OF_TIME else f" until {row.until[:10]}"
            return refuse(
                "hours.restricted", "this cannot be started now",
                f"the account at `{operator}` is {row.kind}{until}: {row.reasons}",
                remedy=f"talk to {row.contact}, or appeal against `{row.id}` until {row.appeal_until[:10]}",
            )  # fmt: skip
    return None


def _words(text: str, what: str) -> str:
    said = holdable(text.strip())
    if not said:
        raise BadInput("input.appeal", what, "write it in a sentence or two")
    if len(said) > WORDS_MAX:
        raise BadInput("input.appeal", f"the text is longer than {WORDS_MAX} characters", "shorten it")
    return said
