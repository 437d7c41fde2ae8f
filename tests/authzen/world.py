"""A node that decides for others, served over HTTP: rulesets in ODRL, what is known, and an enforcement point that asks.

Three applications: the AuthZEN working group's todo list and its gateway, and the records of the certification scenario.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

import story
from serving import served
from usufruct.main import open_node
from usufruct.node import login
from usufruct.node.node import Node
from usufruct.web.app import make_app

POINT = story.USER  # the party whose enforcement point asks
OTHER = story.STRANGER  # one to which nothing is open

PEOPLE = {  # of the todo list and the gateway, after the user directory of the interop scenario
    "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("rick@the-citadel.com", ["admin", "evil_genius"]),
    "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("morty@the-citadel.com", ["editor"]),
    "CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("summer@the-smiths.com", ["editor"]),
    "CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("beth@the-smiths.com", ["viewer"]),
    "CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs": ("jerry@the-smiths.com", ["viewer"]),
}


def held(left: str, operator: str, *right: Any) -> dict[str, Any]:
    """A constraint; a right side that begins with `usu:` is another property."""
    values = [{"@id": one} if str(one).startswith("usu:") else one for one in right]
    return {"leftOperand": left, "operator": operator, "rightOperand": values}


def rules(uid: str, *permissions: dict[str, Any], conflict: str = "prohibit", **more: Any) -> str:
    """A ruleset in JSON-LD."""
    return json.dumps({
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"usu": "https://usufruct.example/ns#"}],
        "@type": "Set", "uid": f"urn:rules:{uid}", "conflict": conflict, "permission": list(permissions), **more,
    })  # fmt: skip


def may(action: str | list[str], *constraints: dict[str, Any], uid: str = "", **more: Any) -> dict[str, Any]:
    """A permission, or a prohibition: they look alike."""
    named = {"uid": f"urn:rule:{uid}"} if uid else {}
    return {"action": action, "constraint": list(constraints), **named, **more}


MINE = held("usu:resource.ownerID", "eq", "usu:subject.email")
TODO = rules(
    "todo",
    may(["can_read_user", "can_read_todos"], held("usu:subject.roles", "isAnyOf", "admin", "editor", "viewer")),
    may("can_create_todo", held("usu:subject.roles", "isAnyOf", "admin", "editor")),
    may(["can_update_todo", "can_delete_todo"], held("usu:subject.roles", "eq", "editor"), MINE),
    may("can_update_todo", held("usu:subject.roles", "eq", "evil_genius")),
    may("can_delete_todo", held("usu:subject.roles", "eq", "admin")),
)
GATEWAY = rules(
    "gateway",
    may("GET", held("usu:subject.roles", "isAnyOf", "admin", "editor", "viewer")),
    may(["POST", "PUT", "DELETE"], held("usu:subject.roles", "isAnyOf", "admin", "evil_genius", "editor")),
)
ALICE, ADMIN = held("usu:subject.id", "eq", "alice"), held("usu:subject.role", "eq", "admin")
ACTIVE, ARCHIVED = (held("usu:resource.status", "eq", status) for status in ("active", "archived"))
RECORDS = rules(
    "records",
    may("read", held("usu:subject.id", "isAnyOf", "alice", "bob"), uid="read"),
    may("write", ALICE, ACTIVE, uid="alice-writes"),
    may("write", ADMIN, ARCHIVED, uid="admins-write-archived"),
    may("delete", ALICE, held("usu:action.soft", "eq", True), uid="alice-hides"),
)  # fmt: skip

BOARD = held("usu:subject.role", "eq", "board")
BOARD_RULES = rules(
    "board",
    may("enter", {"or": [BOARD, held("usu:subject.age", "gteq", 60)]}, uid="enter",
        duty=[{"action": "attribute", "uid": "urn:duty:sign"}]),
    may("look", held("moon", "eq", "full"), uid="moon"),
    prohibition=[may("use", held("usu:resource.closed", "eq", True), uid="closed")],
)  # fmt: skip


@dataclass
class World:
    """A served node with a steward and an enforcement point, each with a token."""

    node: Node
    url: str
    client: httpx.Client
    steward: str
    point: str
    other: str

    def send(self, method: str, path: str, who: str | None, **sent: Any) -> httpx.Response:
        """A request with a token."""
        headers = {**({"Authorization": f"Bearer {who}"} if who else {}), **sent.pop("headers", {})}
        return self.client.request(method, self.url + path, headers=headers, **sent)

    def ask(self, body: Any, path: str = "evaluation", who: str | None = "", **sent: Any) -> httpx.Response:
        """What the decision point says to the enforcement point, or to `who`."""
        return self.send("POST", f"/access/v1/{path}", self.point if who == "" else who, json=body, **sent)

    def steer(self, method: str, path: str, body: Any = None) -> Any:
        """What the steward gets, who must not be refused."""
        answer = self.send(method, f"/api/v1/{path}", self.steward, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def adopt(self, name: str, types: list[str], said: str, **more: Any) -> Any:
        """Adopts a ruleset for the enforcement point."""
        return self.steer(
            "POST", "rulesets", {"ruleset": name, "types": types, "points": [POINT], "rules": said, **more}
        )

    def describe(self, part: str, type: str, id: str, **properties: Any) -> Any:
        """Says what is known of a subject or resource."""
        return self.steer("POST", "entities", {"part": part, "type": type, "id": id, "properties": properties})


@contextmanager
def deciding(directory: Path) -> Iterator[World]:
    """The node in a directory, which has nobody yet, with its three applications."""
    with open_node(directory) as node:
        story.register_parties(node)
        app = make_app(node)
        tokens = [
            login.issue_token(node, party, role, scopes, 1, "")
            for party, role, scopes in (
                (story.OPERATOR, "steward", ("steward",)), (POINT, "system", ("decide",)), (OTHER, "system", ("decide",)),
            )
        ]  # fmt: skip
        with served(app) as url, httpx.Client(timeout=30) as client:
            app.state.node = replace(node, about=replace(node.about, url=url))
            world = World(node, url, client, *tokens)
            world.adopt("todo", ["todo", "user"], TODO)
            world.adopt("gateway", ["route"], GATEWAY)
            world.adopt("records", ["record"], RECORDS)
            for id, (email, roles) in PEOPLE.items():
                world.describe("subject", "user", id, email=email, roles=roles)
                world.describe("subject", "identity", id, roles=roles)
            world.describe("subject", "user", "alice")
            world.describe("subject", "user", "bob", role="admin")
            world.describe("subject", "user", "carol", role="admin")
            world.describe("resource", "record", "record-1", status="active")
            world.describe("resource", "record", "record-2", status="archived")
            yield world
