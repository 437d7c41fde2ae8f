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
from functools import partial
from typing import NamedTuple

from usufruct.core.access import agreed, consent, gates, why_not
from usufruct.core.access.consent_conditions import Circumstances
from usufruct.core.access.gates import Case
from usufruct.core.access.proof import GATES, No, Obligation, Premise, Proof, Request
from usufruct.core.access.remembered import Remembered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement, in_force
from usufruct.core.lineage.standing import rests_on, standing
from usufruct.core.registry import rights
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook import grades, purposes

REFUSED = "the question was not answered"
NO_REMEDY = "nothing that can be asked otherwise; turn to the steward"


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


class _Lasting(NamedTuple):
    """A case, what seldom changes of it, and what a permit of it says."""

    case: Case
    premises: tuple[Premise, ...]
    obligations: tuple[Obligation, ...]
    life: int
    until: Instant


class _Judged(NamedTuple):
    """What the gates found: the premises, and the case, if it came that far."""

    premises: tuple[Premise, ...]
    noes: list[No]
    lasting: _Lasting | None = None


_LASTING: Remembered[_Lasting] = Remembered(100_000)


def decide(read: Reader, request: Request, at: Instant, admitted: bool = False) -> Permit | Refusal:
    """Permit or refusal for one request, from the state as it is at `at`; `admitted` for a use that was permitted before
    and is among those that are counted."""
    judged = _judge(read, request, at, admitted)[0]
    if judged.noes or judged.lasting is None:
        noes = judged.noes
        remedies = dict.fromkeys(no.remedy for no in noes if no.remedy)
        return refuse(noes[0].code, REFUSED, *(no.reason for no in noes), remedy="; and ".join(remedies) or NO_REMEDY)
    case = judged.lasting.case
    circumstances = _circumstances(case, request, at, admitted)
    population = consent.population(read, case.asset.id, case.purpose, case.asset.quality.persons, circumstances)
    return Permit(case.agreement, case.asset, case.purpose, circumstances, population, _proof(request, at, judged))


def prove(read: Reader, request: Request, at: Instant) -> Proof:
    """The same decision with what it rests on and, where it is a no, the smallest change that would make it a yes."""
    proof = _proof(request, at, _judge(read, request, at)[0])
    if proof.permits:
        return proof

    def noes(supposed: Reader, otherwise: Request) -> list[No]:
        judged = _judge(supposed, otherwise, at)
        return [no for one in judged for no in one.noes] if judged[0].noes else []

    return replace(proof, why_not=why_not.smallest(read, request, noes))


def _judge(read: Reader, request: Request, at: Instant, admitted: bool = False) -> list[_Judged]:
    """What the gates say to each of the requester's agreements; the first is the one that decides: one that permits, or
    else the one that the least stands in the way of."""
    purpose = purposes.normal(request.purpose)
    if purpose is None:
        return [_judged((gates.unknown_purpose(request),))]
    card = read.get(Asset, request.asset)
    agreements = in_force(read, request.requester, request.asset, at)
    if card is None or not agreements:
        return [_judged((gates.no_agreement(request),))]
    tried: list[_Judged] = []
    for agreement in agreements:
        name = (agreement.id, purpose, request.form, request.columns)
        lasting = _LASTING.find(name, read, at, partial(_work_out, agreement.id, request, purpose, at))
        others = [other for other in agreements if other is not agreement]
        passing = tuple(agreed.gates(read, lasting.case, others, at, admitted))
        premises = tuple(sorted(lasting.premises + passing, key=_order)) if passing else lasting.premises
        judged = _judged(premises, lasting)
        if not judged.noes:
            return [judged, *tried]
        tried.append(judged)
    return sorted(tried, key=lambda judged: len(judged.noes))


def _judged(premises: tuple[Premise, ...], lasting: _Lasting | None = None) -> _Judged:
    return _Judged(premises, [premise.no for premise in premises if premise.no is not None], lasting)


def _order(premise: Premise) -> int:
    return GATES.index(premise.gate)


def _work_out(agreement_id: str, request: Request, purpose: str, at: Instant, read: Reader) -> _Lasting:
    agreement, card = read.get(Agreement, agreement_id), read.get(Asset, request.asset)
    assert agreement is not None and card is not None
    asset, right = standing(read, card, at), read.get(Right, agreement.right)
    case = Case(
        purpose, request.form, gates.columns_read(request, asset), asset, rests_on(read, card), grades.in_force(at), agreement,
        rights.explain(read, right, at) if right else None,
    )  # fmt: skip
    until = min([agreement.until, *(link.until for link in case.right.links)] if case.right else [at])
    life = min(grade.decision_seconds for grade in case.handled())
    return _Lasting(case, tuple(gates.lasting(case)), _obligations(case), life, until)


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
        return Proof(replace(request, reach=()), at, "", judged.premises, (), 0, at)
    agreement = lasting.case.agreement.id
    if judged.noes:
        return Proof(request, at, agreement, judged.premises, (), 0, at)
    return Proof(request, at, agreement, judged.premises, lasting.obligations, lasting.life, lasting.until)


def _obligations(case: Case) -> tuple[Obligation, ...]:
    """What whoever carries out the permit must see to."""
    terms, asset = case.agreement.terms, case.asset
    obligations = [Obligation("row-filter", f"persons who allow {case.purpose}")]
    if case.form == "aggregates":
        obligations.append(Obligation("privacy-budget", f"{asset.id} {asset.version}"))
    if terms.price:
        obligations.append(Obligation("pay", f"{terms.price} {terms.currency}"))
    named = dict.fromkeys(name for grade in case.handled() for name in grade.obligations)
    obligations += [Obligation(name, "") for name in named]
    if terms.rules is not None:
        obligations += [Obligation("duty", duty) for duty in agreed.terms_of(terms.rules).duties]
    return tuple(obligations)
