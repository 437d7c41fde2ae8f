"""Cubes: tables of totals that are declared beforehand, built rarely, and let out as they were built.

What a user may ask freely is answered with noise. A cube is the other way: exact figures, and nobody chooses them in view
of anyone. Its steward declares once which keys (columns with a public list of values) it has, what is counted and added
up, and for which purpose; it is built from the rows of those who allow that purpose, without conditions; cells about too
few, or that one person makes up too much of, are withheld with what is needed to hide them (see `suppression`).

What was published stays published, so every build is held against all before it. Subtracting two tables shows whoever
came or left in between. So a cube is built again only if at least `least` persons did; a cell that would change because of
fewer is withheld; what was withheld stays so until enough have moved in it; and what is known already is not relied upon
to hide something else. A column is the key of one cube only: two cubes of an asset have nothing in common but their grand
total, and tables that share only that cannot be put together (any two that agree on it fit into one).

A build is a publication. A no that comes later counts from the next build on: to take one person out of a table that
others have would show exactly her. Until then each delivery stands on her page and pays her as the build counted her.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import decimal
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.release import Answer, Cell
from usufruct.core.privacy.suppression import TOTAL, Figures, Place, Tableau, places, withhold
from usufruct.core.registry import rights
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import Table
from usufruct.core.rulebook.parameters import Rulebook

KEYS_MOST = 4
_NOT_DECLARED = "the cube was not declared"
_NOT_BUILT = "the cube was not built"


@dataclass(frozen=True, slots=True)
class CubeDeclared(Fact):
    """A cube of this version of an asset: persons are counted, and `sums` added up, by `keys`, for `purpose`. A figure
    stands for at least `least` persons, and nobody makes up more than `share` per cent of a sum."""

    KIND = "cube.declared/1"
    cube: str
    asset: str
    version: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    purpose: str
    least: int
    share: int
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class CubeBuilt(Fact):
    """The cube was built for the `number`-th time, counted from 0. `population` is the sealed bitmap of the persons whose
    rows are in it, `figures` the sealed cells that are shown, `contributions` the sealed rows that each person counted for;
    `withheld` is how many cells are not shown."""

    KIND = "cube.built/1"
    cube: str
    number: int
    population: str
    figures: str
    contributions: str
    withheld: int


@dataclass(frozen=True, slots=True)
class Cube(Row):
    """See `CubeDeclared`; `builds` counts how often it was built."""

    KEY = ("id",)
    INDEXED = ("asset",)
    id: str
    asset: str
    version: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    purpose: str
    least: int
    share: int
    since: Instant
    builds: int = 0


@dataclass(frozen=True, slots=True)
class CubeBuild(Row):
    """See `CubeBuilt`, the fact number `seq`."""

    KEY = ("cube", "number")
    INDEXED = ("asset",)
    cube: str
    number: int
    asset: str
    population: str
    figures: str
    contributions: str
    withheld: int
    at: Instant
    seq: int


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about cubes changes."""
    match entry.fact:
        case CubeDeclared() as fact:
            yield Cube(
                fact.cube,
                fact.asset,
                fact.version,
                fact.keys,
                fact.sums,
                fact.purpose,
                fact.least,
                fact.share,
                entry.at,
            )
        case CubeBuilt() as fact:
            cube = read.get(Cube, fact.cube)
            assert cube is not None and cube.builds == fact.number
            yield replace(cube, builds=fact.number + 1)
            yield CubeBuild(
                fact.cube, fact.number, cube.asset, fact.population, fact.figures, fact.contributions, fact.withheld,
                entry.at, entry.seq,
            )  # fmt: skip
        case _:
            return


@dataclass(frozen=True, slots=True)
class CubePlan:
    """What the engine works out: for each cell of the `keys` persons and `sums`, from which a person counts for at most
    `rows_per_person` rows as her contribution."""

    asset: str
    version: str
    keys: tuple[Column, ...]
    sums: tuple[Column, ...]
    rows_per_person: int

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each key has."""
        return tuple(len(key.values) for key in self.keys)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the columns of the cube are called."""
        return (*(key.name for key in self.keys), "count", *(f"sum_{column.name}" for column in self.sums))


@dataclass(frozen=True, slots=True)
class Tallied:
    """Exact figures for each cell of a cube, still inside the trust boundary, and the bounded rows per person (see
    `measure.contributions`)."""

    cells: dict[Place, Figures]
    contributions: bytes


def plan(cube: Cube, asset: Asset) -> CubePlan:
    """How a cube is worked out."""
    keys, sums = ([c for name in names if (c := asset.column(name))] for names in (cube.keys, cube.sums))
    assert (len(keys), len(sums)) == (len(cube.keys), len(cube.sums)), "it was declared of this version"
    return CubePlan(cube.asset, cube.version, tuple(keys), tuple(sums), asset.rows_per_person)


