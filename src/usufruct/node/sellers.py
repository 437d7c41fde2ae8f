"""The yearly report on sellers: read what was credited and withheld, by seller and quarter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from usufruct.core.base.faults import BadInput
from usufruct.core.income.facts import AssetStatement
from usufruct.core.income.measure import contributions, rows_of
from usufruct.core.income.sellers import (
    ACTIVITIES,
    SERVICES,
    Movement,
    Report,
    Said,
    Seller,
    by_seller,
    of_releases,
    of_statement,
    standing,
)
from usufruct.core.income.settlement import Lines
from usufruct.core.income.state import Period, PeriodPlan
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.node.node import Node
from usufruct.ports import Snapshot

ERASED = "her records were erased; nothing says any more who she was"


def report(node: Node, year: int, said: Mapping[str, Said] | None = None, activity: str = SERVICES) -> Report:
    """Everybody who earned through the node in a year, except its operator; `said` by id or by what people call her.

    Raises:
        BadInput: no such year or activity.
    """
    if not 2000 <= year <= 9999 or activity not in ACTIVITIES:
        raise BadInput(
            "input.year", f"`{year}` is no year to report on, or `{activity}` no activity",
            f"give a year as 2026, and one of {', '.join(ACTIVITIES)}",
        )  # fmt: skip
    said, operator = said or {}, node.about.operator
    with node.store.read() as state:
        found = by_seller(_movements(state, year, operator), year)
        sellers = []
        for party, quarters in sorted(found.items()):
            row = state.get(Party, party)
            if row is None:
                sellers.append(Seller(party, "", "", "person", activity, quarters, ERASED))
                continue
            stated = said.get(party) or said.get(row.called) or Said()
            taken_for = stated.activity or activity
            why = standing(row.kind, quarters, taken_for, node.about.currency, stated.country, stated.listed)
            sellers.append(Seller(party, row.called, row.name, row.kind, taken_for, quarters, why))
        self = state.get(Party, operator)
        return Report(year, operator, self.name if self else operator, node.about.currency, tuple(sellers))


def own(node: Node, party: str, year: int) -> Seller | None:
    """One seller's own report, which she is to be given (Annex V, section III, A); None if she earned nothing."""
    return next((one for one in report(node, year).sellers if one.party == party), None)


def years(node: Node) -> list[int]:
    """The years in which periods were closed, the newest first."""
    with node.store.read() as state:
        return sorted({int(period.at[:4]) for period in state.list(Period)}, reverse=True)


def _movements(state: Snapshot, year: int, operator: str) -> Iterator[Movement]:
    for period in state.list(Period):
        plan = state.get(PeriodPlan, period.plan)
        if plan is None or int(period.at[:4]) != year:
            continue
        for statement in plan.planned.statements:
            asset = state.get(Asset, statement.asset)
            assert asset is not None
            members = _members(state, statement)
            yield from of_statement(plan.planned, statement, asset.publisher, operator, period.at, members)
        yield from of_releases(plan.planned, operator, period.at)


def _members(state: Snapshot, statement: AssetStatement) -> dict[str, tuple[int, int]]:
    """What each member of an asset was paid, and for how many uses; only those who were paid anything."""
    _, paid = Lines(statement, state.evidence).columns()
    rows = []
    for name in statement.uses:
        use = state.get(Use, name)  # a fee is no use: it was earned by the uses of its agreement
        if use is not None:
            rows.append(contributions(state.evidence(use.contributions)))
    found: dict[str, tuple[int, int]] = {}
    for person in state.list(Person, asset=statement.asset):
        if amount := rows_of(paid, person.number):
            uses = sum(1 for counted in rows if rows_of(counted, person.number))
            found[person.party] = (amount, uses)
    return found
