"""The steward's pages: what needs attention, and the whole of what the node looks after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from usufruct.core.access import hold
from usufruct.core.access.hold import HoldRight
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import refuse
from usufruct.core.contract.negotiation import FINAL, moves_from
from usufruct.core.contract.state import Negotiation
from usufruct.core.income import accounts
from usufruct.core.income.facts import AssetStatement
from usufruct.core.income.told import KEPT
from usufruct.core.income.waterfall import Share
from usufruct.core.privacy.state import Budget
from usufruct.core.registry.assurance import Verified
from usufruct.core.registry.state import Asset, ErasedPerson
from usufruct.node import erase, followers, login, period, register, trade, views
from usufruct.node.views import Spread, Sums
from usufruct.web.api import RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import charts, pages
from usufruct.web.portal.charts import Bar
from usufruct.web.portal.pages import AnyRequest, Form, Page, PageNumber, back_to, field, page

STEWARD = {"rule": ("steward",)}
USES_PART = 40
LISTED = 12  # of assets, offers, agreements, accounts: the newest; the API lists all
MOVES = {"agree": "Agree", "accept": "Accept", "verify": "Verify", "terminate": "Terminate"}


@get("/steward", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def overview(
    request: AnyRequest, number: PageNumber = 1, moved: FromQuery[str] = "", erased: FromQuery[str] = ""
) -> Page:
    """Warnings first, then everything; `moved` is the negotiation that the last form moved, `erased` whom it erased."""
    party, node = who_is(request).party, node_of(request)
    shown = views.steward_page(node)
    with node.store.read() as state:
        rights = [(right, views.name_of(state, right.party)) for right in state.list(HoldRight) if right.days]
        held = hold.counts(state, shown.now)
        known = [(row, views.name_of(state, row.party)) for row in state.list(Verified) if row.until > shown.now]
        gone = next((person for person in state.list(ErasedPerson) if person.party == erased), None)
    live = [n for n in shown.negotiations if n.state not in FINAL]
    closed = {p.id for p in shown.periods}
    return page(
        request, "steward.html", "Steward", shown=shown, assets=_newest(shown.assets), offers=_newest(shown.offers),
        agreements=_newest(shown.agreements), negotiations=[(n, moves_of(n, party)) for n in _newest(live).items],
        waiting=len(live), uses=pages.part(shown.uses[::-1], number, USES_PART),
        plans=_newest([p for p in shown.plans if p.period not in closed]), periods=_newest(shown.periods),
        plan_of={p.id: p for p in shown.plans}, accounts=_newest(shown.accounts), account=account_in_words,
        budget_chart=_budget_chart, budgets={asset.id: budget for asset, budget in shown.assets},
        totals=_totals(shown), roles=login.ROLES,
        moved=next((n for n in shown.negotiations if n.id == moved), None), rights=rights, held=held, erased=gone,
        known=_newest(known),
        last=followers.last_done(node),
    )  # fmt: skip


def _newest(items: Any) -> pages.Part[Any]:
    return pages.part(items[::-1], 1, LISTED)


def moves_of(negotiation: Negotiation, party: str) -> list[tuple[str, str]]:
    """The messages that `party` can send now, each with what its button says."""
    side = "provider" if party == negotiation.provider else "consumer"
    return [
        (message, MOVES[message])
        for message, (who, _) in moves_from(negotiation.state).items()
        if message in MOVES and who in (side, "either")
    ]


def _budget_chart(asset: Asset, budget: Budget) -> Markup:
    parts = [("spent", budget.spent), ("reserved", budget.reserved), ("left", budget.left)]
    return charts.stacked(
        f"budget-{asset.id}", f"Privacy budget of {asset.title}",
        [Bar(label, value, pages.percent(value, budget.total)) for label, value in parts],
    )  # fmt: skip


def _totals(shown: views.StewardPage) -> list[Money]:
    """The sum over all accounts, by currency; zero, or the ledger is broken."""
    sums: dict[str, int] = {}
    for account in shown.accounts:
        sums[account.currency] = sums.get(account.currency, 0) + account.balance
    return [Money(minor, currency) for currency, minor in sums.items()]


def account_in_words(account: str, names: dict[str, str]) -> str:
    """What a person calls an account of the ledger."""
    kind, _, rest = account.partition(":")
    if account == accounts.SOLIDARITY:
        return "Solidarity fund of the members"
    if account == accounts.TRAINING:
        return "Training fund"
    if kind == "party":
        return names.get(rest, rest)
    asset, _, what = rest.partition(":")
    return {"income": f"Income of {asset}, not yet divided", "members": f"Owed to the members of {asset}"}.get(
        what, account
    )


@post("/steward/negotiations/{negotiation:str}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def move(request: AnyRequest, negotiation: FromPath[str], data: Form) -> Response[Any]:
    """Sends a message in the operator's name."""
    done(trade.move(node_of(request), negotiation, field(data, "message"), who_is(request).party))
    return back_to("/steward", moved=negotiation)


