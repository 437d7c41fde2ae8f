"""`work`, for whom it is about: a worker's own series, her export and its way into another node; reports on an operator."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, done, doors, out, party_of, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.work.hours.measured import ENGAGED, ONLINE, WHOLE
from usufruct.core.work.pay.rules import clock
from usufruct.node import operators, owndata
from usufruct.wire import figures as wire
from usufruct.wire import portable

Me = Annotated[str, typer.Option("--as", help="the worker")]
Operator = Annotated[str, typer.Argument(help="who gives the work out")]


def series(
    member: Me,
    every: Annotated[str, typer.Option(help="month or week")] = "month",
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    dir: Directory = HERE,
) -> None:
    """A worker's five series: pay per hour, take rate, waiting, spread, predictability."""
    with doors().open(dir) as node:
        found = done(owndata.own(node, party_of(node, member), every))
    if as_json:
        typer.echo(json.dumps([portable.series(one) for one in found.series], indent=1, ensure_ascii=False))
        return
    if not found.series:
        out.print("no work of yours is recorded here")
    for one in found.series:
        rows = [
            [
                time.name, time.services, clock(time.hours[WHOLE]),
                *(_money(time.per_hour(name), one.currency) for name in (ENGAGED, ONLINE, WHOLE)),
                _share(time.take_rate), _share(time.waiting),
                f"{_money(time.low, '')} to {_money(time.high, '')}" if time.low is not None else "", time.tenth or "",
                _share(time.foretold),
            ]
            for time in one.times
        ]  # fmt: skip
        right = ("works", "engaged", "online", "shift", "kept", "waiting", "tenth", "foretold")
        columns = [
            every,
            "works",
            "time",
            "engaged",
            "online",
            "shift",
            "kept",
            "waiting",
            "p10 to p90",
            "tenth",
            "foretold",
        ]
        table(f"{one.called or 'all operators together'}, {one.currency} an hour", columns, rows, right)


def _money(found: Fraction | None, currency: str) -> str:
    text = portable.amount(found, currency or "EUR")
    return text or "–"


def _share(found: Fraction | None) -> str:
    text = portable.share(found)
    return f"{text} %" if text else "–"


def export(
    member: Me,
    to: Annotated[Path | None, typer.Option(help="a file to write it to (default: the screen)")] = None,
    dir: Directory = HERE,
) -> None:
    """Everything a worker can take with her, as one JSON document with a receipt for each fact."""
    with doors().open(dir) as node:
        found = done(owndata.export(node, party_of(node, member)))
    text = portable.as_json(found)
    if to is None:
        typer.echo(text, nl=False)
        return
    to.write_text(text, encoding="utf-8")
    works = sum(one.services for one in found.own.services)
    out.print(f"wrote {to}: {works} pieces of work, {len(found.facts)} facts with their receipts", markup=False)


def read_in(
    file: Annotated[Path, typer.Argument(help="the export of another node")],
    member: Annotated[str, typer.Option("--as", help="whose it is here")],
    key: Annotated[str, typer.Option(help="the verifier key of that node's journal, from somebody you trust")],
    dir: Directory = HERE,
) -> None:
    """Read a worker's export of another node, as a claim with where it comes from."""
    if not file.is_file():
        raise BadInput("input.history", f"there is no file `{file}`", "name the file that was exported")
    brought = portable.read(file.read_bytes())
    with doors().open(dir) as node:
        fact = done(owndata.read_in(node, party_of(node, member), brought, key))
    out.print(
        f"{fact.history}: {fact.facts} receipts of {fact.origin} hold; read here from the export of {fact.origin}, where she is "
        f"`{fact.there}`", markup=False,
    )  # fmt: skip
    for one in fact.figures:
        paid = Money(one.gross - one.fee + one.tips, one.currency)
        out.print(
            f"  {one.operator}: {one.services} services, {clock(one.engaged_ms)}, {one.since[:10]} to {one.until[:10]}, "
            f"{paid} after commission, with tips", markup=False,
        )  # fmt: skip


def fairwork(
    operator: Operator,
    yardstick: Annotated[Path | None, typer.Option(help="wages and costs as TOML, with their source")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    dir: Directory = HERE,
) -> None:
    """Which of Fairwork's ten points the journal proves, and what evidence is missing for the others."""
    if yardstick is not None and not yardstick.is_file():
        raise BadInput("input.yardstick", f"there is no file `{yardstick}`", "name the file with wages and costs")
    stick = wire.yardstick(yardstick.read_text(encoding="utf-8")) if yardstick else None
    with doors().open(dir) as node:
        found = done(operators.fair(node, party_of(node, operator), stick))
    if as_json:
        typer.echo(json.dumps(wire.fair(found), indent=1, ensure_ascii=False))
        return
    out.print(
        f"{found.operator}: {found.proved} of {len(found.points)} points are proved by {found.works} pieces of work of "
        f"{found.workers} workers", markup=False,
    )  # fmt: skip
    for point in found.points:
        out.print(f"{'+' if point.proved else '-'} {point.number} {point.asks}", markup=False)
        for said in point.evidence:
            out.print(f"    {said}", markup=False)
        for said in point.missing:
            out.print(f"    missing: {said}", markup=False)


def figures(
    operator: Operator,
    half: Annotated[str, typer.Option(help="the half-year, as 2026-2")],
    form: Annotated[str, typer.Option("--format", help="table, json or csv")] = "table",
    public: Annotated[
        bool, typer.Option("--public", help="as everybody may read them: small numbers suppressed")
    ] = False,
    dir: Directory = HERE,
) -> None:
    """The six-monthly figures of an operator for authorities (Directive (EU) 2024/2831, article 17)."""
    if form not in ("table", *wire.FORMS):
        raise BadInput("input.format", f"`{form}` is no form of the figures", "say table, json or csv")
    with doors().open(dir) as node:
        found = done(operators.six_monthly(node, party_of(node, operator), half, not public))
    if form != "table":
        typer.echo(wire.as_json(found) if form == "json" else wire.as_csv(found), nl=False)
        return
    rows = []
    for one in found.figures:
        value, unit = wire.shown(one)
        rows.append([one.says, value or ("suppressed" if found.suppressed else "–"), unit])
    table(f"{found.operator}, {found.half}", ["figure", "value", "unit"], rows, ("value",))
    if found.suppressed:
        out.print(f"what rests on fewer than {found.suppressed} persons is suppressed")
