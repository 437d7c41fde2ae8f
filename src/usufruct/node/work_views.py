"""What pages about work show: the exchange, to everybody. Read only, each from one snapshot."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from usufruct.core.base.instants import Instant, in_months
from usufruct.core.base.records import Reader
from usufruct.core.work import public, rules
from usufruct.core.work.facts import Span
from usufruct.core.work.hours.intervals import total
from usufruct.core.work.public import Balance, Bin, Quartiles
from usufruct.core.work.skills.demand import Figure
from usufruct.core.work.state import Availability, Job, Work, free_jobs
from usufruct.core.work.terms import hourly
from usufruct.node import skills, views
from usufruct.node.node import Node
from usufruct.ports import Snapshot

BINS = 12


@dataclass(frozen=True, slots=True)
class Posted:
    """An open job as everybody sees it: who posts it, and what an hour of it pays in minor units."""

    job: Job
    poster: str
    hourly: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """The exchange at a moment: its open jobs, demand and supply by place and by skill, what jobs offer for an hour in
    `currency`, and what was paid for one in the last full month."""

    at: Instant
    jobs: tuple[Posted, ...]
    places: tuple[Balance, ...]
    skills: tuple[Figure, ...]
    least: int
    currency: str
    offered: Quartiles | None
    bins: tuple[Bin, ...]
    paid: Quartiles | None

    @property
    def seats(self) -> int:
        """How many can still take a job."""
        return sum(one.job.terms.seats - one.job.taken for one in self.jobs)


def exchange(node: Node) -> Exchange:
    """The exchange as it is now."""
    now, currency, asked = node.clock.now(), node.about.currency, skills.figures(node)
    least = asked.least
    with node.store.read() as state:
        free = free_jobs(state, now)
        names = {job.by: _poster(state, job) for job in {job.by: job for job in free}.values()}
        available = list(state.list(Availability))
        offers = [hourly(job.terms) for job in free if job.terms.pay.currency == currency]
        posted = [Posted(job, names[job.by], hourly(job.terms)) for job in free]
        return Exchange(
            now, tuple(sorted(posted, key=lambda one: (one.job.terms.starts, one.job.seq))),
            public.by_place(free, available, now, least), asked.skills, least,
            currency, public.quartiles(offers), public.histogram(offers, _width(offers)),
            public.paid(_earned(state, currency, _last_month(now)), least),
        )  # fmt: skip


def job(node: Node, name: str) -> Posted | None:
    """A job that was posted, open or not."""
    with node.store.read() as state:
        row = state.get(Job, name)
        return None if row is None else Posted(row, _poster(state, row), hourly(row.terms))


def _poster(state: Snapshot, job: Job) -> str:
    by = rules.public_poster(state, job)
    return views.name_of(state, by) if by else "a private person"


def _width(amounts: list[int]) -> int:
    """A round step that cuts the amounts into a dozen bins at most."""
    span = max(amounts, default=0) - min(amounts, default=0)
    step = 1
    while span // step >= BINS:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step


def _last_month(at: Instant) -> str:
    return in_months(Instant(f"{at[:7]}-01T00:00:00.000Z"), -1)[:7]


def _earned(state: Reader, currency: str, month: str) -> Mapping[str, tuple[int, int]]:
    """What each worker was paid before floors for what was recorded in a month, and the milliseconds that she was engaged:
    what was done at once counts once."""
    pay: Counter[str] = Counter()
    spans: dict[str, list[Span]] = defaultdict(list)
    for row in state.list(Work, month=month):
        if row.currency == currency:
            pay[row.worker] += row.gross - row.fee
            spans[row.worker] += row.engaged
    return {worker: (amount, total(spans[worker])) for worker, amount in pay.items()}
