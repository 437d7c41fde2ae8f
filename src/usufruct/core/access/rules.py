"""The decision: may this party use this asset, for this purpose, in this form?

The gates (see `gates`) stand in a fixed order and all are asked, so that a refusal names everything that stands in the
way and the change it proposes is enough. Only an explicit permit passes; whatever is unknown counts as no. What is unknown
to the node and what is not open to the asker get the very same answer, lest the refusal itself tell what exists.

Every premise is kept, whether it holds or not: the yes, the no and their explanation come out of the same lines.

Whether a *person* lets her rows be used is not one bit but a filter: the permit carries the population, and those who
refused or never consented are simply not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from usufruct.core.access import agreed, consent, gates, why_not
from usufruct.core.access.consent_conditions import Circumstances
from usufruct.core.access.gates import Case
from usufruct.core.access.proof import No, Obligation, Premise, Proof, Request
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement
from usufruct.core.lineage.standing import rests_on, standing
from usufruct.core.registry import rights
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import in_force

REFUSED = "the question was not answered"


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes, under this agreement, for this purpose, in these circumstances, over this population (a bitmap of persons'
    numbers), with what the proof says goes with it."""

    agreement: Agreement
    asset: Asset
    purpose: str
    circumstances: Circumstances
    population: bytes
    proof: Proof


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the gates found: the premises, and the case, if it came that far."""

    premises: tuple[Premise, ...]
    case: Case | None = None

    @property
    def noes(self) -> list[No]:
        return [premise.no for premise in self.premises if premise.no]


def decide(read: Reader, request: Request, at: Instant, admitted: bool = False) -> Permit | Refusal:
    """Permit or refusal for one request, from the state as it is at `at`; `admitted` for a use that was permitted before
    and is among those that are counted."""
    judged = _judge(read, request, at)[0]
    case, noes = judged.case, judged.noes
    if noes or case is None:
        remedies = dict.fromkeys(no.remedy for no in noes if no.remedy)
        return refuse(noes[0].code, REFUSED, *(no.reason for no in noes), remedy="; and ".join(remedies) or NO_REMEDY)
    circumstances = _circumstances(case, admitted)
    population = consent.population(read, case.asset.id, case.purpose, case.asset.quality.persons, circumstances)
    proof = _proof(request, at, judged)
    return Permit(case.agreement, case.asset, case.purpose, circumstances, population, proof)


NO_REMEDY = "nothing that can be asked otherwise; turn to the steward"


def prove(read: Reader, request: Request, at: Instant) -> Proof:
    """The same decision with what it rests on and, where it is a no, the smallest change that would make it a yes."""
    proof = _proof(request, at, _judge(read, request, at)[0])
    if proof.permits:
        return proof

    def noes(supposed: Reader, otherwise: Request) -> list[No]:
        judged = _judge(supposed, otherwise, at)
        return [no for one in judged for no in one.noes] if judged[0].noes else []

    return replace(proof, why_not=why_not.smallest(read, request, noes))


def _judge(read: Reader, request: Request, at: Instant) -> list[_Judged]:
    """What the gates say to each of the requester's agreements; the first is the one that decides: one that permits, or
    else the one that the least stands in the way of."""
    purpose = purposes.normal(request.purpose)
    if purpose is None:
        return [_Judged((gates.unknown_purpose(request),))]
    card = read.get(Asset, request.asset)
    agreements = [a for a in read.list(Agreement, consumer=request.requester, asset=request.asset) if a.active(at)]
    if card is None or not agreements:
        return [_Judged((gates.no_agreement(request),))]
    asset, descent, table = standing(read, card, at), rests_on(read, card), in_force(at)
    tried: list[_Judged] = []
    for agreement in agreements:
        others = tuple(other for other in agreements if other is not agreement)
        case = Case(read, request, at, purpose, asset, descent, table, agreement, _right(read, agreement, at), others)
        judged = _Judged(tuple(gates.all_gates(case)), case)
        if not judged.noes:
            return [judged, *tried]
        tried.append(judged)
    return sorted(tried, key=lambda judged: len(judged.noes))


def _right(read: Reader, agreement: Agreement, at: Instant) -> rights.Explained | None:
    right = read.get(Right, agreement.right)
    return rights.explain(read, right, at) if right else None


def _circumstances(case: Case, admitted: bool) -> Circumstances:
    terms = case.agreement.terms
    reach = {part.column: part.reach() for part in case.request.reach}
    return Circumstances(
        case.at, case.request.requester, case.request.form, case.agreement.id, terms.basis, reach, terms.ask_first,
        admitted,
    )  # fmt: skip


# ---- the proof


def _proof(request: Request, at: Instant, judged: _Judged) -> Proof:
    """Where nothing is open to who asks, what it would have been restricted to is left out: it was read from a card."""
    case = judged.case
    if case is None:
        return Proof(replace(request, reach=()), at, "", judged.premises, (), 0, at)
    if judged.noes:
        return Proof(request, at, case.agreement.id, judged.premises, (), 0, at)
    assert case.right is not None
    until = min(case.agreement.until, *(link.until for link in case.right.links))
    handled = [case.table.grades[column.grade] for column in case.columns() or case.asset.columns]
    life = min(grade.decision_seconds for grade in handled)
    return Proof(request, at, case.agreement.id, judged.premises, _obligations(case), life, until)


def _obligations(case: Case) -> tuple[Obligation, ...]:
    """What whoever carries out the permit must see to."""
    terms, asset = case.agreement.terms, case.asset
    obligations = [Obligation("row-filter", f"persons who allow {case.purpose}")]
    if case.request.form == "aggregates":
        obligations.append(Obligation("privacy-budget", f"{asset.id} {asset.version}"))
    if terms.price:
        obligations.append(Obligation("pay", f"{terms.price} {terms.currency}"))
    handled = [case.table.grades[column.grade] for column in case.columns() or asset.columns]
    obligations += [Obligation(name, "") for name in dict.fromkeys(n for grade in handled for n in grade.obligations)]
    if terms.rules is not None:
        obligations += [Obligation("duty", duty) for duty in sorted(agreed.terms_of(terms.rules).duties)]
    return tuple(obligations)
