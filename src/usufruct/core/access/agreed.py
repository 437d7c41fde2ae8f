"""What the rules of an agreement say to a request: its gate in the decision.

An agreement may carry rules (see `core.terms`): permissions with constraints, duties and counts, and prohibitions. They
are read once and kept, for an agreement is asked often and never changes. The request is put to them in the words of their
vocabulary; the state of the world is what the journal knows: the moment, how often the agreement was used, which duties
were reported fulfilled or violated, and what the requester has shown of itself. Nearly all of a request is the same
whenever it is made, and is held against the rules once (`on`); what is left is asked in each decision.

A prohibition counts whichever of the requester's agreements it stands in: who agreed once never to use data for marketing
does not escape by a second agreement. Only the agreement that is asked may say of itself that its permissions win.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from usufruct.core.access import proof, templates
from usufruct.core.access.delegation import Delegation
from usufruct.core.access.gates import Case
from usufruct.core.access.proof import Change, No, Premise
from usufruct.core.access.remembered import OncePerObject
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.contract.odrl import ACTIONS, for_previews
from usufruct.core.contract.state import Agreement, AgreementUses, Duty
from usufruct.core.registry.assurance import known
from usufruct.core.registry.credentials import claims
from usufruct.core.rulebook.grades import RECORDS
from usufruct.core.terms import evaluate
from usufruct.core.terms.evaluate import Request, Rest, Terms, World
from usufruct.core.terms.model import Ruleset

CALL = "execute"
"""The action that a call of a service is."""

TEMPLATE = "usu:template"

KEPT = 200_000  # rule sets that are not read again


_LATER = frozenset({"usu:claim", "usu:machine", "usu:assurance", TEMPLATE})  # what `question` does not know


class Ruled(NamedTuple):
    """What the rules of an agreement are to what is asked: the `rest` of them, and what they come to if that is no
    obstacle. They are asked for their permissions if they are the agreement's `own`."""

    agreement: Agreement
    terms: Terms
    rest: Rest
    own: bool
    permitted: Premise
    free: Premise

    @property
    def foreseen(self) -> list[Premise]:
        """What passes if the rest of the rules is no obstacle."""
        return [self.free] * self.terms.prohibitive + [self.permitted] * self.own


class Who(NamedTuple):
    """Who asks: the party, whether a machine acts for it, and whether the request is signed with a key of its sender."""

    party: str
    machine: bool
    signed: bool


terms_of: OncePerObject[Ruleset, Terms] = OncePerObject(lru_cache(KEPT)(evaluate.read), KEPT)
"""The rules, ready to be asked. All agreements on an offer have equal ones, which are read once."""


def on(case: Case, asked: Request, others: Iterable[Agreement]) -> tuple[Ruled, ...]:
    """The rules that bear on what is `asked` (see `question`): those of the agreement that is asked, and the prohibitions of
    the requester's `others`."""
    found: list[Ruled] = []
    for agreement in (case.agreement, *others):
        if agreement.terms.rules is None:
            continue
        terms, own = terms_of(agreement.terms.rules), agreement is case.agreement
        if own or terms.prohibitive:
            permitted = Premise("agreement", "rules", "permitted", "permitted", (agreement.seq,))
            free = Premise("prohibition", agreement.id, "no prohibition", "none", (agreement.seq,))
            found.append(Ruled(agreement, terms, terms.settled(asked, _LATER), own, permitted, free))
    return tuple(found)


def gates(
    read: Reader, rules: tuple[Ruled, ...], request: proof.Request, asked: Request, at: Instant, admitted: bool = False
) -> list[Premise]:
    """The premises of the rules that bear on what is asked; the use itself is among those counted if it is `admitted`."""
    premises: list[Premise] = []
    for ruled in rules:
        terms = ruled.terms
        shown = _shown(read, who_asks(request), asked, at) if terms.of_who else asked
        world = _world(read, ruled.agreement, terms, at, admitted and ruled.own)
        if terms.prohibitive:
            premises.append(_prohibition(ruled, shown, world))
        if ruled.own:
            premises.append(_permission(read, ruled, shown, world))
    return premises


def mandated(
    read: Reader, who: Who, asked: Request, delegations: Iterable[Delegation], at: Instant, admitted: bool
) -> Iterator[Premise]:
    """The premises of the rules that mandates carry, to what is `asked` (see `question` and `called`); the use itself is
    among those counted if it is `admitted`."""
    for row in delegations:
        if row.mandate.rules is None:
            continue
        terms, no = terms_of(row.mandate.rules), None
        world = World(at, counters=dict.fromkeys(terms.counted, row.uses - admitted))
        report = terms.report(_shown(read, who, asked, at) if terms.of_who else asked, world)
        if not report.permitted:
            without = replace(row, mandate=replace(row.mandate, rules=None))
            change = Change(f"have `{row.principal}` delegate with other rules than `{row.id}`", row=without)
            no = No("access.delegation", f"the rules of `{row.id}` do not permit it", (change,))
        yield Premise("authenticity", f"rules of {row.id}", "permitted", report.why, (row.seq,), no)


