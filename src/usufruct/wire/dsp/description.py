"""The messages and answers of the protocol as JSON schemas, for the description of the API: made from the types that read them.

What a type demands beyond its fields (that a constraint compares or joins, that the first message has a callback) is in
no schema; who sends it otherwise is told so. Parts of messages have names of their own, with `Dataspace` before them,
for `Offer` and `Agreement` mean more elsewhere in the API.
"""

from __future__ import annotations

from typing import Any

import msgspec

from usufruct.wire.dsp import shapes
from usufruct.wire.dsp.spelling import CONTEXT

_PARTS = "#/components/schemas/Dataspace{name}"
MESSAGES: dict[str, type[msgspec.Struct]] = {
    "CatalogRequestMessage": shapes.CatalogueRequest,
    "CatalogError": shapes.CatalogueError,
    "ContractRequestMessage": shapes.ContractRequest,
    "ContractOfferMessage": shapes.ContractOffer,
    "ContractAgreementMessage": shapes.ContractAgreement,
    "ContractAgreementVerificationMessage": shapes.Process,
    "ContractNegotiationEventMessage": shapes.Event,
    "ContractNegotiationTerminationMessage": shapes.Reasoned,
    "ContractNegotiation": shapes.NegotiationState,
    "ContractNegotiationError": shapes.Reasoned,
    "TransferRequestMessage": shapes.TransferRequest,
    "TransferStartMessage": shapes.TransferStart,
    "TransferSuspensionMessage": shapes.Reasoned,
    "TransferCompletionMessage": shapes.Process,
    "TransferTerminationMessage": shapes.Reasoned,
    "TransferProcess": shapes.TransferState,
    "TransferError": shapes.Reasoned,
}
"""Each message and answer by its `@type`, with the type that reads it; those of a catalogue are read piece by piece."""


def schemas() -> dict[str, dict[str, Any]]:
    """All of them by name, and the parts that they are made of."""
    kinds = tuple(dict.fromkeys(MESSAGES.values()))
    whole, parts = msgspec.json.schema_components(kinds, ref_template=_PARTS)
    named = {
        kind: parts[schema["$ref"].removeprefix(_PARTS.format(name=""))]
        for kind, schema in zip(kinds, whole, strict=True)
    }
    tops = {schema["title"] for schema in named.values()}
    return {
        **{f"Dataspace{name}": part for name, part in parts.items() if name not in tops},
        **{kind: _message(kind, named[shape]) for kind, shape in MESSAGES.items()},
    }


def _message(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A shape as the message of that `@type`."""
    lead = {
        "@context": {
            "const": [CONTEXT],
            "type": "array",
            "items": {"type": "string"},
            "description": "a list that holds this",
        },
        "@type": {"const": kind, "type": "string"},
    }
    return {
        **schema, "title": kind, "description": f"See {kind} in the Dataspace Protocol 2025-1.",
        "properties": {**lead, **{name: part for name, part in schema["properties"].items() if name not in lead}},
        "required": [*lead, *(name for name in schema["required"] if name not in lead)],
    }  # fmt: skip
