"""A round is killed at every step; when it goes on, each job is agreed once, and nobody's lots are drawn twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from drawer import clock_at, go_on

from rounds.world import COURIERS, ROUND, world
from support import JOURNAL, rebuilt_rows, state_rows
from usufruct.core.base.instants import Instant
from usufruct.core.work.rounds.state import RoundClosed, RoundEntered, RoundPlanned, RoundSettled
from usufruct.core.work.state import Job, JobAgreement
from usufruct.main import open_node
from usufruct.node import rounds
from usufruct.store.audit import verify

KILLED = (
    "round before closed", "round after closed", "round before planned", "round after planned", "round before settled",
    "round amid settled", "round after settled",
)  # fmt: skip


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Instant]:
    """A round for whose three jobs all wish; its wishes are to be closed."""
    directory = tmp_path_factory.mktemp("ready") / "node"
    with world(directory) as here:
        here.open()
        jobs = [here.post(round=ROUND, title=f"job {number}") for number in range(3)]
        here.commit()
        for name in COURIERS:
            here.wish(name, *jobs)
        here.go(12)
        return directory, here.clock.at


@pytest.fixture(scope="module")
def killed(ready: tuple[Path, Instant], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The directory of each process that was killed."""
    directories = {step: Path(shutil.copytree(ready[0], tmp_path_factory.mktemp("killed") / "node")) for step in KILLED}
    wanted = [argument for step, directory in directories.items() for argument in (str(directory), step)]
    here = Path(__file__)
    paths = os.pathsep.join((str(here.parents[1]), str(here.parents[2] / "src")))
    program = [sys.executable, str(here.with_name("drawer.py")), ready[1], *wanted]
    subprocess.run(program, env=os.environ | {"PYTHONPATH": paths}, check=True)
    return directories


@pytest.mark.parametrize("step", KILLED)
def test_killed_anywhere_a_round_is_drawn_once(step: str, killed: dict[str, Path], ready: tuple[Path, Instant]) -> None:
    directory = killed[step]
    with open_node(directory, clock_at(ready[1])) as node:
        before = rounds.shown(node, ROUND)
        go_on(node)
        row = rounds.shown(node, ROUND)
        assert before is not None and row is not None
        assert row.state == "settled" and row.agreed == 3
        if before.instance:
            assert before.instance == row.instance
        if before.plan:
            assert (before.plan, before.seed) == (row.plan, row.seed)
        with node.store.read() as state:
            happened = Counter(type(entry.fact) for entry in state.entries(0, state.size()))
            agreed = [(one.worker, one.job) for one in state.list(JobAgreement)]
            taken = [job.taken for job in state.list(Job)]
    assert [happened[kind] for kind in (RoundClosed, RoundPlanned, RoundSettled, RoundEntered)] == [1, 1, 1, 4]
    assert len(agreed) == len({worker for worker, _ in agreed}) == len({job for _, job in agreed}) == 3
    assert taken == [1, 1, 1]
    assert verify(directory).findings == ()
    rows = state_rows(directory / JOURNAL)
    assert rebuilt_rows(directory / JOURNAL) == rows
