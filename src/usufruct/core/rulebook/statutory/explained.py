"""An amount and how it came about, as plain values: each step has its words, its number and the place where the law says so.

Whoever is owed a minimum wage, or pays a contribution, can follow it down to the article. The same steps are shown in a
terminal, on a page and in JSON, so nobody tells a tale of his own about the sum.

Numbers are exact fractions from the table to the last step. Rounding is a step of the law, stated with the number that is
rounded: to what, and which way when it lies in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import DECIMALS, Money

RATE = "rate"
"""The unit of a part of something; it is shown in percent."""

EXACT, HALF_UP = "exact", "half-up"


@dataclass(frozen=True, slots=True)
class Rounding:
    """To a multiple of `step`; `half-up`: to the nearest, and up from the middle. `exact` leaves the number as it is."""

    how: str = EXACT
    step: Fraction = Fraction(1)

    def __call__(self, number: Fraction) -> Fraction:
        return number if self.how == EXACT else floor(number / self.step + Fraction(1, 2)) * self.step

    def __str__(self) -> str:
        return EXACT if self.how == EXACT else f"to {shown(self.step)}, {self.how}"


NEAR = Rounding(HALF_UP, Fraction(1, 10_000))
"""How near a number is shown whose decimals do not end."""


def rounding(text: str) -> Rounding:
    """Reads `exact` or `0.01 half-up`.

    Raises:
        ValueError: it is neither; the tables are ours, so that is a bug.
    """
    if text == EXACT:
        return Rounding()
    step, _, how = text.partition(" ")
    if how != HALF_UP or not Fraction(step) > 0:
        raise ValueError(f"`{text}` is no rounding")
    return Rounding(how, Fraction(step))


@dataclass(frozen=True, slots=True)
class Step:
    """One number on the way: `value` in `unit`, in words, and what it was made of. `source` and `link` say where it stands."""

    words: str
    value: Fraction
    unit: str
    source: str = ""
    link: str = ""
    parts: tuple[Step, ...] = ()

    def __str__(self) -> str:
        if self.unit == RATE:
            return f"{shown(self.value * 100)} %"
        return f"{money_shown(self.value, self.unit)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Amount:
    """`minor` units of `currency`, and `why`."""

    minor: int
    currency: str
    why: Step

    @property
    def money(self) -> Money:
        """The amount as money."""
        return Money(self.minor, self.currency)


def amount(words: str, value: Fraction, currency: str, parts: tuple[Step, ...], source: str = "") -> Amount:
    """An amount of `value` whole units of a currency, which is a whole number of its minor units.

    Raises:
        ValueError: it is not; whoever reckons rounds first.
    """
    minor = value * 10 ** DECIMALS[currency]
    if minor.denominator != 1:
        raise ValueError(f"{value} {currency} is no whole number of minor units")
    return Amount(minor.numerator, currency, Step(words, value, currency, source, parts=parts))


def whole(minor: int, currency: str) -> Fraction:
    """Minor units as units: 1234 cents are 12.34.

    Raises:
        BadInput: below nothing; no law here takes a part of that, or gives one.
    """
    if minor < 0:
        raise BadInput("input.statutory", "an amount below nothing", "say 0, or what was earned")
    return Fraction(minor, 10 ** DECIMALS[currency])


def shown(number: Fraction) -> str:
    """A number as people write it: `12.3`, or `about 151.6667` where decimals would not end."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"about {shown(NEAR(number))}"
    places = 0
    while (number * 10**places).denominator != 1:
        places += 1
    digits = f"{abs(number.numerator * 10**places // number.denominator):0{places + 1}d}"
    text = digits if not places else f"{digits[:-places]}.{digits[-places:]}"
    return f"-{text}" if number < 0 else text


def money_shown(number: Fraction, unit: str) -> str:
    """The same; amounts of money have at least the decimals of their currency."""
    text = shown(number)
    decimals = DECIMALS.get(unit.partition("/")[0], 0)
    if not decimals:
        return text
    before, _, after = text.partition(".")
    return f"{before}.{after.ljust(decimals, '0')}"


def lines(step: Step, depth: int = 0) -> Iterator[str]:
    """The steps as lines of text, what a number was made of below it, further in."""
    where = f" [{step.source}]" if step.source else ""
    yield f"{'  ' * depth}{step}: {step.words}{where}"
    for part in step.parts:
        yield from lines(part, depth + 1)
