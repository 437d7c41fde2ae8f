"""Whoever changes anything in the file of a journal is found out, and told where.

Bytes are flipped in the file itself, at random, and rows are edited in SQL with the triggers out of the way, as
somebody with the node's disk in her hands could do.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import story
from support import JOURNAL, SetClock, edit
from usufruct.core import facts
from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income import ledger, settlement
from usufruct.core.income.facts import AssetStatement, PeriodPlanned
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.income.measure import MICRO, Portion
from usufruct.core.income.rules import Settled
from usufruct.core.privacy.facts import BudgetOpened, QueryAbandoned
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.proof.commitment import commit
from usufruct.core.proof.tree import Frontier
from usufruct.core.registry.facts import PartyRegistered
from usufruct.main import open_node
from usufruct.node import consent
from usufruct.node.node import Node
from usufruct.ports import Transaction
from usufruct.store import audit
from usufruct.store.audit import Report, verify
from usufruct.store.keyring import KeyRing
from usufruct.store.sql import SqlBatch
from usufruct.store.sqlite import connect, rebuild

FLIPS = 400


def tell(node: Node) -> None:
    """Something of every kind: answers, a refusal, a member's no, a closed period, and a use after it."""
    story.answer(node)
    story.ask(node, "SELECT * FROM pay")
    story.done(consent.record_word(node, story.ASSET, story.MEMBERS[4], "Purpose", False))
    story.answer(node, "SELECT COUNT(*) AS n FROM pay", micro_rho=story.CHEAP)
    story.close_period(node, "2026-q4")
    story.answer(node, "SELECT COUNT(*) AS n FROM pay", micro_rho=story.CHEAP)


@pytest.fixture(scope="module")
def told(agreed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's directory after that, closed; nobody changes it."""
    directory = tmp_path_factory.mktemp("told") / "node"
    shutil.copytree(agreed, directory)
    with open_node(directory, SetClock()) as node:
        tell(node)
    assert not (directory / f"{JOURNAL}-wal").exists()
    return directory


@pytest.fixture
def copy(told: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(told, tmp_path / "node"))


# What is sound


def test_a_sound_node_has_no_findings(told: Path) -> None:
    report = verify(told)
    assert report.findings == () and report.sound
    rows = contents(told / JOURNAL)
    assert (report.facts, report.checkpoints, report.evidence) == tuple(
        len(rows[name]) for name in ("journal", "checkpoint", "evidence")
    )
    assert report.rows == sum(len(rows[name]) for name in rows if name.startswith("state_")) > 0


def test_verifying_does_not_disturb_an_open_node(node: Node, directory: Path) -> None:
    """Neither its lock nor its writing, and it sees all that was acknowledged."""
    for _ in range(3):
        story.answer(node, micro_rho=story.CHEAP)
        report = verify(directory)
        with node.store.read() as state:
            assert (report.findings, report.facts) == ((), state.size())


def test_verifying_changes_nothing(told: Path) -> None:
    before = (told / JOURNAL).read_bytes()
    verify(told)
    assert (told / JOURNAL).read_bytes() == before


def test_the_key_decides(told: Path, tmp_path: Path) -> None:
    """With another key of the same name every checkpoint is a forgery; without a key there is nothing to go by."""
    with open_node(told) as node:
        name, key = node.signer.name, vkey(node.signer.name, node.signer.public)
    assert verify(told, key).sound
    report = verify(told, vkey(name, bytes(range(32))))
    assert len(report.findings) == report.checkpoints
    for wrong in ("nonsense", f"{name}+00000000+AAAA"):
        with pytest.raises(BadInput):
            verify(told, wrong)
    with pytest.raises(BadInput, match="holds no journal"):
        verify(tmp_path, key)


# Any byte


def contents(journal: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the file says: the schema, and all tables row by row."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
        names = [name.decode() for kind, name, *_ in schema if kind == b"table"]
        rows = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names}
    return {"schema": schema, **rows}


def flipped(journal: Path, position: int, bit: int) -> None:
    """Flips one bit of the file, and drops what an earlier look left beside it."""
    with journal.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 1 << bit]))
    for beside in ("-wal", "-shm"):
        journal.with_name(journal.name + beside).unlink(missing_ok=True)


