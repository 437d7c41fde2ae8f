"""Identity attacked: by holders, thieves of tokens, forgers of credentials, and those who stand in between.

What is at stake: that nobody is taken for another, with what he overheard, borrowed or made up; that what was revoked is
worth nothing; and that a token says how it is verified to nobody but itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

import story
from identity.conftest import *  # noqa: F403 - the fixtures of that world
from identity.conftest import AGENT, MEMBER
from identity.world import CLAIMS, ISSUER, LIST, TYPE, Client, Issuer, Key, accepted, shown
from serving import served
from support import SetClock
from usufruct.core.base.faults import BadInput, NodeFault, PeerFault
from usufruct.core.base.instants import seconds
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry import credentials
from usufruct.core.registry.credentials import Shown
from usufruct.node import identity, login, register
from usufruct.node.node import Node
from usufruct.node.once import Once
from usufruct.peer.documents import HttpDocuments
from usufruct.web.app import make_app
from usufruct.wire import jose, oauth, sdjwt, statuslist
from usufruct.wire.sdjwt import Hidden


def refused(node: Node, text: str, party: str = story.USER, agreed: tuple[str, ...] = CLAIMS) -> str:
    """The code and reason with which a presentation is refused; nothing is kept of it."""
    found = identity.present(node, party, text, agreed)
    assert isinstance(found, Refusal), found
    with node.store.read() as state:
        assert not list(state.list(credentials.Credential, party=party)), "and nothing is kept of it"
    return f"{found.code}: {found.reasons[0]}"


# ---- credentials: replay, another holder, another place


def test_a_presentation_that_was_overheard_is_worth_nothing(node: Node, issuer: Issuer) -> None:
    holder = Key()
    text = shown(node, story.STRANGER, holder, issuer.issue(holder))
    assert "identity.holder" in refused(node, text), "the nonce was given to another party"
    text = shown(node, story.USER, holder, issuer.issue(holder))
    first = story.done(identity.present(node, story.USER, text))
    again = identity.present(node, story.USER, text)
    assert isinstance(again, Refusal) and again.code == "identity.holder", "a nonce is good once"
    story.done(identity.forget(node, story.USER, first.id))
    after = identity.present(node, story.USER, text)
    assert isinstance(after, Refusal) and after.code == "identity.holder", "nor when it was taken back"


def test_the_verifier_itself_compares_the_nonce(node: Node, issuer: Issuer) -> None:
    """Whatever its caller looked up before."""
    holder, keys = Key(), [jose.public_key(issuer.key.public)]
    text = shown(node, story.USER, holder, issuer.issue(holder), nonce="one")
    assert isinstance(sdjwt.verify(text, keys, node.about.url, "one", node.clock.now()), Shown)
    for other in ("two", ""):
        found = sdjwt.verify(text, keys, node.about.url, other, node.clock.now())
        assert isinstance(found, Refusal) and found.code == "identity.holder"


def test_a_nonce_runs_out(node: Node, issuer: Issuer, clock: SetClock) -> None:
    holder = Key()
    nonce = identity.challenge(node, story.USER).nonce
    clock.move(minutes=identity.NONCE_MINUTES)
    assert "nonce" in refused(node, shown(node, story.USER, holder, issuer.issue(holder), nonce=nonce))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"audience": "https://elsewhere.example"}, "identity.holder: it was signed for another"),
        ({"audience": ["http://127.0.0.1:8000"]}, "identity.holder: it was signed for another"),
        ({"nonce": "made up"}, "identity.holder: it does not answer a nonce"),
        ({"nonce": ""}, "identity.holder: it does not answer a nonce"),
    ],
)
def test_a_presentation_for_another_place_is_refused(
    node: Node, issuer: Issuer, changed: dict[str, Any], why: str
) -> None:
    holder = Key()
    assert why in refused(node, shown(node, story.USER, holder, issuer.issue(holder), **changed))


@pytest.mark.parametrize("seconds_off", [-sdjwt.BINDING_SECONDS - 10, jose.SKEW_SECONDS + 10])
def test_a_presentation_of_another_time_is_refused(node: Node, issuer: Issuer, seconds_off: int) -> None:
    holder = Key()
    at = seconds(node.clock.now()) + seconds_off
    text = shown(node, story.USER, holder, issuer.issue(holder), at=at)
    assert "identity.holder: its holder signed it too long ago" in refused(node, text)


@pytest.mark.parametrize("seconds_off", [-sdjwt.BINDING_SECONDS + 10, jose.SKEW_SECONDS - 10])
def test_a_clock_that_is_a_little_off_is_borne(node: Node, issuer: Issuer, seconds_off: int) -> None:
    holder = Key()
    at = seconds(node.clock.now()) + seconds_off
    story.done(identity.present(node, story.USER, shown(node, story.USER, holder, issuer.issue(holder), at=at)))


@pytest.mark.parametrize(
    ("claim", "off", "why"),
    [
        ("exp", -40, "run out"),
        ("nbf", 40, "does not hold yet"),
        ("iat", 40, "in the future"),
        ("exp", "soon", "no moment"),
    ],
)
def test_a_credential_of_another_day_is_refused(
    node: Node, issuer: Issuer, claim: str, off: int | str, why: str
) -> None:
    holder = Key()
    at = seconds(node.clock.now()) + off if isinstance(off, int) else off
    found = refused(node, shown(node, story.USER, holder, issuer.issue(holder, **{claim: at})))
    assert "identity.credential" in found and why in found


def test_a_thief_without_the_holders_key_cannot_show_it(node: Node, issuer: Issuer) -> None:
    holder, thief = Key(), Key()
    stolen = issuer.issue(holder)
    assert "not its holder" in refused(node, shown(node, story.USER, thief, stolen))
    nonce = identity.challenge(node, story.USER).nonce
    bare = sdjwt.present(stolen, True)
    assert "identity.holder" in refused(node, bare), "and not without any signature"
    kb = {"aud": node.about.url, "nonce": nonce, "iat": seconds(node.clock.now())}
    another = jose.sign({"alg": "Ed25519", "typ": "kb+jwt"}, {**kb, "sd_hash": "x"}, holder.private.sign)
    assert "signed something else" in refused(node, bare + another)


def test_a_signature_over_less_does_not_carry_what_was_added(node: Node, issuer: Issuer) -> None:
    """Somebody in between adds disclosures that the holder kept back, or takes away those that speak against her."""
    holder = Key()
    credential = issuer.issue(holder)
    text = shown(node, story.USER, holder, credential, ("role",))
    *parts, binding = text.split("~")
    held_back = next(one for one in credential.split("~")[1:-1] if one not in parts)
    assert "signed something else" in refused(node, "~".join([*parts, held_back, binding]))
    text = shown(node, story.USER, holder, credential, ("role",))
    token, _, binding = text.split("~")
    assert "signed something else" in refused(node, f"{token}~{binding}")


def test_a_credential_that_is_bound_to_nobody_is_refused(node: Node, issuer: Issuer) -> None:
    holder = Key()
    assert "no key of its holder" in refused(node, shown(node, story.USER, holder, issuer.issue(holder, cnf=None)))
    private = {"jwk": json.loads(holder.private_text)}
    assert "a private one" in refused(node, shown(node, story.USER, holder, issuer.issue(holder, cnf=private)))


def test_one_holders_key_does_not_speak_for_two_parties(node: Node, issuer: Issuer) -> None:
    holder = Key()
    credential = issuer.issue(holder)
    story.done(identity.present(node, story.STRANGER, shown(node, story.STRANGER, holder, credential)))
    assert "speaks for another party" in refused(node, shown(node, story.USER, holder, credential))


# ---- credentials: forged, confused, smuggled


def test_alg_none_and_other_algorithms_are_refused(node: Node, issuer: Issuer) -> None:
    holder = Key()
    credential = issuer.issue(holder, says={})
    _, payload, _ = credential.rstrip("~").split(".")
    for alg in ("none", "None", "nOnE", "HS256", "RS256", "ES256", ""):
        header = jose.to_base64url(json.dumps({"alg": alg, "typ": "dc+sd-jwt"}).encode())
        mac = b"" if alg.lower() == "none" else _mac(f"{header}.{payload}".encode(), issuer.key.public["x"].encode())
        forged = f"{header}.{payload}.{jose.to_base64url(mac)}~"
        assert "identity.credential: no key" in refused(node, shown(node, story.USER, holder, forged))


def _mac(message: bytes, key: bytes) -> bytes:
    """HMAC with the public key as the secret: what a library verifies that believes the token's `alg`."""
    return hmac.new(key, message, hashlib.sha256).digest()


