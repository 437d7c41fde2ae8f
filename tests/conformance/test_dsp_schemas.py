"""The schemas, examples and contexts of the Dataspace Protocol 2025-1 (eclipse-dataspace-protocol-base/DataspaceProtocol).

They are the oracle of our own schemas, in a validator that shares no code with ours: what we write they accept; what they
refuse we refuse; what they accept we accept, but for what `wire/dsp/shapes.py` says is demanded besides. And a general
processor of JSON-LD expands what we write, by the protocol's own contexts, to the same statement.
"""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings

from usufruct.core.base.faults import BadInput
from usufruct.core.dataspace import messages as m
from usufruct.core.dataspace.catalogue import Catalogue
from usufruct.core.dataspace.versions import Version
from usufruct.wire import dsp

sys.path.append(str(Path(__file__).parents[1] / "wire"))
from dsp_cases import NAMES, catalogues, messages

SUITE = Path(os.environ.get("USUFRUCT_SUITES", "")) / "dsp-schemas"
HOME = "https://w3id.org/dspace/2025/1/"
EXAMPLES = sorted(SUITE.glob("*/example/*.json")) if (SUITE / "context").is_dir() else []
pytestmark = pytest.mark.skipif(not EXAMPLES, reason="no USUFRUCT_SUITES with dsp-schemas in it")

READERS: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "ContractRequestMessage": ("negotiation/contract-request-message", dsp.read_contract_request),
    "ContractOfferMessage": ("negotiation/contract-offer-message", dsp.read_contract_offer),
    "ContractAgreementMessage": ("negotiation/contract-agreement-message", dsp.read_contract_agreement),
    "ContractAgreementVerificationMessage": (
        "negotiation/contract-agreement-verification-message", dsp.read_agreement_verification),
    "ContractNegotiationEventMessage": ("negotiation/contract-negotiation-event-message", dsp.read_negotiation_event),
    "ContractNegotiationTerminationMessage": (
        "negotiation/contract-negotiation-termination-message", dsp.read_negotiation_termination),
    "ContractNegotiation": ("negotiation/contract-negotiation", dsp.read_negotiation),
    "ContractNegotiationError": ("negotiation/contract-negotiation-error", dsp.read_error),
    "TransferRequestMessage": ("transfer/transfer-request-message", dsp.read_transfer_request),
    "TransferStartMessage": ("transfer/transfer-start-message", dsp.read_transfer_start),
    "TransferSuspensionMessage": ("transfer/transfer-suspension-message", dsp.read_transfer_suspension),
    "TransferCompletionMessage": ("transfer/transfer-completion-message", dsp.read_transfer_completion),
    "TransferTerminationMessage": ("transfer/transfer-termination-message", dsp.read_transfer_termination),
    "TransferProcess": ("transfer/transfer-process", dsp.read_transfer),
    "TransferError": ("transfer/transfer-error", dsp.read_error),
    "CatalogRequestMessage": ("catalog/catalog-request-message", dsp.read_catalogue_request),
    "CatalogError": ("catalog/catalog-error", dsp.read_error),
    "Catalog": ("catalog/catalog", dsp.read_catalogue),
    "Dataset": ("catalog/dataset", dsp.read_dataset),
    "": ("common/protocol-version", dsp.read_versions),
}  # fmt: skip
PATIENT = (
    "Catalog",
    "Dataset",
    "ContractNegotiationError",
    "TransferError",
)  # read as far as they go, so that a no is understood


@cache
def schemas() -> dict[str, Any]:
    """The schemas by their addresses. Three of them name a part of another without its slash."""
    files = SUITE.glob("*/*-schema.json")
    read = [json.loads(file.read_text().replace(".json#definitions", ".json#/definitions")) for file in files]
    return {schema["$id"]: schema for schema in read}


@cache
def validator(name: str) -> jsonschema_rs.Validator:
    registry = jsonschema_rs.Registry(list(schemas().items()), draft=jsonschema_rs.Draft201909)
    return jsonschema_rs.validator_for(schemas()[f"{HOME}{name}-schema.json"], registry=registry)


def accepted(body: bytes) -> bool:
    """Whether the official schema of its type accepts it."""
    said = json.loads(body)
    return validator(READERS[said.get("@type", "")][0]).is_valid(said)


def examples() -> list[Any]:
    return [
        pytest.param(json.loads(path.read_text()), id=path.stem) for path in EXAMPLES
        if not path.stem.endswith("did-service") and path.stem != "dataset-request-message"
    ]  # fmt: skip


@pytest.mark.parametrize("said", examples())
def test_every_example_is_read(said: dict[str, Any]) -> None:
    name, reader = READERS[said.get("@type", "")]
    assert validator(name).is_valid(said)
    found = reader(json.dumps(said).encode())
    if isinstance(found, m.NegotiationMessage | m.TransferMessage):
        written = dsp.write(found)
        assert accepted(written) and reader(written) == found
    if isinstance(found, Catalogue):
        assert not found.left_out and accepted(dsp.write_catalogue(found))


SPOILT: tuple[Any, ...] = (None, 5, 1.5, True, "", "x", [], [5], {}, {"@id": "x"}, {"a": []})


def variants(said: Any) -> Iterator[tuple[Any, str]]:
    """Each member of what is said left out, replaced, or added to, one at a time; and what was done."""

    def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            yield (*path, key)
            yield from places(value[key], (*path, key))

    for path in places(said, ()):
        for spoilt in (*SPOILT, ...):
            made = copy.deepcopy(said)
            at = made
            for key in path[:-1]:
                at = at[key]
            if spoilt is ...:
                del at[path[-1]]
            else:
                at[path[-1]] = spoilt
            yield made, f"{'.'.join(map(str, path))} := {spoilt!r}"
    for extra in (
        {"callbackAddress": "https://x.example"},
        {"providerPid": "p"},
        {"consumerPid": "c"},
        {"strange": [5]},
    ):
        if not extra.keys() & said.keys():
            yield {**said, **extra}, f"{extra!r} added"


