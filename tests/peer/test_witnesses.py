"""Witnesses over HTTP: ours for other logs, and our node before witnesses that are honest, away, or lie."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import cast

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.testing import TestClient

from elsewhere import Answer, answering, dripping, make_witness, witnessing
from support import SetClock
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.cli.witness import open_witness
from usufruct.core.base.faults import BadInput
from usufruct.core.proof import receipt as receipts
from usufruct.core.proof.checkpoint import COSIGNATURE, Checkpoint, open_note, parse_vkey, sign_note, vkey
from usufruct.core.proof.cosignature import cosign, cosignature
from usufruct.core.proof.quorum import Trust
from usufruct.core.proof.submission import (
    CONTRADICTED,
    MALFORMED,
    SIZE_TYPE,
    STALE,
    UNKNOWN,
    UNSIGNED,
    Objection,
    Submission,
    checkpoint_in,
)
from usufruct.core.proof.tree import Frontier, consistency_proof, leaf_hash
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import register, witness
from usufruct.node.cosign import Witness, add_checkpoint
from usufruct.node.node import Node
from usufruct.peer.witness import ANSWER_LIMIT, HttpWitnesses
from usufruct.store.keys import KeyFile, verify_signature
from usufruct.web.app import make_app
from usufruct.web.witness import BODY_LIMIT
from usufruct.web.witness import make_app as witness_app

LOG = "log.example/foreign"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = vkey(LOG, KEY.public_key().public_bytes_raw())


class Log:
    """Somebody's log of 300 leaves; a forked one differs from leaf `fork` on."""

    def __init__(self, fork: int = 300) -> None:
        self.roots, self.stored, frontier = [Frontier().root()], {}, Frontier()
        for index in range(300):
            entry = f"{index}{'!' * (index >= fork)}".encode()
            self.stored[0, index] = leaf_hash(entry)
            self.stored.update({(level, at): value for level, at, value in frontier.append(entry)})
            self.roots.append(frontier.root())

    def submission(self, old: int, new: int) -> Submission:
        body = Checkpoint(LOG, new, self.roots[new]).body()
        note = sign_note(body, LOG, KEY.public_key().public_bytes_raw(), KEY.sign)
        return Submission(old, tuple(consistency_proof(old, new, lambda level, at: self.stored[level, at])), note)


TRUE, FORKED = Log(), Log(fork=4)
CLIENT = httpx.Client(timeout=20)


# ---- ours, for others


def ask(url: str, submission: Submission | str | bytes) -> httpx.Response:
    body = submission.text() if isinstance(submission, Submission) else submission
    return CLIENT.post(f"{url}/add-checkpoint", content=body)


def test_every_answer_is_that_of_the_specification(tmp_path: Path) -> None:
    key = make_witness(tmp_path / "w", "w.example/w1", VKEY)
    with witnessing(tmp_path / "w") as (url, _, _):
        monitor = f"{url}/{sha256(LOG.encode()).hexdigest()}/checkpoint"
        assert httpx.get(monitor).status_code == 404
        assert httpx.get(url).text == f"{key}\n\n{LOG}\n"

        first = ask(url, TRUE.submission(0, 5))
        assert first.status_code == 200
        assert first.text.startswith("\u2014 w.example/w1 ") and first.text.count("\n") == 1
        assert cosignature(TRUE.submission(0, 5).note + first.text, key, verify_signature)
        shown = httpx.get(monitor)
        assert shown.text == TRUE.submission(0, 5).note + first.text
        assert shown.headers["content-type"].startswith("text/plain")

        stale = ask(url, TRUE.submission(4, 9))
        assert (stale.status_code, stale.text) == (409, "5\n")
        assert stale.headers["content-type"] == "text/x.tlog.size"
        assert ask(url, TRUE.submission(5, 9)).status_code == 200
        assert ask(url, TRUE.submission(9, 9)).status_code == 200

        assert ask(url, FORKED.submission(9, 12)).status_code == 422
        assert ask(url, FORKED.submission(9, 9)).status_code == 422
        assert ask(url, replace(TRUE.submission(9, 12), proof=())).status_code == 422

        good = TRUE.submission(9, 12)
        assert ask(url, replace(good, note=good.note.replace("\n12\n", "\n13\n"))).status_code == 403
        assert (
            ask(url, replace(good, note=good.note.replace(f"\u2014 {LOG}", "\u2014 other.example"))).status_code == 403
        )
        assert ask(url, replace(good, note=good.note.replace(LOG, "other.example/log"))).status_code == 404
        assert ask(url, replace(TRUE.submission(9, 9), old=12)).status_code == 400
        for malformed in (b"", b"\xff\xfe", "old 9\n", good.text().replace("old", "new"), good.text()[:-2], "x" * 9000):
            assert ask(url, malformed).status_code == 400
        assert ask(url, b"x" * (BODY_LIMIT + 1)).status_code == 413
        assert httpx.get(f"{url}/add-checkpoint").status_code == 405
        assert httpx.get(monitor).text.startswith(f"{LOG}\n9\n"), "a no changes nothing"


