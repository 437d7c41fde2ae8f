"""Attacks 11, 13 and 19 on the decision API: an error taken for a yes, what exists learnt from refusals, batches that lie;
and what else an enforcement point, or whoever stands between, could send.

Each fails when its defence is taken out: a fault that is caught and passed over, an answer that differs where something
exists, a question of a batch that borrows another's subject, an id that is put together from its parts unescaped.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import story
import usufruct
from authzen.world import ADMIN, OTHER, POINT, World, deciding, held, may, rules
from usufruct.core.access import consent_head, outside, rulesets
from usufruct.core.access import rules as access
from usufruct.core.access.outside import Entity, Question
from usufruct.core.access.proof import Request
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.records import Entry
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import PartyRegistered
from usufruct.node import rulesets as deciding_use
from usufruct.node.node import Node
from usufruct.node.rulesets import Asked, Asker
from usufruct.store.memory import MemoryState
from usufruct.web import authzen as web
from usufruct.web.api import RefusedHere
from usufruct.wire import authzen

AT = instants.parse("2026-11-22")
SOURCE = str(Path(usufruct.__file__).parent)
ALICE, BOB, CAROL = ({"type": "user", "id": id} for id in ("alice", "bob", "carol"))
ONE = {"type": "record", "id": "record-1"}
YES = {"subject": ALICE, "action": {"name": "read"}, "resource": ONE}
NO = {"subject": BOB, "action": {"name": "write"}, "resource": ONE}


# ---- 11: error treated as allow


class Trouble(Exception):
    """Something went wrong at a step."""


def at_each_step(run: Any) -> list[Any]:
    """What `run` gives when the k-th call of a function of ours fails, for every k; a `Trouble` where it gives nothing."""
    found: list[Any] = []
    while True:
        left, seen = len(found), set[FrameType]()

        def step(frame: FrameType, event: str, argument: Any, seen: set[FrameType] = seen) -> None:
            nonlocal left
            # A generator that is resumed, if only to be closed, is no new step.
            if event == "call" and frame.f_code.co_filename.startswith(SOURCE) and frame not in seen:
                seen.add(frame)
                left -= 1
                if left == -1:
                    raise Trouble

        sys.settrace(step)
        try:
            answer = run()
        except Trouble as trouble:
            answer = trouble
        finally:
            sys.settrace(None)
        if left >= 0:
            assert not isinstance(answer, Trouble)
            return found
        found.append(answer)


def test_whatever_step_of_a_decision_fails_it_is_no_yes(deciding_node: World) -> None:
    asker, count = Asker(POINT), Asked()

    def run() -> Any:
        return web._one(count, deciding_node.node, asker, YES)

    run()  # what is read once is read
    found = at_each_step(run)
    assert len(found) > 50
    assert all(isinstance(answer, Trouble) or answer["decision"] is not True for answer in found[:-1])
    assert run()["decision"] is True


def test_whatever_step_of_a_batch_fails_nothing_becomes_a_yes(deciding_node: World) -> None:
    body = {"evaluations": [YES, NO]}

    def run() -> Any:
        return web._each(Asked(), deciding_node.node, Asker(POINT), body)

    run()
    for answer in at_each_step(run):
        if not isinstance(answer, Trouble):
            said = [one["decision"] for one in answer["evaluations"]]
            assert len(said) == 2 and said[1] is False
            assert all("error" in one["context"] for one, expected in zip(answer["evaluations"], (1, 0), strict=True)
                       if one["decision"] is not bool(expected))  # fmt: skip


def test_whatever_step_of_the_decision_on_a_use_fails_it_is_no_permit(node: Node) -> None:
    """Nor does anything else come of it than what comes of it where nothing fails."""
    asked = Request(story.USER, story.ASSET, story.PURPOSE, "aggregates", ("year", "hourly_pay"))
    at = node.clock.now()
    with node.store.read() as state:

        def run() -> Any:
            access._LASTING._kept.clear()  # else nothing would be worked out but once
            consent_head._KEPT.clear()
            return access.decide(state, asked, at)

        whole = run()
        assert isinstance(whole, access.Permit)
        found = at_each_step(run)
    assert len(found) > 100
    assert all(isinstance(answer, Trouble | Refusal) or answer == whole for answer in found)


def test_a_bug_is_told_as_an_error_and_not_what_it_was(deciding_node: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*anything: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(outside, "decide", fails)
    monkeypatch.setattr(outside, "permits", fails)
    answer = deciding_node.ask(YES, headers={"X-Request-ID": "7"})
    assert answer.status_code == 500 and "secret" not in answer.text and answer.headers["X-Request-ID"] == "7"
    batch = deciding_node.ask({"evaluations": [YES]}, "evaluations")
    assert batch.json()["evaluations"][0]["decision"] is False and "secret" not in batch.text
    assert deciding_node.ask({"subject": ALICE, "resource": ONE}, "search/action").status_code == 500


# ---- 19: batches


@pytest.mark.parametrize(
    ("semantic", "items", "expected"),
    [
        ("execute_all", [YES, NO, YES, {}], [True, False, True, False]),
        ("deny_on_first_deny", [YES, NO, YES], [True, False]),
        ("deny_on_first_deny", [YES, {"subject": ALICE}, YES], [True, False]),
        ("deny_on_first_deny", [YES, YES], [True, True]),
        ("permit_on_first_permit", [NO, {}, YES, NO], [False, False, True]),
        ("permit_on_first_permit", [NO, 7], [False, False]),
    ],
)
def test_batches_stop_where_they_say(
    deciding_node: World, semantic: str, items: list[Any], expected: list[bool]
) -> None:
    body = {"evaluations": items, "options": {"evaluations_semantic": semantic}}
    found = deciding_node.ask(body, "evaluations").json()["evaluations"]
    assert [one["decision"] for one in found] == expected
    assert all(("error" in one["context"]) is not ("premises" in one["context"]) for one in found)


def test_every_question_of_a_batch_has_its_own_proof(deciding_node: World) -> None:
    alone = [deciding_node.ask(body).json() for body in (YES, NO)]
    together = deciding_node.ask({"evaluations": [YES, NO]}, "evaluations").json()["evaluations"]
    for one in (*alone, *together):
        del one["context"]["at"], one["context"]["notAfter"]
    assert together == alone


@pytest.mark.parametrize(
    "body",
    [
        {"evaluations": [YES], "options": {"evaluations_semantic": "permit_all"}},
        {"evaluations": [YES], "options": {"evaluations_semantic": ["execute_all"]}},
        {"evaluations": [YES], "options": "execute_all"},
        {"evaluations": {"0": YES}},
        {"evaluations": [YES] * (authzen.EVALUATIONS_MAX + 1)},
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_as_a_whole(deciding_node: World, body: Any) -> None:
    assert deciding_node.ask(body, "evaluations").status_code == 400


def test_a_question_of_a_batch_borrows_no_part_of_an_entity(deciding_node: World) -> None:
    admin = {**BOB, "properties": {"role": "admin"}}
    archived = {"type": "record", "id": "x", "properties": {"status": "archived"}}
    body = {"subject": admin, "action": {"name": "write"}, "resource": archived,
            "evaluations": [{}, {"subject": {"type": "user", "id": "eve"}}, {"subject": {"id": "eve"}}]}  # fmt: skip
    found = deciding_node.ask(body, "evaluations").json()["evaluations"]
    assert [one["decision"] for one in found] == [True, False, False]


# ---- 13: what exists, learnt from refusals


def without_names(answer: Any, *names: str) -> str:
    """An answer with the instant and what was asked for struck out."""
    context = {**answer["context"], "at": "", "notAfter": ""}
    text = json.dumps([answer["decision"], context])
    for name in names:
        text = text.replace(name, "*")
    return text


def test_what_is_not_open_to_a_party_is_as_if_it_were_not_there(deciding_node: World) -> None:
    there = deciding_node.ask(YES, who=deciding_node.other).json()
    nowhere = {**YES, "resource": {"type": "unknown", "id": "record-1"}}
    assert without_names(there, "record") == without_names(
        deciding_node.ask(nowhere, who=deciding_node.other).json(), "unknown"
    ).replace("*-1", "record-1")
    for path, body in (
        ("search/subject", {**YES, "subject": {"type": "user"}}),
        ("search/resource", {**YES, "resource": {"type": "record"}}),
        ("search/action", {"subject": ALICE, "resource": ONE}),
    ):
        assert deciding_node.ask(body, path, deciding_node.other).json()["results"] == []


def test_what_is_known_of_a_subject_is_not_told(deciding_node: World) -> None:
    """Carol is known to be an admin; nobody knows Eve. Neither may write this record, and neither is told what else is so."""
    for action, resource in (("write", "record-1"), ("delete", "record-2"), ("write", "unknown")):
        asked = {"action": {"name": action}, "resource": {"type": "record", "id": resource}}
        known, unknown = (
            deciding_node.ask({**asked, "subject": {"type": "user", "id": id}}).json() for id in ("carol", "eve")
        )
        assert not known["decision"] and without_names(known, "carol") == without_names(unknown, "eve")
    whole = deciding_node.ask(NO, who=deciding_node.steward).json()
    assert "archived" in json.dumps(whole["context"]["premises"]) and "active" in json.dumps(
        whole["context"]["premises"]
    )


def test_a_permit_does_not_tell_by_which_rule(deciding_node: World) -> None:
    """Rick may update as an evil genius, Morty what is his own."""
    answers = []
    for id in (
        "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
        "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
    ):
        resource = {"type": "todo", "id": "1", "properties": {"ownerID": "morty@the-citadel.com"}}
        body = {"subject": {"type": "user", "id": id}, "action": {"name": "can_update_todo"}, "resource": resource}
        answers.append(without_names(deciding_node.ask(body).json()))
    assert answers[0] == answers[1] and answers[0].startswith("[true")


def of_asset(subject: str, asset: str, **said: str) -> Question:
    with_action = {"form": "aggregates", "purpose": story.PURPOSE} | said
    return Question(
        Entity("party", subject),
        "use",
        Entity("asset", asset),
        {name: frozenset({v}) for name, v in with_action.items()},
    )


def test_uses_of_assets_are_decided_for_who_would_use_them_and_for_nobody_else(node: Node) -> None:
    mine = deciding_use.decide(node, of_asset(story.USER, story.ASSET), Asker(story.USER))
    assert mine[0] is True and mine[1]["verdict"] == "permit"
    assert deciding_use.decide(node, of_asset(story.USER, story.ASSET), Asker(story.OPERATOR, steward=True))[0] is True
    for form in ("aggregates", "rows"):
        for purpose in (story.PURPOSE, "NoPurpose"):
            answers = []
            for asker, asset in ((story.STRANGER, story.ASSET), (story.STRANGER, "nothing"), (story.USER, "nothing")):
                verdict, proof = deciding_use.decide(
                    node, of_asset(story.USER, asset, form=form, purpose=purpose), Asker(asker)
                )
                answers.append(without_names({"decision": verdict, "context": proof}, asset))
            assert len({*answers}) == 1 and answers[0].startswith("[false")
    other = Question(Entity("user", story.USER), "use", Entity("asset", story.ASSET), of_asset("", "").with_action)
    assert deciding_use.decide(node, other, Asker(story.USER))[0] is False


@pytest.mark.parametrize("given", [
    {"columns": [story.QUESTION, 1]}, {"columns": 5}, {"columns": {}}, {"columns": ["x"] * 2000}, {"form": 7},
    {"purpose": ["AcademicResearch", "Marketing"]}, {"form": ["aggregates", "rows"]}, {"columns": ["no such column"]},
])  # fmt: skip
def test_what_cannot_be_read_of_a_use_is_no_yes(node: Node, given: dict[str, Any]) -> None:
    """Else a column that is graded too high would be asked for beside a number, and nobody would look at it."""
    properties = {"purpose": story.PURPOSE, **given}
    asked = {
        "subject": {"type": "party", "id": story.USER}, "resource": {"type": "asset", "id": story.ASSET},
        "action": {"name": "use", "properties": properties},
    }  # fmt: skip
    plain = {**asked, "action": {"name": "use", "properties": {"purpose": story.PURPOSE}}}
    assert deciding_use.decide(node, authzen.question(plain), Asker(story.USER))[0] is True
    try:
        verdict, _ = deciding_use.decide(node, authzen.question(asked), Asker(story.USER))
    except BadInput:
        return
    assert verdict is False


# ---- who may ask


def test_only_who_has_the_scope_is_answered(deciding_node: World) -> None:
    for path in ("evaluation", "evaluations", "search/subject", "search/resource", "search/action"):
        for who in (None, "usu_wrong"):
            answer = deciding_node.ask(YES, path, who, headers={"X-Request-ID": "a b"})
            assert (answer.status_code, answer.headers["X-Request-ID"]) == (401, "a b")
            assert "decision" not in answer.text


# ---- what can be read in two ways, or takes long


@pytest.mark.parametrize(
    "content",
    [
        b'{"subject":{"type":"user","id":"bob"},"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":'
        b'{"type":"record","id":"record-1"}}',
        b'{"subject":{"type":"user","id":"bob","i\\u0064":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}',
        b'{"subject":{"type":"user","id":"alice\\ud800"},"action":{"name":"read"},"resource":{"type":"record","id":"record-1"}}',
        b'{"subject":{"type":"user","id":"alice","properties":{"a":NaN}},"action":{"name":"read"},"resource":{"type":"record",'
        b'"id":"record-1"}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe{}",
        b"[]",
        b"null",
        b'"text"',
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_not_read(deciding_node: World, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = deciding_node.send("POST", "/access/v1/evaluation", deciding_node.point, content=content, headers=headers)
    assert answer.status_code == 400 and "decision" not in answer.text


def test_a_body_that_is_too_long_is_refused(deciding_node: World) -> None:
    answer = deciding_node.ask({**YES, "padding": "x" * 3 * 2**20})
    assert answer.status_code == 413


def deep(levels: int) -> dict[str, Any]:
    return held("usu:subject.a", "eq", "b") if not levels else {"or": [deep(levels - 1)]}


@pytest.mark.parametrize(
    "said",
    [
        rules("many", *(may("read", held("usu:subject.a", "eq", str(n))) for n in range(1001))),
        rules("wide", may("read", held("usu:subject.a", "isAnyOf", *map(str, range(20_001))))),
        rules("apart", may("read", {"xone": [held(f"usu:subject.a{n}", "eq", "b") for n in range(200)]})),
        rules("deep", may("read", deep(17))),
        rules("deeper", may("read", deep(5000 if sys.getrecursionlimit() > 10_000 else 200))),
        rules("product", may([f"a{n}" for n in range(40)], assignee=[f"user:{n}" for n in range(40)])),
        " " * 2**20 + rules("long", may("read")),
    ],
)  # fmt: skip
def test_rules_that_cost_too_much_are_refused_when_they_are_adopted(deciding_node: World, said: str) -> None:
    began = time.process_time()
    assert adopted(deciding_node, said) in ("terms.cost", "input.odrl")
    assert time.process_time() - began < 5


def adopted(world: World, said: str) -> str:
    """The code with which a ruleset is refused."""
    try:
        found = deciding_use.adopt(world.node, "bomb", ("thing",), (POINT,), authzen.rules_of(said), story.OPERATOR)
    except BadInput as wrong:
        return wrong.code
    return found.code if isinstance(found, Refusal) else ""


# ---- names


def decided(world: MemoryState, question: Question) -> bool:
    return outside.decide(world, question, None, AT).permits


def holding(*said: str) -> MemoryState:
    """A state with a party and these rulesets."""
    state = MemoryState()
    state.apply(Entry(0, AT, PartyRegistered("coop", "cooperative", "Coop")))
    for number, one in enumerate(said, 1):
        found = rulesets.adopt(state, f"r{number}", ("record",), ("coop",), authzen.rules_of(one), "coop", AT, AT)
        assert isinstance(found, rulesets.RulesetAdopted), found
        state.apply(Entry(number, AT, found))
    return state


def ask(
    action: str = "read", subject: str = "alice", id: str = "1", type: str = "record", **properties: Any
) -> Question:
    return Question(Entity("user", subject, properties), action, Entity(type, id))


def test_properties_cannot_take_the_place_of_who_and_what_it_is() -> None:
    state = holding(
        rules("a", may("read", held("usu:subject.id", "eq", "alice"), held("usu:subject.type", "eq", "user")))
    )
    assert decided(state, ask())
    assert not decided(
        state, Question(Entity("user", "eve", {"id": frozenset({"alice"})}), "read", Entity("record", "1"))
    )
    body = {"subject": {"type": "user", "id": "eve", "properties": {"id": "alice", "type": "user"}}, "action": {"name": "read"},
            "resource": {"type": "record", "id": "1"}}  # fmt: skip
    assert not decided(state, authzen.question(body))


def test_type_and_id_are_not_confused() -> None:
    one = rulesets.reference("a:b", "c"), rulesets.reference("a", "b:c")
    assert one[0] != one[1]
    assert rulesets.reference("a%3Ab", "c") != rulesets.reference("a:b", "c")
    everybody = may("read", held("usu:subject.type", "eq", "user"))
    state = holding(rules("a", everybody, prohibition=[may("read", target="record:secret")]))
    assert decided(state, ask(id="1")) and not decided(state, ask(id="secret"))


def test_no_party_is_taken_for_a_subject_outside() -> None:
    state = holding(rules("a", may("read", assignee="user:alice"), may("write", assignee="coop")))

    def may_do(action: str, type: str, id: str) -> bool:
        return decided(state, Question(Entity(type, id), action, Entity("record", "1")))

    assert may_do("read", "user", "alice") and may_do("write", "party", "coop")
    for type, id in (
        ("party", "user:alice"),
        ("user:alice", ""),
        ("user", "coop"),
        ("", "user:alice"),
        ("party:user", "alice"),
    ):
        assert not may_do("read", type, id) and not may_do("write", type, id)


def test_a_machine_that_acts_for_another_is_told_so(deciding_node: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*anything: Any) -> Any:
        raise RefusedHere(refuse("access.delegation", "nothing was done", "this cannot be delegated", remedy="ask her"))

    monkeypatch.setattr(web, "who_is", refuses)
    answer = deciding_node.ask(YES, headers={"X-Request-ID": "8"})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (403, "8")
    assert answer.text == "nothing was done; this cannot be delegated"


def test_another_spelling_of_a_name_is_the_same_name() -> None:
    everybody = may("read", held("usu:subject.type", "eq", "user"))
    state = holding(rules("a", everybody, prohibition=[may("read", held("usu:subject.id", "eq", "José"))]))
    for spelling in ("José", "Jose\u0301"):
        body = {
            "subject": {"type": "user", "id": spelling},
            "action": {"name": "read"},
            "resource": {"type": "record", "id": "1"},
        }
        assert not decided(state, authzen.question(body))
    assert decided(state, authzen.question({**body, "subject": {"type": "user", "id": "Josef"}}))


def test_no_action_slips_past_a_prohibition_of_all_use() -> None:
    everybody = held("usu:subject.type", "eq", "user")
    banned = rules("ban", may("read", ADMIN), prohibition=[may("use", held("usu:subject.id", "eq", "eve"))])
    state = holding(rules("a", may(["read", "can_sweep", "usu:other"], everybody)), banned)
    for action in ("read", "can_sweep"):
        assert decided(state, ask(action)) and not decided(state, ask(action, subject="eve"))
    for action in ("", "use", "usu:other", "unheard-of"):
        assert not decided(state, ask(action, subject="eve")), action
    assert not decided(state, ask("unheard-of"))


def test_nothing_unknown_permits_and_nothing_unknown_escapes() -> None:
    user = held("usu:subject.type", "eq", "user")
    permitted = (
        may("read", held("usu:subject.role", "neq", "guest")), may("write", held("usu:subject.age", "gteq", 18)),
        may("copy", held("usu:resource.owner", "neq", "usu:subject.name")), may("print", user),
    )  # fmt: skip
    state = holding(rules("a", *permitted, prohibition=[may("print", held("usu:subject.banned", "eq", True))]))
    assert not decided(state, ask("read")) and decided(state, ask("read", role=frozenset({"staff"})))
    assert not decided(state, ask("read", role=frozenset({"staff", "guest"})))
    assert not decided(state, ask("write", age=frozenset({"20"}))) and decided(state, ask("write", age=20))
    assert not decided(state, ask("copy", name=frozenset({"x"})))
    assert not decided(state, ask("print")) and decided(state, ask("print", banned=frozenset({"false"})))


def test_two_that_are_not_there_are_not_the_same() -> None:
    same = rules("a", may("read", held("usu:resource.owner", "eq", "usu:subject.email")))
    state = holding(same)
    for owner, email, expected in (
        ("a", "a", True),
        ("", "", False),
        (None, None, False),
        ([], [], False),
        ("a", {}, False),
    ):
        body = {"subject": {"type": "user", "id": "u", "properties": {"email": email}}, "action": {"name": "read"},
                "resource": {"type": "record", "id": "1", "properties": {"owner": owner}}}  # fmt: skip
        assert decided(state, authzen.question(body)) is expected


def test_who_asks_cannot_make_another_of_somebody_who_is_known(deciding_node: World) -> None:
    """Morty is an editor; an enforcement point that says that he is an admin is believed no more than the node."""
    morty = "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"
    for roles in (["admin"], ["editor", "admin"], "admin", ["viewer"]):
        body = {"subject": {"type": "user", "id": morty, "properties": {"roles": roles}}, "action": {"name": "can_delete_todo"},
                "resource": {"type": "todo", "id": "1", "properties": {"ownerID": "rick@the-citadel.com"}}}  # fmt: skip
        assert deciding_node.ask(body).json()["decision"] is False


# ---- searching


def test_a_search_finds_what_is_permitted_and_nothing_else(deciding_node: World) -> None:
    for action in ("read", "write", "delete"):
        for resource in (ONE, {"type": "record", "id": "record-2"}):
            found = deciding_node.ask(
                {"subject": {"type": "user"}, "action": {"name": action}, "resource": resource}, "search/subject"
            ).json()["results"]
            permitted = [
                one for one in (ALICE, BOB, CAROL)
                if deciding_node.ask({"subject": one, "action": {"name": action}, "resource": resource}).json()["decision"]
            ]  # fmt: skip
            assert found == permitted


def test_a_token_is_good_for_its_own_search_alone(deciding_node: World) -> None:
    asked = {"subject": {"type": "user"}, "action": {"name": "read"}, "resource": ONE}
    token = deciding_node.ask({**asked, "page": {"limit": 1}}, "search/subject").json()["page"]["next_token"]
    assert deciding_node.ask({**asked, "page": {"token": token, "limit": 1}}, "search/subject").is_success
    for body, path in (
        ({**asked, "action": {"name": "write"}, "page": {"token": token}}, "search/subject"),
        ({**asked, "page": {"token": token, "limit": 2}}, "search/subject"),
        ({**asked, "subject": {**ALICE}, "page": {"token": token}}, "search/resource"),
        ({**asked, "page": {"token": token + "x"}}, "search/subject"),
        ({**asked, "page": {"token": 7}}, "search/subject"),
        ({**asked, "page": {"limit": -1}}, "search/subject"),
        ({**asked, "page": {"limit": True}}, "search/subject"),
    ):
        assert deciding_node.ask(body, path).status_code == 400


def test_a_page_looks_at_no_more_than_its_share(tmp_path: Path, founded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding_use, "SEARCHED_MAX", 3)
    with deciding(Path(shutil.copytree(founded, tmp_path / "node"))) as world:
        for number in range(7):
            world.describe("resource", "record", f"x-{number}", status="active")
        asked, found, pages = {"subject": BOB, "action": {"name": "write"}, "resource": {"type": "record"}}, [], 0
        page: dict[str, Any] = {}
        while page.get("token") != "":
            answer = world.ask({**asked, "page": page}, "search/resource").json()
            found += [one["id"] for one in answer["results"]]
            page, pages = {"token": answer["page"]["next_token"]}, pages + 1
        assert found == ["record-2"] and pages == 3
        assert world.send("GET", "/api/v1/rulesets", world.point).status_code == 403
        assert OTHER not in json.dumps(world.steer("GET", "rulesets"))
