"""What the bank says: statements (ISO 20022 camt.053.001.02 and .08) and status reports (pain.002.001.03 and .10).

They come from outside, so they are read with care: a document type, and with it every entity, is refused before anything is
expanded; there is a bound on the size, the depth, and the length of a text; only elements of the one namespace count. Read
event by event: of what is not needed, names and addresses of others above all, nothing is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import DECIMALS
from usufruct.core.income.bank_statement import BankStatement, BookedEntry, Detail

SIZE_MAX = 64 * 1024 * 1024
DEPTH_MAX = 40
TEXT_MAX = 2_000
NAMESPACES = tuple(
    f"urn:iso:std:iso:20022:tech:xsd:{name}"
    for name in ("camt.053.001.02", "camt.053.001.08", "pain.002.001.03", "pain.002.001.10")
)
_AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,5}))?")


@dataclass(slots=True)
class _Element:
    """An element with what is in it."""

    name: str
    currency: str = ""
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def all(self, path: str) -> list[_Element]:
        """Every element at that path below it."""
        found = [self]
        for name in path.split("/"):
            found = [child for element in found for child in element.children if child.name == name]
        return found

    def get(self, *paths: str) -> str:
        """The text of the first element at the first path that has one; empty if none has."""
        return next((element.text.strip() for path in paths for element in self.all(path) if element.text.strip()), "")


def read(data: bytes) -> BankStatement:
    """The statement in a file; a status report is one without lines.

    Raises:
        BadInput: it is no XML that is read here, not one of the messages, or not of one account and currency.
    """
    if len(data) > SIZE_MAX:
        raise _bad(f"it is larger than {SIZE_MAX // 1024 // 1024} MiB", "take one statement for each day")
    root = _parse(data)
    if root.all("CstmrPmtStsRpt"):
        return _report(root)
    statements = root.all("BkToCstmrStmt/Stmt")
    if len(statements) != 1:
        raise _bad(f"it has {len(statements)} statements", "give it the statements one by one")
    return _statement(statements[0])


def _bad(why: str, remedy: str = "take a camt.053 file as the bank gives it") -> BadInput:
    return BadInput("input.statement", f"the bank's statement cannot be read: {why}", remedy)


def _parse(data: bytes) -> _Element:
    """The elements of a file.

    Raises:
        BadInput: see `read`.
    """
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    root = _Element("")
    stack = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition("}")
        if len(stack) == 1 and (space not in NAMESPACES or local != "Document"):
            raise _bad("it is none of the messages that are read here")
        if len(stack) > DEPTH_MAX:
            raise _bad(f"its elements lie more than {DEPTH_MAX} deep")
        element = _Element(local if space in NAMESPACES else "", attributes.get("Ccy", ""))
        stack.append(element)

    def text(more: str) -> None:
        if not more.strip():
            return  # what stands between elements
        if len(stack[-1].text) + len(more) > TEXT_MAX:
            raise _bad(f"a text in it is longer than {TEXT_MAX} characters")
        stack[-1].text += more

    def end(name: str) -> None:
        element = stack.pop()
        if element.name in _NEEDED:
            stack[-1].children.append(element)

    def refuse(*_: object) -> None:
        raise _bad("it has a document type; no statement needs one, and it could hide anything")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    handlers: dict[str, Callable[..., object]] = dict.fromkeys(
        ("StartDoctypeDeclHandler", "EntityDeclHandler", "UnparsedEntityDeclHandler", "ExternalEntityRefHandler"), refuse
    )  # fmt: skip
    for name, handler in handlers.items():
        setattr(parser, name, handler)
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise _bad(f"it is not well-formed XML ({error})") from None
    return root.children[0] if root.children else root


# What is looked at; an element of any other name is let go of as soon as it ends, with all that is in it.
_NEEDED = frozenset(re.findall(
    r"\w+",
    """Document BkToCstmrStmt Stmt Id Acct IBAN Ccy Bal Tp CdOrPrtry Cd Amt CdtDbtInd Ntry Sts BookgDt Dt DtTm AcctSvcrRef
    NtryRef NtryDtls Btch PmtInfId TxDtls Refs EndToEndId AmtDtls TxAmt RtrInf Rsn Prtry RvslInd CstmrPmtStsRpt
    OrgnlPmtInfAndSts TxInfAndSts OrgnlEndToEndId TxSts StsRsnInf GrpHdr MsgId""",
))  # fmt: skip


def _statement(found: _Element) -> BankStatement:
    accounts = {_compact(element.text) for element in found.all("Acct/Id/IBAN")}
    if len(accounts) != 1:
        raise _bad("it does not say of which account it is, by IBAN")
    balances: dict[str, tuple[str, int]] = {}
    for balance in found.all("Bal"):
        amount = _amount(balance)
        kind = balance.get("Tp/CdOrPrtry/Cd")
        balances.setdefault(kind, (amount[0], amount[1] * _sign(balance)))
    entries = [entry for entry in found.all("Ntry") if (entry.get("Sts/Cd") or entry.get("Sts")) == "BOOK"]
    booked = [_entry(entry) for entry in entries]
    currencies = {currency for currency, _ in (*balances.values(), *((money, 0) for money, _ in booked))}
    currencies |= {element.text.strip() for element in found.all("Acct/Ccy")}
    if len(currencies) != 1:
        raise _bad("it is not in one currency", "take a statement of one account in one currency")
    opening = balances.get("OPBD") or balances.get("PRCD")
    closing = balances.get("CLBD")
    return BankStatement(
        found.get("Id")[:35], accounts.pop(), currencies.pop(), opening[1] if opening else None,
        closing[1] if closing else None, tuple(entry for _, entry in booked),
    )  # fmt: skip


def _entry(found: _Element) -> tuple[str, BookedEntry]:
    currency, amount = _amount(found)
    sign = _sign(found)
    back = found.get("RvslInd") in ("true", "1")
    details = []
    for detail in found.all("NtryDtls/TxDtls"):
        sums = [_amount(one) for one in (detail, *detail.all("AmtDtls/TxAmt")) if one.all("Amt")]
        reason = detail.get("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry") or ("reversed" if back or detail.all("RtrInf") else "")
        own = next((number for money, number in sums if money == currency), None)
        details.append(Detail(detail.get("Refs/EndToEndId")[:35], own, reason[:35]))
    parts = {found.get("NtryDtls/Btch/PmtInfId"), *(one.get("Refs/PmtInfId") for one in found.all("NtryDtls/TxDtls"))}
    named = sorted(parts - {""})
    day = parse_instant((found.get("BookgDt/Dt", "BookgDt/DtTm") or _missing("the day on which it was booked"))[:10])
    reference = found.get("AcctSvcrRef", "NtryRef")[:35]
    return currency, BookedEntry(
        day[:10], amount * sign, reference, named[0][:35] if len(named) == 1 else "", tuple(details)
    )  # fmt: skip


def _report(root: _Element) -> BankStatement:
    """A status report: only what was rejected is told; what was accepted shows when it is booked."""
    rejected = tuple(
        Detail(
            one.get("OrgnlEndToEndId")[:35], None, one.get("StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry")[:35] or "rejected"
        )
        for one in root.all("CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts")
        if one.get("TxSts") == "RJCT"
    )
    return BankStatement(root.get("CstmrPmtStsRpt/GrpHdr/MsgId")[:35], "", "", None, None, (), rejected)


def _missing(what: str) -> str:
    raise _bad(f"a line lacks {what}")


def _sign(found: _Element) -> int:
    sign = {"CRDT": 1, "DBIT": -1}.get(found.get("CdtDbtInd"))
    if sign is None:
        raise _bad("a line does not say whether money came or went")
    return sign


def _amount(found: _Element) -> tuple[str, int]:
    """Currency and minor units of the amount in an element, exactly."""
    amounts = found.all("Amt")
    match = _AMOUNT.fullmatch(amounts[0].text.strip()) if amounts else None
    currency = amounts[0].currency if amounts else ""
    if match is None or currency not in DECIMALS:
        raise _bad("an amount in it is none, or in a currency that the node does not know")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    decimals = DECIMALS[currency]
    if len(fraction) > decimals:
        raise _bad(f"an amount in it has more decimals than {currency}")
    return currency, int(whole) * 10**decimals + int(fraction.ljust(decimals, "0") or "0")


def _compact(text: str) -> str:
    return re.sub(r"\s", "", text).upper()
