"""What a question means, worked out slowly: an evaluator in plain Python, for holding the engine against.

It begins at the untyped `Question` and the assets' cards and knows nothing of steps, of SQL or of DuckDB. Rows are lists of
cells, conditions are true, false or unknown, numbers are whole grains. Three rules are not SQL's and are this node's own:

- before a number is reckoned with (added, multiplied, brought to other decimals, added up), it is brought within the
  bounds that its column declares, or that follow from those;
- a sum of one person's rows is brought within what the bounds of one row and the rows that she may have allow;
- what a person counts for is bounded as `core.privacy.rules` says: rows for each group, groups for each person.

An expression has a `Meaning`: its type, its decimals, the interval it is brought into, and how to work it out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from usufruct.core.privacy.question import (
    Call,
    Expression,
    Filter,
    Join,
    Measure,
    Named,
    Question,
    Ref,
    Relation,
    Scan,
    Select,
    Total,
    Totals,
    Value,
    Window,
)
from usufruct.core.privacy.rules import BINS, QueryPlan
from usufruct.core.registry.state import Asset

Cell = int | str | bool | None
PERSON = "person"
PRIME = 2**31 - 1
DIGITS = str.maketrans("abcdef", "012345")


@dataclass(frozen=True)
class Person:
    """Whom a row is about: a number, and what decides which of her groups count."""

    number: int
    draw: int


@dataclass(frozen=True)
class Row:
    """One row: about whom (None: about nobody), and its cells in the order of the relation's columns."""

    person: Person | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Known:
    """A column: its name, its table's, its type, decimals and bounds."""

    label: str
    of: str
    type: str
    decimals: int = 0
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Rows:
    """A relation worked out. A person is in it at most `most` times by the cards."""

    columns: tuple[Known, ...]
    rows: tuple[Row, ...]
    most: int
    personal: bool

    def place(self, ref: Ref) -> int:
        """Where a column stands."""
        found = [i for i, c in enumerate(self.columns) if c.label.lower() == ref.name.lower() and ref.of in ("", c.of)]
        assert len(found) == 1 or {self.columns[place].type for place in found} == {PERSON}, ref
        return found[0]

    def is_person(self, made: object) -> bool:
        return isinstance(made, Ref) and self.columns[self.place(made)].type == PERSON


# --- expressions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Meaning:
    """What an expression is. A `written` one stands in the text."""

    type: str
    decimals: int
    low: int | None
    high: int | None
    of: Callable[[Row], Any]
    written: bool = False


def meaning(made: Expression, rows: Rows) -> Meaning:
    match made:
        case Ref():
            place = rows.place(made)
            column = rows.columns[place]
            return Meaning(column.type, column.decimals, column.low, column.high, lambda row: row.cells[place])
        case Value(None):
            return Meaning("null", 0, None, None, lambda row: None, True)
        case Value(bool() | str() as value):
            kind = "boolean" if isinstance(value, bool) else "text"
            return Meaning(kind, 0, None, None, lambda row: value, True)
        case Value(value):
            return written(Fraction(value))  # type: ignore[arg-type]
        case Call(name, arguments):
            return _RULES[name](name, [meaning(argument, rows) for argument in arguments])


def written(number: Fraction, decimals: int | None = None) -> Meaning:
    if decimals is None:
        decimals = next(d for d in range(20) if (number * 10**d).denominator == 1)
    grains = number * 10**decimals
    assert grains.denominator == 1, "a literal that is too fine is refused"
    return Meaning("number", decimals, int(grains), int(grains), lambda row: int(grains), True)


def brought(one: Meaning) -> Meaning:
    """Within its bounds."""
    low, high = one.low, one.high
    if one.type == "null":
        return one
    assert low is not None and high is not None, "a number without bounds is not reckoned with"

    def clamped(row: Row) -> Cell:
        value = one.of(row)
        return None if value is None else min(max(value, low), high)

    return replace(one, of=clamped)


def scaled(one: Meaning, decimals: int) -> Meaning:
    """In grains of so many decimals."""
    if one.decimals == decimals or one.type != "number":
        return one
    if one.written:
        return written(Fraction(one.low, 10**one.decimals), decimals)  # type: ignore[arg-type]
    assert decimals > one.decimals
    by, inner = 10 ** (decimals - one.decimals), brought(one)
    return Meaning("number", decimals, inner.low * by, inner.high * by, strict(lambda n: n * by, [inner]))  # type: ignore[operator]


