"""The gates of the decision, in their order, but for what the rules of agreements say (see `agreed`) and who acts for
whom (see `delegation`). Each yields its premises, whether they hold or not.

A *grade* gate asks how the columns must be handled, how surely it must be known who asks for them, and on what their use
may rest; *prohibition* what is never allowed, by descent or by any agreement that the requester has on the asset; *purpose*
what it is for, in the agreement, by descent and by right; *agreement* what was agreed, its rules, duties and counts;
*consent* whose rows; *rights* whether who agreed could.

Nothing is refused because of who the persons are or how many: the consent gate narrows and never refuses (decision 0005).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.access.clauses import Running
from usufruct.core.access.proof import Change, No, Premise, Request
from usufruct.core.contract.state import Agreement
from usufruct.core.registry import assurance, rights
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook import grades, purposes
from usufruct.core.rulebook.bases import CONSENT, EXPLICIT
from usufruct.core.rulebook.grades import FORMS, RECORDS, Grade, Table

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = re.compile(
    r"all|alter|and|any|as|between|case|create|cross|cube|current_date|current_user|describe|distinct|drop|else|"
    r"except|false|fetch|for|force|from|glob|grant|having|if|ilike|inner|insert|install|intersect|into|join|lambda|"
    r"lateral|like|limit|localtime|localtimestamp|lock|map|not|notnull|null|offset|on|only|or|outer|positional|"
    r"qualify|regexp|returning|revoke|rlike|rollback|rollup|select|summarize|tablesample|then|true|uncache|union|"
    r"using|values|when|where|window|with|xor"
)


_IDENTITY = "somebody whose identity is verified"
SIGNED = Premise("grade", "request", "a proof of the sender's key", True)
_UNSIGNED = SIGNED._replace(found=False, no=No(
    "access.assurance", "the request is not signed with a key that only its sender has",
    (Change("send the request with a proof of your key (DPoP), as a program", "signed", True),),
))  # fmt: skip
_COME_TO_ONE = (Change("request an offer from the catalogue and come to an agreement first"),)


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked under one agreement: a form of answer for a purpose, from these columns of the `asset` as it stands,
    which rests on the facts `descent`. `table` is how grades are handled, `right` the chain behind the agreement."""

    purpose: str
    form: str
    columns: tuple[Column, ...]
    asset: Asset
    descent: tuple[int, ...]
    table: Table
    agreement: Agreement
    right: rights.Explained | None

    @property
    def assurance(self) -> str:
        """How surely it must be known who asks."""
        return max((grade.assurance for grade in self.handled()), key=tuple(grades.ASSURANCES).index)

    @property
    def group_min(self) -> int:
        """How many persons must stand in a figure at least."""
        return max(grade.group_min for grade in self.handled())

    def handled(self) -> list[Grade]:
        """The grades of what is read. Who adds up, counts, learns or masks reads whom the rows are about: the grade of that column
        says how sensitive it is to be among them. Of everything, if nothing is read by name."""
        read = (*self.columns, self.person) if self.person else self.columns
        return [self.table.grades[column.grade] for column in read or self.asset.columns]

    @property
    def person(self) -> Column | None:
        """The column that says whom the rows are about, if the form of answer needs it read."""
        return None if self.form == "rows" else self.asset.column(self.asset.person_column)


def identity(party: str, facts: tuple[int, ...] | None) -> Premise:
    """That it is known who asks, by these `facts`, for what is so graded that an account is not enough."""
    if facts is not None:
        return Premise("grade", party, _IDENTITY, "verified", facts)
    change = Change("have the operator find out who you are, or show a credential", row=assurance.verified(party))
    no = No("access.assurance", f"it is not known surely enough who `{party}` is", (change,))
    return Premise("grade", party, _IDENTITY, "not verified", (), no)


def signature(request: Request) -> Premise:
    """That the request is signed, for what is graded even higher."""
    return SIGNED if request.signed else _UNSIGNED


def columns_read(request: Request, asset: Asset) -> tuple[str, ...] | None:
    """The names of the columns that are asked for, as far as they exist, in the order of the asset; None if none is named."""
    if not request.columns:
        return None
    wanted = {name.lower() for name in request.columns}
    return tuple([column.name for column in asset.columns if column.name.lower() in wanted])


