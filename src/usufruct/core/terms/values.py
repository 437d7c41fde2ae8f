"""What the letters of a right operand mean, by the type of the left: a moment, a length of time, a number, a name.

Comparison is typed. A date is the whole day in UTC; a time without its zone could be two moments, so it is none; a month
has no length. What cannot be read strictly is not read at all, and the condition that holds it is unknown.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.rulebook import purposes
from usufruct.core.terms.domains import Line, Names, listed, stretch
from usufruct.core.terms.model import Value
from usufruct.core.terms.vocabulary import Operand

DIGITS_MAX = 18  # of a number, before its point
MILLION = 10**6  # numbers are kept in millionths
_NUMBERS = {"xsd:integer", "xsd:decimal", "xsd:double", "xsd:float", "xsd:int", "xsd:long", "xsd:short", "xsd:nonNegativeInteger",
            "xsd:positiveInteger", "xsd:unsignedInt"}  # fmt: skip
_NAMES = {"iri", "xsd:string", "xsd:anyURI", "xsd:token"}
_DURATION = re.compile(r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.0+)?Z?")
_NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?")

ORDERED = frozenset({"instant", "time", "duration", "integer", "number"})


def bounds(value: Value, operand: Operand) -> tuple[Any, Any]:
    """The first value that `value` stands for, and the first after it, on the line of `operand`.

    Raises:
        ValueError: it is of another type, or cannot be read; the message says why.
    """
    match operand.type:
        case "instant":
            return _moment(value)
        case "time":
            start = _time_of_day(value)
        case "duration":
            start = _duration(value)
        case "integer":
            start, fraction = divmod(_number(value), MILLION)
            if fraction:
                raise ValueError(f"`{value.text}` is not a whole number")
        case _:
            start = _number(value)
    return start, start + 1


def name(value: Value, operand: Operand) -> str:
    """The name that `value` is.

    Raises:
        ValueError: it is no name, or none of those that the operand can have.
    """
    if value.type not in _NAMES:
        raise ValueError(f"`{value.text}` is {value.type}, where a name is expected")
    if operand.type == "purpose":
        purpose = purposes.normal(value.text)
        if purpose is None:
            raise ValueError(f"`{value.text}` is not in the purpose tree")
        return purpose
    if operand.among and value.text not in operand.among:
        raise ValueError(f"`{value.text}` is none of {', '.join(operand.among)}")
    return value.text


@cache
def universe(operand: Operand) -> Line | Names:
    """All values that the operand can have."""
    if operand.type in ORDERED:
        grain = MILLION if operand.type == "number" else 1
        low, high = operand.low, operand.high
        return stretch(None if low is None else low * grain, None if high is None else high * grain + 1)
    if operand.type == "purpose":
        return listed(purposes.descendants(purposes.ROOT))
    return listed(operand.among) if operand.among else Names(True, frozenset())


def millionths(value: Any) -> int | None:
    """A number given with a request, in millionths; None if it is no `int` or `Decimal`, too large, or finer than that."""
    if type(value) is int:
        return value * MILLION
    # Looked at before it is reckoned with: an exponent is short to write and long to work out.
    if type(value) is not Decimal or not value.is_finite() or value.adjusted() >= DIGITS_MAX:
        return None
    _, digits, exponent = value.as_tuple()
    if len(digits) > 2 * DIGITS_MAX or not isinstance(exponent, int) or exponent < -2 * DIGITS_MAX:
        return None
    if exponent >= -6 and len(digits) <= DIGITS_MAX:
        return int(value.scaleb(6))
    scaled = Fraction(value) * MILLION
    return scaled.numerator if scaled.denominator == 1 else None


def _moment(value: Value) -> tuple[Instant, Instant]:
    try:
        if value.type == "xsd:date" and len(value.text) == 10:
            day = instants.parse(value.text)
            return day, instants.later(day, days=1)
        if value.type in ("xsd:dateTime", "xsd:dateTimeStamp") and "T" in value.text:
            at = instants.parse(value.text)
            return at, instants.later(at, milliseconds=1)
    except BadInput:
        raise ValueError(f"`{value.text}` is no moment with its time zone") from None
    except OverflowError:
        raise ValueError(f"`{value.text}` is at the end of time") from None
    raise ValueError(f"`{value.text}` is {value.type}, where a date or a moment is expected")


def _time_of_day(value: Value) -> int:
    found = _TIME.fullmatch(value.text)
    if value.type != "xsd:time" or found is None:
        raise ValueError(f"`{value.text}` is no time of day to the second, in UTC")
    hours, minutes, seconds = (int(part) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _duration(value: Value) -> int:
    found = _DURATION.fullmatch(value.text)
    if value.type not in ("xsd:duration", "xsd:dayTimeDuration") or found is None or value.text[-1] in "PT":
        raise ValueError(f"`{value.text}` is no duration in days, hours, minutes and whole seconds")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _number(value: Value) -> int:
    """In millionths."""
    if value.type not in _NUMBERS:
        raise ValueError(f"`{value.text}` is {value.type}, where a number is expected")
    scaled = millionths(Decimal(value.text)) if _NUMBER.fullmatch(value.text) else None
    if scaled is None:
        raise ValueError(f"`{value.text}` is no number with at most six decimals")
    return scaled