def stricter(said: dict[str, Any]) -> bool:
    """Whether it lacks what we demand besides: names that say something, an offer's target, a time of the right form."""
    about = said.get("offer", said.get("agreement", {}))
    names = [said.get(name) for name in ("providerPid", "consumerPid", "callbackAddress", "agreementId", "format")]
    names += [about.get(name) for name in ("@id", "target", "assigner", "assignee")]
    return "" in names or ("offer" in said and "target" not in about)


@pytest.mark.parametrize("said", [one for one in examples() if one.values[0].get("@type") not in PATIENT])
def test_our_schemas_say_what_the_official_ones_say(said: dict[str, Any]) -> None:
    name, reader = READERS[said.get("@type", "")]
    refused = 0
    for made, what in variants(said):
        try:
            reader(json.dumps(made).encode())
            ours = True
        except BadInput:
            ours = False
        theirs = validator(name).is_valid(made)
        assert ours == theirs or (theirs and stricter(made)), f"{what}: ours {ours}, theirs {theirs}"
        refused += not theirs
    assert refused > 10


@settings(max_examples=50, deadline=None)
@given(messages())
def test_what_we_write_fits_the_official_schemas(message: m.Message) -> None:
    assert accepted(dsp.write(message))


@settings(max_examples=8, deadline=None)
@given(catalogues())
def test_our_catalogues_fit_the_official_schemas(catalogue: Catalogue) -> None:
    assert accepted(dsp.write_catalogue(catalogue))
    assert all(accepted(dsp.write_dataset(dataset)) for dataset in catalogue.datasets)


def test_our_answers_fit_the_official_schemas() -> None:
    for state in ("REQUESTED", "TERMINATED"):
        assert accepted(dsp.write_negotiation(m.ProcessState("p", "c", state)))
        assert accepted(dsp.write_transfer(m.ProcessState("p", "c", state)))
    for error in (m.ProtocolError("", "c"), m.ProtocolError("p", "c", "no", ("because",))):
        assert accepted(dsp.write_negotiation_error(error))
        assert accepted(dsp.write_transfer_error(error))
        assert accepted(dsp.write_catalogue_error(error))
    assert accepted(dsp.write_catalogue_request())
    assert accepted(
        dsp.write_versions([Version("2025-1", "/dsp", auth=("DCP", "1.0"), profiles=("p",)), Version("2024-1", "/")])
    )


# ---- JSON-LD


@cache
def processor() -> tuple[Any, dict[str, Any]]:
    """A general processor that has the protocol's two contexts and fetches none."""
    jsonld = pytest.importorskip("pyld").jsonld
    known = {
        f"{HOME}context.jsonld": json.loads((SUITE / "context" / "dspace.jsonld").read_text()),
        f"{HOME}odrl-profile.jsonld": json.loads((SUITE / "context" / "odrl.jsonld").read_text()),
    }

    def load(url: str, _: Any) -> dict[str, Any]:
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": known[url]}

    return jsonld, {"documentLoader": load, "base": None}


def expanded(body: bytes) -> bytes:
    jsonld, options = processor()
    return json.dumps(jsonld.expand(json.loads(body), options)).encode()


def prefixed(body: bytes) -> bytes:
    """The same compacted with prefixes only, and others than the usual."""
    jsonld, options = processor()
    context = {
        "ds": HOME,
        "o": "http://www.w3.org/ns/odrl/2/",
        "cat": "http://www.w3.org/ns/dcat#",
        "t": "http://purl.org/dc/terms/",
    }
    return json.dumps(jsonld.compact(jsonld.expand(json.loads(body), options), context, options)).encode()


def compacted(body: bytes) -> bytes:
    """The same brought back to the plain form by the protocol's own context."""
    jsonld, options = processor()
    made = jsonld.compact(jsonld.expand(json.loads(body), options), {"@context": [f"{HOME}context.jsonld"]}, options)
    return json.dumps({**made, "@context": [f"{HOME}context.jsonld"]}).encode()


@settings(max_examples=8, deadline=None)
@given(messages(NAMES))
def test_a_reader_of_json_ld_understands_the_same(message: m.Message) -> None:
    body = dsp.write(message)
    reader = READERS[json.loads(body)["@type"]][1]
    for spelled in (expanded, prefixed, compacted):
        assert reader(spelled(body)) == message


@settings(max_examples=8, deadline=None)
@given(catalogues(NAMES))
def test_a_reader_of_json_ld_finds_the_same_catalogue(catalogue: Catalogue) -> None:
    body = dsp.write_catalogue(catalogue)
    for spelled in (expanded, prefixed):
        assert dsp.read_catalogue(spelled(body)) == catalogue


def test_expanded_words_are_those_of_the_vocabularies() -> None:
    """The processor drops what no context explains, so nothing that we say may be missing from what it makes of it."""
    said = json.loads((SUITE / "negotiation" / "example" / "contract-agreement-message.json").read_text())
    message = dsp.read_contract_agreement(json.dumps(said).encode())
    made = expanded(dsp.write(message)).decode()
    for word in (
        "http://www.w3.org/ns/odrl/2/dateTime",
        "http://www.w3.org/ns/odrl/2/lteq",
        "2023-12-31T06:00Z",
        f"{HOME}timestamp",
    ):
        assert word in made
