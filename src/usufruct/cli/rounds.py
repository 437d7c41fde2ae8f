"""`work round-…`, `wish` and `why`: give jobs out together, and check how it was done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, out, table
from usufruct.cli.jobs import As, ByOperator, Why, when
from usufruct.cli.work import work
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import refuse
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import METHODS, PARTS, AllocationRule, Part
from usufruct.core.work.rounds.state import STATES, Round
from usufruct.node import rounds as use_case
from usufruct.node import series
from usufruct.node.node import Node

RoundId = Annotated[str, typer.Argument(metavar="ROUND", help="a round by its name")]


@command(work, "round-open")
def open_round(
    round: RoundId,
    workers: Annotated[str, typer.Option(help="the party that speaks for the workers")],
    operators: Annotated[str, typer.Option(help="the party that speaks for the operators")],
    customers: Annotated[str, typer.Option(help="the party that speaks for the customers")],
    closes: Annotated[str, typer.Option(help="until when wishes come in")],
    opens_until: Annotated[str, typer.Option(help="until when secrets are opened then")],
    method: Annotated[str, typer.Option(help=" or ".join(METHODS))] = "stable",
    weight: Annotated[list[str] | None, typer.Option(help="a part of the score and its weight, as fairness=2")] = None,
    replaces: Annotated[str, typer.Option(help="a round that was given up, whose jobs come into this one")] = "",
    by: ByOperator = None,
    dir: Directory = HERE,
) -> None:
    """Open a round, by a rule that everybody can read."""
    rule = AllocationRule(method, tuple(map(part, weight or ())))
    with doors().open(dir) as node:
        now = node.clock.now()
        fact = done(use_case.open_round(
            node, round, rule, (workers, operators, customers), when(closes, now), when(opens_until, now),
            by or node.about.operator, replaces,
        ))  # fmt: skip
    out.print(f"opened {round}: wishes until {fact.closes[:16]}Z, secrets until {fact.opens_until[:16]}Z", markup=False)
    tell_rule(rule)


def part(text: str) -> Part:
    """A part of the score and its weight, from `fairness=2`.

    Raises:
        BadInput: it is none.
    """
    name, _, weight = text.partition("=")
    if not (weight.isascii() and weight.isdigit()):
        raise BadInput("input.work", f"`{text}` is not a part and its weight", "write it as fairness=2")
    return Part(name.strip(), int(weight))


def tell_rule(rule: AllocationRule) -> None:
    """Prints a rule in words."""
    out.print(f"  {METHODS[rule.method]}", markup=False)
    for one in rule.parts:
        out.print(f"  {one.weight} times {one.name}: {PARTS[one.name]}", markup=False)


@command(work, "rounds")
def rounds(dir: Directory = HERE) -> None:
    """All rounds, the newest first."""
    with doors().open(dir) as node:
        found = use_case.listed(node)
    rows = [[row.id, row.state, row.closes[:16], row.workers, row.jobs, row.matched, row.agreed] for row in found]
    numbers = ("workers", "jobs", "matched", "agreed")
    table("", ["round", "stands", "wishes until", *numbers], rows, numbers)


@command(work, "round")
def show(round: RoundId, dir: Directory = HERE) -> None:
    """What everybody can read of a round: rule, commitments, openings, seed and numbers."""
    with doors().open(dir) as node:
        row = _round(node, round)
    out.print(f"{row.id} is {row.state}: {STATES[row.state]}", markup=False)
    tell_rule(row.rule)
    for chamber, who, said, secret in zip(CHAMBERS, row.speakers, row.commitments, row.secrets, strict=True):
        stands = f"opened {secret}" if secret else ("committed to " + said if said else "committed to nothing yet")
        if row.plan and not secret:
            stands = "opened nothing: the journal's head stands in"
        out.print(f"  {chamber} ({who}): {stands}", markup=False, soft_wrap=True)
    if row.head:
        out.print(
            f"  closed at {row.size} facts, head {row.head}: {row.workers} workers, {row.jobs} jobs with {row.seats} seats, "
            f"{row.pairs} pairs, {row.kept_apart} kept apart by a filter", markup=False, soft_wrap=True,
        )  # fmt: skip
    if row.seed:
        out.print(f"  {row.matched} matched by the seed {row.seed}", markup=False, soft_wrap=True)
    if row.state == "settled":
        out.print(f"  {row.agreed} agreed, {len(row.left)} left out", markup=False)
    for one in row.left:
        out.print(f"  {one.number} could not have {one.job} any more: {one.why}", markup=False)
    if row.why:
        taken = f"; its jobs came into {row.came_to}" if row.came_to else ""
        out.print(f"  given up: {row.why}{taken}", markup=False)


def _round(node: Node, round: str) -> Round:
    row = use_case.shown(node, round)
    if row is None:
        done(refuse(
            "registry.unknown", "there is nothing to show", f"there is no round `{round}`", remedy="see `work rounds`"
        ))  # fmt: skip
    assert row is not None
    return row


@command(work, "round-commit")
def commit(
    round: RoundId,
    commitment: Annotated[str, typer.Argument(help="what `work commit` says to publish")],
    by: As,
    dir: Directory = HERE,
) -> None:
    """Commit to a secret, as who speaks for a chamber."""
    with doors().open(dir) as node:
        fact = done(use_case.commit(node, round, by, commitment))
    out.print(f"the chamber of {fact.chamber} is committed", markup=False)


@command(work, "round-reveal")
def reveal(
    round: RoundId,
    secret: Annotated[str, typer.Argument(help="the secret that you kept, 64 hexadecimal digits")],
    by: As,
    dir: Directory = HERE,
) -> None:
    """Open a chamber's secret, once the round is closed."""
    with doors().open(dir) as node:
        fact = done(use_case.open_secret(node, round, by, secret))
    out.print(f"the chamber of {fact.chamber} opened its secret", markup=False)