@post("/steward/offers/{offer:str}/withdrawal", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def withdraw(request: AnyRequest, offer: FromPath[str]) -> Response[Any]:
    """Takes an offer back."""
    done(trade.withdraw_offer(node_of(request), offer, who_is(request).party))
    return back_to("/steward")


@post("/steward/agreements/{agreement:str}/end", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def end(request: AnyRequest, agreement: FromPath[str]) -> Response[Any]:
    """Ends an agreement."""
    done(trade.end_agreement(node_of(request), agreement, who_is(request).party))
    return back_to("/steward")


@post("/steward/holds", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def allow_hold(request: AnyRequest, data: Form) -> Response[Any]:
    """Lets a party have its uses withheld, or ends that."""
    party, ground, days = field(data, "party", 63), field(data, "ground", 63), field(data, "days", 5)
    if not (days.isascii() and days.isdigit()):
        raise BadInput("input.form", f"`{days}` is not a number of days", "write it in digits")
    basis = field(data, "basis")
    done(node_of(request).record(lambda tx: hold.allow(tx, party, ground, int(days), basis)))
    return back_to("/steward")


@post("/steward/verifications", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def verify_party(request: AnyRequest, data: Form) -> Response[Any]:
    """Records that the operator found out who a party is, or takes that back."""
    node, party, evidence = node_of(request), field(data, "party", 63), field(data, "evidence")
    if field(data, "end", 3):
        done(register.unverify_party(node, party, evidence))
    else:
        until = field(data, "until", 10)
        done(register.verify_party(node, party, evidence, instants.parse(until) if until else None))
    return back_to("/steward")


@post("/steward/erasure", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def erase_person(request: AnyRequest, data: Form) -> Response[Any]:
    """Erases a person. Where the browser goes next, her name is in no address."""
    member = field(data, "member", 63)
    if member != field(data, "again", 63):
        raise BadInput("input.form", "the two names are not the same", "type the same name twice")
    fact = done(erase.erase(node_of(request), member, who_is(request).party))
    return back_to("/steward", erased=fact.party)


@post("/steward/links", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def link(request: AnyRequest, data: Form) -> Page:
    """A one-time login link: in this answer and nowhere else, so there is no redirect."""
    node = node_of(request)
    party, role = field(data, "party", 63), field(data, "role", 63)
    code = login.issue_link(node, party, role)
    return page(request, "link.html", "One-time login link", party=party, link=f"{node.about.url}/enter#{code}",
                hours=login.LINK_HOURS)  # fmt: skip


@post("/steward/periods", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def plan(request: AnyRequest, data: Form) -> Response[Any]:
    """Proposes a division; nothing is paid."""
    planned = done(period.plan_period(node_of(request), field(data, "period", 63)))
    return back_to(f"/steward/plans/{planned.plan}")


@dataclass(frozen=True, slots=True)
class _Division:
    """The division of one asset's income, drawn."""

    statement: AssetStatement
    shares: tuple[Bar, ...]
    shares_chart: Markup
    amounts: tuple[Bar, ...]
    amounts_chart: Markup | None
    tenths: tuple[str, ...]
    lorenz: Markup | None
    spread: Spread
    sums: Sums


@get("/steward/plans/{name:str}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def show_plan(request: AnyRequest, name: FromPath[str]) -> Page:
    """A proposed division: who gets what, how it is spread, and the button that carries it out."""
    shown = _plan(request, name)
    planned = shown.plan.planned
    divisions = [
        _division(statement, spread, sums, shown.names, planned.currency)
        for statement, spread, sums in zip(planned.statements, shown.spreads, shown.sums, strict=True)
    ]
    return page(request, "plan.html", f"Plan for {shown.plan.period}", shown=shown, planned=planned,
                divisions=divisions, inf=math.inf, kept=KEPT)  # fmt: skip


@post("/steward/plans/{name:str}/closing", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def close(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """Carries a plan out."""
    shown = _plan(request, name)
    done(period.close_period(node_of(request), shown.plan.period, name, who_is(request).party))
    return back_to(f"/steward/plans/{name}")


def _plan(request: AnyRequest, name: str) -> views.PlanPage:
    shown = views.plan_page(node_of(request), name)
    if shown is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no plan `{name}`", remedy="plan a period first"
        ))  # fmt: skip
    return shown


def _division(statement: AssetStatement, spread: Spread, sums: Sums, names: dict[str, str], currency: str) -> _Division:
    asset = statement.asset
    parts = [
        *((_share_in_words(share, names), share.amount) for share in statement.shares),
        ("Members", statement.members),
    ]
    shares = tuple(Bar(label, amount, str(Money(amount, currency))) for label, amount in parts)
    amounts = tuple(
        Bar(_between(low, high, currency), count, f"{pages.number(count)} {'member' if count == 1 else 'members'}")
        for low, high, count in spread.amounts
    )
    due = sum(spread.tenths)
    parts_of_one = [tenth / due for tenth in spread.tenths] if due else []
    return _Division(
        statement, shares, charts.waterfall(
            f"shares-{asset}", f"Where the income of {asset} goes",
            Bar("Earned", statement.income, str(Money(statement.income, currency))), shares,
        ),
        amounts, charts.bars(f"amounts-{asset}", "How many members are paid how much", amounts) if amounts else None,
        tuple(pages.exact_money(tenth, currency) for tenth in spread.tenths),
        charts.lorenz(f"lorenz-{asset}", "How evenly the members' share is spread", parts_of_one) if due else None,
        spread, sums,
    )  # fmt: skip


def _share_in_words(share: Share, names: dict[str, str]) -> str:
    to = account_in_words(share.account, names)
    return f"{share.name}: {to}" if share.name else to


def _between(low: int, high: int, currency: str) -> str:
    if low == high:
        return "nothing" if low == 0 else str(Money(low, currency))
    return f"{Money(low, currency)} to {Money(high, currency)}"


handlers = [overview, move, withdraw, end, allow_hold, verify_party, erase_person, link, plan, show_plan, close]
