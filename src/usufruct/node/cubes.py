"""Cubes: declare, build, let out; see `core.privacy.cubes` for what a build may show.

    declare → (plan: look at the data, compare with every build before) → built → asked for → admitted → answered → out

A build is worked out outside the writer's turn, for it takes a while, and recorded only if nothing that it rests on has
changed in between; else it is worked out again.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from usufruct.core.access import consent
from usufruct.core.access.proof import Request
from usufruct.core.access.rules import REFUSED, decide
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import in_force
from usufruct.core.lineage.standing import standing
from usufruct.core.privacy import cubes, records, ticks
from usufruct.core.privacy.cubes import Cube, CubeBuild, CubeBuilt, CubeDeclared, CubePlan, Earlier, Tallied
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.suppression import TOTAL, Place, Tableau, places
from usufruct.core.registry import pool, rights
from usufruct.core.registry.state import Asset, ErasedPerson
from usufruct.core.rulebook import grades, purposes
from usufruct.node import stored
from usufruct.node.node import Node
from usufruct.node.use import Admitted, Answered, Decided, Deed, Ran, Refused, Wanted, at_tick, carry_out
from usufruct.ports import Transaction


def declare(
    node: Node, cube: str, asset: str, keys: Sequence[str], sums: Sequence[str], purpose: str, least: int, by: str
) -> CubeDeclared | Refusal:
    """Declares a cube.

    Raises:
        BadInput: the name, the purpose, the keys or the number of persons cannot be.
    """

    def rule(tx: Transaction) -> CubeDeclared | Refusal:
        row = tx.get(Asset, asset)
        return cubes.declare(
            tx, cube, standing(tx, row, tx.now) if row else None, tuple(keys), tuple(sums), purpose, least, by,
            node.rulebook, grades.in_force(tx.now), tx.now,
        )  # fmt: skip

    return node.record(rule)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a build rests on: the cube, who may be in it, and every build before it with its population."""

    cube: Cube
    asset: Asset
    population: bytes
    persons: int
    before: tuple[tuple[CubeBuild, Cube], ...]


def build(node: Node, cube: str, by: str) -> CubeBuilt | Refusal:
    """Builds a cube from the rows of those who allow its purpose now.

    Raises:
        EngineFault: the figures could not be worked out; nothing is recorded.
    """
    began = node.clock.steady()
    with node.store.read() as state:
        row = state.get(Cube, cube)
        asset = state.get(Asset, row.asset) if row else None
    tick = ticks.length(node.rulebook, node.clock.now(), asset.quality.rows if asset else 0)
    with at_tick(node, began, tick):
        return _build(node, cube, by)


def _build(node: Node, cube: str, by: str) -> CubeBuilt | Refusal:
    while True:
        with node.store.read() as state:
            ground = _ground(state, cube, by, node.clock.now())
            if isinstance(ground, Refusal):
                return ground
            before = [(built, of, state.evidence(built.population), state.evidence(built.figures))
                      for built, of in ground.before]  # fmt: skip
        stored.check(node, ground.asset.id, ground.asset.version)
        plan = cubes.plan(ground.cube, ground.asset)
        tallied = node.engine.tally(plan, ground.population, ground.persons)
        earlier = [_earlier(node, plan, ground, *one) for one in before]
        figures = cubes.shown(Tableau(plan.shape, tallied.cells, ground.cube.least, ground.cube.share), earlier)
        if isinstance(figures, Refusal):
            return figures
        node.reach("cube before built")
        built = node.store.write(partial(_record, ground, by, tallied, cubes.write(figures), len(figures)))
        if built is not None:
            return built


def _ground(read: Reader, cube: str, by: str, at: Instant) -> _Ground | Refusal:
    row = read.get(Cube, cube)
    asset = read.get(Asset, row.asset) if row else None
    if row is None or asset is None or rights.held(read, by, asset.id, "operate", at) is None:
        return refuse(
            "registry.unknown", "the cube was not built", f"there is no cube `{cube}` that `{by}` may build",
            remedy="look at the list of cubes, or declare it first",
        )  # fmt: skip
    if asset.version != row.version:
        return refuse(
            "privacy.cube", "the cube was not built", f"`{asset.id}` has other data now than those it was declared of",
            remedy="declare another cube",
        )  # fmt: skip
    persons, members = pool.persons(read, asset), pool.members(read, asset, at)
    # No circumstances: who set limits to her consent is in no cube, for nobody can hold them once it is out.
    population = consent.population(read, asset.id, row.purpose, persons, None, members)
    others = {other.id: other for other in read.list(Cube, asset=asset.id) if other.version == row.version}
    before = tuple(
        (built, others[built.cube]) for built in read.list(CubeBuild, asset=asset.id) if built.cube in others
    )
    return _Ground(row, asset, population, persons, before)


def _earlier(
    node: Node, plan: CubePlan, ground: _Ground, built: CubeBuild, of: Cube, population: bytes, figures: bytes
) -> Earlier:
    """An earlier build, held against this one: who came or left in between, and in which cells."""
    size = len(ground.population)
    between = int.from_bytes(population, "little") ^ int.from_bytes(ground.population, "little")
    moved = node.engine.tally(plan, between.to_bytes(size, "little"), ground.persons).cells
    persons = {place: cell.persons for place, cell in moved.items()}
    told = cubes.read_figures(figures)
    if of.id == ground.cube.id:
        shown = {place: dict(enumerate(each)) for place, each in told.items()}
        return Earlier(shown, set(places(plan.shape)) - set(told), persons, True)
    grand, there = (TOTAL,) * len(plan.keys), (TOTAL,) * len(of.keys)
    if there not in told:
        return Earlier({}, {grand}, persons, False)
    common = [
        (1 + ground.cube.sums.index(name), 1 + of.sums.index(name)) for name in of.sums if name in ground.cube.sums
    ]
    return Earlier({grand: {mine: told[there][theirs] for mine, theirs in [(0, 0), *common]}}, (), persons, False)


