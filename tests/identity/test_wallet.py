"""What the node shows of itself as a participant: its document, its tokens, and its credentials to whom it let ask."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

import story
from identity.others import ISSUER, PEER, TYPE, Other, Registrar, Wire
from support import SetClock
from usufruct.core.base.faults import BadInput, Unwelcome
from usufruct.core.base.instants import later
from usufruct.core.base.refusals import Refusal
from usufruct.main import open_node, read_settings
from usufruct.node import login
from usufruct.node.dataspace import wallet
from usufruct.node.dataspace.participants import authorization
from usufruct.node.dataspace.peers import peers
from usufruct.node.node import Node
from usufruct.web.app import make_app
from usufruct.wire import dcp, jose

SCOPE = "org.eclipse.dspace.dcp.vc.type:"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def registrar(plain: Node, wire: Wire) -> Registrar:
    found = Registrar(plain, wire, ISSUER)
    found.publish()
    return found


@pytest.fixture
def member(plain: Node, registrar: Registrar, wire: Wire) -> Node:
    """The node, which was given a membership in either profile, and trusts the registrar for it."""
    node = registrar.trusted(plain, demanded=False)
    node = replace(node, connector=replace(node.connector, services=lambda: wire))
    for profile in (dcp.VC11, dcp.VC20):
        types = ["VerifiableCredential", TYPE, profile[:4]]
        asyncio.run(wallet.receive(node, wire, [registrar.issue(node.connector.participant, profile, type=types)]))
    return node


@pytest.fixture
def reader(member: Node, wire: Wire) -> Other:
    """The clinic, which gets messages of the node and looks who it is."""
    return Other(member, wire, PEER).publish()


def access(node: Node, audience: str = PEER, types: tuple[str, ...] | None = None) -> str:
    return str(jose.unverified(wallet.token_for(node, audience, types)).claims["token"])


def shown(node: Node, wire: Wire, reader: Other, token: str, *scopes: str) -> list[str]:
    """The credentials that the node shows, once its presentations are verified."""
    body = dcp.write_query(scopes or (f"{SCOPE}{TYPE}:read",))
    answer = asyncio.run(wallet.show(node, wire, reader.token(token=token), body))
    assert answer is not None
    document = jose.compact(jose.did_document(
        node.connector.participant, node.signer.public, jose.compact(jose.p256_jwk(node.identities.voice.public)), {}
    )).encode()  # fmt: skip
    at, own = node.clock.now(), node.connector.participant
    read = [dcp.read_presentation(text, document, own, PEER, at) for text in dcp.read_response(answer)]
    return [one for _, credentials in read for one in credentials]


def test_the_node_shows_who_it_is_and_what_it_holds(member: Node, wire: Wire, reader: Other) -> None:
    found = shown(member, wire, reader, access(member))
    assert [dcp.vouched_by(one)[1][2] for one in found] == ["vc11", "vc20"]
    assert sorted(found) == sorted(row.text for row in wallet.holdings(member))
    named = wallet.holdings(member)[0].named
    assert len(shown(member, wire, reader, access(member), f"{SCOPE}vc11")) == 1
    assert shown(member, wire, reader, access(member), f"{SCOPE}Other:read") == []
    assert len(shown(member, wire, reader, access(member), f"org.eclipse.dspace.dcp.vc.id:{named}")) == 1


def test_no_more_is_shown_than_the_token_lets(member: Node, wire: Wire, reader: Other) -> None:
    token = access(member, types=("vc20",))
    assert len(shown(member, wire, reader, token, f"{SCOPE}{TYPE}", f"{SCOPE}vc11", f"{SCOPE}vc20")) == 1
    assert shown(member, wire, reader, access(member, types=("Other",))) == []


def test_only_who_was_let_may_ask(member: Node, wire: Wire, reader: Other, clock: SetClock) -> None:
    other = Other(member, wire, "did:web:other.example").publish()
    body = dcp.write_query((f"{SCOPE}{TYPE}",))
    theirs = access(member)
    forged = reader.key.sign(
        {"typ": dcp.ACCESS_TYPE}, {**jose.unverified(theirs).claims, "sub": "did:web:other.example"}
    )
    for asks, token, why in (
        (other, theirs, "given to somebody else"), (other, forged, "no key"), (other, "", "three parts"),
        (reader, "let-me-see", "three parts"), (reader, wallet.token_for(member, PEER), "its type"),
    ):  # fmt: skip
        with pytest.raises(Unwelcome, match=why):
            asyncio.run(wallet.show(member, wire, asks.token(token=token), body))
    assert wire.asked[-1].url.startswith("https://registrar.example")  # nobody else was looked up
    clock.move(seconds=dcp.LIFE_SECONDS)
    with pytest.raises(Unwelcome, match="run out"):
        asyncio.run(wallet.show(member, wire, reader.token(token=theirs), body))
    once = reader.token(token=access(member))
    assert asyncio.run(wallet.show(member, wire, once, body))
    with pytest.raises(Unwelcome, match="used before"):
        asyncio.run(wallet.show(member, wire, once, body))
    with pytest.raises(Unwelcome, match="`aud`"):
        asyncio.run(wallet.show(member, wire, reader.token(token=access(member), aud=PEER), body))


QUESTIONS: dict[str, dict[str, Any]] = {
    "nothing": {}, "no scope": {"scope": []}, "no text": {"scope": [5]}, "many": {"scope": ["x"] * 51},
    "both": {"scope": [f"{SCOPE}T"], "presentationDefinition": {"id": "1"}}, "empty": {"presentationDefinition": {}},
    "not understood": {"scope": ["everything"]}, "to write": {"scope": [f"{SCOPE}T:write"]},
    "another message": {"scope": [f"{SCOPE}T"], "type": "Other"}, "another context": {"scope": [f"{SCOPE}T"], "@context": ["x"]},
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_no_question_is_refused(member: Node, wire: Wire, reader: Other, name: str) -> None:
    body = {"@context": [dcp.CONTEXT], "type": "PresentationQueryMessage", **QUESTIONS[name]}
    with pytest.raises(BadInput, match="cannot be answered"):
        asyncio.run(wallet.show(member, wire, reader.token(token=access(member)), json.dumps(body).encode()))


def test_what_is_kept_is_verified_first(member: Node, wire: Wire, registrar: Registrar) -> None:
    before, own = wallet.holdings(member), member.connector.participant
    stranger = Registrar(member, wire, "did:web:stranger.example")
    stranger.publish()
    for text, why in (
        (registrar.issue(PEER), "it is about"), (stranger.issue(own), "trusts"),
        (registrar.issue(own, type=["VerifiableCredential", "X"]), "trusts"),
        (Registrar(member, wire, ISSUER).issue(own), "no key"), ("nonsense", "three parts"),
        (registrar.issue(own, expirationDate=later(member.clock.now(), days=-1)), "run out"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=why):
            asyncio.run(wallet.receive(member, wire, [registrar.issue(own), text]))
    assert wallet.holdings(member) == before
    types = ["VerifiableCredential", TYPE, "vc11"]
    (fact,) = asyncio.run(wallet.receive(member, wire, [registrar.issue(own, type=types)]))
    assert [row.id for row in wallet.holdings(member)] == [before[1].id, fact.id], (
        "it takes the place of the one before"
    )
    assert not isinstance(wallet.drop(member, fact.id), Refusal)
    assert isinstance(wallet.drop(member, fact.id), Refusal)
    assert [row.id for row in wallet.holdings(member)] == [before[1].id]


def test_an_issuer_brings_it_itself(member: Node, wire: Wire, registrar: Registrar, reader: Other) -> None:
    own = member.connector.participant

    def message(**changed: Any) -> bytes:
        inside = [{"credentialType": TYPE, "format": "jwt", "payload": registrar.issue(own)}]
        about = {"issuerPid": "1", "holderPid": "2", "status": "ISSUED", "credentials": inside}
        return json.dumps({"@context": [dcp.CONTEXT], "type": "CredentialMessage", **about, **changed}).encode()

    assert len(asyncio.run(wallet.take_delivery(member, wire, registrar.token(), message()))) == 1
    assert asyncio.run(wallet.take_delivery(member, wire, registrar.token(), message(status="REJECTED"))) == []
    with pytest.raises(Unwelcome, match="trusts"):
        asyncio.run(wallet.take_delivery(member, wire, reader.token(), message()))
    for changed in (
        {"status": "MAYBE"},
        {"issuerPid": 5},
        {"credentials": []},
        {"credentials": [5]},
        {"credentials": [{}]},
    ):
        with pytest.raises(BadInput):
            asyncio.run(wallet.take_delivery(member, wire, registrar.token(), message(**changed)))


def test_over_http(member: Node, wire: Wire, registrar: Registrar, reader: Other) -> None:
    steward = login.issue_token(member, story.OPERATOR, "steward", ("steward",), 1, "")
    headers = {"Authorization": f"Bearer {steward}"}
    with TestClient(make_app(member), base_url=member.about.url) as http:
        document = http.get("/.well-known/did.json").json()
        services = {one["type"]: one["serviceEndpoint"] for one in document["service"]}
        assert sorted(services) == ["CatalogService", "CredentialService", "DataService"]
        assert (
            document["capabilityInvocation"] == document["authentication"] == [document["verificationMethod"][1]["id"]]
        )
        myself = http.get("/api/v1/participant", headers=headers).json()
        assert (myself["did"], myself["service"]) == (document["id"], services["CredentialService"])
        given = http.post("/api/v1/participant/tokens", headers=headers, json={"audience": PEER}).json()["token"]
        said = dcp.read_token(given, json.dumps(document).encode(), document["id"], PEER, member.clock.now())
        query = services["CredentialService"].removeprefix(member.about.url) + "/presentations/query"
        body = dcp.write_query((f"{SCOPE}{TYPE}:read",))
        answer = http.post(query, content=body, headers={"Authorization": f"Bearer {reader.token(token=said.access)}"})
        assert answer.status_code == 200 and len(dcp.read_response(answer.content)) == 2
        assert http.post(query, content=body).status_code == 401
        definition = json.dumps(
            {"@context": [dcp.CONTEXT], "type": "PresentationQueryMessage", "presentationDefinition": {"id": "1"}}
        )
        asked = {"Authorization": f"Bearer {reader.token(token=access(member))}"}
        assert http.post(query, content=definition, headers=asked).status_code == 501
        listed = http.get("/api/v1/participant/credentials", headers=headers).json()
        assert len(listed) == 2
        assert http.delete(f"/api/v1/participant/credentials/{listed[0]['id']}", headers=headers).status_code == 200
        text = registrar.issue(member.connector.participant)
        assert (
            http.post("/api/v1/participant/credentials", headers=headers, json={"credential": text}).status_code == 201
        )
        assert http.post("/api/v1/participant/tokens", headers=headers, json={"audience": "city"}).status_code == 400


def test_a_message_to_a_peer_says_who_the_node_is(member: Node, wire: Wire, reader: Other) -> None:
    reader.linked()
    (peer,) = peers(member)
    ((name, value),) = authorization(member, peer)
    token = jose.unverified(value.decode().removeprefix("Bearer "))
    assert name == b"authorization" and token.claims["aud"] == PEER
    assert token.header["kid"].startswith(f"{member.connector.participant}#")


def test_the_voice_is_its_own_key_and_can_be_renewed(plain: Node, tmp_path: Path) -> None:
    voice, before = plain.identities.voice, plain.identities.voice.public
    text = wallet.token_for(plain, PEER)
    jose.verify(text, [jose.public_key(jose.p256_jwk(before))])
    voice.renew()
    with pytest.raises(ValueError, match="no key"):
        jose.verify(text, [jose.public_key(jose.p256_jwk(voice.public))])
    jose.verify(wallet.token_for(plain, PEER), [jose.public_key(jose.p256_jwk(voice.public))])
    (file,) = tmp_path.rglob("voice.pem")
    assert file.stat().st_mode & 0o077 == 0 and not list(tmp_path.rglob("*.new"))


def test_nobody_can_demand_what_nobody_is_trusted_for(peopled: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(peopled, tmp_path / "node"))
    settings = directory / "node.toml"
    settings.write_text(settings.read_text().replace("\npeer_credentials = []", '\npeer_credentials = ["X"]'))
    assert read_settings(directory).peer_credentials == ["X"]
    with pytest.raises(BadInput, match="nobody is trusted for"), open_node(directory):
        raise AssertionError("it opened")
