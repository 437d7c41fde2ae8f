"""Authorised operation of public data, and what the public is told about it once a year.

The report is made from the journal alone: whoever has the journal can make it again, and nobody can leave anything out.
It tells who was authorised, how and until when; who the operators are; which products they offered, for what and at
what price; and how often these were used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.access.opening import DataDelivered
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant, parse
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementReached, OfferPublished, OfferWithdrawn
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered
from usufruct.core.registry import rights
from usufruct.core.registry.facts import AssetRegistered, PartyRegistered
from usufruct.core.registry.grants import RightReleased, RightRevoked
from usufruct.core.registry.operation import METHODS, OperationAuthorised, check
from usufruct.node.node import Node
from usufruct.ports import Transaction


def authorise(
    node: Node, asset: str, body: str, operator: str, method: str, document: str, until: Instant
) -> OperationAuthorised | Refusal:
    """Lets an operator make products of a public asset and grant their use, and says how that came about.

    Raises:
        BadInput: the method is none, or nobody could look the document up.
    """

    def command(tx: Transaction) -> OperationAuthorised | Refusal:
        refusal = check(tx, asset, body, operator, method, document)
        if refusal:
            return refusal
        right = numbered("right", tx.next)
        operate = rights.grant(tx, right, body, operator, asset, "operate", tx.now, rights.Limits(until))
        if isinstance(operate, Refusal):
            return operate
        named = numbered("right", tx.next + 1)
        use = rights.grant(tx, named, body, operator, asset, "use", tx.now, rights.Limits(until, may_grant=True))
        if isinstance(use, Refusal):
            return use
        fact = OperationAuthorised(right, asset, body, operator, method, document, operate.until)
        for each in (operate, use, fact):
            tx.append(each)
        return fact

    return node.store.write(command)


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


def disclose(node: Node, year: int) -> Disclosure:
    """The disclosure of a calendar year (UTC).

    Raises:
        BadInput: no such year.
    """
    if not 1970 <= year <= 9998:
        raise BadInput("input.year", f"`{year}` is not a year", "write it with four digits, as 2026")
    with node.store.read() as state:
        size = state.size()
        return _Book(year).read(state.entries(0, size), size)


class _Book:
    """What of the journal belongs into the report, as it is read from its beginning to its end."""

    def __init__(self, year: int) -> None:
        self._year = year
        self._first, self._next = parse(f"{year}-01-01"), parse(f"{year + 1}-01-01")
        self._names: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        self._authorised: dict[str, tuple[OperationAuthorised, Instant]] = {}
        self._ended: dict[str, Instant] = {}
        self._offers: dict[str, tuple[OfferPublished, Instant]] = {}
        self._withdrawn: dict[str, Instant] = {}
        self._offer_of: dict[str, str] = {}
        self._admitted: dict[str, tuple[str, int]] = {}
        self._agreements: Counter[str] = Counter()
        self._uses: Counter[str] = Counter()
        self._income: Counter[str] = Counter()
        self._delivered: Counter[str] = Counter()

    def read(self, entries: Iterator[Entry], size: int) -> Disclosure:
        for entry in entries:
            if entry.at >= self._next:
                break
            self._note(entry, entry.at >= self._first)
        authorisations = tuple(self._in_force())
        products = tuple(self._products())
        offered = Counter(product.operator for product in products)
        operators = sorted({a.operator for a in authorisations})
        return Disclosure(
            self._year, authorisations, tuple(Operator(o, self._names.get(o, o), offered[o]) for o in operators), products,
            tuple(sorted(self._delivered.items())), size,
        )  # fmt: skip

    def _note(self, entry: Entry, in_year: bool) -> None:
        match entry.fact:
            case PartyRegistered() as fact if fact.kind != "person":
                self._names[fact.party] = fact.name
            case AssetRegistered() as fact:
                self._titles[fact.asset] = fact.title
            case OperationAuthorised() as fact:
                self._authorised[fact.right] = fact, entry.at
            case RightRevoked() | RightReleased() as fact:
                self._ended.setdefault(fact.right, entry.at)
            case OfferPublished() as fact:
                self._offers[fact.offer] = fact, entry.at
            case OfferWithdrawn() as fact:
                self._withdrawn[fact.offer] = entry.at
            case AgreementReached() as fact:
                self._offer_of[fact.agreement] = fact.offer
                self._agreements[fact.offer] += in_year
            case QueryAdmitted() as fact:
                self._admitted[fact.use] = self._offer_of.get(fact.agreement, ""), fact.price
            case QueryAnswered() as fact if in_year:
                offer, price = self._admitted.get(fact.use, ("", 0))
                self._uses[offer] += 1
                self._income[offer] += price
            case DataDelivered() as fact if in_year:
                self._delivered[fact.asset] += 1
            case _:
                pass

    def _in_force(self) -> Iterator[Authorisation]:
        for right, (fact, since) in self._authorised.items():
            ended = self._ended.get(right)
            if min(fact.until, ended or fact.until) > self._first:
                yield Authorisation(
                    fact.asset, self._titles[fact.asset], fact.body, fact.operator, fact.method, fact.document, since,
                    fact.until, ended,
                )  # fmt: skip

    def _products(self) -> Iterator[Product]:
        """Offers of operators on what they were authorised for, as far as they stood in the year."""
        authorised = {(a.operator, a.asset) for a in self._in_force()}
        for offer, (fact, since) in self._offers.items():
            until = min(fact.until, self._withdrawn.get(offer, fact.until))
            if (fact.provider, fact.asset) in authorised and until > self._first:
                currency = fact.terms.currency
                yield Product(
                    offer, fact.asset, fact.provider, fact.terms.form, fact.terms.purposes, Money(fact.terms.price, currency),
                    since, until, self._agreements[offer], self._uses[offer], Money(self._income[offer], currency),
                )  # fmt: skip


Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def tables(found: Disclosure) -> dict[str, Table]:
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
