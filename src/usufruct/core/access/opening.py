"""Open data: what anybody may have as it is, without an account and without an agreement.

Whoever may operate a table opens it, once, by a fact; whoever may operate it closes it again. It must be about nobody:
no column that says whom a row is about, every column of class public and grade 0, and nothing that it may not be used
for, since nobody is asked what for. All this is looked at again at every delivery, for what a table inherits can change:
an assessment that made it harmless can be withdrawn.

Each delivery is a fact like any use, to *anyone*: the journal says what left and how much of it, and nothing of who came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.lineage.standing import standing
from usufruct.core.registry import rights
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import in_force

ANYONE = "anyone"
_TEXT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class DataOpened(Fact):
    """Anybody may have the asset as it is, under its licence, if she names the source as `attribution` says."""

    KIND = "data.opened/1"
    asset: str
    by: str
    attribution: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class DataClosed(Fact):
    """The asset is open no more; what was delivered stays with those who have it."""

    KIND = "data.closed/1"
    asset: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class DataDelivered(Fact):
    """`rows` of an open asset left for anyone who came, as a file of `size` bytes whose SHA-256 is `digest`.

    `opening` is the number of the fact that opened it; `question` is what was asked for, nothing means all of it.
    """

    KIND = "data.delivered/1"
    use: str
    asset: str
    version: str
    opening: int
    form: str
    format: str
    rows: int
    size: int
    digest: str
    question: str = ""


@dataclass(frozen=True, slots=True)
class OpenData(Row):
    """An asset that was opened by fact `seq`; `deliveries` counts those since the first opening."""

    KEY = ("asset",)
    asset: str
    by: str
    attribution: str
    since: Instant
    seq: int
    open: bool = True
    deliveries: int = 0


@dataclass(frozen=True, slots=True)
class OpenPermit:
    """Yes, to anyone: this asset as it stands, because of that opening."""

    asset: Asset
    opening: OpenData


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact of open data changes."""
    match entry.fact:
        case DataOpened() as fact:
            before = read.get(OpenData, fact.asset)
            yield OpenData(
                fact.asset,
                fact.by,
                fact.attribution,
                entry.at,
                entry.seq,
                deliveries=before.deliveries if before else 0,
            )
        case DataClosed() as fact:
            yield replace(_row(read, fact.asset), open=False)
        case DataDelivered() as fact:
            row = _row(read, fact.asset)
            yield replace(row, deliveries=row.deliveries + 1)
        case _:
            return


def _row(read: Reader, asset: str) -> OpenData:
    row = read.get(OpenData, asset)
    assert row is not None, "nothing is delivered or closed that was never opened"
    return row


def open_data(read: Reader, asset: str, by: str, attribution: str, at: Instant) -> DataOpened | Refusal:
    """`by` opens an asset to anyone.

    Raises:
        BadInput: nothing says how the source is to be named.
    """
    if not attribution.strip() or len(attribution) > _TEXT_LIMIT or "\n" in attribution.strip():
        raise BadInput(
            "input.attribution", "nothing says how the source is to be named, or too much",
            f"say it in one line of up to {_TEXT_LIMIT} characters, as in: Statistics Office, Traffic counts 2026",
        )  # fmt: skip
    not_done = f"`{asset}` was not opened"
    row = read.get(Asset, asset)
    if row is None:
        return refuse("registry.unknown", not_done, f"there is no asset `{asset}`", remedy="register the asset first")
    if rights.held(read, by, asset, "operate", at) is None:
        return refuse(
            "rights.not-held", not_done, f"`{by}` does not hold the right on `{asset}` to operate it",
            remedy="ask its publisher",
        )  # fmt: skip
    reasons = list(_against(standing(read, row, at), at))
    if reasons:
        return refuse(
            "access.not-open", not_done, *reasons,
            remedy="open only what is about nobody, or make such a table of it by a registered transform",
        )  # fmt: skip
    return DataOpened(asset, by, holdable(attribution.strip()))


def close_data(read: Reader, asset: str, by: str, at: Instant) -> DataClosed | Refusal:
    """Whoever may operate an open asset closes it."""
    row = read.get(OpenData, asset)
    if row is None or not row.open or rights.held(read, by, asset, "operate", at) is None:
        return refuse(
            "registry.unknown", f"`{asset}` was not closed", f"there is no open asset `{asset}` that `{by}` may operate",
            remedy="see the list of open data",
        )  # fmt: skip
    return DataClosed(asset, by)


def decide(read: Reader, asset: str, at: Instant) -> OpenPermit | Refusal:
    """Whether anyone may have rows of an asset. Whatever is not open is as if it were not there."""
    row, opening = read.get(Asset, asset), read.get(OpenData, asset)
    if row is not None and opening is not None and opening.open:
        stands = standing(read, row, at)
        if rights.held(read, opening.by, asset, "operate", at) is not None and not any(_against(stands, at)):
            return OpenPermit(stands, opening)
    return refuse(
        "access.not-open", "nothing was delivered", f"there are no open data of the name `{asset[:63]}`",
        remedy="see the list of open data; for other data come to an agreement first",
    )  # fmt: skip


def _against(asset: Asset, at: Instant) -> Iterator[str]:
    """What stands against opening an asset as it stands now."""
    open_grade = in_force(at).grades[0]
    if asset.person_column or asset.quality.persons:
        yield f"`{asset.id}` is about persons"
    for column in asset.columns:
        if column.grade or column.data_class != "public":
            yield f"`{column.name}` is of class {column.data_class} and grade {column.grade}, not public and 0"
    if asset.purposes != (purposes.ROOT,) or asset.prohibited:
        yield "there are purposes for which it may not be used, and nobody is asked what for"
    if "rows" not in open_grade.forms or open_grade.assurance != "none":
        yield "the table of grades lets no rows out without a log-in"
