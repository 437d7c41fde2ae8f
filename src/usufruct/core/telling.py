"""What a person's records say, in words for her: the same on her page, in a terminal, and for her own program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from usufruct.core import facts
from usufruct.core.access.facts import ConsentGiven, ConsentRefused
from usufruct.core.base.records import Fact
from usufruct.core.exchange.facts import PersonLookedUp
from usufruct.core.privacy.facts import QueryAbandoned, QueryAnswered
from usufruct.core.proof.book import Audit
from usufruct.core.proof.commitment import NONCE_SIZE
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grounds import GROUNDS


@dataclass(frozen=True, slots=True)
class Line:
    """Record `number` as an audit found it: `fine`, `withheld`, `missing` or `altered`.

    `what` it says, or why it does not; `at` is when it was made and `fact` its place in the journal, if she may know.
    """

    number: int
    found: str
    what: str
    at: str = ""
    fact: int | None = None


def lines(book: Any, audit: Audit) -> Iterator[Line]:
    """Every record that the journal says there is, and every one that she was shown before and is not now."""
    wrong = {flaw.number: flaw.what for flaw in reversed(audit.flaws) if flaw.number is not None}
    shown = dict(_shown(book))
    for number in sorted({*range(audit.count), *wrong}):
        if number in wrong:
            yield Line(number, "altered" if number in shown else "missing", wrong[number])
        elif number in audit.held:
            slip = shown[number]["slip"]
            yield Line(number, "withheld", withheld(slip["ground"], slip["until"]))
        else:
            opening = Receipt.parse(shown[number]["receipt"]).extra
            assert opening is not None, "it was audited"
            entry = facts.decode(opening[NONCE_SIZE:])
            yield Line(number, "fine", in_words(entry.fact, shown[number]["body"]["part"]), entry.at, entry.seq)


def _shown(book: Any) -> Iterator[tuple[Any, Any]]:
    """The records in a book, from its end, so that of two with one number the first stays, as in the audit."""
    records = book.get("records") if isinstance(book, dict) else None
    for record in reversed(records if isinstance(records, list) else []):
        number = (
            record["slip"].get("number") if isinstance(record, dict) and isinstance(record.get("slip"), dict) else None
        )
        if type(number) is int:
            yield number, record


def withheld(ground: str, until: str) -> str:
    """What she is told of a record that is withheld."""
    means = f" ({GROUNDS[ground].means})" if ground in GROUNDS else ""
    return f"a record is withheld until {until[:16].replace('T', ' ')} UTC on the ground of {ground}{means}; it opens by itself"


def in_words(fact: Fact, part: int, names: Mapping[str, str] | None = None) -> str:
    """What a fact about her says; `names` are what people call assets and parties."""

    def name(id: str) -> str:
        return (names or {}).get(id, id)

    match fact:
        case ConsentGiven():
            return f"you consented to {purposes.label(fact.purpose)}: {name(fact.asset)}"
        case ConsentRefused():
            return f"you refused {purposes.label(fact.purpose)}: {name(fact.asset)}"
        case QueryAnswered():
            rows = f"{part} of your rows" if part > 1 else "a row of yours"
            return f"{name(fact.requester)} was told {fact.meaning}, for {purposes.label(fact.purpose)}; {rows} counted"
        case QueryAbandoned():
            return f"a question in which you could have counted failed before an answer ({fact.use}: {fact.cause})"
        case PersonLookedUp():
            done = "tried to look you up and was refused" if fact.refused else "looked you up"
            return f"{name(fact.party)} {done} in {name(fact.service)}, for {purposes.label(fact.purpose)}"
        case PartyRegistered():
            return "you were registered with this node"
        case _:
            return f"a fact about you: {fact.KIND.partition('/')[0]}"
