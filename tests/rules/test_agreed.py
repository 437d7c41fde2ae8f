"""What the rules that an agreement carries change in a decision: constraints, counts, duties, prohibitions, strategies."""

from __future__ import annotations

import pytest
from tables import cases
from worlds import World, agreement, pay

from usufruct.core.access.rules import Permit, Request, decide, prove
from usufruct.core.access.why_not import supposed
from usufruct.core.base import instants
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import rules
from usufruct.core.contract.facts import AgreementReached, DutyReported, Terms
from usufruct.core.contract.odrl import ACTIONS, as_rules
from usufruct.core.contract.state import Agreement
from usufruct.core.privacy.facts import QueryAdmitted
from usufruct.core.terms import evaluate
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Scope, Value

ASKED = Request("institute", "pay", "AcademicResearch", "aggregates", ("pay",))


def constraint(text: str) -> Constraint:
    """`left operator right`, where a number is an integer and a day a moment."""
    left, operator, right = text.split(maxsplit=2)
    kind = "xsd:integer" if right.lstrip("-").isdigit() else "xsd:dateTime" if right.endswith("Z") else "iri"
    return Constraint(left, operator, (Value(right, kind),))


def may(*constraints: str, duties: tuple[str, ...] = (), action: str = "use") -> Rule:
    """A permission on `pay`."""
    owed = tuple(Rule("obligation", duty, Action("inform")) for duty in duties)
    return Rule(
        "permission", "may", Action(action), Scope("pay"), constraints=tuple(map(constraint, constraints)), duties=owed
    )


def must_not(*constraints: str) -> Rule:
    """A prohibition on `pay`."""
    return Rule("prohibition", "never", Action("use"), Scope("pay"), constraints=tuple(map(constraint, constraints)))


def with_rules(name: str, *made: Rule, conflict: str = "prohibit") -> AgreementReached:
    """An agreement for research that carries these rules."""
    plain = agreement(name)
    terms = Terms(
        "aggregates", ("AcademicResearch", "Marketing"), 500, "EUR", 1, rules=Ruleset(name, made, "Agreement", conflict)
    )
    return AgreementReached(
        name, "n", "o", "pay", "coop", "institute", terms, plain.until, plain.right
    )  # fmt: skip


def world(*agreements: AgreementReached) -> World:
    """On the first of April."""
    made = pay(World())
    made.add(*agreements)
    made.go("2026-04-01")
    return made


def used(made: World, name: str, times: int) -> None:
    """Uses that were admitted under an agreement."""
    for number in range(times):
        made.add(QueryAdmitted(
            f"use-{number}", "institute", name, "pay", "v1", "AcademicResearch", "", "", 1, 500, "EUR", "5e" * 32
        ))  # fmt: skip


CONSTRAINTS = """
constraint                            | answer
--------------------------------------+-------------
usu:grade lteq 3                      | permit
usu:grade lt 3                        | access.terms
usu:form eq aggregates                | permit
usu:form eq rows                      | access.terms
usu:place eq node                     | permit
usu:place eq export                   | access.terms
dateTime lt 2026-05-01T00:00:00Z      | permit
dateTime lt 2026-03-01T00:00:00Z      | access.terms
purpose isA AcademicResearch          | permit
purpose isA Marketing                 | access.terms
recipient eq institute                | permit
recipient eq insurer                  | access.terms
usu:persons gteq 10                   | permit
usu:persons gt 10                     | access.terms
usu:claim isA accredited              | access.terms
# what is not understood, or of the wrong type, never permits
usu:moon eq full                      | access.terms
usu:grade below 3                     | access.terms
usu:grade lteq tomorrow               | access.terms
"""


@cases(CONSTRAINTS)
def test_a_permission_holds_while_its_constraints_do(row: dict[str, str]) -> None:
    made = world(with_rules("agreed", may(row["constraint"])))
    answer = decide(made.state, ASKED, made.at)
    assert ("permit" if isinstance(answer, Permit) else answer.code) == row["answer"]
    if isinstance(answer, Refusal):
        assert "agreed" in answer.reasons[0]
        proof = prove(made.state, ASKED, made.at)
        assert proof.why_not and prove(*supposed(made.state, ASKED, proof.why_not), made.at).permits


def test_without_a_permission_nothing_is_permitted() -> None:
    made = world(with_rules("agreed"))
    assert isinstance(decide(made.state, ASKED, made.at), Refusal)


@pytest.mark.parametrize("before", range(5))
def test_uses_are_counted(before: int) -> None:
    made = world(with_rules("agreed", may("count lteq 3")))
    used(made, "agreed", before)
    assert isinstance(decide(made.state, ASKED, made.at), Permit) == (before < 3)
    assert isinstance(decide(made.state, ASKED, made.at, admitted=True), Permit) == (before <= 3)


