"""A control plane of Eclipse Dataspace Components, from its published artifacts: in memory, and it believes who says who she
is (`iam-mock`)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from maven import free_port, java

POM = "dataspace/edc.xml"
SECONDS = 60
# As its own tests have it. Without, it looks for work once a second.
QUICK = {
    "edc.negotiation.consumer.state-machine.iteration-wait-millis": "50",
    "edc.negotiation.provider.state-machine.iteration-wait-millis": "50",
    "edc.transfer.state-machine.iteration-wait-millis": "50",
    "edc.data.plane.selector.state-machine.iteration-wait-millis": "100",
}


@contextmanager
def connector(
    jars: str, participant: str, tmp: Path, public: str, protocol: int, more: dict[str, str] = QUICK
) -> Iterator[tuple[httpx.Client, str]]:
    """A running connector: its management API, and where its data planes register. It listens for others at the port
    `protocol`; they reach it at `public`."""
    ports = {
        "": free_port(),
        "management.": free_port(),
        "control.": free_port(),
        "version.": free_port(),
        "protocol.": protocol,
    }
    settings = {f"web.http.{name}port": str(port) for name, port in ports.items()}
    settings |= {f"web.http.{name}path": f"/{name.strip('.') or 'api'}" for name in ports}
    settings |= {
        "edc.participant.id": participant,
        "edc.component.id": participant,
        "edc.dsp.callback.address": f"{public}/protocol",
        "web.http.management.auth.type": "tokenbased",
        "web.http.management.auth.key": "secret",
    } | more
    command = java(jars, "org.eclipse.edc.boot.system.runtime.BaseRuntime", settings)
    with (tmp / f"{participant}.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        api = httpx.Client(
            base_url=f"http://127.0.0.1:{ports['management.']}/management/",
            headers={"x-api-key": "secret"},
            timeout=SECONDS,
        )
        try:
            health = f"http://127.0.0.1:{ports['']}/api/check/health"
            for _ in range(600):
                try:
                    if httpx.get(health, timeout=1).is_success:
                        break
                except httpx.TransportError:
                    assert process.poll() is None, (tmp / f"{participant}.log").read_text()
                time.sleep(0.1)
            with api:
                yield api, f"http://127.0.0.1:{ports['control.']}/control/v1/dataplanes"
        finally:
            process.terminate()
