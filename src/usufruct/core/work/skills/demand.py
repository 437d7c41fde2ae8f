"""What the open jobs ask for: by skill and place, and for one worker *one certificate away from N more jobs*.

The last is worked out by dropping one filter: of the open jobs that she could take but for skills, which would she get if she
held one thing more? That thing may be a skill that a job asks for, or a part that completes a stack. Jobs are put
together by what she lacks for them, so that a certificate is tried on a few hundred sets and not on all jobs.

Figures for everybody say nothing about anybody: what fewer than so many persons hold, or fewer than so many seats ask for,
is not shown, and persons are counted in steps of as many, so that one who comes or goes is seldom seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.registry.credentials import Credential
from usufruct.core.registry.state import Party
from usufruct.core.work.filters import Offered, candidate, first_no_but_skills
from usufruct.core.work.skills import state as skills
from usufruct.core.work.skills.state import Holding, StackRule
from usufruct.core.work.state import Availability, Job, free_jobs
from usufruct.core.work.terms import hourly


def median(values: Iterable[int]) -> int | None:
    """The middle one, or the lower of the two in the middle; None of none."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] if ordered else None


# ---- one certificate away


@dataclass(frozen=True, slots=True)
class Step:
    """One certificate more, for `skill`: it opens `jobs` more jobs, which pay `hourly` minor units an hour in the middle (None:
    none of them pays in the currency of the node). `gains` is what she would hold then and does not yet: the skill, and what
    it completes."""

    skill: str
    label: str
    jobs: int
    hourly: int | None
    gains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lacking:
    """Open jobs by what a worker lacks for them; nothing, for those that she can take now. Pay counts that is in `currency`."""

    jobs: Mapping[frozenset[str], Sequence[Job]]
    currency: str

    @property
    def now(self) -> int:
        """How many jobs she can take as it is."""
        return len(self.jobs.get(frozenset(), ()))

    def pays(self, lacks: frozenset[str]) -> Iterator[int]:
        """What the jobs for which she lacks just this pay an hour."""
        return (hourly(job.terms) for job in self.jobs[lacks] if job.terms.pay.currency == self.currency)


def lacking(jobs: Iterable[Job], has: frozenset[str], currency: str) -> Lacking:
    """Jobs put together by what somebody who holds `has` lacks for them."""
    found: dict[frozenset[str], list[Job]] = {}
    same: dict[tuple[str, ...], list[Job]] = {}  # many jobs ask for the same
    for job in jobs:
        wants = job.terms.skills
        put = same.get(wants)
        if put is None:
            put = same[wants] = found.setdefault(frozenset(wants) - has, [])
        put.append(job)
    return Lacking(found, currency)


def one_away(
    lacks: Lacking, has: dict[str, Holding], rules: Sequence[StackRule], at: Instant
) -> dict[str, tuple[int, int | None, frozenset[str]]]:
    """For each certificate that would open a job: how many, the median pay, and what would be held more."""
    by_least: dict[str, list[frozenset[str]]] = defaultdict(list)  # a set lies within gains only if its least is a gain
    for each in lacks.jobs:
        if each:
            by_least[min(each)].append(each)
    wanted = frozenset().union(*lacks.jobs)
    found = {}
    for skill in candidates(wanted, rules, frozenset(has)):
        gains = gained(has, skill, rules, at)
        opened = [each for gain in gains for each in by_least.get(gain, ()) if each <= gains]
        jobs = sum(len(lacks.jobs[each]) for each in opened)
        if jobs:
            found[skill] = (jobs, median(pay for each in opened for pay in lacks.pays(each)), gains)
    return found


def candidates(wanted: frozenset[str], rules: Sequence[StackRule], has: frozenset[str]) -> list[str]:
    """What a certificate could be for: what is wanted, and what stacks make that of, down to their parts."""
    found, layer = set(wanted), set(wanted)
    while layer:
        layer = {part for rule in rules if rule.skill in layer for part in rule.parts} - found
        found |= layer
    return sorted(found - has)


def gained(has: dict[str, Holding], skill: str, rules: Sequence[StackRule], at: Instant) -> frozenset[str]:
    """What somebody would hold more with a certificate for `skill`."""
    then = skills.stacked({**has, **skills.supposed([skill], at)}, rules, at)
    return frozenset(then) - frozenset(has)


