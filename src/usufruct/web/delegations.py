"""The HTTP API of delegations and of agreements that run by themselves; and how far a machine gets in the whole API.

A machine is an agent, or whoever acts for another by token. What it may change is listed here, and nothing else: a use
case that knows of no chain of actors would decide by the principal's rights alone (a confused deputy). Where a person has
to sign, the refusal names the law.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct, field

from usufruct.core.access.clauses import Fee, OfferScheduled, Price, Renewal, RenewalDeclined, Schedule
from usufruct.core.access.delegation import is_machine, only_people
from usufruct.core.access.facts import DelegationEnded, DelegationGranted, Mandate
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.refusals import refuse
from usufruct.node import delegation, standing
from usufruct.web.api import EITHER_SIDE, STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Purpose, Text
from usufruct.wire import odrl

ANYONE = {"rule": "anyone"}

THROUGH_A_CHAIN = frozenset({
    "/api/v1/queries", "/api/v1/templates/{name}/queries", "/api/v1/decisions", "/api/v1/offers/{offer}/requests",
    "/api/v1/agreements/{agreement}/end", "/api/v1/negotiations/{negotiation}/messages", "/api/v1/cubes/{cube}/deliveries",
    "/api/v1/market/search", "/api/v1/offers/{offer}/previews", "/api/v1/work/jobs", "/api/v1/work/jobs/{job}/offers",
    "/api/v1/work/jobs/{job}/agreements", "/api/v1/work/job-offers/{offer}/acceptance",
})  # fmt: skip
"""Where the use case asks for every delegation in the chain."""

IN_ITS_OWN_NAME = THROUGH_A_CHAIN | {
    "/api/v1/keys/{thumbprint}", "/api/v1/credentials", "/api/v1/credentials/challenges", "/api/v1/credentials/{id}",
    "/api/v1/delegations", "/api/v1/delegations/{id}/end", "/agents/{id}/end", "/logout",
    "/desk/questions", "/desk/cubes/{cube}", "/templates/{name}/questions", "/desk/requests", "/desk/negotiations/{negotiation}",
    "/access/v1/evaluation", "/access/v1/evaluations", "/access/v1/search/subject", "/access/v1/search/resource",
    "/access/v1/search/action",
}  # fmt: skip
"""Where an agent that acts for nobody else may act: for its principal, and on what is its own."""

FOR_PEOPLE = {
    "/api/v1/me/consents": "answer-consent", "/api/v1/me/requests/{id}/answer": "answer-consent",
    "/me/consent": "answer-consent", "/member/requests/{id}": "answer-consent", "/member/words": "answer-consent",
    "/api/v1/me/objections": "lift-refusal",
    "/api/v1/guardians": "guardianship", "/api/v1/guardians/relief": "guardianship",
    "/api/v1/members/{member}/erasure": "erase", "/steward/erasure": "erase",
    "/api/v1/periods/{name}/closing": "close-period", "/steward/plans/{name}/closing": "close-period",
    "/api/v1/work/agreements/{agreement}/ending": "end-work",
    "/api/v1/complaints/{name}/answer": "answer-complaint", "/steward/complaints/{name}": "answer-complaint",
    "/api/v1/divisions": "adopt-division",
    "/api/v1/pools": "adopt-charter",
    "/api/v1/me/pools/{name}/membership": "answer-consent", "/member/pools/{name}/membership": "answer-consent",
    "/api/v1/holds": "allow-silence", "/steward/holds": "allow-silence",
    "/api/v1/disputes/{name}/decision": "settle-dispute", "/steward/disputes/{name}": "settle-dispute",
    "/api/v1/templates/{name}/{version}/approval": "approve-template",
    "/templates/{name}/{version}/approval": "approve-template",
    "/api/v1/cover/schemes": "adopt-scheme", "/api/v1/cover/schemes/{name}/ending": "adopt-scheme",
    "/api/v1/cover/funds": "adopt-scheme",
    "/api/v1/me/cover/schemes/{name}/joining": "join-scheme", "/cover/schemes/{name}/joining": "join-scheme",
    "/api/v1/me/cover/schemes/{name}/leaving": "join-scheme", "/cover/schemes/{name}/leaving": "join-scheme",
    "/api/v1/cover/claims/{name}/decision": "decide-claim", "/cover/claims/{name}/decision": "decide-claim",
    "/api/v1/cover/claims/{name}/payment": "approve-payout", "/cover/claims/{name}/payment": "approve-payout",
    "/api/v1/skills/frameworks": "recognise-issuer",
    "/api/v1/skills/recognitions": "recognise-issuer",
    "/api/v1/skills/recognitions/{id}/ending": "recognise-issuer",
    "/api/v1/skills/stacks": "recognise-issuer", "/api/v1/skills/stacks/{name}/ending": "recognise-issuer",
    "/api/v1/skills/applications/{id}/decision": "fund-training", "/skills/applications/{id}/decision": "fund-training",
    "/api/v1/skills/places/{id}/ending": "fund-training", "/skills/places/{id}/ending": "fund-training",
    "/api/v1/payouts/{name}/approval": "approve-payout", "/steward/payments/{name}/approval": "approve-payout",
    "/api/v1/findings/rules": "set-conditions", "/api/v1/findings/rules/{rule}/ending": "set-conditions",
    "/api/v1/findings/{of}/answer": "answer-appeal", "/findings/{of}/answer": "answer-appeal",
    "/api/v1/findings/restrictions": "end-work", "/api/v1/findings/restrictions/{id}/ending": "end-work",
}  # fmt: skip
"""Which decision of `human_only.toml` is taken where."""


async def keep_machines_to_theirs(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Lets a machine through where it may be, after the guard has said who is calling.

    Raises:
        RefusedHere: a person has to do this.
    """
    who = connection.scope["state"]["identity"]
    assert isinstance(connection, Request)
    rule = handler.opt.get("rule")
    if who is None or rule == "public":
        return
    hers = who.actors and rule == ("member",)  # a person's own pages, and the key she counts with: never delegated
    if connection.method in ("GET", "HEAD", "OPTIONS") and not hers:
        return
    path = str(connection.scope["path_template"])
    if path in (THROUGH_A_CHAIN if who.actors else IN_ITS_OWN_NAME):
        return
    with node_of(connection).store.read() as state:
        if not is_machine(state, who.party, who.actors):
            return
        refusal = only_people(state, FOR_PEOPLE[path], who.party, who.actors) if path in FOR_PEOPLE else None
    raise RefusedHere(refusal or refuse(
        "access.delegation", "nothing was done", "this cannot be delegated",
        remedy="have the person who answers for the machine log in and do it",
    ))  # fmt: skip


