"""`offer` and `agreement`: publish, negotiate, agree, end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli import jobs
from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.core.access import pricing
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import refuse
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.odrl import only_templates
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.rulebook.bases import CONSENT
from usufruct.core.rulebook.grades import FORMS
from usufruct.core.work.state import JobAgreement
from usufruct.node import trade
from usufruct.wire import odrl

offer = group("What can be agreed on, and at what price.")
agreement = group("Negotiations, and the agreements they come to.")

As = Annotated[str, typer.Option("--as", help="the party that acts")]


@command(offer, "publish")
def publish(
    id: str,
    asset: Annotated[str, typer.Option(help="the asset it is about")],
    purpose: Annotated[list[str], typer.Option(help="a purpose it allows; may be repeated")],
    price: Annotated[
        str, typer.Option(help="as `5.00 EUR` a question; also fixed, monthly, yearly, 100=, % of earnings")
    ],
    form: Annotated[str, typer.Option(help=" or ".join(FORMS))] = "aggregates",
    years: Annotated[int, typer.Option(help="how long an agreement lasts")] = 1,
    until: Annotated[str | None, typer.Option(help="until when it can be requested")] = None,
    standing: Annotated[bool, typer.Option("--standing", help="agree at once to whoever requests it")] = False,
    basis: Annotated[str, typer.Option(help="legal basis of the use of persons' data")] = CONSENT,
    ask_first: Annotated[bool, typer.Option("--ask-first", help="only of persons who said yes to a request")] = False,
    rules: Annotated[Path | None, typer.Option(help="further rules: ODRL in JSON-LD or Turtle")] = None,
    templates_only: Annotated[bool, typer.Option("--templates-only", help="for approved templates alone")] = False,
    provider: Annotated[str | None, typer.Option("--as", help="the provider (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Publish an offer."""
    priced = pricing.read(price, years)
    carried = odrl.read(rules.read_text(encoding="utf-8")) if rules else None
    carried = only_templates(id, carried) if templates_only else carried
    terms = Terms(form, tuple(purpose), priced.use.minor, priced.use.currency, years, basis, ask_first, carried)
    end = parse_instant(until) if until else None
    with doors().open(dir) as node:
        fact = done(trade.publish_offer(
            node, id, asset, provider or node.about.operator, terms, end, standing, priced.schedule
        ))  # fmt: skip
    said = pricing.in_words(terms, priced.schedule)
    out.print(f"published {fact.offer}: {said}, for {', '.join(purpose)}", markup=False)


@command(offer, "withdraw")
def withdraw(
    id: str, provider: Annotated[str | None, typer.Option("--as", help="the provider")] = None, dir: Directory = HERE
) -> None:
    """Take an offer back; agreements on it stay."""
    with doors().open(dir) as node:
        done(trade.withdraw_offer(node, id, provider or node.about.operator))
    out.print(f"withdrew {id}", markup=False)


@command(offer, "list")
def list_offers(dir: Directory = HERE) -> None:
    """All offers."""
    with doors().open(dir) as node, node.store.read() as state:
        rows = [
            [
                o.id, o.asset, o.terms.form, ", ".join(o.terms.purposes), Money(o.terms.price, o.terms.currency),
                "open" if o.open else "withdrawn",
            ]
            for o in state.list(Offer)
        ]  # fmt: skip
    table("offers", ["id", "asset", "form", "purposes", "price", "state"], rows, ("price",))


@command(agreement, "request")
def request(offer_id: Annotated[str, typer.Argument(metavar="OFFER")], by: As, dir: Directory = HERE) -> None:
    """Request an offer as it stands."""
    with doors().open(dir) as node:
        _tell(done(trade.request_offer(node, offer_id, by)))


def _mover(message: str, help: str) -> None:
    def move(negotiation: str, by: As, dir: Directory = HERE) -> None:
        with doors().open(dir) as node:
            _tell(done(trade.move(node, negotiation, message, by)))

    move.__doc__ = help
    command(agreement, message)(move)


for _message, _help in {
    "agree": "As the provider: agree to what was requested.",
    "verify": "As the consumer: verify the agreement; the provider's node finalizes it.",
    "accept": "As the consumer: accept a counter-offer.",
    "terminate": "Give a negotiation up.",
}.items():
    _mover(_message, _help)


@command(agreement, "list")
def list_agreements(dir: Directory = HERE) -> None:
    """Open negotiations and all agreements."""
    with doors().open(dir) as node, node.store.read() as state:
        moving = [[n.id, n.offer, n.consumer, n.state] for n in state.list(Negotiation)]
        agreed = [
            [a.id, a.asset, a.consumer, ", ".join(a.terms.purposes), a.until[:10], "ended" if a.ended else ""]
            for a in state.list(Agreement)
        ]
        on_jobs = jobs.agreed(state.list(JobAgreement))
    table("negotiations", ["id", "offer", "consumer", "state"], moving)
    table("agreements", ["id", "asset", "consumer", "purposes", "until", ""], agreed)
    if on_jobs:
        table("job agreements", jobs.AGREED, on_jobs)


def _shower(of: typer.Typer, what: str) -> None:
    def show(
        id: str,
        turtle: Annotated[bool, typer.Option("--turtle", help="as Turtle instead of JSON-LD")] = False,
        dir: Directory = HERE,
    ) -> None:
        with doors().open(dir) as node:
            found = trade.as_rules(node, id, None)
        if found is None:
            done(refuse(
                "registry.unknown", "there is nothing to show", f"there is no {what} `{id}`", remedy=f"see `{what} list`"
            ))  # fmt: skip
            return
        typer.echo(odrl.to_turtle(found) if turtle else odrl.to_jsonld(found))

    show.__doc__ = f"Show an {what} as ODRL 2.2."
    command(of, "show")(show)


_shower(offer, "offer")
_shower(agreement, "agreement")


@command(agreement, "duty")
def duty(
    id: str,
    duty: Annotated[str, typer.Argument(help="the duty, by its uid in the rules")],
    violated: Annotated[bool, typer.Option("--violated", help="it was violated (default: it was fulfilled)")] = False,
    by: Annotated[str | None, typer.Option("--as", help="the provider (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Say that a duty of an agreement was fulfilled, or violated."""
    with doors().open(dir) as node:
        done(trade.report_duty(node, id, duty, not violated, by or node.about.operator))
    out.print(f"{duty} of {id} was {'violated' if violated else 'fulfilled'}", markup=False)


@command(agreement, "end")
def end(id: str, by: As, dir: Directory = HERE) -> None:
    """End an agreement; either side may."""
    with doors().open(dir) as node:
        done(trade.end_agreement(node, id, by))
    out.print(f"ended {id}", markup=False)


def _tell(moved: trade.Moved) -> None:
    out.print(f"{moved.negotiation}: {' → '.join(moved.states)}", markup=False)
    if moved.agreement:
        out.print(f"{moved.agreement.id} is in force until {moved.agreement.until[:10]}", markup=False)
