"""Erasure that is interrupted, repeated, misdirected, or gets in the way of everything else."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import counted
import erased
import story
from erased import ANOTHER, LOANS, NAME, SHE, VISITS, World
from support import JOURNAL, check_ends, rebuilt_rows, state_rows
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.facts import PersonErased
from usufruct.core.registry.state import ErasedPerson, Party, Person
from usufruct.main import open_node
from usufruct.node import consent, epoch, erase, period, register, views
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.wire import card

STEPS = ("erase before fact", "erase after fact", "erase before key", "erase after key")
LATE = "fines"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> World:
    return erased.make(tmp_path_factory.mktemp("erased"), founded)


@pytest.fixture
def directory(world: World, tmp_path: Path) -> Path:
    return Path(shutil.copytree(world.directory, tmp_path / "node"))


def kinds(node: Node) -> list[str]:
    """Every kind of fact, in order."""
    with node.store.read() as state:
        return [entry.fact.KIND for entry in state.entries(0, state.size())]


def tables(directory: Path) -> dict[str, bytes]:
    """Every file of the data folder."""
    return {path.name: path.read_bytes() for path in (directory / "data").iterdir()}


# ---- interrupted


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_leaves_it_untouched_or_is_made_good(step: str, world: World, directory: Path) -> None:
    """Killed anywhere, the node that opens again has all of her, or nothing; and is sound before and after."""
    program = [sys.executable, str(Path(__file__).with_name("eraser.py")), str(directory), SHE, step]
    paths = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    assert subprocess.run(program, env=paths, check=False).returncode == -signal.SIGKILL
    if step == STEPS[0]:
        assert set(erased.left(world.directory, world.needles)) <= set(erased.left(directory, world.needles))
        assert verify(directory, kept=list(world.notes.values())).findings == ()
    with open_node(directory, erased.later_clock()) as node:
        there = erased.left(directory, world.needles)
        with node.store.read() as state:
            known = next(state.list(Party, known_as=SHE), None)
        if step == STEPS[0]:
            assert known is not None and PersonErased.KIND not in kinds(node)
            assert isinstance(erase.erase(node, SHE, story.OPERATOR), PersonErased)
            there = erased.left(directory, world.needles)
        else:
            assert known is None
        assert there == [], "nothing of her is left in any file, though the node is open"
        assert kinds(node).count(PersonErased.KIND) == 1
    assert erased.left(directory, world.needles) == []
    assert sorted(path.suffix for path in (directory / "data").iterdir()) == [".duckdb", ".duckdb"]
    erased.check_proofs(world, directory)
    erased.check_others(world, directory)


def test_what_a_killed_engine_left_of_an_earlier_try_is_in_nobodys_way(world: World, directory: Path) -> None:
    for table in list((directory / "data").glob("*.duckdb")):
        shutil.copy(table, table.with_suffix(".erased"))
        table.with_suffix(".erased.wal").write_bytes(os.urandom(4096))
    with open_node(directory, erased.later_clock()) as node:
        assert isinstance(erase.erase(node, SHE, story.OPERATOR), PersonErased)
        assert erased.left(directory, world.needles) == []
        erased.ask(node, VISITS)
    assert sorted(path.suffix for path in (directory / "data").iterdir()) == [".duckdb", ".duckdb"]
    assert verify(directory).findings == ()


# ---- repeated and misdirected


def refused(node: Node, who: str, directory: Path) -> Refusal:
    """Somebody who cannot be erased: the refusal, after which nothing is other than it was."""
    facts, files = kinds(node), tables(directory)
    found = erase.erase(node, who, story.OPERATOR)
    assert isinstance(found, Refusal) and found.code == "registry.unknown" and found.remedy
    assert (kinds(node), tables(directory)) == (facts, files)
    return found


def test_nobody_is_erased_twice_nor_who_is_no_person(world: World, directory: Path) -> None:
    """And who is not there is told what those are told who cannot be erased."""
    with open_node(directory, erased.later_clock()) as node:
        told = {
            who: refused(node, who, directory)
            for who in ("nobody", story.USER, story.OPERATOR, "members-of-visits", "")
        }
        story.done(erase.erase(node, SHE, story.OPERATOR))
        for who in (SHE, world.party):
            told[who] = refused(node, who, directory)
        assert len({one.reasons[0].replace(f"`{who}`", "…") for who, one in told.items()}) == 1
        assert kinds(node).count(PersonErased.KIND) == 1


def test_a_person_in_no_asset_is_erased_too(directory: Path) -> None:
    with open_node(directory, erased.later_clock()) as node:
        story.done(register.add_party(node, "walk-in", "person", "Wanda Walkin"))
        fact = story.done(erase.erase(node, "walk-in", story.OPERATOR))
        assert fact.removed == ()
        assert erased.left(directory, {"name": b"Wanda"}) == []
    assert verify(directory).findings == ()


def test_an_erasure_that_fails_half_way_is_finished_by_the_next(world: World, directory: Path) -> None:
    """The disk is full when the state is folded again: the node goes on, and says so; trying again ends it."""
    steps: list[str] = []

    def reach(step: str) -> None:
        steps.append(step)
        if step == failing and steps.count(step) == 1:
            raise OSError("no space left on device")

    for failing in STEPS[1:]:
        steps.clear()
        copy = Path(shutil.copytree(directory, directory.with_name(failing)))
        with open_node(copy, erased.later_clock(), reach) as node:
            with pytest.raises(OSError, match="no space"):
                erase.erase(node, SHE, story.OPERATOR)
            erased.ask(node, VISITS)
            assert isinstance(erase.erase(node, SHE, story.OPERATOR), Refusal)
            assert erased.left(copy, world.needles) == [], "and the second try has finished the first"
            assert kinds(node).count(PersonErased.KIND) == 1
        check_whole(world, copy)


# ---- in the way of everything else


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    """Work that may have to wait for what is going on here; a moment is given to it."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(0.3)
    return thread


