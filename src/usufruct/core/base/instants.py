"""Instants: moments of time, always in UTC, always written the same way.

An `Instant` is the string `YYYY-MM-DDTHH:MM:SS.mmmZ`. A string, not a `datetime`, because it is what is hashed, stored
and shown; its fixed width makes the order of strings the order of time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NewType

from usufruct.core.base.faults import BadInput

Instant = NewType("Instant", str)

END_OF_TIME = Instant("9999-12-31T23:59:59.999Z")


def instant(moment: datetime) -> Instant:
    """The instant of an aware `moment`, cut (not rounded) to the millisecond.

    Raises:
        ValueError: `moment` carries no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return Instant(moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z")


def parse(text: str) -> Instant:
    """Reads `2026-11-22`, or an ISO 8601 date and time with a zone.

    Raises:
        BadInput: anything else; a time without a zone could mean two moments.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return instant(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return instant(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise BadInput(
            "input.instant",
            f"`{text}` is not a moment in time",
            "write a day as 2026-11-22 or a moment as 2026-11-22T09:30:00Z, with its time zone",
        ) from None


def moment(at: Instant) -> datetime:
    """The aware `datetime` of an instant."""
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def seconds(at: Instant) -> int:
    """Whole seconds since the beginning of 1970 (POSIX time)."""
    return int(moment(at).timestamp())


def of_seconds(count: int) -> Instant:
    """The instant so many seconds after the beginning of 1970; the inverse of `seconds`."""
    return instant(datetime.fromtimestamp(count, UTC))


def later(at: Instant, **duration: float) -> Instant:
    """`at` moved by a `timedelta`'s keyword arguments (`days=1`, `seconds=-5`)."""
    return instant(moment(at) + timedelta(**duration))


def in_months(at: Instant, months: int) -> Instant:
    """The same day of the month, `months` later; days that a month does not have fall on its last."""
    then = moment(at)
    year, month = divmod(then.year * 12 + then.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return instant(then.replace(year=year, month=month + 1, day=min(then.day, last)))


def in_years(at: Instant, years: int) -> Instant:
    """The same day of the year, `years` later; 29 February falls on the 28th where it must."""
    then = moment(at)
    try:
        return instant(then.replace(year=then.year + years))
    except ValueError:
        return instant(then.replace(year=then.year + years, day=28))
