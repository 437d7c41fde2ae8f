"""Money on its way: proposed, approved, handed to the bank, and found again on its statements.

    propose → refused, or approved (reserved in the ledger) → the order is prepared → sent (its fact) → handed over
    → statements: each line is found to be a payment that was made or came back, or waits to be explained → settled

The payer is a follower. What it has to do follows from where payouts stand, so it has no place of its own to lose: an order
that was prepared and has no fact yet is written again, to the same bytes; one that has its fact is handed over, once or a
second time, under the same name. No bank sees an order before its fact is durable, and the name of the message and of each
payment is the same each time, so that nothing is paid twice.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.access.delegation import only_people
from usufruct.core.base.faults import NodeFault
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income import bank_statement, banking, payout, settlement
from usufruct.core.income.accounts import members_of
from usufruct.core.income.bank_statement import BankStatement
from usufruct.core.income.ledger import Account, CreditLimit
from usufruct.core.income.measure import rows_of
from usufruct.core.income.payout import MEDIA_TYPE, PARTY, Credit, Line, Lines, Order, Owed, Proposal
from usufruct.core.income.payout_facts import (
    Move,
    PayoutApproved,
    PayoutEnded,
    PayoutInstructed,
    PayoutProposed,
    PayoutRefused,
    PayoutSent,
    StatementRead,
)
from usufruct.core.income.payout_state import (
    APPROVED,
    ENDED,
    PROPOSED,
    REFUSED,
    SENT,
    SETTLED,
    Instruction,
    PaidTogether,
    Payment,
    Payout,
    SeenLine,
    Statement,
)
from usufruct.core.income.state import Period, PeriodPlan
from usufruct.core.registry.benefit import payees
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Asset, Person
from usufruct.node.node import Node
from usufruct.ports import Snapshot, Transaction

MINIMUM = "payout.minor-units-min"


# ---- who is owed what


def owed(state: Snapshot, currency: str) -> Iterator[Owed]:
    """Everything that could be paid out now: what parties' accounts hold and is not reserved, and what members' lines of
    closed periods come to, less what payouts took and the bank did not send back. Not what waits to vest; and who pays
    beforehand is not paid back by it."""
    for account in state.list(Account):
        kind, _, party = account.id.partition(":")
        limited = state.get(CreditLimit, party, currency)
        prepaid = limited is not None and limited.limit is not None
        if kind == "party" and ":" not in party and account.currency == currency and account.free > 0 and not prepaid:
            yield Owed(party, account.id, PARTY, account.free)
    taken = _taken(state)
    for asset in state.list(Asset):
        account_id = members_of(asset.id)
        due, instead = settled(state, asset.id, currency)
        numbers = {number for number, _ in instead}
        for (number, stated), amount in taken.get(account_id, {}).items():
            payee = _instructed(state, stated) if number in numbers else ""
            if (number, payee) in instead:
                instead[number, payee] -= amount
            else:
                due[number] -= amount
        for (number, payee), amount in instead.items():
            if amount > 0:
                yield Owed(payee, account_id, number, amount)
        if not any(due):
            continue
        for person in state.list(Person, asset=asset.id):
            if person.number < len(due) and due[person.number] > 0:
                yield Owed(person.party, account_id, person.number, due[person.number])


def settled(state: Snapshot, asset: str, currency: str) -> tuple[array[int], Counter[tuple[int, str]]]:
    """What each member of an asset was to be paid for all closed periods together, by number, in minor units; and apart from
    that what is paid to others instead, by her number and whoever had her right to benefit when the period closed."""
    due, instead = array("q"), Counter[tuple[int, str]]()
    for period in state.list(Period):
        plan = state.get(PeriodPlan, period.plan)
        assert plan is not None
        for one in plan.planned.statements:
            if one.asset != asset or plan.planned.currency != currency:
                continue
            _, paid = settlement.Lines(one, state.evidence).columns()
            due.extend([0] * (len(paid) - len(due)))
            for number, amount in enumerate(paid):
                if amount:
                    due[number] += amount
            for person, payee in payees(state, asset, period.seq, period.at).items():
                for row in state.list(Person, asset=asset, party=person):
                    amount = rows_of(paid, row.number)
                    if amount:
                        due[row.number] -= amount
                        instead[row.number, payee] += amount
    return due, instead


def _instructed(state: Snapshot, stated: int) -> str:
    """Who gave the instruction that a payment follows: whoever it was paid to."""
    fact = state.entry(stated).fact
    return fact.party if isinstance(fact, PayoutInstructed) else ""


def _taken(state: Snapshot) -> dict[str, Counter[tuple[int, int]]]:
    """What payouts took from members' lines and did not bring back, by control account, number and instruction."""
    taken: dict[str, Counter[tuple[int, int]]] = {}
    for one in state.list(Payout):
        if one.state in (PROPOSED, REFUSED):
            continue
        for _, line, found in _lines(state, one):
            account = one.proposed.sources[line.source].account
            if line.number != PARTY and found in ("paid", "given", "waiting"):
                taken.setdefault(account, Counter())[line.number, line.stated] += line.amount
    return taken


