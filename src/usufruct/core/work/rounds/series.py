"""Series: rounds that follow each other by the clock, all by one rule that was published before the first.

A round is a day's work for whoever runs it; with a series nobody decides any more when jobs are given out. The times of every
round follow from the fact that started the series:

    round n opens at    starts + (n - 1) * every
    wishes come in for  `wishes` minutes
    secrets for         `opening` minutes after that
    its name is         SERIES-n

Since the names are known, a chamber can commit to its secrets far ahead. The rounds of a series stand one at a time: wishes and
openings together take no longer than the time between two rounds, and the next one opens when the last is settled or given up.
A round whose time was missed, because the node slept, is never opened afterwards: its number stays free, and what was
committed to it is of no use.

A job is posted into the series and not into a round. It comes into the round that is open, and what was not given there comes
into the next, as long as that one can be settled before the job begins and before the time to take it is over. What no round
can take any more can be taken directly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from usufruct.core.base.instants import Instant, later, moment
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.work.allocation.rule import AllocationRule
from usufruct.core.work.rounds.state import ABANDONED, OPEN, Round, RoundOpened
from usufruct.core.work.state import Job

WAITS = "series:"
"""What stands before the name of a series where a job waits for its next round."""

_NUMBERED = re.compile(r"(.+)-([1-9][0-9]{0,7})")


@dataclass(frozen=True, slots=True)
class SeriesStarted(Fact):
    """`by` has jobs given out again and again, by one `rule`: the first round opens at `starts`, and another `every` so many
    minutes, before `until`. Wishes come in for `wishes` minutes, and secrets for `opening` minutes after that. Each of the three
    parties speaks for a chamber in all of the rounds."""

    KIND = "series.started/1"
    series: str
    by: str
    rule: AllocationRule
    workers: str
    operators: str
    customers: str
    starts: Instant
    every: int
    wishes: int
    opening: int
    until: Instant

    def about(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.by, self.workers, self.operators, self.customers)))


@dataclass(frozen=True, slots=True)
class SeriesEnded(Fact):
    """No further round of the series opens. One that is open goes its way."""

    KIND = "series.ended/1"
    series: str
    by: str
    why: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class Times:
    """When the round of that `number` opens, when its wishes close, and until when its secrets are opened."""

    number: int
    opens: Instant
    closes: Instant
    opens_until: Instant

    def take(self, starts: Instant, until: Instant) -> bool:
        """Whether a job that `starts` then, and can be taken `until` then, can be given out in the round."""
        return starts >= self.opens_until and until >= self.opens_until


@dataclass(frozen=True, slots=True)
class Series(Row):
    """A series as it stands; see `SeriesStarted`. `last` is the number of the newest round that was opened, 0 before the first.
    `ended` says why no other opens, or nothing while it goes on."""

    KEY = ("id",)
    id: str
    by: str
    rule: AllocationRule
    speakers: tuple[str, ...]
    starts: Instant
    every: int
    wishes: int
    opening: int
    until: Instant
    seq: int
    last: int = 0
    ended: str = ""

    def named(self, number: int) -> str:
        """The name of a round of the series."""
        return f"{self.id}-{number}"

    def times(self, number: int) -> Times:
        """When the round of that number is open."""
        opens = later(self.starts, minutes=(number - 1) * self.every)
        closes = later(opens, minutes=self.wishes)
        return Times(number, opens, closes, later(closes, minutes=self.opening))

    def following(self, at: Instant) -> Times | None:
        """The next round that can open at `at` or later; None if there is none. It can open until half of the time for its
        wishes is over: a round that hardly anybody can wish in is none."""
        passed = moment(at) - moment(self.starts) - timedelta(minutes=self.wishes) / 2
        found = self.times(max(self.last + 1, passed // timedelta(minutes=self.every) + 2))
        return None if self.ended or found.opens >= self.until else found


def of_round(read: Reader, round: str) -> tuple[Series, int] | None:
    """The series that a round's name belongs to, whether it is open yet or not, and its number in it."""
    found = _NUMBERED.fullmatch(round)
    row = read.get(Series, found[1]) if found else None
    return None if found is None or row is None else (row, int(found[2]))


def of_job(read: Reader, job: Job) -> Series | None:
    """The series in which a job is given out, if it is in one."""
    if job.round.startswith(WAITS):
        return read.get(Series, job.round.removeprefix(WAITS))
    of = read.get(Round, job.round) if job.round else None
    return read.get(Series, of.series) if of is not None and of.series else None


def comes_again(read: Reader, job: Job, at: Instant) -> bool:
    """Whether a later round of its series can still take a job."""
    row = of_job(read, job)
    times = row.following(at) if row is not None else None
    return times is not None and times.take(job.terms.starts, job.until)


def open_now(read: Reader, row: Series, at: Instant) -> Round | None:
    """The round of a series in which wishes come in now, if there is one."""
    of = read.get(Round, row.named(row.last)) if row.last else None
    return of if of is not None and of.state == OPEN and at < of.closes else None


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about a series changes."""
    match entry.fact:
        case SeriesStarted() as fact:
            yield Series(
                fact.series, fact.by, fact.rule, (fact.workers, fact.operators, fact.customers), fact.starts, fact.every,
                fact.wishes, fact.opening, fact.until, entry.seq,
            )  # fmt: skip
        case SeriesEnded() as fact:
            yield replace(_series(read, fact.series), ended=fact.why)
        case RoundOpened() as fact if fact.series:
            row, found = _series(read, fact.series), of_round(read, fact.round)
            assert found is not None, "a round of a series is named by its number"
            yield replace(row, last=found[1])
            yield from _carried(read, row, row.times(found[1]), fact.round)
        case _:
            return


def _carried(read: Reader, row: Series, times: Times, round: str) -> Iterator[Row]:
    """The jobs that come into a round as it opens: those that wait, and those that the last round did not give."""
    before = read.get(Round, row.named(row.last)) if row.last else None
    left = [] if before is None else list(read.list(Job, round=before.id))
    for job in [*read.list(Job, round=WAITS + row.id), *left]:
        if job.free(times.closes) and times.take(job.terms.starts, job.until):
            yield replace(job, round=round)
    if before is not None and before.state == ABANDONED and not before.came_to:
        yield replace(before, came_to=round)


def _series(read: Reader, id: str) -> Series:
    row = read.get(Series, id)
    assert row is not None, "a series is started before anything happens in it"
    return row
