"""Which uses are free because they are in the public interest.

The purposes are named, and so is who may claim them: whoever asks could say that it is for better health care, so the
purpose alone is not enough. Dated like every other rule.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

from usufruct.core.base.instants import Instant, parse
from usufruct.core.rulebook import purposes


@dataclass(frozen=True, slots=True)
class PublicInterest:
    """Uses for one of `purposes`, by a party of one of these `kinds`, are free from `effective` on."""

    name: str
    purposes: tuple[str, ...]
    kinds: tuple[str, ...]
    effective: Instant
    known: Instant
    source: str
    authority: str

    def covers(self, purpose: str, kind: str) -> bool:
        """Whether a use for `purpose` by a party of that kind is free by it."""
        return kind in self.kinds and any(purposes.covers(broader, purpose) for broader in self.purposes)


def in_force(at: Instant) -> PublicInterest | None:
    """The rule by which uses are free on `at`, as known then; None before there was one."""
    return next((rule for rule in reversed(RULES) if rule.effective <= at and rule.known <= at), None)


def _rule(entry: dict[str, Any]) -> PublicInterest:
    effective, known = entry["effective"], entry["known"]
    assert isinstance(effective, date) and isinstance(known, date)
    assert all(map(purposes.known, entry["purposes"]))
    return PublicInterest(
        entry["name"], tuple(entry["purposes"]), tuple(entry["kinds"]), parse(effective.isoformat()),
        parse(known.isoformat()), entry["source"], entry["authority"],
    )  # fmt: skip


_TEXT = resources.files(__package__).joinpath("public_interest.toml").read_text(encoding="utf-8")
RULES = sorted(map(_rule, tomllib.loads(_TEXT)["rule"]), key=lambda rule: (rule.effective, rule.known))
