"""SQL from a plan: what is run over the tables `t0`, `t1` … of a plan's sources, which hold the permitted rows.

A table about persons has their numbers as `_person`, and `_draw`, which decides what of a person counts when she has too
much. Steps of a relation are selects inside each other over names of our own; nothing of what anybody typed is in the
text but quoted names of columns from the card, and literals are bound (`$1` …). It is written so that other engines say
the same of the same rows: whole numbers only, every order total, hashes of text, no value left to chance.

`bounded` has for every person and group what she counts for: `person`, `k0` … for the keys, `rows`, `v0` … for the
vectors that have one number for each group. The steps are those of `core.privacy.rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from usufruct.core.privacy.question import Call, Expression, Literal, Ref, Value
from usufruct.core.privacy.rules import QueryPlan, Vector
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


def bounding(plan: QueryPlan) -> Statement:
    """What each person counts for in each group."""
    writer = _Writer(plan)
    keys = _keys(plan)
    columns = "".join(f"{key.name} AS k{i}, " for i, key in enumerate(plan.keys))
    vectors = "".join(f", {_per_person(v)} AS v{i}" for i, v in enumerate(plan.vectors) if v.kind != "bins")
    where = writer.named_groups()
    limited = not plan.cells or plan.cells > plan.groups_per_person
    draw = ", max(draw) AS draw" if limited else ""
    grouping = ", ".join(["person", *(key.name for key in plan.keys)])
    query = (
        f"SELECT person, {columns}count(*) AS n{vectors}{draw} FROM ({writer.relation(plan.relation)}) AS r{where} "
        f"GROUP BY {grouping}"
    )
    if limited:
        # The order is by a hash of person and group alone, so whom else the table is about changes nothing: neither
        # a person's number nor the version may go in, for both depend on the others.
        names = "".join(f", CAST(k{i} AS VARCHAR)" for i in range(len(plan.keys)))
        salt = writer.bound(plan.sources[0].asset)
        hashed = f"md5(concat_ws('|', {salt}, CAST(draw AS VARCHAR){names}))"
        order = ", ".join([hashed, *(f"k{i}" for i in range(len(plan.keys)))])
        query = (
            f"SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY person ORDER BY {order}) AS place FROM ({query}) AS g) AS p "
            f"WHERE place <= {plan.groups_per_person}"
        )
    most = plan.rows_per_group
    clamped = "".join(f", {_clamped(v, i, most)} AS v{i}" for i, v in enumerate(plan.vectors) if v.kind != "bins")
    kept = ", draw" if limited else ""
    return f"SELECT person, {keys}least(n, {most}) AS rows{clamped}{kept} FROM ({query}) AS b", writer.values


def adding_up(plan: QueryPlan) -> Statement:
    """The sums over all persons, group by group; of groups that no list names only those of enough persons."""
    keys = _keys(plan)
    sums = "".join(f", {_total(f'v{i}')}" for i, v in enumerate(plan.vectors) if v.kind != "bins")
    grouping = f" GROUP BY {keys.removesuffix(', ')}" if keys else ""
    least = f" HAVING count(*) >= {plan.threshold.least}" if plan.threshold else ""
    return f"SELECT {keys}count(*) AS persons{sums} FROM bounded{grouping}{least}", []


def binning(plan: QueryPlan, vector: Vector) -> Statement:
    """The rows in each bin, group by group: of each person in each group at most as many as she counts for."""
    assert vector.of is not None and vector.domain is not None
    assert vector.domain.low is not None and vector.domain.high is not None
    writer = _Writer(plan)
    keys = _keys(plan)
    named = "".join(f"{key.name} AS k{i}, " for i, key in enumerate(plan.keys))
    low, high = vector.domain.low, vector.domain.high
    value = f"CASE WHEN {vector.of} < {low} THEN {low} WHEN {vector.of} > {high} THEN {high} ELSE {vector.of} END"
    where = writer.named_groups(f"{vector.of} IS NOT NULL")
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
    return f"SELECT {keys}bin, {_total('m')} FROM ({left}) AS l GROUP BY {keys}bin", writer.values


def over_columns(condition: Expression, bound: list[Literal | None] | None = None) -> Statement:
    """A condition over the columns of a stored table themselves; its values are put behind those that are `bound`."""
    writer = _Writer(None, [] if bound is None else bound, name=quoted)
    return writer.expression(condition), writer.values


def contributing() -> Statement:
    """The bounded rows of each person."""
    return "SELECT person, CAST(least(sum(rows), 4294967295) AS BIGINT) AS rows FROM bounded GROUP BY person", []


def _keys(plan: QueryPlan) -> str:
    return "".join(f"k{i}, " for i in range(len(plan.keys)))


def _total(column: str) -> str:
    """A sum that no number of rows can overflow, whatever width an engine adds whole numbers up in."""
    return f"sum(CAST({column} AS DECIMAL(38, 0)))"


def _per_person(vector: Vector) -> str:
    """What one person's rows in one group come to, before clamping."""
    if vector.kind == "persons":
        return "1"
    if vector.kind == "rows":
        return "count(*)" if vector.of is None else f"count({vector.of})"
    assert vector.domain is not None and vector.domain.low is not None and vector.domain.high is not None
    low, high, centre = vector.domain.low, vector.domain.high, vector.centre
    name = vector.of
    bounded = f"(CASE WHEN {name} < {low} THEN {low} WHEN {name} > {high} THEN {high} ELSE {name} END - {centre})"
    added = f"{bounded} * {bounded}" if vector.kind == "squares" else bounded
    return f"coalesce({_total(added)}, 0)"


def _clamped(vector: Vector, index: int, rows: int) -> str:
    if vector.kind == "sum":
        reach = rows * vector.reach
        return f"least(greatest(v{index}, -{reach}), {reach})"
    if vector.kind == "squares":
        return f"least(v{index}, {rows * vector.reach**2})"
    return f"least(v{index}, {1 if vector.kind == 'persons' else rows})"


@dataclass(slots=True)
class _Writer:
    """Writes the relation of a plan, and binds its literals."""

    plan: QueryPlan | None
    values: list[Literal | None] = field(default_factory=list)
    name: Callable[[str], str] = str

    def bound(self, value: Literal | None) -> str:
        self.values.append(value)
        place = f"${len(self.values)}"
        # DuckDB takes a small number for one of 32 bits, which would overflow where ours do not.
        return place if isinstance(value, str | bool | None) else f"CAST({place} AS BIGINT)"

    def named_groups(self, *further: str) -> str:
        """The WHERE that leaves rows of groups that there are."""
        conditions = list(further)
        assert self.plan is not None
        for key in self.plan.keys:
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
        assert self.plan is not None
        place = next(i for i, source in enumerate(self.plan.sources) if source.asset == table.asset)
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
                f"FROM ({self._lookup(join.right)}) AS u) AS o WHERE place = 1"
            )
        return f"SELECT l.*{chosen} FROM ({left}) AS l {kind} ({right}) AS r ON {' AND '.join(on)}"

    def _lookup(self, relation: Resolved) -> str:
        """A relation about nobody."""
        match relation:
            case Table():
                return self._table(relation, personal=False)
            case Filtered():
                return (
                    f"SELECT * FROM ({self._lookup(relation.source)}) AS f WHERE {self.expression(relation.condition)}"
                )
            case Computed():
                return f"SELECT *, {self.expression(relation.made)} AS {relation.name} FROM ({self._lookup(relation.source)}) AS e"
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
