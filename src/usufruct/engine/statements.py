"""SQL from a plan: what is run over the tables `t0`, `t1` … of a plan's sources, which hold the permitted rows.

A table about persons has their numbers as `_person`, and `_draw`, which decides what of a person counts when she has too
much. Steps of a relation are selects inside each other over names of our own; nothing of what anybody typed is in the
text but quoted names of columns from the card, and literals are bound (`$1` …). It is written so that other engines say
the same of the same rows: whole numbers only, every order total, hashes of text, no value left to chance.

`bounded` has for every person and group what she counts for: `person`, `k0` … for the keys, `rows`, `v0` … for the
vectors that have one number for each group. The steps are those of `core.privacy.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from usufruct.core.privacy.question import Call, Expression, Literal, Ref, Value
from usufruct.core.privacy.rules import GroupKey, QueryPlan, Source, Vector
from usufruct.core.privacy.steps import (
    Adding,
    Computed,
    Filtered,
    Joined,
    Resolved,
    Table,
    Totalled,
    Windowed,
    names_of,
)
from usufruct.engine.columns import quoted

Statement = tuple[str, list[Literal | None]]

PRIME = 2**31 - 1  # of lots
MOST_ROWS = 2**40  # of a table, far more than any has
HEAP = 100  # values, of 8 bytes, for each person


def bounding(plan: QueryPlan) -> Statement:
    """What each person counts for in each group."""
    writer = Writer(plan.sources)
    keys = _keys(plan)
    columns = "".join(f"{key.name} AS k{i}, " for i, key in enumerate(plan.keys))
    added = {f"v{i}": _per_person(v) for i, v in enumerate(plan.vectors) if v.of is not None and v.kind != "bins"}
    vectors = "".join(f", {made} AS {name}" for name, made in added.items())
    where = writer.named_groups(plan.keys)
    limited = not plan.cells or plan.cells > plan.groups_per_person
    draw = ", max(draw) AS draw" if limited else ""
    grouping = ", ".join(["person", *(key.name for key in plan.keys)])
    query = (
        f"SELECT person, {columns}count(*) AS n{vectors}{draw} FROM ({writer.relation(plan.relation)}) AS r{where} "
        f"GROUP BY {grouping}"
    )
    if limited:
        salt = writer.bound(plan.sources[0].asset)
        query = _limited(query, len(plan.keys), ["n", *added], plan.groups_per_person, salt)
    most = plan.rows_per_group
    clamped = "".join(f", {_clamped(v, i, most)} AS v{i}" for i, v in enumerate(plan.vectors) if v.kind != "bins")
    return f"SELECT person, {keys}least(n, {most}) AS rows{clamped} FROM ({query}) AS b", writer.values


def _limited(query: str, keys: int, added: list[str], most: int, salt: str) -> str:
    """Of each person's groups in `query` those with the lowest lots, `most` at most: those below the lot that is one too many,
    so of groups with the same lot none or all.

    A group's lot is a * draw + b modulo a prime, with a and b from a hash of the group alone. So whom else the table is about
    changes nothing: neither a person's number nor the version may go in, for both depend on the others. A lot is as likely to
    be one number as another, and for one group the lots of any two draws have nothing to do with each other (Carter and
    Wegman 1979). Texts are hashed once for each group, and not once for each person in it.
    """
    names = [f"k{i}" for i in range(keys)]
    grouped, words = ", ".join(names), ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
    carried = ", ".join(f"g.{name}" for name in [*names, *added])
    lot = f"(lots.a * coalesce(CAST(draw AS BIGINT), 0) + lots.b) % {PRIME}"
    alike = " AND ".join(f"g.{name} = lots.{name}" for name in names)
    return (
        f"WITH g AS ({query}), "
        f"hashed AS (SELECT {grouped}, translate(md5(concat_ws('|', {salt}, {words})), 'abcdef', '012345') AS digits "
        f"FROM (SELECT DISTINCT {grouped} FROM g) AS d), "
        f"lots AS (SELECT {grouped}, CAST(substr(digits, 1, 16) AS BIGINT) % {PRIME} AS a, "
        f"CAST(substr(digits, 17, 16) AS BIGINT) % {PRIME} AS b FROM hashed), "
        f"drawn AS (SELECT person, {carried}, {lot} AS lot FROM g JOIN lots ON {alike}), "
        f"cuts AS (SELECT person, {_smallest('lot', most + 1)} AS cut FROM drawn GROUP BY person) "
        "SELECT drawn.* FROM drawn JOIN cuts ON drawn.person = cuts.person WHERE cut IS NULL OR lot < cut"
    )


def _smallest(column: str, place: int) -> str:
    """The value at a place, from 1, when a person's are in order; NULL if she has fewer. A heap is faster than a list, but
    takes the room for all places at once, for each person."""
    return f"min({column}, {place})[{place}]" if place <= HEAP else f"array_sort(array_agg({column}))[{place}]"


def adding_up(plan: QueryPlan) -> Statement:
    """The sums over all persons, group by group; of groups that no list names only those of enough persons."""
    keys = _keys(plan)
    most = plan.rows_per_group
    sums = "".join(f", {_total(f'v{i}', most * _reach(v))}" for i, v in enumerate(plan.vectors) if v.kind != "bins")
    grouping = f" GROUP BY {keys.removesuffix(', ')}" if keys else ""
    least = f" HAVING count(*) >= {plan.threshold.least}" if plan.threshold else ""
    return f"SELECT {keys}count(*) AS persons{sums} FROM bounded{grouping}{least}", []


def binning(plan: QueryPlan, vector: Vector) -> Statement:
    """The rows in each bin, group by group: of each person in each group at most as many as she counts for."""
    assert vector.of is not None and vector.domain is not None
    assert vector.domain.low is not None and vector.domain.high is not None
    writer = Writer(plan.sources)
    keys = _keys(plan)
    named = "".join(f"{key.name} AS k{i}, " for i, key in enumerate(plan.keys))
    low, high = vector.domain.low, vector.domain.high
    value = f"CASE WHEN {vector.of} < {low} THEN {low} WHEN {vector.of} > {high} THEN {high} ELSE {vector.of} END"
    where = writer.named_groups(plan.keys, f"{vector.of} IS NOT NULL")
    counted = (
        f"SELECT person, {named}({value} - {low}) // {vector.reach} AS bin, max(draw) AS d, count(*) AS n "
        f"FROM ({writer.relation(plan.relation)}) AS r{where} GROUP BY {', '.join(str(1 + i) for i in range(len(plan.keys) + 2))}"
    )
    alike = " AND ".join(["bounded.person = c.person", *(f"bounded.k{i} = c.k{i}" for i in range(len(plan.keys)))])
    own = ", ".join(["c.person", *(f"c.k{i}" for i in range(len(plan.keys)))])
    before = (
        f"sum(n) OVER (PARTITION BY {own} ORDER BY md5(concat_ws('|', CAST(d AS VARCHAR), CAST(bin AS VARCHAR))), bin "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    cut = "".join(f"c.k{i} AS k{i}, " for i in range(len(plan.keys)))
    left = (
        f"SELECT {cut}bin, greatest(least(n, {plan.rows_per_group} - coalesce({before}, 0)), 0) AS m "
        f"FROM ({counted}) AS c JOIN bounded ON {alike}"
    )
    return f"SELECT {keys}bin, {_total('m', plan.rows_per_group)} FROM ({left}) AS l GROUP BY {keys}bin", writer.values


def over_columns(condition: Expression, bound: list[Literal | None] | None = None) -> Statement:
    """A condition over the columns of a stored table themselves; its values are put behind those that are `bound`."""
    writer = Writer((), [] if bound is None else bound, name=quoted)
    return writer.expression(condition), writer.values


def contributing() -> Statement:
    """The bounded rows of each person."""
    return "SELECT person, CAST(least(sum(rows), 4294967295) AS BIGINT) AS rows FROM bounded GROUP BY person", []


def _keys(plan: QueryPlan) -> str:
    return "".join(f"k{i}, " for i in range(len(plan.keys)))


def _total(column: str, reach: int | None = None) -> str:
    """A sum that no number of rows can overflow, whatever width an engine adds whole numbers up in. Numbers that are all within
    a small `reach` of zero need no more than 64 bits, in which all are faster."""
    if reach is not None and reach * MOST_ROWS < 2**63:
        return f"CAST(sum({column}) AS BIGINT)"
    return f"sum(CAST({column} AS DECIMAL(38, 0)))"


def _reach(vector: Vector) -> int:
    """How far from zero what one row adds to a vector can be."""
    return {"sum": vector.reach, "squares": vector.reach**2}.get(vector.kind, 1)


def _per_person(vector: Vector) -> str:
    """What one person's rows in one group come to, before clamping."""
    if vector.kind == "rows":
        return f"count({vector.of})"
    assert vector.domain is not None and vector.domain.low is not None and vector.domain.high is not None
    low, high, centre = vector.domain.low, vector.domain.high, vector.centre
    name = vector.of
    bounded = f"(CASE WHEN {name} < {low} THEN {low} WHEN {name} > {high} THEN {high} ELSE {name} END - {centre})"
    added = f"{bounded} * {bounded}" if vector.kind == "squares" else bounded
    return f"coalesce({_total(added, _reach(vector))}, 0)"


