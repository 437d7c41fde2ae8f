"""A black-box audit of the private path, and whether it would notice: twenty-odd faults are put in, one at a time.

The audit has four parts, each of which says what it found wrong:

- sensitivity: one person's rows are taken away, and no number before the noise moves by more than is declared and charged;
- noise: what answers scatter by is what they declare, number by number, and no two numbers share their noise; a group is named
  where the answer says so and nowhere else, and that bound keeps the delta;
- ledger: what is charged is gone, whoever asks, whatever comes of it; and what is over is over;
- twins: of two nodes that differ by one person all but the numbers is the same.

The bounds are 5.5 standard errors, which an honest node oversteps once in 26 million tries.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import usufruct.engine.duckdb as duckdb_module
from attacks.workshop import (
    ENDLESS,
    OTHER,
    PURPOSE,
    USER,
    Drowning,
    Tables,
    Workshop,
    ask,
    budget,
    cared,
    crowd,
    pay,
    rulebook,
)  # fmt: skip
from privacy import world
from privacy.test_sensitivity import complaints, exact_tail
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import release, rules, state, threshold, ticks
from usufruct.core.privacy.state import Use
from usufruct.engine import noise as noise_module
from usufruct.engine import room, statements
from usufruct.node import asking, query
from usufruct.node.node import Node
from usufruct.ports import Measured
from usufruct.wire import sql

ERRORS = 5.5
PERSONS = 400
Patch = pytest.MonkeyPatch


# --- sensitivity -----------------------------------------------------------------------------------------------------

QUESTIONS = (
    "SELECT COUNT(*) AS n, COUNT(DISTINCT who) AS p FROM pay",
    "SELECT region, member, COUNT(*) AS n, COUNT(DISTINCT who) AS p, SUM(hours) AS h FROM pay GROUP BY region, member",
    "SELECT word, COUNT(*) AS n FROM pay GROUP BY word",
    "SELECT region, year, AVG(wage) AS w, VARIANCE(hours) AS v FROM pay GROUP BY region, year",
    "SELECT MEDIAN(wage) AS m FROM pay",
    "SELECT region, QUANTILE_CONT(hours, 0.9) AS m FROM pay GROUP BY region",
    "SELECT SUM(b.visits) AS v, COUNT(*) AS n FROM pay AS a JOIN care AS b ON a.who = b.person",
    "SELECT SUM(r) AS s FROM (SELECT ROW_NUMBER() OVER (PARTITION BY who ORDER BY hours) AS r FROM pay) AS t",
    "SELECT COUNT(*) AS n FROM (SELECT who, ROW_NUMBER() OVER (PARTITION BY who ORDER BY hours) AS r FROM pay) AS t WHERE r <= 4",
    "SELECT SUM(s) AS x FROM (SELECT who, SUM(hours) AS s FROM pay GROUP BY who) AS t",
    "SELECT COUNT(*) AS n FROM (SELECT who, COUNT(*) AS c FROM pay GROUP BY who) AS t WHERE c < 25",
    "SELECT SUM(ABS(hours - 3000) * 500000000001) AS n FROM pay",
    "SELECT SUM(LEAST(GREATEST(hours, 1), 2999)) AS n, SUM(wage * 1001) AS m FROM pay WHERE member",
)

HERS = tuple(
    (0, {"year": year, "region": region, "member": member, "wage": wage, "hours": hours, "level": 5, "code": 1, "word": word})
    for year, region, member, word in itertools.product((2021, 2022, 2023), "nse", (True, False), ("a", "abc"))
    for wage, hours in ((2**62, 2**63 - 1), (-3, -(2**63))) for _ in range(2)
)  # fmt: skip


def of_others() -> dict[str, world.Table]:
    """Four persons in more groups than count."""
    rows = tuple(
        (p, {"year": 2021 + n % 3, "region": "nse"[(p + n) % 3], "member": n % 2 == 0, "wage": 397 * p + n, "hours": 500 * p + n,
             "level": 1, "code": p, "word": ("a", "abc", "ü")[n % 3]})
        for p in range(1, 5) for n in range(5)
    )  # fmt: skip
    care = tuple((p, {"year": 2021, "visits": p + n, "cost": 5, "ward": "w1"}) for p in range(1, 5) for n in range(2))
    return {"pay": rows, "care": care, "places": ()}


def ways() -> Iterator[world.Table]:
    """Rows of a person who makes the most of it, in one way or the other."""
    yield HERS
    yield tuple(row for row in HERS if row[1]["hours"] == 2**63 - 1)
    yield tuple(row for row in HERS if row[1]["hours"] != 2**63 - 1)


def sensitivity(bench: world.Workbench) -> Iterator[str]:
    others = of_others()
    for text in QUESTIONS:
        planned = world.planned(text)
        assert not isinstance(planned, Refusal), planned
        plan = planned[1]
        # Without her the others have other numbers, and the table another version.
        sources = tuple(replace(source, version="w") for source in plan.sources)
        bench.room.shift = 1
        less = bench.run(replace(plan, sources=sources), others)
        bench.room.shift = 0
        for hers in ways():
            care = tuple((0, {"year": 2021, "visits": 99, "cost": 0, "ward": "w9"}) for _ in range(6))
            more = bench.run(plan, {**others, "pay": hers + others["pay"], "care": care + others["care"]})
            yield from (f"{text}: {complaint}" for complaint in complaints(plan, more, less))
            if [c[4:] for c in more.contributions] != [c[:16] for c in less.contributions]:
                yield f"{text}: others count for something else without her"


# --- noise -----------------------------------------------------------------------------------------------------------

SCATTERED = (
    "SELECT region, member, COUNT(*) AS n, COUNT(DISTINCT who) AS p, SUM(hours) AS h FROM pay GROUP BY region, member"
)
NAMED = "SELECT word, COUNT(*) AS n FROM pay GROUP BY word"


@dataclass
class Once:
    """`ports.Engine` that works out a plan once: only the noise changes."""

    real: Any
    known: dict[Any, Measured] = field(default_factory=dict)

    def run(self, plan: Any, among: Any, terms: Any = ()) -> Measured:
        if plan not in self.known:
            self.known[plan] = self.real.run(plan, among)
        return self.known[plan]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass
class Level:
    """`ports.Noise` by which every number becomes the same."""

    value: int

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        return [self.value] * len(values)


def scatter(node: Node, times: int = 80) -> list[str]:
    node = replace(node, engine=Once(node.engine))
    first = ask(node, SCATTERED, 250_000, anew=True).answer
    with ThreadPoolExecutor(16) as pool:
        answers = [reply.answer for reply in pool.map(lambda _: ask(node, SCATTERED, 250_000, anew=True), range(times))]
    declared = {(one.measure, one.kind): float(one.deviation) for one in first.spread}
    # A sum is the noised distance from the middle and the noised count times the middle, which is 1500.
    sigma = {
        "n": declared["n", "rows"],
        "p": declared["p", "persons"],
        "h": math.hypot(declared["h", "sum"], 1500 * declared["h", "rows"]),
    }
    rests, said = dict[str, list[float]](), []
    for label in sigma:
        place = first.columns.index(label)
        columns = [[float(answer.rows[cell][place]) for answer in answers] for cell in range(len(first.rows))]
        rests[label] = [value - sum(column) / times for column in columns for value in column]
        free = len(columns) * (times - 1)
        ratio = sum(rest**2 for rest in rests[label]) / free / sigma[label] ** 2
        if abs(ratio - 1) > ERRORS * math.sqrt(2 / free):
            said.append(f"{label}: declared {sigma[label]:.1f}, measured {math.sqrt(ratio) * sigma[label]:.1f}")
    alike = sum(a * b for a, b in zip(rests["n"], rests["p"], strict=True))
    alike /= math.sqrt(sum(a * a for a in rests["n"]) * sum(b * b for b in rests["p"])) or 1
    if abs(alike) > ERRORS / math.sqrt(len(rests["n"])):
        said.append(f"n and p share {alike:.0%} of their noise")
    return said


def naming(node: Node) -> list[str]:
    """Groups are named above the bound that is stated, and the bound keeps the delta."""
    answer = ask(node, NAMED, anew=True).answer
    [stated] = [int(m[1]) for note in answer.notes if (m := re.search(r"persons is above (\d+)", note))]
    said = []
    for value, many in ((stated, 0), (stated + 1, 1)):
        rows = ask(replace(node, noise=Level(value)), NAMED, anew=True).answer.rows
        if len(rows) != many:
            said.append(f"{len(rows)} groups are named at {value}; the bound is stated as {stated}")
    [deviation] = [float(one.deviation) for one in answer.spread if one.measure == "groups"]
    if 3 * exact_tail(deviation, stated) * 10**9 > 10 * 1.05:  # two decimals of the deviation are stated
        said.append(f"a bound of {stated} does not keep delta")
    return said


# --- ledger ----------------------------------------------------------------------------------------------------------

COUNTED = "SELECT COUNT(*) AS n FROM pay"
_FRESH = itertools.count(10_000)


class Failing:
    """`ports.Engine` that looks at the data and fails."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def run(self, plan: Any, among: Any, terms: Any = ()) -> Measured:
        self.real.run(plan, among)
        raise EngineFault("engine.limits", "over", "")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def ledger(node: Node) -> list[str]:
    said = []

    def moved(by: int, delta: int, what: str, do: Callable[[], Any]) -> None:
        before = budget(node)
        do()
        now = budget(node)
        if (now.spent - before.spent, now.delta_spent - before.delta_spent, now.reserved, now.delta_reserved) != (
            by,
            delta,
            0,
            0,
        ):
            said.append(
                f"{what}: {now.spent - before.spent} micro-rho, {now.delta_spent - before.delta_spent} nano-delta are spent"
            )

    charge = ask(node, COUNTED, anew=True).charge
    fresh = f"{COUNTED} WHERE hours <> {next(_FRESH)}"  # nobody asked it before
    moved(charge, 0, "an answer", lambda: ask(node, COUNTED, anew=True))
    moved(0, 0, "the same again", lambda: ask(node, COUNTED))
    moved(charge, 0, "somebody else", lambda: ask(node, fresh, who=OTHER))
    moved(charge, 0, "one after the other", lambda: ask(node, fresh))
    named = ask(node, NAMED, anew=True)
    if "delta 10 in 10^9" not in " ".join(named.answer.notes):
        said.append("the delta is not stated")
    moved(named.charge, 10, "groups found in the data", lambda: ask(node, NAMED, anew=True))

    def fail() -> None:
        with pytest.raises(EngineFault):
            ask(replace(node, engine=Failing(node.engine)), COUNTED, anew=True)

    moved(charge, 0, "a question that was given up", fail)
    two = "SELECT COUNT(*) AS n FROM pay AS a JOIN care AS b ON a.who = b.person"
    before = budget(node, "care").spent
    joined = ask(node, two, anew=True)
    if budget(node, "care").spent - before != joined.charge:
        said.append("the second asset of a join is not charged")
    if isinstance(
        ask(replace(node, rulebook=rulebook(quota_percent=0)), COUNTED, who=OTHER, anew=True), query.Answered
    ):
        said.append("the quota is not kept")
    return said


