"""Turtle: read by rdflib, of which only the parser of this one format is used, which fetches nothing."""

from __future__ import annotations

import json
import logging
import re
import warnings

import rdflib
from rdflib import term
from rdflib.collection import Collection

from usufruct.core.base.faults import BadInput
from usufruct.wire.odrl.graph import BLANK, BLANK_NAME, LANGUAGE, Graph, Node, Object, Ref, Sequence, Text, node
from usufruct.wire.odrl.names import PREFIXES, RDF_TYPE

_STRING = PREFIXES["xsd"] + "string"
_RDF = rdflib.RDF
ITEMS_MAX = 50_000  # in all lists
_LOCAL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FORBIDDEN = re.compile(r"[\x00-\x20<>\"{}|^`\\]")
rdflib.NORMALIZE_LITERALS = False  # letters stay as they were agreed
logging.getLogger("rdflib.term").setLevel(logging.ERROR)  # what a stranger wrote is no news
warnings.filterwarnings("ignore", module="rdflib.term")


def parse(text: str) -> Graph:
    """The graph that Turtle says.

    Raises:
        BadInput: it is not Turtle.
    """
    found = rdflib.Graph(bind_namespaces="none")
    try:
        found.parse(data=text, format="turtle")
    except RecursionError:
        raise BadInput("input.odrl", "the rules are nested too deeply", "give the inner nodes names") from None
    except Exception as error:  # rdflib has no one class for what its parser cannot read
        told = " ".join(str(error).split())[:160]
        raise BadInput("input.odrl", f"this is not Turtle: {told}", "check prefixes, dots and semicolons") from None
    graph: Graph = {}
    lists = _Lists(found)
    for subject, property, value in found:
        if lists.begins(subject) and property in (_RDF.first, _RDF.rest):
            continue  # a list is read as one, from where it is named
        made = node(graph, _id(subject))
        if str(property) == RDF_TYPE:
            made.types.append(str(value))
        else:
            made.add(str(property), lists.read(value) if lists.begins(value) else _plain(value))
    return graph


def _id(found: term.Node) -> str:
    return f"{BLANK}{found}" if isinstance(found, term.BNode) else str(found)


def _plain(value: term.Node) -> Object:
    if isinstance(value, term.Literal):
        return Text(str(value), f"@{value.language}" if value.language else str(value.datatype or _STRING))
    return Ref(_id(value))


class _Lists:
    """The lists of a graph. Many can share one end, so what they come to is bounded; none is read inside another."""

    def __init__(self, found: rdflib.Graph) -> None:
        self._found = found
        self._left = ITEMS_MAX

    def begins(self, value: term.Node) -> bool:
        return value == _RDF.nil or (value, _RDF.first, None) in self._found

    def read(self, head: term.Node) -> Sequence:
        items = []
        try:
            for item in Collection(self._found, head):
                items.append(_plain(item))
                self._left -= 1
                if self._left < 0:
                    raise ValueError
        except ValueError:
            raise BadInput(
                "input.odrl", "the lists never end, or are too long", "write each once, without a circle"
            ) from None
        return Sequence(tuple(items))


def text(graph: Graph) -> str:
    """The graph as Turtle, one block for each node.

    Written by hand, because a writer that leaves out the quotes around what calls itself a number lets strangers' letters
    through as Turtle. Whatever the graph holds, it comes out as a name, a tag or quoted letters.
    """
    prefixes = "".join(f"@prefix {prefix}: <{start}> .\n" for prefix, start in PREFIXES.items())
    return prefixes + "".join(_block(found) for found in graph.values())


def _block(found: Node) -> str:
    lines = [f"a {', '.join(map(_name, found.types))}"] if found.types else []
    lines += [
        f"{_name(property)} {', '.join(map(_written, values))}"
        for property, values in found.properties.items()
        if values
    ]
    body = " ;\n    ".join(lines)
    return f"\n{_name(found.id)}\n    {body} .\n" if lines else ""


def _written(value: Object) -> str:
    if isinstance(value, Sequence):
        return f"( {' '.join(map(_written, value.items))} )"
    if isinstance(value, Text):
        kind = value.type if LANGUAGE.fullmatch(value.type) else f"^^{_name(value.type)}"
        return json.dumps(value.text, ensure_ascii=False) + kind
    return _name(value.id)


def _name(iri: str) -> str:
    if BLANK_NAME.fullmatch(iri):
        return iri
    for prefix, start in PREFIXES.items():
        if iri.startswith(start) and _LOCAL.fullmatch(iri, len(start)):
            return f"{prefix}:{iri[len(start) :]}"
    return "<" + _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04X}", iri) + ">"
