"""Stored tables that are touched, and tables that are updated: what a data user, a member and the steward see of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

import story
from support import JOURNAL, SetClock, rebuilt_rows, state_rows
from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.oversight import warnings
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Asset, Person, Stored
from usufruct.main import open_node
from usufruct.node import erase, followers, query, register, stored, update
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.store.keys import SystemEntropy
from usufruct.store.sealing import TableKeys


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tables") / "node"
    story.found(directory)
    with open_node(directory) as node:
        story.bring_to_agreement(node, story.write_table(directory.parent / "pay.csv"))
    return directory


@pytest.fixture
def directory(agreed: Path, tmp_path: Path) -> Path:
    shutil.copy(agreed.parent / "pay.csv", tmp_path)
    return Path(shutil.copytree(agreed, tmp_path / "node"))


@pytest.fixture
def node(directory: Path) -> Iterator[Node]:
    with open_node(directory, SetClock()) as opened:
        yield opened


def table_of(directory: Path, name: str = story.ASSET) -> Path:
    (file,) = (directory / "data").glob(f"{name}-*.duckdb")
    return file


def asset_of(node: Node) -> Asset:
    with node.store.read() as state:
        found = state.get(Asset, story.ASSET)
    assert found is not None
    return found


def budget_of(node: Node) -> Budget:
    with node.store.read() as state:
        found = state.get(Budget, story.ASSET, asset_of(node).version)
    assert found is not None
    return found


def numbers(node: Node) -> dict[int, str]:
    with node.store.read() as state:
        return {person.number: person.party for person in state.list(Person, asset=story.ASSET)}


def change(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


# --- a stored table that was touched ---------------------------------------------------------------------------------

TOUCHED = {
    "a person beyond the end": ("UPDATE asset SET _person = 12 WHERE rowid = 6", "row 7 has no person"),
    "a person below the beginning": ("UPDATE asset SET _person = -1 WHERE rowid = 0", "row 1 has no person"),
    "nobody": (
        "UPDATE asset SET _person = NULL WHERE rowid >= 34",
        "row 35 has no person of this asset in `_person`; such rows: 2",
    ),
    "no draw": ("UPDATE asset SET _draw = NULL WHERE rowid = 3", "row 4 has no person of this asset in `_draw`"),
    "a column gone": ("ALTER TABLE asset DROP COLUMN hours", "column `hours` is missing"),
    "a column of another type": (
        "ALTER TABLE asset ALTER hours TYPE DOUBLE",
        "column `hours` is of type DOUBLE, not BIGINT",
    ),
    "a column too many": ("ALTER TABLE asset ADD COLUMN name VARCHAR", "column `name` does not belong there"),
    "a view": (
        "ALTER TABLE asset RENAME TO rows; CREATE VIEW asset AS FROM rows",
        "does not hold the one table `asset`",
    ),
    "a value": ("UPDATE asset SET hours = 0 WHERE rowid = 0", "is not the one that the journal names"),
    "a table beside it": ("CREATE TABLE other AS SELECT 1 AS x", "does not hold the one table `asset`"),
}


@pytest.mark.parametrize("what", TOUCHED)
def test_a_table_that_was_touched_answers_nothing(what: str, directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The data user hears a constant; the steward hears the row."""
    statement, wrong = TOUCHED[what]
    with open_node(directory, SetClock()) as node:
        assert stored.examine(node, story.ASSET) == stored.Examined(story.ASSET, asset_of(node).version, ())
        story.answer(node, micro_rho=story.CHEAP)
        with duckdb.connect(table_of(directory)) as connection:
            connection.execute(statement)
        with pytest.raises(EngineFault) as fault:
            story.answer(node, micro_rho=story.CHEAP)
        assert (fault.value.code, fault.value.message) == (
            "engine.data",
            "the data of `pay` are not as they were registered",
        )
        assert wrong in caplog.text
        with node.store.read() as state:
            assert [use.state for use in state.list(Use)] == ["answered", "abandoned"]
        assert budget_of(node).spent > story.CHEAP, "and nothing is refunded"
        said = story.done(stored.examine(node, story.ASSET)).wrong
        assert any(wrong in one for one in said) and "the file is not the one that the journal names" in said


def test_a_table_that_is_gone_or_no_table(node: Node, directory: Path) -> None:
    file = table_of(directory)
    content = file.read_bytes()
    for bad, said in ((None, ["the file is missing"]), (b"x" * 9000, ["names", "cannot be read"])):
        file.unlink(missing_ok=True)
        if bad:
            file.write_bytes(bad)
        with pytest.raises(EngineFault, match="are not as they were registered"):
            story.answer(node, micro_rho=story.CHEAP)
        found = story.done(stored.examine(node, story.ASSET)).wrong
        assert len(found) == len(said) and all(word in one for word, one in zip(said, found, strict=True))
    file.write_bytes(content)
    story.answer(node, micro_rho=story.CHEAP)


