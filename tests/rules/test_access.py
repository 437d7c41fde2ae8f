"""Who may ask what of which columns, for what purpose, under which agreement; and what a refusal says."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from tables import cases, parts, rows
from worlds import COLUMNS, World, agreement, pay, planned, right

from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.access.rules import Permit, Request, decide
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementEnded
from usufruct.core.privacy.rules import QueryPlan
from usufruct.wire import sql

AGREEMENTS = """
name      | with      | form       | purposes                         | until      | right
----------+-----------+------------+----------------------------------+------------+-------
research  | institute | aggregates | AcademicResearch                 | 2027-03-01 | use
broad     | institute | aggregates | ResearchAndDevelopment; EnforceSecurity | 2027-03-01 | use
records   | institute | rows       | AcademicResearch                 | 2027-03-01 | use
marketing | institute | aggregates | Marketing                        | 2027-03-01 | use
insured   | insurer   | aggregates | AcademicResearch                 | 2027-03-01 | use
late      | institute | aggregates | AcademicResearch                 | 2026-03-02 | use
lent      | institute | aggregates | AcademicResearch                 | 2027-03-01 | lent
missing   | institute | aggregates | AcademicResearch                 | 2027-03-01 | nobodys
"""


def world_with(names: str, day: str) -> World:
    world = pay(World())
    world.add(right("lent", "coop", "coop", "use", until="2026-06-01"))
    by_name = {row["name"]: row for row in rows(AGREEMENTS)}
    for name in parts(names):
        row = by_name[name]
        world.add(agreement(name, row["with"], row["form"], parts(row["purposes"]), row["until"], row["right"]))
    world.go(day)
    return world


DECISIONS = """
who       | asks       | of columns   | for                    | agreements       | on         | answer
----------+------------+--------------+------------------------+------------------+------------+---------------------------
# the plain cases
institute | aggregates | year; pay    | AcademicResearch       | research         | 2026-04-01 | permit research
institute | aggregates |              | AcademicResearch       | research         | 2026-04-01 | permit research
institute | aggregates | PAY; Year    | AcademicResearch       | research         | 2026-04-01 | permit research
institute | aggregates | pay          | dpv:AcademicResearch   | research         | 2026-04-01 | permit research
institute | aggregates | pay          | academic research      | research         | 2026-04-01 | permit research
institute | rows       | region; note | AcademicResearch       | records          | 2026-04-01 | permit records
institute | aggregates | nosuch       | AcademicResearch       | research         | 2026-04-01 | permit research
# a broader purpose covers the narrower one, and not the other way round
institute | aggregates | pay          | AcademicResearch       | broad            | 2026-04-01 | permit broad
institute | aggregates | pay          | CommercialResearch     | broad            | 2026-04-01 | permit broad
institute | aggregates | pay          | ResearchAndDevelopment | research         | 2026-04-01 | access.purpose
institute | aggregates | pay          | Marketing              | research         | 2026-04-01 | access.purpose
institute | aggregates | pay          | Purpose                | broad            | 2026-04-01 | access.purpose
institute | aggregates | pay          | AcademicReserch        | research         | 2026-04-01 | access.unknown-purpose
institute | aggregates | pay          |                        | research         | 2026-04-01 | access.unknown-purpose
# nobody uses another's agreement, or one that is over
insurer   | aggregates | pay          | AcademicResearch       | research         | 2026-04-01 | access.no-agreement
institute | aggregates | pay          | AcademicResearch       | insured          | 2026-04-01 | access.no-agreement
coop      | aggregates | pay          | AcademicResearch       | research         | 2026-04-01 | access.no-agreement
institute | aggregates | pay          | AcademicResearch       |                  | 2026-04-01 | access.no-agreement
institute | aggregates | pay          | AcademicResearch       | late             | 2026-03-01 | permit late
institute | aggregates | pay          | AcademicResearch       | late             | 2026-03-02 | access.no-agreement
institute | aggregates | pay          | AcademicResearch       | research         | 2026-02-28 | access.no-agreement
# the form of the answer: what was agreed, and what the grade of each column allows
institute | rows       | region       | AcademicResearch       | research         | 2026-04-01 | access.form
institute | aggregates | region       | AcademicResearch       | records          | 2026-04-01 | access.form
institute | rows       | region; pay  | AcademicResearch       | records          | 2026-04-01 | access.form
institute | rows       | year         | AcademicResearch       | records          | 2026-04-01 | access.form
institute | rows       |              | AcademicResearch       | records          | 2026-04-01 | access.grade
institute | aggregates | pay; site    | AcademicResearch       | research         | 2026-04-01 | access.grade
institute | aggregates | cell         | AcademicResearch       | research         | 2026-04-01 | access.grade
institute | rows       | site         | AcademicResearch       | records          | 2026-04-01 | access.grade
# the right that the agreement rests on
institute | aggregates | pay          | AcademicResearch       | lent             | 2026-05-31 | permit lent
institute | aggregates | pay          | AcademicResearch       | lent             | 2026-06-01 | access.rights
institute | aggregates | pay          | AcademicResearch       | missing          | 2026-04-01 | access.rights
# of several agreements the first that permits
institute | aggregates | pay          | AcademicResearch       | marketing; broad | 2026-04-01 | permit broad
institute | aggregates | pay          | Marketing              | broad; marketing | 2026-04-01 | permit marketing
institute | aggregates | pay          | AcademicResearch       | broad; research  | 2026-04-01 | permit broad
"""


@cases(DECISIONS)
def test_decisions(row: dict[str, str]) -> None:
    world = world_with(row["agreements"], row["on"])
    request = Request(row["who"], "pay", row["for"], row["asks"], parts(row["of columns"]), signed=True)
    answer = decide(world.state, request, world.at)
    if isinstance(answer, Permit):
        assert f"permit {answer.agreement.id}" == row["answer"]
        assert answer.asset.id == "pay"
    else:
        assert answer.code == row["answer"]


WORDS = """
asks       | of columns | for       | agreements | all its reasons say                                 | the remedy says
-----------+------------+-----------+------------+-----------------------------------------------------+--------------------
aggregates | pay        | Marketing | research   | `research` does not cover; Marketing; only Academic | AcademicResearch
rows       | region     | Academic  | research   | for differentially private aggregates, not for      | SELECT region, AVG(pay)
aggregates | region     | Academic  | records    | for records as they are, not for                    | come to an agreement
rows       | pay; year  | Academic  | records    | pay: graded sensitive; year: graded personal        | SELECT region, AVG(pay)
rows       |            | Academic  | records    | site, cell: graded; core; member: graded restricted | leave these columns out
aggregates | site       | Marketing | research   | purpose Marketing; site: graded important           | Academic; leave these
rows       | pay        | Marketing | research   | Marketing; not for records; pay: graded sensitive   | Academic; SELECT
aggregates | pay        | AcademicX | research   | `AcademicX` is not in the purpose tree              | AcademicResearch
aggregates | pay        | Academic  | missing    | the right of `coop` to grant this use has ended     | ask `coop` to renew it
aggregates | pay        | Academic  | insured    | `institute` has no agreement in force on `pay`      | request an offer
# the agreement with the fewest gates closed is the one talked about
aggregates | site       | Marketing | research; marketing | site: graded important                     | leave these columns out
aggregates | site       | Marketing | marketing; research | site: graded important                     | leave these columns out
"""


@cases(WORDS)
def test_a_refusal_names_everything_in_the_way_and_the_change_that_helps(row: dict[str, str]) -> None:
    world = world_with(row["agreements"], "2026-04-01")
    purpose = "AcademicResearch" if row["for"] == "Academic" else row["for"]
    request = Request("institute", "pay", purpose, row["asks"], parts(row["of columns"]), signed=True)
    refusal = decide(world.state, request, world.at)
    assert isinstance(refusal, Refusal)
    expected = parts(row["all its reasons say"])
    for words in expected:
        assert any(words in reason for reason in refusal.reasons), (words, refusal.reasons)
    for words in parts(row["the remedy says"]):
        assert words in refusal.remedy
    assert all(any(words in reason for words in expected) for reason in refusal.reasons) or not row["of columns"]


def test_what_does_not_exist_and_what_is_not_open_are_refused_in_the_same_words() -> None:
    world = world_with("research", "2026-04-01")
    for form, purpose in itertools.product(("rows", "aggregates"), ("AcademicResearch", "Marketing", "nonsense")):
        there = decide(world.state, Request("insurer", "pay", purpose, form, ("pay",)), world.at)
        nowhere = decide(world.state, Request("insurer", "pix", purpose, form, ("pay",)), world.at)
        assert isinstance(there, Refusal)
        assert str(there).replace("`pay`", "`pix`") == str(nowhere)


def test_an_agreement_that_was_ended_permits_nothing_more() -> None:
    world = world_with("research", "2026-04-01")
    request = Request("institute", "pay", "AcademicResearch", "aggregates", ("pay",))
    assert isinstance(decide(world.state, request, world.at), Permit)
    world.add(AgreementEnded("research", "coop"))
    refusal = decide(world.state, request, world.at)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "access.no-agreement"


@pytest.mark.parametrize(
    ("stands", "purpose", "code"),
    [
        ({"purposes": ("AcademicResearch",)}, "CommercialResearch", "access.purpose"),
        ({"prohibited": ("CommercialResearch",)}, "CommercialResearch", "access.prohibited"),
        ({"prohibited": ("CommercialResearch",)}, "ResearchAndDevelopment", "access.prohibited"),
    ],
)
def test_what_an_asset_inherited_counts_whatever_was_agreed(
    stands: dict[str, tuple[str, ...]], purpose: str, code: str
) -> None:
    """Else it would be agreed on broadly first, and come down to less afterwards (attack 4)."""
    world = world_with("broad", "2026-04-01")
    asked = Request("institute", "pay", purpose, "aggregates", ("pay",))
    assert isinstance(decide(world.state, asked, world.at), Permit)
    world.state.put(replace(world.asset, **stands))
    refused = decide(world.state, asked, world.at)
    assert isinstance(refused, Refusal) and refused.code == code
    assert isinstance(decide(world.state, replace(asked, purpose="AcademicResearch"), world.at), Permit)


def test_nobody_s_consent_is_a_filter_and_not_a_refusal() -> None:
    world = world_with("research", "2026-04-01")
    request = Request("institute", "pay", "AcademicResearch", "aggregates", ("pay",))
    empty = decide(world.state, request, world.at)
    assert isinstance(empty, Permit)
    assert empty.population == bytes(2)
    world.add(ConsentsRecorded("pay", "AcademicResearch", (0, 3, 9), "forms"))
    some = decide(world.state, request, world.at)
    assert isinstance(some, Permit)
    assert some.population == bytes([0b00001001, 0b10])


SQL_AND_COLUMNS = """
question                                      | columns that the gates judge
----------------------------------------------+-----------------------------
SELECT COUNT(*) FROM pay                      |
SELECT AVG(pay) FROM pay WHERE hours > 3      | hours; pay
SELECT year, COUNT(*) FROM pay GROUP BY year  | year
SELECT COUNT(*) FROM pay GROUP BY region      | region
SELECT year, COUNT(*) AS note FROM pay GROUP BY year ORDER BY note | year
SELECT region FROM pay WHERE note = 'x'       | region; note
SELECT region FROM pay ORDER BY pay           | region; pay
# all columns, and not only those of the condition
SELECT * FROM pay                             |
SELECT * FROM pay WHERE region = 'north'      |
SELECT *, note FROM pay WHERE region = 'north' |
"""


@cases(SQL_AND_COLUMNS)
def test_every_column_that_a_question_reads_is_judged(row: dict[str, str]) -> None:
    question = sql.parse(row["question"])
    assert not isinstance(question, Refusal)
    assert question.named(question.scans[0]) == parts(row["columns that the gates judge"])
    judged = decide(
        world_with("records", "2026-04-01").state,
        Request("institute", "pay", "AcademicResearch", question.form, question.named(question.scans[0]), signed=True),
        "2026-04-01T00:00:00.000Z",
    )
    if "*" in row["question"] and question.form == "rows":
        assert isinstance(judged, Refusal) and judged.code == "access.grade"


CARDS = """
asset    | columns of the card                        | the example
---------+--------------------------------------------+-------------------------------------------
pay      | pay measure; year list                     | SELECT year, AVG(pay) FROM pay GROUP BY year
pay-2026 | pay measure; year list                     | SELECT year, AVG(pay) FROM "pay-2026" GROUP BY year
pay      | hourly pay measure; year list              | SELECT year, AVG("hourly pay") FROM pay GROUP BY year
pay      | 2nd list                                   | SELECT "2nd", COUNT(*) FROM pay GROUP BY "2nd"
pay      | note                                       | SELECT COUNT(*) FROM pay
pay      | secret measure; pay measure; hidden list   | SELECT AVG(pay) FROM pay
"""


@cases(CARDS)
def test_the_example_in_a_remedy_is_a_question_that_is_answered(row: dict[str, str]) -> None:
    """Even on a card whose names need quotes, or whose first columns are graded too high."""
    table = COLUMNS.strip().splitlines()[0] + "\nnr | integer | 2 | | | |"
    for name in parts(row["columns of the card"]):
        name, _, kind = name.rpartition(" ") if name.endswith(("measure", "list")) else (name, "", "")
        grade = 5 if name in ("secret", "hidden") else 3
        bounds, values = ("0 | 9" if kind == "measure" else " | "), ("1; 2" if kind == "list" else "")
        table += f"\n{name} | integer | {grade} | | {bounds} | {values}"
    world = pay(World(), table, row["asset"], once_per=())
    world.add(agreement("research", asset=row["asset"]))
    refusal = decide(world.state, Request("institute", row["asset"], "AcademicResearch", "rows", ("note",)), world.at)
    assert isinstance(refusal, Refusal)
    text = refusal.remedy.split("ask for totals: ")[1].split(";")[0]
    assert text == row["the example"]
    question = sql.parse(text)
    assert not isinstance(question, Refusal)
    permit = decide(
        world.state,
        Request(
            "institute",
            question.asset,
            "AcademicResearch",
            question.form,
            question.named(question.scans[0]),
            signed=True,
        ),
        world.at,
    )
    assert isinstance(permit, Permit)
    assert isinstance(planned(world, question, asset=row["asset"]), QueryPlan)


@pytest.mark.parametrize("form", ["rows", "aggregates"])
def test_a_stricter_world_never_turns_a_no_into_a_yes(form: str) -> None:
    """Whatever is taken away (an agreement, a purpose, the right, time) or asked in addition: no new permit."""
    names = [row["name"] for row in rows(AGREEMENTS)]
    asked = [("region",), ("region", "note"), ("region", "note", "pay"), ("region", "note", "pay", "site")]
    for purpose in ("AcademicResearch", "CommercialResearch", "Marketing"):
        for name in names:
            more = world_with(f"{name}; research", "2026-04-01")
            less = world_with(name, "2026-04-01")
            before: bool | None = None
            for columns in asked:
                request = Request("institute", "pay", purpose, form, columns, signed=True)
                with_more = isinstance(decide(more.state, request, more.at), Permit)
                with_less = isinstance(decide(less.state, request, less.at), Permit)
                assert with_more or not with_less
                assert before is not False or not with_less, "asking for more columns opened a gate"
                before = with_less
            after = less.go("2026-07-01")
            if isinstance(decide(less.state, request, after), Permit):
                assert before
