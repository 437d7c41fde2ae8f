"""A template as TOML: its question, and under `[parameters.NAME]` what each gap takes."""

from __future__ import annotations

from typing import Any

from usufruct.core.access.template_values import Gap
from usufruct.core.access.templates import Draft
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.wire import card

_FIELDS = {"template", "title", "purposes", "sql", "micro_rho", "parameters"}
_PARAMETER_FIELDS = {"label", "column", "values", "low", "high"}


def read(text: str) -> Draft:
    """The template that `text` holds. A parameter without `column` is of the column of its own name.

    Raises:
        BadInput: not TOML, a field is missing, unknown or of another type.
    """
    value = card.parse(text, "the template")
    _known(value, _FIELDS, "")
    allowed = value.get("purposes")
    if not isinstance(allowed, list) or not all(isinstance(item, str) for item in allowed):
        raise _wrong("`purposes` is missing or no list", 'add purposes = ["AcademicResearch"]')
    micro_rho = value.get("micro_rho")
    if micro_rho is not None and type(micro_rho) is not int:
        raise _wrong("`micro_rho` is no whole number", "write it in digits, or leave it out")
    parameters = value.get("parameters", {})
    if not isinstance(parameters, dict) or not all(isinstance(item, dict) for item in parameters.values()):
        raise _wrong("`parameters` are no tables", "write each as [parameters.NAME]")
    return Draft(
        _text(value, "template"), _text(value, "title"), holdable(_text(value, "sql").strip()), tuple(allowed),
        tuple(_gap(name, item) for name, item in parameters.items()), micro_rho,
    )  # fmt: skip


def _gap(name: str, value: dict[str, Any]) -> Gap:
    where = f" of parameter `{name}`"
    _known(value, _PARAMETER_FIELDS, where)
    values = value.get("values", [])
    if not isinstance(values, list) or not all(isinstance(item, int | str) for item in values):
        raise _wrong(f"`values`{where} is not a list of plain values", 'write values = ["…", "…"]')
    column = value.get("column", name)
    if not isinstance(column, str):
        raise _wrong(f"`column`{where} is no text", "write the name of a column")
    return Gap(
        name, _text(value, "label", where), column, tuple(values), _end(value, "low", where), _end(value, "high", where)
    )


def _known(value: dict[str, Any], fields: set[str], where: str) -> None:
    unknown = next((field for field in value if field not in fields), None)
    if unknown is not None:
        raise _wrong(f"the unknown field `{unknown}`{where}", f"known are {', '.join(sorted(fields))}")


def _text(value: dict[str, Any], field: str, where: str = "") -> str:
    found = value.get(field)
    if not isinstance(found, str) or not found.strip():
        raise _wrong(f"`{field}`{where} is missing or not a text", f'add {field} = "…"')
    return found


def _end(value: dict[str, Any], field: str, where: str) -> str:
    found = value.get(field, "")
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise _wrong(f"`{field}`{where} is no number", f"write {field} = 0")
    return str(found)


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.template", f"the template cannot be read: {what}", remedy)
