"""What people look at: the catalogue, a member's page, the steward's page. Read only; the same for portal, API and CLI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.access import consent
from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.income import settlement
from usufruct.core.income.explanation import Explanation, UsedRows, explain
from usufruct.core.income.ledger import Account
from usufruct.core.income.measure import MICRO, EarningUse, contributions, parts_of_uses
from usufruct.core.income.state import Period, PeriodPlan
from usufruct.core.oversight import Warning, warnings
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.core.rulebook import purposes
from usufruct.node.node import Node
from usufruct.ports import Snapshot


@dataclass(frozen=True, slots=True)
class Listed:
    """An asset in the public catalogue with the offers that can be requested now."""

    asset: Asset
    publisher: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class PublicPage:
    """What everybody may know of the node."""

    name: str
    operator: str
    listed: tuple[Listed, ...]
    facts: int
    uses: int
    refusals: int
    checkpoint: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One use, or refused attempt, of an asset that is about a member, as she sees it.

    `rows` is how many of her rows counted, `of` how many in all; `let_out` the answer as it left; `earned` what it
    earned her in millionths of a minor unit, None until the period closes; `seq` the fact that she can have a receipt of.
    """

    use: Use
    who: str
    rows: int
    of: int
    let_out: canonical.Value
    earned: int | None
    seq: int


@dataclass(frozen=True, slots=True)
class MemberAsset:
    """One asset that is about a member: what she said about it by purpose, and who used it."""

    asset: Asset
    number: int
    said: dict[str, str]
    seen: tuple[Seen, ...]
    paid: tuple[Explanation, ...]


@dataclass(frozen=True, slots=True)
class MemberPage:
    """All a member can see."""

    party: Party
    assets: tuple[MemberAsset, ...]
    history: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class StewardPage:
    """All a steward looks after."""

    assets: tuple[tuple[Asset, Budget], ...]
    offers: tuple[Offer, ...]
    negotiations: tuple[Negotiation, ...]
    agreements: tuple[Agreement, ...]
    uses: tuple[Use, ...]
    plans: tuple[PeriodPlan, ...]
    periods: tuple[Period, ...]
    accounts: tuple[Account, ...]
    warnings: tuple[Warning, ...]
    now: Instant


def public_page(node: Node) -> PublicPage:
    """The node, its catalogue and the state of its journal."""
    now = node.clock.now()
    with node.store.read() as state:
        operator = state.get(Party, node.about.operator)
        return PublicPage(
            node.about.name,
            operator.name if operator else node.about.operator,
            tuple(_listed(state, now)),
            state.size(),
            sum(1 for _ in state.list(Use, state="answered")),
            sum(1 for _ in state.list(Use, state="refused")),
            state.checkpoint(),
            node.about.origin,
        )


def _listed(state: Snapshot, now: Instant) -> Iterator[Listed]:
    """Assets with at least one offer; what is not offered is nobody's business."""
    for asset in state.list(Asset):
        offers = tuple(o for o in state.list(Offer, asset=asset.id) if o.open and o.until > now)
        if offers:
            yield Listed(asset, name_of(state, asset.publisher), offers)


def member_page(node: Node, party: str) -> MemberPage | None:
    """What was done with a member's data, what it earned, what she said; None if nobody of that name is known."""
    with node.store.read() as state:
        row = state.get(Party, party)
        if row is None:
            return None
        people = list(state.list(Person, party=party))
        assets = tuple(_member_asset(state, person) for person in people)
        return MemberPage(row, assets, tuple(state.history(party)))


