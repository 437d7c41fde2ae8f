"""A total that is told under noise: over the uses of a period, the rows that counted, each worth the price of its use.

A rule of division may say that such totals are told (`income.waterfall.Told`), so that a member can work out her own line.
There is one for each asset and period, not one for each use: one draw, charged once.

With p the price of a use and r the rows of one person that counted in it, her weight is the sum of p r over the uses, and W
the sum of all weights. Of no use do more than m rows of one person count, so adding or removing all that is about one
person changes W by at most D = sum of p m. A draw of the discrete Gaussian with standard deviation sigma costs
rho = D^2 / (2 sigma^2) (Bun and Steinke 2016, Proposition 1.6; Canonne, Kamath and Steinke 2020).

What is told divides money, so it must not be less than W: else more would be given out than there is. So the draw is shifted
up by the least k for which it lies below -k with a chance of at most delta (see `threshold.tail`), and

    T = max(W, W + k + draw).

Only in the event that has probability delta does the maximum say more than the noised number does. So T is as private as
rho and delta say, and whatever is worked out of T and of what a person knows of herself is too.

The draw is a fact before it is used. Whoever plans the same uses again takes the same draw: two draws for one total would
tell more than one was charged for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.privacy.rules import SIGMA_GRAIN, charge_of, sigma_for
from usufruct.core.privacy.spending import paying
from usufruct.core.privacy.state import Budget
from usufruct.core.privacy.threshold import above
from usufruct.core.registry.state import Asset

NANO_DELTA = 1  # the chance, in 10^-9, that the draw would bring a total below the true one: some six times sigma


@dataclass(frozen=True, slots=True)
class TotalDrawn(Fact):
    """For the total over the `uses` (and fees) of an asset, a number was `drawn`: discrete Gaussian noise of `sigma` 64ths. Each
    was paid with its one of the `prices`, in minor units, and of one person at most so many rows as `most` says count in it.
    The total that is told is the true one, and `shift`, and what was drawn. It cost `charge` micro-rho and `nano_delta`, of the
    budget of the asset in this `version` and of those of its `sources`, each as `asset/version`.

    Who knows what was drawn knows the true total. So the fact is in nobody's history.
    """

    KIND = "total.drawn/1"
    asset: str
    version: str
    uses: tuple[str, ...]
    prices: tuple[int, ...]
    most: tuple[int, ...]
    sigma: int
    shift: int
    drawn: int
    charge: int
    nano_delta: int
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnTotal(Row):
    """A draw, and the fact `seq` that it is."""

    KEY = ("seq",)
    INDEXED = ("asset",)
    seq: int
    asset: str
    fact: TotalDrawn


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The draw, and what it spent: nothing is reserved, for with the draw it is done."""
    match entry.fact:
        case TotalDrawn() as fact:
            yield DrawnTotal(entry.seq, fact.asset, fact)
            for one in (f"{fact.asset}/{fact.version}", *fact.sources):
                asset, _, version = one.partition("/")
                budget = read.get(Budget, asset, version)
                assert budget is not None and budget.left >= fact.charge and budget.delta_left >= fact.nano_delta
                yield replace(
                    budget, spent=budget.spent + fact.charge, delta_spent=budget.delta_spent + fact.nano_delta
                )
        case _:
            return


@dataclass(frozen=True, slots=True)
class TotalPlan:
    """A total that is to be told for at most `micro_rho`: over which `uses` of an asset, at which `prices`, with how many rows of
    one person at `most` in each. All of it is known without looking at the data."""

    asset: str
    uses: tuple[str, ...]
    prices: tuple[int, ...]
    most: tuple[int, ...]
    micro_rho: int

    @property
    def reach(self) -> int:
        """The most that one person changes the total; in minor units times rows."""
        return reach_of(self.prices, self.most)

    @property
    def sigma(self) -> int:
        """The standard deviation of the noise, in 64ths."""
        return sigma_for(self.reach**2, self.micro_rho)

    @property
    def shift(self) -> int:
        """By how much it is shifted up."""
        return shift_of(self.sigma)

    def fact(self, asset: Asset, sources: tuple[str, ...], drawn: int) -> TotalDrawn:
        """What is recorded of a draw for it, with the asset as it is then."""
        return TotalDrawn(
            self.asset, asset.version, self.uses, self.prices, self.most, self.sigma, self.shift, drawn,
            charge_of(self.reach**2, self.sigma), NANO_DELTA, sources,
        )  # fmt: skip

    def is_drawn_by(self, fact: TotalDrawn) -> bool:
        """Whether that is a draw for this very total."""
        said = fact.asset, fact.uses, fact.prices, fact.most, fact.sigma, fact.shift, fact.nano_delta
        return said == (self.asset, self.uses, self.prices, self.most, self.sigma, self.shift, NANO_DELTA)


def reach_of(prices: Sequence[int], most: Sequence[int]) -> int:
    """The most that one person changes a total: so many rows of hers at most, each at its price."""
    return sum(price * rows for price, rows in zip(prices, most, strict=True))


def paid_for(fact: TotalDrawn) -> bool:
    """Whether the noise of a draw is what was charged for it, and the shift what its delta allows."""
    charge = charge_of(reach_of(fact.prices, fact.most) ** 2, fact.sigma)
    return fact.charge >= charge and fact.nano_delta >= NANO_DELTA and fact.shift >= shift_of(fact.sigma)


def shift_of(sigma: int) -> int:
    """The least shift below which noise of `sigma` 64ths lies with a chance of at most `NANO_DELTA`."""
    return above(Fraction(sigma, SIGMA_GRAIN), 1, 0, NANO_DELTA)


def told(fact: TotalDrawn, true: int) -> int:
    """The total that is told where `true` is the true one; at least that, and at least one."""
    return max(true, true + fact.shift + fact.drawn, 1)


def drawn(read: Reader, plan: TotalPlan) -> DrawnTotal | None:
    """The draw that was already made for a total; None if there is none."""
    return next((row for row in read.list(DrawnTotal, asset=plan.asset) if plan.is_drawn_by(row.fact)), None)


def draw(read: Reader, plan: TotalPlan, noise: int) -> TotalDrawn | None:
    """The fact of a draw; None if a budget that must pay for it has too little left."""
    asset = read.get(Asset, plan.asset)
    assert asset is not None, "what is divided was registered"
    pays = paying(read, asset)
    fact = plan.fact(asset, tuple(f"{one.id}/{one.version}" for one in pays if one.id != asset.id), noise)
    for one in pays:
        budget = read.get(Budget, one.id, one.version)
        assert budget is not None, "every asset opens its budget when it is registered"
        if fact.charge > budget.left or fact.nano_delta > budget.delta_left:
            return None
    return fact
