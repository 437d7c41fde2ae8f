"""Attack 3: the node remembers what it worked out, and something was revoked since.

The attacker asks once, so that the node remembers, and again when the ground has gone. He is beaten if the second answer
is what a node would give that never heard the first question.
"""

from __future__ import annotations

from dataclasses import replace

import story
from support import SetClock
from usufruct.core.access import consent, rules
from usufruct.core.access.proof import Request
from usufruct.core.access.remembered import Remembered
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Reader
from usufruct.core.contract.state import Agreement
from usufruct.core.registry import rights
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.grants import RightRevoked
from usufruct.core.registry.state import Right
from usufruct.node import consent as words
from usufruct.node import decision, query
from usufruct.node import rights as use_cases
from usufruct.node.node import Node

ASKED = Request(story.USER, story.ASSET, story.PURPOSE, "aggregates", ("year", "hourly_pay"))


def rights_of(node: Node, party: str) -> list[Right]:
    with node.store.read() as state:
        return list(state.list(Right, asset=story.ASSET, grantee=party))


def population(node: Node) -> bytes:
    with node.store.read() as state:
        return consent.population(state, story.ASSET, story.PURPOSE, story.PERSONS)


def test_what_changed_counts_at_the_next_decision(node: Node) -> None:
    """The agreement stands, and the right that it rests on is revoked."""
    assert all(decision.tried(node, ASKED).permits for _ in range(3))
    (use,) = (right.id for right in rights_of(node, story.OPERATOR) if right.right == "use")
    story.done(use_cases.revoke(node, use, "members-of-pay"))
    proof = decision.tried(node, ASKED)
    assert [premise.no.code for premise in proof.premises if premise.no] == ["access.rights"]


def test_a_refusal_counts_at_the_next_question(node: Node) -> None:
    everybody = population(node)
    assert population(node) == everybody == b"\xff\x0f"
    story.done(words.record_word(node, story.ASSET, story.MEMBERS[4], story.PURPOSE, yes=False))
    assert sum(population(node)[n // 8] >> n % 8 & 1 for n in range(story.PERSONS)) == story.PERSONS - 1
    story.done(words.record_word(node, story.ASSET, story.MEMBERS[4], story.PURPOSE, yes=True))
    assert population(node) == everybody


def granted(node: Node, until: Instant) -> RightGranted:
    limits = rights.Limits(until)
    return story.done(use_cases.grant(node, story.OPERATOR, story.USER, story.ASSET, "use", limits))


def test_what_runs_out_counts_no_longer(node: Node, clock: SetClock) -> None:
    """Nothing is written when a right ends by itself, so no row of it changes."""
    end, memory = later(clock.at, days=3), Remembered[bool](10)
    id = granted(node, end).id

    def good(at: Instant) -> bool:
        def work_out(read: Reader) -> bool:
            right = read.get(Right, id)
            return right is not None and rights.chain(read, right, at) is not None

        with node.store.read() as state:
            return memory.find("the right", state, at, work_out)

    day_before = later(end, days=-1)
    assert good(day_before) and good(later(end, milliseconds=-1))
    assert not good(end) and not good(later(end, days=1)) and good(day_before)


def test_what_was_revoked_counts_for_the_next_question(node: Node) -> None:
    """Questions are decided by who writes, who looks at no row again while nothing was written."""
    use = story.answer(node, micro_rho=story.CHEAP).agreement
    with node.store.read() as state:
        agreement = state.get(Agreement, use)
        right = state.get(Right, agreement.right) if agreement else None
    assert right is not None
    revoked = RightRevoked(right.id, story.ASSET, right.grantor, right.grantee)
    node.store.write(lambda tx: tx.append(revoked))
    asked = story.ask(node, micro_rho=story.CHEAP)
    assert isinstance(asked, query.Refused) and asked.refusal.code == "access.rights"


def test_what_was_listed_is_not_remembered(node: Node) -> None:
    memory = Remembered[int](10)

    def count() -> int:
        with node.store.read() as state:
            return memory.find(
                "so many", state, node.clock.now(), lambda read: len(list(read.list(Right, asset=story.ASSET)))
            )

    before = count()
    granted(node, later(node.clock.now(), days=9))
    assert count() == before + 1


def test_another_request_is_another_question(node: Node) -> None:
    """What was found for one purpose, form or column is not taken for what holds of another."""
    assert decision.tried(node, ASKED).permits
    for other in (
        {"purpose": "Marketing"},
        {"form": "rows"},
        {"columns": ("nr",), "form": "rows"},
        {"requester": story.STRANGER},
    ):
        assert not decision.tried(node, replace(ASKED, **other)).permits  # type: ignore[arg-type]


def test_nothing_is_not_remembered(node: Node) -> None:
    """Whoever asks for what is not there, under ever new names, fills no memory."""
    before = len(rules._LASTING._kept)
    for other in ({"asset": "no-such"}, {"requester": story.STRANGER}):
        assert not decision.tried(node, replace(ASKED, **other)).permits  # type: ignore[arg-type]
    assert len(rules._LASTING._kept) == before
