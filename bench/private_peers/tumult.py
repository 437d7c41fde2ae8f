"""Tumult Analytics on Spark, on both cores, with the table in Spark's cache before the clock runs.

It must be asked for the keys first, and then for count and sum; each gets a third of the budget. The average is their
quotient.
"""

from __future__ import annotations

import os
import sys

os.environ["PYSPARK_PYTHON"] = sys.executable  # or Spark's workers run where there is no Tumult

import turns
from pyspark.sql import SparkSession
from tmlt.analytics import (
    AddRowsWithID,
    ApproxDPBudget,
    KeySet,
    MaxGroupsPerID,
    MaxRowsPerGroupPerID,
    QueryBuilder,
    Session,
)

spark = (
    SparkSession.builder.master("local[*]")
    .config("spark.driver.memory", "8g")
    .config("spark.sql.shuffle.partitions", os.cpu_count())  # the default of 200 is for clusters
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
table = spark.read.parquet(sys.argv[1]).cache()
table.count()


def ask():
    session = Session.from_dataframe(
        ApproxDPBudget(turns.EPSILON, turns.DELTA), "pay", table, protected_change=AddRowsWithID("person")
    )
    bounded = (
        QueryBuilder("pay")
        .enforce(MaxGroupsPerID("key", turns.KEYS_PER_PERSON))
        .enforce(MaxRowsPerGroupPerID("key", turns.ROWS_PER_KEY))
    )
    third = turns.EPSILON / 3
    keys = session.evaluate(bounded.get_groups("key"), ApproxDPBudget(third, turns.DELTA))
    grouped = bounded.groupby(KeySet.from_dataframe(keys))
    counted = session.evaluate(grouped.count("n"), ApproxDPBudget(third, 0))
    added = session.evaluate(grouped.sum("cents", turns.LOW, turns.HIGH, "total"), ApproxDPBudget(third, 0))
    found = counted.join(added, "key").selectExpr("key", "n", "total", "total / n AS mean")
    return {"keys": [row["key"] for row in found.collect()]}


turns.serve({"": ask})