def _lines(state: Snapshot, one: Payout) -> Iterator[tuple[int, Line, str]]:
    """The lines of a payout and what became of each: `given`, `waiting`, `paid`, `returned`, `rejected`, `left out` or `ended`."""
    words = {row.n: row.found for row in state.list(Payment, payout=one.id)}
    together = [range(row.first, row.first + payout.PART) for row in state.list(PaidTogether, payout=one.id)]
    left_out, payments = set(one.left_out), one.proposed.payments
    silent = "ended" if one.state == ENDED else "waiting"
    for n, line in enumerate(Lines(state.evidence(one.proposed.lines))):
        if n >= payments:
            yield n, line, "given"
        elif n in left_out:
            yield n, line, "left out"
        else:
            yield n, line, words.get(n) or ("paid" if any(n in part for part in together) else silent)


def _back(state: Snapshot) -> set[int]:
    """The instructions under which a payment came back; nothing more is paid by them."""
    back: set[int] = set()
    for found in ("returned", "rejected"):
        for row in state.list(Payment, found=found):
            one = state.get(Payout, row.payout)
            assert one is not None
            back.add(Lines(state.evidence(one.proposed.lines))[row.n].stated)
    return back


# ---- the plan


def instruct(
    node: Node, party: str, how: str, holder: str = "", iban: str = "", bic: str = "", by: str = ""
) -> PayoutInstructed | Refusal:
    """What is to become of what a party is owed; `by` is who says so for it, empty if it says so itself.

    Raises:
        BadInput: the account cannot be.
    """
    return node.record(lambda tx: payout.instruct(tx, party, how, holder, iban, bic, by))


def work_out(node: Node, state: Snapshot) -> Proposal:
    """What a payout would be, if it was proposed now."""
    minimum = node.rulebook.value(MINIMUM, node.clock.now())
    return payout.work_out(state, owed(state, node.about.currency), minimum, _back(state))


def propose(node: Node) -> PayoutProposed | Refusal:
    """Proposes a payout; nothing is paid, and nothing is reserved. Worked out from a snapshot, for it may be long: what
    changes meanwhile is found when it is approved."""
    with node.store.read() as state:
        proposal = work_out(node, state)

    def rule(tx: Transaction) -> PayoutProposed | Refusal:
        if not proposal.lines:
            return payout.propose(tx, "", node.about.currency, proposal, "")
        seal = tx.attach(MEDIA_TYPE, proposal.lines)
        return payout.propose(tx, numbered("payout", tx.next), node.about.currency, proposal, seal)

    return node.record(rule)


def refuse_payout(node: Node, name: str, why: str, by: str) -> PayoutRefused | Refusal:
    """Says no to a payout that was proposed."""
    return node.record(lambda tx: payout.refuse_payout(tx, name, why, by))


def approve(node: Node, name: str, by: str, actors: tuple[str, ...] = ()) -> PayoutApproved | Refusal:
    """Says yes: what it takes is reserved, and the payer does the rest. A person decides it."""
    ready = node.payer.account is not None
    node.reach("payout before approved")
    return node.record(lambda tx: only_people(tx, "approve-payout", by, actors) or payout.approve(tx, name, by, ready))