def suited(read: Reader, party: str, jobs: Iterable[Job], at: Instant) -> Iterator[Job]:
    """The jobs that a party would be considered for if it had all skills: by the rules that rounds and takings ask too."""
    row = read.get(Party, party)
    if row is None:
        return
    who = candidate(read, row, at)
    for job in jobs:
        if first_no_but_skills(who, Offered(job.id, job.by, job.terms)) is None:
            yield job


def away(read: Reader, party: str, at: Instant, currency: str) -> tuple[Lacking, list[Step]]:
    """What a worker could take now, and which one certificate would open most, the best first: by jobs, then by pay."""
    has, rules = skills.holdings(read, party, at), skills.rules_of(read)
    lacks = lacking(suited(read, party, free_jobs(read, at), at), frozenset(has), currency)
    steps = [
        Step(skill, skills.label_of(read, skill), jobs, pay, tuple(sorted(gains)))
        for skill, (jobs, pay, gains) in one_away(lacks, has, rules, at).items()
    ]
    return lacks, sorted(steps, key=lambda step: (-step.jobs, -(step.hourly or 0), step.label, step.skill))


# ---- figures


@dataclass(frozen=True, slots=True)
class Figure:
    """What everybody may read of a skill: how many `seats` of open jobs ask for it, what they pay an hour in the middle, in
    minor units, and how many `persons` hold it, rounded down to a step. None: too few to be shown."""

    skill: str
    label: str
    seats: int | None
    hourly: int | None
    persons: int | None


def figures(read: Reader, at: Instant, currency: str, least: int) -> list[Figure]:
    """Demand and supply by skill, most wanted first; without what has nothing to show."""
    asked: Counter[str] = Counter()
    pays: dict[str, list[int]] = defaultdict(list)
    for job in free_jobs(read, at):
        for skill in job.terms.skills:
            asked[skill] += job.terms.seats - job.taken
            if job.terms.pay.currency == currency:
                pays[skill].append(hourly(job.terms))
    has: Counter[str] = Counter()
    for _, holds in holders(read, at):
        has.update(holds)
    found = []
    for skill in {*asked, *has}:
        seats = asked[skill] if asked[skill] >= least else None
        persons = has[skill] // least * least if has[skill] >= least else None
        pay = median(pays[skill]) if seats is not None and len(pays[skill]) >= least else None
        if seats is not None or persons is not None:
            found.append(Figure(skill, skills.label_of(read, skill), seats, pay, persons))
    return sorted(found, key=lambda one: (-(one.seats or 0), -(one.persons or 0), one.label, one.skill))


def holders(read: Reader, at: Instant) -> Iterator[tuple[str, frozenset[str]]]:
    """Every party that has shown something, with the skills that it holds."""
    for party in dict.fromkeys(row.party for row in read.list(Credential, ended="")):
        yield party, skills.held(read, party, at)


@dataclass(frozen=True, slots=True)
class Gap:
    """At a `place`, so many `seats` of open jobs ask for a skill, and so many `persons` hold it and would work there."""

    place: str
    skill: str
    label: str
    seats: int
    persons: int

    @property
    def short(self) -> int:
        """How many are missing."""
        return max(0, self.seats - self.persons)


def gaps(read: Reader, at: Instant) -> list[Gap]:
    """Where skills are missing for open jobs, most first; for whoever decides what training is paid, not for the public."""
    seats: Counter[tuple[str, str]] = Counter()
    for job in free_jobs(read, at):
        for skill in job.terms.skills:
            seats[job.terms.place, skill] += job.terms.seats - job.taken
    places = {place for place, _ in seats}
    there: Counter[tuple[str, str]] = Counter()
    for party, holds in holders(read, at):
        said = read.get(Availability, party)
        for place in places if said is None or not said.places else places & set(said.places):
            there.update((place, skill) for skill in holds)
    found = [
        Gap(place, skill, skills.label_of(read, skill), asked, there[place, skill])
        for (place, skill), asked in seats.items()
    ]
    return sorted((one for one in found if one.short), key=lambda one: (-one.short, one.place, one.label, one.skill))
