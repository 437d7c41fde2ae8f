"""Dividing one income among many members: planned, settled line by line, approved, posted; see `payees` for settling alone.

Ours is the node's own way, `plan_period` and `close_period`, on an asset of that many persons with a few priced uses in
which all of them count. The node is made by appending those facts and their evidence to a real store; registering a
million persons one by one would add minutes and nothing to what is measured here.

The peer is what one would write first: Decimal shares for each use and member, rounded down to cents, the cents left
over given to the largest remainders, and a posting for each member in SQLite, committed once. It keeps no proof, no
plan that can be refused, and no explanation. Both must pay out the same whole.
"""

from __future__ import annotations

import random
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import count
from pathlib import Path
from statistics import median

from bench import payees
from bench.measure import in_turns, scratch, seconds, setup
from bench.report import Result, against, alone, barred
from usufruct.core.base import canonical
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import rules
from usufruct.core.income.earned import Earned
from usufruct.core.income.facts import PeriodPlanned
from usufruct.core.income.measure import MICRO, EarningUse, Portion
from usufruct.core.income.settlement import Lines
from usufruct.core.privacy.facts import BudgetOpened, QueryAdmitted, QueryAnswered
from usufruct.core.registry.facts import AssetRegistered, Column, PartyRegistered, PersonsEnrolled, Quality
from usufruct.core.registry.state import Asset
from usufruct.main import create_node, open_node
from usufruct.node import period, views
from usufruct.node.lines import line_proof
from usufruct.node.node import Node
from usufruct.ports import Transaction

SIZES = ((10_000, 7), (100_000, 5), (1_000_000, 3))  # members, turns
QUICK = ((500, 2), (2_000, 2))
MANY_USES, MANY_SECONDS, MANY_GIGABYTES = 10, 60, 4  # contributions of a million members, and what that may take
USES = 3
PRICE = 5_000_000_00  # minor units a use: some euros for each of a million
PEER = "Decimal, a row for each member in sqlite3"


FULL = True


def run(quick: bool, full: bool = False) -> list[Result]:
    """The figures for each number of members, and for each number of payees."""
    results = []
    for members, turns in QUICK if quick else SIZES:
        with scratch() as folder:
            results += _size(folder, members, turns)
    return results + _many(2_000 if quick else 1_000_000, quick) + payees.results(quick, full)


def _many(members: int, quick: bool) -> list[Result]:
    """A whole period of ten times as many contributions as members, in a process of its own."""
    taken, memory = payees.apart(_whole_period, members)
    case = f"{MANY_USES * members:,} contributions to {members:,} members: "
    parts = [alone(f"{case}of that, {part}", figure, "s") for part, figure in taken.items()]
    whole = sum(taken.values())
    return [
        barred(
            alone(f"{case}measured, divided, posted, stated", whole, "s"),
            f"under {MANY_SECONDS} s", None if quick else whole < MANY_SECONDS,
        ),
        barred(
            alone(f"{case}memory held at most", memory, "GB"),
            f"under {MANY_GIGABYTES} GB", None if quick else memory < MANY_GIGABYTES,
        ),
        *parts,
    ]  # fmt: skip


def _whole_period(members: int) -> dict[str, float]:
    rows = [_rows(members, use) for use in range(MANY_USES)]
    with scratch() as folder:
        create_node(folder / "node", "Bench", "holder", "Holder", "EUR")
        with open_node(folder / "node") as node:
            node.store.write(lambda tx: _register(tx, members))
            node.store.write(lambda tx: _use(tx, rows))
            planned: list[PeriodPlanned] = []
            return {
                "planned": seconds(lambda: planned.append(_plan(node, "whole"))),
                "closed": seconds(lambda: _close(node, "whole", planned[-1])),
                "how it is spread, for the steward": seconds(lambda: views.plan_page(node, planned[-1].plan)),
                "a member's page": seconds(lambda: views.member_page(node, "member-1")),
                "a member's line with its proof": seconds(lambda: line_proof(node, "member-1", "whole", "pay")),
            }


def _size(folder: Path, members: int, turns: int) -> list[Result]:
    create_node(folder / "node", "Bench", "holder", "Holder", "EUR")
    rows = [_rows(members, use) for use in range(USES)]
    names = (f"period-{n}" for n in count())
    plans: list[PeriodPlanned] = []
    with open_node(folder / "node") as node, closing(_postings(folder / "naive.sqlite")) as naive:
        with setup(f"an asset of {members:,} persons"):
            node.store.write(lambda tx: _register(tx, members))

        def ours() -> float:
            node.store.write(lambda tx: _use(tx, rows))
            return seconds(lambda: plans.append(_plan_and_close(node, next(names))))

        def theirs() -> float:
            return seconds(lambda: _naively(naive, next(names), rows))

        taken = in_turns(turns, {"ours": ours, PEER: theirs})
        _check(node, plans[-1], naive, members)
        split = _split(node, members, rows, turns)
        page = median(seconds(lambda: views.member_page(node, "member-1")) for _ in range(3)) / len(plans)
    case = f"{members:,} members, {USES} uses: plan and close"
    results = [against(case, median(taken["ours"]), "s", PEER, median(taken[PEER]))]
    results += [alone(f"{members:,} members, of that: {part}", 1000 * figure, "ms") for part, figure in split.items()]
    results.append(
        alone(f"{members:,} members: one member's page, for each closed period of {USES} uses", 1000 * page, "ms")
    )
    return results


