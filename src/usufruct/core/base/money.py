"""Money: whole minor units of one currency. Never a float, never rounded in silence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from usufruct.core.base.faults import BadInput

# Digits after the point, ISO 4217; a currency that is missing here is refused, not guessed.
DECIMALS = {
    "EUR": 2,
    "USD": 2,
    "GBP": 2,
    "CHF": 2,
    "CNY": 2,
    "SEK": 2,
    "NOK": 2,
    "DKK": 2,
    "PLN": 2,
    "CZK": 2,
    "SGD": 2,
    "INR": 2,
    "JPY": 0,
}

_AMOUNT = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]+))?\s+([A-Z]{3})")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of `minor` units (cents, yen) of `currency`."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return f"{decimal(self.minor, DECIMALS[self.currency])} {self.currency}"


def parse(text: str, of: str = "") -> Money:
    """Reads `5.00 EUR`; where everything is in one currency, `of` that one.

    Raises:
        BadInput: no amount, an unknown or another currency, or more decimals than the currency has.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if not match:
        raise BadInput("input.money", f"`{text}` is not an amount of money", "write it as 5.00 EUR")
    sign, whole, fraction, currency = match.groups()
    if currency not in DECIMALS:
        raise BadInput(
            "input.money",
            f"`{currency}` is not a currency this node knows",
            f"use one of {', '.join(sorted(DECIMALS))}",
        )
    if of and currency != of:
        raise BadInput("input.money", f"`{text}` is in {currency}, and the node's ledger in {of}", f"write it in {of}")
    decimals = DECIMALS[currency]
    fraction = fraction or ""
    if len(fraction) > decimals:
        raise BadInput(
            "input.money",
            f"`{text}` does not divide into the smallest unit of {currency}, which has {decimals} decimals",
            f"write at most {decimals} digits after the point",
        )
    minor = int(whole) * 10**decimals + int(fraction.ljust(decimals, "0") or "0")
    return Money(-minor if sign else minor, currency)


def decimal(units: int, decimals: int) -> str:
    """`units` of 10^-decimals as a decimal: `decimal(1234, 2)` is `12.34`."""
    if decimals == 0:
        return str(units)
    whole, rest = divmod(abs(units), 10**decimals)
    return f"{'-' if units < 0 else ''}{whole}.{rest:0{decimals}d}"
