"""Chains of rights: what may be granted, and when a chain is good."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tables import cases, parts
from worlds import START, World, pay, right

from usufruct.core.base import instants
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.rights import RIGHTS, Limits, chain, grant, held, until_in_words
from usufruct.core.registry.state import Right

GRANTS = """
first                                        | then grants                     | on         | answer
---------------------------------------------+---------------------------------+------------+----------------------------
# the publisher may pass on the use, and nothing else
                                             | coop use institute              | 2026-03-01 | until 9999-12-31
                                             | coop use institute 2027-01-01   | 2026-03-01 | until 2027-01-01
                                             | coop hold institute             | 2026-03-01 | not held with the power
                                             | coop operate institute          | 2026-03-01 | not held with the power
                                             | coop benefit institute          | 2026-03-01 | not held with the power
                                             | source benefit institute        | 2026-03-01 | not held with the power
                                             | source use institute            | 2026-03-01 | not held with the power
                                             | institute use insurer           | 2026-03-01 | not held with the power
                                             | nobody use insurer              | 2026-03-01 | not held with the power
# only who was given the power to pass it on may do so
coop use institute                           | institute use insurer           | 2026-03-01 | not held with the power
coop use institute +                         | institute use insurer           | 2026-03-01 | until 9999-12-31
# and for no longer than one has it
coop use institute + 2027-01-01              | institute use insurer           | 2026-03-01 | until 2027-01-01
coop use institute + 2027-01-01              | institute use insurer 2026-06-01 | 2026-03-01 | until 2026-06-01
coop use institute + 2027-01-01              | institute use insurer 2027-01-02 | 2026-03-01 | itself holds it only until
coop use institute + 2027-01-01              | institute use insurer           | 2026-12-31 | until 2027-01-01
coop use institute + 2027-01-01              | institute use insurer           | 2027-01-01 | not held with the power
# for fewer purposes and columns, and passed on fewer times
                                             | coop use institute for=AcademicResearch        | 2026-03-01 | for AcademicResearch
coop use institute + for=ResearchAndDevelopment | institute use insurer for=AcademicResearch | 2026-03-01 | for AcademicResearch
coop use institute + for=AcademicResearch    | institute use insurer           | 2026-03-01 | for AcademicResearch
coop use institute + for=AcademicResearch | institute use insurer for=Marketing | 2026-03-01 | only for AcademicResearch
coop use institute + for=AcademicResearch | institute use insurer for=ResearchAndDevelopment | 2026-03-01 | itself holds it only for
                                             | coop use institute of=PAY,hours | 2026-03-01 | of pay,hours
coop use institute + of=pay,hours            | institute use insurer           | 2026-03-01 | of pay,hours
coop use institute + of=pay,hours            | institute use insurer of=hours  | 2026-03-01 | of hours
coop use institute + of=pay,hours            | institute use insurer of=pay,tax | 2026-03-01 | holds it for no column tax
                                             | coop use institute of=wage      | 2026-03-01 | holds it for no column wage
                                             | coop use institute + times=2    | 2026-03-01 | 2 times
                                             | coop use institute + times=0    | 2026-03-01 | pass it on again at most 32 times more
coop use institute + times=2                 | institute use insurer +         | 2026-03-01 | 1 times
coop use institute + times=2                 | institute use insurer + times=2 | 2026-03-01 | pass it on again at most 1 times more
coop use institute + times=2; institute use insurer + | insurer use clinic + | 2026-03-01 | pass it on again at most 0 times more
coop use institute + times=2; institute use insurer + | insurer use clinic   | 2026-03-01 | until 9999-12-31
# of two rights the one that goes farthest, or else the one that does
coop use institute + for=Marketing; coop use institute + of=pay | institute use lab for=Marketing of=pay | 2026-03-01 | of pay
coop use institute + for=Marketing; coop use institute + of=pay 2026-09-01 | institute use lab of=tax | 2026-03-01 | of tax
# a right that has ended already is none
                                             | coop use institute 2026-02-01   | 2026-03-01 | would have ended already
                                             | coop use institute 2026-03-01   | 2026-03-01 | would have ended already