# ---- declaring


def declare(
    read: Reader, cube: str, asset: Asset | None, keys: tuple[str, ...], sums: tuple[str, ...], purpose: str, least: int,
    by: str, rulebook: Rulebook, table: Table, at: Instant,
) -> CubeDeclared | Refusal:  # fmt: skip
    """A cube of the asset as it stands, by whoever may operate it; its figures stand for at least `least` persons, and
    for as many as grades and rulebook say.

    Raises:
        BadInput: the name, the purpose, the keys or the number of persons cannot be.
    """
    checked(cube, "a cube")
    purpose = purposes.checked(purpose)
    if asset is None or rights.held(read, by, asset.id, "operate", at) is None:
        return refuse(
            "registry.unknown", _NOT_DECLARED, f"there is no such asset that `{by}` may operate",
            remedy="look at the list of assets; only who may operate one declares cubes of it",
        )  # fmt: skip
    if read.get(Cube, cube) is not None:
        return refuse(
            "registry.exists", _NOT_DECLARED, "a cube of that name is there already", remedy="choose another name"
        )
    if not 1 <= len(keys) <= KEYS_MOST or len({name.lower() for name in keys}) < len(keys):
        raise BadInput("input.cube", f"a cube has 1 to {KEYS_MOST} keys, each once", "name the columns to count by")
    if not 0 <= least <= 10_000:
        raise BadInput("input.cube", f"`{least}` persons cannot be asked for", "name a number from 0 to 10000")
    columns = _columns(asset, keys, sums, table)
    if isinstance(columns, Refusal):
        return columns
    person = asset.column(asset.person_column)
    assert person is not None
    floor = max(table.grades[column.grade].group_min for column in (*columns, person))
    declared = CubeDeclared(
        cube, asset.id, asset.version, tuple(c.name for c in columns[: len(keys)]),
        tuple(c.name for c in columns[len(keys) :]), purpose, max(least, floor, rulebook.value("cubes.persons-min", at)),
        rulebook.value("cubes.share-percent-max", at), by,
    )  # fmt: skip
    return _fits(read, declared, asset, rulebook.value("cubes.cells-max", at)) or declared


def _columns(asset: Asset, keys: Sequence[str], sums: Sequence[str], table: Table) -> tuple[Column, ...] | Refusal:
    """The columns of a cube, keys first; or why they cannot be."""
    found = []
    for place, name in enumerate((*keys, *sums)):
        column, is_key = asset.column(name), place < len(keys)
        if column is None or column.name == asset.person_column:
            there = ", ".join(c.name for c in asset.columns if c.name != asset.person_column)
            return refuse(
                "privacy.column", _NOT_DECLARED, f"`{asset.id}` has no column `{name}` to count by, or to add up",
                remedy=f"its columns are {there}",
            )  # fmt: skip
        if is_key and len(column.values) < 2:
            return refuse(
                "privacy.key", _NOT_DECLARED, f"`{column.name}` has no public list of two values or more",
                remedy="count by a column that has one",
            )  # fmt: skip
        if not is_key and (column.low is None or column.low < 0 or column.values):
            return refuse(
                "privacy.measure", _NOT_DECLARED, f"`{column.name}` has no public bounds, or can be negative",
                remedy="add up a column between public bounds from 0 on, for only that can be protected",
            )  # fmt: skip
        found.append(column)
    person = asset.column(asset.person_column)
    if person is None:
        return refuse(
            "registry.no-person-column", _NOT_DECLARED, f"`{asset.id}` is about nobody", remedy="let it out as rows"
        )
    closed = [c.name for c in (*found, person) if "cubes" not in table.grades[c.grade].forms]
    if closed:
        return refuse(
            "access.form", _NOT_DECLARED, f"{', '.join(closed)}: graded so that cubes never leave the node",
            remedy="leave these columns out; ask for noisy totals instead",
        )  # fmt: skip
    return tuple(found)


def _fits(read: Reader, declared: CubeDeclared, asset: Asset, most: int) -> Refusal | None:
    """Why a cube cannot stand beside the others, or is too large."""
    there = [cube for cube in read.list(Cube, asset=asset.id) if cube.version == asset.version]
    taken = {key: cube.id for cube in there for key in cube.keys}
    if twice := [key for key in declared.keys if key in taken]:
        return refuse(
            "privacy.cube", _NOT_DECLARED, f"`{twice[0]}` is a key of the cube `{taken[twice[0]]}`, and two cubes that share "
            "a key could be put together", remedy="declare one cube by all the keys that are wanted, once",
        )  # fmt: skip
    columns = [asset.column(name) for name in declared.keys]
    cells = math.prod(len(column.values) + 1 for column in columns if column)
    if cells > most:
        return refuse(
            "privacy.cells", _NOT_DECLARED, f"it has {cells} cells with their totals; at most {most} are allowed",
            remedy="count by fewer columns",
        )  # fmt: skip
    labels = [*declared.keys, "count", *(f"sum_{name}" for name in declared.sums)]
    if len(set(labels)) < len(labels):
        raise BadInput("input.cube", "two columns of the cube would have one name", "leave one of them out")
    return None


