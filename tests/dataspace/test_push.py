"""Data of a transfer, pushed to where the consumer wants them, over real sockets."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pair
import pytest
import receiver
import test_two_nodes
import transfers
import wires

import story
from usufruct.core.contract.facts import Terms
from usufruct.core.dataspace.facts import MessageQueued, PushBegan, PushEnded
from usufruct.core.dataspace.messages import PUSH, DataAddress
from usufruct.core.dataspace.state import Peer
from usufruct.core.privacy.facts import QueryAdmitted, QueryRefused
from usufruct.node import trade, use
from usufruct.node.dataspace import dataplane, peers, talk
from usufruct.node.node import Node

Both = tuple[pair.Side, pair.Side]
COUNT = "SELECT COUNT(*) AS c FROM pay"


@pytest.fixture
def both(tmp_path: Path, founded: Path, table: Path) -> Iterator[Both]:
    with pair.two(tmp_path, founded, table) as sides:
        yield sides


def to(url: str, **properties: str) -> DataAddress:
    return DataAddress(dataplane.HTTP, url, tuple(properties.items()))


def told(node: Node, kind: type) -> list:  # type: ignore[type-arg]
    with node.store.read() as state:
        return [entry.fact for entry in state.entries(0, state.size()) if isinstance(entry.fact, kind)]


def test_an_answer_is_pushed_and_the_transfer_completed(both: Both) -> None:
    hospital, city = both
    with receiver.receiving() as inbox:
        address = to(inbox.url, authorization="Bearer sesame", query=story.QUESTION)
        begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city), PUSH, address, started=False)
        begun.come_to("COMPLETED")
    [(headers, body)] = inbox.got
    said = json.loads(body)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert (headers["authorization"], headers["content-type"]) == ("Bearer sesame", "application/json")
    assert headers["content-digest"] == f"sha-256=:{digest}:"
    assert headers["idempotency-key"] == f'"{said["use"]}"'
    assert (said["agreement"], said["price"], said["form"]) == (begun.agreement, "5.00 EUR", "aggregates")
    assert len(said["rows"]) == 3
    assert said["receipt"].startswith("c2sp.org/tlog-proof")
    [began], [ended], [admitted] = (told(hospital.node, kind) for kind in (PushBegan, PushEnded, QueryAdmitted))
    assert began == PushBegan(begun.there.id, pair.CITY, admitted.use)
    assert (ended.use, ended.size, ended.status, ended.reasons) == (admitted.use, len(body), 204, ())
    with hospital.node.store.read() as state:
        assert state.evidence(ended.digest) == hashlib.sha256(body).digest()
    assert hospital.node.connector.vault.get(f"push/{begun.there.pid}") is None, "nobody needs the secret any more"
    # It says what the API says of the same use.
    token = pair.login.issue_token(hospital.node, pair.CITY, "user", ("ask",), 1, "")
    over_api = hospital.call("POST", "/queries", {"sql": story.QUESTION, "purpose": story.PURPOSE}, token).json()
    same = set(said) - {"price", "charge", "receipt"}
    assert {name: said[name] for name in same} == {name: over_api[name] for name in same}


def test_records_are_pushed_as_csv(both: Both) -> None:
    hospital, city = both
    masked = Terms("masked", (story.PURPOSE,), 300, "EUR", 1)
    with receiver.receiving() as inbox:
        agreement = transfers.agreed(hospital, city, masked)
        begun = transfers.transfer(
            hospital, city, agreement, PUSH, to(inbox.url, contentType="text/csv"), started=False
        )
        begun.come_to("COMPLETED")
    [(headers, body)] = inbox.got
    assert headers["content-type"] == "text/csv"
    assert next(csv.reader(io.StringIO(body.decode()))) == ["nr", "year", "hours"]


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({}, "the agreement lets nothing out unasked"),
        ({"query": "SELECT hours FROM pay"}, "aggregates"),
        ({"query": "SELECT nonsense"}, "the question was not answered"),
        ({"query": COUNT, "purpose": "Marketing"}, "Marketing"),
    ],
)
def test_what_may_not_leave_ends_the_transfer_with_the_reason(both: Both, properties: dict[str, str], why: str) -> None:
    hospital, city = both
    with receiver.receiving() as inbox:
        address = to(inbox.url, **properties)
        begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city), PUSH, address, started=False)
        begun.come_to("TERMINATED")
    assert not inbox.got
    [ended] = told(hospital.node, PushEnded)
    assert why in " ".join(ended.reasons)
    assert city.get(f"/processes/{begun.here.id}")["reasons"][1:] == list(ended.reasons), "the consumer was told"
    assert bool(told(hospital.node, QueryRefused)) == bool(properties)


@pytest.mark.parametrize("answers", [(503, 429, 500), (404,), (408, 425)])
def test_who_is_busy_gets_the_same_again(both: Both, answers: tuple[int, ...]) -> None:
    hospital, city = both
    with receiver.receiving(*answers) as inbox:
        address = to(inbox.url, query=COUNT)
        begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city), PUSH, address, started=False)
        begun.come_to("COMPLETED")
    assert len(inbox.got) == len(answers) + 1
    assert len({body for _, body in inbox.got}) == 1
    assert len({headers["idempotency-key"] for headers, _ in inbox.got}) == 1
    assert len(told(hospital.node, QueryAdmitted)) == 1, "it was worked out once"


def test_who_stays_away_is_given_up(both: Both) -> None:
    hospital, city = both
    with receiver.receiving(*[503] * 40) as inbox:
        address = to(inbox.url, query=COUNT)
        begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city), PUSH, address, started=False)
        begun.come_to("TERMINATED")
    assert len(inbox.got) == pair.PATIENCE.tries
    assert "given up after 6 tries" in told(hospital.node, PushEnded)[0].reasons


@pytest.mark.parametrize(
    ("status", "why"), [(400, "answered 400"), (302, "not sent on to where it leads"), (307, "leads")]
)
def test_who_says_no_or_leads_elsewhere_gets_nothing_more(both: Both, status: int, why: str) -> None:
    hospital, city = both
    with receiver.receiving() as elsewhere, receiver.receiving(status, leads_to=elsewhere.url) as inbox:
        address = to(inbox.url, query=COUNT)
        begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city), PUSH, address, started=False)
        begun.come_to("TERMINATED")
        assert (len(inbox.got), elsewhere.got) == (1, [])
    assert why in " ".join(told(hospital.node, PushEnded)[0].reasons)


class Stopped(Exception):
    """The process is gone."""


@pytest.mark.parametrize("step", ["query after admitted", "query before answered", "query after answered"])
def test_a_crash_pushes_the_same_once(tmp_path: Path, founded: Path, table: Path, step: str) -> None:
    """At each step the node dies; after it has opened again the data arrive, and what was answered is not asked for again."""

    def stop(at: str) -> None:
        if at == step:
            raise Stopped

    with wires.two(tmp_path, founded, table) as (wire, hospital, city):
        asked = test_two_nodes.ask_for(city, hospital)
        test_two_nodes.settle(city, hospital)
        story.done(talk.transfer(city, asked.process, PUSH, story.OPERATOR, to(wires.INBOX, query=COUNT)))
        with pytest.raises(Stopped):
            test_two_nodes.settle(city, replace(hospital, reach=stop))
        assert not wire.inbox
        use.recover(hospital)
        test_two_nodes.settle(city, hospital)
        assert test_two_nodes.states(city)[-1] == test_two_nodes.states(hospital)[-1] == "COMPLETED"
        began, admitted, [ended] = (told(hospital, kind) for kind in (PushBegan, QueryAdmitted, PushEnded))
        assert [one.use for one in began] == [one.use for one in admitted]
        assert len(admitted) == (1 if step == "query after answered" else 2)
        assert [json.loads(request.body)["use"] for request in wire.inbox] == [ended.use] == [admitted[-1].use]


def _linked(node: Node, by_hand: bool) -> tuple[str, str, str, bool, bool]:
    with node.store.read() as state:
        peer = state.get(Peer, pair.CITY)
    assert peer is not None
    return peer.party, peer.participant, peer.url, by_hand, True


def test_by_hand_nothing_is_completed_and_nothing_pushed_twice(both: Both) -> None:
    hospital, city = both
    agreement = transfers.agreed(hospital, city)
    story.done(peers.link(hospital.node, *_linked(hospital.node, by_hand=True)))
    with receiver.receiving() as inbox:
        begun = transfers.transfer(hospital, city, agreement, PUSH, to(inbox.url, query=COUNT), started=False)
        begun.come_to("REQUESTED")
        story.done(talk.say(hospital.node, begun.there.id, "start", story.OPERATOR))
        transfers.until(lambda: told(hospital.node, PushEnded))
        time.sleep(0.5)
        assert len(inbox.got) == 1
    assert begun.state() == "STARTED"
    assert [one.message for one in told(hospital.node, MessageQueued) if one.process == begun.there.id] == ["start"]


def test_nothing_is_sent_after_the_agreement_has_ended(both: Both) -> None:
    """It was answered while it was in force, and the receiver was away until after that."""
    hospital, city = both
    with receiver.receiving(*[503] * 3) as inbox:
        address = to(inbox.url, query=COUNT)
        begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city), PUSH, address, started=False)
        transfers.until(lambda: inbox.got)
        story.done(trade.end_agreement(hospital.node, begun.agreement, story.OPERATOR))
        tries = len(inbox.got)
        begun.come_to("TERMINATED")
        assert len(inbox.got) <= tries + 1
    assert "the agreement has ended" in told(hospital.node, PushEnded)[0].reasons


def test_it_waits_while_it_is_suspended(both: Both) -> None:
    hospital, city = both
    with receiver.receiving(*[503] * 2) as inbox:
        address = to(inbox.url, query=COUNT)
        begun = transfers.transfer(hospital, city, transfers.agreed(hospital, city), PUSH, address, started=False)
        transfers.until(lambda: inbox.got)
        story.done(talk.say(city.node, begun.here.id, "suspend", story.OPERATOR))
        begun.come_to("SUSPENDED")
        tries = len(inbox.got)
        time.sleep(1)
        assert len(inbox.got) == tries
        story.done(talk.say(city.node, begun.here.id, "start", story.OPERATOR))
        begun.come_to("COMPLETED")
    assert len(told(hospital.node, QueryAdmitted)) == 1
