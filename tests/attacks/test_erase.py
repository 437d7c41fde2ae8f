"""Erasure, attacked: by whoever has the node's files, old copies of them, or backups; and what is left, looked at closely.

The erased person is to be found nowhere, with all that anybody can have but a copy of her key from before; and nothing
that was ever proved, counted or paid may have changed.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

import counted
import erased
import story
from erased import ANOTHER, LOANS, NAME, OTHERS, SHE, VISITS, World
from support import JOURNAL, edit
from usufruct.cli.keep import backups
from usufruct.core import facts
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.income.measure import contributions
from usufruct.core.privacy.state import Use
from usufruct.core.proof import receipt as receipts
from usufruct.core.proof.commitment import commit
from usufruct.core.registry.facts import PersonErased, PersonsEnrolled
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.main import open_node
from usufruct.node import epoch, erase, login, register, views
from usufruct.store.audit import verify
from usufruct.store.keyring import SLOT, KeyRing
from usufruct.store.keys import SystemClock, SystemEntropy, verify_signature
from usufruct.store.sealing import TableKeys, unseal
from usufruct.wire import card

NUMBER = len(OTHERS)  # hers in either table


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> World:
    return erased.make(tmp_path_factory.mktemp("erased"), founded)


@pytest.fixture(scope="module")
def after(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The node without her; not to be changed."""
    directory = tmp_path_factory.mktemp("after") / "node"
    shutil.copytree(world.directory, directory)
    with open_node(directory, erased.later_clock()) as node:
        assert isinstance(erase.erase(node, SHE, story.OPERATOR), PersonErased)
        assert erased.left(directory, world.needles) == [], "the node is open, and SQLite's log lies beside the journal"
    return directory


@pytest.fixture
def directory(after: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(after, tmp_path / "node"))


# ---- what is gone


def test_no_byte_of_her_is_in_any_file(world: World, after: Path) -> None:
    there = " ".join(erased.left(world.directory, world.needles))
    for what in ("key in keys/persons", "name in journal", "row in data/loans", "row in data/visits", "password in logins",
                 "name in logins", "secret 0 in logins", "secret 1 in logins"):  # fmt: skip
        assert what in there, "it was never there, so that it is gone says nothing"
    assert erased.left(after, world.needles) == []


def opened(journal: Path, ring: Path, leaves: dict[int, bytes]) -> set[int]:
    """Which of these records open with any key of that ring, each tried as whoever attacks would."""
    with closing(sqlite3.connect(journal)) as file, closing(KeyRing(ring, look=True)) as keys:
        rows = {seq: (record, nonce) for seq, record, nonce in file.execute("SELECT seq, record, nonce FROM journal")}
        found = {seq for seq, leaf in leaves.items() if rows[seq][1] and commit(rows[seq][1], rows[seq][0]) == leaf}
        for seq, leaf in leaves.items():
            for slot in range(keys.count):
                try:
                    if keys.open(slot, leaf, rows[seq][0]):
                        found.add(seq)
                except ValueError:
                    continue
    return found


def leaves_of(world: World) -> dict[int, bytes]:
    """The leaves of her records."""
    with closing(sqlite3.connect(world.directory / JOURNAL)) as file:
        return {seq: leaf for seq, leaf in file.execute("SELECT seq, leaf FROM journal") if seq in world.hers}


def test_no_key_that_is_left_opens_any_copy_of_her_records(world: World, after: Path) -> None:
    hers, old, new = leaves_of(world), world.directory / JOURNAL, after / JOURNAL
    assert opened(old, world.directory / "keys" / "persons", hers) == set(hers), "with her key they open"
    for journal in (old, new):
        assert opened(journal, after / "keys" / "persons", hers) == set()
    assert (after / "keys" / "persons").read_bytes()[world.slot * SLOT :][:SLOT] == bytes(SLOT)


def test_her_rows_are_in_no_table(world: World, after: Path) -> None:
    for place, rows in ((world.directory, 2), (after, 0)):
        for table in sorted((place / "data").glob("*.duckdb")):
            with closing(duckdb.connect(str(table), read_only=True)) as connection:
                found = dict(connection.execute("SELECT _person, count(*) FROM asset GROUP BY 1").fetchall())
            assert found.pop(NUMBER, 0) == rows
            assert found == dict.fromkeys(range(NUMBER), 2), "and everybody else's are"