@pytest.mark.parametrize("header", [{"jwk": True}, {"jku": "https://evil.example/keys"}, {"x5c": ["AA"]}, {"kid": "x"}])
def test_a_key_that_a_credential_brings_along_is_not_believed(
    node: Node, issuer: Issuer, header: dict[str, Any]
) -> None:
    holder, forger = Key(), Key()
    header = {**header, **({"jwk": forger.public} if "jwk" in header else {})}
    claims = jose.unverified(issuer.issue(holder, says={}).rstrip("~")).claims
    forged = forger.sign({"typ": "dc+sd-jwt", **header}, claims) + "~"
    assert "no key that is trusted for it signed it" in refused(node, shown(node, story.USER, holder, forged))
    assert issuer.documents.asked == []


def test_a_token_of_another_kind_is_no_credential(node: Node, issuer: Issuer) -> None:
    """What the issuer signed for another purpose: `typ` keeps them apart."""
    holder = Key()
    claims = jose.unverified(issuer.issue(holder, says={}).rstrip("~")).claims
    for typ in ("JWT", "statuslist+jwt", "at+jwt", "kb+jwt", None):
        forged = issuer.key.sign({"typ": typ} if typ else {}, claims) + "~"
        assert "its type is not" in refused(node, shown(node, story.USER, holder, forged))
    extended = issuer.key.sign({"typ": "dc+sd-jwt", "crit": ["x"], "x": 1}, claims) + "~"
    assert "an extension" in refused(node, shown(node, story.USER, holder, extended))


