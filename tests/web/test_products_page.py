"""Training over HTTP: a product's page, the routes for programs, and the client's model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

import story
import training
from browsing import Page
from serving import application
from usufruct import client
from usufruct.core.privacy.records import RecordsPlan
from usufruct.core.registry.state import Asset
from usufruct.main import open_node
from usufruct.node import login
from usufruct.node.node import Node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("products")
    story.found(folder / "node")
    with open_node(folder / "node") as found:
        training.settle(found, folder / "pay.csv")
        watched, _ = training.watch(found)
        yield watched


@pytest.fixture(scope="module")
def web(node: Node) -> Iterator[TestClient[Any]]:
    with application(node) as app, TestClient(app) as found:
        yield found


def token(node: Node, party: str, role: str) -> dict[str, str]:
    scopes = ("steward",) if role == "steward" else ("ask", "negotiate")
    made = login.issue_token(node, party, role, scopes, 1, "tests")
    return {"Authorization": f"Bearer {made}"}


JOB = {
    "estimator": "random-forest", "asset": "pay", "label": "union", "features": ["sector", "age"], "purpose": story.PURPOSE,
    "parameters": {"max_depth": "3"}, "pairs": [["sector", "age"]], "micro_rho": 100_000,
}  # fmt: skip


def test_a_program_has_a_model_fitted(node: Node, web: TestClient[Any]) -> None:
    found = web.post("/api/v1/fits", json=JOB, headers=token(node, story.USER, "user"))
    body = found.json()
    assert found.status_code == 200 and body["charge"] <= 100_000 and body["model"]["estimator"] == "random-forest"
    fitted = client.Fitted(
        body["use"], body["meaning"], body["purpose"], body["scores"],
        client._table(body["columns"], body["rows"], body["measures"]), body["model"], tuple(body["notes"]), body["price"],
        body["charge"], body["budget_left"], body["budget_total"], body["receipt"],
    )  # fmt: skip
    assert fitted.predict({}) is False, "the watched trainer says the same of every row"
    for change, status in (
        ({"estimator": "svm"}, 422),
        ({"where": "age > 3 LIMIT 1"}, 400),
        ({"purpose": "Marketing"}, 403),
    ):
        refused = web.post("/api/v1/fits", json=JOB | change, headers=token(node, story.USER, "user"))
        assert refused.status_code == status and refused.json()["refusal"]["receipt"]
    assert web.post("/api/v1/fits", json=JOB).status_code == 401
    with pytest.raises(ValueError, match="not a model"):
        client.Fitted("", "", "", {}, None, None, (), "", 0, 0, 0, "").predict({})  # type: ignore[arg-type]


def test_a_program_brings_rows_of_its_own(
    node: Node, web: TestClient[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = training.validation(columns="sector,age,union").data
    (tmp_path / "own.csv").write_bytes(own)
    found = web.post("/api/v1/fits", json=JOB | {"validation": own.decode()}, headers=token(node, story.USER, "user"))
    assert found.status_code == 200 and "validation_accuracy" in found.json()["scores"]
    for text, status, code in (
        ("no,rows\n1\n", 400, "input.validation"),
        ("sector,age\ncare,20\n", 422, "fit.validation"),
    ):
        no = web.post("/api/v1/fits", json=JOB | {"validation": text}, headers=token(node, story.USER, "user"))
        assert no.status_code == status and code in no.text
    sent: list[Any] = []
    monkeypatch.setattr(client.Connection, "_call", lambda self, method, path, body: sent.append(body) or found.json())
    node_of = client.connect("http://127.0.0.1:1", "token")
    for given in (tmp_path / "own.csv", own.decode()):
        done = node_of.fit(
            "random-forest", asset="pay", label="union", features=["age"], purpose=story.PURPOSE, validation=given
        )
        assert sent.pop()["validation"] == own.decode() and done.scores == found.json()["scores"]


def test_a_product_has_a_page_for_whoever_may_use_it(node: Node, web: TestClient[Any]) -> None:
    body = {
        "product": "pay-drawn", "asset": "pay", "title": "Drawn pay", "columns": ["sector", "age", "union"], "bins": 4,
        "pairs": [["sector", "union"]], "checks": [["age", "union"]], "purpose": story.PURPOSE,
    }  # fmt: skip
    steward = token(node, story.OPERATOR, "steward")
    assert web.post("/api/v1/products", json=body, headers=token(node, story.USER, "user")).status_code == 403
    made = web.post("/api/v1/products", json=body, headers=steward)
    assert made.status_code == 200 and made.json()["scores"]["check age and union"]
    page = Page(web.get("/products/pay-drawn", headers=steward))
    assert page.status == 200 and page.source.count('<svg class="chart"') == 5
    assert "no, it was kept for this comparison" in page.source and "too uncertain" in page.source
    user = token(node, story.USER, "user")
    unknown, closed = (web.get(f"/products/{name}", headers=user) for name in ("pay-droop", "pay-drawn"))
    assert (unknown.status_code, unknown.text.replace("pay-droop", "pay-drawn")) == (404, closed.text)
    training.agree(node, "drawn", story.USER, asset="pay-drawn")
    assert web.get("/products/pay-drawn", headers=user).status_code == 200
    kept_as_drawn(node)


def kept_as_drawn(node: Node) -> None:
    """The table of the product holds what was drawn."""
    with node.store.read() as state:
        asset = state.get(Asset, "pay-drawn")
    assert asset is not None
    found = node.engine.records(RecordsPlan(asset, asset.columns, None, (), 3, capped=False), b"", 0)
    assert [cells for _, cells in found] == [("care", 18, False)] * 3
