"""A member's own cell: her data in her own hands, in this node.

She deposits a table about herself. It becomes an asset of which she is the source: the operator holds it for her and
can do nothing else with it. Nobody has consented to anything, so no row of it is ever read before she says yes to
somebody's purpose; and until she offers it nobody can come to an agreement on it, nor learn that it is there.

To offer it she lets the operator use and operate it for the purposes she names, in one transaction with the offer. So
what others see of it is the operator's name and never hers, not even a number that stands for her; and when she withdraws
it, she revokes those rights, and every agreement that rests on them ends at once.

A cell's name and the bytes it is known by are made with what only she and the node know: nobody can find out by
depositing a guess whether somebody else has deposited the same.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract import rules as contract
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.registry import conveyance, rights
from usufruct.core.registry.facts import Column
from usufruct.core.registry.rights import Limits
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import Asset, Party, Person, Right
from usufruct.node import register
from usufruct.node.node import Node, or_undone
from usufruct.node.rights import checked
from usufruct.ports import Transaction

CELL_LIMIT = 16 * 1024 * 1024  # bytes of a table
DELIMITERS = (",", ";", "\t", "|")
CAUTIOUS = 3  # the grade of a column that nobody knows better


def deposit(node: Node, member: str, table: bytes, title: str = "", card: Card | None = None) -> Asset | Refusal:
    """Takes a member's own table in, a CSV file, as her cell.

    Without a `card` every column is sensitive personal data, and only its rows can be counted: values and bounds would
    have to be read from her data, and a card is public once she offers it. With one, its person column must hold one
    person in all rows; that this is she is her own word.

    Raises:
        BadInput: the table cannot be read, is too large, or is about several persons.
    """
    what = "your table was not taken in"
    with node.store.read() as state:
        party = state.get(Party, member)
    if party is None or party.kind != "person":
        return refuse("registry.unknown", what, f"there is no person `{member}`", remedy="deposit in a member's name")
    header, rows = _read(table)
    place = header.index(card.person_column) if card and card.person_column in header else None
    if place is None:
        header, rows, place = ["owner", *header], [["", *row] for row in rows], 0
    elif len({row[place] for row in rows if len(row) > place and row[place]}) > 1:
        raise BadInput("input.table", f"`{header[place]}` names more than one person", "deposit what is about yourself")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        _write(path, header, [[*row[:place], member, *row[place + 1 :]] for row in rows])
        described = _card(node, path, card, header[place], len(rows))
        described = replace(described, title=holdable(title.strip()) or described.title)
        made = register.add_asset(node, described, path, node.about.operator, member)
    return made if isinstance(made, Refusal) else made.asset


def _read(table: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows."""
    if len(table) > CELL_LIMIT:
        raise BadInput(
            "input.table", f"the table has more than {CELL_LIMIT // 2**20} MiB", "deposit it in parts, a year each"
        )
    try:
        text = table.decode("utf-8-sig")
        first = text.partition("\n")[0]
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput("input.table", f"the table is not CSV in UTF-8: {error}", "save it again as CSV") from None
    rows = [row for row in rows if row]
    if len(rows) < 2 or not any(name.strip() for name in rows[0]):
        raise BadInput("input.table", "the table has no rows", "deposit a line of column names and the rows below it")
    if "owner" in {name.lower() for name in rows[0]}:
        raise BadInput("input.table", "`owner` is the column in which the node writes you", "rename that column")
    return rows[0], rows[1:]


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _card(node: Node, table: Path, card: Card | None, person: str, rows: int) -> Card:
    """The card of a new cell, whose name says nothing; `person` is the column in which the owner stands."""
    cell, owner = f"cell-{node.entropy.bytes(8).hex()}", Column(person, "text", "personal", CAUTIOUS)
    if card is not None:
        others = (column for column in card.columns if column.name != card.person_column)
        return replace(card, asset=cell, person_column=person, columns=(owner, *others))
    graded = {one.name: one.grade for one in node.engine.classify(table)}
    columns = [
        Column(seen.name, seen.type, "personal", max(CAUTIOUS, graded.get(seen.name, CAUTIOUS)), decimals=seen.decimals)
        for seen in node.engine.inspect(table)
        if seen.name != person
    ]
    return Card(
        cell, "One person's own table", "what one person deposited about herself", "as its owner agrees", person,
        (owner, *columns), min(rows, 1_000_000),
    )  # fmt: skip


def offer(node: Node, member: str, cell: str, purposes: Sequence[str], price: Money, years: int = 1) -> str | Refusal:
    """Lets the operator offer a cell for these purposes, at a price for one question; returns the offer's name.

    Whoever requests it has an agreement at once, and no row of hers before she consents.

    Raises:
        BadInput: the terms cannot be, or a purpose is not in the tree.
    """
    operator = node.about.operator
    limits = checked(Limits(purposes=tuple(purposes)))
    terms = Terms("aggregates", limits.purposes, price.minor, price.currency, years)

    def command(tx: Transaction) -> str:
        for right, given in (("operate", limits), ("use", replace(limits, may_grant=True, further=1))):
            id = numbered("right", tx.next)
            tx.append(or_undone(rights.grant(tx, id, member, operator, cell, right, tx.now, given)))
        name = numbered("offer", tx.next)
        published = contract.publish(tx, name, cell, operator, terms, None, True, tx.now, node.about.currency)
        tx.append(or_undone(published))
        return name

    return node.together(command)


def withdraw(node: Node, member: str, cell: str) -> int | Refusal:
    """Takes every offer of a cell back, and the rights that she gave for it; returns how many agreements that ended."""

    def command(tx: Transaction) -> int | Refusal:
        asset = tx.get(Asset, cell)
        theirs = (row for row in tx.list(Right, asset=cell) if row.grantor == member and row.right != "hold")
        given = [row for row in theirs if row.holder_at(row.seq) == node.about.operator]
        if asset is None or asset.source != member or not any(row.live(tx.now) for row in given):
            return refuse(
                "registry.unknown", "nothing was withdrawn", f"you offer no cell `{cell}`",
                remedy="take its name from your page",
            )  # fmt: skip
        for row in given:
            revoked = conveyance.revoke(tx, row.id, member, tx.now)
            if not isinstance(revoked, Refusal):
                tx.append(revoked)
        for offered in tx.list(Offer, asset=cell):
            withdrawn = contract.withdraw(tx, offered.id, offered.provider)
            if not isinstance(withdrawn, Refusal):
                tx.append(withdrawn)
        return sum(1 for one in tx.list(Agreement, asset=cell) if one.active(tx.now))

    return node.store.write(command)


@dataclass(frozen=True, slots=True)
class Cell:
    """A member's own cell, and the offers of it that are open."""

    asset: Asset
    offers: tuple[Offer, ...]


def cells(node: Node, member: str) -> tuple[Cell, ...]:
    """A member's own cells, in the order in which she deposited them."""
    with node.store.read() as state:
        about_her = [state.get(Asset, person.asset) for person in state.list(Person, party=member)]
        own = [asset for asset in about_her if asset is not None and asset.source == member]
        return tuple(Cell(one, tuple(o for o in state.list(Offer, asset=one.id) if o.open)) for one in own)
