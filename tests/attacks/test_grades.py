"""Attack 6: data are copied, renamed, joined, aggregated over groups of one or encoded, so that they look less sensitive.

The attacker may do anything that a card can say, in any order, and always claims the lowest grade that is accepted. She
is beaten if no column ends up below what it comes of unless evidence says so, if nothing stays down when the evidence
is gone, and if what she answers with a question and registers again is known for what it is.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.lineage import rules, standing
from usufruct.core.lineage.facts import TransformEnded, TransformRegistered
from usufruct.core.privacy.state import Use
from usufruct.core.registry.facts import AssetRegistered, Column, PartyRegistered, Quality
from usufruct.core.registry.rights import at_the_source
from usufruct.core.registry.rules import Card, DeclaredStep
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import grades, purposes
from usufruct.core.trace import looked_at
from usufruct.store.memory import MemoryState

START = instants.parse("2026-03-01")
TABLE = grades.in_force(START)
EVIDENCE = "https://board.example/assessment"
BORN = {"wages": (2, 3), "health": (2, 4), "roads": (0, 1), "grid": (1, 5)}
"""The assets that the attacker begins with, and the grades of their columns `who` and `what`."""


@dataclass
class Attacker:
    """Somebody who may operate all assets and registers what she makes of them, graded as low as is accepted."""

    at: Instant = START
    state: MemoryState = field(default_factory=MemoryState)
    number: int = 0
    made: list[str] = field(default_factory=list)
    transforms: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add(PartyRegistered("coop", "cooperative", "Coop"))
        for name, both in BORN.items():
            self.register(name, both, Card(name, name, "", "", "who", (), 1))

    def add(self, fact: Fact) -> None:
        self.state.apply(Entry(self.number, self.at, fact))
        self.number += 1

    def register(
        self, name: str, both: tuple[int, int], card: Card, origins: tuple[str, ...] = (), persons: int = 9
    ) -> bool:
        columns = tuple(
            Column(column, "integer", "personal", grade, origins=tuple(f"{o}.{column}" for o in origins))
            for column, grade in zip(("who", "what"), both, strict=True)
        )
        found = rules.origin(
            self.state, replace(card, columns=columns), "coop", self.at, partial(looked_at, self.state)
        )
        if isinstance(found, Refusal):
            return False
        self.add(AssetRegistered(
            name, "coop", "source", name, "", "", (), f"v-{name}", "5f" * 32, "who", columns, 1, (),
            Quality(9, persons, ()), found.purposes, card.derived_from, card.transform, found.prohibited,
        ))  # fmt: skip
        ids = tuple(f"right-{self.number}-{part}" for part in range(4))
        for right in at_the_source(name, "source", "coop", ids):  # type: ignore[arg-type]
            self.add(right)
        self.made.append(name)
        return True

    def derive(self, inputs: tuple[str, ...], transform: str = "", origins: bool = False, persons: int = 9) -> str:
        """A copy, a new name, a join, an aggregate, a code: whatever is done with the bytes, a card says no more."""
        name = f"made-{self.number}"
        card = Card(name, name, "", "", "who", (), 1, derived_from=inputs, transform=transform)
        for both in itertools.product(range(7), repeat=2):
            if self.register(name, both, card, inputs if origins else (), persons):
                return name
        return ""

    def lower(self, kind: str, inputs: tuple[str, ...], to: int, days: int) -> str:
        name, until = f"transform-{self.number}", instants.later(self.at, days=days)
        made = rules.register_transform(
            self.state, name, "t", kind, inputs, EVIDENCE, "the board", "coop", self.at, to, (), until
        )
        assert not isinstance(made, Refusal)
        self.add(made)
        self.transforms.append(name)
        return name

    def graded(self, name: str, at: Instant | None = None) -> tuple[int, ...]:
        row = self.state.get(Asset, name)
        assert row is not None
        return tuple(column.grade for column in standing.standing(self.state, row, at or self.at).columns)

    def born(self, name: str) -> set[str]:
        """The assets that it comes of in the end."""
        row = self.state.get(Asset, name)
        assert row is not None
        return set().union(*map(self.born, row.derived_from)) if row.derived_from else {name}


pick = st.integers(0, 30)
derivations = st.tuples(st.just("derive"), st.lists(pick, min_size=1, max_size=3), st.none() | pick, st.booleans())
lowerings = st.tuples(
    st.just("lower"), st.sampled_from(("aggregation", "anonymisation", "pseudonymisation")),
    st.lists(pick, min_size=1, max_size=3), st.integers(0, 4), st.sampled_from((1, 10, 10_000)),
)  # fmt: skip
endings = st.tuples(st.just("end"), pick)
waits = st.tuples(st.just("wait"), st.integers(1, 20))
attacks = st.lists(st.one_of(derivations, derivations, lowerings, endings, waits), min_size=2, max_size=10)


def attack(attacker: Attacker, what: str, *how: Any) -> None:
    def some(picked: list[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(attacker.made[p % len(attacker.made)] for p in picked))

    match what, how:
        case "derive", (inputs, transform, origins):
            known = [*attacker.transforms, ""]
            attacker.derive(some(inputs), "" if transform is None else known[transform % len(known)], origins)
        case "lower", (kind, inputs, to, days):
            attacker.lower(kind, some(inputs), to, days)
        case "end", (which,) if attacker.transforms:
            name = attacker.transforms[which % len(attacker.transforms)]
            ended = rules.end_transform(attacker.state, name, "coop", "the board withdrew it", attacker.at)
            if isinstance(ended, TransformEnded):
                attacker.add(ended)
        case "wait", (days,):
            attacker.at = instants.later(attacker.at, days=days)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(attacks)
@example([("lower", "anonymisation", [1], 1, 1), ("derive", [1], 0, False), ("wait", 2), ("derive", [4], None, False)])
def test_no_sequence_lowers_a_grade_without_evidence(attempts: list[tuple[Any, ...]]) -> None:
    attacker = Attacker()
    for attempt in attempts:
        before = {name: attacker.graded(name) for name in attacker.made}
        try:
            attack(attacker, *attempt)
        except BadInput:
            continue
        for name, both in before.items():
            assert all(new >= old for new, old in zip(attacker.graded(name), both, strict=True)), "went down by itself"
    after_all = instants.parse("9000-01-01")
    for name in attacker.made:
        row = attacker.state.get(Asset, name)
        assert row is not None
        for place, grade in enumerate(attacker.graded(name)):
            check_column(attacker, row, place, grade)
        born = [max(BORN[b]) for b in attacker.born(name)]
        if not any(column.origins for column in row.columns):
            assert min(attacker.graded(name, after_all)) >= (max(born) if row.derived_from else 0), "stayed down"


def check_column(attacker: Attacker, row: Asset, place: int, grade: int) -> None:
    """Below its sources a column is only where a transform that stands says so, and never below that or the floors."""
    column = row.columns[place]
    sources = [
        source_grade for name in row.derived_from for spot, source_grade in enumerate(attacker.graded(name))
        if not column.origins or spot == place
    ]  # fmt: skip
    highest = max(sources, default=0)
    if grade >= highest:
        return
    transform = standing.stands(attacker.state, row.transform, attacker.at)
    assert transform is not None and transform.evidence and transform.until > attacker.at
    assert set(row.derived_from) <= set(transform.inputs) and highest < rules.NEVER_LOWERED
    least = {"pseudonymisation": 2, "anonymisation": 1, "aggregation": 0}[transform.kind]
    assert grade >= max(least, transform.lowers_grade_to or 0)


@pytest.mark.parametrize("lowest", [1, 2])
def test_a_lowering_ends_with_its_evidence_and_all_that_was_made_of_it(lowest: int) -> None:
    attacker = Attacker()
    transform = attacker.lower("anonymisation", ("health",), lowest, days=30)
    coarse = attacker.derive(("health",), transform)
    copy = attacker.derive((coarse,))
    assert attacker.graded(coarse) == attacker.graded(copy) == (lowest, lowest)
    assert attacker.graded(copy, instants.later(START, days=30)) == (4, 4)
    attacker.at = instants.later(START, days=3)
    ended = rules.end_transform(attacker.state, transform, "coop", "somebody was found in it", attacker.at)
    assert isinstance(ended, TransformEnded)
    attacker.add(ended)
    assert attacker.graded(coarse) == attacker.graded(copy) == (4, 4)
    assert attacker.derive(("health",), transform) == "", "an ended transform was taken"
    again = rules.end_transform(attacker.state, transform, "coop", "again", attacker.at)
    assert isinstance(again, Refusal) and again.code == "registry.unknown"
    for by, why, fault in (("lab", "x", Refusal), ("coop", " ", BadInput)):
        try:
            assert isinstance(rules.end_transform(attacker.state, transform, by, why, START), fault)
        except BadInput:
            assert fault is BadInput


@pytest.mark.parametrize(("kind", "least"), [("pseudonymisation", 2), ("anonymisation", 1), ("aggregation", 0)])
def test_no_assessment_reaches_below_the_floors(kind: str, least: int) -> None:
    attacker = Attacker()
    for to in range(least):
        with pytest.raises(BadInput):
            attacker.lower(kind, ("wages",), to, days=9)
    assert attacker.graded(attacker.derive(("wages",), attacker.lower(kind, ("wages",), least, days=9))) == (
        least,
        least,
    )
    old = TransformRegistered("old", "t", kind, ("wages",), EVIDENCE, "b", "coop", 0)  # from before there were floors
    attacker.add(old)
    assert attacker.graded(attacker.derive(("wages",), "old")) == (least, least)


def test_what_only_an_authority_could_lower_stays() -> None:
    attacker = Attacker()
    made = attacker.derive(("grid",), attacker.lower("aggregation", ("grid",), 0, days=9))
    assert attacker.graded(made) == (5, 5)


def test_a_copy_of_what_is_lowered_no_more_must_say_so_on_its_card() -> None:
    attacker = Attacker()
    coarse = attacker.derive(("health",), attacker.lower("anonymisation", ("health",), 1, days=9))
    attacker.at = instants.later(START, days=9)
    row = attacker.state.get(Asset, attacker.derive((coarse,)))
    assert row is not None and [column.grade for column in row.columns] == [4, 4]


def test_a_join_of_personal_data_counts_for_more_and_a_join_with_public_data_does_not() -> None:
    attacker = Attacker()
    attacker.register("visits", (2, 2), Card("visits", "", "", "", "who", (), 1))
    attacker.register("names", (2, 2), Card("names", "", "", "", "who", (), 1))
    assert attacker.graded(attacker.derive(("visits", "names"))) == (3, 3)
    assert attacker.graded(attacker.derive(("visits", "roads"))) == (2, 2)
    joined = attacker.derive(("visits", "names"))
    assert attacker.graded(attacker.derive((joined,))) == (3, 3), "a copy is no join"
    assert attacker.graded(attacker.derive((joined, "wages"))) == (TABLE.raise_cap, TABLE.raise_cap)
    assert attacker.graded(attacker.derive((joined, "health"))) == (4, 4), "raised beyond the cap"


def test_very_many_persons_count_for_more_and_only_once() -> None:
    attacker = Attacker()
    card = Card("census", "", "", "", "who", (), 1)
    attacker.register("census", (2, 1), card, persons=TABLE.volume_persons)
    assert attacker.graded("census") == (3, 1)
    assert attacker.graded(attacker.derive(("census",), origins=True, persons=TABLE.volume_persons)) == (3, 1)
    attacker.register("town", (2, 1), replace(card, asset="town"), persons=TABLE.volume_persons - 1)
    assert attacker.graded("town") == (2, 1)


def test_an_answer_about_one_person_is_as_sensitive_as_what_it_was_asked_of() -> None:
    """Aggregates over groups of one, taken out and registered again: the way back through the answer is walked."""
    attacker = Attacker()
    attacker.state.put(Use("use-7", "coop", "health", "Purpose", "counts", "answered", START, 8, version="v-health"))
    card = Card("table", "", "", "", "who", (), 1, steps=(DeclaredStep("analysed", "one by one", inputs=("use-7",)),))
    assert not attacker.register("table", (0, 0), card)
    assert not attacker.register("table", (3, 3), replace(card, derived_from=("health",)))
    assert attacker.register("table", (4, 4), replace(card, derived_from=("health",)))


def test_long_chains_and_many_ways_are_worked_out_at_once() -> None:
    """Neither depth nor the number of ways down the same chain takes the decision anywhere but up."""
    attacker = Attacker()
    attacker.register("a-0", (2, 3), Card("a-0", "", "", "", "who", (), 1))
    last = ("a-0", "wages")
    for step in range(60):  # a million million million ways
        for side in "bc":
            name = f"{side}-{step}"
            columns = tuple(Column(c, "integer", "personal", 4) for c in ("who", "what"))
            attacker.add(AssetRegistered(
                name, "coop", "source", name, "", "", (), f"v-{name}", "", "who", columns, 1, (), Quality(9, 9, ()),
                ("Purpose",), last,
            ))  # fmt: skip
        last = (f"b-{step}", f"c-{step}")
    for step in range(2_000):
        fact = AssetRegistered(
            f"d-{step}", "coop", "source", "", "", "", (), "", "", "who", (Column("who", "integer", "personal", 0),), 1, (),
            Quality(9, 9, ()), ("Purpose",), last if step == 0 else (f"d-{step - 1}",),
        )  # fmt: skip
        attacker.add(fact)
    assert attacker.graded("d-1999") == (4,)


# ---- purposes


@settings(max_examples=100, deadline=None)
@given(st.sets(st.sampled_from(("Marketing", "DirectMarketing", "AcademicResearch")), max_size=2), st.booleans())
def test_a_prohibition_follows_the_data_and_no_transform_takes_it_away(prohibited: set[str], opened: bool) -> None:
    attacker = Attacker()
    attacker.register("votes", (2, 2), Card("votes", "", "", "", "who", (), 1, prohibited=tuple(prohibited)))
    transform = ""
    if opened:
        made = rules.register_transform(
            attacker.state,
            "open",
            "t",
            "aggregation",
            ("votes", "wages"),
            EVIDENCE,
            "b",
            "coop",
            START,
            0,
            ("Purpose",),
        )
        assert not isinstance(made, Refusal)
        attacker.add(made)
        transform = "open"
    made_of = attacker.derive(("votes", "wages"), transform)
    copy = attacker.derive((made_of,))
    row = attacker.state.get(Asset, copy)
    assert row is not None
    against = standing.standing(attacker.state, row, START).prohibited
    for purpose in purposes.descendants(purposes.ROOT):
        assert (purposes.forbids(against, purpose) is None) == (purposes.forbids(prohibited, purpose) is None)


def test_purposes_that_a_transform_opened_close_with_its_evidence() -> None:
    attacker = Attacker()
    attacker.register("votes", (2, 2), Card("votes", "", "", "", "who", (), 1, purposes=("AcademicResearch",)))
    made = rules.register_transform(
        attacker.state, "wider", "t", "aggregation", ("votes",), EVIDENCE, "b", "coop", START, None, ("Marketing",),
        instants.later(START, days=9),
    )  # fmt: skip
    assert not isinstance(made, Refusal)
    attacker.add(made)
    row = attacker.state.get(Asset, attacker.derive(("votes",), "wider"))
    assert row is not None
    assert set(standing.standing(attacker.state, row, START).purposes) == {"AcademicResearch", "Marketing"}
    assert standing.standing(attacker.state, row, instants.later(START, days=9)).purposes == ("AcademicResearch",)