AssetOrService = Annotated[
    str,
    Meta(min_length=1, max_length=600, description="an asset, or a service as instance/class/member/subsystem/service"),
]


class NewDelegation(Struct, forbid_unknown_fields=True):
    """How far `agent` may act for you, and until when. `price` is the most for one use, `money` the most in all, as
    `5.00 EUR`; `further` how often it may be passed on; `rules` further ones, as ODRL in JSON-LD or Turtle."""

    agent: Id
    assets: Annotated[list[AssetOrService], Meta(min_length=1, max_length=1000)]
    purposes: Annotated[list[Purpose], Meta(min_length=1, max_length=50)]
    until: Day
    acts: Annotated[list[Text], Meta(min_length=1, max_length=10)] = field(default_factory=lambda: ["ask"])
    forms: Annotated[list[Text], Meta(min_length=1, max_length=10)] = field(default_factory=lambda: ["aggregates"])
    uses: Annotated[int, Meta(ge=0)] | None = None
    price: Text | None = None
    money: Text | None = None
    further: Annotated[int, Meta(ge=0, le=7)] = 0
    rules: Annotated[str, Meta(max_length=500_000)] | None = None


@post("/delegations", opt=ANYONE, sync_to_thread=True, summary="Delegate to an agent")
def grant(request: AnyRequest, data: JSONBody[NewDelegation]) -> DelegationGranted:
    """You let an agent act for you, within limits."""
    node = node_of(request)
    price = parse_money(data.price, node.about.currency) if data.price else None
    money = parse_money(data.money, node.about.currency) if data.money else Money(0, node.about.currency)
    mandate = Mandate(
        tuple(data.assets), tuple(data.purposes), money.currency, tuple(data.acts), tuple(data.forms), data.uses,
        price.minor if price else None, money.minor, data.further, odrl.read(data.rules) if data.rules else None,
    )  # fmt: skip
    return done(delegation.grant(node, who_is(request).party, data.agent, mandate, parse_instant(data.until)))


