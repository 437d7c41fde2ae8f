"""What is PostgreSQL's own: who leads, who is deposed, and what keeps the journal append-only there.

What it has in common with other stores is in `test_store`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from test_store import PostgresPlace, adds, names

from pg_server import Server
from usufruct.core.base.faults import BadInput, JournalDamaged, NodeFault
from usufruct.main import Settings, create_node, open_node, read_settings
from usufruct.node import register
from usufruct.store.audit import verify
from usufruct.store.pg import PgConnection, address_of
from usufruct.store.postgres import LOCK

LEASE = 1.0


class Leader:
    """A process that leads, or waits to; see `leader`."""

    def __init__(self, place: PostgresPlace, wait: float = 0) -> None:
        script = Path(__file__).with_name("leader.py")
        self.process = subprocess.Popen(
            [sys.executable, script, place.directory, place.address, str(wait), str(LEASE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def heard(self) -> str:
        """What it says next."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def told(self, line: str) -> str:
        """What it says to a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.heard()

    def stop(self) -> None:
        """Ends it."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def place(tmp_path: Path, pg_address: str) -> PostgresPlace:
    """A directory with a key, and an empty database."""
    return PostgresPlace(tmp_path, pg_address)


@pytest.fixture
def leaders(place: PostgresPlace) -> Iterator[Any]:
    """Starts leaders, and ends them all."""
    started: list[Leader] = []

    def start(wait: float = 0) -> Leader:
        started.append(Leader(place, wait))
        return started[-1]

    yield start
    for leader in started:
        leader.stop()


# Who leads


def test_a_second_process_is_told_who_leads_or_waits(leaders: Any, place: PostgresPlace) -> None:
    first = leaders()
    assert first.heard() == "leads"
    second = leaders()
    said = second.heard()
    assert said.startswith("no node.busy") and f"process {first.process.pid} of" in said and "term 1" in said
    third = leaders(wait=30)
    assert first.told("anna") == "0"
    assert first.process.stdin
    first.process.stdin.close()  # it ends by itself
    assert third.heard() == "leads"
    assert third.told("bo") == "1"
    assert third.told("?") == "anna bo"


def test_when_the_leader_is_killed_the_next_one_takes_over(leaders: Any, place: PostgresPlace) -> None:
    first = leaders()
    assert first.heard() == "leads"
    second = leaders(wait=30)
    acknowledged = [f"party-{number}" for number in range(20)]
    assert [first.told(name) for name in acknowledged] == [str(seq) for seq in range(20)]
    assert first.told("hold cut-off") == "holds"  # inside its transaction
    first.process.kill()
    assert second.heard() == "leads"
    assert second.told("after") == "20"
    assert second.told("?") == " ".join([*acknowledged, "after"])


@pytest.mark.parametrize("inside", [False, True], ids=["between transactions", "inside one"])
def test_a_leader_that_was_asleep_too_long_cannot_write(inside: bool, leaders: Any, place: PostgresPlace) -> None:
    """The server ends the session of a silent leader; when it wakes up it is deposed, with all it had in hand."""
    first = leaders()
    assert first.heard() == "leads"
    assert first.told("anna") == "0"
    if inside:
        assert first.told("hold bo") == "holds"
    first.process.send_signal(signal.SIGSTOP)
    second = leaders(wait=60)
    assert second.heard() == "leads"
    assert second.told("chen") == "1"
    first.process.send_signal(signal.SIGCONT)
    if inside:
        assert first.told("go on").startswith("no node.store")
    else:  # it finds out by itself, and then answers nothing either
        while not (said := first.told("?")).startswith("no node.deposed"):
            assert said == "anna chen"
            time.sleep(0.2)
    assert first.told("dana").startswith(("no node.busy", "no node.deposed"))
    assert second.told("eve") == "2"
    assert second.told("?") == "anna chen eve"


