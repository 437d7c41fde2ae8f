"""Short stories for random histories: facts that only make sense one after the other."""

from __future__ import annotations

import random
from dataclasses import replace

from cover_stories import cover_stories
from hours_stories import hours_stories
from money_stories import money_stories
from pay_stories import pay_stories
from peer_stories import peer_stories
from round_stories import round_stories
from skill_stories import skill_stories
from work_stories import work_stories

from usufruct.core.access import clauses
from usufruct.core.access.facts import (
    ConsentGiven,
    ConsentRequested,
    ConsentsUsed,
    DelegationEnded,
    DelegationGranted,
    DelegationUsed,
    GuardianAppointed,
    GuardianshipEnded,
    Mandate,
    ObjectionLifted,
    RecordsShared,
    RequestDeferred,
    RequestWithdrawn,
    UsedWord,
    UseObjected,
)
from usufruct.core.access.opening import DataClosed, DataDelivered, DataOpened
from usufruct.core.access.rulesets import Attribute, EntityDescribed, EntityForgotten, RulesetAdopted, RulesetEnded
from usufruct.core.access.templates import TemplateApproved, TemplateProposed, TemplateWithdrawn
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Fact
from usufruct.core.contract.facts import AgreementReached, DutyReported, Terms
from usufruct.core.income.facts import CostStated, CreditEnded, CreditGranted, DivisionAdopted, LevyRemitted
from usufruct.core.income.waterfall import DivisionRule, Slice
from usufruct.core.lineage.facts import TransformEnded, TransformRegistered
from usufruct.core.privacy.cubes import CubeBuilt, CubeDeclared
from usufruct.core.privacy.facts import BudgetOpened, QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRepeated
from usufruct.core.privacy.masking import ColumnMask, MaskDeclared
from usufruct.core.privacy.matching_facts import (
    MatchAbandoned,
    MatchAdmitted,
    MatchAnswered,
    MatchAsked,
    MatchCommitted,
    MatchRefused,
)
from usufruct.core.registry.assurance import PartyVerified
from usufruct.core.registry.charter import PoolFounded
from usufruct.core.registry.credentials import (
    Claim,
    CredentialAccepted,
    CredentialEnded,
    CredentialIssued,
    CredentialRevoked,
    StatusListRead,
)
from usufruct.core.registry.facts import AssetRegistered, AssetUpdated, PersonsEnrolled, Quality, RightGranted
from usufruct.core.registry.grants import RightRevoked
from usufruct.core.registry.keys import KeyRegistered, KeyRevoked
from usufruct.core.registry.operation import OperationAuthorised
from usufruct.core.registry.pool import PoolJoined, PoolStored
from usufruct.core.rulebook.levy import Band, LevyAdopted, LevyEnded, LevyRule, Surcharge
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Value

RULES = Ruleset("r", (Rule("permission", "may", Action("use"), constraints=(
    Constraint("usu:grade", "lteq", (Value("3", "xsd:integer"),)),
)),), "Agreement")  # fmt: skip
NOW, THEN = Instant("2026-01-01T00:00:00.000Z"), Instant("2027-01-01T00:00:00.000Z")


def _table(name: str, publisher: str) -> AssetRegistered:
    return AssetRegistered(
        name,
        publisher,
        publisher,
        name,
        "",
        "",
        (),
        "v1",
        "digest",
        "nr",
        (),
        1,
        (),
        Quality(1, 1, (0,)),
        member_prefix="m",
    )


