"""A small world for the tests of rules: facts folded into a state, without a node around them.

It is about the asset `pay`: ten people, four years, and a column of every kind.
"""

from __future__ import annotations

from tables import parts, rows

from usufruct.core.base import instants
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Entry, Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementReached, Terms
from usufruct.core.privacy.facts import BudgetOpened
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.relations import resolve
from usufruct.core.privacy.rules import QueryPlan, Wishes, plan, too_dear
from usufruct.core.registry.assurance import PartyVerified
from usufruct.core.registry.facts import (
    AssetRegistered,
    Column,
    PartyRegistered,
    PersonsEnrolled,
    Quality,
    RightGranted,
)
from usufruct.core.registry.rights import at_the_source
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import shipped
from usufruct.store.memory import MemoryState

PERSONS = 10
START = instants.parse("2026-03-01")

COLUMNS = """
name   | type    | grade | decimals | low | high | values
-------+---------+-------+----------+-----+------+-----------------------
nr     | integer | 2     |          |     |      |
year   | integer | 2     |          |     |      | 2021; 2022; 2023; 2024
region | text    | 0     |          |     |      | north; south
note   | text    | 1     |          |     |      |
member | boolean | 4     |          |     |      | no; yes
pay    | decimal | 3     | 2        | 0   | 2000 |
hours  | integer | 3     |          | 0   | 60   |
tax    | decimal | 2     | 2        |     |      |
site   | integer | 5     |          | 0   | 9    |
cell   | text    | 6     |          |     |      | a; b
"""


class World:
    """Facts, one after another, and the state they come to. `at` is the time; the next fact gets it."""

    def __init__(self, at: Instant = START) -> None:
        self.at = at
        self.state = MemoryState()
        self.entries: list[Entry] = []

    def add(self, *happened: Fact) -> Fact:
        """These facts happen now; returns the last."""
        for fact in happened:
            entry = Entry(len(self.entries), self.at, fact)
            self.entries.append(entry)
            self.state.apply(entry)
        return happened[-1]

    def go(self, day: str) -> Instant:
        """It is now that day, or that moment."""
        self.at = instants.parse(day)
        return self.at

    @property
    def asset(self) -> Asset:
        """The asset this world is about."""
        asset = self.state.get(Asset, "pay")
        assert asset is not None
        return asset


def column(row: dict[str, str]) -> Column:
    """A column from its row of a table."""
    values: tuple[int | str | bool, ...] = parts(row["values"])
    if row["type"] == "integer":
        values = tuple(int(str(value)) for value in values)
    if row["type"] == "boolean":
        values = tuple(value == "yes" for value in values)
    low, high = (int(row[name]) if row[name] else None for name in ("low", "high"))
    return Column(
        row["name"], row["type"], "personal", int(row["grade"]), decimals=int(row["decimals"] or 0), low=low, high=high,
        values=values,
    )  # fmt: skip


def pay(world: World, columns: str = COLUMNS, asset: str = "pay", once_per: tuple[str, ...] = ("year",)) -> World:
    """The parties, and the asset with its persons, rights and budget; rights are `hold`, `use`, `operate`, `benefit`."""
    for party in ("coop", "institute", "insurer", "clinic", "source"):
        world.add(PartyRegistered(party, "organisation", party.capitalize()))
    members = tuple(f"member-{number}" for number in range(PERSONS))
    world.add(*(PartyRegistered(member, "person", member.capitalize()) for member in members))
    made = tuple(column(row) for row in rows(columns))
    quality = Quality(35, PERSONS, (0,) * len(made))
    about = ("Pay", "what people earn", "agreement", ("wages",), "v1", "5f" * 32)
    world.add(
        AssetRegistered(asset, "coop", "source", *about, "nr", made, 4, once_per, quality),
        PersonsEnrolled(asset, 0, members),
        *at_the_source(asset, "source", "coop", ("benefit", "hold", "use", "operate")),
        BudgetOpened(asset, "v1", 1_000_000, 1_000),
        *(PartyVerified(party, "made up", END_OF_TIME) for party in ("institute", "insurer", "clinic")),
    )
    return world


def right(
    name: str, of: str, to: str, rests_on: str | None, may_grant: bool = True, until: str = "", kind: str = "use"
) -> RightGranted:
    """A link of a chain of rights on `pay`."""
    end = instants.parse(until) if until else END_OF_TIME
    return RightGranted(name, "pay", kind, of, to, may_grant, end, rests_on)


def agreement(
    name: str,
    consumer: str = "institute",
    form: str = "aggregates",
    purposes: tuple[str, ...] = ("AcademicResearch",),
    until: str = "2027-03-01",
    right: str = "use",
    asset: str = "pay",
) -> AgreementReached:
    """An agreement with the coop."""
    terms = Terms(form, purposes, 500, "EUR", 1)
    return AgreementReached(name, "n", "o", asset, "coop", consumer, terms, instants.parse(until), right)


def planned(
    world: World, question: Question, micro_rho: int | None = None, asset: str = "pay", group_min: int = 0
) -> QueryPlan | Refusal:
    """The plan of a question about one asset of the world."""
    found = world.state.get(Asset, asset)
    assert found is not None
    view = resolve(question, {asset: found})
    if isinstance(view, Refusal):
        return view
    wishes = Wishes(micro_rho)
    made = plan(question, view, {asset: found}, shipped(), world.at, group_min, wishes)
    if isinstance(made, Refusal):
        return made
    return too_dear(world.state, made, {asset: found}, "institute", shipped(), world.at) or made
