"""Grounds of lawful silence: why a record may be withheld for a time from the person it is about, and for how long."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground: what it `means`, for how many days at the `longest`, and the law that allows it (`source`)."""

    name: str
    means: str
    longest: int
    source: str


def _load() -> dict[str, Ground]:
    text = resources.files(__package__).joinpath("grounds.toml").read_text(encoding="utf-8")
    return {entry["name"]: Ground(**entry) for entry in tomllib.loads(text)["ground"]}


GROUNDS = _load()
