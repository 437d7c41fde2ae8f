"""`decision`: why a question was answered or not, and what would be decided."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from usufruct.cli.app import HERE, REFUSED, Directory, command, done, doors, group, out, table
from usufruct.core.access.proof import Request
from usufruct.core.base.canonical import holdable
from usufruct.core.base.refusals import refuse
from usufruct.core.rulebook.grades import FORMS
from usufruct.node import decision

decisions = group("Why a question was answered or not, and what would be decided.")
AsJson = Annotated[bool, typer.Option("--json", help="the whole proof, for machines")]


@command(decisions)
def show(
    use: Annotated[str, typer.Argument(help="the use, as use-12")],
    viewer: Annotated[str | None, typer.Option("--as", help="the party that looks (default: the steward)")] = None,
    as_json: AsJson = False,
    dir: Directory = HERE,
) -> None:
    """Show the decision on a question as it was taken."""
    with doors().open(dir) as node:
        found: Any = decision.of_use(node, use, viewer)
    if found is None:
        done(refuse(
            "registry.unknown", "there is nothing to show", f"there is no decision on `{use}` that concerns you",
            remedy="see the list of your questions, or your own page",
        ))  # fmt: skip
        return
    _tell(found, as_json)


@command(decisions, "try")
def try_out(
    asset: Annotated[str, typer.Argument(help="the asset")],
    by: Annotated[str, typer.Option("--as", help="the party that would ask")],
    purpose: Annotated[str, typer.Option(help="what it would be for, as AcademicResearch")],
    form: Annotated[str, typer.Option(help=" or ".join(FORMS))] = "aggregates",
    column: Annotated[list[str] | None, typer.Option(help="a column that would be read; may be repeated")] = None,
    as_json: AsJson = False,
    dir: Directory = HERE,
) -> None:
    """Say what would be decided; nothing is looked at, spent or recorded."""
    with doors().open(dir) as node:
        columns = tuple(map(holdable, column or ()))
        found: Any = decision.tried(node, Request(by, holdable(asset), holdable(purpose), form, columns)).value()
    _tell(found, as_json)
    if found["verdict"] != "permit":
        raise typer.Exit(REFUSED)


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    out.print({"permit": "yes", "refuse": "no"}[found["verdict"]], markup=False)
    rows = [
        ["yes" if one["holds"] else "NO", one["gate"], one["about"], _said(one["expected"]), _said(one["found"]),
         ", ".join(map(str, one["restsOn"]))]
        for one in found["premises"]
    ]  # fmt: skip
    table("what it rests on", ["holds", "gate", "about", "expected", "found", "facts"], rows)
    for one in found["obligations"]:
        out.print(f"goes with it: {one['kind']} {_said(one['value'])}".rstrip(), markup=False)
    for change in found.get("whyNot", ()):
        out.print(f"what would help: {change['text']}", markup=False)


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, str) else str(value)
