"""Data of a transfer, over real sockets: a hospital gives governed answers to a city that pulls."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pair
import pytest
import transfers

import story
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.node import cubes, login, register, trade
from usufruct.node.dataspace import dataplane, pull, talk
from usufruct.node.node import Node
from usufruct.wire import card

Both = tuple[pair.Side, pair.Side]
COUNT = "SELECT COUNT(*) AS c FROM pay"

BEDS = """
asset = "beds"
title = "Beds"
description = "beds of the practices in town"
licence = "terms of the agreement"
person_column = "practice"
rows_per_person = 1
[columns.practice]
type = "text"
class = "public"
grade = 1
[columns.beds]
type = "integer"
class = "public"
grade = 1
[columns.cost]
type = "integer"
class = "personal"
grade = "sensitive"
"""


@pytest.fixture
def both(tmp_path: Path, founded: Path, table: Path) -> Iterator[Both]:
    with pair.two(tmp_path, founded, table) as sides:
        yield sides


@pytest.fixture
def begun(both: Both) -> transfers.Begun:
    return transfers.transfer(*both, transfers.agreed(*both))


def facts(node: Node, kind: type[Fact]) -> list[Fact]:
    with node.store.read() as state:
        return [entry.fact for entry in state.entries(0, state.size()) if isinstance(entry.fact, kind)]


def test_a_question_is_answered_as_any_other_is(both: Both, begun: transfers.Begun) -> None:
    hospital, _ = both
    answer = begun.ask(purpose=story.PURPOSE)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["agreement"] == begun.agreement
    assert (said["form"], said["purpose"], said["price"]) == ("aggregates", story.PURPOSE, "5.00 EUR")
    assert len(said["rows"]) == 3
    assert said["charge"] > 0
    assert said["receipt"].startswith("c2sp.org/tlog-proof")
    [admitted], [answered] = facts(hospital.node, QueryAdmitted), facts(hospital.node, QueryAnswered)
    assert admitted.requester == answered.requester == pair.CITY  # type: ignore[attr-defined]
    assert admitted.charge == said["charge"]  # type: ignore[attr-defined]
    # The same again is the same answer, and costs nothing; so it is over the API, with the city's ordinary token.
    assert (begun.ask().json()["rows"], begun.ask().json()["charge"]) == (said["rows"], 0)
    token = login.issue_token(hospital.node, pair.CITY, "user", ("ask",), 1, "")
    over_api = hospital.call("POST", "/queries", {"sql": story.QUESTION, "purpose": story.PURPOSE}, token).json()
    assert (over_api["rows"], over_api["agreement"], over_api["repeated"]) == (said["rows"], begun.agreement, True)


@pytest.mark.parametrize("spelled", ["{}", "Bearer {}", "bearer {}"])
def test_the_token_is_taken_with_bearer_and_without(begun: transfers.Begun, spelled: str) -> None:
    assert begun.ask(COUNT, spelled.format(begun.token())).status_code == 200


def test_who_only_fetches_learns_what_can_be_asked(begun: transfers.Begun) -> None:
    url, token = begun.address().endpoint, begun.token()
    said = transfers.at(url, token).json()
    assert (said["form"], said["purposes"], said["agreement"]) == ("aggregates", [story.PURPOSE], begun.agreement)
    assert [column["name"] for column in said["columns"]] == ["nr", "year", "hourly_pay", "hours", "night_shifts"]
    assert said["ask"]["url"] == url
    first = httpx.post(url, json=said["ask"]["body"], headers={"Authorization": token}, timeout=60)
    assert first.status_code == 200, first.text
    plain = transfers.at(f"{url}?sql=SELECT%20COUNT(*)%20AS%20count%20FROM%20pay", token)
    assert plain.json()["columns"] == ["count", "count_margin"]
    table = transfers.at(f"{url}?sql=SELECT%20COUNT(*)%20AS%20count%20FROM%20pay", token, Accept="text/csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["usufruct-agreement"] == begun.agreement
    assert next(csv.reader(io.StringIO(table.text))) == ["count", "count_margin"]


def test_a_refusal_says_why_and_is_recorded(both: Both, begun: transfers.Begun) -> None:
    for sql, purpose, status, code in (
        (COUNT, "Marketing", 403, "access.purpose"), ("SELECT hours FROM pay", "", 403, "access.form"),
        ("DROP TABLE pay", "", 400, "query.statements"), ("SELECT COUNT(*) FROM other", "", 403, "access.no-agreement"),
    ):  # fmt: skip
        answer = begun.ask(sql, purpose=purpose)
        assert (answer.status_code, answer.json()["refusal"]["code"]) == (status, code), answer.text
        assert answer.json()["refusal"]["reasons"]
        assert answer.json()["refusal"]["receipt"]
    assert len(facts(both[0].node, QueryRefused)) == 4


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"sql": 7}', b'{"sql": "x", "agreement": "agreement-1"}', b"\xff" * 9]
)
def test_what_cannot_be_read_is_no_question(begun: transfers.Begun, body: bytes) -> None:
    answer = httpx.post(begun.address().endpoint, content=body, headers={"Authorization": begun.token()}, timeout=30)
    assert answer.status_code == 400, answer.text
    assert answer.json()["fault"]["remedy"]


def test_records_are_what_a_plain_request_gets_where_they_were_agreed(both: Both, tmp_path: Path) -> None:
    hospital, city = both
    (tmp_path / "beds.csv").write_text("practice,beds,cost\nnorth,12,3\nsouth,8,4\n")
    story.done(register.add_asset(hospital.node, card.read(BEDS), tmp_path / "beds.csv", story.OPERATOR))
    story.done(register.record_consents(hospital.node, "beds", story.PURPOSE, None, "their word"))
    terms = Terms("rows", (story.PURPOSE, story.OTHER_PURPOSE), 200, "EUR", 1)
    begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city, terms, "beds"))
    url = begun.address().endpoint
    unsaid = transfers.at(url, begun.token())
    assert (unsaid.status_code, unsaid.json()["fault"]["code"]) == (400, "input.purpose"), "there are two"
    answer = transfers.at(f"{url}?purpose={story.PURPOSE}", begun.token())
    said = answer.json()
    assert (said["form"], said["columns"]) == ("rows", ["practice", "beds"]), "the cost is too sensitive"
    assert sorted(beds for _, beds in said["rows"]) == [8, 12]
    assert (said["price"], said["charge"]) == ("2.00 EUR", 0)
    table = transfers.at(f"{url}?purpose={story.PURPOSE}", begun.token(), Accept="text/csv").text
    assert sorted(row[1] for row in csv.reader(io.StringIO(table))) == ["12", "8", "beds"]


def test_masked_rows_and_cubes_are_too(both: Both) -> None:
    hospital, city = both
    masked = Terms("masked", (story.PURPOSE,), 300, "EUR", 1)
    begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city, masked))
    said = transfers.at(begun.address().endpoint, begun.token()).json()
    assert (said["form"], said["columns"]) == ("masked", ["nr", "year", "hours"])
    story.done(cubes.declare(
        hospital.node, "by-year", story.ASSET, ("year",), ("hours",), story.PURPOSE, 0, story.OPERATOR
    ))  # fmt: skip
    tables = Terms("cubes", (story.PURPOSE,), 300, "EUR", 1)
    begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city, tables))
    assert transfers.at(begun.address().endpoint, begun.token()).json()["cubes"] == [], "none is built"
    assert not isinstance(cubes.build(hospital.node, "by-year", story.OPERATOR), Refusal)
    said = transfers.at(begun.address().endpoint, begun.token()).json()
    assert (said["form"], said["columns"]) == ("cubes", ["year", "count", "sum_hours"])
    assert said["agreement"] == begun.agreement


def test_of_two_agreements_the_transfers_own_counts(both: Both, begun: transfers.Begun) -> None:
    """Else the cheaper, or the other's right, would answer for it."""
    cheap = transfers.transfer(*both, transfers.agreed(*both, Terms("aggregates", (story.PURPOSE,), 1, "EUR", 1)))
    for each, price in ((begun, "5.00 EUR"), (cheap, "0.01 EUR")):
        said = each.ask(COUNT).json()
        assert (said["agreement"], said["price"]) == (each.agreement, price)
    story.done(trade.end_agreement(both[0].node, begun.agreement, story.OPERATOR))
    assert begun.ask(COUNT, anew=True).json()["refusal"]["code"] == "access.no-agreement"
    assert cheap.ask(COUNT, anew=True).status_code == 200


