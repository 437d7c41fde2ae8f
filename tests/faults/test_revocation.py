"""Whatever permitted a use can end while it is under way: then nothing is let out that rested on it.

At every step that a question reaches between its admission and its answer, an agreement, a right or a person's consent
ends, from one moment to the next, as another thread would do it. What is on disk decides: no fact of an answer may stand
behind the fact that ended what it rested on. A person who left in time is in no answer, and the asker is not told.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

import story
from support import check_ends
from usufruct.core.access.consent import number_of
from usufruct.core.access.facts import ConsentRefused
from usufruct.core.base.records import Fact
from usufruct.core.contract.facts import AgreementEnded
from usufruct.core.contract.state import Agreement
from usufruct.core.income.measure import contributions
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered
from usufruct.main import open_node
from usufruct.node import consent, query, trade
from usufruct.node.node import Node

STEPS = ("query after admitted", "query before run", "query after run", "query before answered")


def end_agreement(node: Node) -> None:
    """The provider ends the only agreement."""
    with node.store.read() as state:
        (agreement,) = state.list(Agreement, asset=story.ASSET)
    story.done(trade.end_agreement(node, agreement.id, story.OPERATOR))


def leave(number: int) -> Callable[[Node], None]:
    """A member refuses the purpose."""

    def end(node: Node) -> None:
        story.done(consent.record_word(node, story.ASSET, story.MEMBERS[number], story.PURPOSE, yes=False))

    return end


@pytest.fixture
def agreed(tmp_path: Path) -> Path:
    """A node that answers questions."""
    story.found(tmp_path / "node")
    with open_node(tmp_path / "node") as node:
        story.bring_to_agreement(node, story.write_table(tmp_path / "pay.csv"))
    return tmp_path / "node"


def ask_while(
    directory: Path, plan: dict[str, list[Callable[[Node], None]]]
) -> tuple[query.Answered | query.Refused, list[Fact]]:
    """One question during which `plan` happens, step by step, each once; what came of it, and the facts since."""
    opened: list[Node] = []

    def reach(step: str) -> None:
        while opened and plan.get(step):
            plan[step].pop(0)(opened[0])

    with open_node(directory, reach=reach) as node:
        opened.append(node)
        with node.store.read() as state:
            before = state.size()
        result = story.ask(node, micro_rho=story.CHEAP)
        with node.store.read() as state:
            facts = [entry.fact for entry in state.entries(before, state.size())]
            for fact in facts:
                if isinstance(fact, QueryAnswered):
                    rows = contributions(state.evidence(fact.contributions))
                    gone = {
                        number_of(state, story.ASSET, word.party)
                        for word in facts[: facts.index(fact)] if isinstance(word, ConsentRefused)
                    }  # fmt: skip
                    assert not any(rows[number] for number in gone), "who left in time is in the answer"
            check_ends(state)
        opened.clear()
    return result, facts


@pytest.mark.parametrize("step", STEPS)
def test_an_agreement_that_ends_under_way_lets_nothing_out(agreed: Path, step: str) -> None:
    result, facts = ask_while(agreed, {step: [end_agreement]})
    assert isinstance(result, query.Refused) and result.refusal.code == "access.ended"
    assert [type(fact) for fact in facts] == [QueryAdmitted, AgreementEnded, QueryAbandoned]
    again, _ = ask_while(agreed, {})
    assert isinstance(again, query.Refused) and again.refusal.code == "access.no-agreement"


@pytest.mark.parametrize("step", STEPS)
def test_a_member_who_leaves_under_way_is_in_no_answer_and_nobody_is_told(agreed: Path, step: str) -> None:
    result, facts = ask_while(agreed, {step: [leave(4)]})
    assert isinstance(result, query.Answered)
    assert [type(fact) for fact in facts] == [QueryAdmitted, ConsentRefused, QueryAnswered]


def test_whatever_ends_in_whatever_order(agreed: Path) -> None:
    """Eight questions, during each of which members may leave at random steps; during the ninth the agreement ends too."""
    draw = random.Random(4)
    members = list(range(story.PERSONS - 1))
    draw.shuffle(members)
    for _ in range(8):
        plan: dict[str, list[Callable[[Node], None]]] = {step: [] for step in STEPS}
        for _ in range(draw.randrange(2)):
            plan[draw.choice(STEPS)].append(leave(members.pop()))
        result, facts = ask_while(agreed, plan)
        assert isinstance(result, query.Answered), result.refusal
        kinds = [type(fact) for fact in facts]
        assert kinds.index(QueryAdmitted) < kinds.index(QueryAnswered)
    result, _ = ask_while(agreed, {draw.choice(STEPS): [leave(members.pop()), end_agreement]})
    assert isinstance(result, query.Refused)


def test_the_same_steps_are_reached_by_every_question(agreed: Path) -> None:
    """Else the tests above would prove nothing."""
    reached: list[str] = []
    with open_node(agreed, reach=reached.append) as node:
        story.answer(node, micro_rho=story.CHEAP)
    for earlier, later in product(STEPS, STEPS):
        if STEPS.index(earlier) < STEPS.index(later):
            assert reached.index(earlier) < reached.index(later)
