"""Traces as others read them: OpenLineage through its own client's types, PROV through the reference library."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde
from prov.model import ProvDocument

import chains
import story
from usufruct.core.registry.state import Party
from usufruct.core.trace import Trace
from usufruct.main import open_node
from usufruct.node import register, trace
from usufruct.node.node import Node
from usufruct.wire import openlineage, prov

URL, ORIGIN = "https://node.example", "coop.example/journal"


@pytest.fixture(scope="module")
def whole(agreed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, chains.Chain]]:
    folder = tmp_path_factory.mktemp("chain")
    directory = shutil.copytree(agreed, folder / "node")
    with open_node(Path(directory)) as node:
        made = chains.make(node)
        # a person who asks, whose name must not leave; her question names a member's number
        story.done(register.add_party(node, "erika-mustermann", "person", "Erika Mustermann"))
        chains.join(node, "erika-mustermann")
        story.ask(node, "SELECT COUNT(*) FROM pay WHERE hours > 1711", "erika-mustermann", micro_rho=story.CHEAP)
        yield node, made


def find(node: Node, name: str, viewer: str | None = None) -> Trace:
    found = trace.trace(node, name, viewer)
    assert found is not None
    return found


# ---- OpenLineage

FACETS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "SchemaDatasetFacet": lambda said: facet_v2.schema_dataset.SchemaDatasetFacet(
        fields=[facet_v2.schema_dataset.SchemaDatasetFacetFields(**f) for f in said["fields"]],
        producer=said["_producer"],
    ),
    "TagsDatasetFacet": lambda said: facet_v2.tags_dataset.TagsDatasetFacet(
        tags=[facet_v2.tags_dataset.TagsDatasetFacetFields(**t) for t in said["tags"]], producer=said["_producer"]
    ),
    "TagsJobFacet": lambda said: facet_v2.tags_job.TagsJobFacet(
        tags=[facet_v2.tags_job.TagsJobFacetFields(**t) for t in said["tags"]], producer=said["_producer"]
    ),
    "OwnershipJobFacet": lambda said: facet_v2.ownership_job.OwnershipJobFacet(
        owners=[facet_v2.ownership_job.Owner(**o) for o in said["owners"]], producer=said["_producer"]
    ),
    "ColumnLineageDatasetFacet": lambda said: facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            name: facet_v2.column_lineage_dataset.Fields(
                inputFields=[facet_v2.column_lineage_dataset.InputField(**f) for f in found["inputFields"]]
            )
            for name, found in said["fields"].items()
        },
        producer=said["_producer"],
    ),
    "DocumentationDatasetFacet": lambda said: plain(facet_v2.documentation_dataset.DocumentationDatasetFacet, said),
    "DocumentationJobFacet": lambda said: plain(facet_v2.documentation_job.DocumentationJobFacet, said),
    "DatasetVersionDatasetFacet": lambda said: plain(facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet, said),
    "JobTypeJobFacet": lambda said: plain(facet_v2.job_type_job.JobTypeJobFacet, said),
}


def plain(kind: Any, said: dict[str, Any]) -> Any:
    """A facet without parts; an unknown field is an error of its constructor."""
    return kind(**{name: value for name, value in said.items() if name[0] != "_"}, producer=said["_producer"])


def facets(said: dict[str, Any]) -> dict[str, Any]:
    return {name: FACETS[facet["_schemaURL"].rpartition("/")[2]](facet) for name, facet in said.items()}


def event(said: dict[str, Any]) -> Any:
    """The event in the client's own types, which check what they are given."""
    job = {**said["job"], "facets": facets(said["job"]["facets"])}
    sides = [
        [kind(**{**item, "facets": facets(item.get("facets", {}))}) for item in said[side]]
        for side, kind in (("inputs", event_v2.InputDataset), ("outputs", event_v2.OutputDataset))
    ]
    return event_v2.RunEvent(
        eventTime=said["eventTime"], producer=said["producer"], eventType=event_v2.RunState(said["eventType"]),
        run=event_v2.Run(**said["run"]), job=event_v2.Job(**job), inputs=sides[0], outputs=sides[1],
    )  # fmt: skip


