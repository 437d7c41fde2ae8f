"""Pools: members' grants, put together under a charter.

Nobody gives her data away to a pool. A member has a cell of her own, of which she is the source; she grants the
cooperative the rights to use and to operate it, within the charter, and her rows are in the pool for as long as these
two rights are good. So a pool is no second way of holding data, and needs no second way of taking them back: whichever
fact ends one of the rights, her leaving, a revocation, a release, an erasure, the fold of that very fact takes her out of
the set of those who are *in*, and the next decision reads that set. What is over is over: to come back she joins again.

The rights do not let the cooperative pass the cell itself on. What others may use is the pool, whose source is the group
of its members.

How many are in is told in steps, and who they are to nobody. A refusal that a member gets is about her own cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.bitmaps import CHUNK, joined, with_one, without
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry import rights
from usufruct.core.registry.charter import Charter, PoolFounded
from usufruct.core.registry.facts import Column, PersonErased, PersonsEnrolled
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.registry.rights import Limits
from usufruct.core.registry.state import Asset, Person, Right, written_anew
from usufruct.core.rulebook import purposes

NOT_JOINED = "you did not join"


@dataclass(frozen=True, slots=True)
class PoolJoined(Fact):
    """A member is in a pool, under this `number`, with a `cell` of hers, on which the cooperative has the rights `use` and
    `operate` from her; she read the charter of that digest."""

    KIND = "pool.joined/1"
    pool: str
    party: str
    number: int
    cell: str
    use: str
    operate: str
    charter: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class PoolStored(Fact):
    """The table of a pool was written anew, and the SHA-256 of it is `stored` since; it is `without` the rows of those
    numbers, who are not in any more. It says nothing of who they are, and so it outlives their erasure."""

    KIND = "pool.stored/1"
    pool: str
    stored: str
    without: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool(Row):
    """A pool now: how many numbers of `persons` were given, how many `members` are in, what is `stored`."""

    KEY = ("asset",)
    asset: str
    persons: int = 0
    members: int = 0
    stored: str = ""


@dataclass(frozen=True, slots=True)
class PoolChunk(Row):
    """Who among the persons `chunk * CHUNK` and following is in; see `core.base.bitmaps`."""

    KEY = ("pool", "chunk")
    INDEXED = ("pool",)
    pool: str
    chunk: int
    members: str = ""


IN, LEFT, GONE = "in", "left", "gone"


@dataclass(frozen=True, slots=True)
class Membership(Row):
    """A member's place in a pool, see `PoolJoined`: she is `in`, or has `left` and her rows are in the table still, or they
    are `gone`."""

    KEY = ("pool", "number")
    INDEXED = ("pool", "party", "cell", "standing")
    pool: str
    number: int
    party: str
    cell: str
    use: str
    operate: str
    charter: str
    standing: str
    since: Instant
    seq: int


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact changes about a pool, or about the rights that its rows rest on."""
    match entry.fact:
        case PoolFounded() as fact:
            yield Charter(
                fact.pool, fact.cooperative, fact.words, fact.digest, fact.price, fact.currency, fact.until, entry.at,
                entry.seq,
            )  # fmt: skip
            yield Pool(fact.pool)
        case PersonsEnrolled() as fact:
            pool = read.get(Pool, fact.asset)
            if pool is not None:
                yield replace(pool, persons=max(pool.persons, fact.first + len(fact.persons)))
        case PoolJoined() as fact:
            yield Membership(
                fact.pool,
                fact.number,
                fact.party,
                fact.cell,
                fact.use,
                fact.operate,
                fact.charter,
                IN,
                entry.at,
                entry.seq,
            )
            yield from _counted(read, fact.pool, fact.number, 1)
        case PoolStored() as fact:
            yield replace(_pool(read, fact.pool), stored=fact.stored)
            yield written_anew(read, fact.pool, fact.stored)
            for number in fact.without:
                member = read.get(Membership, fact.pool, number)
                if member is not None:  # who was erased since has no place that could be changed
                    yield from _ended(read, member, GONE)
        case RightRevoked() | RightReleased() | RightTransferred() | RightPledged() as fact:
            for member in tuple(read.list(Membership, cell=fact.asset)):
                if member.standing == IN and not granted(read, member, entry.at):
                    yield from _ended(read, member, LEFT)
        case PersonErased() as fact:
            for removed in fact.removed:
                pool = read.get(Pool, removed.asset)
                if pool is not None:
                    yield replace(pool, stored=removed.stored)
            for member in tuple(read.list(Membership, party=fact.party)):
                yield from _ended(read, member, GONE)
        case _:
            return


