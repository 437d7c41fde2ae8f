"""Time stamps by an authority of our own, made with OpenSSL, and by such as do anything but stamp."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from litestar.testing import TestClient

from elsewhere import answering, dripping
from support import SetClock
from usufruct.attested import Timestamp
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.core.base.faults import BadInput, PeerFault
from usufruct.core.base.instants import moment
from usufruct.main import create_node, open_node, read_settings
from usufruct.node import register
from usufruct.node.node import Node
from usufruct.node.timestamp import RETRY_MINUTES, stamp
from usufruct.peer.timestamp import ANSWER_LIMIT, HttpAuthority, read_roots
from usufruct.web.app import make_app

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl on this machine")

CONFIG = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[authority]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[plain]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
[tsa]
default_tsa = stamps
[stamps]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


class Authority:
    """A time stamp authority with its own root."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.root = folder, folder / "root.pem"
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        self._certificate("root", f"/CN={name} root", "ca", [])
        issued = ["-CA", "root.pem", "-CAkey", "root.key"]
        self._certificate("tsa", f"/CN={name}", "authority", issued)
        self._certificate("plain", f"/CN={name} for something else", "plain", issued)

    def _certificate(self, file: str, subject: str, extensions: str, issuer: list[str]) -> None:
        self.openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", f"{file}.key", "-out", f"{file}.pem", "-days", "2",
            "-subj", subject, "-config", "tsa.cnf", "-extensions", extensions, *issuer,
        )  # fmt: skip

    def openssl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, text=True)

    def answer(self, query: bytes) -> tuple[int, str, bytes]:
        """The stamp for a query."""
        (self.folder / "query").write_bytes(query)
        self.openssl(
            "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key",
            "-out", "reply",
        )  # fmt: skip
        return 200, "application/timestamp-reply", (self.folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "one", "Test authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "two", "Test authority")


def told(directory: Path, url: str, ca: Path, minutes: int = 60) -> Path:
    """The node's directory, with an authority in its settings."""
    settings = directory / "node.toml"
    text = settings.read_text()
    for old, new in [
        ('timestamp_url = ""', f'timestamp_url = "{url}"'),
        ('timestamp_ca = ""', 'timestamp_ca = "ca.pem"'),
        ("timestamp_minutes = 60", f"timestamp_minutes = {minutes}"),
    ]:
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text)
    shutil.copy(ca, directory / "ca.pem")
    return directory


def grow(node: Node, name: str) -> None:
    register.add_party(node, name, "organisation", name)


def test_without_an_authority_nothing_is_stamped(new_directory: Path) -> None:
    with open_node(new_directory) as node:
        assert stamp(node) is None


def test_one_checkpoint_an_interval_is_stamped(new_directory: Path, authority: Authority, clock: SetClock) -> None:
    with answering(authority.answer) as (url, came), open_node(told(new_directory, url, authority.root), clock) as node:
        first = stamp(node)
        assert isinstance(first, Timestamp)
        with node.store.read() as state:
            assert (first.note, first.size) == (state.checkpoint(), state.size())
        assert abs((moment(first.at) - moment(clock.now())).total_seconds()) < 600
        grow(node, "a")
        assert stamp(node) is None, "the hour is not over"
        clock.move(minutes=59)
        assert stamp(node) is None
        clock.move(minutes=1)
        second = stamp(node)
        assert isinstance(second, Timestamp) and second.size == first.size + 1
        clock.move(minutes=61)
        assert stamp(node) is None, "nothing happened since"
        assert len(came) == 2
        assert [size for size, _ in node.outside.attestations.timestamps()] == [first.size, second.size]
        assert node.outside.attestations.timestamp(first.size) == first


def test_a_stamp_is_verified_by_openssl_too(tmp_path: Path, new_directory: Path, authority: Authority) -> None:
    with answering(authority.answer) as (url, _), open_node(told(new_directory, url, authority.root)) as node:
        found = stamp(node)
        assert isinstance(found, Timestamp)
        with TestClient(make_app(node)) as web:
            (entry,) = web.get("/api/v1/timestamps").json()
            assert entry == {"facts": found.size, "at": found.at}
            token = web.get(f"/api/v1/timestamps/{found.size}")
            assert token.headers["content-type"] == "application/timestamp-reply"
            (tmp_path / "token").write_bytes(token.content)
            (tmp_path / "note").write_bytes(web.get(f"/api/v1/timestamps/{found.size}/checkpoint").content)
            for absent in (found.size + 1, 10**30):
                assert web.get(f"/api/v1/timestamps/{absent}").status_code == 404
                assert web.get(f"/api/v1/timestamps/{absent}/checkpoint").status_code == 404
    arguments = ["ts", "-verify", "-in", str(tmp_path / "token"), "-data", str(tmp_path / "note")]
    assert "Verification: OK" in authority.openssl(*arguments, "-CAfile", "root.pem").stdout


KIND = "application/timestamp-reply"
BROKEN = {
    "somebody else's": "not good",
    "a spoilt one": "not good",
    "one to another question": "Nonce",
    "a no": "",
    "nothing": "",
    "prose": "status 200, `text/html`",
    "an error": "status 500",
    "too much": "sent more than",
}
"""What an authority may answer, and why it is not kept."""


