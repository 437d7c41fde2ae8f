"""The decision: may this party use this asset, for this purpose, in this form?

The gates stand in a fixed order and all are asked, so that a refusal names everything that stands in the way and the
change it proposes is enough. Only an explicit permit passes; whatever is unknown counts as no. What is unknown to the
node and what is not open to the asker get the very same answer, lest the refusal itself tell what exists.

Whether a *person* lets her rows be used is not one bit but a filter: the permit carries the population, and those who
refused or never consented are simply not in it. Nothing is refused because of who they are or how many: a refusal that
depends on persons would tell about persons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from usufruct.core.access import consent
from usufruct.core.access.facts import ConsentGiven, ConsentRefused
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement
from usufruct.core.registry import rights
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import FORMS, GRADES

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants which columns of what, for what, in which form (see `grades.FORMS`). For rows no columns means all."""

    requester: str
    asset: str
    purpose: str
    form: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes, under this agreement, for this purpose, over this population (a bitmap of persons' numbers)."""

    agreement: Agreement
    asset: Asset
    purpose: str
    population: bytes


@dataclass(frozen=True, slots=True)
class _No:
    """One gate's no: its code, why, and what would open it."""

    code: str
    reason: str
    remedy: str


def decide(read: Reader, request: Request, at: Instant) -> Permit | Refusal:
    """Permit or refusal for one request, from the state as it is at `at`."""
    refused = "the question was not answered"
    purpose = purposes.normal(request.purpose)
    if purpose is None:
        near = purposes.nearest(request.purpose)
        return refuse(
            "access.unknown-purpose", refused, f"`{request.purpose}` is not in the purpose tree",
            remedy=f"name one that is, such as {' or '.join(near) if near else 'AcademicResearch'}",
        )  # fmt: skip
    asset = read.get(Asset, request.asset)
    agreements = [a for a in read.list(Agreement, consumer=request.requester, asset=request.asset) if a.active(at)]
    if asset is None or not agreements:
        return refuse(
            "access.no-agreement", refused, f"`{request.requester}` has no agreement in force on `{request.asset}`",
            remedy="request an offer from the catalogue and come to an agreement first",
        )  # fmt: skip
    fewest: list[_No] | None = None
    for agreement in agreements:
        noes = _closed_gates(read, request, agreement, asset, purpose, at)
        if not noes:
            population = consent.population(read, asset.id, purpose, asset.quality.persons)
            return Permit(agreement, asset, purpose, population)
        if fewest is None or len(noes) < len(fewest):
            fewest = noes
    assert fewest is not None
    remedies = dict.fromkeys(no.remedy for no in fewest)
    return refuse(fewest[0].code, refused, *(no.reason for no in fewest), remedy="; and ".join(remedies))


def _closed_gates(
    read: Reader, request: Request, agreement: Agreement, asset: Asset, purpose: str, at: Instant
) -> list[_No]:
    noes = []
    terms = agreement.terms
    if not any(purposes.covers(allowed, purpose) for allowed in terms.purposes):
        allowed = ", ".join(terms.purposes)
        noes.append(_No(
            "access.purpose", f"`{agreement.id}` does not cover the purpose {purpose}, only {allowed}",
            f"ask for {allowed}, if that is what it is for, or come to an agreement that covers {purpose}",
        ))  # fmt: skip
    if request.form != terms.form:
        noes.append(_No(
            "access.form", f"`{agreement.id}` is for {FORMS[terms.form]}, not for {FORMS[request.form]}",
            _example(asset) if terms.form == "aggregates" else f"come to an agreement that is for {FORMS[request.form]}",
        ))  # fmt: skip
    noes.extend(_grade_gate(request, asset))
    right = read.get(Right, agreement.right)
    if right is None or rights.chain(read, right, at) is None:
        noes.append(_No(
            "access.rights", f"the right of `{agreement.provider}` to grant this use has ended",
            f"ask `{agreement.provider}` to renew it",
        ))  # fmt: skip
    return noes


def _grade_gate(request: Request, asset: Asset) -> list[_No]:
    """Columns whose grade does not let this form leave the node; columns that do not exist are the planner's matter."""
    noes = []
    wanted = {name.lower() for name in request.columns}
    everything = request.form == "rows" and not wanted
    read_columns = [c for c in asset.columns if everything or c.name.lower() in wanted]
    closed = [c.name for c in read_columns if not GRADES[c.grade].forms]
    if closed:
        noes.append(_No(
            "access.grade", f"{', '.join(closed)}: graded {GRADES[5].name} or {GRADES[6].name}, which this node never lets out",
            "leave these columns out",
        ))  # fmt: skip
    by_grade: dict[int, list[str]] = {}
    for column in read_columns:
        if GRADES[column.grade].forms and request.form not in GRADES[column.grade].forms:
            by_grade.setdefault(column.grade, []).append(column.name)
    for grade, names in sorted(by_grade.items(), reverse=True):
        noes.append(_No(
            "access.form", f"{', '.join(names)}: graded {GRADES[grade].name}, so {FORMS[request.form]} never leave the node",
            _example(asset),
        ))  # fmt: skip
    return noes


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
