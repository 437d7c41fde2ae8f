"""Where data come from, and what they inherit: tables, and laws over random chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tables import cases, parts
from worlds import World

from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import rules as contract
from usufruct.core.contract.facts import Terms
from usufruct.core.lineage import rules
from usufruct.core.lineage.facts import STEPS, TRANSFORMS, StepRecorded, TransformRegistered
from usufruct.core.lineage.state import Transform
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.registry.facts import AssetRegistered, Column, PartyRegistered, Quality
from usufruct.core.registry.rights import at_the_source
from usufruct.core.registry.rules import Card, DeclaredStep
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.core.trace import looked_at, tell, trace

EVIDENCE = "https://example.org/assessment"
GRADES = {"nr": 2, "pay": 3}


class Chain(World):
    """A world in which assets are registered and steps recorded, if the rules allow it."""

    def __init__(self) -> None:
        super().__init__()
        for party, kind in (("coop", "cooperative"), ("lab", "organisation"), ("ann", "person")):
            self.add(PartyRegistered(party, kind, party.capitalize()))

    @property
    def of_use(self) -> partial[str | None]:
        return partial(looked_at, self.state)

    def register(self, card: Card) -> Refusal | None:
        """An asset of the coop."""
        origin = rules.origin(self.state, card, "coop", self.at, self.of_use)
        if isinstance(origin, Refusal):
            return origin
        n = len(self.entries)
        self.add(
            AssetRegistered(
                card.asset, "coop", "source", card.title, "", "", (), f"v-{card.asset}", "5f" * 32, "nr", card.columns, 1,
                (), Quality(1, 1, ()), origin.purposes, card.derived_from, card.transform,
            ),
            *(replace(step, id=f"step-{n + 1 + k}") for k, step in enumerate(origin.steps)),
            *at_the_source(card.asset, "source", "coop", (f"r{n}a", f"r{n}b", f"r{n}c", f"r{n}d")),
        )  # fmt: skip
        return None

    def step(
        self, kind: str, inputs: str = "", outputs: str = "", by: str = "lab", **more: str
    ) -> StepRecorded | Refusal:
        """A step of the lab."""
        purpose = more.pop("purpose", "AcademicResearch" if kind == "collected" else "")
        declared = DeclaredStep(kind, "by hand", by, parts(inputs), parts(outputs), purpose, **more)
        made = rules.record_step(
            self.state, declared, f"step-{len(self.entries)}", "coop", self.at, self.of_use
        )  # fmt: skip
        if not isinstance(made, Refusal):
            self.add(made)
        return made

    def transform(self, id: str, inputs: str, lowers: int | None, allowed: str = "") -> TransformRegistered | Refusal:
        """A transform of the coop."""
        made = rules.register_transform(
            self.state, id, "coarser", "aggregation", parts(inputs), EVIDENCE, "the board", "coop", self.at, lowers,
            parts(allowed),
        )  # fmt: skip
        if not isinstance(made, Refusal):
            self.add(made)
        return made

    def use(self, asset: str, requester: str = "lab", purpose: str = "AcademicResearch") -> str:
        """An answered question."""
        use = f"use-{len(self.entries)}"
        self.state.put(budget(asset))
        self.add(
            QueryAdmitted(
                use, requester, "agreement-1", asset, f"v-{asset}", purpose, "SELECT", "counts", 0, 0, "EUR", "s"
            ),
            QueryAnswered(use, requester, asset, purpose, "counts", "sealed", "sealed"),
        )
        return use

    def asset_of(self, name: str) -> Asset:
        found = self.state.get(Asset, name)
        assert found is not None
        return found


def budget(asset: str):  # type: ignore[no-untyped-def]
    from usufruct.core.privacy.state import Budget

    return Budget(asset, f"v-{asset}", 1_000_000)


def card(asset: str, derived_from: str = "", transform: str = "", allowed: str = "", **grades: str) -> Card:
    """A card with a column for each of `grades`, written `3` or `3 of a.pay; a.hours`."""
    columns = []
    for name, text in (grades or {"nr": "2"}).items():
        grade, _, origins = text.partition(" of ")
        columns.append(Column(name, "integer", "personal", int(grade), origins=parts(origins)))
    return Card(
        asset, asset.capitalize(), "d", "l", "nr", tuple(columns), 1, purposes=parts(allowed),
        derived_from=parts(derived_from), transform=transform,
    )  # fmt: skip


def code(attempt: Callable[[], object]) -> str:
    """The code of the refusal or fault that comes of it; nothing if it was done."""
    try:
        result = attempt()
    except BadInput as fault:
        return fault.code
    if isinstance(result, Refusal):
        assert result.reasons and result.remedy
        return result.code
    return ""


def two_assets() -> Chain:
    world = Chain()
    assert world.register(card("wages", allowed="ResearchAndDevelopment", nr="2", year="0", pay="3")) is None
    assert world.register(card("shifts", allowed="AcademicResearch; CommercialPurpose", nr="2", nights="4")) is None
    assert world.register(card("state", nr="2", site="5")) is None
    assert not isinstance(world.transform("coarse", "wages", 1), Refusal)
    assert not isinstance(world.transform("open", "wages; shifts", None, "Marketing"), Refusal)
    assert not isinstance(world.transform("both", "state; shifts", 0), Refusal)
    return world


DERIVED = """
derived from  | transform | a                       | purposes            | answer
--------------+-----------+-------------------------+---------------------+---------------------------------
# without origins a column inherits the highest grade of all columns of all inputs
wages         |           | 3                       |                     | ResearchAndDevelopment
wages         |           | 2                       |                     | lineage.grade
wages; shifts |           | 4                       |                     | AcademicResearch; CommercialResearch
wages; shifts |           | 3                       |                     | lineage.grade
# with origins, of those it names
wages         |           | 0 of wages.year         |                     | ResearchAndDevelopment
wages         |           | 2 of wages.year; wages.nr |                   | ResearchAndDevelopment
wages         |           | 1 of wages.year; wages.nr |                   | lineage.grade
wages         |           | 3 of wages.age          |                     | input.card
wages         |           | 4 of shifts.nights      |                     | input.card
# a transform lowers the inputs it was assessed for, to the grade it names and no further
wages         | coarse    | 1                       |                     | ResearchAndDevelopment
wages         | coarse    | 0                       |                     | lineage.grade
wages         | coarse    | 0 of wages.year         |                     | ResearchAndDevelopment
wages; shifts | coarse    | 4                       |                     | lineage.transform
wages         | finer     | 1                       |                     | registry.unknown
# but never the grades that only an authority could lower
state         | both      | 4                       |                     | lineage.grade
state         | both      | 5                       |                     | Purpose
state; shifts | both      | 0 of shifts.nights      |                     | AcademicResearch; CommercialPurpose
# purposes: what all inputs allow, or less
wages         |           | 3                       | AcademicResearch    | AcademicResearch
wages         |           | 3                       | Purpose             | lineage.purposes
wages         |           | 3                       | AcademicResearch; Marketing | lineage.purposes
wages; shifts |           | 4                       | CommercialPurpose   | lineage.purposes
wages; shifts |           | 4                       | CommercialResearch  | CommercialResearch
wages; shifts | open      | 4                       | Marketing           | Marketing
wages; shifts | open      | 4                       |                     | AcademicResearch; CommercialResearch; Marketing
wages         |           | 3                       | Fame                | input.purpose
# what cannot be
bonuses       |           | 3                       |                     | registry.unknown
wages; wages  |           | 3                       |                     | input.card
              | coarse    | 3                       |                     | input.card
              |           | 3 of wages.pay          |                     | input.card
              |           | 0                       |                     | Purpose
              |           | 0                       | Marketing; DirectMarketing | Marketing
