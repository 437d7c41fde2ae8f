"""What a round's rule may look at, put together from the state when wishes close: the instance.

Who takes part is who said what she wishes; nobody is given a job that she did not name. Each worker stands in the instance
under a number that is drawn for this round: 16 hexadecimal digits, from a salt that is thrown away. It does not lead to her,
nor from one round to the next, and since it cannot be guessed, the digest of the instance tells nothing either.

Every pair of a worker and a job that she wished for either could be, with one value from 0 to 1000 for each part of the score,
or is kept apart by the first rule that says no (`filters`). The instance says which rule that was, and no more; how it came to
it, with her own figures, is in the fact that she alone can read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant, moment
from usufruct.core.base.records import Reader
from usufruct.core.registry.state import Party
from usufruct.core.work.allocation import instance as allocation
from usufruct.core.work.allocation.instance import Filtered, Instance
from usufruct.core.work.allocation.rule import VALUE_MAX, graded, wished
from usufruct.core.work.facts import JobTerms
from usufruct.core.work.filters import FILTERS, Candidate, Gate, Offered, candidate, first_no
from usufruct.core.work.hours.measured import engaged_ms
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.rounds.state import KeptFrom, Round, RoundEntered
from usufruct.core.work.state import OPEN, Job, JobAgreement, Wishes, Work
from usufruct.core.work.terms import hourly

WAITING_DAYS_MAX = 30
NUMBER_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Entering:
    """A worker of the round: her number, her wishes that are still there, and what the score may know of her: what she
    `earned` an hour so far, in minor units, and the days that she `waited`."""

    number: str
    who: Candidate
    wishes: tuple[str, ...]
    earned: int
    waited: int


@dataclass(frozen=True, slots=True)
class Assembled:
    """The instance, and for each worker of the round the fact that tells her number and what she was kept from."""

    instance: Instance
    entered: tuple[RoundEntered, ...]


def assemble(read: Reader, row: Round, salt: bytes, at: Instant, gates: Sequence[Gate]) -> Assembled:
    """The instance of a round as the state is at `at`. `salt` is 32 random bytes, to be kept nowhere."""
    jobs = {job.id: job for job in read.list(Job, round=row.id) if job.stands == OPEN}
    entering = [one for wishes in read.list(Wishes, round=row.id) if (one := _entering(read, wishes, jobs, salt, at))]
    scale = _scale(jobs.values(), entering)
    candidates, filtered, entered = [], [], []
    for one in entering:
        kept_from = []
        for rank, name in enumerate(one.wishes, 1):
            job = jobs[name]
            no = first_no(read, one.who, Offered(job.id, job.by, job.terms), at, gates)
            if no is None:
                values = tuple(scale.value(part.name, one, job.terms, rank) for part in row.rule.parts)
                candidates.append(allocation.Candidate(one.number, name, rank, values))
            else:
                filtered.append(Filtered(one.number, name, no.rule, FILTERS[no.rule]))
                kept_from.append(KeptFrom(name, no.rule, no.words))
        who = one.who.party
        entered.append(RoundEntered(who.id, row.id, one.number, tuple(kept_from), who.kind == "person"))
    seats = {job.id: job.terms.seats - job.taken for job in jobs.values() if job.taken < job.terms.seats}
    made = allocation.build(
        row.id, row.rule, seats, candidates, filtered, row.commitments, (one.number for one in entering)
    )
    return Assembled(made, tuple(entered))


def _entering(read: Reader, wishes: Wishes, jobs: dict[str, Job], salt: bytes, at: Instant) -> Entering | None:
    party = read.get(Party, wishes.party)
    named = tuple(name for name in wishes.jobs if name in jobs and jobs[name].taken < jobs[name].terms.seats)
    if party is None or not named:
        return None
    number = hashlib.sha256(salt + party.id.encode()).hexdigest()[:NUMBER_DIGITS]
    return Entering(number, candidate(read, party, at), named, earned_hourly(read, party.id), _waited(read, party, at))


def earned_hourly(read: Reader, worker: str) -> int:
    """What a worker earned an engaged hour so far, before tips and floors, in minor units, rounded down; 0 before her first
    work. Orders that were carried together count their time once."""
    done = list(read.list(Work, worker=worker))
    time = engaged_ms(span for work in done for span in work.engaged)
    return sum(work.gross - work.fee for work in done) * HOUR // time if time else 0


def _waited(read: Reader, party: Party, at: Instant) -> int:
    since = max((row.since for row in read.list(JobAgreement, worker=party.id)), default=party.since)
    return max((moment(at) - moment(since)).days, 0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Between which ends the parts of the score lie in this round, in minor units an hour: what the jobs pay, least and most,
    and the most that a worker of it earned so far."""

    least: int
    most: int
    earned: int

    def value(self, part: str, one: Entering, terms: JobTerms, rank: int) -> int:
        """What a part of the score is worth for a worker and a job that is the `rank`-th of her wishes: 0 to 1000.

        - `pay`: what the job pays an hour, from the least of the round's jobs (0) to the most (1000);
        - `fairness`: what she earned an hour so far, from the most of the round's workers (0) to nothing (1000);
        - `wish`: her first wish 1000, then down in equal steps;
        - `near`: 1000 at a place that she named, 0 elsewhere;
        - `skill`: the share of her skills that the job asks for;
        - `waiting`: days since her last job agreement, or since she was registered, from 0 (0) to 30 and more (1000).
        """
        match part:
            case "pay":
                return graded(hourly(terms), self.least, self.most)
            case "fairness":
                return graded(one.earned, self.earned, 0)
            case "wish":
                return wished(rank, len(one.wishes))
            case "near":
                return VALUE_MAX if one.who.said is not None and terms.place in one.who.said.places else 0
            case "skill":
                return len(terms.skills) * VALUE_MAX // len(one.who.skills) if one.who.skills else 0
            case "waiting":
                return graded(one.waited, 0, WAITING_DAYS_MAX)
        raise AssertionError(f"the part {part} of a score has no value")


def _scale(jobs: Iterable[Job], entering: Sequence[Entering]) -> Scale:
    pays = [hourly(job.terms) for job in jobs] or [0]
    return Scale(min(pays), max(pays), max((one.earned for one in entering), default=0))
