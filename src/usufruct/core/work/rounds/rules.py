"""What may happen in a round: open it, commit, wish, open a secret, settle, give it up.

Each step has its time, which the fact that opened the round says; nobody can be late with the consent of somebody else. The
commitments bind their chamber and their round, so that none can be taken for another. A round of which nobody opened a secret
is not drawn: its lots would be known to whoever runs the node, and to nobody else.
"""

from __future__ import annotations

import re

from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.state import Party
from usufruct.core.work.allocation import lottery
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import AFTER, AllocationRule, unfit
from usufruct.core.work.facts import JobTerms, WishesStated
from usufruct.core.work.rounds import series
from usufruct.core.work.rounds.state import (
    ABANDONED,
    CLOSED,
    OPEN,
    PLANNED,
    Round,
    RoundAbandoned,
    RoundOpened,
    SeedCommitted,
    SeedOpened,
    pledged,
)
from usufruct.core.work.rules import worker_of
from usufruct.core.work.state import OPEN as STANDS
from usufruct.core.work.state import Job
from usufruct.core.work.terms import words

WISHES_MAX = 100
AHEAD_MAX = 1000
_HEX = re.compile(r"[0-9a-f]{64}")


def open_round(
    read: Reader, round: str, by: str, rule: AllocationRule, speakers: tuple[str, str, str], closes: Instant,
    opens_until: Instant, replaces: str, at: Instant,
) -> RoundOpened | Refusal:  # fmt: skip
    """A round by a rule that everybody can read. `speakers` are the parties that speak for the three chambers.

    Raises:
        BadInput: the name cannot be.
    """
    checked(round, "a round")
    not_done = f"the round `{round}` was not opened"
    refused = unfit(rule)
    if refused is not None:
        return refused
    if rule.reveal != AFTER:
        return _no(not_done, "lots are told once wishes are closed", "let them be told `after`")
    if read.get(Round, round) is not None or series.of_round(read, round) is not None:
        return refuse("registry.exists", not_done, "a round of that name is there", remedy="choose another name")
    refused = unfit_speakers(read, speakers, not_done)
    if refused is not None:
        return refused
    if not at < closes < opens_until:
        return _no(not_done, "wishes close first and secrets are opened then, both after now", "name later times")
    before = read.get(Round, replaces) if replaces else None
    if replaces and (before is None or before.state != ABANDONED or before.came_to):
        return _no(
            not_done, f"`{replaces}` is no round that was given up and that none replaces", "name another, or none"
        )
    return RoundOpened(round, by, rule, *speakers, closes, opens_until, replaces)


def unfit_speakers(read: Reader, speakers: tuple[str, str, str], not_done: str) -> Refusal | None:
    """Why these parties cannot speak for the three chambers; None if they can."""
    unknown = next((name for name in speakers if read.get(Party, name) is None), None)
    if unknown is not None:
        return refuse("registry.unknown", not_done, f"there is no party `{unknown}`", remedy="register the party first")
    if len(set(speakers)) < len(speakers):
        return _no(not_done, "one party would speak for two chambers", "name three parties")
    return None


def enter(read: Reader, round: str, terms: JobTerms, at: Instant) -> Refusal | None:
    """Why a job cannot come into a round; None if it can."""
    not_done = "the job was not posted"
    row = read.get(Round, round)
    if row is None or row.state != OPEN or at >= row.closes:
        return refuse(
            "registry.unknown", not_done, f"there is no open round `{round}`", remedy="see the list of rounds"
        )
    if terms.starts < row.opens_until:
        return _no(not_done, f"the round may not be settled before {row.opens_until[:16]}", "let the job begin later")
    return None


