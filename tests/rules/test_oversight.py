"""Early warnings: what a steward is told, when, and that nothing else is said."""

from __future__ import annotations

from tables import cases, parts
from worlds import World, agreement, pay

from usufruct.core import oversight
from usufruct.core.contract.facts import AgreementEnded, NegotiationMoved
from usufruct.core.income.facts import AssetStatement, PeriodClosed, PeriodPlanned
from usufruct.core.oversight import warnings
from usufruct.core.privacy.facts import BudgetOpened, QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused


def asked(world: World, charge: int = 1, price: int = 0, ends: str = "") -> None:
    use = f"use-{len(world.entries)}"
    world.add(QueryAdmitted(use, "institute", "a", "pay", "v1", "p", "q", "m", charge, price, "EUR", ""))
    if ends == "answered":
        world.add(QueryAnswered(use, "institute", "pay", "p", "m", "", ""))
    if ends == "abandoned":
        world.add(QueryAbandoned(use, "stopped"))


def refused(world: World, who: str) -> None:
    world.add(QueryRefused(f"use-{len(world.entries)}", who, "pay", "p", "q", "access.form", ("no",), "ask"))


WARNINGS = """
# the budget is 1000000; today is 1 March 2026
what happened                                         | what is said
------------------------------------------------------+----------------------------------------------
                                                      |
799999 spent                                          |
800000 spent                                          | budget pay: 80 % of
800000 reserved                                       | budget pay: 80 % of
800000 abandoned                                      | budget pay: 80 % of
500000 spent; 300000 reserved                         | budget pay: 80 % of
1000000 spent                                         | budget pay: 100 % of
budget of nothing                                     | budget pay: 100 % of
4 refusals of insurer                                 |
4 refusals of insurer; 4 refusals of clinic           |
5 refusals of insurer                                 | refusals insurer: refused 5 times
6 refusals of clinic; 7 refusals of insurer           | refusals insurer: refused 7; refusals clinic: refused 6
agreement until 2026-04-01                            |
agreement until 2026-03-31                            |
agreement until 2026-03-30                            | ending deal: ends on 2026-03-30
agreement until 2026-03-01                            |
agreement until 2026-03-30; it was ended              |
negotiation with coop at REQUESTED                    | waiting n: `institute` waits
negotiation with coop at ACCEPTED                     | waiting n: `institute` waits
negotiation with coop at OFFERED                      |
negotiation with coop at AGREED                       |
negotiation with coop at FINALIZED                    |
negotiation with coop at TERMINATED                   |
negotiation with clinic at REQUESTED                  |
income of 100                                         | undivided asset:pay:income: income that is not divided
income of 0                                           |
income of 100; it was divided                         |
799998 spent; 4 refusals of insurer; income of 100    | undivided asset:pay:income: not divided
"""


def happen(world: World, words: str) -> None:
    first, *rest = words.split()
    match rest:
        case ["spent" | "abandoned" as how]:
            asked(world, int(first), ends="answered" if how == "spent" else how)
        case ["reserved"]:
            asked(world, int(first))
        case ["refusals", "of", who]:
            for _ in range(int(first)):
                refused(world, who)
        case ["until", day]:
            world.add(agreement("deal", until=day))
        case ["was", "ended"]:
            world.add(AgreementEnded("deal", "coop"))
        case ["with", provider, "at", state]:
            world.add(NegotiationMoved("n", "o", provider, "institute", "x", "m", state))
        case ["of", "nothing"]:
            world.add(BudgetOpened("pay", "v1", 0))
        case ["of", price]:
            asked(world, price=int(price), ends="answered")
        case ["was", "divided"]:
            statement = AssetStatement("pay", ("u",), 100, (), 100, 10, "sealed")
            world.add(
                PeriodPlanned("plan", "q1", None, 0, 1, "EUR", 100, (statement,)), PeriodClosed("q1", "plan", "coop")
            )
        case _:
            raise AssertionError(words)


@cases(WARNINGS)
def test_warnings(row: dict[str, str]) -> None:
    world = pay(World())
    for words in parts(row["what happened"]):
        happen(world, words)
    said = list(warnings(world.state, "coop", world.at))
    expected = parts(row["what is said"])
    assert [f"{warning.kind} {warning.about}" for warning in said] == [words.rpartition(": ")[0] for words in expected]
    for warning, words in zip(said, expected, strict=True):
        assert words.rpartition(": ")[2] in warning.message
        assert warning.kind in oversight.KINDS and warning.remedy


def test_every_kind_of_warning_is_given_in_the_table() -> None:
    assert {kind for kind in oversight.KINDS if f"| {kind} " in WARNINGS} == set(oversight.KINDS)
