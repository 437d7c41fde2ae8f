"""What the uses of an asset are divided by, and what each holder adds to a total: for whoever keeps the node.

A look at holders' shares is a look at persons' data, so the fact of it is on disk before they are read. What comes of it is
shown and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income import adoption, holders
from usufruct.core.income.facts import MeasureChosen, SharesRead
from usufruct.core.income.holders import HolderPlan, HolderShare
from usufruct.core.privacy.question import Question, Ref
from usufruct.core.privacy.relations import resolve
from usufruct.core.registry.state import Asset
from usufruct.node import stored
from usufruct.node.node import Node
from usufruct.node.query import among
from usufruct.ports import Transaction

ORDERS = 1_000  # that are sampled, where shares are
MOST_ORDERS = 100_000


def choose_measure(node: Node, asset: str, wanted: str, by: str) -> MeasureChosen | Refusal:
    """Has the uses of an asset divided by another measure from here on.

    Raises:
        BadInput: there is no such measure.
    """
    return node.record(lambda tx: adoption.choose_measure(tx, asset, wanted, by))


def read_shares(
    node: Node, question: Question | Refusal, by: str, columns: Sequence[str], players: str = holders.RECORDS, orders: int = ORDERS
) -> list[HolderShare] | Refusal:  # fmt: skip
    """What each holder adds to the total of a question, over all rows that the node holds; `columns` say whose a row is, each
    as `column` or `table.column`. Exact, and so for nobody outside the node.

    Raises:
        BadInput: players or orders cannot be.
        EngineFault: it could not be worked out within the node's limits.
    """
    if players not in holders.PLAYERS or not 2 <= orders <= MOST_ORDERS:
        raise BadInput(
            "input.measure", f"shares cannot be worked out with {players} as players, or in {orders} orders",
            f"let {' or '.join(holders.PLAYERS)} be the players, and say 2 to {MOST_ORDERS} orders",
        )  # fmt: skip
    if isinstance(question, Refusal):
        return question
    refs = [Ref(name, of) for of, _, name in (column.rpartition(".") for column in columns)]

    def command(tx: Transaction) -> tuple[HolderPlan, str] | Refusal:
        found = _plan(tx, question, refs, players)
        if isinstance(found, Refusal):
            return found
        entry = tx.append(SharesRead(question.assets, question.text, tuple(columns), by))
        return found, numbered("shares", entry.seq)

    admitted = node.store.write(command)
    if isinstance(admitted, Refusal):
        return admitted
    plan, name = admitted
    for source in plan.sources:
        stored.check(node, source.asset, source.version)
    with node.store.read() as state:
        persons = {}
        for source in plan.sources:
            row = state.get(Asset, source.asset)
            assert row is not None, "what is planned exists"
            persons[source.asset] = row.quality.persons
        everybody = {asset: (((1 << n) - 1).to_bytes(n // 8 + 1, "little"), n) for asset, n in persons.items()}
        rows = node.engine.holders(plan, among(state, plan.sources, everybody))
    return holders.shares(plan, rows, name, orders)


def _plan(read: Reader, question: Question, refs: Sequence[Ref], players: str) -> HolderPlan | Refusal:
    assets = {name: row for name in question.assets if (row := read.get(Asset, name)) is not None}
    if len(assets) < len(question.assets):
        missing = next(name for name in question.assets if name not in assets)
        return refuse(
            "registry.unknown", holders.NOT_WORKED_OUT, f"there is no asset `{missing}`", remedy="look at the catalogue"
        )
    view = resolve(question, assets)
    return view if isinstance(view, Refusal) else holders.plan(question, view, assets, refs, players)
