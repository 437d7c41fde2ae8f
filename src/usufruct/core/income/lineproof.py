"""A member's line with its proof: a file that she takes away, and that anybody checks with nothing but the node's key.

It says what she is paid for a period and what is still owed to her, in whole minor units. It carries the salt of her
line, the commitments to the lines beside hers, of which nobody can read anything, the way from there to the root of the
settlement (see `segment`), and two receipts (see `core.proof.receipt`): of the plan, which names the root, and of the fact
that closed the period by this plan. So the node cannot show her one line and the audit another. That the line is right
follows from the audit, which works all of them out again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from usufruct.core.income.facts import AssetStatement, PeriodClosed, PeriodPlanned
from usufruct.core.income.segment import CHUNK, commitment
from usufruct.core.proof.checkpoint import from_base64, to_base64
from usufruct.core.proof.tree import HASH_SIZE, verify_inclusion

FORMAT = "usufruct line proof 1"


@dataclass(frozen=True, slots=True)
class LineProof:
    """`paid` and `owed` minor units of the person `number` of an asset; `planned` and `closed` are receipts as text."""

    asset: str
    number: int
    paid: int
    owed: int
    salt: bytes
    chunk: bytes
    path: tuple[bytes, ...]
    planned: str
    closed: str

    def text(self) -> str:
        """The proof as a file, which is JSON; bytes are in base64."""
        values = asdict(self)
        values |= {name: to_base64(values[name]) for name in ("salt", "chunk")}
        values["path"] = [to_base64(item) for item in self.path]
        return json.dumps({"format": FORMAT, **values}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def parse(cls, text: str) -> LineProof:
        """The proof in a file. Its form is read, nothing is verified.

        Raises:
            ValueError: it is not in that form.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ValueError(f"it is no `{FORMAT}`")
        if values.keys() != {field.name for field in fields(cls)}:
            raise ValueError("it has not the fields of a line's proof")
        texts, numbers = ("asset", "planned", "closed", "salt", "chunk"), ("number", "paid", "owed")
        _check(all(type(values[name]) is str for name in texts), "a field is not text")
        _check(all(type(values[name]) is int for name in numbers), "a field is not a whole number")
        path: Any = values["path"]
        _check(isinstance(path, list) and all(isinstance(item, str) for item in path), "the path is not a list")
        values |= {name: from_base64(values[name]) for name in ("salt", "chunk")}
        return cls(**{**values, "path": tuple(map(from_base64, path))})

    def check(self, planned: PeriodPlanned, closed: PeriodClosed) -> AssetStatement:
        """That this line is in the settlement of its asset in a plan, and that the plan was carried out; its statement.

        Raises:
            ValueError: saying what it is not.
        """
        _check(closed.plan == planned.plan, "the period was closed by another plan")
        statement = next((s for s in planned.statements if s.asset == self.asset and s.root), None)
        if statement is None:
            raise ValueError(f"the plan has no settlement of `{self.asset}` whose lines can be proven")
        _check(0 <= self.number < statement.persons, f"the settlement has no line {self.number}")
        index, start = self.number // CHUNK, self.number % CHUNK * HASH_SIZE
        chunks = -(-statement.persons // CHUNK)
        beside = min(CHUNK, statement.persons - index * CHUNK)
        _check(len(self.chunk) == beside * HASH_SIZE, "there are not as many lines beside it as there must be")
        said = commitment(self.salt, self.paid, self.owed)
        _check(self.chunk[start : start + HASH_SIZE] == said, "the line is not the one that was committed to")
        root = bytes.fromhex(statement.root)
        _check(
            verify_inclusion(self.chunk, index, chunks, self.path, root), "it does not lead to the settlement's root"
        )
        return statement


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