def _record(
    ground: _Ground, by: str, tallied: Tallied, figures: bytes, shown: int, tx: Transaction
) -> CubeBuilt | None:
    """The fact; None if what the build rests on is not so any more."""
    if _ground(tx, ground.cube.id, by, tx.now) != ground:
        return None
    cells = sum(1 for _ in places(cubes.plan(ground.cube, ground.asset).shape))
    fact = CubeBuilt(
        ground.cube.id, ground.cube.builds, tx.attach("application/vnd.usufruct.population.v1", ground.population),
        tx.attach("application/vnd.usufruct.cube.v1+json", figures),
        tx.attach("application/vnd.usufruct.contributions.v1", tallied.contributions), cells - shown,
    )  # fmt: skip
    tx.append(fact)
    return fact


@dataclass(frozen=True, slots=True)
class _Told:
    """What of a cube is let out: the figures as they were built, and whose rows they are of."""

    cube: Cube
    at: Instant
    figures: dict[Place, tuple[int, ...]]
    contributions: bytes


def get(node: Node, cube: str, wanted: Wanted) -> Answered[Answer] | Refused:
    """Lets the newest build of a cube out for a purpose, or refuses; either way it is a fact when this returns."""
    return carry_out(node, wanted, partial(_decide, node, cube), _work)


def _decide(node: Node, cube: str, tx: Transaction, wanted: Wanted) -> Decided[_Told, Answer]:
    row = tx.get(Cube, cube)
    if row is None or not in_force(tx, wanted.requester, row.asset, tx.now):
        return None, refuse(
            "registry.unknown", REFUSED, f"there is no cube `{cube}` that is open to you",
            remedy="look at the list of cubes; an agreement on the asset opens its cubes",
        )  # fmt: skip
    columns = (*row.keys, *row.sums)
    request = Request(
        wanted.requester, row.asset, wanted.purpose, "cubes", columns, (), wanted.actors, wanted.signed,
        agreement=wanted.agreement,
    )  # fmt: skip
    permit = decide(tx, request, tx.now)
    if isinstance(permit, Refusal):
        return request, permit
    if not purposes.covers(row.purpose, permit.purpose):
        return request, refuse(
            "access.purpose", REFUSED, f"the cube `{cube}` is about those who allow {row.purpose}, not {permit.purpose}",
            remedy=f"ask for {row.purpose}, if that is what it is for",
        )  # fmt: skip
    if permit.agreement.terms.ask_first:
        return request, refuse(
            "privacy.cube", REFUSED, f"`{permit.agreement.id}` is about those who were asked first, the cube is not",
            remedy="ask for noisy totals, which count only those who said yes",
        )  # fmt: skip
    built = tx.get(CubeBuild, cube, row.builds - 1) if row.builds else None
    if built is None or row.least < permit.group_min:
        return request, refuse(
            "privacy.cube", REFUSED, f"the cube `{cube}` was not built, or its grades are stricter since",
            remedy=f"ask `{permit.agreement.provider}` to build it, or for another one",
        )  # fmt: skip
    gone = {one.number for erased in tx.list(ErasedPerson) for one in erased.removed if one.asset == row.asset}
    population = _without(tx.evidence(built.population), gone)
    population += bytes(len(permit.population) - len(population))  # of those who joined a pool since nobody is in
    counted = array("I")
    counted.frombytes(tx.evidence(built.contributions))
    for number in gone & set(range(len(counted))):
        counted[number] = 0
    told = _Told(row, built.at, cubes.read_figures(tx.evidence(built.figures)), counted.tobytes())
    tick = ticks.length(node.rulebook, tx.now, permit.asset.quality.rows)
    return request, Deed(((request, permit),), told, f"the cube {cube}", tick, form=request.form, built=population)


def _work(admitted: Admitted[_Told], populations: tuple[bytes, ...]) -> Ran[Answer]:
    told, permit = admitted.deed.plan, admitted.deed.permit
    notes = (f"as built on {told.at[:10]}", *records.obligations(permit, admitted.uses[0]))
    plan = cubes.plan(told.cube, permit.asset)
    return Ran(cubes.answer(plan, told.cube, told.figures, notes), (told.contributions,))


def _without(population: bytes, numbers: set[int]) -> bytes:
    """A population without those whose records were erased."""
    bits = bytearray(population)
    for number in numbers:
        if number // 8 < len(bits):
            bits[number // 8] &= ~(1 << number % 8)
    return bytes(bits)


@dataclass(frozen=True, slots=True)
class Listed:
    """A cube as it stands, its newest build, and whether who looks may build it."""

    cube: Cube
    asset: Asset
    built: CubeBuild | None
    operated: bool


def listed(node: Node, party: str) -> tuple[Listed, ...]:
    """The cubes that a party may ask for or build: those of assets that it has an agreement on, or operates."""
    now = node.clock.now()
    with node.store.read() as state:
        found = []
        for row in state.list(Cube):
            asset = state.get(Asset, row.asset)
            operates = rights.held(state, party, row.asset, "operate", now) is not None
            if asset is not None and (operates or in_force(state, party, row.asset, now)):
                built = state.get(CubeBuild, row.id, row.builds - 1) if row.builds else None
                found.append(Listed(row, asset, built, operates))
        return tuple(found)
