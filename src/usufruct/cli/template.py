"""`template`: questions that are approved once and run many times."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.use import tell
from usufruct.core.access.template_values import takes
from usufruct.core.base.faults import BadInput
from usufruct.node import templates as use_case
from usufruct.wire import sql
from usufruct.wire import template as wire

template = group("Questions with gaps: approved once, run many times.")

As = Annotated[str, typer.Option("--as", help="the party that acts")]
Publisher = Annotated[str | None, typer.Option("--as", help="the publisher of the data (default: the operator)")]


@command(template, "propose")
def propose(
    file: Annotated[Path, typer.Argument(help="the template, as TOML")],
    by: As,
    dir: Directory = HERE,
) -> None:
    """Propose a template, or its next version."""
    draft = wire.read(file.read_text(encoding="utf-8"))
    with doors().open(dir) as node:
        fact = done(use_case.propose(node, draft, by, sql.parse))
    out.print(f"proposed {fact.template}, version {fact.version}; it is run once it is approved", markup=False)


@command(template, "approve")
def approve(
    name: Annotated[str, typer.Argument(metavar="TEMPLATE")],
    version: Annotated[int, typer.Argument(help="the version that was read")],
    by: Publisher = None,
    dir: Directory = HERE,
) -> None:
    """As the publisher of the data: let a version be run."""
    with doors().open(dir) as node:
        done(use_case.approve(node, name, version, by or node.about.operator))
    out.print(f"approved {name}, version {version}", markup=False)


@command(template, "withdraw")
def withdraw(
    name: Annotated[str, typer.Argument(metavar="TEMPLATE")],
    version: Annotated[int, typer.Argument(help="the version")],
    by: Publisher = None,
    dir: Directory = HERE,
) -> None:
    """Let a version be run no more, from now on."""
    with doors().open(dir) as node:
        done(use_case.withdraw(node, name, version, by or node.about.operator))
    out.print(f"withdrew {name}, version {version}", markup=False)


@command(template, "list")
def show(by: As, dir: Directory = HERE) -> None:
    """The templates that a party may know of, and what their parameters take."""
    with doors().open(dir) as node:
        found = use_case.listed(node, by)
    lines = [
        [one.row.template, one.row.version, one.row.stands, ", ".join(one.row.assets), ", ".join(one.row.purposes),
         one.row.title] for one in found
    ]  # fmt: skip
    table("templates", ["name", "version", "stands", "asset", "purposes", "title"], lines, ("version",))
    for one in found:
        for parameter in one.row.parameters:
            out.print(f"  {one.row.id} ${parameter.name}: {parameter.label}; {takes(parameter)}", markup=False)


@command(template, "run")
def run(
    name: Annotated[str, typer.Argument(metavar="TEMPLATE")],
    by: Annotated[str, typer.Option("--as", help="the party that asks")],
    value: Annotated[list[str] | None, typer.Option(help="a value, as `quarter=2025-q1`; may be repeated")] = None,
    purpose: Annotated[str, typer.Option(help="what it is for (default: the template's, if it has one)")] = "",
    micro_rho: Annotated[int | None, typer.Option(help="privacy budget to spend, in millionths of rho")] = None,
    receipt: Annotated[Path | None, typer.Option(help="where to write the receipt")] = None,
    dir: Directory = HERE,
) -> None:
    """Run an approved template with values of your own."""
    values = dict(map(_said, value or ()))
    if len(values) < len(value or ()):
        raise BadInput("input.value", "a value is there twice", "say each once")
    with doors().open(dir) as node:
        result = use_case.run(node, use_case.Run(by, name, values, purpose, micro_rho), sql.parse)
    tell(result, receipt)


def _said(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise BadInput("input.value", f"`{text}` is no value with its name", "write it as quarter=2025-q1")
    return name.strip(), value.strip()
