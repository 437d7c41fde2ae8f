"""The privacy guarantee, tried from outside: questions go in by `node.query.ask`, and what comes out is weighed.

Nothing here looks at how an answer is made. An auditor asks the same question many times and measures the noise; she
puts the worst person she can think of into one of two nodes and compares; she reads refusals, notes and receipts for a
word that depends on the data; she floods a node with questions. Each audit is itself tried on a node that cheats, for
an audit that cannot fail says nothing. Draws of noise cannot be seeded: the bounds are 5.5 standard errors, which an
honest node oversteps once in 26 million tries.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import usufruct.engine.duckdb as engine_module
from support import SetClock, check_ends
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.income.value import Term
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered
from usufruct.core.privacy.rules import QueryPlan
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.proof.commitment import seal
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import parameters
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.room import Room
from usufruct.main import open_node
from usufruct.node import consent, query, register, trade
from usufruct.node.node import Node
from usufruct.ports import Among, Engine, Measured, Noise
from usufruct.wire import card, sql

ERRORS = 5.5
USER, OPERATOR, PURPOSE = "institute", "wage-commons", "AcademicResearch"
PRECISE, CHEAP = 250_000, 1_000  # micro-rho that one question may spend, at most and at least
ENDLESS = 10**12

# Graded so low that no figure is left out because of few persons: it is the noise that is looked at here.
CARD = card.read("""
asset = "pay"
title = "Pay"
description = "what people earned"
licence = "terms of the agreement"
person_column = "who"
rows_per_person = 3
once_per = ["year"]
columns.who = {type = "text", grade = "internal"}
columns.year = {type = "integer", grade = "internal", values = [2021, 2022, 2023]}
columns.region = {type = "text", grade = "internal", values = ["n", "s", "e", "w"]}
columns.member = {type = "boolean", grade = "internal", values = [false, true]}
columns.wage = {type = "decimal", decimals = 2, grade = "internal", low = 0, high = 40}
columns.hours = {type = "integer", grade = "internal", low = 0, high = 3000}
columns.word = {type = "text", grade = "internal"}
columns.closed = {type = "integer", grade = "core", low = 0, high = 9}
""")

Rows = list[tuple[Any, ...]]  # who, year, region, member, wage, hours, word, closed


# --- nodes -----------------------------------------------------------------------------------------------------------


def write(path: Path, rows: Rows) -> Path:
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_text("\n".join([",".join(column.name for column in CARD.columns), *lines]) + "\n", encoding="utf-8")
    return path


def rulebook(budget: int) -> parameters.Rulebook:
    """The shipped one, with another budget, which one data user may spend whole."""
    other = {"privacy.budget-micro-rho": budget, "privacy.quota-percent": 100}
    return parameters.Rulebook(replace(p, value=other.get(p.name, p.value)) for p in iter(parameters.shipped()))


@dataclass
class Workshop:
    """Makes nodes over tables of one's own, in which everybody has consented unless it is said who has."""

    founded: Path
    folder: Path
    clock: SetClock = field(default_factory=lambda: SetClock(tick=0))
    made: int = 0

    @contextmanager
    def node(self, rows: Rows, budget: int = ENDLESS, consenting: list[str] | None = None) -> Iterator[Node]:
        self.made += 1
        directory = self.folder / str(self.made)
        shutil.copytree(self.founded, directory)
        with open_node(directory, self.clock) as opened:
            node = replace(opened, rulebook=rulebook(budget))
            for party in (USER, "insurer"):
                assert not isinstance(register.add_party(node, party, "organisation", party), Refusal)
            taken = register.add_asset(node, CARD, write(self.folder / "table.csv", rows), OPERATOR)
            assert not isinstance(taken, Refusal)
            assert not isinstance(register.record_consents(node, "pay", PURPOSE, consenting, "forms"), Refusal)
            terms = Terms("aggregates", (PURPOSE,), 500, "EUR", 1)
            assert not isinstance(trade.publish_offer(node, "use", "pay", OPERATOR, terms, standing=True), Refusal)
            moved = trade.request_offer(node, "use", USER)
            assert not isinstance(moved, Refusal)
            assert not isinstance(trade.move(node, moved.negotiation, "verify", USER), Refusal)
            yield node


@pytest.fixture
def workshop(founded: Path, tmp_path: Path) -> Workshop:
    return Workshop(founded, tmp_path)