def test_any_byte_of_an_entry_is_found_and_named(copy: Path) -> None:
    """One byte of a record, nonce, leaf, instant or kind: the finding names the entry."""
    journal = copy / JOURNAL
    data = journal.read_bytes()
    with closing(sqlite3.connect(journal)) as connection:
        query = "SELECT seq, kind, at, record, nonce, leaf FROM journal ORDER BY seq"
        rows = [(seq, (kind + at).encode() + record + nonce + leaf) for seq, kind, at, record, nonce, leaf in
                connection.execute(query)]  # fmt: skip
    assert all(data.count(row) == 1 for _, row in rows)
    chance = random.Random(11)
    for _ in range(FLIPS):
        seq, row = chance.choice(rows)
        position, bit = data.index(row) + chance.randrange(len(row)), chance.randrange(8)
        flipped(journal, position, bit)
        assert seq in {finding.entry for finding in verify(copy).findings}, (seq, position, bit)
        flipped(journal, position, bit)
    assert verify(copy).sound


def test_any_byte_that_changes_what_the_file_says_is_found(copy: Path) -> None:
    """Anywhere in the file. What is left over in a page may hold anything; it says nothing."""
    journal = copy / JOURNAL
    before, data = contents(journal), journal.read_bytes()
    in_use = [position for position, byte in enumerate(data) if byte]
    chance = random.Random(12)
    unfound = 0
    for _ in range(FLIPS):
        position, bit = chance.choice(in_use), chance.randrange(8)
        flipped(journal, position, bit)
        if verify(copy).sound:
            unfound += 1
            assert contents(journal) == before, (position, bit)
        flipped(journal, position, bit)
    assert unfound < FLIPS / 20


def test_a_file_cut_off_or_filled_with_noise_is_a_finding(copy: Path) -> None:
    """However bad it is, the audit ends with a report."""
    journal = copy / JOURNAL
    before = contents(journal)
    data = journal.read_bytes()
    chance = random.Random(13)
    for _ in range(60):
        start = chance.randrange(len(data))
        damaged = data[:start] if chance.random() < 0.2 else data[:start] + chance.randbytes(600) + data[start + 600 :]
        journal.write_bytes(damaged)
        journal.with_name(f"{JOURNAL}-wal").unlink(missing_ok=True)
        journal.with_name(f"{JOURNAL}-shm").unlink(missing_ok=True)
        if verify(copy).sound:
            assert contents(journal) == before
    journal.write_bytes(b"")
    assert not verify(copy).sound


