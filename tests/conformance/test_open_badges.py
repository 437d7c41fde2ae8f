"""Badges of the node under 1EdTech's JSON Schemas, and held by a library that others wrote; and that library's badges here.

The schemas and the library are those of `openbadgeslib` (LGPLv3; for tests only): the package, and its source archive
unpacked as `$USUFRUCT_SUITES/openbadgeslib`, whose fixtures have the schemas. See docs/guides/skills.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from usufruct.core.base.instants import Instant, instant, later
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.credentials import Shown, StatusReference
from usufruct.core.work.skills.badges import Aligned, Award
from usufruct.wire import didkey, jose, openbadges

ob3 = pytest.importorskip("openbadgeslib.ob3", reason="openbadgeslib is not installed")

SCHEMAS = Path(os.environ.get("USUFRUCT_SUITES", "")) / "openbadgeslib" / "tests" / "fixtures" / "ob_schemas"
SCHEMA = SCHEMAS / "ob_v3p0_achievementcredential_schema.json"
ISSUER, LIST = "did:web:node.example", "https://node.example/api/v1/skills/badges/status"
NOW: Instant = instant(datetime.now(UTC))
SKILL = Aligned("urn:usufruct:skill:ride-cargo-bike", "ride a loaded cargo bike", "Sample")
AWARD = Award("https://node.example/badges/1", "Cargo courier", "Rides", "Rode for a day", (SKILL,))

signer = ed25519.Ed25519PrivateKey.generate()
PUBLIC = signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
PEM = signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def holder(kind: str) -> tuple[jose.PrivateKey, jose.Key]:
    if kind == "Ed25519":
        private, _ = jose.new_key()
    else:
        numbers = (key := ec.generate_private_key(ec.SECP256R1())).private_numbers()
        point = numbers.public_numbers
        jwk = {**jose.p256_jwk(point.x.to_bytes(32) + point.y.to_bytes(32)),
               "d": jose.to_base64url(numbers.private_value.to_bytes(32))}  # fmt: skip
        assert key is not None
        private = json.dumps(jwk)
    found = jose.private_key(private)
    return found, jose.public_key({k: v for k, v in json.loads(private).items() if k != "d"})


def badge(public: jose.Key, award: Award = AWARD, index: int = 5) -> str:
    return openbadges.issue(
        award, ISSUER, "Node", "https://node.example", public.jwk, StatusReference(LIST, index), "urn:uuid:1", NOW,
        later(NOW, days=30), PUBLIC, signer.sign,
    )  # fmt: skip


def status(*revoked: int) -> bytes:
    return openbadges.publish_status(ISSUER, LIST, revoked, 2**20, NOW, 3600, PUBLIC, signer.sign).encode()


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
@pytest.mark.parametrize("skills", [1, 20])
def test_a_badge_of_the_node_is_valid_by_the_schema(kind: str, skills: int) -> None:
    if not SCHEMA.is_file():
        pytest.skip("no USUFRUCT_SUITES with openbadgeslib in it")
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    many = tuple(Aligned(f"urn:s:{n}", f"skill {n}", "F") for n in range(skills))
    claims = dict(jose.unverified(badge(holder(kind)[1], Award(*(AWARD.achievement, "N", "D", "C"), many))).claims)
    for registered in ("iss", "jti", "sub", "nbf", "iat", "exp"):
        claims.pop(registered)
    assert [str(error) for error in schema.iter_errors(claims)] == []
    del claims["credentialSubject"]["achievement"]["criteria"]
    assert not schema.is_valid(claims), "the schema tells a badge from what is none"


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_a_badge_of_the_node_holds_for_the_library(kind: str) -> None:
    public = holder(kind)[1]
    found = ob3.OB3Verifier(PEM).verify(
        badge(public), didkey.did_of(public), check_status=True, download=lambda url: status(4, 6)
    )
    assert found.issuer.id == ISSUER
    assert [(one.target_url, one.target_name) for one in found.achievement.alignments] == [(SKILL.uri, SKILL.label)]


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_the_library_reads_the_same_key_from_a_did_key(kind: str) -> None:
    public = holder(kind)[1]
    from openbadgeslib.ob3.did import did_key_from_pem, resolve_did

    pem = resolve_did(didkey.did_of(public))
    assert did_key_from_pem(pem) == didkey.did_of(public)


@pytest.mark.parametrize("how", ["revoked", "altered", "another recipient"])
def test_the_library_refuses_what_does_not_hold(how: str) -> None:
    public = holder("Ed25519")[1]
    text, wanted = badge(public), didkey.did_of(public)
    if how == "altered":
        text = text[:-6] + "AAAAAA"
    if how == "another recipient":
        wanted = didkey.did_of(holder("Ed25519")[1])
    with pytest.raises(ob3.OB3VerificationError):
        ob3.OB3Verifier(PEM).verify(text, wanted, check_status=True, download=lambda url: status(5))


Change = Callable[[dict[str, Any]], Any]


def by_library(public: jose.Key, index: int) -> tuple[str, str]:
    """A badge and a status list as the library writes them."""
    from openbadgeslib.ob3.status_list import build_status_list_credential, sign_status_list_credential, status_entry

    pem = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    from openbadgeslib.ob3.credential import Alignment

    achievement = ob3.Achievement(
        "https://x.example/1", "A", "B", "C", alignments=[Alignment(SKILL.label, SKILL.uri, target_code="S1")]
    )
    credential = ob3.OpenBadgeCredential(
        ob3.Issuer(ISSUER, "Node"), didkey.did_of(public), achievement,
        expiration_date=datetime.now(UTC) + timedelta(days=9), credential_status=[status_entry(LIST, "revocation", index)],
    )  # fmt: skip
    listed = build_status_list_credential(ISSUER, LIST, "revocation", [7, 100], ttl=600_000)
    return ob3.OB3Signer(pem, "EdDSA").sign(credential), sign_status_list_credential(listed, pem, "EdDSA")


@pytest.mark.parametrize("index", [6, 7, 8, 100])
def test_a_badge_and_a_list_of_the_library_are_read_here(index: int) -> None:
    private, public = holder("Ed25519")
    text, listed = by_library(public, index)
    keys = (jose.public_key(jose.ed25519_jwk(PUBLIC)),)
    at = later(instant(datetime.now(UTC)), seconds=2)
    shown = openbadges.present(text, "https://me.example", "n-1", int(datetime.now(UTC).timestamp()), private, public)
    found = openbadges.verify(shown, keys, ISSUER, "https://me.example", "n-1", at)
    assert isinstance(found, Shown), found
    assert found.says["skill"] == [SKILL.uri] and found.holder == public.thumbprint
    read = openbadges.read_list(listed, LIST, keys, ISSUER, at, 3600)
    assert read.value(found.status.index) == int(index in (7, 100))
    assert isinstance(openbadges.verify(shown, keys, ISSUER, "https://me.example", "n-2", at), Refusal)