def story(
    chance: random.Random, turn: int, number: str, asset: str, parties: tuple[str, ...], member: str
) -> list[Fact]:
    """The stories one after another, with names of their own; about a member who is in the asset."""
    a, b = chance.sample(parties, 2)
    stories: list[list[Fact]] = [
        [
            CredentialAccepted(f"c-{number}", a, "https://issuer.example", "Member", "key", (Claim("level", (1, "high", True)),),
                               THEN, f"https://issuer.example/{number}", 7),
            StatusListRead(f"https://issuer.example/{number}", "https://issuer.example", NOW, THEN),
            CredentialEnded(f"c-{number}", a, "revoked"),
        ],
        [CredentialIssued(int(number), a, "Member", THEN), CredentialRevoked(int(number))],
        [PartyVerified(a, "seen", THEN)],
        [
            _table(f"table-{number}", a), BudgetOpened(f"table-{number}", "v1", 1_000),
            PersonsEnrolled(f"table-{number}", 0, (member,)),
            AssetUpdated(f"table-{number}", a, "v1", "v2", "digest 2", Quality(2, 1, (0,), "2026 to 2027")),
        ],
        [
            _table(f"pool-{number}", a), PoolFounded(f"pool-{number}", a, "words", "digest", 100, "EUR", a),
            PersonsEnrolled(f"pool-{number}", 0, (member,)),
            RightGranted(f"pu-{number}", asset, "use", member, a, False),
            RightGranted(f"po-{number}", asset, "operate", member, a, False),
            PoolJoined(f"pool-{number}", member, 0, asset, f"pu-{number}", f"po-{number}", "digest"),
            PoolStored(f"pool-{number}", "digest"), RightRevoked(f"pu-{number}", asset, member, a),
            PoolStored(f"pool-{number}", "digest", (0,)),
        ],
        [KeyRegistered(a, f"key-{number}", "{}", "system"), KeyRevoked(a, f"key-{number}")],
        [
            TransformRegistered(f"t-{number}", "Counts", "aggregate", (asset,), "digest", "office", a, 1),
            TransformEnded(f"t-{number}", a, "the evidence was withdrawn"),
        ],
        [UseObjected(asset, member, "Marketing", "", 0), ObjectionLifted(asset, member, "Marketing", "", 0)],
        [ConsentGiven(asset, member, "AcademicResearch"), ConsentsUsed(f"use-{number}", asset, (UsedWord(3, 1),))],
        [RecordsShared(asset, (1, 2, 3), "digest")],
        [
            ConsentRequested(f"ask-{number}", asset, a, "AcademicResearch", "May we?", "digest", THEN),
            RequestDeferred(f"ask-{number}", member, THEN), RequestWithdrawn(f"ask-{number}", a),
        ],
        [GuardianAppointed(a, member, THEN, "digest"), GuardianshipEnded(a, member, "digest")],
        [RulesetAdopted(f"rules-{number}", 1, ("record",), (), RULES, a, NOW), RulesetEnded(f"rules-{number}", a)],
        [EntityDescribed("subject", "user", f"u-{number}", (Attribute("role", ("admin",)),), a), EntityForgotten(3, a)],
        [
            DataOpened(asset, a, "the source"),
            DataDelivered(f"delivery-{number}", asset, "v1", 3, "rows", "csv", 10, 100, "digest"), DataClosed(asset, a),
        ],
        [
            DelegationGranted(f"d-{number}", a, b, Mandate((asset,), ("Marketing",), "EUR", rules=RULES), THEN),
            DelegationUsed(a, (b,), (f"d-{number}",), "ask", asset, 5), DelegationEnded(f"d-{number}", a),
        ],
        [OperationAuthorised("right-1", asset, a, b, "tender", "digest", THEN)],
        [MaskDeclared(asset, (ColumnMask("nr", "omit"),), 5, True, a)],
        [
            CubeDeclared(f"cube-{number}", asset, "v1", ("year",), (), "Marketing", 5, 50, a),
            CubeBuilt(f"cube-{number}", 0, "seal", "figures", "counted", 2),
        ],
        [
            TemplateProposed(f"template-{number}", 1, (asset,), "t", ("Marketing",), "SELECT 1", (), a),
            TemplateApproved(f"template-{number}", 1, b), TemplateWithdrawn(f"template-{number}", 1, a),
        ],
        [QueryRepeated("use-1", a, asset, "Marketing")],
        [
            DivisionAdopted(int(number), DIVISION, NOW, a, asset), CostStated(f"cost-{number}", asset, b, 9, "EUR", "disks", a),
            CreditGranted(f"credit-{number}", asset, "labelling", b, 3, "labels", THEN, a),
            CreditEnded(f"credit-{number}", b, "done", a),
        ],
        _levy(number, asset, a, b),
        _runs(number, asset, a, b),
        _matches(number, asset, a),
        *money_stories(number, asset, a, b),
        *peer_stories(number, a, b),
        *work_stories(number, a, b),
        *round_stories(number, a, b),
        *hours_stories(number, a, b),
        *cover_stories(number, a, b),
        *skill_stories(number, a, b),
        *pay_stories(number, a, b),
    ]  # fmt: skip
    return stories[turn % len(stories)]