def exhausted(old: Node, new: Node) -> list[str]:
    """A node with little left, and one like it with other data."""
    said = []
    left = budget(old).left
    replies = [ask(old, COUNTED, 100_000, anew=True) for _ in range(5)]
    if sum(reply.charge for reply in replies if isinstance(reply, query.Answered)) > left:
        said.append("more is spent than there is")
    if digest(old) == digest(new):
        said.append("an answer over old data is given for new data")
    return said


def digest(node: Node) -> str:
    """By what a question is known again."""
    asked = query.Asked(USER, SCATTERED, sql.parse(SCATTERED), PURPOSE, 1_000)
    with node.store.read() as read:
        decided = asking.decide(
            replace(node, rulebook=rulebook(quota_percent=100)), read, asked, node.clock.now(), True
        )[1]
    assert isinstance(decided, asking.Decided), decided
    return decided.deed.digest


# --- twins -----------------------------------------------------------------------------------------------------------

HOSTILE = (
    "SELECT SUM(CASE WHEN word = 'hers' THEN 50000 ELSE 0 END * 50000) AS n FROM pay",
    "SELECT region, COUNT(*) AS n FROM pay WHERE word = 'hers' GROUP BY region HAVING COUNT(*) > 3 ORDER BY n DESC",
    "SELECT COUNT(*) AS n FROM pay WHERE hours = 3000 AND code = 777",
)


