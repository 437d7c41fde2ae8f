"""The two sides of a match in one process, without nodes: what is found is the intersection, whatever the lists are; what
passes between them tells nothing twice; and what is no element is refused."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.privacy import matching
from usufruct.core.privacy.matching import Commitment, normal
from usufruct.engine.matching import (
    IDENTITY,
    POINT,
    Answering,
    Asking,
    RistrettoMatching,
    blinded,
    generated,
    hashed,
    minus,
    plus,
)

MATCHING = RistrettoMatching(os.urandom)
RUN = "0" * 32
NOT_A_POINT = bytes([1, *bytes(31)])  # an odd field element is no encoding

names = st.lists(st.integers(0, 60).map(str), unique=True, max_size=40)


def run(
    ours: Sequence[str], theirs: Sequence[str], planted: int = 0, of: int = 0, values: Sequence[int] | None = None,
    number: str = RUN,
) -> tuple[Asking, Answering]:  # fmt: skip
    """A run, as two honest nodes would do it, with two persons more in each table who may not be matched."""
    asking = MATCHING.asking(number, ours, len(ours) + 2)
    answering = MATCHING.answering(number, theirs, len(theirs) + 2, asking.base, planted, of, values)
    answering.sent(asking.points)
    asking.returned(answering.returned())
    asking.listed(answering.entries, values is not None)
    return asking, answering


@settings(max_examples=40, deadline=None)
@given(names, names)
def test_what_is_found_is_the_intersection(ours: list[str], theirs: list[str]) -> None:
    asking, answering = run(ours, theirs)
    both = set(ours) & set(theirs)
    assert asking.found() == len(both)
    assert {ours[place] for place in asking.matched(answering.order())} == both


@settings(max_examples=20, deadline=None)
@given(names, names, st.integers(0, 9), st.integers(-500, 500), st.randoms(use_true_random=False))
def test_planted_elements_match_and_count_for_nothing_in_a_total(
    ours: list[str], theirs: list[str], planted: int, noise: int, random: object
) -> None:
    values = [int(name) - 30 for name in theirs]
    asking, answering = run(ours, theirs, planted, 9, values)
    exact = sum(int(name) - 30 for name in set(ours) & set(theirs))
    assert asking.found() == len(set(ours) & set(theirs)) + planted
    assert answering.total(asking.total(answering.key, noise), 3000) == exact + noise
    sizes = len(asking.points) // POINT, len(answering.entries) // 96, len(answering.returned()) // POINT
    assert sizes == (len(ours) + 2, len(theirs) + 11, len(ours) + 11), "no size tells how many were planted"


def test_two_runs_over_the_same_people_share_no_element() -> None:
    people = [str(number) for number in range(30)]
    seen: list[set[bytes]] = []
    for _ in range(2):
        asking, answering = run(people, people, 3, 6)
        sent = asking.points + answering.entries + answering.returned()
        seen.append({sent[at : at + POINT] for at in range(0, len(sent), POINT)})
    assert not seen[0] & seen[1], "even with the same number of a run"
    assert hashed([matching.digest_of("0" * 32, "a")]) != hashed([matching.digest_of("1" * 32, "a")])


def test_the_order_of_a_list_says_nothing_of_the_table() -> None:
    people = [str(number) for number in range(50)]
    asking = MATCHING.asking(RUN, people, 50)
    points = [asking.points[at : at + POINT] for at in range(0, len(asking.points), POINT)]
    assert points == sorted(points)


def test_the_group_is_that_of_the_standard() -> None:
    """RFC 9496, appendix A: multiples of the generator, and an element derived from 64 bytes."""
    multiples = generated([1, 2, 16])
    assert multiples[:POINT].hex() == "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
    assert multiples[POINT : 2 * POINT].hex() == "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"
    given = bytes.fromhex(
        "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
        "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6"
    )
    assert hashed([given]).hex() == "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"
    assert plus(multiples[:POINT], multiples[:POINT]) == multiples[POINT : 2 * POINT]
    assert minus(multiples[:POINT], multiples[:POINT]) == IDENTITY
    many = generated(range(1, 600))  # enough for threads
    assert blinded(many, 7) == b"".join(generated([7 * k]) for k in range(1, 600))


@pytest.mark.parametrize(
    "batch",
    [IDENTITY, NOT_A_POINT, b"\xff" * POINT, generated([5]) * 2, bytes(31), generated([1])[:31]],
    ids=["identity", "no point", "not canonical", "twice", "short", "cut"],
)
def test_what_is_no_list_of_elements_is_refused(batch: bytes) -> None:
    asking = MATCHING.asking(RUN, ["a", "b"], 2)
    for take in (
        MATCHING.answering(RUN, ["a"], 1, asking.base, 0, 0).sent,
        asking.returned,
        lambda bad: asking.listed(bad, False),
    ):
        with pytest.raises(ValueError, match=r"element|order"):
            take(batch)
    if len(batch) == POINT:
        with pytest.raises(ValueError, match="no point"):
            MATCHING.answering(RUN, ["a"], 1, batch, 0, 0)


def test_a_ciphertext_that_is_none_or_too_large_is_refused() -> None:
    _, answering = run(["1"], ["1"], values=[3])
    for bad in (
        NOT_A_POINT + generated([1]),
        IDENTITY + generated([1]),
        generated([1]) + NOT_A_POINT,
        b"",
        generated([1]),
    ):
        with pytest.raises(ValueError, match="no point"):
            answering.total(bad, 10)
    asking, answering = run(["1"], ["1"], values=[3])
    with pytest.raises(ValueError, match="beyond its bounds"):
        answering.total(asking.total(answering.key, 100), 50)


def test_an_order_that_is_no_order_is_refused() -> None:
    asking, answering = run(["1", "2"], ["1", "2"])
    for bad in ([0, 0, 1, 2], answering.order()[:-1], [*answering.order(), 4], [-1, *answering.order()[1:]]):
        with pytest.raises(ValueError, match="not what was sent"):
            asking.matched(bad)


def test_identifiers_are_made_alike() -> None:
    assert normal("  Ärmel\u00a0 STRASSE ") == normal("a\u0308rmel strasse") == "ärmel strasse"
    assert normal("ﬁ") == "fi" and normal("Straße") == normal("STRASSE") and normal(" \t") == ""
    assert normal(normal("ŉ İ")) == normal("ŉ İ")


def test_a_commitment_binds_to_run_side_size_and_list() -> None:
    def digest(run: str, side: str, size: int, *batches: bytes) -> str:
        made = Commitment(run, side, size)
        for batch in batches:
            made.add(batch)
        return made.digest()

    kinds = {digest("a", "asks", 2, b"xy"), digest("b", "asks", 2, b"xy"), digest("a", "answers", 2, b"xy"),
             digest("a", "asks", 3, b"xy"), digest("a", "asks", 2, b"xz")}  # fmt: skip
    assert len(kinds) == 5 and digest("a", "asks", 2, b"x", b"y") == digest("a", "asks", 2, b"xy")
