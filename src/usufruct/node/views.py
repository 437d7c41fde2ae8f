"""What people look at: the catalogue, a member's page, the steward's, a data user's. Read only; the same for portal, API
and CLI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from usufruct.core.access import consent, hold
from usufruct.core.access.consent_words import LIMITED, of_person
from usufruct.core.access.hold import HeldCount, Hold
from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.epochs import hold_of, parts_in
from usufruct.core.exchange.state import Call
from usufruct.core.income import adoption, inequality, measure
from usufruct.core.income.explanation import Counted, Explanation, explain
from usufruct.core.income.facts import AssetStatement
from usufruct.core.income.ledger import Account
from usufruct.core.income.measure import contributions, rows_of
from usufruct.core.income.settlement import Lines
from usufruct.core.income.state import LastPeriod, Period, PeriodPlan, Summed
from usufruct.core.oversight import Warning, warnings
from usufruct.core.privacy.facts import QueryRefused
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.pool import is_in
from usufruct.core.registry.rules import find_party, id_of
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import RECORDS
from usufruct.node import witness
from usufruct.node.node import Node
from usufruct.ports import Snapshot


@dataclass(frozen=True, slots=True)
class Listed:
    """An asset in the public catalogue with the offers that can be requested now, and by which measure its uses are
    `divided`."""

    asset: Asset
    publisher: str
    offers: tuple[Offer, ...]
    divided: str = measure.ROWS


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
    key: str
    held: tuple[HeldCount, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One use, or refused attempt, of an asset that is about a member, as she sees it.

    `rows` is how many of her rows counted; `let_out` the answer as it left, but for records, which are about
    others too; `period` the one in which it was paid, None until that closes; `seq` the fact that she can have a receipt of.
    """

    use: Use
    who: str
    rows: int
    let_out: canonical.Value
    period: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class Word:
    """What a member said to everybody of one purpose (`given`, `refused` or nothing), and what `holds` now after all that she
    said: see `consent.standing_now`; for a pool that she is not in any more, `left`."""

    purpose: str
    said: str
    holds: str


@dataclass(frozen=True, slots=True)
class MemberAsset:
    """One asset that is about a member: what she said about it by purpose, and who used it.

    `words` are the purposes that she spoke of, that anybody asked for, or that an open offer allows; `withheld` the holds
    on uses that concern her, of which she is told ground and end and nothing else. If her records are `shared` they are used
    only if the others whom they are about let them be, too. `divided` is the measure by which uses are divided now.
    """

    asset: Asset
    number: int
    said: dict[str, str]
    words: tuple[Word, ...]
    seen: tuple[Seen, ...]
    paid: tuple[Explanation, ...]
    withheld: tuple[Hold, ...]
    shared: bool
    divided: str = measure.ROWS


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
    names: dict[str, str]
    now: Instant


@dataclass(frozen=True, slots=True)
class Spread:
    """How the members' share of one asset is spread over them.

    `amounts` says how many members are paid from how much to how much, in minor units; `tenths` what each tenth of the
    members is due, in millionths, from the tenth that is due least; both empty if nobody is due anything.
    """

    asset: str
    members: int
    amounts: tuple[tuple[int, int, int], ...]
    tenths: tuple[int, ...]
    gini: float = 0.0
    palma: float = 0.0


