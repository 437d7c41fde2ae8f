"""The decision: may this party use this asset, for this purpose, in this form?

The gates stand in a fixed order and all are asked, so that a refusal names everything that stands in the way and the
change it proposes is enough. Only an explicit permit passes; whatever is unknown counts as no. What is unknown to the
node and what is not open to the asker get the very same answer, lest the refusal itself tell what exists.

A gate yields premises (see `proof`), one for each thing it looks at, whether it holds or not: the yes, the no and their
explanation come out of the same lines. A *grade* gate asks how the columns must be handled; *prohibition* what is never
allowed; *purpose* what it is for, in the agreement and by descent; *agreement* what was agreed; *rights* whether who
agreed could.

Whether a *person* lets her rows be used is not one bit but a filter: the permit carries the population, and those who
refused or never consented are simply not in it. Nothing is refused because of who they are or how many: a refusal that
depends on persons would tell about persons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.access import consent, why_not
from usufruct.core.access.facts import ConsentGiven, ConsentRefused
from usufruct.core.access.proof import Change, No, Obligation, Premise, Proof, Request
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement
from usufruct.core.registry import rights
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import FORMS, GRADES

__all__ = ["Permit", "Request", "decide", "prove", "say"]

REFUSED = "the question was not answered"

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes, under this agreement, for this purpose, over this population (a bitmap of persons' numbers), with what the
    proof says goes with it."""

    agreement: Agreement
    asset: Asset
    purpose: str
    population: bytes
    proof: Proof


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the gates found for one agreement; without any, `asset` and `agreement` are None."""

    premises: tuple[Premise, ...]
    purpose: str = ""
    asset: Asset | None = None
    agreement: Agreement | None = None
    until: Instant = END_OF_TIME

    @property
    def noes(self) -> list[No]:
        return [premise.no for premise in self.premises if premise.no]


def decide(read: Reader, request: Request, at: Instant) -> Permit | Refusal:
    """Permit or refusal for one request, from the state as it is at `at`."""
    judged = _judge(read, request, at)[0]
    if judged.noes or judged.asset is None or judged.agreement is None:
        noes = judged.noes
        remedies = dict.fromkeys(no.remedy for no in noes)
        return refuse(noes[0].code, REFUSED, *(no.reason for no in noes), remedy="; and ".join(remedies))
    population = consent.population(read, judged.asset.id, judged.purpose, judged.asset.quality.persons)
    return Permit(judged.agreement, judged.asset, judged.purpose, population, _proof(request, at, judged))


def prove(read: Reader, request: Request, at: Instant) -> Proof:
    """The same decision with what it rests on and, where it is a no, the smallest change that would make it a yes."""
    proof = _proof(request, at, _judge(read, request, at)[0])
    if proof.permits:
        return proof

    def noes(supposed: Reader, otherwise: Request) -> list[No]:
        judged = _judge(supposed, otherwise, at)
        return [no for one in judged for no in one.noes] if judged[0].noes else []

    return replace(proof, why_not=why_not.smallest(read, request, noes))


def _proof(request: Request, at: Instant, judged: _Judged) -> Proof:
    if judged.noes or judged.asset is None or judged.agreement is None:
        return Proof(request, at, judged.agreement.id if judged.agreement else "", judged.premises, (), 0, at)
    obligations, life = _obligations(request, judged.asset, judged.agreement, judged.purpose)
    return Proof(request, at, judged.agreement.id, judged.premises, obligations, life, judged.until)


def _judge(read: Reader, request: Request, at: Instant) -> list[_Judged]:
    """What the gates say to each of the requester's agreements; the first is the one that decides: one that permits, or
    else the one that the least stands in the way of."""
    purpose = purposes.normal(request.purpose)
    if purpose is None:
        return [_Judged((_unknown_purpose(request),))]
    asset = read.get(Asset, request.asset)
    agreements = [a for a in read.list(Agreement, consumer=request.requester, asset=request.asset) if a.active(at)]
    if asset is None or not agreements:
        return [_Judged((_no_agreement(request),))]
    tried: list[_Judged] = []
    for agreement in agreements:
        right = read.get(Right, agreement.right)
        links = rights.chain(read, right, at) if right else None
        premises = (
            *_grade(request, asset),
            *_purpose(request, asset, agreement, purpose),
            *_agreement(request, asset, agreement),
            *_consent(asset, purpose),
            _rights(agreement, right, links),
        )
        until = min(agreement.until, *(link.until for link in links)) if links else agreement.until
        judged = _Judged(premises, purpose, asset, agreement, until)
        if not judged.noes:
            return [judged, *tried]
        tried.append(judged)
    return sorted(tried, key=lambda judged: len(judged.noes))


# ---- the gates, in their order


def _unknown_purpose(request: Request) -> Premise:
    near = purposes.nearest(request.purpose) or ("AcademicResearch",)
    changes = tuple(Change(f"name one that is, such as {' or '.join(near)}", "purpose", purpose) for purpose in near)
    reason = f"`{request.purpose}` is not in the purpose tree"
    return Premise(
        "purpose", "known", "a purpose of the tree", request.purpose, (), No("access.unknown-purpose", reason, changes)
    )


def _no_agreement(request: Request) -> Premise:
    reason = f"`{request.requester}` has no agreement in force on `{request.asset}`"
    change = Change("request an offer from the catalogue and come to an agreement first")
    no = No("access.no-agreement", reason, (change,))
    return Premise("agreement", "in force", "an agreement in force", "none", (), no)


def _grade(request: Request, asset: Asset) -> Iterator[Premise]:
    """Columns whose grade does not let this form leave the node; columns that do not exist are the planner's matter."""
    read = _columns_read(request, asset)
    closed = [column for column in read if not GRADES[column.grade].forms]
    if closed:
        names = ", ".join(column.name for column in closed)
        reason = f"{names}: graded {GRADES[5].name} or {GRADES[6].name}, which this node never lets out"
        rest = tuple(column.name for column in read if column not in closed)
        yield Premise(
            "grade", names, "a grade that is let out", [column.grade for column in closed], (asset.seq,),
            No("access.grade", reason, (Change("leave these columns out", "columns", rest),)),
        )  # fmt: skip
    by_grade: dict[int, list[str]] = {}
    for column in read:
        if GRADES[column.grade].forms:
            by_grade.setdefault(column.grade, []).append(column.name)
    for grade, graded in sorted(by_grade.items(), reverse=True):
        forms, names, no = GRADES[grade].forms, ", ".join(graded), None
        if request.form not in forms:
            reason = f"{names}: graded {GRADES[grade].name}, so {FORMS[request.form]} never leave the node"
            no = No("access.form", reason, (Change(_example(asset), "form", "aggregates"),))
        yield Premise("grade", names, forms, request.form, (asset.seq,), no)


