"""A node that knows somebody well, for tests of her erasure: what it has of her, and what others were given before."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import counted
import story
from elsewhere import make_witness, witnessing
from support import JOURNAL, SetClock
from usufruct.core.access import hold
from usufruct.core.contract.facts import Terms
from usufruct.core.exchange.facts import PersonLookedUp
from usufruct.core.income.ledger import Account
from usufruct.core.proof import receipt as receipts
from usufruct.core.proof.book import Kept
from usufruct.core.proof.checkpoint import Checkpoint, open_note
from usufruct.core.proof.commitment import NONCE_SIZE
from usufruct.core.proof.keeping import CountingKey
from usufruct.core.proof.quorum import Trust
from usufruct.core.proof.tree import consistency_proof, verify_consistency
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Party
from usufruct.main import open_node, read_settings
from usufruct.node import consent, epoch, followers, login, query, register, trade, witness
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.store.keyring import SLOT
from usufruct.store.keys import verify_signature
from usufruct.wire import card, sql

SHE, NAME, REMARK = "member-quillfeather", "quillfeather", "keeps-marmalade-under-the-stairs"
OTHERS = ("ash", "birch", "cedar", "dogwood", "elm", "fir", "gorse", "hazel", "ivy")
ANOTHER = "member-elm"
VISITS, LOANS = "visits", "loans"
GROUND = "tax"
PASSWORD, LABEL = "correct horse battery", "the telephone of quillfeather"


def card_of(asset: str) -> str:
    """The card of one of the two tables."""
    return f"""
asset = "{asset}"
title = "The library's {asset}"
description = "{asset}, and a remark for each"
licence = "terms of the agreement"
person_column = "who"
period_column = "year"
rows_per_person = 2
once_per = ["year"]

[columns.who]
type = "text"
grade = "personal"

[columns.year]
type = "integer"
grade = "personal"
values = [2024, 2025]

[columns.minutes]
type = "integer"
grade = "personal"
low = 0
high = 600