# of two rights the one that may be passed on, then the one that lasts longest
coop use institute; coop use institute + 2027-01-01 | institute use insurer    | 2026-03-01 | until 2027-01-01
coop use institute + 2026-06-01; coop use institute + 2027-01-01 | institute use insurer | 2026-03-01 | until 2027-01-01
# round in a circle one gains nothing
coop use institute + 2027-01-01; institute use coop + | coop use insurer       | 2026-03-01 | until 9999-12-31
coop use institute + 2027-01-01; institute use insurer +; insurer use institute + | institute use lab | 2026-03-01 | until 2027-01
"""


def granted(world: World, words: str) -> RightGranted | Refusal:
    """Carries out `who right to-whom [+] [times=n] [for=purpose,…] [of=column,…] [until]`."""
    grantor, what, grantee, *rest = words.split()
    said = dict(word.split("=") for word in rest if "=" in word)
    days = [word for word in rest if word[0].isdigit()]
    limits = Limits(
        instants.parse(days[0]) if days else None, "+" in rest, int(said["times"]) if "times" in said else None,
        tuple(said["for"].split(",")) if "for" in said else (), tuple(said["of"].split(",")) if "of" in said else (),
    )  # fmt: skip
    name = f"right-{len(world.entries)}"
    return grant(world.state, name, grantor, grantee, "pay", what, world.at, limits)


@cases(GRANTS)
def test_grants(row: dict[str, str]) -> None:
    world = pay(World())
    for words in parts(row["first"]):
        fact = granted(world, words)
        assert isinstance(fact, RightGranted)
        world.add(fact)
    world.go(row["on"])
    answer = granted(world, row["then grants"])
    assert row["answer"].replace("not held", "does not hold it") in told(answer)
    if isinstance(answer, RightGranted):
        world.add(answer)
        found = world.state.get(Right, answer.id)
        assert found is not None
        assert chain(world.state, found, world.at) is not None, "what was granted is good"


def told(answer: RightGranted | Refusal) -> str:
    """How far a right was granted, or why it was not."""
    if isinstance(answer, Refusal):
        assert answer.code == "rights.not-held" and answer.remedy
        return answer.reasons[0]
    columns, purposes = ",".join(answer.columns), ",".join(answer.purposes)
    return f"until {answer.until}, for {purposes}, of {columns}, {answer.further} times"


CHAINS = """
# each link: its name, grantor > grantee, what it rests on, whether it may be passed on (+), until
links                                                | asked | on         | good
-----------------------------------------------------+-------+------------+------
a source>coop - +                                    | a     | 2026-03-01 | a
a source>coop - +; b coop>insurer a                  | b     | 2026-03-01 | b, a
a source>coop - +; b coop>insurer a +; c insurer>clinic b | c | 2026-03-01 | c, b, a
# a link ends, or the one below it
a source>coop - + 2026-06-01                         | a     | 2026-05-31 | a
a source>coop - + 2026-06-01                         | a     | 2026-06-01 | no
a source>coop - + 2026-06-01; b coop>insurer a + 2026-06-01 | b | 2026-06-01 | no
# a chain that begins with somebody else than the source
a clinic>coop - +                                    | a     | 2026-03-01 | no
# a link that lasts longer than what it rests on
a source>coop - + 2026-06-01; b coop>insurer a       | b     | 2026-03-01 | no
# a link that rests on what may not be passed on
a source>coop -; b coop>insurer a                    | b     | 2026-03-01 | no
# a link granted by somebody else than whose right it rests on
a source>coop - +; b clinic>insurer a                | b     | 2026-03-01 | no
# a link that is not there
b coop>insurer a                                     | b     | 2026-03-01 | no
# round in a circle
a coop>coop a +                                      | a     | 2026-03-01 | no
a insurer>coop b +; b coop>insurer a +               | b     | 2026-03-01 | no
"""


@cases(CHAINS)
def test_chains(row: dict[str, str]) -> None:
    world = pay(World())
    for link in parts(row["links"]):
        name, who, rests_on, *rest = link.split()
        grantor, grantee = who.split(">")
        until = rest[-1] if rest and rest[-1] != "+" else ""
        world.add(right(name, grantor, grantee, None if rests_on == "-" else rests_on, "+" in rest, until))
    world.go(row["on"])
    asked = world.state.get(Right, row["asked"])
    assert asked is not None
    found = chain(world.state, asked, world.at)
    assert ("no" if found is None else ", ".join(link.id for link in found)) == row["good"]


TIMES = """
below | link | may grant | good
------+------+-----------+-----
      |      | yes       | yes
      | 5    | yes       | yes
