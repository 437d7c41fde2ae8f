"""Shares as SQL: what each person, or each holder, added to the totals of a question.

`by_person` stands on the table `bounded` that `statements.bounding` makes, with what every person counts for in every group;
`by_holder` on the rows of a relation. Both are made from plans of closed types, as all that is run here. What they mean is
said in `core.income.value`, `core.income.shapley` and `core.income.holders`, whose slow forms the tests hold them to, number
by number.

Only whole numbers of up to 127 bits are added and divided, so the order of the rows and the number of threads change nothing.
Harmonic numbers are added up from reciprocals, in blocks, for as far as there are rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from usufruct.core.income.holders import HolderPlan
from usufruct.core.income.shapley import UNIT
from usufruct.core.income.value import FLOOR, FRACTION, WHOLE, Term
from usufruct.core.privacy.rules import QueryPlan
from usufruct.engine.statements import Statement, Writer

Written = tuple[list[str], str]
"""The steps of a statement, and what is selected from them."""

BLOCK = 1024  # reciprocals that are added up together


def by_person(plan: QueryPlan, wanted: Sequence[Term]) -> Statement:
    """The share of each person: `person`, `share`."""
    keys = [f"k{i}" for i in range(len(plan.keys))]
    own = ", ".join(f"{_rows(t)} AS r{i}, {_sum(t)} AS s{i}" for i, t in enumerate(wanted))
    steps = [f"cells AS (SELECT {', '.join(['person', *keys])}, {own} FROM bounded)"]
    averages = {i: term for i, term in enumerate(wanted) if term.kind == "average"}
    for i, term in averages.items():
        steps.append(_group_sums(f"g{i}", "cells", keys, f"r{i}", f"s{i} - r{i} * {term.low}"))
    if averages:
        steps += _harmonics([f"g{i}" for i in averages])
        steps += [_rates(f"a{i}", f"g{i}", keys) for i in averages]
    joined = "".join(_beside(f"a{i}", keys) for i in averages)
    added = [
        f"greatest(coalesce({_averaged(f'r{i}', f's{i}', str(term.low), f'a{i}') if i in averages else f's{i}'}, 0), 0)"
        for i, term in enumerate(wanted)
    ]
    totals = ", ".join(f"sum({made}) AS w{i}" for i, made in enumerate(added))
    places = range(len(wanted))
    steps += [
        f"added AS (SELECT person, {totals} FROM cells{joined} GROUP BY person)",
        f"cuts AS (SELECT {', '.join(f'sum(w{i}) // {FLOOR} + 1 AS b{i}' for i in places)} FROM added)",
        f"cut AS (SELECT person, {', '.join(f'w{i} // b{i} AS w{i}' for i in places)} FROM added, cuts)",
        f"whole AS (SELECT {', '.join(f'sum(w{i}) AS t{i}' for i in places)} FROM cut)",
    ]
    part = WHOLE // len(wanted)
    share = " + ".join(f"coalesce(w{i} * {_wide(part)} // nullif(t{i}, 0), 0)" for i in places)
    return f"WITH {', '.join(steps)} SELECT person, CAST({share} AS UBIGINT) AS share FROM cut, whole", []


def _rows(term: Term) -> str:
    """A person's rows in a group, as a column counts them."""
    return _wide("1" if term.rows is None else f"v{term.rows}")


def _sum(term: Term) -> str:
    """What they come to, within what so many rows can."""
    if term.sum is None:
        return _rows(term)
    rows = _rows(term)
    total = f"{_wide(f'v{term.sum}')} + {rows} * {term.centre}"
    return f"least(greatest({total}, {rows} * {term.low}), {rows} * {term.high})"


def _wide(number: object) -> str:
    return f"CAST({number} AS HUGEINT)"


# ---- holders


