"""A made-up world to decide in: agreements whose rules have 20 constraints, and requests about half of which are allowed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.access.rules import Request
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.contract.facts import AgreementReached, Terms
from usufruct.core.registry import rights
from usufruct.core.registry.assurance import PartyVerified
from usufruct.core.registry.facts import AssetRegistered, Column, Quality
from usufruct.core.rulebook import purposes
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Value

OFFERS = 1_000  # with rules of their own, that agreements are reached on
CONSTRAINTS = 20
EACH = 5  # agreements of one consumer
PERSONS = 1_000  # that each asset is about
ASKED = 400  # requests that are timed
ALLOWED = ("AcademicResearch", "ResearchAndDevelopment", "Marketing", "ServiceProvision", "FraudPreventionAndDetection")
SINCE, AT, UNTIL = Instant("2026-01-01T00:00:00.000Z"), Instant("2026-06-01T00:00:00.000Z"), "2027-01-01T00:00:00.000Z"
ENDED = "2026-05-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class World:
    """Assets, agreements on them, and requests of which about half are allowed."""

    assets: tuple[AssetRegistered, ...]
    agreements: tuple[AgreementReached, ...]
    requests: tuple[Request, ...]

    def facts(self) -> Iterator[Fact]:
        """All that must have happened."""
        for asset in self.assets:
            yield asset
            ids = tuple(f"{asset.asset}-{right}" for right in ("benefit", "hold", "use", "operate"))
            yield from rights.at_the_source(
                asset.asset, asset.source, asset.publisher, (ids[0], ids[1], ids[2], ids[3])
            )
            for purpose in ALLOWED:
                yield ConsentsRecorded(asset.asset, purpose, tuple(range(PERSONS)), "made up")
        for consumer in dict.fromkeys(agreement.consumer for agreement in self.agreements):
            yield PartyVerified(consumer, "made up", Instant(UNTIL))
        yield from self.agreements


def make_world(count: int, assets: int, asked: int = ASKED) -> World:
    """`count` agreements, `EACH` to a consumer, over that many assets, and as many requests as are to be asked."""
    draw = random.Random(count)
    registered = tuple(_asset(n) for n in range(assets))
    agreements = tuple(_agreement(draw, n, registered) for n in range(count))
    requests = tuple(_request(draw, draw.choice(agreements), registered) for _ in range(asked))
    return World(registered, agreements, requests)


def _asset(number: int) -> AssetRegistered:
    grade = 1 if number % 4 == 0 else 3  # rows may leave at grade 1
    columns = (Column("person", "integer", "personal", grade), Column("cents", "integer", "personal", grade))
    return AssetRegistered(
        f"asset-{number}", "holder", f"members-{number}", "Made up", "", "", (), "v1", "", "person", columns, 1, (),
        Quality(PERSONS, PERSONS, (0, 0)),
    )  # fmt: skip


def _agreement(draw: random.Random, number: int, assets: Sequence[AssetRegistered]) -> AgreementReached:
    asset = draw.choice(assets).asset
    form = "rows" if draw.random() < 0.2 else "aggregates"
    terms = Terms(form, tuple(draw.sample(ALLOWED, 2)), 0, "EUR", 1, rules=_rules(number % OFFERS))
    until = Instant(ENDED if draw.random() < 0.1 else UNTIL)
    return AgreementReached(
        f"agreement-{number}", "n", "o", asset, "holder", f"consumer-{number // EACH}", terms, until, f"{asset}-use"
    )


def bounds(offer: int) -> list[tuple[str, str, int | str]]:
    """The constraints of an offer's rules, which all hold here."""
    shift = offer % 7
    return [
        *(("usu:persons", "gteq", 1 + shift + n) for n in range(8)),
        *(("dateTime", "gteq", f"2025-0{1 + n}-0{1 + shift}T00:00:00Z") for n in range(5)),
        *(("dateTime", "lt", f"2028-0{1 + n}-0{1 + shift}T00:00:00Z") for n in range(5)),
        ("usu:grade", "lteq", 4), ("usu:grade", "gteq", 0),
    ]  # fmt: skip


def forms(asset: AssetRegistered) -> list[str]:
    """The forms that answers may leave the asset in, by its grade."""
    return ["rows", "aggregates"] if asset.columns[0].grade < 2 else ["aggregates"]


def offer_of(agreement: AgreementReached) -> int:
    """The number of the offer that was accepted."""
    assert agreement.terms.rules is not None
    return int(agreement.terms.rules.uid.removeprefix("offer-"))


@cache
def _rules(offer: int) -> Ruleset:
    """The rules of an offer, which all agreements on it share."""
    types = {"usu:persons": "xsd:integer", "usu:grade": "xsd:integer", "dateTime": "xsd:dateTime"}
    constraints = tuple(
        Constraint(left, operator, (Value(str(right), types[left]),)) for left, operator, right in bounds(offer)
    )
    assert len(constraints) == CONSTRAINTS
    rule = Rule("permission", f"may-{offer}", Action("use"), constraints=constraints)
    return Ruleset(f"offer-{offer}", (rule,), "Agreement", "prohibit")


def _request(draw: random.Random, agreement: AgreementReached, assets: Sequence[AssetRegistered]) -> Request:
    """Mostly what the agreement allows; sometimes another asset, purpose or form."""
    asset, terms, chance = agreement.asset, agreement.terms, draw.random()
    purpose = draw.choice(purposes.descendants(draw.choice(terms.purposes)))
    form = terms.form
    if chance < 0.1:
        asset = draw.choice(assets).asset
    elif chance < 0.25:
        purpose = draw.choice(("EnforceSecurity", "Personalisation", "LegalCompliance"))
    elif chance < 0.35:
        form = "rows" if form == "aggregates" else "aggregates"
    return Request(agreement.consumer, asset, purpose, form, ())