@dataclass(frozen=True, slots=True)
class Sums:
    """What a settlement comes to in all: `paid` members are paid `paid_out` minor units, `carried` are carried, and the solidarity
    fund gets `fund`. Where a total is told, that is for who looks after the node alone: it would give the true total away."""

    paid: int
    paid_out: int
    carried: int
    fund: int = 0


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A proposed division; `current` if it can still be carried out. Of each asset its spread and what it comes to."""

    plan: PeriodPlan
    current: bool
    spreads: tuple[Spread, ...]
    names: dict[str, str]
    sums: tuple[Sums, ...]


@dataclass(frozen=True, slots=True)
class Usable:
    """An asset that a data user may ask about, and what may still be learnt from it."""

    asset: Asset
    budget: Budget


@dataclass(frozen=True, slots=True)
class DeskPage:
    """All a data user works with; `usable` by asset, for agreements in force."""

    listed: tuple[Listed, ...]
    negotiations: tuple[Negotiation, ...]
    agreements: tuple[Agreement, ...]
    usable: tuple[Usable, ...]
    uses: tuple[Use, ...]
    names: dict[str, str]
    now: Instant


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """One question: what came of it, `remedy` if it was refused, `let_out` for who asked it, and the asset's budget."""

    use: Use
    who: str
    remedy: str
    let_out: canonical.Value
    budget: Budget | None


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
            vkey(node.signer.name, node.signer.public),
            hold.counts(state, now),
        )


def _listed(state: Snapshot, now: Instant) -> Iterator[Listed]:
    """Assets with at least one offer; what is not offered is nobody's business."""
    for asset in state.list(Asset):
        offers = tuple(o for o in state.list(Offer, asset=asset.id) if o.open and o.until > now)
        if offers:
            yield Listed(asset, name_of(state, asset.publisher), offers, adoption.measure_of(state, asset.id))


def member_page(node: Node, party: str) -> MemberPage | None:
    """What was done with a member's data, what it earned, what she said; None if nobody of that name is known."""
    with node.store.read() as state:
        row = find_party(state, party)
        if row is None:
            return None
        people = list(state.list(Person, party=row.id))
        now = node.clock.now()
        assets = tuple(_member_asset(state, person, now) for person in people)
        history = tuple(entry for entry in state.history(row.id) if hidden(state, entry.fact, row.id, now) is None)
        return MemberPage(row, assets, history)


def hidden(state: Snapshot, fact: Fact, party: str, now: Instant) -> Hold | None:
    """The hold that keeps a fact from a party now, if any; who asked for it is never kept from her own use."""
    held = hold_of(state, fact)
    return held if held is not None and held.active(now) and held.requester != party else None


def _member_asset(state: Snapshot, person: Person, now: Instant) -> MemberAsset:
    asset = state.get(Asset, person.asset)
    assert asset is not None
    paid, paid_in = _paid(state, asset, person.number, now)
    seen, withheld = [], []
    for use in state.list(Use, asset=asset.id):
        part = 0 if use.state == "refused" else parts_in(use, state.evidence)(person.number)
        held = hold.active(state, use.id, now)
        if part is None:
            continue
        if held is not None:
            withheld.append(held)
            continue
        told = use.state == "answered" and use.form not in RECORDS  # records are about others too
        let_out = canonical.decode(state.evidence(use.answer)) if told else None
        seen.append(Seen(use, name_of(state, use.requester), part, let_out, paid_in.get(use.id), use.ended))
    said = consent.said(state, asset.id, person.number)
    words = tuple(_words(state, asset, person, said, seen, now))
    if asset.charter and not is_in(state, asset.id, person.number):
        words = tuple(replace(word, holds="left") for word in words)
    shared = consent.shares(state, asset.id, person.number)
    divided = adoption.measure_of(state, asset.id)
    return MemberAsset(
        asset, person.number, said, words, tuple(reversed(seen)), tuple(paid), tuple(withheld), shared, divided
    )


def _words(
    state: Snapshot, asset: Asset, person: Person, said: dict[str, str], seen: Sequence[Seen], now: Instant
) -> Iterator[Word]:
    limited = [w.purpose for w in of_person(state, asset.id, person.party) if w.standing == LIMITED]
    asked = [p for p in (purposes.normal(one.use.purpose) for one in seen) if p]
    offered = [p for offer in state.list(Offer, asset=asset.id) if offer.open for p in offer.terms.purposes]
    for purpose in dict.fromkeys([*said, *limited, *asked, *offered]):
        holds = consent.standing_now(state, asset.id, person.number, purpose, now)
        yield Word(purpose, said.get(purpose, ""), holds)


