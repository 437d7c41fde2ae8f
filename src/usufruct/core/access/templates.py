"""Templates: questions with gaps, approved once and asked many times.

A template is the text of a question in which some of the values are left open: its *parameters*. Whoever may ask about the
assets it reads, or publishes one of them, proposes it; the publisher of each of them approves it, or does not. From then
on everybody who may ask about them can run it by saying the values alone. An agreement can be restricted to such templates
by the operand `usu:template` of its rules.

A version never changes: what is approved is what was read. The next version takes its place when it is approved itself,
and a version that is withdrawn is run no more, not even by who was let in a moment ago (see the gate below, which is asked
again before an answer leaves).

What the parameters take stands in the template too (see `template_values`), so what can be said in a run is known in full
to who approves. A value is one literal of the question that is asked, whatever it holds, and never text of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from usufruct.core.access.proof import Change, No, Premise, Request
from usufruct.core.access.template_values import Gap, Parameter, parameter_of
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.odrl import PREVIEW, for_previews
from usufruct.core.contract.state import Agreement, in_force
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook import purposes

APPROVED = "approved"
"""Stands for any approved template, where rules name templates; so none may be called that."""

PARAMETERS_MAX = 20
TEXT_MAX = 2_000  # characters of a question: as many as the journal keeps of one
NAMED_MAX = 5  # templates that a refusal names
_WORDS_MAX = 200  # characters of a title or a label
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A template as it is proposed. `micro_rho` is what each run spends of the privacy budget (None: as who runs it says)."""

    name: str
    title: str
    text: str
    purposes: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()
    micro_rho: int | None = None


# ---- what can have happened


@dataclass(frozen=True, slots=True)
class TemplateProposed(Fact):
    """Somebody wants the question `text` to be asked again and again, for one of the `purposes`, with values in place of its
    parameters. `micro_rho` is what each run spends of the privacy budget; None leaves it to who runs it."""

    KIND = "template.proposed/1"
    template: str
    version: int
    assets: tuple[str, ...]
    title: str
    purposes: tuple[str, ...]
    text: str
    parameters: tuple[Parameter, ...]
    by: str
    micro_rho: int | None = None

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class TemplateApproved(Fact):
    """The publisher of assets that a template reads lets it be run. Once those of all have, it takes the place of the
    version before."""

    KIND = "template.approved/1"
    template: str
    version: int
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class TemplateWithdrawn(Fact):
    """A version of a template is run no more, or will never be."""

    KIND = "template.withdrawn/1"
    template: str
    version: int
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


# ---- what is true now


