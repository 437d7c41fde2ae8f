"""What everybody may know of an operator: how it gives work out, what it keeps, which floors it promised, what its records prove.

What other areas hold about it (rounds, floors, cover) comes from `operator_sources`.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant, in_months
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Party
from usufruct.core.work.own import fairwork, figures
from usufruct.core.work.own.fairwork import Beside, Yardstick
from usufruct.core.work.own.figures import Figures
from usufruct.core.work.pay.rules import unknown
from usufruct.core.work.state import Job, Shift, Work
from usufruct.node.node import Node
from usufruct.node.operator_sources import SOURCES, Allocation, Sources

REGULAR, LEAST = "work.regular-weeks", "work.figures-persons-min"
MONTHS = 12


@dataclass(frozen=True, slots=True)
class OperatorPage:
    """What everybody may know of an operator. The take rate is in basis points, of the newest half-year with public figures."""

    party: Party
    allocation: Allocation | None
    floors: tuple[str, ...]
    take_rate: int | None
    figures: Figures
    report: fairwork.Report


def half_of(at: Instant) -> str:
    """The half-year of a moment: `2026-2`."""
    return f"{at[:4]}-{1 if at[5:7] <= '06' else 2}"


def page(node: Node, operator: str, sources: Sources | None = None) -> OperatorPage | Refusal:
    """What everybody may know of an operator."""
    sources = sources or SOURCES
    now = node.clock.now()
    with node.store.read() as state:
        row = _operator(state, operator)
        if row is None:
            return unknown("no operator was shown", f"there is no operator `{operator}`")
        least = node.rulebook.value(LEAST, now)
        whole = figures.report(state, row.id, half_of(now), node.about.currency, node.rulebook.value(REGULAR, now))
        shown, since = figures.public(whole, least), in_months(now, -MONTHS)
        found = fairwork.report(state, row.id, since, now, sources.beside(state, row.id, since, now))
        return OperatorPage(
            row, sources.allocation(state, row.id), tuple(sources.floors(state, row.id, now)), figures.take_rate(shown),
            shown, found,
        )  # fmt: skip


def _operator(read: Reader, name: str) -> Party | None:
    """Somebody whom others worked for, or who posted a job. Persons who post one are nobody's business."""
    row = find_party(read, name)
    if row is None or row.kind in ("person", "agent"):
        return None
    seen = (any(True for _ in read.list(kind, operator=row.id)) for kind in (Work, Shift))
    return row if any(True for _ in read.list(Job, by=row.id)) or any(seen) else None


def fair(
    node: Node, operator: str, stick: Yardstick | None = None, sources: Sources | None = None
) -> fairwork.Report | Refusal:
    """What the journal proves of the last twelve months of an operator, held against a yardstick if one is given."""
    sources = sources or SOURCES
    now = node.clock.now()
    with node.store.read() as state:
        row = _operator(state, operator)
        if row is None:
            return unknown("nothing was reported", f"there is no operator `{operator}`")
        since = in_months(now, -MONTHS)
        beside = sources.beside(state, row.id, since, now)
        if stick is not None:
            beside = Beside(stick, beside.safety_net, beside.appeals, beside.rounds, beside.collective)
        return fairwork.report(state, row.id, since, now, beside)


def six_monthly(node: Node, operator: str, half: str, whole: bool) -> Figures | Refusal:
    """The figures of a half-year: whole for authorities, else as everybody may read them.

    Raises:
        BadInput: no half-year.
    """
    figures.bounds(half)
    now = node.clock.now()
    with node.store.read() as state:
        row = _operator(state, operator)
        if row is None:
            return unknown("nothing was reported", f"there is no operator `{operator}`")
        found = figures.report(state, row.id, half, node.about.currency, node.rulebook.value(REGULAR, now))
        return found if whole else figures.public(found, node.rulebook.value(LEAST, now))
