"""A pack of conditions as TOML: rules of work, each with its shape and what it counts, and their dated numbers."""

from __future__ import annotations

from datetime import date
from importlib import resources
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import DECIMALS
from usufruct.core.work.hours.conditions import Condition
from usufruct.wire import card

PACKS = resources.files("usufruct.core.work.hours").joinpath("packs")
_PACK, _RULE = {"name", "title", "rule"}, {"name", "shape", "counts", "currency", "condition"}
_CONDITION = {"parameter", "value", "unit", "effective", "known", "source", "authority", "until"}


def packs() -> dict[str, str]:
    """The packs that are shipped, as TOML, by name; none is in force until an operator puts it there."""
    files = sorted((file for file in PACKS.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): file.read_text(encoding="utf-8") for file in files}


def read(text: str) -> tuple[Condition, ...]:
    """The conditions that `text` holds.

    Raises:
        BadInput: not TOML; a field is missing, unknown or of another type.
    """
    value = card.parse(text, "the pack of conditions")
    _known(value, _PACK)
    return tuple(
        _condition(rule, one)
        for rule in _tables(value, "rule", _RULE)
        for one in _tables(rule, "condition", _CONDITION)
    )


def _condition(rule: dict[str, Any], one: dict[str, Any]) -> Condition:
    value, currency = one.get("value"), rule.get("currency", "")
    if type(value) is not int:
        raise _wrong("`value` is missing or no whole number", "write value = 660")
    if currency and currency not in DECIMALS:
        raise _wrong(f"`{currency}` is not a currency this node knows", f"use one of {', '.join(sorted(DECIMALS))}")
    return Condition(
        _text(rule, "name"), _text(rule, "shape"), _text(rule, "counts"), _text(one, "parameter"), value, _text(one, "unit"),
        _day(one, "effective"), _day(one, "known"), _text(one, "source"), _text(one, "authority"), currency,
        _day(one, "until") if "until" in one else END_OF_TIME,
    )  # fmt: skip


def _tables(value: dict[str, Any], field: str, fields: set[str]) -> list[dict[str, Any]]:
    found = value.get(field)
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise _wrong(f"`{field}` is missing or no list of tables", f"write each as [[{field}]]")
    for one in found:
        _known(one, fields)
    return found


def _known(value: dict[str, Any], fields: set[str]) -> None:
    unknown = next((field for field in value if field not in fields), None)
    if unknown is not None:
        raise _wrong(f"the unknown field `{unknown}`", f"known are {', '.join(sorted(fields))}")


def _text(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    if not isinstance(found, str) or not found.strip():
        raise _wrong(f"`{field}` is missing or not a text", f'add {field} = "…"')
    return found


def _day(value: dict[str, Any], field: str) -> Instant:
    found = value.get(field)
    if type(found) is not date:
        raise _wrong(f"`{field}` is missing or no day", f"write {field} = 2026-01-01")
    return parse_instant(found.isoformat())


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.conditions", f"the conditions cannot be read: {what}", remedy)
