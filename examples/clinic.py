"""A group of clinics lets an institute ask about waiting times; a patient watches, and says no.

    python examples/clinic.py

The node is served from a thread, and everybody talks to it over HTTP: the institute through the Python client.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

import usufruct
from usufruct.main import create_node, open_node
from usufruct.node import login
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.web.app import make_app

HERE = Path(__file__).parent
WAITING = "SELECT quarter, AVG(wait_minutes) AS wait FROM visits GROUP BY quarter"
PATIENTS = "SELECT COUNT(DISTINCT patient) AS patients FROM visits"
logging.getLogger("httpx").setLevel(logging.WARNING)


@contextlib.contextmanager
def served(node: Node) -> Iterator[str]:
    """The node on a free port while the block lasts; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(node), log_level="error"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        thread.join(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class Program:
    """Somebody's program, with her token."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()

    def register(self, table: Path, card: Path) -> Any:
        files = {"table": (table.name, table.read_bytes()), "card": (card.name, card.read_bytes())}
        return self._http.post("/assets", files=files).raise_for_status().json()


def tell(folder: Path) -> dict[str, Any]:
    """The story; returns what it came to."""
    create_node(folder, "Lakeside Clinics", "lakeside", "Lakeside Clinics", "EUR")
    with open_node(folder) as node, served(node) as url:
        steward = Program(url, login.issue_token(node, "lakeside", "steward", ("steward",), 1, "story"))

        print("The steward registers a table, a data user, the consents and an offer.")
        asset = steward.register(HERE / "clinic.csv", HERE / "clinic.toml")
        print(f"  {asset['quality']['rows']} rows about {asset['quality']['persons']} patients")
        steward.post("/parties", party="health-institute", kind="organisation", name="Health", evidence="seen")
        steward.post("/assets/visits/consents", purpose="ImproveHealthcare", evidence="signed forms, shelf 3")
        steward.post("/offers", offer="waiting-times", asset="visits", purposes=["ImproveHealthcare"], price="5.00 EUR")

        print("The institute requests the offer; the steward agrees; the institute confirms.")
        institute = usufruct.connect(
            url, login.issue_token(node, "health-institute", "user", ("ask", "negotiate"), 1, "")
        )
        negotiation = institute.request("waiting-times")["negotiation"]
        steward.post(f"/negotiations/{negotiation}/messages", message="agree")
        print(f"  {institute.send(negotiation, 'verify')['agreement']['id']} is in force")

        print("It asks.")
        before = institute.query(WAITING, purpose="ImproveHealthcare")
        for row in before.table.to_pylist():
            print(f"  {row['quarter']}: {row['wait']} ± {row['wait_margin']} minutes")

        print("It asks for something else, and is told why not.")
        try:
            institute.query("SELECT patient, wait_minutes FROM visits", purpose="Marketing")
        except usufruct.Refused as no:
            refused = no
            print("  " + str(no).replace("\n", "\n  "))

        print("Patient 13 sees both, and refuses further use.")
        patient = Program(url, login.issue_token(node, "patient-13", "member", ("member",), 1, ""))
        for use in patient.get("/me")["assets"][0]["uses"]:
            print(f"  {use['who']}, for {use['purpose']}: {use['state']}, {use['your_rows']} of your rows")
        patient.post("/me/consents", asset="visits", purpose="Purpose", consent=False)
        institute.query(PATIENTS, purpose="ImproveHealthcare")

        print("The period closes.")
        plan = steward.post("/periods", period="2026-q4")
        steward.post("/periods/2026-q4/closing", plan=plan["plan"])
        mine = patient.get("/me")["assets"][0]
        print("  " + "\n  ".join(mine["paid"][0]["steps"]))
    report = verify(folder)
    print(f"The journal: {report.facts} facts, {'sound' if report.sound else 'NOT SOUND'}.")
    return {"answer": before, "refused": refused, "mine": mine, "plan": plan, "report": report}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        tell(Path(directory) / "node")
