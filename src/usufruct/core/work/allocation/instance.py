"""What an allocation may look at: workers, jobs with seats, the pairs that could be, and the pairs that a rule forbids.

There may be millions of pairs, so they stand in columns, sorted by worker and by her rank of the job, the best first. How they
are written as bytes, and read, is said in `encoding`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import lt

from usufruct.core.base.faults import BadInput
from usufruct.core.work.allocation.rule import VALUE_MAX, AllocationRule, unfit

CHAMBERS = ("workers", "operators", "customers")
"""Who commits to a secret of the lottery, in the order of an instance's commitments."""

PLACES_MAX = 2**24  # workers or jobs of one round
SEATS_MAX = 1_000_000  # of one job
RANK_MAX = 1_000_000

Words = tuple[str, str]
"""Why a pair is forbidden: the code of the rule, and what the worker reads."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that could be: the worker ranks the job (1: best; no two alike), and `values` has one number for each part."""

    worker: str
    job: str
    rank: int
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Filtered:
    """A pair that the rule `code` forbids, as the worker reads it."""

    worker: str
    job: str
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Instance:
    """A round as its rule sees it.

    `workers` and `jobs` are ids in order; elsewhere they stand by their places. `commitments` are those of `CHAMBERS`, empty
    where one made none. The pairs of worker w are those from `starts[w]` on until before `starts[w + 1]`: `job`, `rank` and one
    column of `values` for each part. What is forbidden to her is in the same way from `barred_starts[w]` on: `barred_job`, and
    `barred_why`, a place in `words`.
    """

    round: str
    rule: AllocationRule
    commitments: tuple[str, ...]
    workers: tuple[str, ...]
    jobs: tuple[str, ...]
    seats: Sequence[int]
    starts: Sequence[int]
    job: Sequence[int]
    rank: Sequence[int]
    values: tuple[Sequence[int], ...]
    barred_starts: Sequence[int]
    barred_job: Sequence[int]
    barred_why: Sequence[int]
    words: tuple[Words, ...]

    def scores(self) -> list[int]:
        """The points of each pair: the sum of its parts, each times its weight."""
        found = [0] * len(self.job)
        for part, column in zip(self.rule.parts, self.values, strict=True):
            weight = part.weight
            found = [points + weight * value for points, value in zip(found, column, strict=True)]
        return found

    def place(self, worker: str) -> int | None:
        """The place of a worker; None if she is not of the round."""
        found = bisect_left(self.workers, worker)
        return found if found < len(self.workers) and self.workers[found] == worker else None


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who got what: `taken` has the place of her job for each worker, or -1; `prices` what the sum would lose with one
    seat less of each job, in the units of `largest_sum` (empty where the method has none)."""

    taken: Sequence[int]
    prices: Sequence[int] = ()

    def pairs(self, instance: Instance) -> Iterator[tuple[str, str]]:
        """Each worker who got a job, with it."""
        for worker, job in zip(instance.workers, self.taken, strict=True):
            if job >= 0:
                yield worker, instance.jobs[job]


Sieve = Callable[[str, str], "Words | None"]
"""A rule that may forbid a pair: why, or None."""


def sift(pairs: Iterable[Candidate], rules: Sequence[Sieve]) -> tuple[list[Candidate], list[Filtered]]:
    """The pairs that no rule forbids, and the others, each with the first rule that forbids it."""
    kept, filtered = [], []
    for pair in pairs:
        why = next((found for rule in rules if (found := rule(pair.worker, pair.job)) is not None), None)
        if why is None:
            kept.append(pair)
        else:
            filtered.append(Filtered(pair.worker, pair.job, *why))
    return kept, filtered


# ---- made of rows


def build(
    round: str, rule: AllocationRule, seats: Mapping[str, int], candidates: Iterable[Candidate],
    filtered: Iterable[Filtered] = (), commitments: Sequence[str] = ("", "", ""), workers: Iterable[str] = (),
) -> Instance:  # fmt: skip
    """The instance of these rows. `seats` are those of each job; `workers` names who has no pair at all.

    Raises:
        BadInput: the rows contradict each other, or a number is out of bounds.
    """
    candidates, filtered = list(candidates), list(filtered)
    people = sorted({*workers, *(row.worker for row in candidates), *(row.worker for row in filtered)})
    jobs = sorted(seats)
    worker_at, job_at = _places(people), _places(jobs)
    unknown = {row.job for row in candidates} | {row.job for row in filtered}
    unknown -= job_at.keys()
    if unknown:
        raise bad(f"nothing says how many seats the job `{min(unknown)}` has", "give each job its seats")
    if any(len(row.values) != len(rule.parts) for row in candidates):
        raise bad("a pair has not one value for each part of the score", "give each part of the rule a value")
    rows = sorted((worker_at[row.worker], row.rank, job_at[row.job], row.values) for row in candidates)
    words = sorted({(row.code, row.words) for row in filtered})
    word_at = {pair: place for place, pair in enumerate(words)}
    barred = sorted((worker_at[row.worker], job_at[row.job], word_at[row.code, row.words]) for row in filtered)
    try:
        found = Instance(
            round, rule, tuple(commitments), tuple(people), tuple(jobs), array("I", (seats[job] for job in jobs)),
            _starts(len(people), (row[0] for row in rows)), array("I", (row[2] for row in rows)),
            array("I", (row[1] for row in rows)),
            tuple(array("H", (row[3][part] for row in rows)) for part in range(len(rule.parts))),
            _starts(len(people), (row[0] for row in barred)), array("I", (row[1] for row in barred)),
            array("I", (row[2] for row in barred)), tuple(words),
        )  # fmt: skip
    except OverflowError:
        raise bad(
            "a number is below 0, or too large", f"seats and ranks begin at 1, values end at {VALUE_MAX}"
        ) from None
    validate(found)
    return found


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _starts(count: int, owners: Iterable[int]) -> array[int]:
    counts = [0] * count
    for owner in owners:
        counts[owner] += 1
    return sums(counts)


def sums(counts: Iterable[int]) -> array[int]:
    """Where each run begins that has so many members; and where the last ends."""
    found, total = array("q", [0]), 0
    for count in counts:
        total += count
        found.append(total)
    return found


# ---- whether it is one


def validate(instance: Instance) -> None:
    """Whether an instance is in order and within bounds.

    Raises:
        BadInput: it is not.
    """
    validate_head(instance)
    pairs = len(instance.job)
    seats, job, rank = instance.seats, instance.job, instance.rank
    if any(not 1 <= number <= SEATS_MAX for number in seats):
        raise bad("a job has no seat, or too many", f"say 1 to {SEATS_MAX} seats")
    if instance.starts[-1] != pairs or instance.barred_starts[-1] != len(instance.barred_job):
        raise bad("the workers' pairs do not add up to all pairs", "write the instance again")
    if any(value > VALUE_MAX for column in instance.values for value in column):
        raise bad("a value of a part is out of bounds", f"say 0 (worst) to {VALUE_MAX} (best)")
    if any(not 1 <= number <= RANK_MAX for number in rank):
        raise bad("a rank is out of bounds", f"say 1 (best) to {RANK_MAX}")
    if any(place >= len(instance.jobs) for column in (job, instance.barred_job) for place in column):
        raise bad("a pair is of a job that is not there", "write the instance again")
    seen = set()
    for worker in range(len(instance.workers)):
        here = range(instance.starts[worker], instance.starts[worker + 1])
        barred = instance.barred_job[instance.barred_starts[worker] : instance.barred_starts[worker + 1]]
        if any(rank[pair] >= rank[pair + 1] for pair in here[:-1]):
            raise bad("a worker ranks two jobs alike", "give each of her jobs a rank of its own, the best 1")
        if any(first >= second for first, second in pairwise(barred)):
            raise bad("a pair is forbidden twice", "keep the first rule that forbids it")
        seen = {job[pair] for pair in here}
        if len(seen) != len(here) or not seen.isdisjoint(barred):
            raise bad("a worker has the same job twice", "name each pair once, as one that could be or as forbidden")
    used = set(instance.barred_why)
    if used != set(range(len(instance.words))):
        raise bad("the words of the rules are not those of the forbidden pairs", "write the instance again")


def validate_head(instance: Instance) -> None:
    """Whether all but the columns is in order.

    Raises:
        BadInput: it is not.
    """
    refusal = unfit(instance.rule)
    if refusal is not None:
        raise bad(refusal.reasons[0], refusal.remedy)
    if not instance.round:
        raise bad("the round has no name", "name it: its lottery numbers depend on the name")
    if len(instance.commitments) != len(CHAMBERS) or not all(map(_committed, instance.commitments)):
        raise bad(
            "a commitment is no SHA-256 in hexadecimal",
            f"give those of {', '.join(CHAMBERS)} in this order, empty for who made none",
        )
    made = [commitment for commitment in instance.commitments if commitment]
    if len(set(made)) != len(made):
        raise bad("two chambers committed to the same", "let each draw a secret of its own")
    ordered = (_ascending(instance.workers), _ascending(instance.jobs), _ascending(instance.words))
    if not all(ordered):
        raise bad("workers, jobs or words are not in order, each once", "write the instance again")
    if max(len(instance.workers), len(instance.jobs)) >= PLACES_MAX or "" in (
        *instance.workers[:1],
        *instance.jobs[:1],
    ):
        raise bad("too many workers or jobs, or one without a name", f"a round has fewer than {PLACES_MAX} of each")


def _ascending(names: Sequence[str] | Sequence[Words]) -> bool:
    return all(map(lt, names, names[1:]))


def _committed(text: str) -> bool:
    return not text or (len(text) == 64 and set(text) <= set("0123456789abcdef"))


def bad(message: str, remedy: str) -> BadInput:
    """The fault of what is no instance."""
    return BadInput("input.allocation", message, remedy)
