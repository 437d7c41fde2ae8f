"""The yearly disclosure of authorised operation, as the journal has it.

It tells who was authorised, how and until when; who the operators are; which products they offered, for what and at
what price; and how often these were used. Nothing but facts goes into it: whoever has the journal can make it again, and
nobody can leave anything out.

A `Book` reads the journal once, from its beginning on, and goes on from where it stopped. So a report costs what there is
to tell and not what the journal holds, however often strangers ask for one, and for whichever year.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from usufruct.core.access.opening import DataDelivered
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, parse
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry
from usufruct.core.contract.facts import AgreementReached, OfferPublished, OfferWithdrawn
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered
from usufruct.core.registry.facts import AssetRegistered, PartyRegistered, RightGranted
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.registry.operation import METHODS, OperationAuthorised


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One authorisation that was in force in the year; `ended` is when it ended before its time."""

    asset: str
    title: str
    body: str
    operator: str
    method: str
    document: str
    since: Instant
    until: Instant
    ended: Instant | None


@dataclass(frozen=True, slots=True)
class Product:
    """What an operator offered in the year; `uses` are the answers under it, `income` what they earned."""

    offer: str
    asset: str
    operator: str
    form: str
    purposes: tuple[str, ...]
    price: Money
    since: Instant
    until: Instant
    agreements: int
    uses: int
    income: Money


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, by its id and name, and how many products it offered."""

    party: str
    name: str
    products: int


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A year of authorised operation, and how often open data were taken; `facts` is how much of the journal was read."""

    year: int
    authorisations: tuple[Authorisation, ...]
    operators: tuple[Operator, ...]
    products: tuple[Product, ...]
    open_deliveries: tuple[tuple[str, int], ...]
    facts: int


