"""`finding`: the rules of work in force, what the check finds, hours left, appeals, and what is done to accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer
from pyarrow import csv, parquet

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.work.facts import Span
from usufruct.core.work.hours.conditions import Condition, Limit, SetCondition, duration, limits
from usufruct.core.work.hours.findings import RESTRICTIONS
from usufruct.core.work.hours.intervals import millis
from usufruct.node import conditions
from usufruct.node import findings as use_case
from usufruct.wire import conditions as wire

finding = group("Working conditions: rules, findings, appeals, accounts.")

By = Annotated[str | None, typer.Option("--as", help="who signs (default: the operator)")]
Since = Annotated[str | None, typer.Option("--from", help="the day from which it applies (default: now)")]
Operator = Annotated[str, typer.Option("--operator", help="at this operator of a platform only (default: all work)")]
Of = Annotated[str, typer.Argument(metavar="OF", help="the finding or the restriction")]
Worker = Annotated[str, typer.Argument(metavar="WORKER", help="the worker")]


@command(finding, "packs")
def packs(name: Annotated[str | None, typer.Argument(metavar="PACK", help="print this one")] = None) -> None:
    """The packs of conditions that are shipped, with their sources; none is in force."""
    if name is None:
        for each in wire.packs():
            out.print(each, markup=False)
        return
    typer.echo(_shipped(name), nl=False)


def _shipped(name: str) -> str:
    found = wire.packs()
    if name not in found:
        raise BadInput("input.conditions", f"there is no pack `{name}`", f"take one of {', '.join(found)}")
    return found[name]


@command(finding, "set")
def put(
    pack: Annotated[str, typer.Argument(help="a pack that is shipped, or a file of conditions as TOML")],
    operator: Operator = "",
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Put conditions in force: a whole pack, or what a file holds."""
    found = _read(pack)
    with doors().open(dir) as node:
        fact = done(conditions.put(node, found, operator, by or node.about.operator))
    rules = dict.fromkeys(one.rule for one in fact.conditions)
    out.print(f"in force for {operator or 'all work'}: {', '.join(rules)}", markup=False)


def _read(pack: str) -> tuple[Condition, ...]:
    file = Path(pack)
    return wire.read(file.read_text(encoding="utf-8") if file.is_file() else _shipped(pack))


