"""A data user's Python against a node that is really served."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

import usufruct
from usufruct.core.contract.facts import Terms
from usufruct.core.rulebook import purposes
from usufruct.main import create_node, open_node
from usufruct.node import login, register, trade
from usufruct.web.app import make_app
from usufruct.wire import card

QUESTION = "SELECT team, COUNT(*) AS days, AVG(hours) AS hours FROM days GROUP BY team"
CARD = """
asset = "days"
title = "Days"
description = "hours of work"
licence = "by agreement"
person_column = "who"
rows_per_person = 5
[columns.who]
type = "integer"
grade = "personal"
[columns.team]
type = "text"
grade = "personal"
values = ["1", "2"]
[columns.hours]
type = "decimal"
decimals = 1
grade = "personal"
low = 0
high = 12
"""


@pytest.fixture(scope="module")
def node_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder: Path = tmp_path_factory.mktemp("client")
    rows = [f"{who},{who % 2 + 1},{4 + (who + day) % 5}.5" for who in range(300) for day in range(5)]
    (folder / "days.csv").write_text("who,team,hours\n" + "\n".join(rows) + "\n", encoding="utf-8")
    create_node(folder / "node", "Days", "coop", "Cooperative", "EUR")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open_node(folder / "node") as node:
        register.add_party(node, "institute", "organisation", "Institute")
        register.add_asset(node, card.read(CARD), folder / "days.csv", "coop")
        register.record_consents(node, "days", "AcademicResearch", None, "box 1")
        trade.publish_offer(
            node, "o1", "days", "coop", Terms("aggregates", ("AcademicResearch",), 250, "EUR", 1), standing=True
        )
        token = login.issue_token(node, "institute", "user", ("ask", "negotiate"), 1, "")
        server = uvicorn.Server(uvicorn.Config(make_app(node), port=port, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", token
        server.should_exit = True
        thread.join()


def test_from_the_catalogue_to_a_data_frame(node_url: tuple[str, str]) -> None:
    node = usufruct.connect(*node_url)
    offers = [offer["@id"] for dataset in node.catalogue()["dcat:dataset"] for offer in dataset["odrl:hasPolicy"]]
    assert offers == ["o1"]
    moved = node.request("o1")
    assert moved["states"] == ["START", "REQUESTED", "AGREED"]
    assert node.send(moved["negotiation"], "verify")["agreement"]["terms"]["price"] == 250

    answer = node.query(QUESTION, purpose="AcademicResearch", micro_rho=200_000)
    assert answer.table.column_names == ["team", "days", "days_margin", "hours", "hours_margin"]
    assert answer.price == "2.50 EUR"
    frame = answer.to_pandas()
    assert list(frame.team) == ["1", "2"], "a key of digits stays text"
    assert frame.hours.between(0, 12).all()
    for found, margin in zip(frame.days, frame.days_margin, strict=True):
        assert abs(found - 750) < 4 * margin, "the count is near the truth, within its noise"
    assert answer.to_polars().shape == (2, 5)
    assert answer.receipt.startswith("c2sp.org/tlog-proof@v1")
    shown = answer._repr_html_()
    assert f"<td>1</td><td>{frame.days[0]} ± {frame.days_margin[0]}</td>" in shown and "2.50 EUR" in shown


def test_a_refusal_explains_itself(node_url: tuple[str, str]) -> None:
    node = usufruct.connect(*node_url)
    with pytest.raises(usufruct.Refused) as refused:
        node.query("SELECT * FROM days", purpose="AcademicResearch")
    assert refused.value.code in ("access.form", "access.no-agreement")
    assert "what would help" in str(refused.value)
    assert refused.value.receipt
    with pytest.raises(usufruct.Refused, match="no approved template `by-team`") as refused:
        node.run("by-team", {"team": 1})
    assert refused.value.code == "access.template"
    with pytest.raises(usufruct.Refused, match="logged in"):
        usufruct.connect(node_url[0], "usu_wrong").query(QUESTION, purpose=purposes.ROOT)