@post("/delegations/{id:str}/end", opt=ANYONE, sync_to_thread=True, summary="End a delegation")
def end(request: AnyRequest, id: FromPath[str]) -> DelegationEnded:
    """It counts from the next decision on; nothing that is under way is answered any more."""
    return done(delegation.end(node_of(request), id, who_is(request).party))


@get("/delegations", opt=ANYONE, sync_to_thread=True, summary="Your agents")
def show(request: AnyRequest) -> delegation.Agents:
    """What your agents may do, what they did and what they spent; for an agent what it may do itself."""
    return delegation.agents(node_of(request), who_is(request).speaker)


class PriceFrom(Struct, forbid_unknown_fields=True):
    """What a use costs `since` a day, once so many were admitted (`above`)."""

    price: Text
    above: Annotated[int, Meta(ge=0)] = 0
    since: Day | None = None


class NewFee(Struct, forbid_unknown_fields=True):
    """A fee every so many `months`."""

    amount: Text
    months: int = 1


class NewRenewal(Struct, forbid_unknown_fields=True):
    """Renewed by so many `months`, so many `times`, unless one side declines so many days before the end."""

    months: int
    times: int
    notice_days: int


class NewSchedule(Struct, forbid_unknown_fields=True):
    """The clauses by which agreements on an offer run: prices, a fee, a renewal, `notices` so many days before the end, and
    what `ends` an agreement (`right`, `budget`)."""

    prices: Annotated[list[PriceFrom], Meta(max_length=50)] = []
    fee: NewFee | None = None
    renewal: NewRenewal | None = None
    notices: Annotated[list[int], Meta(max_length=50)] = []
    ends: Annotated[list[Text], Meta(max_length=10)] = []


@post("/offers/{offer:str}/schedule", opt=STEWARD, sync_to_thread=True, summary="Let agreements run by themselves")
def schedule(request: AnyRequest, offer: FromPath[str], data: JSONBody[NewSchedule]) -> OfferScheduled:
    """Puts clauses on an offer that nobody has requested yet; agreements on it execute themselves by them."""
    currency = node_of(request).about.currency
    prices = tuple(
        Price(parse_money(one.price, currency).minor, one.above, parse_instant(one.since) if one.since else None)
        for one in data.prices
    )
    fee = Fee(parse_money(data.fee.amount, currency).minor, data.fee.months) if data.fee else None
    renewal = Renewal(data.renewal.months, data.renewal.times, data.renewal.notice_days) if data.renewal else None
    found = Schedule(prices, fee, renewal, tuple(data.notices), tuple(data.ends))
    return done(standing.schedule_offer(node_of(request), offer, who_is(request).party, found))


@post("/agreements/{agreement:str}/renewal/refusal", opt=EITHER_SIDE, sync_to_thread=True, summary="Decline a renewal")
def decline(request: AnyRequest, agreement: FromPath[str]) -> RenewalDeclined:
    """The agreement ends when its time is over."""
    return done(standing.decline_renewal(node_of(request), agreement, who_is(request).party))


router = Router("/api/v1", route_handlers=[grant, end, show, schedule, decline])
