"""The words of the rules: which operators, left operands and actions this node understands, and what they mean.

They are data (`core/rulebook/terms.toml`, dated and with its source), because a word that is missing here is not an
error: it is unknown, and unknown means that no permission holds by it and no prohibition fails by it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

# Conformance to these says nothing that would not hold anyway.
PROFILES = frozenset({"http://www.w3.org/ns/odrl/2/core", "http://www.w3.org/ns/odrl/2/", "odrl:core", "usu:terms"})
ROLES = (
    "attributedParty", "attributingParty", "compensatedParty", "compensatingParty", "consentedParty", "consentingParty",
    "contractedParty", "contractingParty", "informedParty", "informingParty", "payeeParty", "trackedParty", "trackingParty",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operand:
    """A left operand: the type of its values, what it is, who supplies it, and which values there are.

    `low` and `high` are the least and the greatest number; `among` are all the names, or empty if any name will do.
    """

    name: str
    type: str
    label: str
    given: str
    low: int | None = None
    high: int | None = None
    among: tuple[str, ...] = ()


def _load() -> dict[str, Any]:
    return tomllib.loads(resources.files("usufruct.core.rulebook").joinpath("terms.toml").read_text(encoding="utf-8"))


def _operand(name: str, entry: dict[str, Any]) -> Operand:
    return Operand(name, **{**entry, "among": tuple(entry.get("among", ()))})


_WORDS = _load()
OPERATORS: dict[str, str] = _WORDS["operators"]
OPERANDS = {name: _operand(name, entry) for name, entry in _WORDS["operands"].items()}
OF: dict[str, str] = _WORDS["properties"]
ACTIONS: dict[str, tuple[str, ...]] = {name: tuple(above) for name, above in _WORDS["actions"].items()}


def _above(action: str) -> frozenset[str]:
    return frozenset({action}).union(*map(_above, ACTIONS[action]))


_ABOVE = {action: _above(action) for action in ACTIONS}
_BELOW = {action: frozenset(other for other in ACTIONS if action in _ABOVE[other]) for action in ACTIONS}
_NOTHING: frozenset[str] = frozenset()


def actions_above(action: str) -> frozenset[str]:
    """The action and all that it is included in; only itself if it is unknown."""
    return _ABOVE.get(action, _NOTHING) or frozenset({action})


def actions_below(action: str) -> frozenset[str]:
    """The action and all that is included in it; only itself if it is unknown."""
    return _BELOW.get(action, _NOTHING) or frozenset({action})