def _rows(members: int, use: int) -> array[int]:
    """How many rows of each member counted in a use: log-normal, about 10, some none."""
    draw = random.Random(use)
    sample = [min(500, int(draw.lognormvariate(2, 1))) for _ in range(min(members, 10_007))]
    return array("I", (sample * (members // len(sample) + 1))[:members])


def _register(tx: Transaction, members: int) -> None:
    columns = (Column("person", "integer", "personal", 3),)
    tx.append(PartyRegistered("lab", "organisation", "Lab"))
    tx.append(PartyRegistered("member-1", "person", "Member 1"))
    tx.append(AssetRegistered(
        "pay", "holder", "members-of-pay", "Pay", "made up", "none", (), "v1", "", "person", columns, 500, (),
        Quality(members * 10, members, (0,)),
    ))  # fmt: skip
    tx.append(PersonsEnrolled("pay", 1, ("member-1",)))
    tx.append(BudgetOpened("pay", "v1", 1_000_000))


def _use(tx: Transaction, rows: Sequence[array[int]]) -> None:
    """What a period earned: priced questions, answered, with everybody's rows."""
    for counted in rows:
        use, purpose = f"use-{tx.next}", "AcademicResearch"
        nobody = tx.attach("application/vnd.usufruct.population.v1", b"")
        answer = tx.attach("application/vnd.usufruct.answer.v1+json", canonical.encode({}))
        tx.append(QueryAdmitted(
            use, "lab", "agreement-1", "pay", "v1", purpose, "made up", "made up", 1, PRICE, "EUR", population=nobody
        ))  # fmt: skip
        contributions = tx.attach("application/vnd.usufruct.contributions.v1", counted.tobytes())
        tx.append(QueryAnswered(use, "lab", "pay", purpose, "made up", answer=answer, contributions=contributions))


def _plan_and_close(node: Node, name: str) -> PeriodPlanned:
    planned = _plan(node, name)
    _close(node, name, planned)
    return planned


def _plan(node: Node, name: str) -> PeriodPlanned:
    planned = period.plan_period(node, name)
    assert not isinstance(planned, Refusal), planned
    return planned


def _close(node: Node, name: str, planned: PeriodPlanned) -> None:
    closed = period.close_period(node, name, planned.plan, "holder")
    assert not isinstance(closed, Refusal), closed


def _split(node: Node, members: int, rows: Sequence[array[int]], turns: int) -> dict[str, float]:
    """Where our time goes: the shares, the settlement, and what the store does with its lines."""
    with node.store.read() as state:
        asset = state.get(Asset, "pay")
    assert asset is not None
    uses = [EarningUse(f"use-{n}", PRICE, counted) for n, counted in enumerate(rows)]
    pool = USES * PRICE * 7 // 10
    lines = bytes(16 * members)

    def divide() -> object:
        now = node.clock.now()
        with node.store.read() as state:
            return rules.divide_income(state, "split", asset, Earned(uses, now, []), node.rulebook, now)

    def settle() -> object:
        portions = [Portion(use.id, pool // USES * MICRO, use.weights) for use in uses]
        return node.settler.settle(portions, (), members, 1, bytes(32))

    def keep() -> object:
        return node.store.write(lambda tx: tx.attach("application/octet-stream", lines))

    figures = in_turns(turns, {
        "the shares of the income": lambda: seconds(divide),
        "each member's line, with the root over them": lambda: seconds(settle),
        "the settlement sealed and kept": lambda: seconds(keep),
    })  # fmt: skip
    return {part: median(taken) for part, taken in figures.items()}


def _postings(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE posting (period TEXT, account TEXT, amount INTEGER, PRIMARY KEY (period, account)) WITHOUT ROWID"
    )
    return connection


def _naively(connection: sqlite3.Connection, name: str, rows: Sequence[Sequence[int]]) -> None:
    """The peer's way of one period."""
    income = USES * PRICE
    operator, fund = income * 2_000 // 10_000, income * 1_000 // 10_000
    pool = income - operator - fund
    due = [Decimal(0)] * len(rows[0])
    for counted in rows:
        each = Decimal(pool) / len(rows) / sum(counted)
        for member, number in enumerate(counted):
            due[member] += each * number
    paid = [int(amount) for amount in due]
    largest = sorted(range(len(due)), key=lambda member: paid[member] - due[member])
    for member in largest[: pool - sum(paid)]:
        paid[member] += 1
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO posting VALUES (?, ?, ?)", _lines(name, operator, fund, paid))
    connection.execute("COMMIT")


def _lines(name: str, operator: int, fund: int, paid: Sequence[int]) -> Iterator[tuple[str, str, int]]:
    yield name, "operator", operator
    yield name, "fund", fund
    for member, amount in enumerate(paid):
        if amount:
            yield name, f"member-{member}", amount


def _check(node: Node, planned: PeriodPlanned, naive: sqlite3.Connection, members: int) -> None:
    """Both divided the same whole to the last cent."""
    with node.store.read() as state:
        due, paid = Lines(planned.statements[0], state.evidence).columns()
    assert len(due) == len(paid) == members
    assert sum(due) == planned.statements[0].members * MICRO
    assert sum(paid) == planned.statements[0].paid_out
    periods = naive.execute("SELECT sum(amount) FROM posting GROUP BY period").fetchall()
    assert {total for (total,) in periods} == {planned.income} == {USES * PRICE}