def test_what_cannot_be_read_is_named_by_the_entry_before_it(copy: Path) -> None:
    """A page of the journal is overwritten: the last entry before it is named."""
    journal = copy / JOURNAL
    with closing(sqlite3.connect(journal)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        records = connection.execute("SELECT seq, record FROM journal ORDER BY seq").fetchall()
    data = bytearray(journal.read_bytes())
    pages = [data.index(record) // size for _, record in records]
    last = next(seq for seq, record in records if pages[seq] != pages[seq + 1])
    start = pages[last + 1] * size
    data[start : start + size] = b"\xff" * size
    journal.write_bytes(data)
    assert f"{last}: the journal cannot be read after this entry" in as_lines(verify(copy))


def as_lines(report: Report) -> str:
    """The findings as text."""
    return "\n".join(f"{finding.entry}: {finding.what}" for finding in report.findings)


def refold(directory: Path) -> None:
    """Folds the state again, as the node itself does."""
    with (
        closing(connect(directory / JOURNAL)) as connection,
        closing(KeyRing(directory / "keys" / "persons")) as keyring,
    ):
        rebuild(connection, keyring)


# Any row

LAST = "(SELECT max(seq) FROM journal)"
NEWEST = "(SELECT max(size) FROM checkpoint)"
BEFORE = f"(SELECT max(size) FROM checkpoint WHERE size < {NEWEST})"
SIGNATURE = "substr(note, instr(note, char(10) || char(10)))"
POPULATION = "(SELECT min(seal) FROM evidence WHERE media_type LIKE '%population%')"
ANSWER = "(SELECT min(seal) FROM evidence WHERE media_type LIKE '%answer%')"
MEMBER = "(SELECT key FROM state_party WHERE by_known_as = 'member-5')"
LINES = "(SELECT seal FROM evidence WHERE media_type LIKE '%settlement.v2')"
PIECE = "(SELECT seal FROM evidence WHERE media_type LIKE '%settlement-piece.v2')"
PLANNED = "SELECT seq FROM journal WHERE kind = 'period.planned/1'"
NAMES = "SELECT seq FROM journal WHERE instr(CAST(record AS TEXT), "
DEBTOR = "SELECT max(CAST(key AS INTEGER)) FROM state_transfer WHERE by_debit = 'party:institute'"
SPENDER = "SELECT max(seq) FROM journal WHERE kind = 'query.answered/1'"

# What is done to the file; the entry that must be named, in SQL (asked before it is done); a word of what must be said.
EDITS = [
    ("DELETE FROM journal WHERE seq = 5", "SELECT 5", "missing"),
    (f"DELETE FROM journal WHERE seq = {LAST}", f"SELECT {LAST}", "missing"),
    (f"DELETE FROM journal WHERE seq >= {BEFORE}", f"SELECT {BEFORE}", "missing"),
    ("DELETE FROM journal", "SELECT 0", "missing"),
    ("UPDATE journal SET record = (SELECT record FROM journal WHERE seq = 6) WHERE seq = 5", "SELECT 5", "leaf"),
    ("UPDATE journal SET leaf = (SELECT leaf FROM journal WHERE seq = 6) WHERE seq = 5", "SELECT 5", "leaf"),
    ("UPDATE journal SET nonce = x'00' WHERE seq = 2", "SELECT 2", "nonce"),
    # number 7 is sealed with a person's key
    ("UPDATE journal SET nonce = x'00' WHERE seq = 7", "SELECT 7", "nonce"),
    ("UPDATE journal SET record = substr(record, 1, 40) WHERE seq = 7", "SELECT 7", "not sealed with its owner's key"),
    ("UPDATE journal SET key = key + 1 WHERE seq = 7", "SELECT 7", "not sealed with its owner's key"),
    ("UPDATE journal SET key = NULL WHERE seq = 7", "SELECT 7", "leaf"),
    ("UPDATE journal SET key = 99 WHERE seq = 7", "SELECT 7", "no fact says she was erased"),
    ("UPDATE journal SET key = 9223372036854775807 WHERE seq = 7", "SELECT 7", "no fact says she was erased"),
    ("UPDATE journal SET key = 0 WHERE seq = 2", "SELECT 2", "beside a sealed record"),
    ("UPDATE journal SET key = 'x' WHERE seq = 7", "SELECT 7", "type"),
    ("UPDATE journal SET record = CAST(record AS TEXT) WHERE seq = 7", "SELECT 7", "type"),
    ("UPDATE journal SET kind = 'party.registered/2' WHERE seq = 7", "SELECT 7", "row says otherwise"),
    ("UPDATE journal SET at = '2026-01-01T00:00:00.000Z' WHERE seq = 7", "SELECT 7", "row says otherwise"),
    (f"UPDATE journal SET seq = seq + 7 WHERE seq = {LAST}", f"SELECT {LAST}", "missing"),
    ("UPDATE tree SET hash = zeroblob(32) WHERE level = 1 AND idx = 2", "SELECT 5", "tree"),
    ("UPDATE tree SET hash = hash || x'00' WHERE level = 2 AND idx = 1", "SELECT 7", "tree"),
    ("DELETE FROM tree WHERE level = 1 AND idx = 2", "SELECT 5", "tree"),
    ("INSERT INTO tree VALUES (1, 9999, zeroblob(32))", "SELECT NULL", "nodes"),
    (f"DELETE FROM checkpoint WHERE size = {NEWEST}", f"SELECT {BEFORE}", "covers"),
    (f"DELETE FROM checkpoint WHERE size = {BEFORE}", f"SELECT {BEFORE} - 1", "no checkpoint was signed"),
    ("DELETE FROM checkpoint", "SELECT 0", "covers"),
    (
        f"UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = {BEFORE}) WHERE size = {NEWEST}",
        f"SELECT {NEWEST} - 1", "was signed for",
    ),
    (
        f"UPDATE checkpoint SET note = substr(note, 1, instr(note, char(10) || char(10)) - 1) || "
        f"(SELECT {SIGNATURE} FROM checkpoint WHERE size = {BEFORE}) WHERE size = {NEWEST}",
        f"SELECT {NEWEST} - 1", "not valid",
    ),
    (f"UPDATE checkpoint SET note = x'ff00' WHERE size = {NEWEST}", f"SELECT {NEWEST} - 1", "not good"),
    (f"UPDATE checkpoint SET size = size + 5 WHERE size = {NEWEST}", f"SELECT {NEWEST} + 4", "was signed for"),
    (f"UPDATE evidence SET bytes = bytes || x'00' WHERE seal = {POPULATION}", f"{NAMES}{POPULATION})", "changed"),
    (f"UPDATE evidence SET salt = zeroblob(32) WHERE seal = {ANSWER}", f"{NAMES}{ANSWER})", "changed"),
    (f"UPDATE evidence SET salt = 7 WHERE seal = {ANSWER}", f"{NAMES}{ANSWER})", "changed"),
    (f"UPDATE evidence SET media_type = 'text/plain' WHERE seal = {ANSWER}", f"{NAMES}{ANSWER})", "changed"),
    (f"UPDATE evidence SET bytes = zeroblob(192) WHERE seal = {LINES}", f"{NAMES}{LINES})", "changed"),
    (f"DELETE FROM evidence WHERE seal = {LINES}", f"{NAMES}{LINES})", "missing"),
    (f"UPDATE evidence SET bytes = zeroblob(192) WHERE seal = {PIECE}", PLANNED, "changed"),
    (f"DELETE FROM evidence WHERE seal = {PIECE}", PLANNED, "missing"),
    (f"UPDATE evidence SET seal = 'another' WHERE seal = {ANSWER}", f"{NAMES}{ANSWER})", "missing"),
    ("INSERT INTO evidence VALUES ('more', 'text/plain', zeroblob(32), x'00')", "SELECT NULL", "no entry names"),
    (
        "UPDATE state_account SET body = CAST(replace(body, ':-', ':-1') AS BLOB) WHERE key = 'party:institute/EUR'",
        DEBTOR, "institute",
    ),
    ("DELETE FROM state_account WHERE key = 'party:institute/EUR'", DEBTOR, "missing"),
    ("UPDATE state_transfer SET by_debit = 'party:insurer'", DEBTOR, "not what this entry made it"),
    ("UPDATE state_budget SET body = CAST(replace(body, 'spent', 'spend') AS BLOB)", SPENDER, "state_budget"),
    ("UPDATE state_budget SET body = CAST(body AS TEXT)", SPENDER, "state_budget"),
    ("UPDATE state_person SET place = 100 WHERE key = 'pay/0'", "SELECT seq FROM journal WHERE kind LIKE 'persons%'", "pay/0"),
    ("UPDATE state_use SET by_state = 'admitted' WHERE by_state = 'refused'",
     "SELECT seq FROM journal WHERE kind LIKE 'query.refused%'", "state_use"),
    ("DELETE FROM state_consent_chunk WHERE by_purpose = 'Purpose'",
     "SELECT seq FROM journal WHERE kind = 'consent.refused/1'", "missing"),
    ("INSERT INTO state_party (key, body, by_kind, by_known_as) VALUES ('nobody', '{}', 'person', '')",
     "SELECT NULL", "no entry made"),
    (f"DELETE FROM about WHERE party = {MEMBER} AND seq = (SELECT max(seq) FROM about WHERE party = {MEMBER})",
     f"SELECT max(seq) FROM about WHERE party = {MEMBER}", "history"),
    ("INSERT INTO about VALUES ('insurer', 7)", "SELECT 7", "history"),
    ("UPDATE meta SET value = 'older'", "SELECT NULL", "another version"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "query", "said"), EDITS, ids=[statement[:60] for statement, *_ in EDITS])
def test_any_edit_of_a_row_is_found_and_named(copy: Path, statement: str, query: str, said: str) -> None:
    with closing(sqlite3.connect(copy / JOURNAL)) as connection:
        (entry,) = connection.execute(query).fetchone()
    edit(copy / JOURNAL, statement)
    assert any(finding.entry == entry and said in finding.what for finding in verify(copy).findings), as_lines(
        verify(copy)
    )


@pytest.mark.parametrize("first", [0, 7, 20])
def test_two_entries_that_changed_places(copy: Path, first: int) -> None:
    second = first + 3
    for seq, place in ((first, -1), (second, first), (-1, second)):
        edit(copy / JOURNAL, f"UPDATE journal SET seq = {place} WHERE seq = {seq}")
    assert {first, second} <= {finding.entry for finding in verify(copy).findings}


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("DROP TRIGGER journal_is_never_changed", "journal_is_never_changed"),
        ("DROP TRIGGER checkpoint_is_never_deleted", "checkpoint_is_never_deleted"),
        ("DROP INDEX state_use_listed", "state_use_listed"),
        ("CREATE TRIGGER quiet AFTER INSERT ON journal BEGIN DELETE FROM about; END", "quiet"),
        ("CREATE TABLE notes (text TEXT)", "notes"),
        ("ALTER TABLE evidence ADD COLUMN more TEXT", "evidence"),
    ],
)
def test_another_schema_is_found(copy: Path, statement: str, name: str) -> None:
    with closing(sqlite3.connect(copy / JOURNAL)) as connection:
        connection.execute(statement)
    assert any(f"`{name}`" in finding.what for finding in verify(copy).findings)


