"""Questions over the persons whom a match found: what both nodes decide, charge and record, and what nobody can get at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest

import story
import usufruct
from match.world import ANSWERS, ASKS, CLIENT, PURPOSE, SERVICE, Pair, agree, codes, facts_of, pair, refuse
from serving import application, served
from support import SetClock
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.matched import Matched, to_ask
from usufruct.core.privacy.matching_facts import Match, MatchAsked
from usufruct.core.privacy.matching_messages import Asks, write
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.rulebook.grounds import GROUNDS
from usufruct.node import login, match, match_questions, query, trade, views
from usufruct.node.match_talk import No, Speaking, Talk
from usufruct.node.node import Node
from usufruct.peer.services import HttpServices
from usufruct.web.xroad import Front
from usufruct.wire import sql

HERE, THERE = codes(0, 60), codes(20, 80)  # 40 are in both
APART = {5: 900, 30: 300}  # cents; everybody else has 500
COUNT = f"SELECT count(*) AS persons FROM {ASKS}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, SetClock]]:
    clock = SetClock(tick=0.001)  # both nodes read it; it goes on slowly, or they would run apart
    with pair(tmp_path_factory.mktemp("questions"), HERE, THERE, "masked", clock=clock, apart=APART) as found:
        agree(found.here, "totals", ASKS, "clinic", "aggregates")
        yield found, clock


@pytest.fixture
def both(world: tuple[Pair, SetClock]) -> Pair:
    found, clock = world
    clock.move(days=1)  # so many runs a day and no more
    return found


def matched(both: Pair) -> str:
    """A match that found persons."""
    found = both.match("matched")
    assert isinstance(found, match.Answered), found.refusal
    return found.match


def ask(both: Pair, name: str, text: str = COUNT, **more: Any) -> query.Answered | query.Refused:
    """A question of the lab's over the persons of a match."""
    asked = query.Asked(
        **{"requester": "lab", "text": text, "question": sql.parse(text), "purpose": PURPOSE, "micro_rho": story.CHEAP}
        | more
    )

    async def talk() -> query.Answered | query.Refused:
        outbound = HttpServices()
        try:
            return await match_questions.ask(both.here, outbound, asked, name)
        finally:
            await outbound.close()

    return asyncio.run(talk())


def answered(found: query.Answered | query.Refused) -> query.Answered:
    assert isinstance(found, query.Answered), found.refusal
    return found


def code(found: query.Answered | query.Refused) -> str:
    assert isinstance(found, query.Refused), found
    return found.refusal.code


def said(found: query.Answered | query.Refused) -> str:
    assert isinstance(found, query.Refused), found
    return " ".join((found.refusal.code, *found.refusal.reasons))


def spent(node: Node, asset: str) -> int:
    with node.store.read() as state:
        budget = next(budget for budget in state.list(Budget) if budget.asset == asset)
    assert budget.reserved == 0
    return budget.spent


def value(found: query.Answered, place: int = 0) -> str:
    return str(found.answer.rows[0][place])


def test_without_the_noise_a_question_is_about_those_in_both(both: Pair, exact: list[Fraction]) -> None:
    name = matched(both)
    found = answered(ask(both, name))
    assert value(found) == "40"
    assert f"of the persons who are in `{ANSWERS}` of {SERVICE} too" in found.meaning
    assert value(answered(ask(both, name, f"SELECT count(*) AS persons FROM {ASKS} WHERE cents > 4"))) == "39"
    total = answered(ask(both, name, f"SELECT sum(cents) AS total FROM {ASKS}"))
    assert value(total) == "198.00", "39 at five each, and three"


