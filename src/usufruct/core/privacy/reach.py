"""To which part of a table a question is restricted, so that consents with conditions on parts can be held against it.

Never less than what is let in: where a condition is too intricate, it restricts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from usufruct.core.access.proof import Part
from usufruct.core.privacy.question import Call, Expression, Literal, Ref, Value
from usufruct.core.privacy.steps import Computed, Filtered, Joined, Resolved, Table, Totalled, Windowed


def reach(relation: Resolved, asset: str) -> tuple[Part, ...]:
    """The parts of columns to which all that is read of an asset is restricted: never less than what is let in."""
    found = [_parts(part) for part in _restricted(relation, asset, ())]
    if not found:
        return ()
    shared = set.intersection(*(set(parts) for parts in found))
    both = {name: _all_of([parts[name] for parts in found]) for name in shared}
    return tuple(part for _, part in sorted(both.items()) if part is not None)


def _all_of(parts: list[Part]) -> Part | None:
    whole: Part | None = parts[0]
    for part in parts[1:]:
        whole = _wider(whole, part) if whole else None
    return whole


def _restricted(
    relation: Resolved, asset: str, above: tuple[Expression, ...]
) -> Iterator[tuple[Table, tuple[Expression, ...]]]:
    """Each table of an asset with the conditions that its rows alone must meet."""
    match relation:
        case Table():
            if relation.asset == asset:
                yield relation, above
        case Filtered():
            yield from _restricted(relation.source, asset, (*above, relation.condition))
        case Joined():
            yield from _restricted(relation.left, asset, above)
            yield from _restricted(relation.right, asset, () if relation.keep_left else above)
        case Totalled() | Windowed():  # a condition above may be about what was made of rows that do not meet it
            yield from _restricted(relation.source, asset, ())
        case Computed():
            yield from _restricted(relation.source, asset, above)


def _parts(restricted: tuple[Table, tuple[Expression, ...]]) -> dict[str, Part]:
    table, conditions = restricted
    names = dict(table.columns)
    together: dict[str, Part] = {}
    for one in conditions:
        together = _and(together, _reach(one, names))
    return together


def _and(left: dict[str, Part], right: dict[str, Part]) -> dict[str, Part]:
    return left | right | {name: _narrower(left[name], right[name]) for name in left.keys() & right.keys()}


def _reach(one: Expression, names: Mapping[str, str]) -> dict[str, Part]:
    match one:
        case Call("and", (left, right)):
            return _and(_reach(left, names), _reach(right, names))
        case Call("or", (left, right)):
            a, b = _reach(left, names), _reach(right, names)
            both = {name: _wider(a[name], b[name]) for name in a.keys() & b.keys()}
            return {name: part for name, part in both.items() if part is not None}
        case Call("in", (Ref(name), *among)) if name in names and all(isinstance(v, Value) for v in among):
            written = tuple(
                dict.fromkeys(_plain(value) for value in among if value != Value(None))
            )  # nothing equals NULL
            return {names[name]: Part(names[name], values=written)} if written else {}
        case Ref(name) if name in names:
            return {names[name]: Part(names[name], values=(True,))}
        case Call("=", (Ref(name), Value() as value)) if name in names and value.value is not None:
            return {names[name]: Part(names[name], values=(_plain(value),))}
        case Call("<" | "<=" | ">" | ">=" as operator, (Ref(name), Value(int() as bound))) if name in names:
            if isinstance(bound, bool):
                return {}
            low, high = {"<": (None, bound - 1), "<=": (None, bound), ">": (bound + 1, None), ">=": (bound, None)}[
                operator
            ]
            return {names[name]: Part(names[name], low, high)}
        case _:
            return {}


def _plain(value: Expression) -> Literal:
    assert isinstance(value, Value) and isinstance(value.value, int | str)
    return value.value


def _narrower(one: Part, other: Part) -> Part:
    """What lies in both, or something wider."""
    if one.values or other.values:
        return one if one.values else other
    lows = [part.low for part in (one, other) if part.low is not None]
    highs = [part.high for part in (one, other) if part.high is not None]
    return Part(one.column, max(lows, default=None), min(highs, default=None))


def _wider(one: Part, other: Part) -> Part | None:
    """What holds both; None if that is everything."""
    if one.values and other.values:
        return Part(one.column, values=tuple(dict.fromkeys((*one.values, *other.values))))
    if one.values or other.values:
        return None
    low = None if one.low is None or other.low is None else min(one.low, other.low)
    high = None if one.high is None or other.high is None else max(one.high, other.high)
    return None if low is None and high is None else Part(one.column, low, high)
