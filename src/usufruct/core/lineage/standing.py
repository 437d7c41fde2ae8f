"""What an asset is on a given day: how its columns are graded, what it may be used for, and what it never may.

A card is signed once, but what it claims may rest on what ends: the evidence that something was anonymised is withdrawn,
or holds for a year. So nothing that a card inherits is written into it. It is worked out whenever somebody asks, along
the whole chain, from what stands at that moment:

- A column is graded as its card says, but never below the highest grade of the columns it comes of, unless a transform
  that stands lowers it; and no transform reaches below the floors of the table of grades, or grades 5 and 6.
- Two sources of personal data that are joined tell more than both, and so do data about very many: they count for more
  than their columns, as the table says. What a transform lowers was assessed as it is, and is not raised.
- It may be used for what all of its inputs may be used for, or a transform that stands has opened.
- What is prohibited for one of its inputs is prohibited for it. No transform takes that away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.lineage.state import Transform
from usufruct.core.registry import pool
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import BY_NAME, Table, in_force

NEVER_LOWERED = 5  # from this grade on no transform counts
_PERSONAL = BY_NAME["personal"].number


def standing(read: Reader, asset: Asset, at: Instant) -> Asset:
    """The asset with the grades, purposes and prohibitions that it has at `at`; a decision reads these, not the card's."""
    table = in_force(at)
    if not asset.derived_from and pool.persons(read, asset) < table.volume_persons:
        return asset
    found: dict[str, Asset] = {}
    for each in _chain(read, asset):
        found[each.id] = _stands(read, each, [found[name] for name in each.derived_from], at, table)
    return found[asset.id]


def rests_on(read: Reader, asset: Asset) -> tuple[int, ...]:
    """The numbers of the facts that say how the asset stands: its own, its inputs' and their transforms'."""
    found = set()
    for each in _chain(read, asset) if asset.derived_from else [asset]:
        transform = read.get(Transform, each.transform) if each.transform else None
        found |= {each.seq, transform.seq} if transform else {each.seq}
    return tuple(sorted(found))


def _chain(read: Reader, asset: Asset) -> list[Asset]:
    """The asset and all that it was made of, each after its inputs: they were registered before it."""
    found, waiting = {asset.id: asset}, list(asset.derived_from)
    while waiting:
        name = waiting.pop()
        if name not in found:
            row = read.get(Asset, name)
            assert row is not None, "an asset outlives what was made of it"
            found[name] = row
            waiting += row.derived_from
    return sorted(found.values(), key=lambda row: row.seq)


def _stands(read: Reader, asset: Asset, inputs: Sequence[Asset], at: Instant, table: Table) -> Asset:
    transform = stands(read, asset.transform, at)
    steps = _raise(read, asset, inputs, table)
    columns = tuple(replace(c, grade=_graded(c, inputs, transform, steps, table)) for c in asset.columns)
    allowed = allows(inputs, transform)
    prohibited = {*asset.prohibited, *(purpose for source in inputs for purpose in source.prohibited)}
    return replace(
        asset, columns=columns, purposes=purposes.meet(asset.purposes, allowed), prohibited=tuple(sorted(prohibited))
    )


def stands(read: Reader, name: str, at: Instant) -> Transform | None:
    """The transform of that name, if its evidence holds at `at`."""
    transform = read.get(Transform, name) if name else None
    return transform if transform is not None and at < transform.until else None


def _graded(column: Column, inputs: Sequence[Asset], transform: Transform | None, steps: int, table: Table) -> int:
    found = max(inherited(column, inputs))[0] if inputs else column.grade
    least = lowered(found, transform, table)
    if least == found >= _PERSONAL:
        least = max(found, min(table.raise_cap, found + steps))
    return max(column.grade, least)


def lowered(found: int, transform: Transform | None, table: Table) -> int:
    """The lowest grade that something made by `transform` of data graded `found` may have."""
    if transform is None or transform.lowers_grade_to is None or found >= NEVER_LOWERED:
        return found
    return min(found, max(transform.lowers_grade_to, floor(transform.kind, table)))


def floor(kind: str, table: Table) -> int:
    """The lowest grade that a transform of that kind can reach."""
    return {"pseudonymisation": table.pseudonymised_floor, "anonymisation": table.anonymised_floor}.get(kind, 0)


def _raise(read: Reader, asset: Asset, inputs: Sequence[Asset], table: Table) -> int:
    """By how much its personal data count for more than where they come from."""
    personal = [source for source in inputs if any(column.grade >= _PERSONAL for column in source.columns)]
    grown = pool.persons(read, asset) >= table.volume_persons
    grew_before = any(pool.persons(read, source) >= table.volume_persons for source in inputs)
    return table.join_raise * (len(personal) > 1) + table.volume_raise * (grown and not grew_before)


def inherited(column: Column, inputs: Sequence[Asset]) -> Iterator[tuple[int, str]]:
    """The grade and name of each column that a column comes of: those it names, else all columns of all inputs.

    Raises:
        BadInput: it names a column that none of the inputs has.
    """
    if not column.origins:
        for asset in inputs:
            yield from ((c.grade, f"{asset.id}.{c.name}") for c in asset.columns)
    for name in column.origins:
        asset_id, _, column_name = name.partition(".")
        grades = [c.grade for asset in inputs if asset.id == asset_id for c in asset.columns if c.name == column_name]
        if not grades:
            raise BadInput(
                "input.card", f"column `{column.name}` comes of `{name}`, which no input has",
                "write `asset.column`, with an asset that `derived_from` names",
            )  # fmt: skip
        yield grades[0], name


def allows(inputs: Sequence[Asset], transform: Transform | None) -> tuple[str, ...]:
    """What something made of `inputs` may be used for."""
    allowed: tuple[str, ...] = (purposes.ROOT,)
    for asset in inputs:
        allowed = purposes.meet(allowed, asset.purposes)
    return purposes.broadest((*allowed, *(transform.purposes if transform else ())))
