"""Identity attacked: by holders, thieves of tokens, forgers of credentials, and those who stand in between.

What is at stake: that nobody is taken for another, with what he overheard, borrowed or made up; that what was revoked is
worth nothing; and that a token says how it is verified to nobody but itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tracemalloc
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
from usufruct.core.base.faults import BadInput, NodeFault, PeerFault, Unwelcome
from usufruct.core.base.instants import of_seconds, seconds
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry import credentials
from usufruct.core.registry.credentials import Shown
from usufruct.core.registry.facts import PersonErased
from usufruct.core.registry.state import Party
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


def test_nonces_that_nobody_used_do_not_pile_up(node: Node, clock: SetClock) -> None:
    for _ in range(70):
        identity.challenge(node, story.USER)
    token = login.issue_token(node, story.USER, "user", ("ask",), 1, "")
    clock.move(days=2)
    for _ in range(3):
        identity.challenge(node, story.USER)
    assert len(node.logins.secrets("nonce", story.USER)) == 3
    assert login.identify(node, "token", token) is None and len(login.tokens(node, story.USER)) == 1


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


@pytest.mark.parametrize(
    ("header", "changed", "why"),
    [
        ({"typ": "JWT"}, {}, "not its holder"),
        ({"typ": None}, {}, "not its holder"),
        ({"alg": "none"}, {}, "not its holder"),
        ({"alg": "HS256"}, {}, "not its holder"),
        ({"crit": ["x"], "x": 1}, {}, "not its holder"),
        ({}, {"iat": None}, "too long ago"),
        ({}, {"exp": -40}, "run out"),
        ({}, {"nbf": 40}, "does not hold yet"),
        ({}, {"sd_hash": None}, "something else"),
        ({}, {}, ""),
    ],
)
def test_what_a_holder_signs_must_be_a_binding_and_hold(
    node: Node, issuer: Issuer, header: dict[str, Any], changed: dict[str, Any], why: str
) -> None:
    """She signs other tokens with that key, too."""
    holder = Key()
    bare, now = sdjwt.present(issuer.issue(holder), True), seconds(node.clock.now())
    hash = jose.to_base64url(hashlib.sha256(bare.encode()).digest())
    nonce = identity.challenge(node, story.USER).nonce
    claims = {"aud": node.about.url, "nonce": nonce, "iat": now, "sd_hash": hash}
    claims |= {name: now + value if name in ("exp", "nbf") else value for name, value in changed.items()}
    text = bare + holder.sign({"typ": "kb+jwt", **header}, {name: v for name, v in claims.items() if v is not None})
    if why:
        assert why in refused(node, text)
    else:
        story.done(identity.present(node, story.USER, text))


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
        ({"in": {"...": "x", "b": 1}}, [], "cannot stand"),
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
    for half in (rb'"\ud800"', rb'{"\udfff":1}', rb'[{"a":["\ud800\u0041"]}]', rb'"\udc00\ud800"'):
        for halved in (half, half.decode()):
            with pytest.raises(ValueError, match="half of a letter"):
                jose.strict_json(halved)
    assert jose.strict_json(rb'"\ud83d\ude00\\ud800"') == "\U0001f600\\ud800", "both halves are a letter"
    for other in ('"ä"'.encode("latin-1"), '"a"'.encode("utf-16"), b'"\xed\xa0\x80"'):
        with pytest.raises(ValueError, match="utf-8"):
            jose.strict_json(other)
    for text in ("QQ==", "QR", "Q Q", "Q\nQ", "é"):
        with pytest.raises(ValueError, match="base64url"):
            jose.from_base64url(text)
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="nested"):
        sdjwt.unpack(issuer.key.sign({}, {"a": deep}) + "~", [jose.public_key(issuer.key.public)])


def test_half_a_letter_in_a_name_is_bad_input_and_no_failure(http: Any, node: Node) -> None:
    """What it is not trusted for is said with the name in it."""
    token = login.issue_token(node, story.USER, "user", login.ROLES["user"], 1, "")
    for claims in ({"iss": "https://guild\ud800"}, {"vct": "\udfff"}, {"\ud800": 1}):
        told = json.dumps({"iss": ISSUER, "vct": TYPE, **claims}).encode()
        binding = Key().sign({"typ": "kb+jwt"}, {"nonce": identity.challenge(node, story.USER).nonce})
        body = {"credential": f"e30.{jose.to_base64url(told)}.AA~{binding}"}
        answer = http.post("/api/v1/credentials", headers={"Authorization": f"Bearer {token}"}, json=body)
        assert (answer.status_code, answer.json()["fault"]["code"]) == (400, "input.credential"), answer.text


def test_what_is_too_much_is_not_read(issuer: Issuer) -> None:
    """Neither a long token, nor a long list of keys to try, nor a moment that no calendar has."""
    long = issuer.key.sign({"typ": "dc+sd-jwt"}, {"iss": "x" * jose.TOKEN_LIMIT, "vct": TYPE})
    for read in (jose.unverified, sdjwt.named):
        with pytest.raises(ValueError, match="too long"):
            read(f"{long}~" if read is sdjwt.named else long)
    assert len(jose.key_set(json.dumps({"keys": [Key().public] * (jose.KEYS_LIMIT + 5)}))) == jose.KEYS_LIMIT
    for moment in (2**37, -1, True, "1", [1]):
        with pytest.raises(ValueError, match="no moment"):
            jose.Token({}, {"exp": moment}).time("exp")


def test_every_signature_of_a_credential_is_the_issuers(issuer: Issuer) -> None:
    """In JSON form it may have several: one by a stranger must not ride along."""
    claims = {"iss": ISSUER, "vct": TYPE}
    parts = [key.sign({"typ": "dc+sd-jwt"}, claims).split(".") for key in (issuer.key, issuer.key, Key())]
    keys = [jose.public_key(issuer.key.public)]

    def in_json(*which: int) -> str:
        signatures = [{"protected": parts[one][0], "signature": parts[one][2]} for one in which]
        return json.dumps({"payload": parts[0][1], "signatures": signatures})

    assert sdjwt.unpack(in_json(0, 1), keys, *sdjwt.TYPES)[1] == claims
    for which in ((0, 2), (2, 0), (2,)):
        with pytest.raises(ValueError, match="no key that is trusted"):
            sdjwt.unpack(in_json(*which), keys, *sdjwt.TYPES)


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


def newer_list(node: Node, issuer: Issuer, clock: SetClock, *revoked: int) -> None:
    """The issuer revokes some, and publishes."""
    clock.move(seconds=identity.RECHECK_SECONDS)
    issuer.revoked.update(revoked)
    issuer.publish()


def ended(node: Node) -> dict[int, str]:
    """Why each credential ended, by its place; those that count have no reason."""
    with node.store.read() as state:
        return {row.status_index: row.ended for row in state.list(credentials.Credential)}


def test_a_newer_list_that_comes_in_between_is_not_overtaken(
    node: Node, issuer: Issuer, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lists are read at once: what the older one still calls good is not accepted once the newer one is in."""
    accepted(node, issuer, story.STRANGER, index=3)
    accepts = identity._accept

    def late(*arguments: Any) -> Any:
        newer_list(node, issuer, clock, 9)
        assert identity.recheck(node) == "1 status lists read, 0 credentials ended"
        return accepts(*arguments)

    holder = Key()
    text = shown(node, story.USER, holder, issuer.issue(holder, index=9))
    monkeypatch.setattr(identity, "_accept", late)
    assert "older than one that was read before" in refused(node, text)


