"""Noisy second moments: all that a linear regression needs to know of the rows.

Every column becomes one or more *terms* of a row, whole numbers of at most `UNIT` in size: a number between bounds goes
from -UNIT to UNIT, a value of a public list has a term of its own that is UNIT in the rows that hold it, and one term is
UNIT always. What is added up are the products of any two terms. The terms of one list never meet in a row, so with M
columns, the constant among them, a row moves at most M (M + 1) / 2 of the products, each by UNIT^2 at most; the k rows of
a person move the whole vector by k UNIT^2 sqrt(M (M + 1) / 2) at most.

Coefficients follow from the noisy products alone (Sheffet 2017; Wang 2018), so they cost nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement

from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.rules import SIGMA_GRAIN, charge_of, sigma_for
from usufruct.core.privacy.sample import listed
from usufruct.core.registry.facts import Column

UNIT = 1_000
TERMS_MAX = 100


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a row: a number, a `value` of the list of a column, or 1 if it has no column."""

    column: Column | None
    value: int | str | bool | None = None


@dataclass(frozen=True, slots=True)
class Moments:
    """The products of any two `terms`, added up over rows; the label's term stands last. `sigma` in 64ths of a UNIT^2-th."""

    terms: tuple[Term, ...]
    sigma: int
    charge: int

    @property
    def deviation(self) -> Fraction:
        """The standard deviation of the noise on every sum, of which UNIT^2 is one row at its end."""
        return Fraction(self.sigma, SIGMA_GRAIN)

    @property
    def products(self) -> list[tuple[int, int]]:
        """The places of the two terms of each sum, in their order."""
        return list(combinations_with_replacement(range(len(self.terms)), 2))


def lay_out(
    features: tuple[Column, ...], label: Column, rows_per_person: int, charge: int, not_done: str
) -> Moments | Refusal:
    """The moments of these columns for `charge` micro-rho at most."""
    terms = (Term(None), *(term for column in features for term in terms_of(column)), Term(label))
    if len(terms) > TERMS_MAX:
        return refuse(
            "privacy.cells", not_done, f"the features come to {len(terms) - 2} terms, one for each value of a list",
            remedy=f"name features of {TERMS_MAX - 2} terms or fewer",
        )  # fmt: skip
    columns = len(features) + 2
    sensitivity_squared = (rows_per_person * UNIT**2) ** 2 * columns * (columns + 1) // 2
    sigma = sigma_for(sensitivity_squared, charge)
    return Moments(terms, sigma, charge_of(sensitivity_squared, sigma))


def terms_of(column: Column) -> tuple[Term, ...]:
    """The terms of a feature."""
    return tuple(Term(column, value) for value in listed(column)) or (Term(column),)
