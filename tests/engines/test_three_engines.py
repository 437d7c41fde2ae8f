"""The same integers before noise on DuckDB, DataFusion and Spark: groups, vectors, and what each person counts for.

Bounds, sensitivity and charge are proved of the statements, not of an engine. So whichever engine runs them must come to what
they say, to the last digit; what two engines that share no code agree on with DuckDB is not DuckDB's own reading. Questions
are random (`privacy.world`), and a list of our own has every step and every measure in it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engines import tables
from engines.spark_server import COMPILED, connect_server
from engines.witness import DataFusionEngine
from privacy import world
from usufruct.core.base.faults import EngineFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.rules import QueryPlan, Wishes
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.ports import Engine

QUESTIONS = (
    # every measure
    "SELECT COUNT(*), COUNT(DISTINCT who), COUNT(word), SUM(wage), AVG(hours), VARIANCE(hours), STDDEV(level) FROM pay",
    "SELECT region, MEDIAN(wage), QUANTILE_CONT(level, 0.25), COUNT(*) FROM pay GROUP BY region",
    "SELECT member, year, SUM(wage) FILTER (WHERE level > 0), COUNT_IF(word = 'a') FROM pay GROUP BY member, year",
    # unknown keys: numbers, texts, conditions, parts of them
    "SELECT word, SUM(wage) AS s, COUNT(*) FROM pay GROUP BY word HAVING COUNT(*) > 0 ORDER BY s",
    "SELECT SUBSTR(word, 1, 1) AS k, code, MEDIAN(level) FROM pay GROUP BY k, code",
    "SELECT ward, cost > 0 AS dear, AVG(cost) FROM care GROUP BY ward, dear",
    "SELECT LEAST(GREATEST(code, -9), 9) AS k, COUNT(*), SUM(hours) FROM pay GROUP BY k",
    # numbers as large as they come, and what is missing
    "SELECT SUM(LEAST(GREATEST(code, -1000000000000), 1000000000000)) AS a, SUM(hours * hours * 1000) AS b FROM pay",
    "SELECT SUM(FLOOR(hours / 7)) AS a, SUM(hours // 7) AS b, SUM(hours % 7) AS c, SUM(ABS(-hours)) AS d, "
    "SUM(NULLIF(level, 0)) AS e FROM pay",
    "SELECT SUM(LEAST(level, hours)) AS a, SUM(GREATEST(level, visits)) AS b FROM pay JOIN care ON who = person",
    "SELECT COUNT(*) FROM pay WHERE member IS NOT TRUE AND (word <> 'a' OR NOT (hours < 7)) AND code IN (0, 1, -7)",
    # joins: of persons, and of what is looked up
    "SELECT region, SUM(wage), SUM(visits) FROM pay JOIN care ON who = person AND pay.year = care.year GROUP BY region",
    "SELECT ward, COUNT(DISTINCT who), SUM(hours) FROM pay LEFT JOIN care ON who = person GROUP BY ward",
    "SELECT area, size, AVG(wage), COUNT(*) FROM pay JOIN places ON pay.region = places.region GROUP BY area, size",
    "SELECT area, MEDIAN(size) FROM pay LEFT JOIN places ON pay.region = places.region GROUP BY area",
    # steps of one person: totals and windows
    "SELECT n, COUNT(*), SUM(s) FROM (SELECT who, COUNT(*) AS n, SUM(wage) AS s, MAX(level) AS m FROM pay GROUP BY who) "
    "WHERE m > 0 GROUP BY n",
    "SELECT place, SUM(wage) FROM (SELECT who, wage, ROW_NUMBER() OVER (PARTITION BY who ORDER BY hours DESC) AS place "
    "FROM pay) GROUP BY place",
    "SELECT SUM(rise), COUNT(rise) FROM (SELECT who, wage - LAG(wage) OVER (PARTITION BY who, region ORDER BY year) AS rise "
    "FROM pay)",
    "SELECT w, COUNT(*), SUM(t) FROM (SELECT who, LEAD(word, 2) OVER (PARTITION BY who ORDER BY level) AS w, "
    "SUM(hours) OVER (PARTITION BY who ORDER BY year) AS t FROM pay "
    "QUALIFY ROW_NUMBER() OVER (PARTITION BY who ORDER BY code) < 9) "
    "GROUP BY w",
    "WITH both AS (SELECT who, wage, visits, ward FROM pay JOIN care ON who = person WHERE hours > 0) "
    "SELECT ward, VARIANCE(wage), MEDIAN(visits) FROM both GROUP BY ward",
)  # fmt: skip
LIMITS = ("engine.limits", "the question could not be worked out within the node's limits")
FEW, MANY, FREE = Wishes(None, 1, 1), Wishes(None, 3, 5), Wishes()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Tables with many rows, with few and with none."""
    folders = {}
    for name, rows in (("many", 400), ("few", 30), ("none", 0)):
        folders[name] = tmp_path_factory.mktemp(name)
        tables.store(folders[name], rows)
    return folders


