"""When a group may be named that no public list names.

Which values occur may give somebody away, so a group is named only if its noised number of persons is above a threshold.
Take away one person: a group of `least` persons that she completes was never a candidate without her, and with her it is
named with probability P[N > threshold - least], N being the noise. She completes at most as many groups as she may be in.
So the chance that any of them is named is at most that many times the tail, and this is the delta that is charged;
otherwise her going shifts each number of persons by one, which the noise covers. (The argument is that of Desfontaines,
Voss, Gipson and Mandayam 2022, section 3, with a Gaussian; `docs/concepts/proofs.md` has it whole.)

The tail of the discrete Gaussian is bounded from above, in decimals that are rounded up: with s the standard deviation,

    sum over x >= t of exp(-x^2 / 2s^2)  <=  exp(-t^2 / 2s^2) / (1 - exp(-(2t + 1) / 2s^2)),

for each term is at most exp(-(2t + 1) / 2s^2) times the one before; and the sum over all whole numbers is at least
sqrt(2 pi) s (Poisson summation: it is that times 1 + something positive) and at least 1.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

_UP = Context(prec=40, rounding=ROUND_CEILING)
_DOWN = Context(prec=40, rounding=ROUND_FLOOR)
_TWO_PI_BELOW = Decimal("6.2831853071795864769")
_EXP_SLACK = Decimal("1.0000000000000000001")  # exp of a context rounds to nearest; this makes it an upper bound


def tail(deviation: Fraction, t: int) -> Decimal:
    """An upper bound of P[N >= t] for the discrete Gaussian of that standard deviation, for t >= 1."""
    assert t >= 1 and deviation > 0
    twice = 2 * deviation * deviation
    first = _exp_above(Fraction(t * t) / twice)
    ratio = _exp_above(Fraction(2 * t + 1) / twice)
    if ratio >= 1:
        return Decimal(1)
    rest = _DOWN.subtract(Decimal(1), ratio)
    square = _DOWN.multiply(_TWO_PI_BELOW, _down(deviation * deviation))
    whole = max(Decimal(1), _DOWN.subtract(_DOWN.sqrt(square), Decimal("1e-20")))
    return min(Decimal(1), _UP.divide(_UP.divide(first, rest), whole))


def _exp_above(exponent: Fraction) -> Decimal:
    """exp(-exponent), rounded up."""
    below = _DOWN.divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
    return _UP.multiply(_UP.exp(_UP.minus(below)), _EXP_SLACK)


def _down(number: Fraction) -> Decimal:
    return _DOWN.divide(Decimal(number.numerator), Decimal(number.denominator))


def above(deviation: Fraction, groups: int, least: int, nano_delta: int) -> int:
    """The least threshold that a noised number of persons must be above, so that of at most `groups` groups of `least`
    persons none is named but with probability `nano_delta` (in 10^-9)."""
    delta = _DOWN.divide(Decimal(nano_delta), Decimal(10**9))
    low, high = 0, 1
    while not _small(deviation, groups, high, delta):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _small(deviation, groups, middle, delta) else (middle, high)
    return least + high - 1


def _small(deviation: Fraction, groups: int, t: int, delta: Decimal) -> bool:
    return _UP.multiply(Decimal(groups), tail(deviation, t)) <= delta
