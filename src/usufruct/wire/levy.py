"""A levy as TOML: what it is reckoned from, at which rates, who bears it, where it goes, and who asks for it."""

from __future__ import annotations

from datetime import date
from importlib import resources
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import parse as parse_money
from usufruct.core.rulebook.levy import Band, LevyRule
from usufruct.wire import card

_FIELDS = {
    "name", "payer", "basis", "per", "basis_points", "band", "to", "source", "authority", "effective", "known", "threshold",
    "cap", "condition",
}  # fmt: skip
_BAND = {"above", "basis_points"}
EXAMPLES = resources.files("usufruct.core.rulebook").joinpath("levies")


def examples() -> dict[str, str]:
    """The levies that are shipped as examples, as TOML, by name; none is in force."""
    files = sorted((file for file in EXAMPLES.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): file.read_text(encoding="utf-8") for file in files}


def read(text: str, currency: str) -> LevyRule:
    """The levy that `text` holds; amounts are of `currency`, as `5000.00 EUR`.

    Raises:
        BadInput: not TOML; a field is missing, unknown or of another type.
    """
    value = card.parse(text, "the levy")
    _known(value, _FIELDS)
    if ("band" in value) == ("basis_points" in value):
        raise _wrong("it has both or neither of one rate and bands", "write basis_points, or [[band]] tables")
    bands = value.get("band", [{"above": f"0 {currency}", "basis_points": value.get("basis_points")}])
    if not isinstance(bands, list) or not all(isinstance(band, dict) for band in bands):
        raise _wrong("`band` is no list of tables", "write each as [[band]]")
    for band in bands:
        _known(band, _BAND)
    return LevyRule(
        _text(value, "name"), _text(value, "payer"), _text(value, "basis"), _text(value, "per"),
        tuple(Band(_amount(band, "above", currency), _points(band)) for band in bands),
        _text(value, "to"), _text(value, "source"), _text(value, "authority"), _day(value, "effective"),
        _day(value, "known"), _amount(value, "threshold", currency) if "threshold" in value else 0,
        _amount(value, "cap", currency) if "cap" in value else None, _text(value, "condition") if "condition" in value else "",
    )  # fmt: skip


def _known(value: dict[str, Any], fields: set[str]) -> None:
    unknown = next((field for field in value if field not in fields), None)
    if unknown is not None:
        raise _wrong(f"the unknown field `{unknown}`", f"known are {', '.join(sorted(fields))}")


def _text(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    if not isinstance(found, str) or not found.strip():
        raise _wrong(f"`{field}` is missing or not a text", f'add {field} = "…"')
    return found


def _points(value: dict[str, Any]) -> int:
    found = value.get("basis_points")
    if type(found) is not int:
        raise _wrong("`basis_points` is missing or no whole number", "write basis_points = 300 for 3 %")
    return found


def _amount(value: dict[str, Any], field: str, currency: str) -> int:
    found = value.get(field)
    if not isinstance(found, str):
        raise _wrong(f"`{field}` is no amount", f'write {field} = "5000.00 {currency}"')
    return parse_money(found, currency).minor


def _day(value: dict[str, Any], field: str) -> Instant:
    found = value.get(field)
    if type(found) is not date:
        raise _wrong(f"`{field}` is missing or no day", f"write {field} = 2026-01-01")
    return parse_instant(found.isoformat())


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.levy", f"the levy cannot be read: {what}", remedy)
