"""A trace as W3C PROV, in two of its spellings: PROV-JSON for programs (W3C Member Submission, 2013) and PROV-N for people
(W3C Recommendation, 2013).

Assets, answers and what lies outside are entities; steps, the taking in of an asset and uses are activities;
organisations are agents. A registered transform is the plan that the taking in followed. What a step made and the node
then took in are two entities, for PROV has an entity begin once (PROV-CONSTRAINTS, 39). Nothing about persons goes
out: who asked is an agent only if it is an organisation, and questions stay here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from usufruct.core.base.instants import Instant
from usufruct.core.trace import Trace

_KINDS = {"collected": "Collection", "stored": "Storage", "processed": "Processing", "analysed": "Analysis",
          "served": "Service"}  # fmt: skip

# The arguments of each relation in PROV-N, by their names in PROV-JSON.
_RELATIONS = {
    "used": ("prov:activity", "prov:entity", "prov:time"),
    "wasGeneratedBy": ("prov:entity", "prov:activity", "prov:time"),
    "wasAssociatedWith": ("prov:activity", "prov:agent", "prov:plan"),
    "wasAttributedTo": ("prov:entity", "prov:agent"),
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
}


@dataclass(frozen=True, slots=True)
class _Name:
    """A qualified name as a value, which is spelt differently from a text."""

    text: str


Attributes = dict[str, "str | _Name | list[str | _Name]"]


@dataclass(slots=True)
class _Document:
    """What is stated: elements with their attributes, and relations between them."""

    prefixes: dict[str, str]
    entity: dict[str, Attributes] = field(default_factory=dict)
    activity: dict[str, Attributes] = field(default_factory=dict)
    agent: dict[str, Attributes] = field(default_factory=dict)
    relations: dict[tuple[str, tuple[str, ...]], None] = field(default_factory=dict)

    def relate(self, relation: str, *arguments: str) -> None:
        """States a relation, once; the arguments are those of `_RELATIONS`, of which the last may be missing."""
        self.relations[relation, arguments] = None


def _document(found: Trace, url: str) -> _Document:
    document = _Document({
        "item": f"{url}/trace/", "act": f"{url}/trace/acts#", "party": f"{url}/trace/parties#",
        "usu": "https://usufruct.example/ns#",
    })  # fmt: skip
    for item in found.items():
        if item not in found.steps:
            document.entity[f"item:{item}"] = _entity(found, item)
    for party, name in found.names.items():
        document.agent[f"party:{party}"] = {"prov:label": name, "prov:type": _Name("prov:Organization")}
    _state_steps(document, found)
    _state_assets(document, found)
    _state_uses(document, found)
    return document


def _entity(found: Trace, item: str) -> Attributes:
    asset = found.assets.get(item)
    if asset:
        return {
            "prov:label": asset.title, "prov:type": _Name("usu:Asset"), "usu:version": asset.version,
            "usu:purpose": list(asset.purposes),
        }  # fmt: skip
    return {"prov:type": _Name("usu:Answer" if item in found.uses else "usu:Outside")}


def _activity(kind: str, start: Instant, end: Instant | None, **said: str) -> Attributes:
    times = {"prov:startTime": start, **({"prov:endTime": end} if end else {})}
    return {
        **times,
        "prov:type": _Name(f"usu:{kind}"),
        **{f"usu:{name}": value for name, value in said.items() if value},
    }


def _state_steps(document: _Document, found: Trace) -> None:
    for step in found.steps.values():
        act = f"act:{step.id}"
        document.activity[act] = _activity(
            _KINDS[step.kind], step.at, step.at, how=step.how, purpose=step.purpose, evidence=step.evidence
        )
        if step.by in found.names:
            document.relate("wasAssociatedWith", act, f"party:{step.by}")
    for source, target in found.links():
        if target in found.steps:
            document.relate("used", f"act:{target}", f"item:{source}")
        elif source in found.steps:
            made = f"item:{target}"
            if target in found.assets:
                made += ".before"
                document.entity[made] = {"prov:type": _Name("usu:Outside")}
                document.relate("used", f"act:stored-{target}", made)
                document.relate("wasDerivedFrom", f"item:{target}", made)
            document.relate("wasGeneratedBy", made, f"act:{source}")


def _state_assets(document: _Document, found: Trace) -> None:
    links = set(found.links())
    for transform in found.transforms.values():
        document.entity[f"item:transform-{transform.id}"] = {
            "prov:label": transform.title, "prov:type": [_Name("prov:Plan"), _Name(f"usu:{transform.kind.capitalize()}")],
            "usu:authority": transform.authority, "usu:evidence": transform.evidence,
        }  # fmt: skip
    for asset in found.assets.values():
        act, party = f"act:stored-{asset.id}", f"party:{asset.publisher}"
        document.activity[act] = _activity("Storage", asset.since, asset.since)
        document.relate("wasGeneratedBy", f"item:{asset.id}", act, asset.since)
        if asset.publisher in found.names:
            document.relate("wasAttributedTo", f"item:{asset.id}", party)
            plan = [f"item:transform-{asset.transform}"] if asset.transform in found.transforms else []
            document.relate("wasAssociatedWith", act, party, *plan)
        for source in asset.derived_from:
            if (source, asset.id) in links:
                document.relate("used", act, f"item:{source}")
                document.relate("wasDerivedFrom", f"item:{asset.id}", f"item:{source}")


def _state_uses(document: _Document, found: Trace) -> None:
    for use in found.uses.values():
        act, ended = f"act:{use.id}", found.ended.get(use.id)
        if not use.version:
            continue
        document.activity[act] = _activity("Service", use.at, ended, purpose=use.purpose, outcome=use.state)
        if use.asset in found.assets:
            document.relate("used", act, f"item:{use.asset}")
        if use.requester in found.names:
            document.relate("wasAssociatedWith", act, f"party:{use.requester}")
        if use.state == "answered":
            document.relate("wasGeneratedBy", f"item:{use.id}", act)
            if use.asset in found.assets:
                document.relate("wasDerivedFrom", f"item:{use.id}", f"item:{use.asset}")


def prov_json(found: Trace, url: str) -> dict[str, Any]:
    """The trace as PROV-JSON. `url` is the node's address, from which names are made."""
    document = _document(found, url)
    made: dict[str, Any] = {"prefix": document.prefixes}
    for kind in ("entity", "activity", "agent"):
        elements: dict[str, Attributes] = getattr(document, kind)
        if elements:
            made[kind] = {
                name: {key: _json(value) for key, value in said.items()} for name, said in elements.items()
            }  # fmt: skip
    for number, (relation, arguments) in enumerate(document.relations, 1):
        said = dict(zip(_RELATIONS[relation], arguments, strict=False))
        made.setdefault(relation, {})[f"_:id{number}"] = said
    return made


