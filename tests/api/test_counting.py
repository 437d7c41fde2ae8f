"""A member counts from her own machine: over the API, with the Python client, and with the command."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import counted
import story
import usufruct
from counted import SHE
from serving import application, served
from usufruct.core.access import hold
from usufruct.node import consent, epoch, login, query
from usufruct.node.node import Node
from usufruct.wire import sql


@pytest.fixture
def followed(node: Node) -> Node:
    """A node with three records of hers, one of them withheld, rooted in two epochs; and one that waits."""
    story.done(node.record(lambda tx: hold.allow(tx, story.USER, counted.GROUND, 30, "Act 7, section 2")))
    story.answer(node, micro_rho=story.CHEAP)
    epoch.close_epoch(node)
    query.ask(node, query.Asked(
        story.USER, story.QUESTION, sql.parse(story.QUESTION), story.PURPOSE, story.CHEAP, counted.GROUND, anew=True,
    ))  # fmt: skip
    epoch.close_epoch(node)
    consent.record_word(node, story.ASSET, SHE, story.OTHER_PURPOSE, False)
    return node


@pytest.fixture
def address(followed: Node) -> Iterator[str]:
    with application(followed) as app, served(app) as url:
        yield url


def token_of(node: Node, party: str, role: str, scope: str) -> str:
    return login.issue_token(node, party, role, (scope,), 1, "")


INSTALLED = Path(sys.executable).parent


def run(*words: str, cwd: Path, place: Path = INSTALLED, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as somebody has it who has no node."""
    command = [str(place / "usufruct"), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment)


def test_key_and_book_are_for_herself_and_are_not_stored(followed: Node, address: str) -> None:
    hers = {"Authorization": f"Bearer {token_of(followed, SHE, 'member', 'member')}"}
    users = {"Authorization": f"Bearer {token_of(followed, story.USER, 'user', 'ask')}"}
    for path in ("key", "book"):
        url = f"{address}/api/v1/me/{path}"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers=users).status_code == 403
        found = httpx.get(url, headers=hers)
        assert found.status_code == 200 and found.headers["cache-control"] == "no-store"
    key = httpx.get(f"{address}/api/v1/me/key", headers=hers).json()
    assert key == counted.plain(counted.key_of(followed, SHE))
    withheld = httpx.get(f"{address}/api/v1/me/book", headers=hers).json()["records"][2]
    assert withheld["body"] is None and withheld["receipt"] is None


def test_who_has_no_records_gets_a_refusal(followed: Node, address: str) -> None:
    token = token_of(followed, story.STRANGER, "member", "member")
    with pytest.raises(usufruct.Refused) as refused:
        usufruct.connect(address, token).book()
    assert refused.value.code == "registry.unknown"


def test_the_python_client_audits_and_keeps(followed: Node, address: str) -> None:
    hers = usufruct.connect(address, token_of(followed, SHE, "member", "member"))
    key = hers.counting_key()
    found, kept = hers.audit(key)
    assert found.sound and (found.count, found.held) == (3, (2,))
    epoch.close_epoch(followed)
    found, later = hers.audit(key, kept)
    assert found.sound and found.count == 4 and json.loads(later)["count"] == 4
    other = usufruct.connect(address, token_of(followed, counted.ANOTHER, "member", "member"))
    found, same = other.audit(key, later)
    assert not found.sound and same == later, "what is kept is only replaced after a sound audit"