def _ended(read: Reader, member: Membership, standing: str) -> Iterator[Row]:
    yield replace(member, standing=standing)
    if member.standing == IN:
        yield from _counted(read, member.pool, member.number, -1)


def _counted(read: Reader, pool: str, number: int, change: int) -> Iterator[Row]:
    found = _pool(read, pool)
    yield replace(found, members=found.members + change)
    chunk = read.get(PoolChunk, pool, number // CHUNK) or PoolChunk(pool, number // CHUNK)
    yield replace(chunk, members=(with_one if change > 0 else without)(chunk.members, number))


def _pool(read: Reader, name: str) -> Pool:
    pool = read.get(Pool, name)
    assert pool is not None, "a pool is there before anybody joins it"
    return pool


def granted(read: Reader, member: Membership, at: Instant) -> bool:
    """Whether the rights by which a member is in are good, and still the cooperative's."""
    charter = read.get(Charter, member.pool)
    found = [read.get(Right, id) for id in (member.use, member.operate)]
    return charter is not None and all(
        right is not None and right.grantee == charter.cooperative and rights.chain(read, right, at) is not None
        for right in found
    )


def to_take_out(read: Reader, charter: Charter, at: Instant) -> Iterator[int]:
    """The numbers of those whose rows are in the table of a pool and who are not in any more: they left, or the charter ran
    out, and with it what they granted."""
    over = (LEFT, IN) if charter.until <= at else (LEFT,)
    for standing in over:
        yield from (member.number for member in read.list(Membership, pool=charter.pool, standing=standing))


# ---- what a decision reads


def persons(read: Reader, asset: Asset) -> int:
    """How many persons' numbers an asset has. A pool's are not in its card, which would tell who joined when."""
    pool = read.get(Pool, asset.id) if asset.charter else None
    return asset.quality.persons if pool is None else pool.persons


def members(read: Reader, asset: Asset, at: Instant) -> bytes | None:
    """Who is in a pool at `at`, as a bitmap; nobody once its charter has run out. None for an asset that is no pool."""
    if not asset.charter:
        return None
    charter = read.get(Charter, asset.id)
    bits = 0
    if charter is not None and at < charter.until:
        bits = joined((chunk.chunk, chunk.members) for chunk in read.list(PoolChunk, pool=asset.id))
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def is_in(read: Reader, pool: str, number: int) -> bool:
    """Whether the person of a number is in a pool."""
    member = read.get(Membership, pool, number)
    return member is not None and member.standing == IN


def told(count: int, step: int) -> str:
    """How many members a pool has, as everybody may know it."""
    known = count // step * step
    return f"at least {known} members" if known else f"fewer than {step} members"


# ---- joining and leaving


@dataclass(frozen=True, slots=True)
class Joining:
    """What a member's joining comes to: her `cell`, and her `number`, which is `new` the first time."""

    pool: Asset
    charter: Charter
    cell: Asset
    number: int
    new: bool

    def limits(self) -> Limits:
        """How far the rights go that she grants: to the charter's purposes, columns and end, and not to others."""
        columns = tuple(column.name for column in brought(self.pool, self.cell))
        return Limits(self.charter.until, purposes=self.pool.purposes, columns=columns)


def join(read: Reader, name: str, party: str, cell_name: str, shown: str, at: Instant) -> Joining | Refusal:
    """Whether a member can join a pool with a cell; `shown` is the digest of the charter that she read.

    Her rights are looked at by whoever grants them, and her consent by whoever records it.
    """
    pool, charter, cell = read.get(Asset, name), read.get(Charter, name), own_cell(read, party, cell_name)
    if pool is None or charter is None:
        return refuse("registry.unknown", NOT_JOINED, f"there is no pool `{name}`", remedy="see the pools of this node")
    if cell is None:
        return refuse(
            "registry.unknown", NOT_JOINED, f"you have no cell `{cell_name}`", remedy="take its name from your page"
        )
    if charter.until <= at:
        return refuse(
            "pool.ended", NOT_JOINED, f"the charter of `{name}` ran out on {charter.until[:10]}",
            remedy="ask the cooperative whether there is another pool",
        )  # fmt: skip
    refusal = _already(read, name, party, cell) or _misfit(pool, cell)
    if refusal is not None:
        return refusal
    if shown != charter.digest:
        return refuse(
            "consent.notice", NOT_JOINED, "what you were shown is not the charter of this pool",
            remedy="read the charter as it is, and send back its digest",
        )  # fmt: skip
    known = next((person.number for person in read.list(Person, asset=name, party=party)), None)
    return Joining(pool, charter, cell, persons(read, pool) if known is None else known, known is None)


def own_cell(read: Reader, party: str, name: str) -> Asset | None:
    """A party's own cell of that name; None for whatever is somebody else's, or nothing."""
    cell = read.get(Asset, name)
    about = None if cell is None or cell.source != party else read.get(Person, name, 0)
    return cell if about is not None and about.party == party else None


def place(read: Reader, pool: str, party: str) -> Membership | None:
    """A person's place in a pool, if she is in."""
    return next(read.list(Membership, pool=pool, party=party, standing=IN), None)


def _already(read: Reader, pool: str, party: str, cell: Asset) -> Refusal | None:
    if place(read, pool, party) is not None:
        return refuse("registry.exists", NOT_JOINED, f"you are in `{pool}` already", remedy="see it on your page")
    for member in read.list(Membership, party=party, standing=IN):
        if member.cell == cell.id:
            return refuse(
                "registry.exists", NOT_JOINED, f"`{cell.id}` is in the pool `{member.pool}`",
                remedy="leave that first: what may be learnt from a cell is counted in one pool",
            )  # fmt: skip
    return None


def _misfit(pool: Asset, cell: Asset) -> Refusal | None:
    found = tuple(misfits(pool, cell))
    return refuse(
        "pool.fit", NOT_JOINED, *found,
        remedy="deposit your data again with columns, types and grades as the charter has them",
    ) if found else None  # fmt: skip


def misfits(pool: Asset, cell: Asset) -> Iterator[str]:
    """Why a cell cannot be brought into a pool, as its owner is told it. Nothing is read of its rows."""
    for wanted in _wanted(pool):
        has = cell.column(wanted.name)
        if has is None or has.name == cell.person_column:
            yield f"`{cell.id}` has no column `{wanted.name}`"
        elif not _holds(wanted, has):
            yield f"`{has.name}` holds {_held(has)} in your cell, and {_held(wanted)} by the charter"
        elif has.grade > wanted.grade:
            yield f"`{has.name}` is of grade {has.grade} in your cell, and of {wanted.grade} by the charter"
    for purpose in pool.purposes:
        if not any(purposes.covers(allowed, purpose) for allowed in cell.purposes):
            yield f"your cell may not be used for {purpose}"
    for never in cell.prohibited:
        related = any(purposes.covers(p, never) or purposes.covers(never, p) for p in pool.purposes)
        if related and not any(purposes.covers(one, never) for one in pool.prohibited):
            yield f"your cell may never be used for {never}, and the charter does not rule it out"


def brought(pool: Asset, cell: Asset) -> tuple[Column, ...]:
    """The columns of a fitting cell that go into the pool, in the order of the charter."""
    found = [cell.column(wanted.name) for wanted in _wanted(pool)]
    return tuple(column for column in found if column is not None)


def _wanted(pool: Asset) -> Iterator[Column]:
    return (column for column in pool.columns if column.name != pool.person_column)


def _holds(wanted: Column, has: Column) -> bool:
    """Whether every value of a cell's column is one of the charter's, or becomes one without loss."""
    if wanted.type == "decimal":
        return has.type in ("integer", "decimal") and has.decimals <= wanted.decimals
    return has.type == wanted.type


def _held(column: Column) -> str:
    return f"{column.type}s" + (f" with {column.decimals} decimals" if column.decimals else "")


def leave(read: Reader, name: str, party: str) -> Membership | Refusal:
    """The place that a member gives up. What she does not have is refused like a pool that is not there."""
    return place(read, name, party) or refuse(
        "registry.unknown", "nothing was changed", f"you are in no pool `{name}`", remedy="see the pools on your page"
    )
