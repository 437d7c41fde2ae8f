"""A data user brings rows of her own with a training: what she learns of them, who is paid, and what stands in the journal."""

from __future__ import annotations

import csv
import hashlib
import random
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="models come with the extra `train`")

import story
import training
from support import Unhurried
from training import fit, validation
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import copies, neighbours
from usufruct.core.income.measure import shares
from usufruct.core.income.settlement import Lines
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.privacy.validation import ValidationSet, ValidationTaken
from usufruct.core.registry.state import Asset
from usufruct.main import open_node
from usufruct.node import consent, period, register
from usufruct.node.node import Node
from usufruct.node.use import Answered, Refused
from usufruct.node.validation import rows_of
from usufruct.wire import card
from usufruct.wire import validation as reading

FEATURES = ("sector", "age", "wage")
MEASURE = "knn-shapley/2 k=5 copies=person"


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settled")
    for name, grade in (("node", "sensitive"), ("mild", "internal")):
        story.found(folder / name)
        with open_node(folder / name, Unhurried()) as found:
            training.settle(found, folder / "pay.csv", grade)
    return folder


@pytest.fixture(params=["mild", "node"])
def node(request: pytest.FixtureRequest, settled: Path, tmp_path: Path) -> Iterator[Node]:
    """The same people, twice: graded so that a model of their rows may leave, and so that only one of noisy counts may."""
    if request.param == "node":
        pytest.importorskip("mbi", reason="synthetic rows come with the extra `synth`")
    with open_node(shutil.copytree(settled / request.param, tmp_path / "node"), Unhurried()) as found:
        yield found


def trained(node: Node, **more: object) -> Answered:
    job = {"validation": validation(), "out": "scores", "holdout": 0} | more
    done = fit(node, "decision-tree", "union", FEATURES, **job)
    assert isinstance(done, Answered), done.refusal
    return done


def use_of(node: Node, use: str) -> tuple[Use, list[int]]:
    with node.store.read() as state:
        found = state.get(Use, use)
        assert found is not None
        return found, list(shares(state.evidence(found.shares))) if found.shares else []


def test_each_person_is_paid_by_what_her_rows_add(node: Node, settled: Path) -> None:
    """Worked out again from the table, by the definition, with nothing of the node's."""
    done = trained(node)
    use, found = use_of(node, done.use)
    assert use.measure == MEASURE
    exact = any("data quality" in note for note in done.answer.notes)
    assert done.answer.scores.keys() == {"validation_accuracy", *(["data_quality"] if exact else [])}
    # Of noisy data a model may tell less than guessing does.
    assert (0.5 if exact else 0) < float(done.answer.scores["validation_accuracy"]) <= 1
    expected = by_hand(settled / "pay.csv")
    assert found == pytest.approx(expected, abs=2_000)  # of 2^52
    assert sum(found) > 0
    assert any(one == 0 for one in found), "who adds nothing is paid nothing"


