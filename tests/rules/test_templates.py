"""Templates: who may propose, approve and run them, what their parameters take, and that only what is approved is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import story
from usufruct.core.access import templates
from usufruct.core.access.proof import Request
from usufruct.core.access.rules import prove
from usufruct.core.access.template_values import Gap, Parameter, bind, taken
from usufruct.core.access.templates import Draft, Template
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.odrl import only_templates
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryRefused
from usufruct.core.privacy.state import Use
from usufruct.core.terms.model import Constraint, Rule, Ruleset, Value
from usufruct.node import query, register, trade
from usufruct.node import templates as use_case
from usufruct.node.node import Node
from usufruct.node.templates import Run
from usufruct.wire import sql
from usufruct.wire import template as wire

TEXT = "SELECT year, AVG(hourly_pay) AS pay FROM pay WHERE night_shifts = $nights AND hours >= $hours GROUP BY year"
GAPS = (Gap("nights", "Works at night", "night_shifts"), Gap("hours", "At least so many hours", "hours"))
DRAFT = Draft("pay-by-year", "Pay by year", TEXT, (story.PURPOSE,), GAPS)
VALUES = {"nights": "no", "hours": "100"}
NAME = DRAFT.name


def proposed(node: Node, draft: Draft = DRAFT, by: str = story.USER) -> int:
    return story.done(use_case.propose(node, draft, by, sql.parse)).version


def approved(node: Node, draft: Draft = DRAFT) -> int:
    version = proposed(node, draft)
    story.done(use_case.approve(node, draft.name, version, story.OPERATOR))
    return version


def run(node: Node, values: dict[str, str] = VALUES, requester: str = story.USER, **more: Any) -> Any:
    asked = Run(requester, NAME, values, **{"micro_rho": story.CHEAP, "signed": True, **more})
    return use_case.run(node, asked, sql.parse)


def code(result: object) -> str:
    if isinstance(result, query.Refused):
        return result.refusal.code
    return result.code if isinstance(result, Refusal) else "done"


def agreed_on_templates(node: Node, rules: Ruleset | None = None) -> str:
    """The insurer comes to an agreement under which nothing but templates is run."""
    carried = rules or only_templates("by-template", None)
    terms = Terms("aggregates", (story.PURPOSE,), 0, "EUR", 1, rules=carried)
    story.done(trade.publish_offer(node, "by-template", story.ASSET, story.OPERATOR, terms, None, True))
    moved = story.done(trade.request_offer(node, "by-template", story.STRANGER))
    moved = story.done(trade.move(node, moved.negotiation, "verify", story.STRANGER))
    assert moved.agreement is not None
    return moved.agreement.id


# ---- what can be run


def test_a_run_is_a_use_like_any_other_and_names_the_version(node: Node) -> None:
    approved(node)
    result = run(node)
    assert isinstance(result, query.Answered), result
    assert [row[0] for row in result.answer.rows] == list(story.YEARS)
    with node.store.read() as state:
        use = state.get(Use, result.use)
        assert use is not None and (use.state, use.template) == ("answered", f"{NAME}@1")
        assert use.question == TEXT.replace("$nights", "FALSE").replace("$hours", "100")
        by_hand = sql.parse(use.question)
        admitted = [state.entry(n).fact for n in range(state.size()) if isinstance(state.entry(n).fact, QueryAdmitted)]
        assert [fact.template for fact in admitted] == [f"{NAME}@1"]
    assert by_hand == sql.parse(TEXT, {"nights": False, "hours": 100})


def test_only_what_is_approved_is_run(node: Node) -> None:
    assert code(run(node)) == "access.template"
    proposed(node)
    assert code(run(node)) == "access.template"
    story.done(use_case.approve(node, NAME, 1, story.OPERATOR))
    assert isinstance(run(node), query.Answered)
    with node.store.read() as state:
        refused = [state.entry(n).fact for n in range(state.size())]
        assert sum(isinstance(fact, QueryRefused) for fact in refused) == 2, "who tried is recorded"


def test_the_next_version_takes_the_place_of_the_one_before(node: Node) -> None:
    approved(node)
    wider = replace(DRAFT, text="SELECT COUNT(*) AS n FROM pay WHERE hours >= $hours", gaps=GAPS[1:])
    assert proposed(node, wider) == 2
    assert isinstance(run(node), query.Answered), "the first is run until the second is approved"
    story.done(use_case.approve(node, NAME, 2, story.OPERATOR))
    assert code(run(node)) == "query.value"
    assert isinstance(run(node, {"hours": "7"}), query.Answered)
    assert code(use_case.approve(node, NAME, 1, story.OPERATOR)) == "access.template", "what was replaced stays so"
    with node.store.read() as state:
        assert [row.stands for row in templates.versions(state, NAME)] == ["replaced", "approved"]


@pytest.mark.parametrize("step", ["query after admitted", "query after run", "query before answered"])
def test_withdrawn_while_it_is_under_way_it_is_not_answered(node: Node, step: str) -> None:
    approved(node)

    def reach(here: str) -> None:
        if here == step:
            story.done(use_case.withdraw(node, NAME, 1, story.OPERATOR))

    asked = Run(story.USER, NAME, VALUES, micro_rho=story.CHEAP, signed=True)
    result = use_case.run(replace(node, reach=reach), asked, sql.parse)
    assert isinstance(result, query.Refused) and result.refusal.code == "access.ended"
    assert f"`{NAME}@1` is not approved, or not any more" in result.refusal.reasons
    with node.store.read() as state:
        assert isinstance(state.entry(state.size() - 1).fact, QueryAbandoned)
    assert code(run(node)) == "access.template"


def test_a_forged_name_of_a_template_is_no_way_in(node: Node) -> None:
    """The gate looks by itself: what says that it is a template, and is none, is refused, whatever the agreement."""
    approved(node)
    agreed_on_templates(node)
    proposed(node, replace(DRAFT, name="waits"))
    with node.store.read() as state:
        for requester in (story.USER, story.STRANGER):
            for forged in (
                "waits@1",
                "nothing@1",
                f"{NAME}@2",
                NAME,
                f"{NAME}@01",
                f"{NAME}@-1",
                "approved",
                "@",
                "approved@1",
            ):
                request = Request(
                    requester, story.ASSET, story.PURPOSE, "aggregates", ("year",), signed=True, template=forged
                )
                assert not prove(state, request, node.clock.now()).permits, forged


def test_it_is_run_for_its_own_purposes_alone(node: Node) -> None:
    approved(node, replace(DRAFT, purposes=("Marketing",)))
    result = run(node, purpose=story.PURPOSE)
    assert code(result) == "access.purpose" and f"`{NAME}@1` is approved for Marketing" in result.refusal.reasons[0]
    assert code(run(node)) == "access.purpose", "and the agreement is not for what the template is for"


def test_a_fixed_precision_is_what_each_run_spends(node: Node) -> None:
    approved(node, replace(DRAFT, micro_rho=2_000))
    result = run(node, micro_rho=None)
    assert isinstance(result, query.Answered) and 1_900 < result.charge <= 2_000
    assert code(run(node, micro_rho=1_000)) == "privacy.precision"
    with pytest.raises(BadInput, match="may spend"):
        proposed(node, replace(DRAFT, name="too-much", micro_rho=10**9))


# ---- who may


def test_who_has_no_agreement_learns_nothing(node: Node) -> None:
    approved(node)
    story.done(register.add_party(node, "newcomer", "organisation", "A newcomer"))
    for party in (story.STRANGER, "newcomer"):
        assert use_case.listed(node, party) == [] and use_case.found(node, party, NAME) == []
    there, nowhere = (
        use_case.run(node, Run(story.STRANGER, name, VALUES), sql.parse) for name in (NAME, "no-such-template")
    )
    assert isinstance(there, query.Refused) and isinstance(nowhere, query.Refused)
    assert replace(there.refusal, reasons=()) == replace(nowhere.refusal, reasons=())
    assert there.refusal.reasons[0].replace(NAME, "X") == nowhere.refusal.reasons[0].replace("no-such-template", "X")
    for act in (use_case.approve, use_case.withdraw):
        refused = [act(node, name, 1, story.STRANGER) for name in (NAME, "no-such-template")]
        assert [code(one) for one in refused] == ["access.template"] * 2
        assert len({str(one).replace(NAME, "X").replace("no-such-template", "X") for one in refused}) == 1


def test_proposing_needs_an_agreement_and_tells_nothing_without(node: Node) -> None:
    texts = [TEXT, TEXT.replace("FROM pay", "FROM nothing")]
    refused = [use_case.propose(node, replace(DRAFT, text=text), story.STRANGER, sql.parse) for text in texts]
    assert len({str(one).replace("`nothing`", "`pay`") for one in refused}) == 1
    assert code(refused[0]) == "access.no-agreement"


def test_the_publisher_approves_and_nobody_else(node: Node) -> None:
    proposed(node)
    assert code(use_case.approve(node, NAME, 1, story.USER)) == "access.template"
    story.done(register.add_party(node, "robot", "agent", "Robot", story.OPERATOR))
    assert code(use_case.approve(node, NAME, 1, "robot")) == "access.human-only"
    assert code(use_case.approve(node, NAME, 1, story.OPERATOR, ("robot",))) == "access.human-only"
    story.done(use_case.approve(node, NAME, 1, story.OPERATOR))
    assert code(use_case.approve(node, NAME, 1, story.OPERATOR)) == "access.template", "once"


def test_who_proposed_takes_it_back_until_others_run_it(node: Node) -> None:
    proposed(node)
    story.done(use_case.withdraw(node, NAME, 1, story.USER))
    assert code(use_case.approve(node, NAME, 1, story.OPERATOR)) == "access.template"
    assert approved(node) == 2
    assert code(use_case.withdraw(node, NAME, 2, story.USER)) == "access.template"
    story.done(use_case.withdraw(node, NAME, 2, story.OPERATOR))


def test_a_name_belongs_to_who_took_it(node: Node) -> None:
    approved(node)
    agreed_on_templates(node)
    assert code(use_case.propose(node, DRAFT, story.STRANGER, sql.parse)) == "registry.exists"
    assert proposed(node, by=story.OPERATOR) == 2


# ---- agreements for templates alone


def test_an_agreement_for_templates_lets_nothing_else_be_asked(node: Node) -> None:
    agreement = agreed_on_templates(node)
    asked = story.ask(node, requester=story.STRANGER)
    assert code(asked) == "access.terms" and isinstance(asked, query.Refused)
    assert asked.refusal.reasons == (
        f"`{agreement}` is for templates (usu:template eq approved), and this is asked freely",
    )
    assert "propose a template" in asked.refusal.remedy
    approved(node)
    asked = story.ask(node, requester=story.STRANGER)
    assert isinstance(asked, query.Refused)
    assert f"run the template `{NAME}` (Pay by year)" in asked.refusal.remedy
    assert isinstance(run(node, requester=story.STRANGER), query.Answered)


def test_the_advice_was_tried(node: Node) -> None:
    agreed_on_templates(node)
    approved(node)
    with node.store.read() as state:
        request = Request(story.STRANGER, story.ASSET, story.PURPOSE, "aggregates", ("year",), signed=True)
        proof = prove(state, request, node.clock.now())
        assert [(change.ask, change.to) for change in proof.why_not] == [("template", f"{NAME}@1")]


def test_rules_can_name_a_template_or_one_version_of_it(node: Node) -> None:
    only = Constraint("usu:template", "isAnyOf", (Value(f"{NAME}@1"), Value("another")))
    agreed_on_templates(node, Ruleset("t", (Rule("permission", "p", constraints=(only,)),), conflict="prohibit"))
    approved(node, replace(DRAFT, name="third"))
    assert code(use_case.run(node, Run(story.STRANGER, "third", VALUES, signed=True), sql.parse)) == "access.terms"
    approved(node)
    assert isinstance(run(node, requester=story.STRANGER), query.Answered)
    approved(node)
    assert code(run(node, requester=story.STRANGER)) == "access.terms", "the second version is another one"


# ---- what is proposed


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "approved"}, "no template can be called"),
        ({"name": "Pay By Year"}, "cannot be the id"),
        ({"title": " "}, "no line of words"),
        ({"title": "a\nb"}, "no line of words"),
        ({"title": "abc\u202edef"}, "no line of words"),
        ({"purposes": ()}, "what the template is for"),
        ({"purposes": ("Nonsense",)}, "not in the purpose tree"),
        ({"gaps": (*GAPS, GAPS[0])}, "two of one name"),
        ({"gaps": (replace(GAPS[0], name="Nights"), GAPS[1]), "text": TEXT.replace("$nights", "$Nights")}, "name of a parameter"),
        ({"gaps": (*GAPS, Gap("more", "More", "hours"))}, "not in the question"),
        ({"gaps": (GAPS[0], replace(GAPS[1], high="3001"))}, "not within the bounds"),
        ({"gaps": (GAPS[0], replace(GAPS[1], low="9", high="8"))}, "not within the bounds"),
        ({"gaps": (GAPS[0], replace(GAPS[1], low="1.5"))}, "not within the bounds"),
        ({"gaps": (GAPS[0], replace(GAPS[1], values=(1,)))}, "not within the bounds"),
        ({"gaps": (replace(GAPS[0], values=(1,)), GAPS[1])}, "not within the public list"),
        ({"text": TEXT + " " * 2000}, "longer than"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_at_once(node: Node, changed: dict[str, Any], said: str) -> None:
    with node.store.read() as state:
        before = state.size()
    with pytest.raises(BadInput) as fault:
        use_case.propose(node, replace(DRAFT, **changed), story.USER, sql.parse)
    assert said in fault.value.message
    with node.store.read() as state:
        assert state.size() == before


@pytest.mark.parametrize(
    ("text", "gaps", "said"),
    [
        ("SELECT AVG(nothing) AS n FROM pay WHERE hours = $hours", GAPS[1:], "privacy.column"),
        ("SELECT COUNT(*) AS n FROM pay WHERE hourly_pay = $nights", GAPS[:1], "privacy.literal"),
        ("SELECT COUNT(*) AS n FROM pay WHERE nr = $hours", GAPS[1:], "privacy.column"),
        ("SELECT COUNT(*) AS n FROM pay WHERE hours = -$hours AND hours = $hours", GAPS[1:], "done"),
        ("SELECT COUNT(*) AS n FROM pay WHERE hours = $other", GAPS[1:], "query.unsupported"),
        ("SELECT COUNT(*) AS n FROM pay LIMIT $hours", GAPS[1:], "query.unsupported"),
        ("SELECT COUNT(*) AS n FROM pay WHERE hours = $hours", (replace(GAPS[1], column="nowhere"),), "privacy.column"),
        ("SELECT COUNT(*) AS n FROM pay WHERE hours = $hours", (replace(GAPS[1], column="nr"),), "privacy.literal"),
    ],
)  # fmt: skip
def test_a_question_that_could_not_be_asked_is_not_proposed(node: Node, text: str, gaps: Any, said: str) -> None:
    assert code(use_case.propose(node, replace(DRAFT, text=text, gaps=gaps), story.USER, sql.parse)) == said


# ---- values


NUMBER = Parameter("n", "N", "c", "decimal", (), "-1.50", "20.25", 2)
WHOLE = Parameter("n", "N", "c", "integer", (), "0", "9")
LISTED = Parameter("n", "N", "c", "integer", (3, 5))
WORDS = Parameter("n", "N", "c", "text", ("x", "x' OR '1'='1"))
TRUTH = Parameter("n", "N", "c", "boolean", (True,))


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (NUMBER, "3", "3.00"), (NUMBER, "-1.5", "-1.50"), (NUMBER, "-1.51", None), (NUMBER, "20.250", "20.25"),
        (NUMBER, "1.001", None), (NUMBER, "1e1", None), (NUMBER, "nan", None), (NUMBER, "1,5", None), (NUMBER, "１", None),
        (WHOLE, "007", 7), (WHOLE, "9.0", 9), (WHOLE, "10", None), (WHOLE, "+1", None), (WHOLE, "0x1", None), (WHOLE, "", None),
        (WHOLE, "9" * 400, None), (WHOLE, "1 OR 1=1", None), (WHOLE, "1\n", None), (WHOLE, "true", None),
        (LISTED, "5", 5), (LISTED, "4", None), (WORDS, "x", "x"), (WORDS, "X", None), (WORDS, "x' OR '1'='1", "x' OR '1'='1"),
        (TRUTH, "Yes", True), (TRUTH, "no", None), (TRUTH, "1", None),
    ],
)  # fmt: skip
def test_a_value_is_taken_or_not(parameter: Parameter, text: str, value: Any) -> None:
    assert (taken(parameter, text), type(taken(parameter, text))) == (value, type(value))


@given(st.text(max_size=20))
def test_nothing_typed_is_more_than_the_parameter_takes(text: str) -> None:
    for parameter in (NUMBER, WHOLE, LISTED, WORDS, TRUTH):
        value = taken(parameter, text)
        if value is None:
            continue
        if parameter.values:
            assert value in parameter.values
        else:
            assert float(parameter.low) <= float(value) <= float(parameter.high)


def test_each_parameter_is_said_once() -> None:
    for given_values, said in (({}, "nothing is said of `n`"), ({"n": "1", "m": "1"}, "has no parameter `m`")):
        refusal = bind("t", (WHOLE,), given_values)
        assert isinstance(refusal, Refusal) and said in refusal.reasons[0]


def test_narrowed_parameters_are_kept_narrow(node: Node) -> None:
    narrow = (replace(GAPS[0], values=(True,)), replace(GAPS[1], low="10", high="20"))
    approved(node, replace(DRAFT, gaps=narrow))
    with node.store.read() as state:
        row = state.get(Template, NAME, 1)
        assert row is not None and [(p.values, p.low, p.high) for p in row.parameters] == [
            ((True,), "", ""),
            ((), "10", "20"),
        ]
    assert code(run(node, {"nights": "no", "hours": "15"})) == "query.value"
    assert code(run(node, {"nights": "yes", "hours": "21"})) == "query.value"
    assert isinstance(run(node, {"nights": "yes", "hours": "20"}), query.Answered)


# ---- the file


FILE = """
template = "pay-by-year"
title = "Pay by year"
purposes = ["AcademicResearch"]
sql = "SELECT COUNT(*) AS n FROM pay WHERE hours >= $hours"
[parameters.hours]
label = "Hours"
"""


def test_a_file_says_the_same(node: Node) -> None:
    draft = wire.read(FILE)
    assert draft.gaps == (Gap("hours", "Hours", "hours"),) and draft.micro_rho is None
    assert proposed(node, draft) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title", "titel"), ('title = "Pay by year"', ""), ('["AcademicResearch"]', '"AcademicResearch"'), ("label =", "labell ="),
        ('label = "Hours"', ""), ('label = "Hours"', 'label = "Hours"\nvalues = 3'), ("sql = ", "micro_rho = true\nsql = "),
        ("[parameters.hours]", "[parameters]\nhours = 3\n[more]"), ('label = "Hours"', 'label = "Hours"\nlow = true'),
        ('label = "Hours"', 'label = "Hours"\ncolumn = 3'), ("template", "= template"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_is_not_read(old: str, new: str) -> None:
    with pytest.raises(BadInput):
        wire.read(FILE.replace(old, new, 1))
