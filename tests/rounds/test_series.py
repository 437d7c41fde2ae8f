"""Rounds that open by the clock: their times, the jobs that go from one to the next, secrets committed ahead, restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rounds.world import COURIERS, OPERATOR, RIDERS, RULE, SECRETS, SHOPS, SPEAKER, SPEAKERS, UNION, World, world
from story import done
from support import SetClock
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import lottery
from usufruct.core.work.rounds.series import Series
from usufruct.core.work.rounds.state import Round
from usufruct.core.work.state import Job
from usufruct.main import open_node
from usufruct.node import erase, register, rounds, series, work
from usufruct.node.followers import FOLLOWERS
from usufruct.store.audit import verify

NAME = "couriers"
MIDNIGHT = Instant("2026-11-30T00:00:00.000Z")

TIMES = """
# an hour between two rounds, 20 minutes for wishes, 10 for openings, from 00:00 to 05:00
# last opened | now  | number | opens | wishes until | secrets until
0             | -90  | 1      | 0     | 20           | 30
0             | 0    | 1      | 0     | 20           | 30
0             | 9    | 1      | 0     | 20           | 30
0             | 10   | 2      | 60    | 80           | 90
1             | 5    | 2      | 60    | 80           | 90
1             | 69   | 2      | 60    | 80           | 90
1             | 70   | 3      | 120   | 140          | 150
1             | 200  | 5      | 240   | 260          | 270
4             | 249  | 5      | 240   | 260          | 270
4             | 250  | -      |       |              |
5             | 241  | -      |       |              |
"""


@pytest.mark.parametrize("line", [line for line in TIMES.splitlines() if line and line[0] != "#"])
def test_the_next_round_by_the_clock(line: str) -> None:
    last, now, number, *times = (cell.strip() for cell in line.split("|"))
    row = Series("s", "op", RULE, SPEAKERS, MIDNIGHT, 60, 20, 10, later(MIDNIGHT, hours=5), 0, int(last))
    found = row.following(later(MIDNIGHT, minutes=int(now)))
    if number == "-":
        assert found is None
    else:
        assert found is not None and found.number == int(number)
        assert [found.opens, found.closes, found.opens_until] == [later(MIDNIGHT, minutes=int(m)) for m in times]


# ---- on a node


def started(here: World, hours: float = 100, **more: Any) -> None:
    """A round each 12 hours, from now on: wishes for 6 hours, openings for 2."""
    plain = {"starts": None, "minutes": (720, 360, 120), "until": here.at(hours), "by": OPERATOR}
    done(series.start(here.node, NAME, RULE, SPEAKERS, **{**plain, **more}))


def pulse(here: World) -> str:
    """What the followers do in one turn, in words."""
    told = [FOLLOWERS[name](here.node) for name in ("rounds of jobs", "series of rounds")]
    return "; ".join(word for word in told if word)


def drawn(here: World, number: int) -> list[str]:
    """The round goes its way from its wishes' end, with the union's secret; what the followers say."""
    here.go((number - 1) * 12 + 6)
    told = [pulse(here)]
    here.reveal("workers", round=f"{NAME}-{number}")
    here.go((number - 1) * 12 + 8)
    return [*told, pulse(here), pulse(here)]


def job(here: World, id: str) -> Job:
    with here.node.store.read() as state:
        row = state.get(Job, id)
    assert row is not None
    return row


def round(here: World, number: int) -> Round:
    row = rounds.shown(here.node, f"{NAME}-{number}")
    assert row is not None
    return row


def committed(here: World, *numbers: int) -> None:
    """All chambers commit to their secrets for these rounds."""
    for number in numbers:
        here.commit(round=f"{NAME}-{number}")


def refused(found: object) -> str:
    assert isinstance(found, Refusal), found
    return f"{found.code}: {'; '.join(found.reasons)}"


def test_rounds_open_by_themselves_and_give_out_what_was_left(here: World) -> None:
    started(here)
    waiting = here.post(round=f"series:{NAME}", starts=60, ends=63)
    assert job(here, waiting).round == f"series:{NAME}"
    committed(here, 1, 2)
    assert [pulse(here), pulse(here)] == [f"{NAME}-1: opened", ""]
    entered = here.post(round=f"series:{NAME}", starts=66, ends=69)
    assert [job(here, id).round for id in (waiting, entered)] == [f"{NAME}-1"] * 2
    here.wish("anu", waiting, round=f"{NAME}-1")
    assert drawn(here, 1) == [f"{NAME}-1: closed", f"{NAME}-1: planned", f"{NAME}-1: settled"]
    assert "is given out in round" in refused(work.take(here.node, entered, "bert"))
    here.go(11)
    assert pulse(here) == ""
    here.go(12)
    assert pulse(here) == f"{NAME}-2: opened"
    assert [job(here, id).round for id in (waiting, entered)] == [f"{NAME}-1", f"{NAME}-2"]
    here.wish("bert", entered, round=f"{NAME}-2")
    assert drawn(here, 2)[-1] == f"{NAME}-2: settled"
    assert [(round(here, n).agreed, round(here, n).missing) for n in (1, 2)] == [(1, ("operators", "customers"))] * 2


def test_a_round_in_which_nobody_wishes_is_settled_with_nothing(here: World) -> None:
    started(here)
    committed(here, 1)
    pulse(here)
    assert drawn(here, 1)[-1] == f"{NAME}-1: settled"
    assert (round(here, 1).jobs, round(here, 1).agreed) == (0, 0)


def test_without_an_opened_secret_nothing_is_drawn_and_the_jobs_come_into_the_next(here: World) -> None:
    started(here)
    pulse(here)
    posted = here.post(round=f"series:{NAME}")
    here.wish("anu", posted, round=f"{NAME}-1")
    here.go(6)
    pulse(here)
    here.go(8)
    assert pulse(here) == f"{NAME}-1: given up: no chamber opened its secret in time"
    here.go(12)
    assert pulse(here) == f"{NAME}-2: opened"
    assert (round(here, 1).came_to, job(here, posted).round) == (f"{NAME}-2", f"{NAME}-2")


def test_a_node_that_slept_opens_nothing_that_is_past(here: World) -> None:
    started(here)
    here.go(40)
    assert pulse(here) == ""
    here.go(48)
    assert [pulse(here), pulse(here)] == [f"{NAME}-5: opened", ""]
    assert [row.id for row in rounds.listed(here.node)] == [f"{NAME}-5"]


def test_a_round_that_is_not_done_holds_up_the_next(here: World) -> None:
    started(here)
    pulse(here)
    here.go(12)
    assert series.follow(here.node) == ""
    assert [pulse(here), pulse(here)] == [
        f"{NAME}-1: closed",
        f"{NAME}-1: given up: {rounds.NO_OPENING}; {NAME}-2: opened",
    ]


def test_what_no_later_round_can_take_is_taken_directly(here: World) -> None:
    started(here)
    committed(here, 1)
    pulse(here)
    posted = here.post(round=f"series:{NAME}", starts=15, ends=18)
    assert "is given out in round" in refused(work.take(here.node, posted, "anu"))
    drawn(here, 1)
    assert done(work.take(here.node, posted, "anu")).job == posted


def test_a_series_that_ended_opens_no_round_and_frees_its_jobs(here: World) -> None:
    started(here)
    pulse(here)
    posted = here.post(round=f"series:{NAME}")
    done(series.end(here.node, NAME, OPERATOR, "the week is over"))
    here.go(6)
    pulse(here)
    here.go(8)
    pulse(here)
    here.go(12)
    assert pulse(here) == ""
    assert "there is no series" in refused(series.end(here.node, NAME, OPERATOR, "again"))
    assert "opens no round any more" in refused(work.post(here.node, RIDERS, here.terms(), None, f"series:{NAME}"))
    assert done(work.take(here.node, posted, "anu")).job == posted


def test_a_job_that_begins_too_early_for_every_round_is_not_posted(here: World) -> None:
    started(here)
    assert "may not be settled before" in refused(
        work.post(here.node, RIDERS, here.terms(starts=7, ends=9), None, f"series:{NAME}")
    )
    assert refused(work.post(here.node, RIDERS, here.terms(), None, "series:none")).startswith("registry.unknown")


def test_chambers_commit_ahead_and_to_one_round_each(here: World) -> None:
    started(here, hours=36)
    committed(here, 2)
    again = lottery.commitment(b"x" * 32, f"{NAME}-2")
    assert "committed to a secret, which stands" in refused(rounds.commit(here.node, f"{NAME}-2", UNION, again))
    assert "opens no round from" in refused(rounds.commit(here.node, f"{NAME}-4", UNION, again))
    for number, who in ((3, RIDERS), (99999999, UNION), (1, "anu")):
        same = lottery.commitment(bytes.fromhex(SECRETS["workers"]), f"{NAME}-2")
        if who == RIDERS:
            done(rounds.commit(here.node, f"{NAME}-{number}", UNION, same))
            assert "another chamber" in refused(rounds.commit(here.node, f"{NAME}-{number}", who, same))
        else:
            refused(rounds.commit(here.node, f"{NAME}-{number}", who, same))
    pulse(here)
    here.go(6)
    pulse(here)
    here.go(12)
    pulse(here)
    pulse(here)
    assert round(here, 2).commitments == tuple(
        lottery.commitment(bytes.fromhex(SECRETS[chamber]), f"{NAME}-2") for chamber in SPEAKER
    )
    assert not any(round(here, 1).commitments)
    here.go(18)
    pulse(here)
    assert refused(rounds.open_secret(here.node, f"{NAME}-2", UNION, "ab" * 32)).startswith("allocation.")


def test_the_names_of_a_series_are_its_own(here: World) -> None:
    here.open("early-3")
    assert refused(series.start(
        here.node, "early", RULE, SPEAKERS, None, (60, 30, 30), here.at(9), OPERATOR
    )).startswith("registry.exists")  # fmt: skip
    started(here)
    done(series.end(here.node, NAME, OPERATOR, "over"))
    own = rounds.open_round(here.node, f"{NAME}-7", RULE, SPEAKERS, here.at(1), here.at(2), OPERATOR)
    assert refused(own).startswith("registry.exists")
    twice = series.start(here.node, NAME, RULE, SPEAKERS, None, (60, 30, 30), here.at(9), OPERATOR)
    assert refused(twice).startswith("registry.exists")


def test_what_cannot_be_a_series(here: World) -> None:
    done(register.add_party(here.node, "robot", "agent", "Robot", OPERATOR))

    def start(minutes: tuple[int, int, int] = (60, 30, 30), until: float = 9, **more: Any) -> object:
        plain = {"speakers": SPEAKERS, "starts": None, "by": OPERATOR, **more}
        return series.start(here.node, "s", RULE, minutes=minutes, until=here.at(until), **plain)

    assert "would still be drawn" in refused(start((60, 31, 30)))
    assert "starts now or later" in refused(start(until=-1))
    assert "starts now or later" in refused(start(starts=here.at(-1)))
    assert "a person decides" in refused(start(by="robot"))
    assert "two chambers" in refused(start(speakers=(UNION, UNION, SHOPS)))
    for minutes in ((60, 0, 30), (60, 30, 0), (10**9, 30, 30)):
        with pytest.raises(BadInput):
            start(minutes)
    done(series.start(here.node, "s", RULE, SPEAKERS, None, (60, 30, 30), here.at(9), OPERATOR))
    assert "a person decides" in refused(series.end(here.node, "s", "robot", "tired"))


def test_the_clock_goes_on_after_a_restart_and_an_erasure(tmp_path: Path) -> None:
    with world(tmp_path / "node") as here:
        started(here)
        committed(here, 1, 2)
        pulse(here)
        posted = here.post(round=f"series:{NAME}", seats=2)
        for name in COURIERS[:2]:
            here.wish(name, posted, round=f"{NAME}-1")
        here.go(6)
        pulse(here)
        done(erase.erase(here.node, "anu", "she asked for it"))
        at = here.clock.at
    clock = SetClock(tick=0)
    clock.at = at
    with open_node(tmp_path / "node", clock=clock) as node:
        again = World(node, clock)
        again.start = here.start
        again.reveal("workers", round=f"{NAME}-1")
        again.go(8)
        assert [pulse(again), pulse(again)] == [f"{NAME}-1: planned", f"{NAME}-1: settled"]
        assert (round(again, 1).agreed, [left.why for left in round(again, 1).left]) == (1, ["gone"])
        again.go(12)
        assert [pulse(again), pulse(again)] == [f"{NAME}-2: opened", ""]
        assert job(again, posted).round == f"{NAME}-2" and all(round(again, 2).commitments)
    assert not verify(tmp_path / "node").findings
