"""Whoever trains in the node tries to learn of persons: by the model, the scores, the errors, the ledger."""

from __future__ import annotations

import json
import math
import shutil
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import story
import training
from support import Unhurried
from training import FEATURES, fit, make, watch
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.lineage import rules as lineage
from usufruct.core.lineage.state import Transform
from usufruct.core.privacy.fitting import FitPlan
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.registry.state import Asset
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.fitting import ChildTrainer
from usufruct.main import open_node
from usufruct.node import consent, query, register, synthesize, trade
from usufruct.node.node import Node
from usufruct.node.use import Answered, Refused
from usufruct.wire import card, sql
from usufruct.wire import fit as wire


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nodes as they stand before anything is asked, to be copied."""
    folder = tmp_path_factory.mktemp("settled")
    for name, grade in (("node", "sensitive"), ("mild", "internal")):
        story.found(folder / name)
        with open_node(folder / name, Unhurried()) as found:
            training.settle(found, folder / "pay.csv", grade)
    return folder


@pytest.fixture
def node(settled: Path, tmp_path: Path) -> Iterator[Node]:
    with open_node(shutil.copytree(settled / "node", tmp_path / "node"), Unhurried()) as found:
        yield found


@pytest.fixture
def mild(settled: Path, tmp_path: Path) -> Iterator[Node]:
    """The same people, graded so low that a model of the rows may leave."""
    with open_node(shutil.copytree(settled / "mild", tmp_path / "mild"), Unhurried()) as found:
        yield found


def budget(node: Node) -> Budget:
    with node.store.read() as state:
        asset = state.get(Asset, story.ASSET)
        assert asset is not None
        found = state.get(Budget, story.ASSET, asset.version)
    assert found is not None
    return found


def refused(result: Answered | Refused) -> Refused:
    assert isinstance(result, Refused), "it was let out"
    return result


def answered(result: Answered | Refused) -> Answered:
    assert isinstance(result, Answered), result.refusal
    return result


class Shift:
    """Noise that can be seen: each number is moved by as many hundreds as there were vectors before."""

    def __init__(self) -> None:
        self.deviations: list[float] = []

    def add(self, values: Any, deviation: Any) -> list[int]:
        self.deviations.append(float(deviation))
        return [value + 100 * len(self.deviations) for value in values]


@pytest.mark.parametrize(
    ("estimator", "label"), [("ridge", "wage"), ("random-forest", "union"), ("gradient-boosting", "wage")]
)
@pytest.mark.parametrize("out", ["model", "scores"])
def test_from_grade_2_on_nothing_is_fitted_to_that_has_no_noise(
    node: Node, estimator: str, label: str, out: str
) -> None:
    node, watched = watch(node)
    noise = Shift()
    features = [name for name in (*FEATURES, "wage") if name != label]
    done = answered(fit(replace(node, noise=noise), estimator, label, features, out=out))
    (exact,), (given,) = watched.exact, watched.given
    assert exact.rows == given.rows == b"", "rows never reach an estimator"
    before, after = [*exact.counts, exact.sums], [*given.counts, given.sums]
    assert [b - a for one, other in zip(before, after, strict=True) for a, b in zip(one, other, strict=True)]
    assert all(a != b for one, other in zip(before, after, strict=True) for a, b in zip(one, other, strict=True))
    scores = watched.plans[0].scores
    assert [round(d * 64) for d in noise.deviations[-len(scores) :]] == [score.sigma for score in scores]
    assert min(noise.deviations) > 0 and (done.answer.model is None) == (out == "scores")


def test_at_grade_1_the_estimator_sees_the_rows_and_nothing_is_charged(mild: Node) -> None:
    mild, watched = watch(mild)
    done = answered(fit(mild, "decision-tree", "union", ["age"]))
    assert watched.given[0].rows and done.charge == 0 and budget(mild).spent == 0
    assert "fitted to the rows themselves" in done.answer.notes[0]


def test_being_in_the_table_counts_as_sensitive_as_the_column_that_says_who_is(tmp_path: Path) -> None:
    """Columns of grade 1 about people who are in a sensitive register: their model is noised all the same."""
    story.found(tmp_path / "node")
    mixed = training.CARD.replace("GRADE", "sensitive", 1).replace("GRADE", "internal")
    with open_node(tmp_path / "node") as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "CARD", mixed)
        training.settle(found, tmp_path / "pay.csv")
        watched_node, watched = watch(found)
        assert answered(fit(watched_node, "decision-tree", "union", ["age"])).charge > 0
        assert watched.given[0].rows == b""


def test_the_declared_sigma_is_honest_and_the_ledger_moves_by_the_charge(node: Node) -> None:
    """One synthesis of many cells is many draws: they are as wide as was declared, and as was paid for."""
    node, watched = watch(node)
    before = budget(node)
    done = answered(make(node, bins=48, pairs=(("age", "wage"),), checks=(("sector", "age"),)))
    draws = [
        b - a
        for one, other in zip(watched.exact[0].counts, watched.noised[0], strict=True)
        for a, b in zip(one, other, strict=True)
    ]
    declared = next(
        float(note.split()[-2]) for note in done.answer.notes if note.startswith("every count in a marginal")
    )
    measured = math.sqrt(statistics.fmean(draw * draw for draw in draws))
    assert len(draws) > 2000 and abs(measured / declared - 1) < 5 / math.sqrt(2 * len(draws)) + 0.005 / declared
    assert abs(statistics.fmean(draws)) < 5 * declared / math.sqrt(len(draws))
    sets = 4 + 1 + 1
    assert done.charge >= sets * 2**2 / (2 * (declared + 0.01) ** 2) * 10**6
    after = budget(node)
    assert (after.spent - before.spent, after.reserved) == (done.charge, 0) and done.charge <= story.PRECISE


def test_a_refusal_costs_nothing_and_a_failure_everything(node: Node) -> None:
    refused(fit(node, purpose="Marketing"))
    assert budget(node).spent == 0

    def fail() -> None:
        raise EngineFault("engine.limits", "the fit could not be worked out within the node's limits", "ask")

    broken, watched = watch(node, fail)
    with pytest.raises(EngineFault):
        fit(broken)
    with node.store.read() as state:
        (use,) = state.list(Use, state="abandoned")
    assert budget(node).spent == use.charge == watched.plans[0].charge > 0


def test_an_overrun_has_constant_words(node: Node) -> None:
    """Too little memory, too little time: the child is gone, and nobody learns why."""
    engine = node.engine
    assert isinstance(engine, DuckDbEngine)
    words = set()
    for trainer in (ChildTrainer(engine, memory=64 * 1024**2), ChildTrainer(engine, seconds=0)):
        with pytest.raises(EngineFault) as fault:
            fit(replace(node, trainer=trainer))
        words.add((fault.value.code, fault.value.message, fault.value.remedy))
    assert len(words) == 1


def test_what_ends_meanwhile_keeps_the_model_in(node: Node) -> None:
    agreement = answered(fit(watch(node)[0])).agreement

    def end() -> None:
        story.done(trade.end_agreement(node, agreement, story.USER))

    late = refused(fit(watch(node, end)[0]))
    assert late.refusal.code == "access.ended"
    with node.store.read() as state:
        assert len(list(state.list(Use, state="abandoned"))) == 1


def test_who_refuses_meanwhile_is_not_in_it_and_nobody_is_told(node: Node) -> None:
    said: list[str] = []

    def refuse_once() -> None:
        if not said:
            said.append("member-3")
            story.done(consent.record_word(node, story.ASSET, "member-3", "Purpose", False))

    watched_node, watched = watch(node, refuse_once)
    answered(fit(watched_node))
    first, second = watched.exact
    counted = [
        int.from_bytes(found.contributions[4 * n : 4 * n + 4], "little")
        for found in (first, second)
        for n in range(120)
    ]
    gone = [n for n in range(120) if counted[n] and not counted[120 + n]]
    assert len(gone) == 1 and counted[gone[0]] == 2 and len(watched.given) == 2


def test_what_becomes_more_sensitive_meanwhile_does_not_leave_as_it_was(node: Node, tmp_path: Path) -> None:
    """A model of the rows was permitted at grade 1; while it is fitted, what lowered the grade is taken back."""
    transform = lineage.register_transform
    node.record(lambda tx: transform(
        tx, "coarsened", "coarser pay", "anonymisation", ("pay",), "sha256:" + "0" * 64, "the board", story.OPERATOR, tx.now, 1
    ))  # fmt: skip
    derived = 'asset = "coarse"\nderived_from = ["pay"]\ntransform = "coarsened"'
    text = training.CARD.replace("GRADE", "internal").replace('asset = "pay"', derived)
    table = training.write_table(tmp_path / "coarse.csv", 60)
    story.done(register.add_asset(node, card.read(text), table, story.OPERATOR))
    story.done(register.record_consents(node, "coarse", story.PURPOSE, None, "paper forms"))
    training.agree(node, "coarse", story.USER, asset="coarse")
    before = answered(fit(watch(node)[0], asset="coarse"))
    assert before.charge == 0 and before.answer.notes[0].endswith("lets a model of them leave")

    def end() -> None:
        node.record(lambda tx: lineage.end_transform(tx, "coarsened", story.OPERATOR, "it was not", tx.now))

    late = refused(fit(watch(node, end)[0], asset="coarse"))
    assert late.refusal.code == "access.ended" and "more sensitive" in late.refusal.reasons[0]
    assert answered(fit(watch(node)[0], asset="coarse")).charge > 0


JOBS: dict[str, dict[str, Any]] = {
    "an estimator that is not listed": {"estimator": "pickle.loads"},
    "a parameter that is not listed": {"parameters": (("solver", "svd"),)},
    "a parameter that is no number": {"parameters": (("alpha", "__import__('os')"),)},
    "a parameter beyond its bounds": {"parameters": (("alpha", "9999999"),)},
    "a parameter twice": {"parameters": (("alpha", "1"), ("alpha", "2"))},
    "a model too large to leave": {
        "estimator": "random-forest",
        "label": "sector",
        "features": ("age",),
        "parameters": (("n_estimators", "100"), ("max_depth", "10")),
    },
    "no features": {"features": ()},
    "the label as a feature": {"features": ("wage",)},
    "a feature twice": {"features": ("age", "AGE")},
    "the person as a feature": {"features": ("nr",)},
    "the person as a label": {"label": "nr"},
    "a column without bounds": {"features": ("shoe",)},
    "a column that is not there": {"features": ("salary",)},
    "a class for what tells numbers": {"label": "union", "features": ("age",)},
    "a number for what tells classes": {"estimator": "logistic-regression"},
    "more rows of a person than the card says": {"rows_per_person": 3},
    "no rows of a person": {"rows_per_person": 0},
    "everybody held out": {"holdout": 100},
    "scores of nobody": {"holdout": 0, "out": "scores"},
    "code for an answer": {"out": "pickle"},
    "too many bins": {"bins": 65},
    "a precision beyond the bounds": {"micro_rho": 10**9},
    "a pair with what is no feature": {
        "estimator": "random-forest",
        "label": "union",
        "features": ("age",),
        "pairs": (("age", "wage"),),
    },
}


def test_a_job_that_is_not_of_the_closed_lists_is_refused_before_data_are_touched(node: Node) -> None:
    node, watched = watch(node)
    for name, change in JOBS.items():
        no = refused(fit(node, **change)).refusal
        assert no.code.startswith(("fit.", "privacy.")) and no.remedy and not watched.exact, name
    assert budget(node).spent == budget(node).reserved == 0


def test_what_is_unknown_and_what_is_not_yours_look_the_same(node: Node) -> None:
    node, _ = watch(node)
    theirs = refused(fit(node, requester=story.STRANGER)).refusal
    nothing = refused(fit(node, requester=story.STRANGER, asset="pxy")).refusal
    assert replace(nothing, reasons=tuple(r.replace("pxy", "pay") for r in nothing.reasons)) == theirs


def test_an_agreement_on_totals_is_none_on_models_and_the_other_way_about(node: Node) -> None:
    text = "SELECT sector, COUNT(*) FROM pay GROUP BY sector"
    asked = query.ask(node, query.Asked(story.USER, text, sql.parse(text), story.PURPOSE, anew=True))
    assert isinstance(asked, query.Refused) and asked.refusal.code == "access.form"


@pytest.mark.parametrize("text", ["age > 3 GROUP BY sector", "age > 3 LIMIT 1", "age > 3 ORDER BY 1", "age > (SELECT 1)",
                                  "1 = 1; DROP TABLE asset", "true) UNION SELECT (1"])  # fmt: skip
def test_a_condition_is_nothing_but_a_condition(text: str) -> None:
    wire.condition("pay", text)
    assert isinstance(wire.condition("pay", text), Refusal)
    assert not isinstance(wire.condition('p"ay', "age > 3 AND sector IN ('care')"), Refusal | None)


# ---- products


def test_a_product_is_an_asset_about_nobody_for_no_more_than_its_purpose(node: Node) -> None:
    """With the real libraries: drawn, registered, graded down by the transform that says on what evidence."""
    done = answered(make(node))
    with node.store.read() as state:
        asset = state.get(Asset, "pay-drawn")
        assert asset is not None
        transform = state.get(Transform, asset.transform)
        source = state.get(Asset, story.ASSET)
    assert transform is not None and source is not None
    assert transform.kind == "anonymisation" and "zCDP" in asset.description and transform.inputs == (story.ASSET,)
    assert asset.purposes == (story.PURPOSE,) and asset.person_column == "" and asset.quality.persons == 0
    assert {column.grade for column in asset.columns} == {1} and asset.derived_from == (story.ASSET,)
    assert asset.quality.rows == int(done.answer.scores["rows"]) > 0
    # Near to the noisy counts: as near as their noise, for those it was drawn from.
    distances = {name: value for name, value in done.answer.scores.items() if name.startswith("distance ")}
    assert len(distances) == 6 and "check union and wage" in done.answer.scores
    near = sum(
        float(value) <= float(done.answer.scores[name.replace("distance", "noise")])
        for name, value in distances.items()
    )
    assert near >= 4
    found = synthesize.product(node, "pay-drawn", story.OPERATOR, False)
    assert found is not None and found.use == done.use and found.let_out == json.loads(done.answer.encode())
    assert synthesize.product(node, "pay-drawn", story.USER, False) is None
    assert synthesize.product(node, "pay", story.OPERATOR, True) is None
    training.agree(node, "drawn", story.USER, asset="pay-drawn")
    assert synthesize.product(node, "pay-drawn", story.USER, False) is not None


def test_only_who_may_make_products_of_it_makes_one(node: Node) -> None:
    node, watched = watch(node)
    no = refused(make(node, requester=story.USER)).refusal
    assert no.code == "rights.not-held" and not watched.exact and budget(node).spent == 0


def test_a_name_that_is_taken_costs_nothing(node: Node) -> None:
    node, _ = watch(node)
    assert refused(make(node, product="pay")).refusal.code == "registry.exists"
    assert budget(node).spent == 0


def test_a_name_that_is_taken_meanwhile_keeps_the_product_out(node: Node) -> None:
    plain, _ = watch(node)
    busy: list[Answered] = []

    def other() -> None:
        if not busy:
            busy.append(answered(make(plain)))

    no = refused(make(watch(node, other)[0])).refusal
    assert no.code == "registry.exists"
    with node.store.read() as state:
        assert [use.state for use in state.list(Use)] == ["abandoned", "answered"]
        assert len([asset for asset in state.list(Asset) if asset.id == "pay-drawn"]) == 1


def test_counts_of_few_are_not_shown(node: Node) -> None:
    """Group sizes below the grade's least are left out of what is told, by the noised count."""
    node, watched = watch(node)
    done = answered(make(node))
    shown = [row[2] for row in done.answer.rows]
    noised = [count for counts in watched.noised[0] for count in counts]
    assert [value is None for value in shown] == [count < 10 * 2 for count in noised] and None in shown


def test_the_plan_of_a_fit_depends_on_nothing_but_text_card_and_ledger(node: Node) -> None:
    node, watched = watch(node)
    answered(fit(node))
    story.done(consent.record_word(node, story.ASSET, "member-3", "Purpose", False))
    answered(fit(node))
    one, other = watched.plans
    assert isinstance(one, FitPlan) and one == other


def test_a_data_user_has_one_part_of_a_budget_for_fits_too(node: Node) -> None:
    """What is spent by fits counts as what is spent by questions does; who has had its part is refused, whatever is left."""
    node, _ = watch(node)
    for _ in range(2):
        answered(fit(node))
    assert budget(node).left > story.PRECISE
    assert refused(fit(node)).refusal.code == "privacy.quota"
