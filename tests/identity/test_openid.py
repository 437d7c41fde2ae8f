"""People log in at an OpenID Connect provider: a mock one on loopback, which lets anybody be whoever she says."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from litestar.testing import TestClient

import story
from browsing import Browser
from identity.conftest import MEMBER
from identity.test_credentials import Later
from serving import served
from usufruct.core.base.faults import BadInput, Fault, PeerFault, Unwelcome
from usufruct.core.base.instants import Instant, later
from usufruct.main import create_node, open_node
from usufruct.node import login, register
from usufruct.node.node import Node
from usufruct.peer.openid import HttpOpenId, read_secret
from usufruct.web.app import make_app
from usufruct.wire.jose import to_base64url

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
SUBJECT, SECRET = "248289761001", "nobody may read this"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def joined(plain: Node, provider: str) -> Node:
    """A node that lets people log in there."""
    return replace(plain, identities=replace(plain.identities, openid=HttpOpenId(provider, "node", SECRET)))


@pytest.fixture
def browser(joined: Node) -> Iterator[Browser]:
    found = Browser(make_app(joined), joined)
    found.client.base_url = httpx.URL(joined.about.url)
    yield found
    found.close()


def log_in_there(location: str, subject: str = SUBJECT) -> str:
    """What the provider sends a browser back to, once a person has said who she is."""
    answer = httpx.post(location, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def began(browser: Browser) -> str:
    """Where the browser is sent to log in."""
    answer = browser.raw("GET", "/login/openid")
    assert answer.status_code == 303
    return str(answer.headers["location"])


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_a_linked_person_logs_in(browser: Browser, joined: Node, provider: str) -> None:
    login.link_subject(joined, MEMBER, "member", SUBJECT)
    assert f"Log in at {urlsplit(provider).netloc}" in browser.get("/login").text
    location = began(browser)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert asked["code_challenge_method"] == "S256" and asked["scope"] == "openid" and asked["response_type"] == "code"
    assert asked["redirect_uri"] == joined.about.url + "/login/openid/back"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    back = browser.raw("GET", path_of(log_in_there(location)))
    assert back.status_code == 200 and back.headers["refresh"] == "0; url=/me"
    assert "Logged in as" in browser.get("/").text and browser.get("/me").status == 200


def test_who_is_linked_to_no_account_stays_out_and_is_told_what_to_do(browser: Browser) -> None:
    back = browser.raw("GET", path_of(log_in_there(began(browser), MEMBER)))
    assert back.status_code == 403, "that the subject is called like an account means nothing"
    assert "no account is linked to" in back.text.lower() and "usufruct_session" not in browser.client.cookies


def test_a_member_links_her_own_account(browser: Browser, joined: Node) -> None:
    browser.send("/enter", code=login.issue_link(joined, MEMBER, "member"))
    page = browser.press(browser.get("/login"), "/login/openid/link")
    location = page.answer.headers["refresh"].removeprefix("0; url=")
    browser.raw("GET", path_of(log_in_there(location)))
    assert login.subjects(joined, MEMBER) == [(joined.identities.openid.issuer, SUBJECT, "member")]  # type: ignore[union-attr]
    browser.client.cookies.clear()
    assert browser.raw("GET", path_of(log_in_there(began(browser)))).headers["refresh"] == "0; url=/me"
    assert login.unlink(joined, MEMBER) == 1
    assert browser.raw("GET", path_of(log_in_there(began(browser)))).status_code == 403


def test_an_intent_links_once(joined: Node) -> None:
    who = login.Identity(MEMBER, "member", frozenset({"member"}))
    intent = login.issue_link_intent(joined, who, later(joined.clock.now(), minutes=5))
    assert login.redeem_link_intent(joined, intent, SUBJECT) is not None
    assert login.redeem_link_intent(joined, intent, "another") is None
    assert [subject for _, subject, _ in login.subjects(joined, MEMBER)] == [SUBJECT]


def test_linking_needs_the_form_of_her_own_session(browser: Browser, joined: Node) -> None:
    assert browser.raw("POST", "/login/openid/link").status_code in (303, 401)
    browser.send("/enter", code=login.issue_link(joined, MEMBER, "member"))
    assert browser.raw("POST", "/login/openid/link").status_code == 403


def test_a_token_links_nothing(joined: Node) -> None:
    """A link outlives every token, and has all that the account has."""
    token = login.issue_token(joined, MEMBER, "member", ("member",), 1, "")
    with TestClient(make_app(joined), base_url=joined.about.url) as program:
        answer = program.post(
            "/login/openid/link", headers={"Authorization": f"Bearer {token}"}, follow_redirects=False
        )
    assert answer.status_code == 403


def test_another_browser_cannot_finish_what_one_began(browser: Browser, joined: Node) -> None:
    """Else somebody could log a visitor in as herself, unnoticed."""
    login.link_subject(joined, MEMBER, "member", SUBJECT)
    answer = log_in_there(began(browser))
    with TestClient(make_app(joined), base_url=joined.about.url) as other:
        assert other.get(path_of(answer)).status_code == 403
        other.get("/login/openid", follow_redirects=False)
        assert other.get(path_of(answer)).status_code == 403, "it has another state"
    assert browser.raw("GET", path_of(answer)).status_code == 200
    assert browser.raw("GET", path_of(answer)).status_code == 403, "an answer is good once"


@pytest.mark.parametrize("change", ["iss=https%3A%2F%2Fevil.example", "error=access_denied", "state=x", "code=y"])
def test_an_answer_that_was_changed_on_the_way_is_refused(browser: Browser, joined: Node, change: str) -> None:
    login.link_subject(joined, MEMBER, "member", SUBJECT)
    answer = path_of(log_in_there(began(browser)))
    assert browser.raw("GET", f"{answer}&{change}").status_code == 403
    assert "usufruct_session" not in browser.client.cookies


def test_an_id_token_of_another_attempt_client_or_time_is_refused(joined: Node, provider: str) -> None:
    at, redirect, verifier = joined.clock.now(), joined.about.url + "/login/openid/back", "v" * 43
    found, other = HttpOpenId(provider, "node", SECRET), HttpOpenId(provider, "other", SECRET)

    def finish(client: HttpOpenId, nonce: str, when: Instant) -> str:
        query = urlsplit(log_in_there(client.start(redirect, "s", "n", verifier))).query
        return client.finish(query, redirect, "s", nonce, verifier, when)

    assert finish(found, "n", at) == SUBJECT
    for nonce, when in (("m", at), ("", at), ("n", later(at, days=2))):
        with pytest.raises(Unwelcome):
            finish(found, nonce, when)
    query = urlsplit(log_in_there(other.start(redirect, "s", "n", verifier))).query
    with pytest.raises(Unwelcome):
        found.finish(query, redirect, "s", "n", verifier, at)


def test_the_code_is_exchanged_with_the_verifier_behind_the_challenge(
    joined: Node, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mock does not check it, so what is sent is looked at."""
    sent: list[httpx.Request] = []
    send = httpx.Client.send

    def noting(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        sent.append(request)
        return send(client, request, **options)

    redirect, verifier = joined.about.url + "/login/openid/back", "v" * 43
    found = HttpOpenId(provider, "node", SECRET)
    location = found.start(redirect, "s", "n", verifier)
    challenge = to_base64url(hashlib.sha256(verifier.encode()).digest())
    assert parse_qs(urlsplit(location).query)["code_challenge"] == [challenge]
    query = urlsplit(log_in_there(location)).query
    monkeypatch.setattr(httpx.Client, "send", noting)
    found.finish(query, redirect, "s", "n", verifier, joined.clock.now())
    exchanged = next(request for request in sent if request.method == "POST")
    body = parse_qs(exchanged.content.decode())
    assert body["code_verifier"] == [verifier] and body["redirect_uri"] == [redirect]
    assert SECRET not in str(exchanged.url) and "client_secret" not in body


def test_a_provider_that_is_away_or_another_is_said_so(provider: str) -> None:
    with pytest.raises(PeerFault, match="could not be asked"):
        HttpOpenId("http://localhost:9", "node", "").start("http://x/back", "s", "n", "v" * 43)
    with pytest.raises(PeerFault, match="calls itself something else"):
        HttpOpenId(f"{provider}/", "node", "").start("http://x/back", "s", "n", "v" * 43)


@pytest.mark.parametrize("issuer", ["http://id.example", "https://id.example/?a", "id.example", "ftp://x"])
def test_an_issuer_must_be_reached_over_tls(issuer: str) -> None:
    with pytest.raises(BadInput, match="cannot be an issuer"):
        HttpOpenId(issuer, "node", "")


def test_the_settings_lead_to_a_provider_and_its_secret_is_never_shown(
    new_directory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = new_directory / "node.toml"
    text = path.read_text().replace('openid_issuer = ""', 'openid_issuer = "https://id.example"')
    path.write_text(text)
    with pytest.raises(BadInput, match="`openid_client` is missing"), open_node(new_directory):
        pass
    path.write_text(
        text.replace('openid_client = ""', 'openid_client = "n"').replace('secret = ""', 'secret = "env:S"')
    )
    with pytest.raises(BadInput, match="there is no variable `S`"), open_node(new_directory):
        pass
    monkeypatch.setenv("S", SECRET)
    with open_node(new_directory) as node:
        assert node.identities.openid is not None and SECRET not in repr(node)
    with pytest.raises(BadInput, match="does not name a variable"):
        read_secret(SECRET)


def test_without_a_provider_there_is_nothing_to_log_in_at(plain: Node) -> None:
    browser = Browser(make_app(plain), plain)
    assert browser.raw("GET", "/login/openid").status_code == 400
    assert "/login/openid" not in browser.get("/login").source
    with pytest.raises(Fault, match="no login provider"):
        login.link_subject(plain, MEMBER, "member", SUBJECT)
    browser.close()


@pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine; apt-get install chromium"
)
def test_the_whole_way_in_a_real_browser(tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a browser holds cookies to their site, and forms to the targets that the page allows."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; it is in the extra [dev]"
    )
    application, path = Later(), tmp_path / "node"
    monkeypatch.setenv("S", SECRET)
    with served(application) as url, playwright.sync_playwright() as started:
        create_node(path, "Wage Commons", story.OPERATOR, "Wage Commons", "EUR", url=url)
        settings = (path / "node.toml").read_text()
        for name, value in (("issuer", provider), ("client", "node"), ("secret", "env:S")):
            settings = settings.replace(f'openid_{name} = ""', f'openid_{name} = "{value}"')
        (path / "node.toml").write_text(settings)
        with open_node(path) as node:
            application.app = make_app(node)
            story.done(register.add_party(node, MEMBER, "person", "Mari"))
            browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()

            def at_the_provider() -> None:
                page.wait_for_url("**/oauth2/authorize**")
                page.fill("input[name=sub]", SUBJECT)
                page.click("button:has-text('Authorize')")
                page.wait_for_url(f"{url}/me")

            page.set_default_timeout(10_000)
            page.goto(f"{url}/enter#{login.issue_link(node, MEMBER, 'member')}")
            page.click("main button")
            page.wait_for_url(f"{url}/me")
            page.goto(f"{url}/login")
            page.click("text=Link your account")
            at_the_provider()
            page.click("text=Log out")
            page.goto(f"{url}/login")
            page.click("a.button")
            at_the_provider()
            assert "Logged in as Mari" in page.inner_text(".who")
            assert {cookie["name"] for cookie in page.context.cookies()} >= {"usufruct_session"}
            assert "usufruct_openid" not in {cookie["name"] for cookie in page.context.cookies()}, "it is used up"
            browser.close()
