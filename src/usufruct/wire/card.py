"""An asset's card as TOML: what a steward edits and signs off."""

from __future__ import annotations

import json
import math
import re
import tomllib
import unicodedata
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import slug
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.records import plain
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rules import Card, DeclaredStep
from usufruct.core.registry.seen import ColumnProposed, ColumnSeen
from usufruct.core.rulebook.grades import BY_NAME, CLASSES, GRADES

_CARD_FIELDS = {
    "asset", "title", "description", "licence", "keywords", "person_column", "period_column", "rows_per_person",
    "once_per", "member_prefix", "purposes", "prohibited", "derived_from", "transform", "steps", "columns",
}  # fmt: skip
_COLUMN_FIELDS = {
    "type", "class", "grade", "description", "unit", "decimals", "low", "high", "values", "origins", "proposed", "because",
}  # fmt: skip
UNCONFIRMED = 3  # sensitive: the least grade of a column whose proposal nobody confirmed
_STEP_FIELDS = {"kind", "how", "by", "inputs", "outputs", "purpose", "evidence", "at"}


def read(text: str) -> Card:
    """The card that `text` holds.

    Raises:
        BadInput: not TOML, a field is missing, unknown or of another type.
    """
    return of_table(parse(text, "the card"))


def parse(text: str, what: str) -> dict[str, Any]:
    """What a text in TOML holds; `what` it is.

    Raises:
        BadInput: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("input.card", f"{what} is not TOML: {error}", "correct it at that place") from None


def of_table(value: dict[str, Any]) -> Card:
    """The card that a table of TOML is.

    Raises:
        BadInput: a field is missing, unknown or of another type.
    """
    _known(value, _CARD_FIELDS, "the card")
    columns = value.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise BadInput("input.card", "the card describes no columns", "add a [columns.NAME] table for each")
    card = Card(
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
        purposes=_texts(value, "purposes"),
        derived_from=_texts(value, "derived_from"),
        transform=_text(value, "transform", ""),
        steps=_steps(value.get("steps", [])),
        prohibited=_texts(value, "prohibited"),
    )
    try:
        canonical.encode(plain(card))
    except ValueError as error:  # letters in two parts, numbers beyond 64 bits: what the journal cannot hold
        raise BadInput("input.card", f"the card cannot be kept: {error}", "write it another way") from None
    return card


def _column(name: str, value: Any) -> Column:
    where = f"column `{name}`"
    if not isinstance(value, dict):
        raise BadInput("input.card", f"{where} is not a table", f"write it under [columns.{name}]")
    _known(value, _COLUMN_FIELDS, where)
    grade, data_class = _grade(value, "grade", where), _text(value, "class", "personal")
    if "proposed" in value:  # and confirmed by nobody: what the classifier said counts, and no less than sensitive
        grade, data_class = max(grade, _grade(value, "proposed", where), UNCONFIRMED), "personal"
    _texts(value, "because")
    decimals = _number(value, "decimals", 0)
    if not 0 <= decimals <= 9:
        raise BadInput("input.card", f"{where} cannot have {decimals} decimals", "a decimal column has 0 to 9")
    values = value.get("values", [])
    if not isinstance(values, list) or not all(isinstance(item, int | str) for item in values):
        raise BadInput("input.card", f"{where}: `values` is not a list of plain values", 'write values = ["…", "…"]')
    return Column(
        name,
        _text(value, "type"),
        data_class,
        grade,
        _text(value, "description", ""),
        _text(value, "unit", ""),
        decimals,
        _grains(value, "low", decimals, where),
        _grains(value, "high", decimals, where),
        tuple(values),
        _texts(value, "origins"),
    )


def _grade(value: dict[str, Any], field: str, where: str) -> int:
    written = value.get(field)
    grade = BY_NAME[written].number if isinstance(written, str) and written in BY_NAME else written
    if type(grade) is not int or grade not in range(len(GRADES)):
        written = f"no {field}" if written is None else f"the unknown grade `{written}`"
        raise BadInput("input.card", f"{where} has {written}", f"use one of {', '.join(BY_NAME)}, or 0 to 6")
    return grade


def _steps(value: Any) -> tuple[DeclaredStep, ...]:
    if not isinstance(value, list) or not all(isinstance(step, dict) for step in value):
        raise BadInput("input.card", "`steps` is not a list of tables", "write each under [[steps]]")
    return tuple(_step(step, f"step {number}") for number, step in enumerate(value, 1))


def _step(value: dict[str, Any], where: str) -> DeclaredStep:
    _known(value, _STEP_FIELDS, where)
    at = value.get("at")
    return DeclaredStep(
        _text(value, "kind"),
        _text(value, "how"),
        _text(value, "by", ""),
        _texts(value, "inputs"),
        _texts(value, "outputs"),
        _text(value, "purpose", ""),
        _text(value, "evidence", ""),
        None if at is None else parse_instant(at.isoformat() if isinstance(at, date) else str(at)),
    )


def _grains(value: dict[str, Any], field: str, decimals: int, where: str) -> int | None:
    """A bound, written in the column's unit, in its grains."""
    bound = value.get(field)
    if bound is None:
        return None
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
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