def bare(value: Any) -> Any:
    """Without what is empty, which the client writes and we leave out."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if item not in ({}, [], None)}
    return [bare(item) for item in value] if isinstance(value, list) else value


def test_events_are_those_that_the_client_would_send(whole: tuple[Node, chains.Chain]) -> None:
    node, _ = whole
    events = openlineage.events(find(node, "pay"), URL, ORIGIN)
    for said in events:
        assert bare(Serde.to_dict(event(said))) == bare(said)
    assert {facet["_schemaURL"].rpartition("/")[2] for facet in all_facets(events)} == set(FACETS)
    with pytest.raises(TypeError):
        plain(facet_v2.documentation_job.DocumentationJobFacet, {"_producer": URL, "describes": "x"})


def all_facets(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        for item in value.values():
            yield from all_facets(item)
    elif isinstance(value, list):
        for item in value:
            yield from all_facets(item)


def test_every_run_starts_and_ends_once(whole: tuple[Node, chains.Chain]) -> None:
    node, made = whole
    events = openlineage.events(find(node, "pay"), URL, ORIGIN)
    runs: dict[str, list[dict[str, Any]]] = {}
    for said in events:
        runs.setdefault(said["run"]["runId"], []).append(said)
    assert len(runs) == 3 + 2 + 3, "steps, assets, uses"
    for start, end in runs.values():
        assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
        assert start["eventTime"] <= end["eventTime"] and start["job"] == end["job"]
    assert [said["eventTime"] for said in events] == sorted(said["eventTime"] for said in events)
    assert events == openlineage.events(find(node, "pay"), URL, ORIGIN), "the same runs have the same ids"
    done = {said["job"]["name"]: said for said in events if said["eventType"] == "COMPLETE"}
    names = {name: [[d["name"] for d in said[side]] for side in ("inputs", "outputs")] for name, said in done.items()}
    assert names[f"collected.{made.collected}"] == [[], ["forms"]]
    assert names[f"processed.{made.processed}"] == [["forms"], ["pay"]]
    assert names["stored.pay-bands"] == [["pay"], ["pay-bands"]]
    assert names[f"analysed.{made.analysed}"] == [[made.mine], ["report"]]
    lineage = done["stored.pay-bands"]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert lineage["high"] == {"inputFields": [{"namespace": ORIGIN, "name": "pay", "field": "hourly_pay"}]}


# ---- PROV


def test_prov_is_read_by_the_reference_library(whole: tuple[Node, chains.Chain]) -> None:
    node, made = whole
    for name in ("pay", "pay-bands", "forms", "report", made.mine, made.analysed):
        found = find(node, name)
        document = ProvDocument.deserialize(content=json.dumps(prov.prov_json(found, URL)), format="json")
        assert ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document
        assert not list(document.bundles) and len(list(document.get_records())) > 5
        ours, theirs = lines(prov.prov_n(found, URL)), lines(document.get_provn())
        assert ours == theirs


def lines(text: str) -> list[str]:
    """PROV-N without the order of statements, the spelling of moments, and markers of what is missing."""
    text = re.sub(r"(\d\d:\d\d:\d\d)(?:\.(\d{3})\d*)?(?:Z|\+00:00)", lambda m: f"{m[1]}.{m[2] or '000'}", text)
    return sorted(re.sub(r"(, -)+\)", ")", line.strip()) for line in text.splitlines() if line.strip())


def test_prov_says_who_did_what_by_which_plan(whole: tuple[Node, chains.Chain]) -> None:
    node, _ = whole
    said = prov.prov_json(find(node, "pay-bands"), URL)
    derived = [(d["prov:generatedEntity"], d["prov:usedEntity"]) for d in said["wasDerivedFrom"].values()]
    assert derived == [("item:pay", "item:pay.before"), ("item:pay-bands", "item:pay")]
    plans = [
        a.get("prov:plan") for a in said["wasAssociatedWith"].values() if a["prov:activity"] == "act:stored-pay-bands"
    ]
    assert plans == ["item:transform-banding"]
    assert said["entity"]["item:transform-banding"]["usu:evidence"] == "https://board.example/banding"
    # PROV-CONSTRAINTS 39: nothing begins twice
    made_by = [g["prov:entity"] for g in said["wasGeneratedBy"].values()]
    assert len(made_by) == len(set(made_by))


def test_what_was_typed_is_one_literal() -> None:
    assert prov._literal('say "x" \\ y') == r'"say \"x\" \\ y"'
    assert prov._literal('two\nlines "') == '"""two\nlines \\""""'


# ---- what must not go out


def test_exports_name_no_person_and_no_question(whole: tuple[Node, chains.Chain]) -> None:
    node, made = whole
    with node.store.read() as state:
        persons = [word for party in state.list(Party, kind="person") for word in (party.id, party.name, party.called)]
    assert len(persons) >= 3 * (story.PERSONS + 1) and "erika-mustermann" in persons
    for name in ("pay", "pay-bands", "forms", made.mine):
        found = find(node, name)
        texts = [
            json.dumps(openlineage.events(found, URL, ORIGIN)), json.dumps(prov.prov_json(found, URL)),
            prov.prov_n(found, URL),
        ]  # fmt: skip
        for text in texts:
            assert "Field Office" in text
            assert not [person for person in persons if f'"{person}"' in text or f":{person}" in text]
            assert "1711" not in text and "SELECT" not in text and "Erika" not in text
