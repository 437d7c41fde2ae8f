"""Logging in at an OpenID Connect provider (code flow with PKCE), with Authlib.

Of all that a provider says one thing is used: *this is subject S*. The answer is taken only if it comes back to what this
browser started (`state`), from the provider that was asked (`iss`, RFC 9207), for this node (`aud`), now, and for this
very attempt (`nonce`). Addresses, names and e-mail addresses that it may send are not looked at: a provider lets people
choose them.
"""

from __future__ import annotations

import contextlib
import hmac
import os
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from usufruct.core.base.faults import BadInput, PeerFault, Unwelcome
from usufruct.core.base.instants import Instant, seconds

SECONDS = 10
"""How long the provider may take for each answer."""
SKEW_SECONDS = 30
"""How far its clock may be ahead of ours, or behind."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_UNREADABLE = (ValueError, TypeError, KeyError)  # what the libraries raise, beside their own, at what is malformed
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")


def read_secret(setting: str) -> str:
    """The secret that the setting `openid_secret` leads to; none for a public client.

    Raises:
        BadInput: it is not `env:NAME`, or there is no such variable.
    """
    if not setting:
        return ""
    kind, _, name = setting.partition(":")
    if kind != "env" or not name:
        raise BadInput(
            "input.settings",
            "`openid_secret` does not name a variable",
            "write env:NAME; secrets are not kept in node.toml",
        )
    if not os.environ.get(name):
        raise BadInput(
            "input.settings", f"there is no variable `{name}`", "set it, with the node's secret at the provider"
        )
    return os.environ[name]


class HttpOpenId:
    """`node.identities.OpenId` over HTTP. What the provider says of itself is read when it is first needed, and kept."""

    def __init__(self, issuer: str, client: str, secret: str) -> None:
        parts = urlsplit(issuer)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not (parts.scheme == "https" or (parts.scheme == "http" and local)) or parts.query or parts.fragment:
            raise BadInput("input.settings", f"`{issuer}` cannot be an issuer", "give its https address")
        if not client:
            raise BadInput(
                "input.settings", "`openid_client` is missing", "give the client id that the provider gave you"
            )
        self._issuer = issuer
        self._client, self._secret = client, secret
        self._metadata: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"HttpOpenId({self._issuer!r})"

    @property
    def issuer(self) -> str:
        """Its issuer identifier."""
        return self._issuer

    def start(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser."""
        url = prepare_grant_uri(
            self._about("authorization_endpoint"), self._client, "code", redirect, "openid", state, nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier), code_challenge_method="S256",
        )  # fmt: skip
        return str(url)

    def finish(self, query: str, redirect: str, state: str, nonce: str, verifier: str, at: Instant) -> str:
        """The subject who logged in."""
        answer = {name: values[0] for name, values in parse_qs(query).items() if len(values) == 1}
        if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise _unwelcome("this is not the answer to a log-in that began in this browser")
        said = answer.get("iss")
        if said != self._issuer and (said is not None or self._metadata_says_iss()):
            raise _unwelcome("the answer is not from the provider that was asked")
        if "error" in answer or not answer.get("code"):
            raise _unwelcome("the provider did not log you in")
        token = self._exchange(answer["code"], redirect, verifier)
        return self._subject(token, nonce, seconds(at))

    def _exchange(self, code: str, redirect: str, verifier: str) -> str:
        """The id token that the provider gives for its code. The secret goes in a header, as RFC 6749, 2.3.1, has it."""
        auth = httpx.BasicAuth(quote(self._client), quote(self._secret)) if self._secret else None
        public = {} if self._secret else {"client_id": self._client}
        body = prepare_token_request(
            "authorization_code", redirect_uri=redirect, code=code, code_verifier=verifier, **public
        )
        answer = self._ask("POST", self._about("token_endpoint"), content=body, auth=auth, headers=_FORM)
        if answer.status_code in (400, 401):
            raise _unwelcome("the provider did not accept its own code")
        token = _object(answer).get("id_token")
        if not isinstance(token, str):
            raise _failed("sent no id token")
        return token

    def _subject(self, token: str, nonce: str, now: int) -> str:
        """What the id token says (OpenID Connect Core, 3.1.3.7)."""
        wanted = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client},
            "nonce": {"essential": True, "value": nonce},
        }
        keys = _key_set(self._get(self._about("jwks_uri")))
        try:
            read = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            claims = CodeIDToken(read.claims, read.header, wanted, {"client_id": self._client})
            claims.validate(now=now, leeway=SKEW_SECONDS)
        except (JoseError, *_UNREADABLE) as error:
            raise _unwelcome(f"what the provider says does not hold ({type(error).__name__})") from None
        subject = read.claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
            raise _unwelcome("the provider did not say who you are")
        return subject

    def _metadata_says_iss(self) -> bool:
        self._about("token_endpoint")
        return bool(self._metadata.get("authorization_response_iss_parameter_supported"))

    def _about(self, name: str) -> str:
        if not self._metadata:
            found = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise _failed("calls itself something else than the settings do")
            self._metadata = found
        value = self._metadata.get(name)
        try:
            there = isinstance(value, str) and urlsplit(value).scheme in {"https", urlsplit(self._issuer).scheme}
        except ValueError:
            there = False
        if not there:
            raise _failed(f"does not say its `{name}`")
        return str(value)

    def _get(self, url: str) -> dict[str, Any]:
        return _object(self._ask("GET", url))

    def _ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            return httpx.request(method, url, timeout=SECONDS, follow_redirects=False, **options)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise _failed(f"could not be asked ({type(error).__name__})") from None


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _failed("answered with something else than was asked for")
    return found


def _key_set(found: dict[str, Any]) -> KeySet:
    """The keys of a set that can be read; a provider may have others, of kinds that came later."""
    keys: list[Any] = []
    listed = found.get("keys")
    for one in listed if isinstance(listed, list) else []:
        with contextlib.suppress(JoseError, *_UNREADABLE):
            keys += KeySet.import_key_set({"keys": [one]}).keys
    if not keys:
        raise _failed("publishes no key that can be read")
    return KeySet(keys)


def _unwelcome(why: str) -> Unwelcome:
    return Unwelcome("login.openid", f"you are not logged in: {why}", "log in again, from the page of this node")


def _failed(why: str) -> PeerFault:
    return PeerFault("peer.failed", f"the login provider {why}", "try again later, or log in another way")
