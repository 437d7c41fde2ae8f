"""A scheme as TOML: its levies with dated rates, and what they give a right to.

A rate or a level that names no dates and no source of its own has those of the scheme. Amounts are written with their
currency (`1000.00 SGD`), rates in hundredths of a per cent.
"""

from __future__ import annotations

from datetime import date
from importlib import resources
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import DECIMALS
from usufruct.core.base.money import parse as parse_money
from usufruct.core.cover.scheme import (
    AGE_MAX,
    MEMBERS,
    NOBODY,
    PAIR,
    Destination,
    Entitlement,
    Expenses,
    Level,
    Rate,
    Scheme,
    SchemeLevy,
)
from usufruct.core.rulebook.levy import Band
from usufruct.wire import card

_SCHEME = {
    "name", "title", "currency", "authority", "source", "effective", "known", "levy", "entitlement", "born_from", "joining",
    "options", "deduction", "year_starts", "gaps",
}  # fmt: skip
_LEVY = {"name", "payer", "per", "counted", "of", "rate"}
_RATE = {
    "effective", "known", "source", "basis", "basis_points", "band", "to", "share", "option", "age_from", "age_below",
    "threshold", "cap", "cap_basis_points",
}  # fmt: skip
_ENTITLEMENT = {"name", "kind", "title", "source", "of", "level", "across", "income_max", "before", "by"}
_LEVEL = {"effective", "known", "source", "amount", "days", "basis_points"}
EXAMPLES = resources.files("usufruct.core.cover").joinpath("schemes")


def examples() -> dict[str, str]:
    """The schemes that are shipped as examples, as TOML, by name; none is raised until an operator adopts it."""
    files = sorted((file for file in EXAMPLES.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): file.read_text(encoding="utf-8") for file in files}


class _Table:
    """One table of the file: typed fields, and the defaults of what stands above it."""

    def __init__(self, value: Any, fields: set[str], what: str, above: _Table | None = None) -> None:
        if not isinstance(value, dict):
            raise _wrong(f"{what} is no table", f"write [[{what}]]")
        unknown = next((field for field in value if field not in fields), None)
        if unknown is not None:
            raise _wrong(f"the unknown field `{unknown}` in {what}", f"known are {', '.join(sorted(fields))}")
        self.value, self.what, self._above = value, what, above

    def text(self, field: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        found = self.value.get(field, default)
        if not isinstance(found, str) or (default is None and not found.strip()):
            raise _wrong(f"`{field}` of {self.what} is missing or not a text", f'add {field} = "…"')
        return " ".join(found.split())  # a long text goes over several lines

    def number(self, field: str, default: int | None = None) -> int:
        """A whole number."""
        found = self.value.get(field, default)
        if type(found) is not int:
            raise _wrong(f"`{field}` of {self.what} is missing or no whole number", f"write {field} = 300")
        return found

    def amount(self, field: str, currency: str) -> int:
        """An amount of money, in minor units."""
        return parse_money(self.text(field), currency).minor

    def day(self, field: str) -> Instant:
        """A day, of this table or of what stands above it."""
        found = self.value.get(field)
        if found is None and self._above is not None:
            return self._above.day(field)
        if type(found) is not date:
            raise _wrong(f"`{field}` of {self.what} is missing or no day", f"write {field} = 2026-01-01")
        return parse_instant(found.isoformat())

    def source(self) -> str:
        """Where it is written: of this table, or of what stands above it."""
        if "source" not in self.value and self._above is not None:
            return self._above.source()
        return self.text("source")

    def tables(self, field: str, fields: set[str]) -> list[_Table]:
        """The tables of a list."""
        found = self.value.get(field, [])
        if not isinstance(found, list):
            raise _wrong(f"`{field}` is no list of tables", f"write each as [[{field}]]")
        return [_Table(one, fields, field, self) for one in found]


def read(text: str) -> Scheme:
    """The scheme that `text` holds.

    Raises:
        BadInput: not TOML; a field is missing, unknown or of another type.
    """
    top = _Table(card.parse(text, "the scheme"), _SCHEME, "the scheme")
    currency = top.text("currency")
    if currency not in DECIMALS:
        raise _wrong(f"`{currency}` is no currency that the node knows", f"use one of {', '.join(sorted(DECIMALS))}")
    options = top.value.get("options", [])
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise _wrong("`options` is no list of texts", 'write options = ["a", "b"]')
    born = top.value.get("born_from")
    if born is not None and type(born) is not date:
        raise _wrong("`born_from` is no day", "write born_from = 1995-01-01")
    return Scheme(
        top.text("name"), top.text("title"), currency, top.text("authority"), top.source(), top.day("effective"),
        top.day("known"), tuple(_levy(one, currency) for one in top.tables("levy", _LEVY)),
        tuple(_entitlement(one, currency) for one in top.tables("entitlement", _ENTITLEMENT | {"effective", "known"})),
        born.isoformat() if born else "", top.text("joining", NOBODY), tuple(options),
        tuple(
            Expenses(one.text("name"), one.number("basis_points"), one.source())
            for one in top.tables("deduction", {"name", "basis_points", "source"})
        ),
        top.number("year_starts", 1), top.text("gaps", ""),
    )  # fmt: skip


def _levy(table: _Table, currency: str) -> SchemeLevy:
    rates = tuple(_rate(one, currency) for one in table.tables("rate", _RATE))
    return SchemeLevy(
        table.text("name"),
        table.text("payer"),
        table.text("per"),
        rates,
        table.text("counted", PAIR),
        table.text("of", MEMBERS),
    )


def _rate(table: _Table, currency: str) -> Rate:
    value = table.value
    if ("band" in value) == ("basis_points" in value) or ("to" in value) == ("share" in value):
        raise _wrong(
            "a rate has both or neither of one rate and bands, or of one account and several", "write one of each"
        )
    bands = (Band(0, table.number("basis_points")),) if "basis_points" in value else tuple(
        Band(one.amount("above", currency), one.number("basis_points")) for one in table.tables("band", {"above", "basis_points"})
    )  # fmt: skip
    shares = (Destination(table.text("to"), 1),) if "to" in value else tuple(
        Destination(one.text("to"), one.number("weight")) for one in table.tables("share", {"to", "weight"})
    )  # fmt: skip
    return Rate(
        table.day("effective"), table.day("known"), table.text("basis"), bands, shares, table.source(),
        table.text("option", ""), table.number("age_from", 0), table.number("age_below", AGE_MAX),
        table.amount("threshold", currency) if "threshold" in value else 0,
        table.amount("cap", currency) if "cap" in value else None,
        table.number("cap_basis_points") if "cap_basis_points" in value else None,
    )  # fmt: skip


def _entitlement(table: _Table, currency: str) -> Entitlement:
    return Entitlement(
        table.text("name"), table.text("kind"), table.text("title"), table.source(), table.text("of", ""),
        tuple(_level(one, currency) for one in table.tables("level", _LEVEL)), table.number("across", 0),
        table.amount("income_max", currency) if "income_max" in table.value else 0, table.text("before", ""),
        table.text("by", ""),
    )  # fmt: skip


def _level(table: _Table, currency: str) -> Level:
    given = [field for field in ("amount", "days", "basis_points") if field in table.value]
    if len(given) != 1:
        raise _wrong("a level has none, or several, of an amount, days and basis points", "write one of them")
    value = table.amount("amount", currency) if given == ["amount"] else table.number(given[0])
    return Level(table.day("effective"), table.day("known"), value, table.source())


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.cover", f"the scheme cannot be read: {what}", remedy)
