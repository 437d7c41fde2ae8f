"""The negotiation's figure and table, made from the code.

`python docs/diagram.py` writes them into docs/concepts/agreements.md; tests/test_docs.py holds the page to them.
"""

from __future__ import annotations

from pathlib import Path

from usufruct.core.contract.negotiation import FINAL, MOVES, START

PAGE = Path(__file__).parent / "concepts" / "agreements.md"
BEGIN, END = "<!-- negotiation: begin -->\n", "<!-- negotiation: end -->\n"


def figure() -> str:
    """The states and moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for (state, message), (who, following) in MOVES.items():
        lines.append(f"    {'[*]' if state == START else state} --> {following}: {message} ({who})")
    lines += [f"    {state} --> [*]" for state in FINAL]
    return "\n".join(lines)


def table() -> str:
    """The same as a table, for readers without Mermaid."""
    rows = [f"| {state} | {message} | {who} | {following} |" for (state, message), (who, following) in MOVES.items()]
    return "\n".join(["| In state | can be sent | by the | and leads to |", "|---|---|---|---|", *rows])


def section() -> str:
    """What stands between the two marks of the page."""
    return f"{BEGIN}\n```mermaid\n{figure()}\n```\n\n{table()}\n\n{END}"


def filled(page: str) -> str:
    """The page with its section made anew."""
    before, _, rest = page.partition(BEGIN)
    return before + section() + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
