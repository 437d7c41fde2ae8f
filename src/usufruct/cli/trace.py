"""`trace`, `asset step`, `asset transform`: where data came from, where they went, and how the node is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from textwrap import wrap
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, out
from usufruct.cli.register import asset
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.rules import DeclaredStep
from usufruct.core.rulebook.grades import BY_NAME
from usufruct.core.trace import Trace, tell
from usufruct.node import trace as tracing
from usufruct.wire import openlineage, prov

USES_SHOWN = 20  # of one asset in a tree; exports have all
DETAILS_WIDTH = 88  # letters in a line under a thing


class Format(StrEnum):
    """How a trace is written."""

    TREE = "tree"
    OPENLINEAGE = "openlineage"
    PROV = "prov"
    PROV_N = "prov-n"


def trace(
    id: Annotated[str, typer.Argument(help="an asset, asset@version, use, step, or something outside the node")],
    format: Annotated[Format, typer.Option(help="tree, openlineage, prov (PROV-JSON) or prov-n")] = Format.TREE,
    viewer: Annotated[str | None, typer.Option("--as", help="the party that looks (default: the steward)")] = None,
    dir: Directory = HERE,
) -> None:
    """Where something came from, and where it went."""
    with doors().open(dir) as node:
        found = tracing.trace(node, id, viewer)
    if found is None:
        done(nothing(id))
        return
    match format:
        case Format.TREE:
            for line in tree(found):
                out.print(line, markup=False, soft_wrap=True)
        case Format.OPENLINEAGE:
            events = openlineage.events(found, node.about.url, node.about.origin)
            typer.echo(json.dumps(events, ensure_ascii=False, indent=2))
        case Format.PROV:
            typer.echo(json.dumps(prov.prov_json(found, node.about.url), ensure_ascii=False, indent=2))
        case Format.PROV_N:
            typer.echo(prov.prov_n(found, node.about.url), nl=False)


def nothing(id: str) -> Refusal:
    """The answer to what is unknown, and to what is not the business of who looks."""
    return refuse(
        "registry.unknown", "there is nothing to trace", f"nothing is known of `{id}` that concerns you",
        remedy="name an asset, an asset's version as `asset@version`, a use or a step",
    )  # fmt: skip


def tree(found: Trace) -> Iterator[str]:
    """The trace as lines of text: what it is, then both directions, each thing told once."""
    yield from _told(found, found.root, "")
    for title, nexts in (("where it came from", found.above), ("where it went", found.below)):
        yield f"\n{title}"
        if not nexts[found.root]:
            yield "  nothing is recorded"
        yield from _branches(found, nexts, found.root, "  ", {found.root})


def _branches(found: Trace, nexts: dict[str, tuple[str, ...]], item: str, margin: str, told: set[str]) -> Iterator[str]:
    uses = [next for next in nexts[item] if next in found.uses]
    left = len(uses) - USES_SHOWN
    shown = [next for next in nexts[item] if next not in uses[: max(left, 0)]]
    for number, next in enumerate(shown, 1):
        last = number == len(shown) and left <= 0
        head, body = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if next in told:
            yield f"{margin}{head}{next}, see above"
            continue
        told.add(next)
        first, *rest = _told(found, next, "  ")
        yield f"{margin}{head}{first}"
        yield from (f"{margin}{body}{line}" for line in rest)
        yield from _branches(found, nexts, next, margin + body, told)
    if left > 0:
        yield f"{margin}└─ and {left} earlier uses"


def _told(found: Trace, item: str, margin: str) -> list[str]:
    told = tell(found, item)
    when = f" ({told.at[:10]})" if told.at else ""
    details = wrap("; ".join(told.details), DETAILS_WIDTH, break_long_words=False)
    return [f"{item}: {told.kind}, {told.title}{when}", *(f"{margin}{line}" for line in details)]


@command(asset, "step")
def record_step(
    kind: Annotated[str, typer.Argument(help="collected, stored, processed, analysed or served")],
    how: Annotated[str, typer.Option(help="by which instrument, form of consent or program; no names of persons")],
    output: Annotated[list[str], typer.Option(help="what it made: an asset, or a name of your own")],
    input: Annotated[
        list[str] | None, typer.Option(help="what it was made of: an asset, use or earlier output")
    ] = None,
    by: Annotated[str, typer.Option(help="the organisation that did it (default: the operator)")] = "",
    purpose: Annotated[str, typer.Option(help="what for, as AcademicResearch; needed for what is collected")] = "",
    evidence: Annotated[str, typer.Option(help="where it can be looked up")] = "",
    at: Annotated[str | None, typer.Option(help="the day, or moment, it was done (default: now)")] = None,
    dir: Directory = HERE,
) -> None:
    """Record what was done with data outside the node."""
    moment = parse_instant(at) if at else None
    step = DeclaredStep(kind, how, by, tuple(input or ()), tuple(output), purpose, evidence, moment)
    with doors().open(dir) as node:
        fact = done(tracing.record_step(node, step))
    out.print(f"recorded {fact.id}: {fact.kind} by {fact.by}, which made {', '.join(fact.outputs)}", markup=False)


@command(asset, "transform")
def register_transform(
    id: str,
    title: Annotated[str, typer.Option(help="what it does")],
    kind: Annotated[str, typer.Option(help="aggregation, anonymisation or pseudonymisation")],
    input: Annotated[list[str], typer.Option(help="an asset that it was assessed for")],
    evidence: Annotated[str, typer.Option(help="the assessment: its address, or sha256: and its digest")],
    authority: Annotated[str, typer.Option(help="who assessed it")],
    lowers_to: Annotated[str | None, typer.Option(help="the grade to which it lowers, as internal or 1")] = None,
    purpose: Annotated[list[str] | None, typer.Option(help="what it may be used for beyond its inputs")] = None,
    until: Annotated[str | None, typer.Option(help="the day on which the evidence ends (default: never)")] = None,
    by: Annotated[str | None, typer.Option("--as", help="the party that registers it (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Register how something less sensitive is made of assets, with the evidence for it."""
    grade = grade_of(lowers_to) if lowers_to is not None else None
    with doors().open(dir) as node:
        fact = done(tracing.register_transform(
            node, id, title, kind, input, evidence, authority, by or node.about.operator, grade, purpose or (),
            parse_instant(until) if until else END_OF_TIME,
        ))  # fmt: skip
    out.print(f"registered transform {fact.id} of {', '.join(fact.inputs)}: {fact.title}", markup=False)


@command(asset, "end-transform")
def end_transform(
    id: str,
    why: Annotated[str, typer.Option(help="why its evidence no longer holds")],
    by: Annotated[str | None, typer.Option("--as", help="the party that registered it (default: the operator)")] = None,
    dir: Directory = HERE,
) -> None:
    """Take a transform's evidence back: what it lowered is graded as its inputs are again."""
    with doors().open(dir) as node:
        fact = done(tracing.end_transform(node, id, by or node.about.operator, why))
    out.print(f"ended transform {fact.id}: {fact.why}", markup=False)


def grade_of(text: str) -> int:
    """A grade by its name or number.

    Raises:
        BadInput: neither.
    """
    if text in BY_NAME:
        return BY_NAME[text].number
    if text in {str(grade.number) for grade in BY_NAME.values()}:
        return int(text)
    raise BadInput("input.grade", f"`{text}` is not a grade", f"use one of {', '.join(BY_NAME)}, or 0 to 6")