def lasting(case: Case) -> Iterator[Premise]:
    """The premises of what seldom changes: asset, agreement, rights."""
    yield from _grade(case)
    yield from _basis(case)
    yield from _prohibition(case)
    yield from _purpose(case)
    yield from _form(case)
    yield from _consent(case)
    yield from _rights(case)


def unknown_purpose(request: Request) -> Premise:
    """The one premise of a request for what is no purpose."""
    near = purposes.nearest(request.purpose) or ("AcademicResearch",)
    changes = tuple(Change(f"name one that is, such as {' or '.join(near)}", "purpose", purpose) for purpose in near)
    reason = f"`{request.purpose}` is not in the purpose tree"
    return Premise(
        "purpose", "known", "a purpose of the tree", request.purpose, (), No("access.unknown-purpose", reason, changes)
    )


def no_agreement(request: Request) -> Premise:
    """The one premise of a request for what is unknown, or not open to who asks: the two look the same."""
    reason = f"`{request.requester}` has no agreement in force on `{request.asset}`"
    no = No("access.no-agreement", reason, _COME_TO_ONE)
    return Premise("agreement", "in force", "an agreement in force", "none", (), no)


def _grade(case: Case) -> Iterator[Premise]:
    """Columns whose grade does not let this form leave the node; columns that do not exist are the planner's matter.

    Masked records and cubes stand for persons one by one, or a few, so to be among them must be harmless enough too."""
    read, table = case.columns, case.table.grades
    if case.form in ("masked", "cubes") and case.person and case.person not in read:
        read = (*read, case.person)
    closed = [column for column in read if not table[column.grade].forms]
    if closed:
        names = ", ".join(column.name for column in closed)
        reason = f"{names}: graded {table[5].name} or {table[6].name}, which this node never lets out"
        rest = tuple(column.name for column in read if column not in closed)
        yield Premise(
            "grade", names, "a grade that is let out", [column.grade for column in closed], case.descent,
            No("access.grade", reason, (Change("leave these columns out", "columns", rest),)),
        )  # fmt: skip
    by_grade: dict[int, list[str]] = {}
    for column in read:
        if table[column.grade].forms:
            by_grade.setdefault(column.grade, []).append(column.name)
    for grade, graded in sorted(by_grade.items(), reverse=True):
        forms, names, no = table[grade].forms, ", ".join(graded), None
        if case.form not in forms:
            reason = f"{names}: graded {table[grade].name}, so {FORMS[case.form]} never leave the node"
            no = No("access.form", reason, (*_narrower(case, graded), Change(_example(case), "form", "aggregates")))
        yield Premise("grade", names, forms, case.form, case.descent, no)


def _narrower(case: Case, graded: list[str]) -> Iterator[Change]:
    """Other columns, where some of those asked for may leave as records."""
    rest = tuple(c.name for c in case.columns if case.form in case.table.grades[c.grade].forms)
    unseen = case.person is not None and case.person.name in graded
    if case.form in RECORDS and covers(case.agreement.terms.form, case.form) and rest and not unseen:
        yield Change(f"ask for {', '.join(rest)} alone", "columns", rest)


def covers(agreed: str, form: str) -> bool:
    """Whether who may have answers of the form `agreed` may have them in `form`: whoever may have records as they are may
    have them masked. No other form is a part of another: what protects persons differs."""
    return form == agreed or (agreed in RECORDS and form in RECORDS[RECORDS.index(agreed) :])


def _basis(case: Case) -> Iterator[Premise]:
    """What the most sensitive data may rest on (GDPR, article 9)."""
    agreement, no = case.agreement, None
    if any(grade.basis == "explicit-or-statute" for grade in case.handled()):
        basis, allowed = agreement.terms.basis, EXPLICIT
        if basis not in allowed:
            terms = replace(agreement.terms, basis=CONSENT)
            no = No(
                "access.basis", f"`{agreement.id}` rests on {basis}, which is not enough for data of this grade",
                (Change("come to an agreement that rests on consent, or on a law", row=replace(agreement, terms=terms)),),
            )  # fmt: skip
        yield Premise("grade", "legal basis", allowed, basis, (agreement.seq,), no)


def _prohibition(case: Case) -> Iterator[Premise]:
    """What is never allowed, whatever anybody agrees to."""
    asset, purpose, no = case.asset, case.purpose, None
    against = purposes.forbids(asset.prohibited, purpose)
    if against is not None:
        no = No("access.prohibited", f"`{asset.id}` may never be used for {against}, whatever anybody agrees to", ())
    yield Premise("prohibition", "by descent", asset.prohibited, purpose, case.descent, no)


