"""`need`, `market` and `auction`, and `offer previews`: where supply and demand meet."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table, tell_refusal
from usufruct.cli.trade import offer
from usufruct.cli.use import or_exit
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.money import parse as parse_money
from usufruct.core.contract.auction import commitment
from usufruct.core.contract.facts import Terms
from usufruct.core.market.needs import Need, years
from usufruct.core.rulebook.bases import CONSENT
from usufruct.core.rulebook.grades import FORMS
from usufruct.node import auction as auctions
from usufruct.node import market as use_case
from usufruct.node import previewing
from usufruct.wire import sql

need = group("What data users look for, and are told of when it is offered.")
market = group("What is offered, ranked for a need; and what is looked for.")
auction = group("Sealed bids for one agreement; the highest pays the second highest.")

As = Annotated[str, typer.Option("--as", help="the party that acts")]
Column = Annotated[list[str], typer.Option(help="a column, or a word or two for what it means; may be repeated")]
Purpose = Annotated[str, typer.Option(help="what it is for, as AcademicResearch")]
Budget = Annotated[str, typer.Option(help="for the first year, as `100.00 EUR`")]
Form = Annotated[str, typer.Option(help=" or ".join(FORMS))]
Years = Annotated[str, typer.Option(help="the years that must be covered, as 2021-2023")]
Persons = Annotated[int, typer.Option(help="at least so many persons")]
Uses = Annotated[int, typer.Option(help="how many questions in the first year")]


def _need(
    column: list[str], purpose: str, budget: str, form: str, covering: str, persons: int, uses: int, currency: str
) -> Need:
    money = parse_money(budget, currency)
    return Need(tuple(column), purpose, form, money.currency, money.minor, *years(covering), persons, uses)


@command(need, "state")
def state(
    by: As, column: Column, purpose: Purpose, budget: Budget, form: Form = "aggregates", covering: Years = "",
    persons: Persons = 0, uses: Uses = 1,
    until: Annotated[str | None, typer.Option(help="until when (default: a year)")] = None, dir: Directory = HERE,
) -> None:  # fmt: skip
    """Say what you look for; you are told of each offer that could meet it, once."""
    with doors().open(dir) as node:
        wanted = _need(column, purpose, budget, form, covering, persons, uses, node.about.currency)
        fact = done(use_case.state_need(node, by, wanted, parse_instant(until) if until else None))
        use_case.follow(node)
        matches = next(one.matches for one in use_case.sought(node, by) if one.need.id == fact.need)
    out.print(f"noted {fact.need}: {', '.join(fact.wanted.columns)}, until {fact.until[:10]}", markup=False)
    out.print(f"{len(matches)} offers could meet it now", markup=False)


@command(need, "list")
def list_needs(by: As, dir: Directory = HERE) -> None:
    """Your needs, and what could meet them."""
    with doors().open(dir) as node:
        found = use_case.sought(node, by)
    table("needs", ["id", "columns", "purpose", "budget", "until", "state"], [
        [
            one.need.id, ", ".join(one.need.wanted.columns), one.need.wanted.purpose,
            Money(one.need.wanted.budget, one.need.wanted.currency), one.need.until[:10],
            "stands" if one.stands else one.need.state,
        ]
        for one in found
    ], ("budget",))  # fmt: skip
    matches = [[m.need, m.offer, m.asset, m.scored, m.at[:10]] for one in found for m in one.matches]
    table("offers that could meet them", ["need", "offer", "asset", "score", "since"], matches, ("score",))


@command(need, "withdraw")
def withdraw(id: str, by: As, dir: Directory = HERE) -> None:
    """Look for it no longer."""
    with doors().open(dir) as node:
        done(use_case.withdraw_need(node, id, by))
    out.print(f"withdrew {id}", markup=False)


@command(market, "search")
def search(
    by: As, column: Column, purpose: Purpose, budget: Budget, form: Form = "aggregates", covering: Years = "",
    persons: Persons = 0, uses: Uses = 1, asset: Annotated[str, typer.Option(help="of this asset alone")] = "",
    dir: Directory = HERE,
) -> None:  # fmt: skip
    """Rank what is offered for a need, with what stands in the way of the rest; nothing is noted."""
    with doors().open(dir) as node:
        wanted = _need(column, purpose, budget, form, covering, persons, uses, node.about.currency)
        found = use_case.search(node, by, wanted, asset)
    if found.no is not None:
        tell_refusal(found.no, out)
    for one in found.ranked:
        out.print(f"{one.supply.offer.id} on {one.supply.asset.id}: {one.score} of 100", style="bold", markup=False)
        out.print(f"  {use_case.in_words(one.supply)}", markup=False)
        for part in one.parts:
            out.print(f"  {part.points:>3} of {part.most} {part.name}: {part.why}", markup=False)
        if one.obstacle is not None:
            tell_refusal(one.obstacle, out)
    if not found.ranked and found.no is None:
        out.print("nothing is offered; state your need, and you are told when something is", markup=False)


@command(market, "demand")
def demand(dir: Directory = HERE) -> None:
    """What is looked for, by how many parties, and whether it is offered; nobody is named."""
    with doors().open(dir) as node:
        found = use_case.demand(node)
    rows = [[one.what, one.name, one.parties, "yes" if one.offered else "no"] for one in found]
    table("demand", ["what", "name", "parties", "offered"], rows, ("parties",))


@command(market, "price")
def price(agreement: str, dir: Directory = HERE) -> None:
    """How the price of an agreement came about, and what others agreed to."""
    with doors().open(dir) as node:
        found = use_case.price_of(node, agreement, None)
    if found is None:
        done(use_case.no_agreement(agreement))
        return
    out.print(f"{found.agreement}: {found.price}", style="bold", markup=False)
    for step in found.steps:
        out.print(f"  {step.how}: {step.said}{f' (fact {step.seq})' if step.seq else ''}", markup=False)
    for other in found.others:
        out.print(f"  others: {other.price} ({other.agreements})", markup=False)


@command(offer, "previews")
def previews(
    id: str,
    end: Annotated[bool, typer.Option("--end", help="no more of them")] = False,
    by: Annotated[str | None, typer.Option("--as", help="the provider (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Let those who look at an offer have a free preview of it, within the allowance."""
    with doors().open(dir) as node:
        done(previewing.allow(node, id, by or node.about.operator, not end))
    out.print(f"{'no more previews' if end else 'previews'} of {id}", markup=False)