def twins(there: Node, never: Node) -> list[str]:
    said = []
    for text in HOSTILE:
        heard = []
        for node in (there, never):
            node.clock.slept = -1  # type: ignore[attr-defined]
            try:
                reply = ask(replace(node, noise=Drowning()), text, anew=True)
                told: Any = reply.answer if isinstance(reply, query.Answered) else reply.refusal
            except EngineFault as fault:
                told = (fault.code, fault.message)
            heard.append((told, node.clock.slept))  # type: ignore[attr-defined]
        if heard[0] != heard[1]:
            said.append(f"{text}: {heard[0]} with her, {heard[1]} without")
        if heard[0][1] <= 0:
            said.append(f"{text}: it does not wait for a tick")
    return said


def who_said_no(no: Node, never: Node) -> list[str]:
    """Numbers before noise, of a node where she said no and one where she never was."""
    heard = []
    for node in (no, never):
        with_ = replace(node, noise=Level(0), engine=node.engine)
        kept: list[list[int]] = []
        with_ = replace(with_, noise=_Keeping(kept))
        ask(with_, "SELECT COUNT(*) AS n, SUM(hours) AS h FROM pay", anew=True)
        heard.append(kept)
    return [] if heard[0] == heard[1] else ["her no changes nothing"]


@dataclass
class _Keeping:
    kept: list[list[int]]

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        self.kept.append(list(values))
        return list(values)


