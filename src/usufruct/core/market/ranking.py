"""What could meet a need, ranked by a published score, and what stands in the way of the rest.

What is ranked is what everybody can see: the open offers of the catalogue and the cards of their assets. So a ranking tells
nothing that the catalogue does not. Of what is not in the catalogue it says nothing at all; asked by name, what is unknown
and what is not offered get the very same answer.

The score has four parts, each a whole number, and their sum is at most 100:

    columns   50   as many hundredths as of the wanted columns are there
    period    20   of the wanted years are covered (all, if none is named)
    persons   15   of the wanted persons (all, if no number is named)
    price     15   is left of the budget after the first year's price

A column is there if one is called so, or all words of what is wanted stand in its name, its description or its unit. An
offer can meet a need if nothing stands in the way; the others are shown with the first rule that failed, in the order of
`_RULES`, in the words of a refusal, and the smallest change that would help. Equal scores are in the order of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from usufruct.core.access import pricing
from usufruct.core.access.clauses import NO_CLAUSES, Schedule
from usufruct.core.access.gates import covers
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Offer
from usufruct.core.market.needs import Need
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import FORMS, Table

WEIGHTS = {"columns": 50, "period": 20, "persons": 15, "price": 15}
_YEAR = re.compile(r"\b(\d{4})\b")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Supply:
    """An open offer of the catalogue, its asset as it stands, its schedule; `free` if the asker pays nothing by rule."""

    asset: Asset
    offer: Offer
    schedule: Schedule = NO_CLAUSES
    free: bool = False


class Part(NamedTuple):
    """A part of a score: `points` of at most `most`, and what they are for."""

    name: str
    points: int
    most: int
    why: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """An offer with its score, the columns that answer to what is wanted, and what stands in the way; None if nothing does."""

    supply: Supply
    parts: tuple[Part, ...]
    found: tuple[tuple[str, str], ...]
    obstacle: Refusal | None

    @property
    def score(self) -> int:
        """The sum of its parts, of 100."""
        return sum(part.points for part in self.parts)


def rank(need: Need, supplies: Iterable[Supply], table: Table) -> tuple[Ranked, ...]:
    """What could meet a need, the best first; then the others, the nearest first. The order of `supplies` is of no matter."""
    ranked = [_ranked(need, supply, table) for supply in supplies]
    return tuple(
        sorted(ranked, key=lambda one: (one.obstacle is not None, -one.score, one.supply.asset.id, one.supply.offer.id))
    )


def unknown(asset: str) -> Refusal:
    """What is said of an asset that is asked for by name and not in the catalogue: the same whether there is one or not."""
    return refuse(
        "access.no-agreement", f"`{asset[:80]}` was not ranked", f"nothing called `{asset[:80]}` is on offer to you",
        remedy="state what you need without a name; you are told when it is offered",
    )  # fmt: skip


def _ranked(need: Need, supply: Supply, table: Table) -> Ranked:
    found = tuple(
        (wanted, there.name) for wanted in need.columns if (there := column(supply.asset, wanted)) is not None
    )
    parts = (_columns(need, found), _period(need, supply.asset), _persons(need, supply.asset), _price(need, supply))
    obstacle = next((no for rule in _RULES if (no := rule(need, supply, found, table)) is not None), None)
    return Ranked(supply, parts, found, obstacle)


def column(asset: Asset, wanted: str) -> Column | None:
    """The column that answers to a word: of that name; or one that is described so."""
    by_name = asset.column(wanted)
    if by_name is not None:
        return by_name
    words = set(_WORD.findall(wanted))
    said = ((c, f"{c.name} {c.description} {c.unit}".lower().replace("_", " ")) for c in asset.columns)
    return next((c for c, text in said if words and words <= set(_WORD.findall(text))), None)


def covered(asset: Asset) -> tuple[int, int] | None:
    """The years that an asset covers, by its card; None if that does not say."""
    found = [int(year) for year in _YEAR.findall(asset.quality.period)]
    return (min(found), max(found)) if found else None


def _part(name: str, have: int, of: int, why: str) -> Part:
    most = WEIGHTS[name]
    return Part(name, most * min(have, of) // of if of else most, most, why)


def _columns(need: Need, found: Sequence[tuple[str, str]]) -> Part:
    return _part("columns", len(found), len(need.columns), f"{len(found)} of {len(need.columns)} wanted columns")


def _period(need: Need, asset: Asset) -> Part:
    if not need.first:
        return _part("period", 1, 1, "no period is asked for")
    years, there = need.last - need.first + 1, covered(asset)
    both = max(0, min(need.last, there[1]) - max(need.first, there[0]) + 1) if there else 0
    return _part("period", both, years, f"{both} of {years} wanted years")


def _persons(need: Need, asset: Asset) -> Part:
    """How many are in a pool is told in steps and to those who ask; here it counts for nothing."""
    if not need.persons:
        return _part("persons", 1, 1, "no number of persons is asked for")
    if asset.charter:
        return _part("persons", 0, 1, "how many are in a pool is not told here")
    return _part(
        "persons", asset.quality.persons, need.persons, f"{asset.quality.persons} persons, {need.persons} wanted"
    )


def _due(need: Need, supply: Supply) -> int:
    return 0 if supply.free else pricing.yearly(supply.offer.terms, supply.schedule, need.uses)


def _price(need: Need, supply: Supply) -> Part:
    due = _due(need, supply)
    why = f"{Money(due, need.currency)} in the first year, of {Money(need.budget, need.currency)}"
    return _part("price", max(0, need.budget - due) if due else 1, need.budget if due else 1, why)


# ---- what stands in the way: each rule looks at what is public, and says no in the words of a refusal


def _no_purpose(need: Need, supply: Supply, found: object, table: Table) -> Refusal | None:
    terms, asset = supply.offer.terms, supply.asset
    if any(purposes.covers(p, need.purpose) for p in terms.purposes) and not purposes.forbids(
        asset.prohibited, need.purpose
    ):
        return None
    named = ", ".join(terms.purposes)
    return _no(
        supply,
        "access.purpose",
        f"it is offered for {named}, not for {need.purpose}",
        f"ask for {named}, if that is what it is for",
    )


def _no_form(need: Need, supply: Supply, found: object, table: Table) -> Refusal | None:
    form = supply.offer.terms.form
    if covers(form, need.form):
        return None
    return _no(supply, "access.form", f"it is offered as {FORMS[form]}, not as {FORMS[need.form]}", f"ask for {form}")


def _no_columns(need: Need, supply: Supply, found: tuple[tuple[str, str], ...], table: Table) -> Refusal | None:
    there = {wanted for wanted, _ in found}
    missing = [wanted for wanted in need.columns if wanted not in there]
    if not missing:
        return None
    return _no(
        supply,
        "privacy.column",
        f"it has nothing called {', '.join(missing)}",
        f"do without {', '.join(missing)}, or look for a table to join it with",
    )


def _no_grade(need: Need, supply: Supply, found: tuple[tuple[str, str], ...], table: Table) -> Refusal | None:
    columns = [there for _, name in found if (there := supply.asset.column(name)) is not None]
    closed = [one.name for one in columns if need.form not in table.grades[one.grade].forms]
    if not closed:
        return None
    code = "access.grade" if any(not table.grades[c.grade].forms for c in columns) else "access.form"
    return _no(
        supply,
        code,
        f"{', '.join(closed)}: graded so that {FORMS[need.form]} never leave the node",
        f"do without {', '.join(closed)}, or ask for a narrower form",
    )


def _no_period(need: Need, supply: Supply, found: object, table: Table) -> Refusal | None:
    there = covered(supply.asset)
    if not need.first or (there is not None and there[0] <= need.first and need.last <= there[1]):
        return None
    says = f"it covers {there[0]} to {there[1]}" if there else "its card does not say which time it covers"
    return _no(
        supply,
        "market.period",
        says,
        "ask for the years that it covers" if there else "ask the provider for its period",
    )


def _no_persons(need: Need, supply: Supply, found: object, table: Table) -> Refusal | None:
    asset = supply.asset
    if not need.persons or asset.charter or asset.quality.persons >= need.persons:
        return None
    return _no(
        supply,
        "market.persons",
        f"it is about {asset.quality.persons} persons, not {need.persons}",
        f"do with {asset.quality.persons}",
    )


def _no_price(need: Need, supply: Supply, found: object, table: Table) -> Refusal | None:
    due = _due(need, supply)
    if due <= need.budget:
        return None
    cost, budget = Money(due, need.currency), Money(need.budget, need.currency)
    times = "once" if need.uses == 1 else f"{need.uses} times"
    return _no(
        supply,
        "market.budget",
        f"asked {times}, it costs {cost} in the first year, and the budget is {budget}",
        f"have {cost} for it, or ask fewer questions",
    )


def _no(supply: Supply, code: str, reason: str, remedy: str) -> Refusal:
    return refuse(code, f"`{supply.offer.id}` does not meet the need", reason, remedy=remedy)


_RULES = (_no_purpose, _no_form, _no_columns, _no_grade, _no_period, _no_persons, _no_price)
