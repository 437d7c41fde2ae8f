"""The test cases of the OpenWallet Foundation's `sd-jwt-python`, issued, presented and verified here.

Each case says what an issuer signs, what the holder discloses, and what a verifier must find. See
docs/guides/credentials.md for where to get them. Two things are read as RFC 7515 has them: `kid`, the number 42 in one
case, is a text; and there is no `None` in YAML, so a case that says it means a value that is wanted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from usufruct.wire import jose, sdjwt
from usufruct.wire.sdjwt import Hidden

FOLDER = Path(os.environ.get("USUFRUCT_SUITES", "")) / "sd-jwt" / "testcases"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/specification.yml"))
SKIP = pytest.mark.skip(reason="no USUFRUCT_SUITES with sd-jwt in it")
NAMES = CASES or [pytest.param("any", marks=SKIP)]


class Loader(yaml.SafeLoader):
    """YAML in which `!sd` stands before a key, or an item of a list, that can be withheld."""


def hidden(loader: Loader, node: yaml.Node) -> Hidden:
    if isinstance(node, yaml.MappingNode):
        return Hidden(mapping(loader, node))
    if isinstance(node, yaml.SequenceNode):
        return Hidden(loader.construct_sequence(node, deep=True))
    bare = yaml.ScalarNode(loader.resolve(yaml.ScalarNode, node.value, (node.style is None, False)), node.value)
    return Hidden(loader.construct_object(bare))


def mapping(loader: Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        made = loader.construct_object(value, deep=True)
        if key.tag == "!sd":
            found[key.value] = Hidden(made)
        else:
            found[key.value] = made
    return found


Loader.add_constructor("!sd", hidden)
Loader.add_constructor("tag:yaml.org,2002:map", mapping)


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def signing(jwk: dict[str, str]) -> Callable[[bytes], bytes]:
    key = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y", "d")})
    return lambda message: JWSRegistry.algorithms["ES256"].sign(message, key)


def public(jwk: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in jwk.items() if name != "d"}


class Case:
    """One case with the settings that it changes."""

    def __init__(self, name: str) -> None:
        self.says = load(FOLDER / name / "specification.yml")
        self.settings = load(FOLDER / "settings.yml")
        override = self.says.get("settings_override", {})
        keys = {**self.settings["key_settings"], **override, **override.get("key_settings", {})}
        self.issuers, self.holder = keys["issuer_keys"], keys["holder_key"]
        self.bound = self.says.get("key_binding", False)
        self.audience = self.settings["identifiers"]["verifier"]
        self.nonce = self.settings["key_binding_nonce"]

    def claims(self) -> dict[str, Any]:
        times = {
            "iss": self.settings["identifiers"]["issuer"],
            "iat": self.settings["iat"],
            "exp": self.settings["exp"],
        }
        return {**times, **({"cnf": {"jwk": public(self.holder)}} if self.bound else {}), **self.says["user_claims"]}

    def issued(self) -> str:
        header = {"alg": "ES256", **{k: str(v) for k, v in self.says.get("extra_header_parameters", {}).items()}}
        return sdjwt.issue(self.claims(), signing(self.issuers[0]), lambda: os.urandom(16), header)

    def presented(self, issued: str) -> str:
        text = sdjwt.present(issued, self.says["holder_disclosed_claims"])
        if self.bound:
            text = sdjwt.bind(text, self.audience, self.nonce, self.settings["iat"], "ES256", signing(self.holder))
        return self.as_json(text) if self.says.get("serialization_format") == "json" else text

    def as_json(self, text: str) -> str:
        """The JSON form; with more issuers' keys the general one, signed by all."""
        token, *disclosures, binding = text.split("~")
        protected, payload, signature = token.split(".")
        header: dict[str, Any] = {"disclosures": disclosures} | ({"kb_jwt": binding} if binding else {})
        if len(self.issuers) == 1:
            return json.dumps({"payload": payload, "protected": protected, "signature": signature, "header": header})
        made = [{"protected": protected, "signature": signature, "header": header}]
        for key in self.issuers[1:]:
            first = jose.to_base64url(json.dumps({"alg": "ES256", "kid": key["kid"]}).encode())
            signed = jose.to_base64url(signing(key)(f"{first}.{payload}".encode()))
            made.append({"protected": first, "signature": signed})
        return json.dumps({"payload": payload, "signatures": made})


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_verified_to_what_was_disclosed(name: str) -> None:
    case = Case(name)
    text = case.presented(case.issued())
    keys = [jose.public_key(public(key)) for key in case.issuers]
    token, says = sdjwt.unpack(text, keys)
    if case.bound:
        sdjwt.check_binding(text, token, case.audience, case.nonce, case.settings["iat"])
    about = {"iss", "iat", "exp", "cnf"}
    assert {name: value for name, value in says.items() if name not in about} == case.says[
        "expect_verified_user_claims"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_hidden_can_be_read_before_it_is_disclosed(name: str) -> None:
    case = Case(name)
    issued = case.issued()
    bare = sdjwt.present(issued, False)
    assert bare.count("~") == 1
    everything = sdjwt.present(issued, True)
    assert sorted(everything.split("~")) == sorted(issued.split("~"))
    keys = [jose.public_key(public(case.issuers[0]))]
    assert sdjwt.unpack(everything, keys)[1] == case.claims() | _opened(case.says["user_claims"])


def _opened(value: Any) -> Any:
    if isinstance(value, Hidden):
        return _opened(value.value)
    if isinstance(value, dict):
        return {name: _opened(part) for name, part in value.items()}
    return [_opened(part) for part in value] if isinstance(value, list) else value
