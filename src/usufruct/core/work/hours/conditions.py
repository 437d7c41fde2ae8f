"""Conditions: the numbers that rules of work read, each with its unit, its dates, its source and whose it is.

A rule has a *shape*: what is looked at, and which numbers it reads. There are few shapes, and they are code; which rules there
are, and with which numbers, is data. The operator of the node puts a whole pack of conditions in force, or a single one, for
all work or for the work at one operator of a platform. A collective agreement can own a number: then its authority is
`agreement:ID`.

A condition counts from `effective` on, once it was published (`known`). What is in force is not changed for the past: who
worked yesterday worked under yesterday's numbers. Where a rule lacks a number that it needs, it is not checked; it says so
instead of guessing one.

A condition for one operator says whose dispatch it binds. The hours that it is held against are the person's, at all
operators together. What holds for all work holds there too: of two limits the stricter stops first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from usufruct.core.base.ids import checked
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.state import Party

ENGAGED, ONLINE, SHIFT = "engaged", "online", "shift"
COUNTS = {
    ENGAGED: "time engaged in an order; orders at the same time count once",
    ONLINE: "time at an operator's disposal, engaged or waiting",
    SHIFT: "from logging in to logging out",
}
"""Which time a rule counts: three definitions of working time, each within the next."""

MINUTES, PERCENT, TIMES, WEEKS, PER_HOUR = "minutes", "percent", "times", "weeks", "minor/hour"
PER_MILE, PER_MINUTE, PERMILLE = "mill/mile", "mill/minute", "permille"
VALUE_MAX = 10**9


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kind of rule looks at. `needed` and `more` are the numbers that it reads, with their units; those of `more` have
    a value if none is set."""

    says: str
    needed: dict[str, str]
    more: dict[str, tuple[str, int]] = field(default_factory=dict)


SHAPES: dict[str, Shape] = {
    "rest-daily": Shape(
        "so much rest at a stretch within each 24 hours that begin with the end of the last rest",
        {"rest": MINUTES},
        {"within": (MINUTES, 24 * 60)},
    ),
    "rest-weekly": Shape("so much rest at a stretch within each week, Monday to Sunday", {"rest": MINUTES}),
    "hours-day": Shape(
        "no more work on a day, with an allowance on top for waiting, preparing and recovering",
        {"most": MINUTES},
        {"allowance": (PERCENT, 0)},
    ),
    "hours-week": Shape(
        "no more work in so many weeks that follow on each other", {"most": MINUTES}, {"weeks": (WEEKS, 1)}
    ),
    "hours-window": Shape("no more work in any window of that length", {"most": MINUTES, "window": MINUTES}),
    "hours-average": Shape(
        "no more work a week on average, over any so many weeks", {"weekly": MINUTES, "weeks": WEEKS}
    ),
    "hours-between-rests": Shape(
        "no more work between two daily rests; so many times a week the extended limit",
        {"most": MINUTES, "rest": MINUTES},
        {"extended": (MINUTES, 0), "times": (TIMES, 0)},
    ),
    "run": Shape(
        "no more work until a pause; the pause may be split in two parts",
        {"longest": MINUTES, "pause": MINUTES},
        {"first": (MINUTES, 0), "second": (MINUTES, 0)},
    ),
    "promised": Shape("no promised safety condition is missing", {"missing": TIMES}),
    "floor-hourly": Shape("no less pay for each hour that counts", {"amount": PER_HOUR}),
    "floor-trip": Shape(
        "no less pay for each trip: its miles and its minutes, each rate divided by utilisation",
        {"mile": PER_MILE, "minute": PER_MINUTE},
        {"utilisation": (PERMILLE, 1000), "times": (TIMES, 1)},
    ),
}
"""All shapes of rules. A mill is a thousandth of the main unit of a currency."""

FLOORS = ("floor-hourly", "floor-trip")


@dataclass(frozen=True, slots=True)
class Condition:
    """One number of a rule: `value` in `unit`, from `effective` on until `until`; published on `known`.

    `rule` names the rule, `shape` and `counts` say what it looks at; `currency` is that of amounts. `source` says where
    the number is written, `authority` whose it is: a statute, or `agreement:ID`.
    """

    rule: str
    shape: str
    counts: str
    parameter: str
    value: int
    unit: str
    effective: Instant
    known: Instant
    source: str
    authority: str
    currency: str = ""
    until: Instant = END_OF_TIME


