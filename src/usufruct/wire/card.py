"""An asset's card as TOML: what a steward edits and signs off."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import slug
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card
from usufruct.core.rulebook.grades import BY_NAME, GRADES
from usufruct.ports import ColumnSeen

_CARD_FIELDS = {
    "asset", "title", "description", "licence", "keywords", "person_column", "period_column", "rows_per_person",
    "once_per", "member_prefix", "columns",
}  # fmt: skip
_COLUMN_FIELDS = {"type", "class", "grade", "description", "unit", "decimals", "low", "high", "values"}


def read(text: str) -> Card:
    """The card that `text` holds.

    Raises:
        BadInput: not TOML, a field is missing, unknown or of another type.
    """
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("input.card", f"the card is not TOML: {error}", "correct it at that place") from None
    _known(value, _CARD_FIELDS, "the card")
    columns = value.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise BadInput("input.card", "the card describes no columns", "add a [columns.NAME] table for each")
    return Card(
        asset=_text(value, "asset"),
        title=_text(value, "title"),
        description=_text(value, "description"),
        licence=_text(value, "licence"),
        person_column=_text(value, "person_column", ""),
        columns=tuple(_column(name, column) for name, column in columns.items()),
        rows_per_person=_number(value, "rows_per_person"),
        once_per=_texts(value, "once_per"),
        keywords=_texts(value, "keywords"),
        period_column=_text(value, "period_column", "") or None,
        member_prefix=_text(value, "member_prefix", "member"),
    )


def _column(name: str, value: Any) -> Column:
    where = f"column `{name}`"
    if not isinstance(value, dict):
        raise BadInput("input.card", f"{where} is not a table", f"write it under [columns.{name}]")
    _known(value, _COLUMN_FIELDS, where)
    grade = value.get("grade")
    known = BY_NAME.get(grade) if isinstance(grade, str) else None
    if known is None and (isinstance(grade, bool) or grade not in range(len(GRADES))):
        written = "no grade" if grade is None else f"the unknown grade `{grade}`"
        raise BadInput("input.card", f"{where} has {written}", f"use one of {', '.join(BY_NAME)}, or 0 to 6")
    decimals = _number(value, "decimals", 0)
    return Column(
        name,
        _text(value, "type"),
        _text(value, "class", "personal"),
        known.number if known else grade,
        _text(value, "description", ""),
        _text(value, "unit", ""),
        decimals,
        _grains(value, "low", decimals, where),
        _grains(value, "high", decimals, where),
        tuple(value.get("values", ())),
    )


def _grains(value: dict[str, Any], field: str, decimals: int, where: str) -> int | None:
    """A bound, written in the column's unit, in its grains."""
    bound = value.get(field)
    if bound is None:
        return None
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        raise BadInput("input.card", f"{where}: `{field}` is not a number", "write it as 0 or 20.5")
    grains: int = round(bound * 10**decimals)
    if abs(grains - bound * 10**decimals) > 1e-6:
        raise BadInput(
            "input.card", f"{where}: `{field}` has more than {decimals} decimals", "round it, or raise `decimals`"
        )
    return grains


def _known(value: dict[str, Any], fields: set[str], where: str) -> None:
    for field in value:
        if field not in fields:
            raise BadInput(
                "input.card", f"{where} has the unknown field `{field}`", f"known are {', '.join(sorted(fields))}"
            )


def _text(value: dict[str, Any], field: str, default: str | None = None) -> str:
    found = value.get(field, default)
    if not isinstance(found, str) or (default is None and not found.strip()):
        raise BadInput("input.card", f"`{field}` is missing or not a text", f'add {field} = "…"')
    return found


def _texts(value: dict[str, Any], field: str) -> tuple[str, ...]:
    found = value.get(field, [])
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BadInput("input.card", f"`{field}` is not a list of texts", f'write {field} = ["…", "…"]')
    return tuple(found)


def _number(value: dict[str, Any], field: str, default: int | None = None) -> int:
    found = value.get(field, default)
    if isinstance(found, bool) or not isinstance(found, int):
        raise BadInput("input.card", f"`{field}` is missing or not a whole number", f"add {field} = 1")
    return found


def propose(name: str, columns: list[ColumnSeen]) -> str:
    """A card to start from, as TOML with remarks; every guess is on the cautious side and a person confirms it.

    Grades start at 3 (sensitive). Values and bounds come from the data: publishing them tells what is in the table, so
    they are for the steward to replace by what is known in public.
    """
    person = next((c.name for c in columns if c.distinct > 1 and c.nulls == 0 and c.type in ("integer", "text")), "")
    lines = [
        "# A proposal. Read every line before you register it: the card is public, and it decides what can be asked.",
        "# `low`, `high` and `values` below were read from the data; write what is known in public instead.",
        f"asset = {_quote(slug(name))}",
        f"title = {_quote(name)}",
        'description = "what the table holds, and how it came about"',
        'licence = "terms of the agreement"',
        "keywords = []",
        "# whom a row is about; each different value becomes a member",
        f"person_column = {_quote(person)}",
        "# one person counts for at most this many rows, whatever the table holds",
        "rows_per_person = 1",
        "# columns for each of whose values a person has at most one row, such as a year",
        "once_per = []",
    ]
    for column in columns:
        lines += [
            "",
            f"[columns.{_key(column.name)}]",
            f"type = {_quote(column.type)}",
            'class = "personal"',
            'grade = "sensitive"',
        ]
        if column.type == "decimal":
            lines.append(f"decimals = {column.decimals}")
        if column.name == person:
            continue
        if column.values and column.type != "decimal":
            values = [_quote(v) if column.type == "text" else v.lower() for v in column.values]
            lines.append(f"values = [{', '.join(values)}]")
        elif column.type in ("integer", "decimal"):
            lines += [f"low = {column.low}", f"high = {column.high}"]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else _quote(name)