"""


@cases(DERIVED)
def test_a_derived_asset_inherits(row: dict[str, str]) -> None:
    world = two_assets()
    described = card("new", row["derived from"], row["transform"], row["purposes"], a=row["a"])
    no = code(lambda: world.register(described))
    if no:
        assert no == row["answer"]
        return
    assert set(world.asset_of("new").purposes) == set(parts(row["answer"]))


def test_who_may_not_operate_the_inputs_derives_nothing() -> None:
    world = two_assets()
    refusal = rules.origin(world.state, card("new", "wages", a="3"), "lab", world.at, world.of_use)
    assert isinstance(refusal, Refusal) and refusal.code == "rights.not-held"
    made = rules.register_transform(
        world.state, "mine", "t", "aggregation", ("wages",), EVIDENCE, "me", "lab", world.at, 0
    )
    assert isinstance(made, Refusal) and made.code == "rights.not-held"


def test_inputs_without_a_common_purpose_make_nothing() -> None:
    world = Chain()
    world.register(card("a", allowed="AcademicResearch"))
    world.register(card("b", allowed="DirectMarketing"))
    refusal = world.register(card("c", "a; b"))
    assert refusal and refusal.code == "lineage.purposes" and "register the transform" in refusal.remedy


@cases("""
purposes                            | answer
------------------------------------+-----------------
AcademicResearch                    |
ResearchAndDevelopment              |
Purpose                             | lineage.purposes
AcademicResearch; Marketing         | lineage.purposes
""")
def test_offers_stay_within_the_purposes_of_the_asset(row: dict[str, str]) -> None:
    world = two_assets()
    assert world.register(card("new", "wages", nr="3")) is None
    terms = Terms("aggregates", parts(row["purposes"]), 5, "EUR", 1)
    end = instants.parse("2027-01-01")
    offer = contract.publish(world.state, "o", "new", "coop", terms, end, False, world.at, "EUR")
    assert (offer.code if isinstance(offer, Refusal) else "") == row["answer"]


# ---- transforms


@cases("""
kind             | inputs  | evidence                     | lowers to | purposes | answer
-----------------+---------+------------------------------+-----------+----------+-----------------
aggregation      | wages   | https://example.org/a        | 0         |          |
anonymisation    | wages   | http://board.example         | 1         |          |
anonymisation    | wages   | http://board.example         | 0         |          | input.transform
pseudonymisation | wages   | https://example.org/a        | 2         |          |
pseudonymisation | wages   | https://example.org/a        | 1         |          | input.transform
aggregation      | wages   | https://example.org/a        | 5         |          | input.transform
aggregation      | wages   | https://example.org/a        | -1        |          | input.transform
aggregation      | wages   | https://example.org/a        |           | Marketing |
aggregation      | wages   | https://example.org/a        |           | Fame     | input.purpose
aggregation      | wages   | https://example.org/a        |           |          | input.transform
aggregation      |         | https://example.org/a        | 0         |          | input.transform
aggregation      | wages; wages | https://example.org/a   | 0         |          | input.transform
aggregation      | bonuses | https://example.org/a        | 0         |          | registry.unknown
magic            | wages   | https://example.org/a        | 0         |          | input.transform
aggregation      | wages   | in a drawer                  | 0         |          | input.evidence
aggregation      | wages   | sha256:beef                  | 0         |          | input.evidence
aggregation      | wages   | https://                     | 0         |          | input.evidence
""")
def test_a_transform_is_evidenced(row: dict[str, str]) -> None:
    world = two_assets()
    lowers = int(row["lowers to"]) if row["lowers to"] else None
    no = code(lambda: rules.register_transform(
            world.state, "t", "title", row["kind"], parts(row["inputs"]), row["evidence"], "the board", "coop", world.at,
            lowers, parts(row["purposes"]),
        ))  # fmt: skip
    assert no == row["answer"]


def test_a_transform_has_one_meaning() -> None:
    world = two_assets()
    again = world.transform("coarse", "wages", 0)
    assert isinstance(again, Refusal) and again.code == "registry.exists"
    digest = rules.register_transform(
        world.state, "t", "x", "aggregation", ("wages",), "sha256:" + "0" * 64, "board", "coop", world.at, 1
    )
    assert isinstance(digest, TransformRegistered)
    for title, authority in ((" ", "board"), ("x", ""), ("x" * 3000, "board")):
        with pytest.raises(BadInput):
            rules.register_transform(
                world.state, "t", title, "aggregation", ("wages",), EVIDENCE, authority, "coop", world.at, 1
            )
    assert world.state.get(Transform, "coarse").lowers_grade_to == 1  # type: ignore[union-attr]


# ---- steps

STEP = """
kind      | inputs   | outputs   | by    | purpose          | answer
----------+----------+-----------+-------+------------------+--------------------
collected |          | raw       | lab   | AcademicResearch |
collected |          | raw       | lab   |                  | input.step
collected |          | raw       | lab   | Fame             | input.purpose
collected | forms    | raw       | lab   | AcademicResearch | input.step
processed |          | raw       | lab   |                  | input.step
processed | forms    | raw       | lab   |                  |
processed | wages    | raw       | lab   |                  |
processed | forms    |           | lab   |                  | input.step
processed | forms    | wages     | lab   |                  |
processed | nothing  | raw       | lab   |                  | registry.unknown
processed | forms    | raw       | ann   |                  | lineage.party
processed | forms    | raw       | nobody |                 | registry.unknown
processed | forms    | forms     | lab   |                  | input.step
processed | copy     | forms     | lab   |                  | lineage.cycle
processed | memo     | wages     | lab   |                  | lineage.cycle
processed | forms    | copy      | lab   |                  | registry.exists
processed | forms; forms | raw   | lab   |                  | input.step
processed | forms    | Raw       | lab   |                  | input.id
processed | forms    | use-7     | lab   |                  | input.step
processed | forms    | step-7    | lab   |                  | input.step
painted   | forms    | raw       | lab   |                  | input.step
# an asset comes from no other asset without saying so
processed | wages    | state     | lab   |                  | lineage.undeclared
processed | memo     | state     | lab   |                  | lineage.undeclared
processed | shifts   | wages     | lab   |                  | lineage.undeclared
"""


@cases(STEP)
def test_a_step_is_recorded_or_not(row: dict[str, str]) -> None:
    world = two_assets()
    world.step("collected", "", "forms")
    world.step("stored", "forms", "copy")
    world.step("processed", "copy", "shifts")
    world.step("analysed", "wages", "memo")
    no = code(lambda: world.step(row["kind"], row["inputs"], row["outputs"], row["by"], purpose=row["purpose"]))
    assert no == row["answer"]


def test_a_step_says_how_and_when() -> None:
    world = Chain()
    tomorrow = instants.later(world.at, days=1)
    for wrong in (DeclaredStep("collected", " ", outputs=("raw",), purpose="Purpose"),
                  DeclaredStep("collected", "x" * 2001, outputs=("raw",), purpose="Purpose"),
                  DeclaredStep("collected", "x", outputs=("raw",), purpose="Purpose", evidence="y" * 2001),
                  DeclaredStep("collected", "x", outputs=("raw",), purpose="Purpose", at=tomorrow)):  # fmt: skip
        with pytest.raises(BadInput):
            rules.record_step(world.state, wrong, "step-1", "coop", world.at, world.of_use)
    yesterday = Instant(instants.later(world.at, days=-1))
    good = DeclaredStep("collected", " cafe\u0301 ", outputs=("raw",), purpose="academic research", at=yesterday)
    step = rules.record_step(world.state, good, "step-1", "coop", world.at, world.of_use)
    assert isinstance(step, StepRecorded)
    assert (step.by, step.how, step.purpose, step.at) == ("coop", "café", "AcademicResearch", yesterday)


def test_an_answer_leads_back_to_its_asset() -> None:
    """Neither a step nor an asset gets rid of what an answer was made of."""
    world = two_assets()
    use = world.use("shifts")
    assert not isinstance(world.step("analysed", use, "paper"), Refusal)
    refusal = world.step("processed", "paper", "wages")
    assert isinstance(refusal, Refusal) and refusal.code == "lineage.undeclared"
    found = world.register(card("paper", nr="0"))
    assert found and found.code == "lineage.undeclared" and "`shifts`" in found.reasons[0]
    found = world.register(card("paper", "shifts", nr="0"))
    assert found and found.code == "lineage.grade"
    assert world.register(card("paper", "shifts", nr="4")) is None
    nothing = QueryRefused("use-999", "lab", "wages", "Marketing", "SELECT", "access.purpose", ("no",), "ask")
    world.add(nothing)
    assert isinstance(world.step("analysed", "use-999", "essay"), Refusal)


def test_a_name_that_was_built_upon_cannot_become_an_asset() -> None:
    world = Chain()
    world.step("collected", "", "forms")
    world.step("processed", "forms", "table")
    refusal = world.register(card("forms"))
    assert refusal and refusal.code == "registry.exists"
    assert world.register(card("table")) is None
    with pytest.raises(BadInput):
        world.register(card("use-12"))


def test_the_steps_of_a_card_are_recorded_together() -> None:
    world = two_assets()
    steps = (
        DeclaredStep("collected", "by tablet", "lab", (), ("answers",), "AcademicResearch"),
        DeclaredStep("processed", "cleaned", "lab", ("answers",)),
    )
    described = replace(card("survey", nr="2"), steps=steps)
    assert world.register(described) is None
    found = trace(world.state, "survey")
    assert found is not None
    kinds = [tell(found, item).kind for item in found.above]
    assert kinds == ["asset", "processed", "outside", "collected"]
    hidden = replace(card("copy", nr="0"), steps=(DeclaredStep("processed", "cut", "lab", ("wages",)),))
    refusal = world.register(hidden)
    assert refusal and refusal.code == "lineage.undeclared"
    loop = replace(card("loop", nr="0"), steps=(
        DeclaredStep("processed", "out", "lab", ("loop",), ("round",)), DeclaredStep("processed", "in", "lab", ("round",))
    ))  # fmt: skip
    refusal = world.register(loop)
    assert refusal and refusal.code == "lineage.cycle"


# ---- laws

some_purposes = st.sets(st.sampled_from(purposes.descendants(purposes.ROOT)), max_size=3)


@given(some_purposes, some_purposes)
def test_the_meet_is_what_both_allow(one: set[str], other: set[str]) -> None:
    both = purposes.meet(one, other)
    for purpose in purposes.descendants(purposes.ROOT):
        allowed = [any(purposes.covers(p, purpose) for p in side) for side in (one, other, both)]
        assert allowed[2] == (allowed[0] and allowed[1])
    assert both == purposes.meet(other, one) == purposes.broadest(both)
    assert not any(p != q and purposes.covers(p, q) for p in both for q in both)


NAMES = ("a", "b", "c", "x")
SETS = ("", "AcademicResearch", "ResearchAndDevelopment", "CommercialResearch; Marketing")
small = st.integers(0, 3)
cards = st.tuples(st.just("card"), st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=2), small,
                  st.sampled_from((0, 3, 3, 5)), st.booleans())  # fmt: skip
transforms = st.tuples(st.just("transform"), st.sampled_from(NAMES), st.sampled_from((None, 0, 2, 4)), small)
steps = st.tuples(st.just("step"), st.sampled_from(NAMES), st.sampled_from(NAMES), st.booleans())
collections = st.tuples(st.just("collected"), st.sampled_from(NAMES))
tries = st.lists(st.one_of(cards, cards, steps, steps, collections, transforms), min_size=4, max_size=14)


def attempt(world: Chain, what: str, *how: Any) -> None:
    """One thing that might happen; mostly it may not."""
    match what, how:
        case "card", (name, inputs, allowed, grade, origins) if world.state.get(Asset, name) is None:
            source = min(inputs, default="")
            nr = f"{grade} of {source}.nr" if inputs and origins else str(grade)
            transform = "t" if inputs and world.state.get(Transform, "t") else ""
            world.register(card(name, "; ".join(sorted(inputs)), transform, SETS[allowed], nr=nr, pay=str(grade)))
        case "transform", (name, lowers, allowed):
            world.transform("t", name, lowers, SETS[allowed])
        case "step", (source, target, answer):
            if answer and world.state.get(Asset, source):
                source = world.use(source)
            world.step("processed", source, target)
        case "collected", (name,):
            world.step("collected", "", name)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tries)
def test_nothing_gets_around_inheritance(tried: list[tuple[Any, ...]]) -> None:
    """Whatever is recorded in whatever order: no column below what it comes of, no purpose beyond, no cycle; and what is
    above an item has it below."""
    world = Chain()
    for step in tried:
        try:
            attempt(world, *step)
        except BadInput:
            continue
    for asset in world.state.list(Asset):
        check_inheritance(world, asset)
    items = {item for asset in world.state.list(Asset) for item in trace(world.state, asset.id).items()}  # type: ignore[union-attr]
    traces = {item: found for item in items if (found := trace(world.state, item))}
    for item, found in traces.items():
        assert item not in [above for above, nexts in found.above.items() for above in nexts], "a cycle"
        for other in items:
            assert (other in found.above) == (item in traces[other].below)


def check_inheritance(world: Chain, asset: Asset) -> None:
    found = trace(world.state, asset.id)
    assert found is not None
    nearest = set()
    waiting = list(found.above[asset.id])
    while waiting:
        item = waiting.pop()
        if item in found.assets:
            nearest.add(item)
        else:
            waiting += found.above[item]
    assert nearest <= set(asset.derived_from)
    transform = found.transforms.get(asset.transform)
    lowered = transform.lowers_grade_to if transform else None
    for column in asset.columns:
        grades = [
            c.grade for name in asset.derived_from for c in world.asset_of(name).columns
            if not column.origins or f"{name}.{c.name}" in column.origins
        ]  # fmt: skip
        floor = max(grades, default=0)
        if lowered is not None and floor < rules.NEVER_LOWERED:
            floor = min(floor, lowered)
        assert column.grade >= floor
    allowed = asset.derived_from and set.intersection(*(down(world.asset_of(n).purposes) for n in asset.derived_from))
    if allowed:
        assert down(asset.purposes) <= allowed | down(transform.purposes if transform else ())


def down(allowed: tuple[str, ...]) -> set[str]:
    return {narrower for purpose in allowed for narrower in purposes.descendants(purpose)}


# ---- what who sees


def seen(world: Chain, root: str, *mine: str) -> tuple[list[str], list[str]] | None:
    found = trace(world.state, root, lambda what: what.id in mine)
    return found and (list(found.above), list(found.below))


def test_one_sees_up_all_the_way_and_down_what_is_hers() -> None:
    world = two_assets()
    world.step("collected", "", "forms")
    world.step("processed", "forms", "wages")
    world.register(card("small", "wages", nr="3"))
    world.register(card("other", "wages", nr="3"))
    hers, his = world.use("small", "lab"), world.use("small", "coop")
    world.step("analysed", f"{hers}; {his}", "paper")
    last = list(trace(world.state, "paper").above)[1]  # type: ignore[union-attr]
    above = [e for e in trace(world.state, "wages").above if e != "wages"]  # type: ignore[union-attr]
    assert [tell(trace(world.state, "wages"), e).kind for e in above] == ["processed", "outside", "collected"]  # type: ignore[arg-type]
    assert seen(world, hers, hers) == ([hers, "small", "wages", *above], [hers, last, "paper"])
    assert seen(world, "small", "small") == (["small", "wages", *above], ["small"])
    assert seen(world, "small", "small", his) == (["small", "wages", *above], ["small", his, last, "paper"])
    for root in ("wages", "other", his, "forms", last, "paper", "nothing", "step-999", "", "small@v-other"):
        assert seen(world, root, hers, "small") is None, root
    whole = trace(world.state, "small@v-small")
    assert whole is not None and whole.root == "small" and set(whole.below) == {"small", hers, his, last, "paper"}
    assert whole.opens == set(whole.items())
    mine = trace(world.state, "small", lambda what: what.id in ("small", hers))
    assert mine is not None and mine.opens == {"small", hers}
    assert mine.names == {"coop": "Coop", "lab": "Lab"}


def test_persons_have_no_name_in_a_trace() -> None:
    world = two_assets()
    use = world.use("wages", "ann")
    found = trace(world.state, use)
    assert found is not None and "ann" not in found.names and found.names["coop"] == "Coop"
    assert tell(found, use).details[0] == "asked by a person"


def test_every_kind_is_explained() -> None:
    assert all(STEPS.values()) and all(TRANSFORMS.values())
    assert list(STEPS) == ["collected", "stored", "processed", "analysed", "served"]
