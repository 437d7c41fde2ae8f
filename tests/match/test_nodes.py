"""Two real nodes match over loopback: the number that comes out, what both journals say of it, and who is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from match.world import ANSWERS, ASKS, Pair, codes, facts_of, pair, refuse
from usufruct.core.base import bitmaps, canonical
from usufruct.core.exchange.facts import CallAdmitted, CallAnswered, CallSent
from usufruct.core.income.measure import contributions
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.matching import half_of
from usufruct.core.privacy.matching_facts import (
    Match,
    MatchAdmitted,
    MatchAnswered,
    MatchCommitted,
    MatchRefused,
)
from usufruct.core.privacy.matching_messages import BATCH
from usufruct.core.privacy.rules import sigma_for
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.rulebook.parameters import Rulebook
from usufruct.engine.matching import Answering, Asking
from usufruct.engine.noise import OpenDpNoise
from usufruct.main import open_node
from usufruct.node import match, views
from usufruct.node.node import Node

HERE, THERE = codes(0, 120), codes(40, 200)  # 80 are in both


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("pair"), HERE, THERE, without=(50,)) as found:
        yield found


def answered(found: match.Answered | match.Refused) -> match.Answered:
    assert isinstance(found, match.Answered), found.refusal
    return found


def refused(found: match.Answered | match.Refused) -> match.Refused:
    assert isinstance(found, match.Refused), found
    return found


def last(node: Node) -> Match:
    with node.store.read() as state:
        return list(state.list(Match))[-1]


def spent(node: Node, asset: str) -> int:
    with node.store.read() as state:
        budgets = [budget for budget in state.list(Budget) if budget.asset == asset]
    assert budgets[0].reserved == 0
    return budgets[0].spent


def test_without_the_noise_the_count_is_that_of_the_intersection(both: Pair, exact: list[Fraction]) -> None:
    found = answered(both.match())
    assert found.answer.rows == (("79", "7"),), "but for the person who refused consent"
    assert len(exact) == 2 and exact[0] == exact[1], "each node draws once"
    assert found.meaning == f"how many persons of {ASKS} are in `{ANSWERS}` of EE/GOV/70008440/rr/match too"


def test_without_the_noise_the_total_is_over_the_intersection(both: Pair, exact: list[Fraction]) -> None:
    found = answered(both.match("sum"))
    columns = dict(zip(found.answer.columns, found.answer.rows[0], strict=True))
    assert columns["persons_in_both"] == "79" and columns["total"] == "395.00"
    assert len(exact) == 4
    assert found.charge == 100_000 and "value" not in found.meaning


def test_noise_is_drawn_on_both_sides_and_as_declared(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(_: OpenDpNoise, values: Sequence[int], deviation: Fraction) -> list[int]:
        return [value + 3 for value in values]

    monkeypatch.setattr(OpenDpNoise, "add", add)
    seen: list[int] = []
    counted = Asking.found
    monkeypatch.setattr(Asking, "found", lambda self: seen.append(counted(self)) or seen[-1])
    found = answered(both.match())
    assert found.answer.rows[0][0] == str(79 + 3 + 3)
    half = half_of(sigma_for(1, 100_000))
    assert seen == [79 + half + 3], "what the asking node counts has the other's noise in it"
    with both.there.store.read() as state:
        use = list(state.list(Use))[-1]
        told: Any = canonical.decode(state.evidence(use.answer))
    assert told["rows"] == [["85", "7"]], "the same at both nodes"


def test_a_match_is_in_both_journals_and_in_the_history_of_its_persons(both: Pair) -> None:
    before = spent(both.here, ASKS), spent(both.there, ANSWERS)
    answered(both.match())
    assert (spent(both.here, ASKS), spent(both.there, ANSWERS)) == (before[0] + 100_000, before[1] + 100_000)
    here, there = last(both.here), last(both.there)
    assert (here.run, here.digest, here.their_digest) == (there.run, there.their_digest, there.digest)
    assert (here.size, here.their_size) == (120, 160), "every person of a table, whatever she allows"
    assert (here.side, there.side, here.state, there.state) == ("asks", "answers", "answered", "answered")
    assert there.their_key.startswith("clinic.example/journal+")
    with both.there.store.read() as state:
        assert here.receipt is not None and isinstance(state.entry(here.receipt).fact, CallAnswered)
    admitted, sent = facts_of(both.there, CallAdmitted), facts_of(both.here, CallSent)
    assert [one.hash for one in admitted] == [one.hash for one in sent]
    with both.there.store.read() as state:
        use = state.get(Use, there.use)
        assert use is not None and (use.requester, use.state, use.price) == ("lab", "answered", 500)
        rows = contributions(state.evidence(use.contributions))
        assert sum(rows) == 159 and rows[10] == 0, "everybody but who refused, person 50"
    page = views.member_page(both.there, "member-60")
    assert page is not None and page.assets[0].seen[0].rows == 1
    without = views.member_page(both.there, "member-50")
    assert without is not None and not without.assets[0].seen


def test_both_sides_are_bound_before_anything_is_sent(both: Pair) -> None:
    answered(both.match())
    for node, first, second in ((both.here, "asks", "answers"), (both.there, "asks", "answers")):
        kinds = [
            (type(f), getattr(f, "by", "")) for f in facts_of(node, MatchAdmitted | MatchCommitted | MatchAnswered)
        ]  # type: ignore[arg-type]
        assert kinds[-4:] == [
            (MatchAdmitted, ""), (MatchCommitted, first), (MatchCommitted, second), (MatchAnswered, "")
        ]  # fmt: skip


def test_what_the_other_node_does_not_permit_costs_nothing_here(both: Pair) -> None:
    before = spent(both.here, ASKS), len(facts_of(both.here, QueryAdmitted))
    unknown = refused(both.match(theirs="nothing"))
    assert unknown.refusal.code == "match.peer" and "access.no-agreement" in unknown.refusal.reasons[0]
    assert (spent(both.here, ASKS), len(facts_of(both.here, QueryAdmitted))) == before
    column = refused(both.match(their_identifier="nonsense"))
    assert "privacy.column" in column.refusal.reasons[0]
    purpose = refused(both.match(purpose="Marketing"))
    assert purpose.refusal.code == "access.purpose"
    form = refused(both.match("matched"))
    assert form.refusal.code == "access.form", "each person's match is a record about her"


def test_a_refusal_here_is_a_fact_with_its_proof(both: Pair) -> None:
    found = refused(both.match(asset="nothing"))
    assert found.refusal.code == "access.no-agreement" and found.receipt is not None
    fact = facts_of(both.here, QueryRefused)[-1]
    assert fact.use == found.use and fact.decision


def test_who_takes_back_her_yes_meanwhile_is_not_told_of(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE) as found:
        real = Answering.returned

        def late(self: Answering) -> bytes:
            refuse(found.there, ANSWERS, 77)
            return real(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Answering, "returned", late)
            told = refused(found.match())
        assert "match.run" in told.refusal.reasons[0] and "77" not in str(told.refusal)
        assert facts_of(found.there, QueryAbandoned) and not facts_of(found.there, QueryAnswered)
        assert last(found.there).state == "abandoned" and last(found.here).state == "refused"


def test_too_few_are_told_of_by_one_refusal(tmp_path: Path, exact: list[Fraction]) -> None:
    with pair(tmp_path, codes(0, 60), codes(41, 101)) as found:
        none = refused(found.match())
        assert none.refusal.code == "match.peer" and "match.small" in none.refusal.reasons[0]
        more = refused(found.match(their_identifier="nr"))  # nobody at all: another kind of identifier
        assert none.refusal == more.refusal, "the same for 19 and for none"
        assert [fact.code for fact in facts_of(found.there, MatchRefused)] == ["match.small"] * 2
        assert spent(found.there, ANSWERS) == spent(found.here, ASKS) == 200_000


def test_persons_who_matched_are_kept_and_told_to_nobody(tmp_path: Path) -> None:
    with pair(tmp_path / "pair", HERE, THERE, "masked") as found:
        told = answered(found.match("matched"))
        assert told.answer.columns == ("persons_matched",) and told.answer.rows == (("80",),)
        kept = match.population(found.here, told.match)
        assert kept is not None and [n for n in range(120) if bitmaps.is_in(kept, n)] == list(range(40, 120))
        assert match.population(found.there, last(found.there).id) is None, "whoever is asked learns of nobody"
        assert spent(found.here, ASKS) == 0
        known = answered(found.match("matched", identifier="", their_identifier=""))
        assert known.answer.rows == (("80",),), "by what they are known as"


def test_a_match_may_be_made_so_often_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Rulebook.value
    monkeypatch.setattr(
        Rulebook, "value", lambda self, name, *at: 2 if name == "match.runs-per-day" else real(self, name, *at)
    )
    with pair(tmp_path, HERE, THERE, "masked") as found:
        for _ in range(2):
            answered(found.match("matched"))
        no = refused(found.match("matched"))
        assert no.refusal.code == "match.often"
        assert len(facts_of(found.there, MatchAdmitted)) == 2


def test_lists_longer_than_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact: list[Fraction]) -> None:
    for module in ("match", "match_answers"):
        monkeypatch.setattr(f"usufruct.node.{module}.BATCH", 50)
    assert BATCH == 32_768
    with pair(tmp_path, HERE, THERE) as found:
        assert answered(found.match()).answer.rows[0][0] == "80"
        assert answered(found.match("sum")).answer.rows[0][2] == "400.00"


def test_a_crash_in_the_middle_leaves_nothing_open(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE) as found:

        def die(self: object, *args: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("usufruct.engine.matching.Asking.returned", die)
            with pytest.raises(KeyboardInterrupt):
                found.match()
        assert last(found.here).state == "running" and last(found.there).state == "running"
    for folder, asset in (("here", ASKS), ("there", ANSWERS)):
        with open_node(tmp_path / folder) as node:
            assert last(node).state == "abandoned"
            assert spent(node, asset) == 100_000, "what was reserved is spent"
            assert len(facts_of(node, QueryAbandoned)) == 1
