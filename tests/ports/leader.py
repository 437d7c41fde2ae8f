"""A process that leads a node in PostgreSQL, or waits to: started by `test_postgres`, spoken to line by line.

    leader.py DIRECTORY ADDRESS WAIT LEASE

It says `leads` when it does, or `no CODE MESSAGE`. Then it registers an organisation for each name it is sent, or a person
for each `+name`, and says what came of it; `?` asks for the names of all. At `hold name` it stays inside its transaction
until it is sent another line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from usufruct.core.base.faults import Fault
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.registry.state import Party
from usufruct.ports import Transaction
from usufruct.store.guard import Guard
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import KeyFile, SystemClock, SystemEntropy
from usufruct.store.postgres import PostgresStore

NAME = "test.example/journal"


def main(directory: Path, address: str, wait: float, lease: float) -> None:
    """Leads until there is nothing more to read."""
    signer = KeyFile(NAME, directory / "keys" / "signing.pem")
    ring = KeyRing(directory / "keys" / "persons")
    guard = Guard(directory / "keys" / "last-signed", vkey(NAME, signer.public))
    try:
        store = PostgresStore(address, SystemClock(), SystemEntropy(), signer, ring, guard, wait=wait, lease=lease)
    except Fault as fault:
        say(f"no {fault.code} {fault.message}")
        return
    say("leads")
    for line in sys.stdin:
        try:
            say(str(done(store, line.strip())))
        except Fault as fault:
            say(f"no {fault.code} {fault.message}")
    store.close()


def done(store: PostgresStore, line: str) -> Any:
    """What came of a line."""
    if line == "?":
        with store.read() as state:
            return " ".join(party.id for party in state.list(Party))
    name = line.removeprefix("hold ").removeprefix("+")

    def command(tx: Transaction) -> str:
        if line[0] == "+":
            slot = tx.new_key()
            return f"{tx.append(PartyRegistered(name, 'person', name, key=slot)).seq} in {slot}"
        entry = tx.append(PartyRegistered(name, "organisation", name))
        if line != name:
            say("holds")
            sys.stdin.readline()
        return str(entry.seq)

    return store.write(command)


def say(text: str) -> None:
    """A line to whoever started this."""
    print(" ".join(text.split()), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
