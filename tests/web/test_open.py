"""Open data for anybody, without a token; and the yearly disclosure, made from the journal alone."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from litestar.testing import TestClient
from pyarrow import parquet

from browsing import Browser, Page
from serving import application
from usufruct.core.access.opening import DataDelivered, OpenData
from usufruct.core.base import instants
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.disclosure import Book
from usufruct.core.lineage.facts import TransformEnded
from usufruct.core.registry.state import Right
from usufruct.core.rulebook import parameters
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.main import open_node
from usufruct.node import deliver, disclosure, register, trace, trade
from usufruct.node.deliver import Meter
from usufruct.node.node import Node
from usufruct.web.app import make_app
from usufruct.wire import card, sql

COUNTS = 'bridge,day,cyclists,rain_mm,wet\nOld Bridge,1,1204,0.0,false\n"Iron, Bridge",1,2210,-3.5,true\nOld Bridge,2,,12.25,\n'
CARD = """
asset = "counts"
title = "Cyclists, on the bridges"
description = "d"
licence = "CC BY 4.0"
rows_per_person = 1
""" + "".join(
    f'[columns.{name}]\ntype = "{kind}"\nclass = "public"\ngrade = "open"\n{more}'
    for name, kind, more in (
        ("bridge", "text", ""), ("day", "integer", ""), ("cyclists", "integer", ""), ("rain_mm", "decimal", "decimals = 2\n"),
        ("wet", "boolean", ""),
    )
)  # fmt: skip
LICENCES = """
asset = "licences"
title = "Terraces"
description = "d"
licence = "l"
person_column = "nr"
rows_per_person = 1
[columns.nr]
type = "text"
class = "public"
grade = 1
[columns.seats]
type = "integer"
class = "public"
grade = 1
low = 0
high = 60
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> Path:
    """A node with an open table of a public body, and one that is not open."""
    folder = tmp_path_factory.mktemp("city")
    shutil.copytree(founded, folder / "node")
    (folder / "counts.csv").write_text(COUNTS)
    (folder / "licences.csv").write_text("nr,seats\na,12\nb,30\n")
    with open_node(folder / "node") as node:
        for party, kind in (("office", "public-body"), ("routes", "organisation")):
            assert not isinstance(register.add_party(node, party, kind, party.title()), Refusal)
        for name, text in (("counts", CARD), ("licences", LICENCES)):
            made = register.add_asset(node, card.read(text), folder / f"{name}.csv", "office")
            assert not isinstance(made, Refusal), made
        assert not isinstance(deliver.open_data(node, "counts", "office", "Transport office"), Refusal)
    return folder / "node"


