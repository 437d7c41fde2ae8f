"""The yearly report on sellers as bytes: JSON, CSV, and XML in the shape of the schema that tax authorities exchange.

The XML follows `DPIXML_v1.0.xsd` (OECD, Model Rules for Reporting by Digital Platform Operators, XML Schema and User Guide,
2022), which Directive (EU) 2021/514 uses too: namespaces `urn:oecd:ties:dpi:v1` and `urn:oecd:ties:dpistf:v1`, amounts in
whole units of the currency (here: rounded to the nearest, halves up), times in CET without a zone. National rules narrow it;
some authorities take it under other namespaces.

What identifies a seller before a tax authority (numbers, address, birth date, account) comes from a file at report time. The
node keeps none of it: what is not kept needs no erasing.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.income.sellers import GOODS, REPORTABLE, SERVICES, Report, Said, Seller
from usufruct.wire import card

DPI, STF = "urn:oecd:ties:dpi:v1", "urn:oecd:ties:dpistf:v1"
NEXUS = ("RPONEX1", "RPONEX2", "RPONEX3", "RPONEX4", "RPONEX5")
_ACTIVITY = {SERVICES: "PersonalServices", GOODS: "SaleOfGoods"}
_HEAD = {"activity", "country", "nexus", "operator", "seller"}
_OPERATOR = {"name", "country", "tin", "address", "business_name", "vat"}
_SELLER = {
    "country", "tin", "vat", "address", "first_name", "last_name", "birth_date", "name", "account", "account_type",
    "account_holder", "listed", "activity",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is known of a year's operator and sellers beside their figures: fields of text, by seller."""

    activity: str = SERVICES
    country: str = ""
    nexus: str = NEXUS[0]
    operator: Mapping[str, str] = field(default_factory=dict)
    sellers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def said(self) -> dict[str, Said]:
        """What of it decides who is reported."""
        return {
            name: Said(one.get("country", ""), one.get("listed") == "true", one.get("activity", ""))
            for name, one in self.sellers.items()
        }


def read(text: str) -> Particulars:
    """The particulars that a file in TOML holds.

    Raises:
        BadInput: not TOML; a field is unknown or of another type.
    """
    value = card.parse(text, "the particulars of sellers")
    _known(value, _HEAD, "")
    sellers = value.get("seller", {})
    if not isinstance(sellers, dict) or not isinstance(value.get("operator", {}), dict):
        raise _wrong("`operator` or `seller` is no table", "write [operator] and [seller.NAME]")
    operator = _fields(value.get("operator", {}), _OPERATOR, "operator")
    said = {name: _fields(one, _SELLER, f"seller.{name}") for name, one in sellers.items()}
    head = _fields({name: value[name] for name in ("activity", "country", "nexus") if name in value}, _HEAD, "")
    for activity in (head.get("activity", SERVICES), *(one.get("activity", SERVICES) for one in said.values())):
        if activity not in _ACTIVITY:
            raise _wrong(f"the activity `{activity}`", f"say one of {', '.join(_ACTIVITY)}")
    if head.get("nexus", NEXUS[0]) not in NEXUS:
        raise _wrong(f"the nexus `{head['nexus']}`", f"say one of {', '.join(NEXUS)}")
    return Particulars(
        head.get("activity", SERVICES), head.get("country", ""), head.get("nexus", NEXUS[0]), operator, said
    )


