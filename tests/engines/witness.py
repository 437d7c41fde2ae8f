"""A third engine, for tests: DataFusion, which shares no line with DuckDB or Spark, runs the same statements."""

from __future__ import annotations

from collections.abc import Sequence

import datafusion
import duckdb
import pyarrow as pa

from usufruct.engine.columns import quoted
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.room import Permitted, selecting
from usufruct.engine.statements import Statement
from usufruct.engine.zygote import copy_out

# Numbers that are written out and too large for 64 bits are whole numbers too.
SETTINGS = {"datafusion.sql_parser.parse_float_as_decimal": "true", "datafusion.execution.target_partitions": "2"}


class DataFusionEngine(DuckDbEngine):
    """`ports.Engine` with the plans' statements run by DataFusion; what is permitted is cut out by DuckDB as ever."""

    def _worked_out(
        self, permitted: Sequence[Permitted], bounded: Statement, further: Sequence[Statement]
    ) -> list[pa.Table]:
        context = datafusion.SessionContext(datafusion.SessionConfig(SETTINGS))
        for table in permitted:
            context.from_arrow(cut(table), name=table.table)
        context.from_arrow(run(context, bounded), name="bounded")
        return [run(context, statement) for statement in further]


def cut(table: Permitted) -> pa.Table:
    """What is permitted of a stored table."""
    select, values = selecting(table, [quoted(name) for name in table.columns])
    with duckdb.connect() as connection:
        copy = f"CREATE TABLE part AS {select}"
        assert copy_out(connection, str(table.file), copy, values, table.numbers)
        return connection.sql("FROM part").to_arrow_table()


def run(context: datafusion.SessionContext, statement: Statement) -> pa.Table:
    """A statement's rows. A division of whole numbers is a whole number without being told."""
    text, values = statement
    named = {str(place): value for place, value in enumerate(values, 1)}
    return context.sql(text.replace("//", "/"), param_values=named).to_arrow_table()