def take_in(node: Node, place: Path) -> None:
    """A third table that she is in."""
    table = erased.write_table(place / f"{LATE}.csv")
    story.done(register.add_asset(node, card.read(erased.card_of(LATE)), table, story.OPERATOR))


AMID: dict[str, Callable[[Node, Path], object]] = {
    "query before admitted": lambda node, _: erased.ask(node, VISITS),
    "query after admitted": lambda node, _: erased.ask(node, VISITS),
    "query before run": lambda node, _: erased.ask(node, VISITS),
    "query after run": lambda node, _: erased.ask(node, VISITS, erased.GROUND),
    "query before answered": lambda node, _: erased.ask(node, VISITS),
    "query after answered": lambda node, _: erased.ask(node, VISITS),
    "epoch before closed": lambda node, _: epoch.close_epoch(node),
    "period before planned": lambda node, _: period.plan_period(node, "2027-q1"),
    "period before closed": lambda node, _: story.close_period(node, "2027-q1"),
    "period after closed": lambda node, _: story.close_period(node, "2027-q1"),
}


def check_whole(world: World, directory: Path) -> None:
    """Nothing is left of her and nothing else is harmed."""
    assert erased.left(directory, world.needles) == []
    erased.check_proofs(world, directory)
    incremental = state_rows(directory / JOURNAL)
    assert rebuilt_rows(directory / JOURNAL) == incremental


@pytest.mark.parametrize("step", AMID)
def test_she_is_erased_amid_whatever_goes_on(step: str, world: World, directory: Path, tmp_path: Path) -> None:
    met: list[object] = []

    def reach(reached: str) -> None:
        if reached == step and not met:
            met.append(erase.erase(node, SHE, story.OPERATOR))

    with open_node(directory, erased.later_clock(), reach) as node:
        AMID[step](node, tmp_path)
        assert isinstance(met[0], PersonErased)
        assert erased.left(directory, world.needles) == []
        epoch.close_epoch(node)
        with node.store.read() as state:
            check_ends(state)
    check_whole(world, directory)


