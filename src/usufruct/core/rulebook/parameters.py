"""Dated parameters: which number was in force on a day, as known on a day.

Two dates, because they answer two questions. *Effective on*: which rule applied to the use? *Known on*: which rules had
been published when the decision was made? A rule published later with an earlier effective date changes what is owed,
not what was decided.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Protocol, TypeVar

from usufruct.core.base.instants import Instant, parse


class Dated(Protocol):
    """What has the two dates: from when it applies, and when it was published."""

    @property
    def effective(self) -> Instant:
        """From this moment on it applies."""

    @property
    def known(self) -> Instant:
        """From this moment on it could be known."""


D = TypeVar("D", bound=Dated)


def by_dates(versions: Iterable[D]) -> list[D]:
    """The versions of one thing in the order in which `in_force` reads them."""
    return sorted(versions, key=lambda version: (version.effective, version.known))


def in_force(versions: Sequence[D], effective: Instant, known: Instant) -> D | None:
    """Of versions in the order of `by_dates`, the one that applies on `effective` as published by `known`; None if none."""
    return next((one for one in reversed(versions) if one.effective <= effective and one.known <= known), None)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a parameter, from `effective` on; `source` says why this number, `authority` who set it."""

    name: str
    value: int
    effective: Instant
    known: Instant
    source: str
    authority: str


class Rulebook:
    """All parameters, by name."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self._by_name: dict[str, list[Parameter]] = {}
        for parameter in by_dates(parameters):
            self._by_name.setdefault(parameter.name, []).append(parameter)

    def parameter(self, name: str, effective: Instant, known: Instant | None = None) -> Parameter:
        """The parameter in force on `effective`, as published by `known` (the same day unless said otherwise).

        Raises:
            KeyError: there was none on that day; a rule that reads it would be a bug.
        """
        found = in_force(self._by_name[name], effective, known or effective)
        if found is None:
            raise KeyError(f"`{name}` had no value on {effective}")
        return found

    def value(self, name: str, effective: Instant, known: Instant | None = None) -> int:
        """The number of that parameter; its unit is part of its name."""
        return self.parameter(name, effective, known).value

    def __iter__(self) -> Iterable[Parameter]:
        return iter(p for versions in self._by_name.values() for p in versions)


def shipped() -> Rulebook:
    """The rulebook that comes with the node: its defaults, until an assembly adopts others."""
    text = resources.files(__package__).joinpath("parameters.toml").read_text(encoding="utf-8")
    return Rulebook(_parameter(entry) for entry in tomllib.loads(text)["parameter"])


def _parameter(entry: dict[str, object]) -> Parameter:
    effective, known = entry["effective"], entry["known"]
    assert isinstance(effective, date) and isinstance(known, date) and isinstance(entry["value"], int)
    return Parameter(
        str(entry["name"]),
        entry["value"],
        parse(effective.isoformat()),
        parse(known.isoformat()),
        str(entry["source"]),
        str(entry["authority"]),
    )
