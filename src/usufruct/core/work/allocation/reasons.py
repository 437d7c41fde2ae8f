"""Why a worker got a job or did not, and what would have changed it: read off the certificate.

A reason is what the certificate proves and nothing else: there is no model to ask. It says nothing of other people but numbers:
how many seats there were, with how many points the last one went, at which lottery rank. No names, no wishes.

What would have changed it is a number of points. For a stable allocation it is exact in this: with so many more the job would
rather have had her than the last whom it kept, with one fewer it would not. For a sum, with fewer points more nothing at all
would have changed; for who got no job, one more than is said would have been enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from usufruct.core.base.faults import BadInput
from usufruct.core.work.allocation import largest_sum, lottery, stable
from usufruct.core.work.allocation.certificate import Certificate
from usufruct.core.work.allocation.instance import Instance
from usufruct.core.work.allocation.rule import STABLE

GOT, BETTER, FILTERED, POINTS, LOTTERY, PRICE = "got", "better", "filtered", "points", "lottery", "price"
OUTCOMES = {
    GOT: "she got the job",
    BETTER: "she got a job that she ranks higher",
    FILTERED: "a rule forbade it",
    POINTS: "all seats went to workers with more points",
    LOTTERY: "the last seat went to a worker with as many points and a smaller lottery number",
    PRICE: "others had more from the job than she would have had",
}
"""What can have come of a pair."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What came of a worker and a `job`: one of `OUTCOMES`, in `words`, and what `change` would have made a difference.

    `rank` is how she ranks the job (0 where a rule forbade it, and it was not asked), `points` what she had for it, and `more`
    how many points more she would have needed at least.
    """

    job: str
    outcome: str
    words: str
    change: str = ""
    rank: int = 0
    points: int = 0
    more: int = 0


def why(instance: Instance, certificate: Certificate, worker: str) -> list[Reason]:
    """Why `worker` got, or did not get, each job that she could have had or that a rule forbade her; her best wish first.
    The certificate must have been checked.

    Raises:
        BadInput: she is not of the round.
    """
    place = instance.place(worker)
    if place is None:
        raise BadInput("input.allocation", f"`{worker}` is not of this round", "name a worker of the instance")
    seed = bytes.fromhex(certificate.seed)
    read = _of_stable if certificate.method == STABLE else _of_sum
    return [*read(instance, certificate, place, seed), *_filtered(instance, place)]


def _filtered(instance: Instance, worker: int) -> Iterator[Reason]:
    for at in range(instance.barred_starts[worker], instance.barred_starts[worker + 1]):
        code, words = instance.words[instance.barred_why[at]]
        yield Reason(
            instance.jobs[instance.barred_job[at]], FILTERED, f"you were not considered: {words} ({code})",
            "had this rule been met, you would have been considered",
        )  # fmt: skip


def _of_stable(instance: Instance, certificate: Certificate, worker: int, seed: bytes) -> Iterator[Reason]:
    keys, scores, people = stable.priorities(instance, seed), instance.scores(), len(instance.workers)
    last: dict[int, int] = {}  # the fewest points, with the lottery, that hold a seat
    for other, place in enumerate(certificate.taken):
        if place >= 0:
            key = keys[_pair(instance, other, place)]
            last[place] = min(key, last.get(place, key))
    better = False
    for pair in range(instance.starts[worker], instance.starts[worker + 1]):
        place, rank, points = instance.job[pair], instance.rank[pair], scores[pair]
        job = instance.jobs[place]
        if place == certificate.taken[worker]:
            better = True
            yield Reason(job, GOT, f"you got it: your wish {rank}", "", rank, points)
        elif better:
            yield Reason(job, BETTER, "you got a job that you rank higher", "", rank, points)
        else:
            yield _held(instance.seats[place], job, rank, points, last[place], keys[pair], people)


def _held(seats: int, job: str, rank: int, points: int, last: int, own: int, people: int) -> Reason:
    most, behind = divmod(last, people)
    theirs, hers = people - behind, people - own % people
    went = f"{_seats(seats)} went to others"
    if points == most:
        words = f"{went}; the last of them had {most} points too, and lottery rank {theirs}; yours is {hers}"
        return Reason(
            job, LOTTERY, words, "with 1 point more you would have come before the last of them", rank, points, 1
        )
    more = most - points + (hers > theirs)
    words = f"{went} with more points: the last of them had {most}, you have {points}"
    change = f"to come before the last of them you would have needed {_points(more)} more"
    return Reason(job, POINTS, words, change, rank, points, more)


def _of_sum(instance: Instance, certificate: Certificate, worker: int, seed: bytes) -> Iterator[Reason]:
    unit, worth, scores = _own_worths(instance, worker, seed)
    price, taken, start = certificate.prices, certificate.taken[worker], instance.starts[worker]
    gain = 0
    if taken >= 0:
        gain = worth[_pair(instance, worker, taken) - start] - price[taken]
    for pair in range(start, instance.starts[worker + 1]):
        place, rank, points = instance.job[pair], instance.rank[pair], scores[pair - start]
        job, cost = instance.jobs[place], price[place] // unit
        if place == taken:
            yield Reason(
                job, GOT, f"you got it: you had {points} points for it, and its price was {cost}", "", rank, points
            )
            continue
        short = gain + price[place] - worth[pair - start]
        more = max(1, -(-short // unit))
        words = f"its price was {cost} points, and you had {points} for it"
        words += "" if taken < 0 else "; the job that you got leaves you more"
        words += "; the lottery decided" if short < unit else ""
        change = f"you would have needed at least {_points(more)} more for it"
        yield Reason(job, PRICE, words, change, rank, points, more)


def _own_worths(instance: Instance, worker: int, seed: bytes) -> tuple[int, list[int], list[int]]:
    """The unit, and what each of her pairs is worth, with its points: without a look at anybody else's."""
    scale = largest_sum.scale_of(instance.rule, len(instance.workers))
    place = lottery.ranks(seed, instance.workers)[worker]
    here = range(instance.starts[worker], instance.starts[worker + 1])
    scores = [
        sum(part.weight * column[pair] for part, column in zip(instance.rule.parts, instance.values, strict=True))
        for pair in here
    ]
    worth = [
        points * scale.unit + lottery.points(seed, place, instance.job[pair], scale.bits)
        for pair, points in zip(here, scores, strict=True)
    ]
    return scale.unit, worth, scores


def _pair(instance: Instance, worker: int, place: int) -> int:
    jobs: Sequence[int] = instance.job
    return next(pair for pair in range(instance.starts[worker], instance.starts[worker + 1]) if jobs[pair] == place)


def _seats(count: int) -> str:
    return "its seat" if count == 1 else f"its {count} seats"


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"
