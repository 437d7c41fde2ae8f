"""A table of states drawn as a map: one line for each state, in the order in which the table goes on from them, and at the
left the tracks of the moves between them. Where the process has been is solid, where it stands is large.

It is drawn from the table itself (`core.contract.negotiation.MOVES`, `core.contract.transfer.MOVES`), so it cannot show a
move that there is not. It grows downward, as a chain does, and fits a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from usufruct.core.contract.negotiation import START
from usufruct.web.portal.charts import element, svg, words

_ROW, _LANE, _MARGIN = 48, 14, 10  # pixels: from line to line, from track to track, and to the first

Moves = Mapping[tuple[str, str], tuple[str, str]]


def order(moves: Moves) -> list[str]:
    """The states of a table: those from which something can be sent, in its order, and then the ends, the bad one last."""
    on = dict.fromkeys(state for state, _ in moves if state != START)
    ends = dict.fromkeys(then for _, then in moves.values() if then not in on)
    return [*on, *sorted(ends, key="TERMINATED".__eq__)]


def drawing(name: str, title: str, moves: Moves, passed: Sequence[str], said: Mapping[str, str]) -> Markup:
    """The map of a table for a process that has `passed` these states, the last of which it stands in; `said` has a line
    for a state."""
    states = order(moves)
    y = {state: row * _ROW + 16 for row, state in enumerate(states)}
    done = {*pairwise(passed)}
    pairs = dict.fromkeys((state, then) for (state, _), (_, then) in moves.items() if state != START)
    far = [pair for pair in pairs if y[pair[1]] - y[pair[0]] != _ROW]
    lanes = {target: lane for lane, target in enumerate(dict.fromkeys(then for _, then in far), 1)}
    line = _MARGIN + _LANE * (len(lanes) + 1)
    drawn = [
        _track(line, line - _LANE * lanes[pair[1]] if pair in far else line, y[pair[0]], y[pair[1]], pair in done)
        for pair in sorted(pairs, key=lambda pair: pair in done)
    ]
    here = passed[-1] if passed else ""
    for state in states:
        been = state in passed
        drawn.append(
            element("circle", cx=line, cy=y[state], r=8 if state == here else 5, class_="p1" if been else "p2")
        )
        label = words(str(line + 18), y[state] + 5, f"{state}: here" if state == here else state)
        drawn.append(element("g", label, font_weight=700) if state == here else label)
        if state in said:
            drawn.append(words(str(line + 18), y[state] + 24, said[state]))
    return svg(name, title, len(states) * _ROW, drawn)


def _track(line: int, lane: int, start: int, end: int, done: bool) -> Markup:
    """From one state to another, straight or over a lane at the left, with a point at its end."""
    style = "curve" if done else "grid"
    if lane == line:
        return element("path", d=f"M{line} {start}V{end}", fill="none", class_=style)
    bend = 10 if end > start else -10
    path = f"M{line} {start}Q{lane} {start} {lane} {start + bend}V{end - bend}Q{lane} {end} {line - 7} {end}"
    point = f"M{line - 12} {end - 4}L{line - 6} {end}L{line - 12} {end + 4}"
    return element("path", d=path + point, fill="none", class_=style)