def test_a_term_that_is_over_writes_nothing_even_with_a_living_session(place: PostgresPlace) -> None:
    """The lock alone would not have noticed."""
    with place.store() as store:
        store.write(adds("anna"))
        with closing(place.connection()) as other:
            other.execute("UPDATE leader SET term = term + 1")
        for _ in range(2):
            with pytest.raises(NodeFault) as caught:
                store.write(adds("bo"))
            assert caught.value.code == "node.deposed"
        with pytest.raises(NodeFault), store.read():
            pass
    with place.store() as store:
        assert names(store) == ["anna"]


def test_a_new_term_waits_for_the_end_of_the_last_transaction(place: PostgresPlace) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Any) -> None:
        adds("anna")(tx)
        begun.set()
        assert go_on.wait(20)

    with place.store() as store, closing(place.connection()) as other:
        writer = threading.Thread(target=store.write, args=(slow,))
        writer.start()
        assert begun.wait(20)
        other.execute("SET lock_timeout = 300")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("UPDATE leader SET term = term + 1")
        go_on.set()
        writer.join()
        other.execute("UPDATE leader SET term = term + 1")
        assert other.execute("SELECT count(*) FROM journal").fetchone() == (1,)


def test_two_leaders_never_give_out_the_same_slot(leaders: Any, place: PostgresPlace) -> None:
    first = leaders()
    assert first.heard() == "leads"
    slots = [int(first.told(f"+anna-{number}").split(" in ")[1]) for number in range(3)]
    first.process.kill()
    second = leaders(wait=30)
    assert second.heard() == "leads"
    slots += [int(second.told(f"+bo-{number}").split(" in ")[1]) for number in range(40)]
    assert len(set(slots)) == 43
    names = second.told("?").split()
    assert len(names) == 43 and "anna-2" in names and "bo-39" in names


# A session that is lost


def end_sessions(place: PostgresPlace) -> None:
    """What an administrator may do to all other sessions of the database."""
    with closing(place.connection()) as other:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
        other.execute(f"{query} current_database()")


def test_a_leader_whose_session_was_ended_goes_on_if_nobody_led(place: PostgresPlace) -> None:
    with place.store() as store:
        store.write(adds("anna"))
        assert names(store) == ["anna"]
        end_sessions(place)
        store.write(adds("bo"))
        end_sessions(place)
        assert names(store) == ["anna", "bo"]
        store.write(adds("chen"))
        with closing(place.connection()) as other:
            assert other.execute("SELECT term FROM leader").fetchone() == (3,)
            assert not other.execute("SELECT pg_try_advisory_lock(?)", (LOCK,)).fetchone()[0]


def test_a_session_lost_inside_a_batch_undoes_the_batch(place: PostgresPlace) -> None:
    def cut(tx: Any) -> None:
        adds("nobody")(tx)
        end_sessions(place)
        adds("nobody-else")(tx)

    with place.store() as store:
        store.write(adds("anna"))
        with pytest.raises(NodeFault):
            store.write(cut)
        store.write(adds("bo"))
        assert names(store) == ["anna", "bo"]


def test_the_power_of_the_server_fails_while_many_write(place: PostgresPlace, pg_server: Server) -> None:
    """What was acknowledged is there; what was not may be; the same store goes on when the server is back."""
    told: list[str] = []
    stop = threading.Event()

    def write(number: int) -> None:
        for count in range(10_000):
            name = f"party-{number}-{count}"
            try:
                store.write(adds(name))
            except NodeFault:
                return
            told.append(name)
            if len(told) > 300:
                stop.set()

    with place.store() as store:
        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        assert stop.wait(60)
        pg_server.stop()
        for thread in threads:
            thread.join(60)
        pg_server.start()
        store.write(adds("after"))
        there = names(store)
        assert set(told) <= set(there) and there[-1] == "after"
        assert len(there) <= len(told) + len(threads) + 1
        with store.read() as state:
            assert state.size() == len(there)


