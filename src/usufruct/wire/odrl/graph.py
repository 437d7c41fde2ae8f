"""A graph as both spellings say it: nodes with properties, whose values are other nodes, letters with a datatype, or lists."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

BLANK = "_:"
BLANK_NAME = re.compile(r"_:[A-Za-z0-9_]+")
LANGUAGE = re.compile(r"@[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")  # a tag as in BCP 47, behind its sign


@dataclass(frozen=True, slots=True)
class Ref:
    """Another node, by its address in full, or a name that begins with `_:` if it has none."""

    id: str


@dataclass(frozen=True, slots=True)
class Text:
    """Letters with the address of their datatype (`@en` for a language)."""

    text: str
    type: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list whose order counts."""

    items: tuple[Object, ...]


Object = Ref | Text | Sequence
"""What a property can have for a value."""


@dataclass(slots=True)
class Node:
    """A node: its types, and the values of each property, all by their addresses in full."""

    id: str
    types: list[str] = field(default_factory=list)
    properties: dict[str, list[Object]] = field(default_factory=dict)

    def add(self, property: str, *values: Object) -> None:
        """Adds values of a property."""
        self.properties.setdefault(property, []).extend(values)


Graph = dict[str, Node]


def node(graph: Graph, id: str) -> Node:
    """The node of that id, new if it is not there."""
    return graph.setdefault(id, Node(id))
