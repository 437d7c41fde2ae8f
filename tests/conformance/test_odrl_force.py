"""The ODRL Test Suite of SolidLab: 68 requests, each with rules, a state of the world and the report that is expected.

The suite is SolidLabResearch/ODRL-Test-Suite. It wants a duty to stand in the way only once it is violated, so it is run in
the lenient duty mode; the W3C community group's examples want the other (see test_odrl_semantics.py). Compared are the
activation of every rule and the state of every premise and constraint, not only the verdict.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import rdflib
from rdflib import RDF, URIRef

from usufruct.core.base import instants
from usufruct.core.terms import evaluate
from usufruct.core.terms.evaluate import Premise, Request, World
from usufruct.wire import odrl
from usufruct.wire.odrl.names import inside, word

SUITE = Path(os.environ.get("USUFRUCT_SUITES", "")) / "odrl-force"
CASES = sorted((SUITE / "test_cases").glob("*.ttl")) if SUITE.is_dir() else []
REPORT = rdflib.Namespace("https://w3id.org/force/compliance-report#")
ODRL = rdflib.Namespace("http://www.w3.org/ns/odrl/2/")
EX = rdflib.Namespace("http://example.org/")
ISSUED = URIRef("http://purl.org/dc/terms/issued")
KINDS = {"TargetReport": "target", "PartyReport": "party", "ActionReport": "action"}


def turtle(path: Path) -> rdflib.Graph:
    return rdflib.Graph().parse(path, format="turtle")


def named(folder: str) -> dict[str, Path]:
    """The files of a folder by the address that they are about."""
    found = {}
    for path in (SUITE / folder).glob("*.ttl"):
        graph = turtle(path)
        kinds = [EX.Sotw] if folder == "sotw" else [ODRL.Set, ODRL.Request]
        found.update({str(subject): path for kind in kinds for subject in graph.subjects(RDF.type, kind)})
    return found


@pytest.fixture(scope="session")
def files() -> dict[str, dict[str, Path]]:
    return {folder: named(folder) for folder in ("policies", "requests", "sotw")}


def request_of(path: Path) -> Request:
    graph = turtle(path)
    rule = next(graph.objects(None, ODRL.permission))
    action, target, assignee = (str(graph.value(rule, name)) for name in (ODRL.action, ODRL.target, ODRL.assignee))
    return Request(word(action), inside(target), inside(assignee))


def world_of(path: Path) -> World:
    graph = turtle(path)
    now = str(next(graph.objects(None, ISSUED)))
    states = {state: {inside(str(graph.value(found, REPORT.rule))) for found in graph.subjects(REPORT.deonticState, state)}
              for state in (REPORT.Fulfilled, REPORT.Violated)}  # fmt: skip
    collections: dict[str, frozenset[str]] = {}
    for member, collection in graph.subject_objects(ODRL.partOf):
        collections[inside(str(member))] = collections.get(inside(str(member)), frozenset()) | {inside(str(collection))}
    return World(
        instants.parse(now), frozenset(states[REPORT.Fulfilled]), frozenset(states[REPORT.Violated]),
        collections=collections,
    )  # fmt: skip


def leaves(premises: tuple[Premise, ...]) -> Iterator[Premise]:
    for premise in premises:
        yield premise
        yield from leaves(premise.parts)


@pytest.mark.skipif(not CASES, reason="no USUFRUCT_SUITES with odrl-force in it")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_activation_and_constraint_states(path: Path, files: dict[str, dict[str, Path]]) -> None:
    case = turtle(path)
    said = {name: str(next(case.objects(None, EX[name]))) for name in ("policy", "request", "sotw")}
    rules = odrl.read(files["policies"][said["policy"]].read_text(encoding="utf-8"))
    terms = evaluate.read(rules, "lenient")
    request, world = request_of(files["requests"][said["request"]]), world_of(files["sotw"][said["sotw"]])
    report = terms.report(request, world)
    assert not terms.flags
    assert terms.permits(request, world) == report.permitted
    for expected in case.subjects(REPORT.activationState, None):
        rule = next(found for found in report.rules if found.uid == inside(str(case.value(expected, REPORT.rule))))
        assert rule.active == (case.value(expected, REPORT.activationState) == REPORT.Active)
        assert rule.applies == rule.active
        assert {"PermissionReport": "permission", "ProhibitionReport": "prohibition"}[
            str(case.value(expected, RDF.type)).partition("#")[2]
        ] == rule.kind
        # By their kind, not by the links to them: in case 065 those lead nowhere.
        wanted = Counter(
            state_of(case, found, kind) for kind in KINDS for found in case.subjects(RDF.type, REPORT[kind])
        )
        found = Counter((p.kind, p.satisfied) for p in rule.premises if p.kind in KINDS.values())
        assert found == wanted
        constraints = {p.uid: p for p in leaves(rule.premises)}
        for one in case.subjects(RDF.type, REPORT.ConstraintReport):
            premise = constraints[inside(str(case.value(one, REPORT.constraint)))]
            assert premise.satisfied == (case.value(one, REPORT.satisfactionState) == REPORT.Satisfied)
            left = case.value(one, REPORT.constraintLeftOperand)
            assert left is None or premise.found == instants.parse(str(left))


def state_of(case: rdflib.Graph, found: rdflib.term.Node, kind: str) -> tuple[str, bool]:
    return KINDS[kind], case.value(found, REPORT.satisfactionState) == REPORT.Satisfied
