"""In which form records leave: what the grade of each column, the agreement and its rules come to. The strictest wins."""

from __future__ import annotations

from dataclasses import replace

from tables import cases, parts
from worlds import World, agreement, pay

from usufruct.core.access.forms import decide_records
from usufruct.core.access.gates import covers
from usufruct.core.access.proof import Request, Supposing
from usufruct.core.access.rules import Permit
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import rules
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.grades import FORMS
from usufruct.core.terms.model import Action, Constraint, Rule, Ruleset, Value

# Columns of the table: region is graded 0, note 1, year and tax 2, pay 3, member 4, site 5, cell 6; whom the rows are
# about (nr) is graded 2.
CHOICES = """
columns         | agreed      | rules say      | form
----------------+-------------+----------------+----------------------------------------
# the agreement is for records: the grade of the columns decides
region          | rows        |                | rows
region; note    | rows        |                | rows
region; year    | rows        |                | masked
year; tax       | rows        |                | masked
nr; region      | rows        |                | masked
region; pay     | rows        |                | access.form ask for region alone
pay             | rows        |                | access.form ask for totals
member          | rows        |                | access.form ask for totals
region; site    | rows        |                | access.grade leave these columns out
                | rows        |                | access.grade leave these columns out
# it is for masked records: harmless columns are masked too
region          | masked      |                | masked
nr; region; tax | masked      |                | masked
region; pay     | masked      |                | access.form ask for region alone
cell            | masked      |                | access.grade
# it is for something else: no records, whatever their grade
region          | cubes       |                | access.form come to an agreement
region          | aggregates  |                | access.form ask for totals
region          | computation |                | access.form come to an agreement
# the rules of the agreement are as strict as they say: which form, and where the data may go
region          | rows        | form masked    | masked
region; year    | rows        | form masked    | masked
region          | masked      | form rows      | access.terms
region          | rows        | form aggregates | access.terms
region          | rows        | place node     | access.terms
region          | rows        | place export   | rows
region; year    | rows        | place export   | masked
region          | rows        | grade 0        | rows
note            | rows        | grade 0        | access.terms
"""


def ruled(agreement: Agreement, said: str) -> Agreement:
    """The agreement, permitting only what is said."""
    if not said:
        return agreement
    name, value = said.split()
    typed = Value(value, "xsd:integer") if value.isdigit() else Value(value)
    constraint = Constraint(f"usu:{name}", "lteq" if value.isdigit() else "eq", (typed,))
    rule = Rule("permission", "only", Action("use"), constraints=(constraint,))
    return replace(agreement, terms=replace(agreement.terms, rules=Ruleset("only", (rule,), kind="Agreement")))


@cases(CHOICES)
def test_the_strictest_rule_chooses_the_form(row: dict[str, str]) -> None:
    world = pay(World())
    fact = agreement("records", form=row["agreed"])
    terms = ruled(Agreement("", "", "", "", "", fact.terms, "", "", ""), row["rules say"]).terms
    world.add(replace(fact, terms=terms))
    asked = Request("institute", "pay", "AcademicResearch", "rows", parts(row["columns"]), signed=True)
    request, found = decide_records(world.state, asked, world.at)
    code, _, words = row["form"].partition(" ")
    if isinstance(found, Permit):
        assert request.form == code
        assert request == replace(asked, form=code)
        masked = [one.value for one in found.proof.obligations if one.kind == "mask"]
        assert masked == ["nr"], "who the rows are about is hidden either way"
        assert found.group_min == (5 if code == "masked" else 0)
    else:
        assert found.code == code and words in found.remedy


def test_an_agreement_covers_its_own_form_and_records_cover_masked_records() -> None:
    covered = {(agreed, form) for agreed in FORMS for form in FORMS if covers(agreed, form)}
    assert covered == {*((form, form) for form in FORMS), ("rows", "masked")}


def test_who_may_not_be_told_apart_keeps_masked_records_in() -> None:
    """To be in the table at all is graded 3: a list of its rows, however masked, would say who is."""
    columns = "name   | type | grade | decimals | low | high | values\n-------+------+-------+---+---+---+---\n"
    world = pay(World(), columns + "nr | integer | 3 | | | |\nregion | text | 1 | | | | n; s", once_per=())
    world.add(agreement("records", form="masked"))
    asked = Request("institute", "pay", "AcademicResearch", "rows", ("region",), signed=True)
    _, found = decide_records(world.state, asked, world.at)
    assert isinstance(found, Refusal) and found.code == "access.form" and "nr" in found.reasons[0]


OFFERED = """
grades  | form        | answer
--------+-------------+----------------------------------------------
2; 1    | rows        | published
2; 2    | rows        | offer it as masked or cubes
2; 2    | masked      | published
3; 3    | masked      | offer it as aggregates or computation
3; 2    | cubes       | published
4; 4    | computation | published
5; 5    | aggregates  | not let out at all
"""


@cases(OFFERED)
def test_what_can_leave_in_no_form_is_not_offered_in_it(row: dict[str, str]) -> None:
    person, told = parts(row["grades"])
    columns = "name   | type | grade | decimals | low | high | values\n-------+------+-------+---+---+---+---\n"
    world = pay(
        World(), columns + f"nr | integer | {person} | | | |\nyear | integer | {told} | | | | 1; 2", once_per=()
    )
    terms = Terms(row["form"], ("AcademicResearch",), 0, "EUR", 1)
    found = rules.publish(world.state, "o", "pay", "coop", terms, None, False, world.at, "EUR")
    assert row["answer"] in (found.remedy if isinstance(found, Refusal) else "published")


def test_what_is_about_nobody_is_not_masked() -> None:
    columns = "name   | type | grade | decimals | low | high | values\n-------+------+-------+---+---+---+---\n"
    world = pay(World(), columns + "region | text | 0 | | | | n; s", once_per=())
    asset = world.state.get(Asset, "pay")
    assert asset is not None
    nobody = Supposing(world.state, replace(asset, person_column=""))
    for form in ("masked", "cubes", "rows"):
        found = rules.publish(
            nobody, "o", "pay", "coop", Terms(form, ("AcademicResearch",), 0, "EUR", 1), None, False, world.at, "EUR"
        )
        assert isinstance(found, Refusal) == (form != "rows")
