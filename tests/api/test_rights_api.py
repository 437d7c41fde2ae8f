"""The API of rights: what each may do with her own, and that strangers learn nothing by trying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

import story
from serving import application
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Right
from usufruct.node import login
from usufruct.node.node import Node

UNTIL = "2090-01-01"


@pytest.fixture
def api(node: Node) -> Iterator[Any]:
    """Calls the API for a party: `api("institute", "user", "POST", path, body)`."""
    tokens: dict[str, str] = {}
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
            if party and party not in tokens:
                tokens[party] = login.issue_token(node, party, role, login.ROLES[role], 1, "")
            headers = {"Authorization": f"Bearer {tokens[party]}"} if party else {}
            return client.request(method, f"/api/v1{path}", headers=headers, json=body, **more)

        yield call


def steward(api: Any, method: str, path: str, body: Any = None) -> Any:
    return api(story.OPERATOR, "steward", method, path, body)


def user(api: Any, method: str, path: str, body: Any = None) -> Any:
    return api(story.USER, "user", method, path, body)


def granted(api: Any, **more: Any) -> str:
    body = {"grantee": story.USER, "right": "use", "until": UNTIL, "may_grant": True, **more}
    answer = steward(api, "POST", "/assets/pay/rights", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_right_goes_round(api: Any, node: Node) -> None:
    right = granted(api, further=2, purposes=["ResearchAndDevelopment"], columns=["year", "HOURS"])
    lent = user(api, "POST", f"/rights/{right}/pledge",
                {"to": story.STRANGER, "pilot": "nights", "until": "2089-01-01", "exclusive": True})  # fmt: skip
    assert lent.status_code == 201 and lent.json()["columns"] == ["year", "hours"]
    title = {one["id"]: one for one in api("", "", "GET", "/assets/pay/title").json()["rights"]}
    assert title[right]["state"] == "lent" and title[lent.json()["id"]]["pilot"] == "nights"
    assert title[right]["further"] == 2 and title[right]["holder"] == "Institute"
    held = user(api, "POST", f"/rights/{lent.json()['id']}/revocation")
    assert held.status_code == 403 and held.json()["refusal"]["code"] == "rights.pledged"
    back = api(story.STRANGER, "user", "POST", f"/rights/{lent.json()['id']}/release")
    assert back.status_code == 201 and back.json()["to"] == story.USER
    moved = user(api, "POST", f"/rights/{right}/transfer", {"to": story.STRANGER, "keeps": False})
    assert moved.status_code == 201 and moved.json()["becomes"] != right
    taken = steward(api, "POST", f"/rights/{moved.json()['becomes']}/revocation")
    assert taken.status_code == 201 and taken.json()["holder"] == story.STRANGER
    last = {one["id"]: one for one in api("", "", "GET", "/assets/pay/title").json()["rights"]}
    assert last[moved.json()["becomes"]]["why"].startswith(f"`{moved.json()['becomes']}` was revoked")
    with node.store.read() as state:
        row = state.get(Right, moved.json()["becomes"])
        assert row is not None and row.end is not None
        assert last[row.id]["changed_in"] == [row.passed[0].seq, row.end.seq]


def test_what_is_not_there_and_what_is_not_hers_are_told_alike(api: Any) -> None:
    right = granted(api)
    for path, body in (("revocation", None), ("release", None), ("transfer", {"to": story.OPERATOR, "keeps": True}),
                       ("pledge", {"to": story.OPERATOR, "pilot": "x", "until": UNTIL})):  # fmt: skip
        answers = [api(story.STRANGER, "user", "POST", f"/rights/{name}/{path}", body) for name in (right, "right-999")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(right, "") == answers[1].text.replace("right-999", "")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/assets/pay/rights", {"grantee": "insurer", "right": "own"}, 400),
        ("/assets/pay/rights", {"grantee": "insurer", "right": "use", "further": 0}, 400),
        ("/assets/pay/rights", {"grantee": "insurer", "right": "use", "purposes": ["Sunshine"]}, 400),
        ("/assets/pay/rights", {"grantee": "nobody", "right": "use"}, 404),
        ("/assets/pay/rights", {"grantee": "insurer", "right": "use", "columns": ["wage"]}, 403),
        ("/assets/pay/rights", {"grantee": "insurer", "right": "hold"}, 403),
        ("/assets/none/rights", {"grantee": "insurer", "right": "use"}, 403),
        ("/rights/RIGHT/pledge", {"to": "insurer", "pilot": "x"}, 400),
        ("/rights/RIGHT/pledge", {"to": "insurer", "pilot": "no name", "until": UNTIL}, 400),
        ("/rights/RIGHT/pledge", {"to": "insurer", "pilot": "x", "until": UNTIL, "exclusive": True}, 403),
        ("/rights/RIGHT/transfer", {"to": "insurer"}, 400),
        ("/rights/RIGHT/transfer", {"to": "nobody", "keeps": True}, 404),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_nothing_recorded(api: Any, node: Node, path: str, body: Any, status: int) -> None:
    with node.store.read() as state:
        use = next(row.id for row in state.list(Right, asset="pay") if row.right == "use")
        before = state.size()
    answer = steward(api, "POST", path.replace("RIGHT", use), body)
    assert answer.status_code == status, answer.text
    with node.store.read() as state:
        assert state.size() == before


def test_a_member_deposits_offers_and_withdraws(api: Any, node: Node) -> None:
    def me(method: str, path: str, body: Any = None, **more: Any) -> Any:
        return api("member-3", "member", method, path, body, **more)

    made = me("POST", "/me/cells", data={"title": "Steps"}, files={"table": ("a.csv", b"day,steps\n1,2\n2,3\n")})
    assert made.status_code == 201, made.text
    cell = made.json()["id"]
    assert api("", "", "GET", f"/assets/{cell}/title").status_code == 404
    offered = me("POST", f"/me/cells/{cell}/offer", {"purposes": ["AcademicResearch"], "price": "1.00 EUR"})
    assert offered.status_code == 201
    catalogue, title = (api("", "", "GET", path).text for path in ("/catalogue", f"/assets/{cell}/title"))
    with node.store.read() as state:
        her = id_of(state, "member-3")
    assert cell in catalogue and cell in title and her not in catalogue + title and "Member 3" not in catalogue + title
    assert api("member-4", "member", "POST", f"/me/cells/{cell}/withdrawal").status_code == 404
    assert me("POST", f"/me/cells/{cell}/withdrawal").json() == {"ended": 0}
    assert cell not in api("", "", "GET", "/catalogue").text
    assert me("POST", "/me/cells", data={"title": "x"}).status_code == 400