def question(case: Case) -> Request:
    """The request in the words of the rules, but for what the requester has shown of itself."""
    asset, columns = case.asset, case.columns or case.asset.columns
    classes = tuple({column.data_class: None for column in columns})
    values: dict[str, Any] = {
        "usu:form": case.form, "usu:grade": max([column.grade for column in columns]),
        "usu:class": classes[0] if len(classes) == 1 else classes, "usu:place": "export" if case.form in RECORDS else "node",
        "recipient": case.agreement.consumer, "version": asset.version,
        "usu:group": None if case.form == "rows" else case.group_min, TEMPLATE: frozenset(),
    }  # fmt: skip
    if not asset.charter:  # how many are in a pool is told in steps, and not by what a rule lets through
        values["usu:persons"] = asset.quality.persons
    return Request(ACTIONS[case.form], asset.id, case.agreement.consumer, case.purpose, values)


def running(read: Reader, request: proof.Request, asked: Request) -> Request:
    """What is asked, with the template that is run, if one is."""
    if not request.template:
        return asked
    return asked._replace(values={**asked.values, TEMPLATE: templates.shown(read, request)})


def called(requester: str, service: str, purpose: str) -> Request:
    """As `question`, for a call: nothing is known of what the service answers."""
    return Request(CALL, service, requester, purpose, {"recipient": requester})


def who_asks(request: proof.Request) -> Who:
    """Who makes the request."""
    return Who(request.requester, bool(request.actors), request.signed)


def _shown(read: Reader, who: Who, asked: Request, at: Instant) -> Request:
    """What is asked, with what is known of who asks."""
    shown = claims(read, who.party, at)
    types = {one.type for found in shown.values() for one in found}
    told: dict[str, Any] = {
        "usu:claim": frozenset(types | {f"{name}={one.value}" for name in shown for one in shown[name]}),
        "usu:machine": "yes" if who.machine else "no",
        "usu:assurance": 1 if known(read, who.party, at) is None else 3 if who.signed else 2,
    }
    return asked._replace(values={**asked.values, **told})


def _world(read: Reader, agreement: Agreement, terms: Terms, at: Instant, counted: bool) -> World:
    if not (terms.counted or terms.duties):
        return World(at)
    counters: dict[str, int] = {}
    if terms.counted:
        uses = read.get(AgreementUses, agreement.id)
        counters = dict.fromkeys(terms.counted, (uses.uses if uses else 0) - counted)
    duties = list(read.list(Duty, agreement=agreement.id)) if terms.duties else []
    return World(
        at, frozenset(duty.duty for duty in duties if duty.fulfilled), frozenset(d.duty for d in duties if d.violated),
        counters,
    )  # fmt: skip


def _permission(read: Reader, ruled: Ruled, asked: Request, world: World) -> Premise:
    if ruled.rest.permits(asked, world):
        return ruled.permitted
    agreement, report = ruled.agreement, ruled.terms.report(asked, world)
    changes = tuple(_changes(read, agreement, report, world.at))
    no = No("access.terms", _why(agreement, report, asked), changes)
    return ruled.permitted._replace(found=report.why, no=no)


def _prohibition(ruled: Ruled, asked: Request, world: World) -> Premise:
    if (ruled.own and ruled.terms.rules.conflict == "perm") or not ruled.rest.prohibits(asked, world):
        return ruled.free
    agreement = ruled.agreement
    no = No(
        "access.prohibited", f"`{agreement.id}` prohibits it, and a prohibition holds under every agreement",
        (Change(f"ask `{agreement.provider}` to lift the prohibition in `{agreement.id}`"),),
    )  # fmt: skip
    return ruled.free._replace(found="prohibited", no=no)


def _why(agreement: Agreement, report: evaluate.Report, asked: Request) -> str:
    """The permission that lacks the least, and what it lacks."""
    if for_previews(agreement.terms.rules):
        return f"`{agreement.id}` is for previews alone"
    lacking = evaluate.changes(report)
    if not lacking or not lacking[0].premises:
        return f"the rules of `{agreement.id}` do not permit it"
    if all(TEMPLATE in premise.expected for premise in lacking[0].premises):
        what = " and ".join(premise.expected for premise in lacking[0].premises)
        run = "this is another" if asked.values[TEMPLATE] else "this is asked freely"
        return f"`{agreement.id}` is for templates ({what}), and {run}"
    said = "; ".join(f"{premise.expected}, and it is {premise.found or 'unknown'}" for premise in lacking[0].premises)
    return f"the rules of `{agreement.id}` permit it only if {said}"


def _changes(read: Reader, agreement: Agreement, report: evaluate.Report, at: Instant) -> Iterator[Change]:
    """Run a template, if that is what is missing; fulfil the duties that are, if nothing else is; else another agreement."""
    lacking = evaluate.changes(report)
    named = any(TEMPLATE in premise.expected for premise in (lacking[0].premises if lacking else ()))
    if named and not for_previews(agreement.terms.rules):
        yield from templates.instead(read, agreement, at)
    duties = [premise.uid for premise in lacking[0].premises if premise.kind == "duty"] if lacking else []
    if duties and len(duties) == len(lacking[0].premises):
        for duty in duties:
            yield Change(f"fulfil the duty {duty} and have it reported", row=Duty(agreement.id, duty, fulfilled=True))
    without = replace(agreement, terms=replace(agreement.terms, rules=None))
    yield Change(f"come to an agreement with other rules than `{agreement.id}`", row=without)
