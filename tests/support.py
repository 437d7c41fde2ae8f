"""Tools for tests: a clock that can be set, and looks at a node from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from usufruct.core import facts
from usufruct.core.base.instants import Instant, later
from usufruct.core.privacy.state import Budget, Use
from usufruct.ports import Snapshot
from usufruct.store import tables
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import SystemClock
from usufruct.store.sqlite import connect, rebuild

JOURNAL = "journal.sqlite"


class SetClock:
    """`ports.Clock` that starts a minute from now, for a new node's first fact is of now, and goes on by `tick` seconds
    whenever it is read; it can be set."""

    def __init__(self, tick: float = 1) -> None:
        self.at = later(SystemClock().now(), seconds=60)
        self.tick = tick

    def now(self) -> Instant:
        """The instant it is set to; the next reading is a tick later."""
        at = self.at
        self.at = later(at, seconds=self.tick)
        return at

    def steady(self) -> int:
        """No time goes by."""
        return 0

    def sleep(self, milliseconds: int) -> None:
        """Nobody waits; `slept` tells how long it would have been."""
        self.slept = milliseconds

    def move(self, **duration: float) -> None:
        """Sets it forward, or back, by a `timedelta`'s keyword arguments."""
        self.at = later(self.at, **duration)


class Unhurried(SystemClock):
    """The machine's clock, on which nobody waits."""

    def sleep(self, milliseconds: int) -> None:
        """Nobody waits."""


class Ticking(SystemClock):
    """A clock on which working out takes as long as it is told. `left` is when something was waited for, in milliseconds
    from the first look at the clock."""

    def __init__(self, takes: int) -> None:
        self.takes, self.at_ms = takes, -takes
        self.left: list[int] = []

    def steady(self) -> int:
        """So much later than at the last look."""
        self.at_ms += self.takes
        return self.at_ms

    def sleep(self, milliseconds: int) -> None:
        """The time is over at once."""
        self.at_ms += milliseconds
        self.left.append(self.at_ms)


def state_rows(journal: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the state tables and of `about`, as they lie in the file."""
    with closing(sqlite3.connect(journal)) as connection:
        names = [tables.table(kind).name for kind in facts.ROWS]
        rows = {name: connection.execute(f"SELECT * FROM {name} ORDER BY place").fetchall() for name in names}
        rows["about"] = connection.execute("SELECT * FROM about ORDER BY party, seq").fetchall()
    return rows


def rebuilt_rows(journal: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The same after the state was dropped and folded again, in place. Nobody else may have the file open."""
    keys = journal.parent / "keys" / "persons"
    with closing(connect(journal)) as connection, closing(KeyRing(keys, look=True)) as keyring:
        rebuild(connection, keyring)
    return state_rows(journal)


def check_ends(state: Snapshot) -> None:
    """No use is left open, the budgets hold what the ended uses were charged, and every answer is there."""
    uses = list(state.list(Use))
    assert not [use.id for use in uses if use.state == "admitted"]
    for budget in state.list(Budget):
        charged = [u.charge for u in uses if (u.asset, u.version) == (budget.asset, budget.version) and u.charge]
        assert (budget.spent, budget.reserved) == (sum(charged), 0)
        assert budget.spent <= budget.total
    for use in uses:
        if use.state == "answered":
            assert state.evidence(use.answer) and state.evidence(use.contributions)


def edit(journal: Path, *statements: str) -> None:
    """Changes the file behind the node's back, with the triggers out of the way for as long as that takes."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount, f"nothing was changed by {statement}"
        for _, sql in triggers:
            connection.execute(sql)
