"""The examples of the ODRL formal semantics (draft of the W3C ODRL Community Group), in the strict duty mode.

The cases are those of w3c/odrl, formal-semantics/examples, as read on 2026-11-22: what they ask and expect, in rules of our
own. Three slips of the drafts are mended: moments are given their zone, the one who asks in C1 and C2 is the assignee, and
A2, which has no expected report, is decided as the text of the draft has it (a prohibition is active while its constraint
holds). The examples' own `dayOfWeek` is our profile's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from usufruct.core.base import instants
from usufruct.core.terms import evaluate
from usufruct.core.terms.evaluate import Request, RuleReport, World
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Scope, Value

DAY = Value("2018-01-01", "xsd:date")
DISTRIBUTE = Rule(
    "permission", "a1", Action("distribute"), Scope("report"), Scope("publisher"),
    constraints=(Constraint("dateTime", "lt", (DAY,), uid="before"),),
)  # fmt: skip
ARCHIVE = Rule(
    "prohibition", "a2", Action("archive"), Scope("album"), Scope("studio"), Scope("buyer"),
    constraints=(Constraint("dateTime", "lt", (Value("2025-01-01", "xsd:date"),), uid="before"),),
)  # fmt: skip
FINE = Constraint("resolution", "lteq", (Value("1200", "xsd:integer"),), "http://dbpedia.org/resource/Dots_per_inch")
PRINT = Rule("permission", "b1", Action("print", (FINE,)), Scope("report"), Scope("publisher"))
PRICE = Constraint("payAmount", "eq", (Value("5.00", "xsd:decimal"),), "http://dbpedia.org/resource/Euro")
PAY = Rule("obligation", "pay", Action("compensate", (PRICE,)))
SUNDAY = Constraint("usu:dayOfWeek", "eq", (Value("Sunday", "xsd:string"),), uid="sunday")
PAY_ON_SUNDAY = Rule("obligation", "pay", Action("compensate", (PRICE,)), constraints=(SUNDAY,))


def play(duty: Rule) -> Rule:
    return Rule("permission", "c", Action("play"), Scope("song"), Scope("label"), Scope("listener"), duties=(duty,))


class Case(NamedTuple):
    """What is asked under which rule, and what is expected: active, applies, premises by kind, the duty's state."""

    rule: Rule
    request: Request
    at: str
    active: bool
    applies: bool
    satisfied: dict[str, bool]
    fulfilled: frozenset[str] = frozenset()
    duty: str = ""


DPI = "resolution http://dbpedia.org/resource/Dots_per_inch"
LISTEN = Request("play", "song", "listener")
PAID = frozenset({"pay"})
CASES = {
    "A1-1": Case(DISTRIBUTE, Request("distribute", "report", "reader"), "2017-12-19T15:00:00Z", True, True,
                 {"constraint": True}),
    "A1-2": Case(DISTRIBUTE, Request("distribute", "report", "reader"), "2019-12-19T15:00:00Z", False, False,
                 {"constraint": False}),
    "A2-1": Case(ARCHIVE, Request("archive", "album", "buyer"), "2024-06-01T12:00:00Z", True, True, {"constraint": True}),
    "A2-2": Case(ARCHIVE, Request("archive", "album", "buyer"), "2025-06-01T12:00:00Z", False, False, {"constraint": False}),
    "B1-1": Case(PRINT, Request("print", "report", values={DPI: 1000}), "2024-12-19T15:00:00Z", True, True,
                 {"refinement": True}),
    "B1-2": Case(PRINT, Request("print", "report", values={DPI: 1300}), "2024-12-19T15:00:00Z", True, False,
                 {"refinement": False}),
    "C1-1": Case(play(PAY), LISTEN, "2025-07-25T00:00:00Z", False, False, {"duty": False}, duty="open"),
    "C1-2": Case(play(PAY), LISTEN, "2025-07-25T00:00:00Z", True, True, {"duty": True}, PAID, "fulfilled"),
    "C2-1": Case(play(PAY_ON_SUNDAY), LISTEN, "2025-07-29T00:00:00Z", True, True, {"duty": True, "sunday": False}, duty="open"),
    "C2-2": Case(play(PAY_ON_SUNDAY), LISTEN, "2025-08-03T00:00:00Z", False, False, {"duty": False, "sunday": True},
                 duty="open"),
    "C2-3": Case(play(PAY_ON_SUNDAY), LISTEN, "2025-08-03T00:00:00Z", True, True, {"duty": True, "sunday": True}, PAID,
                 "fulfilled"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_example(case: Case) -> None:
    terms = evaluate.read(Ruleset("example", (case.rule,), "Agreement"), "strict")
    world = World(instants.parse(case.at), case.fulfilled)
    report = terms.report(case.request, world)
    rule = report.rules[0]
    assert not terms.flags
    assert (rule.active, rule.applies) == (case.active, case.applies)
    assert report.permitted == (case.applies and case.rule.kind == "permission") == terms.permits(case.request, world)
    assert {name: found(rule, name).satisfied for name in case.satisfied} == case.satisfied
    assert not case.duty or found(rule, "duty").found == case.duty


def found(rule: RuleReport, name: str) -> Any:
    parts = [part for premise in rule.premises for part in (premise, *premise.parts)]
    return next(part for part in parts if name in (part.kind, part.uid))