def by_holder(plan: HolderPlan) -> Statement:
    """What `core.income.holders.shares` works from, in the order of holders: of each holder her records and her share, her
    totals in each group, or her values."""
    writer = Writer(plan.sources)
    relation = writer.lookup(plan.relation) if plan.row_by_row else writer.relation(plan.relation)
    keys = [f"k{i}" for i in range(len(plan.keys))]
    named = "".join(f", {key} AS k{i}" for i, key in enumerate(plan.keys))
    bounded = plan.of is not None and plan.function not in ("count", "distinct")
    value = _between(plan.of, plan.low, plan.high) if bounded else plan.of or "1"
    there = [f"{name} IS NOT NULL" for name in (*plan.keys, *([plan.of] if plan.of else []))]
    source, owner, part = f"FROM ({relation}) AS r", plan.holders[0], "1"
    if len(plan.holders) == 1:
        there.append(f"{owner} IS NOT NULL")
    else:
        named_by = ", ".join(f"CAST({name} AS VARCHAR)" for name in plan.holders)
        source = f"FROM (SELECT *, list_distinct([{named_by}]) AS owners FROM ({relation}) AS r) AS r"
        owner, part = "unnest(owners)", f"{plan.unit} // len(owners)"
    where = f" WHERE {' AND '.join(there)}" if there else ""
    rows = f"held AS NOT MATERIALIZED (SELECT {owner} AS holder{named}, {value} AS x, {part} AS part {source}{where})"
    steps, query = _reading(plan, keys)
    # Names are texts only at the end: of numbers groups are found in a fraction of the time.
    return (
        f"WITH {', '.join([rows, *steps])} SELECT CAST(holder AS VARCHAR), told.* EXCLUDE (holder) FROM ({query}) AS told "
        "ORDER BY ALL",
        writer.values,
    )


def _reading(plan: HolderPlan, keys: Sequence[str]) -> Written:
    chosen = ", ".join(["holder", *keys])
    match plan.reading:
        case "values":
            return [], f"SELECT {chosen}, x, count(*) FROM held GROUP BY {chosen}, x"
        case "totals":
            return [], f"SELECT {chosen}, count(*), sum(x), min(x), max(x) FROM held GROUP BY {chosen}"
        case _:
            return _SHARES[plan.function](plan, keys)


def _between(name: str | None, low: int, high: int) -> str:
    """A number, which is not NULL, within bounds: first asked whether it is within them, for nearly all are; in 64 bits, for it
    may stand there in 32."""
    return f"CAST(CASE WHEN {name} BETWEEN {low} AND {high} THEN {name} WHEN {name} < {low} THEN {low} ELSE {high} END AS BIGINT)"


def _counted(plan: HolderPlan, keys: Sequence[str]) -> Written:
    return [], "SELECT holder, count(*), sum(part) FROM held GROUP BY holder"


def _summed(plan: HolderPlan, keys: Sequence[str]) -> Written:
    added = "x" if len(plan.holders) == 1 else "CAST(x AS HUGEINT) * part"
    return [], f"SELECT holder, count(*), sum({added}) FROM held GROUP BY holder"


def _in_mean(plan: HolderPlan, keys: Sequence[str]) -> Written:
    chosen = ", ".join(["holder", *keys])
    steps = [
        f"cells AS (SELECT {chosen}, {_wide('count(*)')} AS r0, {_wide('sum(x)')} AS s0 FROM held GROUP BY {chosen})",
        _group_sums("g0", "cells", keys, "r0", f"s0 - r0 * {plan.low}"),
        *_harmonics(["g0"]),
        _rates("a0", "g0", keys),
    ]
    share = _averaged("r0", "s0", str(plan.low), "a0")
    return steps, f"SELECT holder, sum(r0), sum({share}) FROM cells{_beside('a0', keys)} GROUP BY holder"


def _in_extreme(plan: HolderPlan, keys: Sequence[str]) -> Written:
    """Every step up from the one bound (down from the other) is split over the records that reach it."""
    up = plan.function == "maximum"
    onward, back, bound, sign = ("", " DESC", plan.low, "+") if up else (" DESC", "", plan.high, "-")
    group = "".join(f"{key}, " for key in keys)
    over = f"PARTITION BY {', '.join(keys)} " if keys else ""
    alike = "".join(f" AND held.{key} = reach.{key}" for key in keys)
    step = f"abs({_wide('x')} - lag(x, 1, {bound}) OVER ({over}ORDER BY x{onward}))"
    steps = [
        f"places AS (SELECT {group}x, count(*) AS c FROM held GROUP BY {group}x)",
        f"risen AS (SELECT {group}x, {step} * {UNIT} // sum(c) OVER ({over}ORDER BY x{back}) AS step, "
        f"{UNIT} // sum(c) OVER ({over.strip()}) AS each FROM places)",
        f"reach AS (SELECT {group}x, {bound} * each {sign} sum(step) OVER ({over}ORDER BY x{onward}) AS share FROM risen)",
    ]
    return steps, f"SELECT holder, count(*), sum(share) FROM held JOIN reach ON held.x = reach.x{alike} GROUP BY holder"