# --- the audit -------------------------------------------------------------------------------------------------------


@dataclass
class Audit:
    """All that is looked at."""

    bench: world.Workbench
    there: Node
    never: Node
    no: Node
    old: Node
    new: Node

    def part(self, name: str) -> Iterator[str]:
        match name:
            case "sensitivity":
                yield from sensitivity(self.bench)
            case "noise":
                yield from naming(self.never)
                yield from scatter(self.never)
            case "ledger":
                yield from ledger(self.never)
                yield from exhausted(self.old, self.new)
            case _:
                yield from twins(self.there, self.never)
                yield from who_said_no(self.no, self.never)


PARTS = ("sensitivity", "twins", "noise", "ledger")


@pytest.fixture(scope="module")
def audit(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audit]:
    tables = {"pay": crowd(PERSONS), "care": cared(60)}
    with_her = {**tables, "pay": [pay("aaa", 2021, "n", True, "40", 3000, "hers", 777)] * 9 + tables["pay"]}
    everybody = [f"member-p{p:03}" for p in range(PERSONS)]
    with ExitStack() as stack:

        def made(held: Tables, who: list[str], micro_rho: int = ENDLESS) -> Node:
            shop = Workshop(founded, tmp_path_factory.mktemp("audit"))
            consenting = {"pay": who, "care": [f"member-p{p:03}" for p in range(60)]}
            return stack.enter_context(shop.node(held, consenting, budget_micro_rho=micro_rho))

        few = [f"member-p{p:03}" for p in range(8)]
        yield Audit(
            world.Workbench(), made(with_her, ["member-aaa", *everybody]), made(tables, everybody), made(with_her, everybody),
            made({"pay": crowd(8)}, few, 350_000), made({"pay": crowd(8)[1:]}, few, 350_000),
        )  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_the_node_stands_the_audit(part: str, audit: Audit) -> None:
    assert list(audit.part(part)) == []


# --- faults ----------------------------------------------------------------------------------------------------------


def _bounding(change: Callable[[Any], Any], text: Callable[[str], str] = lambda sql: sql) -> Callable[[Patch], None]:
    """What people count for is worked out by another plan, or by SQL that was changed."""

    def put(patch: Patch) -> None:
        honest = statements.bounding

        def bounding(plan: Any) -> Any:
            sql, values = honest(change(plan))
            return text(sql), values

        patch.setattr(duckdb_module, "bounding", bounding)

    return put


def _writer(name: str, text: Callable[[str], str]) -> Callable[[Patch], None]:
    def put(patch: Patch) -> None:
        honest = getattr(statements.Writer, name)
        patch.setattr(statements.Writer, name, lambda self, *a: text(honest(self, *a)))

    return put


def _same(plan: Any) -> Any:
    return plan


def no_clamp(patch: Patch) -> None:
    patch.setattr(statements, "_clamped", lambda vector, index, rows: f"v{index}")


def persons_are_rows(patch: Patch) -> None:
    honest = statements._per_person, statements._clamped
    patch.setattr(statements, "_per_person", lambda v: "count(*)" if v.kind == "persons" else honest[0](v))
    patch.setattr(statements, "_clamped", lambda v, i, rows: f"v{i}" if v.kind == "persons" else honest[1](v, i, rows))


