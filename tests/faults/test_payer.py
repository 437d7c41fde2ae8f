"""The payer is killed, at every step; when it goes on, everybody is paid once, and what came back is owed once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import paying
import story
from paying import PAID, Bank, owed
from support import JOURNAL, rebuilt_rows, state_rows
from usufruct.core.base.faults import StoreFull
from usufruct.core.base.instants import Instant
from usufruct.core.income.payout import Credit, Order
from usufruct.core.income.payout_state import Payout
from usufruct.main import open_node
from usufruct.node import followers, payout
from usufruct.store.audit import verify
from usufruct.store.orders import OrderFolder
from usufruct.wire import pain

KILLED = [
    ("approve", "payout before approved"),
    ("approve", "store before commit"),
    ("approve", "store after commit"),
    ("send", "payout before order"),
    ("send", "payout after order"),
    ("send", "store before commit"),
    ("send", "store after commit"),
    ("send", "payout after sent"),
    ("send", "payout after handed over"),
    ("read", "statement before read"),
    ("read", "store before commit"),
    ("read", "store after commit"),
    ("read", "statement after read"),
]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, founded: Path, table: Path) -> Path:
    directory = Path(shutil.copytree(founded, tmp_path_factory.mktemp("ready") / "node"))
    paying.prepare(directory, table)
    return directory


@pytest.fixture(scope="module")
def killed(ready: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """The directory of each process that was killed."""
    directories = {one: Path(shutil.copytree(ready, tmp_path_factory.mktemp("killed") / "node")) for one in KILLED}
    wanted = [argument for one, directory in directories.items() for argument in (str(directory), *one)]
    here = Path(__file__)
    paths = os.pathsep.join((str(here.parents[1]), str(here.parents[2] / "src")))
    program = [sys.executable, str(here.with_name("payer.py")), *wanted]
    subprocess.run(program, env=os.environ | {"PYTHONPATH": paths}, check=True)
    return directories


@pytest.mark.parametrize("one", KILLED, ids=" ".join)
def test_killed_anywhere_everybody_is_paid_once(one: tuple[str, str], killed: dict[tuple[str, str], Path]) -> None:
    directory = killed[one]
    with open_node(directory) as node:
        taken = Bank()
        taken.take(node)  # what a bank could have had before the node went on
        with node.store.read() as state:
            durable = {row.id for row in state.list(Payout) if row.state in ("sent", "settled")}
        assert {name.rpartition("-")[0] for name in taken.made} <= durable, "no order without its fact"
        with node.store.read() as state:
            waiting = [row.id for row in state.list(Payout, state="proposed")]
        for name in waiting:
            story.done(payout.approve(node, name, story.OPERATOR))
        with node.store.read() as state:
            if not any(row.state in ("approved", "sent", "settled") for row in state.list(Payout)):
                paying.approved(node)
        assert not [one.failed for one in followers.run_once(node) if one.failed]
        taken.take(node)
        with node.store.read() as state:
            (paid,) = [row for row in state.list(Payout) if row.state in ("sent", "settled")]
        if paid.state == "sent":
            assert len(taken.made) == 7 and sum(amount for amount, _ in taken.made.values()) == 33_000
            paying.tell(node, taken.statement())
        followers.run_once(node)
        assert paying.row(node, paid.id).state == "settled" and not node.payer.kept()
        left = sum(owed(node, member) for member in PAID)
        assert left == (3500 if one[0] == "read" and one[1].split()[1] == "after" else 0)
    before = state_rows(directory / JOURNAL)
    assert verify(directory).findings == () and rebuilt_rows(directory / JOURNAL) == before


def test_a_full_disk_leaves_no_half_an_order(tmp_path: Path) -> None:
    def broken(*_: object) -> object:
        yield b"<half"
        raise OSError(28, "no space left on device")

    folder = OrderFolder(tmp_path / "payouts", None, broken)  # type: ignore[arg-type]
    order = Order("payout-1", "x", "DE89370400440532013000", "", "EUR", Instant("2026-11-23T12:00:00.000Z"), 1, 1)
    with pytest.raises(StoreFull):
        folder.prepare(order, [])
    assert not folder.kept() and not folder.hand_over("payout-1", "0" * 64)
    whole = OrderFolder(tmp_path / "payouts", None, pain.write)
    credits = [Credit(0, 1, "Ana", "NL91ABNA0417164300", "", "x")]
    digest = whole.prepare(order, credits)
    assert digest == whole.prepare(order, credits), "prepared twice, it is one"
    assert whole.order("payout-1") is None, "nobody finds it before it is handed over"
    assert whole.hand_over("payout-1", digest) and whole.hand_over("payout-1", digest)
    assert list(whole.kept()) == ["payout-1"]
    whole.forget("payout-1")
    assert not whole.kept() and not whole.hand_over("payout-1", digest)