@pytest.mark.parametrize("name", ["exp", "status", "vct#integrity", "nbf"])
def test_what_must_be_shown_cannot_be_hidden(node: Node, issuer: Issuer, name: str) -> None:
    """Else a holder leaves out that it has run out, or can be revoked."""
    holder = Key()
    credential = issuer.issue(holder, says={name: 1}, index=None, **{name: None})
    text = shown(node, story.USER, holder, credential, (name,))
    assert "must not be hidden" in refused(node, text)


def test_disclosures_that_do_not_fit_are_refused(issuer: Issuer) -> None:
    key = [jose.public_key(issuer.key.public)]

    def digest(text: str) -> str:
        return jose.to_base64url(hashlib.sha256(text.encode()).digest())

    def disclosure(*parts: Any) -> str:
        return jose.to_base64url(json.dumps(["salt", *parts]).encode())

    one, item = disclosure("role", "boss"), disclosure("boss")
    for claims, disclosures, why in (
        ({}, [one], "did not sign"),
        ({"_sd": [digest(one)], "in": {"_sd": [digest(one)]}}, [one], "two places"),
        ({"_sd": [digest(one), digest(one)]}, [one], "two places"),
        ({"_sd": [digest(one)]}, [one, one], "disclosed twice"),
        ({"_sd": [digest(one)], "role": "driver"}, [one], "in place of another"),
        ({"_sd": [digest(item)]}, [item], "as a claim"),
        ({"list": [{"...": digest(one)}]}, [one], "as the item of a list"),
        ({"_sd": digest(one)}, [], "cannot stand"),
        ({"_sd": [1]}, [], "a digest is a text"),
        ({"_sd_alg": "md5"}, [], "not known here"),
        ({"_sd_alg": ["sha-256"]}, [], "not known here"),
        ({"_sd": [digest(disclosure("_sd", []))]}, [disclosure("_sd", [])], "cannot have"),
        ({"_sd": [digest(disclosure("...", 1))]}, [disclosure("...", 1)], "cannot have"),
        ({"_sd": [digest(disclosure(1, 1))]}, [disclosure(1, 1)], "cannot have"),
        ({"_sd": [digest("W10")]}, ["W10"], "a disclosure is"),
        ({"_sd": [digest(one + "=")]}, [one + "="], "not base64url"),
    ):
        text = "~".join([issuer.key.sign({}, claims), *disclosures, ""])
        with pytest.raises(ValueError, match=why):
            sdjwt.unpack(text, key)