@dataclass(frozen=True, slots=True)
class ConditionSet(Fact):
    """`by` put these conditions in force: for work at one `operator`, or for all work."""

    KIND = "condition.set/1"
    conditions: tuple[Condition, ...]
    by: str
    operator: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class RuleEnded(Fact):
    """From `effective` on a rule of work is no longer checked, for work at one `operator` or for all work."""

    KIND = "condition.ended/1"
    rule: str
    why: str
    effective: Instant
    by: str
    operator: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class SetCondition(Row):
    """A condition that was put in force by the fact number `seq`, at its place `n` there; until `until`."""

    KEY = ("seq", "n")
    INDEXED = ("operator", "rule")
    seq: int
    n: int
    operator: str
    rule: str
    condition: Condition
    until: Instant
    by: str
    at: Instant


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about conditions changes."""
    match entry.fact:
        case ConditionSet() as fact:
            for n, one in enumerate(fact.conditions):
                yield SetCondition(entry.seq, n, fact.operator, one.rule, one, one.until, fact.by, entry.at)
        case RuleEnded() as fact:
            for row in read.list(SetCondition, operator=fact.operator, rule=fact.rule):
                if row.until > fact.effective:
                    yield replace(row, until=fact.effective)
        case _:
            return


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule with its numbers, as it is in force from `since` until `until`. `operator` is whom it binds, or nothing if it
    binds all."""

    rule: str
    shape: str
    counts: str
    numbers: dict[str, int]
    operator: str
    since: Instant
    until: Instant
    source: str
    authority: str
    currency: str = ""

    def __getitem__(self, parameter: str) -> int:
        return self.numbers[parameter]


def limits(rows: Iterable[SetCondition], known: Instant) -> list[Limit]:
    """What is in force, as known on a day, in the order in which it was set: for each rule one limit for each time in which
    its numbers stay the same. A rule that lacks a number that it needs has none."""
    rules: dict[tuple[str, str], list[SetCondition]] = {}
    for row in rows:
        if row.condition.known <= known:
            rules.setdefault((row.operator, row.rule), []).append(row)
    return [limit for found in rules.values() for limit in _versions(found)]


def _versions(rows: Sequence[SetCondition]) -> Iterator[Limit]:
    days = sorted({row.condition.effective for row in rows} | {row.until for row in rows})
    ordered = sorted(rows, key=lambda row: (row.condition.effective, row.condition.known, row.seq, row.n))
    for since, until in pairwise(days):
        found = {
            row.condition.parameter: row.condition for row in ordered
            if row.condition.effective <= since < row.until
        }  # fmt: skip
        if not found:
            continue
        last = max(found.values(), key=lambda one: (one.effective, one.known))
        shape = SHAPES[last.shape]
        numbers = {name: value for name, (_, value) in shape.more.items()}
        numbers |= {name: one.value for name, one in found.items()}
        if numbers.keys() >= shape.needed.keys():
            yield Limit(
                last.rule, last.shape, last.counts, numbers, rows[0].operator, since, until,
                "; ".join(dict.fromkeys(one.source for one in found.values())),
                ", ".join(dict.fromkeys(one.authority for one in found.values())), last.currency,
            )  # fmt: skip


def in_force(found: Iterable[Limit], at: Instant, operator: str = "") -> list[Limit]:
    """The limits that bind at a moment: those of all work, and those of the operator."""
    return [one for one in found if one.since <= at < one.until and one.operator in ("", operator)]


def put(
    read: Reader, conditions: tuple[Condition, ...], platform: str, by: str, operator: str, at: Instant
) -> ConditionSet | Refusal:
    """Conditions that come into force for the work at one `platform`, or for all work; only the `operator` of the node puts
    them in force, on the word of whom they name.

    Raises:
        BadInput: the name of a rule cannot be an id.
    """
    not_done = "the conditions were not put in force"
    if by != operator or (platform and read.get(Party, platform) is None):
        return refuse(
            "registry.unknown", not_done, f"there is no party `{platform}`" if by == operator
            else "conditions are for the operator of the node to put in force, for it must see that they are kept",
            remedy="turn to the operator",
        )  # fmt: skip
    if not conditions:
        return refuse("hours.condition", not_done, "there are none", remedy="write at least one condition")
    there: dict[str, Condition] = {}
    for one in conditions:
        there.setdefault(one.rule, one)
        for row in read.list(SetCondition, operator=platform, rule=one.rule):
            there[one.rule] = row.condition
            same = row.condition.parameter == one.parameter and row.condition.effective <= at < row.until
            if same and one.effective < at and one.effective >= row.condition.effective:
                return refuse(
                    "hours.condition", not_done, f"`{one.rule}` has a number for `{one.parameter}`, and what people worked "
                    "under is not changed afterwards",
                    remedy="let the new one apply from a later day on",
                )  # fmt: skip
        wrong = next(_wrong(one, there[one.rule]), None)
        if wrong is not None:
            return refuse("hours.condition", not_done, f"`{one.rule}`: {wrong[0]}", remedy=wrong[1])
    return ConditionSet(conditions, by, platform)


