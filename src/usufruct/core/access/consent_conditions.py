"""Conditions of a consent, and the circumstances of a use that they are held against.

A person need not choose between yes and no. She can say: answers only, never my rows; until next summer; once a month;
only the rows of 2025; only for the clinic. Each field below can be *enforced* by the node at the moment of the
decision; what cannot be (that the recipient is kind, or forgets) is left out, for a condition that nobody holds is a lie.

Two kinds of field do different things. `recipients` and `agreements` say **to whom she speaks**: towards everybody else
the word says nothing. The other fields are **limits**: towards whom she speaks, a use beyond a limit counts as refused,
whatever she said more broadly before. The fields are those of India's consent artefact (ReBIT: mode, life, frequency,
range, filter), which are the ones in the field that a machine can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.rulebook.bases import CONSENT

MODES = ("query", "view", "store")
"""How far an answer goes, each including those before it: figures only; her rows looked at; her rows kept."""

_ANYTHING: Mapping[str, Reach] = MappingProxyType({})

# What a form of answer (`grades.FORMS`) comes to. Rows that were delivered can be kept, whatever was promised.
_MODE_OF = dict.fromkeys(("cubes", "aggregates", "computation", "query"), "query") | {"view": "view"}

PERIODS = {"day": 1, "week": 7, "month": 31}
"""Periods in days. They slide: once a month means that 31 days lie between two uses."""

Value = int | str | bool


@dataclass(frozen=True, slots=True)
class Reach:
    """To which part of a column a use is restricted: from `low` to `high` (in the column's grains), or to `values`.

    Rows in which the column is empty are outside every reach.
    """

    low: int | None = None
    high: int | None = None
    values: frozenset[Value] | None = None


class Circumstances(NamedTuple):
    """How a use would be made: when, by whom, in which form of answer, under which agreement, on which legal basis.

    `reach` says for each column that the question restricts what it is restricted to. With `ask_first` only those count
    who answered yes to a request of this recipient. `counted`: the use was admitted and is among those counted already.
    """

    at: Instant
    recipient: str
    form: str
    agreement: str = ""
    basis: str = CONSENT
    reach: Mapping[str, Reach] = _ANYTHING
    ask_first: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """Only rows whose `column` lies from `low` to `high` (in grains), or holds one of `values`."""

    column: str
    low: int | None = None
    high: int | None = None
    values: tuple[Value, ...] = ()

    @property
    def reach(self) -> Reach:
        """All of those rows."""
        return Reach(values=frozenset(self.values)) if self.values else Reach(self.low, self.high)

    def holds(self, reach: Reach | None) -> bool:
        """Whether a use of that reach stays inside."""
        if reach is None:
            return False
        if self.values:
            wanted = _points(reach)
            return wanted is not None and {_typed(v) for v in wanted} <= {_typed(v) for v in self.values}
        points = reach.values
        if points is not None:
            numbers = [v for v in points if isinstance(v, int) and not isinstance(v, bool)]
            return len(numbers) == len(points) and all(self._between(number) for number in numbers)
        above = self.low is None or (reach.low is not None and reach.low >= self.low)
        below = self.high is None or (reach.high is not None and reach.high <= self.high)
        return above and below

    def _between(self, number: int) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)


def _points(reach: Reach) -> frozenset[Value] | None:
    """The values that a reach comes to, if it says them."""
    if reach.values is None and reach.low is not None and reach.low == reach.high:
        return frozenset((reach.low,))
    return reach.values


def _typed(value: Value) -> tuple[bool, Value]:
    """`True` is not 1, though Python says so."""
    return isinstance(value, bool), value


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a consent is limited to. `mode` is the furthest form of answer, `until` its end, `uses` how often in all,
    `frequency` how often in each `per` (day, week or month), `rows` which rows; 0, empty and the end of time mean no limit.

    It is said to `recipients` (parties, or `kind:` and a kind of party) and for `agreements`; none means to everybody.
    """

    mode: str = "store"
    until: Instant = END_OF_TIME
    uses: int = 0
    frequency: int = 0
    per: str = ""
    rows: tuple[Within, ...] = ()
    recipients: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()

    @property
    def scope(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """To whom it is said."""
        return self.recipients, self.agreements

    @property
    def counted(self) -> bool:
        """Whether uses must be counted to hold it."""
        return bool(self.uses or self.frequency)

    def addressed(self, circumstances: Circumstances, kind: str) -> bool:
        """Whether it is said to this recipient, who is a party of that kind, and for this agreement."""
        to = not self.recipients or circumstances.recipient in self.recipients or f"kind:{kind}" in self.recipients
        return to and (not self.agreements or circumstances.agreement in self.agreements)

    def hold(self, circumstances: Circumstances) -> bool:
        """Whether the use stays inside the limits, but for what is counted."""
        wanted = _MODE_OF.get(circumstances.form, MODES[-1])
        reach = {name.lower(): part for name, part in circumstances.reach.items()}
        return (
            circumstances.at < self.until
            and MODES.index(wanted) <= MODES.index(self.mode)
            and all(within.holds(reach.get(within.column.lower())) for within in self.rows)
        )

    def inside(self, at: Instant) -> Circumstances:
        """A use at that instant that goes to whom it is said to, and stays just inside the limits."""
        reach = {rows.column: rows.reach for rows in self.rows}
        return Circumstances(
            at, next(iter(self.recipients), ""), "aggregates", next(iter(self.agreements), ""), reach=reach
        )


ANY = Conditions()
"""No conditions."""


def narrows(answer: Conditions, asked: Conditions) -> bool:
    """Whether everything that `answer` allows is allowed by `asked`."""
    return (
        MODES.index(answer.mode) <= MODES.index(asked.mode)
        and answer.until <= asked.until
        and _at_most(answer.uses, asked.uses)
        and _as_seldom(answer, asked)
        and all(any(_inside(one, other) for one in answer.rows) for other in asked.rows)
        and _among(answer.recipients, asked.recipients)
        and _among(answer.agreements, asked.agreements)
    )


def _at_most(answer: int, asked: int) -> bool:
    return not asked or 0 < answer <= asked


def _as_seldom(answer: Conditions, asked: Conditions) -> bool:
    if not asked.frequency:
        return True
    return 0 < answer.frequency <= asked.frequency and PERIODS[answer.per] >= PERIODS[asked.per]


def _inside(one: Within, other: Within) -> bool:
    if one.column.lower() != other.column.lower():
        return False
    return other.holds(one.reach)


def _among(answer: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    return not asked or (bool(answer) and set(answer) <= set(asked))