def test_both_tables_are_charged_priced_and_shown_to_their_persons(both: Pair) -> None:
    name = matched(both)
    before = spent(both.here, ASKS), spent(both.there, ANSWERS)
    found = answered(ask(both, name))
    charge = found.charge
    assert 0 < charge <= story.CHEAP and str(found.price) == "5.00 EUR"
    assert (spent(both.here, ASKS), spent(both.there, ANSWERS)) == (before[0] + charge, before[1] + charge)
    here, there = facts_of(both.here, MatchAsked)[-1], facts_of(both.there, MatchAsked)[-1]
    assert here.match == name and here.use == found.use
    with both.there.store.read() as state:
        assert here.receipt is not None and here.receipt > 0
        use = state.get(Use, there.use)
        assert use is not None and (use.state, use.requester, use.charge, use.price) == ("answered", "lab", charge, 500)
        assert "number of rows" in use.meaning or "count" in use.meaning
        row = state.get(Match, there.match)
        assert row is not None and row.questions >= 1
    for node, party, person in ((both.here, "member-30", 1), (both.there, "member-30", 1)):
        page = views.member_page(node, party)
        assert page is not None and page.assets[0].seen[0].rows == person
    outside = views.member_page(both.here, "member-5")
    assert outside is not None and found.use not in [one.use.id for one in outside.assets[0].seen], "she is not in both"


def test_the_same_again_costs_nothing_anywhere(both: Pair) -> None:
    name = matched(both)
    first = answered(ask(both, name))
    before = spent(both.here, ASKS), spent(both.there, ANSWERS)
    again = answered(ask(both, name))
    assert again.repeated and again.answer == first.answer
    assert (spent(both.here, ASKS), spent(both.there, ANSWERS)) == before
    assert not answered(ask(both, matched(both))).repeated, "over another match it is another question"


def test_whoever_says_no_here_is_left_out_in_silence(tmp_path: Path, exact: list[Fraction]) -> None:
    with pair(tmp_path, HERE, THERE, "masked") as both:
        agree(both.here, "totals", ASKS, "clinic", "aggregates")
        name = matched(both)
        refuse(both.here, ASKS, 30)
        assert value(answered(ask(both, name))) == "39"


def test_whoever_says_no_there_ends_the_match_and_the_next_is_without_her(
    tmp_path: Path, exact: list[Fraction]
) -> None:
    with pair(tmp_path, HERE, THERE, "masked") as both:
        agree(both.here, "totals", ASKS, "clinic", "aggregates")
        name = matched(both)
        assert value(answered(ask(both, name))) == "40"
        refuse(both.there, ANSWERS, 30)
        before = spent(both.here, ASKS), spent(both.there, ANSWERS)
        found = ask(both, name, COUNT + " WHERE cents > 4")
        assert code(found) == "match.peer" and "match.ended" in said(found) and "30" not in said(found)
        assert (spent(both.here, ASKS), spent(both.there, ANSWERS)) == before
        assert facts_of(both.here, QueryRefused)[-1].code == "match.peer"
        assert value(answered(ask(both, matched(both)))) == "39"


def test_what_ends_a_match_ends_its_questions_in_the_same_words(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE, "masked") as both:
        agree(both.here, "totals", ASKS, "clinic", "aggregates")
        first = matched(both)
        refuse(both.there, ANSWERS, 70)  # who is not in both at all
        words = said(ask(both, first))
        name, row = matched(both), _row(both.there)
        done_with(both.there, row.agreement)
        assert said(ask(both, name)) == words, "the agreement there"
    with pair(tmp_path / "again", HERE, THERE, "masked") as both:
        agree(both.here, "totals", ASKS, "clinic", "aggregates")
        name, row = matched(both), _row(both.here)
        done_with(both.here, row.agreement)
        assert code(ask(both, name)) == "match.ended", "the agreement here"


def _row(node: Node) -> Match:
    with node.store.read() as state:
        return list(state.list(Match))[-1]


def done_with(node: Node, agreement: str) -> None:
    assert not isinstance(trade.end_agreement(node, agreement, "lab"), Refusal)


