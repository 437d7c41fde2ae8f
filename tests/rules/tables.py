"""Tables of text: what a rule must say, written so that somebody who does not program can read it and correct it.

The first line names the columns; cells are parted by `|`. Empty lines, rules of dashes, and lines that begin with `#`
are there for the eye only. In a cell, `;` parts several things.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a table, each by the names of its columns."""
    lines = [line.strip() for line in text.strip().splitlines()]
    lines = [line for line in lines if line.strip("-+| ") and not line.startswith("#")]
    head, *body = ([cell.strip() for cell in line.split("|")] for line in lines)
    for cells in body:
        assert len(cells) == len(head), f"{len(cells)} cells under {len(head)} columns: {' | '.join(cells)}"
    return [dict(zip(head, cells, strict=True)) for cells in body]


def cases(text: str) -> Callable[[Callable[..., Any]], Any]:
    """Runs a test once for each row of the table, which it gets as `row`."""
    found = rows(text)
    assert found, "a table without rows tests nothing"
    return pytest.mark.parametrize(
        "row", [pytest.param(row, id=", ".join(filter(None, row.values()))[:100]) for row in found]
    )


def parts(cell: str) -> tuple[str, ...]:
    """The things in a cell, parted by `;`."""
    return tuple(part.strip() for part in cell.split(";") if part.strip())