def _member_asset(state: Snapshot, person: Person) -> MemberAsset:
    asset = state.get(Asset, person.asset)
    assert asset is not None
    paid, earned = _paid(state, asset, person.number)
    seen = []
    for use in state.list(Use, asset=asset.id):
        if use.state in ("admitted", "abandoned"):
            continue
        if use.state == "refused":
            seen.append(Seen(use, name_of(state, use.requester), 0, 0, None, None, use.ended))
            continue
        rows = contributions(state.evidence(use.contributions))
        if rows[person.number]:
            let_out = canonical.decode(state.evidence(use.answer))
            seen.append(Seen(
                use, name_of(state, use.requester), rows[person.number], sum(rows), let_out, earned.get(use.id), use.ended
            ))  # fmt: skip
    said = consent.said(state, asset.id, person.number)
    return MemberAsset(asset, person.number, said, tuple(reversed(seen)), tuple(paid))


def _paid(state: Snapshot, asset: Asset, number: int) -> tuple[list[Explanation], dict[str, int]]:
    """One person's line in every closed period, explained; and what each use earned her, in millionths."""
    explanations, earned = [], {}
    for period in state.list(Period):
        plan = state.get(PeriodPlan, period.plan)
        assert plan is not None
        for statement in plan.planned.statements:
            if statement.asset != asset.id:
                continue
            line = settlement.line(state.evidence(statement.lines), number)
            uses = [state.get(Use, use) for use in statement.uses]
            earning = [EarningUse(u.id, u.price, contributions(state.evidence(u.contributions))) for u in uses if u]
            used = []
            for use, part in zip(earning, parts_of_uses(earning, statement.members), strict=True):
                total = sum(use.rows)
                if use.rows[number]:
                    used.append(UsedRows(use.id, use.rows[number], total, part))
                    earned[use.id] = part * use.rows[number] // total
            explanations.append(explain(
                period.id, asset.id, plan.planned.currency, line.due, line.paid, statement.members, used
            ))  # fmt: skip
    return explanations, earned


def steward_page(node: Node) -> StewardPage:
    """All that a steward looks after."""
    now = node.clock.now()
    with node.store.read() as state:
        assets = []
        for asset in state.list(Asset):
            budget = state.get(Budget, asset.id, asset.version)
            assert budget is not None
            assets.append((asset, budget))
        return StewardPage(
            tuple(assets),
            tuple(state.list(Offer)),
            tuple(state.list(Negotiation)),
            tuple(state.list(Agreement)),
            tuple(state.list(Use)),
            tuple(state.list(PeriodPlan)),
            tuple(state.list(Period)),
            tuple(state.list(Account)),
            tuple(warnings(state, node.about.operator, now)),
            now,
        )


def receipt_for(node: Node, party: str, seq: int) -> Receipt | None:
    """The receipt of a fact, if it is about `party`, answers or refuses a question of hers, or used rows about her."""
    with node.store.read() as state:
        if not 0 <= seq < state.size():
            return None
        fact = state.entry(seq).fact
        if party in fact.about():
            return state.receipt(seq)
        use = state.get(Use, getattr(fact, "use", ""))
        if use is None:
            return None
        if use.requester == party or (use.state == "answered" and _counted(state, use, party)):
            return state.receipt(seq)
        tried = use.state == "refused" and any(True for _ in state.list(Person, asset=use.asset, party=party))
        return state.receipt(seq) if tried else None


def _counted(state: Snapshot, use: Use, party: str) -> bool:
    rows = contributions(state.evidence(use.contributions))
    return any(rows[person.number] for person in state.list(Person, asset=use.asset, party=party))


def name_of(state: Snapshot, party: str) -> str:
    """What people call a party."""
    row = state.get(Party, party)
    return row.name if row else party


def purposes_of(page: MemberAsset) -> list[str]:
    """The purposes that a member has something to say about: those she spoke of and those anybody asked for."""
    asked = [p for p in (purposes.normal(seen.use.purpose) for seen in page.seen) if p]
    return list(dict.fromkeys([*page.said, *asked]))


def cents(micro: int) -> str:
    """Millionths of a minor unit as a decimal of minor units: `1.284403`."""
    return f"{micro // MICRO}.{micro % MICRO:06d}"