def _columns_read(request: Request, asset: Asset) -> list[Column]:
    wanted = {name.lower() for name in request.columns}
    everything = request.form == "rows" and not wanted
    return [column for column in asset.columns if everything or column.name.lower() in wanted]


def _purpose(request: Request, asset: Asset, agreement: Agreement, purpose: str) -> Iterator[Premise]:
    allowed = agreement.terms.purposes
    no = None
    if not _covered(allowed, purpose):
        named = ", ".join(allowed)
        wider = replace(agreement, terms=replace(agreement.terms, purposes=(*allowed, purpose)))
        no = No(
            "access.purpose", f"`{agreement.id}` does not cover the purpose {purpose}, only {named}",
            (
                *(Change(f"ask for {named}, if that is what it is for", "purpose", one) for one in allowed),
                Change(f"come to an agreement that covers {purpose}", row=wider),
            ),
        )  # fmt: skip
    yield Premise("purpose", "agreed", allowed, purpose, (agreement.seq,), no)
    no = None
    if not _covered(asset.purposes, purpose):
        named = ", ".join(asset.purposes)
        no = No(
            "access.purpose", f"`{asset.id}` may not be used for {purpose}, only for {named}",
            tuple(Change(f"ask for {named}, if that is what it is for", "purpose", one) for one in asset.purposes),
        )  # fmt: skip
    yield Premise("purpose", "by descent", asset.purposes, purpose, (asset.seq,), no)


