"""Finding skills by what people call them.

A framework changes once a year and is searched all day, so what is searched is kept in memory: the names of the skills in
small letters. Every answer follows from the framework and the words alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from usufruct.core.base.instants import Instant
from usufruct.core.work.skills.demand import Figure
from usufruct.core.work.skills.state import Skill

NOWHERE = 9


@dataclass(frozen=True, slots=True)
class _Name:
    label: str
    words: tuple[str, ...]
    others: tuple[str, ...]
    text: str  # all of it, with and without hyphens: what has not all words of a search is not looked at any closer
    skill: Skill


class Index:
    """The skills of a framework, to be found by their names."""

    def __init__(self, skills: Iterable[Skill]) -> None:
        self._names = [_name(skill) for skill in skills]

    def find(self, text: str, most: int) -> list[Skill]:
        """The skills called so: first by the whole label, then by its beginning, by words in it, by other names."""
        wanted = " ".join(text.casefold().split())
        words = wanted.replace("-", " ").split()
        if not words:
            return []
        near = self._names
        for word in words:
            near = [name for name in near if word in name.text]
        ranked = (
            (_rank(name, wanted, words), len(name.label), name.label, name.skill.uri, name.skill) for name in near
        )
        found = sorted(each for each in ranked if each[0] < NOWHERE)
        return [each[-1] for each in found[:most]]


def _name(skill: Skill) -> _Name:
    label, others = skill.label.casefold(), tuple(one.casefold() for one in skill.others)
    whole = "\n".join((label, *others))
    return _Name(label, tuple(label.replace("-", " ").split()), others, f"{whole}\n{whole.replace('-', ' ')}", skill)


def _rank(name: _Name, wanted: str, words: list[str]) -> int:
    if name.label == wanted:
        return 0
    if name.label.startswith(wanted):
        return 1
    if all(any(one.startswith(word) for one in name.words) for word in words):
        return 2
    if wanted in name.label:
        return 3
    return 4 if any(wanted in other for other in name.others) else NOWHERE


@dataclass(slots=True)
class Looked:
    """What a process keeps in memory about skills: an index for each framework, by the number of the fact that adopted it, and
    the figures for everybody with the instant at which they were worked out."""

    indexes: dict[tuple[str, int], Index] = field(default_factory=dict)
    figures: tuple[Instant, list[Figure]] | None = None
