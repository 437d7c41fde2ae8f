"""From bytes to the plain form: one spelling of a message, whichever of JSON-LD's its sender chose.

The Dataspace Protocol is plain JSON and JSON-LD at once: its context is made so that a processor's output is again plain
JSON after its schemas. Most connectors send that, and then nothing is to be done here but to read it safely. Some send
names with prefixes (`dspace:providerPid`), names in full, or the expanded form, in which every value is a list of
objects. A message whose `@type` is a bare word is plain, and must say all that the schemas demand; any other is brought
into the plain form, and then checked as strictly.

Contexts are known by heart and never fetched. Those that we do not know mean nothing to us; one that is sent along may
give prefixes, and may not give a word another meaning, for it could call a prohibition a permission.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.terms.model import LOGIC
from usufruct.core.terms.vocabulary import ROLES
from usufruct.wire.odrl.names import ODRL, PREFIXES

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
DSPACE = "https://w3id.org/dspace/2025/1/"
DCAT = "http://www.w3.org/ns/dcat#"
DCT = "http://purl.org/dc/terms/"
NAMESPACES = {**PREFIXES, "dspace": DSPACE, "dcat": DCAT, "dct": DCT}
DEPTH_MAX = 64
# Where an address is: beside this property it stands in a member of that name, which Eclipse Dataspace Components (0.15)
# neither writes nor reads.
ENDPOINT = "endpoint"
REMEDY = "see the message schemas of the Dataspace Protocol 2025-1"

# What stands behind each word, by how its value is spelled in the plain form.
_SETS = {
    DSPACE: ("reason", "endpointProperties", "filter"),
    DCAT: ("dataset", "catalog", "service", "distribution", "servesDataset"),
    ODRL: (
        "permission", "prohibition", "obligation", "duty", "remedy", "consequence", "constraint", "refinement",
        "hasPolicy", "and", "or", "xone", "andSequence", "profile",
    ),
}  # fmt: skip
_NAMES = {
    DSPACE: ("providerPid", "consumerPid", "agreementId", "participantId", "eventType", "state", "endpointType"),
    DCT: ("format",),
    DCAT: ("accessService",),
    ODRL: ("target", "assigner", "assignee", "action", "leftOperand", "operator"),
}
_TEXTS = {
    DSPACE: ("callbackAddress", "timestamp", "code", "endpoint", "name", "value"),
    DCAT: ("endpointURL", "endpointDescription"),
}
_NODES = {DSPACE: ("offer", "agreement", "dataAddress")}
_OTHERS = {ODRL: ("rightOperand", "rightOperandReference", "unit", "conflict", "source", *ROLES)}
# dcat:dataset is the member of a catalogue; dspace:dataset stands only in a request that HTTP makes a path of.
_PLAIN = {
    start + word: word
    for kind in (_SETS, _NAMES, _TEXTS, _NODES, _OTHERS)
    for start, words in kind.items()
    for word in words
}


def _words(kind: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    return frozenset(word for words in kind.values() for word in words)


_SET, _NAME, _TEXT, _NODE = _words(_SETS), _words(_NAMES), _words(_TEXTS), _words(_NODES)
# Of these the protocol's context makes no lists, so a processor that says the plain form unwraps a single one.
_LISTS = frozenset((*LOGIC, "remedy", "consequence", "refinement"))
_TYPES = (DSPACE, DCAT, ODRL)
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9.-]*")


def bad(where: str, message: str, remedy: str = REMEDY) -> BadInput:
    """The fault that something at `where` is not as the protocol has it."""
    return BadInput("input.dataspace", f"{where[:200]}: {message}" if where else message, remedy)


def parse(body: bytes, most: int) -> Any:
    """The JSON of `body`, whose numbers with a point are decimals.

    Raises:
        BadInput: it is longer than `most` bytes, is not JSON in UTF-8, or can be read in two ways.
    """
    if len(body) > most:
        raise bad("", f"a message of {len(body):,} bytes is too long", f"send at most {most:,}")
    try:
        said = json.loads(
            body.decode(), parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once
        )  # fmt: skip
        if b"\\u" in body:
            json.dumps(said, ensure_ascii=False, default=str).encode()  # half of a pair is no letter
    except UnicodeError:
        raise bad("", "this is not Unicode", "send UTF-8, and surrogates in pairs") from None
    except (ValueError, RecursionError) as error:  # a number too long to be read is a ValueError too
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise bad("", f"this is not JSON{where}", "check commas, quotes and brackets") from None
    return said


def _no_constant(name: str) -> Any:
    raise bad("", f"`{name}` is not JSON", "write a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(key for key, _ in pairs)  # one pass: an object of a megabyte has a hundred thousand keys
        twice = next(key for key, often in times.items() if often > 1)
        raise bad("", f"`{twice[:80]}` is said twice in one object", "say it once")
    return found


def plain(said: Any, tolerant: bool = False) -> dict[str, Any]:
    """What was said, in the plain form; `tolerant` takes single values for lists from those who otherwise write plainly.

    Raises:
        BadInput: it is no object, is nested too deeply, says something in two spellings, or gives words of its own.
    """
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, dict):
        raise bad("$", "an object is expected")
    kind = said.get("@type")
    if isinstance(kind, str) and ":" not in kind:
        return _Plain(NAMESPACES, True, tolerant, False).node(said, "$", 0)
    context = said.get("@context", [])
    contexts = context if isinstance(context, list) else [context]
    ours = CONTEXT in [one for one in contexts if isinstance(one, str)]
    given = {prefix: start for one in contexts if isinstance(one, dict) for prefix, start in _prefixes(one)}
    found = _Plain({**(NAMESPACES if ours else {}), **given}, ours, True, True).node(said, "$", 0)
    return {**found, "@context": [CONTEXT]}


def _prefixes(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The prefixes that an object among the contexts gives. `@vocab` makes other words of bare ones: those are dropped."""
    found = []
    for name, start in context.items():
        if name in ("@version", "@vocab"):
            continue
        if not (isinstance(start, str) and _PREFIX.fullmatch(name) and start[-1:] in ("/", "#", ":")):
            raise bad("$.@context", f"`{name[:80]}` is no prefix", "give prefixes of addresses, and no words")
        found.append((name, start))
    return found


