"""Every route has a rule. Those that need no credentials are listed in public-routes.txt, where a review sees them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from usufruct.main import create_node, open_node
from usufruct.node.login import SCOPES
from usufruct.web.app import make_app

LISTED = Path(__file__).parent / "public-routes.txt"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("routes") / "node"
    create_node(directory, "Node", "op", "Operator", "EUR")
    with open_node(directory) as node:
        yield make_app(node)


def routes(app: Litestar) -> list[tuple[str, str, Any]]:
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            for method in sorted(getattr(handler, "http_methods", [])):
                if method != "OPTIONS":
                    found.append((method, route.path, handler.opt.get("rule")))
    return sorted(found, key=lambda item: (item[1], item[0]))


def test_every_route_has_a_rule(app: Litestar) -> None:
    for method, path, rule in routes(app):
        assert rule in ("public", "anyone", "account", "session", "transfer") or (
            isinstance(rule, tuple) and rule and set(rule) <= set(SCOPES)
        ), (
            method,
            path,
        )


def test_the_public_routes_are_those_listed(app: Litestar) -> None:
    public = "".join(f"{method} {path}\n" for method, path, rule in routes(app) if rule == "public")
    assert public == LISTED.read_text(encoding="utf-8")


def test_strangers_are_let_in_nowhere_else(app: Litestar) -> None:
    with TestClient(app, raise_server_exceptions=False) as client:
        for method, path, rule in routes(app):
            if rule == "public":
                continue
            url = re.sub(r"\{\w+:int\}", "1", path)
            url = "/".join("x" if part.startswith("{") else part for part in url.split("/"))
            for headers in ({}, {"Authorization": "Bearer usu_wrong"}, {"Cookie": "usufruct_session=wrong"}):
                answer = client.request(method, url, headers=headers, follow_redirects=False)
                refused = answer.status_code == 401 or (
                    answer.status_code == 303 and answer.headers["location"] == "/login"
                )
                assert refused, (method, path, headers, answer.status_code)


def test_a_route_without_a_rule_lets_nobody_in(app: Litestar) -> None:
    from litestar import get

    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "secret"

    node = app.state.node
    other = make_app(node)
    other.register(forgotten)
    with TestClient(other, raise_server_exceptions=False) as client:
        assert client.get("/forgotten", follow_redirects=False).status_code in (303, 401)