def end(node: Node, name: str, why: str, by: str) -> PayoutEnded | Refusal:
    """Ends a payout of which the bank will say no more; what it did not book is owed again."""
    return node.record(lambda tx: payout.end(tx, name, why, by))


# ---- the payer


def follow(node: Node) -> str:
    """Hands over what was approved, and throws away the orders of what is settled; says what was done."""
    with node.store.read() as state:
        approved, sent = list(state.list(Payout, state=APPROVED)), list(state.list(Payout, state=SENT))
        kept = {name: state.get(Payout, name) for name in node.payer.kept()}
    told = [_send(node, one) for one in approved]
    for one in sent:
        if not node.payer.hand_over(one.id, one.file):  # it was lost; the facts still say what was in it
            _hand_over_anew(node, one)
            told.append(f"{one.id}: its order was written again")
    for name, found in kept.items():
        if found is not None and found.state in (SETTLED, ENDED):
            node.payer.forget(name)
            told.append(f"{name} is {found.state}, and its order deleted")
    return "; ".join(told)


def _send(node: Node, one: Payout) -> str:
    with node.store.read() as state:
        order, left_out, freed = _order(node, state, one)
        node.reach("payout before order")
        digest = node.payer.prepare(order, _credits(state, one, left_out))
    node.reach("payout after order")

    def rule(tx: Transaction) -> PayoutSent | Refusal:
        found = tx.get(Payout, one.id)
        if found is None or found.state != APPROVED:
            return refuse("payout.state", f"`{one.id}` was not sent", "it ended meanwhile", remedy="nothing is needed")
        return PayoutSent(one.id, digest, order.payments, order.total, tuple(left_out), freed)

    fact = node.record(rule)
    if isinstance(fact, Refusal):
        return str(fact)
    node.reach("payout after sent")
    if fact.payments:
        node.payer.hand_over(one.id, digest)
    node.reach("payout after handed over")
    return f"{one.id}: {order.payments} payments, {Money(order.total, order.currency)}, handed to the bank"


def _hand_over_anew(node: Node, one: Payout) -> None:
    with node.store.read() as state:
        order, left_out, _ = _order(node, state, one)
        digest = node.payer.prepare(order, _credits(state, one, left_out))
    if digest != one.file or not node.payer.hand_over(one.id, digest):
        node.payer.forget(one.id)
        raise NodeFault(
            "node.payout", f"the order of `{one.id}` is gone, and cannot be made again: who was to be paid was erased",
            "ask the bank what it booked, and read its statement; then end the payout",
        )  # fmt: skip


def _order(node: Node, state: Snapshot, one: Payout) -> tuple[Order, dict[int, None], tuple[Move, ...]]:
    """The head of an order; the payments that are left out, for nobody knows any more whom they were for, and what becomes
    free with them."""
    account = node.payer.account
    if account is None:
        raise NodeFault(
            "node.payout", f"`{one.id}` waits, for the node has no account to pay from", "set `pay_from` again"
        )
    assert one.approved is not None
    lines = Lines(state.evidence(one.proposed.lines))
    left_out: dict[int, None] = dict.fromkeys(one.left_out)
    freed: Counter[str] = Counter()
    count = total = 0
    for n in range(one.proposed.payments):
        line = lines[n]
        if n in left_out or _instruction(state, one, line) is None:
            left_out[n] = None
            freed[one.proposed.sources[line.source].account] += line.amount
        else:
            count, total = count + 1, total + line.amount
    order = Order(
        one.id, account.holder, account.iban, account.bic, one.proposed.currency, one.approved, count, total
    )  # fmt: skip
    return order, left_out, tuple(Move(name, amount) for name, amount in freed.items())


def _credits(state: Snapshot, one: Payout, left_out: dict[int, None]) -> Iterator[Credit]:
    lines = Lines(state.evidence(one.proposed.lines))
    for n in range(one.proposed.payments):
        said = None if n in left_out else _instruction(state, one, lines[n])
        if said is not None:
            yield Credit(n, lines[n].amount, said.holder, said.iban, said.bic, f"{one.id}-{n}")