def _paid(state: Snapshot, asset: Asset, number: int, now: Instant) -> tuple[list[Explanation], dict[str, str]]:
    """One person's line in every closed period, explained; and the period in which each use was paid.

    A use that is withheld earned her what it earned; it has no name there.
    """
    explanations, paid_in = [], {}
    for period in state.list(Period):
        plan = state.get(PeriodPlan, period.plan)
        assert plan is not None
        for statement in plan.planned.statements:
            if statement.asset != asset.id:
                continue
            paid_in.update(dict.fromkeys(statement.uses, period.id))
            line = Lines(statement, state.evidence).line(number)
            uses = [use for use in (state.get(Use, name) for name in statement.uses) if use]
            counted = (
                Counted("a use that is withheld" if hold.active(state, use.id, now) else use.id,
                        rows_of(contributions(state.evidence(use.contributions)), number), use.measure)
                for use in uses
            )  # fmt: skip
            explanations.append(explain(
                period.id, asset.id, plan.planned.currency, line.paid, statement.members,
                [use for use in counted if use.rows], line.owed if statement.root else None, statement.told,
            ))  # fmt: skip
    return explanations, paid_in


def steward_page(node: Node) -> StewardPage:
    """All that a steward looks after."""
    now = node.clock.now()
    with node.store.read() as state:
        assets = []
        for asset in state.list(Asset):
            budget = state.get(Budget, asset.id, asset.version)
            assert budget is not None
            assets.append((asset, budget))
        negotiations, uses = tuple(state.list(Negotiation)), tuple(state.list(Use))
        accounts = tuple(state.list(Account))
        return StewardPage(
            tuple(assets),
            tuple(state.list(Offer)),
            negotiations,
            tuple(state.list(Agreement)),
            uses,
            tuple(state.list(PeriodPlan)),
            tuple(state.list(Period)),
            accounts,
            tuple(warnings(state, node.about.operator, now)),
            _names(state, [
                *(n.consumer for n in negotiations), *(n.provider for n in negotiations), *(u.requester for u in uses),
                *(a.id.removeprefix("party:") for a in accounts),
            ]),
            now,
        )  # fmt: skip


def plan_page(node: Node, plan_id: str) -> PlanPage | None:
    """A proposed division, and how the members' share is spread; None if there is no such plan."""
    with node.store.read() as state:
        plan = state.get(PeriodPlan, plan_id)
        if plan is None:
            return None
        last = state.get(LastPeriod)
        parent = last.period if last else None
        current = plan.closed is None and plan.planned.parent == parent and state.get(Period, plan.period) is None
        spreads = tuple(_spread(s, state) for s in plan.planned.statements)
        shares = [share for statement in plan.planned.statements for share in statement.shares]
        names = _names(state, (s.account.removeprefix("party:") for s in shares))
        return PlanPage(plan, current, spreads, names, tuple(sums_of(state, s) for s in plan.planned.statements))


def sums_of(read: Reader, statement: AssetStatement) -> Sums:
    """What the settlement of a statement comes to in all, wherever that is said."""
    summed = read.get(Summed, statement.lines)
    if summed is None:
        return Sums(statement.paid, statement.paid_out, statement.carried)
    return Sums(summed.fact.paid, summed.fact.paid_out, summed.fact.carried, summed.fact.fund)


AMOUNTS = 10  # bars in which amounts are counted
TENTHS = 10


