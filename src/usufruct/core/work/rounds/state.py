"""Rounds: jobs are given out together, by a rule that was published before, with lots that nobody could choose.

    opened → wishes come in, chambers commit to secrets → closed → secrets are opened → planned → settled

A round that closes seals all that its rule may look at (the *instance*) and names the journal's head, both before anybody
knows the seed of the lots. So nobody, whoever runs the node included, can choose workers, jobs or scores to fit the lots. The
plan then is a function of the instance and the seed, and settling it only writes down what it says.

Nobody's lots are drawn twice. From the first opened secret on a round cannot be given up: it goes its way. Before that it can,
in public; its jobs come into another round then, with other commitments, and that round names the one that was given up. In
New York parents once found that they could cancel and begin again until a good number came.

What is kept of a worker alone is sealed with her key: her wishes, her number in the round, and why she was kept from a job.
Everything else knows her by that number, which is drawn anew in each round and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.registry.facts import OfParty
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import AllocationRule
from usufruct.core.work.state import Job

OPEN, CLOSED, PLANNED, SETTLED, ABANDONED = "open", "closed", "planned", "settled", "abandoned"
STATES = {
    OPEN: "wishes come in, and the chambers commit to their secrets",
    CLOSED: "no wish comes in any more; the chambers open their secrets",
    PLANNED: "it is worked out who would get which job",
    SETTLED: "the jobs are agreed",
    ABANDONED: "it was given up before any secret was opened",
}
"""Where a round can stand."""


INSTANCE_TYPE = "application/vnd.usufruct.instance.v1"
CERTIFICATE_TYPE = "application/vnd.usufruct.certificate.v1+json"


@dataclass(frozen=True, slots=True)
class RoundOpened(Fact):
    """`by` gives jobs out together, by `rule`. Wishes come in until `closes`; then the secrets are opened until `opens_until`.

    Each of the three parties speaks for a chamber. The jobs of the round that it `replaces` come into this one. Where it is
    of a `series`, the jobs that wait in that series come into it too, and what was committed to it ahead.
    """

    KIND = "round.opened/1"
    round: str
    by: str
    rule: AllocationRule
    workers: str
    operators: str
    customers: str
    closes: Instant
    opens_until: Instant
    replaces: str = ""
    series: str = ""

    def about(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.by, self.workers, self.operators, self.customers)))


@dataclass(frozen=True, slots=True)
class SeedCommitted(Fact):
    """A `chamber`, for which `by` speaks, commits to a secret; see `allocation.lottery.commitment`. A round of a series can be
    one that is not open yet."""

    KIND = "seed.committed/1"
    round: str
    chamber: str
    by: str
    commitment: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class RoundEntered(OfParty, Fact):
    """`party` takes part in a round under a `number` of that round only, which is how the instance and the certificate know
    her. `kept_from` are the jobs that she wished for and was kept from, and why."""

    KIND = "round.entered/1"
    party: str
    round: str
    number: str
    kept_from: tuple[KeptFrom, ...] = ()
    person: bool = False


@dataclass(frozen=True, slots=True)
class KeptFrom:
    """The first `rule` (see `filters.FILTERS`) that kept a worker from a `job`, in words for her alone."""

    job: str
    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class RoundClosed(Fact):
    """Wishes are closed. The `instance` (a seal) has all that the rule may look at: so many `workers`, `jobs`, `seats`, `pairs`
    of a worker and a job, and `kept_apart` by a filter. It is of the first `size` facts, whose root is `head`, in hex."""

    KIND = "round.closed/1"
    round: str
    head: str
    size: int
    instance: str
    workers: int
    jobs: int
    seats: int
    pairs: int
    kept_apart: int


@dataclass(frozen=True, slots=True)
class SeedOpened(Fact):
    """A `chamber` shows its `secret`, 32 bytes in hex."""

    KIND = "seed.opened/1"
    round: str
    chamber: str
    by: str
    secret: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class RoundPlanned(Fact):
    """What comes of the round by its rule and the `seed` (hex): so many workers `matched`, as the `certificate` (a seal) proves.
    For the chambers that opened nothing, `missing`, the journal's head stands in."""

    KIND = "round.planned/1"
    plan: str
    round: str
    seed: str
    missing: tuple[str, ...]
    certificate: str
    matched: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A job that the plan gave to the worker of that `number`, and that could not be agreed any more, and why."""

    number: str
    job: str
    why: str


@dataclass(frozen=True, slots=True)
class RoundSettled(Fact):
    """The `plan` was carried out: so many jobs are `agreed`. What could not be is `left` out, and given to nobody else."""

    KIND = "round.settled/1"
    round: str
    plan: str
    agreed: int
    left: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundAbandoned(Fact):
    """The round is given up, before any secret was opened. It is never drawn again."""

    KIND = "round.abandoned/1"
    round: str
    by: str
    why: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class Round(Row):
    """A round as it stands; see the facts. `commitments` and `secrets` are those of the chambers, in the order of `CHAMBERS`,
    empty where there is none. `planned` counts the workers matched; `came_to` is the round that took its jobs over."""

    KEY = ("id",)
    INDEXED = ("state",)
    id: str
    by: str
    rule: AllocationRule
    speakers: tuple[str, ...]
    closes: Instant
    opens_until: Instant
    replaces: str
    since: Instant
    seq: int
    state: str = OPEN
    commitments: tuple[str, ...] = ("",) * len(CHAMBERS)
    secrets: tuple[str, ...] = ("",) * len(CHAMBERS)
    head: str = ""
    size: int = 0
    instance: str = ""
    workers: int = 0
    jobs: int = 0
    seats: int = 0
    pairs: int = 0
    kept_apart: int = 0
    plan: str = ""
    seed: str = ""
    missing: tuple[str, ...] = ()
    certificate: str = ""
    matched: int = 0
    agreed: int = 0
    left: tuple[LeftOut, ...] = ()
    why: str = ""
    came_to: str = ""
    series: str = ""

    def chamber_of(self, party: str) -> str:
        """The chamber for which a party speaks; empty if for none."""
        return dict(zip(self.speakers, CHAMBERS, strict=True)).get(party, "")


@dataclass(frozen=True, slots=True)
class Pledge(Row):
    """What a chamber committed to ahead, for a `round` of a series that is not open yet; see `SeedCommitted`."""

    KEY = ("round", "chamber")
    INDEXED = ("round",)
    round: str
    chamber: str
    commitment: str


@dataclass(frozen=True, slots=True)
class Entrant(Row):
    """Who has which number in a round; see `RoundEntered`."""

    KEY = ("round", "party")
    INDEXED = ("round", "party", "number")
    round: str
    party: str
    number: str
    kept_from: tuple[KeptFrom, ...]
    seq: int


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about a round changes."""
    match entry.fact:
        case RoundOpened() as fact:
            yield Round(
                fact.round, fact.by, fact.rule, (fact.workers, fact.operators, fact.customers), fact.closes,
                fact.opens_until, fact.replaces, entry.at, entry.seq, commitments=pledged(read, fact.round),
                series=fact.series,
            )  # fmt: skip
            if fact.replaces:
                yield replace(_round(read, fact.replaces), came_to=fact.round)
                for job in list(read.list(Job, round=fact.replaces)):
                    yield replace(job, round=fact.round)
        case SeedCommitted() as fact:
            row = read.get(Round, fact.round)
            if row is None:
                yield Pledge(fact.round, fact.chamber, fact.commitment)
            else:
                yield replace(row, commitments=_with(row.commitments, fact.chamber, fact.commitment))
        case SeedOpened() as fact:
            row = _round(read, fact.round)
            yield replace(row, secrets=_with(row.secrets, fact.chamber, fact.secret))
        case RoundEntered() as fact:
            yield Entrant(fact.round, fact.party, fact.number, fact.kept_from, entry.seq)
        case RoundClosed() | RoundPlanned() | RoundSettled() | RoundAbandoned() as fact:
            yield _moved(_round(read, fact.round), fact)
        case _:
            return


