"""A charter as TOML: the card of the pool, and under `[charter]` what members agree to."""

from __future__ import annotations

from datetime import date
from typing import Any

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import parse as parse_money
from usufruct.core.registry.charter import Draft
from usufruct.wire import card

_FIELDS = {"text", "least_price", "until"}


def read(text: str) -> Draft:
    """The charter that `text` holds.

    Raises:
        BadInput: not TOML, a field is missing, unknown or of another type.
    """
    value = card.parse(text, "the charter")
    said = value.pop("charter", None)
    if not isinstance(said, dict):
        raise _wrong("it has no [charter] table", "add one, with `text` and `least_price`")
    unknown = next((field for field in said if field not in _FIELDS), None)
    if unknown is not None:
        raise _wrong(f"it has the unknown field `{unknown}`", f"known are {', '.join(sorted(_FIELDS))}")
    until = said.get("until")
    if until is not None and not isinstance(until, str | date):
        raise _wrong("`until` is no day", "write it as 2030-12-31")
    end = END_OF_TIME if until is None else parse_instant(until.isoformat() if isinstance(until, date) else until)
    return Draft(card.of_table(value), parse_money(_text(said, "least_price")), end, holdable(_text(said, "text")))


def _text(said: dict[str, Any], field: str) -> str:
    found = said.get(field)
    if not isinstance(found, str) or not found.strip():
        raise _wrong(f"`{field}` is missing or not a text", f'add {field} = "…" under [charter]')
    return found


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.charter", f"the charter cannot be read: {what}", remedy)