def test_damage_is_reported_where_it_is_and_not_everywhere(copy: Path) -> None:
    """One changed record does not drown in what follows from it."""
    edit(copy / JOURNAL, "UPDATE journal SET record = CAST(replace(record, 'Institute', 'Institvte') AS BLOB)"
         " WHERE instr(record, 'Institute')")  # fmt: skip
    report = verify(copy)
    assert len({finding.entry for finding in report.findings}) == 1 and len(report.findings) == 2


def test_what_was_planted_cannot_command_a_terminal(copy: Path) -> None:
    edit(copy / JOURNAL, "INSERT INTO about VALUES (char(27) || '[2J' || char(10), 3)")
    (finding,) = verify(copy).findings
    assert finding.what.isprintable() and "[2J" in finding.what


def test_a_history_that_was_rewritten_down_to_its_proofs_is_found(copy: Path) -> None:
    """All but the signatures can be made to fit by whoever has the disk: record, leaf, tree and state."""
    entry, frontier = 1, Frontier()
    with closing(connect(copy / JOURNAL)) as connection:
        rows = connection.execute("SELECT nonce, record, leaf FROM journal ORDER BY seq").fetchall()
    record = rows[entry][1].replace(b"Institute", b"Institvte")
    assert record != rows[entry][1]
    leaf = commit(rows[entry][0], record)
    edit(copy / JOURNAL, f"UPDATE journal SET record = x'{record.hex()}', leaf = x'{leaf.hex()}' WHERE seq = {entry}")
    for seq, row in enumerate(rows):
        for level, index, hash in frontier.append(leaf if seq == entry else row[2]):
            edit(copy / JOURNAL, f"UPDATE tree SET hash = x'{hash.hex()}' WHERE level = {level} AND idx = {index}")
    refold(copy)
    findings = verify(copy).findings
    assert [finding.entry for finding in findings] == [entry]
    assert "the root signed with this entry" in findings[0].what


