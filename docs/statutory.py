"""The page of statutory tables, made from the tables.

`python docs/statutory.py` writes it; tests/rules/test_statutory_page.py holds the page to them.
"""

from __future__ import annotations

from pathlib import Path

from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.rulebook.statutory.explained import Step
from usufruct.core.rulebook.statutory.tables import Figure, Regime, Table, shipped

PAGE = Path(__file__).parent / "reference" / "statutory.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"


def row(table: Table, figure: Figure) -> str:
    """One figure: its dates, its value or its bands, and where it stands."""
    steps = [
        (band.start, str(Step("", band.value, table.unit)).removesuffix(f" {table.unit}")) for band in figure.bands
    ]
    value = ", ".join(f"{value} from {start}" for start, value in steps) if table.by else steps[0][1]
    until = "" if figure.until == END_OF_TIME else figure.until[:10]
    known = figure.known[:10] if figure.published else "not found"
    source = f"[{figure.source}]({figure.link})" if figure.link else figure.source
    return f"| {figure.effective[:10]} | {until} | {known} | {value} | {source} |"


def section(table: Table) -> str:
    """A table under its name."""
    by = f", by {table.by}" if table.by else ""
    head = [
        f"### `{table.name}`", "", f"{table.meaning[0].upper()}{table.meaning[1:]}.", "",
        f"- unit: {table.unit}{by}; rounding of what is reckoned with it: {table.rounding}",
        f"- set by: {table.authority}", f"- [{table.source}]({table.link})", "",
        "| From | Until | Published | Value | Source |", "|---|---|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*head, *(row(table, figure) for figure in table.figures), ""])


def regime(one: Regime) -> str:
    """A regime as a row."""
    lines = ", ".join(f"`{line}`" for line in one.lines)
    return f"| `{one.name}` | {one.meaning} | {lines} | `{one.tax}` |"


def made() -> str:
    """What stands between the two marks of the page."""
    book = shipped()
    regimes = ["| Regime | Whose | Rates | Income tax, if it is paid with them |", "|---|---|---|---|"]
    regimes += [regime(one) for one in book.regimes.values()]
    return "\n".join([BEGIN, "## Regimes", "", *regimes, "", "## Tables", "", *(section(table) for table in book), END])


def filled(page: str) -> str:
    """The page with its tables made anew."""
    before, _, rest = page.partition(BEGIN)
    return before + made() + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
