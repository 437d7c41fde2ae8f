"""How surely it must be known who asks, on what sensitive data may rest, and how many persons must stand in a figure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tables import cases, parts
from worlds import World, agreement, pay, planned

from usufruct.core.access.proof import Proof
from usufruct.core.access.rules import Permit, Request, decide, prove, stands
from usufruct.core.access.why_not import supposed
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.release import public_groups, release
from usufruct.core.registry import assurance
from usufruct.core.registry.assurance import PartyVerified
from usufruct.core.registry.credentials import CredentialAccepted, CredentialEnded, StatusListRead
from usufruct.core.registry.state import Asset
from usufruct.wire import sql

APRIL = instants.parse("2026-04-01")


def world(known: str = "") -> World:
    """The institute has an agreement. It was verified until a day, or showed a credential, or neither."""
    made = pay(World())
    made.add(agreement("research"), PartyVerified("institute", "taken back", made.at))
    kind, _, day = known.partition(" ")
    end = instants.parse(day) if day else APRIL
    if kind == "verified":
        made.add(PartyVerified("institute", "seen", end))
    elif kind == "credential":
        made.add(CredentialAccepted("c", "institute", "https://issuer.example", "Body", "key", (), end))
    elif kind == "listed":
        made.add(
            CredentialAccepted(
                "c", "institute", "https://issuer.example", "Body", "key", (), end, "https://list.example", 1
            ),
            StatusListRead("https://list.example", "https://issuer.example", made.at, instants.parse("2026-03-20")),
        )
    made.go("2026-04-01")
    return made


DECISIONS = """
columns      | known               | signed | answer
-------------+---------------------+--------+------------------
# an account is enough for what is personal, but not for what is sensitive
year         |                     | no     | permit
year         |                     | yes    | permit
pay          |                     | no     | access.assurance
pay          |                     | yes    | access.assurance
pay          | verified 2027-01-01 | no     | permit
# the operator's word ends with its day, and a credential with its own or with its list
pay          | verified 2026-03-31 | no     | access.assurance
pay          | credential 2027-01-01 | no   | permit
pay          | credential 2026-03-31 | no   | access.assurance
pay          | listed 2027-01-01   | no     | access.assurance
# what is restricted needs a signed request as well
member       | verified 2027-01-01 | no     | access.assurance
member       |                     | yes    | access.assurance
member       | verified 2027-01-01 | yes    | permit
year; member | verified 2027-01-01 | no     | access.assurance
"""


@cases(DECISIONS)
def test_who_must_be_known(row: dict[str, str]) -> None:
    made = world(row["known"])
    request = Request(
        "institute", "pay", "AcademicResearch", "aggregates", parts(row["columns"]), signed=row["signed"] == "yes"
    )
    found = decide(made.state, request, made.at)
    assert (found.code if isinstance(found, Refusal) else "permit") == row["answer"]
    proof = prove(made.state, request, made.at)
    assert proof.permits == isinstance(found, Permit)
    if not proof.permits:
        after = decide(*supposed(made.state, request, proof.why_not), made.at)
        assert isinstance(after, Permit) and 1 <= len(proof.why_not) <= 2


def test_a_permit_rests_on_the_fact_by_which_it_is_known_who_asks() -> None:
    made = world("verified 2027-01-01")
    proof = prove(made.state, Request("institute", "pay", "AcademicResearch", "aggregates", ("pay",)), made.at)
    (premise,) = [one for one in proof.premises if one.about == "institute"]
    assert premise.gate == "grade" and premise.rests_on == (len(made.entries) - 1,)


def test_what_the_operator_takes_back_counts_from_the_next_decision_on() -> None:
    made = world("verified 2027-01-01")
    request = Request("institute", "pay", "AcademicResearch", "aggregates", ("pay",))
    assert isinstance(decide(made.state, request, made.at), Permit)
    ended = assurance.unverify(made.state, "institute", "it was another one of that name", made.at)
    assert isinstance(ended, PartyVerified)
    made.add(ended)
    assert isinstance(decide(made.state, request, made.at), Refusal)


def test_a_credential_that_ended_says_nothing_of_who_asks() -> None:
    made = world("credential 2027-01-01")
    made.add(CredentialEnded("c", "institute", "revoked"))
    request = Request("institute", "pay", "AcademicResearch", "aggregates", ("pay",))
    assert isinstance(decide(made.state, request, made.at), Refusal)


@pytest.mark.parametrize(("evidence", "until"), [("", "2027-01-01"), ("seen", "2026-04-01"), ("seen", "2040-01-01")])
def test_a_verification_needs_evidence_and_an_end_within_reach(evidence: str, until: str) -> None:
    made = world()
    with pytest.raises(BadInput):
        assurance.verify(made.state, "institute", evidence, instants.parse(until), made.at)


def test_nobody_who_is_not_there_is_verified() -> None:
    made = world()
    found = assurance.verify(made.state, "nobody", "seen", instants.parse("2027-01-01"), made.at)
    assert isinstance(found, Refusal) and found.code == "registry.unknown"


@pytest.mark.parametrize(
    ("column", "basis", "code"),
    [
        ("member", "Consent", ""), ("member", "PublicInterest", ""), ("member", "LegalObligation", ""),
        ("member", "Contract", "access.basis"), ("member", "LegitimateInterest", "access.basis"),
        ("pay", "Contract", ""), ("pay", "LegitimateInterest", ""),
    ],
)  # fmt: skip
def test_the_most_sensitive_data_rest_on_consent_or_on_a_law(column: str, basis: str, code: str) -> None:
    made = world("verified 2027-01-01")
    reached = agreement("other", consumer="clinic")
    made.add(replace(reached, terms=replace(reached.terms, basis=basis)))
    made.add(PartyVerified("clinic", "seen", instants.parse("2027-01-01")))
    request = Request("clinic", "pay", "AcademicResearch", "aggregates", (column,), signed=True)
    found = decide(made.state, request, made.at)
    assert (found.code if isinstance(found, Refusal) else "") == code


def permitted(made: World, text: str) -> tuple[Permit, Asset, Proof]:
    question = sql.parse(text)
    assert not isinstance(question, Refusal)
    permit = decide(
        made.state,
        Request("institute", "pay", "AcademicResearch", "aggregates", question.named(question.scans[0])),
        made.at,
    )
    assert isinstance(permit, Permit)
    return permit, made.asset, permit.proof


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("SELECT COUNT(*) AS n FROM pay", 5), ("SELECT COUNT(*) AS n FROM pay WHERE region = 'north'", 5),
        ("SELECT AVG(pay) AS n FROM pay", 10), ("SELECT COUNT(*) AS n FROM pay WHERE pay > 3", 10),
    ],
)  # fmt: skip
def test_the_least_group_is_that_of_the_highest_grade_that_is_read(text: str, least: int) -> None:
    """Who counts reads the column that says whom the rows are about, so even open columns do not lower it further."""
    permit, _, proof = permitted(world("verified 2027-01-01"), text)
    assert permit.group_min == least
    assert {one.kind: one.value for one in proof.obligations}["minimum-group"] == least


COUNTS = """
question                                | numbers | shown
----------------------------------------+---------+------
SELECT COUNT(DISTINCT nr) AS n FROM pay | 5       | 5
SELECT COUNT(DISTINCT nr) AS n FROM pay | 4       | nothing
SELECT COUNT(DISTINCT nr) AS n FROM pay | -3      | nothing
# a person may stand behind four rows: twenty of them are five persons at least
SELECT COUNT(*) AS n FROM pay           | 20      | 20
SELECT COUNT(*) AS n FROM pay           | 19      | nothing
"""


@cases(COUNTS)
def test_a_figure_about_too_few_is_left_out_by_the_noised_count(row: dict[str, str]) -> None:
    made = world("verified 2027-01-01")
    question = sql.parse(row["question"])
    permit, _, _ = permitted(made, row["question"])
    assert not isinstance(question, Refusal)
    made_plan = planned(made, question, group_min=permit.group_min)
    assert not isinstance(made_plan, Refusal)
    answer = release(made_plan, public_groups(made_plan), [[int(row["numbers"])] for _ in made_plan.vectors])
    value, margin = answer.rows[0]
    assert (value or "nothing") == row["shown"] and (margin is None) == (row["shown"] == "nothing")
    assert any("fewer than 5 persons" in note for note in answer.notes)


def test_obligations_say_how_much_or_for_whom() -> None:
    permit, asset, proof = permitted(world("verified 2027-01-01"), "SELECT AVG(pay) AS n FROM pay")
    values = {one.kind: one.value for one in proof.obligations}
    assert values["delete-by"] == permit.agreement.until
    assert values["watermark"] == "institute"
    assert values["privacy-budget"] == f"{asset.id} {asset.version}"


def test_what_counts_as_more_sensitive_since_then_lets_nothing_out() -> None:
    """What was worked out for the grades of then may be more than those of now let out."""
    made = world("verified 2027-01-01")
    text = "SELECT COUNT(*) AS n FROM pay WHERE region = 'north'"
    permit, asset, _ = permitted(made, text)
    question = sql.parse(text)
    assert not isinstance(question, Refusal)
    request = Request("institute", "pay", "AcademicResearch", "aggregates", question.named(question.scans[0]))
    assert isinstance(stands(made.state, request, permit, made.at), Permit)
    columns = tuple(replace(c, grade=3) if c.name == "region" else c for c in asset.columns)
    made.state.put(replace(asset, columns=columns))
    assert isinstance(decide(made.state, request, made.at), Permit), "it would be permitted as it is now"
    ended = stands(made.state, request, permit, made.at)
    assert isinstance(ended, Refusal) and ended.code == "access.ended" and "more sensitive" in ended.reasons[0]
