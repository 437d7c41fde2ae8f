"""Attacks 15 and 20: what is left of a number, taken twice by being quick, and small permits put together by many.

A race needs threads, and a store that other threads really write to: these are run on SQLite, as nodes are. Whatever came
of it is counted in the journal as well, and not only in what was answered.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import story
from support import SetClock, check_ends
from usufruct.core.access.delegation import Delegation
from usufruct.core.access.facts import Mandate
from usufruct.core.base.instants import later
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement, AgreementUses
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered
from usufruct.core.privacy.state import Budget
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Scope, Value
from usufruct.main import open_node
from usufruct.node import delegation, query, register, trade
from usufruct.node.node import Node
from usufruct.store.batch import GroupCommit

AT_ONCE = 12


def together(node: Node, *askers: str, micro_rho: int = story.CHEAP) -> Counter[str]:
    """What comes of `AT_ONCE` questions at the same moment: `answered`, or the code of a refusal.

    The writer is kept busy until all of them stand before its door: so each is decided in the same batch, at one instant.
    """
    askers, busy, opened = askers or (story.USER,), threading.Event(), threading.Event()

    def ask(number: int) -> str:
        done = story.ask(node, requester=askers[number % len(askers)], micro_rho=micro_rho)
        return "answered" if isinstance(done, query.Answered) else done.refusal.code

    store = node.store
    assert isinstance(store, GroupCommit)
    held = store.submit(lambda tx: (busy.set(), opened.wait(60)))
    assert busy.wait(60)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(ask, number) for number in range(AT_ONCE)]
        while store._queue.qsize() < AT_ONCE:
            time.sleep(0.001)
        opened.set()
        held.result()
        return Counter(one.result() for one in asked)


@pytest.fixture
def node(node: Node) -> Node:
    """One data user may spend a whole budget here, so that its end can be seen."""
    return story.unlimited(node)


def facts(node: Node, kind: type) -> int:
    with node.store.read() as state:
        check_ends(state)
        return sum(isinstance(entry.fact, kind) for entry in state.entries(0, state.size()))


def counted_agreement(node: Node, most: int) -> Agreement:
    """An agreement that may be used so often, in place of the one there is."""
    with node.store.read() as state:
        (before,) = state.list(Agreement, consumer=story.USER)
    story.done(trade.end_agreement(node, before.id, story.USER))
    limit = Constraint("count", "lteq", (Value(str(most), "xsd:integer"),))
    may = Rule("permission", "may", Action("use"), Scope(story.ASSET), constraints=(limit,))
    terms = Terms(
        "aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1, rules=Ruleset("urn:r", (may,), "Offer", "prohibit")
    )
    story.done(trade.publish_offer(node, "counted", story.ASSET, story.OPERATOR, terms, standing=True))
    moved = story.done(trade.request_offer(node, "counted", story.USER))
    moved = story.done(trade.move(node, moved.negotiation, "verify", story.USER))
    assert moved.agreement is not None
    return moved.agreement


@pytest.mark.parametrize("most", [1, 5])
def test_many_who_ask_at_once_get_no_use_more_than_was_agreed(node: Node, most: int) -> None:
    agreement = counted_agreement(node, most)
    assert together(node) == {"answered": most, "access.terms": AT_ONCE - most}
    assert facts(node, QueryAdmitted) == facts(node, QueryAnswered) == most
    with node.store.read() as state:
        assert state.get(AgreementUses, agreement.id) == AgreementUses(agreement.id, most)


def test_agents_that_ask_at_once_get_no_use_more_than_was_delegated(node: Node) -> None:
    """Two agents under one mandate: the second acts for the first."""
    for agent in ("robot", "helper"):
        story.done(register.add_party(node, agent, "agent", agent.capitalize(), story.USER))
    mandate = Mandate((story.ASSET,), (story.PURPOSE,), "EUR", uses=3, money=10**6)
    until = later(node.clock.now(), days=9)
    ids = [
        story.done(delegation.grant(node, story.USER, agent, mandate, until)).delegation
        for agent in ("robot", "helper")
    ]
    assert together(node, "robot", "helper") == {"answered": 6, "access.delegation": AT_ONCE - 6}
    with node.store.read() as state:
        assert [row.uses for id in ids if (row := state.get(Delegation, id))] == [3, 3]


def test_the_last_of_a_budget_is_spent_once(node: Node) -> None:
    """Four questions use the whole of it up, whoever of the twelve comes first."""
    came = together(node, micro_rho=story.PRECISE)
    with node.store.read() as state:
        (budget,) = state.list(Budget)
    whole = budget.total // story.PRECISE
    assert came == {"answered": whole, "privacy.budget": AT_ONCE - whole}
    assert budget.reserved == 0 and budget.spent <= budget.total < budget.spent + story.PRECISE


def test_what_is_reserved_is_not_there_for_others(directory: Path, clock: SetClock) -> None:
    """While one question is being run, what it was charged is nobody else's: not even of who asks in its midst."""
    asked: list[str] = []

    def reach(step: str) -> None:
        if step == "query after run" and len(asked) < 5:
            asked.append(step)
            done = story.ask(node, micro_rho=story.PRECISE)
            asked.append("answered" if isinstance(done, query.Answered) else done.refusal.code)

    with open_node(directory, clock, reach=reach) as opened:
        node = story.unlimited(opened)
        story.answer(node, micro_rho=story.PRECISE)
        with node.store.read() as state:
            (budget,) = state.list(Budget)
    assert budget.spent <= budget.total and asked.count("privacy.budget") == 1, asked


# ---- many small permits


def test_those_who_put_their_answers_together_share_one_budget(node: Node) -> None:
    """Two institutes with an agreement each learn together what one of them could learn alone, and not twice as much."""
    story.done(register.add_party(node, "second", "organisation", "Second"))
    story.done(register.verify_party(node, "second", "its entry in the public register", None))
    terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
    story.done(trade.publish_offer(node, "again", story.ASSET, story.OPERATOR, terms, standing=True))
    moved = story.done(trade.request_offer(node, "again", "second"))
    story.done(trade.move(node, moved.negotiation, "verify", "second"))
    with node.store.read() as state:
        (budget,) = state.list(Budget)
    charged = 0
    for number in range(20):
        done = story.ask(node, requester=(story.USER, "second")[number % 2], micro_rho=story.PRECISE)
        charged += done.charge if isinstance(done, query.Answered) else 0
    assert charged <= budget.total < charged + story.PRECISE
    for requester in (story.USER, "second"):
        done = story.ask(node, requester=requester, micro_rho=story.PRECISE)
        assert isinstance(done, query.Refused) and done.refusal.code == "privacy.budget"


def test_a_difference_of_two_answers_is_not_one_person(node: Node) -> None:
    """The same question of all and of all but one: were the answers exact, the difference would be her."""
    everybody = "SELECT COUNT(*) AS c FROM pay WHERE hours > 0"
    all_but_one = "SELECT COUNT(*) AS c FROM pay WHERE hours > 1520"
    pairs = [
        tuple(story.answer(node, text, 80_000).answer.rows[0][0] for text in (everybody, all_but_one)) for _ in range(6)
    ]
    assert len(set(pairs)) > 1, "six pairs that are all alike have no noise"