def test_an_agreement_that_ends_while_a_question_is_worked_out_lets_nothing_out(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE, "masked") as both:
        agree(both.here, "totals", ASKS, "clinic", "aggregates")
        name, row = matched(both), _row(both.here)

        def reach(step: str) -> None:
            if step == "query before answered":
                done_with(both.here, row.agreement)

        both.here = replace(both.here, reach=reach)
        assert code(ask(both, name)) == "match.ended"
        assert len(facts_of(both.here, QueryAbandoned)) == 1


def test_one_person_is_hidden_by_the_noise_of_any_question(both: Pair, exact: list[Fraction]) -> None:
    """Two matches whose populations differ by one person, and a question that singles her out: the same noise as ever."""
    name = matched(both)
    exact.clear()
    ordinary = query.ask(both.here, query.Asked("lab", COUNT, sql.parse(COUNT), PURPOSE, story.CHEAP))
    assert isinstance(ordinary, query.Answered)
    usual, found = list(exact), list[list[Fraction]]()
    for text in (COUNT, COUNT + " WHERE cents < 4", COUNT + " WHERE cents >= 4"):
        exact.clear()
        answered(ask(both, name, text, anew=True))
        found.append(list(exact))
    assert found == [usual] * 3 and all(deviation >= 1 for deviation in usual)


def test_nothing_but_totals_of_the_table_for_the_purpose_and_by_who_matched(both: Pair) -> None:
    name = matched(both)
    before = spent(both.here, ASKS), spent(both.there, ANSWERS), len(facts_of(both.there, MatchAsked))
    assert code(ask(both, name, f"SELECT nr, code FROM {ASKS}")) == "access.form"
    with both.here.store.read() as state:
        for form, assets in (("rows", [ASKS]), ("masked", [ASKS]), ("aggregates", [ASKS, "other"]), ("aggregates", [])):
            no = to_ask(state, name, "lab", PURPOSE, form, assets, both.here.clock.now())
            assert isinstance(no, Refusal) and no.code == "match.question"
        for party, purpose, why in (("clinic", PURPOSE, "match.unknown"), ("lab", "Marketing", "match.question")):
            no = to_ask(state, name, party, purpose, "aggregates", [ASKS], both.here.clock.now())
            assert isinstance(no, Refusal) and no.code == why
    assert code(ask(both, "match-1")) == "match.unknown"
    assert code(ask(both, name, purpose="Marketing")).startswith("access.")
    assert code(ask(both, name, f"SELECT count(*) AS n FROM {ANSWERS}")).startswith("access.")
    assert code(ask(both, name, requester="clinic")).startswith("access.")
    assert code(ask(both, name, micro_rho=1)) == "privacy.precision"
    assert isinstance(ask(both, name, hold=next(iter(GROUNDS))), query.Refused), "the other node would show it"
    assert (spent(both.here, ASKS), spent(both.there, ANSWERS), len(facts_of(both.there, MatchAsked))) == before


def test_another_party_cannot_ask_over_a_match_and_a_match_of_numbers_has_no_persons(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE, "masked") as both:
        agree(both.here, "totals", ASKS, "clinic", "aggregates")
        agree(both.here, "numbers", ASKS, "clinic", "computation")
        agree(both.there, "numbers", ANSWERS, "register", "computation")
        counted = both.match("count")
        assert isinstance(counted, match.Answered)
        assert code(ask(both, counted.match)) == "match.unknown"
        name = matched(both)
        with both.here.store.read() as state:
            row = state.get(Match, name)
        assert row is not None
        refusal = query.ask(both.here, query.Asked("clinic", COUNT, sql.parse(COUNT), PURPOSE, matched=Matched(name)))
        assert isinstance(refusal, query.Refused)


def test_without_the_word_of_the_other_node_nothing_is_answered(both: Pair) -> None:
    name = matched(both)
    for word in (Matched(name), Matched(name, 10, 0, 5)):
        asked = query.Asked("lab", COUNT, sql.parse(COUNT), PURPOSE, story.CHEAP, matched=word)
        found = query.ask(both.here, asked)
        assert code(found) == "match.ended"