MEANWHILE: dict[str, Callable[[Node, Path], object]] = {
    "a question": lambda node, _: erased.ask(node, VISITS),
    "a withheld question": lambda node, _: erased.ask(node, LOANS, erased.GROUND),
    "an epoch": lambda node, _: epoch.close_epoch(node),
    "her word": lambda node, _: consent.record_word(node, VISITS, SHE, story.PURPOSE, True),
    "the holder's word": lambda node, _: register.record_consents(node, VISITS, story.PURPOSE, None, "paper forms"),
    "a period": lambda node, _: story.close_period(node, "2027-q1"),
    "the same erasure": lambda node, _: erase.erase(node, SHE, story.OPERATOR),
    "another erasure": lambda node, _: erase.erase(node, "member-ash", story.OPERATOR),
    "a new table": take_in,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("what", MEANWHILE)
def test_anything_happens_while_she_is_being_erased(
    what: str, step: str, world: World, directory: Path, tmp_path: Path
) -> None:
    threads: list[threading.Thread] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            MEANWHILE[what](node, tmp_path)
        except BaseException as failure:
            failures.append(failure)

    def reach(reached: str) -> None:
        if reached == step and not threads:
            threads.append(in_a_thread(work))

    with open_node(directory, erased.later_clock(), reach) as node:
        assert isinstance(erase.erase(node, SHE, story.OPERATOR), PersonErased)
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        refusals = [failure for failure in failures if isinstance(failure, BadInput) and "being erased" in str(failure)]
        assert failures == refusals and (not refusals or what == "her word"), "what cannot be recorded is said so"
        gone = {SHE, "member-ash"} if what == "another erasure" else {SHE}
        with node.store.read() as state:
            parties = {party.id: party for party in state.list(Party)}
            persons = list(state.list(Person))
            assert len(list(state.list(ErasedPerson))) == len(gone)
        assert kinds(node).count(PersonErased.KIND) == len(gone)
        orphans = {person.party for person in persons if person.party not in parties}
        assert len(orphans) == len(gone)
        assert not [p for p in persons if p.party in orphans and p.asset == LATE], "her new rows lead to her old id"
        if what == "a new table":
            assert SHE in {party.known_as for party in parties.values()}, "she came back as somebody new"
            story.done(erase.erase(node, SHE, story.OPERATOR))
        rows = {f"row of {who}": f"likes-{who[7:]}-".encode() for who in gone - {SHE}}
        assert erased.left(directory, {**world.needles, **rows}) == []
        epoch.close_epoch(node)
    check_whole(world, directory)


def test_she_looks_at_her_page_when_her_key_is_gone_and_the_state_not_yet(world: World, directory: Path) -> None:
    told: list[str] = []

    def reach(step: str) -> None:
        if step == STEPS[3]:
            assert epoch.book(node, SHE) is None and epoch.key_file(node, SHE) is None
            page = views.member_page(node, SHE)
            assert page is not None
            told.append(repr(page.history))
            for seq in world.hers:
                found = views.receipt_for(node, SHE, seq)
                assert found is None or found.extra is None

    with open_node(directory, erased.later_clock(), reach) as node:
        story.done(erase.erase(node, SHE, story.OPERATOR))
        assert views.member_page(node, SHE) is None and views.member_page(node, world.party) is None
        for seq in world.hers:
            assert views.receipt_for(node, world.party, seq) is None
    assert told and NAME not in told[0]


def test_old_pages_go_when_whoever_reads_them_is_through(world: World, directory: Path) -> None:
    """An audit or a backup may read the journal as it was for minutes: it keeps what is erased in SQLite's log so long."""
    with open_node(directory, erased.later_clock()) as node:
        with closing(sqlite3.connect(directory / JOURNAL, isolation_level=None)) as other:
            other.execute("BEGIN")
            before = other.execute("SELECT count(*) FROM state_party").fetchone()
            story.done(erase.erase(node, SHE, story.OPERATOR))
            assert other.execute("SELECT count(*) FROM state_party").fetchone() == before
            erased.ask(node, VISITS)
            assert other.execute("SELECT count(*) FROM state_party").fetchone() == before
        for _ in range(50):
            there = erased.left(directory, world.needles)
            if not there:
                break
            threading.Event().wait(0.2)
        assert there == []
    check_whole(world, directory)


def sound(node: Node, world: World) -> None:
    """Another member's count is whole."""
    found = counted.audit(counted.shown(node, ANOTHER), world.counting, node.clock.now(), world.kept)
    assert found.sound, found.flaws


def test_questions_consents_and_epochs_go_on(world: World, directory: Path) -> None:
    """Four threads at work, and a person erased in their midst, twice."""
    stop = threading.Event()

    def again(work: Callable[[], object]) -> int:
        rounds = 0
        while not stop.is_set():
            work()
            rounds += 1
        return rounds

    with open_node(directory, erased.later_clock()) as node, ThreadPoolExecutor(5) as pool:
        going = [pool.submit(again, work) for work in (
            lambda: story.ask(node, erased.count(VISITS), micro_rho=story.CHEAP),
            lambda: consent.record_word(node, LOANS, ANOTHER, story.OTHER_PURPOSE, True),
            lambda: epoch.close_epoch(node),
            lambda: sound(node, world),
            lambda: views.member_page(node, ANOTHER),
        )]  # fmt: skip
        try:
            threading.Event().wait(0.5)
            for who in (SHE, "member-ash"):
                assert isinstance(erase.erase(node, who, story.OPERATOR), PersonErased)
            threading.Event().wait(0.5)
        finally:
            stop.set()
        assert all(one.result() > 1 for one in going)
        rows = {"another's row": b"likes-ash-", "another's name": b"Member ash"}
        for _ in range(20):
            there = erased.left(directory, {**world.needles, **rows})
            if not there:
                break
            threading.Event().wait(0.2)
        assert there == []
        with node.store.read() as state:
            check_ends(state)
    check_whole(world, directory)