def strict(work: Callable[..., Any], arguments: Sequence[Meaning]) -> Callable[[Row], Any]:
    """NULL if any argument is."""

    def of(row: Row) -> Any:
        cells = [argument.of(row) for argument in arguments]
        return None if None in cells else work(*cells)

    return of


def aligned(arguments: Sequence[Meaning]) -> list[Meaning]:
    decimals = max(one.decimals for one in arguments)
    return [scaled(one, decimals) for one in arguments]


def alike(arguments: Sequence[Meaning]) -> list[Meaning]:
    """For comparing: literals fit themselves to the rest."""
    plain = [one for one in arguments if not one.written] or list(arguments)
    main = next((one for one in plain if one.type != "null"), plain[0])
    if main.type != "number":
        return list(arguments)
    fitting = []
    for one in arguments:
        if one.type == "text":  # '5' stands for a number beside numbers
            one = written(Fraction(one.of(Row(None, ()))))
        fitting.append(one)
    decimals = max(one.decimals for one in fitting if not one.written or main.written)
    return [scaled(one, decimals) for one in fitting]


def reckoned(name: str, arguments: list[Meaning]) -> Meaning:
    left, right = map(brought, arguments if name == "*" else aligned(arguments))
    if "null" in (left.type, right.type):
        return Meaning("null", 0, None, None, lambda row: None, True)
    work = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}[name]
    ends = [work(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    decimals = left.decimals + right.decimals if name == "*" else left.decimals
    return Meaning("number", decimals, min(ends), max(ends), strict(work, [left, right]))


def divided(name: str, arguments: list[Meaning]) -> Meaning:
    left, right = aligned(arguments)
    by = right.low
    assert by is not None and by > 0
    left = brought(left)
    if left.type == "null":
        return left
    if name == "%":
        low, high = left.low, left.high
        assert low is not None and high is not None
        ends = (max(low, 1 - by) if low < 0 else 0, min(high, by - 1) if high > 0 else 0)
        return Meaning("number", left.decimals, *ends, strict(lambda n: (abs(n) % by) * (1 if n >= 0 else -1), [left]))
    work = {"floor": lambda n: n // by, "//": lambda n: abs(n) // by * (1 if n >= 0 else -1)}[name]
    return Meaning("number", 0, work(left.low), work(left.high), strict(work, [left]))


def signed(name: str, arguments: list[Meaning]) -> Meaning:
    (one,) = map(brought, arguments)
    if one.type == "null":
        return one
    low, high = one.low, one.high
    assert low is not None and high is not None
    if name == "neg":
        return Meaning("number", one.decimals, -high, -low, strict(lambda n: -n, [one]), one.written)
    least = 0 if low <= 0 <= high else min(abs(low), abs(high))
    return Meaning("number", one.decimals, least, max(abs(low), abs(high)), strict(abs, [one]))


def extreme(name: str, arguments: list[Meaning]) -> Meaning:
    """LEAST and GREATEST pass over NULL."""
    found = [one for one in aligned(arguments) if one.type != "null"]
    if not found:
        return Meaning("null", 0, None, None, lambda row: None, True)
    choose = min if name == "least" else max
    literals = [one.low for one in found if one.written and one.low is not None]
    low, high = hull(found)
    if literals and name == "least":
        high = min(literals)
    if literals and name == "greatest":
        low = max(literals)

    def of(row: Row) -> Cell:
        cells = [cell for one in found if (cell := one.of(row)) is not None]
        return choose(cells) if cells else None

    return Meaning("number", found[0].decimals, low, high, of)


def hull(found: Sequence[Meaning]) -> tuple[int | None, int | None]:
    lows, highs = [one.low for one in found], [one.high for one in found]
    low = None if None in lows else min(lows)  # type: ignore[type-var]
    return low, None if None in highs else max(highs)  # type: ignore[type-var]


def compared(name: str, arguments: list[Meaning]) -> Meaning:
    first, *others = alike(arguments)

    def of(row: Row) -> bool | None:
        value = first.of(row)
        others_ = [one.of(row) for one in others]
        if name == "in":
            same = [None if None in (value, other) else value == other for other in others_]
            return True if True in same else None if None in same else False
        (other,) = others_
        if value is None or other is None:
            return None
        return {"=": value == other, "<>": value != other, "<": value < other, "<=": value <= other, ">": value > other,
                ">=": value >= other}[name]  # fmt: skip

    return Meaning("boolean", 0, None, None, of)


def logical(name: str, arguments: list[Meaning]) -> Meaning:
    def of(row: Row) -> bool | None:
        told = [one.of(row) for one in arguments]
        if name == "not":
            return None if told[0] is None else not told[0]
        decisive = name == "or"
        return decisive if decisive in told else None if None in told else not decisive

    return Meaning("boolean", 0, None, None, of)


def chosen(results: Sequence[Meaning], of: Callable[[Row], Any]) -> Meaning:
    told = [one for one in results if one.type != "null"]
    if not told:
        return Meaning("null", 0, None, None, of)
    return Meaning(told[0].type, told[0].decimals, *hull(told), of)


def case(name: str, arguments: list[Meaning]) -> Meaning:
    conditions, results = arguments[:-1:2], alike([*arguments[1::2], arguments[-1]])

    def of(row: Row) -> Any:
        for place, when in enumerate(conditions):
            if when.of(row) is True:
                return results[place].of(row)
        return results[-1].of(row)

    return chosen(results, of)


def coalesced(name: str, arguments: list[Meaning]) -> Meaning:
    found = alike(arguments)

    def of(row: Row) -> Any:
        if name == "nullif":
            one, other = found[0].of(row), found[1].of(row)
            return None if one is not None and one == other else one
        return next((cell for one in found if (cell := one.of(row)) is not None), None)

    return chosen(found[:1] if name == "nullif" else found, of)


def part(name: str, arguments: list[Meaning]) -> Meaning:
    text, start, length = arguments
    first, many = start.low, length.low
    assert first is not None and many is not None
    return Meaning("text", 0, None, None, strict(lambda t: t[first - 1 : first - 1 + many], [text]))


_RULES: dict[str, Callable[[str, list[Meaning]], Meaning]] = {
    **dict.fromkeys(("+", "-", "*"), reckoned), **dict.fromkeys(("//", "floor", "%"), divided),
    **dict.fromkeys(("neg", "abs"), signed), **dict.fromkeys(("least", "greatest"), extreme),
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "in"), compared), **dict.fromkeys(("and", "or", "not"), logical),
    "is null": lambda name, a: Meaning("boolean", 0, None, None, lambda row: a[0].of(row) is None),
    "case": case, "coalesce": coalesced, "nullif": coalesced, "substr": part,
}  # fmt: skip


# --- relations -------------------------------------------------------------------------------------------------------

Data = Mapping[str, tuple[Asset, Sequence[tuple[Person | None, Mapping[str, Cell]]]]]
"""By asset: its card, and its rows: about whom, and the cells of the other columns by name."""


def worked_out(relation: Relation, data: Data) -> Rows:
    match relation:
        case Scan():
            return scan(relation, data)
        case Filter():
            source = worked_out(relation.source, data)
            holds = meaning(relation.condition, source).of
            return replace(source, rows=tuple(row for row in source.rows if holds(row) is True))
        case Select():
            return select(relation, worked_out(relation.source, data))
        case Totals():
            return totals(relation, worked_out(relation.source, data))
        case Join():
            return join(relation, worked_out(relation.left, data), worked_out(relation.right, data))


def scan(relation: Scan, data: Data) -> Rows:
    asset, stored = data[relation.asset]
    columns = tuple(
        Known(c.name, relation.alias, PERSON) if c.name == asset.person_column else
        Known(c.name, relation.alias, "number" if c.type in ("integer", "decimal") else c.type, c.decimals, c.low, c.high)
        for c in asset.columns
    )  # fmt: skip
    rows = tuple(Row(person, tuple(cells.get(c.name) for c in asset.columns)) for person, cells in stored)
    return Rows(columns, rows, asset.rows_per_person, bool(asset.person_column))


def select(relation: Select, source: Rows) -> Rows:
    columns: list[Known] = []
    makers: list[Callable[[Row], Cell]] = []
    windows: dict[int, dict[int, Cell]] = {}
    for named in relation.columns:
        if named.made is None:
            for place, column in enumerate(source.columns):
                if named.name in ("", column.of):
                    columns.append(replace(column, of=relation.alias or column.of))
                    makers.append(lambda row, place=place: row.cells[place])  # type: ignore[misc]
        elif isinstance(named.made, Window):
            column, values = window(named.made, source, list(windows.values()))
            columns.append(replace(column, label=named.name, of=relation.alias))
            windows[len(makers)] = values
            makers.append(lambda row: None)
        else:
            found = meaning(named.made, source)
            of = relation.alias
            if isinstance(named.made, Ref) and not of:
                of = source.columns[source.place(named.made)].of
            columns.append(Known(named.name, of, found.type, found.decimals, found.low, found.high))
            makers.append(found.of)
    rows = tuple(
        Row(row.person, tuple(windows[i][at] if i in windows else make(row) for i, make in enumerate(makers)))
        for at, row in enumerate(source.rows)
    )
    return replace(source, columns=tuple(columns), rows=rows)


def order_key(cells: Sequence[Cell], down: Sequence[bool]) -> tuple[Any, ...]:
    """Sorts with NULLs last either way."""
    return tuple(
        (cell is None, Backwards(cell) if d and cell is not None else cell) for cell, d in zip(cells, down, strict=True)
    )


@dataclass(frozen=True)
class Backwards:
    """Sorts the other way round."""

    cell: Any

    def __lt__(self, other: Backwards) -> bool:
        return bool(other.cell < self.cell)

    def __le__(self, other: Backwards) -> bool:
        return bool(other.cell <= self.cell)


def comparable(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((null, 0 if null else cell) for null, cell in key)


def window(made: Window, source: Rows, beside: Sequence[dict[int, Cell]]) -> tuple[Known, dict[int, Cell]]:
    """A window's column, and its cell for each row. Rows that are alike are told apart by the windows `beside` it, if at all."""
    by = [meaning(one, source).of for one in made.partition if not source.is_person(one)]
    ordered = [(meaning(one, source).of, down) for one, down in made.order]
    explicit = len(ordered)
    ranking = made.function in ("row_number", "lag", "lead")
    if ranking:
        ordered += [(lambda row, p=p: row.cells[p], False) for p, c in enumerate(source.columns) if c.type != PERSON]  # type: ignore[misc]
    argument = meaning(made.argument, source) if made.argument is not None else None
    column = _total_column(made.function, argument, source.most)
    if made.function == "sum":
        assert argument is not None
        argument = brought(argument)
    parts: dict[Any, list[tuple[tuple[Any, ...], tuple[Any, ...], int]]] = defaultdict(list)
    for at, row in enumerate(source.rows):
        last = [values[at] for values in beside if ranking]
        key = comparable(
            order_key([*(of(row) for of, _ in ordered), *last], [*(d for _, d in ordered), *(False for _ in last)])
        )
        parts[row.person, tuple(of(row) for of in by)].append((key, key[:explicit], at))
    cells: dict[int, Cell] = {}
    for members in parts.values():
        members.sort(key=lambda one: one[0])
        for place, (_, peers, at) in enumerate(members):
            if made.function == "row_number":
                cells[at] = place + 1
            elif made.function in ("lag", "lead"):
                assert argument is not None
                other = place + (made.offset if made.function == "lead" else -made.offset)
                cells[at] = argument.of(source.rows[members[other][2]]) if 0 <= other < len(members) else None
            else:
                within = [source.rows[i] for _, p, i in members if not made.order or p <= peers]
                cells[at] = total_of(made.function, argument, within, column)
    return column, cells


def _total_column(function: str, argument: Meaning | None, most: int) -> Known:
    if function in ("row_number", "count"):
        return Known("", "", "number", 0, 0, most)
    assert argument is not None
    if function != "sum":
        return Known("", "", argument.type, argument.decimals, argument.low, argument.high)
    assert argument.low is not None and argument.high is not None
    return Known("", "", "number", argument.decimals, min(0, argument.low * most), max(0, argument.high * most))


def total_of(function: str, argument: Meaning | None, rows: Sequence[Row], column: Known) -> Cell:
    """A total of some rows of one person."""
    if argument is None:
        return len(rows)
    cells = [cell for row in rows if (cell := argument.of(row)) is not None]
    if function == "count":
        return len(cells)
    if not cells:
        return None
    if function == "sum":
        assert column.low is not None and column.high is not None
        return min(max(sum(cells), column.low), column.high)
    return (min if function == "min" else max)(cells)


def totals(relation: Totals, source: Rows) -> Rows:
    columns: list[Known] = []
    keys = [key for key in relation.keys if not source.is_person(key.made)]
    makers = []
    for key in relation.keys:
        if source.is_person(key.made):
            columns.append(Known(key.name, relation.alias, PERSON))
    for key in keys:
        assert key.made is not None and not isinstance(key.made, Window)
        found = meaning(key.made, source)
        makers.append(found.of)
        columns.append(Known(key.name, relation.alias, found.type, found.decimals, found.low, found.high))
    adding = [_adding(total, source) for total in relation.totals]
    columns += [
        replace(column, label=t.name, of=relation.alias) for t, (_, column) in zip(relation.totals, adding, strict=True)
    ]
    persons = len(relation.keys) - len(keys)
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in source.rows:
        groups[row.person, tuple(make(row) for make in makers)].append(row)
    rows = tuple(
        Row(person, (*[None] * persons, *key, *(
            total_of(t.function, argument, members, column)
            for t, (argument, column) in zip(relation.totals, adding, strict=True)
        )))
        for (person, key), members in groups.items()
    )  # fmt: skip
    return Rows(tuple(columns), rows, source.most if keys else 1, True)


def _adding(total: Total, source: Rows) -> tuple[Meaning | None, Known]:
    argument = None
    if total.argument is not None and not (total.function == "count" and source.is_person(total.argument)):
        argument = meaning(total.argument, source)
    column = _total_column(total.function, argument, source.most)
    return brought(argument) if argument and total.function == "sum" else argument, column


def join(relation: Join, left: Rows, right: Rows) -> Rows:
    on = relation.on
    if not left.personal and right.personal and not relation.keep_left:
        left, right, on = right, left, tuple((b, a) for a, b in on)
    pairs: list[tuple[int, int]] = []
    for one, other in on:
        if _has(left, other) and _has(right, one):
            one, other = other, one
        if not left.is_person(one):
            pairs.append((left.place(one), right.place(other)))
    kept = [p for p, c in enumerate(right.columns) if c.type != PERSON or not relation.keep_left]
    rows = []
    for row in left.rows:
        alike_ = [
            other for other in right.rows
            if (other.person == row.person or not right.personal)
            and all(row.cells[a] is not None and row.cells[a] == other.cells[b] for a, b in pairs)
        ]  # fmt: skip
        if not right.personal:  # looked up: one of those that are alike, the first in order
            alike_ = sorted(alike_, key=lambda r: comparable(order_key(r.cells, [False] * len(r.cells))))[:1]
        if not alike_ and relation.keep_left:
            rows.append(Row(row.person, row.cells + (None,) * len(kept)))
        rows += [Row(row.person, row.cells + tuple(other.cells[p] for p in kept)) for other in alike_]
    most = left.most * right.most if right.personal else left.most
    return Rows(left.columns + tuple(right.columns[p] for p in kept), tuple(rows), most, True)


def _has(rows: Rows, ref: Ref) -> bool:
    found = [c for c in rows.columns if c.label.lower() == ref.name.lower() and ref.of in ("", c.of)]
    return len(found) == 1 or (bool(found) and {c.type for c in found} == {PERSON})


# --- what a person counts for, and the sums --------------------------------------------------------------------------


@dataclass
class Sums:
    """Exact numbers before noise: of each group its persons, and for each measure its vectors' numbers; what each person
    counted for, in all and, for each measure's vectors, group by group."""

    persons: dict[tuple[Cell, ...], int]
    numbers: list[list[dict[tuple[Cell, ...], list[int]]]]
    counted: dict[int, int]
    cells: list[tuple[int, tuple[Cell, ...], list[list[list[int]]]]] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """One vector of a measure: kind, argument, centre and reach."""

    kind: str
    argument: Meaning | None
    centre: int = 0
    reach: int = 1

    def part(self, rows: Sequence[Row], most: int, draw: int) -> list[int]:
        """What one person's rows in one group count for, if at most so many do."""
        if self.kind == "persons":
            return [1]
        if self.argument is None:
            return [min(len(rows), most)]
        cells = [cell for row in rows if (cell := self.argument.of(row)) is not None]
        if self.kind == "rows":
            return [min(len(cells), most)]
        low, high = self.argument.low, self.argument.high
        assert low is not None and high is not None
        cells = [min(max(cell, low), high) for cell in cells]
        if self.kind == "bins":
            found = [0] * BINS
            places = [(cell - low) // self.reach for cell in cells]
            order = sorted(set(places), key=lambda b: (hashlib.md5(f"{draw}|{b}".encode()).hexdigest(), b))
            for place in order:
                found[place] = min(places.count(place), most - sum(found))
            return found
        if self.kind == "squares":
            return [min(sum((cell - self.centre) ** 2 for cell in cells), most * self.reach**2)]
        total = sum(cell - self.centre for cell in cells)
        return [min(max(total, -most * self.reach), most * self.reach)]


def wanted(measure: Measure, rows: Rows) -> Iterator[Wanted]:
    """The vectors that a measure is made from, as the rules document them."""
    argument = measure.argument
    if measure.function == "persons":
        yield Wanted("persons", None)
        return
    if argument is None or rows.is_person(argument):
        yield Wanted("rows", None)
        return
    found = meaning(argument, rows)
    yield Wanted("rows", found)
    if measure.function == "count":
        return
    low, high = found.low, found.high
    assert low is not None and high is not None
    if measure.function == "quantile":
        yield Wanted("bins", found, low, -(-(high - low + 1) // BINS))
        return
    centre = (low + high) // 2
    reach = max(high - centre, centre - low, 1)
    yield Wanted("sum", found, centre, reach)
    if measure.function in ("variance", "deviation"):
        yield Wanted("squares", found, centre, reach)


def lot(asset: str, draw: int, group: Sequence[Cell]) -> int:
    """By what a person's groups are ordered: it depends on her and the group, and on nothing and nobody else."""
    words = [str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in group]
    hashed = hashlib.md5("|".join([asset, *words]).encode()).hexdigest()
    first, second = (int(half.translate(DIGITS)) for half in (hashed[:16], hashed[16:]))
    return (first * draw + second) % PRIME


def evaluate(question: Question, data: Data, plan: QueryPlan) -> Sums:
    """The exact numbers of a question. Of the plan only what is public is taken: how often a person may count, the lists of
    groups, the name that salts the lots."""
    rows = worked_out(question.relation, data)
    keys = [meaning(key.made, rows).of for key in question.keys]
    local: dict[tuple[Person, tuple[Cell, ...]], list[Row]] = defaultdict(list)
    for row in rows.rows:
        group = tuple(key(row) for key in keys)
        listed = [listed.values for listed in plan.keys]
        named = all(
            cell is not None and (not values or any(type(cell) is type(v) and cell == v for v in values))
            for cell, values in zip(group, listed, strict=True)
        )
        assert row.person is not None
        if named:
            local[row.person, group].append(row)
    vectors = [list(wanted(measure, rows)) for measure in question.measures]
    sums = Sums(defaultdict(int), [[{} for _ in wanteds] for wanteds in vectors], defaultdict(int))
    for who in dict.fromkeys(person for person, _ in local):
        mine = [group for person, group in local if person == who]
        lots = {group: lot(plan.sources[0].asset, who.draw, group) for group in mine}
        if len(mine) > plan.groups_per_person:
            mine = [group for group in mine if lots[group] < sorted(lots.values())[plan.groups_per_person]]
        for group in mine:
            members = local[who, group]
            sums.persons[group] += 1
            sums.counted[who.number] += min(len(members), plan.rows_per_group)
            own = [[one.part(members, plan.rows_per_group, who.draw) for one in wanteds] for wanteds in vectors]
            sums.cells.append((who.number, group, own))
            for parts, numbers in zip(own, sums.numbers, strict=True):
                for found, by_group in zip(parts, numbers, strict=True):
                    before = by_group.setdefault(group, [0] * len(found))
                    by_group[group] = [a + b for a, b in zip(before, found, strict=True)]
    return sums


__all__ = ["Data", "Named", "Person", "Sums", "evaluate"]
