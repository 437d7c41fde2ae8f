"""The page of working conditions: what is left, what was found, appeals and their answers, and the rules for everybody."""

from __future__ import annotations

from typing import Any

import story
import working
from usufruct.core.base.instants import later
from usufruct.core.work.facts import ShiftRecorded, Span
from usufruct.node import findings
from usufruct.node.node import Node

SHE = "member-3"


def test_from_the_finding_to_the_answer(member: Any, steward: Any, stranger: Any, node: Node) -> None:
    assert "No rule of work is in force" in stranger.get("/findings").text
    working.in_force(node, "eu-working-time", "safety")
    assert "Directive 2003/88/EC, article 3" in stranger.get("/findings").text
    who = working.shift(node, SHE, story.STRANGER, 1, 10, 22)
    working.shift(node, SHE, story.USER, 2, 7, 12)
    page = steward.get("/findings")
    assert "Nothing was found" in page.text
    page = steward.press(page, "/findings/checks")
    assert "1 new findings" in page.text and who in page.text
    page = member.get("/findings")
    assert "9 h of 11 h rest" in page.text and "13 h left" in page.text and "a day or more" in page.text
    [finding] = [row.id for row in findings.made(node)]
    page = member.press(page, f"/findings/{finding}/appeal", reason="the <b>clock</b> was wrong")
    assert "Appeal waits" in page.text and "<b>clock</b>" not in page.source
    page = steward.get("/findings")
    assert "the <b>clock</b> was wrong" in page.text
    page = steward.press(
        page, f"/findings/{finding}/answer", became="rejected", reasons="it was right", turn_to="the labour court"
    )
    assert "Appeals that wait" not in page.text
    page = member.get("/findings")
    assert "Appeal rejected" in page.text and "the labour court" in page.text
    assert "Findings about your work" not in stranger.get("/findings").text


def test_a_suspended_account_says_why_and_whom_to_talk_to(member: Any, node: Node) -> None:
    working.shift(node, SHE, story.STRANGER, 1, 10, 12)
    story.done(findings.restrict(
        node, SHE, story.STRANGER, "suspended", "the licence ran out", "Mari of the works council", None, story.STRANGER
    ))  # fmt: skip
    page = member.get("/findings")
    assert "Suspended at insurer" in page.text and "Mari of the works council" in page.text
    assert [form.action for form in page.forms if "restriction-" in form.action]


def test_a_stop_is_shown_until_it_ends(member: Any, node: Node) -> None:
    working.in_force(node, "eu-working-time")
    now = node.clock.now()
    who = working.shift(node, SHE, story.USER, 1, 10, 12)
    worked = Span(later(now, hours=-12), now)
    working.add(node, ShiftRecorded("shift-late", who, story.STRANGER, worked.start, worked.end, (worked,)))
    refused = findings.dispatch(node, SHE, story.STRANGER, Span(later(now, hours=2), later(now, hours=3)))
    assert refused is not None and refused.code == "hours.limit"
    page = member.get("/findings")
    assert "No work for now" in page.text and "2 h of 11 h rest" in page.text