# ---- building


@dataclass(frozen=True, slots=True)
class Earlier:
    """A build that is held against a new one: the figures that it showed, by the index of the figure in the new one, the
    cells that it withheld, and how many persons moved in each cell between the two. `same_cube` unless it is of another
    cube, which has only the grand total in common."""

    shown: Mapping[Place, Mapping[int, int]]
    withheld: Collection[Place]
    moved: Mapping[Place, int]
    same_cube: bool


def shown(tableau: Tableau, earlier: Sequence[Earlier]) -> Mapping[Place, tuple[int, ...]] | Refusal:
    """The figures that a new build shows; or why there is none."""
    grand = (TOTAL,) * len(tableau.shape)
    if any(before.same_cube and before.moved.get(grand, 0) < tableau.least for before in earlier):
        return refuse(
            "privacy.cube", _NOT_BUILT, f"fewer than {tableau.least} persons came or left since it was built before",
            remedy="let it stand as it is, and build it again when more have changed",
        )  # fmt: skip
    also: set[Place] = set()
    known: set[Place] = set()
    for before in earlier:
        _compare(tableau, before, also, known)
    beside = "what was published before cannot be hidden again"
    if any(tableau.too_small(place) for place in known):
        return _cannot(beside)
    withheld = withhold(tableau, also - known, known)
    if withheld is None:
        return _cannot(beside)
    found = {p: tableau.cells[p].told for p in places(tableau.shape) if p not in withheld}
    return found or _cannot(f"no figure in it could be shown: they stand for fewer than {tableau.least} persons")


def _compare(tableau: Tableau, before: Earlier, also: set[Place], known: set[Place]) -> None:
    """What an earlier build demands of a new one: cells to be withheld `also`, and those that are `known`."""
    for place, figures in before.shown.items():
        told = tableau.cells[place].told
        if all(told[index] == figure for index, figure in figures.items()):
            known.add(place)
        elif before.moved.get(place, 0) < tableau.least:
            also.add(place)
    also.update(place for place in before.withheld if before.moved.get(place, 0) < tableau.least)


def _cannot(reason: str) -> Refusal:
    return refuse(
        "privacy.cube",
        _NOT_BUILT,
        reason,
        remedy="count by fewer or coarser keys, or wait until more persons have changed",
    )


def write(figures: Mapping[Place, tuple[int, ...]]) -> bytes:
    """The cells that are shown, as canonical bytes."""
    return canonical.encode({"shown": [[list(place), list(told)] for place, told in sorted(figures.items())]})


def read_figures(data: bytes) -> dict[Place, tuple[int, ...]]:
    """The cells that were written."""
    value: dict[str, list[tuple[list[int], list[int]]]] = canonical.decode(data)  # type: ignore[assignment]
    return {tuple(place): tuple(told) for place, told in value["shown"]}


# ---- letting out


def answer(plan: CubePlan, cube: Cube, figures: Mapping[Place, tuple[int, ...]], notes: tuple[str, ...]) -> Answer:
    """The cube as it leaves: a row for each cell with its margins. A key that is null stands for its total, a figure that
    is null is withheld."""
    rows = []
    for place in places(plan.shape):
        keys: list[Cell] = [None if at == TOTAL else key.values[at] for at, key in zip(place, plan.keys, strict=True)]
        told = figures.get(place)
        measures: list[Cell] = [None] * (1 + len(plan.sums))
        if told is not None:
            sums = (decimal(sum_, column.decimals) for sum_, column in zip(told[1:], plan.sums, strict=True))
            measures = [str(told[0]), *sums]
        rows.append((*keys, *measures))
    said = [
        f"a figure is withheld where it stands for fewer than {cube.least} persons, where one person makes up more than "
        f"{cube.share} % of a sum, or where it would give such a figure away",
        "a person counts once in each combination of keys that she is in; a total adds these up",
        "an empty key is its total, an empty figure is withheld",
    ]
    if plan.sums:
        said.append("values outside the public bounds of a column count as the nearer end")
    return Answer(plan.labels, tuple(rows), plan.labels[len(plan.keys) :], (*said, *notes), 0)