def test_its_routes_are_documented_and_public() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "witness.md").read_text(encoding="utf-8")
    found = set()
    for route in witness_app(cast(Witness, None)).routes:
        for handler in getattr(route, "route_handlers", []):
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                assert handler.opt["rule"] == "public"
                found.add(f"{method} {route.path_format}")
    assert found == set(re.findall(r"^\| `([A-Z]+ /\S*)` \|", page, flags=re.MULTILINE))
    for status in (MALFORMED, UNSIGNED, UNKNOWN, STALE, CONTRADICTED):
        assert f"| {status} |" in page


def test_many_at_once_never_set_it_back(tmp_path: Path) -> None:
    """Everybody asks for another size at once; what is signed is one row of sizes that only grows."""
    key = make_witness(tmp_path / "w", "w.example/w1", VKEY)
    dice = random.Random(7)

    with witnessing(tmp_path / "w") as (url, _, file):

        def grow(seed: int) -> list[tuple[int, str]]:
            known, signed = 0, []
            for _ in range(25):
                new = min(299, known + dice.randrange(0, 12))
                log = TRUE if seed % 4 else FORKED
                reply = ask(url, log.submission(known, new))
                if reply.status_code == 409:
                    known = int(reply.text)
                elif reply.status_code == 200:
                    signed.append((new, log.submission(known, new).note + reply.text))
                    known = new
                else:
                    assert reply.status_code == 422
            return signed

        with ThreadPoolExecutor(8) as pool:
            signed = [item for found in pool.map(grow, range(1, 9)) for item in found]
        last = file.last(LOG)
    assert last is not None
    roots = {checkpoint_in(note).size: checkpoint_in(note).root for _, note in signed}
    log = TRUE if last.note.startswith(TRUE.submission(0, last.size).note) else FORKED
    assert len(signed) > 12
    assert all(log.roots[size] == root for size, root in roots.items()), "two histories were signed"
    assert last.size == max(roots)
    assert all(cosignature(note, key, verify_signature) for _, note in signed)


def test_what_was_decided_on_must_still_stand(tmp_path: Path) -> None:
    """While one request is considered, another is signed for: the first is considered again, and sets nothing back."""
    make_witness(tmp_path / "w", "w.example/w1", VKEY)
    with open_witness(tmp_path / "w") as (opened, file):
        for old, slow, quick in [(0, 5, 20), (20, 25, 30)]:
            between = [TRUE.submission(old, quick)]

            def meanwhile(step: str, between: list[Submission] = between) -> None:
                if step == "witness before kept" and between:
                    assert isinstance(add_checkpoint(opened, between.pop().text()), str)

            found = add_checkpoint(replace(opened, reach=meanwhile), TRUE.submission(old, slow).text())
            assert isinstance(found, Objection) and (found.status, found.size) == (409, quick)
            last = file.last(LOG)
            assert last is not None and last.size == quick