def _in_distinct(plan: HolderPlan, keys: Sequence[str]) -> Written:
    """Repeats of one holder are one record."""
    group = "".join(f"{key}, " for key in keys)
    alike = "".join(f" AND o.{key} = places.{key}" for key in keys)
    steps = [
        f"own AS (SELECT DISTINCT holder, {group}x FROM held)",
        f"places AS (SELECT {group}x, {_wide(UNIT)} // count(*) AS each FROM own GROUP BY {group}x)",
    ]
    return (
        steps,
        f"SELECT holder, count(*), sum(each) FROM own AS o JOIN places ON o.x = places.x{alike} GROUP BY holder",
    )


_SHARES: dict[str, Callable[[HolderPlan, Sequence[str]], Written]] = {
    "count": _counted, "sum": _summed, "average": _in_mean, "minimum": _in_extreme, "maximum": _in_extreme,
    "distinct": _in_distinct,
}  # fmt: skip


# ---- the mean: what a record adds to it


def _group_sums(name: str, source: str, keys: Sequence[str], rows: str, above: str) -> str:
    """For each group its number of rows, and the mean of what they are `above` the lowest, in parts of a grain."""
    chosen = ", ".join([*keys, f"sum({rows}) AS n", f"sum({above}) * {FRACTION} // sum({rows}) AS mean"])
    grouping = f" GROUP BY {', '.join(keys)}" if keys else ""
    return f"{name} AS (SELECT {chosen} FROM {source}{grouping} HAVING sum({rows}) > 0)"


def _harmonics(groups: Sequence[str]) -> list[str]:
    """The harmonic number `h` of each number of rows `n` of these groups."""
    reciprocal = f"{UNIT} // ({BLOCK} * i + b)"
    sizes = " UNION ALL ".join(f"SELECT n FROM {group}" for group in groups)
    last = f"(SELECT CAST(coalesce(max(n), 0) // {BLOCK} + 1 AS BIGINT) AS m FROM sizes) AS l, range(l.m) AS q(i)"
    return [
        f"sizes AS (SELECT DISTINCT n FROM ({sizes}) AS g)",
        f"blocks AS (SELECT i, sum({reciprocal}) AS s FROM {last}, range({BLOCK}) AS o(b) WHERE {BLOCK} * i + b > 0 GROUP BY i)",
        "before AS (SELECT i, sum(s) OVER (ORDER BY i) - s AS h FROM blocks)",
        f"harmonics AS (SELECT n, any_value(h) + coalesce(sum({reciprocal}), 0) AS h FROM sizes JOIN before ON i = n // {BLOCK} "
        f"LEFT JOIN range({BLOCK}) AS o(b) ON b <= n % {BLOCK} AND {BLOCK} * i + b > 0 GROUP BY n)",
    ]


def _rates(name: str, group: str, keys: Sequence[str]) -> str:
    """For each group what a grain above the lowest adds to the mean (`rate`), what a row takes away (`taken`), and what the
    lowest value of a row is worth (`each`)."""
    each, beyond = f"{UNIT} // g.n", f"coalesce((h - {UNIT}) // nullif(g.n - 1, 0), 0)"
    chosen = "".join(f"g.{key}, " for key in keys)
    return (
        f"{name} AS (SELECT {chosen}{each} AS each, {each} + {beyond} AS rate, mean * {beyond} // {FRACTION} AS taken "
        f"FROM {group} AS g JOIN harmonics ON harmonics.n = g.n)"
    )


def _averaged(rows: str, total: str, low: str, rates: str) -> str:
    """What `rows` with the sum `total` add to the mean of their group, in `UNIT`ths."""
    return f"({total} - {rows} * {low}) * {rates}.rate - {rows} * {rates}.taken + {rows} * {low} * {rates}.each"


def _beside(rates: str, keys: Sequence[str]) -> str:
    """The join of cells with the rates of their groups."""
    alike = " AND ".join(f"cells.{key} = {rates}.{key}" for key in keys)
    return f" LEFT JOIN {rates} ON {alike or 'true'}"