def values_unbounded(patch: Patch) -> None:
    honest = statements._per_person
    patch.setattr(
        statements, "_per_person",
        lambda v: f"coalesce(sum(CAST({v.of} AS HUGEINT) - {v.centre}), 0)" if v.kind == "sum" else honest(v),
    )  # fmt: skip
    clamped = statements._clamped
    patch.setattr(statements, "_clamped", lambda v, i, rows: f"v{i}" if v.kind == "sum" else clamped(v, i, rows))


def float_sums(patch: Patch) -> None:
    patch.setattr(statements, "_total", lambda column: f"CAST(sum(CAST({column} AS FLOAT)) AS DECIMAL(38, 0))")


def bins_unclipped(patch: Patch) -> None:
    honest = statements.binning
    patch.setattr(duckdb_module, "binning", lambda plan, vector: honest(replace(plan, rows_per_group=10**6), vector))


def at_or_above(patch: Patch) -> None:
    patch.setattr(
        release,
        "named",
        lambda plan, persons: [p for p, number in enumerate(persons) if number >= plan.threshold.above],
    )


def one_lower(patch: Patch) -> None:
    honest = threshold.above
    patch.setattr(threshold, "above", lambda *a: honest(*a) - 1)


def refunded(patch: Patch) -> None:
    honest = state.fold

    def fold(read: Any, entry: Any) -> Any:
        rows = list(honest(read, entry))
        if entry.fact.KIND == "query.abandoned/1":
            rows = [
                replace(r, spent=r.spent - read.get(Use, entry.fact.use).charge) if isinstance(r, state.Budget) else r
                for r in rows
            ]
        return iter(rows)

    from usufruct.core import facts

    patch.setattr(state, "fold", fold)
    if hasattr(facts, "FOLDS"):
        patch.setattr(facts, "FOLDS", tuple(fold if one is honest else one for one in facts.FOLDS))


def cached_without_version(patch: Patch) -> None:
    patch.setattr(rules.Source, "__repr__", lambda self: f"Source({self.asset})")


def cached_across_requesters(patch: Patch) -> None:
    def before(tx: Any, requester: str, deed: Any) -> Any:
        known = _SEEN.setdefault(repr(deed.plan), deed.digest)
        return next((u for u in tx.list(Use, plan=known) if u.state == "answered"), None)

    _SEEN.clear()
    patch.setattr(query, "_before", before)


_SEEN: dict[str, str] = {}


def noise_of(factor: Fraction, only: Callable[[Fraction], bool] = lambda deviation: True) -> Callable[[Patch], None]:
    def put(patch: Patch) -> None:
        honest = noise_module.OpenDpNoise.add

        def add(self: Any, values: Any, deviation: Fraction) -> Any:
            if not only(deviation):
                return honest(self, values, deviation)
            return honest(self, values, deviation * factor) if factor else list(values)

        patch.setattr(noise_module.OpenDpNoise, "add", add)

    return put


def noise_shared(patch: Patch) -> None:
    honest = noise_module.OpenDpNoise.add
    drawn: dict[Any, list[int]] = {}

    def add(self: Any, values: Any, deviation: Fraction) -> Any:
        import threading

        key = threading.get_ident()
        if key not in drawn:
            drawn[key] = honest(self, [0] * len(values), Fraction(1 << 20))
            return [v + round(n * float(deviation) / (1 << 20)) for v, n in zip(values, drawn[key], strict=True)]
        kept = drawn.pop(key)
        return [v + round(n * float(deviation) / (1 << 20)) for v, n in zip(values, kept, strict=True)]

    patch.setattr(noise_module.OpenDpNoise, "add", add)


def one_vector_free(patch: Patch) -> None:
    patch.setattr(
        rules.QueryPlan,
        "charge",
        property(lambda self: sum(v.charge for v in self.vectors[1:]) or self.vectors[0].charge),
    )


def root_forgotten(patch: Patch) -> None:
    honest = rules._vector
    patch.setattr(rules, "_vector", lambda *a: honest(*a[:6], 1, a[7]))


def rows_forgotten(patch: Patch) -> None:
    honest = rules._vector
    patch.setattr(rules, "_vector", lambda *a: honest(*a[:7], 1))


