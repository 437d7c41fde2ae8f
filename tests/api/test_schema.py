"""Schemathesis reads the API's own description and tries to break its promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error

from usufruct.main import create_node, open_node
from usufruct.node import login
from usufruct.web.app import make_app


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    directory: Path = tmp_path_factory.mktemp("schema") / "node"
    create_node(directory, "Node", "op", "Operator", "EUR")
    with open_node(directory) as node:
        yield make_app(node), login.issue_token(node, "op", "steward", ("steward",), 1, "")


@pytest.fixture(scope="module")
def described(served: tuple[Any, str]) -> Any:
    return schemathesis.openapi.from_asgi("/api/openapi.json", served[0])


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_makes_the_node_fail(case: Any, served: tuple[Any, str]) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {served[1]}"}, checks=[not_a_server_error])