@command(work, "wish")
def wish(
    round: RoundId,
    jobs: Annotated[list[str], typer.Argument(metavar="JOB...", help="jobs of the round, the best first")],
    by: As,
    worker: Annotated[str, typer.Option(help="a machine of yours that would do them (default: you)")] = "",
    dir: Directory = HERE,
) -> None:
    """Say which jobs of a round you would do."""
    with doors().open(dir) as node:
        fact = done(use_case.wish(node, round, by, tuple(jobs), worker))
    out.print(f"{worker or by} wishes for {', '.join(fact.jobs)}, in this order", markup=False)


@command(work, "round-follow")
def follow(dir: Directory = HERE) -> None:
    """Take the steps of all rounds that are due: close, plan, settle; open those of a series. `serve` does it by itself."""
    with doors().open(dir) as node:
        told = [step for step in (use_case.follow(node), series.follow(node)) if step]
    out.print("; ".join(told) or "nothing is due", markup=False)


@command(work, "round-close")
def close(round: RoundId, dir: Directory = HERE) -> None:
    """Close the wishes of a round: seal what its rule may look at, and name the journal's head."""
    with doors().open(dir) as node:
        fact = done(use_case.close(node, round))
    out.print(
        f"closed {round}: {fact.workers} workers, {fact.jobs} jobs with {fact.seats} seats, {fact.pairs} pairs, "
        f"{fact.kept_apart} kept apart", markup=False,
    )  # fmt: skip


@command(work, "round-plan")
def plan(round: RoundId, dir: Directory = HERE) -> None:
    """Work out who gets which job, with the certificate."""
    with doors().open(dir) as node:
        fact = done(use_case.plan(node, round))
    instead = f"; the journal's head stands in for {', '.join(fact.missing)}" if fact.missing else ""
    out.print(f"{fact.plan}: {fact.matched} matched{instead}", markup=False)


@command(work, "round-settle")
def settle(round: RoundId, dir: Directory = HERE) -> None:
    """Write down the job agreements that the plan says."""
    with doors().open(dir) as node:
        fact = done(use_case.settle(node, round))
    out.print(f"settled {round}: {fact.agreed} agreed, {len(fact.left)} left out", markup=False)


@command(work, "round-abandon")
def abandon(round: RoundId, why: Why, by: ByOperator = None, dir: Directory = HERE) -> None:
    """Give a round up, before any secret is open."""
    with doors().open(dir) as node:
        done(use_case.abandon(node, round, by or node.about.operator, why))
    out.print(f"gave {round} up; it is never drawn again", markup=False)


@command(work, "why")
def why(
    round: RoundId,
    by: As,
    worker: Annotated[str, typer.Option(help="a machine of yours (default: you)")] = "",
    dir: Directory = HERE,
) -> None:
    """Why you got a job of a round, or did not, and what would have changed it."""
    with doors().open(dir) as node:
        found = done(use_case.own(node, round, by, worker))
    at = "" if found.place is None else f", place {found.place} in the certificate, lottery rank {found.rank}"
    out.print(f"your number is {found.number}{at}, of {found.workers} workers", markup=False)
    if found.agreement:
        out.print(f"agreed: {found.agreement}", markup=False)
    for one in found.reasons:
        out.print(f"{one.job}: {one.words}", markup=False)
        if one.change:
            out.print(f"  {one.change}", markup=False)


@command(work, "round-files")
def files(
    round: RoundId,
    to: Annotated[Path, typer.Argument(help="a folder")],
    by: ByOperator = None,
    dir: Directory = HERE,
) -> None:
    """Write instance and certificate of a round, for `work check`; for the parties of its chambers."""
    with doors().open(dir) as node:
        party = by or node.about.operator
        instance = use_case.instance(node, round, party, every=party == node.about.operator)
        certificate = use_case.certificate(node, round)
    if instance is None or certificate is None:
        done(refuse(
            "registry.unknown", "nothing was written", f"there is no planned round `{round}` that you may check whole",
            remedy="see `work rounds`, or ask who speaks for a chamber",
        ))  # fmt: skip
    assert instance is not None and certificate is not None
    to.mkdir(parents=True, exist_ok=True)
    (to / "instance").write_bytes(instance)
    (to / "certificate.json").write_bytes(certificate)
    out.print(f"wrote {to / 'instance'} and {to / 'certificate.json'}", markup=False)