# Append-only


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER journal_is_never_changed ON journal",
        "ALTER TABLE checkpoint DISABLE TRIGGER checkpoint_is_never_changed",
        "ALTER TABLE journal ENABLE TRIGGER journal_is_never_changed",  # no longer always
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE RULE quietly AS ON INSERT TO journal DO INSTEAD NOTHING",
    ],
)
def test_a_journal_that_could_be_changed_is_not_opened(place: PostgresPlace, statement: str) -> None:
    with place.store() as store:
        store.write(adds("anna"))
    with closing(place.connection()) as other:
        other.execute(statement)
    with pytest.raises(JournalDamaged), place.store():
        pass


def test_a_session_that_asks_for_no_triggers_gets_them_all_the_same(place: PostgresPlace) -> None:
    with place.store() as store:
        store.write(adds("anna"))
    with closing(place.connection()) as other:
        other.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.RaiseException):
            other.execute("DELETE FROM journal")


# A node


def test_a_node_lives_in_a_database_and_is_audited_there(
    tmp_path: Path, pg_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE_THE_STORE_IS", pg_address)
    directory = tmp_path / "node"
    create_node(directory, "Commons", "commons", "Commons", "EUR", store="env:WHERE_THE_STORE_IS")
    with open_node(directory) as node:
        register.add_party(node, "institute", "organisation", "Institute")
    report = verify(directory)
    assert report.findings == () and report.facts == 2
    assert not (directory / "journal.sqlite").exists()
    with closing(PgConnection(pg_address, writes=True)) as other:
        other.execute("UPDATE state_party SET body = '{}' WHERE key = 'institute'")
        other.execute("UPDATE tree SET hash = substr(hash, 2) || '\\x00'::bytea")
        other.execute("ALTER TABLE journal DISABLE TRIGGER journal_is_never_changed")
    found = [finding.what for finding in verify(directory).findings]
    assert any("`institute` in `state_party`" in what for what in found)
    assert any("the tree's node" in what for what in found)
    assert any("journal_is_never_changed" in what for what in found)


def test_addresses_are_never_shown(tmp_path: Path, pg_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "s3cr3t%21"
    address = f"postgresql://nobody:{secret}@/nowhere?host={pg_server.address('').partition('host=')[2]}"
    for bad in (
        address,
        f"postgresql://nobody:{secret}@localhost:port/x",
        f"mysql://{secret}@there",
        "env:NOT_SET_HERE",
    ):
        with pytest.raises((BadInput, NodeFault)) as caught:
            create_node(tmp_path / "node", "Commons", "commons", "Commons", "EUR", store=bad)
        assert "s3cr3t" not in str(caught.value) + repr(caught.value) + str(caught.value.__cause__)
        assert caught.value.remedy
    create_node(tmp_path / "node", "Commons", "commons", "Commons", "EUR")
    path = tmp_path / "node" / "node.toml"
    path.write_text(path.read_text().replace('store = ""', f'store = "{address}"'))
    settings: Settings = read_settings(tmp_path / "node")
    assert settings.store == address and "s3cr3t" not in repr(settings)
    monkeypatch.setenv("SOME_STORE", address)
    assert address_of("env:SOME_STORE") == address


def test_a_server_that_does_not_sync_is_refused(place: PostgresPlace, pg_server: Server) -> None:
    pg_server.stop("fast")
    pg_server.start("-c fsync=off")
    try:
        with pytest.raises(JournalDamaged, match="fsync"), place.store():
            pass
    finally:
        pg_server.stop("fast")
        pg_server.start()


def test_one_node_in_one_database(place: PostgresPlace, tmp_path_factory: pytest.TempPathFactory) -> None:
    with place.store() as store:
        store.write(adds("anna"))
    other = PostgresPlace(tmp_path_factory.mktemp("other"), place.address)
    with pytest.raises(JournalDamaged), other.store():
        pass
