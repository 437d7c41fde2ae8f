"""The smallest whole story, for tests: the pay of twelve people, who let it be used for research, and one institute.

Everything here goes through the use cases, as the web and the command line do. A test takes as much of the story as it
needs: `found` a node, `register` the table, `agree` on its use, `ask`, `close_period`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from usufruct.core.access import consent_notice
from usufruct.core.access.consent_conditions import ANY, Conditions
from usufruct.core.access.facts import ConsentGiven
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.registry.rules import Card
from usufruct.core.rulebook.parameters import Rulebook, shipped
from usufruct.main import Settings, create_node
from usufruct.node import consent, period, query, register, trade
from usufruct.node.node import Node
from usufruct.wire import card, sql

T = TypeVar("T")

OPERATOR, USER, STRANGER = "wage-commons", "institute", "insurer"
ASSET, OFFER = "pay", "pay-for-research"
PURPOSE, OTHER_PURPOSE = "AcademicResearch", "Marketing"
PERSONS, YEARS = 12, (2021, 2022, 2023)
MEMBERS = tuple(f"member-{number}" for number in range(1, PERSONS + 1))
PRICE = 500
PRECISE = 250_000  # micro-rho; the most that one question may spend, a quarter of the budget
CHEAP = 1_000  # the least
QUESTION = "SELECT year, AVG(hourly_pay) AS pay FROM pay GROUP BY year"

CARD = """
asset = "pay"
title = "Pay of twelve people"
description = "what twelve people earned an hour, in three years"
licence = "terms of the agreement"
person_column = "nr"
period_column = "year"
rows_per_person = 3
once_per = ["year"]

[columns.nr]
type = "integer"
grade = "personal"

[columns.year]
type = "integer"
grade = "personal"
values = [2021, 2022, 2023]

[columns.hourly_pay]
type = "decimal"
decimals = 2
grade = "sensitive"
low = 0
high = 40

[columns.hours]
type = "integer"
grade = "personal"
low = 0
high = 3000

[columns.night_shifts]
type = "boolean"
grade = "restricted"
values = [false, true]
"""


def write_table(path: Path) -> Path:
    """The table as CSV: a line for each person and year."""
    lines = ["nr,year,hourly_pay,hours,night_shifts"]
    for number in range(1, PERSONS + 1):
        for year in YEARS:
            pay = 1200 + 95 * number + 60 * (year - YEARS[0])  # in cents
            lines.append(f"{number},{year},{pay // 100}.{pay % 100:02d},{1500 + 20 * number},{number % 3 == 0}".lower())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read_card() -> Card:
    """The card of the table."""
    return card.read(CARD)


def found(directory: Path) -> Settings:
    """A new node, with nobody in it but its operator."""
    return create_node(directory, "Wage Commons", OPERATOR, "Wage Commons", "EUR")


def register_parties(node: Node) -> None:
    """The institute, and the insurer, who never comes to an agreement."""
    for party in (USER, STRANGER):
        done(register.add_party(node, party, "organisation", party.capitalize()))
        done(register.verify_party(node, party, "its entry in the public register, folder 7", None))


def register_table(node: Node, table: Path) -> None:
    """The table, its twelve persons, and their consents to research."""
    done(register.add_asset(node, read_card(), table, OPERATOR))
    done(register.record_consents(node, ASSET, PURPOSE, None, "paper forms, cupboard 3"))


def agree(node: Node, price: int = PRICE, consumer: str = USER, asset: str = ASSET) -> Agreement:
    """An offer, requested, agreed to and verified: the concluded agreement."""
    done(trade.publish_offer(node, OFFER, asset, OPERATOR, Terms("aggregates", (PURPOSE,), price, "EUR", 1)))
    moved = done(trade.request_offer(node, OFFER, consumer))
    done(trade.move(node, moved.negotiation, "agree", OPERATOR))
    moved = done(trade.move(node, moved.negotiation, "verify", consumer))
    assert moved.agreement is not None
    return moved.agreement


def consent_to(node: Node, member: str, purpose: str, conditions: Conditions = ANY, by: str = "") -> ConsentGiven:
    """Somebody reads what a yes of hers would mean, and says it."""
    shown = consent_notice.digest(done(consent.notice(node, ASSET, member, purpose, conditions, by)))
    fact, _ = done(consent.record_word(node, ASSET, member, purpose, True, conditions, shown, by))
    assert isinstance(fact, ConsentGiven)
    return fact


def bring_to_agreement(node: Node, table: Path, price: int = PRICE) -> Agreement:
    """A new node's way to the point where questions are answered."""
    register_parties(node)
    register_table(node, table)
    return agree(node, price)


def ask(
    node: Node, text: str = QUESTION, requester: str = USER, purpose: str = PURPOSE, micro_rho: int | None = None,
    anew: bool = True,
) -> query.Answered | query.Refused:  # fmt: skip
    """One question, as it comes in from outside, signed."""
    return query.ask(node, query.Asked(requester, text, sql.parse(text), purpose, micro_rho, signed=True, anew=anew))


def unlimited(node: Node) -> Node:
    """The node with a rulebook by which one data user may spend the whole of a budget."""
    all_of_it = {"privacy.quota-percent": 100}
    return replace(node, rulebook=Rulebook(replace(p, value=all_of_it.get(p.name, p.value)) for p in iter(shipped())))


def answer(node: Node, text: str = QUESTION, micro_rho: int | None = None) -> query.Answered:
    """One question that must be answered, and not as it was before."""
    answered = ask(node, text, micro_rho=micro_rho, anew=True)
    assert isinstance(answered, query.Answered), answered.refusal
    return answered


def close_period(node: Node, name: str) -> str:
    """Plans and closes a period; the plan's id."""
    plan = done(period.plan_period(node, name))
    done(period.close_period(node, name, plan.plan, OPERATOR))
    return plan.plan


def done(result: T | Refusal) -> T:
    """What a use case did; fails the test if it refused."""
    assert not isinstance(result, Refusal), result
    return result