def test_text_that_can_be_read_in_two_ways_is_not_read(issuer: Issuer) -> None:
    for text in (b'{"a":1,"a":2}', b'{"a":NaN}', b"[" * 100_000, b'{"a":Infinity}'):
        with pytest.raises(ValueError, match=r"twice|number|nested"):
            jose.strict_json(text)
    for text in ("QQ==", "QR", "Q Q", "Q\nQ", "é"):
        with pytest.raises(ValueError, match="base64url"):
            jose.from_base64url(text)
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="nested"):
        sdjwt.unpack(issuer.key.sign({}, {"a": deep}) + "~", [jose.public_key(issuer.key.public)])


def test_one_key_has_one_name() -> None:
    key = Key().public
    short = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    assert jose.public_key({**key, "kid": "a", "x5t": "b"}).thumbprint == jose.public_key(key).thumbprint
    for wrong in (short, {**key, "x": key["x"] + "="}, {**key, "crv": "X25519"}, {**key, "kty": ["OKP"]}, "key", None,
                  {**key, "use": "enc"}, {**key, "alg": "ES256"}, {"kty": "OKP", "crv": "Ed25519"}):  # fmt: skip
        with pytest.raises(ValueError, match="key"):
            jose.public_key(wrong)
    while True:  # one key in 256 has a coordinate that begins with a zero byte, which could be left out
        curve = ECKey.generate_key("P-256", auto_kid=False).as_dict(private=False)
        x = jose.from_base64url(str(curve["x"]))
        if x[0] == 0:
            break
    assert jose.public_key(curve)
    short_coordinate = {**curve, "x": jose.to_base64url(x[1:])}
    with pytest.raises(ValueError, match="32 bytes long"):
        jose.public_key(short_coordinate)


def test_only_the_issuer_and_type_of_the_settings_are_trusted(node: Node, issuer: Issuer) -> None:
    holder = Key()
    for changed in ({"iss": "https://evil.example"}, {"vct": f"{TYPE}/chief"}):
        text = shown(node, story.USER, holder, issuer.issue(holder, **changed))
        assert "identity.untrusted" in refused(node, text)
    with pytest.raises(BadInput, match="no credential"):
        identity.present(node, story.USER, "not a credential")


def test_ids_of_issuers_are_compared_as_they_are_written(node: Node, issuer: Issuer) -> None:
    """No folding of case, of Unicode forms or of escapes: what looks alike is another (attack 10)."""
    holder = Key()
    for alike in (
        "https://Guild.example", "https://guild.example/", "https://guild.example#", "https://gu\u0131ld.example",
        "https://guild\u2024example", "https://guild.example%00", "https://gui\u200bld.example", f" {ISSUER}",
    ):  # fmt: skip
        text = shown(node, story.USER, holder, issuer.issue(holder, iss=alike))
        assert "identity.untrusted" in refused(node, text)
    for name in ("Institute", "institute ", "\u0456nstitute", "institute\u200b", "in\u017ftitute", "institute/x"):
        with pytest.raises(BadInput):
            register.add_party(node, name, "organisation", "Institute")
        with pytest.raises(BadInput):
            identity.register_key(node, name, "user", "t", "{}")


# ---- status lists


