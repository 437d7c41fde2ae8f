"""A rule of division as TOML: a title, who decided it and why, `[[levy]]` and `[[share]]` tables in the order of the waterfall;
and `[told]` if totals are to be told."""

from __future__ import annotations

from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.waterfall import WHOLE, DivisionRule, Levy, Slice, Told
from usufruct.wire import card

_RULE = {"title", "source", "authority", "rest", "costs_basis_points", "levy", "share", "told"}
_TOLD = {"micro_rho", "most_basis_points"}
_LEVY = {"name", "basis_points", "to", "source", "authority", "cap"}
_SHARE = {"name", "basis", "basis_points", "to", "cap", "vests_months", "training_basis_points"}


def read(text: str, currency: str) -> DivisionRule:
    """The rule that `text` holds; caps are amounts of `currency`, as `5000.00 EUR`.

    Raises:
        BadInput: not TOML; a field is missing, unknown or of another type.
    """
    value = card.parse(text, "the rule of division")
    _known(value, _RULE, "")
    return DivisionRule(
        _text(value, "title"), _text(value, "source"), _text(value, "authority"),
        tuple(
            Slice(
                _text(one, "name"), _text(one, "basis"), _points(one, "basis_points"), _text(one, "to"),
                _cap(one, currency), _points(one, "vests_months", 0), _points(one, "training_basis_points", 0),
            )
            for one in _tables(value, "share", _SHARE)
        ),
        _text(value, "rest"),
        tuple(
            Levy(
                _text(one, "name"), _points(one, "basis_points"), _text(one, "to"), _text(one, "source"),
                _text(one, "authority"), _cap(one, currency),
            )
            for one in _tables(value, "levy", _LEVY)
        ),
        _points(value, "costs_basis_points", WHOLE),
        _told(value.get("told")),
    )  # fmt: skip


def _told(value: Any) -> Told | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _wrong("`told` is no table", "write [told], and below it micro_rho and most_basis_points")
    _known(value, _TOLD, " of told")
    return Told(_points(value, "micro_rho"), _points(value, "most_basis_points"))


def _tables(value: dict[str, Any], field: str, known: set[str]) -> list[dict[str, Any]]:
    found = value.get(field, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _wrong(f"`{field}` is no list of tables", f"write each as [[{field}]]")
    for number, one in enumerate(found, 1):
        _known(one, known, f" of {field} {number}")
    return found


def _known(value: dict[str, Any], fields: set[str], where: str) -> None:
    unknown = next((field for field in value if field not in fields), None)
    if unknown is not None:
        raise _wrong(f"the unknown field `{unknown}`{where}", f"known are {', '.join(sorted(fields))}")


def _text(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    if not isinstance(found, str) or not found.strip():
        raise _wrong(f"`{field}` is missing or not a text", f'add {field} = "…"')
    return found


def _points(value: dict[str, Any], field: str, default: int | None = None) -> int:
    found = value.get(field, default)
    if type(found) is not int:
        raise _wrong(f"`{field}` is missing or no whole number", f"write {field} = 1000")
    return found


def _cap(value: dict[str, Any], currency: str) -> int | None:
    found = value.get("cap")
    if found is None:
        return None
    if not isinstance(found, str):
        raise _wrong("`cap` is no amount", f'write cap = "5000.00 {currency}"')
    return parse_money(found, currency).minor


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.division", f"the rule of division cannot be read: {what}", remedy)
