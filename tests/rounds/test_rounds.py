"""A round from its opening to the job agreements, and what can go wrong on the way."""

from __future__ import annotations

from rounds.world import COURIERS, ROUND, World
from story import done
from usufruct.node import rounds, work


def drawn(here: World, seats: int = 1) -> list[str]:
    """A round of two jobs for which all four couriers wish, up to its plan."""
    here.open()
    jobs = [here.post(round=ROUND, seats=seats), here.post(round=ROUND, title="letters", seats=seats)]
    here.commit()
    for name in COURIERS:
        here.wish(name, *jobs)
    here.go(12)
    done(rounds.close(here.node, ROUND))
    here.reveal()
    done(rounds.plan(here.node, ROUND))
    return jobs


def test_a_round(here: World) -> None:
    jobs = drawn(here)
    settled = done(rounds.settle(here.node, ROUND))
    assert (settled.agreed, settled.left) == (2, ())
    owns = {name: done(rounds.own(here.node, ROUND, name)) for name in COURIERS}
    for own in owns.values():
        print(own)
    assert sorted(bool(own.agreement) for own in owns.values()) == [False, False, True, True]
    print(work.mine(here.node, "anu"))
