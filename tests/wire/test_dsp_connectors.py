"""What connectors of others say a little differently, as they were heard to say it."""

from __future__ import annotations

import json

import pytest

from usufruct.core.dataspace.messages import DataAddress, TransferStart
from usufruct.wire import dsp

CONTEXT = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld", "https://w3id.org/edc/dspace/v0.0.1"]}
# Eclipse Dataspace Components 0.15.1, as a provider, from an address that its data plane gave it.
START = {
    "@id": "9dff2356-6a52-4566-b676-e10736b7f486", "@type": "TransferStartMessage", "providerPid": "p", "consumerPid": "c",
    "dataAddress": {
        "@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpointProperties": [
            {"@type": "EndpointProperty", "name": "authorization", "value": "a secret"},
            {"@type": "EndpointProperty", "name": "endpoint", "value": "http://127.0.0.1:40541/data"},
            {"@type": "EndpointProperty", "name": "authType", "value": "bearer"},
        ],
    },
}  # fmt: skip
QUERY = {"@type": "QuerySpec", "limit": 50, "offset": 0, "sortOrder": "ASC", "filterExpression": []}
CRITERION = {"@type": "Criterion", "operandLeft": "name", "operator": "=", "operandRight": "pay"}


def test_an_address_whose_endpoint_is_a_property() -> None:
    read = dsp.read_transfer_start(json.dumps(START | CONTEXT).encode())
    shown = (("authorization", "a secret"), ("authType", "bearer"))
    assert read.address == DataAddress("https://w3id.org/idsa/v4.1/HTTP", "http://127.0.0.1:40541/data", shown)


def test_an_address_is_said_so_that_they_find_it() -> None:
    address = DataAddress("https://w3id.org/idsa/v4.1/HTTP", "https://node.example/data", (("authType", "bearer"),))
    written = dsp.write(TransferStart("p", "c", address))
    said = json.loads(written)["dataAddress"]
    assert said["endpoint"] == "https://node.example/data"
    assert {"@type": "EndpointProperty", "name": "endpoint", "value": said["endpoint"]} in said["endpointProperties"]
    assert dsp.read_transfer_start(written).address == address


@pytest.mark.parametrize(("query", "filters"), [
    (QUERY, 0),
    (QUERY | {"limit": 2}, 0),
    (QUERY | {"@type": "https://w3id.org/edc/v0.0.1/ns/QuerySpec"}, 0),
    (QUERY | {"offset": 50}, 1),
    (QUERY | {"sortField": "name"}, 1),
    (QUERY | {"filterExpression": [CRITERION]}, 1),
    (QUERY | {"@type": "Other"}, 1),
    ("name = pay", 1),
])  # fmt: skip
def test_a_query_for_everything_is_no_filter(query: object, filters: int) -> None:
    """EDC sends one with every request; as soon as it asks for less, it is a filter, and we know none."""
    body = json.dumps({"@type": "CatalogRequestMessage", "filter": [query], **CONTEXT}).encode()
    assert len(dsp.read_catalogue_request(body)) == filters