def propose(name: str, columns: list[ColumnSeen], proposed: Sequence[ColumnProposed] = ()) -> str:
    """A card to start from, as TOML with remarks; every guess is on the cautious side and a person confirms it.

    A column of which nothing is `proposed` is personal and sensitive. Values and bounds come from the data: publishing
    them tells what is in the table, so they are for the steward to replace by what is known in public.
    """
    of_column = {one.name: one for one in proposed}
    person = next((c.name for c in columns if c.distinct > 1 and c.nulls == 0 and c.type in ("integer", "text")), "")
    lines = [
        "# A proposal. Read every line before you register it: the card is public, and it decides what can be asked.",
        "# Until you confirm what is `proposed` for a column (`usufruct classify confirm`) it is at least sensitive.",
        "# `low`, `high` and `values` below were read from the data; write what is known in public instead.",
        f"asset = {_quote(slug(name))}",
        f"title = {_quote(name)}",
        "# what the table holds and how it came about, and on what terms; the card cannot be registered without",
        'description = ""',
        'licence = ""',
        "keywords = []",
        "# whom a row is about; each different value becomes a member",
        f"person_column = {_quote(person)}",
        "# one person counts for at most this many rows, whatever the table holds",
        "rows_per_person = 1",
        "# columns for each of whose values a person has at most one row, such as a year",
        "once_per = []",
    ]
    for column in columns:
        lines += ["", f"[columns.{_key(column.name)}]", f"type = {_quote(column.type)}"]
        lines += _marks(of_column.get(column.name) or ColumnProposed(column.name, "personal", UNCONFIRMED, ()))
        if column.type == "decimal":
            lines.append(f"decimals = {column.decimals}")
        if column.name == person:
            continue
        if column.values and column.type != "decimal":
            values = dict.fromkeys(_plain(value, column.type) for value in column.values)
            lines.append(f"values = [{', '.join(values)}]")
        elif column.type in ("integer", "decimal") and column.low and column.high:
            lines += [f"low = {_bound(column.low, column.decimals)}", f"high = {_bound(column.high, column.decimals)}"]
    return "\n".join(lines) + "\n"


def _marks(proposed: ColumnProposed) -> list[str]:
    name = GRADES[proposed.grade].name
    lines = [f"class = {_quote(proposed.data_class)}", f"grade = {_quote(name)}"]
    if proposed.reasons:
        lines.append(f"proposed = {_quote(name)}")
        lines.append(f"because = [{', '.join(map(_quote, proposed.reasons))}]")
    return lines


def unconfirmed(text: str) -> dict[str, tuple[str, str, list[str]]]:
    """The columns of a card whose proposals nobody confirmed yet: class, grade and reasons of each proposal.

    Raises:
        BadInput: the text is no card.
    """
    read(text)
    columns = tomllib.loads(text)["columns"]
    return {
        name: (column.get("class", "personal"), column["proposed"], column.get("because", []))
        for name, column in columns.items() if "proposed" in column
    }  # fmt: skip


def confirm(text: str, name: str, grade: str = "", data_class: str = "") -> str:
    """The card after a person confirmed the proposal for a column, or set another `grade` or class in its place.

    Everything else in the text stays as it is, remarks too.

    Raises:
        BadInput: the text is no card, or nothing is proposed for that column.
    """
    waiting = unconfirmed(text)
    if name not in waiting:
        raise BadInput(
            "input.card", f"nothing is proposed for `{name}`", f"waiting: {', '.join(waiting) or 'no column'}"
        )
    if data_class not in ("", *CLASSES):
        raise BadInput("input.card", f"`{data_class}` is not a class", f"use one of {', '.join(CLASSES)}")
    data_class, grade = data_class or waiting[name][0], grade or waiting[name][1]
    head, found, rest = text.partition(f"[columns.{_key(name)}]\n")
    own, *others = re.split(r"(?m)^(?=\[)", rest, maxsplit=1)
    own = re.sub(r"(?m)^(?:class|grade|proposed|because) *=.*\n", "", own)
    after = f"{head}{found}class = {_quote(data_class)}\ngrade = {_quote(grade)}\n{own}{''.join(others)}"
    wanted = tomllib.loads(text)
    column = wanted["columns"][name]
    wanted["columns"][name] = {k: v for k, v in column.items() if k not in ("proposed", "because")} | {
        "class": data_class, "grade": grade
    }  # fmt: skip
    if not found or tomllib.loads(after) != wanted:  # it was written in another manner than ours
        raise BadInput(
            "input.card", f"`{name}` cannot be confirmed in this text", "set its grade and take `proposed` out by hand"
        )
    read(after)
    return after


def _plain(value: str, type: str) -> str:
    """A value of the table as TOML has it; `007` and ` 7` are 7."""
    return _quote(value) if type == "text" else value.lower() if type == "boolean" else str(int(value))


def _bound(value: str, decimals: int) -> str:
    """An extreme of the table to as many decimals as the column has."""
    return f"{Decimal(value):.{decimals}f}"


def _quote(text: str) -> str:
    return json.dumps(unicodedata.normalize("NFC", text), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else _quote(name)
