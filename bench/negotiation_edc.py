"""The same negotiations between two control planes of Eclipse Dataspace Components, where Java 17 and Maven are there.

They keep everything in memory and believe who says who she is, as their own tests have them. They look for work every so
many milliseconds: once a second as they come, every 50 ms in their tests. What is measured is from asking the consumer's
management API until it says FINALIZED, looked at every 10 ms. Some of its negotiations end otherwise, when the provider's
agreement comes before the consumer has written down that it asked; they are told, and left out of the figures.
"""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.measure import tell

# How such a connector is fetched and started stands with the suite that has one meet our node.
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "conformance"))

_CONTEXT = {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"}
_POLICY = ["https://w3id.org/dspace/2025/1/odrl-profile.jsonld"]
_RULES = {"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Set", "permission": [{"action": "use"}]}


@dataclass(frozen=True, slots=True)
class Talks:
    """Seconds of one negotiation after another (the median), and how many a second with 16 at once."""

    each: float
    rate: float


def talks(folder: Path, few: int, many: int) -> tuple[Talks, Talks] | None:
    """With the pause of their tests, and with the one they come with; None where there is no such connector."""
    import maven
    from connector import POM, QUICK

    try:
        jars = maven.classpath(POM, folder)
    except maven.NotHere as why:
        tell(f"no connector of EDC beside it: {why}")
        return None
    return _between_two(jars, folder, few, many, QUICK), _between_two(jars, folder, max(few // 10, 1), many // 10, {})


def _between_two(jars: str, folder: Path, few: int, many: int, more: dict[str, str]) -> Talks:
    from connector import connector
    from maven import free_port

    with ExitStack() as stack:
        ports, apis = (free_port(), free_port()), []
        for name, port in zip(("hospital", "city"), ports, strict=True):
            api, _ = stack.enter_context(connector(jars, name, folder, f"http://127.0.0.1:{port}", port, more))
            apis.append(api)
        hospital, city = apis
        _offer(hospital)
        asked = _asking(city, f"http://127.0.0.1:{ports[0]}/protocol/2025-1")
        _one(city, asked)
        alone = [_one(city, asked) for _ in range(few)]
        start = time.perf_counter()
        with ThreadPoolExecutor(16) as pool:
            together = list(pool.map(lambda _: _one(city, asked), range(many)))
        took = time.perf_counter() - start
        tell(f"EDC: {alone.count(None) + together.count(None)} of {few + many} negotiations were lost")
        return Talks(statistics.median(one for one in alone if one), (many - together.count(None)) / took)


def _offer(hospital: httpx.Client) -> None:
    source = {"@type": "DataAddress", "type": "HttpData", "baseUrl": "http://127.0.0.1"}
    _post(hospital, "v3/assets", {"@id": "rents", "properties": {"name": "Rents"}, "dataAddress": source})
    _post(hospital, "v3/policydefinitions", {"@id": "anybody", "policy": _RULES})
    both = {"accessPolicyId": "anybody", "contractPolicyId": "anybody"}
    _post(hospital, "v3/contractdefinitions", {"@id": "all", **both, "assetsSelector": []})


def _asking(city: httpx.Client, address: str) -> dict[str, Any]:
    """The request for the hospital's only offer."""
    to = {"protocol": "dataspace-protocol-http:2025-1", "counterPartyAddress": address, "counterPartyId": "hospital"}
    [dataset] = _post(city, "v3/catalog/request", to)["dataset"]
    offer = dataset["hasPolicy"][0] | {"assigner": "hospital", "target": dataset["@id"], "@context": _POLICY}
    return {"@type": "ContractRequest", **to, "policy": offer}


def _one(city: httpx.Client, asked: dict[str, Any]) -> float | None:
    """How long a negotiation took; None if it was terminated."""
    start = time.perf_counter()
    name = _post(city, "v3/contractnegotiations", asked)["@id"]
    while time.perf_counter() - start < 60:
        state = city.get(f"v3/contractnegotiations/{name}/state").json()["state"]
        if state in ("FINALIZED", "TERMINATED"):
            return time.perf_counter() - start if state == "FINALIZED" else None
        time.sleep(0.01)
    raise AssertionError(f"{name} did not end")


def _post(api: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    reply = api.post(path, json={"@context": _CONTEXT, **body})
    assert reply.is_success, reply.text
    return reply.json()
