"""The figures and tables of negotiations and transfers, made from the code.

`python docs/diagram.py` writes them into the pages below; tests/test_docs.py holds the pages to them.
"""

from __future__ import annotations

from pathlib import Path

from usufruct.core.contract import negotiation, transfer

CONCEPTS = Path(__file__).parent / "concepts"
START = negotiation.START
TABLES = {
    "negotiation": (CONCEPTS / "agreements.md", negotiation.MOVES, negotiation.FINAL),
    "transfer": (CONCEPTS / "other-nodes.md", transfer.MOVES, transfer.FINAL),
}


def figure(name: str) -> str:
    """The states and moves as a Mermaid state diagram."""
    _, moves, final = TABLES[name]
    lines = ["stateDiagram-v2"]
    for (state, message), (who, following) in moves.items():
        lines.append(f"    {'[*]' if state == START else state} --> {following}: {message} ({who})")
    lines += [f"    {state} --> [*]" for state in final]
    return "\n".join(lines)


def table(name: str) -> str:
    """The same as a table, for readers without Mermaid."""
    moves = TABLES[name][1]
    rows = [f"| {state} | {message} | {who} | {following} |" for (state, message), (who, following) in moves.items()]
    return "\n".join(["| In state | can be sent | by the | and leads to |", "|---|---|---|---|", *rows])


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"


def section(name: str) -> str:
    """What stands between the two marks of the page."""
    begin, end = _marks(name)
    return f"{begin}\n```mermaid\n{figure(name)}\n```\n\n{table(name)}\n\n{end}"


def filled(name: str, page: str) -> str:
    """The page with its section made anew."""
    begin, end = _marks(name)
    before, _, rest = page.partition(begin)
    return before + section(name) + rest.partition(end)[2]


if __name__ == "__main__":
    for named, (path, *_) in TABLES.items():
        path.write_text(filled(named, path.read_text(encoding="utf-8")), encoding="utf-8")
