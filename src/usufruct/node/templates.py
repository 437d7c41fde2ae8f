"""Templates: propose, approve, withdraw, look them up, and run them.

To run one is to ask its question: the values are bound, and then everything goes the way of any question (`query.ask`),
with its decision, its budget and its facts. What is asked under a template's name is made here and nowhere else, from the
text that was approved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from usufruct.core.access import delegation, templates
from usufruct.core.access.delegation import only_people
from usufruct.core.access.template_values import Bound, bind
from usufruct.core.access.templates import (
    Draft,
    Template,
    TemplateApproved,
    TemplateProposed,
    TemplateWithdrawn,
)
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.relations import resolve
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.rules import reads
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Asset
from usufruct.node import query
from usufruct.node.node import Node
from usufruct.ports import Transaction

Parse = Callable[[str, Mapping[str, Bound]], Question | Refusal]
"""How a text with values becomes a question: `wire.sql.parse`."""


@dataclass(frozen=True, slots=True)
class Run:
    """Who runs which template with which `values`, as typed; the rest as in `query.Asked`. Without a `purpose` it is run for
    the one that it is approved for, if there is only one."""

    requester: str
    template: str
    values: Mapping[str, str]
    purpose: str = ""
    micro_rho: int | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A template as a party sees it: whether it can run it, approve it, or withdraw it now; and who publishes what it reads."""

    row: Template
    runs: bool
    approves: bool
    withdraws: bool
    publishers: tuple[str, ...]


def propose(node: Node, draft: Draft, by: str, parse: Parse) -> TemplateProposed | Refusal:
    """Proposes the next version of a template. Its question is read once with each parameter's first and last value, so that
    what is wrong with it is found before anybody approves it.

    Raises:
        BadInput: the draft says what cannot be.
    """
    names = [gap.name for gap in draft.gaps]
    read = parse(draft.text, dict.fromkeys(names, 0))
    if isinstance(read, Refusal):
        return read
    now = node.clock.now()
    least, most = (node.rulebook.value(f"privacy.question-micro-rho-{end}", now) for end in ("min", "max"))
    if draft.micro_rho is not None and not least <= draft.micro_rho <= most:
        raise BadInput(
            "input.template", f"one question may spend {least} to {most} micro-rho", "stay within, or leave it out"
        )
    for name in names:
        if not isinstance(parse(draft.text, {other: 0 for other in names if other != name}), Refusal):
            raise BadInput("input.template", f"`${name}` is not in the question", "write it there, or leave it out")

    def rule(tx: Transaction) -> TemplateProposed | Refusal:
        fact = templates.propose(tx, draft, read.assets, id_of(tx, by), tx.now)
        return fact if isinstance(fact, Refusal) else _misfit(tx, fact, parse) or fact

    return node.record(rule)


def _misfit(read: Reader, fact: TemplateProposed, parse: Parse) -> Refusal | None:
    """What of the question does not fit the asset, whichever end of its parameters is asked for."""
    for end in (0, -1):
        question = parse(fact.text, {parameter.name: parameter.extremes()[end] for parameter in fact.parameters})
        if isinstance(question, Refusal):
            return question
        assets = {name: asset for name in question.assets if (asset := read.get(Asset, name)) is not None}
        assert len(assets) == len(question.assets), "they were found when the template was read"
        view = resolve(question, assets)
        found = view if isinstance(view, Refusal) else reads(question, view)
        if isinstance(found, Refusal):
            return found
    return None


def approve(node: Node, name: str, version: int, by: str, actors: tuple[str, ...] = ()) -> TemplateApproved | Refusal:
    """A publisher lets a version be run; only a person signs that."""
    return node.record(
        lambda tx: (
            only_people(tx, "approve-template", id_of(tx, by), actors)
            or templates.approve(tx, name, version, id_of(tx, by), tx.now)
        )
    )


def withdraw(node: Node, name: str, version: int, by: str) -> TemplateWithdrawn | Refusal:
    """A version is run no more; nothing that is under way is answered any more."""
    return node.record(lambda tx: templates.withdraw(tx, name, version, id_of(tx, by), tx.now))


def run(node: Node, asked: Run, parse: Parse) -> query.Answered[Answer] | query.Refused:
    """Asks a template's question with these values; raises what `query.ask` does."""
    with node.store.read() as state:
        requester, _ = delegation.acting(state, asked.requester, asked.actors)
        row = templates.to_run(state, asked.template, requester, node.clock.now())
    bound = row if isinstance(row, Refusal) else bind(row.template, row.parameters, asked.values)
    question: Question | Refusal
    if isinstance(row, Refusal) or isinstance(bound, Refusal):
        assert isinstance(bound, Refusal)
        question, id, purpose, micro_rho = bound, "", asked.purpose, asked.micro_rho
    else:
        question, id = parse(row.text, bound), row.id
        purpose = asked.purpose or (row.purposes[0] if len(row.purposes) == 1 else "")
        micro_rho = row.micro_rho if asked.micro_rho is None else asked.micro_rho
        if row.micro_rho not in (None, micro_rho):
            question = _fixed(row)
    text = question.text if isinstance(question, Question) else _typed(asked)
    return query.ask(node, query.Asked(
        asked.requester, text, question, purpose, micro_rho, actors=asked.actors, signed=asked.signed, template=id
    ))  # fmt: skip


def _fixed(row: Template) -> Refusal:
    return refuse(
        "privacy.precision", "the template was not run", f"each run of `{row.template}` spends {row.micro_rho} micro-rho",
        remedy="leave the precision out",
    )  # fmt: skip


def _typed(asked: Run) -> str:
    """What was typed, for the record of a run that came to no question."""
    said = ", ".join(f"${name} = {value}" for name, value in asked.values.items())
    return f"template {asked.template}" + (f": {said}" if said else "")


def listed(node: Node, party: str) -> list[Listed]:
    """The templates that a party may know of and that wait or are run, the newest first."""
    now = node.clock.now()
    with node.store.read() as state:
        who = id_of(state, party)
        rows = [*state.list(Template, stands="proposed"), *state.list(Template, stands=templates.APPROVED)]
        shown = [row for row in rows if templates.open_to(state, who, row, now)]
        return [_as_seen(state, row, who, now) for row in sorted(shown, key=lambda row: -row.seqs[0])]


def found(node: Node, party: str, name: str) -> list[Listed]:
    """All versions of a template that a party may know of, the newest first."""
    now = node.clock.now()
    with node.store.read() as state:
        who = id_of(state, party)
        rows = [row for row in templates.versions(state, name[:63]) if templates.open_to(state, who, row, now)]
        return [_as_seen(state, row, who, now) for row in reversed(rows)]


def _as_seen(read: Reader, row: Template, who: str, at: Instant) -> Listed:
    owners = templates.publishers(read, row.assets)
    waits, runs = row.stands == "proposed", row.stands == templates.APPROVED
    return Listed(
        row, runs and isinstance(templates.to_run(read, row.template, who, at), Template),
        waits and who in owners - set(row.approved_by),
        (who in owners and (waits or runs)) or (who == row.by and waits), tuple(sorted(owners)),
    )  # fmt: skip
