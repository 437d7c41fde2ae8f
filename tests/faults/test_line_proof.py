"""A member takes her line of a settlement away, and anybody checks it; whoever changes anything in it is found out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import story
from support import SetClock
from usufruct.cli.app import Doors, give
from usufruct.cli.commands import app
from usufruct.core import facts
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.lineproof import LineProof
from usufruct.core.income.measure import MICRO
from usufruct.core.income.settlement import Lines
from usufruct.core.income.state import Period, PeriodPlan
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Person
from usufruct.main import create_node, open_node, read_settings
from usufruct.node.lines import line_proof
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.store.keys import verify_signature

PERIODS = ("2026-q3", "2026-q4")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with two closed periods."""
    where = tmp_path_factory.mktemp("lines") / "node"
    story.found(where)
    with open_node(where, SetClock()) as node:
        story.bring_to_agreement(node, story.write_table(where.parent / "pay.csv"))
        for name in PERIODS:
            story.answer(node, "SELECT COUNT(*) AS n FROM pay", micro_rho=story.CHEAP)
            story.close_period(node, name)
    return where


@pytest.fixture
def node(directory: Path) -> Iterator[Node]:
    with open_node(directory, SetClock()) as opened:
        yield opened


def proof_of(node: Node, member: str = story.MEMBERS[4], period: str = PERIODS[1]) -> LineProof:
    found = line_proof(node, member, period, story.ASSET)
    assert isinstance(found, LineProof), found
    return found


def proven(proof: LineProof, key: str) -> tuple[PeriodPlanned, PeriodClosed]:
    """The facts in its receipts, as a stranger reads them."""
    planned, closed = (
        facts.decode(check(Receipt.parse(text), key, verify_signature)).fact for text in (proof.planned, proof.closed)
    )
    assert isinstance(planned, PeriodPlanned) and isinstance(closed, PeriodClosed)
    return planned, closed


def test_every_member_s_line_is_proven_and_is_the_one_in_the_settlement(directory: Path, node: Node) -> None:
    key = read_settings(directory).key
    with node.store.read() as state:
        for period in PERIODS:
            closed = state.get(Period, period)
            assert closed is not None
            plan = state.get(PeriodPlan, closed.plan)
            assert plan is not None
            statement = plan.planned.statements[0]
            lines = Lines(statement, state.evidence)
            whole = [lines.line(number) for number in range(story.PERSONS)]
            assert sum(line.paid for line in whole) == statement.paid_out
            assert sum(line.carried_out for line in whole) == statement.carried * MICRO
            assert sum(line.due for line in whole) == statement.members * MICRO
            for member in story.MEMBERS:
                proof = proof_of(node, member, period)
                person = next(state.list(Person, asset=story.ASSET, party=id_of(state, member)))
                assert (proof.number, proof.paid) == (person.number, whole[person.number].paid)
                assert LineProof.parse(proof.text()) == proof
                assert proof.check(*proven(proof, key)) == statement
                assert len(proof.text()) < 32 * 1024


def test_the_second_settlement_carries_on_from_the_first(node: Node) -> None:
    with node.store.read() as state:
        first, second = (state.get(PeriodPlan, period.plan).planned.statements[0] for period in state.list(Period))
        assert (first.before, second.before) == ("", first.lines)
        past, now = Lines(first, state.evidence), Lines(second, state.evidence)
        for number in range(story.PERSONS):
            assert now.line(number).carried_in == past.line(number).carried_out


CHANGES: list[tuple[str, Callable[[LineProof], dict[str, Any]]]] = [
    ("committed to", lambda proof: {"paid": proof.paid + 1}),
    ("committed to", lambda proof: {"owed": proof.owed + 1}),
    ("committed to", lambda proof: {"number": (proof.number + 1) % story.PERSONS}),
    ("committed to", lambda proof: {"salt": bytes(16)}),
    ("the salt has", lambda proof: {"salt": bytes(15)}),
    ("number of 64 bits", lambda proof: {"paid": -1}),
    ("no line", lambda proof: {"number": story.PERSONS}),
    ("no line", lambda proof: {"number": -1}),
    ("as many lines", lambda proof: {"chunk": proof.chunk[:-32]}),
    ("root", lambda proof: {"path": (bytes(32),)}),
    ("no settlement of", lambda proof: {"asset": "other"}),
]


@pytest.mark.parametrize(("says", "change"), CHANGES)
def test_a_changed_proof_proves_nothing(
    node: Node, directory: Path, says: str, change: Callable[[LineProof], dict[str, Any]]
) -> None:
    proof = proof_of(node)
    found = proven(proof, read_settings(directory).key)
    with pytest.raises(ValueError, match=says):
        replace(proof, **change(proof)).check(*found)


def test_one_period_s_line_does_not_pass_for_another_s(node: Node, directory: Path) -> None:
    key = read_settings(directory).key
    one, other = (proof_of(node, period=period) for period in PERIODS)
    with pytest.raises(ValueError, match=r"committed to|root"):
        one.check(*proven(other, key))
    with pytest.raises(ValueError, match="another plan"):
        one.check(proven(one, key)[0], proven(other, key)[1])


def test_a_proof_shows_nothing_of_anybody_else(node: Node) -> None:
    """Neither of her own millionths: two members' files differ in what is committed to, and in nothing that tells amounts."""
    proof = proof_of(node)
    shown = json.loads(proof.text())
    assert shown.keys() == {"format", "asset", "number", "paid", "owed", "salt", "chunk", "path", "planned", "closed"}
    entries = {proof.chunk[start : start + 32] for start in range(0, len(proof.chunk), 32)}
    assert len(entries) == story.PERSONS, "the same amount looks another for each of them"


@pytest.mark.parametrize(
    ("member", "period", "asset"),
    [("nobody", PERIODS[0], story.ASSET), (story.USER, PERIODS[0], story.ASSET), (story.MEMBERS[0], "2020-q1", story.ASSET),
     (story.MEMBERS[0], PERIODS[0], "other")],
)  # fmt: skip
def test_who_has_no_line_gets_no_proof(node: Node, member: str, period: str, asset: str) -> None:
    refusal = line_proof(node, member, period, asset)
    assert isinstance(refusal, Refusal) and refusal.code == "registry.unknown"


def test_from_the_command_line(directory: Path, tmp_path: Path) -> None:
    file, key = tmp_path / "mine.json", read_settings(directory).key

    give(Doors(create_node, open_node))

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, list(words))

    made = run(
        "member",
        "line",
        story.MEMBERS[4],
        PERIODS[1],
        "--asset",
        story.ASSET,
        "--to",
        str(file),
        "--dir",
        str(directory),
    )
    assert made.exit_code == 0, made.output
    good = run("receipt", "line", str(file), "--key", key)
    assert good.exit_code == 0 and "proven: person" in good.output
    file.write_text(file.read_text(encoding="utf-8").replace('"paid": ', '"paid": 1'), encoding="utf-8")
    assert "NOT PROVEN" in run("receipt", "line", str(file), "--key", key).output
    for wrong in ("", "[]", "{}", '{"format": "usufruct line proof 1"}', "\0"):
        file.write_text(wrong, encoding="utf-8")
        assert "NOT PROVEN" in run("receipt", "line", str(file), "--key", key).output
    assert verify(directory).sound
