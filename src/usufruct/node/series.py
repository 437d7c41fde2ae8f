"""Series of rounds: started and ended by a person, and opened by the clock in between.

The follower keeps nothing in memory. What is due follows from the journal and the time, and is asked again in the writer's
turn, so it can be run twice, at once, or after a restart, and each round is opened once.
"""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.rules import id_of
from usufruct.core.work import series_rules
from usufruct.core.work.allocation.rule import AllocationRule
from usufruct.core.work.rounds.series import Series, SeriesEnded, SeriesStarted, Times
from usufruct.core.work.rounds.state import RoundOpened
from usufruct.node.node import Node
from usufruct.ports import Transaction

SHOWN = 5


def start(
    node: Node, series: str, rule: AllocationRule, speakers: tuple[str, str, str], starts: Instant | None,
    minutes: tuple[int, int, int], until: Instant, by: str,
) -> SeriesStarted | Refusal:  # fmt: skip
    """Starts a series, now or later; `minutes` are those between two rounds, for wishes, and for openings.

    Raises:
        BadInput: the name or the minutes cannot be.
    """

    def found(tx: Transaction) -> SeriesStarted | Refusal:
        workers, operators, customers = (id_of(tx, name) for name in speakers)
        return series_rules.start(
            tx, series, id_of(tx, by), rule, (workers, operators, customers), starts or tx.now, minutes, until, tx.now
        )

    return node.record(found)


def end(node: Node, series: str, by: str, why: str) -> SeriesEnded | Refusal:
    """Ends a series; a round that is open goes its way.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    return node.record(lambda tx: series_rules.end(tx, series, id_of(tx, by), why))


def follow(node: Node) -> str:
    """Opens the rounds that are due; says in words which, empty if none was."""
    now = node.clock.now()
    with node.store.read() as state:
        due = [
            row.id for row in state.list(Series)
            if not isinstance(series_rules.next_round(state, row.id, now), Refusal)
        ]  # fmt: skip
    done = [_opened(node, id) for id in due]
    return "; ".join(f"{fact.round}: opened" for fact in done if not isinstance(fact, Refusal))


def _opened(node: Node, series: str) -> RoundOpened | Refusal:
    return node.record(lambda tx: series_rules.next_round(tx, series, tx.now))


def listed(node: Node) -> list[Series]:
    """All series, the newest first."""
    with node.store.read() as state:
        return list(reversed(list(state.list(Series))))


def shown(node: Node, series: str) -> Series | None:
    """A series as everybody sees it."""
    with node.store.read() as state:
        return state.get(Series, series)


def ahead(row: Series, at: Instant, count: int = SHOWN) -> list[Times]:
    """The next rounds of a series that are still to open, at most so many."""
    first = row.following(at)
    if first is None:
        return []
    times = (row.times(first.number + more) for more in range(count))
    return [one for one in times if one.opens < row.until]
