"""Two nodes that match: a clinic's patients with a register's insured, real sockets between them.

Each person of either table has a code, by which they are matched, and the register's have cents. Nobody is asked anything
here: everybody allows the purpose, but for those whom a test takes out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import story
from serving import application, served
from support import Unhurried
from usufruct.core.access import consent_notice
from usufruct.core.access.consent_conditions import ANY
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.exchange.facts import ServiceRegistered
from usufruct.core.exchange.state import MATCH
from usufruct.core.privacy.matching_sides import Intersecting
from usufruct.core.proof.checkpoint import vkey
from usufruct.main import create_node, open_node
from usufruct.node import consent, match, register, services, trade
from usufruct.node.node import Node
from usufruct.peer.services import HttpServices
from usufruct.ports import Clock
from usufruct.web.xroad import Front
from usufruct.wire import card

T = TypeVar("T")
FactT = TypeVar("FactT", bound=Fact)

PURPOSE = "AcademicResearch"
SUBSYSTEM, CLIENT = "EE/GOV/70008440/rr", "EE/COM/10000001/clinic"
SERVICE = f"{SUBSYSTEM}/match"
ASKS, ANSWERS = "patients", "insured"

CARD = """
asset = "{asset}"
title = "{asset}"
description = "made up"
licence = "terms of the agreement"
person_column = "nr"
rows_per_person = 2

[columns.nr]
type = "integer"
grade = "{grade}"

[columns.code]
type = "text"
grade = "{grade}"

[columns.cents]
type = "decimal"
decimals = 2
grade = "{grade}"
low = 0
high = 10
"""


def codes(first: int, last: int) -> dict[int, str]:
    """Persons by their number in the table, each with a code."""
    return {number: f"EE{1000 + number}" for number in range(first, last)}


@dataclass
class Pair:
    """The node that asks, and the one that answers."""

    here: Node
    there: Node
    url: str

    def match(self, kind: str = "count", **more: Any) -> match.Answered | match.Refused:
        """One match of the clinic."""
        wanted: dict[str, Any] = {
            "requester": "lab", "kind": kind, "asset": ASKS, "service": SERVICE, "client": CLIENT, "theirs": ANSWERS,
            "purpose": PURPOSE, "identifier": "code", "their_identifier": "code", "signed": True,
            "value": "cents" if kind == "sum" else "",
        }  # fmt: skip
        asked = match.Asked(**(wanted | more))
        return asyncio.run(ask(self.here, asked))


async def ask(node: Node, asked: match.Asked) -> match.Answered | match.Refused:
    """A match over connections of its own."""
    outbound = HttpServices()
    try:
        return await match.match(node, outbound, asked)
    finally:
        await outbound.close()


@contextlib.contextmanager
def pair(
    folder: Path, here: dict[int, str], there: dict[int, str], form: str = "computation", grade: str = "personal",
    without: Iterable[int] = (), cents: int = 500, clock: Clock | None = None, apart: Mapping[int, int] | None = None,
    spu: Sequence[Intersecting | None] = (None, None),
) -> Iterator[Pair]:  # fmt: skip
    """Two nodes with these persons, agreements on both tables, and an access right; persons `without` consent there.
    Everybody here has `cents`, but for those `apart`."""
    create_node(folder / "here", "Clinic node", "clinic", "Clinic", "EUR", origin="clinic.example/journal")
    create_node(folder / "there", "Register node", "register", "Register", "EUR", origin="register.example/journal")
    clock = clock or Unhurried()
    with open_node(folder / "here", clock) as one, open_node(folder / "there", clock) as two:
        one, two = story.unlimited(one), story.unlimited(two)  # the tests of a module share their budgets
        one, two = replace(one, intersecting=spu[0]), replace(two, intersecting=spu[1])
        _ready(one, folder, ASKS, "clinic", here, form, grade, cents, apart or {})
        _ready(two, folder, ANSWERS, "register", there, form, grade, cents, {})
        for number in without:
            refuse(two, ANSWERS, number)
        done(services.register_service(two, ServiceRegistered(
            SERVICE, "register", "Matching", MATCH, (PURPOSE,), ("POST",), 3
        )))  # fmt: skip
        done(services.register_client(two, CLIENT, "lab", key=vkey(one.signer.name, one.signer.public)))
        done(services.open_service(two, SERVICE, CLIENT, (PURPOSE,)))
        with application(two) as app, served(Front(app, two, HttpServices(20))) as url:
            done(services.register_client(one, CLIENT, "lab"))
            done(services.link_node(one, SUBSYSTEM, url, private=True))
            done(services.open_service(one, SERVICE, CLIENT, (PURPOSE,)))
            yield Pair(one, two, url)


def _ready(
    node: Node, folder: Path, asset: str, holder: str, persons: dict[int, str], form: str, grade: str, cents: int,
    apart: Mapping[int, int],
) -> None:  # fmt: skip
    lines = ["nr,code,cents"]
    for number, code in persons.items():
        worth = apart.get(number, cents)
        lines += [f"{number},{code},{worth // 100}.{worth % 100:02d}"]
    table = folder / f"{asset}.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done(register.add_party(node, "lab", "organisation", "Lab"))
    done(register.verify_party(node, "lab", "its entry in the public register", None))
    done(register.add_asset(node, card.read(CARD.format(asset=asset, grade=grade)), table, holder))
    done(register.record_consents(node, asset, PURPOSE, None, "made up"))
    agree(node, "offer", asset, holder, form)


def agree(node: Node, offer: str, asset: str, holder: str, form: str) -> str:
    """An agreement of the lab's on a table; its id."""
    done(trade.publish_offer(node, offer, asset, holder, Terms(form, (PURPOSE,), 500, "EUR", 1), standing=True))
    moved = done(trade.request_offer(node, offer, "lab"))
    done(trade.move(node, moved.negotiation, "verify", "lab"))
    with node.store.read() as state:
        return next(one.id for one in state.list(Agreement) if one.offer == offer)


def refuse(node: Node, asset: str, number: int) -> None:
    """A person says no to the purpose."""
    member = f"member-{number}"
    shown = consent_notice.digest(done(consent.notice(node, asset, member, PURPOSE, ANY, "")))
    done(consent.record_word(node, asset, member, PURPOSE, False, ANY, shown, ""))


def facts_of(node: Node, kind: type[FactT]) -> list[FactT]:
    """Every fact of a kind in a node's journal."""
    with node.store.read() as state:
        found = [state.entry(seq).fact for seq in range(state.size())]
    return [fact for fact in found if isinstance(fact, kind)]


def done(result: T | Refusal) -> T:
    """What a use case did; fails the test if it refused."""
    assert not isinstance(result, Refusal), result
    return result
