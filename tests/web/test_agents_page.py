"""The page of a principal's agents: what they may do, what they did, and the button that ends it."""

from __future__ import annotations

from collections.abc import Callable

import story
from browsing import Browser
from usufruct.core.access.facts import Mandate
from usufruct.core.base.instants import later
from usufruct.node import delegation, query, register
from usufruct.node.node import Node
from usufruct.wire import sql


def test_a_principal_sees_her_agents_and_ends_one(node: Node, browse: Callable[..., Browser]) -> None:
    user = browse(story.USER, "user")
    assert "Nothing is delegated to anybody" in user.get("/agents").text
    story.done(register.add_party(node, "robot", "agent", "Research <robot>", story.USER))
    mandate = Mandate((story.ASSET,), (story.PURPOSE,), "EUR", money=2000, uses=3)
    id = story.done(delegation.grant(node, story.USER, "robot", mandate, later(node.clock.now(), days=9))).delegation
    for purpose in (story.PURPOSE, story.OTHER_PURPOSE):
        query.ask(
            node, query.Asked("robot", story.QUESTION, sql.parse(story.QUESTION), purpose, story.CHEAP, anew=True)
        )
    page = user.get("/agents")
    for said in (
        "Research <robot>",
        "1 of 3 uses",
        "5.00 EUR of 20.00 EUR",
        "academic research",
        "refused",
        "answered",
    ):
        assert said in page.text, said
    other = browse(story.STRANGER, "user")
    assert "Nothing is delegated" in other.get("/agents").text
    tried = other.raw("POST", f"/agents/{id}/end", data={"csrf": other.get("/desk").forms[0].fields["csrf"]})
    assert tried.status_code == 404, "it is nobody else's to end"
    ended = user.press(page, f"/agents/{id}/end")
    assert "may do nothing more" in ended.text and not any(form.action == f"/agents/{id}/end" for form in ended.forms)
    answer = query.ask(node, query.Asked("robot", story.QUESTION, sql.parse(story.QUESTION), story.PURPOSE, anew=True))
    assert isinstance(answer, query.Refused) and answer.refusal.code == "access.delegation"


def test_a_member_reads_on_her_page_that_a_machine_asked(node: Node, browse: Callable[..., Browser]) -> None:
    story.done(register.add_party(node, "robot", "agent", "Robot", story.USER))
    mandate = Mandate((story.ASSET,), (story.PURPOSE,), "EUR", money=2000)
    story.done(delegation.grant(node, story.USER, "robot", mandate, later(node.clock.now(), days=9)))
    query.ask(
        node, query.Asked("robot", story.QUESTION, sql.parse(story.QUESTION), story.PURPOSE, story.CHEAP, anew=True)
    )
    assert "Institute (through its agent robot) asked for" in browse("member-3", "member").get("/me").text
