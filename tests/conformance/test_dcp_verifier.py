"""The kit's cases for a verifier: the kit is another participant, with a credential service, and sends a message.

The message is the kit's own question for a catalogue, which is not written as the Dataspace Protocol has it today. So a
hand in between puts the protocol's in its place, and passes the token on untouched: what is judged is the token.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import dcp_kit

CASES = 20
QUESTION = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}


def test_the_kit_passes(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    jars = dcp_kit.compiled(tmp_path)
    with dcp_kit.stage(tmp_path, dcp_kit.TYPES[:1]) as (node, _, settings):

        def pass_on(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            request = urllib.request.Request(f"{node.connector.url}/catalog/request", json.dumps(QUESTION).encode())
            request.add_header("Content-Type", "application/json")
            request.add_header("Authorization", headers.get("Authorization", ""))
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        with dcp_kit.answering(pass_on) as trigger:
            settings |= {
                "dataspacetck.did.verifier": node.connector.participant,
                "dataspacetck.vpp.trigger.endpoint": trigger,
            }
            dcp_kit.run(tmp_path, jars, "presentation.verifier", settings, record_property, CASES)
