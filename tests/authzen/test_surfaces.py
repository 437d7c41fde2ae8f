"""Rulesets as the steward meets them: over HTTP and on a page; and what becomes of what is known of somebody erased."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import story
from authzen.world import BOARD_RULES, POINT, World, deciding, held, may, rules
from browsing import Browser
from support import SetClock
from usufruct.core.access.outside import Entity, Question
from usufruct.core.access.rulesets import Attribute
from usufruct.node import erase, rulesets
from usufruct.node.node import Node
from usufruct.node.rulesets import Asker
from usufruct.web.app import make_app
from usufruct.wire import authzen, odrl


@pytest.fixture
def world(tmp_path: Path, founded: Path) -> Iterator[World]:
    """A node of its own."""
    with deciding(Path(shutil.copytree(founded, tmp_path / "node"))) as found:
        yield found


def test_the_steward_lists_and_ends_rulesets(world: World) -> None:
    listed = world.steer("GET", "rulesets")
    assert [(one["ruleset"], one["version"], one["points"]) for one in listed] == [
        ("todo", 1, [POINT]), ("gateway", 1, [POINT]), ("records", 1, [POINT])
    ]  # fmt: skip
    assert all(not one["flags"] and not one["conflicts"] and not one["shadowed"] for one in listed)
    again = world.adopt("records", ["record"], listed[2]["rules"])
    assert again["version"] == 2 and odrl.read(listed[2]["rules"]) == authzen.rules_of(listed[2]["rules"])
    world.steer("DELETE", "rulesets/records")
    assert [one["ruleset"] for one in world.steer("GET", "rulesets")] == ["todo", "gateway"]
    assert world.send("DELETE", "/api/v1/rulesets/records", world.steward).status_code == 404
    body = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "record-1"},
    }
    assert world.ask(body).json()["decision"] is False


def test_the_steward_lists_and_forgets_what_is_known(world: World) -> None:
    known = {(one["part"], one["type"], one["id"]): one["properties"] for one in world.steer("GET", "entities")}
    assert known["subject", "user", "bob"] == {"role": "admin"} and known["subject", "user", "alice"] == {}
    world.steer("POST", "entities/removal", {"part": "subject", "type": "user", "id": "bob"})
    assert "bob" not in [one["id"] for one in world.steer("GET", "entities")]
    for method, path in (("GET", "rulesets"), ("POST", "rulesets"), ("GET", "entities"), ("POST", "entities")):
        assert world.send(method, f"/api/v1/{path}", world.point, json={}).status_code == 403


def test_the_page_says_the_rules_and_what_is_wrong_with_them_in_words(world: World) -> None:
    world.adopt("board", ["room/1"], BOARD_RULES)
    world.ask(
        {"subject": {"type": "user", "id": "x"}, "action": {"name": "enter"}, "resource": {"type": "room/1", "id": "1"}}
    )
    app = make_app(world.node)
    steward, user = Browser(app, world.node, story.OPERATOR, "steward"), Browser(app, world.node, story.USER, "user")
    page = steward.get("/steward/rulesets")
    for words in (
        "Whoever asks may can_update_todo any resource, if", "the resource's ownerID is the subject's email",
        "one of these: the subject's age is at least 60 the subject's role is board", "Not understood in urn:rule:moon",
        "moon is full", "Changes nothing: urn:rule:moon", "Who enforces it must then: attribute",
        "Conflict: urn:rule:enter permits what urn:rule:closed prohibits", "must not use any resource",
        "roles: admin, evil_genius",
    ):  # fmt: skip
        assert words in page.text, words
    assert "{" not in page.text
    assert user.get("/steward/rulesets").status == 403
    user.close()
    steward.close()


def test_the_page_stays_light(world: World) -> None:
    """A ruleset of many rules, and many rulesets."""
    for number in range(14):
        world.adopt(
            f"many-{number}",
            [f"t{number}"],
            rules(f"many-{number}", *(may(f"a{n}", held("moon", "eq", n)) for n in range(200))),
        )
    text = world.send("GET", "/steward/rulesets", world.steward).text
    assert len(text) < 60_000, len(text)
    assert "The first 15 of 200 rules" in text and "9 more rulesets are left out here" in text


def test_decisions_are_counted_and_are_no_facts(world: World) -> None:
    with world.node.store.read() as state:
        size = state.size()
    body = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "record-1"},
    }
    world.ask(body)
    world.ask({"evaluations": [body, {}, {**body, "subject": {"type": "user", "id": "eve"}}]}, "evaluations")
    with world.node.store.read() as state:
        assert state.size() == size
    text = world.send("GET", "/steward/rulesets", world.steward).text
    assert "yes 2 times and no 1 times, and failed 1 times" in text


def test_what_is_known_of_a_person_goes_with_her(node: Node, clock: SetClock) -> None:
    """Described as the party that she is, her record is sealed with her key."""
    member = story.MEMBERS[0]
    for id, party in (("u-1", member), ("u-2", "")):
        story.done(
            rulesets.describe(node, "subject", "user", id, (Attribute("role", ("board",)),), story.OPERATOR, party)
        )
    story.done(rulesets.adopt(node, "board", ("room/1",), (POINT,), authzen.rules_of(BOARD_RULES), story.OPERATOR))

    def entered(id: str) -> bool:
        question = Question(Entity("user", id), "enter", Entity("room/1", "1", {"closed": frozenset({"false"})}))
        return rulesets.decide(node, question, Asker(POINT))[0]

    assert entered("u-1") and entered("u-2")
    erase.erase(node, member, story.OPERATOR)
    assert not entered("u-1") and entered("u-2")
    assert [one.id for one in rulesets.entities(node)] == ["u-2"]
