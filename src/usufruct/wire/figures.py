"""The reports on an operator as bytes: six-monthly figures as JSON and CSV, and what is proved of fair work as JSON."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.base.money import parse as parse_money
from usufruct.core.work.own.fairwork import Report, Yardstick
from usufruct.core.work.own.figures import SOURCE, Figure, Figures
from usufruct.wire.portable import hours

FORMS = ("json", "csv")
_FIELDS = {"minimum", "living", "cost_per_hour", "cost_per_km", "source"}


def shown(one: Figure) -> tuple[str, str]:
    """The number of a figure and its unit, as people read them; two empty texts if it cannot be told."""
    if one.value is None:
        return "", ""
    if one.unit == "ms":
        return hours(one.value), "hours"
    if one.unit in DECIMALS:
        return decimal(one.value, DECIMALS[one.unit]), one.unit
    return str(one.value), one.unit


def plain(found: Figures) -> dict[str, Any]:
    """The figures as values of JSON."""
    return {
        "operator": found.operator, "half": found.half, "since": found.since, "until": found.until, "source": SOURCE,
        "suppressed_below_persons": found.suppressed,
        "figures": [
            {"name": one.name, "says": one.says, "value": shown(one)[0] or None, "unit": shown(one)[1] or None,
             "persons": one.persons if one.value is not None else None}
            for one in found.figures
        ],
    }  # fmt: skip


def as_json(found: Figures) -> str:
    """The figures as JSON."""
    return json.dumps(plain(found), indent=1, ensure_ascii=False) + "\n"


def as_csv(found: Figures) -> str:
    """The figures as CSV, a line for each."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["operator", "half", "figure", "says", "value", "unit", "persons"])
    for one in found.figures:
        value, unit = shown(one)
        persons = one.persons if one.value is not None else ""
        writer.writerow([found.operator, found.half, one.name, one.says, value, unit, persons])
    return text.getvalue()


def fair(found: Report) -> dict[str, Any]:
    """What is proved of fair work, as values of JSON."""
    return {
        "operator": found.operator, "since": found.since, "until": found.until, "works": found.works,
        "workers": found.workers, "proved": found.proved, "of": len(found.points),
        "points": [
            {"number": one.number, "asks": one.asks, "proved": one.proved, "evidence": list(one.evidence),
             "missing": list(one.missing)}
            for one in found.points
        ],
    }  # fmt: skip


def yardstick(text: str) -> Yardstick:
    """The wages and costs that a file in TOML states: `minimum`, `living`, `cost_per_hour` and `cost_per_km` as `12.00 EUR`, and
    the `source` of them.

    Raises:
        BadInput: something is missing, unknown or no amount.
    """
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("input.yardstick", f"the yardstick is not TOML: {error}", "write it as in the guide") from None
    if set(said) != _FIELDS or not all(isinstance(value, str) and value.strip() for value in said.values()):
        raise BadInput(
            "input.yardstick", "the yardstick lacks something, or says more", f"state {', '.join(sorted(_FIELDS))}"
        )
    found = {name: parse_money(said[name]) for name in sorted(_FIELDS - {"source"})}
    currency = found["minimum"].currency
    if any(one.currency != currency or one.minor < 0 for one in found.values()):
        raise BadInput("input.yardstick", "its amounts are below zero, or of several currencies", "state all in one")
    return Yardstick(
        currency, found["minimum"].minor, found["living"].minor, found["cost_per_hour"].minor, found["cost_per_km"].minor,
        said["source"],
    )  # fmt: skip
