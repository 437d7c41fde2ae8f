"""Tokens for programs: signed for with a registered key, bound to another, good for five minutes and what the key's role allows."""

from __future__ import annotations

from typing import Any

import pytest

import story
from identity.conftest import AGENT, HELPER
from identity.world import Client, Key, day_after
from support import SetClock
from usufruct.core.base.ids import did_web
from usufruct.core.base.refusals import Refusal
from usufruct.node import identity, login
from usufruct.node.node import Node
from usufruct.wire import jose, oauth


@pytest.fixture
def client(node: Node) -> Client:
    """A program of the institute."""
    return Client(node, story.USER).registered()


def delegated(node: Node, http: Any, client: Client, **form: str) -> tuple[Client, str]:
    """An agent that acts for the client's party, with a token for it."""
    agent = Client(node, AGENT).registered()
    subject = client.token(http, client_assertion=client.assertion(may_act={"sub": AGENT}))
    given = {"grant_type": oauth.TOKEN_EXCHANGE, "subject_token": subject, "subject_token_type": oauth.ACCESS_TOKEN}
    return agent, agent.token(http, **given, **form)


def test_a_program_gets_a_token_and_is_heard_with_it(http: Any, client: Client) -> None:
    answer = client.ask_token(http, scope="ask").json()
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("DPoP", oauth.TOKEN_SECONDS, "ask")
    heard = client.ask(http, "GET", "/api/v1/agreements?of=me", answer["access_token"])
    assert heard.status_code == 200, heard.text
    beyond = client.ask(http, "GET", "/api/v1/parties", answer["access_token"])
    assert (beyond.status_code, beyond.json()["fault"]["code"]) == (403, "login.scope")


def test_the_token_is_one_that_others_can_read(http: Any, client: Client, node: Node) -> None:
    read = jose.unverified(client.token(http))
    keys = jose.key_set(http.get("/.well-known/jwks.json").content)
    jose.verify(client.token(http), keys, "at+jwt")
    url = node.about.url
    assert read.header["typ"] == "at+jwt" and read.header["alg"] == "Ed25519"
    assert (read.claims["iss"], read.claims["aud"], read.claims["sub"]) == (url, url, story.USER)
    assert read.claims["client_id"] == story.USER and read.claims["cnf"] == {"jkt": client.proofs.thumbprint}
    assert {"exp", "iat", "jti", "scope"} <= read.claims.keys()


def test_the_metadata_lead_to_the_token_endpoint(http: Any, client: Client) -> None:
    found = http.get("/.well-known/oauth-authorization-server").json()
    assert found["token_endpoint"] == found["issuer"] + "/oauth/token"
    assert found["jwks_uri"].endswith("/.well-known/jwks.json")
    assert client.ask_token(http, client.assertion(aud=found["token_endpoint"])).status_code == 200
    assert client.ask_token(http, resource=found["issuer"]).status_code == 200


NOT_IN_ORDER: list[tuple[dict[str, str], str]] = [
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"scope": "steward"}, "invalid_scope"),
    ({"scope": "ask steward"}, "invalid_scope"),
    ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ({"client_id": story.STRANGER}, "invalid_client"),
    ({"client_assertion_type": "urn:x"}, "invalid_client"),
    ({"client_assertion": "a.b"}, "invalid_client"),
    ({"grant_type": oauth.TOKEN_EXCHANGE}, "invalid_request"),
    ({"grant_type": oauth.TOKEN_EXCHANGE, "subject_token_type": oauth.ACCESS_TOKEN}, "invalid_grant"),
]


def test_a_request_that_is_not_in_order_gets_an_error_of_the_standard(http: Any, client: Client) -> None:
    for form, error in NOT_IN_ORDER:
        answer = client.ask_token(http, **form)
        assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error), form
        assert answer.headers["cache-control"] == "no-store"


def test_tokens_run_out(http: Any, client: Client, clock: SetClock) -> None:
    token = client.token(http)
    clock.move(seconds=oauth.TOKEN_SECONDS - 20)
    assert client.ask(http, "GET", "/api/v1/keys", token).status_code == 200
    clock.move(seconds=20)
    late = client.ask(http, "GET", "/api/v1/keys", token)
    assert (late.status_code, late.json()["fault"]["code"]) == (401, "login.token")
    assert "run out" in late.json()["fault"]["message"]
    assert "DPoP" in late.headers["www-authenticate"]


def test_a_revoked_key_counts_no_more_from_the_next_request_on(http: Any, client: Client, node: Node) -> None:
    token = client.token(http)
    assert client.ask(http, "GET", "/api/v1/keys", token).status_code == 200
    story.done(identity.revoke_key(node, story.USER, client.key.thumbprint))
    refused = client.ask(http, "GET", "/api/v1/keys", token)
    assert (refused.status_code, refused.json()["fault"]["code"]) == (401, "login.token")
    assert client.ask_token(http).json()["error"] == "invalid_client"
    again = identity.register_key(node, story.USER, "user", client.key.thumbprint, client.key.public_text)
    assert isinstance(again, Refusal) and again.code == "registry.exists", "a revoked key does not come back"


def test_a_program_revokes_its_own_key_and_not_that_of_others(http: Any, client: Client, node: Node) -> None:
    other = Client(node, story.STRANGER).registered()
    token = client.token(http)
    assert [key["thumbprint"] for key in client.ask(http, "GET", "/api/v1/keys", token).json()] == [
        client.key.thumbprint
    ]
    path = f"/api/v1/keys/{other.key.thumbprint}"
    assert client.ask(http, "DELETE", path, token).status_code == 404
    assert client.ask(http, "DELETE", f"{path}?party={story.STRANGER}", token).status_code == 400
    assert other.token(http)
    assert client.ask(http, "DELETE", f"/api/v1/keys/{client.key.thumbprint}", token).status_code == 200
    assert client.ask(http, "GET", "/api/v1/keys", token).status_code == 401


