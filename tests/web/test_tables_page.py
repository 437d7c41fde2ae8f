"""The steward's pages of tables, the same over HTTP: register, look, update."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

import story
from browsing import Browser, Page
from usufruct.node import login
from usufruct.node.node import Node

Browse = Callable[..., Browser]


def database(folder: Path, table: Path, extra: str = "") -> bytes:
    """The story's table in a SQLite file beside another one; `extra` is a person more."""
    lines = [line.split(",") for line in table.read_text().split()[1:]] + (
        [[extra, "2021", "9.5", "10", "1"]] if extra else []
    )
    path = folder / f"pay{extra}.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE pay (nr INTEGER, year INTEGER, hourly_pay REAL, hours INTEGER, night_shifts INTEGER)"
        )
        rows = [(*row[:4], row[4] in ("true", "1")) for row in lines]
        connection.executemany("INSERT INTO pay VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("CREATE TABLE other (x)")
        connection.commit()
    return path.read_bytes()


def sent(browser: Browser, action: str, page: Page, files: dict[str, tuple[str, bytes]], **fields: str) -> Page:
    return Page(browser.client.post(action, data={**page.form(action).fields, **fields}, files=files))


def test_a_table_is_registered_looked_at_and_updated(browse: Browse, node: Node, table: Path, tmp_path: Path) -> None:
    steward = browse(story.OPERATOR, "steward")
    text = story.CARD.replace('asset = "pay"', 'asset = "stays"').encode()
    form = steward.get("/steward/tables")
    files = {"table": ("clinic.db", database(tmp_path, table)), "card": ("stays.toml", text)}
    assert "table.db holds 2 tables" in sent(steward, "/steward/tables", form, files).text
    page = sent(steward, "/steward/tables", form, files, name="pay")
    assert "The table is registered" in page.text and "36 rows; 12 persons are or were in it" in page.text
    assert "Whole: the one that the journal names" in page.text
    assert 'href="/steward/tables/stays"' in steward.get("/steward").source

    again = {"table": ("clinic.db", database(tmp_path, table, "77"))}
    page = sent(steward, "/steward/tables/stays", page, again, name="pay")
    assert "What was spent of the privacy budget stays spent" in page.text and "37 rows; 13 persons" in page.text
    no = sent(steward, "/steward/tables/stays", page, again, name="pay")
    assert no.status == 409 and "othing in the table has changed" in no.text

    (stored,) = (node.engine._folder).glob("stays-*.duckdb")  # type: ignore[attr-defined]
    with duckdb.connect(stored) as connection:
        connection.execute("UPDATE asset SET _person = 99 WHERE rowid = 4")
    page = steward.get("/steward/tables/stays")
    assert "Not whole" in page.text and "Row 5 has no person of this asset in _person; such rows: 1" in page.text
    assert steward.get("/steward/tables/none").status == 404
    assert browse("member-3", "member").get("/steward/tables/stays").status == 403


def test_the_same_over_http(browse: Browse, node: Node, table: Path, tmp_path: Path) -> None:
    client: Any = browse().client
    token = login.issue_token(node, story.OPERATOR, "steward", ("steward",), 1, "test")
    client.headers["Authorization"] = f"Bearer {token}"
    text = story.CARD.replace('asset = "pay"', 'asset = "stays"').encode()
    content = database(tmp_path, table)
    proposal = client.post("/api/v1/assets/proposal?name=pay", files={"table": ("clinic.db", content)})
    assert proposal.status_code == 201 and 'asset = "pay"' in proposal.text and "[columns.hourly_pay]" in proposal.text
    files = {"table": ("clinic.db", content), "card": ("stays.toml", text)}
    made = client.post("/api/v1/assets?name=pay", files=files).json()
    assert (made["quality"]["rows"], made["quality"]["persons"]) == (36, 12)
    assert client.get("/api/v1/assets/stays/check").json() == {
        "asset": "stays",
        "version": made["version"],
        "wrong": [],
    }
    more = {"table": ("clinic.db", database(tmp_path, table, "77"))}
    updated = client.post("/api/v1/assets/stays/rows?name=pay", files=more).json()
    assert (updated["quality"]["persons"], updated["version"] != made["version"]) == (13, True)
    assert client.post("/api/v1/assets/none/rows?name=pay", files=more).status_code == 404
    assert client.get("/api/v1/assets/none/check").status_code == 404
