"""Stories for random histories about the conditions of work."""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.work.hours.conditions import Condition, ConditionSet, RuleEnded
from usufruct.core.work.hours.findings import (
    AccountRestored,
    AccountRestricted,
    AppealAnswered,
    DispatchStopped,
    FindingAppealed,
    FindingMade,
)
from usufruct.core.work.hours.limits import Finding

BEFORE, MONDAY, TUESDAY, LATER = (
    Instant(f"{day}T00:00:00.000Z") for day in ("2026-01-01", "2026-11-30", "2026-12-01", "2027-06-01")
)
REST = Condition(
    "rest",
    "rest-daily",
    "online",
    "rest",
    660,
    "minutes",
    BEFORE,
    BEFORE,
    "Directive 2003/88/EC, article 3",
    "European Union",
)


def hours_stories(number: str, worker: str, platform: str) -> list[list[Fact]]:
    """The stories, with names of their own; none of them needs another."""
    return [_findings(number, worker, platform)]


def _findings(number: str, worker: str, platform: str) -> list[Fact]:
    """A rule comes into force, is broken, appealed against and ended; an account is restricted and restored."""
    finding, restriction = f"finding-{number}", f"restriction-{number}"
    found = Finding(
        "rest", "rest-daily", MONDAY, TUESDAY, 34_800_000, 39_600_000, "ms", "9 h 40 of 11 h rest", "a law", "somebody"
    )
    return [
        ConditionSet((REST,), platform, platform),
        FindingMade(finding, worker, found, LATER),
        DispatchStopped(worker, platform, "rest", found.words, TUESDAY),
        FindingAppealed(finding, worker, "the clock was wrong", LATER),
        AppealAnswered(finding, worker, False, "the clock was right", platform, "the labour court"),
        AccountRestricted(restriction, worker, platform, "suspended", "no valid licence", "a person", platform, LATER),
        AccountRestored(restriction, worker, "the licence was renewed", platform),
        RuleEnded("rest", "another took its place", LATER, platform, platform),
    ]
