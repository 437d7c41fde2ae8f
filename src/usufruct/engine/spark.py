"""The engine for tables larger than a machine: what each person counts for is worked out on a Spark cluster.

Tables are taken in, kept, cut and delivered as `duckdb` does it; only a plan's statements run elsewhere, over Spark Connect.
For each question the permitted columns and rows, and nothing else, are written as Parquet into a folder of its own that the
cluster reads, under names that say nothing (`n0`, `n1` …), and taken away when the question is over, as are the session and
what it keeps in the cluster's memory. DuckDB writes them in a stream, so they need room on the disk and not in memory.

The statements are those of `statements`; Spark spells a few words otherwise, and those are all that is changed. What they
come to is the same, to the last digit, and `tests/engines` holds the engines to it. Three things could break that, or tell of
somebody, and are settled here: ANSI mode is on, in which what cannot be worked out fails instead of becoming NULL; nothing can
fail, for numbers are added up in as many digits as their bounds need; and the settings that change what a statement means are
set for each session, whatever the cluster's own are.

The cluster is within the node's walls: it sees the permitted part of the tables, by persons' numbers. The limits of the
engine room do not hold there, but the time by the clock does.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import threading
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from usufruct.core.base.faults import BadInput
from usufruct.core.income.value import Term
from usufruct.core.privacy.rules import QueryPlan
from usufruct.engine.duckdb import DuckDbEngine, stopped_after
from usufruct.engine.room import Permitted, not_there, over_limits, selecting
from usufruct.engine.statements import Statement
from usufruct.engine.zygote import copy_out
from usufruct.ports import Among, Measured

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # of a newer pandas, which nothing here goes through
    from grpc import RpcError
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client.core import DefaultChannelBuilder
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

_MEANING = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.groupByOrdinal": "true",
    "spark.sql.parquet.binaryAsString": "false",
}
_COPYING = {"enable_external_access": "true", "preserve_insertion_order": "false"}
_OWN = ("_person", "_draw")  # columns that the node added, under whose names nothing can be guessed
_RETRIES = 3  # of a call that did not arrive; the client's own would go on for minutes
_GRACE_SECONDS = 2  # for the cluster to let go of a question whose time is over, before nobody listens any more
_SPELLED = {"//": "DIV", "VARCHAR": "STRING"}
_LOTS = r"(?:\bmin\(lot, [0-9]+\)|\barray_sort\(array_agg\(lot\)\))"  # of a person, in order
_WORDS = re.compile(rf"""'[^']*'|"(?:[^"]|"")*"|\$[0-9]+|//|\bVARCHAR\b|{_LOTS}\[([0-9]+)\]""")