def crowd(persons: int = 200) -> Rows:
    """Each person has three years in one of eight groups, 25 persons and 75 rows in each."""
    return [
        (f"p{p:03}", year, "nsew"[p % 4], "true" if p // 4 % 2 else "false", f"{p % 40}.50", p * 13 % 3000, "x", 1)
        for p in range(persons)
        for year in (2021, 2022, 2023)
    ]


def ask(node: Node, text: str, micro_rho: int | None = None, who: str = USER, purpose: str = PURPOSE) -> Any:
    return query.ask(node, query.Asked(who, text, sql.parse(text), purpose, micro_rho, anew=True))


def answered(node: Node, text: str, micro_rho: int | None = None) -> query.Answered:
    answer = ask(node, text, micro_rho)
    assert isinstance(answer, query.Answered), answer
    return answer


def budget(node: Node) -> Budget:
    with node.store.read() as state:
        asset = state.get(Asset, "pay")
        assert asset is not None
        found = state.get(Budget, "pay", asset.version)
        assert found is not None
        return found


# --- ports that cheat, or that tell ----------------------------------------------------------------------------------


@dataclass
class Scaled:
    """`ports.Noise` with less noise than it was told: on every vector, or only on those that `cheats` picks."""

    real: Noise
    factor: Fraction
    cheats: Callable[[Fraction], bool] = lambda deviation: True

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        if not self.factor and self.cheats(deviation):
            return list(values)
        return self.real.add(values, deviation * (self.factor if self.cheats(deviation) else 1))


@dataclass
class Tap:
    """`ports.Noise` and `ports.Engine` that add nothing and keep what passed: the exact numbers, and the plan."""

    real: Engine
    exact: list[tuple[list[int], Fraction]] = field(default_factory=list)
    plans: list[QueryPlan] = field(default_factory=list)

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        self.exact.append((list(values), deviation))
        return list(values)

    def run(self, plan: QueryPlan, among: Sequence[Among | None], terms: Sequence[Term] = ()) -> Measured:
        self.plans.append(plan)
        return self.real.run(plan, among)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass
class Once:
    """`ports.Engine` that works out each plan only once: the exact numbers do not change, only the noise does."""

    real: Engine
    known: dict[tuple[object, ...], Measured] = field(default_factory=dict)

    def run(self, plan: QueryPlan, among: Sequence[Among | None], terms: Sequence[Term] = ()) -> Measured:
        if (plan, *among) not in self.known:
            self.known[plan, *among] = self.real.run(plan, among)
        return self.known[plan, *among]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Constant:
    """`ports.Noise` that drowns everything: whatever still differs in an answer does not come from its numbers."""

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        return [1000 + 7 * n for n in range(len(values))]


# --- (a) the noise is what is declared -------------------------------------------------------------------------------

AUDITED = (
    "SELECT region, member, COUNT(*) AS n, COUNT(DISTINCT who) AS p, SUM(hours) AS h FROM pay GROUP BY region, member"
)


def noise_complaints(node: Node, times: int = 40) -> list[str]:
    """The deviations that a node states in its answers, against those that its answers have."""
    answers = [answered(node, AUDITED, PRECISE).answer for _ in range(times)]
    columns = answers[0].columns
    stated = {}
    for label, unit in (("n", "rows"), ("p", "persons")):
        [note] = [note for note in answers[0].notes if note.startswith(f"{label}: ")]
        stated[label] = float(re.search(rf"deviation ([\d.]+) \({unit}\)", note)[1])  # type: ignore[index]
    stated["h"] = float(answers[0].rows[0][columns.index("h_margin")]) / 1.96  # type: ignore[arg-type]
    complaints = []
    for label, sigma in stated.items():
        place = columns.index(label)
        squares, free = 0.0, 0
        for cell in range(len(answers[0].rows)):
            values = [float(answer.rows[cell][place]) for answer in answers]  # type: ignore[arg-type]
            assert label == "h" or min(values) > 0, "counts are cut off at nought: a group is too small for this audit"
            mean = sum(values) / times
            squares, free = squares + sum((value - mean) ** 2 for value in values), free + times - 1
        measured = squares / free
        if abs(measured / sigma**2 - 1) > ERRORS * math.sqrt(2 / free):
            complaints.append(f"{label}: stated {sigma:.2f}, measured {math.sqrt(measured):.2f}")
    return complaints


CHEATS: dict[str, tuple[Fraction, Callable[[Fraction], bool], set[str]]] = {
    "honest": (Fraction(1), lambda deviation: True, set()),
    "half the noise": (Fraction(1, 2), lambda deviation: True, {"n", "p", "h"}),
    "no noise": (Fraction(0), lambda deviation: True, {"n", "p", "h"}),
    "no noise but on persons": (Fraction(0), lambda deviation: deviation > 8, {"n", "h"}),
    "half of it on counts of persons": (Fraction(1, 2), lambda deviation: deviation < 8, {"p"}),
}


@pytest.fixture(scope="module")
def audited(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node over the crowd, with a budget that does not end."""
    with Workshop(founded, tmp_path_factory.mktemp("audited")).node(crowd(400)) as node:
        yield node


@pytest.mark.parametrize(("factor", "cheats", "caught"), CHEATS.values(), ids=CHEATS.keys())
def test_the_noise_is_what_the_answer_states(
    factor: Fraction, cheats: Callable[[Fraction], bool], caught: set[str], audited: Node
) -> None:
    node = replace(audited, noise=Scaled(audited.noise, factor, cheats), engine=Once(audited.engine))  # type: ignore[arg-type]
    assert {complaint.split(":")[0] for complaint in noise_complaints(node)} == caught


def test_what_is_stated_is_what_is_asked_of_the_noise(audited: Node) -> None:
    """Notes and margins against the deviations that the noise was told, to the digits shown."""
    tap = Tap(audited.engine)
    answer = answered(replace(audited, noise=tap, engine=tap), AUDITED).answer
    stated = [
        float(number) for note in answer.notes for number in re.findall(r"([\d.]+) \((?:rows|persons|sum)\)", note)
    ]
    assert stated == [pytest.approx(float(deviation), abs=0.0051) for _, deviation in tap.exact]
    [rows, persons, _, sums] = [deviation for _, deviation in tap.exact]
    for label, sigma in (("n", rows), ("p", persons)):
        margins = {row[answer.columns.index(f"{label}_margin")] for row in answer.rows}
        assert margins == {str(math.ceil(Fraction("1.96") * sigma))}
    counted = tap.exact[2][1]
    assert float(answer.rows[0][answer.columns.index("h_margin")]) == pytest.approx(  # type: ignore[arg-type]
        1.96 * math.hypot(sums, 1500 * counted), rel=1e-3
    )


@pytest.mark.parametrize(
    "text", ["SELECT AVG(wage) AS m FROM pay", "SELECT SUM(wage) AS m FROM pay", "SELECT COUNT(wage) AS m FROM pay"]
)
def test_margins_hold_as_often_as_they_say(text: str, audited: Node) -> None:
    """95 of 100 draws; what is true is what the node would say without noise."""
    tap = Tap(audited.engine)
    silent = answered(replace(audited, noise=tap, engine=tap), text).answer.rows[0][0]
    node = replace(audited, engine=Once(audited.engine))  # type: ignore[arg-type]
    answers = [answered(node, text).answer.rows[0] for _ in range(100)]
    within = sum(abs(float(value) - float(silent)) <= float(margin) for value, margin in answers if value)  # type: ignore[arg-type]
    assert within >= 80, f"less than this comes once in a million tries if it is 95, not {within}"
    assert {value is None for value, _ in answers} == {False}


# --- (b), (c) one person's part, and what is charged for it ----------------------------------------------------------

QUESTIONS = (
    "SELECT COUNT(*) FROM pay",
    "SELECT COUNT(who) FROM pay",
    "SELECT region, year, COUNT(*) AS n FROM pay GROUP BY region, year",
    "SELECT region, member, COUNT(*) AS n, COUNT(word) AS w, COUNT(DISTINCT who) AS p FROM pay GROUP BY region, member",
    "SELECT region, member, year, SUM(hours) AS h, AVG(wage) AS w FROM pay GROUP BY region, member, year",
    "SELECT region, SUM(wage) AS w, AVG(wage) AS a, SUM(hours) AS h FROM pay WHERE NOT member OR wage > 39.99 GROUP BY region",
    "SELECT member, AVG(hours) AS h FROM pay WHERE word IS NULL OR word <> 'x' OR hours >= 3000 GROUP BY member",
    "SELECT SUM(hours) AS h FROM pay WHERE region IN ('n', 's') AND year BETWEEN 2021 AND 2022",
)


def others() -> Rows:
    """Thirty people who are each in more groups than count."""
    return [
        (f"p{p:02}", year, region, "false" if (p + year) % 2 else "true", f"{p}.25", p * 100, None if p % 3 else "x", 1)
        for p in range(30)
        for year in (2021, 2022, 2023)
        for region in "nsew"
    ]


def everywhere(who: str, wage: str | None, hours: int | None, times: int, word: str | None = "y") -> Rows:
    """One person in every group, many times over."""
    return [
        (who, year, region, member, wage, hours, word, 1)
        for year in (2021, 2022, 2023)
        for region in "nsew"
        for member in ("false", "true")
        for _ in range(times)
    ]


WORST: dict[str, Rows] = {
    "all at the upper end": everywhere("a", "40", 3000, 20),
    "all at the lower end": everywhere("a", "0", 0, 20),
    "far beyond the upper end": everywhere("a", "90000000000000000", 2**63 - 1, 20),
    "far below the lower end": everywhere("z", "-90000000000000000", -(2**63), 20),
    "nothing but gaps": everywhere("a", None, None, 20, None),
    "one row": [("a", 2021, "n", "true", "40", 3000, "y", 1)],
    "on no list": [("a", 1900, "x", None, "40", 3000, "y", 1)] * 50,
}


def measured(node: Node, texts: Sequence[str] = QUESTIONS) -> list[tuple[Tap, int]]:
    """Each question's exact numbers, and what it was charged."""
    found = []
    for text in texts:
        tap = Tap(node.engine)
        found.append((tap, answered(replace(node, noise=tap, engine=tap), text).charge))
    return found


def charge_complaints(more: list[tuple[Tap, int]], less: list[tuple[Tap, int]]) -> tuple[list[str], float]:
    """Where one person moves an answer by more than is declared or charged; and the largest part of a charge she used."""
    complaints, most = [], 0.0
    for text, (with_her, charge), (without, other_charge) in zip(QUESTIONS, more, less, strict=True):
        assert charge == other_charge, "a charge depends on the data"
        spent = Fraction(0)
        plan = with_her.plans[0]
        for vector, (exact, deviation), (rest, same) in zip(plan.vectors, with_her.exact, without.exact, strict=True):
            assert deviation == same == vector.deviation, "the noise depends on the data"
            shift = sum((a - b) ** 2 for a, b in zip(exact, rest, strict=True))
            if shift > plan.groups_per_person * (plan.rows_per_group * vector.reach) ** 2:
                complaints.append(f"{text}: {vector.kind} moves by {math.sqrt(shift):.1f}")
            spent += Fraction(shift, 1) / (2 * deviation**2) * 10**6
        if spent > charge:
            complaints.append(f"{text}: {float(spent):.0f} micro-rho are given away, {charge} charged")
        most = max(most, float(spent / charge))
    return complaints, most


def test_one_person_moves_no_answer_by_more_than_is_charged(workshop: Workshop) -> None:
    """She is in one node's table and not in the other's, in whatever way makes the most of it."""
    with workshop.node(others()) as node:
        less = measured(node)
    used = []
    for name, rows in WORST.items():
        with workshop.node(rows + others()) as node:
            complaints, most = charge_complaints(measured(node), less)
        assert complaints == [], name
        used.append(most)
    assert 0.99 < max(used) <= 1, "the worst person uses up the whole charge: the audit looks where it matters"


def test_one_person_who_refuses_moves_no_answer_by_more_than_is_charged(workshop: Workshop) -> None:
    """In one node, before and after her word."""
    with workshop.node(WORST["all at the upper end"] + others()) as node:
        more = measured(node)
        assert not isinstance(consent.record_word(node, "pay", "member-a", "Purpose", False), Refusal)
        complaints, most = charge_complaints(more, measured(node))
        assert complaints == [] and most > 0.99
        with_her = json.dumps([tap.exact for tap, _ in more], default=str)
        assert not isinstance(consent.record_word(node, "pay", "member-a", "Purpose", True), Refusal)
        assert json.dumps([tap.exact for tap, _ in measured(node)], default=str) == with_her, "and back"


def unclamped(bounding: Any, plan: QueryPlan) -> Any:
    return bounding(replace(plan, rows_per_group=10**6))


def ungrouped(bounding: Any, plan: QueryPlan) -> Any:
    return bounding(replace(plan, groups_per_person=10**6))


def unbounded(bounding: Any, plan: QueryPlan) -> Any:
    wide = [
        replace(v, domain=replace(v.domain, low=-(2**40), high=2**40)) if v.kind == "sum" and v.domain else v
        for v in plan.vectors
    ]
    query, values = bounding(replace(plan, vectors=tuple(wide)))
    return re.sub(r"least\(greatest\((v\d+), -\d+\), \d+\)", r"\1", query), values


def by_number(bounding: Any, plan: QueryPlan) -> Any:
    query, values = bounding(plan)
    return query.replace("CAST(draw AS BIGINT)", "CAST(person AS BIGINT)"), values


def by_version(bounding: Any, plan: QueryPlan) -> Any:
    query, values = bounding(plan)
    return query.replace("concat_ws('|', ", f"concat_ws('|', '{plan.sources[0].version}', ", 1), values


@pytest.mark.parametrize("cheat", [unclamped, ungrouped, unbounded, by_number, by_version])
def test_an_engine_that_bounds_less_is_caught(cheat: Any, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = engine_module.bounding
    monkeypatch.setattr(engine_module, "bounding", lambda plan: cheat(honest, plan))
    with workshop.node(others()) as node:
        less = measured(node)
    with workshop.node(WORST["far beyond the upper end"] + others()) as node:
        complaints, most = charge_complaints(measured(node), less)
    assert complaints and most > 1


# --- (d) the ledger --------------------------------------------------------------------------------------------------


def test_the_ledger_moves_by_exactly_the_charge(audited: Node) -> None:
    total = 0
    before = budget(audited)
    for micro_rho in (None, CHEAP, PRECISE, 12_345):
        for text in QUESTIONS:
            answer = answered(audited, text, micro_rho)
            total += answer.charge
            now = budget(audited)
            assert (now.spent - before.spent, now.reserved, now.total) == (total, 0, ENDLESS)
            assert answer.budget_left == now.left == now.total - now.spent
            assert answer.charge == answer.answer.charge and 0 < answer.charge <= (micro_rho or 100_000)
            with audited.store.read() as state:
                use = state.get(Use, answer.use)
            assert use is not None and (use.state, use.charge) == ("answered", answer.charge)


def test_a_refusal_costs_nothing(audited: Node) -> None:
    before = budget(audited)
    for text in REFUSED:
        assert isinstance(ask(audited, text), query.Refused), text
    assert budget(audited) == before


# --- (e) nothing but the numbers depends on the population -----------------------------------------------------------

SEAL = re.compile(rb'"[0-9a-f]{64}"')


def record(receipt: Any) -> bytes:
    """What a receipt says was recorded, with the seals, which are random, blotted out."""
    return SEAL.sub(b'"seal"', receipt.extra[32:])


def told(outcome: Any) -> tuple[Any, ...]:
    """Everything that a data user gets, but for what is random by itself: seals, nonces, proofs, the signature."""
    shape = (outcome.receipt.index, len(outcome.receipt.proof), len(outcome.receipt.text()))
    if isinstance(outcome, query.Refused):
        return (outcome.use, outcome.refusal, record(outcome.receipt), shape)
    rest = (outcome.meaning, outcome.purpose, outcome.agreement, outcome.price, outcome.charge, outcome.budget_left)
    return (outcome.use, outcome.answer.encode(), *rest, record(outcome.receipt), shape)


def test_nothing_but_the_numbers_tells_how_many_consented(workshop: Workshop) -> None:
    """The same questions to nodes in which all, few or none let their rows be used: with numbers that drown in noise
    the replies are the same to the byte."""
    everybody = [f"member-p{p:02}" for p in range(30)]
    heard = []
    for consenting in (everybody, everybody[7:9], []):
        with workshop.node(others(), budget=1_050_000, consenting=consenting) as node:
            node = replace(node, noise=Constant())
            heard.append([told(ask(node, text)) for text in (*QUESTIONS, *REFUSED, *QUESTIONS)])
    assert any(len(reply) == 4 for reply in heard[0][-4:]), "the last were refused for want of budget"
    assert heard[0] == heard[1] == heard[2]


def test_the_control_real_numbers_do_differ(workshop: Workshop) -> None:
    everybody = [f"member-p{p:02}" for p in range(30)]
    heard = []
    for consenting in (everybody, everybody[:1]):
        with workshop.node(others(), consenting=consenting) as node:
            tap = Tap(node.engine)
            heard.append(told(ask(replace(node, noise=tap, engine=tap), QUESTIONS[0])))
    assert heard[0] != heard[1]
    assert [a == b for a, b in zip(*heard, strict=True)].count(False) == 1, "and nothing else does"


def sealed(node: Node, use: str) -> tuple[QueryAdmitted, QueryAnswered]:
    with node.store.read() as state:
        facts = [state.entry(seq).fact for seq in range(state.size())]
    [admitted] = [f for f in facts if isinstance(f, QueryAdmitted) and f.use == use]
    [answer] = [f for f in facts if isinstance(f, QueryAnswered) and f.use == use]
    return admitted, answer


def test_who_is_in_a_population_cannot_be_found_by_trying(workshop: Workshop) -> None:
    """Eight persons make 256 bitmaps; with the salt, which stays in the node, each is quickly told from the rest."""
    rows = [(f"p{p}", 2021, "n", "true", "1", 1, "x", 1) for p in range(8)]
    with workshop.node(rows, consenting=["member-p1", "member-p5"]) as node:
        first, second = (sealed(node, answered(node, "SELECT COUNT(*) FROM pay").use) for _ in range(2))
        with closing(sqlite3.connect(workshop.folder / str(workshop.made) / "journal.sqlite")) as connection:
            salts = dict(connection.execute("SELECT seal, salt FROM evidence").fetchall())
    assert first[0].population != second[0].population, "the same people, but not the same seal"
    assert first[1].contributions != second[1].contributions
    bitmaps = [bytes([bits]) for bits in range(256)]
    domains = [b"", b"usufruct/evidence/v1\n", b"usufruct/leaf/v1\n"]
    plain = {
        hashlib.sha256(domain + salt + bitmap).hexdigest()
        for domain in domains
        for salt in (b"", bytes(32))
        for bitmap in bitmaps
    }
    known = [bytes.fromhex(other) for fact in (*first, *second) for other in SEALS.findall(repr(fact))]
    plain |= {seal(salt, bitmap) for salt in known for bitmap in bitmaps}
    assert not plain & {first[0].population, second[0].population}
    found = [bitmap for bitmap in bitmaps if seal(salts[first[0].population], bitmap) == first[0].population]
    assert found == [bytes([1 << 1 | 1 << 5])]


SEALS = re.compile(r"'([0-9a-f]{64})'")


def test_no_two_leaves_of_the_same_fact_are_alike(workshop: Workshop) -> None:
    """The public part of the journal: commitments, by which equal answers cannot be told from different ones."""
    with workshop.node(others(), budget=ENDLESS) as node:
        node = replace(node, noise=Constant())
        receipts = [answered(node, QUESTIONS[0]).receipt for _ in range(3)]
    leaves = [hashlib.sha256(receipt.extra or b"").digest() for receipt in receipts]
    assert len({receipt.extra[:32] for receipt in receipts if receipt.extra}) == len(set(leaves)) == 3


# --- (f) asking again and again --------------------------------------------------------------------------------------


def test_averaging_ends_with_the_budget(workshop: Workshop) -> None:
    """The same question, until there is no more; then not a cheaper one either, and no word of anybody's changes that."""
    with workshop.node(crowd(40), budget=1_000_000) as node:
        answers = []
        while isinstance(reply := ask(node, QUESTIONS[0]), query.Answered):
            answers.append(int(reply.answer.rows[0][0]))  # type: ignore[arg-type]
            assert len(answers) <= 10
        assert reply.refusal.code == "privacy.budget"
        spent = budget(node)
        assert spent.spent <= 1_000_000 and spent.left < 100_000 and len(answers) == 10
        # What ten answers still leave open, by the rule that prices add up: one person's part is 3, and the mean of
        # ten answers has a deviation of more than 2 of it.
        sigma = 3 / math.sqrt(2 * 1_000_000 / 10**6)
        assert abs(sum(answers) / 10 - 120) < 6 * sigma
        cheap = 0
        while isinstance(ask(node, QUESTIONS[1], CHEAP), query.Answered):
            cheap += 1
        assert cheap * CHEAP <= spent.left and budget(node).left < CHEAP
        consent.record_word(node, "pay", "member-p000", "Purpose", False)
        for text in QUESTIONS:
            assert ask(node, text, CHEAP).refusal.code == "privacy.budget"


def test_a_difference_between_two_populations_is_paid_twice(workshop: Workshop) -> None:
    """One asks, somebody leaves, one asks again: the difference is hers, and the noise is on it twice."""
    with workshop.node(crowd(40)) as node:
        before = budget(node).spent
        differences = []
        for _ in range(12):
            with_her = answered(node, QUESTIONS[0], PRECISE)
            consent.record_word(node, "pay", "member-p007", "Purpose", False)
            without = answered(node, QUESTIONS[0], PRECISE)
            consent.record_word(node, "pay", "member-p007", "Purpose", True)
            differences.append(int(with_her.answer.rows[0][0]) - int(without.answer.rows[0][0]))  # type: ignore[arg-type]
        assert budget(node).spent - before == 24 * with_her.charge
    deviation = math.sqrt(2 * 9 / (2 * with_her.charge / 10**6))  # of one difference; hers is 3
    assert abs(sum(differences) / 12 - 3) < ERRORS * deviation / math.sqrt(12)
    assert len(set(differences)) > 1


def test_many_at_once_never_overspend(workshop: Workshop) -> None:
    """Eight threads, all questions at once, a budget for twenty-four and a bit."""
    with workshop.node(crowd(20), budget=2_450_000) as node:
        start = threading.Barrier(8)
        lowest: list[int] = []

        def flood(number: int) -> list[Any]:
            start.wait()
            replies = []
            for n in range(8):
                replies.append(ask(node, QUESTIONS[(number + n) % len(QUESTIONS)]))
                lowest.append(budget(node).left)
            return replies

        with ThreadPoolExecutor(8) as pool:
            replies = [reply for batch in pool.map(flood, range(8)) for reply in batch]
        answers = [reply for reply in replies if isinstance(reply, query.Answered)]
        refusals = [reply for reply in replies if isinstance(reply, query.Refused)]
        assert {reply.refusal.code for reply in refusals} == {"privacy.budget"}
        end = budget(node)
        assert end.spent == sum(reply.charge for reply in answers) <= 2_450_000
        assert end.reserved == 0 and min(lowest) >= 0
        assert len(answers) + len(refusals) == 64 and len(answers) >= 24
        assert len({reply.use for reply in replies}) == 64
        with node.store.read() as state:
            check_ends(state)


# --- (g) refusals ----------------------------------------------------------------------------------------------------

REFUSED = (
    "SELECT * FROM pay",
    "SELECT who FROM pay",
    "SELECT who, COUNT(*) FROM pay GROUP BY who",
    "SELECT who, COUNT(*) FROM pay GROUP BY who",
    "SELECT NULL, COUNT(*) FROM pay GROUP BY 1",
    "SELECT MAX(wage) FROM pay",
    "SELECT MODE(wage) FROM pay",
    "SELECT SUM(who) FROM pay",
    "SELECT SUM(year) FROM pay",
    "SELECT AVG(member) FROM pay",
    "SELECT SUM(closed) FROM pay",
    "SELECT COUNT(*) FROM pay WHERE closed = 1",
    "SELECT COUNT(DISTINCT word) FROM pay",
    "SELECT COUNT(*) FROM pay WHERE who = 'p01'",
    "SELECT COUNT(*) FROM pay WHERE who IS NULL",
    "SELECT COUNT(*) FROM pay WHERE wage / hours > 1",
    "SELECT COUNT(*) FROM pay WHERE CAST(word AS INTEGER) = 1",
    "SELECT COUNT(*) FROM pay WHERE wage > 'x'",
    "SELECT COUNT(*) FROM pay WHERE wage > 1.005",
    "SELECT COUNT(*) FROM pay WHERE hours = 9223372036854775808",
    "SELECT COUNT(*) FROM pay WHERE hours = '1e999999'",
    "SELECT COUNT(*) FROM pay WHERE member = 1",
    "SELECT COUNT(*) FROM pay WHERE region = true",
    "SELECT COUNT(*) FROM pay WHERE word = 'x\x00y'",
    "SELECT COUNT(*) FROM pay WHERE wage > (SELECT AVG(wage) FROM pay)",
    "SELECT COUNT(*) FROM pay WHERE nobody = 1",
    "SELECT COUNT(*) FROM pay HAVING wage > 5",
    "SELECT AVG(wage) AS a, COUNT(*) AS a_margin FROM pay",
    "SELECT COUNT(*) FROM pay, pay",
    "SELECT COUNT(*) FROM elsewhere",
    "SELECT COUNT(*) FROM pay; DROP TABLE pay",
    "SELECT COUNT(*) FROM",
)


def test_refusals_do_not_depend_on_the_data(workshop: Workshop) -> None:
    """Decided from the text, the card and the ledger alone: over tables in which one person's rows, or all rows, are
    others, the whole reply is the same, down to its receipt."""
    changed = [(*row[:4], "0", -5, None, 1) if row[0] == "p01" else row for row in others()]
    wild: Rows = [(f"p{p:02}", None, None, None, "-999999999", 2**62, "1", None) for p in range(30)]
    heard = []
    for rows in (others(), changed, wild):
        with workshop.node(rows, budget=350_000) as node:
            replies = [ask(node, text) for text in REFUSED]
            replies += [ask(node, QUESTIONS[0], who="insurer"), ask(node, QUESTIONS[0], purpose="Marketing")]
            replies += [
                ask(node, QUESTIONS[0], purpose="Mischief"),
                *(ask(node, QUESTIONS[0], rho) for rho in (0, -1, 10**6)),
            ]
            for _ in range(3):
                assert isinstance(ask(node, QUESTIONS[0]), query.Answered)
            replies += [ask(node, text) for text in QUESTIONS]
            assert all(isinstance(reply, query.Refused) for reply in replies)
            heard.append([told(reply) for reply in replies])
    assert heard[0] == heard[1] == heard[2]
    assert len({reply[1].code for reply in heard[0]}) >= 12, "all kinds of refusal"


def test_refusals_do_not_depend_on_who_is_there(workshop: Workshop) -> None:
    """With one person more or less, what is said is the same, but for numbers that count facts: the size of the journal
    is public, and registering a person, or a word of hers, makes it larger."""
    heard = []
    for rows in (others(), WORST["far beyond the upper end"] + others()):
        with workshop.node(rows, budget=50_000) as node:
            refusals = [ask(node, text).refusal for text in (*REFUSED, *QUESTIONS)]
            heard.append(re.sub(r"agreement-\d+", "agreement", repr(refusals)))
    assert heard[0] == heard[1]


def test_a_refusal_comes_before_the_data_are_touched(audited: Node) -> None:
    """The engine and the noise are not even called."""
    node = replace(audited, engine=Broken("run"), noise=Broken("add"))
    for text in REFUSED:
        assert isinstance(ask(node, text), query.Refused)


# --- (h) what fails --------------------------------------------------------------------------------------------------


@dataclass
class Broken:
    """An engine or a noise that fails."""

    where: str
    error: Exception = field(default_factory=lambda: RuntimeError("p01 earns 17.25"))

    def fits(self, *_: Any) -> None:
        pass

    def run(self, plan: QueryPlan, among: Sequence[Among | None], terms: Sequence[Term] = ()) -> Measured:
        raise self.error

    def check(self, *_: object) -> bool:
        return True

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        raise self.error


def broken(kind: str, node: Node) -> Node:
    """The node with something in it that fails, by its kind."""
    assert isinstance(node.engine, DuckDbEngine)
    if kind == "time":
        return laden(node, "SELECT sum(hash(range)) FROM range(8_000_000_000)", 0.05)
    if kind == "memory":
        return laden(node, "SELECT repeat('p01', 10_000_000_000)", 60)
    if kind == "noise":
        return replace(node, noise=Broken("noise"))
    error = {
        "fault": EngineFault("engine.limits", "constant", "r"),
        "bug": ZeroDivisionError("p01"),
        "out": MemoryError("p01"),
    }
    return replace(node, engine=Broken("engine", error[kind]))  # type: ignore[arg-type]


def laden(node: Node, statement: str, seconds: float) -> Node:
    """The node with an engine that has a statement of its own to run first, whatever is asked."""

    class Laden(Room):
        def run(self, tables: Any, statements: Any) -> list[Any]:
            return super().run(tables, [(statement, []), *statements])[1:]

    assert isinstance(node.engine, DuckDbEngine)
    engine = DuckDbEngine(node.engine._folder)
    engine._room = Laden(10**9, seconds, 2)
    return replace(node, engine=engine)


@pytest.mark.parametrize("kind", ["time", "memory", "noise", "fault", "bug", "out"])
def test_what_fails_is_charged_and_says_nothing(kind: str, audited: Node) -> None:
    """And nothing is given back: the data may have been looked at, and a refund would tell that they were not."""
    before = budget(audited)
    with pytest.raises(Exception) as fault:  # noqa: PT011
        ask(broken(kind, audited), QUESTIONS[0])
    after = budget(audited)
    assert after.spent - before.spent > 90_000 and after.reserved == 0
    with audited.store.read() as state:
        last = state.entry(state.size() - 1).fact
        assert isinstance(last, QueryAbandoned)
        use = state.get(Use, last.use)
        receipt = state.receipt(state.size() - 1)
        assert not list(state.list(Use, state="admitted"))
    assert use is not None
    assert (use.state, use.answer, use.contributions, use.charge) == ("abandoned", "", "", after.spent - before.spent)
    assert b"p01" not in (receipt.extra or b"") and "p01" not in last.cause and "17.25" not in last.cause
    if isinstance(fault.value, EngineFault):
        assert "p01" not in str(fault.value) and fault.value.__cause__ is None
    assert isinstance(ask(audited, QUESTIONS[0]), query.Answered), "the node goes on"


def test_a_fault_says_the_same_over_any_data(workshop: Workshop) -> None:
    said = set()
    for rows in (others(), WORST["far beyond the upper end"], [("a", None, None, None, None, None, None, None)]):
        with workshop.node(rows) as node:
            for kind in ("time", "memory"):
                with pytest.raises(EngineFault) as fault:
                    ask(broken(kind, node), QUESTIONS[2])
                with node.store.read() as state:
                    use = list(state.list(Use))[-1]
                said.add((fault.value.code, str(fault.value), use.reasons, use.charge))
    assert len(said) == 1


# --- questions of all kinds ------------------------------------------------------------------------------------------


def random_question(rng: random.Random) -> str:
    """Mostly one that can be answered."""
    odd = rng.random() < 0.3
    fitting = {
        "year": ["2021", "-1", "'2022'"], "region": ["'n'", "'x'", "''", "'é; --'"], "member": ["true", "false"],
        "wage": ["12.5", "0", "-3.25", "'7'"], "hours": ["1500", "-1", "4611686018427387903"], "word": ["'x'", "'\"'", "'☃'"],
    }  # fmt: skip
    unfitting = ["1", "'n'", "true", "NULL", "9" * 25, "1.234", "'1e999999'", "wage"]
    names = [*fitting, *(["nobody", "WAGE", '"Region"', "closed", "who"] if odd else [])]
    measures = ["COUNT(*)", "COUNT({})", "COUNT(DISTINCT who)", "SUM({})", "AVG({})"]
    keys = rng.sample(["region", "member", "year", *(["word"] if odd else [])], rng.choice([0, 0, 1, 2, 3]))
    chosen = [
        f"{rng.choice(measures).format(rng.choice(names if odd else ['wage', 'hours']))} AS "
        f"m{place}{'_margin' * (rng.random() < 0.1)}"
        for place in range(rng.randint(1, 3))
    ]

    def literal(name: str) -> str:
        return rng.choice(unfitting if odd and rng.random() < 0.5 else fitting.get(name, unfitting))

    def condition(depth: int) -> str:
        if depth and rng.random() < 0.6:
            return (
                f"({condition(depth - 1)} {rng.choice(['AND', 'OR'])} {rng.choice(['', 'NOT '])}{condition(depth - 1)})"
            )
        name = rng.choice(names)
        several = ", ".join(literal(name) for _ in range(rng.randint(1, 3)))
        simple = f"{name} {rng.choice(['=', '<>', '<', '<=', '>', '>='])} {literal(name)}"
        return rng.choice(
            [simple, simple, f"{name} IS NULL", f"{name} IS NOT NULL", f"{name} IN ({several})", "member"]
        )

    text = "SELECT " + ", ".join([*keys, *chosen]) + " FROM pay"
    if rng.random() < 0.7:
        text += f" WHERE {condition(2)}"
    if keys:
        text += " GROUP BY " + ", ".join(keys)
    if rng.random() < 0.3:
        text += f" ORDER BY {rng.choice(['1', 'm0', *keys])} {rng.choice(['', 'DESC'])} LIMIT {rng.randint(0, 9)}"
    return text


def test_every_question_is_answered_or_refused(audited: Node) -> None:
    """Never anything else: what fails only once the data are touched has cost somebody, and may have told something."""
    rng = random.Random(2026)
    counted = {query.Answered: 0, query.Refused: 0}
    for _ in range(120):
        text = random_question(rng)
        try:
            counted[type(ask(audited, text))] += 1
        except Exception as error:
            raise AssertionError(text) from error
    assert min(counted.values()) > 20, counted


PLAIN_QUESTIONS = (
    "SELECT COUNT(who) FROM pay",
    "SELECT COUNT(*) FROM pay WHERE WORD IS NULL",
    "SELECT AVG(wage) AS year FROM pay GROUP BY year ORDER BY year",
    "SELECT COUNT(*) FROM pay WHERE region = '5'",
    "SELECT COUNT(*) FROM pay WHERE word IN ('', '''', '\"', '☃')",
)


@pytest.mark.parametrize("text", PLAIN_QUESTIONS)
def test_a_plain_question_is_answered(text: str, audited: Node) -> None:
    """Each of these once failed, or could have, after it was charged."""
    answered(audited, text)


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("SELECT COUNT(*) AS e\u0301 FROM pay", PURPOSE), ("SELECT COUNT(*) FROM e\u0301", PURPOSE),
        ("SELECT '\ud800' FROM pay", PURPOSE), ("SELECT COUNT(*) FROM pay", "Recherche\u0301"),
    ],
)  # fmt: skip
def test_letters_that_the_journal_cannot_hold(text: str, purpose: str, audited: Node) -> None:
    """They are answered or refused like any other, and either way it is a fact."""
    assert isinstance(ask(audited, text, purpose=purpose), query.Answered | query.Refused)