@pytest.mark.parametrize(
    "asks",
    [
        Asks(0, 0, "a"),
        Asks(10**12, 0, "a"),
        Asks(story.CHEAP, -1, "a"),
        Asks(story.CHEAP, 0, "a" * 3000),
        Asks(story.CHEAP, 0, "\ud800"),
    ],
    ids=["no charge", "too much", "negative", "long", "not a text"],
)
def test_what_is_no_question_is_told_that_there_is_no_such_run(both: Pair, asks: Asks) -> None:
    matched(both)
    row, before = _row(both.here), spent(both.there, ANSWERS)
    try:
        body = write(asks)
    except (ValueError, UnicodeEncodeError):
        body = b"{}"
    assert "match.run" in tell(both, row, body)
    assert spent(both.there, ANSWERS) == before


def test_a_stranger_to_the_run_is_told_the_same(both: Pair) -> None:
    matched(both)
    row, body = _row(both.here), write(Asks(story.CHEAP, 0, "a"))
    assert "match.run" in tell(both, replace(row, run="00" * 16), body)
    with both.there.store.read() as state:
        uses = len(list(state.list(Use)))
    assert tell(both, row, body) == ""
    with both.there.store.read() as state:
        assert len(list(state.list(Use))) == uses + 1, "it went along, and charged for it"


def tell(both: Pair, row: Match, body: bytes) -> str:
    """What the other node says to a message by hand."""
    speaking = Speaking("lab", (), SERVICE, CLIENT, PURPOSE)

    async def talk() -> str:
        outbound = HttpServices()
        try:
            await Talk(both.here, outbound, speaking, row.run).say("ask", body)
        except No as no:
            return " ".join(no.refusal.reasons)
        finally:
            await outbound.close()
        return ""

    return asyncio.run(talk())


def test_from_python_over_http_and_on_the_page(both: Pair) -> None:
    name = matched(both)
    with application(both.here) as app, served(Front(app, both.here, HttpServices(20))) as url:
        node = usufruct.connect(url, login.issue_token(both.here, "lab", "user", ("ask",), 1, ""))
        found = node.query(COUNT, purpose=PURPOSE, micro_rho=story.CHEAP, match=name)
        assert 0 < found.charge <= story.CHEAP and "in `insured` of" in found.meaning
        with pytest.raises(usufruct.client.Refused) as no:
            node.query(COUNT, purpose=PURPOSE, match="match-1")
        assert no.value.code == "match.unknown"
        who = login.redeem_link(both.here, login.issue_link(both.here, "lab", "user"))
        cookies = {"usufruct_session": login.open_session(both.here, who)}
        assert f"/matches/{name}" in httpx.get(f"{url}/matches", cookies=cookies).text
        page = httpx.get(f"{url}/matches/{name}", cookies=cookies).text
        token = page.split('name="csrf" value="')[1].split('"')[0]
        data = {"sql": COUNT + " WHERE cents < 8", "purpose": PURPOSE, "precision": str(story.CHEAP), "csrf": token}
        sent = httpx.post(f"{url}/matches/{name}/questions", cookies=cookies, data=data)
        assert sent.status_code == 303 and sent.headers["location"].startswith("/questions/use-"), sent.text
        shown = httpx.get(url + sent.headers["location"], cookies=cookies).text
        assert "in `insured` of" in shown or "insured" in shown
        assert httpx.get(f"{url}/matches/match-1", cookies=cookies).status_code == 404


def test_questions_are_facts_at_both_nodes_in_order(both: Pair) -> None:
    name = matched(both)
    answered(ask(both, name))
    kinds = [type(fact) for fact in facts_of(both.there, (QueryAdmitted, MatchAsked, QueryAnswered))]  # type: ignore[arg-type]
    assert kinds[-3:] == [QueryAdmitted, MatchAsked, QueryAnswered]
    assert facts_of(both.here, MatchAsked)[-1].receipt is not None