def test_a_touched_table_is_seen_though_its_size_and_its_times_are_the_same(node: Node, directory: Path) -> None:
    import os

    story.answer(node, micro_rho=story.CHEAP)
    file = table_of(directory)
    before, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    with pytest.raises(EngineFault, match="are not as they were registered"):
        story.answer(node, micro_rho=story.CHEAP)


def test_a_touched_table_is_not_written_anew_and_called_whole(node: Node, directory: Path) -> None:
    """An erasure names the digest of what it wrote: it must not be of what somebody else put there."""
    with duckdb.connect(table_of(directory)) as connection:
        connection.execute("UPDATE asset SET hours = 0 WHERE rowid = 0")
    with pytest.raises(EngineFault, match="are not as they were registered"):
        erase.erase(node, "member-3", story.OPERATOR)


def test_a_table_is_digested_once_for_each_state_of_its_file(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    from usufruct.engine import stored as watch

    digested: list[str] = []

    class Counted:
        @staticmethod
        def file_digest(file: object, kind: str) -> object:
            digested.append(kind)
            return hashlib.file_digest(file, kind)  # type: ignore[arg-type, type-var]

    monkeypatch.setattr(watch, "hashlib", Counted)
    for _ in range(3):
        story.answer(node, micro_rho=story.CHEAP)
    assert len(digested) == 1


# --- other rows ------------------------------------------------------------------------------------------------------


def test_other_rows_take_the_place_at_the_same_budget(directory: Path) -> None:
    with open_node(directory, SetClock()) as node:
        charge = story.answer(node, micro_rho=story.PRECISE).charge
        before, old, people = budget_of(node), asset_of(node), numbers(node)
        table = change(directory.parent / "pay.csv", "\n3,2021", "\n0,2021")  # somebody before all others
        change(table, "\n5,", "\n99,")  # and one has left, another has come
        made = story.done(update.update_asset(node, story.ASSET, table, story.OPERATOR))
        now = asset_of(node)
        assert (made.new_members, now.version != old.version, now.quality.persons, now.quality.rows) == (
            2,
            True,
            14,
            36,
        )
        assert replace(now, version=old.version, quality=old.quality) == old, "nothing else of the card has changed"
        after = numbers(node)
        assert {number: after[number] for number in people} == people, "a number means the same person for ever"
        with node.store.read() as state:
            assert [after[12], after[13]] == [id_of(state, "member-0"), id_of(state, "member-99")]
        with duckdb.connect(table_of(directory), read_only=True) as connection:
            rows = dict(connection.execute("SELECT _person, count(*) FROM asset GROUP BY 1").fetchall())
        assert rows == {n: {2: 2, 12: 1}.get(n, 3) for n in range(14) if n != 4}, "who is gone has no rows"
        budget = budget_of(node)
        assert (budget.total, budget.spent, budget.left) == (before.total, charge, before.left)
        more = story.answer(node, micro_rho=story.CHEAP).charge
        assert budget_of(node).spent == charge + more
        assert stored.examine(node, story.ASSET) == stored.Examined(story.ASSET, now.version, ())
        assert not [one for one in followers.run_once(node) if one.failed]
    assert verify(directory).findings == ()
    assert rebuilt_rows(directory / JOURNAL) == state_rows(directory / JOURNAL)


def test_no_update_opens_a_budget_again(node: Node, directory: Path) -> None:
    """As many refreshes as one likes, and what may be learnt is what it was on the first day."""
    table = directory.parent / "pay.csv"
    for turn in range(5):
        refused = story.ask(story.unlimited(node), micro_rho=story.PRECISE)
        assert isinstance(refused, query.Answered) == (turn < 4)
        change(table, f",{1500 + turn}" if turn else ",1520", f",{1501 + turn}")
        story.done(update.update_asset(node, story.ASSET, table, story.OPERATOR))
    assert budget_of(node).left < story.CHEAP
    with node.store.read() as state:
        told = [one for one in warnings(state, story.OPERATOR, node.clock.now()) if one.kind == "budget"]
    assert len(told) == 1, "told once, not once for every version"


def test_a_question_admitted_before_is_answered_from_the_old_rows(directory: Path) -> None:
    table, left = change(directory.parent / "pay.csv", "1,2021,", "1,2021,3"), []

    def step(name: str) -> None:
        if name == "query after admitted" and not left:
            left.append(asset_of(node).version)
            story.done(update.update_asset(node, story.ASSET, table, story.OPERATOR))
            left.append(str(len(list((directory / "data").glob("pay-*.duckdb")))))

    with open_node(directory, SetClock(), step) as node:
        answered = story.answer(node, micro_rho=story.PRECISE)
        assert left[1] == "2", "the old table is kept while somebody reads it"
        with node.store.read() as state:
            use = state.get(Use, answered.use)
        assert use is not None and (use.state, use.version) == ("answered", left[0])
        assert budget_of(node).spent == answered.charge, "what was reserved went along"
        followers.run_once(node)
        assert table_of(directory).name == f"pay-{asset_of(node).version}.duckdb"


class Killed(BaseException):
    """The process stops here."""


@pytest.mark.parametrize(("step", "done"), [("update after ingest", False), ("update after fact", True)])
def test_killed_anywhere_it_happened_or_it_did_not(step: str, done: bool, directory: Path) -> None:
    table = change(directory.parent / "pay.csv", "1,2021,", "1,2021,3")

    def kill(name: str) -> None:
        if name == step:
            raise Killed

    with open_node(directory, SetClock(), kill) as node:
        before = asset_of(node).version
        with pytest.raises(Killed):
            update.update_asset(node, story.ASSET, table, story.OPERATOR)
    with open_node(directory, SetClock()) as node:
        assert (asset_of(node).version != before) == done
        story.answer(node, micro_rho=story.CHEAP)
        if done:
            assert table_of(directory).name == f"pay-{asset_of(node).version}.duckdb", "the old one is deleted"
        else:
            story.done(update.update_asset(node, story.ASSET, table, story.OPERATOR))
            story.answer(node, micro_rho=story.CHEAP)
    assert verify(directory).findings == ()


DRIFT = {
    "a column gone": ("nr,year,hourly_pay,hours,", "nr,year,hourly_pay,time,", "the table has no column `hours`"),
    "other capitals": ("nr,year,hourly_pay,hours,", "nr,year,hourly_pay,Hours,", "the table has no column `hours`"),
    "a cell of another type": (
        "1,2022,13.55,1520,",
        "1,2022,13.55,n/a,",
        "row 2, column `hours`: `n/a` is not of type integer",
    ),
    "a decimal comma": ("12,2023,24.60", '12,2023,"24,60"', "row 36, column `hourly_pay`"),
    "a person who is no number": ("\n7,2021", "\nseven,2021", "row 19, column `nr`"),
    "a short row": (",1520,false\n1,2022", "\n1,2022", "has 3 cell(s), the header has 5"),
}


@pytest.mark.parametrize("what", DRIFT)
def test_a_table_that_has_drifted_changes_nothing(what: str, node: Node, directory: Path) -> None:
    old, new, said = DRIFT[what]
    before, there = asset_of(node), sorted((directory / "data").iterdir())
    with pytest.raises(BadInput) as fault:
        update.update_asset(node, story.ASSET, change(directory.parent / "pay.csv", old, new), story.OPERATOR)
    assert said in fault.value.message
    assert (asset_of(node), sorted((directory / "data").iterdir())) == (before, there)
    story.answer(node, micro_rho=story.CHEAP)


def test_who_may_update_what(node: Node, directory: Path) -> None:
    table = directory.parent / "pay.csv"
    same = update.update_asset(node, story.ASSET, table, story.OPERATOR)
    assert isinstance(same, Refusal) and (same.code, same.reasons) == (
        "registry.update",
        ("nothing in the table has changed",),
    )
    story.answer(node, micro_rho=story.CHEAP)
    original = table.read_text()
    change(table, "1,2021,", "1,2021,3")
    for name, by in ((story.ASSET, story.USER), ("none", story.OPERATOR), (story.ASSET, "nobody")):
        no = update.update_asset(node, name, table, by)
        assert isinstance(no, Refusal) and no.code == "registry.unknown"
        assert no.reasons == (f"there is no asset `{name}` that `{by}` holds",)
    story.done(update.update_asset(node, story.ASSET, table, story.OPERATOR))
    table.write_text(original)
    back = update.update_asset(node, story.ASSET, table, story.OPERATOR)
    assert isinstance(back, Refusal) and back.code == "registry.update", "no version comes twice"
    other = register.add_asset(node, replace(story.read_card(), asset="again"), table, story.OPERATOR)
    assert isinstance(other, Refusal) and other.code == "registry.exists", "and none under another name"
    story.answer(node, micro_rho=story.CHEAP)


def test_who_is_erased_is_erased_from_what_was_replaced_too(directory: Path) -> None:
    """Also while a question is being answered from it, and from its backups."""
    table = change(directory.parent / "pay.csv", "1,2021,", "1,2021,3")
    keys, versions = TableKeys(directory / "keys" / "tables", SystemEntropy()), []

    def step(name: str) -> None:
        if name == "query before run" and not versions:
            versions.append(asset_of(node).version)
            before = keys.key(f"pay-{versions[0]}")
            story.done(update.update_asset(node, story.ASSET, table, story.OPERATOR))
            story.done(erase.erase(node, "member-3", story.OPERATOR))
            assert not (directory / "data" / f"pay-{versions[0]}.duckdb").exists()
            assert keys.find(f"pay-{versions[0]}") not in (None, before)

    with open_node(directory, SetClock(), step) as node:
        with pytest.raises(EngineFault, match="are not as they were registered"):
            story.answer(node, micro_rho=story.CHEAP)
        story.answer(node, micro_rho=story.CHEAP)
        with node.store.read() as state:
            assert [one.standing for one in state.list(Stored, asset=story.ASSET)] == ["replaced", "now"]
    assert verify(directory).findings == ()
