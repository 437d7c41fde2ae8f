"""A node that owes money and knows where to pay it, for tests: twelve members, one closed period, and a bank that can be asked."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import story
from usufruct.core.income.bank_statement import BankStatement, BookedEntry, Detail
from usufruct.core.income.payout_state import Payout
from usufruct.core.registry.rules import id_of
from usufruct.main import open_node
from usufruct.node import payout
from usufruct.node.node import Node
from usufruct.node.payout import Reconciled
from usufruct.wire.pain import NAMESPACE

PAY_FROM = "DE89370400440532013000"
ACCOUNTS = (
    "NL91ABNA0417164300", "FR1420041010050500013M02606", "GB29NWBK60161331926819", "IT60X0542811101000000123456",
    "MT84MALT011000012345MTLCAST001S", "NO9386011117947",
)  # fmt: skip
PAID, GIVEN, SILENT = story.MEMBERS[:6], story.MEMBERS[6:8], story.MEMBERS[8:]
PRICE = 60_000
_SPACE = {"p": NAMESPACE}


def set_up(directory: Path) -> None:
    """Names the account that the node pays from."""
    settings = directory / "node.toml"
    settings.write_text(settings.read_text().replace('pay_from = ""', f'pay_from = "{PAY_FROM}"'))


def earn(node: Node, period: str = "spring") -> None:
    """One question is answered at 600 euro, and a period is closed over it: each of the twelve members is due 35."""
    story.answer(node, f"SELECT COUNT(*) AS {period} FROM pay", story.CHEAP)
    story.close_period(node, period)


def prepare(directory: Path, table: Path) -> None:
    """A period is closed; six members say where to be paid, two give it away, four say nothing; the operator wants its part."""
    set_up(directory)
    with open_node(directory) as node:
        story.bring_to_agreement(node, table, PRICE)
        earn(node)
        for member, iban in zip(PAID, ACCOUNTS, strict=True):
            story.done(payout.instruct(node, member, "bank", f"The owner of {member}", iban))
        for member in GIVEN:
            story.done(payout.instruct(node, member, "purse"))
        story.done(payout.instruct(node, story.OPERATOR, "bank", "Wage Commons", ACCOUNTS[0], "ABNANL2A"))


def approved(node: Node) -> str:
    """A payout is proposed and approved; its name."""
    name = story.done(payout.propose(node)).payout
    story.done(payout.approve(node, name, story.OPERATOR))
    return name


def row(node: Node, name: str) -> Payout:
    """A payout as it stands."""
    with node.store.read() as state:
        found = state.get(Payout, name)
    assert found is not None
    return found


def owed(node: Node, member: str) -> int:
    """What a member is owed now, in minor units."""
    return story.done(payout.payee_page(node, member)).owed[0].minor


def in_order(node: Node, name: str) -> list[tuple[str, int, str]]:
    """Name, amount and account of each payment in the order that was handed over."""
    path = node.payer.order(name)
    assert path is not None
    root = ElementTree.fromstring(path.read_bytes())
    return [
        (one.findtext(".//p:EndToEndId", "", _SPACE), int(one.findtext(".//p:InstdAmt", "", _SPACE).replace(".", "")),
         one.findtext("p:CdtrAcct/p:Id/p:IBAN", "", _SPACE))
        for one in root.findall(".//p:CdtTrfTxInf", _SPACE)
    ]  # fmt: skip


class Bank:
    """A bank that makes what it is ordered, unless it has had that name before; and tells of it."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[int, str]] = {}
        self.entries: list[BookedEntry] = []
        self.balance = 0

    def take(self, node: Node) -> None:
        """Whatever lies in the folder is made."""
        for name in sorted(node.payer.kept()):
            if node.payer.order(name) is None:
                continue
            for payment, amount, iban in in_order(node, name):
                if payment not in self.made:
                    self.made[payment] = (amount, iban)
                    self.book(-amount, Detail(payment))

    def book(self, amount: int, *details: Detail, part: str = "") -> None:
        """A line of the next statement."""
        self.balance += amount
        self.entries.append(BookedEntry("2026-11-23", amount, f"B-{len(self.entries)}", part, details))

    def statement(self, first: int = 0) -> BankStatement:
        """What was booked from that line on."""
        entries = tuple(self.entries[first:])
        opening = self.balance - sum(entry.amount for entry in entries)
        return BankStatement(f"S-{len(self.entries)}", PAY_FROM, "EUR", opening, self.balance, entries)


def tell(node: Node, statement: BankStatement) -> Reconciled:
    """The node reads a statement, which is its own file."""
    digest = hashlib.sha256(repr(statement).encode()).hexdigest()
    return story.done(payout.read_statement(node, statement, digest, story.OPERATOR))


def party(node: Node, name: str) -> str:
    """The id of a member."""
    with node.store.read() as state:
        return id_of(state, name)
