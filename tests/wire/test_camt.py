"""What the bank says, in four messages; and what nobody should send."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.income.bank_statement import BookedEntry, Detail
from usufruct.wire import camt

OLD, NEW = "camt.053.001.02", "camt.053.001.08"
IBAN = "DE89370400440532013000"


def entry(amount: str = "7.00", sign: str = "DBIT", inside: str = "", status: str = "BOOK", version: str = NEW) -> str:
    booked = f"<Sts><Cd>{status}</Cd></Sts>" if version == NEW else f"<Sts>{status}</Sts>"
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{booked}<BookgDt><Dt>2026-11-23</Dt></BookgDt>'
        f"<AcctSvcrRef>B-1</AcctSvcrRef>{inside}</Ntry>"
    )


def statement(*entries: str, version: str = NEW, more: str = "", account: str = IBAN) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M</MsgId></GrpHdr>\n  <Stmt><Id>2026-47</Id><Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        '<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>'
        '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">3.5</Amt><CdtDbtInd>DBIT</CdtDbtInd></Bal>'
        + more
        + "\n    ".join(entries)
        + "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def details(*inside: str) -> str:
    return "<NtryDtls>" + "".join(f"<TxDtls>{one}</TxDtls>" for one in inside) + "</NtryDtls>"


REFS = "<Refs><EndToEndId>payout-40-1</EndToEndId></Refs>"


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_statement_is_read(version: str) -> None:
    one = entry(inside=details(REFS), version=version)
    back = entry("7", "CRDT", details(f"{REFS}<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"), version=version)
    many = entry("12.00", inside=details(
        f'{REFS}<AmtDtls><TxAmt><Amt Ccy="EUR">7.00</Amt></TxAmt></AmtDtls>',
        '<Refs><EndToEndId>payout-40-2</EndToEndId></Refs><Amt Ccy="EUR">5.00</Amt>',
    ), version=version)  # fmt: skip
    part = entry(
        "30.00", inside="<NtryDtls><Btch><PmtInfId>payout-40-part-0</PmtInfId></Btch></NtryDtls>", version=version
    )
    pending = entry(status="PDNG", version=version)
    found = camt.read(statement(one, back, many, part, pending, version=version))
    assert (found.id, found.account, found.currency, found.opening, found.closing) == (
        "2026-47",
        IBAN,
        "EUR",
        10_000,
        -350,
    )
    assert found.entries == (
        BookedEntry("2026-11-23", -700, "B-1", "", (Detail("payout-40-1"),)),
        BookedEntry("2026-11-23", 700, "B-1", "", (Detail("payout-40-1", None, "AC04"),)),
        BookedEntry("2026-11-23", -1200, "B-1", "", (Detail("payout-40-1", 700), Detail("payout-40-2", 500))),
        BookedEntry("2026-11-23", -3000, "B-1", "payout-40-part-0"),
    )


def test_of_others_nothing_is_kept() -> None:
    other = details(
        "<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><Cdtr><Nm>Ana Rossi</Nm></Cdtr></RltdPties>"
        "<RmtInf><Ustrd>for the rent, she is ill</Ustrd></RmtInf>"
    )
    assert "Rossi" not in repr(camt.read(statement(entry(inside=other)))) + repr(
        camt.read(statement(entry(inside=other)))
    )
    assert "rent" not in repr(camt.read(statement(entry(inside=other))))


@pytest.mark.parametrize("version", ["pain.002.001.03", "pain.002.001.10"])
def test_a_report_tells_what_was_never_made(version: str) -> None:
    data = f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId></GrpHdr>
    <OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>payout-40-0</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>
    <TxInfAndSts><OrgnlEndToEndId>payout-40-1</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>
    </TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""
    found = camt.read(data.encode())
    assert found.entries == () and found.rejected == (Detail("payout-40-1", None, "AC01"),)


LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;"><!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]>"""
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
ROOT = f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{NEW}">'

BAD = {
    "nothing": b"",
    "no XML": b"IBAN;amount\nDE;7",
    "half": statement(entry())[:-30],
    "billion laughs": f"{LAUGHS}{ROOT}&lol3;</Document>".encode(),
    "another file": f"{EXTERNAL}{ROOT}&e;</Document>".encode(),
    "a document type alone": f'<!DOCTYPE Document SYSTEM "http://example.org/x.dtd">{ROOT}</Document>'.encode(),
    "another message": statement(entry(), version="camt.052.001.08"),
    "no namespace": statement(entry()).replace(b' xmlns="', b' x="'),
    "another namespace inside": statement()
    .replace(b"<Stmt>", b'<Stmt xmlns="urn:other">')
    .replace(b"</Stmt>", b"</Stmt>"),
    "deep": (ROOT + "<Id>" * 60 + "</Id>" * 60 + "</Document>").encode(),
    "a long text": statement(entry()).replace(b"B-1", b"B" * 3000),
    "two statements": statement(entry()).replace(b"</BkToCstmrStmt>", b"<Stmt></Stmt></BkToCstmrStmt>"),
    "no account": statement(entry()).replace(b"IBAN>", b"Othr>"),
    "two currencies": statement(entry().replace("EUR", "USD")),
    "an unknown currency": statement(entry()).replace(b"EUR", b"XBT"),
    "neither in nor out": statement(entry(sign="BOTH")),
    "no amount": statement(entry("seven")),
    "below zero": statement(entry("-7.00")),
    "a thousandth": statement(entry("7.001")),
    "an exponent": statement(entry("1e3")),
    "no day": statement(entry().replace("BookgDt", "ValDt")),
    "no such day": statement(entry().replace("2026-11-23", "2026-02-30")),
    "an encoding": statement(entry()).replace(b"UTF-8", b"KLINGON"),
    "not UTF-8": statement(entry()).replace(b"B-1", b"\xff\xfe"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        camt.read(BAD[name])
    assert caught.value.code in ("input.statement", "input.instant")


def test_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt, "SIZE_MAX", 500)
    with pytest.raises(BadInput, match="larger"):
        camt.read(statement(entry()))


@settings(max_examples=150)
@given(st.data())
def test_no_bytes_do_anything_but_be_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(statement(entry(inside=details(REFS)), entry("1.00", "CRDT")))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    with contextlib.suppress(BadInput):
        camt.read(bytes(whole))


def test_classes_made_from_the_schemas_read_the_same() -> None:
    """An independent reader, where it is installed."""
    pyiso = pytest.importorskip("pyiso20022.camt.camt_053_001_08", reason="pyiso20022 is not installed")
    from xsdata.formats.dataclass.parsers import XmlParser

    data = statement(entry(inside=details(REFS)), entry("3.10", "CRDT"))
    theirs = XmlParser().from_bytes(data, pyiso.Document).bk_to_cstmr_stmt.stmt[0].ntry
    ours = camt.read(data).entries
    assert [abs(one.amount) for one in ours] == [int(one.amt.value * 100) for one in theirs]
