"""A hospital group and a city join what their nodes may tell each other: dust in the air, and who came to hospital for it.

    python examples/two_nodes.py                    # the story
    python examples/two_nodes.py --keep two-nodes   # the same; both nodes stay in that folder, and are served

The city's planning office talks to the city's node alone, which talks to the hospitals' by the Dataspace Protocol. What
the tables hold is made up by invented.py.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import tempfile
from pathlib import Path
from typing import Any

import httpx
import invented
from dust import draw, join
from pair_of_nodes import CITY, HOSPITAL, OFFICE, Steward, free_port, make, served, show_journal, show_links

import usufruct

PURPOSE = "ScientificResearch"
ADMITTED = "SELECT month, district, COUNT(*) AS admitted FROM admissions GROUP BY month, district"
LIVING = "SELECT district, COUNT(*) AS living FROM residents GROUP BY district"


def tell(folder: Path, ports: dict[str, int]) -> dict[str, Any]:
    """The story; returns what it came to."""
    invented.write(folder)
    tokens = make(folder, ports)
    with served(folder, ports) as urls:
        hospital, city = (Steward(urls[name], tokens[name]) for name in (HOSPITAL, CITY))
        offer(hospital, city, folder)
        hospital.link(CITY, urls[CITY], tokens[f"{HOSPITAL} at {CITY}"])
        city.link(HOSPITAL, urls[HOSPITAL], tokens[f"{CITY} at {HOSPITAL}"])

        print("The planning office of the city finds what it needs at the hospitals' node, and asks for it.")
        office = usufruct.connect(urls[CITY], tokens[OFFICE])
        peer = office.peer(HOSPITAL)
        for term in peer.catalogue("breath")[0]["offers"][0]["terms"]:
            print("  " + "\n    ".join([term["says"], *term["conditions"]]))
        agreement = peer.negotiate("admissions", told=lambda state: print(f"  {state}"))

        print("It pulls totals under the agreement, with noise on them. They are charged and posted.")
        theirs = peer.pull(agreement, ADMITTED).answer()
        spent = 1 - theirs.budget_left / theirs.budget_total
        print(f"  {theirs.price}, and {spent:.0%} of the privacy budget of the admissions")
        ledger = hospital.get("/ledger")
        owed = next(account["balance"] for account in ledger["accounts"] if account["id"].startswith(f"party:{CITY}"))
        print(f"  the hospitals' ledger: {CITY} {owed / 100:.2f} EUR")

        print("It asks the city's own node how many live where, fetches the open table of dust, and joins the three.")
        office.send(office.request("residents-totals")["negotiation"], "verify")
        ours = office.query(LIVING, purpose=PURPOSE)
        air = httpx.get(f"{urls[CITY]}/api/v1/open/air/data.parquet").raise_for_status().content
        joined = join(theirs.table, ours.table, air)
        draw(joined)

        print("The hospitals end the agreement. The next question is refused, and says why.")
        [agreed] = hospital.get("/agreements")
        hospital.post(f"/agreements/{agreed['id']}/end")
        try:
            peer.pull(agreement, ADMITTED.replace("COUNT(*)", "SUM(nights)"))
        except usufruct.Refused as no:
            refused = no
            print("  " + str(no).replace("\n", "\n  "))
    print("What each journal says of it:")
    sound = [show_journal(folder, name) for name in (HOSPITAL, CITY)]
    return {"theirs": theirs, "ours": ours, "joined": joined, "owed": owed, "refused": refused, "sound": all(sound)}


def offer(hospital: Steward, city: Steward, folder: Path) -> None:
    """Each offers totals of a table about persons to whoever accepts the terms; the city opens one about nobody to all."""
    for steward, name, price in ((hospital, "admissions", "40.00 EUR"), (city, "residents", "0.00 EUR")):
        print(
            f"The steward of the {HOSPITAL if steward is hospital else CITY}'s node registers and offers what it holds."
        )
        steward.register(name, folder)
        steward.post(f"/assets/{name}/consents", purpose=PURPOSE, evidence="signed forms")
        steward.post("/offers", offer=f"{name}-totals", asset=name, purposes=[PURPOSE], price=price, standing=True)
    city.register("air", folder)
    city.post("/assets/air/opening", attribution="City of Example")


def keep(folder: Path) -> None:
    """Tells the story in a folder, or takes up what was left there, and serves both nodes until stopped."""
    ports = {HOSPITAL: free_port(8000), CITY: free_port(8001)}
    if not (folder / CITY / "journal.sqlite").exists():
        folder.mkdir(parents=True)
        tell(folder, ports)
    print("Look around. Each link logs in once, within a day:")
    show_links(folder)
    with served(folder, ports), contextlib.suppress(KeyboardInterrupt):
        print("Both nodes are served; stop them with Ctrl-C.", flush=True)
        signal.pause()


def main() -> None:
    said = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    said.add_argument("--keep", metavar="FOLDER", type=Path, help="keep both nodes there, and serve them")
    folder = said.parse_args().keep
    if folder is not None:
        keep(folder)
        return
    with tempfile.TemporaryDirectory() as passing:
        tell(Path(passing), {HOSPITAL: free_port(), CITY: free_port()})


if __name__ == "__main__":
    main()
