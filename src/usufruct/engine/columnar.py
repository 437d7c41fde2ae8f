"""Tables in Parquet and Arrow files, whose columns have types.

An Arrow file is memory as another program had it: offsets and lengths are taken on trust by whoever computes with them.
So each batch is checked in full before anything else sees it, and what a field says of itself beyond its type is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow import ipc, parquet

from usufruct.core.base.faults import BadInput
from usufruct.engine.columns import Loaded, check_names, kinds_of, put, put_batches, sorted_out


def load_parquet(connection: duckdb.DuckDBPyConnection, table: Path, wanted: Collection[str] | None) -> Loaded:
    """Reads a Parquet file into `raw`."""
    path = re.sub(r"([*?\[])", r"[\1]", str(table))  # or it would be a pattern, and other files be read
    query = "SELECT * FROM read_parquet(?, hive_partitioning = false)"
    try:
        check_names(parquet.read_schema(table).names, table.name)  # DuckDB would name the second one anew
        kinds = kinds_of(connection, query, [path])
        chosen, odd = sorted_out(kinds, wanted)
        put(connection, query, chosen, [path])
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _unreadable(table, str(error).replace(path, table.name), "Parquet") from None
    return Loaded(tuple(kinds), {name: kinds[name] for name in chosen}, odd)


def load_arrow(connection: duckdb.DuckDBPyConnection, table: Path, wanted: Collection[str] | None) -> Loaded:
    """Reads an Arrow IPC file or stream into `raw`."""
    try:
        with pa.OSFile(str(table)) as file:
            begins = file.read(6)
            file.seek(0)
            reader = ipc.open_file(file) if begins == b"ARROW1" else ipc.open_stream(file)
            check_names(reader.schema.names, table.name)
            kinds = {one.name: _kind(one.type) for one in reader.schema}
            chosen, odd = sorted_out(kinds, wanted)
            plain = pa.schema([(name, _decoded(reader.schema.field(name).type)) for name in chosen])
            put_batches(connection, plain, _checked(reader, plain), chosen)
    except (duckdb.Error, pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(table, str(error), "Arrow IPC") from None
    return Loaded(tuple(kinds), {name: kinds[name] for name in chosen}, odd)


def _checked(
    reader: ipc.RecordBatchFileReader | ipc.RecordBatchStreamReader, plain: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The batches of a file with the columns of `plain`, each checked in full."""
    if isinstance(reader, ipc.RecordBatchFileReader):
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
    else:
        batches = iter(reader)
    for batch in batches:
        chosen = batch.select(plain.names)
        chosen.validate(full=True)
        columns = (
            column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column for column in chosen
        )
        yield pa.RecordBatch.from_arrays(
            [column.cast(one.type) for column, one in zip(columns, plain, strict=True)], schema=plain
        )


def _decoded(type: pa.DataType) -> pa.DataType:
    """The type in which cells of an Arrow type are given on: dictionaries by what they stand for."""
    if isinstance(type, pa.DictionaryType):
        return _decoded(type.value_type)
    return pa.float32() if pa.types.is_float16(type) else type


_KINDS = {
    pa.bool_(): "BOOLEAN", pa.int8(): "TINYINT", pa.int16(): "SMALLINT", pa.int32(): "INTEGER", pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT", pa.uint16(): "USMALLINT", pa.uint32(): "UINTEGER", pa.uint64(): "UBIGINT",
    pa.float16(): "FLOAT", pa.float32(): "FLOAT", pa.float64(): "DOUBLE", pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR", pa.string_view(): "VARCHAR", pa.date32(): "DATE", pa.date64(): "DATE",
    pa.time32("s"): "TIME", pa.time32("ms"): "TIME", pa.time64("us"): "TIME", pa.time64("ns"): "TIME_NS",
    pa.null(): '"NULL"',
}  # fmt: skip


def _kind(type: pa.DataType) -> str:
    """DuckDB's name for an Arrow type of plain values; Arrow's own for any other."""
    if isinstance(type, pa.DictionaryType):
        return _kind(type.value_type)
    if isinstance(type, pa.TimestampType):
        return "TIMESTAMP" if type.tz is None else "TIMESTAMP WITH TIME ZONE"
    if isinstance(type, pa.Decimal32Type | pa.Decimal64Type | pa.Decimal128Type):
        return f"DECIMAL({type.precision},{type.scale})" if 0 <= type.scale <= type.precision else str(type)
    return _KINDS.get(type, str(type))


def _unreadable(table: Path, error: str, kind: str) -> BadInput:
    reason = (error.splitlines() or ["it ends too early"])[0].split("Error: ", 1)[-1][:200]
    return BadInput(
        "input.table", f"`{table.name}` cannot be read as a table: {reason}",
        f"write it again as {kind}; nothing was taken in",
    )  # fmt: skip
