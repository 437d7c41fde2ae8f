"""The rows that a training was measured by are shown when it is over, so that anybody concerned can work the measure out again."""

from __future__ import annotations

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.state import Use
from usufruct.core.privacy.validation import ValidationSet
from usufruct.node.node import Node


def rows_of(node: Node, use: str) -> tuple[ValidationSet, bytes] | Refusal:
    """What came with a use that is over, and the very bytes."""
    not_shown = "the rows were not shown"
    with node.store.read() as state:
        known, found = state.get(ValidationSet, use), state.get(Use, use)
        if known is None or found is None:
            return refuse(
                "registry.unknown", not_shown, f"no rows came with `{use}`", remedy="name a training that had some"
            )
        if found.state == "admitted":
            return refuse("registry.unknown", not_shown, f"`{use}` is not over yet", remedy="wait until it is")
        return known, state.evidence(known.kept)