def _clamped(vector: Vector, index: int, rows: int) -> str:
    if vector.kind == "persons":
        return "1"
    reach = rows * _reach(vector)
    if vector.kind == "sum":
        return f"least(greatest(v{index}, -{reach}), {reach})"
    return f"least({'n' if vector.of is None else f'v{index}'}, {reach})"


@dataclass(slots=True)
class Writer:
    """Writes the relation of a plan over its `sources`, and binds its literals."""

    sources: tuple[Source, ...]
    values: list[Literal | None] = field(default_factory=list)
    name: Callable[[str], str] = str

    def bound(self, value: Literal | None) -> str:
        self.values.append(value)
        place = f"${len(self.values)}"
        # DuckDB takes a small number for one of 32 bits, which would overflow where ours do not.
        return place if isinstance(value, str | bool | None) else f"CAST({place} AS BIGINT)"

    def named_groups(self, keys: Sequence[GroupKey], *further: str) -> str:
        """The WHERE that leaves rows of groups that there are."""
        conditions = list(further)
        for key in keys:
            if key.values:
                conditions.append(f"{key.name} IN ({', '.join(map(self.bound, key.values))})")
            else:
                conditions.append(f"{key.name} IS NOT NULL")
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def relation(self, relation: Resolved) -> str:
        """A select of `person`, `draw` and the columns of a relation."""
        match relation:
            case Table():
                return self._table(relation, personal=True)
            case Filtered():
                return (
                    f"SELECT * FROM ({self.relation(relation.source)}) AS f WHERE {self.expression(relation.condition)}"
                )
            case Computed():
                made = self.expression(relation.made)
                return f"SELECT *, {made} AS {relation.name} FROM ({self.relation(relation.source)}) AS e"
            case Windowed():
                return f"SELECT *, {self._window(relation)} AS {relation.name} FROM ({self.relation(relation.source)}) AS w"
            case Totalled():
                return self._totals(relation)
            case Joined():
                return self._join(relation)

    def _table(self, table: Table, personal: bool) -> str:
        place = next(i for i, source in enumerate(self.sources) if source.asset == table.asset)
        columns = [f"{quoted(column)} AS {name}" for name, column in table.columns]
        own = ["_person AS person", "_draw AS draw"] if personal else []
        return f"SELECT {', '.join([*own, *columns]) or '1'} FROM t{place}"

    def _window(self, window: Windowed) -> str:
        over = ", ".join(["person", *map(self.expression, window.partition)])
        by = [(self.expression(made), "DESC" if down else "ASC") for made, down in window.order]
        order = ", ".join(f"{made} {way} NULLS LAST" for made, way in [*by, *((name, "ASC") for name in window.ties)])
        argument = "*" if window.argument is None else self.expression(window.argument)
        within = f"OVER (PARTITION BY {over}{f' ORDER BY {order}' if order else ''})"
        match window.function:
            case "row_number":
                return f"CAST(row_number() {within} AS BIGINT)"  # in some engines it is of 32 bits, or has no sign
            case "lag" | "lead":
                return f"{window.function}({argument}, {window.offset}) {within}"
            case "sum":
                return _kept_within(f"{_total(argument)} {within}", window.low, window.high)
            case function:
                return f"{function}({argument}) {within}"

    def _totals(self, totals: Totalled) -> str:
        keys = [f"{self.expression(made)} AS {name}" for name, made in totals.keys]
        added = [f"{self._adding(total)} AS {total.name}" for total in totals.totals]
        source = self.relation(totals.source)
        places = ", ".join(str(2 + place) for place in range(len(keys)))
        chosen = ", ".join(["person", *keys, "max(draw) AS draw", *added])
        return f"SELECT {chosen} FROM ({source}) AS s GROUP BY 1{f', {places}' if places else ''}"

    def _adding(self, total: Adding) -> str:
        argument = "*" if total.argument is None else self.expression(total.argument)
        if total.function == "sum":
            return _kept_within(_total(argument), total.low, total.high)
        return f"{total.function}({argument})"

    def _join(self, join: Joined) -> str:
        left = self.relation(join.left)
        on = [f"l.{a} = r.{b}" for a, b in join.on]
        names = names_of(join.right)
        kind = "LEFT JOIN" if join.keep_left else "JOIN"
        chosen = "".join(f", r.{name}" for name in names)
        if not join.public:
            right = self.relation(join.right)
            on.insert(0, "l.person = r.person")
        else:
            # Of rows that are alike in what is looked up one is taken, so that no row of a person becomes two.
            by = ", ".join(b for _, b in join.on)
            order = ", ".join(f"{name} ASC NULLS LAST" for name in names)
            right = (
                f"SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY {order}) AS place "
                f"FROM ({self.lookup(join.right)}) AS u) AS o WHERE place = 1"
            )
        return f"SELECT l.*{chosen} FROM ({left}) AS l {kind} ({right}) AS r ON {' AND '.join(on)}"

    def lookup(self, relation: Resolved) -> str:
        """A relation about nobody."""
        match relation:
            case Table():
                return self._table(relation, personal=False)
            case Filtered():
                return (
                    f"SELECT * FROM ({self.lookup(relation.source)}) AS f WHERE {self.expression(relation.condition)}"
                )
            case Computed():
                return f"SELECT *, {self.expression(relation.made)} AS {relation.name} FROM ({self.lookup(relation.source)}) AS e"
        raise AssertionError("what is looked up is a table, filtered and computed with")

    def expression(self, made: Expression) -> str:
        """An expression in SQL's own three-valued logic; no row, whatever it holds, can make it fail."""
        match made:
            case Ref():
                return self.name(made.name)
            case Value(None):
                return "NULL"
            case Value(value):
                assert isinstance(value, Literal)
                return self.bound(value)
            case Call(function, arguments):
                return _FORMS[function]([self.expression(argument) for argument in arguments])