def _wrong(one: Condition, other: Condition) -> Iterator[tuple[str, str]]:
    checked(one.rule, "a rule")
    shape = SHAPES.get(one.shape)
    if shape is None:
        yield f"there is no shape `{one.shape}`", f"take one of {', '.join(SHAPES)}"
        return
    if (one.shape, one.counts, one.currency) != (other.shape, other.counts, other.currency):
        yield "its shape, what it counts or its currency differ from those that it has", "give the rule another name"
    if one.counts not in COUNTS:
        yield f"`{one.counts}` is no definition of working time", f"let it count one of {', '.join(COUNTS)}"
    units = shape.needed | {name: unit for name, (unit, _) in shape.more.items()}
    if units.get(one.parameter) != one.unit:
        yield (
            f"it reads no `{one.parameter}` in `{one.unit}`",
            "it reads " + ", ".join(f"{name} in {unit}" for name, unit in units.items()),
        )
    if not 0 <= one.value <= VALUE_MAX or (
        one.value == 0 and one.parameter in shape.needed and one.parameter != "missing"
    ):
        yield f"`{one.value}` is no number for `{one.parameter}`", f"write a whole number from 1 to {VALUE_MAX}"
    if bool(one.currency) != (one.shape in FLOORS):
        yield "amounts of money have a currency, and nothing else has", "name it for floors of pay, and only there"
    if not one.source.strip() or not one.authority.strip():
        yield "it does not say whose it is, and where it is written", "name the authority and the source"
    if one.until <= one.effective:
        yield "it ends before it begins", "let it end later"


def end(
    read: Reader, rule: str, platform: str, why: str, effective: Instant, by: str, operator: str, at: Instant
) -> RuleEnded | Refusal:
    """A rule is no longer checked from `effective` on, for the work at one `platform` or for all work."""
    running = any(row.until > effective for row in read.list(SetCondition, operator=platform, rule=rule))
    if by != operator or not running or effective < at or not why.strip():
        return refuse(
            "registry.unknown", f"the rule `{rule}` was not ended",
            "no such rule is in force then, or it is not yours to end, or it is not said why",
            remedy="look at the rules in force, and say from which later day it ends, and why",
        )  # fmt: skip
    return RuleEnded(rule, why, effective, by, platform)


def in_words(limit: Limit) -> str:
    """A limit in one sentence."""
    shape = SHAPES[limit.shape]
    units = shape.needed | {name: unit for name, (unit, _) in shape.more.items() if limit[name]}
    numbers = ", ".join(f"{name} {_amount(limit[name], unit, limit.currency)}" for name, unit in units.items())
    counts = "" if limit.shape in ("promised", "floor-trip") else f"; counts {COUNTS[limit.counts]}"
    return f"{shape.says}: {numbers}{counts}"


def _amount(value: int, unit: str, currency: str) -> str:
    if unit == MINUTES:
        return duration(value * 60_000)
    if unit == PER_HOUR:
        return f"{Money(value, currency)} an hour"
    return str(value) if unit in (TIMES, WEEKS) else f"{value} {unit}"


def duration(ms: int) -> str:
    """Milliseconds as people read them: `9 h 40`, `45 min`, `30 s`; cut down to the second."""
    hours, rest = divmod(ms // 1000, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return (
            f"{hours} h" + (f" {minutes:02}" if minutes or seconds else "") + (f" min {seconds} s" if seconds else "")
        )
    return " ".join([f"{minutes} min"] * bool(minutes) + [f"{seconds} s"] * bool(seconds)) or "0 min"
