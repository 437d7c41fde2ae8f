"""The inbox of requests and the page of words: nothing is chosen beforehand, and what is shown is what is recorded."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import story
from browsing import Page
from support import SetClock
from usufruct.core.access.consent_conditions import ANY, Conditions
from usufruct.core.access.facts import ConsentRequested
from usufruct.core.base.instants import later, parse
from usufruct.node import consent, register
from usufruct.node.node import Node


@pytest.fixture
def asked(node: Node) -> ConsentRequested:
    conditions = Conditions(mode="view", until=parse("2090-01-01"))
    return story.done(consent.ask(node, story.STRANGER, "pay", "Marketing", conditions, "<b>Please</b>", 30))


def unchosen(page: Page) -> bool:
    """Whether the page chooses or recommends no answer."""
    chosen = [e for e in page.elements if "checked" in e.attributes or "selected" in e.attributes]
    answers = [e for e in page.all("button") if e.attributes.get("name") == "word"]
    return not chosen and len({e.attributes.get("class") for e in answers}) <= 1


def test_a_request_is_read_and_answered(member: Any, asked: ConsentRequested) -> None:
    home = member.get("/me")
    assert "1 request for your consent waits" in home.text
    page = member.get("/member/requests")
    assert "Insurer asks" in page.text and "> <b>Please</b>" in page.text and unchosen(page)
    action = f"/member/requests/{asked.request}"
    done = member.press(page, action, ("word", "yes"))
    assert "Your answer is recorded as fact" in done.text and "Nobody asks for anything now" in done.text
    words = member.get("/member/words")
    assert "Marketing of any kind" in words.text and "Only until 2090-01-01" in words.text and "Given" in words.text
    link = next(e.attributes["href"] for e in words.all("a") if "Consent receipt" in e.text)
    receipt = member.raw("GET", link)
    assert receipt.status_code == 200 and receipt.json()["signature"]["key"]
    again = member.send(action, csrf=page.forms[-1].fields["csrf"], ward="", notice=asked.notice, word="no")
    assert again.status == 409 and "answered, taken back, or has run out" in again.text


def test_her_page_says_what_is_used_within_limits(member: Any, node: Node) -> None:
    assert "within limits that you set" not in member.get("/me").text
    limited = Conditions(mode="query")
    story.consent_to(node, "member-3", story.PURPOSE, limited)
    assert "Used within limits that you set" in member.get("/me").text
    story.done(consent.record_word(node, "pay", "member-3", story.PURPOSE, False))
    assert "within limits that you set" not in member.get("/me").text


COUNTED = "Insurer learns how many people answered, never who and never what"
NAMED = "learns what you answer"


def test_each_request_says_what_who_asks_will_learn(
    member: Any, node: Node, asked: ConsentRequested, tmp_path: Path
) -> None:
    assert COUNTED in member.get("/member/requests").text and NAMED not in member.get("/member/requests").text
    alone = story.done(consent.ask(node, story.OPERATOR, "pay", "Personalisation", ANY, "For you", 30, "member-3"))
    text = member.get("/member/requests").text
    assert COUNTED in text and f"Nobody else is asked, so Wage Commons {NAMED}" in text
    assert [one["alone"] for one in member.raw("GET", "/api/v1/me/requests").json()] == [True, False]
    story.done(consent.answer(node, alone.request, "member-3", "no"))
    # and who asks of an asset that is about one person alone learns what that person says, whoever its source is
    table = tmp_path / "hers.csv"
    table.write_text("nr,year,hourly_pay,hours,night_shifts\n3,2021,15.00,900,false\n", encoding="utf-8")
    story.done(register.add_asset(node, replace(story.read_card(), asset="hers"), table, story.OPERATOR))
    only = story.done(consent.ask(node, story.OPERATOR, "hers", "Marketing", ANY, "For you"))
    assert f"Nobody else is asked, so Wage Commons {NAMED}" in member.get("/member/requests").text
    story.done(consent.answer(node, only.request, "member-3", "yes", only.notice))
    assert [sent.told for sent in consent.sent(node, story.OPERATOR)] == ["yes", "no"]


def test_an_address_says_nothing_of_what_was_recorded(browse: Any, member: Any, asked: ConsentRequested) -> None:
    other = browse("member-4", "member")
    page = member.press(member.get("/member/requests"), f"/member/requests/{asked.request}", ("word", "no"))
    fact = re.search(r"recorded as fact (\d+)", page.text)
    assert fact is not None
    for path in ("/member/requests", "/member/words"):
        assert "recorded as fact" in member.get(f"{path}?recorded={fact[1]}").text
        for number in (fact[1], "3", "0", "99999"):
            text = other.get(f"{path}?recorded={number}").text
            assert "recorded as fact" not in text and "Put off" not in text, (path, number)


def row(page: Page, purpose: str) -> str:
    """What her page says of a purpose, with the buttons there are."""
    rows = [" ".join(element.text.split()) for element in page.all("tr")]
    (found,) = [text for text in rows if text.startswith(purpose)]
    return found


def test_her_page_says_what_holds_now(member: Any, node: Node, clock: SetClock) -> None:
    story.consent_to(node, "member-3", "ResearchAndDevelopment", Conditions(until=later(clock.now(), hours=1)))
    assert "Used within limits" in row(member.get("/me"), "Research and development")
    story.done(
        consent.record_word(node, "pay", "member-3", story.PURPOSE, False)
    )  # within those limits, and all the same a no
    assert "Not used you refused" in row(member.get("/me"), "Academic research")
    assert "Refuse:" not in row(member.get("/me"), "Academic research")
    clock.move(hours=1)
    assert "Not used another word of yours" in row(member.get("/me"), "Research and development")
    story.consent_to(node, "member-3", "Marketing", Conditions(recipients=(story.STRANGER,)))
    assert "Used within limits" in row(member.get("/me"), "Marketing of any kind")


def test_her_page_tells_nothing_of_those_she_shares_records_with(member: Any, node: Node) -> None:
    alone = member.get("/me").text
    story.done(consent.share_records(node, "pay", ["member-3", "member-4"], "household"))
    agreeing = member.get("/me").text
    assert "about other people too" in agreeing and "about other people too" not in alone
    assert "Academic research Used if all agree you consented" in agreeing
    story.done(consent.record_word(node, "pay", "member-4", story.PURPOSE, False))
    assert member.get("/me").text == agreeing


def test_yes_to_less_no_and_later(browse: Any, asked: ConsentRequested) -> None:
    action = f"/member/requests/{asked.request}"
    for name in ("member-3", "member-4", "member-5"):
        browser = browse(name, "member")
        page = browser.get("/member/requests")
        if name == "member-3":
            browser.press(page, action, ("word", "less"), mode="query", uses="2", until="2080-05-05", often="1", per="week",
                          purpose="DirectMarketing")  # fmt: skip
            text = browser.get("/member/words").text
            for limit in (
                "Marketing sent directly",
                "nobody sees your records",
                "until 2080-05-05",
                "2 uses",
                "once a week",
            ):
                assert limit in text, limit
        elif name == "member-4":
            assert "Put off" in browser.press(page, action, ("word", "later")).text
            assert "You put this off until" in browser.get("/member/requests").text
        else:
            browser.press(page, action, ("word", "no"))
            assert "Refused" in browser.get("/member/words").text
        browser.close()


def test_a_form_that_shows_one_thing_and_sends_another_is_refused(member: Any, asked: ConsentRequested) -> None:
    page = member.get("/member/requests")
    refused = member.press(page, f"/member/requests/{asked.request}", ("word", "yes"), notice="0" * 64)
    assert refused.status == 409 and "not what would be recorded" in refused.text
    review = member.press(member.get("/member/words"), "/member/words/review", asset="pay", purpose="Marketing",
                          mode="query", uses="3")  # fmt: skip
    assert "Only: for 3 uses in all" in review.source
    assert member.press(review, "/member/words", ("word", "consent"), uses="9").status == 409
    assert "Nothing yet" in member.get("/member/words").text
    done = member.press(review, "/member/words", ("word", "consent"))
    assert "It is recorded as fact" in done.text and "Only for 3 uses in all" in done.text


def test_objecting_and_lifting_it(member: Any) -> None:
    page = member.get("/member/words")
    fields = {"asset": "pay", "purpose": "Marketing", "basis": "LegitimateInterest"}
    token = page.forms[-1].fields["csrf"]
    objected = member.send("/member/words", csrf=token, ward="", word="object", **fields)
    assert "Objected" in objected.text and "On the basis LegitimateInterest" in objected.text
    lifted = member.press(objected, "/member/words", ("word", "lift"))
    assert "Objection lifted" in lifted.text and "by word 2" in lifted.text


@pytest.mark.parametrize("wrong", [
    {"uses": "many"}, {"until": "soon"}, {"mode": "x"}, {"column": "nowhere", "low": "1"}, {"purpose": "x"}, {"uses": "-1"},
    {"recipient": "Some Body"}, {"often": "2", "per": "year"}, {"asset": "none"},
])  # fmt: skip
def test_bad_limits_are_told_and_nothing_is_recorded(member: Any, wrong: dict[str, str]) -> None:
    page = member.get("/member/words")
    typed = {"csrf": page.forms[-1].fields["csrf"], "asset": "pay", "purpose": "Marketing", "mode": "query", **wrong}
    assert member.send("/member/words/review", **typed).status in (400, 404)
    assert member.send("/member/words", **typed, word="consent", notice="0" * 64).status in (400, 404)
    assert member.send("/member/words", **typed, word="consent").status == 400
    assert "Nothing yet" in member.get("/member/words").text


def test_a_guardian_answers_for_her_ward_and_nobody_else_sees_it(
    browse: Any, node: Node, asked: ConsentRequested
) -> None:
    story.done(register.add_party(node, "aunt", "person", "Aunt"))
    story.done(consent.appoint(node, "aunt", "member-3", parse("2040-01-01"), "court"))
    (ward,) = [party.id for party, _ in consent.wards(node, "aunt")]
    aunt, other = browse("aunt", "member"), browse("member-4", "member")
    assert "You speak for Member 3" in aunt.get("/me").text
    assert re.search(r"For Member 3, until", aunt.get("/member/requests").text)
    page = aunt.get(f"/member/requests?ward={ward}")
    aunt.press(page, f"/member/requests/{asked.request}", ("word", "yes"))
    words = aunt.get(f"/member/words?ward={ward}").text
    assert "said by Aunt" in words and "Only until 2040-01-01" in words
    assert "Nobody asks" in other.get(f"/member/requests?ward={ward}").text
    spied = other.get(f"/member/words?ward={ward}").text
    assert "Nothing yet" in spied and "Pay of twelve people" not in spied