def test_a_duty_must_be_fulfilled_first_and_a_violation_is_made_good() -> None:
    made = world(with_rules("agreed", may(duties=("report",))))
    refused = decide(made.state, ASKED, made.at)
    assert isinstance(refused, Refusal) and "fulfil the duty report" in refused.remedy
    for fulfilled, permitted in ((True, True), (False, False), (True, True)):
        said = rules.report_duty(made.state, "agreed", "report", fulfilled, "coop", made.at)
        assert isinstance(said, DutyReported)
        made.add(said)
        assert isinstance(decide(made.state, ASKED, made.at), Permit) == permitted


@pytest.mark.parametrize(("agreed", "duty", "by"), [
    ("agreed", "report", "institute"), ("agreed", "dance", "coop"), ("nowhere", "report", "coop"), ("plain", "report", "coop"),
])  # fmt: skip
def test_only_the_provider_speaks_of_duties_that_there_are(agreed: str, duty: str, by: str) -> None:
    made = world(with_rules("agreed", may(duties=("report",))), agreement("plain", "insurer"))
    assert isinstance(rules.report_duty(made.state, agreed, duty, True, by, made.at), Refusal)


def test_a_prohibition_holds_under_every_agreement() -> None:
    """Who agreed once never to use it for marketing does not escape by a second agreement (attack 17)."""
    asked = Request("institute", "pay", "Marketing", "aggregates", ("pay",))
    free = with_rules("free", may())
    made = world(free)
    assert isinstance(decide(made.state, asked, made.at), Permit)
    made.add(with_rules("bound", may(), must_not("purpose isA Marketing")))
    refused = decide(made.state, asked, made.at)
    assert isinstance(refused, Refusal) and refused.code == "access.prohibited"
    assert isinstance(decide(made.state, ASKED, made.at), Permit)


def test_what_a_prohibition_says_that_is_not_understood_prohibits() -> None:
    made = world(with_rules("agreed", may(), must_not("usu:moon eq full")))
    refused = decide(made.state, ASKED, made.at)
    assert isinstance(refused, Refusal) and refused.code == "access.prohibited"


@pytest.mark.parametrize(("conflict", "permitted"), [("perm", True), ("prohibit", False)])
def test_only_the_agreement_itself_says_that_its_permissions_win(conflict: str, permitted: bool) -> None:
    own = with_rules("own", may(), must_not("purpose isA AcademicResearch"), conflict=conflict)
    made = world(own)
    assert isinstance(decide(made.state, ASKED, made.at), Permit) == permitted
    made.add(with_rules("other", may()))
    answer = decide(made.state, ASKED, made.at)
    assert isinstance(answer, Permit) == permitted


def test_no_other_agreement_says_that_its_permissions_win() -> None:
    """Else whoever wrote beside a prohibition that permissions win, and permitted nothing, would escape it by another."""
    bound = with_rules("bound", must_not("purpose isA AcademicResearch"), conflict="perm")
    made = world(with_rules("free", may()))
    assert isinstance(decide(made.state, ASKED, made.at), Permit)
    made.add(bound)
    refused = decide(made.state, ASKED, made.at)
    assert isinstance(refused, Refusal) and refused.code == "access.prohibited"


def test_an_agreement_is_shown_with_all_that_binds() -> None:
    made = world(with_rules("agreed", may("usu:grade lteq 3"), must_not("purpose isA Marketing")))
    row = made.state.get(Agreement, "agreed")
    assert row is not None
    shown = as_rules(row)
    assert {rule.uid for rule in shown.rules} == {"may", "never"}
    (use,) = [rule for rule in shown.rules if rule.uid == "may"]
    assert use.assignee == Scope("institute") and [duty.uid for duty in use.duties] == ["may-price"]


@pytest.mark.parametrize(
    ("purpose", "form", "at", "grade", "permitted"),
    [
        ("AcademicResearch", "aggregates", "2026-04-01", 3, True), ("EnforceSecurity", "aggregates", "2026-04-01", 3, False),
        ("AcademicResearch", "rows", "2026-04-01", 3, False), ("AcademicResearch", "aggregates", "2027-04-01", 3, False),
        ("AcademicResearch", "aggregates", "2026-04-01", 4, False),
    ],
)  # fmt: skip
def test_what_is_shown_of_an_agreement_permits_no_more_than_it(
    purpose: str, form: str, at: str, grade: int, permitted: bool
) -> None:
    """Where it carries rules, and whichever action these are about: whoever reads it elsewhere decides as this node."""
    row = world(with_rules("agreed", may("usu:grade lteq 3"))).state.get(Agreement, "agreed")
    assert row is not None
    found = evaluate.read(as_rules(row), "lenient")
    asked = evaluate.Request(ACTIONS[form], "pay", "institute", purpose, {"usu:form": form, "usu:grade": grade})
    assert found.permits(asked, evaluate.World(instants.parse(at))) == permitted


def test_where_nothing_is_carried_the_plain_fields_are_one_permission() -> None:
    row = world(agreement("agreed")).state.get(Agreement, "agreed")
    assert row is not None
    (use,) = as_rules(row).rules
    assert use.uid == "agreed-use" and [duty.uid for duty in use.duties] == ["agreed-use-price"]