def test_what_is_accepted_while_a_newer_list_is_fetched_is_held_against_it(
    node: Node, issuer: Issuer, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(node, issuer, story.STRANGER, index=3)
    old = dict(issuer.documents.lying)
    newer_list(node, issuer, clock, 9)
    new = issuer.documents.lying[LIST]
    issuer.documents.lying = old
    fetches = issuer.documents.get

    def slow(url: str, private: bool) -> bytes:
        monkeypatch.undo()
        accepted(node, issuer, story.USER, index=9)
        return new

    monkeypatch.setattr(issuer.documents, "get", slow)
    assert identity.recheck(node) == "1 status lists read, 1 credentials ended"
    assert ended(node) == {3: "", 9: "revoked"} and issuer.documents.get == fetches


def test_a_list_that_is_read_for_one_credential_ends_the_others_on_it(
    node: Node, issuer: Issuer, clock: SetClock
) -> None:
    """Else whoever shows credentials often enough keeps what was revoked alive: the list is always fresh, and never due."""
    accepted(node, issuer, story.USER, index=9)
    newer_list(node, issuer, clock, 9)
    accepted(node, issuer, story.STRANGER, index=3)
    assert ended(node) == {9: "revoked", 3: ""}


def test_an_older_list_ends_nothing(
    node: Node, issuer: Issuer, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was suspended may be good again by the newer one."""
    accepted(node, issuer, story.USER, index=9)
    newer_list(node, issuer, clock, 9)
    reads = identity._listed

    def slow(*arguments: Any) -> Any:
        monkeypatch.undo()
        found = reads(*arguments)
        issuer.revoked.clear()
        newer_list(node, issuer, clock)
        accepted(node, issuer, story.STRANGER, index=3)
        return found

    monkeypatch.setattr(identity, "_listed", slow)
    assert identity.recheck(node) == "1 status lists read, 0 credentials ended"
    assert ended(node) == {9: "", 3: ""}


def test_who_is_being_erased_does_not_keep_lists_from_being_read(node: Node, issuer: Issuer, clock: SetClock) -> None:
    """Nothing more can be recorded about her; her credentials go with her."""
    accepted(node, issuer, MEMBER, index=9)
    accepted(node, issuer, story.USER, index=3)
    with node.store.read() as state:
        member = state.get(Party, identity.id_of(state, MEMBER))
        assert member is not None and member.key_slot is not None
        erased = PersonErased(member.id, member.key_slot, (), story.OPERATOR, ())
    node.store.write(lambda tx: tx.append(erased))
    newer_list(node, issuer, clock, 3, 9)
    assert identity.recheck(node) == "1 status lists read, 1 credentials ended"
    assert ended(node) == {9: "", 3: "revoked"}


def test_a_list_that_swells_is_not_unpacked(node: Node, issuer: Issuer) -> None:
    bomb = jose.to_base64url(zlib.compress(bytes(statuslist.LIST_LIMIT + 1), 9))
    now = seconds(node.clock.now())
    for listed in ({"bits": 1, "lst": bomb}, {"bits": 3, "lst": "AA"}, {"bits": True, "lst": "AA"}, {"bits": 1, "lst": "AA"},
                   {"bits": 1, "lst": jose.to_base64url(zlib.compress(b"abc")[:-1])}, {"lst": ""}, None):  # fmt: skip
        claims = {"sub": LIST, "iat": now, "status_list": listed}
        issuer.documents.lying[LIST] = issuer.key.sign({"typ": "statuslist+jwt"}, claims).encode()
        holder = Key()
        assert "identity.status" in refused(node, shown(node, story.USER, holder, issuer.issue(holder)))


def test_a_list_that_swells_takes_no_memory(issuer: Issuer) -> None:
    """Two megabytes can unpack to two gigabytes."""
    pack = zlib.compressobj(9)
    packed = b"".join([*(pack.compress(bytes(2**20)) for _ in range(64)), pack.flush()])
    listed = {"bits": 1, "lst": jose.to_base64url(packed)}
    text = issuer.key.sign({"typ": "statuslist+jwt"}, {"sub": LIST, "iat": 1000, "status_list": listed})
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="longer than"):
            statuslist.read(text, LIST, [jose.public_key(issuer.key.public)], of_seconds(1000), 60)
        assert tracemalloc.get_traced_memory()[1] < 4 * statuslist.LIST_LIMIT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("claims", "until"),
    [({}, 1600), ({"ttl": 60}, 1160), ({"exp": 1300}, 1300), ({"exp": 1300, "ttl": 60}, 1160), ({"exp": 9999, "ttl": 9999}, 1600),
     ({"ttl": 0}, "too old"), ({"iat": None}, "when it was signed"), ({"iat": True}, "no moment"), ({"iat": 500}, "too old"),
     ({"nbf": 1200}, "does not hold yet"), ({"exp": 1050}, "run out"), ({"ttl": 2**37}, "no moment"), ({"sub": None}, "another")],
)  # fmt: skip
def test_a_list_is_good_as_long_as_all_agree(issuer: Issuer, claims: dict[str, Any], until: int | str) -> None:
    """Read at second 1100, signed at 1000, and the node takes none older than 600: the shortest counts."""
    packed = jose.to_base64url(zlib.compress(b"\0"))
    told = {"sub": LIST, "iat": 1000, "status_list": {"bits": 1, "lst": packed}, **claims}
    text = issuer.key.sign(
        {"typ": "statuslist+jwt"}, {name: value for name, value in told.items() if value is not None}
    )
    keys = [jose.public_key(issuer.key.public)]
    if isinstance(until, int):
        assert statuslist.read(text, LIST, keys, of_seconds(1100), 600).until == of_seconds(until)
        return
    with pytest.raises(ValueError, match=until):
        statuslist.read(text, LIST, keys, of_seconds(1100), 600)


@pytest.mark.parametrize("bits", [0, 3, 16, -1, True, 1.0, "1", None])
def test_a_list_of_so_many_bits_cannot_be(issuer: Issuer, bits: Any) -> None:
    listed = {"bits": bits, "lst": jose.to_base64url(zlib.compress(bytes(16)))}
    text = issuer.key.sign({"typ": statuslist.TYPE}, {"sub": LIST, "iat": 1000, "status_list": listed})
    with pytest.raises(ValueError, match="`bits`"):
        statuslist.read(text, LIST, [jose.public_key(issuer.key.public)], of_seconds(1000), 60)


def test_what_the_issuer_signed_for_another_purpose_is_no_list(issuer: Issuer) -> None:
    packed = jose.to_base64url(zlib.compress(b"\0"))
    claims = {"sub": LIST, "iat": 1000, "status_list": {"bits": 1, "lst": packed}}
    for header in (
        {"typ": "dc+sd-jwt"},
        {"typ": "JWT"},
        {},
        {"typ": statuslist.TYPE, "crit": ["x"]},
        {"typ": statuslist.TYPE, "b64": True},
    ):
        with pytest.raises(ValueError, match=r"its type is not|an extension"):
            statuslist.read(
                issuer.key.sign(header, claims), LIST, [jose.public_key(issuer.key.public)], of_seconds(1000), 60
            )


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
    assert login.acting(node, access) == login.Identity(AGENT, "user", frozenset(login.ROLES["user"]), signed=True)
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


def test_an_unknown_name_costs_one_look_as_a_known_one_does(node: Node) -> None:
    """A hash that nobody has is made once: made at each try, it would make unknown names slower than known ones."""

    class Counting:
        made = 0

        def hash(self, password: str) -> str:
            self.made += 1
            return node.passwords.hash(password)

        def verify(self, hashed: str, password: str) -> bool:
            return node.passwords.verify(hashed, password)

    counting = Counting()
    login._NOBODY.clear()
    for name in ("nobody", "nobody-else", "nobody-at-all"):
        with pytest.raises(Unwelcome):
            login.check_password(replace(node, passwords=counting), name, "it is a long one, but wrong")
    assert counting.made == 1
