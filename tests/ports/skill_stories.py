"""Stories for random histories about skills, and the training that a fund pays."""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.work.skills.state import (
    FrameworkAdopted,
    IssuerRecognised,
    NamedSkill,
    RecognitionEnded,
    SkillsNamed,
    StackAdopted,
    StackEnded,
    StackRule,
)
from usufruct.core.work.skills.training import (
    Course,
    PlaceEnded,
    PlacePromised,
    TrainingApplied,
    TrainingDecided,
    TrainingOffered,
    TrainingWithdrawn,
)

MONDAY, FRIDAY = Instant("2026-11-30T09:00:00.000Z"), Instant("2026-12-04T16:00:00.000Z")


def skill_stories(number: str, a: str, b: str) -> list[list[Fact]]:
    """The stories, with names of their own; none of them needs another."""
    return [_names(number, a), _trains(number, a, b)]


def _names(number: str, by: str) -> list[Fact]:
    """A framework is adopted, an issuer recognised and a stack adopted; both end."""
    above, below = f"urn:skill:{number}", f"urn:skill:{number}:b"
    named = (NamedSkill(above, "Ü"), NamedSkill(below, "b", (above,), ("c",)))
    rule = StackRule(f"stack-{number}", above, (below,), 1, "a book", "an assembly", 24)
    return [
        FrameworkAdopted(f"framework-{number}", "1", "F", "a book", "CC0-1.0", 2, "5f" * 32, by),
        SkillsNamed(f"framework-{number}", "1", named),
        IssuerRecognised(f"recognition-{number}", f"did:web:{number}.example", "it is good", by, above, True, 24),
        RecognitionEnded(f"recognition-{number}", "it closed", by),
        StackAdopted(1, rule, by),
        StackEnded(rule.name, "it is wrong", by),
    ]


def _trains(number: str, worker: str, provider: str) -> list[Fact]:
    """Two places of a course are promised; one is taken, the other not. A third is declined, and the course is withdrawn."""
    course = Course("welding", f"urn:skill:{number}", provider, "tartu", MONDAY, FRIDAY, 900, "EUR", 3)
    training, names = f"training-{number}", [f"application-{number}-{n}" for n in range(3)]
    facts: list[Fact] = [TrainingOffered(training, course, provider)]
    for name, outcome in zip(names, ("completed", "missed", ""), strict=True):
        facts += [
            TrainingApplied(name, worker, training, "I want to"),
            TrainingDecided(name, worker, bool(outcome), "it was discussed", provider),
        ]
        if outcome:
            facts += [
                PlacePromised(name, training, provider, 900, "EUR", provider), PlaceEnded(name, outcome, provider)
            ]  # fmt: skip
    return [*facts, TrainingWithdrawn(training, "it is over", provider)]
