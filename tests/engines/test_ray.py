"""A Ray cluster of two nodes comes to the same bytes as this process, and so does one that loses a node in the middle."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.core.income.measure import MICRO, Portion
from usufruct.core.income.segment import PIECE
from usufruct.engine.settlement import NumpySettler
from usufruct.engine.valuation import neighbours
from usufruct.main import create_node, open_node, read_settings

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

from usufruct.engine import ray as engine  # noqa: E402

SEED = bytes(range(32))
MEMORY = 200 * 2**20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head on which the node runs, and one more machine, each a set of processes of its own."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": MEMORY})
        made.add_node(num_cpus=1, object_store_memory=MEMORY)
        yield made
        ray.shutdown()
        made.shutdown()


def portions(persons: int, count: int) -> list[Portion]:
    chance = np.random.default_rng(7)
    found = []
    for n in range(count):
        weights = chance.integers(0, 9, persons).astype("<u4")
        weights[: persons * n // count] = 0  # some are sparse
        weights[-1] = 1
        found.append(Portion(f"use-{n}", (1000 + n) * MICRO, array("I", weights.tobytes())))
    return found


def test_two_nodes_make_the_same_bytes(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    there, here = engine.RayCluster(cluster.address), NumpySettler()
    for batch in (2**22, 1):  # all portions in one task, and each in one of its own
        monkeypatch.setattr(engine, "_BATCH", batch)
        for persons, before in ((500, ()), (2 * PIECE + 77, ())):
            first = there.settle(portions(persons, 5), before, persons, 3, SEED)
            assert first == here.settle(portions(persons, 5), before, persons, 3, SEED)
            second = there.settle(portions(persons + 9, 2), iter(first.pieces), persons + 9, 3, SEED)
            assert second == here.settle(portions(persons + 9, 2), first.pieces, persons + 9, 3, SEED)
    assert there.settle([], (), 3, 1, SEED) == here.settle([], (), 3, 1, SEED)


def test_both_nodes_take_part(cluster: Any) -> None:
    def where(number: int) -> tuple[int, str]:
        time.sleep(0.2)
        return number, ray.get_runtime_context().get_node_id()

    found = list(engine.RayCluster(cluster.address).each(where, {}, ({"number": n} for n in range(12))))
    assert [number for number, _ in found] == list(range(12))
    assert len({node for _, node in found}) == 2


def test_blocks_come_back_in_their_order_to_the_same_bits(cluster: Any) -> None:
    """As values of blocks of tests: floats are added by whoever asked, one block after the other."""

    def block(points: Any, rows: Any) -> Any:
        return np.sqrt(np.abs(points[:, None] - rows[None, :])).sum(axis=1)

    chance = np.random.default_rng(3)
    points, rows = chance.normal(size=300), chance.normal(size=400)
    blocks = [{"rows": rows[start : start + 4]} for start in range(0, 400, 4)]
    there, here = np.zeros(300), np.zeros(300)
    for part in engine.RayCluster(cluster.address).each(block, {"points": points}, blocks):
        there += part
    for one in blocks:
        here += block(points, **one)
    assert there.tobytes() == here.tobytes()


def test_what_records_add_to_a_training_comes_to_the_same_bytes_on_a_cluster(cluster: Any) -> None:
    """The real valuation, by blocks of validation rows: as here, to the last bit."""
    draw = np.random.default_rng(7)
    points = draw.integers(0, 4096, (2_000, 8)).astype(np.float64)
    labels, rows = draw.integers(0, 2, 2_000), draw.integers(0, 4096, (700, 8)).astype(np.float64)
    told = draw.integers(0, 2, 700)
    parts = ({"rows": rows[part], "told": told[part]} for part in neighbours.blocks(len(rows)))
    sums = engine.RayCluster(cluster.address).each(
        neighbours.block, {"points": points, "labels": labels, "k": 5, "apart": 0}, parts
    )
    far = neighbours.together(sums, len(points), len(rows))
    assert far.tobytes() == neighbours.values(points, labels, rows, told, 5).tobytes()
    assert np.any(far)


def test_a_node_killed_in_the_middle_changes_nothing(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_BATCH", 1)
    persons = 3 * PIECE
    asked = portions(persons, 40)
    wanted = NumpySettler().settle(asked, (), persons, 1, SEED)
    doomed = cluster.list_all_nodes()[-1]
    found: list[Any] = []
    work = threading.Thread(
        target=lambda: found.append(engine.RayCluster(cluster.address).settle(asked, (), persons, 1, SEED))
    )
    work.start()
    time.sleep(0.4)
    assert work.is_alive(), "it was over before anything could die"
    cluster.remove_node(doomed, allow_graceful=False)
    work.join(180)
    assert found == [wanted]
    cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    assert engine.RayCluster(cluster.address).settle(asked, (), persons, 1, SEED) == wanted


def test_work_that_fails_is_a_fault_that_says_why(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("no such thing")

    with pytest.raises(EngineFault, match="no such thing"):
        list(engine.RayCluster(cluster.address).each(broken, {}, [{}]))
    monkeypatch.setattr(engine, "__version__", "0.0.0")
    with pytest.raises(EngineFault, match=r"the node 0\.0\.0"):
        engine.RayCluster(cluster.address).settle(portions(5, 1), (), 5, 1, SEED)


@pytest.mark.parametrize("setting", ["host", "ray://host:10001", "env:NOWHERE_SET", ":6379", "host:x"])
def test_a_setting_that_names_no_cluster_is_refused(setting: str, tmp_path: Path) -> None:
    create_node(tmp_path / "node", "N", "holder", "Holder", "EUR")
    path = tmp_path / "node" / "node.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('ray = ""', f'ray = "{setting}"'), encoding="utf-8")
    with pytest.raises(BadInput, match="the setting `ray`"), open_node(tmp_path / "node"):
        pass
    assert read_settings(tmp_path / "node").ray == setting


def test_a_node_with_a_cluster_settles_there(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_node(tmp_path / "node", "N", "holder", "Holder", "EUR")
    path = tmp_path / "node" / "node.toml"
    monkeypatch.setenv("CLUSTER", cluster.address)
    path.write_text(path.read_text(encoding="utf-8").replace('ray = ""', 'ray = "env:CLUSTER"'), encoding="utf-8")
    with open_node(tmp_path / "node") as node:
        asked = portions(50, 2)
        assert node.settler.settle(asked, (), 50, 1, SEED) == NumpySettler().settle(asked, (), 50, 1, SEED)
