"""Stories for random histories about cover."""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.cover.facts import (
    ClaimDecided,
    ClaimMade,
    Collected,
    ContributionTaken,
    CoverPaid,
    Credited,
    FundOpened,
    OptedIn,
    OptedOut,
    ParticularsStated,
    SchemeAdopted,
    SchemeEnded,
)
from usufruct.core.cover.scheme import Destination, Rate, Scheme, SchemeLevy
from usufruct.core.rulebook.levy import Band

NOW = Instant("2026-11-24T12:00:00.000Z")


def scheme(name: str, fund: str) -> Scheme:
    """Two per cent of what the work earned, half of it to a fund and half saved for her."""
    shares = (Destination(fund, 1), Destination("own:savings", 1))
    rate = Rate(NOW, NOW, "earned", (Band(0, 200),), shares, "s")
    return Scheme(name, "Savings", "EUR", "a", "s", NOW, NOW, (SchemeLevy("both", "operator", "month", (rate,)),))


def cover_stories(number: str, a: str, b: str) -> list[list[Fact]]:
    """The stories, with names of their own; none of them needs another."""
    return [_scheme(number, a, b), _claims(number, a, b)]


def _scheme(number: str, worker: str, operator: str) -> list[Fact]:
    """A scheme is adopted, contributed to twice, and ends; somebody joins it and leaves it."""
    name, fund = f"scheme-{number}", f"fund:cover-{number}"
    taken = Collected(
        "both", "operator", "2026-11", 10_000, 10_000, 200, (Credited(fund, 100), Credited("own:savings", 100))
    )
    return [
        FundOpened(f"cover-{number}", "Cover", "EUR", 3, operator),
        SchemeAdopted(1, scheme(name, fund), NOW, operator, (operator,)),
        ParticularsStated(worker, "1996-05-17", "car"),
        OptedIn(worker, name, "more"),
        *(
            ContributionTaken(f"{name}-{n}", worker, operator, name, 1, "2026-11", "EUR", ("2026-11-24",), (taken,))
            for n in range(2)
        ),
        OptedOut(worker, name),
        SchemeEnded(name, "done", NOW, operator),
    ]


def _claims(number: str, party: str, operator: str) -> list[Fact]:
    """A claim is refused, appealed, granted and paid."""
    first, second, fund = f"claim-{number}", f"claim-{number}-b", f"fund:cover-{number}"
    told = ("none", "accident", fund, 900, "EUR", "a fall", NOW)
    return [
        ClaimMade(first, party, *told),
        ClaimDecided(first, party, 0, "not at work", operator, "the labour court"),
        ClaimMade(second, party, *told, appeals=first),
        ClaimDecided(second, party, 900, "at work after all", "eve"),
        CoverPaid(second, party, fund, 900, "EUR", operator),
    ]