def test_a_revoked_credential_is_refused(node: Node, issuer: Issuer) -> None:
    issuer.revoked.add(7)
    issuer.publish()
    holder = Key()
    assert "identity.status: its issuer has revoked" in refused(
        node, shown(node, story.USER, holder, issuer.issue(holder))
    )
    outside = shown(node, story.USER, holder, issuer.issue(holder, index=64))
    assert "identity.status" in refused(node, outside), "a place that is not on the list says nothing good"


@pytest.mark.parametrize(
    ("published", "why"),
    [
        ({"issued": -25 * 3600, "life": 90 * 86_400}, "too old"),
        ({"issued": -7200, "life": 3600}, "run out"),
        ({"issued": 3600}, "in the future"),
        ({"uri": "https://guild.example/status/2"}, "another address"),
        ({"key": Key()}, "no key that is trusted"),
    ],
)
def test_a_list_that_is_stale_or_not_the_issuers_is_refused(
    node: Node, issuer: Issuer, published: dict[str, Any], why: str
) -> None:
    """Whoever stands in between shows the list of before the revocation."""
    if "issued" in published:
        published = {**published, "issued": seconds(node.clock.now()) + published["issued"]}
    issuer.publish(**published)
    holder = Key()
    found = refused(node, shown(node, story.USER, holder, issuer.issue(holder)))
    assert "identity.status" in found and why in found


def test_a_list_that_cannot_be_had_accepts_nothing(node: Node, issuer: Issuer) -> None:
    issuer.documents.lying.clear()
    holder = Key()
    with pytest.raises(PeerFault):
        identity.present(node, story.USER, shown(node, story.USER, holder, issuer.issue(holder)), CLAIMS)


def test_an_older_list_than_the_last_is_refused(node: Node, issuer: Issuer, clock: SetClock) -> None:
    """It is fresh by itself, but hides what was revoked since."""
    accepted(node, issuer, story.USER)
    old = dict(issuer.documents.lying)
    clock.move(hours=1)
    issuer.revoked.add(9)
    issuer.publish()
    identity.recheck(node)
    with node.store.read() as state:
        newest = state.get(credentials.StatusList, LIST)
    issuer.documents.lying = old
    clock.move(hours=1)
    with pytest.raises(NodeFault, match="older than one that was read before"):
        identity.recheck(node)
    with node.store.read() as state:
        assert state.get(credentials.StatusList, LIST) == newest
    holder = Key()
    text = shown(node, story.STRANGER, holder, issuer.issue(holder, index=9))
    assert "older than one" in refused(node, text, story.STRANGER)


def test_a_list_that_swells_is_not_unpacked(node: Node, issuer: Issuer) -> None:
    bomb = jose.to_base64url(zlib.compress(bytes(statuslist.LIST_LIMIT + 1), 9))
    now = seconds(node.clock.now())
    for listed in ({"bits": 1, "lst": bomb}, {"bits": 3, "lst": "AA"}, {"bits": True, "lst": "AA"}, {"bits": 1, "lst": "AA"},
                   {"bits": 1, "lst": jose.to_base64url(zlib.compress(b"abc")[:-1])}, {"lst": ""}, None):  # fmt: skip
        claims = {"sub": LIST, "iat": now, "status_list": listed}
        issuer.documents.lying[LIST] = issuer.key.sign({"typ": "statuslist+jwt"}, claims).encode()
        holder = Key()
        assert "identity.status" in refused(node, shown(node, story.USER, holder, issuer.issue(holder)))


def test_a_status_of_an_unknown_kind_is_not_ignored(node: Node, issuer: Issuer) -> None:
    holder = Key()
    for status in ({}, {"other": {}}, {"status_list": {"uri": LIST, "idx": True}}, {"status_list": {"idx": 1}}, "x",
                   {"status_list": {"uri": LIST, "idx": -1}}, {"status_list": {"uri": "", "idx": 1}},
                   {"status_list": {"uri": "https://guild\u0301.example", "idx": 1}}):  # fmt: skip
        text = shown(node, story.USER, holder, issuer.issue(holder, index=None, status=status))
        assert "of a kind that is not known" in refused(node, text)