@pytest.fixture
def node(city: Path, tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(city, tmp_path / "node")
    with open_node(tmp_path / "node") as opened:
        yield opened


@pytest.fixture
def client(node: Node) -> Iterator[TestClient[Any]]:
    with application(node) as app, TestClient(app) as opened:
        yield opened


def deliveries(node: Node) -> list[DataDelivered]:
    with node.store.read() as state:
        return [e.fact for e in state.entries(0, state.size()) if isinstance(e.fact, DataDelivered)]


def test_anybody_takes_a_table_as_csv(node: Node, client: TestClient[Any]) -> None:
    answer = client.get("/api/v1/open/counts/data.csv")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    notes = [line for line in answer.text.splitlines() if line.startswith("# ")]
    assert notes[1:3] == ["# attribution: Transport office", "# licence: CC BY 4.0"]
    rows = list(csv.reader(io.StringIO("\n".join(answer.text.splitlines()[len(notes) :]))))
    assert rows == [
        ["bridge", "day", "cyclists", "rain_mm", "wet"], ["Old Bridge", "1", "1204", "0.00", "false"],
        ["Iron, Bridge", "1", "2210", "-3.50", "true"], ["Old Bridge", "2", "", "12.25", ""],
    ]  # fmt: skip
    (fact,) = deliveries(node)
    assert (fact.asset, fact.form, fact.format, fact.rows, fact.size) == (
        "counts",
        "rows",
        "csv",
        3,
        len(answer.content),
    )
    digest = hashlib.sha256(answer.content)
    assert fact.digest == digest.hexdigest()
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert client.get("/api/v1/open/counts/data.csv").content == answer.content
    with node.store.read() as state:
        assert state.get(OpenData, "counts").deliveries == 2  # type: ignore[union-attr]


def test_anybody_takes_a_table_as_parquet(client: TestClient[Any]) -> None:
    answer = client.get("/api/v1/open/counts/data.parquet")
    table = parquet.read_table(pa.BufferReader(answer.content))
    assert table.schema.metadata[b"licence"] == b"CC BY 4.0" and table.schema.metadata[b"attribution"]
    assert [str(v) for v in table.column("rain_mm").to_pylist()] == ["0.00", "-3.50", "12.25"]
    assert table.column("cyclists").to_pylist() == [1204, 2210, None]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT bridge, rain_mm FROM counts WHERE day = 1 ORDER BY rain_mm", [["Iron, Bridge", "-3.50"], ["Old Bridge", "0.00"]]),
        ("SELECT cyclists FROM counts ORDER BY cyclists DESC LIMIT 1", [[2210]]),
        ("SELECT rain_mm FROM counts WHERE rain_mm > 12.2", [["12.25"]]),
        ("SELECT * FROM counts WHERE bridge = 'nowhere'", []),
    ],
)  # fmt: skip
def test_anybody_asks_for_some_rows(text: str, rows: list[Any], client: TestClient[Any], node: Node) -> None:
    answer = client.get("/api/v1/open/counts/rows", params={"sql": text})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["rows"] == rows and body["licence"] == "CC BY 4.0" and body["attribution"] == "Transport office"
    (fact,) = deliveries(node)
    assert fact.question == text and fact.rows == len(rows)
    assert fact.digest == hashlib.sha256(answer.content).hexdigest()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("licences/data.csv", 404, "access.not-open"),
        ("nothing/data.csv", 404, "access.not-open"),
        ("counts/rows?sql=SELECT COUNT(*) FROM counts", 403, "access.form"),
        ("counts/rows?sql=SELECT nothing FROM counts", 422, "privacy.column"),
        ("counts/rows?sql=SELECT * FROM counts ORDER BY nothing", 422, "privacy.column"),
        ("counts/rows?sql=SELECT * FROM licences", 400, "input.asset"),
        ("licences/rows?sql=SELECT * FROM licences", 404, "access.not-open"),
        ("counts/rows?sql=DROP TABLE asset", 400, None),
        ("counts/rows?sql=SELECT * FROM counts WHERE day = 'x'", 422, "privacy.literal"),
        ("counts/rows", 400, "input.http"),
    ],
)
def test_what_is_not_open_or_not_understood_is_refused(
    path: str, status: int, code: str | None, client: TestClient[Any], node: Node
) -> None:
    answer = client.get(f"/api/v1/open/{path}")
    found = answer.json()
    assert answer.status_code == status, found
    assert code is None or (found.get("refusal") or found["fault"])["code"] == code
    assert not deliveries(node)


def test_what_is_not_open_and_what_is_not_there_look_the_same(client: TestClient[Any]) -> None:
    one, other = (
        client.get(f"/api/v1/open/{name}/data.csv").text.replace(name, "X") for name in ("licences", "nowhere")
    )
    assert one == other


def test_nothing_leaves_once_it_is_closed_or_graded_up(client: TestClient[Any], node: Node, tmp_path: Path) -> None:
    made = trace.register_transform(
        node, "rounded", "rounded to hundreds", "aggregation", ["licences"], "https://e.example/1", "b", "office", 0
    )
    assert not isinstance(made, Refusal)
    (tmp_path / "zones.csv").write_text("zone,seats\ncentre,400\n")
    zones = CARD.split("[columns")[0].replace('"counts"', '"zones"') + (
        'derived_from = ["licences"]\ntransform = "rounded"\n'
        '[columns.zone]\ntype = "text"\nclass = "public"\ngrade = 0\n'
        '[columns.seats]\ntype = "integer"\nclass = "public"\ngrade = 0\n'
    )
    assert not isinstance(register.add_asset(node, card.read(zones), tmp_path / "zones.csv", "office"), Refusal)
    assert not isinstance(deliver.open_data(node, "zones", "office", "Office"), Refusal)
    assert client.get("/api/v1/open/zones/data.csv").status_code == 200
    assert isinstance(trace.end_transform(node, "rounded", "office", "somebody was found in it"), TransformEnded)
    assert client.get("/api/v1/open/zones/data.csv").status_code == 404, (
        "its evidence is gone, and its rows still leave"
    )
    assert not isinstance(deliver.close_data(node, "counts", "office"), Refusal)
    assert client.get("/api/v1/open/counts/data.csv").status_code == 404
    assert client.get("/api/v1/open").json() == []


