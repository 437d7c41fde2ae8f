"""What may happen between two parties: publish, request, move, agree, end."""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant, in_years
from usufruct.core.base.money import DECIMALS
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.facts import (
    AgreementEnded,
    AgreementReached,
    DutyReported,
    NegotiationMoved,
    OfferPublished,
    OfferWithdrawn,
    Terms,
)
from usufruct.core.contract.negotiation import MESSAGES, START, moves_from
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.lineage import standing as descent
from usufruct.core.registry import charter, rights
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import grades, purposes
from usufruct.core.rulebook.bases import BASES, CONSENT
from usufruct.core.rulebook.grades import FORMS, RECORDS
from usufruct.core.terms.rules import activate


def publish(
    read: Reader, offer: str, asset: str, provider: str, terms: Terms, until: Instant | None, standing: bool,
    at: Instant, currency: str,
) -> OfferPublished | Refusal:  # fmt: skip
    """An offer by somebody who may operate the asset and grant its use, on terms that can be granted, at a price in
    the `currency` of the node's ledger. Without `until` it stays open for as long as one agreement on it lasts.

    Raises:
        BadInput: the terms cannot be read (an unknown form, purpose or currency; a negative price; no years).
    """
    checked(offer, "an offer")
    _check_terms(terms)
    not_done = f"offer `{offer}` was not published"
    if read.get(Offer, offer) is not None:
        return refuse("registry.exists", not_done, "an offer of that name is there already", remedy="choose another id")
    row = read.get(Asset, asset)
    if row is None:
        return refuse("registry.unknown", not_done, f"there is no asset `{asset}`", remedy="register the asset first")
    operate = rights.held(read, provider, asset, "operate", at)
    use = rights.held(read, provider, asset, "use", at, terms.purposes)
    if operate is None or use is None or not use.may_grant:
        lacking = "operate it" if operate is None else "use it for these purposes, with the power to pass it on"
        return refuse(
            "rights.not-held", not_done, f"`{provider}` does not hold the right on `{asset}` to {lacking}",
            remedy="only who may operate an asset and grant its use can offer it; ask its publisher",
        )  # fmt: skip
    if terms.currency != currency:
        return refuse(
            "contract.terms", not_done, f"the node's ledger is in {currency}, the price in {terms.currency}",
            remedy=f"name a price in {currency}",
        )  # fmt: skip
    now = descent.standing(read, row, at)
    refused = (
        _beyond(now, terms, not_done)
        or _never_leaves(now, terms, grades.in_force(at), not_done)
        or _against_charter(read, row, terms, not_done)
    )
    if refused is not None:
        return refused
    end = until or in_years(at, terms.years)
    if end <= at:
        return refuse(
            "contract.terms", not_done, "it would have run out already", remedy="let it run until a later day"
        )
    return OfferPublished(offer, asset, provider, terms, end, standing)


def refused_rules(terms: Terms) -> Refusal | None:
    """Why the rules of the terms cannot come into force; None if they can. It may take a while, and needs no state."""
    activated = activate(replace(terms.rules, kind="Agreement")) if terms.rules else None
    return activated if isinstance(activated, Refusal) else None


def _beyond(row: Asset, terms: Terms, not_done: str) -> Refusal | None:
    """Why the asset, as it stands, cannot be offered for these purposes."""
    asset = row.id
    beyond = [purpose for purpose in terms.purposes if not any(purposes.covers(p, purpose) for p in row.purposes)]
    if beyond:
        return refuse(
            "lineage.purposes", not_done, f"`{asset}` may not be used for {', '.join(beyond)}",
            remedy=f"offer it for {', '.join(row.purposes)}, or something narrower",
        )  # fmt: skip
    never = [purpose for purpose in terms.purposes if purposes.forbids(row.prohibited, purpose)]
    if never:
        return refuse(
            "lineage.purposes", not_done, f"`{asset}` may never be used for {', '.join(never)}",
            remedy="offer it for something narrower that is not prohibited",
        )  # fmt: skip
    return None


def _never_leaves(row: Asset, terms: Terms, table: grades.Table, not_done: str) -> Refusal | None:
    """Why nothing of the asset, as it stands, can leave in the form of the terms."""
    if terms.form in ("masked", "cubes") and not row.person_column:
        return refuse(
            "contract.terms", not_done, f"`{row.id}` is about nobody, so nothing in it is to be hidden",
            remedy="offer it as rows",
        )  # fmt: skip
    if any(terms.form in table.grades[column.grade].forms for column in row.columns):
        return None
    forms = [f for f in FORMS if any(f in table.grades[column.grade].forms for column in row.columns)]
    return refuse(
        "contract.terms", not_done, f"no column of `{row.id}` is graded so that {FORMS[terms.form]} may leave the node",
        remedy=f"offer it as {' or '.join(forms)}" if forms else "data of these grades are not let out at all",
    )  # fmt: skip


def _against_charter(read: Reader, row: Asset, terms: Terms, not_done: str) -> Refusal | None:
    """Why a pool cannot be offered on these terms; None for what is no pool."""
    if row.charter and terms.basis != CONSENT:
        return refuse(
            "contract.terms", not_done, f"the members of `{row.id}` are asked, by its charter, whatever other basis there is",
            remedy="offer it on the basis of their consent",
        )  # fmt: skip
    if row.charter and terms.form in RECORDS:
        return refuse(
            "contract.terms", not_done, f"the members of `{row.id}` read in its charter that an answer shows nobody alone",
            remedy="offer it as cubes, aggregates or computation",
        )  # fmt: skip
    return charter.too_cheap(read, row.id, terms.price, not_done)