def test_her_id_stands_only_where_it_leads_to_nobody(world: World, after: Path) -> None:
    """A random id, in the fact that lists everybody in an asset and in the one that says she was erased."""
    with closing(sqlite3.connect(after / JOURNAL)) as file:
        kinds = {
            kind for kind, record in file.execute("SELECT kind, record FROM journal") if world.party.encode() in record
        }
        evidence = file.execute(
            "SELECT count(*) FROM evidence WHERE instr(bytes, ?)", (world.party.encode(),)
        ).fetchone()
    assert kinds == {PersonsEnrolled.KIND, PersonErased.KIND}
    assert evidence == (0,)
    assert world.party[2:] not in NAME and len(world.party) == 18


def test_her_password_links_and_tokens_let_nobody_in(world: World, directory: Path) -> None:
    with open_node(directory, erased.later_clock()) as node:
        for name in (SHE, world.party):
            with pytest.raises(login.Unwelcome):
                login.check_password(node, name, erased.PASSWORD)
            assert login.tokens(node, name) == []
            assert views.member_page(node, name) is None
        assert login.check_password(node, ANOTHER, erased.PASSWORD).role == "member", "others still come in"


def test_nothing_is_left_of_an_account_among_many(directory: Path) -> None:
    """Pages of the file are split and moved as it grows; what is deleted must be overwritten wherever it has been."""
    secret = b"a label with Quentin's telephone number"
    with open_node(directory, erased.later_clock()) as node:
        for number in range(120):
            story.done(register.add_party(node, f"walk-in-{number}", "person", f"Person {number}"))
            for device in range(3):
                label = f"{secret.decode()} {device}" if number == 60 else f"label {number} {'x' * (number * 7 % 90)}"
                login.issue_token(node, f"walk-in-{number}", "member", ("member",), 30, label)
        assert erased.left(directory, {"label": secret}) == ["label in logins.sqlite"]
        story.done(erase.erase(node, "walk-in-60", story.OPERATOR))
        assert erased.left(directory, {"label": secret, "name": b"Person 60"}) == []


# ---- what is proved stays proved


def test_every_proof_balance_and_count_is_what_it_was(world: World, directory: Path) -> None:
    erased.check_proofs(world, directory)
    erased.check_others(world, directory)


def test_what_she_kept_still_proves_what_was_done(world: World, after: Path) -> None:
    """She asked for erasure and changes her mind about the node: her receipts are hers, and nobody can deny them."""
    with open_node(after, erased.later_clock()) as node, node.store.read() as state:
        for seq in world.hers:
            kept = receipts.Receipt.parse(world.receipts[seq])
            record = receipts.check(kept, world.key, verify_signature)
            assert facts.decode(record).seq == seq
            assert state.leaves(seq, 1) == [commit((kept.extra or b"")[:32], record)]
            assert state.receipt(seq).extra is None, "the node itself knows no more what it says"


