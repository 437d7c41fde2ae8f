"""The world is not as it should be: no space, a clock set back, a second process, damage. The node says what is wrong
and what helps, loses nothing, and goes on when it is put right."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import story
from support import JOURNAL, SetClock, check_ends, edit, state_rows
from usufruct.core.base.faults import BadInput, ClockWentBack, Fault, JournalDamaged, NodeBusy, NodeFault, StoreFull
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.registry.state import Party
from usufruct.main import open_node
from usufruct.node import register
from usufruct.node.node import Node
from usufruct.store.audit import verify

TRIGGERS = (
    "journal_is_never_changed",
    "journal_is_never_shortened",
    "checkpoint_is_never_changed",
    "checkpoint_is_never_deleted",
)


# No space


def limit(node: Node, pages: int) -> None:
    """How many pages the writer may use; SQLite never takes away those that there are."""
    node.store._connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]


@contextmanager
def full_disk(node: Node) -> Iterator[None]:
    """There is no space left, but what is left over in the pages that there are."""
    limit(node, 1)
    yield
    limit(node, 2**31)


def add_parties(node: Node, prefix: str = "party", size: int = 500) -> None:
    """Registers parties, one after another, until the node can take no more."""
    for number in range(10_000):
        story.done(register.add_party(node, f"{prefix}-{number}", "organisation", "x" * size))


def test_a_full_disk_is_said_and_nothing_is_lost(node: Node, directory: Path) -> None:
    with full_disk(node):
        with pytest.raises(StoreFull) as caught:
            add_parties(node)
        with node.store.read() as state:
            size, parties = state.size(), [party.id for party in state.list(Party)]
    assert "full" in caught.value.message and "free some space" in caught.value.remedy
    assert verify(directory).facts == size
    story.done(register.add_party(node, "latecomer", "organisation", "Latecomer"))
    story.answer(node)
    with node.store.read() as state:
        assert [party.id for party in state.list(Party)] == [*parties, "latecomer"]
    assert verify(directory).sound


def test_one_who_asks_while_the_disk_is_full_is_not_charged(node: Node) -> None:
    with full_disk(node):
        with pytest.raises(StoreFull):
            add_parties(node)
        with pytest.raises(StoreFull):  # to the brim
            add_parties(node, "small", 1)
        with pytest.raises(StoreFull):
            story.ask(node)
    with node.store.read() as state:
        assert list(state.list(Use)) == []
        assert [(budget.spent, budget.reserved) for budget in state.list(Budget)] == [(0, 0)]


def test_an_answer_that_cannot_be_recorded_does_not_leave(directory: Path, clock: SetClock) -> None:
    """The disk fills up between the two facts: the charge stays reserved, and is spent when the node opens again."""
    opened: list[Node] = []

    def reach(step: str) -> None:
        if step in ("query before admitted", "query before answered"):
            limit(opened[0], 2**31 if step == "query before admitted" else 1)

    def ask_on(node: Node) -> None:
        while True:
            story.answer(node, "SELECT COUNT(*) FROM pay", micro_rho=story.CHEAP)

    with open_node(directory, clock, reach) as node:
        opened.append(node)
        with pytest.raises(StoreFull):
            ask_on(node)
        with node.store.read() as state:
            (left_open,) = state.list(Use, state="admitted")
            assert [budget.reserved for budget in state.list(Budget)] == [left_open.charge]
    with open_node(directory, clock) as node, node.store.read() as state:
        ended = state.get(Use, left_open.id)
        assert ended is not None and ended.state == "abandoned"
        check_ends(state)
    assert verify(directory).sound


def test_a_file_that_may_not_grow(node: Node, directory: Path) -> None:
    """The process's files may not grow, in place of a disk that says no at any write, those to the log too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        with pytest.raises(NodeFault) as caught:
            add_parties(node)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.remedy
    with node.store.read() as state:
        size, names = state.size(), [party.id for party in state.list(Party) if "party-" in party.id]
    assert names and names == [f"party-{number}" for number in range(len(names))]
    story.done(register.add_party(node, "latecomer", "organisation", "Latecomer"))
    report = verify(directory)
    assert report.facts == size + 1 and report.sound


# A clock set back


def test_a_clock_set_back_stops_writing_until_it_has_caught_up(node: Node, directory: Path, clock: SetClock) -> None:
    clock.move(hours=-1)
    with node.store.read() as state:
        size = state.size()
    with pytest.raises(ClockWentBack) as caught:
        register.add_party(node, "latecomer", "organisation", "Latecomer")
    assert "set the clock right" in caught.value.remedy
    with node.store.read() as state:
        assert state.size() == size and state.get(Party, "latecomer") is None
    clock.move(hours=1)
    story.done(register.add_party(node, "latecomer", "organisation", "Latecomer"))
    assert verify(directory).sound