class Book:
    """What of the journal belongs into a report, of all years, as far as it was read: `facts` is how many facts that is."""

    def __init__(self) -> None:
        self.facts = 0
        self._names: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        self._authorised: dict[str, tuple[OperationAuthorised, Instant]] = {}
        self._rests_on: dict[str, str | None] = {}
        self._ended: dict[str, Instant] = {}
        self._offers: dict[str, tuple[OfferPublished, Instant]] = {}
        self._withdrawn: dict[str, Instant] = {}
        self._offer_of: dict[str, str] = {}
        self._admitted: dict[str, tuple[str, int]] = {}  # until they are answered or abandoned
        self._agreements: Counter[tuple[str, str]] = Counter()  # these by year, and by what is counted
        self._uses: Counter[tuple[str, str]] = Counter()
        self._income: Counter[tuple[str, str]] = Counter()
        self._delivered: Counter[tuple[str, str]] = Counter()

    def read_on(self, entries: Iterable[Entry]) -> None:
        """Reads the facts that follow those which were read."""
        for entry in entries:
            assert entry.seq == self.facts, "the journal is read in its order, and each fact once"
            self._note(entry)
            self.facts += 1

    def _note(self, entry: Entry) -> None:
        year = entry.at[:4]
        match entry.fact:
            case PartyRegistered() as fact if fact.kind != "person":
                self._names[fact.party] = fact.name
            case AssetRegistered() as fact:
                self._titles[fact.asset] = fact.title
            case OperationAuthorised() as fact:
                self._authorised[fact.right] = fact, entry.at
            case RightGranted() | RightPledged() as fact:
                self._rests_on[fact.id] = fact.rests_on
            case RightRevoked() | RightReleased() as fact:
                self._ended.setdefault(fact.right, entry.at)
            case RightTransferred() as fact if fact.becomes != fact.right:
                self._ended.setdefault(fact.right, entry.at)
                self._rests_on[fact.becomes] = self._rests_on[fact.right]
            case OfferPublished() as fact:
                self._offers[fact.offer] = fact, entry.at
            case OfferWithdrawn() as fact:
                self._withdrawn[fact.offer] = entry.at
            case AgreementReached() as fact:
                self._offer_of[fact.agreement] = fact.offer
                self._agreements[year, fact.offer] += 1
            case QueryAdmitted() as fact:
                self._admitted[fact.use] = self._offer_of.get(fact.agreement, ""), fact.price
            case QueryAbandoned() as fact:
                self._admitted.pop(fact.use, None)
            case QueryAnswered() as fact:
                offer, price = self._admitted.pop(fact.use, ("", 0))
                self._uses[year, offer] += 1
                self._income[year, offer] += price
            case DataDelivered() as fact:
                self._delivered[year, fact.asset] += 1
            case _:
                pass

    def disclose(self, year: int) -> Disclosure:
        """The disclosure of a calendar year (UTC).

        Raises:
            BadInput: no such year.
        """
        if not 1970 <= year <= 9998:
            raise BadInput("input.year", f"`{year}` is not a year", "write it with four digits, as 2026")
        authorisations = tuple(self._in_force(parse(f"{year}-01-01"), parse(f"{year + 1}-01-01")))
        products = tuple(self._products(year, {(a.operator, a.asset) for a in authorisations}))
        offered = Counter(product.operator for product in products)
        operators = sorted({a.operator for a in authorisations})
        delivered = sorted((asset, count) for (when, asset), count in self._delivered.items() if when == str(year))
        return Disclosure(
            year, authorisations, tuple(Operator(o, self._names.get(o, o), offered[o]) for o in operators), products,
            tuple(delivered), self.facts,
        )  # fmt: skip

    def _in_force(self, first: Instant, following: Instant) -> Iterator[Authorisation]:
        for right, (fact, since) in self._authorised.items():
            ends = [at for link in self._chain(right) if (at := self._ended.get(link, following)) < following]
            ended = min(ends, default=None)
            if since < following and min(fact.until, ended or fact.until) > first:
                yield Authorisation(
                    fact.asset, self._titles[fact.asset], fact.body, fact.operator, fact.method, fact.document, since,
                    fact.until, ended,
                )  # fmt: skip

    def _chain(self, right: str) -> Iterator[str]:
        """A right and all that it rests on: it ends with the first of them that does."""
        link: str | None = right
        while link is not None:
            yield link
            link = self._rests_on[link]

    def _products(self, year: int, authorised: set[tuple[str, str]]) -> Iterator[Product]:
        """Offers of operators on what they were authorised for, as far as they stood in the year."""
        first, following = parse(f"{year}-01-01"), parse(f"{year + 1}-01-01")
        for offer, (fact, since) in self._offers.items():
            withdrawn = self._withdrawn.get(offer, following)
            until = min(fact.until, withdrawn) if withdrawn < following else fact.until
            if (fact.provider, fact.asset) in authorised and since < following and until > first:
                currency, key = fact.terms.currency, (str(year), offer)
                yield Product(
                    offer, fact.asset, fact.provider, fact.terms.form, fact.terms.purposes, Money(fact.terms.price, currency),
                    since, until, self._agreements[key], self._uses[key], Money(self._income[key], currency),
                )  # fmt: skip


Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def in_tables(found: Disclosure) -> dict[str, Table]:
    """The report as tables of text, for whoever prints or draws it: of each its columns and its rows."""
    return {
        "authorisations": (
            ("asset", "title", "body", "operator", "method", "document", "since", "until", "ended"),
            [
                (
                    a.asset, a.title, a.body, a.operator, METHODS[a.method], a.document, a.since[:10], a.until[:10],
                    (a.ended or "")[:10],
                )
                for a in found.authorisations
            ],
        ),
        "operators": (
            ("operator", "name", "products"), [(o.party, o.name, str(o.products)) for o in found.operators],
        ),
        "products": (
            ("product", "asset", "operator", "form", "purposes", "price", "since", "until", "agreements", "uses", "income"),
            [
                (
                    p.offer, p.asset, p.operator, p.form, " ".join(p.purposes), str(p.price), p.since[:10], p.until[:10],
                    str(p.agreements), str(p.uses), str(p.income),
                )
                for p in found.products
            ],
        ),
        "open-data": (("asset", "deliveries"), [(asset, str(count)) for asset, count in found.open_deliveries]),
    }  # fmt: skip
