"""The plan of an answer in records: which columns of which rows leave, as they are or from the masked table.

Like every plan it is made from the text, the card and the rulebook alone. Rows as they are come from the persons who
allow the use, and from nobody else's; masked rows from the view that `masking` describes. Who a row is about never leaves
by itself: where her column may be shown, it is put in by the node, from the register or as a pseudonym.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from usufruct.core.access.rules import Permit
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.masking import BAND, View, band
from usufruct.core.privacy.question import Expression, Question, refs_of
from usufruct.core.privacy.relations import no_such_column
from usufruct.core.privacy.relations import where as resolve
from usufruct.core.privacy.release import Cell
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset

_REFUSED = "the question was not answered"


@dataclass(frozen=True, slots=True)
class RecordsPlan:
    """Up to `limit` rows of an asset: `columns`, called `labels`, in the order asked for, those for which `where` holds, in
    `order` (column, whether descending). With a `view` they are from the masked table. `capped` if more might have been
    asked for than may leave.

    What rows about persons are not put in order by stands in an order that only `order_key` tells: that of the table could
    say whom a row is about, and which are of one person.
    """

    asset: Asset
    columns: tuple[Column, ...]
    where: Expression | None
    order: tuple[tuple[str, bool], ...]
    limit: int
    capped: bool
    view: View | None = None
    order_key: str = ""
    labels: tuple[str, ...] = ()

    @property
    def form(self) -> str:
        """The form of the answer."""
        return "rows" if self.view is None else "masked"


def plan(question: Question, asset: Asset, view: View | None, most: int, order_key: str = "") -> RecordsPlan | Refusal:
    """The plan for a question that was permitted, of at most `most` rows; from the masked table if there is a `view`."""
    columns = _columns(question, asset, view)
    if isinstance(columns, Refusal):
        return columns
    order = [(ordering.label, ordering.descending) for ordering in question.order]
    for name in (*(ref.name for ref in refs_of(question.where)), *(name for name, _ in order)):
        if refused := _unreadable(name, asset, view):
            return refused
    where = resolve(question.where, asset) if question.where else None
    if isinstance(where, Refusal):
        return where
    limit = most if question.limit is None else min(question.limit, most)
    capped = question.limit is None or question.limit > most
    names = tuple(column.name for column in columns)
    # A column that is asked for twice is shown once, under its own name; so is all of what `*` stands for.
    labels = question.labels if len(set(question.labels)) == len(question.columns) == len(names) else names
    return RecordsPlan(asset, columns, where, tuple(order), limit, capped, view, order_key, labels)


def _columns(question: Question, asset: Asset, view: View | None) -> tuple[Column, ...] | Refusal:
    if not question.columns:
        return asset.columns if view is None else tuple(c for c in asset.columns if _shown(c, asset, view))
    found = []
    for name in question.columns:
        column = asset.column(name)
        if column is None:
            return no_such_column(name, asset)
        if view is not None and not _shown(column, asset, view):
            return _omitted(column, asset, view)
        found.append(column)
    return tuple(found)


def _shown(column: Column, asset: Asset, view: View) -> bool:
    return view.linked if column.name == asset.person_column else view.find(column.name) is not None


def _unreadable(name: str, asset: Asset, view: View | None) -> Refusal | None:
    """Why rows can be neither chosen nor put in order by a column."""
    column = asset.column(name)
    if column is None:
        return no_such_column(name, asset)
    if column.name == asset.person_column:
        return refuse(
            "privacy.column", _REFUSED, f"`{column.name}` says whom a row is about and cannot be compared",
            remedy="choose and order rows by other columns",
        )  # fmt: skip
    return _omitted(column, asset, view) if view is not None and not _shown(column, asset, view) else None


def _omitted(column: Column, asset: Asset, view: View) -> Refusal:
    there = [one.name for one in asset.columns if _shown(one, asset, view)]
    return refuse(
        "privacy.mask", _REFUSED, f"`{column.name}` is left out of the masked rows of `{asset.id}`",
        remedy=f"ask for {', '.join(there)}" if there else "ask for totals",
    )  # fmt: skip


def cells(plan: RecordsPlan, row: tuple[Any, ...], person: str) -> tuple[Cell, ...]:
    """A row as it leaves: decimals and bands as text, and `person` where the table says whom it is about."""
    return tuple(_cell(plan, column, value, person) for column, value in zip(plan.columns, row, strict=True))


def _cell(plan: RecordsPlan, column: Column, value: Any, person: str) -> Cell:
    if column.name == plan.asset.person_column:
        return person
    found = plan.view.find(column.name) if plan.view else None
    if value is not None and found and found[1].rule == BAND:
        return band(column, found[1], value)
    return str(value) if isinstance(value, Decimal) else value


def notes(plan: RecordsPlan) -> tuple[str, ...]:
    """How to read the rows: in which form, why, and what was done to them."""
    said = [f"at most {plan.limit:,} rows leave at once; ask for part of them"] if plan.capped else []
    if plan.view is None:
        return ("records as they are: everything that is read is graded so, and the agreement is for it", *said)
    notes = ["masked records: the strictest of grade, agreement and its rules lets no other leave"]
    if plan.view.linked:
        alike = "a person is in only if as many as {} persons have the same masked rows"
        notes.append(f"`{plan.asset.person_column}` holds pseudonyms, which mean something under this agreement only")
    else:
        alike = "a row is in only if as many as {} persons have one like it"
    notes.append(alike.format(plan.view.least) + "; how many are left out is not told")
    bands = [column.name for column in plan.columns if (found := plan.view.find(column.name)) and found[1].rule == BAND]
    if bands:
        notes.append(f"{', '.join(bands)}: in bands, compared and put in order by their lower ends")
    return (*notes, "what nothing puts in order stands in an order that this node would know again", *said)


def obligations(permit: Permit, use: str) -> tuple[str, ...]:
    """What whoever gets what is not noised must see to, in words, and the mark that leads back to her."""
    words = {
        "attribute": "name the source: {}", "watermark": "keep the mark that leads back to {}",
        "delete-by": "delete it by {}", "duty": "duty: {}", "notify": "{} are told of it",
    }  # fmt: skip
    owed = [
        words[one.kind].format(str(one.value)[:10] if one.kind == "delete-by" else one.value)
        for one in permit.proof.obligations if one.kind in words
    ]  # fmt: skip
    agreement = permit.agreement
    return (*owed, f"let out to `{agreement.consumer}` as {use} under `{agreement.id}`; keep this line with it")