def test_tables_that_mean_something_else_are_not_read(copy: Path) -> None:
    """A schema that gives the columns another meaning ends the audit; it does not confuse it."""
    with closing(sqlite3.connect(copy / JOURNAL)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        query = "UPDATE sqlite_master SET sql = replace(sql, 'seq    INTEGER PRIMARY KEY', 'seq    INTEGER') WHERE name = 'journal'"
        assert connection.execute(query).rowcount
        connection.commit()
    assert as_lines(verify(copy)) == "None: the table `journal` is missing, or not as it was made"


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!")])
def test_a_table_that_is_not_what_was_registered_is_found(copy: Path, damage: Callable[[Path], object]) -> None:
    (path,) = (copy / "data").glob("*.duckdb")
    damage(path)
    (finding,) = verify(copy).findings
    with closing(sqlite3.connect(copy / JOURNAL)) as connection:
        (entry,) = connection.execute("SELECT seq FROM journal WHERE kind = 'asset.registered/1'").fetchone()
    assert finding.entry == entry and "stored table of `pay`" in finding.what


# Whoever holds the node's key


def test_a_journal_that_was_cut_back_is_found_by_who_kept_a_checkpoint(agreed: Path, told: Path) -> None:
    """The journal of this morning is as sound as ever; only its continuation is missing."""
    with open_node(told) as node, node.store.read() as state:
        note = state.checkpoint()
    assert note is not None
    assert verify(told, kept=[note]).sound
    assert verify(agreed).sound
    report = verify(agreed, kept=[note])
    assert [finding.entry for finding in report.findings] == [report.facts]


def test_a_second_history_is_found_by_who_kept_a_checkpoint(agreed: Path, told: Path, tmp_path: Path) -> None:
    fork = tmp_path / "node"
    shutil.copytree(agreed, fork)
    with open_node(fork, SetClock()) as node:
        story.ask(node, "SELECT * FROM pay")
        tell(node)
    with open_node(told) as node, node.store.read() as state:
        note = state.checkpoint()
    assert note is not None and verify(fork).sound
    findings = verify(fork, kept=[note]).findings
    assert len(findings) == 1 and "kept" in findings[0].what
    forged = note.replace("example", "exomple")
    with pytest.raises(BadInput):
        verify(told, kept=[forged])


def append(directory: Path, command: Callable[[Transaction], Any], clock: SetClock | None = None) -> int:
    """Has the node sign whatever it is told to, an hour later; the number of the last entry."""
    if clock is None:
        clock = SetClock()
        clock.move(hours=1)
    with open_node(directory, clock) as node:
        node.store.write(command)
        with node.store.read() as state:
            return state.size() - 1


def test_a_signed_settlement_that_does_not_sum_is_found(copy: Path) -> None:
    def plan(tx: Transaction) -> None:
        lines = tx.attach("application/vnd.usufruct.settlement.v1", bytes(16 * story.PERSONS))
        statement = AssetStatement(story.ASSET, (), 500, (), 500, 0, lines)
        tx.append(PeriodPlanned("plan-x", "2027-q1", "2026-q4", 0, 1, "EUR", 500, (statement,)))

    entry = append(copy, plan)
    (finding,) = verify(copy).findings
    assert finding.entry == entry and "do not sum" in finding.what


def settled(before: str) -> Callable[[Transaction], None]:
    """Signs a plan that divides 5.00 among two who did nothing for it, with a settlement that is whole in itself."""

    def plan(tx: Transaction) -> None:
        found = settlement.settle([Portion("made up", 500 * MICRO, [1, 1])], (), story.PERSONS, 1, bytes(32))
        lines = found.keep(tx.attach)
        statement = Settled(lines, before, found).stated(AssetStatement(story.ASSET, (), 500, (), 500, 0, ""))
        tx.append(PeriodPlanned("plan-x", "2027-q1", "2026-q4", 0, tx.next - 1, "EUR", 500, (statement,)))

    return plan


def test_a_signed_settlement_whose_lines_do_not_follow_is_found(copy: Path) -> None:
    """Though it sums, and every total is that of its lines: nobody earned it."""
    with closing(connect(copy / JOURNAL)) as connection:
        (last,) = connection.execute("SELECT body FROM state_last_settlement").fetchone()
    entry = append(copy, settled(json.loads(last)["lines"]))
    (finding,) = verify(copy).findings
    assert finding.entry == entry and "its lines are not what the uses" in finding.what


def test_a_signed_settlement_that_forgets_what_was_carried_is_found(copy: Path) -> None:
    entry = append(copy, settled(""))
    (finding,) = verify(copy).findings
    assert finding.entry == entry and "does not carry on" in finding.what


def test_a_signed_budget_that_is_overdrawn_is_found(copy: Path) -> None:
    entry = append(copy, lambda tx: tx.append(BudgetOpened("other", "v1", -1)))
    (finding,) = verify(copy).findings
    assert finding.entry == entry and "overdrawn" in finding.what


def test_a_signed_fact_that_cannot_have_happened_is_found(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(facts, "FOLDS", ())
        entry = append(copy, lambda tx: tx.append(QueryAbandoned("use-none", "")))
    assert (entry, "does not follow from the entries before it") in {
        (finding.entry, finding.what.partition(":")[0]) for finding in verify(copy).findings
    }


def test_a_ledger_that_loses_a_cent_is_found(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the state is just what the node's own folds make of the facts."""

    def lossy(read: Reader, entry: Entry) -> Iterator[Row]:
        for row in ledger.fold(read, entry):
            yield replace(row, balance=row.balance - 1) if isinstance(row, Account) and row.balance > 0 else row

    folds = tuple(lossy if fold is ledger.fold else fold for fold in facts.FOLDS)
    monkeypatch.setattr(facts, "FOLDS", folds)
    refold(copy)
    said = as_lines(verify(copy))
    assert "the balance of `fund:solidarity` is not that of its transfers" in said and "sum to zero" in said


def test_a_control_transfer_that_is_not_its_settlement_is_found(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stingy(read: Reader, entry: Entry) -> Iterator[Row]:
        for row in ledger.fold(read, entry):
            to_members = isinstance(row, Transfer) and row.credit == ledger.members_of(story.ASSET)
            yield replace(row, credit="party:wage-commons") if to_members else row

    monkeypatch.setattr(facts, "FOLDS", tuple(stingy if fold is ledger.fold else fold for fold in facts.FOLDS))
    refold(copy)
    with closing(connect(copy / JOURNAL)) as connection:
        (entry,) = connection.execute("SELECT seq FROM journal WHERE kind = 'period.closed/1'").fetchone()
    assert f"{entry}: the settlement of `pay` is not what was posted for its members" in as_lines(verify(copy))


def test_a_signed_instant_that_goes_back_is_found(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqlBatch, "now", property(lambda tx: tx._clock_now))
    clock = SetClock()
    clock.move(days=-1)
    entry = append(copy, lambda tx: tx.append(PartyRegistered("late", "organisation", "Late")), clock)
    (finding,) = verify(copy).findings
    assert finding.entry == entry and "before an entry that it follows" in finding.what


def test_a_signed_instant_that_is_misspelled_is_found(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqlBatch, "now", Instant("2999-01-01T00:00:00.5Z"))
    entry = append(copy, lambda tx: tx.append(PartyRegistered("late", "organisation", "Late")))
    assert {finding.entry for finding in verify(copy).findings} == {entry}


@pytest.mark.parametrize(
    "spell",
    [
        lambda value: json.dumps(value, sort_keys=True).encode(),
        lambda value: canonical.encode(value | {"more": 1}),
        lambda value: canonical.encode(value | {"kind": ["party.registered/1"]}),
        lambda value: canonical.encode(value | {"seq": value["seq"] + 1}),
        lambda value: canonical.encode(value | {"at": 5}),
        lambda value: canonical.encode(value | {"fact": {"party": "late"}}),
        lambda value: b"[" * 100_000,
    ],
)
def test_a_signed_record_that_is_misspelled_is_found(
    copy: Path, monkeypatch: pytest.MonkeyPatch, spell: Callable[[Any], bytes]
) -> None:
    with monkeypatch.context() as patch:
        encode = facts.encode
        patch.setattr(facts, "encode", lambda entry: spell(canonical.decode(encode(entry))))
        entry = append(copy, lambda tx: tx.append(PartyRegistered("late", "organisation", "Late")))
    findings = verify(copy).findings
    assert findings and {finding.entry for finding in findings} == {entry}


def test_a_read_only_copy_can_be_verified(told: Path) -> None:
    """As an auditor gets it: on a disk, or in an account, in which nothing can be written."""
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        shelf = Path(place) / "shelf"
        shutil.copytree(told, shelf, ignore=shutil.ignore_patterns("signing.pem", "last-signed", "logins*", "lock"))
        before = sorted(shelf.rglob("*"))
        for path in (*before, shelf):
            path.chmod(0o555 if path.is_dir() else 0o444)
        with as_nobody():
            assert verify(shelf).findings == ()
        assert sorted(shelf.rglob("*")) == before
        for path in (*before, shelf):
            path.chmod(0o755)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the powers of root, to whom nothing is read-only."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        if not os.access(audit.__file__, os.R_OK, effective_ids=True):
            pytest.skip("nobody but root can read the program here")
        yield
    finally:
        os.seteuid(was)