@command(finding, "end")
def end(
    rule: Annotated[str, typer.Argument(help="the rule")],
    why: Annotated[str, typer.Argument(help="why it is no longer checked")],
    operator: Operator = "",
    since: Since = None,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Check a rule no more."""
    with doors().open(dir) as node:
        effective = parse_instant(since) if since else None
        fact = done(conditions.end(node, rule, operator, why, effective, by or node.about.operator))
    out.print(f"{fact.rule} is no longer checked from {fact.effective[:10]} on", markup=False)


@command(finding, "rules")
def rules(dir: Directory = HERE) -> None:
    """The rules of work that are in force, or will be."""
    with doors().open(dir) as node:
        found = conditions.in_force(node)
    if not found:
        out.print("no rule of work is in force")
    for one in found:
        until = "" if one.until == END_OF_TIME else f" until {one.until[:10]}"
        where = f" at {one.operator}" if one.operator else ""
        out.print(f"{one.rule}{where}, from {one.since[:10]}{until}: {one.words}", markup=False)
        out.print(f"  {one.authority}: {one.source}", markup=False)


@command(finding, "check")
def check(
    since: Annotated[str | None, typer.Option(help="only what ended on this day or later")] = None,
    worker: Annotated[str, typer.Option(help="of this worker only")] = "",
    dir: Directory = HERE,
) -> None:
    """Hold what was worked against the rules, and record what is found; nothing is found twice."""
    with doors().open(dir) as node:
        found = use_case.check(node, parse_instant(since) if since else None, worker)
    for one in found.made:
        out.print(f"{one.finding}: {one.party}, {one.found.rule}: {one.found.words}", markup=False)
    out.print(f"checked {found.workers} workers, {len(found.made)} new findings", markup=False)


@command(finding, "list")
def listed(
    worker: Annotated[str | None, typer.Option(help="about this worker, with all that she is told")] = None,
    dir: Directory = HERE,
) -> None:
    """Findings, as they stand."""
    with doors().open(dir) as node:
        mine = use_case.mine(node, worker) if worker else None
        made = list(mine.findings) if mine else use_case.made(node)
    for one in made:
        out.print(f"{one.id}, {one.stands}: {one.party}, {one.found.rule}: {one.found.words}", markup=False)
    for each in mine.restrictions if mine else ():
        until = "" if each.until == END_OF_TIME else f" until {each.until[:10]}"
        stands = "restored" if each.restored else each.kind
        out.print(
            f"{each.id}: {stands} at {each.operator}{until}: {each.reasons}; talk to {each.contact}", markup=False
        )
    if not made:
        out.print("nothing was found")


@command(finding, "left")
def left(worker: Worker, dir: Directory = HERE) -> None:
    """How much longer a worker may work from now on, by each rule."""
    with doors().open(dir) as node:
        found = use_case.mine(node, worker)
    for one in found.left:
        out.print(one.words, markup=False)
    for stop in found.stops:
        out.print(f"{stop.operator} sends no work until {stop.until}: {stop.rule}: {stop.words}", markup=False)


@command(finding, "floors")
def floors(
    worker: Worker,
    since: Annotated[str, typer.Argument(help="the day on which the pay period begins")],
    until: Annotated[str, typer.Argument(help="the day after its last")],
    dir: Directory = HERE,
) -> None:
    """What pay floors make due for a worker's time, under each definition of it, and what is to be topped up."""
    with doors().open(dir) as node:
        found = use_case.pay_floors(node, worker, parse_instant(since), parse_instant(until))
    for one in found:
        rows = [
            [each.definition, duration(each.hours_ms),
             *(Money(minor, one.currency) for minor in (each.paid, each.due, each.top_up)),
             "yes" if each.binding else ""]
            for each in one.hourly
        ]  # fmt: skip
        heads = ["time", "hours", "paid", "due", "to top up", "binding"]
        table(f"at {one.operator}, by the hour", heads, rows, ("hours", "paid", "due", "to top up"))
        short = sum(each.top_up for each in one.trips)
        if one.trips:
            out.print(f"{len(one.trips)} trips, to top up {Money(short, one.currency)}", markup=False)
    if not found:
        out.print("no work was done then")


@command(finding, "dispatch")
def dispatch(
    worker: Worker,
    operator: Annotated[str, typer.Argument(help="who would send her work")],
    start: Annotated[str, typer.Argument(help="from when, as 2026-11-22T09:30:00Z")],
    end: Annotated[str, typer.Argument(help="until when")],
    dir: Directory = HERE,
) -> None:
    """Ask whether a worker may be sent work; at a limit dispatch stops for her, and that is recorded."""
    with doors().open(dir) as node:
        refused = use_case.dispatch(node, worker, operator, Span(parse_instant(start), parse_instant(end)))
        if refused is not None:
            done(refused)
    out.print(f"{worker} may be sent it", markup=False)


@command(finding, "appeal")
def appeal(
    of: Of,
    reason: Annotated[str, typer.Argument(help="what is wrong")],
    by: Annotated[str, typer.Option("--as", help="the worker")],
    dir: Directory = HERE,
) -> None:
    """Appeal against a finding about you, or a restriction of your account."""
    with doors().open(dir) as node:
        fact = done(use_case.appeal(node, of, by, reason))
    out.print(f"recorded; it is to be answered until {fact.until[:10]}", markup=False)


@command(finding, "appeals")
def appeals(by: By = None, dir: Directory = HERE) -> None:
    """The appeals that wait for an answer."""
    with doors().open(dir) as node:
        found = use_case.waiting(node, by or node.about.operator)
    for one in found:
        out.print(f"{one.of}, of {one.party}, to be answered until {one.until[:10]}: {one.reason}", markup=False)
    if not found:
        out.print("no appeal waits for an answer")


@command(finding, "answer")
def answer(
    of: Of,
    reasons: Annotated[str, typer.Argument(help="why")],
    uphold: Annotated[bool, typer.Option("--uphold", help="the worker is right")] = False,
    turn_to: Annotated[str, typer.Option(help="where else she can go, if she is told no")] = "",
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Answer an appeal."""
    with doors().open(dir) as node:
        fact = done(use_case.answer(node, of, uphold, reasons, turn_to, by or node.about.operator))
    out.print(f"answered: {'upheld' if fact.upheld else 'rejected'}", markup=False)


@command(finding, "restrict")
def restrict(
    worker: Worker,
    operator: Annotated[str, typer.Argument(help="at which operator of a platform")],
    kind: Annotated[str, typer.Argument(help=", ".join(RESTRICTIONS))],
    reasons: Annotated[str, typer.Argument(help="why, in plain words")],
    contact: Annotated[str, typer.Option(help="a person whom she can talk to")],
    until: Annotated[str | None, typer.Option(help="until when (default: without end)")] = None,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Restrict, suspend or end a worker's account; a person decides it."""
    with doors().open(dir) as node:
        day = parse_instant(until) if until else None
        fact = done(use_case.restrict(node, worker, operator, kind, reasons, contact, day, by or operator))
    out.print(f"{fact.restriction}: {fact.kind}; she can appeal until {fact.appeal_until[:10]}", markup=False)


@command(finding, "restore")
def restore(
    restriction: Annotated[str, typer.Argument(help="the restriction")],
    why: Annotated[str, typer.Argument(help="why it counts no more")],
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """End a restriction of an account."""
    with doors().open(dir) as node:
        fact = done(use_case.restore(node, restriction, why, by or node.about.operator))
    out.print(f"{fact.restriction} counts no more", markup=False)


@command(finding, "audit")
def audit(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: worker, kind (engaged, online, shift), start, end")],
    pack: Annotated[list[str], typer.Option(help="a pack that is shipped, or a file; may be given again")],
    zone: Annotated[str, typer.Option(help="the time zone whose days count")] = "UTC",
    to: Annotated[Path | None, typer.Option(help="write all breaches here, as CSV")] = None,
) -> None:
    """Hold a table of anybody's shifts against packs of rules; no node is needed, and nothing is recorded."""
    from usufruct.engine import hours  # only this command needs it

    if not file.is_file():
        raise BadInput("input.file", f"there is no file `{file}`", "name a CSV or Parquet file")
    spans = _spans(file)
    if not spans.num_rows:
        raise BadInput("input.file", f"`{file}` has no rows", "give at least one span")
    binding = _limits(pack)
    first, last = (pa.compute.min_max(pa.chunked_array([*spans["start"].chunks, *spans["end"].chunks]))[name].as_py()
                   for name in ("min", "max"))  # fmt: skip
    found = hours.check(spans, binding, conditions.days(zone, first, last))
    counts = found.group_by("rule").aggregate([("worker", "count_distinct"), ("rule", "count")]).to_pylist()
    rows = [[one["rule"], one["rule_count"], one["worker_count_distinct"]] for one in counts]
    table("broken", ["rule", "times", "workers"], rows, ("times", "workers"))
    workers = pa.compute.count_distinct(spans["worker"]).as_py()
    out.print(f"{spans.num_rows} spans of {workers} workers, {found.num_rows} breaches", markup=False)
    if to is not None:
        csv.write_csv(_readable(found), to)


def _limits(packs: list[str]) -> list[Limit]:
    found = [one for pack in packs for one in _read(pack)]
    rows = [SetCondition(n, 0, "", one.rule, one, one.until, "", one.known) for n, one in enumerate(found)]
    return limits(rows, Instant(END_OF_TIME))


def _spans(file: Path) -> pa.Table:
    """The table in the shape that is checked; instants as ISO 8601 with a zone, or as timestamps, which are taken for UTC."""
    try:
        read = parquet.read_table if file.suffix == ".parquet" else csv.read_csv
        found = read(file).select(["worker", "kind", "start", "end"])
        columns = [
            found["worker"].cast(pa.string()),
            found["kind"].cast(pa.string()),
            *(_ms(found[name]) for name in ("start", "end")),
        ]
        if any(column.null_count for column in columns):
            raise BadInput("input.file", f"`{file}` has empty cells", "fill them, or leave the rows out")
        return pa.table(columns, names=["worker", "kind", "start", "end"])
    except (pa.ArrowException, KeyError) as error:
        raise BadInput(
            "input.file", f"`{file}` cannot be read: {error}", "give the columns worker, kind, start and end"
        ) from None


def _ms(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        text = column.to_pylist()
        return pa.chunked_array(
            [pa.array([None if at is None else millis(parse_instant(at)) for at in text], pa.int64())]
        )
    return column.cast(pa.timestamp("ms")).cast(pa.int64())


def _readable(found: pa.Table) -> pa.Table:
    times = {name: found[name].cast(pa.timestamp("ms", "UTC")) for name in ("start", "end")}
    minutes = pa.compute.divide(found["found"], 60_000)
    return pa.table([found["worker"], found["rule"], times["start"], times["end"], minutes],
                    names=["worker", "rule", "start", "end", "minutes"])  # fmt: skip
