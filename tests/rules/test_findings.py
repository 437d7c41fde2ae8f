"""Findings: what is found is found once, and what is left of them once somebody is erased."""

from __future__ import annotations

from dataclasses import replace

from tables import cases
from worlds import World

from usufruct.core.base.instants import Instant, later, parse
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.rulebook.parameters import shipped
from usufruct.core.work.hours import findings
from usufruct.core.work.hours.findings import (
    AccountRestored,
    AccountRestricted,
    Appeal,
    AppealAnswered,
    FindingAppealed,
    FindingMade,
    MadeFinding,
    Restriction,
)
from usufruct.core.work.hours.limits import Finding, Stop

MONDAY = parse("2026-11-02")


def day(number: str) -> Instant:
    return later(MONDAY, days=float(number) - 1)


def finding(rule: str, shape: str, start: str, end: str, words: str = "x") -> Finding:
    return Finding(rule, shape, day(start), day(end), 1, 2, "ms", words, "a law", "somebody")


# A finding was made of the days 3 to 5; is another of the same worker the same?
SAME = """
rule  | shape       | days    | the same
rest  | rest-daily  | 3-5     | yes
rest  | rest-daily  | 3-5.5   | yes
rest  | rest-daily  | 5-6     | yes
rest  | rest-daily  | 5.5-6   | no
rest  | rest-daily  | 1-2.9   | no
other | rest-daily  | 3-5     | no
rest  | hours-day   | 3-4     | yes
rest  | hours-day   | 4-5     | no
rest  | hours-week  | 3-5     | yes
rest  | hours-week  | 4-6     | no
"""


@cases(SAME)
def test_what_is_the_same_is_found_once(row: dict[str, str]) -> None:
    world = World()
    made = finding("rest", row["shape"], "3", "5")
    world.add(FindingMade("finding-1", "anna", made, day("100")))
    start, end = row["days"].split("-")
    found = findings.unmade(world.state, "anna", [finding(row["rule"], row["shape"], start, end)])
    assert (found == []) == (row["the same"] == "yes")
    assert findings.unmade(world.state, "bo", [made, made]) == [made]


def test_two_promises_that_were_not_kept_at_the_same_time_are_two() -> None:
    two = [finding("kept", "promised", "3", "4", f"promised and not kept in `work-{n}`: helmet") for n in (1, 2)]
    world = World()
    assert findings.unmade(world.state, "anna", two) == two
    world.add(FindingMade("finding-1", "anna", two[0], day("100")))
    assert findings.unmade(world.state, "anna", two) == two[1:]


def test_one_can_appeal_in_time_and_once() -> None:
    world = World()
    world.add(FindingMade("finding-1", "anna", finding("rest", "rest-daily", "3", "5"), day("100")))
    rulebook = shipped()
    for party, at, code in (("anna", day("101"), "hours.appeal"), ("bo", day("9"), "registry.unknown")):
        refused = findings.appeal(world.state, "finding-1", party, "the clock", rulebook, at)
        assert isinstance(refused, Refusal) and refused.code == code
    appealed = findings.appeal(world.state, "finding-1", "anna", "the clock", rulebook, day("9"))
    assert isinstance(appealed, FindingAppealed) and appealed.until == day("23")


def test_a_stop_is_told_once_and_again_when_it_lasts_longer() -> None:
    world = World()
    stop = Stop("rest", "9 h of 11 h rest", day("3"), "from then on", "a law", "somebody")
    fact = findings.stop(world.state, "anna", "wheels", stop)
    assert fact is not None
    world.add(fact)
    assert findings.stop(world.state, "anna", "wheels", stop) is None
    assert findings.stop(world.state, "anna", "bags", stop) is not None
    assert findings.stop(world.state, "anna", "wheels", replace(stop, until=day("4"))) is not None
    assert findings.stop(world.state, "anna", "wheels", replace(stop, until=None)) is None


def test_what_is_left_when_she_is_erased_folds() -> None:
    """Answers whose finding, appeal or restriction nobody can read any more change nothing."""
    world = World()
    left: tuple[Fact, ...] = (
        FindingAppealed("finding-1", "anna", "x", day("9")), AppealAnswered("finding-2", "anna", True, "x", "exchange"),
        AccountRestored("restriction-1", "anna", "x", "wheels"),
    )  # fmt: skip
    world.add(*left)
    assert not list(world.state.list(MadeFinding)) and not list(world.state.list(Restriction))
    assert [row.of for row in world.state.list(Appeal)] == ["finding-1"]


def test_who_is_restricted_is_still_sent_work_and_who_is_suspended_is_not_for_so_long() -> None:
    for kind, refused in (("restricted", False), ("suspended", True), ("ended", True)):
        world = World()
        world.add(AccountRestricted(
            "restriction-1", "anna", "wheels", kind, "no licence", "Mari", "wheels", day("99"), later(world.at, days=3)
        ))  # fmt: skip
        found = findings.restricted(world.state, "anna", "wheels", later(world.at, days=1))
        assert bool(found) == refused
        assert findings.restricted(world.state, "anna", "bags", later(world.at, days=1)) is None
        assert findings.restricted(world.state, "anna", "wheels", later(world.at, days=4)) is None