def test_its_word_is_never_dated_back(tmp_path: Path, clock: SetClock) -> None:
    make_witness(tmp_path / "w", "w.example/w1", VKEY)
    with witnessing(tmp_path / "w") as (_, opened, file):
        opened = replace(opened, clock=clock)
        assert isinstance(add_checkpoint(opened, TRUE.submission(0, 5).text()), str)
        before = file.last(LOG)
        clock.move(days=-3)
        assert isinstance(add_checkpoint(opened, TRUE.submission(5, 6).text()), str)
        after = file.last(LOG)
    assert before and after and after.time == before.time


CRASH = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from usufruct.cli.witness import open_witness
from usufruct.node.cosign import add_checkpoint

def die(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

with open_witness(Path(sys.argv[1])) as (witness, _):
    print(add_checkpoint(replace(witness, reach=die), sys.stdin.read()))
"""


def submit_and_die(directory: Path, step: str, submission: Submission) -> tuple[int, str]:
    found = subprocess.run(
        [sys.executable, "-c", CRASH, directory, step], input=submission.text(), capture_output=True, text=True
    )
    return found.returncode, found.stdout


def test_killed_before_it_answers_it_makes_no_fork(tmp_path: Path) -> None:
    """Killed after keeping, it has signed, though nobody heard it: from then on only this history goes on."""
    make_witness(tmp_path / "w", "w.example/w1", VKEY)
    died = -signal.SIGKILL

    assert submit_and_die(tmp_path / "w", "witness before kept", TRUE.submission(0, 5)) == (died, "")
    with witnessing(tmp_path / "w") as (url, _, file):
        assert file.last(LOG) is None
        assert ask(url, TRUE.submission(0, 3)).status_code == 200

    assert submit_and_die(tmp_path / "w", "witness after kept", TRUE.submission(3, 9)) == (died, "")
    with witnessing(tmp_path / "w") as (url, _, _):
        assert ask(url, FORKED.submission(3, 9)).text == "9\n"
        assert ask(url, FORKED.submission(9, 9)).status_code == 422
        assert ask(url, FORKED.submission(9, 20)).status_code == 422
        assert ask(url, TRUE.submission(3, 9)).text == "9\n"
        assert ask(url, TRUE.submission(9, 9)).status_code == 200


def test_killed_at_any_moment_what_was_answered_is_kept(tmp_path: Path) -> None:
    directory, dice, heard, port = tmp_path / "w", random.Random(11), 0, free_port()
    make_witness(directory, "w.example/w1", VKEY)
    for _ in range(3):
        command = [sys.executable, "-c", "from usufruct.main import run; run()", "witness", "serve", directory]
        process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        killer = threading.Timer(dice.uniform(0.05, 0.4), process.kill)
        killer.start()
        with suppress(httpx.HTTPError):
            while heard < 299:
                reply = ask(url, TRUE.submission(heard, heard + 1))
                heard = heard + 1 if reply.status_code == 200 else int(reply.text)
        process.wait(10)
        with open_witness(directory) as (_, file):
            last = file.last(LOG)
        assert last is not None
        assert last.size in (heard, heard + 1)
        assert last.note.startswith(TRUE.submission(0, last.size).note)
    assert heard > 3


# ---- our node, before others


@pytest.fixture
def asking(new_directory: Path) -> Asking:
    return Asking(new_directory)


class Asking:
    """A node's directory, which is told whom to ask."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.key = directory, read_settings(directory).key

    def trust(self, *lines: str) -> Path:
        path = self.directory / "witnesses.txt"
        path.write_text("\n".join([f"log {self.key}", *lines, ""]))
        settings = self.directory / "node.toml"
        text = settings.read_text().replace('witnesses = ""', 'witnesses = "witnesses.txt"')
        assert "witnesses.txt" in text
        settings.write_text(text)
        return path


def grow(node: Node, count: int = 1) -> int:
    """Adds facts; the number of the last."""
    with node.store.read() as state:
        size = state.size()
    for number in range(size, size + count):
        register.add_party(node, f"p-{number}", "organisation", f"Party {number}")
    with node.store.read() as state:
        assert state.size() >= size + count
        return state.size() - 1


def states(found: witness.Round | None) -> list[str]:
    assert found is not None
    return [word.state for word in found.words]


def test_a_node_that_asks_nobody_asks_nobody(new_directory: Path) -> None:
    with open_node(new_directory) as node:
        assert witness.submit(node) is None
        with node.store.read() as state:
            assert witness.checkpoint(node, state) == state.checkpoint()
            assert witness.receipt(node, state, 0) == state.receipt(0)


def test_receipts_come_to_carry_a_quorum(tmp_path: Path, asking: Asking) -> None:
    keys = {name: make_witness(tmp_path / name, f"{name}.example", asking.key) for name in "abc"}
    with contextlib.ExitStack() as stack:
        served = {name: stack.enter_context(witnessing(tmp_path / name)) for name in "ab"}  # c is away
        lines = [f"witness {name} {keys[name]} {served[name][0]}" for name in "ab"]
        away = f"witness c {keys['c']} http://127.0.0.1:{free_port()}"
        path = asking.trust(*lines, away, "group two 2 a b c", "quorum two")
        trust = Trust.parse(path.read_text())
        with open_node(asking.directory) as node, TestClient(make_app(node)) as web:
            seq = grow(node, 5)
            assert web.get("/api/v1/checkpoint/witnessed").status_code == 404
            with node.store.read() as state:
                early = witness.receipt(node, state, seq)
            with pytest.raises(ValueError, match="quorum"):
                trust.check(early.checkpoint_note, verify_signature)

            done = witness.submit(node)
            assert states(done) == ["signed", "signed", "failed"]
            assert done is not None and done.witnessed and done.size == seq + 1
            with node.store.read() as state:
                found = witness.receipt(node, state, seq)
                served_note = witness.checkpoint(node, state)
            assert set(trust.check(found.checkpoint_note, verify_signature)[1]) == {"a", "b"}
            assert receipts.check(found, asking.key, verify_signature) == receipts.check(
                early, asking.key, verify_signature
            )
            assert served_note == found.checkpoint_note == web.get("/api/v1/checkpoint/witnessed").text
            assert web.get("/api/v1/checkpoint").text == served_note

            # facts after it are proven by the newest checkpoint; those before, still by the witnessed one
            newer = grow(node, 3)
            with node.store.read() as state:
                assert witness.receipt(node, state, newer) == state.receipt(newer)
                for covered in range(seq + 1):
                    one = witness.receipt(node, state, covered)
                    assert one.checkpoint_note == served_note
                    receipts.check(one, asking.key, verify_signature)
            assert web.get("/api/v1/checkpoint").text.count("\n") == 5
            assert web.get("/api/v1/checkpoint/witnessed").text == served_note
            assert states(witness.submit(node)) == ["signed", "signed", "failed"]
            with node.store.read() as state:
                trust.check(witness.receipt(node, state, newer).checkpoint_note, verify_signature)


def test_below_the_quorum_nothing_is_said_to_be_witnessed(tmp_path: Path, asking: Asking) -> None:
    keys = [make_witness(tmp_path / name, f"{name}.example", asking.key) for name in "ab"]
    with (
        witnessing(tmp_path / "a") as (url, _, _),
        open_witness(tmp_path / "b") as (behind, _),
        answering(sometimes(through(behind), away := [True])) as (other, _),
    ):
        asking.trust(f"witness a {keys[0]} {url}", f"witness b {keys[1]} {other}", "group g all a b", "quorum g")
        with open_node(asking.directory) as node:
            first = witness.submit(node)
            assert states(first) == ["signed", "failed"]
            assert first is not None and not first.witnessed
            with node.store.read() as state:
                assert witness.checkpoint(node, state) == state.checkpoint()
                assert witness.receipt(node, state, 0) == state.receipt(0)
            away.clear()
            second = witness.submit(node)
            assert second is not None and second.witnessed


def test_what_witnesses_signed_is_remembered(tmp_path: Path, asking: Asking) -> None:
    """After a restart nobody is asked again; after a loss of the file everybody is, and says where they are."""
    key = make_witness(tmp_path / "w", "w.example", asking.key)
    with open_witness(tmp_path / "w") as (behind, _), answering(through(behind)) as (url, came):
        asking.trust(f"witness w {key} {url}", "quorum w")
        for _ in range(2):
            with open_node(asking.directory) as node:
                assert states(witness.submit(node)) == ["signed"]
        assert len(came) == 1
        with open_node(asking.directory) as node:
            grow(node, 4)
            assert states(witness.submit(node)) == ["signed"]
        assert len(came) == 2, "the proof was from where it was"
        for file in asking.directory.glob("attested.sqlite*"):
            file.unlink()
        with open_node(asking.directory) as node:
            grow(node)
            done = witness.submit(node)
            assert states(done) == ["signed"] and done is not None and done.witnessed
        assert len(came) == 4


def test_an_answer_that_was_lost_is_had_again(tmp_path: Path, asking: Asking) -> None:
    key = make_witness(tmp_path / "w", "w.example", asking.key)
    with open_witness(tmp_path / "w") as (behind, file):
        honest, lose = through(behind), [True]

        def losing(body: bytes) -> tuple[int, str, bytes]:
            answer = honest(body)
            return (500, "text/plain", b"") if lose and lose.pop() else answer

        with answering(losing) as (url, _):
            asking.trust(f"witness w {key} {url}", "quorum w")
            with open_node(asking.directory) as node:
                assert states(witness.submit(node)) == ["failed"]
                assert file.last(asking.key.partition("+")[0]) is not None
                assert states(witness.submit(node)) == ["signed"]


def sometimes(answer: Answer, away: list[bool]) -> Answer:
    """That answer, but none while somebody is away."""
    return lambda body: (503, "text/plain", b"") if away else answer(body)


def through(behind: Witness) -> Answer:
    """The answers of an honest witness."""

    def answer(body: bytes) -> tuple[int, str, bytes]:
        found = add_checkpoint(behind, body.decode())
        if isinstance(found, str):
            return 200, "text/plain", found.encode()
        return found.status, SIZE_TYPE, f"{found.size}\n".encode()

    return answer


LIAR = Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32)
LIAR_PUBLIC = LIAR.public_key().public_bytes_raw()
LIAR_KEY = vkey("liar.example", LIAR_PUBLIC, COSIGNATURE)


