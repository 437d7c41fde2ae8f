"""Rights that change hands: transferred, lent, given back, revoked; who may do it, and what it ends."""

from __future__ import annotations

import pytest
from tables import cases, parts
from worlds import World, pay

from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.conveyance import TRANSFERS_LIMIT, pledge, release, revoke, transfer
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.registry.rights import Limits, beyond, chain, explain, grant, held
from usufruct.core.registry.state import Right
from usufruct.core.registry.title import has_place, title

LATER = instants.parse("2026-09-01")

STORIES = """
# `use` is the publisher's right; each step names the new right that it makes, if it makes one, before a colon
what happens                                                           | good after it         | answer to the last
-----------------------------------------------------------------------+-----------------------+-------------------
a: coop grants use institute +                                         | use a                 |
a: coop grants use institute +; b: institute grants use clinic         | use a b               |
# who gave a right takes it back, or the source does; all that rests on it ends
a: coop grants use institute +; b: institute grants use clinic; coop revokes a      | use    |
a: coop grants use institute +; b: institute grants use clinic; source revokes a    | use    |
a: coop grants use institute +; b: institute grants use clinic; source revokes b    | use a  |
a: coop grants use institute +; b: institute grants use clinic; institute revokes b | use a  |
a: coop grants use institute +; source revokes use                     |                       |
# nobody else can, and nothing twice
a: coop grants use institute +; b: institute grants use clinic; coop revokes b      | use a b | no right `b` in force that is yours
a: coop grants use institute +; clinic revokes a                       | use a                 | no right `a` in force that is yours
a: coop grants use institute +; institute revokes a                    | use a                 | no right `a` in force that is yours
a: coop grants use institute +; coop revokes a; coop revokes a         | use                   | no right `a` in force that is yours
coop revokes z                                                         | use                   | no right `z` in force that is yours
coop revokes use                                                       | use                   | no right `use` in force that is yours
# the holder gives it back, and what rests on it ends
a: coop grants use institute +; b: institute grants use clinic; institute releases a | use   |
a: coop grants use institute +; clinic releases a                      | use a                 | no right `a` in force that is yours
coop releases use                                                      |                       |
# given up wholly to another: what rests on it stays, or ends
a: coop grants use institute +; b: institute grants use clinic; institute keeps-with a insurer | use a b |
a: coop grants use institute +; b: institute grants use clinic; c: institute ends-with a insurer | use c |
a: coop grants use institute +; institute keeps-with a insurer; b: institute grants use clinic | use a | not hold it with the power
a: coop grants use institute +; institute keeps-with a insurer; b: insurer grants use clinic   | use a b |
a: coop grants use institute +; c: institute ends-with a insurer; b: insurer grants use clinic | use b c |
# who has it now takes back what was granted before, and who had it does not
a: coop grants use institute +; b: institute grants use clinic; institute keeps-with a insurer; insurer revokes b | use a |
a: coop grants use institute +; b: institute grants use clinic; institute keeps-with a insurer; institute revokes b | use a b | yours to do
# whoever gave it can still take it back
a: coop grants use institute +; b: institute grants use clinic; institute keeps-with a insurer; coop revokes a | use |
a: coop grants use institute +; c: institute ends-with a insurer; coop revokes c | use   |
# only with the power to pass it on, by who has it, and to somebody else
a: coop grants use institute; institute keeps-with a insurer           | use a                 | with the power to pass it on
a: coop grants use institute +; clinic keeps-with a insurer            | use a                 | no right `a` in force that is yours
a: coop grants use institute +; institute keeps-with a institute       | use a                 | has it already
a: coop grants use institute +; coop revokes a; institute keeps-with a insurer | use           | no right `a` in force that is yours
a: coop grants use institute +; b: institute grants use clinic +; coop revokes a; clinic keeps-with b insurer | use | `a` was revoked
# lent, together with others or to nobody else meanwhile
a: coop lends use clinic                                               | use a                 |
a: coop lends use clinic alone                                         | a                     |
a: coop lends use clinic alone; b: coop grants use insurer             | a                     | not hold it with the power
a: coop lends use clinic alone; b: coop lends use insurer              | a                     | lent to the pilot `nights`
a: coop lends use clinic; b: coop lends use insurer                    | use a b               |
a: coop lends use clinic; b: coop grants use insurer                   | use a b               |
a: coop grants use institute; b: coop lends use clinic alone           | use a                 | others have what it would take from them: `a`
a: coop grants use institute; coop revokes a; b: coop lends use clinic alone | b               |
a: institute lends use clinic                                          | use                   | no right `use` in force that is yours
# it comes back by release, and is not taken back before; but the source is not bound by it
a: coop lends use clinic alone; clinic releases a                      | use                   |
a: coop lends use clinic alone; coop revokes a                         | a                     | is lent to the pilot `nights` until 2026-09-01
a: coop lends use clinic; coop revokes a                               | use a                 | is lent to the pilot `nights`
a: coop lends use clinic alone; coop releases use                      | a                     | is lent to the pilot `nights`
a: coop lends use clinic; c: coop ends-with use insurer                | use a                 | is lent to the pilot `nights`
a: coop lends use clinic; coop keeps-with use insurer                  | use a                 |
a: coop lends use clinic; coop keeps-with use insurer; insurer revokes a | use a               | is lent to the pilot `nights`
a: coop lends use clinic alone; coop keeps-with use insurer            | a                     | is lent to the pilot `nights`
a: coop lends use clinic alone; source revokes a                       | use                   |
a: coop lends use clinic alone; source revokes use                     |                       |
a: coop grants use institute +; b: institute lends a clinic alone; coop revokes a | use        |
"""  # noqa: E501


