"""Skills as people see them: figures for all, one's own page for oneself, training from application to payment."""

from __future__ import annotations

from typing import Any

import pytest

import story
from usufruct.core.base.instants import later
from usufruct.core.income.accounts import of_party
from usufruct.core.income.ledger import Account
from usufruct.core.registry.credentials import Claim, CredentialAccepted
from usufruct.core.registry.rules import id_of
from usufruct.core.rulebook.levy import Band, LevyRule
from usufruct.core.work.facts import JobPosted, JobTerms, Pay
from usufruct.core.work.skills.training import Course
from usufruct.node import levy, skills, training
from usufruct.node.node import Node
from usufruct.node.skills import Edition
from usufruct.wire import esco, stack

SCHOOL, VAN, AID = "did:web:school.example", "urn:usufruct:skill:drive-van", "urn:usufruct:skill:first-aid"
WHO = "member-3"


def learn(node: Node, member: str, uri: str) -> None:
    def rule(tx: Any) -> CredentialAccepted:
        return CredentialAccepted(
            f"credential-{tx.next}", id_of(tx, member), SCHOOL, "OpenBadgeCredential", f"k-{tx.next}",
            (Claim("skill", (uri,)),), person=True,
        )  # fmt: skip

    story.done(node.record(rule))


@pytest.fixture
def skilled(node: Node) -> Node:
    """Six open jobs for van drivers, and a framework, a recognised school and a stack."""
    by, now = story.OPERATOR, node.clock.now()
    edition = Edition("sample", "1", "Sample", "usufruct", "CC0-1.0", "5f" * 32)
    story.done(skills.load(node, edition, esco.read_plain(stack.sample()).skills, by))
    story.done(skills.recognise(node, SCHOOL, "", False, 0, "its <teachers> are good", by))
    story.done(skills.stack(node, stack.read(stack.example()), by))
    terms = JobTerms("vans", "tartu", later(now, days=9), later(now, days=10), 60, Pay("EUR", 0, 1850), (VAN,))
    for n in range(6):
        story.done(node.record(lambda _, n=n: JobPosted(f"job-{n}", story.USER, terms, later(now, days=8))))
    return node


def offered(node: Node, price: int) -> str:
    now = node.clock.now()
    course = Course("Vans", VAN, story.USER, "tartu", later(now, days=1), later(now, days=2), price, "EUR", 3)
    return story.done(training.offer(node, course, story.OPERATOR)).training


def test_everybody_reads_figures_that_say_nothing_of_anybody(stranger: Any, skilled: Node) -> None:
    for n in range(3, 7):
        learn(skilled, f"member-{n}", AID)
    page = stranger.get("/skills?text=first+aid")
    assert "6 open seats; fewer than 5 persons" in page.text and "18.50 EUR" in page.text
    assert "its <teachers> are good" in page.source.replace("&lt;", "<").replace("&gt;", ">").lower()
    assert page.text.count("ive first aid") == 1, "found, and in no figure"
    assert "3 of these, awarded within 24 months" in page.text
    assert "To decide" not in page.text and "Where skills are missing" not in page.text
    assert stranger.raw("GET", "/skills/mine").status_code == 303


def test_her_own_page_is_hers(member: Any, user: Any, skilled: Node) -> None:
    page = member.get("/skills/mine")
    assert "You have shown no certificate yet" in page.text and "Drive a van 6 18.50 EUR" in page.text
    learn(skilled, WHO, VAN)
    page = member.get("/skills/mine")
    assert "You could take 6 of the jobs" in page.text and SCHOOL in page.text
    assert "You have shown no certificate yet" in user.get("/skills/mine").text


def test_from_an_application_to_the_payment(member: Any, steward: Any, stranger: Any, skilled: Node) -> None:
    node, now = skilled, skilled.clock.now()
    rule = LevyRule(
        "learn", "buyer", "price", "use", (Band(0, 10_000),), "fund:training", "x", "y", now, now
    )  # fmt: skip
    story.done(levy.adopt(node, rule, "", None, story.OPERATOR))
    paid = story.answer(node).levies[0].amount
    dear, cheap = offered(node, paid + 1), offered(node, paid)
    page = member.get("/skills/mine")
    assert "Would open 6 more jobs for you" in page.text
    for one in (dear, cheap):
        page = member.press(
            member.get("/skills/mine"), f"/skills/training/{one}/applications", why="six jobs ask for it"
        )
        assert "You applied" in page.text
    first, second = (one.application.id for one in training.waiting(node))
    page = steward.press(
        steward.get("/skills"), f"/skills/applications/{first}/decision", ("word", "yes"), reasons="needed"
    )
    assert page.status == 409 and "the fund has" in page.text
    steward.press(steward.get("/skills"), f"/skills/applications/{first}/decision", ("word", "no"), reasons="too dear")
    page = steward.press(
        steward.get("/skills"), f"/skills/applications/{second}/decision", ("word", "yes"), reasons="needed"
    )
    assert "The training fund has 0.00 EUR" in page.text
    assert "It was declined: Too dear" in member.get("/skills/mine").text
    page = steward.send(f"/skills/places/{second}/ending", outcome="completed")
    assert page.status in (403, 409), "no proof of the session, or no credential"
    learn(node, WHO, VAN)
    steward.press(steward.get("/skills"), f"/skills/places/{second}/ending", outcome="completed")
    with node.store.read() as state:
        provider, fund = (state.get(Account, name, "EUR") for name in (of_party(story.USER), "fund:training"))
        assert fund is not None and (fund.balance, fund.reserved_out) == (0, 0)
        assert provider is not None and sum(row.balance for row in state.list(Account)) == 0
    assert "She holds the skill" in member.get("/skills/mine").text
    assert WHO not in stranger.get("/skills").source