def wish(
    read: Reader, round: str, worker: str, requester: str, jobs: tuple[str, ...], at: Instant
) -> WishesStated | Refusal:
    """Which jobs of a round a worker would do, the best first; none at all takes her out of it."""
    not_done = "your wishes were not recorded"
    row = read.get(Round, round)
    if row is None or row.state != OPEN or at >= row.closes:
        return refuse(
            "registry.unknown", not_done, f"there is no open round `{round}`", remedy="see the list of rounds"
        )
    who = worker_of(read, worker, requester)
    if who is None:
        return refuse(
            "registry.unknown", not_done, f"you do not answer for a worker `{worker}`",
            remedy="say what you wish yourself, or a machine of yours",
        )  # fmt: skip
    if len(jobs) > WISHES_MAX or len(set(jobs)) < len(jobs):
        return _no(not_done, f"a list of wishes names at most {WISHES_MAX} jobs, each once", "shorten it")
    for name in jobs:
        job = read.get(Job, name)
        if job is None or job.round != round or job.stands != STANDS:
            return refuse(
                "registry.unknown", not_done, f"there is no open job `{name}` in the round",
                remedy="take the ids from the round's list of jobs",
            )  # fmt: skip
    return WishesStated(who.id, round, jobs, who.kind == "person")


def commit(read: Reader, round: str, by: str, commitment: str, at: Instant) -> SeedCommitted | Refusal:
    """A chamber commits to a secret, once.

    Raises:
        BadInput: the commitment is none.
    """
    _check_hex(commitment, "a commitment")
    row, not_done = read.get(Round, round), "the chamber did not commit"
    chamber = row.chamber_of(by) if row is not None else ""
    if row is None:
        return _commit_ahead(read, round, by, commitment, at)
    if not chamber:
        return _unknown(not_done, round)
    if row.state != OPEN or at >= row.closes:
        return _no(not_done, f"commitments came in until {row.closes[:16]}", "the journal's head stands in for it now")
    return _committed(SeedCommitted(round, chamber, by, commitment), row.commitments)


def _commit_ahead(read: Reader, round: str, by: str, commitment: str, at: Instant) -> SeedCommitted | Refusal:
    """A chamber commits to a secret for a round of a series that is still to open."""
    found, not_done = series.of_round(read, round), "the chamber did not commit"
    if found is None or by not in found[0].speakers:
        return _unknown(not_done, round)
    row, number = found
    following = row.following(at)
    if following is None or number < following.number or number >= following.number + AHEAD_MAX:
        return _no(
            not_done, f"no such round of the series is still to open, of the next {AHEAD_MAX}",
            "take a number from the series",
        )  # fmt: skip
    if row.times(number).opens >= row.until:
        return _no(not_done, f"the series opens no round from {row.until[:16]} on", "take a smaller number")
    chamber = dict(zip(row.speakers, CHAMBERS, strict=True))[by]
    return _committed(SeedCommitted(round, chamber, by, commitment), pledged(read, round))


def _committed(fact: SeedCommitted, there: tuple[str, ...]) -> SeedCommitted | Refusal:
    """The commitment, if its chamber made none before and nobody made the same."""
    not_done = "the chamber did not commit"
    if there[CHAMBERS.index(fact.chamber)]:
        return _no(
            not_done, f"the chamber of {fact.chamber} committed to a secret, which stands", "open that one in time"
        )
    if fact.commitment in there:
        return _no(not_done, "another chamber committed to the same", "draw a secret of your own")
    return fact


def open_seed(read: Reader, round: str, by: str, secret: str, at: Instant) -> SeedOpened | Refusal:
    """A chamber shows its secret, once wishes are closed.

    Raises:
        BadInput: the secret is none.
    """
    _check_hex(secret, "a secret")
    row, not_done = read.get(Round, round), "the secret was not opened"
    chamber = row.chamber_of(by) if row is not None else ""
    if row is None or not chamber:
        return _unknown(not_done, round)
    place = CHAMBERS.index(chamber)
    if row.state != CLOSED or at >= row.opens_until:
        return _no(
            not_done,
            f"secrets are opened once the round is closed, until {row.opens_until[:16]}",
            "send it within that time",
        )
    if row.secrets[place]:
        return _no(not_done, "it is open already", "wait until the round is planned")
    given: list[bytes | None] = [None] * len(CHAMBERS)
    given[place] = bytes.fromhex(secret)
    return lottery.opened(round, row.commitments, given) or SeedOpened(round, chamber, by, secret)


