"""A match from Python, over HTTP and on the page; and what is shown to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

import usufruct
from match.world import ANSWERS, ASKS, CLIENT, PURPOSE, SERVICE, Pair, codes, pair
from serving import application, served
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.client import Refused
from usufruct.main import create_node, open_node
from usufruct.node import login
from usufruct.peer.services import HttpServices
from usufruct.web.xroad import Front

BODY: dict[str, Any] = {
    "kind": "count", "asset": ASKS, "theirs": ANSWERS, "service": SERVICE, "client": CLIENT, "purpose": PURPOSE,
    "identifier": "code", "their_identifier": "code",
}  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, str]]:
    folder = tmp_path_factory.mktemp("surfaces")
    with (
        pair(folder, codes(0, 60), codes(0, 60)) as found,
        application(found.here) as app,
        served(Front(app, found.here, HttpServices(20))) as url,
    ):
        yield found, url


def test_a_match_from_python(both: tuple[Pair, str]) -> None:
    found, url = both
    token = login.issue_token(found.here, "lab", "user", ("ask",), 1, "")
    node = usufruct.connect(url, token)
    told = node.match(
        "sum", ASKS, ANSWERS, service=SERVICE, client=CLIENT, purpose=PURPOSE, identifier="code",
        their_identifier="code", value="cents",
    )  # fmt: skip
    assert abs(int(told["persons_in_both"]) - 60) <= 60 and told["total_margin"] == "138.60"
    assert told["price"] == "5.00 EUR" and "c2sp.org/tlog-proof@v1" in told["receipt"]
    with pytest.raises(Refused) as no:
        node.match("matched", ASKS, ANSWERS, service=SERVICE, client=CLIENT, purpose=PURPOSE)
    assert no.value.code == "access.form" and no.value.receipt


def test_what_the_api_takes_and_tells(both: tuple[Pair, str]) -> None:
    found, url = both
    lab, steward = (
        {"Authorization": f"Bearer {login.issue_token(found.here, party, role, scopes, 1, '')}"}
        for party, role, scopes in (("lab", "user", ("ask",)), ("clinic", "steward", ("steward",)))
    )

    def send(headers: dict[str, str] = lab, **more: Any) -> httpx.Response:
        return httpx.post(f"{url}/api/v1/matches", json=BODY | more, headers=headers, timeout=60)

    assert send().status_code == 201
    assert send(steward).status_code == 403, "only who asks asks"
    assert send(kind="everything").status_code == 400 and send(more="x").status_code == 400
    assert send(kind="sum").json()["fault"]["code"] == "input.match"
    other = send(theirs="nothing")
    assert other.status_code == 409 and other.json()["refusal"]["code"] == "match.peer"
    own = httpx.get(f"{url}/api/v1/matches", headers=lab).json()
    assert own == httpx.get(f"{url}/api/v1/matches", headers=steward).json() and own[0]["state"] == "answered"
    assert httpx.get(f"{url}/api/v1/matches").status_code == 401


def test_the_page_shows_matches_to_whom_they_concern(both: tuple[Pair, str]) -> None:
    found, url = both

    def page(party: str, role: str) -> str:
        who = login.redeem_link(found.here, login.issue_link(found.here, party, role))
        cookies = {"usufruct_session": login.open_session(found.here, who)}
        return httpx.get(f"{url}/matches", cookies=cookies).text

    assert SERVICE in page("lab", "user") and "/questions/use-" in page("lab", "user")
    assert "All matches" in page("clinic", "steward") and SERVICE in page("clinic", "steward")
    assert "There is none yet" in page("clinic", "user")


def test_the_command_refuses_and_lists(tmp_path: Path) -> None:
    give(Doors(create_node, open_node))
    node = tmp_path / "node"
    create_node(node, "N", "clinic", "Clinic", "EUR")

    def run(*line: str) -> Any:
        return CliRunner().invoke(commands.app, [*line, "--dir", str(node)])

    match = ["match", "run", "count", "a", "b", "--service", SERVICE, "--client", CLIENT, "--as", "clinic"]
    refused = run(*match, "--purpose", PURPOSE)
    assert refused.exit_code == 3 and "no agreement in force" in refused.output
    assert run(*match, "--purpose", PURPOSE, "--value", "cents").exit_code == 2
    assert run("match", "list").exit_code == 0
