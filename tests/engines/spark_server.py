"""A Spark cluster for tests: Spark's own programs from the extra `spark`, in a temporary directory, on a free port.

It is a driver with a Spark Connect server and two executors, each a process of its own, so rows that belong together have to
find each other across processes. Spark compiles each statement to Java and has a second way, to interpret it, which is faster
for tables as small as those of tests. So it does the second here, unless a session asks for `COMPILED`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
CLUSTER = "local-cluster[2,1,512]"
START_SECONDS = 120
_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


@contextlib.contextmanager
def connect_server(master: str = CLUSTER) -> Iterator[str]:
    """The address of a running Spark Connect server; where Java or the extra is missing, whoever needs one is skipped."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        pytest.skip("no Spark: the extra `spark` is not installed")
    if not shutil.which("java"):
        pytest.skip("no Spark: there is no Java, of version 17 or newer")
    folder = Path(tempfile.mkdtemp(prefix="spark-"))
    home = folder / "home"  # Spark writes where it is installed; so it is installed here
    home.mkdir()
    for part in ("bin", "jars"):
        (home / part).symlink_to(Path(found.origin).parent / part)
    java = f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss4m -Djava.io.tmpdir={folder}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "spark.connect.grpc.binding.port": port, "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": java, "spark.executor.extraJavaOptions": java,
        "spark.executor.memory": "512m", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.warehouse.dir": folder / "warehouse", "spark.local.dir": folder,
    }  # fmt: skip
    command = [home / "bin" / "spark-submit", "--master", master, "--class", _SERVER]
    for name, value in options.items():
        command += ["--conf", f"{name}={value}"]
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "spark-internal"], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(process, port, folder / "log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until it listens."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace")[-4000:])
