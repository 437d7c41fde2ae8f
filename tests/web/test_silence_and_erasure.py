"""The steward's page: who may withhold, what the followers did last, and erasing a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import counted
import story
from browsing import Browser
from elsewhere import make_witness, witnessing
from support import SetClock
from usufruct.core.access.hold import HoldRight
from usufruct.core.registry.state import ErasedPerson, Party
from usufruct.main import open_node, read_settings
from usufruct.node import followers, login, query, register
from usufruct.node.node import Node
from usufruct.web.app import make_app
from usufruct.web.auth import COOKIE
from usufruct.wire import sql

SHE = "member-3"
ALLOW, ERASE, KNOWN = "/steward/holds", "/steward/erasure", "/steward/verifications"
BASIS = "Tax Act, section 5"


def section(page: Any, name: str) -> str:
    """What a section of the page says, without its tags."""
    text = page.source.split(f'<h2 id="{name}">')[1].split("<h2 ")[0].split("<footer")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def rights(node: Node) -> list[tuple[str, str, int]]:
    with node.store.read() as state:
        return [(right.party, right.ground, right.days) for right in state.list(HoldRight)]


def test_who_may_withhold_is_allowed_shown_and_ended(steward: Any, node: Node) -> None:
    page = steward.get("/steward")
    assert "Nobody may withhold anything." in section(page, "silence")
    page = steward.press(page, ALLOW, party=story.USER, ground="tax", days="30", basis=BASIS)
    assert page.status == 200 and rights(node) == [(story.USER, "tax", 30)]
    told = section(page, "silence")
    assert f"Institute {story.USER}" in told and BASIS in told and " 30 " in told
    asked = query.Asked(
        story.USER, story.QUESTION, sql.parse(story.QUESTION), story.PURPOSE, story.CHEAP, "tax", anew=True
    )
    assert isinstance(query.ask(node, asked), query.Answered)
    page = steward.get("/steward")
    assert re.search(r"Open again .* 1 0 ", section(page, "silence"))
    form = next(form for form in page.forms if form.action == ALLOW and form.fields.get("days") == "0")
    page = steward.send(ALLOW, **form.fields)
    assert rights(node) == [(story.USER, "tax", 0)]
    told = section(page, "silence")
    assert "Nobody may withhold anything." in told and re.search(r"Open again .* 1 0 ", told), (
        "what is withheld stays so"
    )


@pytest.mark.parametrize(("change", "says"), [
    ({"days": "-3"}, "not a number of days"), ({"days": "٣"}, "not a number of days"), ({"days": ""}, "not a number of days"),
    ({"days": "181"}, "cannot be withheld for 181 days"), ({"basis": "  "}, "needs a legal basis"),
    ({"ground": "curiosity"}, "not a ground of this node"), ({"party": "nobody"}, "There is no party"),
])  # fmt: skip
def test_what_cannot_be_allowed_is_said_why(steward: Any, node: Node, change: dict[str, str], says: str) -> None:
    typed = {"party": story.USER, "ground": "tax", "days": "30", "basis": BASIS} | change
    page = steward.press(steward.get("/steward"), ALLOW, **typed)
    assert page.status in (400, 404) and says in re.sub(r"<[^>]+>|`", "", page.source)
    assert rights(node) == []


def test_a_person_is_erased_after_her_name_was_typed_twice(steward: Any, node: Node) -> None:
    page = steward.get("/steward")
    with node.store.read() as state:
        (party,) = (person.id for person in state.list(Party, known_as=SHE))
        size = state.size()
    assert "Nobody can undo it" in section(page, "erase") and "Her key is destroyed" in section(page, "erase")
    for again, who, says in (
        ("member-4", SHE, "not the same"),
        ("", SHE, "not the same"),
        ("nobody", "nobody", "no person"),
    ):
        refused = steward.press(page, ERASE, member=who, again=again)
        assert refused.status in (400, 404) and says in refused.source
    with node.store.read() as state:
        assert state.size() == size, "nothing happened"
    done = steward.press(page, ERASE, member=SHE, again=SHE)
    assert done.status == 200 and "<h2>Erased</h2>" in done.source and story.ASSET in done.source
    assert SHE not in str(done.answer.url) and SHE not in done.source.replace("member-13", "")
    with node.store.read() as state:
        assert [person.party for person in state.list(ErasedPerson)] == [party]
    again = steward.get(f"/steward?erased={party}")
    assert "<h2>Erased</h2>" in again.source and steward.get("/steward?erased=p-0").source.count("<h2>Erased</h2>") == 0
    assert steward.press(page, ERASE, member=SHE, again=SHE).status == 404


@pytest.mark.parametrize("action", [ALLOW, ERASE])
def test_the_forms_are_the_stewards_alone_and_made_for_her_session(
    browse: Callable[..., Any], node: Node, action: str
) -> None:
    typed = {"party": story.USER, "ground": "tax", "days": "30", "basis": BASIS, "member": SHE, "again": SHE}
    with node.store.read() as state:
        size = state.size()
    for who in ((), (SHE, "member"), (story.USER, "user"), (story.OPERATOR, "steward")):
        browser = browse(*who)
        session = browser.client.cookies.get(COOKIE)
        proof = login.csrf_of(session) if session and "steward" not in who else "0" * 64
        answer = browser.raw("POST", action, data=typed | {"csrf": proof})
        assert answer.status_code in (303, 401, 403)
        assert answer.headers.get("location", "/login") == "/login"
    with node.store.read() as state:
        assert state.size() == size


# ---- followers


@pytest.fixture
def watched(directory: Path, tmp_path: Path, clock: SetClock) -> Iterator[Node]:
    """A node that asks a witness."""
    key = read_settings(directory).key
    sworn = make_witness(tmp_path / "w", "w.example", key)
    settings = directory / "node.toml"
    settings.write_text(settings.read_text().replace('witnesses = ""', 'witnesses = "witnesses.txt"'))
    with witnessing(tmp_path / "w") as (url, _, _):
        (directory / "witnesses.txt").write_text(f"log {key}\nwitness w {sworn} {url}\nquorum w\n")
        with open_node(directory, clock) as node:
            yield node


def test_what_the_followers_did_last(watched: Node) -> None:
    browser = Browser(make_app(watched), watched, story.OPERATOR, "steward")
    try:
        told = section(browser.get("/steward"), "followers")
        assert "None yet" in told and "Not enough of them have confirmed" in told and "w: has not signed yet" in told
        assert {one.failed for one in followers.run_once(watched)} == {""}
        done = followers.last_done(watched)
        assert done.epoch and (done.epoch.number, done.epoch.through) == (0, done.facts - 2)
        assert done.witnesses == (("w", done.facts),) and done.witnessed == done.facts and done.stamp is None
        story.answer(watched, micro_rho=story.CHEAP)
        told = section(browser.get("/steward"), "followers")
        assert f"Facts in the journal {done.facts + 2} " in told
        assert f"The first {done.facts} facts are confirmed" in told and f"w: signed for {done.facts} facts" in told
        assert f"records up to fact {done.facts - 2} are counted" in told and "None; see the setting" in told
    finally:
        browser.close()


def test_without_witnesses_it_says_so(steward: Any, node: Node) -> None:
    assert "Nobody is asked to confirm checkpoints" in section(steward.get("/steward"), "followers")
    assert followers.last_done(node).witnessed is None
    counted.epoch.close_epoch(node)
    assert "Newest epoch 0, closed" in section(steward.get("/steward"), "followers")


def test_who_is_known_is_said_shown_and_taken_back(steward: Any, node: Node) -> None:
    story.done(register.add_party(node, "clinic", "organisation", "Clinic"))

    def say(**typed: str) -> Any:
        page = steward.get("/steward")
        form = next(form for form in page.forms if form.action == KNOWN and "end" not in form.fields)
        return steward.send(KNOWN, **{**form.fields, **typed})

    assert "clinic" not in section(steward.get("/steward"), "known")
    page = say(party="clinic", evidence="its entry in the register", until="2030-01-31")
    assert page.status == 200 and "Clinic clinic 2030-01-31" in section(page, "known")
    form = next(form for form in page.forms if form.action == KNOWN and form.fields.get("party") == "clinic")
    page = steward.send(KNOWN, **{**form.fields, "evidence": "it was another one"})
    assert "clinic" not in section(page, "known")
    page = say(party="clinic", evidence="seen", until="1990-01-01")
    assert page.status == 400 and "cannot last until 1990-01-01" in page.text
    assert "There is no party" in say(party="nobody", evidence="seen").text