def said(body: bytes, seconds: int = 0, change: Callable[[str], str] = str, name: str = "liar.example") -> bytes:
    text = change(open_note(Submission.parse(body.decode()).note, ASKED[0], verify_signature))
    return cosign(text, name, LIAR_PUBLIC, int(time.time()) + seconds, LIAR.sign).encode()


ASKED = [""]  # the key of the node that asks

LIES: dict[str, tuple[Answer, str, str]] = {
    "what it should": (lambda body: (200, "text/plain", said(body)), "signed", ""),
    "nothing": (lambda body: (200, "text/plain", b""), "failed", "its key did not sign"),
    "another name": (lambda body: (200, "text/plain", said(body, name="other.example")), "failed", "did not sign"),
    "another root": (
        lambda body: (200, "text/plain", said(body, change=lambda text: text.replace(text.split("\n")[2], "A" * 43 + "="))),
        "failed", "not valid for this text",
    ),
    "another size": (
        lambda body: (200, "text/plain", said(body, change=lambda text: text.replace("\n1\n", "\n2\n"))),
        "failed", "not valid for this text",
    ),
    "tomorrow": (lambda body: (200, "text/plain", said(body, seconds=86400)), "failed", "seconds ahead"),
    "prose": (lambda body: (200, "text/plain", b"trust me\n"), "failed", "not a signature line"),
    "no text": (lambda body: (200, "text/plain", b"\xff\xfe"), "failed", "not text"),
    "a thousand lines": (lambda body: (200, "text/plain", said(body) * 101), "failed", "100 signatures"),
    "without end": (lambda body: (200, "text/plain", b"x" * (ANSWER_LIMIT + 1)), "failed", "sent more than"),
    "go elsewhere": (lambda body: (307, "text/plain", b""), "failed", "status 307"),
    "I am broken": (lambda body: (500, "text/plain", b"x" * 1000), "failed", "status 500"),
    "I do not know you": (lambda body: (404, "text/plain", b""), "failed", "status 404"),
    "you are another": (lambda body: (403, "text/plain", b""), "failed", "status 403"),
    "a size that is none": (lambda body: (409, "text/x.tlog.size", b"many\n"), "failed", "cannot be used"),
    "the same size for ever": (lambda body: (409, "text/x.tlog.size", b"0\n"), "failed", "3 times"),
    "a size beyond the journal": (lambda body: (409, "text/x.tlog.size", b"7\n"), "alarm", "signed for 7 facts"),
    "you contradict yourself, in the old words": (
        lambda body: (409, "text/plain", b""), "alarm", "does not find the journal to continue",
    ),
    "you contradict yourself": (lambda body: (422, "text/plain", b""), "alarm", "does not find the journal to continue"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_witness_that_says(lie: str, tmp_path: Path, asking: Asking) -> None:
    """It gets nothing kept but what it should say, holds up nobody, and an honest one beside it is heard."""
    answer, state, why = LIES[lie]
    ASKED[0] = asking.key
    key = make_witness(tmp_path / "w", "w.example", asking.key)
    with answering(answer) as (liar, came), witnessing(tmp_path / "w") as (url, _, _):
        asking.trust(f"witness liar {LIAR_KEY} {liar}/", f"witness w {key} {url}/", "group g all liar w", "quorum g")
        with open_node(asking.directory) as node:
            done = witness.submit(node)
            assert done is not None
            assert [(word.witness, word.state) for word in done.words] == [("liar", state), ("w", "signed")]
            assert why in done.words[0].why
            assert done.witnessed == (state == "signed")
            assert (LIAR_KEY in node.outside.attestations.cosignatures()) == (state == "signed")
            assert len(came) <= witness.ATTEMPTS
            assert grow(node), "and the node goes on"


@pytest.mark.parametrize(
    "pieces",
    [
        itertools.repeat(b""),
        itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X-Slow: yes\r\n")),
        itertools.chain([b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"], itertools.repeat(b"x")),
    ],
    ids=["hangs", "drips headers", "drips a body"],
)
def test_a_witness_that_never_ends_is_left(pieces: Iterator[bytes], asking: Asking) -> None:
    with dripping(pieces, 0.1) as url:
        asking.trust(f"witness liar {LIAR_KEY} {url}", "quorum liar")
        with open_node(asking.directory) as node:
            hurried = replace(node, outside=replace(node.outside, witnesses=HttpWitnesses(seconds=0.5)))
            began = time.monotonic()
            done = witness.submit(hurried)
            assert time.monotonic() - began < 5
    assert states(done) == ["failed"]
    assert done is not None and "within 0.5 seconds" in done.words[0].why


def test_many_that_hang_are_waited_for_together(asking: Asking) -> None:
    with dripping(itertools.repeat(b""), 0.1) as url:
        keys = [vkey("w", Ed25519PrivateKey.generate().public_key().public_bytes_raw(), COSIGNATURE) for _ in range(8)]
        asking.trust(*(f"witness w{n} {key} {url}" for n, key in enumerate(keys)), "quorum none")
        with open_node(asking.directory) as node:
            hurried = replace(node, outside=replace(node.outside, witnesses=HttpWitnesses(seconds=1)))
            began = time.monotonic()
            assert states(witness.submit(hurried)) == ["failed"] * 8
            assert time.monotonic() - began < 4


def test_a_journal_that_was_written_anew_is_found_out(tmp_path: Path, asking: Asking) -> None:
    """The steward sets the journal back and goes on differently, with the same key: the witness does not sign along."""
    key = make_witness(tmp_path / "w", "w.example", asking.key)
    shutil.copytree(asking.directory, tmp_path / "kept")
    with witnessing(tmp_path / "w") as (url, _, _):
        for directory, name, expected in [
            (asking.directory, "first", "signed"),
            (tmp_path / "kept", "second", "alarm"),
        ]:
            there = Asking(directory)
            there.trust(f"witness w {key} {url}", "quorum w")
            with open_node(directory) as node:
                register.add_party(node, name, "organisation", name)
                assert states(witness.submit(node)) == [expected]


@pytest.mark.parametrize(("lines", "why"), [(["quorum x"], "line 2"), ([], "no line `quorum`")])
def test_a_trust_file_that_cannot_be_read_is_named(asking: Asking, lines: list[str], why: str) -> None:
    asking.trust(*lines)
    with pytest.raises(BadInput, match=why) as refused, open_node(asking.directory):
        pass
    assert refused.value.code == "input.trust"
    (asking.directory / "witnesses.txt").unlink()
    with pytest.raises(BadInput, match=r"witnesses\.txt"), open_node(asking.directory):
        pass


# ---- from the terminal


def test_from_init_to_a_proof(tmp_path: Path, asking: Asking, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "w"
    assert cli("witness", "init", directory, "w.example/w1") == 0
    key = (directory / "vkey.txt").read_text().strip()
    assert oct(directory.stat().st_mode)[-3:] == "700" and oct((directory / "signing.pem").stat().st_mode)[-3:] == "600"
    assert cli("witness", "add", directory, asking.key) == 0
    assert cli("witness", "add", directory, asking.key) == 0
    assert "signs already" in capsys.readouterr().out
    with witnessing(directory) as (url, _, _):
        path = asking.trust(f"witness w {key} {url}", "quorum w")
        with open_node(asking.directory) as node:
            seq = grow(node)
            with node.store.read() as state:
                (tmp_path / "early").write_text(witness.receipt(node, state, seq).text())
            witness.submit(node)
            with node.store.read() as state:
                (tmp_path / "late").write_text(witness.receipt(node, state, seq).text())
    assert cli("witness", "list", directory) == 0
    assert f"{seq + 1}" in capsys.readouterr().out

    assert cli("receipt", "verify", tmp_path / "late", "--trust", path) == 0
    assert "witnessed by w at " in capsys.readouterr().out
    assert cli("receipt", "verify", tmp_path / "late", "--trust", path, "--key", asking.key) == 0
    assert cli("receipt", "verify", tmp_path / "late", "--key", asking.key) == 0
    assert cli("receipt", "verify", tmp_path / "early", "--key", asking.key) == 0
    capsys.readouterr()
    assert cli("receipt", "verify", tmp_path / "early", "--trust", path) == 2
    assert "NOT PROVEN: the quorum `w` is not there" in capsys.readouterr().err
    assert cli("receipt", "verify", tmp_path / "late", "--trust", path, "--key", VKEY) == 2
    assert cli("receipt", "verify", tmp_path / "late") == 2
    (tmp_path / "bad").write_text("quorum w\n")
    assert cli("receipt", "verify", tmp_path / "late", "--trust", tmp_path / "bad") == 2
    assert "line 1" in capsys.readouterr().err


def test_a_witness_refuses_what_it_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "w"
    assert cli("witness", "init", directory, "two words") == 2
    assert not directory.exists()
    assert cli("witness", "init", directory, "w.example") == 0
    assert cli("witness", "init", directory, "w.example") == 2, "its key would be lost"
    own = parse_vkey((directory / "vkey.txt").read_text().strip(), COSIGNATURE)[2]
    capsys.readouterr()
    assert cli("witness", "add", directory, vkey("log.example", own)) == 2
    assert "one key serves one role" in " ".join(capsys.readouterr().err.split())
    assert cli("witness", "add", directory, "nonsense") == 2
    assert cli("witness", "list", tmp_path / "nowhere") == 2
    assert not (tmp_path / "nowhere").exists()
    KeyFile.create(tmp_path / "other.pem")
    (tmp_path / "other.pem").rename(directory / "signing.pem")
    assert cli("witness", "list", directory) == 2


def cli(*arguments: object) -> int:
    give(Doors(create_node, open_node))
    with pytest.raises(SystemExit) as ended:
        commands.app([str(argument) for argument in arguments], prog_name="usufruct")
    return int(ended.value.code or 0)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(url: str) -> None:
    for _ in range(600):
        with suppress(httpx.HTTPError):
            CLIENT.get(url)
            return
        time.sleep(0.05)
    raise AssertionError("nobody answers")
