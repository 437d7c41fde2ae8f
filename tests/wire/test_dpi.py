"""The report on sellers as bytes: golden XML, held to the published schema where it is there; CSV, JSON, bad particulars."""

from __future__ import annotations

import csv
import io
import json
import os
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse
from usufruct.core.income.sellers import REPORTABLE, Quarters, Report, Seller
from usufruct.wire import dpi

AT = parse("2027-01-15T09:30:00Z")
GOLDEN = Path(__file__).parent / "dpi.xml"
ANNA = Seller(
    "member-0a", "anna", "Anna Álvarez", "person", "personal-services",
    Quarters([12_049, 0, 0, 12_050], [3_000, 0, 0, 3_000], [150, 0, 0, 49], [4, 0, 0, 5]), REPORTABLE,
)  # fmt: skip
LAB = Seller("lab", "lab", "=Lab & Söhne", "organisation", "goods", Quarters([0, 999_950, -50, 0]), REPORTABLE)
TOWN = Seller("town", "town", "The Town", "public-body", "personal-services", Quarters(), "a governmental entity")
REPORT = Report(2026, "coop", "Data Cooperative", "EUR", (ANNA, LAB, TOWN))

PARTICULARS = """
activity = "personal-services"
country = "FR"

[operator]
country = "FR"
tin = "123456789"
address = "1 rue du Port, 34000 Montpellier"
business_name = "The data node"

[seller.anna]
country = "ES"
tin = "12345678Z"
first_name = "Anna"
last_name = "Álvarez"
birth_date = 1990-02-28
address = "Calle Mayor 1, Madrid"
account = "ES9121000418450200051332"
account_holder = "Anna Álvarez"

[seller.lab]
country = "DE"
vat = "DE123456789"
address = "Hauptstraße 2, Köln"
"""


def made(report: Report = REPORT, test: bool = False) -> bytes:
    return dpi.as_xml(report, dpi.read(PARTICULARS), AT, test)


def test_the_xml_is_as_stored() -> None:
    if os.environ.get("USUFRUCT_STORE"):
        GOLDEN.write_bytes(made())
    assert made() == GOLDEN.read_bytes()


def figures(root: ET.Element, tag: str) -> list[list[str | None]]:
    return [[each.text for each in one] for one in root.iter(f"{{{dpi.DPI}}}{tag}")]


def test_amounts_are_whole_units_rounded_to_the_nearest() -> None:
    root = ET.fromstring(made())
    assert figures(root, "Consideration") == [["120", "0", "0", "121"], ["0", "10000", "0", "0"]]
    assert figures(root, "Taxes")[0] == ["2", "0", "0", "0"]
    assert figures(root, "NumberOfActivities")[0] == ["4", "0", "0", "5"]
    assert b"The Town" not in made(), "who is excluded is not in the report"


def test_without_anybody_to_report_the_message_says_so() -> None:
    root = ET.fromstring(made(Report(2026, "coop", "Data Cooperative", "EUR", (TOWN,))))
    assert [one.text for one in root.iter(f"{{{dpi.DPI}}}MessageTypeIndic")] == ["DPI403"]
    assert root.find(f"{{{dpi.DPI}}}DPIBody") is None


@pytest.mark.parametrize("test", [False, True])
def test_the_schema_of_the_french_authority_accepts_it(test: bool) -> None:
    """Published by the DGFiP and carried by the package `dac7`: other namespaces, French operators, `TaxesQ1` for `TaxQ1`."""
    xmlschema = pytest.importorskip("xmlschema")
    pytest.importorskip("dac7")
    found = next(resources.files("dac7").joinpath("schemas").iterdir())
    schema = xmlschema.XMLSchema(str(next(Path(str(found)).parent.glob("DPIXML*.xsd"))))
    text = made(Report(2026, "coop", "Data Cooperative", "EUR", (ANNA,)), test).decode()
    for ours, theirs in (
        (dpi.DPI, "urn:oecd:ties:dpi"), (dpi.STF, "urn:oecd:ties:dpistf"), ("dpi:TaxQ", "dpi:TaxesQ"),
        ("FR2026FR-coop-20270115</dpi:MessageRefId", "OP_2026_123456789_1</dpi:MessageRefId"),
    ):  # fmt: skip
        assert ours in text
        text = text.replace(ours, theirs)
    errors = [str(error.reason) for error in schema.iter_errors(text)]
    assert errors == []


@pytest.mark.skipif("USUFRUCT_DPI_XSD" not in os.environ, reason="names no folder with DPIXML_v1.0.xsd of the OECD")
@pytest.mark.parametrize("report", [REPORT, Report(2026, "coop", "Data Cooperative", "EUR", (TOWN,))])
def test_the_schema_of_the_oecd_accepts_it(report: Report) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(str(Path(os.environ["USUFRUCT_DPI_XSD"]) / "DPIXML_v1.0.xsd"))
    assert [str(error.reason) for error in schema.iter_errors(made(report).decode())] == []
    broken = made(report).replace(b"TransmittingCountry", b"SendingCountry")
    assert list(schema.iter_errors(broken.decode())), "the schema can say no"


def test_csv_and_json_hold_the_same_figures() -> None:
    rows = list(csv.DictReader(io.StringIO(dpi.as_csv(REPORT))))
    told = json.loads(dpi.as_json(REPORT))
    for one in told["sellers"]:
        mine = [row for row in rows if row["seller"] == one["seller"]]
        assert [row["consideration"] for row in mine] == one["consideration"]
        assert [int(row["activities"]) for row in mine] == one["activities"]
    assert rows[0]["consideration"] == "120.49"
    assert rows[4]["name"] == "'=Lab & Söhne", "no formula for a spreadsheet"


BAD = [
    ("nonsense", "not TOML"),
    ('colour = "red"', "unknown field `colour`"),
    ('[seller.anna]\nshoe = "38"', "unknown field `shoe`"),
    ("[seller.anna]\ntin = 12", "`tin`"),
    ("seller = 1", "no table"),
    ('activity = "rental"', "activity `rental`"),
    ('nexus = "X"', "nexus `X`"),
    ('[seller.anna]\nactivity = "x"', "activity `x`"),
]


@pytest.mark.parametrize(("text", "because"), BAD)
def test_bad_particulars(text: str, because: str) -> None:
    with pytest.raises(BadInput) as error:
        dpi.read(text)
    assert because in error.value.message


def test_what_is_missing_for_the_xml_is_named() -> None:
    with pytest.raises(BadInput) as error:
        dpi.as_xml(REPORT, dpi.read(PARTICULARS.replace("birth_date = 1990-02-28\n", "")), AT)
    assert "seller.anna.birth_date" in error.value.message
    with pytest.raises(BadInput) as error:
        dpi.as_xml(REPORT, dpi.Particulars(), AT)
    assert "operator.tin" in error.value.message and "seller.lab.country" in error.value.message