def test_nothing_is_had_while_it_is_suspended_and_the_old_token_never_again(both: Both, begun: transfers.Begun) -> None:
    hospital, city = both
    old = begun.token()
    story.done(talk.say(city.node, begun.here.id, "suspend", story.OPERATOR))
    begun.come_to("SUSPENDED")
    answer = begun.ask()
    assert (answer.status_code, answer.json()["refusal"]["reasons"]) == (409, ["the transfer stands at SUSPENDED"])
    story.done(talk.say(hospital.node, begun.there.id, "start", story.OPERATOR))
    begun.come_to("STARTED")
    assert begun.token() != old, "it came with the message that resumed it"
    assert begun.ask(COUNT).status_code == 200
    assert begun.ask(COUNT, old).status_code == 401
    story.done(talk.say(hospital.node, begun.there.id, "terminate", story.OPERATOR))
    begun.come_to("TERMINATED")
    assert begun.ask(COUNT).json()["refusal"]["reasons"] == ["the transfer stands at TERMINATED"]


def test_what_ends_while_it_is_worked_out_does_not_leave(both: Both, begun: transfers.Begun) -> None:
    from dataclasses import replace

    from usufruct.node.login import Identity
    from usufruct.wire import sql

    def interrupt(ended: Callable[[], None]) -> Callable[[str], None]:
        return lambda step: ended() if step == "query before answered" else None

    hospital = both[0].node
    who = login.identify(hospital, "data", begun.token())
    assert isinstance(who, Identity)
    of = dataplane.opened(hospital, who, begun.there.pid)
    assert not isinstance(of, Refusal)
    stop = interrupt(lambda: story.done(talk.say(both[1].node, begun.here.id, "suspend", story.OPERATOR))
                     and begun.come_to("SUSPENDED"))  # fmt: skip
    found = dataplane.ask(replace(hospital, reach=stop), of, COUNT, sql.parse(COUNT), "")
    assert isinstance(found, dataplane.Refused)
    assert found.refusal.reasons == ("the transfer stands at SUSPENDED",)
    assert not facts(hospital, QueryAnswered)


