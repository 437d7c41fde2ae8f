"""OpenDP's Polars path: its Context API, with the plan made anew for each question, as for any that was not asked before.

Whose keys are kept must be drawn for each person, or the last of the alphabet are never kept. OpenDP's own way to draw
(`keep="sample"`) fails on a single key column in 0.16, so the draw is a column, made before the clock runs. Keys are
limited before rows: the other order is as private and takes twice as long. Of k keys that are asked for, k - 1 are kept.
The average is the quotient of what was released.
"""

from __future__ import annotations

import sys

import opendp.prelude as dp
import polars as pl
import turns

dp.enable_features("contrib")
table = pl.read_parquet(sys.argv[1]).select(
    pl.col("person", "cents").cast(pl.Int64),
    "key",
    pl.struct("person", "key").hash().cast(pl.Int64, wrap_numerical=True).alias("draw"),
)


def ask(loss):
    context = dp.Context.compositor(
        data=table.lazy(),
        privacy_unit=dp.unit_of(contributions=1, identifier="person"),
        privacy_loss=loss,
        split_evenly_over=1,
        margins=[dp.polars.Margin(max_length=100_000_000, max_groups=1_000_000)],
    )
    found = (
        context.query()
        .truncate_num_groups(turns.KEYS_PER_PERSON, by=["draw", "key"], keep="first")
        .truncate_per_group(turns.ROWS_PER_KEY, by=["key"])
        .group_by("key")
        .agg(dp.len(signed=True).alias("n"), pl.col("cents").dp.sum((turns.LOW, turns.HIGH)).alias("total"))
        .release()
        .collect()
        .with_columns((pl.col("total") / pl.col("n")).alias("mean"))
    )
    return {"keys": found["key"].to_list()}


turns.serve(
    {
        "zCDP": lambda: ask(dp.loss_of(rho=turns.RHO, delta=turns.RHO_DELTA)),
        "pure with delta": lambda: ask(dp.loss_of(epsilon=turns.EPSILON, delta=turns.DELTA)),
    }
)
