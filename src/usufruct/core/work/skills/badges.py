"""Badges that this node gives: what an Open Badge of its own says. Who got it is a `CredentialIssued`, as for all others."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.work.skills import state as skills
from usufruct.core.work.skills.rules import uri
from usufruct.core.work.skills.state import Framework

TYPE = "OpenBadgeCredential"
"""How settings and facts name this type of credential."""
TEXT_MAX, SKILLS_MAX = 2_000, 20


@dataclass(frozen=True, slots=True)
class Aligned:
    """A skill that an achievement is aligned with: its URI, what it is called, and the title of its framework."""

    uri: str
    label: str
    framework: str


@dataclass(frozen=True, slots=True)
class Award:
    """What a badge says: the URI of the `achievement`, its name, what it is, by which `criteria` it is earned, the skills that
    it shows, and when it was `awarded` (None: when it is issued)."""

    achievement: str
    name: str
    description: str
    criteria: str
    skills: tuple[Aligned, ...]
    awarded: Instant | None = None


def award(
    read: Reader, achievement: str, name: str, description: str, criteria: str, uris: tuple[str, ...],
    awarded: Instant | None,
) -> Award:  # fmt: skip
    """An award of skills that the node has names for.

    Raises:
        BadInput: a text is missing or very long, or a skill is in no framework.
    """
    texts = [holdable(text.strip()) for text in (name, description, criteria)]
    if not all(texts) or any(len(text) > TEXT_MAX for text in texts):
        raise BadInput("input.badge", "a badge has a name, a description and criteria", "write a sentence for each")
    if not 0 < len(uris) <= SKILLS_MAX or len(set(uris)) != len(uris):
        raise BadInput("input.badge", f"a badge shows 1 to {SKILLS_MAX} skills, each once", "name its skills")
    return Award(uri(achievement), texts[0], texts[1], texts[2], tuple(_aligned(read, one) for one in uris), awarded)


def _aligned(read: Reader, text: str) -> Aligned:
    skill = skills.named(read, uri(text))
    if skill is None:
        raise BadInput("input.badge", f"`{text}` is in no framework here", "choose one with `usufruct skill find`")
    framework = read.get(Framework, skill.framework)
    return Aligned(text, skill.label, framework.title if framework else "")