def test_a_city_pulls_with_one_call(both: Both, begun: transfers.Begun) -> None:
    city = both[1].node
    plain = pull.pull(city, begun.here.id, story.OPERATOR)
    assert isinstance(plain, pull.Pulled)
    assert b'"what leaves"' not in plain.body
    found = pull.pull(city, begun.here.id, story.OPERATOR, story.QUESTION, story.PURPOSE)
    assert isinstance(found, pull.Pulled)
    assert found.media_type == "application/json"
    table = pull.pull(city, begun.here.id, story.OPERATOR, story.QUESTION, accept="text/csv")
    assert isinstance(table, pull.Pulled)
    assert table.body.startswith(b"year,pay,pay_margin")
    refused = pull.pull(city, begun.here.id, story.OPERATOR, "SELECT hours FROM pay")
    assert isinstance(refused, Refusal)
    assert refused.code == "contract.pull"
    assert "aggregates" in " ".join(refused.reasons)
    assert len(facts(both[0].node, QueryRefused)) == 1, "a refusal is not asked for twice"
    assert isinstance(pull.pull(city, begun.here.id, "somebody", COUNT), Refusal)


def test_a_token_that_ran_out_is_renewed_by_the_way(both: Both, begun: transfers.Begun) -> None:
    hospital, city = both
    old = begun.token()
    login.end_data_tokens(hospital.node, pair.CITY, f"{begun.there.id}/0")
    assert begun.ask(COUNT).status_code == 401
    assert isinstance(pull.pull(city.node, begun.here.id, story.OPERATOR, COUNT), pull.Pulled)
    assert begun.token() != old
    assert old not in repr(begun.address())
    assert begun.token() not in repr(begun.address())


def test_a_new_token_ends_those_before_it(both: Both, begun: transfers.Begun) -> None:
    old, url = begun.token(), f"{begun.address().endpoint}/token"
    assert transfers.at(url, old, {}).status_code == 401, "the token of the data is none of the protocol"
    token = (both[1].node.connector.vault.get(f"token/{pair.HOSPITAL}") or b"").decode()
    answer = transfers.at(url, f"Bearer {token}", {})
    assert (answer.status_code, answer.json()["@type"]) == (200, "TransferStartMessage")
    [new] = [
        one["value"] for one in answer.json()["dataAddress"]["endpointProperties"] if one["name"] == "authorization"
    ]
    assert (begun.ask(COUNT, old).status_code, begun.ask(COUNT, new).status_code) == (401, 200)