def _covered(allowed: tuple[str, ...], purpose: str) -> bool:
    return any(purposes.covers(broader, purpose) for broader in allowed)


def _agreement(request: Request, asset: Asset, agreement: Agreement) -> Iterator[Premise]:
    form, no = agreement.terms.form, None
    if request.form != form:
        other = replace(agreement, terms=replace(agreement.terms, form=request.form))
        change = (
            Change(_example(asset), "form", "aggregates")
            if form == "aggregates"
            else Change(f"come to an agreement that is for {FORMS[request.form]}", row=other)
        )
        reason = f"`{agreement.id}` is for {FORMS[form]}, not for {FORMS[request.form]}"
        no = No("access.form", reason, (change,))
    yield Premise("agreement", "form", form, request.form, (agreement.seq,), no)


def _consent(asset: Asset, purpose: str) -> Iterator[Premise]:
    """Always open: it narrows and never refuses."""
    yield Premise("consent", "whose rows", f"those who allow {purpose}", "a filter over all persons", (asset.seq,))


def _rights(agreement: Agreement, right: Right | None, links: tuple[Right, ...] | None) -> Premise:
    rests_on = tuple(link.seq for link in links or ((right,) if right else ()))
    no = None
    if links is None:
        renewed = replace(right, until=END_OF_TIME, rests_on=None) if right else None
        no = No(
            "access.rights", f"the right of `{agreement.provider}` to grant this use has ended",
            (Change(f"ask `{agreement.provider}` to renew it", row=renewed),),
        )  # fmt: skip
    return Premise("rights", agreement.right, "a chain to the source", "whole" if links else "broken", rests_on, no)


# ---- what goes with a yes


def _obligations(
    request: Request, asset: Asset, agreement: Agreement, purpose: str
) -> tuple[tuple[Obligation, ...], int]:
    """What whoever carries out the permit must do, and for how many seconds it may be relied upon."""
    terms = agreement.terms
    obligations = [Obligation("row-filter", f"persons who allow {purpose}")]
    if request.form == "aggregates":
        obligations.append(Obligation("privacy-budget", f"{asset.id} {asset.version}"))
    if terms.price:
        obligations.append(Obligation("pay", f"{terms.price} {terms.currency}"))
    handled = [GRADES[column.grade] for column in _columns_read(request, asset) or asset.columns]
    group = max(grade.group_min for grade in handled)
    if group:
        obligations.append(Obligation("minimum-group", group))
    for name in dict.fromkeys(name for grade in handled for name in grade.obligations):
        obligations.append(Obligation(name, ""))
    return tuple(obligations), min(grade.decision_seconds for grade in handled)


def _example(asset: Asset) -> str:
    """The nearest question of the allowed form, made from the asset's public card alone."""
    columns = [c for c in asset.columns if "aggregates" in GRADES[c.grade].forms]
    key = next((_quoted(c.name) for c in columns if c.values), None)
    measure = next((_quoted(c.name) for c in columns if c.low is not None and not c.values), None)
    select = f"AVG({measure})" if measure else "COUNT(*)"
    source = f"FROM {_quoted(asset.id)}"
    return f"ask for totals: SELECT {f'{key}, ' if key else ''}{select} {source}{f' GROUP BY {key}' if key else ''}"


def _quoted(name: str) -> str:
    """`name` as SQL takes it: in quotes unless it is a plain word."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def say(read: Reader, asset: str, party: str, purpose: str, yes: bool) -> ConsentGiven | ConsentRefused | Refusal:
    """A person gives or refuses consent.

    Raises:
        BadInput: the purpose is not in the tree.
    """
    known = purposes.normal(purpose)
    if known is None:
        near = ", ".join(purposes.nearest(purpose)) or "see the purpose tree"
        raise BadInput("input.purpose", f"`{purpose}` is not in the purpose tree", f"nearest: {near}")
    try:
        member = id_of(read, party)
        consent.number_of(read, asset, member)
    except LookupError:
        return refuse(
            "registry.unknown", "your word was not recorded", f"there is no asset `{asset}` that is about `{party}`",
            remedy="choose one of the assets on your own page",
        )  # fmt: skip
    return (ConsentGiven if yes else ConsentRefused)(asset, member, known)