def _fields(value: Any, known: set[str], where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _wrong(f"`{where}` is no table", f"write [{where}]")
    _known(value, known, where)
    found = {}
    for name, one in value.items():
        if not isinstance(one, str | bool | date):
            raise _wrong(f"`{name}` of {where or 'the file'} is not a text", f'write {name} = "…"')
        found[name] = str(one).lower() if isinstance(one, bool) else str(one)
    return found


def _known(value: dict[str, Any], fields: set[str], where: str) -> None:
    unknown = next((name for name in value if name not in fields), None)
    if unknown is not None:
        raise _wrong(
            f"the unknown field `{unknown}`{f' of {where}' if where else ''}", f"known are {', '.join(sorted(fields))}"
        )


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.sellers", f"the particulars of sellers cannot be read: {what}", remedy)


# ---- JSON and CSV


def plain(seller: Seller, currency: str) -> dict[str, Any]:
    """One seller as JSON has it: amounts as decimals in text, by quarter."""

    def amounts(minor: Sequence[int]) -> list[str]:
        return [decimal(one, DECIMALS[currency]) for one in minor]

    quarters = seller.quarters
    return {
        "seller": seller.party, "called": seller.called, "name": seller.name, "kind": seller.kind,
        "activity": seller.activity, "currency": currency, "consideration": amounts(quarters.paid),
        "fees": amounts(quarters.fees), "taxes": amounts(quarters.taxes), "activities": list(quarters.activities),
        "costs_paid_back": decimal(quarters.back, DECIMALS[currency]), "standing": seller.standing,
    }  # fmt: skip


def as_json(report: Report) -> str:
    """The report as JSON."""
    return json.dumps({
        "year": report.year, "operator": report.operator, "operator_name": report.operator_name, "currency": report.currency,
        "sellers": [plain(one, report.currency) for one in report.sellers],
    }, indent=2, ensure_ascii=False) + "\n"  # fmt: skip


def as_csv(report: Report) -> str:
    """One line a seller and quarter. What a spreadsheet would take for a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([
        "year", "quarter", "seller", "name", "kind", "activity", "consideration", "fees", "taxes", "activities", "currency",
        "standing",
    ])  # fmt: skip
    for one in report.sellers:
        row = plain(one, report.currency)
        for n in range(4):
            writer.writerow([
                report.year, n + 1, row["seller"], _text(one.name), one.kind, one.activity, row["consideration"][n],
                row["fees"][n], row["taxes"][n], row["activities"][n], report.currency, one.standing,
            ])  # fmt: skip
    return out.getvalue()


def _text(name: str) -> str:
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t") else name


# ---- XML


def as_xml(report: Report, particulars: Particulars, at: Instant, test: bool = False) -> bytes:
    """The report on those who are to be reported, made at `at`; `test` marks it as test data.

    Raises:
        BadInput: particulars are missing that the schema asks for.
    """
    reported = [one for one in report.sellers if one.standing == REPORTABLE]
    about = {one.party: _particulars(one, particulars) for one in reported}
    missing = [*_missing(particulars.operator, ("country", "tin", "address"), "operator")]
    if not particulars.country:
        missing.append("country")
    for one in reported:
        wanted = ("country", "address") if one.kind != "person" else (
            "country", "address", "first_name", "last_name", "birth_date")  # fmt: skip
        missing += _missing(about[one.party], wanted, f"seller.{one.called or one.party}")
    if missing:
        raise BadInput(
            "input.sellers", f"the report lacks what the schema asks for: {', '.join(missing)}",
            "write it into the file of particulars, or report as JSON or CSV",
        )  # fmt: skip
    root = ET.Element("dpi:DPI_OECD", {"xmlns:dpi": DPI, "xmlns:stf": STF, "version": "1.0"})
    name = f"{particulars.country}{report.year}{particulars.country}-{report.operator}-{at[:10].replace('-', '')}"
    _message(_add(root, "MessageSpec"), report, particulars, name, at, bool(reported))
    if reported:
        body = _add(root, "DPIBody")
        _operator(_add(body, "PlatformOperator"), report, particulars, name, test)
        for one in reported:
            element = _add(body, "ReportableSeller")
            _seller(element, one, about[one.party])
            _activities(_add(_add(element, "RelevantActivities"), _ACTIVITY[one.activity]), one, report.currency)
            _document(element, f"{name}-{one.party}", test)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def _particulars(one: Seller, particulars: Particulars) -> Mapping[str, str]:
    return particulars.sellers.get(one.party) or particulars.sellers.get(one.called) or {}


def _missing(found: Mapping[str, str], wanted: Sequence[str], where: str) -> Iterator[str]:
    yield from (f"{where}.{name}" for name in wanted if not found.get(name, "").strip())


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag if ":" in tag else f"dpi:{tag}", attributes)
    element.text = text
    return element


def _message(spec: ET.Element, report: Report, particulars: Particulars, name: str, at: Instant, reports: bool) -> None:
    _add(spec, "TransmittingCountry", particulars.country)
    _add(spec, "ReceivingCountry", particulars.country)
    _add(spec, "MessageType", "DPI")
    _add(spec, "MessageRefId", name)
    _add(spec, "MessageTypeIndic", "DPI401" if reports else "DPI403")
    _add(spec, "ReportingPeriod", f"{report.year}-12-31")
    _add(spec, "Timestamp", later(at, hours=1).removesuffix("Z"))  # CET


def _operator(element: ET.Element, report: Report, particulars: Particulars, name: str, test: bool) -> None:
    said = particulars.operator
    _organisation(element, said.get("name") or report.operator_name, said, said.get("business_name", ""))
    _add(element, "Nexus", particulars.nexus)
    _add(element, "AssumedReporting", "false")
    _document(element, f"{name}-operator", test)


def _organisation(element: ET.Element, name: str, said: Mapping[str, str], business_name: str = "") -> None:
    _add(element, "ResCountryCode", said["country"])
    _tin(element, said)
    if said.get("vat"):
        _add(element, "VAT", said["vat"])
    _add(element, "Name", name)
    if business_name:
        _add(element, "PlatformBusinessName", business_name)
    _address(element, said)


def _seller(element: ET.Element, one: Seller, said: Mapping[str, str]) -> None:
    identity = _add(element, "Identity")
    if one.kind != "person":
        standard = _add(_add(identity, "EntitySeller"), "Standard")
        _organisation(_add(standard, "EntSellerID"), said.get("name") or one.name, said)
    else:
        standard = _add(_add(identity, "IndividualSeller"), "Standard")
        person = _add(standard, "IndSellerID")
        _add(person, "ResCountryCode", said["country"])
        _tin(person, said)
        if said.get("vat"):
            _add(person, "VAT", said["vat"])
        name = _add(person, "Name")
        _add(name, "FirstName", said["first_name"])
        _add(name, "LastName", said["last_name"])
        _address(person, said)
        _add(_add(person, "BirthInfo"), "BirthDate", said["birth_date"])
    if said.get("account"):
        account = _add(standard, "FinancialIdentifier")
        _add(account, "Identifier", said["account"], AccountNumberType=said.get("account_type", "IBAN"))
        if said.get("account_holder"):
            _add(account, "AccountHolderName", said["account_holder"])


def _tin(element: ET.Element, said: Mapping[str, str]) -> None:
    if said.get("tin"):
        _add(element, "TIN", said["tin"], issuedBy=said["country"])
    else:
        _add(element, "TIN", "NOTIN", unknown="true")


def _address(element: ET.Element, said: Mapping[str, str]) -> None:
    address = _add(element, "Address")
    _add(address, "CountryCode", said["country"])
    _add(address, "AddressFree", said["address"])


def _activities(element: ET.Element, one: Seller, currency: str) -> None:
    """In the order of the schema: consideration, numbers, fees, taxes."""
    quarters = one.quarters

    def amounts(tag: str, each: str, minor: Sequence[int]) -> None:
        parent = _add(element, tag)
        for n, amount in enumerate(minor, 1):
            _add(parent, f"{each}Q{n}", str(whole_units(amount, currency)), currCode=currency)

    amounts("Consideration", "Cons", quarters.paid)
    numbers = _add(element, "NumberOfActivities")
    for n, number in enumerate(quarters.activities, 1):
        _add(numbers, f"NumbQ{n}", str(number))
    amounts("Fees", "Fees", quarters.fees)
    amounts("Taxes", "Tax", quarters.taxes)


def _document(element: ET.Element, name: str, test: bool) -> None:
    document = _add(element, "DocSpec")
    _add(document, "stf:DocTypeIndic", "OECD11" if test else "OECD1")
    _add(document, "stf:DocRefId", name)


def whole_units(minor: int, currency: str) -> int:
    """Minor units as whole ones, rounded to the nearest; halves up."""
    unit: int = 10 ** DECIMALS[currency]
    return (2 * minor + unit) // (2 * unit)