def pledged(read: Reader, round: str) -> tuple[str, ...]:
    """What the chambers committed to ahead, in the order of `CHAMBERS`, empty where a chamber did not."""
    said = {row.chamber: row.commitment for row in read.list(Pledge, round=round)}
    return tuple(said.get(chamber, "") for chamber in CHAMBERS)


def _moved(row: Round, fact: RoundClosed | RoundPlanned | RoundSettled | RoundAbandoned) -> Round:
    """The round as it stands after a step."""
    match fact:
        case RoundClosed():
            return replace(
                row, state=CLOSED, head=fact.head, size=fact.size, instance=fact.instance, workers=fact.workers,
                jobs=fact.jobs, seats=fact.seats, pairs=fact.pairs, kept_apart=fact.kept_apart,
            )  # fmt: skip
        case RoundPlanned():
            return replace(
                row, state=PLANNED, plan=fact.plan, seed=fact.seed, missing=fact.missing, certificate=fact.certificate,
                matched=fact.matched,
            )  # fmt: skip
        case RoundSettled():
            return replace(row, state=SETTLED, agreed=fact.agreed, left=fact.left)
        case RoundAbandoned():
            return replace(row, state=ABANDONED, why=fact.why)


def _with(given: tuple[str, ...], chamber: str, value: str) -> tuple[str, ...]:
    return tuple(value if name == chamber else old for name, old in zip(CHAMBERS, given, strict=True))


def _round(read: Reader, id: str) -> Round:
    row = read.get(Round, id)
    assert row is not None, "a round is opened before anything happens in it"
    return row
