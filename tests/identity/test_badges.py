"""Open Badges 3.0: shown to a node by whom they were given to, counted as skills, given by the node, and every trick refused."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import story
from identity.conftest import MEMBER
from identity.world import Documents, Key
from story import done
from support import SetClock, rebuilt_rows, state_rows
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import did_web
from usufruct.core.base.instants import later, seconds
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.credentials import CredentialAccepted, IssuedCredential, TrustedIssuer
from usufruct.core.work.facts import JobPosted, JobTerms, Pay
from usufruct.core.work.skills.badges import TYPE
from usufruct.core.work.skills.state import CLAIMS, NamedSkill
from usufruct.core.work.skills.training import Application, Course, Place
from usufruct.main import open_node
from usufruct.node import badges, erase, identity, register, skills, training
from usufruct.node.badges import Draft
from usufruct.node.node import Node
from usufruct.node.skills import Edition
from usufruct.wire import didkey, jose, openbadges
from usufruct.wire.credentials import trusted_issuers

SCHOOL, LIST = "did:web:school.example", "https://school.example/status/3"
DOCUMENT = "https://school.example/.well-known/did.json"
VAN, CARGO = "urn:usufruct:skill:drive-van", "urn:usufruct:skill:ride-cargo-bike"


@dataclass
class School:
    """An issuer of badges with a DID document and a Bitstring Status List."""

    node: Node
    key: Key = field(default_factory=Key)
    documents: Documents = field(default_factory=Documents)
    revoked: set[int] = field(default_factory=set)

    def open(self) -> Node:
        """The node, which trusts this school."""
        method = {"id": f"{SCHOOL}#k", "type": "JsonWebKey", "controller": SCHOOL, "publicKeyJwk": self.key.public}
        document = {"id": SCHOOL, "verificationMethod": [method], "assertionMethod": [f"{SCHOOL}#k"]}
        self.documents.lying[DOCUMENT] = json.dumps(document).encode()
        self.publish()
        one = TrustedIssuer(SCHOOL, TYPE, CLAIMS)
        return replace(
            self.node, identities=replace(self.node.identities, trusted=(one,), documents=self.documents)
        )  # fmt: skip

    def publish(self, **changed: Any) -> None:
        """Signs the status list anew, now."""
        bits = bytearray(16 * 1024)
        for index in self.revoked:
            bits[index // 8] |= 128 >> index % 8
        now = self.node.clock.now()
        claims = {
            "@context": [openbadges.VC2], "id": LIST, "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": SCHOOL, "validFrom": now, "iat": seconds(now),
            "credentialSubject": {
                "type": "BitstringStatusList", "statusPurpose": "revocation",
                "encodedList": "u" + jose.to_base64url(gzip.compress(bytes(bits))),
            },
        }  # fmt: skip
        self.documents.lying[LIST] = self.sign({**claims, **changed}).encode()

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return self.key.sign({"alg": "EdDSA", "typ": "JWT", "kid": f"{SCHOOL}#k", **header}, claims)

    def says(self, holder: Key) -> dict[str, Any]:
        """What a badge for a van driver says."""
        achievement = {
            "id": "https://school.example/badges/van", "type": ["Achievement"], "name": "Van driver",
            "description": "Drives a van", "criteria": {"narrative": "Drove for a day"},
            "alignment": [
                {"type": ["Alignment"], "targetName": "drive a van", "targetUrl": VAN},
                {"type": ["Alignment"], "targetName": "x", "targetUrl": "https://x.example/1", "targetCode": CARGO},
                {"type": ["Alignment"], "targetName": "x", "targetUrl": "https://x.example/2", "targetCode": "S5.6"},
            ],
        }  # fmt: skip
        now = self.node.clock.now()
        return {
            "@context": [openbadges.VC2, openbadges.OB3], "id": "urn:uuid:1", "type": ["VerifiableCredential", TYPE],
            "issuer": {"id": SCHOOL, "type": ["Profile"], "name": "School"}, "validFrom": later(now, days=-10),
            "validUntil": later(now, days=100), "awardedDate": later(now, days=-20),
            "credentialSubject": {"id": did(holder), "type": ["AchievementSubject"], "achievement": achievement},
            "credentialStatus": {
                "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "11",
                "statusListCredential": LIST,
            },
        }  # fmt: skip


def did(key: Key) -> str:
    return didkey.did_of(jose.public_key(key.public))


def shown(node: Node, party: str, holder: Key, badge: str, /, **changed: Any) -> str:
    """A badge as its holder shows it; `changed` is what an attacker changes in the presentation."""
    nonce = identity.challenge(node, party).nonce
    envelope = {"@context": openbadges.VC2, "type": "EnvelopedVerifiableCredential", "id": openbadges.ENVELOPE + badge}
    claims = {
        "@context": [openbadges.VC2], "type": ["VerifiablePresentation"], "holder": did(holder), "aud": node.about.url,
        "verifiableCredential": [envelope], "nonce": nonce, "iat": seconds(node.clock.now()),
    }  # fmt: skip
    return holder.sign({"alg": "EdDSA", "typ": "vp+jwt"}, {**claims, **changed})


def present(node: Node, text: str, party: str = MEMBER) -> CredentialAccepted | Refusal:
    return identity.present(node, party, text, CLAIMS)


@pytest.fixture
def school(plain: Node) -> School:
    return School(plain)


@pytest.fixture
def trusting(school: School) -> Node:
    node = school.open()
    named = [NamedSkill(VAN, "drive a van"), NamedSkill(CARGO, "ride a loaded cargo bike")]
    edition = Edition("sample", "1", "Sample", "usufruct", "CC0-1.0", "5f" * 32)
    done(skills.load(node, edition, named, node.about.operator))
    return node


def held(node: Node, party: str = MEMBER) -> set[str]:
    return {one.label for one in skills.held(node, party)}


# ---- shown


def test_a_badge_becomes_skills_once_its_issuer_is_recognised(trusting: Node, school: School) -> None:
    holder = Key()
    fact = done(present(trusting, shown(trusting, MEMBER, holder, school.sign(school.says(holder)))))
    said = {claim.name: claim.values for claim in fact.claims}
    assert said["skill"] == (VAN, "https://x.example/1", CARGO, "https://x.example/2")
    assert said["achievement"] == ("https://school.example/badges/van",)
    assert (fact.issuer, fact.type, fact.status_index, fact.person) == (SCHOOL, TYPE, 11, True)
    assert held(trusting) == set(), "the signature is trusted, but nobody recognised the issuer"
    done(skills.recognise(trusting, SCHOOL, VAN, False, 0, "its teachers are good", trusting.about.operator))
    assert held(trusting) == {"drive a van"}
    (one,) = skills.held(trusting, MEMBER)
    assert one.awarded is not None and one.awarded < later(trusting.clock.now(), days=-19)


def test_the_issuer_revokes_and_the_skill_is_gone(trusting: Node, school: School, clock: SetClock) -> None:
    holder = Key()
    done(present(trusting, shown(trusting, MEMBER, holder, school.sign(school.says(holder)))))
    done(skills.recognise(trusting, SCHOOL, "", False, 0, "it is good", trusting.about.operator))
    assert "drive a van" in held(trusting)
    clock.move(seconds=3600)
    school.revoked.add(10)
    school.publish()
    identity.recheck(trusting)
    assert "drive a van" in held(trusting), "another place was set"
    clock.move(seconds=3600)
    school.revoked.add(11)
    school.publish()
    identity.recheck(trusting)
    assert held(trusting) == set()


def test_a_revoked_badge_is_not_taken(trusting: Node, school: School) -> None:
    holder = Key()
    school.revoked.add(11)
    school.publish()
    found = present(trusting, shown(trusting, MEMBER, holder, school.sign(school.says(holder))))
    assert isinstance(found, Refusal) and found.code == "identity.status"


def test_a_story_of_training_is_the_same_anew_and_without_her(new_directory: Path, clock: SetClock) -> None:
    """She holds nothing, six jobs ask for it, the fund pays a course, a badge ends it; then she is erased, and the ledger
    stands."""
    with open_node(new_directory, clock) as plain:
        story.register_parties(plain)
        member = story.done(register.add_party(plain, MEMBER, "person", "Mari")).party
        school, holder = School(plain), Key()
        node, by = school.open(), plain.about.operator
        edition = Edition("sample", "1", "Sample", "usufruct", "CC0-1.0", "5f" * 32)
        done(skills.load(node, edition, [NamedSkill(VAN, "drive a van")], by))
        done(skills.recognise(node, SCHOOL, VAN, False, 24, "its teachers are good", by))
        now = node.clock.now()
        terms = JobTerms("vans", "tartu", later(now, days=9), later(now, days=10), 60, Pay("EUR", 0, 1800), (VAN,))
        for n in range(6):
            done(node.record(lambda _, n=n: JobPosted(f"job-{n}", story.STRANGER, terms, later(now, days=8))))
        assert skills.away(node, member).steps[0].jobs == 6
        assert [one.seats for one in skills.figures(node).skills] == [6]
        course = Course("Vans", VAN, story.USER, "tartu", later(now, days=1), later(now, days=2), 0, "EUR", 1)
        offered = done(training.offer(node, course, story.USER))
        assert [one.jobs for one in training.offered(node, member)] == [6]
        asked = done(training.apply(node, offered.training, member, "six jobs ask for it"))
        assert [one.application.why for one in training.waiting(node)] == ["six jobs ask for it"]
        done(training.decide(node, asked.application, True, "it is needed", by))
        done(present(node, shown(node, member, holder, school.sign(school.says(holder))), member))
        done(training.end(node, asked.application, "completed", by))
        assert [one.place for one in training.asked_by(node, member)] == ["completed"]
        assert skills.away(node, member).now == 6
    journal = new_directory / "journal.sqlite"
    assert rebuilt_rows(journal) == state_rows(journal)
    with open_node(new_directory, clock) as plain:
        done(erase.erase(plain, member, plain.about.operator))
        with plain.store.read() as state:
            assert list(state.list(Application)) == [] and [one.stands for one in state.list(Place)] == ["completed"]
    before = state_rows(journal)
    assert rebuilt_rows(journal) == before and MEMBER not in str(before["state_place"])


# ---- tricks

Change = Callable[[dict[str, Any]], None]


def _set(*path: str, to: Any) -> Change:
    def change(claims: dict[str, Any]) -> None:
        for name in path[:-1]:
            claims = claims[name]
        claims[path[-1]] = to

    return change


def _drop(*path: str) -> Change:
    def change(claims: dict[str, Any]) -> None:
        for name in path[:-1]:
            claims = claims[name]
        del claims[path[-1]]

    return change


STATUS = "credentialStatus"
BADGES: dict[str, tuple[Change, str]] = {
    "of another issuer": (_set("iss", to="did:web:other.example"), "identity.credential"),
    "run out": (_set("validUntil", to="2020-01-01T00:00:00Z"), "identity.credential"),
    "run out by the token": (_set("exp", to=1), "identity.credential"),
    "not valid yet": (_set("validFrom", to="2999-01-01T00:00:00Z"), "identity.credential"),
    "without a beginning": (_drop("validFrom"), "identity.credential"),
    "with a day that is none": (_set("validFrom", to="soon"), "identity.credential"),
    "of VC 1.1": (_set("@context", to=["https://www.w3.org/2018/credentials/v1"]), "identity.credential"),
    "of no open badge": (_set("@context", to=[openbadges.VC2]), "identity.credential"),
    "about two subjects": (_set("sub", to="did:key:z6Mk"), "identity.credential"),
    "about no subject": (_drop("credentialSubject"), "identity.credential"),
    "about many subjects": (_set("credentialSubject", to=[]), "identity.credential"),
    "for an e-mail address": (_set("credentialSubject", "id", to="mailto:a@b.example"), "identity.credential"),
    "for nobody": (_drop("credentialSubject", "id"), "identity.credential"),
    "of no achievement": (_drop("credentialSubject", "achievement"), "identity.credential"),
    "aligned with a text": (_set("credentialSubject", "achievement", "alignment", to=["x"]), "identity.credential"),
    "with a list that nobody signs": (_set(STATUS, "type", to="1EdTechRevocationList"), "identity.credential"),
    "with a status of two bits": (_set(STATUS, "statusSize", to=2), "identity.credential"),
    "with a status for messages": (_set(STATUS, "statusPurpose", to="message"), "identity.credential"),
    "with a place that is none": (_set(STATUS, "statusListIndex", to="-1"), "identity.credential"),
    "with two statuses": (_set(STATUS, to=[{}, {}]), "identity.credential"),
    "beyond the list": (_set(STATUS, "statusListIndex", to="131072"), "identity.status"),
}


@pytest.mark.parametrize("name", BADGES)
def test_a_badge_that_is_not_taken(trusting: Node, school: School, name: str) -> None:
    holder, (change, code) = Key(), BADGES[name]
    claims = copy.deepcopy(school.says(holder))
    change(claims)
    found = present(trusting, shown(trusting, MEMBER, holder, school.sign(claims)))
    assert isinstance(found, Refusal) and found.code == code, found
    assert identity.shown_by(trusting, MEMBER) == []


def test_a_badge_signed_by_another_key_or_as_something_else_is_not_taken(trusting: Node, school: School) -> None:
    holder, other = Key(), Key()
    says = school.says(holder)
    texts = [
        other.sign({"alg": "EdDSA", "typ": "JWT"}, says),
        other.sign({"alg": "EdDSA", "typ": "JWT", "jwk": other.public}, says),
        school.sign(says, typ="dc+sd-jwt"),
        school.sign(says, crit=["x"], x=1),
        school.sign(says)[:-8] + "AAAAAAAA",
        jose.sign({"alg": "none", "typ": "JWT"}, says, lambda _: b""),
    ]
    for text in texts:
        found = present(trusting, shown(trusting, MEMBER, holder, text))
        assert isinstance(found, Refusal) and found.code == "identity.credential", found


SHOWN = {
    "for another node": {"aud": "https://other.example"},
    "long ago": {"iat": 1_000_000},
    "without a time": {"iat": None},
    "in another's name": {"holder": "did:key:z6Mkother"},
    "run out": {"exp": 1},
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_presentation_that_is_not_taken(trusting: Node, school: School, name: str) -> None:
    holder = Key()
    text = shown(trusting, MEMBER, holder, school.sign(school.says(holder)), **SHOWN[name])
    found = present(trusting, text)
    assert isinstance(found, Refusal) and found.code == "identity.holder", found


def test_a_stolen_or_overheard_badge_is_worth_nothing(trusting: Node, school: School) -> None:
    holder, thief = Key(), Key()
    badge = school.sign(school.says(holder))
    found = present(trusting, shown(trusting, MEMBER, thief, badge))
    assert isinstance(found, Refusal) and found.code == "identity.holder"
    text = shown(trusting, MEMBER, holder, badge)
    done(present(trusting, text))
    again = present(trusting, text)
    assert isinstance(again, Refusal) and again.code == "identity.holder", "its nonce is used up"


@pytest.mark.parametrize("inside", [[], [{}, {}], ["x"], [{"id": "data:application/vc+sd-jwt,x"}], None, [{"id": 7}]])
def test_a_presentation_of_something_else_is_bad_input(trusting: Node, school: School, inside: Any) -> None:
    holder = Key()
    text = shown(trusting, MEMBER, holder, school.sign(school.says(holder)), verifiableCredential=inside)
    with pytest.raises(BadInput):
        present(trusting, text)


@given(st.text(max_size=80) | st.text("eyJ.", max_size=60))
def test_nonsense_is_bad_input_or_a_refusal_and_never_a_crash(text: str) -> None:
    if openbadges.is_one(text):
        with pytest.raises(ValueError, match=r"."):
            openbadges.named(text)


LISTS: dict[str, dict[str, Any]] = {
    "of another address": {"id": "https://school.example/status/4"},
    "of another issuer": {"issuer": "did:web:other.example"},
    "too old": {"iat": 1_000_000},
    "run out": {"validUntil": "2020-01-01T00:00:00Z"},
    "of another kind": {"type": ["VerifiableCredential"]},
    "for another purpose": {"credentialSubject": {"statusPurpose": "message", "encodedList": "uAA"}},
    "too short": {"credentialSubject": {
        "statusPurpose": "revocation", "encodedList": "u" + jose.to_base64url(gzip.compress(b"\0"))
    }},
    "not packed": {"credentialSubject": {"statusPurpose": "revocation", "encodedList": "uAAAA"}},
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_status_list_that_does_not_hold_keeps_the_badge_out(trusting: Node, school: School, name: str) -> None:
    holder = Key()
    school.publish(**LISTS[name])
    found = present(trusting, shown(trusting, MEMBER, holder, school.sign(school.says(holder))))
    assert isinstance(found, Refusal) and found.code == "identity.status", found


# ---- keys that are their own document


@given(st.binary(min_size=32, max_size=32))
def test_a_did_key_is_read_as_it_was_written(seed: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    point = ec.derive_private_key(int.from_bytes(seed) % (2**255) + 1, ec.SECP256R1()).public_key().public_numbers()
    for jwk in (jose.ed25519_jwk(raw), jose.p256_jwk(point.x.to_bytes(32) + point.y.to_bytes(32))):
        key = jose.public_key(jwk)
        assert didkey.key_of(didkey.did_of(key)).thumbprint == key.thumbprint
        as_jwk = "did:jwk:" + jose.to_base64url(json.dumps(jwk).encode())
        assert didkey.key_of(f"{as_jwk}#0").thumbprint == key.thumbprint


# Test vectors of the did:key method, W3C Credentials Community Group, section "Test vectors": Ed25519 and P-256.
VECTORS = {
    "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp": "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik",
    "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv": "igrFmi0whuihKnj9R3Om1SoMph72wUGeFaBbzG2vzns",
}


@pytest.mark.parametrize("text", VECTORS)
def test_a_did_key_of_the_standard_is_read(text: str) -> None:
    key = didkey.key_of(text)
    assert jose.strict_json(key.jwk)["x"] == VECTORS[text]
    assert didkey.did_of(key) == text


@pytest.mark.parametrize(
    "text", ["did:key:z", "did:key:z6MkO0", "did:key:f00", "did:jwk:e30", "did:web:x", "did:key:z" + "1" * 2000]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        didkey.key_of(text)


def test_the_settings_take_an_issuer_that_is_its_own_document(plain: Node) -> None:
    school = School(plain)
    name = did(school.key)
    (one,) = trusted_issuers([{"issuer": name, "type": TYPE, "claims": list(CLAIMS)}])
    node = replace(plain, identities=replace(plain.identities, trusted=(one,), documents=school.documents))
    holder = Key()
    says = {**school.says(holder), "issuer": name}
    del says["credentialStatus"]
    fact = done(present(node, shown(node, MEMBER, holder, school.sign(says))))
    assert fact.issuer == name and school.documents.asked == []


# ---- given

DRAFT = Draft(
    "https://node.example/badges/cargo", "Cargo courier", "Rides a cargo bike", "A day with a teacher", (CARGO,)
)


def test_a_badge_of_the_node_is_taken_by_another_and_revoked(trusting: Node, school: School, clock: SetClock) -> None:
    """The node gives a badge; a node that trusts it takes it, until it is revoked. The same node plays both."""
    node, holder = trusting, Key()
    issuer = did_web(node.about.url)
    badge = done(badges.give(node, issuer, MEMBER, holder.public_text, DRAFT))
    keys = json.dumps({"keys": [jose.ed25519_jwk(node.signer.public)]})
    other = replace(node, identities=replace(node.identities, trusted=(TrustedIssuer(issuer, TYPE, CLAIMS, keys),)))
    url = node.about.url + badges.STATUS_PATH
    school.documents.lying[url] = badges.status_list(node, issuer).encode()
    nonce = identity.challenge(other, MEMBER).nonce
    public = jose.public_key(holder.public)
    at = seconds(node.clock.now())
    text = openbadges.present(badge, node.about.url, nonce, at, holder.private, public)
    done(present(other, text))
    done(skills.recognise(other, issuer, CARGO, False, 24, "it is ours", node.about.operator))
    assert held(other) == {"ride a loaded cargo bike"}
    with node.store.read() as state:
        (row,) = state.list(IssuedCredential)
    assert (row.party, row.type) == (MEMBER, TYPE)
    done(identity.revoke(node, row.index))
    clock.move(seconds=3000)
    school.documents.lying[url] = badges.status_list(node, issuer).encode()
    identity.recheck(other)
    assert held(other) == set()


def test_a_badge_is_bound_to_her_key_and_in_no_record(trusting: Node) -> None:
    holder = Key()
    badge = done(badges.give(trusting, did_web(trusting.about.url), MEMBER, holder.public_text, DRAFT))
    claims = jose.unverified(badge).claims
    assert claims["credentialSubject"]["id"] == did(holder)
    aligned = claims["credentialSubject"]["achievement"]["alignment"]
    assert [(one["targetUrl"], one["targetName"]) for one in aligned] == [(CARGO, "ride a loaded cargo bike")]
    with trusting.store.read() as state:
        records = str([state.entry(seq) for seq in range(state.size())])
    assert "Cargo courier" not in records and did(holder) not in records
    with pytest.raises(ValueError, match="another key"):
        openbadges.present(badge, "https://x.example", "n", 1, Key().private, jose.public_key(Key().public))


WRONG: dict[str, dict[str, Any]] = {
    "a skill that nobody named": {"skills": ("urn:usufruct:skill:flying",)},
    "no skill": {"skills": ()},
    "no name": {"name": " "},
    "an achievement without a URI": {"achievement": "cargo"},
    "for ever": {"days": 100_000},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_badge_that_is_not_given(trusting: Node, name: str) -> None:
    with pytest.raises(BadInput):
        badges.give(trusting, "did:web:x", MEMBER, Key().public_text, replace(DRAFT, **WRONG[name]))


def test_no_badge_without_a_party_or_a_key(trusting: Node) -> None:
    found = badges.give(trusting, "did:web:x", "nobody", Key().public_text, DRAFT)
    assert isinstance(found, Refusal) and found.code == "registry.unknown"
    with pytest.raises(BadInput):
        badges.give(trusting, "did:web:x", MEMBER, '{"kty":"oct"}', DRAFT)