class SparkEngine(DuckDbEngine):
    """`ports.Engine` over a folder of DuckDB files and the Spark Connect server at `url`, which reads `scratch` by the same
    path. `seconds` bounds one plan's run; `memory` bounds what is not run there."""

    def __init__(self, folder: Path, url: str, scratch: Path, memory: str = "4GB", seconds: float = 60) -> None:
        super().__init__(folder, memory, seconds)
        self._url = url
        self._scratch = scratch.absolute()
        scratch.mkdir(parents=True, exist_ok=True)
        for left in scratch.glob("question-*"):  # by a node that was killed
            shutil.rmtree(left, ignore_errors=True)

    def run(self, plan: QueryPlan, among: Sequence[Among | None], terms: Sequence[Term] = ()) -> Measured:
        """The plan's exact numbers. What each person added is not worked out: Spark's whole numbers are too short for it."""
        return super().run(plan, among)

    def _worked_out(
        self, permitted: Sequence[Permitted], bounded: Statement, further: Sequence[Statement]
    ) -> list[pa.Table]:
        deadline = time.monotonic() + self._seconds
        columns = sorted({column for table in permitted for column in table.columns}.difference(_OWN))
        names = {**dict(zip(_OWN, _OWN, strict=True)), **{column: f"n{i}" for i, column in enumerate(columns)}}
        place = self._scratch / f"question-{uuid.uuid4().hex}"
        try:
            place.mkdir(mode=0o750)  # others may read it if the folder above lets them, by its group
            self._hand_over(permitted, names, place, deadline)
            with _session(self._url, deadline) as session:
                for table in permitted:
                    session.read.parquet(f"file://{place / table.table}").createOrReplaceTempView(table.table)
                found = session.sql(*translated(bounded, names)).persist()
                try:
                    found.createOrReplaceTempView("bounded")
                    return [session.sql(*translated(statement, names)).toArrow() for statement in further]
                finally:
                    found.unpersist()
        except (PySparkException, RpcError, duckdb.Error, pa.ArrowException, OSError, ValueError):
            raise over_limits() from None
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _hand_over(
        self, permitted: Sequence[Permitted], names: Mapping[str, str], place: Path, deadline: float
    ) -> None:
        """Writes what is permitted of each table as Parquet."""
        with (
            duckdb.connect(config={**self._config, **_COPYING}) as connection,
            stopped_after(deadline - time.monotonic(), connection.interrupt),
        ):
            for table in permitted:
                (place / table.table).mkdir(mode=0o750)
                select, values = selecting(table, [names[column] for column in table.columns])
                target = str(place / table.table / "rows.parquet").replace("'", "''")
                copy = f"COPY ({select}) TO '{target}' (FORMAT parquet)"
                if not copy_out(connection, str(table.file.absolute()), copy, values, table.numbers):
                    raise not_there(table.asset for table in permitted)


def address_of(setting: str) -> str:
    """The address in a setting; `env:NAME` means the one in that environment variable.

    Raises:
        BadInput: there is none, or it is not one of Spark Connect.
    """
    address = os.environ.get(setting[4:], "") if setting.startswith("env:") else setting
    try:
        DefaultChannelBuilder(address)
    except ValueError:  # what it says repeats the address, which may hold a token
        raise BadInput(
            "input.settings", "the setting `engine` does not say where a Spark Connect server is",
            "write sc://host:15002, or env:NAME for an environment variable that holds it",
        ) from None  # fmt: skip
    return address


@contextlib.contextmanager
def _session(url: str, deadline: float) -> Iterator[SparkSession]:
    """A session of its own, in which statements mean what they should; ended when the time is over."""
    session = SparkSession(connection=url)
    session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    interrupting = threading.Thread(target=_interrupt, args=(session,), daemon=True)

    def stop() -> None:
        if interrupting.ident is None:
            interrupting.start()
        if time.monotonic() > deadline + _GRACE_SECONDS:
            session.client.close()

    try:
        with stopped_after(deadline - time.monotonic(), stop):
            try:
                for name, value in _MEANING.items():
                    session.conf.set(name, value)
                yield session
            finally:
                session.stop()
    finally:
        atexit.unregister(session.client._on_exit)  # which would keep every session there ever was


def _interrupt(session: SparkSession) -> None:
    """Interrupts what runs in a session until it is over; again and again, for between two statements nothing hears it."""
    with contextlib.suppress(PySparkException, RpcError, ValueError):
        while not session.is_stopped:
            session.interruptAll()
            time.sleep(0.05)


def translated(statement: Statement, names: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """A statement as Spark spells it, and the values for its parameters; columns have the `names` they were handed over by."""

    def spelled(found: re.Match[str]) -> str:
        word, place = found.group(0, 1)
        if place:
            return f"try_element_at(array_sort(array_agg(lot)), {place})"
        if word[0] == '"':
            return names[word[1:-1].replace('""', '"')]
        return f":p{word[1:]}" if word[0] == "$" else _SPELLED.get(word, word)

    text, values = statement
    return _WORDS.sub(spelled, text), {f"p{place}": value for place, value in enumerate(values, 1)}