def planned(text: str, wishes: Wishes, least: int) -> QueryPlan | None:
    found = world.planned(text, wishes, least)
    return None if isinstance(found, Refusal) else found[1]


def same(plan: QueryPlan, seed: int, one: Engine, other: Engine) -> None:
    """Groups, every number of every vector, and the bounded rows of each person, bit for bit."""
    among = tables.populations(plan, seed)
    assert one.run(plan, among) == other.run(plan, among)


@pytest.mark.parametrize("text", QUESTIONS)
def test_our_questions_mean_the_same_to_datafusion(text: str, stored: Mapping[str, Path]) -> None:
    for seed, (rows, wishes) in enumerate((("many", FEW), ("many", MANY), ("none", FREE))):
        plan = planned(text, wishes, 2 * seed)
        assert plan is not None, "it is answered"
        same(plan, seed, DuckDbEngine(stored[rows]), DataFusionEngine(stored[rows]))


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=world.questions(), wishes=world.wishes(), least=st.sampled_from([0, 0, 2]),
    rows=st.sampled_from(["many", "many", "few", "none"]), seed=st.integers(0, 9),
)  # fmt: skip
def test_random_questions_mean_the_same_to_datafusion(
    text: str, wishes: Wishes, least: int, rows: str, seed: int, stored: Mapping[str, Path]
) -> None:
    if plan := planned(text, wishes, least):
        same(plan, seed, DuckDbEngine(stored[rows]), DataFusionEngine(stored[rows]))


@pytest.mark.filterwarnings("ignore:.*RETRIES_EXCEEDED")  # of the cluster that is gone
def test_all_questions_mean_the_same_to_a_spark_cluster(
    stored: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test, for a cluster takes a while to start. Questions are asked side by side, as data users ask them."""
    spark = pytest.importorskip("usufruct.engine.spark", reason="the extra `spark` is not installed")
    plans = [
        planned(text, (FEW, MANY)[place % 2], place % 3) for place, text in enumerate((*QUESTIONS, *some_random(8)))
    ]
    with connect_server() as url, ThreadPoolExecutor(3) as at_once:
        engine = spark.SparkEngine(stored["many"], url, tmp_path / "scratch", seconds=120)
        asked = [(plan, tables.populations(plan, seed)) for seed, plan in enumerate(plans) if plan]
        assert len(asked) >= 25
        with monkeypatch.context() as compiled:  # every fifth as Spark runs the large ones
            compiled.setattr(spark, "_MEANING", spark._MEANING | COMPILED)
            found = dict(zip(count(step=5), at_once.map(lambda one: engine.run(*one), asked[::5])))
        left = [place for place in range(len(asked)) if place not in found]
        found |= zip(left, at_once.map(lambda place: engine.run(*asked[place]), left), strict=True)
        for place, (plan, among) in enumerate(asked):
            assert found[place] == DuckDbEngine(stored["many"]).run(plan, among), plan
        plan, among = asked[0]
        assert spark.SparkEngine(stored["none"], url, tmp_path / "scratch").run(plan, among).vectors[0] == [0]

        hurried = spark.SparkEngine(stored["many"], url, tmp_path / "scratch", seconds=0.3)
        began = time.monotonic()
        assert fault(lambda: hurried.run(plan, among)) == LIMITS
        assert time.monotonic() - began < 10, "it ends soon after its time is over"
        assert engine.run(plan, among) == DuckDbEngine(stored["many"]).run(plan, among), (
            "and nothing is the worse for it"
        )
    assert fault(lambda: engine.run(plan, among)) == LIMITS, "a cluster that is gone is told in the same words"
    assert not list((tmp_path / "scratch").iterdir()), "nothing of the tables stays where the cluster reads"
    gc.collect()
    assert sum(type(one).__name__ == "SparkConnectClient" for one in gc.get_objects()) == 0, "nor a session in the node"


def some_random(count: int) -> list[str]:
    """Random questions that are answered, the same each time."""
    found: list[str] = []

    @settings(max_examples=5 * count, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(world.questions())
    def collect(text: str) -> None:
        if planned(text, MANY, 0):
            found.append(text)

    collect()
    return sorted(set(found), key=len)[-count:]


def fault(run: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(EngineFault) as found:
        run()
    assert found.value.__cause__ is None and found.value.__suppress_context__
    return found.value.code, found.value.message
