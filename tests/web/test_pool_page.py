"""The page of a pool: what everybody reads, how a member comes in and out, and what programs do instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

import pooling
import story
from pooling import POOL
from serving import application
from usufruct.node import login, pool, register
from usufruct.node.node import Node


@pytest.fixture
def api(node: Node) -> Iterator[Any]:
    """Calls the API: `api("ana", "member", "POST", path, body)`."""
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None) -> Any:
            headers = {}
            if party:
                headers["Authorization"] = f"Bearer {login.issue_token(node, party, role, login.ROLES[role], 1, '')}"
            return client.request(method, f"/api/v1{path}", headers=headers, json=body)

        yield call


def test_a_member_reads_joins_and_leaves_on_the_page(browse: Any, node: Node) -> None:
    pooling.found(node)
    odd, cell = pooling.cell(node, "ana", b"city,hours\nnorth,38\n"), pooling.cell(node, "ana")
    stranger, ana = browse(), browse("ana", "member")
    page = stranger.get(f"/pools/{POOL}")
    words = story.done(pool.show(node, POOL)).charter.words
    assert page.status == 200 and page.title.startswith("What riders earn") and "Fewer than 5 members" in page.text
    assert " ".join(words.split()) in page.text and pooling.digest(node) in page.text
    assert 'action="/member/pools' not in page.source, "a stranger reads, and joins nothing"

    assert f'href="/member/pools/{POOL}"' in ana.get("/member/cells").source
    mine = ana.get(f"/member/pools/{POOL}")
    assert f"{odd.id} does not fit" in mine.text and "has no column earned" in mine.text
    joined = ana.press(mine, f"/member/pools/{POOL}/membership", cell=cell.id)
    assert "You are in." in joined.text and cell.id in joined.text
    cells = ana.get("/member/cells").text
    assert "you are in, with" in cells and cells.count("nobody else knows that it is there") == 1
    assert "only its cooperative knows that it is there" in cells
    assert f'href="/member/pools/{POOL}"' in ana.get("/me").source
    assert "you joined the pool What riders earn with" in ana.get("/me").text.replace("You", "you")
    assert cell.id not in browse("member-3", "member").get(f"/member/pools/{POOL}").text

    pooling.agree(node)
    assert "Used you consented" in ana.get("/me").text
    front = stranger.get("/")
    assert "What members brought, under a charter" in front.text and "0 rows about 0 persons" not in front.text
    assert "The data are those of fewer than 5 members" in stranger.get(f"/title/{POOL}").text
    left = ana.press(joined, f"/member/pools/{POOL}/leaving")
    assert "You have left." in left.text
    assert "Not used you are not in this pool any more" in ana.get("/me").text
    assert 'value="consent"' not in ana.get("/me").source.split('id="decide"')[1].split("What riders earn")[1][:2000]


def test_what_was_read_before_is_not_agreed_to_by_a_page_that_is_old(browse: Any, node: Node) -> None:
    pooling.found(node)
    cell = pooling.cell(node, "ana")
    ana = browse("ana", "member")
    old = ana.get(f"/member/pools/{POOL}")
    no = ana.press(old, f"/member/pools/{POOL}/membership", cell=cell.id, charter="0" * 64)
    assert no.status == 409 and "not the charter of this pool" in no.text
    assert ana.get("/pools/nothing").status == ana.get("/member/pools/nothing").status == 404


def test_the_same_by_the_api(api: Any, node: Node) -> None:
    register.add_party(node, pooling.COOPERATIVE, "cooperative", "Riders")
    body = {"cooperative": pooling.COOPERATIVE, "charter": pooling.CHARTER}
    founded = api(story.OPERATOR, "steward", "POST", "/pools", body)
    assert founded.status_code == 201, founded.text
    digest = founded.json()["charter"]
    assert api("", "", "GET", f"/pools/{POOL}").json() == api("", "", "GET", "/pools").json()[0]
    assert api("", "", "GET", f"/pools/{POOL}").json()["charter"] == digest
    cell = pooling.cell(node, "ana").id
    before = api("ana", "member", "GET", "/me/pools").json()[0]
    assert before["cell"] is None and before["cells"] == [{"cell": cell, "misfits": []}]
    joined = api("ana", "member", "POST", f"/me/pools/{POOL}/membership", {"cell": cell, "charter": digest})
    assert joined.status_code == 201 and len(joined.json()["rights"]) == 2
    assert api("ana", "member", "GET", "/me/pools").json()[0]["cell"] == cell
    assert api("ana", "member", "POST", f"/me/pools/{POOL}/leaving").json() == {"left": POOL}
    again = api("ana", "member", "POST", f"/me/pools/{POOL}/leaving")
    assert again.status_code == 404 and again.json()["refusal"]["code"] == "registry.unknown"
