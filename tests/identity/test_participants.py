"""A node that sends a message with a token that it signed itself: who it is, and what others say of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from identity.others import ISSUER, PEER, STATUS, TYPE, KeyPair, Other, Registrar, Wire
from support import SetClock
from usufruct.core.base.faults import Unwelcome
from usufruct.core.base.instants import later
from usufruct.node.dataspace.recognition import DOCUMENT_LIMIT, participant
from usufruct.node.node import Node
from usufruct.ports import ServiceReply
from usufruct.wire import dcp, jose


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def peer(plain: Node, wire: Wire) -> Other:
    """The clinic, whose node is linked."""
    return Other(plain, wire, PEER).publish().linked()


@pytest.fixture
def registrar(plain: Node, wire: Wire) -> Registrar:
    found = Registrar(plain, wire, ISSUER)
    found.publish()
    found.list()
    return found


def who(node: Node, wire: Wire, token: str) -> str:
    return asyncio.run(participant(node, wire, token))


def refused(node: Node, wire: Wire, token: str, why: str) -> None:
    with pytest.raises(Unwelcome, match=why):
        who(node, wire, token)


def test_a_linked_node_is_known_by_its_token(plain: Node, wire: Wire, peer: Other) -> None:
    assert who(plain, wire, peer.token()) == "clinic"
    assert who(plain, wire, peer.token({"kid": None})) == "clinic"  # its document has one key


def test_nothing_is_fetched_for_a_stranger(plain: Node, wire: Wire) -> None:
    stranger = Other(plain, wire, "did:web:stranger.example").publish()
    refused(plain, wire, stranger.token(), "no peer of this node")
    assert wire.asked == []


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another issuer than subject": ({}, {"sub": "did:web:other.example"}, "must both be"),
    "for another": ({}, {"aud": "did:web:other.example"}, "`aud` must be"),
    "for others too": ({}, {"aud": ["did:web:usufruct.example", "did:web:other.example"]}, "`aud` must be"),
    "for nobody": ({}, {"aud": None}, "`aud` must be"),
    "run out": ({}, {"exp": 1_000_000_000}, "run out"),
    "without an end": ({}, {"exp": None}, "`exp` must be"),
    "good for a year": ({}, {"exp": 4_000_000_000}, "`exp` must be"),
    "not yet": ({}, {"nbf": 4_000_000_000}, "not hold yet"),
    "without a beginning": ({}, {"iat": None}, "`iat` is missing"),
    "old": ({}, {"iat": 1_500_000_000}, "`iat` is missing, too long ago"),
    "without a name": ({}, {"jti": None}, "jti"),
    "with a long name": ({}, {"jti": "x" * 501}, "longer than 500"),
    "a presentation": ({}, {"vp": {}}, "a presentation or a credential"),
    "an access token that is none": ({}, {"token": 5}, "no text"),
    "unsigned": ({"alg": "none"}, {}, "no key"),
    "by a secret": ({"alg": "HS256"}, {}, "no key"),
    "by a key of another": ({"kid": "did:web:other.example#key-1"}, {}, "not one of"),
    "by a key that is not there": ({"kid": f"{PEER}#key-2"}, {}, "no key"),
    "by no key by name": ({"kid": 7}, {}, "not one of"),
    "with demands": ({"crit": ["x"], "x": 1}, {}, "extension"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_token_that_does_not_hold_is_nobodys(plain: Node, wire: Wire, peer: Other, name: str) -> None:
    header, claims, why = WRONG[name]
    refused(plain, wire, peer.token(header, **claims), why)


def test_a_key_that_comes_along_is_not_looked_at(plain: Node, wire: Wire, peer: Other) -> None:
    mine = KeyPair()
    for header in ({"jwk": mine.public}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/cert"}):
        forged = mine.sign(peer.header(**header), jose.unverified(peer.token()).claims)
        refused(plain, wire, forged, "no key")
    assert {request.url for request in wire.asked} == {"https://clinic.example/.well-known/did.json"}


def test_a_token_is_good_once_and_not_before_the_node_started(plain: Node, wire: Wire, peer: Other) -> None:
    token = peer.token()
    assert who(plain, wire, token) == "clinic"
    refused(plain, wire, token, "used before")
    assert who(plain, wire, peer.token(jti="1")) == "clinic"
    refused(plain, wire, peer.token(jti="1"), "used before")
    refused(plain, wire, peer.token(iat=peer.now() - 60), "before this node started")


@pytest.mark.parametrize(
    "changed",
    [{"capabilityInvocation": None}, {"capabilityInvocation": [f"{PEER}#key-2"]}, {"id": "did:web:other.example"},
     {"verificationMethod": []}, {"verificationMethod": "key"}],
    ids=str,
)  # fmt: skip
def test_the_key_must_be_there_for_that(plain: Node, wire: Wire, peer: Other, changed: dict[str, Any]) -> None:
    peer.publish(**changed)
    refused(plain, wire, peer.token(), "document")


def test_without_a_name_of_a_key_there_must_be_one_key(plain: Node, wire: Wire, peer: Other) -> None:
    method = peer.document()["verificationMethod"][0]
    peer.publish(verificationMethod=[method, {**method, "id": f"{PEER}#key-2"}])
    refused(plain, wire, peer.token({"kid": None}), "more than one")
    assert who(plain, wire, peer.token()) == "clinic"


def test_a_new_key_is_found_and_a_document_is_not_fetched_for_each_token(
    plain: Node, wire: Wire, peer: Other, clock: SetClock
) -> None:
    clock.tick = 0
    for _ in range(5):
        assert who(plain, wire, peer.token()) == "clinic"
    assert len(wire.asked) == 1
    peer.key = KeyPair("key-2")
    peer.publish()
    refused(plain, wire, peer.token(), "no key")  # it was fetched a moment ago
    clock.move(seconds=6)
    assert who(plain, wire, peer.token()) == "clinic"
    assert len(wire.asked) == 2
    for _ in range(5):
        refused(plain, wire, peer.token({"kid": f"{PEER}#key-9"}), "no key")
    assert len(wire.asked) == 2


def test_what_cannot_be_had_is_not_asked_for_at_once_again(
    plain: Node, wire: Wire, peer: Other, clock: SetClock
) -> None:
    clock.tick = 0
    wire.lying.clear()
    refused(plain, wire, peer.token(), "could not be asked")
    refused(plain, wire, peer.token(), "a moment ago")
    assert len(wire.asked) == 1
    peer.publish()
    clock.move(seconds=6)
    assert who(plain, wire, peer.token()) == "clinic"


def test_a_huge_document_is_not_read(plain: Node, wire: Wire, peer: Other) -> None:
    wire.lying["https://clinic.example/.well-known/did.json"] = json.dumps(
        {**peer.document(), "padding": "x" * DOCUMENT_LIMIT}
    ).encode()
    refused(plain, wire, peer.token(), "longer than")


def test_without_the_stewards_word_nothing_is_asked_in_clear(plain: Node, wire: Wire) -> None:
    local = Other(plain, wire, "did:web:localhost%3A9999").publish().linked()
    refused(plain, wire, local.token(), "not reached over TLS")
    assert wire.asked == []
    local.linked(private=True)
    assert who(plain, wire, local.token()) == "clinic"
    assert wire.asked[0].private


def test_a_document_that_lies_elsewhere_is_not_followed(plain: Node, wire: Wire, peer: Other) -> None:
    elsewhere = wire.lying["https://clinic.example/.well-known/did.json"]
    wire.lying["https://evil.example/did.json"] = elsewhere
    wire.lying["https://clinic.example/.well-known/did.json"] = lambda request: ServiceReply(
        302, ((b"location", b"https://evil.example/did.json"),), peer.wire.lying["https://evil.example/did.json"]  # type: ignore[arg-type]
    )  # fmt: skip
    refused(plain, wire, peer.token(), "answered with status 302")


# ---- what others say of it


@pytest.mark.parametrize("profile", [dcp.VC11, dcp.VC20])
def test_a_member_shows_its_membership(
    plain: Node, wire: Wire, peer: Other, registrar: Registrar, profile: str
) -> None:
    registrar.list(profile=profile)
    peer.answers(peer.presents(registrar.issue(PEER, profile, index=5), profile=profile))
    assert who(registrar.trusted(plain), wire, peer.token()) == "clinic"
    asked = next(one for one in wire.asked if one.method == "POST")
    assert dcp.read_query(asked.body) == (f"org.eclipse.dspace.dcp.vc.type:{TYPE}:read",)
    token = jose.unverified(dict(asked.headers)[b"authorization"].decode().removeprefix("Bearer "))
    assert (token.claims["iss"], token.claims["aud"]) == (plain.connector.participant, PEER)
    assert token.claims["token"] == "let-me-see"


def test_who_shows_nothing_is_nobody(plain: Node, wire: Wire, peer: Other, registrar: Registrar) -> None:
    node = registrar.trusted(plain)
    refused(node, wire, peer.token(token=None), "no claim `token`")
    refused(node, wire, peer.token(), "could not be asked")
    peer.answers()
    refused(node, wire, peer.token(), "does not show a `MembershipCredential`")
    peer.answers(peer.presents())
    refused(node, wire, peer.token(), "does not show a `MembershipCredential`")
    peer.publish(service=[])
    node.identities.fetched.found.clear()
    refused(node, wire, peer.token(), "names no `CredentialService`")


def test_more_credentials_than_asked_for_do_not_matter(
    plain: Node, wire: Wire, peer: Other, registrar: Registrar
) -> None:
    other = Registrar(plain, wire, "did:web:unknown.example")
    peer.answers(peer.presents(
        other.issue(PEER), registrar.issue(PEER), registrar.issue(PEER, type=["VerifiableCredential", "Sensitive"])
    ))  # fmt: skip
    assert who(registrar.trusted(plain), wire, peer.token()) == "clinic"
    assert not any("unknown.example" in request.url for request in wire.asked)


def _revoked(peer: Other, registrar: Registrar) -> str:
    registrar.list(5)
    return registrar.issue(PEER, index=5)


NOT_HELD = {
    "of another subject": (lambda p, r: r.issue("did:web:other.example"), "about somebody else"),
    "of two subjects": (
        lambda p, r: r.issue(PEER, credentialSubject=[{"id": PEER}, {"id": "did:web:other.example"}]), "one subject"
    ),
    "of a subject that the envelope does not name": (
        lambda p, r: r.issue("did:web:other.example", credentialSubject={"id": PEER}), "one subject"
    ),
    "without a subject": (lambda p, r: r.issue(PEER, credentialSubject={"since": "2020"}), "no name"),
    "run out": (lambda p, r: r.issue(PEER, expirationDate=later(p.node.clock.now(), days=-1)), "run out"),
    "not yet valid": (lambda p, r: r.issue(PEER, issuanceDate=later(p.node.clock.now(), hours=1)), "not valid yet"),
    "no moment": (lambda p, r: r.issue(PEER, expirationDate="soon"), "no moment"),
    "no credential": (lambda p, r: r.issue(PEER, type=[TYPE]), "no `VerifiableCredential`"),
    "revoked": (_revoked, "revoked or suspended"),
    "of a status nobody knows": (lambda p, r: r.issue(PEER, credentialStatus={"type": "Mood"}), "not understood"),
    "beyond the list": (lambda p, r: r.issue(PEER, index=8 * dcp.LIST_LEAST), "reach as far"),
    "signed by another": (lambda p, r: Registrar(p.node, p.wire, ISSUER).issue(PEER), "no key"),
    "signed by its holder": (
        lambda p, r: p.key.sign(p.header(), jose.unverified(r.issue(PEER)).claims), "not one of"
    ),
    "unsigned": (lambda p, r: r.issue(PEER, header={"alg": "none"}), "no key"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_HELD)
def test_a_credential_that_does_not_hold_shows_nothing(
    plain: Node, wire: Wire, peer: Other, registrar: Registrar, name: str
) -> None:
    make, why = NOT_HELD[name]
    peer.answers(peer.presents(make(peer, registrar)))
    refused(registrar.trusted(plain), wire, peer.token(), why)
    peer.answers(peer.presents(registrar.issue(PEER)))
    assert who(registrar.trusted(plain), wire, peer.token()) == "clinic"


LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "too short": ({"size": 100}, "longer or shorter"),
    "too long": ({"size": dcp.LIST_LIMIT + 1}, "longer or shorter"),
    "of another address": ({"id": "https://registrar.example/status/2"}, "another address"),
    "of another purpose": (
        {"credentialSubject": {"statusPurpose": "message", "encodedList": "x"}},
        "another address or purpose",
    ),
    "no list": ({"type": ["VerifiableCredential"]}, "no list of statuses"),
    "not packed": ({"credentialSubject": {"statusPurpose": "revocation", "encodedList": "AAAA"}}, "cannot be unpacked"),
    "of another issuer": ({"issuer": "did:web:other.example"}, "whose key signed it"),
    "unsigned": ({"header": {"alg": "none"}}, "no key"),
    "past its end": ({"expirationDate": "2020-01-01T00:00:00Z"}, "too old"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_does_not_hold_says_nothing(
    plain: Node, wire: Wire, peer: Other, registrar: Registrar, name: str
) -> None:
    changed, why = LISTS[name]
    registrar.list(**changed)
    peer.answers(peer.presents(registrar.issue(PEER, index=5)))
    refused(registrar.trusted(plain), wire, peer.token(), why)


def test_an_old_list_says_nothing(plain: Node, wire: Wire, peer: Other, registrar: Registrar, clock: SetClock) -> None:
    clock.move(seconds=plain.identities.status_seconds)
    peer.answers(peer.presents(registrar.issue(PEER, index=5)))
    refused(registrar.trusted(plain), wire, peer.token(), "too old")
    wire.lying[STATUS] = json.dumps({"credentialSubject": {}}).encode()  # and one that nobody signed
    clock.move(seconds=61)
    peer.answers(peer.presents(registrar.issue(PEER, index=5)))
    refused(registrar.trusted(plain), wire, peer.token(), "three parts")


def test_a_presentation_is_its_holders_for_this_node_and_once(
    plain: Node, wire: Wire, peer: Other, registrar: Registrar
) -> None:
    node, good = registrar.trusted(plain), registrar.issue(PEER)
    for changed, why in (
        ({"aud": "did:web:other.example"}, "`aud`"), ({"iss": "did:web:other.example"}, "whose key signed"),
        ({"exp": 1_000_000_000}, "run out"), ({"jti": None}, "jti"),
        ({"vp": {"type": "Other", "verifiableCredential": [good]}}, "no `VerifiablePresentation`"),
        ({"vp": {"type": "VerifiablePresentation", "holder": ISSUER, "verifiableCredential": [good]}}, "whose key signed"),
        ({"vp": {"type": "VerifiablePresentation", "verifiableCredential": [good] * 51}}, "more than 50"),
        ({"vp": None}, "no profile"),
    ):  # fmt: skip
        peer.answers(peer.presents(good, **changed))
        refused(node, wire, peer.token(), why)
    once = peer.presents(good)
    peer.answers(once)
    assert who(node, wire, peer.token()) == "clinic"
    refused(node, wire, peer.token(), "used before")
    thief = Other(plain, wire, PEER)
    peer.answers(thief.presents(good))
    refused(node, wire, peer.token(), "no key")
    peer.publish(authentication=[])  # its key is not there for presentations
    node.identities.fetched.found.clear()
    peer.answers(peer.presents(good))
    refused(node, wire, peer.token(), "`authentication`")


def test_a_presentation_is_of_one_profile(plain: Node, wire: Wire, peer: Other, registrar: Registrar) -> None:
    node = registrar.trusted(plain)
    peer.answers(peer.presents(registrar.issue(PEER, dcp.VC11), profile=dcp.VC20))
    refused(node, wire, peer.token(), "profile")
    peer.answers(peer.presents(registrar.issue(PEER, dcp.VC20), profile=dcp.VC11))
    refused(node, wire, peer.token(), "profile")


def test_a_credential_service_that_says_no_or_too_much(
    plain: Node, wire: Wire, peer: Other, registrar: Registrar
) -> None:
    node, good = registrar.trusted(plain), registrar.issue(PEER)
    peer.answers(peer.presents(good), status=302)
    refused(node, wire, peer.token(), "answered with status 302")
    peer.answers(peer.presents(good), size=3_000_000)
    refused(node, wire, peer.token(), "longer than")
    peer.answers(*[peer.presents(good) for _ in range(11)])
    refused(node, wire, peer.token(), "at most 10")
    peer.answers(5)
    refused(node, wire, peer.token(), "no token")
