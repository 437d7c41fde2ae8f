"""Charters and membership: what a charter must say, which cell fits, and what ends a place in a pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from worlds import World

from usufruct.core.access import clauses, consent
from usufruct.core.access.clauses import Fee, Price, Schedule
from usufruct.core.access.facts import ConsentGiven, ConsentRefused, RecordsShared
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, parse
from usufruct.core.base.money import Money
from usufruct.core.base.records import Fact, Row
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import rules as contract
from usufruct.core.contract.facts import OfferPublished, Terms
from usufruct.core.lineage import standing
from usufruct.core.registry import charter, conveyance, pool, rights
from usufruct.core.registry.charter import Charter, Draft, PoolFounded
from usufruct.core.registry.facts import (
    AssetRegistered,
    Column,
    PartyRegistered,
    PersonErased,
    PersonsEnrolled,
    Quality,
    Removed,
    RightGranted,
)
from usufruct.core.registry.grants import RightPledged, RightReleased, RightTransferred
from usufruct.core.registry.pool import Joining, Membership, Pool, PoolJoined, PoolStored
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook.grades import in_force

CITY = Column("city", "text", "personal", 3, values=("north", "south"))
EARNED = Column("earned", "decimal", "personal", 3, decimals=2, low=0, high=90_000)
OWNER = Column("owner", "text", "personal", 3)
CARD = Card(
    "riders", "Riders", "weeks", "as agreed", "owner", (OWNER, CITY, EARNED), 4, purposes=("ResearchAndDevelopment",),
    prohibited=("Marketing",),
)  # fmt: skip
DRAFT = Draft(CARD, Money(300, "EUR"), END_OF_TIME, "We answer\nwhat riding pays.")
RIDERS = ("ana", "ben", "cleo")


class Riders(World):
    """Three members with a cell each, and a pool; whoever joined is in it."""

    def __init__(self, draft: Draft = DRAFT, joined: tuple[str, ...] = RIDERS) -> None:
        super().__init__()
        self.add(PartyRegistered("coop", "cooperative", "Riders"), PartyRegistered("lab", "organisation", "Lab"))
        for rider in RIDERS:
            self.add(PartyRegistered(rider, "person", rider, key=RIDERS.index(rider)))
            self.cell(rider)
        fact = charter.found(self.state, draft, "coop", "coop", self.at, "EUR")
        assert isinstance(fact, PoolFounded)
        quality = Quality(0, 0, (0, 0, 0))
        self.add(PartyRegistered("members", "group", "members"), AssetRegistered(
            "riders", "coop", "members", "Riders", "", "", (), "v", "00", "owner", draft.card.columns, 4, (), quality,
            draft.card.purposes, prohibited=draft.card.prohibited, charter=fact.digest,
        ), *rights.at_the_source("riders", "members", "coop", ("b", "h", "u", "o")), fact)  # fmt: skip
        for rider in joined:
            self.join(rider)

    def cell(self, rider: str, *columns: Column, name: str = "", prohibited: tuple[str, ...] = ()) -> Asset:
        """A cell of her own, in her own hands."""
        name = name or f"cell-{rider}"
        self.add(AssetRegistered(
            name, "node", rider, "own", "", "", (), name, "00", "owner", (OWNER, *(columns or (CITY, EARNED))), 9, (),
            Quality(1, 1, (0, 0, 0)), prohibited=prohibited,
        ), PersonsEnrolled(name, 0, (rider,)))  # fmt: skip
        self.add(*rights.in_her_own_hands(name, rider, "node", tuple(f"{name}-{r}" for r in "huob")))  # type: ignore[arg-type]
        made = self.state.get(Asset, name)
        assert made is not None
        return made

    def ask(self, rider: str, name: str = "", shown: str | None = None) -> Joining | Refusal:
        """Whether she can join."""
        wanted = self.charter.digest if shown is None else shown
        return pool.join(self.state, "riders", rider, name or f"cell-{rider}", wanted, self.at)

    def join(self, rider: str) -> PoolJoined:
        """She joins, as the node does it."""
        joining = self.ask(rider)
        assert isinstance(joining, Joining), joining
        cell, names = joining.cell.id, [f"{rider}-{right}-{len(self.entries)}" for right in ("use", "operate")]
        if joining.new:
            self.add(PersonsEnrolled("riders", joining.number, (rider,)))
        for id, right in zip(names, ("use", "operate"), strict=True):
            granted = rights.grant(self.state, id, rider, "coop", cell, right, self.at, joining.limits())
            assert isinstance(granted, RightGranted), granted
            self.add(granted)
        self.add(ConsentGiven("riders", rider, "ResearchAndDevelopment", notice=self.charter.digest))
        joined = PoolJoined("riders", rider, joining.number, cell, *names, self.charter.digest)
        self.add(joined)
        return joined

    @property
    def charter(self) -> Charter:
        """The charter."""
        found = self.state.get(Charter, "riders")
        assert found is not None
        return found

    @property
    def pool(self) -> Asset:
        """The pool."""
        found = self.state.get(Asset, "riders")
        assert found is not None
        return found

    def members(self) -> set[int]:
        """The numbers of those who are in, as a decision reads them."""
        bits = int.from_bytes(pool.members(self.state, self.pool, self.at) or b"", "little")
        row = self.state.get(Pool, "riders")
        assert row is not None
        inside = {number for number in range(bits.bit_length()) if bits >> number & 1}
        standing = {m.number for m in self.state.list(Membership, pool="riders") if m.standing == pool.IN}
        if self.at < self.charter.until:
            assert inside == standing and row.members == len(inside)
        return inside

    def used(self) -> set[int]:
        """The numbers of those whose rows a use would read."""
        persons = pool.persons(self.state, self.pool)
        among = pool.members(self.state, self.pool, self.at)
        bits = int.from_bytes(
            consent.population(self.state, "riders", "AcademicResearch", persons, None, among), "little"
        )
        return {number for number in range(persons) if bits >> number & 1}


def revoked(world: Riders, right: str, by: str = "ben") -> Fact:
    fact = conveyance.revoke(world.state, right, by, world.at)
    assert not isinstance(fact, Refusal), fact
    return fact


ENDS: dict[str, Callable[[Riders, Membership], Fact]] = {
    "revoked use": lambda world, her: revoked(world, her.use),
    "revoked operate": lambda world, her: revoked(world, her.operate),
    "given back": lambda world, her: RightReleased(her.use, her.cell, "coop", "ben"),
    "passed to others": lambda world, her: RightTransferred(her.use, her.cell, "coop", "lab", her.use),
    "her own given up": lambda world, her: RightTransferred("cell-ben-u", her.cell, "ben", "lab", "other"),
    "lent to others": lambda world, her: RightPledged(
        "lent", her.use, her.cell, "use", "coop", "lab", "pilot", parse("2030-01-01"), ("Purpose",), exclusive=True
    ),
    "erased": lambda world, her: PersonErased("ben", 1, (Removed("riders", 1, "11"), Removed("cell-ben", 0, "12")), "n", ()),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_whatever_ends_a_grant_takes_her_out_with_the_same_fact(end: str) -> None:
    world = Riders()
    assert world.members() == world.used() == {0, 1, 2}
    her = world.state.get(Membership, "riders", 1)
    assert her is not None
    world.add(ENDS[end](world, her))
    assert world.members() == world.used() == {0, 2}
    assert pool.persons(world.state, world.pool) == 3, "her number stays hers"


def test_what_is_done_to_another_cell_or_right_ends_nothing() -> None:
    world = Riders()
    granted = rights.grant(world.state, "spare", "ben", "lab", "cell-ben", "use", world.at)
    assert isinstance(granted, RightGranted)
    world.add(granted)
    world.add(revoked(world, "spare"))
    world.cell("ben", name="cell-two")
    world.add(revoked(world, "cell-two-h"))
    assert world.members() == {0, 1, 2}


def test_she_can_come_back_and_has_her_number() -> None:
    world = Riders()
    her = world.state.get(Membership, "riders", 1)
    assert her is not None
    world.add(revoked(world, her.use))
    assert list(pool.to_take_out(world.state, world.charter, world.at)) == [1]
    assert world.join("ben").number == 1 and world.members() == {0, 1, 2}
    assert list(pool.to_take_out(world.state, world.charter, world.at)) == []
    other = world.state.get(Membership, "riders", 1)
    assert other is not None
    world.add(revoked(world, her.operate))
    assert world.members() == {0, 1, 2}, "what is left of the first time ends nothing of the second"
    world.add(revoked(world, other.operate), PoolStored("riders", "22", (1,)))
    assert world.members() == {0, 2} and not list(pool.to_take_out(world.state, world.charter, world.at))


def test_a_charter_that_ran_out_has_nobody() -> None:
    world = Riders(replace(DRAFT, until=parse("2027-01-01")), RIDERS[:2])
    world.go("2026-12-31")
    assert world.members() == {0, 1} and not list(pool.to_take_out(world.state, world.charter, world.at))
    world.go("2027-01-01")
    assert world.members() == world.used() == set()
    assert sorted(pool.to_take_out(world.state, world.charter, world.at)) == [0, 1], "and their rows are taken out"
    late = world.ask("cleo")
    assert isinstance(late, Refusal) and late.code == "pool.ended"
    world.add(PoolStored("riders", "22", (0, 1)))
    row = world.state.get(Pool, "riders")
    assert row is not None and (row.members, row.stored) == (0, "22")


def test_records_about_two_are_not_used_when_one_of_them_has_left() -> None:
    world = Riders()
    world.add(RecordsShared("riders", (0, 1), "told by both"))
    her = world.state.get(Membership, "riders", 1)
    assert her is not None
    world.add(revoked(world, her.use))
    assert world.used() == {2}


def test_who_is_in_is_not_who_consents() -> None:
    world = Riders()
    world.add(ConsentRefused("riders", "cleo", "AcademicResearch"))
    assert world.members() == {0, 1, 2} and world.used() == {0, 1}


# ---- joining


def test_only_her_own_cell_and_only_once() -> None:
    world = Riders(joined=("ana",))
    told = [world.ask("ben", name) for name in ("cell-cleo", "no-such-cell", "riders")]
    assert all(isinstance(one, Refusal) and one.code == "registry.unknown" for one in told)
    reasons = {one.reasons[0].replace(n, "X") for one, n in zip(told, ("cell-cleo", "no-such-cell", "riders"), strict=True)
               if isinstance(one, Refusal)}  # fmt: skip
    assert reasons == {"you have no cell `X`"}
    world.cell("ana", name="cell-two")
    again = world.ask("ana", "cell-two")
    assert isinstance(again, Refusal) and again.code == "registry.exists"
    stale = world.ask("ben", shown="5f" * 32)
    assert isinstance(stale, Refusal) and stale.code == "consent.notice"


MISFITS = {
    "no column": ((CITY,), (), "no column `earned`"),
    "another type": ((CITY, replace(EARNED, type="text", decimals=0, low=None, high=None)), (), "holds texts"),
    "finer than the charter": ((CITY, replace(EARNED, decimals=3)), (), "3 decimals"),
    "graded higher": ((CITY, replace(EARNED, grade=4)), (), "of grade 4 in your cell"),
    "never for that": ((CITY, EARNED), ("AcademicResearch",), "may never be used for AcademicResearch"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISFITS)
def test_a_cell_that_does_not_fit_is_told_why(case: str) -> None:
    columns, prohibited, why = MISFITS[case]
    world = Riders(joined=())
    world.cell("ana", *columns, name="cell-odd", prohibited=prohibited)
    found = world.ask("ana", "cell-odd")
    assert isinstance(found, Refusal) and found.code == "pool.fit"
    assert len(found.reasons) == 1 and why in found.reasons[0]


def test_a_cell_may_hold_more_in_another_order_and_coarser() -> None:
    world = Riders(joined=())
    earned = replace(EARNED, name="EARNED", type="integer", decimals=0, grade=1, low=None, high=None)
    world.cell("ana", Column("note", "text", "personal", 6), earned, CITY, name="cell-odd", prohibited=("Marketing",))
    joining = world.ask("ana", "cell-odd")
    assert isinstance(joining, Joining)
    assert [column.name for column in pool.brought(joining.pool, joining.cell)] == ["city", "EARNED"]
    limits = joining.limits()
    assert limits.columns == ("city", "EARNED") and limits.purposes == ("ResearchAndDevelopment",)
    assert not limits.may_grant, "the cooperative cannot pass the cell itself on"


# ---- the charter


BAD: dict[str, tuple[Draft, str]] = {
    "no purpose": (replace(DRAFT, card=replace(CARD, purposes=())), "no purpose"),
    "no words": (replace(DRAFT, text=" "), "in words"),
    "below nothing": (replace(DRAFT, price=Money(-1, "EUR")), "below 0"),
    "public": (replace(DRAFT, card=replace(CARD, columns=(OWNER, replace(CITY, data_class="public", grade=0)))), "class"),
    "made of others": (replace(DRAFT, card=replace(CARD, derived_from=("cell-ana",))), "other data"),
    "a period": (replace(DRAFT, card=replace(CARD, period_column="city")), "period_column"),
    "nothing about anybody": (replace(DRAFT, card=replace(CARD, person_column="")), "nothing about members"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_charter_must_say_what_it_is(case: str) -> None:
    draft, why = BAD[case]
    world = Riders(joined=())
    with pytest.raises(BadInput, match=why):
        charter.found(world.state, draft, "coop", "coop", world.at, "EUR")


@pytest.mark.parametrize(
    ("draft", "cooperative"),
    [(DRAFT, "lab"), (DRAFT, "nobody"), (replace(DRAFT, price=Money(300, "USD")), "coop"),
     (replace(DRAFT, until=parse("2026-01-01")), "coop")],
)  # fmt: skip
def test_a_charter_that_nobody_can_adopt(draft: Draft, cooperative: str) -> None:
    world = Riders(joined=())
    found = charter.found(world.state, draft, cooperative, "coop", world.at, "EUR")
    assert isinstance(found, Refusal) and found.code == "pool.charter"


def test_no_line_of_theirs_passes_for_one_of_the_nodes() -> None:
    forged = "A question about it costs 9.00 EUR at least."
    columns = (
        OWNER,
        replace(CITY, values=(f"north\n{forged}",), description=f"x\r\n{forged}", unit=f"y\u2028{forged}"),
    )
    card = replace(CARD, title=f"Riders\n{forged}", description=f"weeks\x0b{forged}", columns=columns)
    shown = charter.words(replace(DRAFT, card=card, text=f"first\n{forged}\x85{forged}\rlast"), f"Coop\n{forged}")
    assert forged not in shown.splitlines()
    assert charter.words(DRAFT, "Riders").splitlines()[-2:] == ["> We answer", "> what riding pays."]


def test_everything_that_a_charter_rules_changes_its_digest() -> None:
    others = [
        replace(DRAFT, price=Money(301, "EUR")), replace(DRAFT, until=parse("2030-01-01")), replace(DRAFT, text="x"),
        *(replace(DRAFT, card=replace(CARD, **change)) for change in (  # type: ignore[arg-type]
            {"asset": "others"}, {"purposes": ("Purpose",)}, {"prohibited": ()}, {"rows_per_person": 5},
            {"once_per": ("city",)}, {"columns": (OWNER, CITY)}, {"columns": (OWNER, CITY, replace(EARNED, high=9))},
            {"columns": (OWNER, CITY, replace(EARNED, grade=4))}, {"columns": (OWNER, replace(CITY, values=()), EARNED)},
        )),
    ]  # fmt: skip
    digests = {charter.digest(charter.words(draft, "Riders")) for draft in (DRAFT, *others)}
    digests.add(charter.digest(charter.words(DRAFT, "Others")))
    assert len(digests) == len(others) + 2


# ---- what the charter holds others to


def offer(world: Riders, price: int, basis: str = "Consent") -> OfferPublished | Refusal:
    terms = Terms("aggregates", ("AcademicResearch",), price, "EUR", 1, basis)
    return contract.publish(world.state, "offer", "riders", "coop", terms, parse("2027-01-01"), True, world.at, "EUR")


def test_no_offer_below_the_least_price_nor_on_another_basis() -> None:
    world = Riders()
    for found in (offer(world, 299), offer(world, 300, "LegitimateInterest")):
        assert isinstance(found, Refusal) and found.code == "contract.terms"
    made = offer(world, 300)
    assert isinstance(made, OfferPublished)
    world.add(made)
    for cheap in (Schedule(prices=(Price(400), Price(299, above=10))), Schedule(prices=(Price(0),), fee=Fee(1000))):
        found = clauses.schedule(world.state, "offer", "coop", cheap)
        assert isinstance(found, Refusal) and found.code == "contract.terms"
    assert not isinstance(clauses.schedule(world.state, "offer", "coop", Schedule(prices=(Price(300),))), Refusal)
    assert not isinstance(clauses.schedule(world.state, "offer", "coop", Schedule(fee=Fee(1))), Refusal)


def test_very_many_members_count_for_more_than_their_columns() -> None:
    """As data about so many do that lie in one table."""
    world = Riders()
    table = in_force(world.at)
    before = standing.standing(world.state, world.pool, world.at)
    row = world.state.get(Pool, "riders")
    assert row is not None
    world.state.put(replace(row, persons=table.volume_persons))
    after = standing.standing(world.state, world.pool, world.at)
    assert max(c.grade for c in after.columns) > max(c.grade for c in before.columns)


def test_how_many_is_told_in_steps() -> None:
    assert [pool.told(count, 5) for count in (0, 4, 5, 9, 10)] == [
        "fewer than 5 members", "fewer than 5 members", "at least 5 members", "at least 5 members", "at least 10 members",
    ]  # fmt: skip


def test_the_state_is_the_same_folded_again() -> None:
    world, again = Riders(), World()
    her = world.state.get(Membership, "riders", 0)
    assert her is not None
    world.add(revoked(world, her.use, "ana"), PoolStored("riders", "33", (0,)))
    for entry in world.entries:
        again.at = entry.at
        again.add(entry.fact)
    kinds: tuple[type[Row], ...] = (Pool, pool.PoolChunk, Membership, Charter, Right)
    for kind in kinds:
        assert list(again.state.list(kind)) == list(world.state.list(kind))
