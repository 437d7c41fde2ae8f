"""Rules of other nodes in words: what every offer says reads plainly, and nothing that is said is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.dataspace.wording import in_words
from usufruct.core.terms.model import Action, Constraint, Logic, Property, Role, Rule, Ruleset, Scope, Value

CASES = """
purpose isAnyOf dpv:AcademicResearch,dpv:Marketing    | only for academic research, marketing of any kind
purpose isA dpv:AcademicResearch                      | only for academic research
purpose isNoneOf dpv:Marketing                        | what for is none of dpv:Marketing
purpose eq urn:other:aim                              | only for urn:other:aim
usu:form eq aggregates                                | answers are differentially private aggregates
usu:form eq holograms                                 | `usu:form` is holograms
elapsedTime lteq P1Y                                  | for at most 1 year
elapsedTime lteq P30D                                 | for at most 30 days
elapsedTime lteq P1Y6M                                | how long it has been used without a break is at most P1Y6M
dateTime lt 2027-01-01T00:00:00Z                      | before 2027-01-01
dateTime gt 2027-01-01T00:00:00Z                      | the moment of use is more than 2027-01-01T00:00:00Z
count lteq 5                                          | how often the rule was used, this time included is at most 5
urn:x:mood eq good                                    | `urn:x:mood` is good
count urn:x:about 5                                   | how often the rule was used, this time included `urn:x:about` 5
"""


@pytest.mark.parametrize("line", [line for line in CASES.splitlines() if line])
def test_conditions_read_plainly(line: str) -> None:
    said, words = (part.strip() for part in line.split("|"))
    left, operator, right = said.split()
    constraint = Constraint(left, operator, tuple(map(Value, right.split(","))))
    [told] = in_words(Ruleset("o", (Rule("permission", "r", Action("use"), constraints=(constraint,)),)))
    assert told.says == "permits to use"
    if left != "usu:form" or right == "aggregates":  # a form that is unknown has the label of its operand
        assert told.conditions == (words,)
    else:
        assert "holograms" in told.conditions[0] and not told.conditions[0].startswith("answers are")


def test_prices_duties_and_prohibitions_are_told() -> None:
    pay = Action("compensate", (Constraint("payAmount", "eq", (Value("5.00", "xsd:decimal"),), unit="EUR"),))
    told = in_words(Ruleset("o", (
        Rule("prohibition", "b", Action("distribute"), duties=(Rule("obligation", "d", Action("delete")),)),
        Rule("permission", "a", Action("use"), duties=(Rule("obligation", "c", pay), Rule("obligation", "e", Action("inform")))),
        Rule("obligation", "f", None),
    ), unknown=(Property("urn:x:extra", "yes"),)))  # fmt: skip
    assert [(line.says, line.conditions) for line in told] == [
        ("permits to use", ("each use costs 5.00 EUR", "for that it demands to inform (without conditions)")),
        ("forbids to distribute", ("if it is done all the same, it demands to delete (without conditions)",)),
        ("demands everything", ()),
        ("not understood", ("`urn:x:extra`: yes",)),
    ]


def test_a_price_with_a_condition_is_no_plain_price() -> None:
    pay = Action("compensate", (Constraint("payAmount", "eq", (Value("5.00"),), unit="EUR"),))
    late = Constraint("event", "eq", (Value("urn:x:late"),))
    [told] = in_words(Ruleset("o", (
        Rule("permission", "a", Action("use"), duties=(Rule("obligation", "c", pay, constraints=(late,)),)),
    )))  # fmt: skip
    assert "urn:x:late" in told.conditions[0] and "5.00" in told.conditions[0]


WORD = st.text("abcdefgh", min_size=6, max_size=10).map("urn:x:{}".format)
VALUES = st.lists(WORD.map(Value), min_size=1, max_size=3).map(tuple)
PROPERTIES = st.lists(st.builds(Property, WORD, WORD), max_size=1).map(tuple)
LEFTS = st.sampled_from(("purpose", "usu:form", "elapsedTime", "dateTime", "payAmount", "urn:x:anything"))
OPERATORS = st.sampled_from(("eq", "isAnyOf", "lteq", "lt", "isA"))
PLAIN = st.builds(Constraint, LEFTS, OPERATORS, VALUES, st.just("") | WORD, st.just(""), st.just(""), PROPERTIES)
CONDITIONS = st.lists(
    PLAIN | st.builds(Logic, st.sampled_from(("and", "or", "xone")), st.lists(PLAIN, min_size=1, max_size=2).map(tuple),
                      st.just(""), PROPERTIES), max_size=2,
).map(tuple)  # fmt: skip
ACTIONS = st.none() | st.builds(Action, WORD, CONDITIONS)
SCOPES = st.none() | st.builds(Scope, WORD, st.booleans(), CONDITIONS)
ROLES = st.lists(st.builds(Role, WORD, WORD), max_size=1).map(tuple)


def rules(duties: st.SearchStrategy[tuple[Rule, ...]]) -> st.SearchStrategy[Rule]:
    kinds = st.sampled_from(("permission", "prohibition", "obligation"))
    return st.builds(
        Rule, kinds, st.just("uid"), ACTIONS, SCOPES, SCOPES, SCOPES, ROLES, CONDITIONS, duties, PROPERTIES
    )


RULESETS = st.builds(
    Ruleset, st.just("o"), st.lists(rules(st.lists(rules(st.just(())), max_size=1).map(tuple)), max_size=2).map(tuple),
    unknown=PROPERTIES,
)  # fmt: skip


def words_of(value: object) -> set[str]:
    """Every name and value anywhere in a record."""
    if isinstance(value, str):
        return {value} if value.startswith("urn:x:") else set()
    if isinstance(value, tuple):
        return set().union(*map(words_of, value)) if value else set()
    if isinstance(value, bool) or value is None:
        return set()
    return set().union(*(words_of(getattr(value, name)) for name in value.__dataclass_fields__))  # type: ignore[attr-defined]


@given(RULESETS)
def test_nothing_that_is_said_is_left_out(said: Ruleset) -> None:
    told = " ".join(" ".join((line.says, *line.conditions)) for line in in_words(said))
    assert not {word for word in words_of(said) if word not in told}