def charged_half(patch: Patch) -> None:
    honest = rules.charge_of
    patch.setattr(rules, "charge_of", lambda *a: honest(*a) // 2)


def delta_free(patch: Patch) -> None:
    patch.setattr(rules.QueryPlan, "nano_delta", property(lambda self: 0))


def limits_ignored(patch: Patch) -> None:
    patch.setattr(asking, "too_dear", lambda *_: None)


def population_ignored(patch: Patch) -> None:
    honest = room._load
    patch.setattr(room, "_load", lambda table: honest(replace(table, population=b"\xff" * (table.persons // 8 + 1))))


def no_tick(patch: Patch) -> None:
    patch.setattr(ticks, "until_next", lambda elapsed, tick: 0)


def thirty_two_bits(patch: Patch) -> None:
    def bound(self: Any, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    patch.setattr(statements.Writer, "bound", bound)


def by_version(patch: Patch) -> None:
    honest = statements.bounding

    def bounding(plan: Any) -> Any:
        sql, values = honest(plan)
        return sql, [plan.sources[0].version if value == plan.sources[0].asset else value for value in values]

    patch.setattr(duckdb_module, "bounding", bounding)


FAULTS: dict[str, dict[str, Callable[[Patch], None]]] = {
    "sensitivity": {
        "the clamps are dropped": no_clamp,
        "values are not brought within bounds": values_unbounded,
        "a person is in any number of groups": _bounding(lambda plan: replace(plan, groups_per_person=10**6)),
        "a person has any number of rows": _bounding(lambda plan: replace(plan, rows_per_group=10**6)),
        "groups are kept globally": _bounding(
            _same,
            lambda sql: re.sub(
                r"person, (\S+ \S+) AS cut FROM drawn", r"person, (SELECT \1 FROM drawn) AS cut FROM drawn", sql
            ),
        ),
        "groups are kept by a person's number": _bounding(
            _same, lambda sql: sql.replace("CAST(draw AS BIGINT)", "CAST(person AS BIGINT)")
        ),
        "groups are kept by the table's version": by_version,
        "sums are floats": float_sums,
        "persons are counted as rows": persons_are_rows,
        "bins are not clipped": bins_unclipped,
        "a join is not on the person": _writer(
            "_join", lambda sql: sql.replace("l.person = r.person", "l.person IS NOT NULL")
        ),
        "a window is of all persons": _writer(
            "_window", lambda sql: sql.replace("PARTITION BY person", "PARTITION BY 1")
        ),
        "totals below the answer are of all persons": _writer(
            "_totals",
            lambda sql: sql.replace("SELECT person,", "SELECT max(person) AS person,").replace(" GROUP BY 1", ""),
        ),
        "one vector is free": one_vector_free,
        "the root of the groups is forgotten": root_forgotten,
        "the rows of a group are forgotten": rows_forgotten,
        "half is charged": charged_half,
    },
    "noise": {
        "half the noise": noise_of(Fraction(1, 2)),
        "a quarter less noise": noise_of(Fraction(3, 4)),
        "no noise on numbers of persons": noise_of(Fraction(0), lambda deviation: deviation < 10),
        "two vectors share their noise": noise_shared,
        "a group at the threshold is named": at_or_above,
        "the threshold is one lower": one_lower,
    },
    "ledger": {
        "delta is not debited": delta_free,
        "what is given up is paid back": refunded,
        "answers are kept without the version of the data": cached_without_version,
        "answers are kept for everybody": cached_across_requesters,
        "neither quota nor budget is kept": limits_ignored,
    },
    "twins": {
        "who said no is in it": population_ignored,
        "an answer leaves when it is ready": no_tick,
        "written numbers have 32 bits": thirty_two_bits,
    },
}
"""By the part of the audit that is there to find them."""


def first_complaint(audit: Audit, expected: str) -> str:
    """What the audit says of a node with a fault: the part that is there to find it is asked first."""
    for part in (expected, *(part for part in PARTS if part != expected)):
        try:
            found = next(audit.part(part), None)
        except Exception as error:  # a fault that breaks the node is seen too
            found = repr(error)
        if found:
            return f"{part:<12} {found[:110]}"
    return ""


def test_faults_that_are_put_in_are_found(audit: Audit, monkeypatch: Patch) -> None:
    table = []
    for part, faults in FAULTS.items():
        for name, fault in faults.items():
            with monkeypatch.context() as patch:
                fault(patch)
                table.append((name, first_complaint(audit, part)))
    print(*(f"{name:<50} {caught or 'MISSED'}" for name, caught in table), sep="\n")
    missed = [name for name, caught in table if not caught]
    assert len(table) >= 20 and len(table) - len(missed) >= 0.9 * len(table)
    assert missed == [], "all were found when this was written"
