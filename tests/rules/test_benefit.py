"""Who is paid what is due to a person, as her right to benefit changes hands."""

from __future__ import annotations

from worlds import World, pay

from usufruct.core.base.instants import in_months
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry import benefit, conveyance
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.rights import Limits
from usufruct.core.registry.state import Person


def drawn(world: World, person: str) -> str:
    fact = benefit.draw(world.state, f"right-{len(world.entries)}", "pay", person, world.at)
    assert isinstance(fact, RightGranted)
    world.add(fact)
    return fact.id


def payees(world: World) -> dict[str, str]:
    return benefit.payees(world.state, "pay", len(world.entries), world.at)


def anna_and_bo(world: World) -> tuple[str, str]:
    anna, bo = (person.party for person in list(world.state.list(Person, asset="pay"))[:2])
    return anna, bo


def test_what_was_drawn_changes_nothing_until_it_changes_hands() -> None:
    world = pay(World())
    anna, bo = anna_and_bo(world)
    right = drawn(world, anna)
    assert payees(world) == {}
    before = len(world.entries)
    world.add(conveyance.transfer(world.state, "new", right, anna, bo, keeps=False, at=world.at))
    assert payees(world) == {anna: bo}
    world.add(conveyance.transfer(world.state, "newer", "new", bo, "institute", keeps=True, at=world.at))
    assert payees(world) == {anna: "institute"}
    assert benefit.payees(world.state, "pay", before - 1, world.at) == {}, "what was paid before is as it was"
    assert benefit.payees(world.state, "pay", before, world.at) == {anna: bo}


def test_while_it_is_pledged_the_pledgee_is_paid_and_then_she_is_again() -> None:
    world = pay(World())
    anna, bo = anna_and_bo(world)
    right = drawn(world, anna)
    limits = Limits(until=in_months(world.at, 3))
    world.add(conveyance.pledge(world.state, "lent", right, anna, bo, "pilot", limits, exclusive=True, at=world.at))
    assert payees(world) == {anna: bo}
    world.at = in_months(world.at, 4)
    assert payees(world) == {}


def test_what_the_pledgee_gives_back_is_hers_again() -> None:
    world = pay(World())
    anna, bo = anna_and_bo(world)
    right = drawn(world, anna)
    limits = Limits(until=in_months(world.at, 3))
    world.add(conveyance.pledge(world.state, "lent", right, anna, bo, "pilot", limits, exclusive=False, at=world.at))
    world.add(conveyance.release(world.state, "lent", bo, world.at))
    assert payees(world) == {}


def test_only_whom_an_asset_is_about_draws_and_only_once() -> None:
    world = pay(World())
    anna, bo = anna_and_bo(world)
    right = drawn(world, anna)
    for person, asset, code in (
        (anna, "pay", "registry.exists"),
        ("institute", "pay", "registry.unknown"),
        (bo, "x", "registry.unknown"),
    ):
        refusal = benefit.draw(world.state, "again", asset, person, world.at)
        assert isinstance(refusal, Refusal) and refusal.code == code and refusal.remedy
    stolen = conveyance.transfer(world.state, "new", right, bo, bo, keeps=False, at=world.at)
    assert isinstance(stolen, Refusal), "only who has it gives it away"