def happens(world: World, words: str) -> Fact | Refusal:
    """Carries out one step."""
    new, _, rest = words.rpartition(": ")
    by, what, *args = rest.split()
    read, at, more = world.state, world.at, "+" in args
    match what:
        case "grants":
            return grant(read, new, by, args[1], "pay", args[0], at, Limits(may_grant=more))
        case "lends":
            return pledge(read, new, args[0], by, args[1], "nights", Limits(LATER), "alone" in args, at)
        case "revokes":
            return revoke(read, args[0], by, at)
        case "releases":
            return release(read, args[0], by, at)
    return transfer(read, new, args[0], by, args[1], what == "keeps-with", at)


def good(world: World) -> str:
    """The rights to use whose chain is whole."""
    rights = (right for right in world.state.list(Right) if right.right == "use")
    return " ".join(sorted(r.id for r in rights if chain(world.state, r, world.at) is not None))


@cases(STORIES)
def test_stories(row: dict[str, str]) -> None:
    world = pay(World())
    answer: Fact | Refusal | None = None
    for words in parts(row["what happens"]):
        assert not isinstance(answer, Refusal), answer
        answer = happens(world, words)
        if isinstance(answer, Fact):
            world.add(answer)
            assert len(answer.about()) == 2
    if row["answer to the last"]:
        assert isinstance(answer, Refusal) and row["answer to the last"] in answer.reasons[0] and answer.remedy
    else:
        assert isinstance(answer, Fact)
    assert good(world) == " ".join(sorted(row["good after it"].split()))


def told(*steps: str) -> World:
    world = pay(World())
    for words in steps:
        fact = happens(world, words)
        assert isinstance(fact, Fact), fact
        world.add(fact)
    return world


def test_a_pledge_comes_back_by_itself() -> None:
    world = told("a: coop lends use clinic alone")
    assert held(world.state, "coop", "pay", "use", world.at) is None
    world.at = LATER
    assert good(world) == "use"
    assert held(world.state, "coop", "pay", "use", world.at) is not None
    world.add(happens(world, "b: coop grants use institute"))  # type: ignore[arg-type]
    assert good(world) == "b use"


def test_a_pledge_has_an_end_and_goes_no_farther_than_the_right() -> None:
    world = told("a: coop grants use institute +")
    with pytest.raises(BadInput, match="needs an end"):
        pledge(world.state, "b", "a", "institute", "clinic", "nights", Limits(), False, world.at)
    with pytest.raises(BadInput, match="cannot be the id of a pilot"):
        pledge(world.state, "b", "a", "institute", "clinic", "Quiet nights", Limits(LATER), False, world.at)
    lent = pledge(
        world.state, "b", "a", "institute", "clinic", "nights", Limits(LATER, True, 2, ("Marketing",), ("PAY",)), False,
        world.at,
    )  # fmt: skip
    assert not isinstance(lent, Refusal)
    assert (lent.purposes, lent.columns, lent.further, lent.may_grant) == (("Marketing",), ("pay",), 2, True)
    gone = pledge(world.state, "b", "a", "institute", "clinic", "nights", Limits(world.at), False, world.at)
    assert isinstance(gone, Refusal) and "would have ended already" in gone.reasons[0]


def test_agreements_are_not_taken_from_those_who_have_them() -> None:
    world = pay(World())
    limits = Limits(LATER)
    refusal = pledge(world.state, "a", "use", "coop", "clinic", "nights", limits, True, world.at, ["agreement-9"])
    assert isinstance(refusal, Refusal) and "`agreement-9`" in refusal.reasons[0] and refusal.code == "rights.pledged"
    assert not isinstance(
        pledge(world.state, "a", "use", "coop", "clinic", "nights", limits, False, world.at, ["agreement-9"]), Refusal
    )