def test_the_steward_registers_keys_over_http(http: Any, node: Node) -> None:
    token = login.issue_token(node, story.OPERATOR, "steward", ("steward",), 1, "")
    headers, key = {"Authorization": f"Bearer {token}"}, Key()
    body = {"party": story.USER, "role": "user", "key": key.public, "until": day_after(node)}
    made = http.post("/api/v1/keys", headers=headers, json=body)
    assert made.status_code == 201 and made.json()["thumbprint"] == key.thumbprint
    assert Client(node, story.USER, key).token(http)
    for wrong, code in (({"key": {"kty": "oct"}}, "input.key"), ({"role": "king"}, "input.role"),
                        ({"role": "steward"}, "input.role"), ({"party": "nobody"}, "input.party")):  # fmt: skip
        assert http.post("/api/v1/keys", headers=headers, json={**body, **wrong}).json()["fault"]["code"] == code
    twice = http.post("/api/v1/keys", headers=headers, json={**body, "party": story.STRANGER})
    assert twice.json()["refusal"]["code"] == "registry.exists", "one key speaks for one party"


def test_a_key_ends_when_it_was_said_to(http: Any, node: Node, clock: SetClock) -> None:
    client = Client(node, story.USER)
    until = day_after(node)
    story.done(identity.register_key(node, story.USER, "user", client.key.thumbprint, client.key.public_text, until))
    assert client.token(http)
    clock.move(days=1)
    assert client.ask_token(http).json()["error"] == "invalid_client"


def test_an_agent_acts_for_a_party_that_said_so(http: Any, node: Node, client: Client) -> None:
    agent, token = delegated(node, http, client, scope="ask")
    read = jose.unverified(token).claims
    assert (read["sub"], read["act"], read["client_id"]) == (story.USER, {"sub": AGENT}, AGENT)
    assert list(oauth.actors(read)) == [AGENT]
    who = login.acting(node, oauth.read_access(token, node.about.url, node.signer.public, agent.now()))
    assert who == login.Identity(story.USER, "user", frozenset({"ask"}), (AGENT,), signed=True)
    assert agent.ask(http, "GET", "/api/v1/keys", token).status_code == 200
    assert client.ask(http, "GET", "/api/v1/keys", token).status_code == 401, "it is bound to the agent's key"


def test_agents_act_one_for_the_other_and_the_chain_says_who_first(http: Any, node: Node, client: Client) -> None:
    agent, helper = Client(node, AGENT).registered(), Client(node, HELPER).registered()
    given = {"grant_type": oauth.TOKEN_EXCHANGE, "subject_token_type": oauth.ACCESS_TOKEN}
    subject = client.token(http, client_assertion=client.assertion(may_act={"sub": AGENT}))
    middle = agent.token(
        http, client_assertion=agent.assertion(may_act={"sub": HELPER}), subject_token=subject, **given
    )
    last = helper.token(http, subject_token=middle, **given)
    access = oauth.read_access(last, node.about.url, node.signer.public, client.now())
    assert (access.party, access.actors) == (story.USER, (HELPER, AGENT))
    assert helper.ask(http, "GET", "/api/v1/keys", last).status_code == 200
    story.done(identity.revoke_key(node, AGENT, agent.key.thumbprint))
    assert helper.ask(http, "GET", "/api/v1/keys", last).status_code == 401, "every key of the chain must hold"


def test_nobody_acts_for_a_party_that_did_not_say_so(http: Any, node: Node, client: Client) -> None:
    given = {"grant_type": oauth.TOKEN_EXCHANGE, "subject_token_type": oauth.ACCESS_TOKEN}
    agent, helper = Client(node, AGENT).registered(), Client(node, HELPER).registered()
    own = client.token(http)
    assert agent.ask_token(http, subject_token=own, **given).json()["error"] == "invalid_grant"
    for_agent = client.token(http, client_assertion=client.assertion(may_act={"sub": AGENT}))
    assert helper.ask_token(http, subject_token=for_agent, **given).json()["error"] == "invalid_grant"
    wider = agent.ask_token(http, subject_token=for_agent, scope="ask steward", **given)
    assert wider.json()["error"] == "invalid_scope"


def test_a_chain_does_not_grow_for_ever() -> None:
    act: dict[str, Any] = {"sub": "a"}
    for _ in range(oauth.PARTIES_MAX - 2):
        act = {"sub": "a", "act": act}
    assert len(list(oauth.actors({"act": act}))) == oauth.PARTIES_MAX - 1
    for wrong in ({"sub": "a", "act": act}, {"sub": ""}, {"sub": 3}, "a", {"act": act}):
        with pytest.raises(ValueError, match="act"):
            list(oauth.actors({"act": wrong}))


def test_a_did_web_is_an_address_and_back() -> None:
    assert did_web("https://node.example") == "did:web:node.example"
    assert did_web("http://127.0.0.1:8000") == "did:web:127.0.0.1%3A8000"
    assert jose.did_address("did:web:node.example") == "https://node.example/.well-known/did.json"
    assert jose.did_address("did:web:node.example:users:mari") == "https://node.example/users/mari/did.json"
    assert jose.did_address("did:web:127.0.0.1%3A8000") == "http://127.0.0.1:8000/.well-known/did.json"
    for wrong in (
        "did:key:z6",
        "did:web:",
        "did:web:a/b",
        "did:web:a%2Fb",
        "did:web:u@h",
        "did:web:a:..:b",
        "did:web:ä.ee",
    ):
        with pytest.raises(ValueError, match="is not a did:web"):
            jose.did_address(wrong)
