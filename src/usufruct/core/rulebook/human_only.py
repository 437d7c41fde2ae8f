"""Decisions that only a person may sign, and the law that says so."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class HumanOnly:
    """A kind of decision: what it `means` to take it, and the `source` of its being a person's alone."""

    name: str
    means: str
    source: str


def _load() -> dict[str, HumanOnly]:
    text = resources.files(__package__).joinpath("human_only.toml").read_text(encoding="utf-8")
    return {entry["name"]: HumanOnly(**entry) for entry in tomllib.loads(text)["decision"]}


HUMAN_ONLY = _load()