@dataclass(frozen=True, slots=True)
class Template(Row):
    """One version of a template, see `TemplateProposed`. `stands` is proposed, approved, replaced or withdrawn; `approved_by`
    are the publishers who approved it, `seqs` the facts that say all that."""

    KEY = ("template", "version")
    INDEXED = ("template", "stands")
    template: str
    version: int
    assets: tuple[str, ...]
    title: str
    purposes: tuple[str, ...]
    text: str
    parameters: tuple[Parameter, ...]
    by: str
    micro_rho: int | None
    since: Instant
    seqs: tuple[int, ...]
    approved_by: tuple[str, ...] = ()
    stands: str = "proposed"

    @property
    def id(self) -> str:
        """The name of this version, as uses and rules have it."""
        return f"{self.template}@{self.version}"


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about templates changes."""
    match entry.fact:
        case TemplateProposed() as fact:
            yield Template(
                fact.template, fact.version, fact.assets, fact.title, fact.purposes, fact.text, fact.parameters, fact.by,
                fact.micro_rho, entry.at, (entry.seq,),
            )  # fmt: skip
        case TemplateApproved() as fact:
            row = _row(read, fact.template, fact.version)
            row = replace(row, approved_by=(*row.approved_by, fact.by), seqs=(*row.seqs, entry.seq))
            if publishers(read, row.assets) <= set(row.approved_by):
                for other in list(versions(read, row.template)):
                    if other.stands == APPROVED:
                        yield replace(other, stands="replaced", seqs=(*other.seqs, entry.seq))
                row = replace(row, stands=APPROVED)
            yield row
        case TemplateWithdrawn() as fact:
            row = _row(read, fact.template, fact.version)
            yield replace(row, stands="withdrawn", seqs=(*row.seqs, entry.seq))
        case _:
            return


def _row(read: Reader, name: str, version: int) -> Template:
    row = read.get(Template, name, version)
    assert row is not None, "nothing is approved or withdrawn that was never proposed"
    return row


def versions(read: Reader, name: str) -> Iterator[Template]:
    """All versions of a template, the first first."""
    return read.list(Template, template=name)


def publishers(read: Reader, assets: Iterable[str]) -> set[str]:
    """Who must approve a template that reads these assets."""
    found = (read.get(Asset, asset) for asset in assets)
    return {asset.publisher for asset in found if asset is not None}


def find(read: Reader, id: str) -> Template | None:
    """The version that `name@version` names."""
    name, _, version = id.partition("@")
    plain = version.isascii() and version.isdigit() and len(version) <= 9
    row = read.get(Template, name, int(version)) if plain else None
    return row if row is not None and row.id == id else None


def open_to(read: Reader, party: str, row: Template, at: Instant) -> bool:
    """Whether a party may know of a template: who publishes one of its assets, proposed it, or may ask about all of them once
    it is approved."""
    if party == row.by or party in publishers(read, row.assets):
        return True
    return row.stands == APPROVED and all(in_force(read, party, asset, at) for asset in row.assets)


# ---- what may happen


def propose(read: Reader, draft: Draft, assets: tuple[str, ...], by: str, at: Instant) -> TemplateProposed | Refusal:
    """The next version of a template, of a question about these assets.

    Raises:
        BadInput: the draft says what cannot be.
    """
    name = checked(draft.name, "a template")
    if name in (APPROVED, PREVIEW):
        raise BadInput(
            "input.template", f"no template can be called `{name}`", "it stands for all that are; choose another"
        )
    _check_words(draft)
    allowed = tuple(dict.fromkeys(purposes.checked(purpose) for purpose in draft.purposes))
    if not allowed:
        raise BadInput("input.template", "nothing says what the template is for", "name a purpose, as AcademicResearch")
    not_done = f"`{name}` was not proposed"
    rows = [read.get(Asset, asset) for asset in assets]
    cards = [row for row in rows if row is not None and (row.publisher == by or in_force(read, by, row.id, at))]
    if read.get(Party, by) is None or len(cards) < len(assets):
        closed = next((asset for asset in assets if asset not in {card.id for card in cards}), by)
        return refuse(
            "access.no-agreement", not_done, f"`{by}` has no agreement in force on `{closed[:63]}`",
            remedy="come to an agreement on what the question is about first",
        )  # fmt: skip
    before = list(versions(read, name))
    hers = not before or before[-1].by == by or by in publishers(read, before[-1].assets)
    if not hers or any(set(row.assets) != set(assets) for row in before):
        return refuse(
            "registry.exists", not_done, "the name is taken by another template", remedy="choose another name"
        )
    parameters: list[Parameter] = []
    for gap in draft.gaps:
        parameter = parameter_of(gap, cards)
        if isinstance(parameter, Refusal):
            return parameter
        parameters.append(parameter)
    return TemplateProposed(
        name, len(before) + 1, assets, holdable(draft.title.strip()), allowed, holdable(draft.text), tuple(parameters), by,
        draft.micro_rho,
    )  # fmt: skip


def _check_words(draft: Draft) -> None:
    names = [gap.name for gap in draft.gaps]
    for words, what in ((draft.title, "title"), *((gap.label, f"label of `{gap.name}`") for gap in draft.gaps)):
        if not words.strip() or len(words) > _WORDS_MAX or not words.isprintable():
            raise BadInput("input.template", f"the {what} is no line of words", f"write up to {_WORDS_MAX} characters")
    if len(draft.text) > TEXT_MAX:
        raise BadInput("input.template", f"the question is longer than {TEXT_MAX} characters", "shorten it")
    if len(names) > PARAMETERS_MAX or len(set(names)) < len(names):
        raise BadInput(
            "input.template", f"there are more than {PARAMETERS_MAX} parameters, or two of one name", "leave some out"
        )
    for name in names:
        if not _NAME.fullmatch(name):
            raise BadInput(
                "input.template", f"`{name}` cannot be the name of a parameter",
                "begin with a small letter; small letters, digits and _ may follow",
            )  # fmt: skip


def _of_publisher(read: Reader, name: str, version: int, by: str, at: Instant, not_done: str) -> Template | Refusal:
    row = read.get(Template, name[:63], version)
    if row is None or row.stands in ("withdrawn", "replaced") or not open_to(read, by, row, at):
        return refuse(
            "access.template", not_done, f"there is no version {version} of a template `{name[:63]}` that waits or is run",
            remedy="see the list of templates",
        )  # fmt: skip
    return row


def approve(read: Reader, name: str, version: int, by: str, at: Instant) -> TemplateApproved | Refusal:
    """The publisher of assets that it reads lets a template be run."""
    not_done = f"version {version} of `{name[:63]}` was not approved"
    row = _of_publisher(read, name, version, by, at, not_done)
    if isinstance(row, Refusal):
        return row
    if by not in publishers(read, row.assets):
        named = " and ".join(f"`{party}`" for party in sorted(publishers(read, row.assets)))
        return refuse(
            "access.template", not_done, f"it reads {', '.join(row.assets)}, and `{by}` does not publish that",
            remedy=f"have {named} approve it",
        )  # fmt: skip
    if by in row.approved_by:
        return refuse(
            "access.template", not_done, f"`{by}` approved it already", remedy="run it, or propose another version"
        )
    return TemplateApproved(name, version, by)


def withdraw(read: Reader, name: str, version: int, by: str, at: Instant) -> TemplateWithdrawn | Refusal:
    """A publisher takes a version back, or who proposed it while nobody may run it."""
    not_done = f"version {version} of `{name[:63]}` was not withdrawn"
    row = _of_publisher(read, name, version, by, at, not_done)
    if isinstance(row, Refusal):
        return row
    if by not in publishers(read, row.assets) and not (by == row.by and row.stands == "proposed"):
        return refuse(
            "access.template", not_done, "others run it now", remedy="ask the publisher of the data to withdraw it"
        )
    return TemplateWithdrawn(name, version, by)


# ---- running


def to_run(read: Reader, name: str, party: str, at: Instant) -> Template | Refusal:
    """The version of a template that a party can run; where there is none, and where it may not know of it, the same."""
    row = next((row for row in versions(read, name[:63]) if row.stands == APPROVED), None)
    if row is not None and all(in_force(read, party, asset, at) for asset in row.assets):
        return row
    return refuse(
        "access.template", "the template was not run", f"there is no approved template `{name[:63]}` that `{party}` can run",
        remedy="see the list of templates; for those on other data come to an agreement first",
    )  # fmt: skip


# ---- the decision


def shown(read: Reader, request: Request) -> frozenset[str]:
    """What the rules of an agreement are told of the template that is run: its name, with and without the version, and
    that it is approved. Nothing of a question that is asked freely."""
    if request.template == PREVIEW:
        return frozenset({PREVIEW})
    row = find(read, request.template) if request.template else None
    return frozenset({APPROVED, row.template, row.id}) if row is not None and row.stands == APPROVED else frozenset()


def premises(read: Reader, request: Request, purpose: str, agreement: Agreement) -> Iterator[Premise]:
    """That the template that is run is approved, for these data and this purpose: so one that is withdrawn is no way in. A
    preview is of the node's own making, and goes with an agreement for previews alone."""
    if not request.template:
        return
    if request.template == PREVIEW:
        fits, why = for_previews(agreement.terms.rules), f"`{agreement.id}` is not for previews"
        no = None if fits else No("access.template", why, (Change("ask freely", "template", ""),))
        yield Premise("agreement", "template", PREVIEW, PREVIEW if fits else "another use", (agreement.seq,), no)
        return
    row, no = find(read, request.template), None
    found = "unknown" if row is None else row.stands if request.asset in row.assets else "about other data"
    if found != APPROVED:
        change = Change("run the version that is approved now, or ask freely", "template", "")
        no = No("access.template", f"`{request.template[:80]}` is not approved, or not any more", (change,))
    yield Premise("agreement", "template", APPROVED, found, row.seqs if row is not None else (), no)
    if row is None or no is not None:
        return
    no = None
    if not any(purposes.covers(broader, purpose) for broader in row.purposes):
        named = ", ".join(row.purposes)
        changes = (Change(f"run it for {named}, if that is what it is for", "purpose", one) for one in row.purposes)
        no = No("access.purpose", f"`{row.id}` is approved for {named}, not for {purpose}", tuple(changes))
    yield Premise("purpose", "template", row.purposes, purpose, row.seqs, no)


def instead(read: Reader, agreement: Agreement, at: Instant) -> Iterator[Change]:
    """What to do where an agreement lets templates be run and nothing else."""
    approved = (row for row in read.list(Template, stands=APPROVED) if agreement.asset in row.assets)
    found = [row for row in approved if open_to(read, agreement.consumer, row, at)]
    for row in found[:NAMED_MAX]:
        yield Change(f"run the template `{row.template}` ({row.title})", "template", row.id)
    if not found:
        yield Change(f"propose a template, and have the publisher of `{agreement.asset}` approve it")
