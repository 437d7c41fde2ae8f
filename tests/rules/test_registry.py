"""What may be registered: parties, and tables by their card."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tables import cases, parts
from worlds import World, pay

from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.facts import Column, PartyRegistered
from usufruct.core.registry.rules import Card, check_card, check_new, register_party

PARTIES = """
id       | kind         | name        | principal | answer
---------+--------------+-------------+-----------+-----------------------------------
anna     | person       | Anna        |           | registered
lab-7    | public-body  | Lab         |           | registered
bot      | agent        | Bot         | coop      | registered
bot2     | agent        | Bot         | bot       | registry.unknown
bot      | agent        | Bot         |           | only an agent, has a principal
anna     | person       | Anna        | coop      | only an agent, has a principal
bot      | agent        | Bot         | nobody    | registry.unknown
coop     | cooperative  | Coop again  |           | registry.exists
Anna     | person       | Anna        |           | cannot be the id of a party
         | person       | Anna        |           | cannot be the id of a party
anna     | robot        | Anna        |           | not a kind of party
anna     | person       |             |           | has no name
"""


@cases(PARTIES)
def test_parties(row: dict[str, str]) -> None:
    world = pay(World())
    try:
        answer: object = register_party(
            world.state, row["id"], row["kind"], f" {row['name']} ", row["principal"] or None
        )
    except BadInput as bad:
        answer = bad
    if isinstance(answer, BadInput):
        assert row["answer"] in str(answer) and answer.remedy
    elif isinstance(answer, Refusal):
        assert answer.code == row["answer"] and answer.remedy
    else:
        assert row["answer"] == "registered"
        assert answer == PartyRegistered(row["id"], row["kind"], row["name"], row["principal"] or None)


def test_a_name_is_kept_in_one_spelling() -> None:
    """The journal takes no other; a name from elsewhere may come with its accents apart."""
    fact = register_party(World().state, "zoe", "person", "Zoe\u0308", None)
    assert isinstance(fact, PartyRegistered)
    assert fact.name == "Zo\u00eb"


CARD = Card(
    "pay", "Pay", "what people earn", "agreement", "nr",
    (
        Column("nr", "integer", "personal", 2),
        Column("year", "integer", "personal", 2, values=(2021, 2022)),
        Column("pay", "decimal", "personal", 3, decimals=2, low=0, high=2000),
        Column("member", "boolean", "personal", 4, values=(False, True)),
        Column("note", "text", "public", 0),
    ),
    4, ("year",), ("wages",), "year",
)  # fmt: skip

CHANGES = """
change                                  | answer
----------------------------------------+---------------------------------------
                                        | good
publisher = nobody                      | registry.unknown
asset = Pay                             | cannot be the id of an asset
asset = taken                           | registry.exists
person_column = person                  | registry.no-person-column
person_column = NR                      | registry.no-person-column
person_column =                         | registry.no-person-column
person_column = year                    | `year` says whom a row is about
person_column = pay                     | `pay` says whom a row is about
once_per = ; year; note                 | good
once_per = ; Year                       | names `Year`, which is not a column
period_column = day                     | names `day`, which is not a column
rows_per_person = 1                     | good
rows_per_person = 1000000               | good
rows_per_person = 0                     | `rows_per_person` must be
rows_per_person = 1000001               | `rows_per_person` must be
column note: name = NR                  | two columns have the same name
column note: type = date                | unknown type `date`
column note: data_class = secret        | unknown class `secret`
column note: grade = 6                  | good
column note: grade = 7                  | no grade `7`
column note: grade = -1                 | no grade `-1`
column note: decimals = 2               | cannot have 2 decimals
column note: low = 0; high = 5          | has bounds, but holds texts
column member: low = 0; high = 1        | has bounds, but holds yes or no
column pay: decimals = 9                | good
column pay: decimals = 10               | cannot have 10 decimals
column pay: decimals = -1               | cannot have -1 decimals
column pay: low = none                  | one bound of two
column pay: high = none                 | one bound of two
column pay: low = none; high = none     | good
column pay: low = 2000                  | bounds that cannot hold
column pay: low = 2001                  | bounds that cannot hold
column pay: low = -5                    | good
column pay: low = -1099511627776        | good
column pay: low = -1099511627777        | bounds that cannot hold
column pay: high = 1099511627776        | good
column pay: high = 1099511627777        | bounds that cannot hold
column pay: values = 1                  | decimals cannot be grouped by
column year: values = 1; 1              | lists a value twice
column year: values = 1; x              | lists `x`, which is not of type integer
column year: values = yes               | lists `yes`, which is not of type integer
column member: values = 1               | lists `1`, which is not of type boolean
column note: values = a; b              | good
column note: values = 1                 | lists `1`, which is not of type text
"""


def value_of(text: str) -> object:
    return None if text == "none" else int(text) if text.lstrip("-").isdigit() else text


def changed(change: str) -> tuple[Card, str]:
    """The card with one thing about it, or about one of its columns, changed."""
    card, publisher = CARD, "coop"
    where, _, what = change.rpartition(": ")
    name, _, rest = what.partition(" =")
    if name == "publisher":
        return card, rest.strip()
    if name in ("once_per", "values"):
        found: object = tuple(value_of(part) for part in parts(rest))
        fields = {name: found}
    else:
        fields = {n.strip(): value_of(v.strip()) for n, _, v in (part.partition("=") for part in parts(what))}
    if not where:
        return replace(card, **fields), publisher
    columns = tuple(replace(c, **fields) if f"column {c.name}" == where else c for c in card.columns)
    assert columns != card.columns
    return replace(card, columns=columns), publisher


@cases(CHANGES)
def test_cards(row: dict[str, str]) -> None:
    world = pay(World(), asset="taken")
    card, publisher = changed(row["change"]) if row["change"] else (CARD, "coop")
    try:
        answer: object = check_card(world.state, card, publisher)
    except BadInput as bad:
        answer = bad
    if row["answer"] == "good":
        assert answer is None
    elif isinstance(answer, Refusal):
        assert answer.code == row["answer"] and answer.remedy
    else:
        assert isinstance(answer, BadInput)
        assert row["answer"] in str(answer) and answer.remedy


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_a_value_of_another_type_is_not_taken_for_a_number(value: object) -> None:
    """Yes is not 1: what is not a whole number could not be read back from the journal."""
    columns = (CARD.columns[0], replace(CARD.columns[1], values=(2021, value)))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="not of type integer"):
        check_card(pay(World(), asset="taken").state, replace(CARD, columns=columns), "coop")


def test_the_same_table_is_not_registered_under_a_second_name() -> None:
    """It would have a second privacy budget."""
    world = pay(World(), asset="taken")
    refusal = check_new(world.state, CARD, "v1")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "registry.exists" and "`taken`" in refusal.reasons[0] and "`taken`" in refusal.remedy
    assert check_new(world.state, CARD, "v2") is None