def test_nothing_leaves_that_is_closed_while_the_file_is_made(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    export = DuckDbEngine.export

    def close_meanwhile(*args: Any) -> Any:
        made = export(*args)
        assert not isinstance(deliver.close_data(node, "counts", "office"), Refusal)
        return made

    monkeypatch.setattr(DuckDbEngine, "export", close_meanwhile)
    refused = deliver.file(node, "counts", "csv")
    assert isinstance(refused, Refusal) and refused.code == "access.not-open" and not deliveries(node)


@pytest.mark.parametrize(
    ("asset", "by", "attribution", "code"),
    [
        ("licences", "office", "Office", "access.not-open"),
        ("counts", "routes", "Routes", "rights.not-held"),
        ("nothing", "office", "Office", "registry.unknown"),
    ],
)
def test_who_opens_what(asset: str, by: str, attribution: str, code: str, node: Node) -> None:
    refused = deliver.open_data(node, asset, by, attribution)
    assert isinstance(refused, Refusal) and refused.code == code and refused.remedy


def test_a_table_with_anything_else_than_open_columns_needs_its_persons(node: Node, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(COUNTS)
    for change in (('grade = "open"', 'grade = "internal"'), ('class = "public"', 'class = "enterprise"')):
        described = card.read(CARD.replace('"counts"', '"other"').replace(*change, 1))
        refused = register.add_asset(node, described, tmp_path / "t.csv", "office")
        assert isinstance(refused, Refusal) and refused.code == "registry.no-person-column"


def test_a_minute_has_its_measure_for_everybody_together() -> None:
    book, meter, at = parameters.shipped(), Meter(), instants.parse("2026-05-05T10:00:10Z")
    most = book.value("open.deliveries-per-minute", at)
    assert all(meter.take(book, at, deliveries=1, bytes=10) is None for _ in range(most))
    refused = meter.take(book, at, deliveries=1, bytes=10)
    assert isinstance(refused, Refusal) and refused.code == "access.busy" and "50 seconds" in refused.remedy
    assert meter.take(book, instants.later(at, minutes=1), deliveries=1, bytes=10**13) is None, (
        "what is large never leaves"
    )
    refused = meter.take(book, instants.later(at, minutes=1), deliveries=1, bytes=10)
    assert isinstance(refused, Refusal) and "bytes" in refused.reasons[0]


def test_a_refused_delivery_leaves_no_fact(
    client: TestClient[Any], node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Meter, "take", lambda *args, **costs: Refusal("access.busy", "no", ("busy",), "wait"))
    assert client.get("/api/v1/open/counts/data.csv").status_code == 429
    assert client.get("/api/v1/open/counts/rows", params={"sql": "SELECT * FROM counts"}).status_code == 429
    assert not deliveries(node)


def test_no_delivery_tells_who_came(client: TestClient[Any], node: Node) -> None:
    client.get(
        "/api/v1/open/counts/data.csv", headers={"user-agent": "Netscape 4711", "x-forwarded-for": "198.51.100.7"}
    )
    with node.store.read() as state:
        fact = list(state.entries(0, state.size()))[-1].fact
    assert isinstance(fact, DataDelivered) and "4711" not in repr(fact) and "198.51" not in repr(fact)


def test_pages(client: TestClient[Any]) -> None:
    for path in (
        "/open",
        "/open/counts",
        "/disclosure/2026",
        "/grades",
        "/purposes",
        "/purposes?q=research",
        "/purposes?q=reserch",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, path
        Page(answer)
    assert "Transport office" in client.get("/open/counts").text
    assert "Academic research" in client.get("/purposes?q=research").text
    assert "Did you mean" in client.get("/purposes?q=marketting").text
    assert client.get("/open/licences").status_code == 404
    assert client.get("/disclosure/9999").status_code == 400


def test_the_catalogue_lists_open_data(client: TestClient[Any]) -> None:
    (dataset,) = client.get("/api/v1/catalogue").json()["dcat:dataset"]
    assert dataset["dct:identifier"] == "counts" and dataset["dct:publisher"] == "Office"
    assert client.get(dataset["dcat:distribution"][0]["dcat:downloadURL"].partition(":8000")[2]).status_code == 200


def test_a_steward_shows_a_table_and_reads_what_it_may_hold(node: Node, city: Path) -> None:
    browser = Browser(make_app(node), node, node.about.operator, "steward")
    form = browser.get("/steward/classify").form("/steward/classify")
    table = ("../riders.csv", b"rider,diagnosis,year\n1,J45,2021\n2,E11,2022\n", "text/csv")
    shown = Page(browser.client.post("/steward/classify", data=form.fields, files={"table": table}))
    assert shown.status == 200 and "its name speaks of health" in shown.source.lower()
    assert "proposed = &#34;restricted&#34;" in shown.source and "asset = &#34;riders&#34;" in shown.source
    assert browser.client.post("/steward/classify", data=form.fields, files={"other": table}).status_code == 400
    assert browser.client.post("/steward/classify", files={"table": table}).status_code == 403, "without CSRF proof"
    browser.close()
    anybody = Browser(make_app(node), node)
    assert anybody.raw("GET", "/steward/classify").status_code == 303
    anybody.close()


# ---- authorised operation


def agreement(node: Node, offer: str, consumer: str) -> None:
    asked = trade.request_offer(node, offer, consumer)
    assert not isinstance(asked, Refusal)
    verified = trade.move(node, asked.negotiation, "verify", consumer)
    assert not isinstance(verified, Refusal)


def test_the_disclosure_tells_who_was_authorised_and_what_was_offered(node: Node, client: TestClient[Any]) -> None:
    now = node.clock.now()
    year, until = int(now[:4]), instants.later(now, days=200)
    document = "https://city.example/tender/7"
    for operator, by, method in (("office", "routes", "tender"), ("nobody", "office", "tender")):
        refused = disclosure.authorise(node, "licences", by, operator, method, document, until)
        assert isinstance(refused, Refusal)
    made = disclosure.authorise(node, "licences", "office", "routes", "tender", document, until)
    assert not isinstance(made, Refusal) and made.until == until
    terms = Terms("aggregates", ("ResearchAndDevelopment",), 500, "EUR", 1)
    published = trade.publish_offer(node, "terraces", "licences", "routes", terms, None, True)
    assert not isinstance(published, Refusal)
    agreement(node, "terraces", "wage-commons")
    client.get("/api/v1/open/counts/data.csv")
    found = client.get(f"/api/v1/disclosure/{year}").json()
    (authorisation,), (operator,), (product,) = found["authorisations"], found["operators"], found["products"]
    assert (authorisation["operator"], authorisation["method"], authorisation["document"]) == (
        "routes",
        "tender",
        document,
    )
    assert (operator["party"], operator["products"]) == ("routes", 1)
    assert (product["offer"], product["agreements"], product["price"]) == (
        "terraces",
        1,
        {"minor": 500, "currency": "EUR"},
    )
    assert found["open_deliveries"] == [["counts", 1]]
    assert "terraces,licences,routes" in client.get(f"/api/v1/disclosure/{year}/products").text
    assert client.get(f"/api/v1/disclosure/{year - 1}").json()["authorisations"] == []
    assert len(client.get(f"/api/v1/disclosure/{year + 2}").json()["authorisations"]) == 0
    Page(client.get(f"/disclosure/{year}"))


def test_an_authorisation_ends_with_its_right(node: Node) -> None:
    from usufruct.node import rights

    until = Instant(instants.later(node.clock.now(), days=900))
    made = disclosure.authorise(node, "licences", "office", "routes", "assignment", "sha256:" + "0" * 64, until)
    assert not isinstance(made, Refusal)
    assert not isinstance(rights.revoke(node, made.right, "office"), Refusal)
    (found,) = disclosure.disclose(node, int(node.clock.now()[:4])).authorisations
    assert found.ended is not None
    terms = Terms("aggregates", ("ResearchAndDevelopment",), 500, "EUR", 1)
    refused = trade.publish_offer(node, "late", "licences", "routes", terms, None, False)
    assert isinstance(refused, Refusal) and refused.code == "rights.not-held"


def test_an_authorisation_ends_with_whatever_its_right_rests_on(node: Node) -> None:
    from usufruct.node import rights

    until = Instant(instants.later(node.clock.now(), days=900))
    made = disclosure.authorise(node, "licences", "office", "routes", "assignment", "sha256:" + "0" * 64, until)
    assert not isinstance(made, Refusal)
    with node.store.read() as state:
        right = state.get(Right, made.right)
        below = state.get(Right, right.rests_on) if right and right.rests_on else None
    assert below is not None
    assert not isinstance(rights.revoke(node, below.id, below.grantor), Refusal)
    (found,) = disclosure.disclose(node, int(node.clock.now()[:4])).authorisations
    assert found.ended is not None
    assert disclosure.disclose(node, int(node.clock.now()[:4]) + 1).authorisations == ()


def test_whoever_asks_for_disclosures_makes_the_node_read_each_fact_once(node: Node) -> None:
    until = instants.later(node.clock.now(), days=900)
    with mock.patch.object(Book, "_note", autospec=True, side_effect=Book._note) as noted:
        before = disclosure.disclose(node, 2026).facts
        for year in range(2000, 2400):
            disclosure.disclose(node, year)
        assert noted.call_count == before
        made = disclosure.authorise(node, "licences", "office", "routes", "assignment", "sha256:" + "0" * 64, until)
        assert not isinstance(made, Refusal)
        year = int(made.until[:4]) - 1
        assert disclosure.disclose(node, year).authorisations
        assert noted.call_count == before + 3
    again = Book()
    with node.store.read() as state:
        again.read_on(state.entries(0, state.size()))
    assert again.disclose(year) == disclosure.disclose(node, year)


def test_a_question_that_cannot_be_read_is_refused_before_the_asset_is_looked_for(node: Node) -> None:
    asked = sql.parse("SELECT")
    assert isinstance(deliver.rows(node, asked, "SELECT"), Refusal)
