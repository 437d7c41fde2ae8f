"""Matches of persons left to SPU: what is refused without it, and, where an environment has it, that it finds the same."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from match import test_questions
from match.test_nodes import last, refused, spent
from match.world import ANSWERS, ASKS, Pair, agree, codes, facts_of, pair
from usufruct.core.base.bitmaps import bitmap
from usufruct.core.base.faults import BadInput, EngineFault
from usufruct.core.privacy.facts import QueryAbandoned
from usufruct.core.privacy.matching import committed, elements_of
from usufruct.core.privacy.matching_facts import MatchAbandoned, MatchAdmitted, MatchCommitted
from usufruct.engine.spu import SpuIntersecting
from usufruct.node import match

HERE, THERE = codes(0, 60), codes(20, 80)  # 40 are in both
SPU = "spu-rr22"
NAMED = "USUFRUCT_SPU_PYTHON"


def sides(python: str) -> tuple[SpuIntersecting, SpuIntersecting]:
    """SPU at two nodes of this machine."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        here, there = (f"127.0.0.1:{free.getsockname()[1]}" for free in (one, two))
    return SpuIntersecting(python, here, there), SpuIntersecting(python, there, here)


def test_spu_does_not_count_and_is_refused_where_a_node_has_none(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE, "masked", spu=(sides("/bin/false")[0], None)) as both:
        for kind in ("count", "sum"):
            assert refused(both.match(kind, protocol=SPU)).refusal.code == "match.protocol"
        found = refused(both.match("matched", protocol=SPU))
        assert found.refusal.code == "match.peer" and "match.protocol" in found.refusal.reasons[0]
        assert not facts_of(both.here, MatchAdmitted) and not facts_of(both.there, MatchAdmitted)
        assert isinstance(both.match("matched"), match.Answered), "by double blinding as ever"
    with pair(tmp_path / "none", HERE, THERE, "masked") as both:
        assert refused(both.match("matched", protocol=SPU)).refusal.code == "match.protocol"


def test_a_program_that_fails_ends_the_match_at_both_nodes(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE, "masked", spu=sides("/bin/false")) as both:
        with pytest.raises(EngineFault, match="SPU did not carry the match out"):
            both.match("matched", protocol=SPU)
        assert last(both.here).state == "abandoned" and facts_of(both.here, MatchAbandoned)
        for _ in range(50):
            if facts_of(both.there, QueryAbandoned):
                break
            asyncio.run(asyncio.sleep(0.1))
        assert last(both.there).state == "abandoned" and spent(both.there, ANSWERS) == 0


@pytest.mark.parametrize("address", ["192.0.2.1:9531", "127.0.0.1", "127.0.0.1:", "", "example.com:80"])
def test_the_program_speaks_on_this_machine_alone(address: str) -> None:
    for here, there in ((address, "127.0.0.1:9531"), ("127.0.0.1:9531", address)):
        with pytest.raises(BadInput):
            SpuIntersecting("python", here, there)


def test_a_list_for_spu_is_as_long_as_the_table_and_tells_no_names() -> None:
    run, salt = "ab" * 16, b"s" * 32
    made = elements_of(run, ["ee1", "ee2"], 5, salt)
    assert len(set(made)) == 5 and all(len(element) == 64 for element in made)
    assert made[:2] == elements_of(run, ["ee1", "ee2"], 2, b"t" * 32), "both nodes make the same of a name"
    assert not set(made) & set(elements_of("cd" * 16, ["ee1", "ee2"], 5, b"t" * 32)), "of this run and no other"
    assert committed(run, "asks", salt, made) == committed(run, "asks", salt, made[::-1])
    assert committed(run, "asks", salt, made) != committed(run, "asks", b"t" * 32, made)
    with pytest.raises(ValueError, match="more identifiers"):
        elements_of(run, ["ee1", "ee2"], 1, salt)


@pytest.mark.skipif(NAMED not in os.environ, reason=f"{NAMED} names no Python of an environment with spu")
def test_spu_finds_whom_double_blinding_finds(tmp_path: Path) -> None:
    with pair(tmp_path, HERE, THERE, "masked", without=(50,), spu=sides(os.environ[NAMED])) as both:
        agree(both.here, "totals", ASKS, "clinic", "aggregates")
        blinded, by_spu = both.match("matched"), both.match("matched", protocol=SPU)
        assert isinstance(blinded, match.Answered) and isinstance(by_spu, match.Answered)
        assert by_spu.answer.rows == blinded.answer.rows == (("39",),), "but for who does not allow it there"
        found = match.population(both.here, by_spu.match)
        assert found == match.population(both.here, blinded.match)
        expected = bitmap((n for n in range(20, 60) if n != 50), 8).to_bytes(8, "little")
        assert found == expected
        assert (last(both.here).digest, last(both.there).digest) == (
            last(both.there).their_digest,
            last(both.here).their_digest,
        )
        _opens(both)
        assert isinstance(test_questions.ask(both, by_spu.match), test_questions.query.Answered)


def _opens(both: Pair) -> None:
    """With the salt and the table, what a node was bound to can be worked out again."""
    bound = [fact for fact in facts_of(both.here, MatchCommitted) if fact.by == "asks"][-1]
    with both.here.store.read() as state:
        salt, run = state.evidence(bound.salt), last(both.here).run
    names = sorted(code.casefold() for code in HERE.values())
    assert committed(run, "asks", salt, elements_of(run, names, len(HERE), salt)) == bound.digest
