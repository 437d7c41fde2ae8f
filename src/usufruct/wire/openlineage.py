"""A trace as OpenLineage run events (spec 2-0-2), for the catalogues and lineage tools that read them.

A step, the taking in of an asset and a use are each a *run* of a *job*; assets, answers and what lies outside are
*datasets*, all in the namespace of the journal's origin. A run has a START and an end, as the spec wants it, and its id
is made from its name, so that the same run has the same id in every export. Grades and purposes go out as tags, and a
derived column with the columns it comes from.

Only organisations are named. Neither questions nor what they were understood as go out: a condition in one could
mean a person.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from usufruct.core.base.instants import Instant
from usufruct.core.lineage.state import Step
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.grades import GRADES
from usufruct.core.trace import Trace

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "tags": "1-0-0/TagsDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "job documentation": "1-1-0/DocumentationJobFacet",
    "job jobType": "2-0-4/JobTypeJobFacet",
    "job ownership": "1-0-1/OwnershipJobFacet",
    "job tags": "1-0-0/TagsJobFacet",
}
_ENDS = {"answered": "COMPLETE", "abandoned": "FAIL"}

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: `end` is COMPLETE or FAIL, or nothing while it goes on; `facets` are its job's."""

    name: str
    job: str
    start: Instant
    end: str
    ended: Instant
    inputs: Sequence[str]
    outputs: Sequence[str]
    facets: Object


def events(found: Trace, url: str, origin: str) -> list[Object]:
    """The run events of a trace, oldest first. `url` is the node's address, `origin` the name of its journal."""
    writer = _Writer(found, url, origin)
    made = [event for run in writer.runs() for event in writer.run(run)]
    return sorted(made, key=lambda event: str(event["eventTime"]))


class _Writer:
    def __init__(self, found: Trace, url: str, origin: str) -> None:
        self._found, self._url, self._origin = found, url, origin
        self._sources: dict[str, list[str]] = {item: [] for item in found.items()}
        self._targets: dict[str, list[str]] = {item: [] for item in found.items()}
        for source, target in found.links():
            self._sources[target].append(source)
            self._targets[source].append(target)

    def runs(self) -> list[_Run]:
        found = self._found
        return [
            *map(self._stored, found.assets.values()), *map(self._done, found.steps.values()),
            *map(self._used, (use for use in found.uses.values() if use.version)),
        ]  # fmt: skip

    def _stored(self, asset: Asset) -> _Run:
        tags = {"transform": asset.transform} if asset.transform else {}
        return _Run(
            f"stored/{asset.id}", f"stored.{asset.id}", asset.since, "COMPLETE", asset.since,
            [source for source in self._sources[asset.id] if source in self._found.assets], [asset.id],
            self._job("stored", "taken in by the node", asset.publisher, tags),
        )  # fmt: skip

    def _done(self, step: Step) -> _Run:
        tags = {name: value for name, value in (("purpose", step.purpose), ("evidence", step.evidence)) if value}
        return _Run(
            f"step/{step.id}", f"{step.kind}.{step.id}", step.at, "COMPLETE", step.at, self._sources[step.id],
            self._targets[step.id], self._job(step.kind, step.how, step.by, tags),
        )  # fmt: skip

    def _used(self, use: Use) -> _Run:
        facets = self._job("served", "a question answered with totals", use.requester, {"purpose": use.purpose})
        return _Run(
            f"use/{use.id}", f"served.{use.agreement}", use.at, _ENDS.get(use.state, ""),
            self._found.ended.get(use.id, use.at), self._sources[use.id], [use.id] if use.state == "answered" else [], facets,
        )  # fmt: skip

    def run(self, run: _Run) -> list[Object]:
        """START, and how it ended if it did; only the end tells all there is to tell of the datasets."""
        common = {
            "producer": self._url,
            "schemaURL": _EVENT,
            "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._origin}/{run.name}"))},
            "job": {"namespace": self._origin, "name": run.job, "facets": run.facets},
        }
        plain = [[self._place(item) for item in items] for items in (run.inputs, run.outputs)]
        made = [{"eventType": "START", "eventTime": run.start, **common, "inputs": plain[0], "outputs": plain[1]}]
        if run.end:
            whole = [[self._dataset(item) for item in items] for items in (run.inputs, run.outputs)]
            made.append({
                "eventType": run.end, "eventTime": run.ended, **common, "inputs": whole[0], "outputs": whole[1]
            })  # fmt: skip
        return made

    def _place(self, item: str) -> Object:
        return {"namespace": self._origin, "name": item}

    def _dataset(self, item: str) -> Object:
        asset = self._found.assets.get(item)
        return {**self._place(item), "facets": self._card(asset)} if asset else self._place(item)

    def _card(self, asset: Asset) -> Object:
        """What an asset's card says, in facets."""
        grades = [self._tag("grade", GRADES[column.grade].name, field=column.name) for column in asset.columns]
        allowed = [self._tag("purpose", purpose) for purpose in asset.purposes]
        fields = [
            {"name": c.name, "type": c.type, **({"description": c.description} if c.description else {})}
            for c in asset.columns
        ]
        facets = {
            "documentation": self._facet("documentation", description=asset.title),
            "schema": self._facet("schema", fields=fields),
            "tags": self._facet("tags", tags=[*allowed, *grades]),
            "version": self._facet("version", datasetVersion=asset.version),
        }
        origins = {c.name: {"inputFields": list(map(self._field, c.origins))} for c in asset.columns if c.origins}
        if origins:
            facets["columnLineage"] = self._facet("columnLineage", fields=origins)
        return facets

    def _field(self, origin: str) -> Object:
        asset, _, column = origin.partition(".")
        return {**self._place(asset), "field": column}

    def _job(self, kind: str, description: str, party: str, tags: dict[str, str]) -> Object:
        facets = {
            "jobType": self._facet("job jobType", processingType="BATCH", integration="USUFRUCT", jobType=kind.upper()),
            "documentation": self._facet("job documentation", description=description),
        }
        name = self._found.names.get(party)
        if name:
            facets["ownership"] = self._facet("job ownership", owners=[{"name": name}])
        if tags:
            facets["tags"] = self._facet("job tags", tags=[self._tag(key, value) for key, value in tags.items()])
        return facets

    def _tag(self, key: str, value: str, **more: str) -> Object:
        return {"key": key, "value": value, "source": "USUFRUCT", **more}

    def _facet(self, name: str, **said: Any) -> Object:
        schema = _FACETS[name]
        url = f"{_SPEC}/facets/{schema}.json#/$defs/{schema.partition('/')[2]}"
        return {"_producer": self._url, "_schemaURL": url, **said}