[columns.remark]
type = "text"
grade = "sensitive"
"""


def write_table(path: Path) -> Path:
    """Two rows about each person, each with a remark."""
    lines = ["who,year,minutes,remark"]
    for number, who in enumerate((*OTHERS, NAME)):
        remark = REMARK if who == NAME else f"likes-{who}-and-{number}-other-trees"
        lines += [f"{who},{year},{100 + 10 * number},{remark}-{path.stem}-{year}" for year in (2024, 2025)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def count(asset: str) -> str:
    """A question in which every row counts."""
    return f"SELECT SUM(minutes) AS minutes, COUNT(*) AS n FROM {asset}"


def ask(node: Node, asset: str, ground: str = "") -> query.Answered:
    """One question, which must be answered."""
    text = count(asset)
    asked = query.Asked(story.USER, text, sql.parse(text), story.PURPOSE, story.CHEAP, ground, anew=True)
    answered = query.ask(node, asked)
    assert isinstance(answered, query.Answered), answered.refusal
    return answered


def found(node: Node, place: Path) -> None:
    """Two assets that she is in, and agreements on their use."""
    story.register_parties(node)
    for asset in (VISITS, LOANS):
        story.done(
            register.add_asset(node, card.read(card_of(asset)), write_table(place / f"{asset}.csv"), story.OPERATOR)
        )
        story.done(register.record_consents(node, asset, story.PURPOSE, None, "paper forms"))
        terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
        story.done(trade.publish_offer(node, f"{asset}-offer", asset, story.OPERATOR, terms))
        moved = story.done(trade.request_offer(node, f"{asset}-offer", story.USER))
        story.done(trade.move(node, moved.negotiation, "agree", story.OPERATOR))
        story.done(trade.move(node, moved.negotiation, "verify", story.USER))


def live(node: Node) -> list[str]:
    """Everything that can happen to a person; the secrets that she was given, as their digests are kept."""
    login.set_password(node, SHE, "member", PASSWORD)
    login.set_password(node, ANOTHER, "member", PASSWORD)
    secrets = [login.issue_token(node, SHE, "member", ("member",), 30, LABEL), login.issue_link(node, SHE, "member")]
    story.done(node.record(lambda tx: hold.allow(tx, story.USER, GROUND, 30, "Tax Act, section 5")))
    followers.run_once(node)
    for round in range(3):
        for asset in (VISITS, LOANS):
            ask(node, asset)
            story.done(consent.record_word(node, asset, SHE, story.OTHER_PURPOSE, round % 2 == 0))
            story.done(consent.record_word(node, asset, ANOTHER, story.OTHER_PURPOSE, round % 2 == 1))
        ask(node, VISITS, GROUND)
        story.ask(node, "SELECT * FROM visits")
        node.store.write(lambda tx: tx.append(PersonLookedUp(
            "call-1", id_of(tx, SHE), "EE/GOV/1/s/persons", "EE/GOV/2/c", story.USER, story.PURPOSE, "case 7"
        )))  # fmt: skip
        followers.run_once(node)
        if round == 1:
            story.close_period(node, "2026-q4")
    ask(node, LOANS)  # which no epoch roots yet
    return secrets


@dataclass(frozen=True)
class World:
    """A node's directory, which is not to be changed; what of her must be gone (`needles`, by what it is); and what people
    were given while she was there."""

    directory: Path
    needles: dict[str, bytes]
    key: str
    notes: dict[int, str]
    witnessed: str
    hers: tuple[int, ...]
    receipts: dict[int, str]
    balances: list[Account]
    kept: Kept
    counting: CountingKey
    party: str
    slot: int


def make(place: Path, founded: Path) -> World:
    """The node, a witness that signs what it shows, and all that is kept of both."""
    directory = place / "node"
    shutil.copytree(founded, directory)
    key = read_settings(directory).key
    sworn = make_witness(place / "w", "w.example", key)
    settings = directory / "node.toml"
    settings.write_text(settings.read_text().replace('witnesses = ""', 'witnesses = "witnesses.txt"'))
    with witnessing(place / "w") as (url, _, _):
        (directory / "witnesses.txt").write_text(f"log {key}\nwitness w {sworn} {url}\nquorum w\n")
        with open_node(directory, SetClock()) as node:
            found(node, place)
            return _taken_down(directory, key, node, live(node))


def _taken_down(directory: Path, key: str, node: Node, secrets: list[str]) -> World:
    with node.store.read() as state:
        party = next(state.list(Party, known_as=SHE))
        hers = tuple(state.mentions(party.id))
        receipts = {seq: witness.receipt(node, state, seq).text() for seq in range(state.size())}
        balances = list(state.list(Account))
    counting = counted.key_of(node, ANOTHER)
    audited = counted.audit(counted.shown(node, ANOTHER), counting, node.clock.now())
    assert audited.sound and audited.keep and audited.count > 12
    witnessed = node.outside.attestations.witnessed()
    assert witnessed is not None and party.key_slot is not None and len(hers) > 8
    needles = dict(_needles(directory, node, party.id, party.key_slot, hers))
    needles |= {f"secret {number}": hashlib.sha256(secret.encode()).digest() for number, secret in enumerate(secrets)}
    with closing(sqlite3.connect(directory / JOURNAL)) as file:
        notes = dict(file.execute("SELECT size, note FROM checkpoint"))
    there = " ".join(left(directory, needles))
    for what in ("key", "name", "row", "password", "secret 0", "secret 1", f"record {hers[0]}"):
        assert f"{what} in " in there or what.startswith("record"), what
    return World(
        directory, needles, key, notes, witnessed, hers, receipts, balances, audited.keep, counting, party.id,
        party.key_slot,
    )  # fmt: skip


def _needles(directory: Path, node: Node, party: str, slot: int, hers: tuple[int, ...]) -> Iterator[tuple[str, bytes]]:
    """All that is hers alone: key, names, rows, account, and every record that her key seals."""
    secret = (directory / "keys" / "persons").read_bytes()[slot * SLOT : (slot + 1) * SLOT]
    keys = {"key": secret, "counting key": node.keyring.counting_key(slot), "hiding key": node.keyring.hiding_key(slot)}
    for what, key in keys.items():
        assert key
        yield what, key
        yield f"{what} in hex", key.hex().encode()
        yield f"{what} in base64", base64.b64encode(key).rstrip(b"=")
    yield "name", NAME.encode()
    yield "row", REMARK.encode()
    account = node.logins.password(party)
    assert account
    yield "password", account[1].encode()
    with node.store.read() as state:
        for seq in hers:
            opening = state.receipt(seq).extra
            assert opening
            yield f"nonce {seq}", opening[:NONCE_SIZE]
            yield f"record {seq}", opening[NONCE_SIZE:]


def left(place: Path, needles: dict[str, bytes]) -> list[str]:
    """What is still to be found in any file below that place, and where."""
    return [
        f"{what} in {path.relative_to(place)}"
        for path in sorted(place.rglob("*"))
        if path.is_file()
        for what, needle in needles.items()
        if needle in path.read_bytes()
    ]


def check_proofs(world: World, directory: Path) -> None:
    """Whatever anybody was given before verifies as it did, and fits the node as it is now."""
    assert verify(directory, kept=list(world.notes.values())).findings == ()
    for seq, text in world.receipts.items():
        assert receipts.check(receipts.Receipt.parse(text), world.key, verify_signature), seq
    trust = Trust.parse((directory / "witnesses.txt").read_text())
    assert trust.check(world.witnessed, verify_signature, world.key)
    with open_node(directory, later_clock()) as node, node.store.read() as state:
        newest = state.checkpoint()
        assert newest is not None
        now = Checkpoint.parse(open_note(newest, world.key, verify_signature))
        for size, note in world.notes.items():
            before = Checkpoint.parse(open_note(note, world.key, verify_signature))
            proof = consistency_proof(size, now.size, lambda level, index: state.hashes(level, index, 1)[0])
            assert verify_consistency(size, before.root, now.size, now.root, proof), size
        fresh = [state.receipt(seq) for seq in range(now.size)]
        closed = [receipt.index for receipt in fresh if receipt.extra is None]
        assert set(world.hers) <= set(closed) and len(closed) < now.size // 4
        assert all(receipts.check(receipt, world.key, verify_signature) for receipt in fresh if receipt.extra)


def check_others(world: World, directory: Path) -> None:
    """What others have is what they had: balances, and another member's count, with what she kept before."""
    with open_node(directory, later_clock()) as node:
        with node.store.read() as state:
            accounts = list(state.list(Account))
        assert accounts == world.balances and sum(account.balance for account in accounts) == 0
        for _ in range(2):
            audited = counted.audit(counted.shown(node, ANOTHER), world.counting, node.clock.now(), world.kept)
            assert audited.sound and audited.count >= world.kept.count, audited.flaws
            epoch.close_epoch(node)


def later_clock() -> SetClock:
    """A clock that stands behind all that was told."""
    clock = SetClock()
    clock.move(hours=1)
    return clock
