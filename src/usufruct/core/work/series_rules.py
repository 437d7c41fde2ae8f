"""What may happen with a series of rounds: start it, open its next round, post a job into it, end it.

The operator decides once, and then the clock does: which round opens when can be worked out by everybody from the fact that
started the series, so nobody can wait for a good moment. A series is never changed; who wants other times or another rule ends
it and starts another under another name. Names are not used twice, for commitments are bound to them.
"""

from __future__ import annotations

from usufruct.core.access.delegation import is_machine
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant, in_years
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.work.allocation.rule import AFTER, AllocationRule, unfit
from usufruct.core.work.rounds.rules import unfit_speakers
from usufruct.core.work.rounds.series import WAITS, Series, SeriesEnded, SeriesStarted, open_now
from usufruct.core.work.rounds.state import ABANDONED, SETTLED, Round, RoundOpened
from usufruct.core.work.terms import words

NAME_MAX = 50
MINUTES_MAX = 366 * 24 * 60
YEARS_MAX = 5


def start(
    read: Reader, series: str, by: str, rule: AllocationRule, speakers: tuple[str, str, str], starts: Instant,
    minutes: tuple[int, int, int], until: Instant, at: Instant,
) -> SeriesStarted | Refusal:  # fmt: skip
    """A series by a rule that everybody can read. `minutes` are those between two rounds, for wishes, and for openings.

    Raises:
        BadInput: the name or the minutes cannot be.
    """
    checked(series, "a series")
    every, wishes, opening = minutes
    if len(series) > NAME_MAX:
        raise BadInput("input.id", "the name is too long for a series", f"use at most {NAME_MAX} characters")
    if min(minutes) < 1 or every > MINUTES_MAX:
        raise BadInput("input.work", "these are no minutes of a series", f"give 1 to {MINUTES_MAX}")
    not_done = f"the series `{series}` was not started"
    if is_machine(read, by):
        return _no(not_done, "a person decides that jobs are given out by the clock", "let the operator start it")
    refused = unfit(rule) or unfit_speakers(read, speakers, not_done)
    if refused is not None:
        return refused
    if rule.reveal != AFTER:
        return _no(not_done, "lots are told once wishes are closed", "let them be told `after`")
    if read.get(Series, series) is not None or _rounds_named(read, series):
        return refuse(
            "registry.exists", not_done, "a series or its first rounds are there under that name",
            remedy="choose another name",
        )  # fmt: skip
    if wishes + opening > every:
        return _no(
            not_done, "a round would still be drawn when the next one opens",
            "let wishes and openings together take no longer than the time between two rounds",
        )  # fmt: skip
    if not at <= starts < until <= in_years(at, YEARS_MAX):
        return _no(
            not_done, f"it starts now or later and ends after that, within {YEARS_MAX} years", "name other times"
        )
    return SeriesStarted(series, by, rule, *speakers, starts, every, wishes, opening, until)


def end(read: Reader, series: str, by: str, why: str) -> SeriesEnded | Refusal:
    """No further round opens.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    row, not_done = read.get(Series, series), "the series was not ended"
    if row is None or row.ended:
        return _unknown(not_done, series)
    if is_machine(read, by):
        return _no(not_done, "a person decides that no round opens any more", "let the operator end it")
    return SeriesEnded(series, by, words(why, "a reason"))


def next_round(read: Reader, series: str, at: Instant) -> RoundOpened | Refusal:
    """The round of a series that opens now, if one does: it is time, and the one before is settled or given up."""
    row, not_done = read.get(Series, series), "no round was opened"
    times = row.following(at) if row is not None else None
    if row is None or times is None:
        return _unknown(not_done, series)
    if at < times.opens:
        return _no(not_done, f"the next one opens at {times.opens[:16]}", "wait")
    before = read.get(Round, row.named(row.last)) if row.last else None
    if before is not None and before.state not in (SETTLED, ABANDONED):
        return _no(not_done, f"`{before.id}` is {before.state}", "let it go its way first")
    workers, operators, customers = row.speakers
    return RoundOpened(
        row.named(times.number), row.by, row.rule, workers, operators, customers, times.closes, times.opens_until,
        series=row.id,
    )  # fmt: skip


def placed(read: Reader, round: str, starts: Instant, until: Instant, at: Instant) -> str | Refusal:
    """Where a job stands that is posted into `series:NAME`: in the round that is open, if that can still give it out, and else
    in the series itself, until its next round. Any other `round` is what it is."""
    if not round.startswith(WAITS):
        return round
    row, not_done = read.get(Series, round.removeprefix(WAITS)), "the job was not posted"
    if row is None:
        return _unknown(not_done, round.removeprefix(WAITS)[:80])
    of = open_now(read, row, at)
    if of is not None and starts >= of.opens_until and until >= of.opens_until:
        return of.id
    times = row.following(at)
    if times is None:
        return _no(not_done, "the series opens no round any more", "post it directly, or into another series")
    if not times.take(starts, until):
        return _no(
            not_done, f"its next round may not be settled before {times.opens_until[:16]}",
            "let the job begin later, and be taken until then",
        )  # fmt: skip
    return round


def _rounds_named(read: Reader, series: str) -> bool:
    return any(
        row.id.startswith(f"{series}-") and row.id.removeprefix(f"{series}-").isdigit() for row in read.list(Round)
    )


def _unknown(not_done: str, series: str) -> Refusal:
    return refuse(
        "registry.unknown", not_done, f"there is no series `{series}` that goes on", remedy="see the list of series"
    )


def _no(not_done: str, why: str, remedy: str) -> Refusal:
    return refuse("work.round", not_done, why, remedy=remedy)
