"""A hospital group and a city join what their nodes may tell each other: dust in the air, and who came to hospital for it.

    python examples/two_nodes.py                    # the story
    python examples/two_nodes.py --keep two-nodes   # the same, and both nodes stay in that folder and are served

Each node is a process of its own. The city's planning office talks to the city's node alone, which talks to the hospital's
by the Dataspace Protocol. What the tables hold is made up by invented.py.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import invented

import usufruct
from usufruct.core.base.ids import did_web
from usufruct.main import create_node, open_node
from usufruct.node import login, register
from usufruct.node.node import Node
from usufruct.store.audit import verify

HERE = Path(__file__).parent
HOSPITAL, CITY, OFFICE, PATIENT = "hospital", "city", "planning-office", "patient-13"
NAMES = {HOSPITAL: "Lakeside Hospitals", CITY: "City of Example"}
PURPOSE = "ImproveHealthcare"
ADMITTED = "SELECT month, district, COUNT(*) AS admitted FROM admissions GROUP BY month, district"
LIVING = "SELECT district, COUNT(*) AS living FROM residents GROUP BY district"
JOINED = """
    SELECT month, district, dust, 1000 * admitted / living AS rate,
           rate * sqrt((admitted_margin / admitted) ** 2 + (living_margin / living) ** 2) AS margin
    FROM theirs JOIN ours USING (district) JOIN air USING (month, district)
"""
DRAWN = "SELECT dust // 5 * 5 AS least, avg(rate) AS mean FROM joined GROUP BY least ORDER BY least"


class Program:
    """Somebody's program, with her token."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()

    def offer(self, name: str, folder: Path, price: str) -> None:
        """Registers a table, with the consents of those it is about, and offers totals of it to whoever accepts."""
        files = {"table": (folder / f"{name}.csv").open("rb"), "card": (HERE / f"{name}.toml").open("rb")}
        found = self._http.post("/assets", files=files).raise_for_status().json()["quality"]
        print(f"  {name}: {found['rows']} rows about {found['persons']} persons")
        self.post(f"/assets/{name}/consents", purpose=PURPOSE, evidence="signed forms")
        self.post("/offers", offer=f"{name}-totals", asset=name, purposes=[PURPOSE], price=price, standing=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextlib.contextmanager
def served(folder: Path, ports: dict[str, int]) -> Iterator[dict[str, str]]:
    """Both nodes, each in a process of its own, while the block lasts; their addresses."""
    program = Path(sys.executable).with_name("usufruct")
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with contextlib.ExitStack() as running:
        for name, port in ports.items():
            command = [program, "serve", "--dir", folder / name, "--port", str(port)]
            process = running.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            running.callback(process.terminate)
        for url in urls.values():
            while True:
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(f"{url}/health", timeout=60).raise_for_status()
                    break
                time.sleep(0.05)
        yield urls


def found(folder: Path, ports: dict[str, int]) -> dict[str, str]:
    """Makes both nodes, each with the other as a party that it knows; tokens of both stewards and of the planning office."""
    tokens = {}
    for name, other in ((HOSPITAL, CITY), (CITY, HOSPITAL)):
        create_node(folder / name, NAMES[name], name, NAMES[name], "EUR", url=f"http://127.0.0.1:{ports[name]}")
        with open_node(folder / name) as node:
            register.add_party(node, other, "public-body", NAMES[other], evidence="its entry in the public register")
            tokens[name] = login.issue_token(node, name, "steward", ("steward",), 1, "story")
            if name == CITY:
                register.add_party(node, OFFICE, "public-body", "Planning Office", evidence="a department of the city")
                tokens[OFFICE] = login.issue_token(node, OFFICE, "user", ("ask", "negotiate"), 1, "story")
    return tokens


def link(steward: Program, other: str, url: str) -> None:
    """The other node signs what it says by a key that its site shows; so no secret goes from one to the other."""
    steward.post("/peers", party=other, participant=did_web(url), url=f"{url}/dataspace/2025-1", private=True)


def tell(folder: Path, ports: dict[str, int]) -> dict[str, Any]:
    """The story; returns what it came to."""
    invented.write(folder)
    tokens = found(folder, ports)
    with served(folder, ports) as urls:
        hospital, city = (Program(urls[name], tokens[name]) for name in (HOSPITAL, CITY))
        print("Each steward registers a table, offers totals of it, and links the other's node.")
        hospital.offer("admissions", folder, "40.00 EUR")
        city.offer("residents", folder, "0.00 EUR")
        link(hospital, CITY, urls[CITY])
        link(city, HOSPITAL, urls[HOSPITAL])

        print("The planning office asks the hospital's node for its offer.")
        office = usufruct.connect(urls[CITY], tokens[OFFICE])
        for dataset in office.peer(HOSPITAL).catalogue("admissions"):
            print(f"  {dataset['title']}: {dataset['offers'][0]['offer']}")
        agreement = office.peer(HOSPITAL).negotiate("admissions", told=lambda state: print(f"  {state}"))

        print("It pulls an answer.")
        theirs = office.peer(HOSPITAL).pull(agreement, ADMITTED).answer()
        print(theirs.price, theirs.table.to_pylist()[:3])
    return {}


def main() -> None:
    said = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    said.add_argument("--keep", type=Path, help="keep both nodes in this folder, and serve them")
    said.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tell(Path(folder), {HOSPITAL: free_port(), CITY: free_port()})


if __name__ == "__main__":
    main()