def test_a_status_list_does_not_lead_into_a_private_network() -> None:
    documents = HttpDocuments()
    for url in ("https://127.0.0.1:1/x", "https://[::1]:1/", "https://10.0.0.1/"):
        with pytest.raises(PeerFault, match="private network"):
            documents.get(url, False)
    with pytest.raises(PeerFault, match="could not be asked"):
        documents.get("https://localhost:1/x", False)
    for url in ("http://x.example", "file:///etc/passwd", "https://[", ""):
        with pytest.raises(PeerFault, match="over TLS"):
            documents.get(url, False)
    with pytest.raises(PeerFault, match="less than 60 seconds ago"):
        documents.get("https://127.0.0.1:1/x", False)


def test_nobody_makes_the_node_fetch_without_a_nonce(node: Node, issuer: Issuer) -> None:
    holder = Key()
    refused(node, shown(node, story.USER, holder, issuer.issue(holder), nonce="x"))
    assert issuer.documents.asked == []
    forged = Issuer(node)
    refused(node, shown(node, story.USER, holder, forged.issue(holder)))
    assert issuer.documents.asked == [], "nor by a credential that the issuer did not sign"


# ---- tokens


@pytest.fixture
def client(node: Node) -> Client:
    """A program of the institute."""
    return Client(node, story.USER).registered()


WHO = "/api/v1/keys"


def test_a_token_without_its_proof_is_worth_nothing(http: Any, client: Client) -> None:
    token = client.token(http)
    assert client.ask(http, "GET", WHO, token, proof="").status_code == 401
    assert http.get(WHO, headers={"Authorization": f"Bearer {token}"}).status_code == 401, "nor as a bearer token"
    thief = replace(client, proofs=Key())
    assert thief.ask(http, "GET", WHO, token).status_code == 401, "nor with the proof of another key"
    assert client.ask(http, "GET", WHO, token).status_code == 200


def test_two_proofs_are_none(http: Any, client: Client, node: Node) -> None:
    """Else one of them is checked here, and the other by whoever stands before or behind."""
    token = client.token(http)
    headers = [("Authorization", f"DPoP {token}"), ("DPoP", client.proof("GET", WHO, token))]
    with served(make_app(node)) as url:  # the test client would join them to one
        assert httpx.get(url + WHO, headers=[*headers, ("DPoP", "x")]).status_code == 401
        assert httpx.get(url + WHO, headers=headers).status_code == 200, "it was not used up"


def test_a_proof_is_good_once(http: Any, client: Client) -> None:
    token = client.token(http)
    proof = client.proof("GET", WHO, token)
    assert client.ask(http, "GET", WHO, token, proof).status_code == 200
    again = client.ask(http, "GET", WHO, token, proof)
    assert again.status_code == 401 and "used before" in again.json()["fault"]["message"]
    proof, assertion = client.proof("POST", "/oauth/token"), client.assertion()
    assert client.ask_token(http, assertion, proof).status_code == 200
    assert client.ask_token(http, proof=proof).json()["error"] == "invalid_dpop_proof"
    assert client.ask_token(http, assertion).json()["error"] == "invalid_client", "and so is what a client signs"


ANOTHER_PROOF: list[tuple[dict[str, Any], str]] = [
    ({"htm": "POST"}, "not for `GET`"),
    ({"htm": "get"}, "not for `GET`"),
    ({"htm": None}, "not for `GET`"),
    ({"htu": "http://127.0.0.1:8000/api/v1/parties"}, "the proof is not for"),
    ({"htu": "https://127.0.0.1:8000/api/v1/keys"}, "the proof is not for"),
    ({"htu": "http://127.0.0.1/api/v1/keys"}, "the proof is not for"),
    ({"htu": "http://elsewhere.example/api/v1/keys"}, "the proof is not for"),
    ({"htu": "http://127.0.0.1:8000/API/v1/keys"}, "the proof is not for"),
    ({"htu": None}, "`htu` is missing"),
    ({"jti": None}, "`jti` is missing"),
    ({"jti": 5}, "`jti` is missing"),
    ({"jti": "x" * 201}, "longer than"),
    ({"iat": None}, "`iat` is missing"),
    ({"iat": True}, "no moment"),
    ({"ath": None}, "not for this token"),
    ({"ath": "x"}, "not for this token"),
    ({"header": {"typ": "JWT"}}, "its type"),
    ({"header": {"jwk": None}}, "a JSON object"),
    ({"header": {"jwk": json.loads(Key().private_text)}}, "a private one"),
    ({"header": {"jwk": Key().public}}, "no key that is trusted"),
    ({"header": {"alg": "none"}}, "no key that is trusted"),
    ({"header": {"alg": "HS256"}}, "no key that is trusted"),
]