def broken(what: str, authority: Authority, stranger: Authority, query: bytes) -> tuple[int, str, bytes]:
    """That answer."""
    match what:
        case "somebody else's":
            return stranger.answer(query)
        case "a spoilt one":
            reply = authority.answer(query)[2]
            return 200, KIND, reply[:-1] + bytes([reply[-1] ^ 1])
        case "one to another question":  # for the same checkpoint, but not asked by us, or asked before
            authority.openssl("ts", "-query", "-data", "note", "-sha512", "-cert", "-out", "other")
            return authority.answer((authority.folder / "other").read_bytes())
        case "a no":  # PKIStatus rejection
            return 200, KIND, bytes.fromhex("30053003020102")
        case "prose":
            return 200, "text/html", b"<p>welcome"
        case "an error":
            return 500, KIND, b""
        case "too much":
            return 200, KIND, bytes(ANSWER_LIMIT + 1)
        case _:
            return 200, KIND, b""


@pytest.mark.parametrize("what", BROKEN)
def test_an_authority_that_answers(
    what: str, new_directory: Path, authority: Authority, stranger: Authority, clock: SetClock
) -> None:
    """It stops nothing, nothing is kept, and after a while it is asked again."""
    honest = [False]

    def answer(query: bytes) -> tuple[int, str, bytes]:
        return authority.answer(query) if honest[0] else broken(what, authority, stranger, query)

    with answering(answer) as (url, came), open_node(told(new_directory, url, authority.root), clock) as node:
        with node.store.read() as state:
            (authority.folder / "note").write_text(state.checkpoint() or "")
        found = stamp(node)
        assert isinstance(found, PeerFault)
        assert BROKEN[what] in found.message
        assert node.outside.attestations.timestamps() == []
        assert stamp(node) is None and len(came) == 1, "it is left in peace for a while"
        grow(node, "and-the-node-goes-on")
        honest[0] = True
        clock.move(minutes=RETRY_MINUTES)
        assert isinstance(stamp(node), Timestamp)


def test_an_authority_that_hangs_is_left(new_directory: Path, authority: Authority) -> None:
    def silence() -> Iterator[bytes]:
        while True:
            yield b""

    with dripping(silence(), 0.1) as url, open_node(told(new_directory, url, authority.root)) as node:
        hurried = HttpAuthority(url, read_roots(authority.root), seconds=0.5)
        found = stamp(replace(node, outside=replace(node.outside, authority=hurried)))
    assert isinstance(found, PeerFault)
    assert "within 0.5 seconds" in found.message


@pytest.mark.parametrize("ca", ["", "not a certificate"])
def test_an_authority_needs_a_root_to_be_trusted_by(new_directory: Path, authority: Authority, ca: str) -> None:
    told(new_directory, "http://127.0.0.1:9", authority.root)
    (new_directory / "ca.pem").write_text(ca)
    with pytest.raises(BadInput) as refused, open_node(new_directory):
        pass
    assert refused.value.code == "input.timestamp"
    (new_directory / "ca.pem").unlink()
    with pytest.raises(BadInput, match=r"ca\.pem"), open_node(new_directory):
        pass


def test_from_the_terminal(
    tmp_path: Path, new_directory: Path, authority: Authority, stranger: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(authority.answer) as (url, _), open_node(told(new_directory, url, authority.root)) as node:
        found = stamp(node)
    assert isinstance(found, Timestamp)
    key = read_settings(new_directory).key
    saved = tmp_path / "saved"
    assert cli("journal", "timestamps", "--dir", new_directory, "--save", saved) == 0
    assert found.at in capsys.readouterr().out
    token, note = saved / f"checkpoint-{found.size}.tsr", saved / f"checkpoint-{found.size}.txt"
    verified = ["journal", "timestamp-verify", token, note, "--key", key, "--ca"]
    assert cli(*verified, authority.root) == 0
    printed = " ".join(capsys.readouterr().out.split())
    origin = read_settings(new_directory).origin
    assert printed == f"proven: the first {found.size} facts of {origin} were there at {found.at}"
    assert cli(*verified, stranger.root) == 2
    assert cli(*verified, note) == 2, "a checkpoint is no certificate"
    note.write_text(note.read_text().replace(f"\n{found.size}\n", f"\n{found.size + 1}\n"))
    assert cli(*verified, authority.root) == 2
    assert "NOT PROVEN" in capsys.readouterr().err
    with open_node(new_directory) as node:
        grow(node, "later")
        with node.store.read() as state:
            note.write_text(state.checkpoint() or "")
    assert cli(*verified, authority.root) == 2, "the checkpoint is good, but not the one that was stamped"
    assert "Mismatch" in capsys.readouterr().err


def cli(*arguments: object) -> int:
    give(Doors(create_node, open_node))
    with pytest.raises(SystemExit) as ended:
        commands.app([str(argument) for argument in arguments], prog_name="usufruct")
    return int(ended.value.code or 0)
