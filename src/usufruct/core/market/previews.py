"""Quality previews: a little of what data can tell, for nothing, so that a buyer can judge before she pays.

What the card says everybody can read. What it does not say, above all how many of the persons let the data be used for
*her* purpose and how full the columns are for them, is worked out as any answer is: under noise, charged to the asset's
budget, as a use. Three things keep it from being a way to get data for nothing:

- the node writes the question, not the asker, and what it asks follows from the card and the purpose alone;
- it rests on an agreement for previews and nothing else: no other question is answered under that (see `odrl.only_previews`);
- each data user has an *allowance* for an asset and a time, in the unit of the budget and far below it.

A provider says of which offers there are previews, for it is her data's budget that they spend. The same preview again is
given again, and charged to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.access.gates import quoted
from usufruct.core.base.instants import Instant, in_years, later
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.facts import AgreementReached
from usufruct.core.contract.odrl import PREVIEW, for_previews, only_previews
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.contract.state import in_force as agreements_in_force
from usufruct.core.privacy.state import Use
from usufruct.core.registry import rights
from usufruct.core.registry.charter import Charter
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import grades
from usufruct.core.rulebook.grades import Table
from usufruct.core.rulebook.parameters import Rulebook

FIGURES_MAX = 3  # columns that a preview looks at


@dataclass(frozen=True, slots=True)
class PreviewsSet(Fact):
    """The provider lets those who look at an offer have previews, or no more."""

    KIND = "quality-preview.set/1"
    offer: str
    by: str
    allowed: bool

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class Previews(Row):
    """Whether there are previews of an offer; see `PreviewsSet`."""

    KEY = ("offer",)
    offer: str
    allowed: bool


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The row that says of which offers there are previews."""
    match entry.fact:
        case PreviewsSet() as fact:
            yield Previews(fact.offer, fact.allowed)
        case _:
            return


def allow(read: Reader, offer: str, by: str, allowed: bool) -> PreviewsSet | Refusal:
    """The provider lets there be previews of an open offer, or no more."""
    row, not_done = read.get(Offer, offer), f"previews of `{offer[:80]}` stay as they are"
    if row is None or row.provider != by or not row.open:
        return refuse(
            "registry.unknown", not_done, f"there is no offer `{offer[:80]}` of `{by}` that is open",
            remedy="publish the offer first",
        )  # fmt: skip
    if row.terms.form not in ("aggregates", "computation"):
        return refuse(
            "contract.terms", not_done, "a preview is made of totals, and the offer is for something else",
            remedy="publish another offer on the asset, for aggregates",
        )  # fmt: skip
    charter = read.get(Charter, row.asset)
    if allowed and charter is not None and charter.price:
        return refuse(
            "contract.terms", not_done, f"by the charter of `{row.asset}` no question is free",
            remedy="what members were promised stands; describe the pool in its card",
        )  # fmt: skip
    return PreviewsSet(offer, by, allowed)


def open_to(read: Reader, offer: str, at: Instant) -> Offer | Refusal:
    """The offer, if there are previews of it now."""
    row, set_ = read.get(Offer, offer), read.get(Previews, offer)
    if row is None or not row.open or row.until <= at or set_ is None or not set_.allowed:
        return refuse(
            "market.preview", "there is no preview", f"there are none of `{offer[:80]}`",
            remedy="read what the catalogue says of it, or ask the provider",
        )  # fmt: skip
    return row


def agreed(read: Reader, offer: Offer, party: str, at: Instant) -> Agreement | None:
    """The agreement under which a party has previews of an offer."""
    found = (one for one in agreements_in_force(read, party, offer.asset, at) if one.offer == offer.id)
    return next((one for one in found if for_previews(one.terms.rules)), None)


def agree(read: Reader, name: str, offer: Offer, party: str, at: Instant) -> AgreementReached | Refusal:
    """The agreement for previews of an offer, and nothing else: whoever asks for one agrees to it."""
    not_done, use = (
        "there is no preview",
        rights.held(read, offer.provider, offer.asset, "use", at, offer.terms.purposes),
    )
    if read.get(Party, party) is None or use is None or not use.may_grant:
        return refuse(
            "rights.not-held", not_done, f"`{offer.provider}` no longer holds the right to grant the use of `{offer.asset}`",
            remedy="ask the publisher of the asset",
        )  # fmt: skip
    terms = replace(offer.terms, price=0, form="aggregates", years=1, rules=only_previews(name, offer.terms.rules))
    until = min(in_years(at, 1), use.until)
    return AgreementReached(name, "", offer.id, offer.asset, offer.provider, party, terms, until, use.id)


def question(asset: Asset, table: Table) -> str:
    """What a preview asks of an asset, as SQL: how many rows and persons there are for the purpose, and how many cells of the
    first columns are filled, the harmless ones first; none for which a request must be signed."""
    asked = ["COUNT(*) AS rows_there"]
    if asset.person_column:
        asked.append(f"COUNT(DISTINCT {quoted(asset.person_column)}) AS persons_there")
    shown = [
        column
        for column in sorted(asset.columns, key=lambda column: column.grade)
        if column.name != asset.person_column
        and "aggregates" in table.grades[column.grade].forms
        and not grades.reaches(table.grades[column.grade].assurance, "high")
    ]
    asked += [f"COUNT({quoted(one.name)}) AS {quoted(f'{one.name}_filled')}" for one in shown[:FIGURES_MAX]]
    return f"SELECT {', '.join(asked)} FROM {quoted(asset.id)}"  # noqa: S608 - of names on the card, quoted


def allowance(read: Reader, asset: str, requester: str, charge: int, rulebook: Rulebook, at: Instant) -> Refusal | None:
    """Why a preview that costs so much of the budget (micro-rho) is not to be had now; None if it is."""
    days = rulebook.value("preview.days", at)
    most, since = rulebook.value("preview.allowance-micro-rho", at), later(at, days=-days)
    had = [use for use in read.list(Use, requester=requester) if use.asset == asset and use.template == PREVIEW]
    spent = sum(use.charge for use in had if use.at > since and use.state != "refused")
    if spent + charge <= most:
        return None
    return refuse(
        "market.allowance", "there is no preview", f"in {days} days a data user has previews of `{asset}` for {most} micro-rho, "
        f"and you had {spent}", remedy="come to an agreement, or wait; what you were shown you can read again",
    )  # fmt: skip
