"""ODRL 2.2 in and out: the rules of agreements as other nodes and tools write them, in JSON-LD and in Turtle.

Both spellings say the same graph, so there is one path: text to graph (`jsonld`, `turtle`), graph to rules (`reading`);
and back: rules to graph (`writing`), graph to text. What cannot be read is refused with where and why; what can be read
but is not understood is kept, and the evaluator flags it.
"""

from __future__ import annotations

from typing import Any

import usufruct.wire.odrl.jsonld as jsonld
import usufruct.wire.odrl.turtle as turtle
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import plain, rebuild
from usufruct.core.terms.model import Ruleset, normal
from usufruct.wire.odrl.reading import ruleset
from usufruct.wire.odrl.writing import graph

TEXT_MAX = 1024 * 1024  # bytes


def read(text: str, uid: str = "") -> Ruleset:
    """The rules that `text` says, as JSON-LD if it begins with a brace and else as Turtle; those called `uid`, if it says
    several.

    Raises:
        BadInput: it is neither, is too long, or does not say one ruleset.
    """
    if len(text.encode(errors="replace")) > TEXT_MAX:
        raise BadInput("input.odrl", "the rules are longer than 1 MiB", "split them into several agreements")
    found = jsonld.parse(text) if text.lstrip()[:1] in ("{", "[") else turtle.parse(text)
    return held(ruleset(found, uid))


def held(rules: Ruleset) -> Ruleset:
    """The rules in letters that the journal can hold, whatever a stranger wrote (see `canonical.holdable`)."""

    def letters(value: Any) -> Any:
        if isinstance(value, str):
            return holdable(value)
        if isinstance(value, dict):
            return {name: letters(part) for name, part in value.items()}
        return [letters(part) for part in value] if isinstance(value, list | tuple) else value

    return normal(rebuild(Ruleset, letters(plain(rules))))


def to_jsonld(rules: Ruleset) -> str:
    """The rules as JSON-LD, indented, with the ODRL context."""
    return jsonld.text(graph(rules))


def to_turtle(rules: Ruleset) -> str:
    """The rules as Turtle."""
    return turtle.text(graph(rules))