def test_a_right_is_transferred_so_often_and_no_oftener() -> None:
    world = told("a: coop grants use clinic +")
    hands = ("clinic", "insurer")
    for turn in range(TRANSFERS_LIMIT):
        fact = transfer(world.state, "", "a", hands[turn % 2], hands[1 - turn % 2], True, world.at)
        assert not isinstance(fact, Refusal)
        world.add(fact)
    refusal = transfer(world.state, "", "a", hands[0], hands[1], True, world.at)
    assert isinstance(refusal, Refusal) and "as often as a right can be" in refusal.reasons[0]
    assert good(world) == "a use"


def test_each_link_is_told_with_its_fact_or_where_it_breaks_and_who_could_mend_it() -> None:
    world = told("a: coop grants use institute +", "b: institute grants use clinic +", "c: clinic grants use insurer")
    right = world.state.get(Right, "c")
    assert right is not None
    whole = explain(world.state, right, world.at)
    assert [link.id for link in whole.links] == ["c", "b", "a", "use"] and whole.broken is None
    assert all(world.entries[link.seq].fact.id == link.id for link in whole.links)  # type: ignore[attr-defined]
    world.go("2026-05-01")
    world.add(happens(world, "coop revokes a"))  # type: ignore[arg-type]
    broken = explain(world.state, right, world.at).broken
    assert broken is not None and broken.mended is not None
    assert (broken.link.id, broken.how, broken.mender) == ("a", "ended", "coop")
    assert broken.why == "`a` was revoked on 2026-05-01"
    world.state.put(broken.mended)
    assert explain(world.state, right, world.at).broken is None, "the link as it would be mends the chain"


def test_a_lent_right_is_mended_by_whoever_has_it() -> None:
    world = told("a: coop lends use clinic alone")
    use = world.state.get(Right, "use")
    assert use is not None
    broken = explain(world.state, use, world.at).broken
    assert broken is not None and (broken.how, broken.mender) == ("lent", "clinic")
    assert broken.why == "`use` is lent to the pilot `nights` until 2026-09-01"


BEYOND = """
purposes         | columns   | purpose          | reads    | answer
-----------------+-----------+------------------+----------+-------
Purpose          |           | Marketing        | pay tax  |
AcademicResearch |           | AcademicResearch | pay      |
AcademicResearch |           | Marketing        |          | for AcademicResearch only, not for Marketing
AcademicResearch |           | ResearchAndDevelopment |    | for AcademicResearch only
Purpose          | pay hours | Marketing        | PAY      |
Purpose          | pay hours | Marketing        | pay tax  | for the columns pay, hours only, not for tax
Purpose          | pay hours | Marketing        |          |
"""


@cases(BEYOND)
def test_what_a_right_does_not_reach(row: dict[str, str]) -> None:
    world = pay(World())
    limits = Limits(purposes=tuple(row["purposes"].split()), columns=tuple(row["columns"].split()))
    fact = grant(world.state, "a", "coop", "institute", "pay", "use", world.at, limits)
    assert not isinstance(fact, Refusal)
    world.add(fact)
    right = world.state.get(Right, "a")
    assert right is not None
    answer = beyond(right, row["purpose"], row["reads"].split())
    assert (answer is None) if not row["answer"] else (answer is not None and row["answer"] in answer)


def test_the_title_shows_every_right_and_names_no_person() -> None:
    world = told("a: coop grants use institute +", "b: institute grants use clinic +", "c: clinic lends b insurer alone",
                 "d: coop grants use clinic", "coop revokes d")  # fmt: skip
    world.add(PartyRegistered("p-1", "person", "Ada", known_as="member-1", key=1))
    fact = grant(world.state, "e", "coop", "p-1", "pay", "use", world.at)
    assert not isinstance(fact, Refusal)
    world.add(fact)

    def seen(viewer: str | None) -> dict[str, tuple[str, str, str, bool]]:
        lines = title(world.state, world.asset, world.at, viewer)
        return {one.right.id: (one.holder, one.giver, one.state, one.mine) for one in lines}

    stranger, steward, ada = seen(""), seen(None), seen("p-1")
    assert list(stranger) == ["hold", "use", "a", "b", "c", "d", "e", "operate", "benefit"]
    assert stranger["e"] == ("a person", "Coop", "good", False)
    assert steward["e"] == ("member-1", "Coop", "good", False)
    assert ada["e"] == ("you", "Coop", "good", True)
    assert {name: state for name, (_, _, state, _) in stranger.items() if state != "good"} == {
        "b": "lent",
        "d": "ended",
    }
    assert seen("member-3")["benefit"][0] == "Source, you among them"
    lines = {one.right.id: one for one in title(world.state, world.asset, world.at, "")}
    assert lines["c"].terms() == ("until 2026-09-01", "lent to the pilot nights")
    assert lines["c"].depth == 3 and lines["a"].terms() == ("for ever", "may pass it on")
    for party, there in (("p-1", True), ("member-3", True), ("coop", True), ("source", True), ("p-2", False)):
        assert has_place(world.state, world.asset, party) is there
