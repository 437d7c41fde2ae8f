"""A buyer's labelled rows from CSV, as they are written to a file: a line of names, then the rows."""

from __future__ import annotations

import csv
import hashlib
import io

from usufruct.core.base.faults import BadInput
from usufruct.core.privacy.validation import Validation

BYTES_MAX = 8 << 20


def read(data: bytes) -> Validation:
    """The rows in the bytes of a CSV file.

    Raises:
        BadInput: it is no CSV in UTF-8, or a row is longer or shorter than the line of names.
    """
    if len(data) > BYTES_MAX:
        raise BadInput("input.validation", f"the rows are {len(data)} bytes", f"give at most {BYTES_MAX}")
    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(
            "input.validation", f"the rows are not CSV in UTF-8: {error}", "write a line of names, then the rows"
        ) from None
    rows = [tuple(line) for line in lines if line]
    if not rows:
        raise BadInput("input.validation", "there are no rows", "write a line of names, then the rows")
    names = tuple(name.strip() for name in rows[0])
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise BadInput(
                "input.validation", f"row {number} has {len(row)} cells, and there are {len(names)} columns",
                "give each row a cell for each column",
            )  # fmt: skip
    return Validation(names, tuple(rows[1:]), data, hashlib.sha256(data).hexdigest())