def _purpose(case: Case) -> Iterator[Premise]:
    asset, agreement, purpose = case.asset, case.agreement, case.purpose
    allowed, no = agreement.terms.purposes, None
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
    yield Premise("purpose", "by descent", asset.purposes, purpose, case.descent, no)


def _covered(allowed: tuple[str, ...], purpose: str) -> bool:
    return any(purposes.covers(broader, purpose) for broader in allowed)


def _form(case: Case) -> Iterator[Premise]:
    agreement, form, no = case.agreement, case.agreement.terms.form, None
    if not covers(form, case.form):
        other = replace(agreement, terms=replace(agreement.terms, form=case.form))
        change = (
            Change(_example(case), "form", "aggregates")
            if form == "aggregates"
            else Change(f"come to an agreement that is for {FORMS[case.form]}", row=other)
        )
        reason = f"`{agreement.id}` is for {FORMS[form]}, not for {FORMS[case.form]}"
        no = No("access.form", reason, (change,))
    yield Premise("agreement", "form", form, case.form, (agreement.seq,), no)


def schedule(case: Case, running: Running) -> Premise:
    """What its clauses made of the agreement so far: always open, for what they ended is not in force."""
    return Premise("agreement", "schedule", f"until {case.agreement.until}", running.renewals, running.seqs)


def _consent(case: Case) -> Iterator[Premise]:
    """Always open: it narrows and never refuses."""
    expected = f"those who allow {case.purpose}"
    yield Premise("consent", "whose rows", expected, "a filter over all persons", (case.asset.seq,))


def _rights(case: Case) -> Iterator[Premise]:
    agreement, found = case.agreement, case.right
    rests_on, no = tuple(link.seq for link in found.links) if found else (), None
    if found is None or found.broken:
        broken = found.broken if found else None
        renewed, why = (broken.mended, f": {broken.why}") if broken else (None, "")
        reason = f"the right of `{agreement.provider}` to grant this use has ended{why}"
        no = No("access.rights", reason, (Change(f"ask `{agreement.provider}` to renew it", row=renewed),))
    yield Premise("rights", agreement.right, "a chain to the source", "broken" if no else "whole", rests_on, no)
    if found is not None:
        yield from _reach(case, found.links[0], rests_on)


def _reach(case: Case, right: Right, rests_on: tuple[int, ...]) -> Iterator[Premise]:
    """What the provider's right is good for: nobody can agree to more."""
    agreement, no = case.agreement, None
    if not _covered(right.purposes, case.purpose):
        named = ", ".join(right.purposes)
        reason = f"the right of `{agreement.provider}` is good for {named}, not for {case.purpose}"
        changes = (Change(f"ask for {named}, if that is what it is for", "purpose", one) for one in right.purposes)
        no = No("access.rights", reason, tuple(changes))
    yield Premise("rights", "purposes", right.purposes, case.purpose, rests_on, no)
    if right.columns:
        read, within = case.columns, {name.lower() for name in right.columns}
        outside, no = [column.name for column in read if column.name.lower() not in within], None
        if outside:
            rest = tuple(column.name for column in read if column.name not in outside)
            reason = f"{', '.join(outside)}: the right of `{agreement.provider}` does not reach these columns"
            no = No("access.rights", reason, (Change("leave these columns out", "columns", rest),))
        yield Premise("rights", "columns", right.columns, [column.name for column in read], rests_on, no)


def _example(case: Case) -> str:
    """The nearest question of the allowed form, made from the asset's public card alone."""
    asset = case.asset
    open_ones = (c for c in asset.columns if "aggregates" in case.table.grades[c.grade].forms)
    columns = sorted(open_ones, key=lambda column: column.grade)  # the harmless ones first, for they are refused least
    key = next((quoted(c.name) for c in columns if c.values), None)
    measure = next((quoted(c.name) for c in columns if c.low is not None and not c.values), None)
    select = f"AVG({measure})" if measure else "COUNT(*)"
    source = f"FROM {quoted(asset.id)}"
    return f"ask for totals: SELECT {f'{key}, ' if key else ''}{select} {source}{f' GROUP BY {key}' if key else ''}"


def quoted(name: str) -> str:
    """`name` as SQL takes it: in quotes unless it is a plain word, and not one of its own."""
    return (
        name
        if _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name.lower())
        else '"' + name.replace('"', '""') + '"'
    )
