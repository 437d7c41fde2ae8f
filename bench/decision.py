"""Decisions a second, as the number of agreements grows.

Ours is the whole decision with its proof: agreement in force, its rules of 20 constraints, purpose in the tree, form,
grades, prohibitions, the chain of rights, and the bitmap of the persons who may be used. The peers decide less. cedarpy
gets one policy for each agreement, with the purpose tree, form, grades, end and the same 20 constraints; regopy the same,
as data or as a rule for each; pycasbin one rule for each, without the constraints, for it has no place for them. None
gets consents or the chain of rights; in this made-up world everybody consented and no chain is broken, so the yes or no
must be the same, and it is checked before anything is timed. Only Cedar's `Allow` counts as yes, for its errors are a
third answer, and only Rego's `true`.

The peers are measured as they come (all agreements in one prepared set) and as their experienced users would have it (the
few of one principal found or cut out beforehand); `decision_peers` says how. Who cannot carry the largest number of
agreements in reasonable time is measured beside us with as many as it can, and the line says so.

Rates are those of one core: decisions a second of processor time, ours and theirs. How long one decision takes, with all that
may come between, is told by the clock.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles

from bench.decision_peers import PEERS, Ask, Peer, regopy
from bench.decision_world import ALLOWED, ASKED, AT, SINCE, World, make_world
from bench.measure import medians, scratch, seconds, setup, tell
from bench.report import Result, against, alone, barred
from usufruct.core.access.consent import population
from usufruct.core.access.facts import ConsentsRecorded
from usufruct.core.access.rules import Permit, Request, decide
from usufruct.core.base.bitmaps import CHUNK
from usufruct.core.base.records import Entry, Fact, Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.terms.model import Action, Constraint, Logic, Rule, Ruleset, Value
from usufruct.core.terms.rules import activate
from usufruct.store.memory import MemoryState
from usufruct.store.sqlite import connect
from usufruct.store.tables import Known, StateWriter, create

SIZES = (1_000, 100_000)  # agreements that the peers get too
ALONE = (10_000, 1_000_000)  # and that only we get
QUICK = (100,)
RATE_BAR, SLOWEST_BAR_MS, FILTER_BAR_MS, GROWTH_BAR = 50_000, 1, 20, 3
MANY = 20_000  # different requests that are asked twice
SAMPLE = 40  # requests that all must say the same to


def run(quick: bool) -> list[Result]:
    """The figures for each number of agreements."""
    if regopy is None:
        tell("regopy is not installed: its lines are missing")
    results = []
    rates: dict[int, float] = {}
    for agreements in QUICK if quick else SIZES:
        with scratch() as folder:
            made, rates[agreements] = _size(folder, agreements, box=0.02 if quick else 0.5, turns=2 if quick else 5)
            results += made
    for agreements in (200,) if quick else ALONE:
        rates[agreements] = _only_ours(agreements, box=0.02 if quick else 0.5)
        results.append(alone(f"{agreements:,} agreements, state in memory", rates[agreements], "decisions/s"))
    growth = alone(
        "the rate at the fewest agreements over that at the most", rates[min(rates)] / rates[max(rates)], "times"
    )
    results.append(barred(growth, f"<= {GROWTH_BAR}", None if quick else growth.ours <= GROWTH_BAR))
    results += _popular(200 if quick else 20_000, box=0.02 if quick else 0.5)
    results.append(_consent_filter(10_000 if quick else 1_000_000, quick))
    results.append(_bomb())
    return results


def _consent_filter(persons: int, quick: bool) -> Result:
    """One row filter over everybody, right after somebody said something."""
    entries = list(_entries(_consents(persons)))
    state = MemoryState(entries)
    taken = []
    for number in range(9):
        state.apply(Entry(len(entries) + number, SINCE, ConsentsRecorded("big", ALLOWED[1], (number,), "made up")))
        taken.append(seconds(lambda: population(state, "big", ALLOWED[0], persons)))
    line = alone(f"the filter of {persons:,} persons, within a decision", 1000 * median(taken), "ms")
    return barred(line, f"< {FILTER_BAR_MS} ms", None if quick else line.ours < FILTER_BAR_MS)


def _bomb() -> Result:
    """Rules that would take for ever: 30 levels of `xone` over everything below."""
    condition: Constraint | Logic = Constraint("usu:persons", "gteq", (Value("1", "xsd:integer"),))
    for _ in range(30):
        condition = Logic("xone", (condition,) * 4)
    rules = Ruleset("bomb", (Rule("permission", "p", Action("use"), constraints=(condition,)),), "Agreement")
    answers: list[object] = []
    taken = seconds(lambda: answers.append(activate(rules)))
    line = alone("a policy bomb of 4^30 constraints is refused when it is loaded", 1000 * taken, "ms")
    return barred(line, "refused", isinstance(answers[0], Refusal))


def _only_ours(count: int, box: float) -> float:
    world = make_world(count, assets=min(1_000, count // 10))
    with setup(f"{count:,} agreements folded into memory"):
        memory = MemoryState(_entries(world.facts()))
    return medians(3, {"ours": partial(_rate, _ours(memory), world.requests, box)})["ours"]


def _size(folder: Path, count: int, box: float, turns: int) -> tuple[list[Result], float]:
    world = make_world(count, assets=min(1_000, count // 10))
    with setup(f"{count:,} agreements folded into memory"):
        memory = MemoryState(_entries(world.facts()))
    with setup(f"{count:,} agreements folded into SQLite"):
        tables = _in_sqlite(folder / "state.sqlite", memory)
    ours = {"memory": _ours(memory), "SQLite": _ours(tables)}
    peers = [peer for peer in PEERS if peer.most is None or peer.most >= count]
    rates = _in_turns(world, ours, peers, box, turns)
    results = [
        against(f"{count:,} agreements, state in {where}", rates[where], "decisions/s", peer.name, rates[peer.name])
        for where in ours
        for peer in peers
    ]
    if count == SIZES[-1]:
        results[0] = barred(results[0], f">= {RATE_BAR:,} decisions/s", results[0].ours >= RATE_BAR)
    results += [_fewer(peer, peer.most, count, box, turns) for peer in PEERS if peer.most and peer.most < count]
    return [*results, *_slowest(count, ours["memory"], world), _many(count, ours["memory"])], rates["memory"]


def _fewer(peer: Peer, most: int, count: int, box: float, turns: int) -> Result:
    """Beside a peer for whom `count` agreements are too many."""
    world = make_world(most, assets=min(1_000, most // 10))
    rates = _in_turns(world, {"memory": _ours(MemoryState(_entries(world.facts())))}, [peer], box, turns)
    case = f"{most:,} agreements ({count:,} take this peer minutes), state in memory"
    return against(case, rates["memory"], "decisions/s", peer.name, rates[peer.name])


def _in_turns(world: World, ours: Mapping[str, Ask], peers: Sequence[Peer], box: float, turns: int) -> dict[str, float]:
    """The rates of us and of the peers, who all said the same first."""
    everyone = dict(ours)
    for peer in peers:
        with setup(f"{peer.name}: {len(world.agreements):,} agreements made ready"):
            everyone[peer.name] = peer.prepare(world)
    with setup("all asked the same"):
        yes = _check_same(world.requests[:SAMPLE], everyone)
    assert 0.3 < yes < 0.7, f"{yes} of the requests are allowed, which is not a fair mixture"
    return medians(turns, {
        name: partial(_rate, one, world.requests, box) for name, one in everyone.items()
    }, warm=False)  # fmt: skip


def _many(count: int, one: Callable[[Request], object]) -> Result:
    """The rate over so many different requests that hardly anything of one is in the processor's cache when it comes again."""
    requests = make_world(count, assets=min(1_000, count // 10), asked=min(MANY, count)).requests
    _asked(one, requests, math.inf)
    done, taken = _asked(one, requests, math.inf)
    return alone(
        f"{count:,} agreements: {len(requests):,} different requests, each for the second time",
        done / taken,
        "decisions/s",
    )


def _slowest(count: int, one: Callable[[Request], object], world: World) -> list[Result]:
    """How long single decisions take: asked again and again, and each for the first time."""
    times = [_nanoseconds(one, request) for request in islice(cycle(world.requests), 50 * ASKED)]
    line = alone(f"{count:,} agreements: one decision with its proof, p99", quantiles(times, n=100)[98] / 1e6, "ms")
    again = barred(line, f"< {SLOWEST_BAR_MS} ms", None if count in QUICK else line.ours < SLOWEST_BAR_MS)
    draw = random.Random(1)
    first = [
        Request(a.consumer, a.asset, p, a.terms.form, ("cents",))
        for a in world.agreements[-5_000:] for p in a.terms.purposes[:1]
    ]  # fmt: skip
    draw.shuffle(first)
    times = [_nanoseconds(one, request) for request in first]
    return [again, alone(f"{count:,} agreements: asked for the first time, median", median(times) / 1e6, "ms")]


def _nanoseconds(one: Callable[[Request], object], request: Request) -> int:
    start = time.perf_counter_ns()
    one(request)
    return time.perf_counter_ns() - start


def _popular(count: int, box: float) -> list[Result]:
    """Decisions where all agreements are on one asset; a decision should not come to know of the others' ones."""
    world = make_world(count, assets=1)
    memory = MemoryState(_entries(world.facts()))
    with scratch() as folder:
        states = {"memory": _ours(memory), "SQLite": _ours(_in_sqlite(folder / "state.sqlite", memory))}
        rates = medians(3, {where: partial(_rate, one, world.requests, box) for where, one in states.items()})
    return [alone(f"{count:,} agreements on one asset, state in {w}", rate, "decisions/s") for w, rate in rates.items()]


def _entries(facts: Iterator[Fact]) -> Iterator[Entry]:
    return (Entry(seq, SINCE, fact) for seq, fact in enumerate(facts))


def _in_sqlite(path: Path, memory: MemoryState) -> Reader:
    """The same rows in the tables of the node."""
    connection = connect(path)
    connection.execute("CREATE TABLE about (party TEXT, seq INTEGER)")
    create(connection)
    connection.execute("BEGIN")
    state = StateWriter(connection, Known())
    for rows in memory.rows.values():
        for row in rows.values():
            state.put(row)
    state.unmark()
    state.flush()
    connection.execute("COMMIT")
    return StateWriter(connection, Known())  # as the writer, who decides


def _ours(state: Reader) -> Ask:
    return lambda request: isinstance(decide(state, request, AT), Permit)


def _check_same(requests: Sequence[Request], everyone: Mapping[str, Ask]) -> float:
    """The part that is allowed, if all say the same to every request."""
    allowed = 0
    for request in requests:
        said = {name: bool(one(request)) for name, one in everyone.items()}
        assert len(set(said.values())) == 1, f"{request}: {said}"
        allowed += said["memory"]
    return allowed / len(requests)


def _rate(one: Callable[[Request], object], requests: Sequence[Request], box: float) -> float:
    """Requests answered a second of processor time, after a round that is not timed: whoever remembers what was asked before
    may just have forgotten it over somebody else's turn."""
    _asked(one, requests, box)
    done, taken = _asked(one, cycle(requests), box)
    return done / taken


def _asked(one: Callable[[Request], object], requests: Iterable[Request], box: float) -> tuple[int, float]:
    """How many requests were answered within `box` seconds of processor time, but at least eight, and how long it took."""
    start, done, taken = time.thread_time(), 0, 0.0
    for done, request in enumerate(requests, 1):
        one(request)
        taken = time.thread_time() - start
        if taken > box and done >= 8:
            break
    return done, taken


def _consents(persons: int) -> Iterator[Fact]:
    for first in range(0, persons, CHUNK):
        numbers = tuple(range(first, min(first + CHUNK, persons)))
        yield ConsentsRecorded("big", ALLOWED[0], numbers, "made up")