def test_a_question_afterwards_does_not_count_her(directory: Path) -> None:
    with open_node(directory, erased.later_clock()) as node:
        uses = {asset: erased.ask(node, asset).use for asset in (VISITS, LOANS)}
        with node.store.read() as state:
            for asset, name in uses.items():
                use, before = state.get(Use, name), next(state.list(Use, asset=asset, state="answered"))
                assert use and contributions(state.evidence(before.contributions))[NUMBER] == 2
                assert list(contributions(state.evidence(use.contributions))) == [2] * NUMBER + [0]
                assert not state.evidence(use.population)[NUMBER // 8] >> NUMBER % 8 & 1
        story.close_period(node, "2027-q1")
    assert verify(directory).findings == ()


def test_consents_that_are_collected_anew_do_not_bring_her_back(directory: Path) -> None:
    with open_node(directory, erased.later_clock()) as node:
        for purpose in ("Purpose", story.PURPOSE):
            story.done(register.record_consents(node, VISITS, purpose, None, "paper forms, once more"))
        use = erased.ask(node, VISITS).use
        with node.store.read() as state:
            found = state.get(Use, use)
            assert found and not state.evidence(found.population)[NUMBER // 8] >> NUMBER % 8 & 1


def test_she_can_be_taken_in_again_as_somebody_new(world: World, directory: Path, tmp_path: Path) -> None:
    with open_node(directory, erased.later_clock()) as node:
        table = erased.write_table(tmp_path / "fines.csv")
        story.done(register.add_asset(node, card.read(erased.card_of("fines")), table, story.OPERATOR))
        with node.store.read() as state:
            (again,) = state.list(Party, known_as=SHE)
            assert [person.asset for person in state.list(Person, party=again.id)] == ["fines"]
        assert again.id != world.party and again.key_slot not in (None, world.slot)
        epoch.close_epoch(node)
        key = counted.key_of(node, SHE)
        assert key.secret not in world.needles.values()
        audited = counted.audit(counted.shown(node, SHE), key, node.clock.now())
        assert audited.sound and audited.count == 1, "that she was registered, and nothing of before"
        page = views.member_page(node, SHE)
        assert page is not None and [item.asset.id for item in page.assets] == ["fines"]
        assert not page.assets[0].seen and not page.assets[0].paid
    assert verify(directory).findings == ()


# ---- backups


@pytest.fixture(scope="module")
def backup(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A backup made while she was there, and the node afterwards without her."""
    place = tmp_path_factory.mktemp("backup")
    shutil.copytree(world.directory, place / "node")
    with open_node(place / "node", erased.later_clock()) as node:
        backups.back_up(place / "node", place / "backup", SystemClock(), SystemEntropy())
        story.done(erase.erase(node, SHE, story.OPERATOR))
    return place / "backup", place / "node"


def test_an_older_backup_and_the_keys_of_today_open_nothing_of_her(
    world: World, backup: tuple[Path, Path], tmp_path: Path
) -> None:
    old, node = backup
    accounts = {
        what: needle for what, needle in world.needles.items() if what in ("name", "password", "secret 0", "secret 1")
    }
    others = {what: needle for what, needle in world.needles.items() if what not in accounts}
    assert erased.left(old, others) == []
    assert {place.rpartition(" in ")[2] for place in erased.left(old, accounts)} <= {"logins.sqlite"}
    assert opened(old / JOURNAL, node / "keys" / "persons", leaves_of(world)) == set()
    keys = TableKeys(node / "keys" / "tables", SystemEntropy())
    sealed = sorted((old / "tables").iterdir())
    assert len(sealed) == 2
    for table in sealed:
        key = keys.find(table.name)
        assert key
        with (
            table.open("rb") as source,
            (tmp_path / table.name).open("wb") as plain,
            pytest.raises(ValueError, match="key"),
        ):
            unseal(key, table.name, source, plain)
        assert (tmp_path / table.name).stat().st_size == 0


def test_a_node_restored_from_it_does_not_know_her(world: World, backup: tuple[Path, Path], tmp_path: Path) -> None:
    old, node = backup
    backups.copy_keys(node, tmp_path / "keys")
    with pytest.raises(JournalDamaged, match="not sound"):
        backups.restore(old, tmp_path / "keys", tmp_path / "new", [], SystemEntropy())
    made = backups.restore(old, tmp_path / "keys", tmp_path / "new", [], SystemEntropy(), unsound=True)
    assert len(made.lost) == 2
    hers = {
        what: needle
        for what, needle in world.needles.items()
        if what not in ("name", "password", "secret 0", "secret 1")
    }
    assert erased.left(tmp_path / "new", hers) == []
    assert not [
        place for place in erased.left(tmp_path / "new", world.needles) if not place.endswith("in logins.sqlite")
    ]


def test_the_next_backup_restores_the_node_without_her(world: World, backup: tuple[Path, Path], tmp_path: Path) -> None:
    _, node = backup
    backups.back_up(node, tmp_path / "fresh", SystemClock(), SystemEntropy())
    backups.copy_keys(node, tmp_path / "keys")
    made = backups.restore(
        tmp_path / "fresh", tmp_path / "keys", tmp_path / "new", list(world.notes.values()), SystemEntropy()
    )
    assert made.lost == () and made.findings == ()
    assert erased.left(tmp_path / "fresh", world.needles) == erased.left(tmp_path / "new", world.needles) == []
    erased.check_proofs(world, tmp_path / "new")


def test_a_ring_of_keys_from_before_is_emptied_when_the_node_opens(world: World, directory: Path) -> None:
    """A steward puts the old key file back, by mistake or to read on: the fact says that the key is gone, so it goes."""
    shutil.copy(world.directory / "keys" / "persons", directory / "keys" / "persons")
    assert "key in keys/persons" in erased.left(directory, world.needles)
    with open_node(directory, erased.later_clock()) as node:
        assert erased.left(directory, world.needles) == []
        assert views.member_page(node, SHE) is None
    assert verify(directory).findings == ()


# ---- erasure as a cover


def test_a_key_that_is_destroyed_in_silence_is_named(world: World, tmp_path: Path) -> None:
    """A steward who wants records to be unreadable without saying so."""
    directory = Path(shutil.copytree(world.directory, tmp_path / "node"))
    with (directory / "keys" / "persons").open("r+b") as ring:
        ring.seek(world.slot * SLOT)
        ring.write(bytes(SLOT))
    found = verify(directory).findings
    assert found and found[0].entry == world.hers[0] and "no fact says she was erased" in found[0].what


@pytest.mark.parametrize("whom", ["another's key", "another's rows"])
def test_an_erasure_does_not_cover_for_what_was_done_to_somebody_else(whom: str, directory: Path) -> None:
    with open_node(directory, erased.later_clock()) as node, node.store.read() as state:
        (another,) = state.list(Party, known_as=ANOTHER)
        version = next(state.list(Asset)).version
    assert another.key_slot is not None
    if whom == "another's key":
        with (directory / "keys" / "persons").open("r+b") as ring:
            ring.seek(another.key_slot * SLOT)
            ring.write(bytes(SLOT))
    else:
        with closing(duckdb.connect(str(directory / "data" / f"{VISITS}-{version}.duckdb"))) as table:
            table.execute("DELETE FROM asset WHERE _person = 4")
    words = "no fact says she was erased" if whom == "another's key" else f"the stored table of `{VISITS}` is not"
    assert [finding.what for finding in verify(directory).findings if words in finding.what]


def test_her_sealed_records_cannot_be_dropped_or_swapped_under_cover_of_it(world: World, directory: Path) -> None:
    """Nobody can read them any more, but each still has its leaf, its kind and its place."""
    first, second = world.hers[0], world.hers[1]
    for number, change in enumerate((
        f"DELETE FROM journal WHERE seq = {first}",
        f"UPDATE journal SET leaf = zeroblob(32) WHERE seq = {first}",
        f"UPDATE journal SET key = NULL WHERE seq = {first}",
        f"UPDATE journal SET key = 0 WHERE seq = {second}",
        f"UPDATE journal SET nonce = zeroblob(32) WHERE seq = {second}",
    )):  # fmt: skip
        changed = Path(shutil.copytree(directory, directory.with_name(f"changed-{number}")))
        edit(changed / JOURNAL, change)
        assert verify(changed).findings, change


def test_how_many_records_she_had_is_all_that_the_journal_tells(world: World, after: Path) -> None:
    """Kinds and instants of what is sealed stand beside it, and nothing that it says."""
    with closing(sqlite3.connect(after / JOURNAL)) as file:
        rows = file.execute("SELECT seq, kind, record, nonce FROM journal WHERE key = ?", (world.slot,)).fetchall()
        tallies = file.execute("SELECT count(*) FROM tally WHERE key = ?", (world.slot,)).fetchone()
    assert [seq for seq, *_ in rows] == list(world.hers)
    assert tallies == (0,), "nor is her count kept"
    assert Counter(kind for _, kind, *_ in rows) == {
        "party.registered/1": 1, "consent.given/1": 4, "consent.refused/1": 2, "person.looked-up/1": 3,
    }  # fmt: skip
    for _, _, record, nonce in rows:
        assert nonce == b""
        with pytest.raises((UnicodeDecodeError, json.JSONDecodeError)):
            json.loads(record)
