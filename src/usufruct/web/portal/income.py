"""Pages of income: a person's statements, the rules for everybody, and what the steward looks after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from markupsafe import Markup

from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income import income_statement as words
from usufruct.core.income import own_line
from usufruct.core.income.income_statement import Line
from usufruct.core.income.waterfall import BASES, CREDITS, in_words
from usufruct.node import division, statement, views
from usufruct.node.division import InForce
from usufruct.node.statement import Euro
from usufruct.web import income as api
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import charts, pages
from usufruct.web.portal.charts import Bar
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page

ANYONE = {"rule": "anyone"}
PUBLIC = {"rule": "public"}
STEWARD = {"rule": ("steward",)}
LISTED = 24  # statements on one page: two years of months
OFF_THE_TOP = {"costs": "costs that were paid back", "levies": "levies"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One asset on a statement, drawn."""

    line: Line
    rule: str
    parts: tuple[Bar, ...]
    chart: Markup
    own: tuple[str, ...]
    lorenz: Markup | None
    middles: tuple[Bar, ...]


@get("/statements", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def list_statements(request: AnyRequest) -> Page:
    """Every period that brought who is logged in something."""
    node, party = node_of(request), who_is(request).party
    found = statement.statements_of(node, party)
    rows = [(one, Money(one.paid, one.currency), Money(one.shares, one.currency)) for one in found[:LISTED]]
    return page(request, "statements.html", "Your statements", rows=rows, total=len(found), party=party)


@get("/statements/{period:str}/{party:str}", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def show_statement(
    request: AnyRequest, period: FromPath[str], party: FromPath[str], recorded: FromQuery[str] = ""
) -> Page:
    """A statement: hers, or, for the steward, anybody's; `recorded` is the complaint that the last form became."""
    found = api.statement_for(request, period, party)
    currency = found.currency
    return page(
        request, "statement.html", f"Statement for {period}", shown=found, fields=words.article18(found),
        lines=[_line(line, currency) for line in found.lines], rest=words.by_the_audit(found), type_of_use=words.type_of_use,
        paid=Money(found.paid, currency), shares=Money(found.shares, currency) if found.shares else None,
        mine=found.party == who_is(request).party, late=node_of(request).clock.now() > found.complain_until,
        complaints=[(one, words.in_words(one)) for one in found.complaints], exact=own_line.exact,
        complained={one.asset for one in found.complaints}, told=next((c for c in found.complaints if c.id == recorded), None),
    )  # fmt: skip


@get("/statements/{period:str}/{party:str}/pdf", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def print_statement(request: AnyRequest, period: FromPath[str], party: FromPath[str]) -> Response[bytes]:
    """The same on paper."""
    return api.as_file(api.statement_for(request, period, party))


@post("/statements/{period:str}/{party:str}/complaints", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def complain(request: AnyRequest, period: FromPath[str], party: FromPath[str], data: Form) -> Response[Any]:
    """A complaint about one's own line."""
    found = api.statement_for(request, period, party)
    asset, reason = field(data, "asset", 63), field(data, "reason", 2_000)
    fact = done(statement.complain(node_of(request), who_is(request).party, period, asset, reason))
    return back_to(f"/statements/{period}/{found.called}", recorded=fact.complaint)


def _line(line: Line, currency: str) -> _Line:
    parts = (
        *(Bar(part.name, part.amount, str(Money(part.amount, currency))) for part in line.parts),
        Bar("members", line.members, str(Money(line.members, currency))),
    )
    whole, spread = Bar("earned", line.gross, str(Money(line.gross, currency))), line.spread
    together = sum(spread.middles)
    middles = tuple(Bar(f"tenth {n}", one, str(Money(one, currency))) for n, one in enumerate(spread.middles, 1))
    chart = charts.waterfall(f"where-{line.asset}", f"Where the income of {line.title} went", whole, parts)
    tenths = [one / together for one in spread.middles] if together else []
    lorenz = (
        charts.lorenz(f"lorenz-{line.asset}", "How evenly the members' share was spread", tenths) if tenths else None
    )
    return _Line(line, words.rule_name(line.rule), parts, chart, words.her_own(line, currency), lorenz, middles)


# ---- for everybody


@dataclass(frozen=True, slots=True)
class _Rule:
    """The rule of an asset, and where a euro of its last period went."""

    title: str
    asset: str
    name: str
    authority: str
    source: str
    since: str
    words: tuple[str, ...]
    period: str
    parts: tuple[tuple[Bar, str], ...]
    chart: Markup | None


@get("/income", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def rules(request: AnyRequest) -> Page:
    """The rules of division in force, in words, and where a euro went in the last period."""
    node = node_of(request)
    went = {one.asset: one for one in statement.euros(node)}
    shown = []
    for one in division.listed(node):
        told = words.told(one.rule, one.number, one.own, one.since[:10], in_words(one.rule))
        euro = went.get(one.asset)
        bars = tuple(_bars(euro)) if euro else ()
        shown.append(_Rule(
            one.title, one.asset, words.rule_name(told), told.authority, told.source, told.since, told.words,
            euro.period if euro else "", bars, _euro(one.asset, one.title, bars) if bars else None,
        ))  # fmt: skip
    return page(request, "income.html", "How income is divided", rules=shown, currency=node.about.currency)


def _bars(euro: Euro) -> list[tuple[Bar, str]]:
    return [
        (
            Bar(name, points, pages.percent(points, 10_000)),
            OFF_THE_TOP.get(basis) or BASES.get(basis, "by the rulebook"),
        )
        for name, basis, points in euro.shares
    ]


def _euro(asset: str, title: str, bars: tuple[tuple[Bar, str], ...]) -> Markup:
    return charts.waterfall(
        f"euro-{asset}",
        f"Where the last income of {title} went",
        Bar("earned", 10_000, "100 %"),
        [bar for bar, _ in bars],
    )


# ---- for the steward


@get("/steward/income", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def overview(request: AnyRequest, answered: FromQuery[str] = "") -> Page:
    """Rules, costs and credits of every asset, and the complaints that wait; `answered` is the one that was answered last."""
    node = node_of(request)
    found = [
        (one, words.rule_name(words.told(one.rule, one.number, one.own, "", ())), in_words(one.rule))
        for one in division.in_force(node)
    ]
    waiting = statement.open_complaints(node)
    with node.store.read() as state:
        parties = {party for one, *_ in found for party in _paid_back(one)} | {one.party for one in waiting}
        names = {party: views.name_of(state, party) for party in parties}
    return page(
        request, "steward-income.html", "Rules, costs and complaints", rules=found, waiting=waiting, names=names,
        kinds=CREDITS, answered=answered, currency=node.about.currency,
    )  # fmt: skip


def _paid_back(one: InForce) -> set[str]:
    return {cost.party for cost in one.costs} | {credit.party for credit in one.credits}


@post("/steward/complaints/{name:str}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def answer(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Upheld with an amount, or rejected with whom to turn to."""
    node, who = node_of(request), who_is(request)
    word, amount = field(data, "word", 10), field(data, "amount", 40)
    if word not in ("uphold", "reject"):
        raise BadInput("input.form", "the form neither upholds nor rejects", "choose one of the two")
    paid = parse_money(amount, node.about.currency) if word == "uphold" else None
    turn_to = field(data, "turn_to", 2_000) if word == "reject" else ""
    done(
        statement.answer(
            node, name, paid is not None, field(data, "reasons", 2_000), paid, turn_to, who.party, who.actors
        )
    )
    return back_to("/steward/income", answered=name)


handlers = [list_statements, show_statement, print_statement, complain, rules, overview, answer]