def test_a_proof_for_something_else_is_refused(http: Any, client: Client) -> None:
    token = client.token(http)
    for changed, why in ANOTHER_PROOF:
        answer = client.ask(http, "GET", WHO, token, client.proof("GET", WHO, token, **dict(changed)))
        assert answer.status_code == 401 and why in answer.json()["fault"]["message"], (changed, answer.text)


def test_a_proof_of_another_time_is_refused(http: Any, client: Client, clock: SetClock) -> None:
    clock.move(minutes=5)
    clock.tick = 0
    token = client.token(http)
    for off, good in [(-55, True), (-65, False), (3, True), (10, False)]:
        answer = client.ask(http, "GET", WHO, token, client.proof("GET", WHO, token, iat=client.now() + off))
        assert answer.status_code == (200 if good else 401), off


def test_an_address_has_one_spelling(http: Any, client: Client) -> None:
    token = client.token(http)
    for same in ("HTTP://127.0.0.1:8000/api/v1/keys", "http://127.0.0.1:8000/api/v1/keys?a=1#b"):
        assert client.ask(http, "GET", WHO, token, client.proof("GET", WHO, token, htu=same)).status_code == 200


def test_a_node_that_starts_again_takes_nothing_that_it_could_have_seen_before() -> None:
    once = Once(started=1000, ahead=5)
    assert not once.first("proof made before the start", 999, 1060, 1001)
    assert not once.first("proof made in the future and used before the start", 1005, 1066, 1001)
    assert once.first("a", 1006, 1067, 1006) and not once.first("a", 1006, 1067, 1007)


def test_what_was_seen_is_forgotten_only_when_it_has_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usufruct.node.once.MOST", 3)
    once = Once(0, 0)
    assert all(once.first(id, 10, 100, 10) for id in "abc")
    assert not once.first("d", 10, 100, 10), "full: nobody comes in, rather than somebody twice"
    assert not once.first("a", 10, 100, 10)
    assert once.first("d", 101, 200, 101) and not once.first("d", 101, 200, 102)


ANOTHER_ASSERTION: list[dict[str, Any]] = [
    {"iss": story.STRANGER}, {"sub": story.STRANGER, "iss": story.STRANGER}, {"aud": "https://elsewhere.example"},
    {"aud": ["http://127.0.0.1:8000", "https://elsewhere.example"]}, {"aud": None}, {"exp": None}, {"jti": None},
    {"iat": None}, {"exp": 2**36}, {"sub": None}, {"nbf": 2**36}, {"iss": "Institute", "sub": "Institute"},
    {"iss": "\u0456nstitute", "sub": "\u0456nstitute"},
]  # fmt: skip


def test_what_a_client_signs_must_be_for_here_and_now(http: Any, client: Client) -> None:
    for changed in ANOTHER_ASSERTION:
        answer = client.ask_token(http, client.assertion(**changed))
        assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client"), changed


def test_another_partys_key_does_not_speak_for_one(http: Any, client: Client, node: Node) -> None:
    other = Client(node, story.STRANGER).registered()
    forged = Client(node, story.USER, other.key)
    assert forged.ask_token(http).json()["error"] == "invalid_client"
    unknown = Client(node, "nobody")
    assert unknown.ask_token(http).json() == forged.ask_token(http).json(), "unknown and wrong sound the same"


