"""May this worker have this job? One rule after another, and the first that says no is kept.

The order is published and always the same, so that the reason somebody reads is the one that decided. What she said of
herself comes first, for it is hers to change: her refusals, places, times, floor. Then what the job asks for, what she has
agreed to already, and last the gates: what other areas know of her (hours left, an account that a person restricted). A
gate is handed in by the node, so that this file need not know who watches what.

In a round every pair of a worker and a job that she wished for is asked. Who takes a job herself decides now, and what she
said of herself before does not stand in her way; it binds an agent that takes one for her.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant, moment
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.registry.state import Party
from usufruct.core.work.facts import JobTerms, Span
from usufruct.core.work.skills.state import held
from usufruct.core.work.state import Availability, JobAgreement
from usufruct.core.work.terms import hourly, meet, minutes_between

FILTERS = {
    "own": "a job is not for whoever posted it",
    "kind": "a job says which kinds of parties may take it",
    "refused": "what a worker said she does not do: a job, a poster, a condition",
    "place": "the places where a worker would work",
    "window": "the times when a worker would work",
    "floor": "the least for which a worker would work, an hour",
    "week": "the most that a worker would work in a week, Monday to Sunday (UTC)",
    "skills": "what a worker must have shown that she can",
    "overlap": "what a worker has agreed to already, in the window of the job",
    "gate": "what else is watched: hours left, accounts that a person restricted",
}
"""Every rule that can take a worker and a job apart, in the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Why:
    """The first rule, a key of `FILTERS`, that says no, and how in words."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A job as a filter sees it: its id, who posted it, and on what terms."""

    job: str
    poster: str
    terms: JobTerms


Gate = Callable[[Reader, str, Offered, Instant], str | None]
"""Says in words why a party may not have a job at an instant, or nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker as a filter sees her: what she said of herself (None: nothing), what she has agreed to and still stands, and
    the skills that she has shown."""

    party: Party
    said: Availability | None
    agreed: tuple[JobAgreement, ...]
    skills: frozenset[str]


def candidate(read: Reader, party: Party, at: Instant) -> Candidate:
    """What a filter needs to know of a worker."""
    agreed = tuple(row for row in read.list(JobAgreement, worker=party.id) if not row.ended and at < row.terms.ends)
    return Candidate(party, read.get(Availability, party.id), agreed, held(read, party.id, at))


def first_no(
    read: Reader, who: Candidate, job: Offered, at: Instant, gates: Sequence[Gate], herself: bool = False
) -> Why | None:
    """The first rule that keeps a worker from a job; None if she may have it. `herself`: she asks for it now, and what she
    said of herself before does not count."""
    return (
        _kind(who, job)
        or (None if herself else _said(who, job))
        or _unskilled(who, job.terms)
        or _busy(who, job.terms)
        or _gated(read, who, job, at, gates)
    )


def _kind(who: Candidate, job: Offered) -> Why | None:
    if who.party.id == job.poster:
        return Why("own", "you posted it yourself")
    if who.party.kind not in job.terms.takers:
        return Why("kind", f"it is for {_listed(job.terms.takers)}, and you are registered as {who.party.kind}")
    return None


def _said(who: Candidate, job: Offered) -> Why | None:
    said, terms = who.said, job.terms
    if said is None:
        return None
    refusals = (f"job:{job.job}", f"by:{job.poster}", *(f"condition:{name}" for name in terms.conditions))
    refused = next((name for name in refusals if name in said.refusals), None)
    if refused is not None:
        return Why("refused", f"you said that you do not do `{refused}`")
    if said.places and terms.place not in said.places:
        return Why("place", f"it is at `{terms.place}`, and you said {_listed(said.places)}")
    if not any(_room(span, terms) >= terms.minutes for span in said.spans):
        return Why("window", f"its {terms.minutes} minutes do not fit into the times that you said")
    if hourly(terms) < said.hourly_floor:
        offered, floor = Money(hourly(terms), terms.pay.currency), Money(said.hourly_floor, terms.pay.currency)
        return Why("floor", f"it pays {offered} an hour, and you said {floor} at least")
    week = sum(row.terms.minutes for row in who.agreed if _week(row.terms.starts) == _week(terms.starts))
    if said.minutes_max and week + terms.minutes > said.minutes_max:
        return Why("week", f"with it you would work {week + terms.minutes} minutes that week, and you said "
                   f"{said.minutes_max} at most")  # fmt: skip
    return None


def first_no_but_skills(who: Candidate, job: Offered) -> Why | None:
    """The first rule that keeps a worker from a job whatever skills she had, before the gates: who asks which skill would open
    most jobs to her looks past that one rule, and past no other."""
    return _kind(who, job) or _said(who, job) or _busy(who, job.terms)


def _unskilled(who: Candidate, terms: JobTerms) -> Why | None:
    missing = [skill for skill in terms.skills if skill not in who.skills]
    if missing:
        return Why("skills", f"it asks for {_listed(missing)}, and you hold no such skill")
    return None


def _busy(who: Candidate, terms: JobTerms) -> Why | None:
    busy = next((row for row in who.agreed if meet(row.terms, terms)), None)
    if busy is not None:
        return Why("overlap", f"you have `{busy.id}` from {busy.terms.starts[:16]} to {busy.terms.ends[:16]}")
    return None


def _gated(read: Reader, who: Candidate, job: Offered, at: Instant, gates: Sequence[Gate]) -> Why | None:
    for gate in gates:
        said = gate(read, who.party.id, job, at)
        if said is not None:
            return Why("gate", said)
    return None


def _room(span: Span, terms: JobTerms) -> int:
    start, end = max(span.start, terms.starts), min(span.end, terms.ends)
    return minutes_between(start, end) if start < end else 0


def _week(at: Instant) -> tuple[int, int]:
    year, week, _ = moment(at).isocalendar()
    return year, week


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
