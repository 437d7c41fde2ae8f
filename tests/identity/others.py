"""Other participants of a dataspace, in memory: one that sends messages, one that issues memberships, and the wire between."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from joserfc.jwk import ECKey

from usufruct.core.base.faults import PeerFault
from usufruct.core.base.instants import later, seconds
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.credentials import TrustedIssuer
from usufruct.node import register
from usufruct.node.dataspace import peers
from usufruct.node.node import Node
from usufruct.ports import ServiceReply, ServiceRequest
from usufruct.wire import dcp, jose

PEER, ISSUER = "did:web:clinic.example", "did:web:registrar.example"
TYPE = "MembershipCredential"
STATUS = "https://registrar.example/status/1"
ALL = ("capabilityInvocation", "authentication", "assertionMethod")
VC11, VC20 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"
Changes = Mapping[str, Any]
NOTHING: Changes = {}


class KeyPair:
    """A P-256 key with both parts."""

    def __init__(self, name: str = "key-1") -> None:
        made = ECKey.generate_key("P-256", auto_kid=False)
        self.name = name
        self.public: dict[str, Any] = made.as_dict(private=False)
        self.private = jose.private_key(jose.compact(made.as_dict(private=True)))

    def sign(self, header: Changes, claims: Changes) -> str:
        return jose.sign({"alg": "ES256", "typ": "JWT", **header}, claims, self.private.sign)


@dataclass
class Wire:
    """`ports.Services` in memory: what lies where, and who was asked for what."""

    lying: dict[str, bytes | Callable[[ServiceRequest], ServiceReply]] = field(default_factory=dict)
    asked: list[ServiceRequest] = field(default_factory=list)

    async def ask(self, request: ServiceRequest) -> ServiceReply:
        self.asked.append(request)
        found = self.lying.get(request.url)
        if found is None:
            raise PeerFault("peer.failed", "the service could not be asked", "ask again later")
        return ServiceReply(200, (), found) if isinstance(found, bytes) else found(request)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Other:
    """A participant: its DID, its key, and the document that lies where the DID leads to."""

    node: Node
    wire: Wire
    did: str
    key: KeyPair = field(default_factory=KeyPair)

    def now(self) -> int:
        return seconds(self.node.clock.now())

    def document(self, **changed: Any) -> dict[str, Any]:
        id = f"{self.did}#{self.key.name}"
        method = {"id": id, "type": "JsonWebKey2020", "controller": self.did, "publicKeyJwk": self.key.public}
        service = {"id": f"{self.did}#cs", "type": "CredentialService", "serviceEndpoint": self.base() + "/cs"}
        found = {"id": self.did, "verificationMethod": [method], "service": [service], **{name: [id] for name in ALL}}
        return {name: value for name, value in {**found, **changed}.items() if value is not None}

    def base(self) -> str:
        return jose.did_address(self.did).removesuffix("/.well-known/did.json")

    def publish(self, **changed: Any) -> Other:
        self.wire.lying[jose.did_address(self.did)] = json.dumps(self.document(**changed)).encode()
        return self

    def header(self, **changed: Any) -> dict[str, Any]:
        found = {"kid": f"{self.did}#{self.key.name}", **changed}
        return {name: value for name, value in found.items() if value is not None}

    def token(self, header: Changes = NOTHING, **changed: Any) -> str:
        """What it signs to say who it is; `changed` is what an attacker changes, None leaves a claim out."""
        claims = {
            "iss": self.did, "sub": self.did, "aud": self.node.connector.participant, "jti": secrets.token_hex(8),
            "iat": self.now(), "exp": self.now() + 300, "token": "let-me-see", **changed,
        }  # fmt: skip
        return self.key.sign(
            self.header(**header), {name: value for name, value in claims.items() if value is not None}
        )

    def linked(self, private: bool = False) -> Other:
        """The same, once the steward has linked it as the node of the clinic."""
        register.add_party(self.node, "clinic", "organisation", "Clinic")
        found = peers.link(self.node, "clinic", self.did, "https://clinic.example/dsp", private=private)
        assert not isinstance(found, Refusal), found
        return self

    def presents(self, *credentials: str, profile: str = dcp.VC11, **changed: Any) -> str:
        """A presentation that it signs for the node."""
        inner: dict[str, Any] = {
            "@context": [VC11 if profile == dcp.VC11 else VC20],
            "type": ["VerifiablePresentation"],
        }
        times = {
            "iss": self.did, "sub": self.did, "aud": self.node.connector.participant, "jti": secrets.token_hex(8),
            "iat": self.now(), "exp": self.now() + 300,
        }  # fmt: skip
        if profile == dcp.VC11:
            inner["verifiableCredential"] = list(credentials)
            claims: dict[str, Any] = {**times, "vp": inner}
        else:
            envelope = {"@context": VC20, "type": "EnvelopedVerifiableCredential"}
            inner["verifiableCredential"] = [
                {**envelope, "id": f"data:application/vc+jwt,{one}"} for one in credentials
            ]
            claims = {**times, **inner}
        claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return self.key.sign(self.header(), claims)

    def answers(self, *presentations: Any, status: int = 200, size: int = 0) -> Other:
        """Its credential service says this, whoever asks."""
        body = dcp.write_response(presentations) + b" " * size
        self.wire.lying[self.base() + "/cs/presentations/query"] = lambda request: ServiceReply(status, (), body)
        return self


@dataclass
class Registrar(Other):
    """An issuer of memberships, with a status list."""

    def trusted(self, node: Node, demanded: bool = True, private: bool = False) -> Node:
        """The node, whose settings trust this issuer for memberships (and demand one of whoever sends messages)."""
        one = TrustedIssuer(self.did, TYPE, (), private=private)
        types = (TYPE,) if demanded else ()
        return replace(node, identities=replace(node.identities, trusted=(one,), demanded=types))

    def issue(
        self, subject: str, profile: str = dcp.VC11, index: int | None = None, header: Changes = NOTHING, **changed: Any
    ) -> str:
        """A membership of `subject`; `changed` is what an attacker changes in the credential."""
        at = self.node.clock.now()
        begins, ends = ("issuanceDate", "expirationDate") if profile == dcp.VC11 else ("validFrom", "validUntil")
        kind = "StatusList2021Entry" if profile == dcp.VC11 else "BitstringStatusListEntry"
        status = {
            "id": f"{STATUS}#{index}", "type": kind, "statusPurpose": "revocation", "statusListIndex": str(index),
            "statusListCredential": STATUS,
        }  # fmt: skip
        inner = {
            "@context": [VC11 if profile == dcp.VC11 else VC20], "id": f"urn:uuid:{secrets.token_hex(8)}",
            "type": ["VerifiableCredential", TYPE], "issuer": self.did, begins: at, ends: later(at, days=30),
            "credentialSubject": {"id": subject, "since": "2020"}, "credentialStatus": status if index is not None else None,
            **changed,
        }  # fmt: skip
        inner = {name: value for name, value in inner.items() if value is not None}
        outer = {
            "iss": self.did,
            "sub": subject,
            "jti": secrets.token_hex(8),
            "iat": self.now(),
            "exp": self.now() + 10_000,
        }
        claims = {**outer, "vc": inner} if profile == dcp.VC11 else inner
        return self.key.sign(self.header(**header), claims)

    def list(
        self,
        *revoked: int,
        profile: str = dcp.VC11,
        size: int = dcp.LIST_LEAST,
        header: Changes = NOTHING,
        **changed: Any,
    ) -> None:
        """Publishes the status list, signed now."""
        bits = bytearray(size)
        for index in revoked:
            bits[index // 8] |= 128 >> index % 8
        multibase = "u" if profile == dcp.VC20 else ""
        begins = "issuanceDate" if profile == dcp.VC11 else "validFrom"
        kind = "StatusList2021" if profile == dcp.VC11 else "BitstringStatusList"
        inner = {
            "@context": [VC11 if profile == dcp.VC11 else VC20], "id": STATUS,
            "type": ["VerifiableCredential", f"{kind}Credential"],
            "issuer": self.did, begins: self.node.clock.now(),
            "credentialSubject": {
                "id": f"{STATUS}#list", "type": kind, "statusPurpose": "revocation",
                "encodedList": multibase + jose.to_base64url(gzip.compress(bytes(bits))),
            },
            **changed,
        }  # fmt: skip
        claims = {"iss": self.did, "iat": self.now(), "vc": inner} if profile == dcp.VC11 else inner
        self.wire.lying[STATUS] = self.key.sign(self.header(**header), claims).encode()
