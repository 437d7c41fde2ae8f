"""The API over the talk with other nodes: two served nodes, linked, negotiating, transferring."""

from __future__ import annotations

from pathlib import Path

import pair

import story


def test_an_offer_is_asked_for_agreed_to_and_transferred(tmp_path: Path, founded: Path, table: Path) -> None:
    with pair.two(tmp_path, founded, table) as (hospital, city):
        found = city.get(f"/peers/{pair.HOSPITAL}/catalogue?words=pay")
        [dataset] = found["datasets"]
        [offer] = dataset["offers"]
        assert (dataset["dataset"], offer["offer"], found["read"]["entries"]) == (story.ASSET, story.OFFER, 1)
        assert offer["terms"] == [
            {
                "says": "allowed: to aggregate",
                "conditions": [
                    "for at most 1 year", "for: academic research",
                    "what leaves: differentially private aggregates", "price: 5.00 EUR each time",
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