def _kept_within(total: str, low: int | None, high: int | None) -> str:
    """A sum of one person, clamped: 38 digits hold whatever comes, and what is kept fits into 64. Of nothing there is none, so
    not by LEAST and GREATEST, which pass over NULL."""
    return f"CAST({_clamp([total, str(low), str(high)])} AS BIGINT)"


def _case(parts: list[str]) -> str:
    branches = " ".join(f"WHEN {when} THEN {then}" for when, then in zip(parts[:-1:2], parts[1:-1:2], strict=True))
    return f"(CASE {branches} ELSE {parts[-1]} END)"


def _floor(parts: list[str]) -> str:
    number, by = parts
    return f"(({number} - (({number} % {by}) + {by}) % {by}) // {by})"


def _clamp(parts: list[str]) -> str:
    number, low, high = parts
    return f"(CASE WHEN {number} < {low} THEN {low} WHEN {number} > {high} THEN {high} ELSE {number} END)"


def _between(operator: str) -> Callable[[list[str]], str]:
    return lambda parts: f"({f' {operator} '.join(parts)})"


def _calling(name: str) -> Callable[[list[str]], str]:
    return lambda parts: f"{name}({', '.join(parts)})"


_FORMS: dict[str, Callable[[list[str]], str]] = {
    **{name: _between(name) for name in ("+", "-", "*", "//", "%", "=", "<>", "<", "<=", ">", ">=")},
    **{name: _between(name.upper()) for name in ("and", "or")},
    **{name: _calling(name) for name in ("abs", "least", "greatest", "coalesce", "nullif", "substr")},
    "not": lambda parts: f"(NOT {parts[0]})",
    "is null": lambda parts: f"({parts[0]} IS NULL)",
    "in": lambda parts: f"({parts[0]} IN ({', '.join(parts[1:])}))",
    "neg": lambda parts: f"(-{parts[0]})",
    "clamp": _clamp,
    "floor": _floor,
    "case": _case,
}
