"""People and programs around a node: an issuer of credentials, holders with a key each, clients that sign for a party."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from usufruct.core.base.faults import PeerFault
from usufruct.core.base.instants import later, seconds
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.credentials import CredentialAccepted, TrustedIssuer
from usufruct.node import identity
from usufruct.node.node import Node
from usufruct.wire import jose, oauth, sdjwt, statuslist
from usufruct.wire.sdjwt import Hidden

ISSUER, TYPE = "https://guild.example", "https://guild.example/membership"
LIST = "https://guild.example/status/1"
CLAIMS = ("role", "level", "languages")
SAYS: dict[str, Any] = {"role": "driver", "level": 3, "languages": ["et", "en"], "name": "Mari Maasikas"}


class Key:
    """A key with both parts."""

    def __init__(self) -> None:
        private, public = jose.new_key()
        self.private = jose.private_key(private)
        self.private_text, self.public_text = private, public
        self.public: dict[str, str] = json.loads(public)
        self.thumbprint = jose.public_key(self.public).thumbprint

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """A token signed with it, whatever it says."""
        return jose.sign({"alg": "Ed25519", **header}, claims, self.private.sign)


@dataclass
class Documents:
    """`node.identities.Documents` in memory; what is not there cannot be fetched."""

    lying: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, url: str, private: bool) -> bytes:
        self.asked.append(url)
        if url not in self.lying:
            raise PeerFault("peer.failed", f"nothing lies at `{url}`", "try again later")
        return self.lying[url]


@dataclass
class Issuer:
    """A guild that says who is a member of it."""

    node: Node
    key: Key = field(default_factory=Key)
    documents: Documents = field(default_factory=Documents)
    revoked: set[int] = field(default_factory=set)

    def trusted(self, node: Node) -> Node:
        """The node, with this issuer in its settings."""
        keys = json.dumps({"keys": [self.key.public]})
        one = TrustedIssuer(ISSUER, TYPE, CLAIMS, keys)
        return replace(node, identities=replace(node.identities, trusted=(one,), documents=self.documents))

    def publish(self, **changed: Any) -> None:
        """Signs the status list anew, now."""
        now = seconds(self.node.clock.now())
        header = {"alg": "Ed25519"}
        text = statuslist.write(
            changed.get("uri", LIST), self.revoked, 64, changed.get("issued", now), changed.get("life", 86_400), header,
            changed.get("key", self.key).private.sign,
        )  # fmt: skip
        self.documents.lying[LIST] = text.encode()

    def issue(self, holder: Key, index: int | None = 7, says: dict[str, Any] | None = None, **changed: Any) -> str:
        """A credential bound to a holder's key; each claim of what it says can be withheld."""
        now = seconds(self.node.clock.now())
        status = {} if index is None else {"status": {"status_list": {"uri": LIST, "idx": index}}}
        hidden = {name: Hidden(value) for name, value in (SAYS if says is None else says).items()}
        claims = {"iss": ISSUER, "vct": TYPE, "iat": now, "exp": now + 30 * 86_400, "cnf": {"jwk": holder.public}}
        claims = {name: value for name, value in {**claims, **status, **changed}.items() if value is not None}
        return sdjwt.issue({**claims, **hidden}, self.key.private.sign, lambda: secrets.token_bytes(16), {})


def shown(
    node: Node, party: str, holder: Key, credential: str, disclose: tuple[str, ...] = CLAIMS, **changed: Any
) -> str:
    """A credential as its holder shows it, in answer to a nonce of the node; `changed` is what an attacker changes."""
    nonce = changed["nonce"] if "nonce" in changed else identity.challenge(node, party).nonce
    chosen = sdjwt.present(credential, dict.fromkeys(disclose, True))
    at = changed.get("at", seconds(node.clock.now()))
    return sdjwt.bind(chosen, changed.get("audience", node.about.url), nonce, at, "Ed25519", holder.private.sign)


def accepted(
    node: Node, issuer: Issuer, party: str, agreed: tuple[str, ...] = CLAIMS, **issued: Any
) -> CredentialAccepted:
    """A party that has shown a credential."""
    holder = Key()
    found = identity.present(node, party, shown(node, party, holder, issuer.issue(holder, **issued)), agreed)
    assert not isinstance(found, Refusal), found
    return found


@dataclass
class Client:
    """A program of a party: it signs for tokens with `key`, and proves that it has `proofs`."""

    node: Node
    party: str
    key: Key = field(default_factory=Key)
    proofs: Key = field(default_factory=Key)

    def now(self) -> int:
        """What time the node has."""
        return seconds(self.node.clock.now())

    def registered(self, role: str = "user") -> Client:
        """The same, once the node knows its key, and is past its first seconds."""
        found = identity.register_key(self.node, self.party, role, self.key.thumbprint, self.key.public_text)
        assert not isinstance(found, Refusal), found
        return self

    def assertion(self, **changed: Any) -> str:
        """What it signs to get a token."""
        now, url = self.now(), self.node.about.url
        claims = {
            "iss": self.party,
            "sub": self.party,
            "aud": url,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(8),
        }
        return self.key.sign({}, {name: v for name, v in {**claims, **changed}.items() if v is not None})

    def proof(self, method: str, path: str, token: str = "", **changed: Any) -> str:
        """That it has the key that its token is bound to."""
        claims = {"htm": method, "htu": self.node.about.url + path, "iat": self.now(), "jti": secrets.token_hex(8)}
        if token:
            claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        header = {"typ": "dpop+jwt", "jwk": self.proofs.public, **changed.pop("header", {})}
        return self.proofs.sign(header, {name: v for name, v in {**claims, **changed}.items() if v is not None})

    def ask_token(self, http: Any, assertion: str = "", proof: str = "", **form: str) -> Any:
        """The answer of the token endpoint."""
        given = {
            "grant_type": oauth.CLIENT_CREDENTIALS, "client_assertion_type": oauth.CLIENT_ASSERTION,
            "client_assertion": assertion or self.assertion(), **form,
        }  # fmt: skip
        headers = {"DPoP": proof or self.proof("POST", "/oauth/token")}
        return http.post("/oauth/token", data=given, headers=headers)

    def token(self, http: Any, **form: str) -> str:
        """A token."""
        answer = self.ask_token(http, **form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def ask(self, http: Any, method: str, path: str, token: str, proof: str | None = None, **options: Any) -> Any:
        """A request with a token and a proof; an empty proof is none."""
        proof = self.proof(method, path.partition("?")[0], token) if proof is None else proof
        headers = {"Authorization": f"DPoP {token}", **({"DPoP": proof} if proof else {})}
        return http.request(method, path, headers=headers, **options)


def past_the_start(clock: Any) -> None:
    """A node takes no proof that could have been made before it started."""
    clock.move(seconds=oauth.AHEAD_SECONDS + 1)


def day_after(node: Node) -> str:
    """A day from now, as the API takes it."""
    return later(node.clock.now(), days=1)
