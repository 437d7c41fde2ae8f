"""`ruleset`: by which rules the node decides for others, what it knows of them, and what it would say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from usufruct.cli.app import HERE, REFUSED, Directory, command, done, doors, group, out, table
from usufruct.core.access.ruleset_words import Line, sentences
from usufruct.core.access.rulesets import PARTS, Attribute
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse
from usufruct.node import rulesets
from usufruct.node.rulesets import Asker
from usufruct.wire import authzen, jose

ruleset = group("Rules by which the node decides for systems outside it.")

Part = Annotated[str, typer.Argument(help=" or ".join(PARTS))]
Type = Annotated[str, typer.Argument(help="its type, as the enforcement points call it")]
Id = Annotated[str, typer.Argument(help="its id within the type")]


@command(ruleset)
def adopt(
    id: Annotated[str, typer.Argument(help="what the ruleset is called; again for its next version")],
    file: Annotated[
        Path, typer.Argument(help="its rules: ODRL in JSON-LD or Turtle, or the record of a ruleset in JSON")
    ],
    types: Annotated[list[str], typer.Option("--type", help="a type of resources that it is for; may be repeated")],
    points: Annotated[
        list[str], typer.Option("--point", help="a party whose enforcement points may ask; may be repeated")
    ],
    since: Annotated[str | None, typer.Option(help="a day from which on it counts (default: at once)")] = None,
    dir: Directory = HERE,
) -> None:
    """Decide by rules from now on, or from a day on."""
    try:
        said = authzen.rules_of(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("input.file", f"`{file}` cannot be read: {error}", "name a file of JSON or Turtle") from None
    with doors().open(dir) as node:
        start = parse(since) if since else None
        fact = done(rulesets.adopt(node, id, tuple(types), tuple(points), said, node.about.operator, start))
        flags = [one.flags for one in rulesets.listed(node) if (one.row.ruleset, one.row.version) == (id, fact.version)]
    out.print(f"adopted {fact.ruleset}, version {fact.version}, in force from {fact.since}", markup=False)
    for flag in (flag for several in flags for flag in several):
        out.print(f"not understood in {flag.rule}: {flag.what}", markup=False)


@command(ruleset)
def end(id: Annotated[str, typer.Argument(help="the ruleset")], dir: Directory = HERE) -> None:
    """Decide by a ruleset no more."""
    with doors().open(dir) as node:
        fact = done(rulesets.end(node, id, node.about.operator))
    out.print(f"ended {fact.ruleset}", markup=False)


@command(ruleset, "list")
def list_rulesets(dir: Directory = HERE) -> None:
    """Show the rulesets in words, and what in them needs a look."""
    with doors().open(dir) as node:
        shown = rulesets.listed(node)
    for one in shown:
        row = one.row
        out.print(
            f"{row.ruleset}, version {row.version}: for {', '.join(row.types)}; asked by {', '.join(row.points)}; "
            f"from {row.since}", markup=False,
        )  # fmt: skip
        for said in sentences(row.rules):
            out.print(
                f"  {said.who} {said.may} {said.action} {said.what}" + (", if" if said.conditions else ""), markup=False
            )
            _tell_lines(said.conditions, "    ")
            for duty in said.duties:
                out.print(f"    then who enforces it must: {duty}", markup=False)
        for flag in one.flags:
            out.print(f"  not understood in {flag.rule}: {flag.what}", markup=False)
        for found in one.conflicts:
            sure = "conflict" if found.sure else "perhaps a conflict"
            out.print(f"  {sure}: {found.permission} permits what {found.prohibition} prohibits", markup=False)
        if not one.compared:
            out.print("  too many rules to be compared with each other", markup=False)
        for shadow in one.shadowed:
            out.print(f"  changes nothing: {shadow.rule}", markup=False)


def _tell_lines(lines: tuple[Line, ...], indent: str) -> None:
    for line in lines:
        out.print(f"{indent}- {line.text}", markup=False)
        _tell_lines(line.parts, indent + "  ")


@command(ruleset)
def describe(
    part: Part,
    type: Type,
    id: Id,
    said: Annotated[list[str] | None, typer.Option("--is", help="NAME=VALUE; the same name again adds a value")] = None,
    party: Annotated[str, typer.Option(help="who it is, if that is a party of this node")] = "",
    dir: Directory = HERE,
) -> None:
    """Say what is known of a subject or resource, in place of what was."""
    found: dict[str, list[str | int | bool]] = {}
    for one in said or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput("input.entity", f"`{one}` is not NAME=VALUE", "write it as role=admin")
        found.setdefault(name, []).append(_value(value))
    attributes = tuple(Attribute(name, tuple(values)) for name, values in found.items())
    with doors().open(dir) as node:
        done(rulesets.describe(node, part, type, id, attributes, node.about.operator, party))
    out.print(f"known of {part} {id}: {', '.join(found) or 'that there is one'}", markup=False)


def _value(text: str) -> str | int | bool:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 19 else text


@command(ruleset)
def forget(part: Part, type: Type, id: Id, dir: Directory = HERE) -> None:
    """Take back what is known of a subject or resource."""
    with doors().open(dir) as node:
        done(rulesets.forget(node, part, type, id, node.about.operator))
    out.print(f"nothing is known of {part} {id} now", markup=False)


@command(ruleset)
def known(dir: Directory = HERE) -> None:
    """List the subjects and resources of which something is known."""
    with doors().open(dir) as node:
        found = rulesets.entities(node)
    rows = [
        [one.of, one.id, "; ".join(f"{a.name}: {', '.join(map(str, a.values))}" for a in one.attributes)]
        for one in found
    ]
    table("known", ["what", "id", "known of it"], rows)


@command(ruleset)
def ask(
    subject: Annotated[str, typer.Argument(help="who, as user:alice")],
    action: Annotated[str, typer.Argument(help="what would be done, as read")],
    resource: Annotated[str, typer.Argument(help="to what, as record:record-1")],
    properties: Annotated[
        str, typer.Option(help='what is said of them, as JSON: {"resource": {"status": "active"}}')
    ] = "{}",
    by: Annotated[
        str, typer.Option("--as", help="the party whose enforcement point would ask (default: the steward)")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="the answer as it would be sent")] = False,
    dir: Directory = HERE,
) -> None:
    """Say what would be decided."""
    try:
        said = jose.strict_json(properties)
    except ValueError as error:
        raise BadInput(
            "input.authzen", f"the properties are no JSON: {error}", "write an object for each part"
        ) from None
    said = said if isinstance(said, Mapping) else {}
    parts = {"subject": subject, "resource": resource}
    body: dict[str, Any] = {
        name: dict(zip(("type", "id"), text.split(":", 1), strict=False)) for name, text in parts.items()
    }
    body["action"] = {"name": action}
    for name, part in body.items():
        part["properties"] = said.get(name, {})
    with doors().open(dir) as node:
        asker = Asker(by or node.about.operator, steward=not by)
        verdict, proof = rulesets.decide(node, authzen.question({**body, "context": said.get("context", {})}), asker)
    if as_json:
        out.print(
            json.dumps(authzen.answer(verdict, proof), ensure_ascii=False, indent=2), markup=False, soft_wrap=True
        )
    else:
        _tell(verdict, proof)
    if not verdict:
        raise typer.Exit(REFUSED)


def _tell(verdict: bool, proof: Mapping[str, Any]) -> None:
    out.print("yes" if verdict else "no", markup=False)
    rows = [
        ["yes" if one["holds"] else "NO", one["gate"], one["about"], str(one["expected"]), str(one.get("found", ""))]
        for one in proof["premises"]
    ]  # fmt: skip
    table("what it rests on", ["holds", "gate", "about", "expected", "found"], rows)
    for one in proof["obligations"]:
        out.print(f"goes with it: {one['kind']} {one['value']}", markup=False)
    for change in proof.get("whyNot", ()):
        out.print(f"what would help: {change['text']}", markup=False)