def test_the_command_needs_nothing_but_an_address_and_a_key(followed: Node, address: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(counted.key_of(followed, SHE).text())
    (tmp_path / "token.txt").write_text(token_of(followed, SHE, "member", "member") + "\n")
    words = ["member", "audit", address, "--keys", "key.json", "--kept", "kept.json"]
    done = run(*words, "--token", "token.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "there are 3 records about you" in done.stdout and "1 more will be counted" in done.stdout
    assert "on the ground of criminal-investigation" in " ".join(done.stdout.split())
    assert stat.S_IMODE((tmp_path / "kept.json").stat().st_mode) == 0o600
    before = (tmp_path / "kept.json").read_text()
    consent.record_word(followed, story.ASSET, SHE, story.OTHER_PURPOSE, True)
    epoch.close_epoch(followed)
    done = run(*words, "--json", cwd=tmp_path, USUFRUCT_TOKEN=(tmp_path / "token.txt").read_text().strip())
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["sound"] and report["count"] == 5 and report["flaws"] == []
    assert [record["found"] for record in report["records"]] == ["fine", "fine", "withheld", "fine", "fine"]
    assert report["records"][3]["what"] == "you refused marketing of any kind: pay"
    assert json.loads((tmp_path / "kept.json").read_text())["count"] == 5 > json.loads(before)["count"]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["book.json", "--keys", "key.json", "--kept", "kept.json"], 0, "sound: every record is there"),
        (["less.json", "--keys", "key.json"], 1, "record 1: is missing"),
        (["less.json", "--keys", "key.json", "--json"], 1, '"found": "missing"'),
        (["older.json", "--keys", "key.json", "--kept", "kept.json"], 1, "you were shown it before"),
        (["book.json", "--keys", "another.json"], 1, "not of `p-"),
        (["none.json", "--keys", "key.json"], 2, "`none.json` cannot be read"),
        (["book.json", "--keys", "none.json"], 2, "`none.json` cannot be read"),
        (["book.json", "--keys", "book.json"], 2, "it must have the fields person, key, journal"),
        (["book.json", "--keys", "key.json", "--kept", "key.json"], 2, "it must have the fields epoch"),
        (["http://me:secret@127.0.0.1:1", "--keys", "key.json"], 2, "the address carries a secret"),
        (["http://127.0.0.1:1", "--keys", "key.json"], 2, "no book came from"),
        (["--keys", "key.json", "--dir", "elsewhere"], 2, "`elsewhere` is not a node"),
    ],
)
def test_the_command_says_what_is_wrong(
    followed: Node, forked: Path, tmp_path: Path, words: list[str], status: int, says: str
) -> None:
    key, older = counted.key_of(followed, SHE), counted.shown(followed, SHE)
    epoch.close_epoch(followed)
    book = counted.shown(followed, SHE)
    kept = counted.audit(book, key, followed.clock.now()).keep
    less = book | {"records": [record for record in book["records"] if record["slip"]["number"] != 1]}
    for name, value in {
        "key": counted.plain(key), "another": counted.plain(counted.key_of(followed, counted.ANOTHER)), "book": book,
        "less": less, "older": older, "kept": counted.plain(kept),
    }.items():  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    done = run("member", "audit", *words, cwd=tmp_path, place=forked)
    assert done.returncode == status, done.stderr
    assert says in " ".join((done.stdout + done.stderr).split())


def test_the_steward_writes_key_and_book_to_files(directory: Path, forked: Path, tmp_path: Path) -> None:
    for _ in range(2):
        book = run("member", "book", SHE, "--to", "book.json", "--dir", str(directory), cwd=tmp_path, place=forked)
        assert book.returncode == 0 and "book with 1 records" in book.stdout, book.stderr
    key = ["member", "key", SHE, "--to", "key.json", "--dir", str(directory)]
    assert run(*key, cwd=tmp_path, place=forked).returncode == 0
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    again = run(*key, cwd=tmp_path, place=forked)
    assert again.returncode == 2 and "cannot be written" in again.stderr
    audit = run("member", "audit", "--keys", "key.json", "--dir", str(directory), cwd=tmp_path, place=forked)
    assert audit.returncode == 0 and "you were registered with this node" in audit.stdout, audit.stderr
    nobody = run("member", "key", "nobody", "--to", "no.json", "--dir", str(directory), cwd=tmp_path, place=forked)
    assert nobody.returncode == 3 and "there is no person `nobody`" in nobody.stderr