@command(market, "preview")
def preview(
    id: Annotated[str, typer.Argument(metavar="OFFER")], by: As, purpose: Purpose, dir: Directory = HERE
) -> None:
    """A little of what an offer's data can tell, for nothing, within your allowance."""
    with doors().open(dir) as node:
        found = done(previewing.preview(node, id, by, purpose, sql.parse))
    answered = or_exit(found.worked_out, None)
    asset, nulls = found.asset, sum(found.asset.quality.nulls)
    out.print(f"{asset.title}: what its card says", style="bold", markup=False)
    if not asset.charter:
        period = f", {asset.quality.period}" if asset.quality.period else ""
        out.print(
            f"{asset.quality.rows} rows, {asset.quality.persons} persons, {nulls} empty cells{period}", markup=False
        )
    out.print("and of those who let it be used for that purpose, in the noise:", style="bold", markup=False)
    table("", ["figure", "about", "about_margin"], previewing.figures(answered.answer), ("about", "about_margin"))
    charged = "given again" if answered.repeated else f"charged {answered.charge} micro-rho of the budget"
    out.print(f"cost: {answered.price}; {charged}. Receipt: fact {answered.receipt.index}", markup=False)


@command(auction, "open")
def open_auction(
    id: str,
    asset: Annotated[str, typer.Option(help="the asset it is about")],
    purpose: Annotated[list[str], typer.Option(help="a purpose the agreement allows; may be repeated")],
    reserve: Annotated[str, typer.Option(help="the least that is taken, once, as `100.00 EUR`")],
    days: Annotated[int, typer.Option(help="for how many days bids come in")] = 14,
    open_days: Annotated[int, typer.Option(help="for how many days bids are opened then")] = 7,
    price: Annotated[str, typer.Option(help="what a question costs besides")] = "",
    form: Form = "aggregates",
    years: Annotated[int, typer.Option(help="how long the agreement lasts")] = 1,
    basis: Annotated[str, typer.Option(help="legal basis of the use of persons' data")] = CONSENT,
    provider: Annotated[str | None, typer.Option("--as", help="the provider (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Let parties bid for one agreement."""
    least = parse_money(reserve)
    use = parse_money(price) if price else Money(0, least.currency)
    terms = Terms(form, tuple(purpose), use.minor, use.currency, years, basis)
    with doors().open(dir) as node:
        fact = done(auctions.open_auction(
            node, id, asset, provider or node.about.operator, terms, least, days, open_days
        ))  # fmt: skip
    out.print(f"opened {fact.auction}: sealed bids until {fact.closes[:10]}, at least {least}", markup=False)


@command(auction, "seal")
def seal(
    id: str, amount: Annotated[str, typer.Argument(help="as `150.00 EUR`")], by: As,
    secret: Annotated[str, typer.Option(help="64 hexadecimal digits of your own (default: drawn here)")] = "",
) -> None:  # fmt: skip
    """Make a sealed bid here: what to send now, and what to keep. Nothing is sent."""
    money, nonce = parse_money(amount), secret or secrets.token_hex(32)
    out.print(f"send  {commitment(id, by, money.minor, nonce)}", markup=False, soft_wrap=True)
    out.print(f"keep  {nonce}", markup=False, soft_wrap=True)


@command(auction, "bid")
def bid(
    id: str, sealed: Annotated[str, typer.Argument(help="what `auction seal` says to send")], by: As,
    dir: Directory = HERE,
) -> None:  # fmt: skip
    """Send a sealed bid."""
    with doors().open(dir) as node:
        done(auctions.commit(node, id, by, sealed))
    out.print(f"your bid for {id} is in; open it when bids are opened", markup=False)


@command(auction, "reveal")
def reveal(
    id: str,
    amount: Annotated[str, typer.Argument(help="what you bid, as `150.00 EUR`")],
    kept: Annotated[str, typer.Argument(help="what `auction seal` said to keep")],
    by: As,
    dir: Directory = HERE,
) -> None:
    """Open your bid."""
    with doors().open(dir) as node:
        done(auctions.show_bid(node, id, by, parse_money(amount), kept))
    out.print(f"your bid for {id} is open: {amount}", markup=False)


@command(auction, "settle")
def settle(dir: Directory = HERE) -> None:
    """Settle every auction whose time has come; a served node does it by itself."""
    with doors().open(dir) as node:
        told = auctions.follow(node)
    out.print(told or "no auction is to be settled", markup=False)


@command(auction, "list")
def list_auctions(dir: Directory = HERE) -> None:
    """All auctions, and what came of them."""
    with doors().open(dir) as node:
        found = [one.auction for one in auctions.listed(node, "")]
    table("auctions", ["id", "asset", "reserve", "closes", "bids", "opened", "state", "price"], [
        [
            a.id, a.asset, Money(a.reserve, a.terms.currency), a.closes[:10], a.bids, a.opened, a.why or a.state,
            Money(a.price, a.terms.currency) if a.winner else "",
        ]
        for a in found
    ], ("reserve", "bids", "opened", "price"))  # fmt: skip
