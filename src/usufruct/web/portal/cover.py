"""The pages of cover: a person's own, with what is missing; and the schemes and funds, with how long each lasts, for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from markupsafe import Markup

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.cover.entitlements import Standing
from usufruct.core.cover.solvency import ASSUMPTION, Solvency
from usufruct.core.cover.state import Contribution
from usufruct.node import cover
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import charts
from usufruct.web.portal.charts import Bar
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page

ANYONE = {"rule": "anyone"}
PUBLIC = {"rule": "public"}
STEWARD = {"rule": ("steward",)}
MONTHS_SHOWN = 12
STANDS = {
    "open": "waits for a decision",
    "granted": "granted, and not paid yet",
    "refused": "not granted",
    "paid": "paid",
    "appealed": "appealed",
}


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A chart with the figures that are in it."""

    chart: Markup
    rows: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class _Right:
    """An entitlement, and how far she has come."""

    standing: Standing
    progress: _Drawn | None


@dataclass(frozen=True, slots=True)
class _FundShown:
    """A fund, drawn."""

    fund: Solvency
    history: _Drawn | None
    projection: _Drawn


@get("/cover", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def own(request: AnyRequest) -> Page:
    """What was saved for whoever looks, what she is entitled to and what is missing; and claims that wait for her word."""
    node, who = node_of(request), who_is(request)
    found = cover.cover(node, who.party)
    rights = [_Right(one, _progress(number, one)) for number, one in enumerate(found.standings)]
    waiting = cover.waiting(node, who.party)
    return page(
        request, "cover.html", "Your cover", shown=found, rights=rights, months=_months(found.contributions),
        waiting=waiting, stands=STANDS, steward="steward" in who.scopes,
    )  # fmt: skip


@get("/funds", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show_funds(request: AnyRequest) -> Page:
    """The schemes that are raised, and how each fund stands."""
    node = node_of(request)
    funds = [_fund(one) for one in cover.funds(node)]
    return page(
        request, "funds.html", "Cover and its funds", schemes=cover.raised(node), funds=funds, assumption=ASSUMPTION
    )


@post("/cover/particulars", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def state_particulars(request: AnyRequest, data: Form) -> Response[Any]:
    """Records the day she was born, and what she works with."""
    born, works_with = field(data, "born"), field(data, "works_with")
    done(cover.state_particulars(node_of(request), who_is(request).party, born, works_with))
    return back_to("/cover")


@post("/cover/schemes/{name:str}/joining", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def join(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """She joins a scheme, or chooses an option of it."""
    who = who_is(request)
    done(cover.opt_in(node_of(request), who.party, name, field(data, "option"), who.actors))
    return back_to("/cover")


@post("/cover/schemes/{name:str}/leaving", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def leave(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """She leaves a scheme that lets her."""
    who = who_is(request)
    done(cover.opt_out(node_of(request), who.party, name, who.actors))
    return back_to("/cover")


@post("/cover/claims", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def claim(request: AnyRequest, data: Form) -> Response[Any]:
    """She claims."""
    on, amount = field(data, "on"), parse_money(field(data, "amount"))
    done(cover.claim(
        node_of(request), who_is(request).party, field(data, "scheme"), field(data, "entitlement"), amount,
        field(data, "reason", 2_000), parse_instant(on) if on else None, field(data, "appeals"),
    ))  # fmt: skip
    return back_to("/cover")


@post("/cover/claims/{name:str}/decision", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def decide(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Who may decides on a claim."""
    who, grant = who_is(request), field(data, "grant")
    amount = parse_money(grant) if grant else None
    reasons, turn_to = field(data, "reasons", 2_000), field(data, "turn_to")
    done(cover.decide(node_of(request), name, amount, reasons, turn_to, who.party, who.actors))
    return back_to("/cover")


@post("/cover/claims/{name:str}/payment", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def pay(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """The operator of the node pays what was granted."""
    who = who_is(request)
    done(cover.pay(node_of(request), name, who.party, who.actors))
    return back_to("/cover")


def _progress(number: int, one: Standing) -> _Drawn | None:
    if not one.needs:
        return None
    has, needs = min(one.has, one.needs), one.needs
    rows = (Bar("so far", has, _unit(one, has)), Bar("missing", needs - has, _unit(one, needs - has)))
    return _Drawn(charts.stacked(f"right-{number}", f"{one.title}: how far you have come", rows), rows)


def _unit(one: Standing, value: int) -> str:
    return f"{value} days" if one.unit == "days" else str(Money(value, one.unit))


def _months(contributions: Sequence[Contribution]) -> list[tuple[str, _Drawn]]:
    """What was contributed each month, by currency: the newest months, the oldest of them first."""
    sums: dict[str, dict[str, int]] = {}
    for one in contributions:
        of = sums.setdefault(one.currency, {})
        of[one.month] = of.get(one.month, 0) + one.amount()
    found = []
    for currency, of in sums.items():
        rows = tuple(Bar(month, of[month], str(Money(of[month], currency))) for month in sorted(of)[-MONTHS_SHOWN:])
        chart = charts.bars(f"months-{currency}", "What was contributed for you, by month", rows)
        found.append((currency, _Drawn(chart, rows)))
    return found


def _fund(one: Solvency) -> _FundShown:
    history = tuple(
        Bar(f"{row.month}: {what}", amount, str(Money(amount, one.currency)))
        for row in one.history for what, amount in (("taken", row.taken), ("paid out", row.paid))
    )  # fmt: skip
    drawn = _Drawn(charts.bars(f"history-{one.fund}", f"{one.title}: by month", history), history) if history else None
    later = tuple(Bar(month, max(0, amount), str(Money(amount, one.currency))) for month, amount in one.projection)
    title = f"{one.title}: what would be left"
    return _FundShown(one, drawn, _Drawn(charts.bars(f"projection-{one.fund}", title, later), later))


handlers = [own, show_funds, state_particulars, join, leave, claim, decide, pay]