class _Plain:
    """One pass over a message: `bare` words are the protocol's; `linked` takes values out of the objects and lists in
    which JSON-LD wraps them; `short` ids have prefixes too."""

    def __init__(self, prefixes: Mapping[str, str], bare: bool, linked: bool, short: bool) -> None:
        self._prefixes, self._bare, self._linked, self._short = prefixes, bare, linked, short

    def node(self, said: dict[str, Any], where: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in said.items():
            name = self._key(key)
            if not name:
                continue
            if name in found:
                raise bad(f"{where}.{name}", "it is said in two spellings", "say it once")
            made = self._value(name, value, f"{where}.{name}", depth)
            if made is not None or not self._linked:
                found[name] = made
        return found

    def _key(self, key: str) -> str:
        """The plain name of a key; empty for a bare word where no context says what it means."""
        if ":" in key:
            return _PLAIN.get(full := self._full(key), full)
        return key if self._bare or key[:1] == "@" else ""

    def _full(self, name: str) -> str:
        prefix, _, rest = name.partition(":")
        return self._prefixes[prefix] + rest if prefix in self._prefixes and rest[:2] != "//" else name

    def _value(self, name: str, value: Any, where: str, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise bad(f"{where[:60]}…", "it is nested too deeply", f"nest at most {DEPTH_MAX} objects")
        if self._linked and name == "@type":
            return self._type(value)
        if self._short and name == "@id" and isinstance(value, str):
            return self._full(value)
        if self._linked and name[:1] != "@":
            return self._unwrapped(name, value, where, depth)
        if name in _LISTS and isinstance(value, dict):
            value = [value]
        return self._below(value, where, depth)

    def _below(self, value: Any, where: str, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise bad(f"{where[:60]}…", "it is nested too deeply", f"nest at most {DEPTH_MAX} objects")
        if isinstance(value, dict):
            return self.node(value, where, depth + 1)
        if isinstance(value, list):
            return [self._below(item, f"{where}[{place}]", depth + 1) for place, item in enumerate(value)]
        return value

    def _type(self, value: Any) -> Any:
        """The last part of a type that is the protocol's; of several the first. Others stay in full."""
        kinds = [self._full(kind) for kind in (value if isinstance(value, list) else [value]) if isinstance(kind, str)]
        ours = [kind.removeprefix(start) for kind in kinds for start in _TYPES if kind.startswith(start)]
        return ours[0] if ours else kinds[0] if len(kinds) == 1 else value

    def _unwrapped(self, name: str, value: Any, where: str, depth: int) -> Any:
        items = [item for one in (value if isinstance(value, list) else [value]) for item in _items(one)]
        if name in _SET:
            made = [self._member(name, item, f"{where}[{place}]", depth) for place, item in enumerate(items)]
            return made or None  # an empty list says nothing
        if name in _NAME | _TEXT | _NODE and len(items) <= 1:
            return self._member(name, items[0], where, depth) if items else None
        return self._below(value, where, depth)

    def _member(self, name: str, item: Any, where: str, depth: int) -> Any:
        if isinstance(item, dict) and name != "filter":
            if name not in _NODE and item.keys() == {"@id"}:
                item = self._value("@id", item["@id"], where, depth)
            elif "@value" in item:
                item = item["@value"]
        if isinstance(item, str) and name in ("operator", "eventType", "state"):
            full = self._full(item)
            return full.removeprefix(ODRL if name == "operator" else DSPACE)
        if isinstance(item, str) and name in ("action", "leftOperand"):
            return self._full(item)
        return self._below(item, where, depth)


def _items(value: Any) -> list[Any]:
    """The items of a list or a set that JSON-LD wraps in an object; a value stands for itself, nothing for none."""
    for name in ("@list", "@set"):
        if isinstance(value, dict) and value.keys() == {name}:
            return value[name] if isinstance(value[name], list) else [value[name]]
    return [] if value is None else [value]
