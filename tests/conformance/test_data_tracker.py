"""The Estonian Data Tracker's own description of `findUsage` v2, held against the node by Schemathesis.

The description is `dumonitor-openapi.yaml` of e-gov/AJ (2.1.0); see docs/guides/between-nodes.md for where to get it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from exchange.world import CODE, PERSONS, PURPOSE, TRACKER, USAGE, provider

SUITE = Path(os.environ.get("USUFRUCT_SUITES", "")) / "data-tracker" / "dumonitor-openapi.yaml"
EXAMPLES = 60
CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection, positive_data_acceptance,
)  # fmt: skip


@pytest.mark.skipif(not SUITE.is_file(), reason="no USUFRUCT_SUITES with data-tracker in it")
def test_find_usage_is_what_the_data_tracker_expects(tmp_path: Path) -> None:
    with provider(tmp_path / "node") as there:
        for _ in range(3):
            there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={"Usufruct-Purpose": PURPOSE})
        schema = schemathesis.openapi.from_path(SUITE)
        schema.config.update(base_url=f"{there.url}/r1/{USAGE}")
        headers = {"X-Road-Client": TRACKER, "Authorization": f"Bearer {there.tracker}"}
        operations = [found.ok() for found in schema.get_all_operations()]
        assert sorted(operation.path for operation in operations) == [
            "/v2/findUsage",
            "/v2/heartbeat",
            "/v2/usagePeriod",
        ]
        for operation in operations:
            asks = operation.path.endswith("/findUsage")  # the others take nothing that could be wrong
            for mode in schemathesis.GenerationMode if asks else [schemathesis.GenerationMode.POSITIVE]:

                @given(case=operation.as_strategy(generation_mode=mode))
                @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
                def holds(case: Any) -> None:
                    # The description allows an empty user id, which says nothing about who asks; the node does not.
                    assume((case.headers or {}).get("X-Road-UserId", "-").strip())
                    case.call_and_validate(headers=headers, checks=CHECKS)

                holds()
        usage = next(operation for operation in operations if operation.path.endswith("/findUsage"))
        known = usage.Case(query={"userCode": CODE}, headers={"X-Road-UserId": CODE})
        assert known.call_and_validate(headers=headers, checks=CHECKS).json()["totalUsages"] == 3
