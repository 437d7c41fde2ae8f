"""Formulas: what a rule asks of a request, as *all of* and *any of* over tests of single values.

A condition can be satisfied, unsatisfied, or unknown: an operand that nobody supplied, a word that nobody defined. So
each is kept as a pair of plain formulas: `sure` holds when it is satisfied whatever the unknown may be, `maybe` when it
could be. A permission is asked for its `sure`, a prohibition for its `maybe`; the rest of the house never meets the
third value. The pair is exact for single conditions and closed under *not*, which swaps the two.

Formulas stay small: tests of the same value that stand side by side are merged into one. Evaluating one is a walk over
closures, each made for the shape of its test.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usufruct.core.terms.domains import Domain, Line, Names, exactly_one, intersection, inverse, union

Key = str | tuple[str, ...]
"""What is tested: an operand (with its unit), or a tuple for what is derived from the state of the world."""
Values = Mapping[Key, Any]


@dataclass(frozen=True, slots=True)
class In:
    """The value of `key` is in `domain`; `type` is the Python type of values that are not missing."""

    key: Key
    domain: Domain
    type: type = str


@dataclass(frozen=True, slots=True)
class All:
    """All parts hold; nothing is asked if there are none."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """One of the parts holds; never, if there are none."""

    parts: tuple[Formula, ...] = ()


Formula = In | All | Some
"""A plain formula: it holds or it does not."""
TRUE, FALSE = All(), Some()


@dataclass(frozen=True, slots=True)
class Pair:
    """When a condition is surely satisfied, and when it may be."""

    sure: Formula
    maybe: Formula


UNKNOWN = Pair(FALSE, TRUE)


def is_in(key: Key, body: Line | Names, type: type = str, maybe: Line | Names | None = None) -> Pair:
    """The pair for "the value is in `body`"; unknown if it is missing, or if it is in `maybe` only."""
    return Pair(
        In(key, Domain(False, body), type), In(key, Domain(True, body if maybe is None else maybe), type)
    )  # fmt: skip


def all_of(parts: Iterable[Formula]) -> Formula:
    """*And*, with tests of the same value merged."""
    flat: list[Formula] = []
    for part in parts:
        if part == FALSE:
            return FALSE
        flat.extend(part.parts if isinstance(part, All) else (part,))
    merged = _merged(flat, intersection)
    return merged[0] if len(merged) == 1 else All(tuple(merged))


def any_of(parts: Iterable[Formula]) -> Formula:
    """*Or*, with tests of the same value merged."""
    flat: list[Formula] = []
    for part in parts:
        if part == TRUE:
            return TRUE
        flat.extend(part.parts if isinstance(part, Some) else (part,))
    merged = _merged(flat, union)
    return merged[0] if len(merged) == 1 else Some(tuple(merged))


def _merged(parts: list[Formula], how: Callable[[Sequence[Domain]], Domain]) -> list[Formula]:
    by_key: dict[tuple[Key, type], list[In]] = {}
    others: list[Formula] = []
    for part in parts:
        if isinstance(part, In):
            by_key.setdefault((part.key, part.type), []).append(part)
        else:
            others.append(part)
    for tests in by_key.values():
        first = tests[0]
        merged = first if len(tests) == 1 else In(first.key, how([found.domain for found in tests]), first.type)
        others.append(merged)
    return others


def negated(formula: Formula) -> Formula:
    """*Not*."""
    if isinstance(formula, In):
        return In(formula.key, inverse(formula.domain), formula.type)
    parts = [negated(part) for part in formula.parts]
    return any_of(parts) if isinstance(formula, All) else all_of(parts)


def given(formula: Formula, values: Values, later: Callable[[Key], bool]) -> Formula:
    """What is left of the formula once these values are known, and only those come `later` that are said to."""
    if isinstance(formula, In):
        return formula if later(formula.key) else TRUE if check(formula)(values) else FALSE
    parts = [given(part, values, later) for part in formula.parts]
    return all_of(parts) if isinstance(formula, All) else any_of(parts)


def opposite(pair: Pair) -> Pair:
    """*Not*, of a pair: surely not what may be, perhaps not what is not sure."""
    return Pair(negated(pair.maybe), negated(pair.sure))


def both(pairs: Sequence[Pair]) -> Pair:
    """*And*, of pairs."""
    return Pair(all_of(pair.sure for pair in pairs), all_of(pair.maybe for pair in pairs))


def either(pairs: Sequence[Pair]) -> Pair:
    """*Or*, of pairs."""
    return Pair(any_of(pair.sure for pair in pairs), any_of(pair.maybe for pair in pairs))


def only_one(pairs: Sequence[Pair]) -> Pair:
    """*Exactly one of*, of pairs: one is satisfied and no other could be; perhaps, if it could come out like that."""
    swept = _one_line(pairs)
    if swept is not None:
        return swept
    sure, maybe = [], []
    for index, pair in enumerate(pairs):
        others = [other for place, other in enumerate(pairs) if place != index]
        sure.append(all_of([pair.sure, *(negated(other.maybe) for other in others)]))
        maybe.append(all_of([pair.maybe, *(negated(other.sure) for other in others)]))
    return Pair(any_of(sure), any_of(maybe))


def _one_line(pairs: Sequence[Pair]) -> Pair | None:
    """The same in one sweep, where all pairs are tests of one value that are unknown only if it is missing."""
    tests = []
    for pair in pairs:
        sure, maybe = pair.sure, pair.maybe
        if not (isinstance(sure, In) and isinstance(maybe, In) and sure.domain.body == maybe.domain.body):
            return None
        if sure.domain.missing or not maybe.domain.missing:
            return None
        tests.append(sure)
    if not tests or len({(found.key, found.type) for found in tests}) > 1:
        return None
    return is_in(tests[0].key, exactly_one([found.domain for found in tests]).body, tests[0].type)


def size(formula: Formula) -> int:
    """How many tests there are in it."""
    return 1 if isinstance(formula, In) else 1 + sum(size(part) for part in formula.parts)


Check = Callable[[Values], bool]


def check(formula: Formula) -> Check:
    """The formula as a function of the values."""
    if isinstance(formula, In):
        return _check_in(formula)
    if isinstance(formula, All):
        return _check_all(formula.parts)
    checks = tuple(check(part) for part in formula.parts)

    def one_holds(values: Values) -> bool:
        for part in checks:  # noqa: SIM110
            if part(values):
                return True
        return False

    return one_holds


def _check_all(parts: tuple[Formula, ...]) -> Check:
    """All at once: the plain tests, which most are, stand in two lists that are walked without a call for each."""
    spans: list[tuple[Key, type, Any, Any]] = []
    listed: list[tuple[Key, frozenset[str]]] = []
    others: list[Check] = []
    for part in parts:
        match part:
            case In(key, Domain(False, Line(False, (low, high))), kind):
                spans.append((key, kind, low, high))
            case In(key, Domain(False, Names(False, items)), _):
                listed.append((key, items))
            case _:
                others.append(check(part))

    def holds(values: Values) -> bool:
        for key, kind, low, high in spans:
            value = values.get(key)
            if type(value) is not kind or not low <= value < high:
                return False
        for key, items in listed:
            value = values.get(key)
            if type(value) is not str or value not in items:
                return False
        for other in others:  # noqa: SIM110  a generator costs more than the tests
            if not other(values):
                return False
        return True

    return holds


def _check_in(found: In) -> Check:
    key, missing, body, kind = found.key, found.domain.missing, found.domain.body, found.type
    if isinstance(body, Names):
        return _check_names(key, missing, body)
    if missing or body.begins or len(body.cuts) != 2:
        return _check_line(key, missing, body, kind)
    low, high = body.cuts

    def between(values: Values) -> bool:
        value = values.get(key)
        return type(value) is kind and low <= value < high

    return between


def _check_names(key: Key, missing: bool, body: Names) -> Check:
    items, inverted = body.items, body.inverted

    def named(values: Values) -> bool:
        value = values.get(key)
        return (value in items) is not inverted if type(value) is str else missing

    return named


def _check_line(key: Key, missing: bool, body: Line, kind: type) -> Check:
    begins, cuts = body.begins, body.cuts

    def on_the_line(values: Values) -> bool:
        value = values.get(key)
        if type(value) is not kind:
            return missing
        return (bisect_right(cuts, value) % 2 == 1) is not begins

    return on_the_line