def _check_terms(terms: Terms) -> None:
    if terms.form not in FORMS:
        raise BadInput("input.terms", f"`{terms.form}` is not a form of answer", f"use one of {', '.join(FORMS)}")
    if not terms.purposes:
        raise BadInput("input.terms", "the terms name no purpose", "name at least one; no purpose means no use")
    for purpose in terms.purposes:
        if not purposes.known(purpose):
            raise purposes.not_known(purpose)
    if terms.currency not in DECIMALS or not 0 <= terms.price <= 10**12:
        raise BadInput("input.terms", "the price cannot be", "give a price of 0 or more, as 5.00 EUR")
    if terms.basis not in BASES:
        raise BadInput("input.terms", f"`{terms.basis}` is not a legal basis", f"use one of {', '.join(BASES)}")
    if not 1 <= terms.years <= 30:
        raise BadInput("input.terms", f"an agreement cannot last {terms.years} years", "let it last 1 to 30")


def withdraw(read: Reader, offer: str, by: str) -> OfferWithdrawn | Refusal:
    """The provider takes an offer back."""
    row = read.get(Offer, offer)
    if row is None or row.provider != by or not row.open:
        return _unknown("offer", offer)
    return OfferWithdrawn(offer)


def request(read: Reader, negotiation: str, offer: str, consumer: str, at: Instant) -> NegotiationMoved | Refusal:
    """`consumer` asks for an offer as it stands."""
    row = read.get(Offer, offer)
    if row is None or read.get(Party, consumer) is None:
        return _unknown("offer", offer)
    if not row.open or row.until <= at:
        return refuse(
            "contract.offer-closed", f"offer `{offer}` cannot be requested", "it was withdrawn or has run out",
            remedy="look for another offer in the catalogue, or ask the provider for a new one",
        )  # fmt: skip
    return NegotiationMoved(
        negotiation, offer, row.provider, consumer, consumer, "request", moves_from(START)["request"][1]
    )


def move(read: Reader, negotiation: str, message: str, by: str) -> NegotiationMoved | Refusal:
    """One side sends `message`. Who is on neither side is told what she would be told if there were no negotiation."""
    row = read.get(Negotiation, negotiation)
    if row is None or by not in (row.provider, row.consumer):
        return _unknown("negotiation", negotiation)
    possible = moves_from(row.state)
    allowed = ", ".join(f"{m} (by the {who})" for m, (who, _) in possible.items()) or "nothing; it is over"
    if message not in possible or message not in MESSAGES:
        return refuse(
            "contract.transition", f"negotiation `{negotiation}` was not moved by `{message}`", f"it stands at {row.state}",
            remedy=f"what can be sent now: {allowed}",
        )  # fmt: skip
    who, state = possible[message]
    if who != "either" and by != getattr(row, who):
        return refuse(
            "contract.not-yours", f"negotiation `{negotiation}` was not moved by `{message}`", f"only the {who} can send it",
            remedy=f"what can be sent now: {allowed}",
        )  # fmt: skip
    return NegotiationMoved(negotiation, row.offer, row.provider, row.consumer, by, message, state)


def conclude(read: Reader, agreement: str, negotiation: str, at: Instant) -> AgreementReached | Refusal:
    """The agreement that a finalized negotiation comes to: the offer's terms, for no longer than the provider's right."""
    row = read.get(Negotiation, negotiation)
    assert row is not None
    offer = read.get(Offer, row.offer)
    assert offer is not None
    use = rights.held(read, row.provider, offer.asset, "use", at, offer.terms.purposes)
    if use is None or not use.may_grant:
        return refuse(
            "rights.not-held", f"negotiation `{negotiation}` did not come to an agreement",
            f"`{row.provider}` no longer holds the right to grant the use of `{offer.asset}`",
            remedy="ask the publisher of the asset",
        )  # fmt: skip
    until = min(in_years(at, offer.terms.years), use.until)
    return AgreementReached(
        agreement, negotiation, row.offer, offer.asset, row.provider, row.consumer, offer.terms, until, use.id
    )


def end(read: Reader, agreement: str, by: str, at: Instant) -> AgreementEnded | Refusal:
    """Either side ends an agreement."""
    row = read.get(Agreement, agreement)
    if row is None or by not in (row.provider, row.consumer) or not row.active(at):
        return _unknown("agreement", agreement)
    return AgreementEnded(agreement, by)


def report_duty(
    read: Reader, agreement: str, duty: str, fulfilled: bool, by: str, at: Instant
) -> DutyReported | Refusal:
    """The provider says that a duty of the agreement's rules was fulfilled or violated; it counts from the next decision
    on. Only the provider can: to her it is owed."""
    row = read.get(Agreement, agreement)
    if row is None or by != row.provider or not row.active(at):
        return _unknown("agreement", agreement)
    rules = row.terms.rules.rules if row.terms.rules else ()
    named = [duty.uid for rule in rules for owed in rule.duties for duty in owed.within()]
    if duty not in named:
        return refuse(
            "contract.terms", f"nothing was said of the duty `{duty}`", f"the rules of `{agreement}` have no such duty",
            remedy=f"its duties are {', '.join(named)}" if named else "it has none",
        )  # fmt: skip
    return DutyReported(agreement, duty, fulfilled, by)


def _unknown(what: str, name: str) -> Refusal:
    return refuse(
        "registry.unknown", f"nothing was done with {what} `{name}`", f"there is no {what} of that name that is open to you",
        remedy="look at the catalogue for offers, and at your own list for negotiations and agreements",
    )  # fmt: skip
