"""JSON-LD, as far as ODRL needs it: the ODRL context is known by heart, and no other is looked at.

A context decides what every word means; one that is fetched can be swapped, and one that is sent along can call a
prohibition a permission. So only the context at its published address is taken, with prefixes beside it that stand for
addresses and redefine nothing. Two more liberties of the format are refused for what they hide: a key said twice, of
which most readers drop the first, and contexts within.

A word that the context lacks is not dropped, as the format would have it, but kept as a word of ODRL's that nobody
knows; the evaluator then says so.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from itertools import count
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.wire.odrl.graph import BLANK, BLANK_NAME, LANGUAGE, Graph, Node, Object, Ref, Sequence, Text, node
from usufruct.wire.odrl.names import HERE, ODRL, PREFIXES, address, word

CONTEXTS = ("http://www.w3.org/ns/odrl.jsonld", "https://www.w3.org/ns/odrl.jsonld")
DEPTH_MAX = 64
# What the context says of the values of a property: words of the vocabulary, addresses; of any other, letters.
_WORDS = {"action", "conflict", "function", "leftOperand", "operator"}
_ADDRESSES = {
    "permission", "prohibition", "obligation", "duty", "consequence", "remedy", "constraint", "refinement", "target", "output",
    "relation", "hasPolicy", "partOf", "source", "assignee", "assigner", "assigneeOf", "assignerOf", "inheritFrom", "profile",
    "includedIn", "implies", "and", "or", "xone", "andSequence", "attributedParty", "attributingParty", "compensatedParty",
    "compensatingParty", "consentedParty", "consentingParty", "contractedParty", "contractingParty", "informedParty",
    "informingParty", "trackedParty", "trackingParty",
}  # fmt: skip
_XSD = PREFIXES["xsd"]
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*")


def parse(text: str) -> Graph:
    """The graph that JSON-LD says.

    Raises:
        BadInput: it is not JSON, has another context, or uses what is not understood here.
    """
    try:
        document = json.loads(
            text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once
        )  # fmt: skip
    except (ValueError, RecursionError) as error:  # a number too long to be read is a ValueError too
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise _bad(f"this is not JSON{where}", "check commas, quotes and brackets") from None
    if not isinstance(document, dict) or "@context" not in document:
        raise _bad("the rules have no context", f"begin with an object whose `@context` is {CONTEXTS[0]}")
    reader = _Reader(_prefixes(document.pop("@context")))
    for place, item in enumerate(_many(document.pop("@graph", []))):
        reader.node(item, f"@graph[{place}]", 0)
    if document:
        reader.node(document, "", 0)
    return reader.graph


def _no_constant(name: str) -> Any:
    raise _bad(f"`{name}` is not JSON", "write a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(key for key, _ in pairs)  # one pass: an object of a megabyte has a hundred thousand keys
        twice = next(key for key, often in times.items() if often > 1)
        raise _bad(f"`{twice}` is said twice in one object", "write one list of both")
    return found


def _bad(message: str, remedy: str) -> BadInput:
    return BadInput("input.odrl", message, remedy)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _prefixes(context: Any) -> dict[str, str]:
    """The prefixes of a context that is ODRL's, with nothing but prefixes beside it.

    Raises:
        BadInput: it is another, or redefines something.
    """
    parts = _many(context)
    prefixes = dict(PREFIXES)
    if not any(part in CONTEXTS for part in parts if isinstance(part, str)):
        raise _bad("the context is not that of ODRL", f"use {CONTEXTS[0]}; no other is fetched")
    for part in parts:
        if isinstance(part, str) and part not in CONTEXTS:
            raise _bad(
                f"context `{part}` is not known here", "nothing is fetched; write its prefixes beside that of ODRL"
            )
        if not isinstance(part, str | dict):
            raise _bad(f"context `{part}` cannot be read", "name that of ODRL, and an object of prefixes")
        for prefix, start in part.items() if isinstance(part, dict) else ():
            if not (isinstance(start, str) and _PREFIX.fullmatch(prefix) and _ADDRESS.fullmatch(start)):
                raise _bad(f"`{prefix}` in the context is no prefix", "only prefixes of addresses can stand there")
            if prefixes.get(prefix, start) != start or prefix in _WORDS | _ADDRESSES or start[-1] not in "/#:":
                raise _bad(f"`{prefix}` in the context stands for something else here", "choose another prefix")
            prefixes[prefix] = start
    return prefixes


class _Reader:
    def __init__(self, prefixes: dict[str, str]) -> None:
        self.graph: Graph = {}
        self._prefixes = prefixes
        self._blank = count(1)

    def node(self, item: Any, where: str, depth: int) -> Ref:
        """Reads an object into the graph."""
        if not isinstance(item, dict):
            raise _bad(f"`{where}` is not an object", "write one with its properties")
        if depth > DEPTH_MAX:
            raise _bad(f"`{where[:80]}…` is nested too deeply", f"nest at most {DEPTH_MAX} objects")
        keys = {self._keyword(key): key for key in item}
        named = item.get(keys["@id"]) if "@id" in keys else None
        if named is not None and not isinstance(named, str):
            raise _bad(f"the id of `{where}` is not an address", "write it as text")
        found = node(self.graph, self._address(named, where) if named is not None else f"{BLANK}n{next(self._blank)}")
        for key, value in item.items():
            match self._keyword(key):
                case "@id":
                    continue
                case "@type":
                    found.types += [self._word(kind, f"{where}.{key}") for kind in _many(value)]
                case other if other.startswith("@"):
                    raise _bad(f"`{key}` at `{where}` is not understood here", "write the properties out")
                case property:
                    found.add(self._word(property, where), *self._values(property, value, f"{where}.{key}", depth))
        return Ref(found.id)

    def _keyword(self, key: str) -> str:
        return {"uid": "@id", "type": "@type", "odrl:uid": "@id"}.get(key, key.removeprefix("odrl:") or key)

    def _values(self, property: str, value: Any, where: str, depth: int) -> list[Object]:
        items = [
            self._value(property, item, f"{where}[{place}]" if isinstance(value, list) else where, depth)
            for place, item in enumerate(_many(value)) if item is not None
        ]  # fmt: skip
        return [Sequence(tuple(items))] if property == "andSequence" and isinstance(value, list) else items

    def _value(self, property: str, value: Any, where: str, depth: int) -> Object:
        if isinstance(value, dict):
            if "@list" in value:
                if depth > DEPTH_MAX:
                    raise _bad(f"`{where[:80]}…` is nested too deeply", f"nest at most {DEPTH_MAX} lists")
                return Sequence(tuple(self._value(property, item, where, depth + 1) for item in _many(value["@list"])))
            return self._literal(value, where) if "@value" in value else self.node(value, where, depth + 1)
        if isinstance(value, str) and property in _WORDS:
            return Ref(self._word(value, where))
        if isinstance(value, str) and property in _ADDRESSES:
            return Ref(self._address(value, where))
        return _letters(value, where)

    def _literal(self, value: dict[str, Any], where: str) -> Object:
        kind, language = value.get("@type"), value.get("@language")
        if value.keys() - {"@value", "@type", "@language"}:
            raise _bad(f"the value at `{where}` says more than a value and its type", "write `@value` and `@type`")
        found = _letters(value["@value"], where)
        if language is not None:
            if not (isinstance(language, str) and LANGUAGE.fullmatch(f"@{language}")):
                raise _bad(f"the language of `{where}` is none", "write a tag, as en or de-AT")
            return Text(found.text, f"@{language}")
        return found if kind is None else Text(found.text, self._word(kind, where))

    def _word(self, text: Any, where: str) -> str:
        """The address of a word of the vocabulary, a prefixed name or an address."""
        if not isinstance(text, str) or not text:
            raise _bad(f"`{where}` is not a word", "write it as text")
        return self._checked(self._expanded(text) if ":" in text else ODRL + text, where)

    def _address(self, text: str, where: str) -> str:
        return self._checked(self._expanded(text) if ":" in text else HERE + text, where)

    def _checked(self, address: str, where: str) -> str:
        if BLANK_NAME.fullmatch(address) or _ADDRESS.fullmatch(address):
            return address
        raise _bad(f"`{address}` at `{where}` is not an address", "write it in full, without blanks")

    def _expanded(self, text: str) -> str:
        prefix, _, rest = text.partition(":")
        return self._prefixes[prefix] + rest if prefix in self._prefixes and not rest.startswith("//") else text


def _letters(value: Any, where: str) -> Text:
    match value:
        case bool():
            return Text("true" if value else "false", _XSD + "boolean")
        case int():
            return Text(str(value), _XSD + "integer")
        case Decimal():
            return Text(str(value), _XSD + "decimal")
        case str():
            return Text(value, _XSD + "string")
    raise _bad(f"`{where}` cannot be read", "write a text, a number, or an object")


def text(graph: Graph) -> str:
    """The graph as JSON-LD: each node inside the first that names it."""
    return json.dumps(_Writer(graph).document(), ensure_ascii=False, indent=2) + "\n"


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._left = dict(graph)

    def document(self) -> dict[str, Any]:
        context = [CONTEXTS[0], {prefix: start for prefix, start in PREFIXES.items() if prefix != "odrl"}]
        return {"@context": context, **self._object(self._left.pop(next(iter(self._left))))}

    def _object(self, found: Node) -> dict[str, Any]:
        made: dict[str, Any] = {} if found.id.startswith(BLANK) else {"uid": found.id}
        if found.types:
            made["@type"] = [word(kind) for kind in found.types]
        for property, values in found.properties.items():
            made[word(property)] = [self._value(word(property), value) for value in values]
        return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in made.items()}

    def _value(self, property: str, value: Object) -> Any:
        if isinstance(value, Sequence):
            return {"@list": [self._value(property, item) for item in value.items]}
        if isinstance(value, Text):
            if value.type[:1] == "@":
                return {"@value": value.text, "@language": value.type[1:]}
            return {"@value": value.text, "@type": word(value.type)}
        if value.id in self._left:
            return self._object(self._left.pop(value.id))
        if property in _WORDS and address(word(value.id)) == value.id:
            return word(value.id)
        return value.id if property in _ADDRESSES else {"@id": value.id}