def _levy(number: str, asset: str, a: str, b: str) -> list[Fact]:
    """A levy is adopted, a use pays it, some of it is remitted, and it ends."""
    name, use = f"levy-{number}", f"use-{number}-levied"
    rule = LevyRule(name, "buyer", "price", "use", (Band(0, 300),), "fund:city", "s", "a", NOW, NOW)
    paid = Surcharge(name, 1, 21, "fund:city")
    return [
        LevyAdopted(1, rule, NOW, a, asset),
        QueryAdmitted(
            use, b, "agreement-1", asset, "v1", "AcademicResearch", "SELECT", "counts", 10, 700, "EUR", "seal", levies=(paid,)
        ),
        QueryAnswered(use, b, asset, "AcademicResearch", "counts", "answer", "contributions"),
        LevyRemitted(name, "fund:city", 20, "EUR", "return 1", a),
        LevyEnded(name, "repealed", THEN, a),
    ]  # fmt: skip


DIVISION = DivisionRule("t", "s", "a", (Slice("members", "factors", 10_000, "members"),), "members")


def _matches(number: str, asset: str, party: str) -> list[Fact]:
    """Three matches with another node, which end in three ways."""
    ends = (
        MatchAnswered("match", "seal", 7, 5),
        MatchRefused("match", "answers", "match.small"),
        MatchAbandoned("match", "gone"),
    )
    facts: list[Fact] = []
    for way, end in enumerate(ends):
        match, use = f"match-{number}-{way}", f"matching-{number}-{way}"
        facts += [
            QueryAdmitted(use, party, "agreement-1", asset, "v1", "Marketing", "match", "match", 10, 5, "EUR", "seal"),
            MatchAdmitted(match, use, f"run-{number}", "asks", "count", party, "EE/GOV/1/rr/match", "other", "code"),
            MatchCommitted(match, "asks", 10, "digest", "key", "signature"),
            MatchCommitted(match, "answers", 12, "other", "key", "signature"),
            QueryAbandoned(use, "the node stopped"), replace(end, match=match),
        ]  # fmt: skip
    return [*facts, MatchAsked(f"match-{number}-0", f"matching-{number}-0", 9)]


def _runs(number: str, asset: str, provider: str, consumer: str) -> list[Fact]:
    """An agreement that runs by clauses."""
    fee, renewal = clauses.Fee(100), clauses.Renewal(12, 2, 30)
    terms = Terms("aggregates", ("AcademicResearch",), 5, "EUR", 1, rules=RULES)
    name, offer = f"running-{number}", f"clauses-{number}"
    found = clauses.Schedule((clauses.Price(5, 10),), fee, renewal, (30,), ("budget",))
    return [
        clauses.OfferScheduled(offer, provider, found),
        AgreementReached(name, "n", offer, asset, provider, consumer, terms, THEN, "right-1"),
        DutyReported(name, "report", True, provider),
        clauses.FeeDue(name, "fee/1", 1, asset, consumer, 100, "EUR", NOW),
        clauses.NoticeGiven(name, "notice/30", provider, consumer, THEN, NOW),
        clauses.AgreementRenewed(name, "renewal/1", 1, END_OF_TIME, THEN),
        clauses.RenewalDeclined(name, consumer), clauses.AgreementLapsed(name, "ends/budget", THEN),
    ]  # fmt: skip
