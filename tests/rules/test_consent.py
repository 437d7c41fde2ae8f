"""Consent and refusal: what a person's words, one after another, come to for each purpose."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases, parts
from worlds import World, pay

from usufruct.core.access import consent
from usufruct.core.access.consent import ConsentChunk
from usufruct.core.access.consent_rules import Speaker, say
from usufruct.core.access.facts import ConsentGiven, ConsentRefused, ConsentsRecorded
from usufruct.core.base.bitmaps import CHUNK
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.state import Person
from usufruct.core.rulebook import purposes

PURPOSES = {
    "everything": "Purpose",
    "research": "ResearchAndDevelopment",
    "academic": "AcademicResearch",
    "commercial": "CommercialResearch",
    "marketing": "Marketing",
}

WORDS = """
# what she said, in this order                | everything | research | academic | commercial | marketing
----------------------------------------------+------------+----------+----------+------------+----------
what was said                                 | everything | research | academic | commercial | marketing
                                              | -          | -        | -        | -          | -
# consent covers what is narrower, and nothing broader or beside
yes academic                                  | -          | -        | yes      | -          | -
yes research                                  | -          | yes      | yes      | yes        | -
yes everything                                | yes        | yes      | yes      | yes        | yes
yes academic; yes commercial                  | -          | -        | yes      | yes        | -
# a refusal counts for what is narrower, and for what is broader and would include it
no academic                                   | no         | no       | no       | -          | -
no commercial                                 | no         | no       | -        | no         | -
no research                                   | no         | no       | no       | no         | -
no everything                                 | no         | no       | no       | no         | no
# a refusal beats every consent, before or after
yes everything; no academic                   | no         | no       | no       | yes        | yes
no academic; yes everything                   | no         | no       | no       | yes        | yes
no academic; yes research                     | no         | no       | no       | yes        | -
yes academic; no research                     | no         | no       | no       | no         | -
yes everything; no everything                 | no         | no       | no       | no         | no
# her own yes for the very same purpose lifts it, and brings no earlier consent back in silence
no academic; yes academic                     | -          | -        | yes      | -          | -
no everything; yes everything                 | yes        | yes      | yes      | yes        | yes
no academic; no marketing; yes academic       | no         | -        | yes      | -          | no
yes commercial; no research; yes research     | -          | yes      | yes      | yes        | -
yes everything; no everything; yes research   | no         | yes      | yes      | yes        | no
# her later yes for something narrower is an exception, and opens nothing else
no research; yes academic                     | no         | no       | yes      | no         | -
yes everything; no research; yes academic     | no         | no       | yes      | no         | yes
yes commercial; no research; yes academic     | no         | no       | yes      | no         | -
yes everything; no everything; yes academic   | no         | no       | yes      | no         | no
no everything; yes research; no academic      | no         | no       | no       | yes        | no
no everything; yes academic; no everything    | no         | no       | no       | no         | no
no research; yes academic; yes everything     | no         | no       | yes      | no         | yes
# what the holder collected before lifts no refusal
forms everything                              | yes        | yes      | yes      | yes        | yes
forms everything; no marketing                | no         | yes      | yes      | yes        | no
no marketing; forms everything                | no         | yes      | yes      | yes        | no
no everything; forms academic                 | no         | no       | no       | no         | no
forms academic; no everything; forms academic | no         | no       | no       | no         | no
no everything; yes academic; forms marketing  | no         | no       | yes      | no         | no
no research; forms academic; yes research     | -          | yes      | yes      | yes        | -
no research; forms academic; yes commercial   | no         | no       | no       | yes        | -
# saying it twice is saying it once
yes academic; yes academic                    | -          | -        | yes      | -          | -
no academic; no academic; yes academic        | -          | -        | yes      | -          | -
"""


def spoken(words: str, number: int = 3) -> Fact:
    answer, name = words.split()
    if answer == "forms":
        return ConsentsRecorded("pay", PURPOSES[name], (number,), "forms")
    kind = ConsentGiven if answer == "yes" else ConsentRefused
    return kind("pay", f"member-{number}", PURPOSES[name])


@cases(WORDS.replace("# what she said, in this order ", "# "))
def test_words(row: dict[str, str]) -> None:
    world = pay(World())
    for words in parts(row["what was said"]):
        world.add(spoken(words))
    for name, purpose in PURPOSES.items():
        expected = {"yes": "given", "no": "refused", "-": "not given"}[row[name]]
        assert consent.standing(world.state, "pay", 3, purpose) == expected, name
        bits = consent.population(world.state, "pay", purpose, 10)
        assert bits == (bytes([8, 0]) if row[name] == "yes" else bytes(2)), name
        assert consent.standing(world.state, "pay", 4, purpose) == "not given"


def test_what_she_said_herself_is_shown_as_she_said_it() -> None:
    world = pay(World())
    for words in ("yes research", "no academic", "forms marketing", "no marketing"):
        world.add(spoken(words))
    world.add(spoken("yes academic", number=4))
    assert consent.said(world.state, "pay", 3) == {
        "ResearchAndDevelopment": "given", "AcademicResearch": "refused", "Marketing": "refused"
    }  # fmt: skip
    assert consent.said(world.state, "pay", 4) == {"AcademicResearch": "given"}
    assert consent.said(world.state, "pay", 5) == {}
    assert consent.said(world.state, "other", 3) == {}


def test_saying_it() -> None:
    world = pay(World())
    yes = say(world.state, "pay", Speaker("member-3"), "academic research", True, world.at)
    assert isinstance(yes, ConsentGiven)
    assert (yes.party, yes.purpose, yes.version, yes.notice) == (
        "member-3",
        "AcademicResearch",
        1,
        "",
    )  # nothing was shown
    no = say(world.state, "pay", Speaker("member-3"), "dpv:Marketing", False, world.at)
    assert no == ConsentRefused("pay", "member-3", "Marketing", 1)
    for asset, party in (("pay", "institute"), ("pay", "nobody"), ("other", "member-3")):
        refusal = say(world.state, asset, Speaker(party), "Marketing", True, world.at)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "registry.unknown"
    with pytest.raises(BadInput, match="not in the purpose tree") as bad:
        say(world.state, "pay", Speaker("member-3"), "Marketting", True, world.at)
    assert "Marketing" in bad.value.remedy


# --- against a slow model: sets of persons, by the definition of covering

EDGES = (0, 1, 7, 8, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK)
PERSONS = 2 * CHUNK + 1
SPOKEN_OF = (*PURPOSES.values(), "CommercialPurpose", "NonCommercialResearch", "DirectMarketing")
numbers = st.sampled_from(EDGES)
purpose = st.sampled_from(SPOKEN_OF)
words = st.one_of(
    st.tuples(st.just("yes"), st.tuples(numbers), purpose),
    st.tuples(st.just("no"), st.tuples(numbers), purpose),
    st.tuples(st.just("forms"), st.lists(numbers, max_size=6).map(tuple), purpose),
)
Word = tuple[str, tuple[int, ...], str]


class Model:
    """Who gave and who refused, as sets of words; every rule is written from its sentence in the essay."""

    def __init__(self) -> None:
        self.given: dict[str, set[int]] = defaultdict(set)
        self.refused: dict[str, set[int]] = defaultdict(set)

    def hear(self, word: Word) -> None:
        answer, whose, about = word
        for person in whose:
            if answer == "no":
                self.refused[about].add(person)
                for other in SPOKEN_OF:
                    if purposes.covers(about, other):
                        self.given[other].discard(person)
            elif answer == "yes":
                self.given[about].add(person)
                self.refused[about].discard(person)
            elif not any(person in self.refused[other] for other in SPOKEN_OF if purposes.covers(other, about)):
                self.given[about].add(person)

    def population(self, about: str) -> set[int]:
        return {person for person in EDGES if self._gave(person, about) and not self._refused(person, about)}

    def _gave(self, person: int, about: str) -> bool:
        return any(person in self.given[other] for other in SPOKEN_OF if purposes.covers(other, about))

    def _refused(self, person: int, about: str) -> bool:
        for other in SPOKEN_OF:
            if person in self.refused[other] and purposes.covers(about, other) and about != other:
                return True
            if person in self.refused[other] and purposes.covers(other, about):
                exceptions = (
                    p for p in SPOKEN_OF if purposes.covers(other, p) and purposes.covers(p, about) and p != other
                )
                if not any(person in self.given[p] for p in exceptions):
                    return True
        return False


def facts_of(word: Word) -> Fact:
    answer, whose, about = word
    if answer == "forms":
        return ConsentsRecorded("a", about, whose, "forms")
    return (ConsentGiven if answer == "yes" else ConsentRefused)("a", f"p{whose[0]}", about)


def people() -> World:
    world = World()
    for number in EDGES:
        world.state.put(Person("a", number, f"p{number}"))
    return world


def members(bits: bytes) -> set[int]:
    whole = int.from_bytes(bits, "little")
    return {number for number in EDGES if whole >> number & 1}


@given(st.lists(words, max_size=12))
def test_the_bitmaps_say_what_the_sets_say(said: list[Word]) -> None:
    world, model = people(), Model()
    for word in said:
        world.add(facts_of(word))
        model.hear(word)
    for about in SPOKEN_OF:
        bits = consent.population(world.state, "a", about, PERSONS)
        assert len(bits) == (PERSONS + 7) // 8
        assert bin(int.from_bytes(bits, "little")).count("1") == len(members(bits)), "nobody else was let in"
        assert members(bits) == model.population(about)
        standing = {n for n in EDGES if consent.standing(world.state, "a", n, about) == "given"}
        assert standing == members(bits)


@given(st.lists(words, max_size=8), st.tuples(st.just("no"), st.tuples(numbers), purpose))
def test_a_refusal_never_adds_anybody_anywhere(said: list[Word], refusal: Word) -> None:
    world = people()
    world.add(*(facts_of(word) for word in said), facts_of(("forms", (), "Purpose")))
    before = {about: members(consent.population(world.state, "a", about, PERSONS)) for about in SPOKEN_OF}
    world.add(facts_of(refusal))
    for about in SPOKEN_OF:
        after = members(consent.population(world.state, "a", about, PERSONS))
        assert after == before[about] - set(refusal[1]) or (
            after == before[about] and not purposes.covers(refusal[2], about) and not purposes.covers(about, refusal[2])
        ), "she, and nobody else, is out of it and of all it touches"


@given(st.lists(words, max_size=8), words)
def test_a_word_concerns_only_those_who_spoke(said: list[Word], last: Word) -> None:
    world = people()
    for word in said:
        world.add(facts_of(word))
    before = {about: members(consent.population(world.state, "a", about, PERSONS)) for about in SPOKEN_OF}
    world.add(facts_of(last))
    for about in SPOKEN_OF:
        after = members(consent.population(world.state, "a", about, PERSONS))
        assert after ^ before[about] <= set(last[1])
        if last[0] != "no":
            assert after >= before[about], "consent puts nobody out"


def test_numbers_beyond_the_last_person_are_nobody() -> None:
    world = people()
    world.add(ConsentsRecorded("a", "Purpose", (0, 9, CHUNK), "forms"))
    for persons, expected in ((0, b""), (1, b"\1"), (9, b"\1\0"), (10, b"\1\2")):
        assert consent.population(world.state, "a", "Purpose", persons) == expected


def test_what_one_said_is_not_what_another_said_who_stands_at_the_same_place_of_another_chunk() -> None:
    world = people()
    world.add(ConsentGiven("a", f"p{CHUNK + 1}", "Purpose"), ConsentRefused("a", "p1", "Marketing"))
    assert consent.said(world.state, "a", CHUNK + 1) == {"Purpose": "given"}
    assert consent.said(world.state, "a", 1) == {"Marketing": "refused"}


def test_one_word_rewrites_one_chunk_of_a_purpose() -> None:
    world = people()
    world.add(ConsentsRecorded("a", "Purpose", EDGES, "forms"))
    before = {row.key: row for row in world.state.list(ConsentChunk)}
    assert len(before) == 3
    world.add(ConsentRefused("a", f"p{CHUNK}", "Purpose"))
    changed = {row.key for row in world.state.list(ConsentChunk) if before.get(row.key) != row}
    assert changed == {"a/Purpose/1"}
