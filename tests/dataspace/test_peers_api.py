"""The API over the talk with other nodes: two served nodes, linked, negotiating, transferring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pair
import pytest

import story
import usufruct
from usufruct.client import Refused
from usufruct.node import trade
from usufruct.node.dataspace.pull import Pulled
from usufruct.web.peers import as_file


def test_an_offer_is_asked_for_agreed_to_and_transferred(tmp_path: Path, founded: Path, table: Path) -> None:
    with pair.two(tmp_path, founded, table) as (hospital, city):
        found = city.get(f"/peers/{pair.HOSPITAL}/catalogue?words=pay")
        [dataset] = found["datasets"]
        [offer] = dataset["offers"]
        assert (dataset["dataset"], offer["offer"], found["read"]["entries"]) == (story.ASSET, story.OFFER, 1)
        assert offer["terms"] == [
            {
                "says": "permits to aggregate",
                "conditions": [
                    "for at most 1 year", "only for academic research",
                    "answers are differentially private aggregates", "each use costs 5.00 EUR",
                ],
            }
        ]  # fmt: skip
        assert city.get("/catalogues?words=twelve peop") == found["datasets"]
        assert city.get("/catalogues?words=nothing") == []
        body = {"dataset": story.ASSET, "offer": story.OFFER}
        begun = city.post(f"/peers/{pair.HOSPITAL}/negotiations", body)
        assert (begun["state"], begun["pending"]) == ("START", "request")
        there = city.until(begun["process"], "FINALIZED", "TERMINATED")
        assert there["state"] == "FINALIZED", there["reasons"]
        assert [step["message"] for step in there["history"]] == ["request", "agree", "verify", "finalize"]
        [held] = city.get("/agreements-held")
        assert held["negotiation"] == begun["process"]
        transfer = city.post(f"/agreements-held/{begun['process']}/transfers", {})
        assert city.until(transfer["process"], "STARTED")["moves"] == ["complete", "suspend", "terminate"]
        city.post(f"/processes/{transfer['process']}/messages", {"message": "suspend", "reasons": ["holidays"]})
        city.until(transfer["process"], "SUSPENDED")
        [one] = [row for row in hospital.get("/processes") if row["kind"] == "transfer"]
        assert (one["state"], one["reasons"]) == ("SUSPENDED", ["holidays"])


def test_by_hand_every_move_is_somebodys(tmp_path: Path, founded: Path, table: Path) -> None:
    with pair.two(tmp_path, founded, table, by_hand=True) as (hospital, city):
        body = {"dataset": story.ASSET, "offer": story.OFFER, "odrl": pair.offer_as_odrl(hospital)}
        asked = city.post(f"/peers/{pair.HOSPITAL}/negotiations", body)["process"]
        city.until(asked, "REQUESTED")
        [there] = hospital.get("/processes")
        assert there["moves"] == ["offer", "agree", "terminate"]
        hospital.post(f"/negotiations/{there['process']}/messages", {"message": "agree"})
        city.until(asked, "AGREED")
        city.post(f"/processes/{asked}/messages", {"message": "verify"})
        hospital.until(there["process"], "VERIFIED")
        refused = city.call("POST", f"/processes/{asked}/messages", {"message": "finalize"})
        assert refused.status_code == 409, refused.text
        assert (
            refused.json()["refusal"]["remedy"]
            == "what can be sent now: finalize (by the provider), terminate (by the provider)"
        )
        hospital.post(f"/processes/{there['process']}/messages", {"message": "finalize"})
        city.until(asked, "FINALIZED")


def test_python_asks_another_node(tmp_path: Path, founded: Path, table: Path) -> None:
    with pair.two(tmp_path, founded, table) as (hospital, city):
        peer = usufruct.connect(city.url, city.token).peer(pair.HOSPITAL)
        assert [one["dataset"] for one in peer.catalogue("twelve")] == [story.ASSET]
        seen = list[str]()
        agreement = peer.negotiate(story.ASSET, told=seen.append)
        assert seen == ["REQUESTED", "AGREED", "VERIFIED", "FINALIZED"]
        assert peer.agreements() == [agreement]
        first = peer.pull(agreement, "SELECT COUNT(DISTINCT nr) AS people FROM pay")
        assert first.answer().table.column_names == ["people", "people_margin"]
        again = peer.pull(agreement, "SELECT COUNT(DISTINCT nr) AS people FROM pay", form="csv")
        assert again.media_type.startswith("text/csv") and again.body.startswith(b"people,people_margin")
        assert len([one for one in city.get("/processes") if one["kind"] == "transfer"]) == 1, "it goes on in the same"
        assert peer.pull(agreement).json()["ask"]["body"]["purpose"] == story.PURPOSE
        with pytest.raises(Refused, match="records as they are never leave the node"):
            peer.pull(agreement, "SELECT nr, hourly_pay FROM pay")
        story.done(trade.withdraw_offer(hospital.node, story.OFFER, story.OPERATOR))
        with pytest.raises(Refused, match=f"offer `{story.OFFER}` cannot be requested"):
            peer.negotiate(story.ASSET, story.OFFER)
        assert peer.read_catalogue() == 0
        with pytest.raises(Refused, match="there is no dataset"):
            peer.negotiate(story.ASSET)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/peers/nobody/catalogue", None, 404),
        ("POST", "/peers/nobody/catalogue", None, 404),
        ("POST", "/peers/nobody/negotiations", {"dataset": "a", "offer": "b"}, 404),
        ("POST", "/peers/hospital/negotiations", {"dataset": "nothing"}, 404),
        ("POST", "/peers/hospital/negotiations", {"dataset": "", "offer": "b"}, 400),
        ("POST", "/peers/hospital/negotiations", {"dataset": "a\x07", "odrl": "{}"}, 400),
        ("POST", "/peers/hospital/negotiations", {"dataset": "a", "odrl": "no rules"}, 400),
        ("GET", "/processes/negotiation-999", None, 404),
        ("POST", "/processes/negotiation-999/messages", {"message": "terminate"}, 404),
        ("POST", "/processes/negotiation-999/messages", {"message": "explode"}, 400),
        ("POST", "/processes/negotiation-999/pulls", {}, 404),
        ("POST", "/processes/negotiation-999/pulls", {"form": "xlsx"}, 400),
        ("POST", "/agreements-held/negotiation-999/transfers", {}, 404),
        ("POST", "/agreements-held/negotiation-999/transfers", {"authorization": "x"}, 400),
        ("POST", "/agreements-held/negotiation-999/transfers", {"format": "carrier-pigeon"}, 404),
        ("POST", "/peers", {"party": "hospital", "participant": "did:web:x"}, 403),
        ("POST", "/peers/hospital/end", None, 403),
    ],
)
def test_bad_input_is_refused(linked: pair.Side, method: str, path: str, body: object, status: int) -> None:
    answer = linked.call(method, path, body)
    assert answer.status_code == status, answer.text


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory, founded: Path, table: Path) -> Iterator[pair.Side]:
    """A city that knows the hospital."""
    with pair.two(tmp_path_factory.mktemp("linked"), founded, table) as (_, city):
        yield city


def test_others_see_nothing_of_it(tmp_path: Path, founded: Path, table: Path) -> None:
    with pair.two(tmp_path, founded, table) as (_, city):
        asked = city.post(f"/peers/{pair.HOSPITAL}/negotiations", {"dataset": story.ASSET})["process"]
        city.until(asked, "FINALIZED")
        stranger = pair.account(city.node, "stranger")
        assert city.call("GET", "/processes", token=stranger).json() == []
        assert city.call("GET", "/agreements-held", token=stranger).json() == []
        for method, path, body in (
            ("GET", f"/processes/{asked}", None),
            ("POST", f"/processes/{asked}/messages", {"message": "terminate"}),
            ("POST", f"/agreements-held/{asked}/transfers", {}),
            ("POST", f"/processes/{asked}/pulls", {}),
        ):
            answer = city.call(method, path, body, token=stranger)
            assert answer.status_code == 404, (path, answer.text)
        assert city.call("GET", f"/processes/{asked}", token=city.steward).is_success


@pytest.mark.parametrize(
    "said", ["text/html", "image/svg+xml", "application/xhtml+xml; charset=utf-8", "", "text/csv;x"]
)
def test_what_another_node_gives_is_never_a_page_of_this_one(said: str) -> None:
    sent = as_file(Pulled(said, b"<script>alert(1)</script>"), "transfer-7")
    assert sent.media_type == ("text/csv" if said.startswith("text/csv") else "application/octet-stream")
    assert sent.headers["Content-Disposition"].startswith('attachment; filename="transfer-7.')
