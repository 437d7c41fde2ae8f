"""Records under an agreement: a question for rows is answered as they are, or masked, whichever is the widest that may
leave; see `core.access.forms` for the choice, `core.privacy.masking` for what masked rows are.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from usufruct.core.access.forms import decide_records
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import decimal
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import in_force as agreements_in_force
from usufruct.core.lineage.standing import standing
from usufruct.core.privacy import masking, records, ticks
from usufruct.core.privacy.masking import ColumnMask, MaskDeclared, View
from usufruct.core.privacy.question import Question
from usufruct.core.privacy.records import RecordsPlan
from usufruct.core.privacy.release import Answer
from usufruct.core.registry import rights
from usufruct.core.registry.state import Asset, Party, Person
from usufruct.core.rulebook.grades import in_force
from usufruct.node import query, stored
from usufruct.node.asking import Asked, request_of
from usufruct.node.node import Node
from usufruct.node.use import Admitted, Answered, Decided, Deed, Ran, Refused, Wanted, carry_out
from usufruct.ports import Transaction


def ask(node: Node, asked: Asked) -> Answered[Answer] | Refused:
    """Answers or refuses one question, whatever it is for: rows here, totals in `node.query`.

    Raises:
        EngineFault: it could not be worked out; the use is abandoned.
    """
    if isinstance(asked.question, Question) and asked.question.form == "rows":
        return answer_rows(node, asked)
    return query.ask(node, asked)


def answer_rows(node: Node, asked: Asked) -> Answered[Answer] | Refused:
    """Answers or refuses a question for rows; either way it is a fact when this returns.

    Raises:
        EngineFault: the rows could not be read; the use is abandoned.
    """
    assert isinstance(asked.question, Question), "what cannot be read is refused elsewhere"
    wanted = Wanted(
        asked.requester, asked.text, asked.purpose, asked.hold, asked.hold_days, asked.actors, asked.signed,
        under=asked.under,
    )  # fmt: skip
    return carry_out(node, wanted, partial(_decide, node, asked.question), partial(_work, node))


def _decide(node: Node, question: Question, tx: Transaction, wanted: Wanted) -> Decided[RecordsPlan, Answer]:
    named = question.named(question.scans[0])
    request = request_of(tx, wanted, question.asset, question.form, named, question.where)
    request, permit = decide_records(tx, request, tx.now)
    if isinstance(permit, Refusal):
        return request, permit
    view = _view(node, tx, permit.asset, tx.now) if request.form == "masked" else None
    digest = hashlib.sha256(_key(node, permit.agreement.id)).hexdigest()
    plan = records.plan(question, permit.asset, view, node.rulebook.value("records.rows-max", tx.now), digest)
    if isinstance(plan, Refusal):
        return request, plan
    meaning = f"the {'rows' if view is None else 'masked rows'} of {permit.asset.id}"
    tick = ticks.length(node.rulebook, tx.now, permit.asset.quality.rows)
    return request, Deed(((request, permit),), plan, meaning, tick, form=request.form)


def _key(node: Node, agreement: str) -> bytes:
    """The key of an agreement's pseudonyms: a signature is the same each time (RFC 8032), nobody else can make it, and
    this one is never shown."""
    return hashlib.sha256(node.signer.sign(f"usufruct pseudonyms v1\n{agreement}\n".encode())).digest()


def _work(node: Node, admitted: Admitted[RecordsPlan], populations: tuple[bytes, ...]) -> Ran[Answer]:
    plan, permit = admitted.deed.plan, admitted.deed.permit
    asset, agreement = permit.asset, permit.agreement
    stored.check(node, asset.id, asset.version)
    found = node.engine.records(plan, populations[0], permit.persons)
    key, names = _key(node, agreement.id), dict[int, str]()
    if _says_whom(plan):
        with node.store.read() as state:
            names = {number: _called(state, asset.id, number, plan, key) for number in {n for n, _ in found}}
    rows = tuple(records.cells(plan, row, names.get(number, "")) for number, row in found)
    notes = (*records.notes(plan), *records.obligations(permit, admitted.uses[0]))
    counted = array("I", bytes(4 * permit.persons))
    for number, _ in found if asset.person_column else ():
        counted[number] += 1
    return Ran(Answer(plan.labels, rows, (), notes, 0), (counted.tobytes(),))


def _says_whom(plan: RecordsPlan) -> bool:
    """Whether the rows say whom they are about."""
    return any(column.name == plan.asset.person_column for column in plan.columns)


def _called(read: Reader, asset: str, number: int, plan: RecordsPlan, key: bytes) -> str:
    """What stands for a person: a pseudonym in masked rows, in others what she is known as."""
    person = read.get(Person, asset, number)
    if person is None:  # she was erased while the rows were read, and what is decided next leaves her out
        return ""
    if plan.view is not None:
        return masking.pseudonym(key, person.party)
    party = read.get(Party, person.party)
    return party.called if party else ""


def _view(node: Node, read: Reader, asset: Asset, at: Instant) -> View:
    """The masked table of an asset as it stands."""
    floor = node.rulebook.value("records.alike-min", at)
    return masking.view(asset, masking.of(read, asset.id), in_force(at), floor)


@dataclass(frozen=True, slots=True)
class MaskShown:
    """How the rows of an asset are masked now: each rule with the width of its bands in the column's unit; `fixed` if rows
    have left under it."""

    view: View
    rules: tuple[tuple[ColumnMask, str], ...]
    fixed: bool


def mask(node: Node, asset: str, party: str) -> MaskShown | Refusal:
    """How the rows of an asset are masked, for who has an agreement on it or operates it."""
    now = node.clock.now()
    with node.store.read() as state:
        row = state.get(Asset, asset)
        operates = rights.held(state, party, asset, "operate", now) is not None
        if row is None or not (operates or agreements_in_force(state, party, asset, now)):
            return refuse(
                "registry.unknown", "nothing was shown", f"there is no asset `{asset}` that is open to you",
                remedy="come to an agreement on it first",
            )  # fmt: skip
        view = _view(node, state, standing(state, row, now), now)
        rules = tuple((rule, decimal(rule.width, c.decimals) if rule.width else "") for c, rule in view.columns)
        return MaskShown(view, rules, masking.of(state, asset).fixed)


def declare_mask(
    node: Node, asset: str, columns: Sequence[tuple[str, str, str]], least: int, linked: bool, by: str
) -> MaskDeclared | Refusal:
    """Says how the masked rows of an asset are made: for each column that is named its rule, and for bands their width as
    it is typed.

    Raises:
        BadInput: a rule does not fit its column.
    """

    def rule(tx: Transaction) -> MaskDeclared | Refusal:
        row = tx.get(Asset, asset)
        found = tuple(masking.typed(row, *one) for one in columns) if row else ()
        return masking.declare(tx, asset, found, least, linked, by, tx.now)

    return node.record(rule)