def can_close(read: Reader, round: str, at: Instant) -> Round | Refusal:
    """The round, if its wishes can be closed now."""
    row, not_done = read.get(Round, round), "the round was not closed"
    if row is None:
        return _unknown(not_done, round)
    if row.state != OPEN or at < row.closes:
        return _no(
            not_done,
            f"wishes come in until {row.closes[:16]}, and it is closed once",
            "wait, or go on with the next step",
        )
    return row


def can_plan(read: Reader, round: str, at: Instant) -> Round | Refusal:
    """The round, if it can be planned now: every secret is open, or the time for it is over."""
    row, not_done = read.get(Round, round), "the round was not planned"
    if row is None:
        return _unknown(not_done, round)
    if row.state != CLOSED:
        return _no(not_done, f"it is {row.state}", "take the step that is next")
    if at < row.opens_until and not all(row.secrets):
        return _no(not_done, f"secrets can be opened until {row.opens_until[:16]}", "wait")
    if not any(row.secrets):
        return _no(
            not_done, "no chamber opened its secret, so that whoever runs the node would know the lots alone",
            "give the round up, and let its jobs come into another",
        )  # fmt: skip
    return row


def seed_of(row: Round) -> bytes:
    """The seed of a round's lots: of the secrets that were opened, and the journal's head for each that was not."""
    secrets = [bytes.fromhex(secret) if secret else None for secret in row.secrets]
    return lottery.seed(secrets, bytes.fromhex(row.head), row.id)


def missing(row: Round) -> tuple[str, ...]:
    """The chambers that opened nothing."""
    return tuple(chamber for chamber, secret in zip(CHAMBERS, row.secrets, strict=True) if not secret)


def can_settle(read: Reader, round: str) -> Round | Refusal:
    """The round, if its plan can be carried out, or is already."""
    row, not_done = read.get(Round, round), "the round was not settled"
    if row is None:
        return _unknown(not_done, round)
    if not row.plan:
        return _no(not_done, f"it is {row.state}, and has no plan", "take the step that is next")
    return row


def abandon(read: Reader, round: str, by: str, why: str) -> RoundAbandoned | Refusal:
    """A round is given up: never from the first opened secret on.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    row, not_done = read.get(Round, round), "the round was not given up"
    if row is None:
        return _unknown(not_done, round)
    if row.state not in (OPEN, CLOSED):
        return _no(not_done, f"it is {row.state}", "a round that is planned is settled")
    if any(row.secrets):
        return refuse(
            "allocation.redraw", not_done, "a secret is open, so that somebody could know the lots and wish for others",
            remedy="let the round go its way: it is planned and settled",
        )  # fmt: skip
    return RoundAbandoned(round, by, words(why, "a reason"))


def withdrawable(read: Reader, job: str) -> Refusal | None:
    """Why a job cannot be withdrawn while its round is being drawn; None if it can."""
    row = read.get(Job, job)
    of = read.get(Round, row.round) if row is not None and row.round else None
    if of is None or of.state not in (CLOSED, PLANNED):
        return None
    return _no("the job was not withdrawn", f"its round `{of.id}` is being drawn", "wait until the round is settled")


def _check_hex(text: str, what: str) -> None:
    if not _HEX.fullmatch(text):
        raise BadInput(
            "input.work", f"`{text[:80]}` is not {what}", "give 64 hexadecimal digits, as `work commit` prints them"
        )


def _unknown(not_done: str, round: str) -> Refusal:
    return refuse(
        "registry.unknown",
        not_done,
        f"there is no round `{round}` that is yours to move",
        remedy="see the list of rounds",
    )


def _no(not_done: str, why: str, remedy: str) -> Refusal:
    return refuse("work.round", not_done, why, remedy=remedy)
