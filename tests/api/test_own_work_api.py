"""The API of own work: an operator plans and pays, a worker reads and takes with her, another node reads it in by its receipts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from litestar.testing import TestClient

import riding
import story
from delivering import OPERATOR
from serving import application
from support import SetClock
from usufruct.core.base.instants import later, parse
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.ledger import Account
from usufruct.core.work.hours.conditions import Condition
from usufruct.core.work.pay.state import Deduction, TopUp, WorkPaid
from usufruct.main import create_node, open_node
from usufruct.node import conditions, cover, login, operators, owndata, register, work_pay
from usufruct.node.node import Node
from usufruct.node.pay_rules import PayRules
from usufruct.ports import Transaction
from usufruct.wire import cover as schemes
from usufruct.wire import portable

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "portable-work.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture
def api(node: Node) -> Iterator[Any]:
    """Calls the API for a party: `api(OPERATOR, "user", "POST", path, body)`."""
    with application(node) as app, TestClient(app, raise_server_exceptions=False) as client:

        def call(party: str, role: str, method: str, path: str, body: Any = None) -> Any:
            headers = {}
            if party:
                token = login.issue_token(node, party, role, login.ROLES[role], 1, "")
                headers = {"Authorization": f"Bearer {token}"}
            return client.request(method, f"/api/v1{path}", headers=headers, json=body)

        yield call


def test_an_operator_plans_pays_and_puts_right_and_a_worker_reads(api: Any, node: Node) -> None:
    riding.ride(node)
    planned = api(OPERATOR, "user", "POST", "/work/pay", {}).json()
    assert [slip["worker"] for slip in planned["reckonings"]] == sorted(riding.rider(node, number) for number in (1, 2))
    plan = planned["plan"]
    assert api(OPERATOR, "user", "GET", f"/work/pay/{plan}").json()["stands"] == "planned"
    paid = api(OPERATOR, "user", "POST", f"/work/pay/{plan}/approval").json()
    assert paid["net"] == sum(slip["net"] for slip in planned["reckonings"])
    again = api(OPERATOR, "user", "POST", f"/work/pay/{plan}/approval")
    assert (again.status_code, again.json()["refusal"]["code"]) == (409, "pay.state")
    rider = riding.rider(node)
    (mine,) = api(rider, "member", "GET", "/me/work/payslips").json()
    assert mine == api(rider, "member", "GET", f"/me/work/payslips/{mine['pay']}").json()
    body = {"amount": "2.40 EUR", "why": "a tip came late"}
    assert api(OPERATOR, "user", "POST", f"/work/payslips/{mine['pay']}/corrections", body).status_code == 201
    assert api(rider, "member", "GET", "/me/work/payslips").json()[0]["corrected"] == "2.40"
    with node.store.read() as state:
        account = state.get(Account, f"party:{rider}", "EUR")
        assert account is not None and account.balance == planned["reckonings"][0]["net"] + 240
    months = api(rider, "member", "GET", "/me/work/series").json()[0]["times"]
    weeks = api(rider, "member", "GET", "/me/work/series?every=week").json()[0]["times"]
    assert sum(time["services"] for time in months) == sum(time["services"] for time in weeks) == 80


def test_the_steward_may_for_every_operator_and_nobody_for_another(api: Any, node: Node) -> None:
    riding.ride(node)
    plan = api(story.OPERATOR, "steward", "POST", "/work/pay", {"operator": OPERATOR}).json()["plan"]
    rider = riding.rider(node)
    for party, role in ((rider, "member"), (story.USER, "user")):
        assert api(party, role, "POST", f"/work/pay/{plan}/approval").status_code == 404
        assert api(party, role, "POST", "/work/pay", {"operator": OPERATOR}).status_code == 404
    refused = api(story.OPERATOR, "steward", "POST", f"/work/pay/{plan}/refusal", {"why": "the tips are missing"})
    assert refused.status_code == 201
    assert api(OPERATOR, "user", "GET", "/work/pay").json()[0]["why"] == "the tips are missing"


def test_a_machine_pays_nobody(node: Node) -> None:
    riding.ride(node)
    plan = story.done(work_pay.plan(node, OPERATOR, None, None, OPERATOR))
    found = work_pay.pay(node, plan.plan, OPERATOR, OPERATOR, ("robot",))
    assert getattr(found, "code", "") == "access.human-only"


def test_nobody_signs_for_an_operator_but_itself_and_the_operator_of_the_node(node: Node) -> None:
    riding.ride(node)
    plan = story.done(work_pay.plan(node, OPERATOR, None, None, OPERATOR)).plan
    stranger = riding.rider(node, 1)
    for refused in (
        work_pay.pay(node, plan, OPERATOR, stranger), work_pay.refuse(node, plan, OPERATOR, "no", stranger)
    ):  # fmt: skip
        assert isinstance(refused, Refusal) and refused.code == "registry.unknown"
    assert work_pay.payslips(node, stranger) == []
    assert not isinstance(work_pay.pay(node, plan, OPERATOR, story.OPERATOR), Refusal)


def test_what_other_areas_say_is_stated_and_charged_in_the_same_turn(node: Node) -> None:
    riding.ride(node, riders=1, weeks=1)
    charged: list[str] = []

    def charge(tx: Transaction, node: Node, paid: WorkPaid) -> None:
        charged.append(paid.pay)

    rules = PayRules(
        lambda read, worker, operator, since, until, pay, currency: [
            TopUp("online", 72_000_000, 2000, 40_000, pay, max(0, 40_000 - pay), "floor", "agreement 3")
        ],
        lambda read, worker, operator, slip, currency, at: [Deduction("pension", "worker", 100, "fund:pension")],
        charge,
    )
    plan = story.done(work_pay.plan(node, OPERATOR, None, None, OPERATOR, rules=rules))
    paid = story.done(work_pay.pay(node, plan.plan, OPERATOR, OPERATOR, rules=rules))
    slip = paid.payslips[0].reckoning
    assert (slip.top_up, slip.take_home) == (40_000 - (40 * 1020 - 40 * 250), slip.net - 100)
    assert charged == [paid.payslips[0].pay]


def test_the_export_is_valid_and_whole_and_another_node_reads_it_in(api: Any, node: Node, tmp_path: Path) -> None:
    riding.ride(node)
    riding.pay(node)
    rider = riding.rider(node)
    answer = api(rider, "member", "GET", "/me/work")
    exported = answer.json()
    jsonschema_rs.validator_for(SCHEMA).validate(exported)
    (one,) = exported["services"]
    assert (one["services"], one["hours"], one["average_metres"]) == (80, "20.00", 1000)
    assert one["income"] == exported["payslips"][0]["net"]
    with node.store.read() as state:
        assert [fact["number"] for fact in exported["facts"]] == [entry.seq for entry in state.history(rider)]
    directory = tmp_path / "elsewhere"
    create_node(directory, "Elsewhere", "elsewhere", "Elsewhere", "EUR")
    with open_node(directory, SetClock()) as other:
        story.done(register.add_party(other, "carla", "person", "Carla"))
        brought = portable.read(answer.content)
        with other.store.read() as state:
            carla = owndata.find_party(state, "carla")
        assert carla is not None
        claim = story.done(owndata.read_in(other, carla.id, brought, brought.key))
        assert claim.figures[0].services == 80 and claim.facts == len(exported["facts"])
        again = story.done(owndata.export(other, carla.id))
        theirs = json.loads(portable.as_json(again))
        jsonschema_rs.validator_for(SCHEMA).validate(theirs)
        assert theirs["histories"][0]["provenance"].startswith("read here from the export of ")
        for wrong in (_other_figures(exported), _without(exported), _other_key(exported)):
            said = portable.read(json.dumps(wrong).encode())
            found = owndata.read_in(other, carla.id, said, said.key)
            assert getattr(found, "code", "") == "pay.history", found


def _other_figures(exported: Any) -> Any:
    """Somebody makes more of her work: in the record of a receipt a figure is another."""
    changed = json.loads(json.dumps(exported))
    lines = changed["facts"][-1]["receipt"].split("\n")
    lines[1] = lines[1][:-8] + ("A" if lines[1][-8] != "A" else "B") + lines[1][-7:]
    changed["facts"][-1]["receipt"] = "\n".join(lines)
    return changed


def _without(exported: Any) -> Any:
    return {**exported, "facts": [fact for fact in exported["facts"] if fact["kind"] != "work.done/1"]}


def _other_key(exported: Any) -> Any:
    name, _, key = exported["node"]["key"].split("+", 2)
    return {**exported, "node": {**exported["node"], "key": f"{name}+{'0' * 8}+{key}"}}


def test_a_receipt_that_is_there_twice_counts_once(node: Node, tmp_path: Path) -> None:
    riding.ride(node, riders=1, weeks=1)
    exported = json.loads(portable.as_json(story.done(owndata.export(node, riding.rider(node)))))
    exported["facts"] *= 2
    create_node(tmp_path / "n", "Elsewhere", "elsewhere", "Elsewhere", "EUR")
    with open_node(tmp_path / "n", SetClock()) as other:
        brought = portable.read(json.dumps(exported).encode())
        claim = story.done(owndata.read_in(other, "elsewhere", brought, brought.key))
    assert claim.figures[0].services == 40


@pytest.mark.parametrize("text", [
    "", "[]", "{", '{"format": "other"}', '{"format": "usufruct-portable-work/1"}',
    '{"format": "usufruct-portable-work/1", "node": {}, "registration": {}, "facts": [], "exported": 3}',
    '{"format": "usufruct-portable-work/1", "node": {"origin": "o", "key": "k"}, "registration": {"party": "p"}, '
    '"facts": [{}], "exported": "2026-01-01"}',
    "[" * 100_000,
])  # fmt: skip
def test_what_is_no_export_is_bad_input(api: Any, node: Node, text: str) -> None:
    body = {"party": "member-1", "key": "k", "export": text or " "}
    assert api(story.OPERATOR, "steward", "POST", "/work/histories", body).status_code == 400


def test_what_everybody_may_know_of_an_operator(api: Any, node: Node) -> None:
    riding.ride(node, riders=12, weeks=1)
    shown = api("", "", "GET", f"/work/operators/{OPERATOR}").json()
    assert shown["take_rate_basis_points"] == 10_000 * 250 // 1130 and shown["allocation"] is None
    assert [one["number"] for one in shown["fairwork"]["points"] if one["proved"]] == ["2.1"]
    half = shown["figures"]["half"]
    rows = list(csv.DictReader(io.StringIO(
        api("", "", "GET", f"/work/operators/{OPERATOR}/figures/{half}?format=csv").text
    )))  # fmt: skip
    assert {row["figure"]: row["value"] for row in rows}["persons"] == "12"
    assert api("", "", "GET", f"/work/operators/{OPERATOR}/figures/2026-3").status_code == 400
    assert api("", "", "GET", f"/work/operators/{OPERATOR}/figures/{half}?format=pdf").status_code == 400
    assert api("", "", "GET", f"/work/operators/{OPERATOR}/fairwork").json()["points"] == shown["fairwork"]["points"]


def test_of_few_workers_nothing_is_told_but_to_authorities_and_the_operator(api: Any, node: Node) -> None:
    riding.ride(node, riders=3, weeks=1)
    now = node.clock.now()
    path = (
        f"/work/operators/{OPERATOR}/figures/{later(now, days=-10)[:4]}-{1 if later(now, days=-10)[5:7] <= '06' else 2}"
    )
    for party, role, told in (
        ("", "", None),
        (story.USER, "user", None),
        (OPERATOR, "user", "3"),
        (story.OPERATOR, "steward", "3"),
    ):
        found = {one["name"]: one for one in api(party, role, "GET", path).json()["figures"]}
        assert (found["persons"]["value"], found["gross"]["value"] is None) == (told, told is None)


def test_a_floor_that_is_in_force_and_a_scheme_of_cover_are_on_the_payslip_and_in_the_ledger(node: Node) -> None:
    """No stand-ins: a floor on online time by an agreement, and the Estonian entrepreneur account at 20 % of what she receives."""
    riding.ride(node, riders=1, weeks=1)
    rider, old = riding.rider(node), parse("2020-01-01")
    floor = Condition(
        "hourly-floor",
        "floor-hourly",
        "online",
        "amount",
        1700,
        "minor/hour",
        old,
        old,
        "agreement 3",
        "agreement:3",
        "EUR",
    )
    story.done(conditions.put(node, (floor,), OPERATOR, story.OPERATOR))
    text = resources.files("usufruct.core.cover.schemes").joinpath("estonia.toml").read_text(encoding="utf-8")
    story.done(cover.adopt(node, schemes.read(text), (), None, story.OPERATOR))
    story.done(cover.opt_in(node, rider, "ee-entrepreneur-account", "pillar-2"))
    paid = riding.pay(node)
    found = paid.payslips[0].reckoning
    assert {one.definition: (one.due, one.amount, one.binding) for one in found.floors} == {
        "engaged": (17_000, 0, False), "online": (34_000, 34_000 - 30_800, True), "whole-shift": (34_000, 3_200, False),
    }  # fmt: skip
    assert found.top_up == 3_200 and found.net == 34_000 + 2_000
    assert found.taken > 0 and found.take_home == found.net - found.taken
    with node.store.read() as state:
        account = state.get(Account, f"party:{rider}", "EUR")
        assert account is not None and account.balance == found.take_home
        assert sum(row.balance for row in state.list(Account)) == 0
    shown = story.done(operators.page(node, OPERATOR))
    assert any("17.00 EUR" in words for words in shown.floors) and shown.allocation is None