def by_hand(table: Path) -> list[float]:
    steps = (1 << neighbours.grid_bits(5)) - 1
    corner = int((steps**2 // 2) ** 0.5)

    def point(row: dict[str, str]) -> tuple[int, ...]:
        sector = [corner * (row["sector"] == one) for one in ("care", "trade", "office")]
        wage = int(Fraction(row["wage"]) * 100)
        return (*sector, (int(row["age"]) - 18) * steps // 49, min(wage, 4000) * steps // 4000)

    with table.open() as file:
        rows = list(csv.DictReader(file))
    own = validation()
    asked = [dict(zip(own.columns, row, strict=True)) for row in own.rows]
    points, labels = [point(row) for row in rows], [int(row["union"] == "true") for row in rows]
    radius = copies.scale(points)
    counting = []
    for person in range(training.PEOPLE):
        mine = [place for place, row in enumerate(rows) if int(row["nr"]) == person]
        order = sorted(mine, key=lambda place: (*points[place], labels[place]))
        known = copies.sieve(points, labels, order, radius)
        counting += [place for place in mine if known[place] == place]
    worth = [Fraction(0)] * len(rows)
    for row in asked:
        said, here = int(row["union"] == "true"), point(row)
        away = [sum((a - b) ** 2 for a, b in zip(points[place], here, strict=True)) for place in counting]
        values = neighbours.values(away, [int(labels[place] == said) for place in counting], 5)
        for place, value in zip(counting, values, strict=True):
            worth[place] += value / len(asked)
    persons = [Fraction(0)] * training.PEOPLE
    for place, value in enumerate(worth):
        persons[int(rows[place]["nr"])] += max(value, Fraction(0))
    return [float(value * neighbours.SHARE_UNIT) for value in persons]


def test_the_rows_are_bound_before_the_data_are_looked_at(node: Node) -> None:
    done = trained(node)
    own = validation()
    with node.store.read() as state:
        facts = [
            entry.fact
            for entry in state.entries(0, state.size())
            if isinstance(entry.fact, (ValidationTaken, QueryAdmitted, QueryAnswered))
        ]
        kept = state.get(ValidationSet, done.use)
        assert kept is not None
        assert state.evidence(kept.kept) == own.data
    assert [type(fact) for fact in facts] == [QueryAdmitted, ValidationTaken, QueryAnswered]
    taken = facts[1]
    assert isinstance(taken, ValidationTaken)
    assert (taken.digest, taken.rows, taken.measure) == (hashlib.sha256(own.data).hexdigest(), 80, MEASURE)
    admitted = facts[0]
    assert isinstance(admitted, QueryAdmitted)
    assert f"VALIDATED BY 80 ROWS sha256:{own.digest}" in admitted.question


def test_the_period_is_divided_by_it(node: Node) -> None:
    done = trained(node)
    _, found = use_of(node, done.use)
    planned = story.done(period.plan_period(node, "2026-q4"))
    with node.store.read() as state:
        due = Lines(planned.statements[0], state.evidence).columns()[0]
    whole, members = sum(found), sum(due)
    assert members > 0
    assert all(abs(amount - members * share / whole) <= 1 for amount, share in zip(due, found, strict=True))


def test_her_own_rows_cost_no_budget(node: Node) -> None:
    """What she learns of them is worked out from a model that may leave anyway."""
    charges = [fit(node, "decision-tree", "union", FEATURES, holdout=0).charge, trained(node, out="model").charge]
    assert charges[0] == charges[1]
    with node.store.read() as state:
        asset = state.get(Asset, story.ASSET)
        assert asset is not None
        budget = state.get(Budget, story.ASSET, asset.version)
        assert budget is not None and budget.spent == sum(charges)


def test_who_refuses_is_neither_used_nor_paid(node: Node) -> None:
    before = use_of(node, trained(node).use)[1]
    most = max(range(len(before)), key=before.__getitem__)
    with node.store.read() as state:
        from usufruct.core.registry.state import Person

        party = next(person.party for person in state.list(Person, asset=story.ASSET) if person.number == most)
    story.done(consent.record_word(node, story.ASSET, party, "Purpose", False))
    after = use_of(node, trained(node).use)[1]
    assert after[most] == 0
    assert sum(after) > 0


def test_a_number_is_measured_too(node: Node) -> None:
    own = validation(columns="wage,union,age,sector")  # in any order
    done = fit(node, "ridge", "wage", ("sector", "age", "union"), holdout=0, out="scores", validation=own)
    assert isinstance(done, Answered)
    assert done.answer.scores.keys() == {"validation_mean_absolute_error", "validation_root_mean_squared_error"}
    assert 0 < float(done.answer.scores["validation_mean_absolute_error"]) < 10
    assert sum(use_of(node, done.use)[1]) > 0


def lines(*extra: str, rows: int = 60, head: str = "sector,age,union,wage") -> bytes:
    return "\n".join([head, *(f"care,{18 + n % 50},true,{n % 40}.50" for n in range(rows)), *extra]).encode()


WRONG = {
    "a column is missing": (lines(head="sector,age,union,pay"), "give each of sector, age, wage, union once"),
    "a column too many": (b"sector,age,union,wage,nr\n" + b"care,18,true,1,1\n" * 60, "give each of"),
    "a column twice": (b"sector,age,union,wage,Wage\n" + b"care,18,true,1,1\n" * 60, "give each of"),
    "too few": (lines(rows=20), "give 50 to 10000 rows"),
    "none": (lines(rows=0), "give 50 to 10000 rows"),
    "too many": (lines(rows=10_001), "give 50 to 10000 rows"),
    "too few that differ": (b"sector,age,union,wage\n" + b"care,18,true,1\ncare,19,true,1\n" * 40, "give 50 that differ"),
    "not on the list": (lines("mine,20,true,1"), "one of care, trade, office"),
    "outside the bounds": (lines("care,17,true,1"), "a number from 18 to 67"),
    "above the bounds": (lines("care,20,true,40.01"), "a number from 0 to 40"),
    "finer than the card": (lines("care,20,true,1.005"), "at most 2 decimals"),
    "a gap": (lines("care,,true,1"), "a number from 18 to 67"),
    "no number": (lines("care,1e9,true,1"), "a number from 18 to 67"),
    "no yes or no": (lines("care,20,perhaps,1"), "one of false, true"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_are_not_of_the_card_are_refused_before_data_are_touched(
    name: str, settled: Path, tmp_path: Path
) -> None:
    data, help = WRONG[name]
    with open_node(shutil.copytree(settled / "node", tmp_path / "node"), Unhurried()) as node:
        no = fit(node, "decision-tree", "union", FEATURES, validation=reading.read(data))
        assert isinstance(no, Refused)
        assert no.refusal.code == "fit.validation"
        assert help in no.refusal.remedy
        with node.store.read() as state:
            assert next(state.list(Use, state="answered"), None) is None
            assert not [entry for entry in state.entries(0, state.size()) if isinstance(entry.fact, ValidationTaken)]


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "no rows"), (b"\n\n", "no rows"), (b"a,b\n1\n", "row 1 has 1 cells"), (b"\xff\xfe,\n", "not CSV in UTF-8"),
     (b'a,b\n"1,2\n', "not CSV"), (b"a\n" + b"1" * (8 << 20), "give at most")],
)  # fmt: skip
def test_what_is_no_csv_is_a_fault(data: bytes, says: str) -> None:
    with pytest.raises(BadInput) as fault:
        reading.read(data)
    assert says in f"{fault.value.message} {fault.value.remedy}"


def test_a_table_about_nobody_has_nobody_to_pay() -> None:
    """Then the rows are scored on, and nothing is measured."""
    from usufruct.node.train import measure_of

    class Permit:
        asset = type("asset", (), {"person_column": "", "id": "weather"})

    assert measure_of(None, Permit, False) is None  # type: ignore[arg-type]


FIRMS = """
asset = "firms"
title = "Firms"
description = "wages by firm"
licence = "terms of the agreement"
person_column = "nr"
rows_per_person = 40

[columns.nr]
type = "integer"
grade = "internal"

[columns.age]
type = "integer"
grade = "internal"
low = 18
high = 67

[columns.union]
type = "boolean"
grade = "internal"
"""


def test_few_holders_are_measured_by_the_buyers_own_model(settled: Path, tmp_path: Path) -> None:
    """Four firms; the last one's labels are drawn at random, and one has what no other has."""
    draw = random.Random(3)
    rows = ["nr,age,union"]
    for firm in range(4):
        for _ in range(30):
            age = draw.randint(18, 40) if firm < 2 else draw.randint(41, 67) if firm == 2 else draw.randint(18, 67)
            union = age > 40 if firm < 3 else draw.random() < 0.5
            rows.append(f"{firm},{age},{str(union).lower()}")
    (tmp_path / "firms.csv").write_text("\n".join(rows) + "\n")
    own = reading.read("\n".join(["age,union", *(f"{age},{str(age > 40).lower()}" for age in range(18, 68))]).encode())
    with open_node(shutil.copytree(settled / "mild", tmp_path / "node"), Unhurried()) as node:
        story.done(register.add_asset(node, card.read(FIRMS), tmp_path / "firms.csv", story.OPERATOR))
        story.done(register.record_consents(node, "firms", story.PURPOSE, None, "paper forms, cupboard 3"))
        training.agree(node, "of-firms", story.USER, asset="firms")
        job = {"asset": "firms", "holdout": 0, "validation": own, "measure": "model"}
        done = fit(node, "decision-tree", "union", ["age"], **job)
        assert isinstance(done, Answered), done.refusal
        use, found = use_of(node, done.use)
        assert use.measure == "model-shapley/2 copies=person"
        assert max(found) == found[2] > 0
        assert "MEASURED BY model" in use.question
        no = fit(node, "decision-tree", "union", FEATURES, validation=validation(), measure="model")
        assert isinstance(no, Refused)
        assert "1 to 16 persons" in no.refusal.reasons[0]
        for change in ({"measure": "luck"}, {"validation": None}):
            no = fit(node, "decision-tree", "union", ["age"], **(job | change))
            assert isinstance(no, Refused)


def test_at_a_higher_grade_no_model_is_fitted_to_measure_either(settled: Path, tmp_path: Path) -> None:
    with open_node(shutil.copytree(settled / "node", tmp_path / "node"), Unhurried()) as node:
        no = fit(node, "decision-tree", "union", FEATURES, validation=validation(), measure="model")
        assert isinstance(no, Refused)
        assert "no model is fitted to the rows themselves" in no.refusal.reasons[0]


def test_the_rows_are_shown_when_it_is_over(settled: Path, tmp_path: Path) -> None:
    with open_node(shutil.copytree(settled / "mild", tmp_path / "node"), Unhurried()) as node:
        seen = []

        def meanwhile() -> None:
            with node.store.read() as state:
                seen.append(rows_of(node, next(state.list(Use, state="admitted")).id))

        watched, _ = training.watch(node, meanwhile)
        done = trained(watched)
        (early,) = seen
        assert isinstance(early, Refusal)
        assert "not over yet" in early.reasons[0]
        known, data = story.done(rows_of(node, done.use))
        assert data == validation().data
        assert hashlib.sha256(data).hexdigest() == known.digest
        assert isinstance(rows_of(node, "use-1"), Refusal)
