"""Orders to the bank: valid by the schema of the standard, the same bytes each time, and right in their sums."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.income import banking
from usufruct.core.income.payout import PART, Credit, Order
from usufruct.wire import pain

AT = Instant("2026-11-23T12:00:00.000Z")
IBAN = "DE89370400440532013000"
SPACE = {"p": pain.NAMESPACE}


def order(credits: list[Credit], currency: str = "EUR", bic: str = "") -> bytes:
    total = sum(credit.amount for credit in credits)
    head = Order("payout-1100", "Wage Commons + friends", IBAN, bic, currency, AT, len(credits), total)
    return b"".join(pain.write(head, credits))


def credit(n: int, amount: int = 1234, bic: str = "") -> Credit:
    return Credit(n, amount, "Ana O'Neill (Rossi)", "IT60X0542811101000000123456", bic, f"payout-1100-{n}")


def schema() -> Path:
    found = find_spec("sepaxml")
    if found is None or found.origin is None:
        pytest.skip("sepaxml, which carries the schema, is not installed")
    return Path(found.origin).parent / "schemas" / "pain.001.001.09.xsd"


def check(data: bytes, folder: Path) -> None:
    """Valid by the schema of ISO 20022, as xmllint reads it."""
    if shutil.which("xmllint") is None:
        pytest.skip("xmllint is not installed")
    path = folder / "order.xml"
    path.write_bytes(data)
    done = subprocess.run(
        ["xmllint", "--noout", "--stream", "--schema", schema(), path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:2000]


CASES = {
    "one": order([credit(0)]),
    "with banks": order([credit(0, bic="UNCRITMMXXX")], bic="COBADEFFXXX"),
    "without decimals": order([credit(0, 5), credit(1, 7)], "JPY"),
    "large": order([credit(0, 10**15)]),
    "some left out": order([credit(n) for n in (3, 4, 9)]),
    "two parts": order([credit(n, n + 1) for n in range(PART - 2, PART + 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_schema_takes_it(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path)


def test_the_schema_would_notice(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="IBAN"):
        check(CASES["one"].replace(b"IT60X", b"it60x"), tmp_path)


def test_sums_and_counts_are_those_of_the_payments() -> None:
    data = order([credit(n, n + 1) for n in range(2 * PART + 5)])
    root = ElementTree.fromstring(data)
    parts = root.findall(".//p:PmtInf", SPACE)
    assert [len(part.findall("p:CdtTrfTxInf", SPACE)) for part in parts] == [PART, PART, 5]
    together = Decimal(0)
    for part in parts:
        amounts = [Decimal(one.text or "") for one in part.findall(".//p:InstdAmt", SPACE)]
        assert part.findtext("p:NbOfTxs", "", SPACE) == str(len(amounts))
        assert Decimal(part.findtext("p:CtrlSum", "", SPACE)) == sum(amounts)
        together += sum(amounts)
    assert Decimal(root.findtext(".//p:GrpHdr/p:CtrlSum", "", SPACE)) == together
    names = [one.text for one in root.findall(".//p:EndToEndId", SPACE)]
    assert len(set(names)) == len(names) and max(map(len, filter(None, names))) <= 35


def test_an_order_that_does_not_hold_what_it_says_is_none() -> None:
    head = Order("payout-1", "x", IBAN, "", "EUR", AT, 2, 10)
    with pytest.raises(AssertionError, match="what it holds"):
        list(pain.write(head, [credit(0, 10)]))


def test_the_same_order_is_the_same_bytes() -> None:
    assert order([credit(n) for n in range(50)]) == order([credit(n) for n in range(50)])


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=90))
def test_whatever_a_name_is_it_is_refused_or_safe(name: str) -> None:
    try:
        holder = banking.latin(name)
    except BadInput:
        return
    assert holder.isascii() and 0 < len(holder) <= banking.NAME_LENGTH
    data = order([Credit(0, 1, holder, IBAN, "", "x")])
    found = ElementTree.fromstring(data).findtext(".//p:Cdtr/p:Nm", "", SPACE)
    assert found == holder


SPELT = [
    ("Zoë Lefèvre", "Zoe Lefevre"), ("Straße & Söhne", "Strasse + Sohne"), ("Łukasz Żółć", "Lukasz Zolc"),
    ("  Ana   Rossi ", "Ana Rossi"), ("Đorđe", "Dorde"), ("O’Neill", "O'Neill"), ("ﬁne", "fine"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spelt"), SPELT)
def test_names_are_spelt_as_every_bank_can(name: str, spelt: str) -> None:
    assert banking.latin(name) == spelt


@pytest.mark.parametrize("name", ["", " ", "Анна", "王", "<b>", "a\x00b", "/slash", "a//b", "x/", "😀"])
def test_names_that_no_bank_can_write_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        banking.latin(name)


GOOD = ["DE89 3704 0044 0532 0130 00", "gb29nwbk60161331926819", "FR1420041010050500013M02606", "NL91ABNA0417164300",
        "MT84MALT011000012345MTLCAST001S", "NO9386011117947"]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_account_numbers_that_are_some(text: str) -> None:
    assert banking.iban(text) == text.replace(" ", "").upper()


BAD = ["", "DE", "DE88370400440532013000", "DE8937040044053201300", "XX89370400440532013000", "DE89 3704 0044 0532 0130 O0",
       "DE89370400440532013000DE", "ＤＥ89370400440532013000", "DE89-3704-0044-0532-0130-00", "US64SVBKUS6S3300958879"]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_account_numbers_that_are_none(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        banking.iban(text)
    assert len(text) < 5 or text not in str(caught.value), "what was typed is not told on"


@settings(max_examples=200)
@given(st.sampled_from(GOOD), st.data())
def test_no_two_digits_change_places_unnoticed(good: str, data: st.DataObject) -> None:
    text = good.replace(" ", "").upper()
    at = data.draw(st.integers(4, len(text) - 2))
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if swapped != text:
        with pytest.raises(BadInput):
            banking.iban(swapped)


def test_another_program_says_the_same_of_account_numbers() -> None:
    iban = pytest.importorskip("stdnum.iban", reason="python-stdnum is not installed")
    for text in (*GOOD, *BAD):
        if text.isascii() and "-" not in text:
            try:
                ours = bool(banking.iban(text))
            except BadInput:
                ours = False
            assert ours == iban.is_valid(text, check_country=False), text
