"""The same integers before noise on DuckDB, DataFusion and Spark: groups, vectors, and what each person counts for.

Bounds, sensitivity and charge are proved of the statements, not of an engine. So whichever engine runs them must come to what
they say, to the last digit; what two engines that share no code agree on with DuckDB is not DuckDB's own reading. Questions
are random (`privacy.world`), and a list of our own has every step and every measure in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines import tables
from engines.witness import DataFusionEngine
from privacy import world
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
    for seed, (rows, wishes) in enumerate((("many", FEW), ("many", MANY), ("few", FREE), ("none", FREE))):
        plan = planned(text, wishes, 2 * seed)
        assert plan is not None, "it is answered"
        same(plan, seed, DuckDbEngine(stored[rows]), DataFusionEngine(stored[rows]))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=world.questions(), wishes=world.wishes(), least=st.sampled_from([0, 0, 2]),
    rows=st.sampled_from(["many", "many", "few", "none"]), seed=st.integers(0, 9),
)  # fmt: skip
def test_random_questions_mean_the_same_to_datafusion(
    text: str, wishes: Wishes, least: int, rows: str, seed: int, stored: Mapping[str, Path]
) -> None:
    if plan := planned(text, wishes, least):
        same(plan, seed, DuckDbEngine(stored[rows]), DataFusionEngine(stored[rows]))
