"""The decision: may this party use this asset, for this purpose, in this form?

The gates (see `gates`) stand in a fixed order and all are asked, so that a refusal names everything that stands in the
way and the change it proposes is enough. Only an explicit permit passes; whatever is unknown counts as no. What is unknown
to the node and what is not open to the asker get the very same answer, lest the refusal itself tell what exists.

Every premise is kept, whether it holds or not: the yes, the no and their explanation come out of the same lines.

Whether a *person* lets her rows be used is not one bit but a filter: the permit carries the population, and those who
refused or never consented are simply not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from usufruct.core.access import agreed, consent, delegation, gates, pricing, templates, why_not
from usufruct.core.access.clauses import Price, Running
from usufruct.core.access.consent_conditions import Circumstances
from usufruct.core.access.delegation import Deed
from usufruct.core.access.gates import Case
from usufruct.core.access.proof import GATES, Change, No, Obligation, Premise, Proof, Request
from usufruct.core.access.remembered import Remembered
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement, in_force
from usufruct.core.lineage.standing import rests_on, standing
from usufruct.core.registry import pool, rights
from usufruct.core.registry.assurance import found_out, known
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook import grades, levy, purposes
from usufruct.core.rulebook.levy import Surcharge
from usufruct.core.terms import evaluate

REFUSED = "the question was not answered"
NO_REMEDY = "nothing that can be asked otherwise; turn to the steward"


class Permit(NamedTuple):
    """Yes, under this agreement, for this purpose, in these circumstances, over this population (a bitmap of persons'
    numbers, of whom there are `persons`), with what the proof says goes with it; at this `price`, in minor units, and these
    `levies` on top of it, and under these `delegations`. No figure about fewer persons than `group_min` may leave. `priced_by`
    is the rule by which it costs something else than was agreed."""

    agreement: Agreement
    asset: Asset
    purpose: str
    circumstances: Circumstances
    population: bytes
    persons: int
    proof: Proof
    price: int
    group_min: int
    delegations: tuple[str, ...] = ()
    levies: tuple[Surcharge, ...] = ()
    priced_by: str = ""

    @property
    def owed(self) -> int:
        """The price, and the levies on top of it, in minor units."""
        return self.price + sum(levy.amount for levy in self.levies)


class _Verdict(NamedTuple):
    """All premises in the order of their gates, what stands in the way, and how that is said; None if nothing does."""

    premises: tuple[Premise, ...]
    noes: tuple[No, ...]
    refusal: Refusal | None


class _Lasting(NamedTuple):
    """A case, what seldom changes of it, and what a permit of it says.

    `asked` is the request in the words of rules, and `rules` are those that bear on it. `known`: an account is not enough,
    and it must be known who asks, which the premise `identity` says if the operator found it out; `signed`: by a signed
    request. What passes with the moment is looked at in each decision: mostly it is as it was `foreseen`, with which the
    verdict is `mostly`.
    """

    case: Case
    asked: evaluate.Request
    rules: tuple[agreed.Ruled, ...]
    known: bool
    signed: bool
    identity: Premise | None
    premises: tuple[Premise, ...]
    foreseen: list[Premise]
    mostly: _Verdict
    obligations: tuple[Obligation, ...]
    group_min: int
    life: int
    until: Instant
    prices: tuple[Price, ...]


class _Judged(NamedTuple):
    """What the gates found, and the case, if it came that far, with the price of the use."""

    verdict: _Verdict
    lasting: _Lasting | None = None
    price: int = 0
    delegations: tuple[str, ...] = ()
    until: Instant = END_OF_TIME
    levies: tuple[Surcharge, ...] = ()
    priced_by: str = ""


_LASTING: Remembered[tuple[_Lasting, ...] | None] = Remembered(100_000)


def decide(
    read: Reader, request: Request, at: Instant, admitted: bool = False, under: tuple[str, ...] = ()
) -> Permit | Refusal:
    """Permit or refusal for one request, from the state as it is at `at`; `admitted` for a use that was permitted before,
    `under` these delegations, and is among those that are counted."""
    judged = _judge(read, request, at, admitted, under)[0]
    if judged.verdict.refusal is not None:
        return judged.verdict.refusal
    assert judged.lasting is not None, "there is no permit without an agreement"
    case = judged.lasting.case
    circumstances, persons = _circumstances(case, request, at, admitted), pool.persons(read, case.asset)
    population = consent.population(
        read, case.asset.id, case.purpose, persons, circumstances, pool.members(read, case.asset, at)
    )
    return Permit(
        case.agreement, case.asset, case.purpose, circumstances, population, persons, _proof(request, at, judged),
        judged.price, judged.lasting.group_min, judged.delegations, judged.levies, judged.priced_by,
    )  # fmt: skip


def stands(read: Reader, request: Request, permit: Permit, at: Instant) -> Permit | Refusal:
    """The permit of a use that was admitted as it is at `at`, when what came of it would leave; or why nothing may: what
    permitted it ended, or what was worked out for the grades of then may be more than those of now let out."""
    again = decide(read, request, at, admitted=True, under=permit.delegations)
    if isinstance(again, Refusal):
        return refuse("access.ended", REFUSED, *again.reasons, remedy=again.remedy)
    if again.agreement.id != permit.agreement.id:
        reason = f"`{permit.agreement.id}` does not permit it any more"
        return refuse("access.ended", REFUSED, reason, remedy="ask again, under the agreement that is in force now")
    if again.group_min > permit.group_min or grade_of(again.asset, request.columns) > grade_of(
        permit.asset, request.columns
    ):
        reason = f"`{permit.asset.id}` counts as more sensitive since then"
        return refuse("access.ended", REFUSED, reason, remedy="ask again, as the grades are now")
    return again


def grade_of(asset: Asset, columns: tuple[str, ...]) -> int:
    """How sensitive it is to learn from these columns (none: from all): as the most sensitive of them, and as being in the
    table at all."""
    names = columns or tuple(column.name for column in asset.columns)
    read = (*names, asset.person_column) if asset.person_column else names
    return max((column.grade for name in read if (column := asset.column(name))), default=0)


def prove(read: Reader, request: Request, at: Instant) -> Proof:
    """The same decision with what it rests on and, where it is a no, the smallest change that would make it a yes."""
    tried = _judge(read, request, at)
    proof = _proof(request, at, tried[0])
    if proof.permits:
        return proof

    def way(agreement: str) -> why_not.Way:
        return lambda supposed, otherwise: _judge(supposed, otherwise, at, only=agreement)[0].verdict.noes

    ways = [way(judged.lasting.case.agreement.id if judged.lasting else "") for judged in tried]
    return proof._replace(why_not=why_not.smallest(read, request, ways))


def prove_alone(read: Reader, request: Request, at: Instant) -> Proof:
    """As `prove`, where no plan of a question follows, which else refuses columns that the asset does not have."""
    proof, asset = prove(read, request, at), read.get(Asset, request.asset)
    missing = [name for name in request.columns if asset is not None and asset.column(name) is None]
    if not proof.permits or asset is None or not missing:
        return proof
    rest = tuple(name for name in request.columns if name not in missing)
    reason = f"`{asset.id}` has no column {', '.join(missing)}"
    no = No("privacy.column", reason, (Change("leave these columns out", "columns", rest),))
    premise = Premise("grade", ", ".join(missing), "columns of the asset", "unknown", (asset.seq,), no)
    return proof._replace(premises=(premise, *proof.premises), obligations=(), life=0, until=at, why_not=no.changes)


def _judge(
    read: Reader, request: Request, at: Instant, admitted: bool = False, under: tuple[str, ...] = (), only: str = ""
) -> list[_Judged]:
    """What the gates say to each of the requester's agreements, or `only` to one, as where the request names one; the first
    is the one that decides: one that permits, or else the one that the least stands in the way of."""
    only = request.agreement or only
    purpose = purposes.normal(request.purpose)
    if purpose is None:
        return [_Judged(_verdict((gates.unknown_purpose(request),)))]
    chain = delegation.NO_CHAIN
    if request.actors:
        deed = Deed("ask", request.asset, (purpose,), request.form, uses=0 if admitted else 1, under=under)
        chain = delegation.look_at(read, request.requester, request.actors, deed, at)
        if chain.noes:  # what else stands in the way is no matter of somebody who acts for nobody
            return [_Judged(_verdict(chain.premises))]
    table, card = grades.in_force(at), read.get(Asset, request.asset) if request.columns else None
    columns = gates.columns_read(request, card) if card else None  # and not what was typed, which has no end
    name = (request.requester, request.asset, purpose, request.form, columns, table.effective, table.known)
    cases = _LASTING.find(name, read, at, partial(_work_out, request, purpose, columns, table, at))
    if cases is not None and only:
        cases = tuple(lasting for lasting in cases if lasting.case.agreement.id == only) or None
    if cases is None:
        return [_Judged(_verdict((*chain.premises, gates.no_agreement(request))))]
    tried: list[_Judged] = []
    for lasting in cases:
        agreement = lasting.case.agreement
        price, priced_by = pricing.of_use(read, agreement, lasting.prices, purpose, at)
        levies = levy.surcharges(read, request.asset, request.requester, price, at)
        asked = agreed.running(read, request, lasting.asked)
        passing = agreed.gates(read, lasting.rules, request, asked, at, admitted)
        passing += templates.premises(read, request, purpose, agreement)
        if lasting.known:
            passing.append(lasting.identity or gates.identity(request.requester, known(read, request.requester, at)))
        if lasting.signed:
            passing.append(gates.signature(request))
        if request.actors:
            # At its release the use is counted already, so the price would be that of the next one.
            due = None if admitted else price + sum(one.amount for one in levies)
            priced = replace(deed, price=due, money=due or 0, currency=agreement.terms.currency)
            chain = delegation.look_at(read, request.requester, request.actors, priced, at)
            passing += (
                *chain.premises,
                *agreed.mandated(read, agreed.who_asks(request), asked, chain.delegations, at, admitted),
            )
        verdict = lasting.mostly if passing == lasting.foreseen else _verdict((*lasting.premises, *passing))
        judged = _Judged(verdict, lasting, price, chain.ids, chain.until, levies, priced_by)
        if verdict.refusal is None:
            return [judged, *tried]
        tried.append(judged)
    return sorted(tried, key=lambda judged: len(judged.verdict.noes))


_PLACES = {gate: place for place, gate in enumerate(GATES)}


def _verdict(premises: Iterable[Premise]) -> _Verdict:
    """What these premises come to; within a gate they stay in their order."""
    in_order = tuple(sorted(premises, key=lambda premise: _PLACES[premise.gate]))
    noes = tuple([premise.no for premise in in_order if premise.no is not None])
    if not noes:
        return _Verdict(in_order, (), None)
    remedies = dict.fromkeys(no.remedy for no in noes if no.remedy)
    remedy = "; and ".join(remedies) or NO_REMEDY
    return _Verdict(in_order, noes, refuse(noes[0].code, REFUSED, *(no.reason for no in noes), remedy=remedy))


def _work_out(
    request: Request, purpose: str, columns: tuple[str, ...] | None, table: grades.Table, at: Instant, read: Reader
) -> tuple[_Lasting, ...] | None:
    """What lasts of a request, with each of the agreements that are in force; None if there is none, or no such asset."""
    agreements = in_force(read, request.requester, request.asset, at)
    card = read.get(Asset, request.asset) if agreements else None
    if card is None:
        return None
    asset, descent = standing(read, card, at), rests_on(read, card)
    own = delegation.in_its_own_name(read, request.requester)
    named = asset.columns if request.form in grades.RECORDS else ()
    if columns is not None:
        named = tuple(column for column in asset.columns if column.name in columns)
    found = []
    for agreement in agreements:
        right = read.get(Right, agreement.right)
        link = rights.explain(read, right, at) if right else None
        case = Case(purpose, request.form, named, asset, descent, table, agreement, link)
        others = [other for other in agreements if other is not agreement]
        found.append(_lasting(read, case, own, others, at))
    return tuple(found)


def _lasting(read: Reader, case: Case, own: tuple[Premise, ...], others: list[Agreement], at: Instant) -> _Lasting:
    """What lasts of a case, with the premises `own` of who asks."""
    agreement, running = case.agreement, read.get(Running, case.agreement.id)
    clause = (gates.schedule(case, running),) if running else ()
    premises = (*own, *gates.lasting(case), *clause)
    asked = agreed.question(case)
    rules = agreed.on(case, asked, others)
    must_be_known, signed = (grades.reaches(case.assurance, wanted) for wanted in ("substantial", "high"))
    facts = found_out(read, agreement.consumer, at) if must_be_known else None
    identity = gates.identity(agreement.consumer, facts) if facts else None
    foreseen = [premise for ruled in rules for premise in ruled.foreseen]
    foreseen += [premise for premise in (identity, gates.SIGNED if signed else None) if premise is not None]
    until = min([agreement.until, *(link.until for link in case.right.links)] if case.right else [at])
    return _Lasting(
        case, asked, rules, must_be_known, signed, identity, premises, foreseen, _verdict((*premises, *foreseen)),
        _obligations(case), case.group_min, min(grade.decision_seconds for grade in case.handled()), until,
        running.schedule.prices if running else (),
    )  # fmt: skip


def _circumstances(case: Case, request: Request, at: Instant, admitted: bool) -> Circumstances:
    terms = case.agreement.terms
    reach = {part.column: part.reach() for part in request.reach}
    return Circumstances(
        at, request.requester, request.form, case.agreement.id, terms.basis, reach, terms.ask_first, admitted
    )


# ---- the proof


def _proof(request: Request, at: Instant, judged: _Judged) -> Proof:
    """Where nothing is open to who asks, what it would have been restricted to is left out: it was read from a card."""
    lasting = judged.lasting
    if lasting is None:
        return Proof(replace(request, reach=()), at, "", judged.verdict.premises, (), 0, at)
    agreement = lasting.case.agreement.id
    if judged.verdict.refusal is not None:
        return Proof(request, at, agreement, judged.verdict.premises, (), 0, at)
    obligations = lasting.obligations
    if judged.price or judged.priced_by:
        currency = lasting.case.agreement.terms.currency
        due = str(Money(judged.price, currency))
        pay = [Obligation("pay", f"{due}, by the rule {judged.priced_by}" if judged.priced_by else due)]
        pay += [Obligation("pay-levy", f"{Money(one.amount, currency)} for {one.name}") for one in judged.levies]
        place = 1 + (request.form in ("aggregates", "computation"))
        obligations = (*obligations[:place], *pay, *obligations[place:])
    until = min(lasting.until, judged.until)
    return Proof(request, at, agreement, judged.verdict.premises, obligations, lasting.life, until)


def _obligations(case: Case) -> tuple[Obligation, ...]:
    """What whoever carries out the permit must see to, but for the price, which may change from use to use."""
    terms, asset = case.agreement.terms, case.asset
    obligations = [Obligation("row-filter", f"persons who allow {case.purpose}")]
    if case.form in ("aggregates", "computation"):
        obligations.append(Obligation("privacy-budget", f"{asset.id} {asset.version}"))
    if case.form != "rows":
        obligations.append(Obligation("minimum-group", case.group_min))
    elif asset.person_column and asset.column(asset.person_column) not in case.columns:
        obligations.append(Obligation("mask", asset.person_column))
    if case.form == "masked":
        obligations.append(Obligation("mask", asset.person_column))
    values = {
        "attribute": asset.title, "watermark": case.agreement.consumer, "notify": asset.source,
        "delete-by": case.agreement.until,
    }  # fmt: skip
    named = dict.fromkeys(name for grade in case.handled() for name in grade.obligations)
    obligations += [Obligation(name, values[name]) for name in named]
    if terms.rules is not None:
        obligations += [Obligation("duty", duty) for duty in agreed.terms_of(terms.rules).duties]
    return tuple(obligations)
