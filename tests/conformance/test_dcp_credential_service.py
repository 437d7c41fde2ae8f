"""The kit's cases for a credential service: the kit's issuer brings credentials, and its verifier asks for them.

The kit asks for tokens in a way that DCP leaves open (OAuth with a secret). A hand in between has the node sign them, by
the steward's API.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import dcp_kit

import story
from usufruct.core.dataspace.claims import BY_TYPE
from usufruct.node import login

CASES = 16


def test_the_kit_passes(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    jars = dcp_kit.compiled(tmp_path)
    with dcp_kit.stage(tmp_path, ()) as (node, url, settings):
        steward = login.issue_token(node, story.OPERATOR, "steward", ("steward",), 1, "the kit")

        def sign(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            form = parse_qs(body.decode())
            types = [one.removeprefix(BY_TYPE).removesuffix(":read") for one in form["bearer_access_scope"][0].split()]
            wanted = json.dumps({"audience": form["audience"][0], "types": types}).encode()
            request = urllib.request.Request(f"{url}/api/v1/participant/tokens", wanted)
            request.add_header("Content-Type", "application/json")
            request.add_header("Authorization", f"Bearer {steward}")
            with urllib.request.urlopen(request, timeout=30) as answer:
                return 200, json.dumps({"access_token": json.load(answer)["token"]}).encode()

        with dcp_kit.answering(sign) as tokens:
            settings |= {
                "dataspacetck.did.holder": node.connector.participant,
                "dataspacetck.sts.url": tokens,
                "dataspacetck.sts.client.id": "kit",
                "dataspacetck.sts.client.secret": "kit",
            }
            dcp_kit.run(tmp_path, jars, "presentation.cs", settings, record_property, CASES)