def test_what_is_known_by_name_is_not_an_id(http: Any, node: Node) -> None:
    """A member's name leads to her in forms; a program names her id, and nothing else."""
    client = Client(node, MEMBER).registered("member")
    assert client.token(http)
    assert Client(node, MEMBER.upper(), client.key).ask_token(http).json()["error"] == "invalid_client"


def test_a_token_is_not_forged_or_widened(http: Any, client: Client, node: Node) -> None:
    token = client.token(http, scope="ask")
    header, claims = jose.unverified(token).header, dict(jose.unverified(token).claims)
    for wider in ({"scope": "steward"}, {"sub": story.OPERATOR}, {"cnf": {"jkt": Key().thumbprint}}):
        forged = jose.sign(header, {**claims, **wider}, client.key.private.sign)
        assert client.ask(http, "GET", WHO, forged).status_code == 401
        unsigned = forged.rpartition(".")[0] + "." + token.rpartition(".")[2]
        assert client.ask(http, "GET", WHO, unsigned).status_code == 401
    own = jose.sign({**header, "typ": "JWT"}, claims, node.signer.sign)
    assert client.ask(http, "GET", WHO, own).status_code == 401, "what the node signs for another purpose is no token"
    elsewhere = jose.sign(header, {**claims, "aud": "https://elsewhere.example"}, node.signer.sign)
    assert client.ask(http, "GET", WHO, elsewhere).status_code == 401


def test_a_token_reaches_no_further_than_the_keys_role(http: Any, client: Client, node: Node) -> None:
    """Even one that this node signed: the role is looked up with each request."""
    access = oauth.Access(
        story.USER,
        (),
        (client.key.thumbprint,),
        frozenset({"ask", "steward"}),
        client.proofs.thumbprint,
        client.now() + 60,
    )
    token = oauth.write_access(access, node.about.url, "id", client.now(), node.signer.public, node.signer.sign)
    assert client.ask(http, "GET", WHO, token).status_code == 200
    assert client.ask(http, "GET", "/api/v1/parties", token).status_code == 403


def test_an_agent_does_not_become_its_party_by_itself(http: Any, client: Client, node: Node) -> None:
    agent = Client(node, AGENT).registered()
    own = agent.token(http, client_assertion=agent.assertion(act={"sub": story.USER}))
    assert "act" not in jose.unverified(own).claims, "what it says of the chain is not believed"
    access = oauth.read_access(own, node.about.url, node.signer.public, agent.now())
    assert login.acting(node, access) == login.Identity(AGENT, "user", frozenset(login.ROLES["user"]))
    for party, actors in ((story.USER, (AGENT,)), (story.USER, ())):
        forged = replace(access, party=party, actors=actors)
        assert login.acting(node, forged) is None, "every party of the chain must have signed"


def test_a_session_cookie_does_not_ride_on_a_proof(http: Any, node: Node, client: Client) -> None:
    """A request with a broken token is refused, whoever else is logged in in the same browser."""
    session = login.open_session(node, login.Identity(story.OPERATOR, "steward", frozenset({"steward"})))
    headers = {"Authorization": "DPoP broken", "Cookie": f"usufruct_session={session}"}
    assert http.get("/api/v1/parties", headers=headers).status_code == 401


def test_nothing_secret_is_in_the_nodes_own_documents(http: Any, node: Node) -> None:
    for path in ("/.well-known/did.json", "/.well-known/jwks.json"):
        text = http.get(path).text
        assert '"d"' not in text and jose.to_base64url(node.signer.public) in text


def test_a_credential_carries_no_claim_that_is_not_disclosed() -> None:
    holder, key = Key(), Key()
    claims = {"a": Hidden("secret"), "b": [Hidden("hidden")], "cnf": {"jwk": holder.public}}
    text = sdjwt.present(sdjwt.issue(claims, key.private.sign, lambda: b"\0" * 16, {}), {})
    payload = jose.unverified(text.split("~")[0]).claims
    assert "secret" not in str(payload) and "hidden" not in str(payload)
