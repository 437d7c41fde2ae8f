"""What can have happened around a match, and which matches there are.

A match is a use of each of the two assets, so the facts around a question (`facts.QueryAdmitted` and what follows it)
stand around it at both nodes: by them it is charged, priced, counted and shown to the persons concerned. The facts below
say what makes it a match: with whom, on which identifiers, and to which sets the two sides bound themselves before anything
of them was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.privacy.state import Use

ASKS, ANSWERS = "asks", "answers"
"""The two sides: the node that proposed the match and learns its result, and the one that was asked."""

OPEN = ("admitted", "committed", "running")


@dataclass(frozen=True, slots=True)
class MatchAdmitted(Fact):
    """The use will be a match of this `kind` (see `matching.KINDS`), in the run of that number, in which this node is the
    `side` that asks or answers. `peer` is the service that is asked, or the client that asks; `theirs` its asset, where
    this node knows it. `identifier` is the column by which persons are matched (empty: what they are known as), `value`
    the column that is added up. `party` is who learns the result; `client` is as which system it asks, where it does."""

    KIND = "match.admitted/1"
    match: str
    use: str
    run: str
    side: str
    kind: str
    party: str
    peer: str
    theirs: str = ""
    identifier: str = ""
    value: str = ""
    client: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class MatchCommitted(Fact):
    """A side bound itself to its set of `size` elements by a digest over them, blinded under a key of this run only, and
    its node signed that. `by` is the side; `key` is the verifier key of its node. `salt` is sealed, and this node's own:
    with it and the table the digest can be worked out again, where the match was left to SPU."""

    KIND = "match.committed/1"
    match: str
    by: str
    size: int
    digest: str
    key: str
    signature: str
    salt: str = ""


@dataclass(frozen=True, slots=True)
class MatchAnswered(Fact):
    """The result is about to leave. `population` is the sealed bitmap of the persons of this node's asset who were found in
    the other's, where the match was to find them; `receipt` the number of the fact by which the result left the
    node that was asked; `group_min` how many persons must stand in a figure about that node's table at least."""

    KIND = "match.answered/1"
    match: str
    population: str = ""
    receipt: int | None = None
    group_min: int = 0


@dataclass(frozen=True, slots=True)
class MatchAsked(Fact):
    """The `use` is a question over the persons of a match. `receipt` is the number of the fact by which the other node went
    along, where the question is answered."""

    KIND = "match.asked/1"
    match: str
    use: str
    receipt: int | None = None


@dataclass(frozen=True, slots=True)
class MatchRefused(Fact):
    """The match came to no result because the side `by` said no, with this code."""

    KIND = "match.refused/1"
    match: str
    by: str
    code: str


@dataclass(frozen=True, slots=True)
class MatchAbandoned(Fact):
    """The match came to no result: a node stopped, or one of them did not keep to the run."""

    KIND = "match.abandoned/1"
    match: str
    cause: str


@dataclass(frozen=True, slots=True)
class Match(Row):
    """One match: `state` is admitted, committed (by this node), running (both are bound), answered, refused or abandoned;
    see `MatchAdmitted`. `size` and `digest` are this node's, `their_size` and `their_digest` the other's; `questions` is how
    many were asked over its persons."""

    KEY = ("id",)
    INDEXED = ("run", "agreement", "day", "state", "party")
    id: str
    use: str
    run: str
    side: str
    kind: str
    party: str
    peer: str
    theirs: str
    identifier: str
    value: str
    asset: str
    purpose: str
    agreement: str
    state: str
    at: Instant
    day: str
    ended: int
    size: int = 0
    digest: str = ""
    their_size: int = 0
    their_digest: str = ""
    their_key: str = ""
    population: str = ""
    receipt: int | None = None
    code: str = ""
    client: str = ""
    group_min: int = 0
    questions: int = 0


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact of a match changes; the use that it is has been folded before."""
    match entry.fact:
        case MatchAdmitted() as fact:
            use = read.get(Use, fact.use)
            assert use is not None and use.state == "admitted", "a match is a use that was admitted"
            yield Match(
                fact.match, fact.use, fact.run, fact.side, fact.kind, fact.party, fact.peer, fact.theirs, fact.identifier,
                fact.value, use.asset, use.purpose, use.agreement, "admitted", entry.at, entry.at[:10], entry.seq,
                client=fact.client,
            )  # fmt: skip
        case MatchCommitted() as fact:
            row = _open(read, fact.match)
            if fact.by == row.side:
                yield replace(row, state=_bound(row.their_digest), size=fact.size, digest=fact.digest, ended=entry.seq)
            else:
                yield replace(
                    row, state=_bound(row.digest), their_size=fact.size, their_digest=fact.digest, their_key=fact.key,
                    ended=entry.seq,
                )  # fmt: skip
        case MatchAnswered() as fact:
            row = _open(read, fact.match)
            yield replace(
                row, state="answered", population=fact.population, receipt=fact.receipt, group_min=fact.group_min,
                ended=entry.seq,
            )  # fmt: skip
        case MatchAsked() as fact:
            found = read.get(Match, fact.match)
            assert found is not None and found.state == "answered", "only what a match found is asked about"
            yield replace(found, questions=found.questions + 1)
        case MatchRefused() as fact:
            yield replace(_open(read, fact.match), state="refused", code=fact.code, ended=entry.seq)
        case MatchAbandoned() as fact:
            yield replace(_open(read, fact.match), state="abandoned", ended=entry.seq)
        case _:
            return


def _bound(other: str) -> str:
    return "running" if other else "committed"


def _open(read: Reader, match: str) -> Match:
    row = read.get(Match, match)
    assert row is not None and row.state in OPEN, "a match ends once, after it was admitted"
    return row