def _instruction(state: Snapshot, one: Payout, line: Line) -> Instruction | PayoutInstructed | None:
    """What a line follows: the newest that its party said, as a rule, or the fact itself, as where somebody else is paid her
    line; None once whoever said it is erased."""
    party = payout.payee(state, one.proposed.sources[line.source].account, line.number)
    newest = state.get(Instruction, party) if party else None
    if newest is not None and newest.seq == line.stated:
        return newest
    fact = state.entry(line.stated).fact
    return fact if isinstance(fact, PayoutInstructed) else None


# ---- the bank's word


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a statement brought: the fact, or None if it was read before; and the `gap` between its opening balance and where
    the statement before closed, in minor units, if both are known."""

    fact: StatementRead | None
    gap: int | None


def read_statement(node: Node, found: BankStatement, file: str, by: str) -> Reconciled | Refusal:
    """Reads a bank statement in; `file` is the SHA-256 of its bytes. The same one twice changes nothing."""

    def command(tx: Transaction) -> Reconciled | Refusal:
        if tx.get(Statement, file) is not None:
            return Reconciled(None, None)
        account = node.payer.account
        gap = bank_statement.gap(tx, found)
        fact = bank_statement.read_in(
            tx, found, file, account.iban if account else "", node.about.currency,
            lambda one: Lines(tx.evidence(one.proposed.lines)), by,
        )  # fmt: skip
        if isinstance(fact, Refusal):
            return fact
        tx.append(fact)
        return Reconciled(fact, gap)

    node.reach("statement before read")
    done = node.store.write(command)
    node.reach("statement after read")
    return done


# ---- what people look at


@dataclass(frozen=True, slots=True)
class Hers:
    """One payment to a party, or gift of hers: what became of it, and why if it came back."""

    payout: str
    at: str
    amount: Money
    found: str
    reason: str


@dataclass(frozen=True, slots=True)
class PayeePage:
    """What a party is owed, what she said of it (the account `veiled`), and what was paid to her; newest first."""

    owed: tuple[Money, ...]
    said: Instruction | None
    veiled: str
    payments: tuple[Hers, ...]


@dataclass(frozen=True, slots=True)
class PaymentsPage:
    """All payouts, newest first, what the next would be, the lines of statements that nobody has explained, and the
    statements that were read."""

    payouts: tuple[Payout, ...]
    next: Proposal
    unmatched: tuple[SeenLine, ...]
    statements: tuple[Statement, ...]
    ready: bool


def payments_page(node: Node) -> PaymentsPage:
    """All that a steward sees of payments."""
    with node.store.read() as state:
        return PaymentsPage(
            tuple(state.list(Payout))[::-1], work_out(node, state), tuple(state.list(SeenLine, found="unmatched")),
            tuple(state.list(Statement))[::-1], node.payer.account is not None,
        )  # fmt: skip


def payee_page(node: Node, party: str) -> PayeePage | Refusal:
    """What one party sees of payments to her."""
    with node.store.read() as state:
        row = find_party(state, party)
        if row is None:
            return refuse(
                "registry.unknown", "there is nothing to show", f"nobody is known as `{party}`", remedy="check it"
            )
        said_in = {entry.seq for entry in state.history(row.id) if isinstance(entry.fact, PayoutInstructed)}
        due = [one.amount for one in owed(state, node.about.currency) if one.party == row.id]
        payments = [
            Hers(
                one.id, one.approved or one.at, Money(line.amount, one.proposed.currency), found, _reason(state, one, n)
            )
            for one in state.list(Payout)
            if one.state not in (PROPOSED, REFUSED)
            for n, line, found in _lines(state, one)
            if line.stated in said_in
        ]
        said = state.get(Instruction, row.id)
        total = Money(sum(due), node.about.currency)
        return PayeePage((total,), said, banking.veiled(said.iban) if said else "", tuple(payments[::-1]))


def _reason(state: Snapshot, one: Payout, n: int) -> str:
    row = state.get(Payment, one.id, n)
    return row.reason if row else ""
