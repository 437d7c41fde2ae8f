"""A question over the persons whom a match found: the join of two nodes' tables on the person, of which only totals leave.

The persons who were found are a population of the asking node's table, which nobody is shown. A question over them is an
ordinary question of that table among fewer persons: the same gates, bounds, noise and budget. One person more or less in
the *other* table is one person more or less in the population, so the noise that hides a person of the one hides her of
the other; and what is learnt is charged to both. So the other node is asked before each question. It decides again, by
its own agreements, consents and budget, and has it in its journal.

A match stands as long as the agreements on both sides, both tables are those that were matched, and everybody in the other
node's list still allows the use. If not, it has ended, in the same words whatever the reason; who no longer allows it here
is left out in silence, as from every question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import in_force
from usufruct.core.privacy.matching_facts import ASKS, Match
from usufruct.core.privacy.release import Answer
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import purposes

REFUSED = "the question was not answered"


@dataclass(frozen=True, slots=True)
class Matched:
    """That a question is over the persons of a `match`, and what the other node said: `no`, or that it charged its own table
    `charge` micro-rho and `nano_delta`, by the fact of the number `receipt` there."""

    match: str
    charge: int = -1
    nano_delta: int = -1
    receipt: int | None = None
    no: Refusal | None = None

    def covers(self, charge: int, nano_delta: int) -> bool:
        """Whether the other node went along with a question of this charge."""
        return self.no is None and charge <= self.charge and nano_delta <= self.nano_delta


def to_ask(
    read: Reader, match: str, requester: str, purpose: str, form: str, assets: Iterable[str], at: Instant
) -> Match | Refusal:
    """The match over whose persons a requester asks a question of that form, about these assets of persons or under agreements;
    or why not."""
    row = read.get(Match, match)
    good = row is not None and (row.party, row.kind, row.side) == (requester, "matched", ASKS) and bool(row.population)
    if row is None or not good or not row.client:
        return unknown(match)
    if form != "aggregates":
        return _unfit("of persons who were matched nothing but totals with noise is told", "ask for a count or a total")
    if set(assets) != {row.asset}:
        return _unfit(
            f"the match is of the persons of `{row.asset}`, and the question of other tables", "ask of that table alone"
        )
    if purposes.normal(purpose) != row.purpose:
        return _unfit(f"the match was made for {row.purpose}", "ask for that purpose, or match again")
    return row if stands(read, row, at) else ended()


def stands(read: Reader, row: Match, at: Instant) -> bool:
    """Whether what permitted a match at this node still does, and its table is the one that was matched."""
    use, asset = read.get(Use, row.use), read.get(Asset, row.asset)
    assert use is not None and asset is not None, "a match is a use of an asset"
    agreed = any(agreement.id == row.agreement for agreement in in_force(read, row.party, row.asset, at))
    return agreed and asset.version == use.version


def among(population: bytes, found: bytes) -> bytes:
    """Who of a population was found."""
    return bytes(one & other for one, other in zip(population, found, strict=True))


def ended() -> Refusal:
    """The one refusal for a match that does not stand any more, whatever ended it."""
    return refuse(
        "match.ended", REFUSED, "an agreement, a table or what its persons allow has changed since the match was made",
        remedy="match again",
    )  # fmt: skip


def in_words(row: Match, meaning: str) -> str:
    """A question over the persons of a match as people of the node that was asked read it."""
    return f"of the persons of {row.asset} who are in a table of {row.peer} too: {meaning}"


def word(charge: int, nano_delta: int) -> Answer:
    """What leaves the node that is asked about a match: that a question may be answered, at this charge."""
    notes = ("the question was answered by the other node, with noise; nothing else left this one",)
    return Answer(("match",), (("stands",),), (), notes, charge, nano_delta)


def unknown(match: str) -> Refusal:
    """The refusal for a match that is not there, is somebody else's, or found no persons here."""
    return refuse(
        "match.unknown", REFUSED, f"you have no match `{match[:40]}` that found persons", remedy="list your matches"
    )


def no_hold() -> Refusal:
    """The refusal of a use that is to be withheld from the persons concerned: the other node shows it to its own."""
    return _unfit("the other node shows its persons each question", "ask without withholding it")


def _unfit(why: str, remedy: str) -> Refusal:
    return refuse("match.question", REFUSED, why, remedy=remedy)
