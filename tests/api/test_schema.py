"""Schemathesis reads the API's own description and tries to make the node fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

import story
from usufruct.main import create_node, open_node
from usufruct.node import login, register
from usufruct.node.dataspace import peers
from usufruct.web.app import make_app

EXAMPLES = 12
SPOKEN = "/dataspace/2025-1/"  # what another node says
ERRORS = ("CatalogError", "ContractNegotiationError", "TransferError")
PEER: dict[str, str] = {}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    directory: Path = tmp_path_factory.mktemp("schema") / "node"
    create_node(directory, "Node", "op", "Operator", "EUR")
    with open_node(directory) as node:
        token = login.issue_token(node, "op", "steward", ("steward",), 1, "")
        story.done(register.add_party(node, "city", "public-body", "City"))
        story.done(peers.link(node, "city", "did:web:city.example", "https://city.example"))
        PEER["Authorization"] = f"Bearer {login.issue_token(node, 'city', 'user', ('negotiate',), 1, '')}"
        yield make_app(node), {"Authorization": f"Bearer {token}"}


def test_no_request_makes_the_node_fail(served: tuple[Any, dict[str, str]]) -> None:
    app, headers = served
    schema = schemathesis.openapi.from_asgi("/api/description/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 30
    elsewhere = {operation.path for operation in operations if not operation.path.startswith("/api/v1/")}
    assert all(path.startswith(("/dataspace/", "/.well-known/")) for path in elsewhere)
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def holds(case: Any) -> None:
            response = case.call(headers=PEER if case.path.startswith(SPOKEN) else headers)
            assert response.status_code < 500, (case.method, case.path, case.body, response.text)
            if response.status_code >= 400:
                body = response.json()
                if "@type" in body:  # a no in the protocol's words
                    assert (body["@type"] in ERRORS, bool(body["code"]), bool(body["reason"])) == (True,) * 3, body
                    return
                told = body.get("refusal") or body["fault"]
                assert told["message"], body
                assert told["remedy"], body

        holds()