def _json(value: str | _Name | list[str | _Name]) -> Any:
    if isinstance(value, list):
        return [_json(item) for item in value]
    return {"$": value.text, "type": "prov:QUALIFIED_NAME"} if isinstance(value, _Name) else value


def prov_n(found: Trace, url: str) -> str:
    """The trace in PROV-N."""
    document = _document(found, url)
    lines = [f"prefix {name} <{uri}>" for name, uri in document.prefixes.items()]
    lines += [f"entity({name}{_attributes(said)})" for name, said in document.entity.items()]
    for name, said in document.activity.items():
        times = [said.get(time, "-") for time in ("prov:startTime", "prov:endTime")]
        rest = {key: value for key, value in said.items() if key not in ("prov:startTime", "prov:endTime")}
        lines.append(f"activity({name}, {times[0]}, {times[1]}{_attributes(rest)})")
    lines += [f"agent({name}{_attributes(said)})" for name, said in document.agent.items()]
    lines += [f"{relation}({', '.join(_arguments(relation, given))})" for relation, given in document.relations]
    return "\n".join(["document", *(f"  {line}" for line in lines), "endDocument", ""])


def _arguments(relation: str, given: tuple[str, ...]) -> Iterator[str]:
    """The arguments by their places; a last one that is not known is `-`, where the relation has more than two."""
    yield from given
    yield from ["-"] * (len(_RELATIONS[relation]) - len(given))


def _attributes(said: Attributes) -> str:
    pairs = [(key, v) for key, value in said.items() for v in (value if isinstance(value, list) else [value])]
    return f", [{', '.join(f'{key}={_literal(value)}' for key, value in pairs)}]" if pairs else ""


def _literal(value: str | _Name) -> str:
    if isinstance(value, _Name):
        return f"'{value.text}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{escaped}"""' if "\n" in value or "\r" in value else f'"{escaped}"'