def test_a_small_step_back_stops_nothing(node: Node, directory: Path, clock: SetClock) -> None:
    """As time services make them; the instants in the journal stand still meanwhile."""
    for _ in range(2):
        clock.move(seconds=-4)
        story.answer(node, micro_rho=story.CHEAP)
    assert verify(directory).sound


def test_a_node_whose_clock_is_behind_still_answers_who_reads(directory: Path, clock: SetClock) -> None:
    clock.move(days=-1)
    with open_node(directory, clock) as node, node.store.read() as state:
        assert state.get(Party, story.USER) is not None


# A second process


def test_a_second_process_is_told_who_has_the_node(node: Node, directory: Path) -> None:
    script = (
        "import sys, pathlib; from usufruct.main import open_node; from usufruct.core.base.faults import NodeBusy\n"
        "try:\n    open_node(pathlib.Path(sys.argv[1])).__enter__()\n"
        "except NodeBusy as fault:\n    print(fault)\n"
    )
    said = subprocess.run([sys.executable, "-c", script, directory], capture_output=True, text=True, check=True).stdout
    assert f"open in another process ({os.getpid()})" in said
    assert "stop that process first" in said
    story.answer(node)  # and the first one is not disturbed


def test_a_node_is_free_again_once_it_is_closed(directory: Path) -> None:
    with open_node(directory), pytest.raises(NodeBusy), open_node(directory):
        pass
    with open_node(directory) as node:
        story.answer(node)


def test_a_closed_node_does_not_keep_anybody_waiting(directory: Path) -> None:
    with open_node(directory) as node:
        pass
    with pytest.raises(NodeFault, match="closed"):
        node.store.write(lambda tx: tx.append(PartyRegistered("latecomer", "organisation", "Latecomer")))


# Damage


def refused(directory: Path) -> Fault:
    """The fault with which the node does not open."""
    with pytest.raises(JournalDamaged) as caught, open_node(directory):
        pass
    return caught.value


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
        "DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET note = (SELECT note FROM checkpoint ORDER BY size LIMIT 1)",
        "UPDATE tree SET hash = zeroblob(32)",
        "DELETE FROM tree",
    ],
)
def test_a_node_signs_nothing_on_top_of_what_was_not_signed(directory: Path, statement: str) -> None:
    edit(directory / JOURNAL, statement)
    assert "usufruct journal verify" in refused(directory).remedy


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_node_without_its_guards_does_not_open(directory: Path, trigger: str) -> None:
    with closing(sqlite3.connect(directory / JOURNAL)) as connection:
        connection.execute(f"DROP TRIGGER {trigger}")
    assert trigger in refused(directory).message


def test_a_guard_that_guards_nothing_is_noticed(directory: Path) -> None:
    with closing(sqlite3.connect(directory / JOURNAL)) as connection:
        connection.execute("DROP TRIGGER journal_is_never_changed")
        connection.execute("CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal BEGIN SELECT 1; END")
    assert "journal_is_never_changed" in refused(directory).message


@pytest.mark.parametrize("guarded", ["journal", "checkpoint"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET rowid = rowid + 100"])
def test_the_guards_hold(directory: Path, guarded: str, change: str) -> None:
    with closing(sqlite3.connect(directory / JOURNAL)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(change.format(guarded))


def test_a_file_that_is_no_journal_is_refused_in_words(directory: Path) -> None:
    (directory / JOURNAL).write_bytes(b"something else altogether" * 1000)
    assert "restore" in refused(directory).remedy


def test_a_damaged_page_is_said_in_words(directory: Path) -> None:
    """Any page of the file: the node opens, for it does not look at everything, or it says what is wrong."""
    journal = directory / JOURNAL
    data = journal.read_bytes()
    remedies = []
    for start in range(0, len(data), 4096):
        journal.write_bytes(data[:start] + b"\xff" * 4096 + data[start + 4096 :])
        for beside in ("-wal", "-shm"):
            journal.with_name(JOURNAL + beside).unlink(missing_ok=True)
        try:
            with open_node(directory) as node, node.store.read() as state:
                assert list(state.list(Party))
        except JournalDamaged as fault:
            remedies.append(fault.remedy)
    assert len(remedies) > 5 and all("usufruct journal verify" in remedy for remedy in remedies)


def test_a_directory_that_is_no_node(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="usufruct init"), open_node(tmp_path):
        pass


def test_state_of_an_older_version_is_folded_again(directory: Path) -> None:
    """The state is an index: what an older version left of it does not matter."""
    before = state_rows(directory / JOURNAL)
    edit(
        directory / JOURNAL,
        "UPDATE meta SET value = 'older' WHERE name = 'state'",
        "DELETE FROM state_party",
        "UPDATE state_budget SET body = 'nonsense'",
    )
    with open_node(directory):
        pass
    assert state_rows(directory / JOURNAL) == before
    assert verify(directory).sound
