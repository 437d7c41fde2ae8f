"""Orders to the bank: ISO 20022 pain.001.001.09, customer credit transfer initiation.

Written piece by piece, so that a million payments take no more memory than ten thousand. A part (`PmtInf`) has at most
`payout.PART` payments, for banks take no more as one, and says how many they are and what they sum to; so does the whole. The
same order is the same bytes. All text is in the letters that every bank takes (see `core.income.banking`), and what XML
would read is escaped all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from xml.sax.saxutils import escape

from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.income.payout import PART, Credit, Order, name_of, name_of_part

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


def write(order: Order, credits: Iterable[Credit]) -> Iterator[bytes]:
    """The bytes of an order, part by part. The payments come in the order of their numbers."""
    decimals = DECIMALS[order.currency]
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn><GrpHdr>'
        f"<MsgId>{order.payout}</MsgId><CreDtTm>{order.at}</CreDtTm><NbOfTxs>{order.payments}</NbOfTxs>"
        f"<CtrlSum>{decimal(order.total, decimals)}</CtrlSum><InitgPty><Nm>{escape(order.holder)}</Nm></InitgPty></GrpHdr>\n"
    ).encode()
    count = total = 0
    for part, found in groupby(credits, lambda credit: credit.n // PART):
        together = list(found)
        count += len(together)
        total += sum(credit.amount for credit in together)
        yield _part(order, part, together, decimals)
    assert (count, total) == (order.payments, order.total), "an order says what it holds"
    yield b"</CstmrCdtTrfInitn></Document>\n"


def _part(order: Order, part: int, credits: Sequence[Credit], decimals: int) -> bytes:
    total = decimal(sum(credit.amount for credit in credits), decimals)
    # SEPA: euro, costs shared by the rules of the scheme.
    scheme = "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>" if order.currency == "EUR" else ""
    charges = "SLEV" if order.currency == "EUR" else "SHAR"
    agent = f"<BICFI>{order.bic}</BICFI>" if order.bic else "<Othr><Id>NOTPROVIDED</Id></Othr>"
    head = (
        f"<PmtInf><PmtInfId>{name_of_part(order.payout, part)}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>"
        f"<NbOfTxs>{len(credits)}</NbOfTxs><CtrlSum>{total}</CtrlSum>{scheme}<ReqdExctnDt><Dt>{order.at[:10]}</Dt></ReqdExctnDt>"
        f"<Dbtr><Nm>{escape(order.holder)}</Nm></Dbtr><DbtrAcct><Id><IBAN>{order.iban}</IBAN></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId>{agent}</FinInstnId></DbtrAgt><ChrgBr>{charges}</ChrgBr>\n"
    )
    start = f'</EndToEndId></PmtId><Amt><InstdAmt Ccy="{order.currency}">'
    pieces = [head]
    for credit in credits:
        bank = f"<CdtrAgt><FinInstnId><BICFI>{credit.bic}</BICFI></FinInstnId></CdtrAgt>" if credit.bic else ""
        pieces.append(
            f"<CdtTrfTxInf><PmtId><EndToEndId>{name_of(order.payout, credit.n)}{start}{decimal(credit.amount, decimals)}"
            f"</InstdAmt></Amt>{bank}<Cdtr><Nm>{escape(credit.holder)}</Nm></Cdtr><CdtrAcct><Id><IBAN>{credit.iban}</IBAN></Id>"
            f"</CdtrAcct><RmtInf><Ustrd>{escape(credit.text)}</Ustrd></RmtInf></CdtTrfTxInf>\n"
        )
    pieces.append("</PmtInf>\n")
    return "".join(pieces).encode()