def _spread(statement: AssetStatement, state: Snapshot) -> Spread:
    asset, columns = statement.asset, Lines(statement, state.evidence).columns()
    due, paid = sorted(columns[0]), Counter(columns[1])
    if not any(due):
        return Spread(asset, len(due), (), ())
    edges = [len(due) * tenth // TENTHS for tenth in range(TENTHS + 1)]
    tenths = tuple(sum(due[low:high]) for low, high in pairwise(edges))
    return Spread(asset, len(due), tuple(_amounts(paid)), tenths, inequality.gini(due), inequality.palma(due))


def _amounts(paid: Counter[int]) -> Iterator[tuple[int, int, int]]:
    """From, to, how many: each amount by itself where there are few, else in steps of equal width."""
    if len(paid) <= AMOUNTS:
        yield from ((amount, amount, paid[amount]) for amount in sorted(paid))
        return
    width = -(-(max(paid) - min(paid) + 1) // AMOUNTS)
    for low in range(min(paid), max(paid) + 1, width):
        high = low + width - 1
        yield low, high, sum(count for amount, count in paid.items() if low <= amount <= high)


def desk_page(node: Node, party: str) -> DeskPage:
    """What a data user can request, has agreed to, and asked."""
    now = node.clock.now()
    with node.store.read() as state:
        agreements = tuple(state.list(Agreement, consumer=party))
        usable = []
        for name in dict.fromkeys(a.asset for a in agreements if a.active(now)):
            asset = state.get(Asset, name)
            assert asset is not None
            budget = state.get(Budget, asset.id, asset.version)
            assert budget is not None
            usable.append(Usable(asset, budget))
        return DeskPage(
            tuple(_listed(state, now)),
            tuple(state.list(Negotiation, consumer=party)),
            agreements,
            tuple(usable),
            tuple(state.list(Use, requester=party)),
            _names(state, (a.provider for a in agreements)),
            now,
        )


def question_page(node: Node, party: str, use_id: str) -> QuestionPage | None:
    """One question, for who asked it and, without the answer, for the operator; None for everybody else."""
    with node.store.read() as state:
        use = state.get(Use, use_id)
        if use is None or party not in (use.requester, node.about.operator):
            return None
        fact = state.entry(use.ended).fact
        remedy = fact.remedy if isinstance(fact, QueryRefused) else ""
        shown = use.state == "answered" and use.requester == party
        let_out = canonical.decode(state.evidence(use.answer)) if shown else None
        budget = state.get(Budget, use.asset, use.version) if use.version else None
        return QuestionPage(use, name_of(state, use.requester), remedy, let_out, budget)


def answer_for(node: Node, party: str, use_id: str) -> canonical.Value:
    """The answer to a question, for who asked it and, unless it is records, for the members whose rows counted; None for
    everybody else."""
    with node.store.read() as state:
        use = state.get(Use, use_id)
        if use is None or use.state != "answered":
            return None
        kept = use.form in RECORDS or hold.active(state, use_id, node.clock.now()) or not _counted(state, use, party)
        if use.requester != party and kept:
            return None
        return canonical.decode(state.evidence(use.answer))


def receipt_for(node: Node, party: str, seq: int) -> Receipt | None:
    """The receipt of a fact, if it is about `party`, answers or refuses a question of hers, or used rows about her."""
    with node.store.read() as state:
        if not 0 <= seq < state.size():
            return None
        fact, party = state.entry(seq).fact, id_of(state, party)
        if hidden(state, fact, party, node.clock.now()):
            return None
        if party in fact.about():
            return witness.receipt(node, state, seq)
        call = state.get(Call, getattr(fact, "call", ""))
        if call is not None:
            concerned = party in (call.party, *call.actors) and fact.owner() is None
            return witness.receipt(node, state, seq) if concerned else None
        use = state.get(Use, getattr(fact, "use", ""))
        if use is None:
            return None
        if use.requester == party or (use.state == "answered" and _counted(state, use, party)):
            return witness.receipt(node, state, seq)
        tried = use.state == "refused" and any(True for _ in state.list(Person, asset=use.asset, party=party))
        return witness.receipt(node, state, seq) if tried else None


def _counted(state: Snapshot, use: Use, party: str) -> bool:
    rows = contributions(state.evidence(use.contributions))
    return any(rows_of(rows, person.number) for person in state.list(Person, asset=use.asset, party=party))


def name_of(state: Snapshot, party: str) -> str:
    """What people call a party."""
    row = state.get(Party, party)
    return row.name if row else party


def _names(state: Snapshot, parties: Iterable[str]) -> dict[str, str]:
    return {party: name_of(state, party) for party in set(parties)}
