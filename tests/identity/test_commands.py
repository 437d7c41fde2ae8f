"""The commands, from a terminal: a guild's node issues, its holder shows it to another node, and takes it back."""

from __future__ import annotations

import json
import re
import secrets
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import story
from identity.test_credentials import Later
from serving import served
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.core.base.ids import did_web
from usufruct.main import create_node, open_node
from usufruct.web.app import make_app
from usufruct.wire import jose


def run(line: str) -> Result:
    give(Doors(create_node, open_node))
    return CliRunner().invoke(commands.app, shlex.split(line))


def good(line: str) -> str:
    done = run(line)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_issue_sign_present_list_forget_revoke(folder: Path) -> None:
    application = Later()
    with served(application) as url:
        create_node(folder / "guild", "Guild", "guild", "Guild", "EUR", url=url)
        create_node(folder / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR")
        settings, did = folder / "node" / "node.toml", did_web(url)
        trusted = f'issuers = [{{ issuer = "{did}", type = "member", claims = ["role", "level"], private = true }}]'
        settings.write_text(settings.read_text().replace("issuers = []", trusted))
        good("party add mari --kind person --name Mari --dir guild")
        good("credential key mine")
        assert (folder / "mine").stat().st_mode & 0o077 == 0 and "d" not in json.loads(
            (folder / "mine.pub").read_text()
        )
        good(
            "credential issue mari --type member --key mine.pub --claim role=driver --claim level=3 --to c.txt --dir guild"
        )
        said = good(f"credential challenge --as {story.OPERATOR}")
        nonce, audience = re.findall(r"nonce: (\S+)\naudience: (\S+)", said)[0]
        sign = f"credential sign c.txt --key mine --nonce {nonce} --audience {audience} --disclose role --to shown.txt"
        good(sign)
        assert run(sign).exit_code == 2, "it does not overwrite"
        with open_node(folder / "guild") as guild:
            application.app = make_app(guild)
            kept = good(f"credential present shown.txt --as {story.OPERATOR} --keep role --keep level")
            assert "kept: role = driver" in kept and "level" not in kept
            assert run(f"credential present shown.txt --as {story.OPERATOR}").exit_code == 3
        assert "counts" in good(f"credential list --as {story.OPERATOR}")
        name = kept.split(":")[0]
        good(f"credential forget {name} --as {story.OPERATOR}")
        assert run(f"credential forget {name} --as {story.OPERATOR}").exit_code == 3
        place = re.findall(r"(?m)^ *(\d+)", good("credential issued --dir guild"))[0]
        good(f"credential revoke {place} --dir guild")
        assert "revoked" in good("credential issued --dir guild")


def test_keys_and_links(folder: Path) -> None:
    create_node(folder / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR")
    good("party add institute --name Institute")
    good("credential key k")
    assert "speaks for institute, as user" in good("key register institute k.pub --role user")
    assert run("key register institute k.pub --role user").exit_code == 3
    thumbprint = jose.public_key(json.loads((folder / "k.pub").read_text())).thumbprint
    assert thumbprint in good("key list institute")
    good(f"key revoke institute {thumbprint}")
    assert "revoked" in good("key list institute")
    assert run("login link institute --role user --subject 7").exit_code == 2, "there is no provider"
    settings = folder / "node" / "node.toml"
    text = settings.read_text().replace('openid_issuer = ""', 'openid_issuer = "https://id.example"')
    settings.write_text(text.replace('openid_client = ""', 'openid_client = "n"'))
    good("login link institute --role user --subject 7")
    assert "https://id.example" in good("login list institute")
    assert "1 links forgotten" in good("login unlink institute")


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({}, 0, "speaks for institute, as system"),
        ({"assertionMethod": []}, 0, "speaks for institute, as system"),
        ({"authentication": []}, 2, "names no key under `authentication`"),
        ({"authentication": None}, 2, "names no key under `authentication`"),
        ({"verificationMethod": []}, 2, "names no key under `authentication`"),
        ({"publicKeyJwk": {"kty": "RSA"}}, 2, "that is Ed25519 or P-256"),
        ({"controller": "did:web:x.example"}, 2, "names no key"),
        ({"id": "did:web:x.example"}, 2, "it is not the document of"),
    ],
)
def test_a_did_web_has_keys_for_authentication_or_is_refused(
    folder: Path, changed: dict[str, Any], status: int, said: str
) -> None:
    """A key with which an issuer signs credentials asks for no tokens (RFC 7523; DID Core, 5.3)."""
    create_node(folder / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR")
    good("party add institute --name Institute")
    document: dict[str, Any] = {}

    async def lies(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(document).encode()})

    with served(lies) as url:
        did = did_web(url)
        document |= jose.did_document(did, secrets.token_bytes(32), jose.new_key()[1], {})
        for name, value in changed.items():
            place = document["verificationMethod"][1] if name in ("publicKeyJwk", "controller") else document
            place[name] = value
        done = run(f"key register institute --did {did} --private --role system")
    assert done.exit_code == status and said in " ".join(done.output.split()), done.output


WRONG: list[tuple[str, int]] = [
    ("credential challenge --as nobody", 2),
    ("credential present none.txt --as institute", 2),
    ("credential issue nobody --type t --key k.pub", 3),
    ("credential issue institute --type t --key k", 2),
    ("credential issue institute --type t --key k.pub --claim role", 2),
    ("credential issue institute --type t --key k.pub --claim exp=1", 2),
    ("credential issue institute --type t --key k.pub --days 0", 2),
    ("credential revoke 5", 3),
    ("credential sign k.pub --key k --nonce n --audience a", 2),
    ("credential key k", 2),
    ("key register institute --role user", 2),
    ("key register institute k.pub --role user --did did:web:x.example", 2),
    ("key register institute k --role user", 2),
    ("key register institute --did nonsense --role user", 2),
    ("key register nobody k.pub --role user", 2),
    ("key register institute k.pub --role steward", 2),
    ("key revoke institute x", 3),
]


def test_what_goes_wrong_is_said(folder: Path) -> None:
    create_node(folder / "node", "Wage Commons", story.OPERATOR, "Wage Commons", "EUR")
    good("party add institute --name Institute")
    good("credential key k")
    for line, status in WRONG:
        done: Any = run(line)
        assert done.exit_code == status, f"{line}\n{done.output}"