2     | 1    | yes       | yes
2     |      | no        | yes
1     |      | no        | yes
2     | 2    | yes       | no
2     |      | yes       | no
1     | 1    | yes       | no
0     |      | no        | no
0     | 0    | yes       | no
"""


@cases(TIMES)
def test_a_right_is_passed_on_no_oftener_than_it_may_be(row: dict[str, str]) -> None:
    world, (below, link) = pay(World()), (int(row[name]) if row[name] else None for name in ("below", "link"))
    world.add(
        replace(right("a", "source", "coop", None), further=below),
        replace(right("b", "coop", "insurer", "a", row["may grant"] == "yes"), further=link),
    )
    found = world.state.get(Right, "b")
    assert found is not None and (chain(world.state, found, world.at) is not None) == (row["good"] == "yes")


def test_a_right_does_not_rest_on_another_right_or_asset() -> None:
    world = pay(World())
    world.add(right("hold", "source", "coop", None, kind="hold"), right("use", "source", "coop", None))
    world.add(right("a", "coop", "insurer", "hold"), right("b", "coop", "insurer", "use"))
    world.add(RightGranted("c", "other", "use", "coop", "insurer", True, END_OF_TIME, "use"))
    good = {name: chain(world.state, link, world.at) for name in "abc" if (link := world.state.get(Right, name))}
    assert (good["a"], good["c"]) == (None, None)
    assert good["b"] is not None


def test_a_chain_has_at_most_32_links_and_no_grant_makes_a_longer_one() -> None:
    world = pay(World())
    world.add(right("root", "source", "p1", None))
    lengths = []
    for number in range(1, 40):
        answer = granted(world, f"p{number} use p{number + 1} +")
        if isinstance(answer, Refusal):
            assert "32 grants away from the source" in answer.reasons[0]
            break
        world.add(answer)
        link = world.state.get(Right, answer.id)
        assert link is not None
        found = chain(world.state, link, world.at)
        assert found is not None
        lengths.append(len(found))
    assert lengths == list(range(2, 33))


def test_a_longer_chain_is_good_for_nothing() -> None:
    world = pay(World())
    world.add(
        right("p0", "source", "p0", None), *(right(f"p{n}", f"p{n - 1}", f"p{n}", f"p{n - 1}") for n in range(1, 40))
    )
    rights = [world.state.get(Right, f"p{number}") for number in range(40)]
    assert [chain(world.state, one, world.at) is not None for one in rights if one] == [True] * 32 + [False] * 8


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.booleans(), st.integers(1, 9)), max_size=12)
)
def test_no_grant_gives_more_than_the_grantor_has(tries: list[tuple[str, str, bool, int]]) -> None:
    """Whatever is tried, circles too: nobody's right lasts longer than the longest link from the source."""
    world = pay(World())
    world.add(right("r", "source", "a", None, until="2026-06-01"))
    for grantor, grantee, may_grant, month in tries:
        until = instants.parse(f"2026-0{month}-15")
        own = held(world.state, grantor, "pay", "use", START)
        answer = grant(
            world.state, f"r{len(world.entries)}", grantor, grantee, "pay", "use", START, Limits(until, may_grant)
        )
        if isinstance(answer, RightGranted):
            assert own is not None and own.may_grant and answer.until <= own.until
            world.add(answer)
    for party in "abcd":
        best = held(world.state, party, "pay", "use", START)
        assert best is None or best.until <= instants.parse("2026-06-01")
        assert held(world.state, party, "pay", "use", instants.parse("2026-06-01")) is None
        assert all(held(world.state, party, "pay", other, START) is None for other in RIGHTS if other != "use")


def test_the_power_to_pass_it_on_is_given_only_in_so_many_words() -> None:
    world = pay(World())
    answer = grant(world.state, "r", "coop", "institute", "pay", "use", START)
    assert isinstance(answer, RightGranted) and not answer.may_grant


def test_the_end_of_a_right_in_words() -> None:
    assert until_in_words(END_OF_TIME) == "for ever"
    assert until_in_words(instants.parse("2027-01-01")) == "until 2027-01-01"
