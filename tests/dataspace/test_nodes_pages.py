"""The pages of other nodes: a data user of the city asks, its steward links and looks, the hospital's answers by hand."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pair
import pytest

import story
from browsing import Browser, Page
from usufruct.core.contract import negotiation, transfer
from usufruct.core.dataspace.messages import PULL
from usufruct.node import trade
from usufruct.node.dataspace import talk
from usufruct.node.dataspace.pull import Pulled
from usufruct.web.app import make_app
from usufruct.web.portal.peers import IN_WORDS, _table
from usufruct.web.portal.peers import MOVES as BUTTONS
from usufruct.web.portal.states import drawing, order


@pytest.fixture
def sides(tmp_path: Path, founded: Path, table: Path) -> Iterator[tuple[pair.Side, pair.Side]]:
    with pair.two(tmp_path, founded, table) as found:
        yield found


def browser(side: pair.Side, role: str, party: str = story.OPERATOR) -> Browser:
    return Browser(make_app(side.node), side.node, party, role)


def come_to(user: Browser, page: Page, text: str) -> Page:
    """The page of a process once it says so."""
    path = str(page.answer.url.path)
    for _ in range(200):
        page = user.get(path)
        if text in page.text:
            return page
        time.sleep(0.02)
    raise AssertionError(page.text)


def test_an_offer_is_found_asked_for_and_used(sides: tuple[pair.Side, pair.Side]) -> None:
    _, city = sides
    user = browser(city, "user")
    page = user.get("/nodes")
    assert "not read yet" in page.text and "Link a node" not in page.text
    page = user.get(f"/nodes/{pair.HOSPITAL}/catalogue")
    assert "Pay of twelve people" in page.text
    assert "Permits to aggregate For at most 1 year Only for academic research" in page.text
    assert "Each use costs 5.00 EUR" in page.text
    assert "Nothing has these words" in user.get("/nodes/search?words=harbour").text
    assert "From hospital" in user.get("/nodes/search?words=twelve").text
    page = user.press(page, f"/nodes/{pair.HOSPITAL}/negotiations")
    page = come_to(user, page, "FINALIZED : finished: an agreement was reached.")
    assert [e.text for e in page.all("title") if "states" in e.text] == [
        "The states of a negotiation; it stands at FINALIZED"
    ]
    assert re.search(r"request Wage Commons REQUESTED.* agree Hospital AGREED.* finalize Hospital FINALIZED", page.text)
    page = user.press(page, str(page.answer.url.path) + "/transfers")
    page = come_to(user, page, "STARTED : the data can be had.")
    pulls = str(page.answer.url.path) + "/pulls"
    answer = user.press(page, pulls, ("as", "page"), sql="SELECT COUNT(DISTINCT nr) AS people FROM pay")
    assert re.search(r"people people_margin \d+ ", answer.text) and "Price 5.00 EUR" in answer.text
    assert user.press(page, pulls, ("as", "page"), sql="SELECT nr, hourly_pay FROM pay").status == 409
    forms = {
        "csrf": page.form(pulls).fields["csrf"],
        "sql": "SELECT COUNT(DISTINCT nr) AS people FROM pay",
        "as": "file",
    }
    file = user.raw("POST", pulls, data=forms)
    assert file.headers["content-type"].startswith("text/csv") and "attachment" in file.headers["content-disposition"]
    page = user.press(page, str(page.answer.url.path), ("message", "suspend"), reason="holidays")
    page = come_to(user, page, "SUSPENDED : interrupted; it can be resumed.")
    assert "Reasons: holidays." in page.text
    page = user.press(page, str(page.answer.url.path), ("message", "start"))
    page = come_to(user, page, "STARTED : the data can be had.")
    assert "Ask for data" in user.get("/nodes").text
    user.close()


def test_a_no_says_which_rule_failed_and_what_would_help(sides: tuple[pair.Side, pair.Side]) -> None:
    hospital, city = sides
    user = browser(city, "user")
    page = user.get(f"/nodes/{pair.HOSPITAL}/catalogue")
    story.done(trade.withdraw_offer(hospital.node, story.OFFER, story.OPERATOR))
    page = come_to(user, user.press(page, f"/nodes/{pair.HOSPITAL}/negotiations"), "it never began")
    assert "contract.offer-closed" in page.text and "look for another offer in the catalogue" in page.text
    assert "Look at what is on offer now" in page.text
    page = user.press(user.get(f"/nodes/{pair.HOSPITAL}/catalogue"), f"/nodes/{pair.HOSPITAL}/catalogue")
    assert "It has nothing on offer for this node." in page.text
    user.close()


def test_the_steward_links_and_unlinks(sides: tuple[pair.Side, pair.Side]) -> None:
    hospital, city = sides
    steward = browser(city, "steward")
    page = steward.get("/nodes")
    unreadable = steward.press(page, "/nodes", party=pair.HOSPITAL, site="ftp://hospital.example")
    assert unreadable.status == 400, unreadable.text
    page = steward.press(page, f"/nodes/{pair.HOSPITAL}/end")
    assert "Unlink" not in page.text
    page = steward.press(page, "/nodes", party=pair.HOSPITAL, site=hospital.url, private="yes", token="hush-hush")
    assert f"{hospital.url}/dataspace/2025-1" in page.text and "Unlink" in page.text
    assert "hush-hush" not in page.source
    assert "by hand" not in page.text
    unknown = steward.press(page, "/nodes", party="harbour", site=hospital.url, private="yes")
    assert unknown.status == 404 and "Register the party first" in unknown.text
    steward.close()


def test_others_see_nothing_of_it(sides: tuple[pair.Side, pair.Side]) -> None:
    _, city = sides
    asked = city.post(f"/peers/{pair.HOSPITAL}/negotiations", {"dataset": story.ASSET})["process"]
    city.until(asked, "FINALIZED")
    pair.account(city.node, "stranger")
    stranger = browser(city, "user", "stranger")
    assert stranger.get(f"/processes/{asked}").status == 404
    assert asked not in stranger.get("/nodes").text
    steward = browser(city, "steward")
    assert asked in steward.get("/nodes").text
    steward.close()
    stranger.close()


def test_by_hand_the_provider_presses_the_buttons(tmp_path: Path, founded: Path, table: Path) -> None:
    with pair.two(tmp_path, founded, table, by_hand=True) as (hospital, city):
        asked = city.post(f"/peers/{pair.HOSPITAL}/negotiations", {"dataset": story.ASSET})["process"]
        city.until(asked, "REQUESTED")
        steward = browser(hospital, "steward")
        [there] = hospital.get("/processes")
        page = steward.get(f"/processes/{there['process']}")
        page = steward.press(page, f"/processes/{there['process']}", ("message", "terminate"), reason="not this year")
        come_to(steward, page, "TERMINATED : terminated.")
        city.until(asked, "TERMINATED")
        user = browser(city, "user")
        page = user.get(f"/processes/{asked}")
        assert "Nothing was agreed" in page.text and "Not this year" in page.text
        assert not [form for form in page.forms if form.action == f"/processes/{asked}"]
        user.close()
        steward.close()


@pytest.mark.parametrize("kind", ["negotiation", "transfer"])
def test_the_map_has_every_state_and_every_move_of_the_table(kind: str) -> None:
    moves = {"negotiation": negotiation.MOVES, "transfer": transfer.MOVES}[kind]
    states = {then for _, then in moves.values()}
    assert sorted(order(moves)) == sorted(states)
    assert set(IN_WORDS[kind]) == {*states, "START"}
    assert {message for _, message in moves} <= set(BUTTONS)
    passed = ["REQUESTED", "TERMINATED"]
    drawn = str(drawing("map", "A map", moves, passed, {}))
    tracks = {(a, b) for (a, _), (_, b) in moves.items() if a != "START"}
    assert drawn.count("<path") == len(tracks)
    assert drawn.count('class="curve"') == 1, "one move was made"
    assert drawn.count('class="p1"') == 2 and drawn.count("<circle") == len(states)
    assert "TERMINATED: here" in drawn


@pytest.mark.parametrize(
    "body",
    [
        "no JSON", "[]", "7", '{"columns": 1, "rows": []}', '{"columns": ["a"], "rows": [["b", "c"]]}',
        '{"columns": ["a"], "rows": [[{"b": 1}]]}', '{"columns": ["a"], "rows": "b"}', "[" * 100_000,
        '{"columns": ["a"], "rows": [["' + "b" * 2001 + '"]]}', '{"columns": [' + '"a",' * 100 + '"a"], "rows": []}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_not_shown_as_one(body: str) -> None:
    assert _table(Pulled("application/json", body.encode())) is None


def test_the_state_that_is_shown_is_that_of_the_process(sides: tuple[pair.Side, pair.Side]) -> None:
    """What is on its way is said, and is not yet a state."""
    _, city = sides
    asked = city.post(f"/peers/{pair.HOSPITAL}/negotiations", {"dataset": story.ASSET})["process"]
    city.until(asked, "FINALIZED")
    city.node.connector.bell.listen(None)  # the outbox finds it at its next round only
    begun = story.done(talk.transfer(city.node, asked, PULL, story.OPERATOR))
    user = browser(city, "user")
    page = user.get(f"/processes/{begun.process}")
    assert "START : it was not taken yet. request is on its way since" in page.text or "REQUESTED" in page.text
    user.close()
