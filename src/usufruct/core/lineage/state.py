"""The chain as it stands: steps, transforms, and what comes directly of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.lineage.facts import StepRecorded, TransformEnded, TransformRegistered
from usufruct.core.registry.facts import AssetRegistered


@dataclass(frozen=True, slots=True)
class Step(Row):
    """See `StepRecorded`; `seq` is the fact. What it was made of and what it made are links."""

    KEY = ("id",)
    id: str
    kind: str
    by: str
    how: str
    purpose: str
    evidence: str
    at: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class Transform(Row):
    """See `TransformRegistered`; `until` is when it ends, or was ended."""

    KEY = ("id",)
    id: str
    title: str
    kind: str
    inputs: tuple[str, ...]
    evidence: str
    authority: str
    by: str
    lowers_grade_to: int | None
    purposes: tuple[str, ...]
    since: Instant
    until: Instant = END_OF_TIME
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Link(Row):
    """`target` comes directly of `source`: a step of its inputs, an item of a step, an asset of what it derives from."""

    KEY = ("source", "target")
    INDEXED = ("source", "target")
    source: str
    target: str


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact of the chain changes."""
    match entry.fact:
        case StepRecorded() as fact:
            yield Step(fact.id, fact.kind, fact.by, fact.how, fact.purpose, fact.evidence, fact.at, entry.seq)
            yield from (Link(item, fact.id) for item in fact.inputs)
            yield from (Link(fact.id, item) for item in fact.outputs)
        case TransformRegistered() as fact:
            yield Transform(
                fact.id, fact.title, fact.kind, fact.inputs, fact.evidence, fact.authority, fact.by,
                fact.lowers_grade_to, fact.purposes, entry.at, fact.until, entry.seq,
            )  # fmt: skip
        case TransformEnded() as fact:
            transform = read.get(Transform, fact.id)
            assert transform is not None
            yield replace(transform, until=min(entry.at, transform.until))
        case AssetRegistered() as fact:
            yield from (Link(source, fact.asset) for source in fact.derived_from)
        case _:
            return
