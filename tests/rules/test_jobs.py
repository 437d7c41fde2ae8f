"""Jobs by the rules alone: what terms can be, which rule keeps a worker from a job, what work can have been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases, parts
from worlds import START, World

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.work import doing, rules
from usufruct.core.work.facts import (
    AvailabilityStated,
    JobAgreed,
    JobEnded,
    JobPosted,
    JobTerms,
    Pay,
    ShiftRecorded,
    Span,
    WorkDone,
)
from usufruct.core.work.filters import FILTERS, Gate, Offered, candidate, first_no
from usufruct.core.work.offers import JobOffered
from usufruct.core.work.state import Job
from usufruct.core.work.terms import checked_spans, checked_terms, hourly, meet, worth

MONDAY = Instant("2026-03-02T00:00:00.000Z")  # the day after START


def at(clock: str) -> Instant:
    """`9` is nine o'clock on Monday, `9:30` half past, `33` nine on Tuesday."""
    hours, _, minutes = clock.partition(":")
    return later(MONDAY, hours=int(hours), minutes=int(minutes or 0))


def spans(text: str) -> tuple[Span, ...]:
    return tuple(Span(at(start), at(end)) for start, _, end in (one.partition("-") for one in parts(text)))


TERMS = JobTerms("deliveries", "centre", at("9"), at("12"), 60, Pay("EUR", 0, 1500), ("urn:bike",), ("helmet",))


def town() -> World:
    """Anna looks for work; riders and shop post jobs; a robot has a principal."""
    made = World(START)
    made.add(
        PartyRegistered("anna", "person", "Anna", key=1), PartyRegistered("riders", "organisation", "Riders"),
        PartyRegistered("shop", "organisation", "Shop"), PartyRegistered("fleet", "organisation", "Fleet"),
        PartyRegistered("robot", "agent", "Robot", "fleet"),
    )  # fmt: skip
    return made


# ---- terms

PAYS = """
per_job | per_hour | per_km | minutes | metres | worth | hourly
--------+----------+--------+---------+--------+-------+-------
1200    | 0        | 0      | 60      | 0      | 1200  | 1200
0       | 1500     | 0      | 20      | 0      | 500   | 1500
0       | 1000     | 0      | 7       | 0      | 117   | 1002
0       | 0        | 30     | 60      | 4501   | 136   | 136
100     | 1500     | 30     | 90      | 2000   | 2410  | 1606
"""


@cases(PAYS)
def test_what_a_job_pays(row: dict[str, str]) -> None:
    """Each part is rounded up, so that nothing is promised that is not paid."""
    pay = Pay("EUR", int(row["per_job"]), int(row["per_hour"]), int(row["per_km"]))
    terms = replace(TERMS, pay=pay, minutes=int(row["minutes"]), metres=int(row["metres"]))
    assert (worth(terms), hourly(terms)) == (int(row["worth"]), int(row["hourly"]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": "  "}, {"title": "x" * 201}, {"place": "Tartu centre"}, {"conditions": ("Helmet!",)},
        {"skills": ("bike",)}, {"skills": ("urn:a", "urn:a")}, {"takers": ()}, {"takers": ("robot",)}, {"seats": 0},
        {"seats": 10_001}, {"ends": at("9")}, {"ends": at("8")}, {"ends": later(at("9"), days=40)}, {"minutes": 0},
        {"minutes": 181}, {"metres": -1}, {"pay": Pay("USD", 100)}, {"pay": Pay("EUR")}, {"pay": Pay("EUR", -1, 1500)},
    ],
    ids=str,
)  # fmt: skip
def test_terms_that_cannot_be(wrong: dict[str, Any]) -> None:
    checked_terms(TERMS, "EUR")
    with pytest.raises(BadInput):
        checked_terms(replace(TERMS, **wrong), "EUR")


@pytest.mark.parametrize(
    ("until", "terms", "why"),
    [
        (at("9"), replace(TERMS, starts=at("-20"), ends=at("-15")), "over already"),
        (later(START, days=-1), TERMS, "over already"),
        (at("13"), TERMS, "when its window is over"),
    ],
)
def test_a_window_that_is_past_is_refused(until: Instant, terms: JobTerms, why: str) -> None:
    found = rules.post(town().state, "job-1", "riders", terms, until, (), at("-14"), "EUR")
    assert isinstance(found, Refusal) and found.code == "work.job" and why in found.reasons[0]


# ---- which rule comes first

WORKERS = """
said                          | job              | agreed | gate  | rule
------------------------------+------------------+--------+-------+--------
                              |                  |        |       |
                              | posted by anna   |        | tired | own
                              | for agent        |        | tired | kind
refuse by:riders              |                  | 9-12   | tired | refused
refuse by:shop                |                  |        |       |
refuse job:job-1              |                  | 9-12   | tired | refused
refuse condition:helmet       |                  | 9-12   | tired | refused
places south                  |                  | 9-12   | tired | place
places south; centre          |                  |        |       |
spans 7-9:30                  |                  | 9-12   | tired | window
spans 7-10                    |                  |        |       |
spans 11:01-15                |                  |        |       | window
spans 8-9:30; 10:30-11:20     |                  |        |       | window
spans                         |                  |        |       | window
floor 1501                    |                  | 9-12   | tired | floor
floor 1500                    |                  |        |       |
week 59                       |                  | 9-12   | tired | week
week 60                       |                  |        |       |
week 90                       |                  | 14-15  | tired | week
week 120                      |                  | 14-15  |       |
week 60                       |                  | 170-172 |      |
                              | asks urn:van     | 9-12   | tired | skills
                              |                  | 11-14  | tired | overlap
                              |                  | 12-14  | tired | gate
                              |                  | 6-9    |       |
"""


@cases(WORKERS)
def test_the_first_rule_that_says_no_is_kept(row: dict[str, str]) -> None:
    made, terms, poster = town(), TERMS, "riders"
    what, _, value = row["said"].partition(" ")
    plain = AvailabilityStated("anna", spans("0-24"), (), 0, (), 0, True)
    match what:
        case "refuse":
            made.add(replace(plain, refusals=parts(value)))
        case "places":
            made.add(replace(plain, places=parts(value)))
        case "spans":
            made.add(replace(plain, spans=spans(value)))
        case "floor":
            made.add(replace(plain, hourly_floor=int(value)))
        case "week":
            made.add(replace(plain, minutes_max=int(value)))
    match row["job"].split():
        case ["posted", "by", who]:
            poster = who
        case ["for", kind]:
            terms = replace(terms, takers=(kind,))
        case ["asks", skill]:
            terms = replace(terms, skills=(*terms.skills, skill))
    for number, one in enumerate(spans(row["agreed"])):
        busy = replace(TERMS, starts=one.start, ends=one.end)
        made.add(JobPosted(f"busy-{number}", "shop", busy, busy.starts))
        made.add(JobAgreed(f"agreement-{number}", f"busy-{number}", "anna", "shop", busy))
    found = _no(made, terms, poster, (lambda *_: "no rest yet",) if row["gate"] else ())
    assert (found or "") == row["rule"]


def _no(made: World, terms: JobTerms, poster: str, gates: tuple[Gate, ...] = (), herself: bool = False) -> str | None:
    from usufruct.core.registry.state import Party

    party = made.state.get(Party, "anna")
    assert party is not None
    who = replace(candidate(made.state, party, made.at), skills=frozenset({"urn:bike", "urn:truck"}))
    no = first_no(made.state, who, Offered("job-1", poster, terms), made.at, gates, herself)
    assert no is None or (no.rule in FILTERS and no.words)
    return no.rule if no else None


def test_what_she_said_of_herself_does_not_bind_her_own_hand() -> None:
    made = town()
    made.add(AvailabilityStated("anna", (), ("south",), 99999, ("by:riders",), 1, True))
    assert _no(made, TERMS, "riders") == "refused"
    assert _no(made, TERMS, "riders", herself=True) is None
    assert _no(made, replace(TERMS, skills=("urn:van",)), "riders", herself=True) == "skills"


def test_an_agreement_that_ended_keeps_nobody_from_another() -> None:
    made = town()
    made.add(
        JobPosted("job-0", "shop", TERMS, at("9")), JobAgreed("agreement-1", "job-0", "anna", "shop", TERMS),
    )  # fmt: skip
    assert _no(made, TERMS, "riders") == "overlap"
    made.add(JobEnded("agreement-1", "anna", "shop", "anna", "ill"))
    assert _no(made, TERMS, "riders") is None
    job = made.state.get(Job, "job-0")
    assert job is not None and job.taken == 0


# ---- seats, offers


def _take(made: World, worker: str, job: str = "job-1", requester: str = "") -> JobAgreed | Refusal:
    return rules.take(made.state, "agreement-9", job, worker, requester or worker, (), made.at, ())


def test_a_kept_seat_is_for_her_alone() -> None:
    made, terms = town(), replace(TERMS, skills=())
    made.add(PartyRegistered("bert", "person", "Bert", key=2), JobPosted("job-1", "riders", terms, at("9")))
    assert isinstance(_take(made, "bert"), JobAgreed)
    made.add(JobOffered("job-offer-1", "job-1", "anna", "riders", at("2")))
    assert isinstance(_take(made, "bert"), Refusal)
    assert isinstance(_take(made, "anna"), JobAgreed)
    made.go("2026-03-02T02:00:00Z")  # the offer is over
    assert isinstance(_take(made, "bert"), JobAgreed)
    taken = _take(made, "anna")
    assert isinstance(taken, JobAgreed)
    made.add(taken)
    assert isinstance(_take(made, "bert"), Refusal)


def test_a_machine_does_a_job_only_where_the_terms_let_it_and_only_for_who_answers_for_it() -> None:
    made, terms = town(), replace(TERMS, skills=())
    made.add(JobPosted("job-1", "riders", terms, at("9")))
    made.add(JobPosted("job-2", "riders", replace(terms, takers=("person", "agent")), at("9")))
    refused = _take(made, "robot", "job-1", "fleet")
    assert isinstance(refused, Refusal) and "`person`" in refused.reasons[0]
    stranger = _take(made, "robot", "job-2", "shop")
    assert isinstance(stranger, Refusal) and stranger.code == "registry.unknown"
    taken = _take(made, "robot", "job-2", "fleet")
    assert isinstance(taken, JobAgreed) and taken.worker == "robot"


def test_who_tries_names_learns_nothing_of_who_there_is() -> None:
    made = town()
    made.add(JobPosted("job-1", "riders", TERMS, at("9")))

    def tried(name: str) -> str:
        found = rules.offer(made.state, "job-offer-1", "job-1", name, "riders", at("8"), (), made.at)
        assert isinstance(found, Refusal)
        return str(found).replace(name, "NAME")

    assert tried("anna") == tried("nobody")


# ---- work that is done

ENGAGED = """
engaged            | ended | answer
-------------------+-------+--------------------------------------------
9-10               |       | recorded for anna
9-10; 10-11        |       | recorded for anna
10-11; 9-10        |       | recorded for anna
11:59-12:10        |       | recorded for anna
8:59-10            |       | began outside its agreement
12-12:30           |       | began outside its agreement
9-10; 12-12:30     |       | began outside its agreement
9-10               | 9:30  | recorded for anna
9:40-10            | 9:30  | began outside its agreement
9-16               |       | not over yet
10-9               |       | ends before it begins
9-9                |       | ends before it begins
9-10; 9:59-11      |       | two spans
                   |       | 1 to
"""


@cases(ENGAGED)
def test_time_that_cannot_have_been_is_not_taken(row: dict[str, str]) -> None:
    made = _agreed()
    if row["ended"]:
        made.at = at(row["ended"])
        made.add(JobEnded("agreement-1", "anna", "riders", "riders", "rain"))
    made.at = at("13")
    work = WorkDone("work-1", "agreement-1", "", "riders", spans(row["engaged"]), 0, 1500, 300, "")
    told = _answer(lambda: doing.record_work(made.state, work, made.at))
    assert row["answer"] in told


def test_a_piece_lies_in_the_shift_that_is_named_for_it() -> None:
    made = _agreed()
    (whole,) = spans("9-10")
    made.add(ShiftRecorded("shift-0", "anna", "riders", whole.start, whole.end, ()))

    def told(engaged: str) -> str:
        work = WorkDone("work-1", "agreement-1", "", "riders", spans(engaged), 0, 1500, 300, "", shift="shift-0")
        return _answer(lambda: doing.record_work(made.state, work, at("13")))

    assert "recorded for anna" in told("9:30-10:20")  # the last order of a shift may take longer
    assert "outside its shift" in told("10-11") and "outside its shift" in told("9-9:30; 11-11:30")


def test_what_is_sent_twice_is_not_paid_twice() -> None:
    made = _agreed()
    work = WorkDone("work-1", "agreement-1", "", "riders", spans("9-10"), 500, 1500, 300, "", safe=("helmet",))
    first = doing.record_work(made.state, work, at("13"))
    assert isinstance(first, WorkDone)
    made.add(first)
    again = doing.record_work(made.state, replace(work, work="work-2"), at("13"))
    assert isinstance(again, Refusal) and "`work-1` is the same" in again.reasons[0]
    for other in ({"engaged": spans("9-9:59")}, {"gross": 1501}, {"metres": 501}, {"tips": 1}, {"orders": 2}):
        carried = replace(work, work="work-2", **other)  # type: ignore[arg-type]
        assert isinstance(doing.record_work(made.state, carried, at("13")), WorkDone)  # two orders on one way


def _answer(record: Callable[[], WorkDone | ShiftRecorded | Refusal]) -> str:
    """What somebody reads who records time: that it is done, why it is refused, or what is wrong with it."""
    try:
        found = record()
    except BadInput as fault:
        return str(fault)
    return found.reasons[0] if isinstance(found, Refusal) else f"recorded for {found.worker}"


def _agreed() -> World:
    made = town()
    made.add(JobPosted("job-1", "riders", TERMS, at("9")), JobAgreed("agreement-1", "job-1", "anna", "riders", TERMS))
    return made


SHIFTS = """
worker | operator | shift | online        | answer
-------+----------+-------+---------------+-------------------------------
anna   | riders   | 9-12  | 9-10; 11-12   | recorded
anna   | riders   | 9-12  |               | recorded
anna   | riders   | 9-12  | 8-10          | outside it
anna   | riders   | 12-9  |               | ends before it begins
anna   | riders   | 9-12  | 9-11; 10-12   | two spans
anna   | riders   | 9-14  |               | not over yet
anna   | riders   | 7-8:01 |              | overlaps the shift `shift-0`
anna   | riders   | 7-8   |               | recorded
anna   | shop     | 9-12  |               | no worker `anna`
nobody | riders   | 9-12  |               | no worker `nobody`
"""


@cases(SHIFTS)
def test_shifts(row: dict[str, str]) -> None:
    made = _agreed()
    made.add(ShiftRecorded("shift-0", "anna", "riders", at("8"), at("8:30"), ()))
    (whole,) = spans(row["shift"])
    fact = ShiftRecorded("shift-1", row["worker"], row["operator"], whole.start, whole.end, spans(row["online"]))
    assert row["answer"] in _answer(lambda: doing.record_shift(made.state, fact, at("13")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"gross": -1}, {"fee": -1}, {"fee": 1501}, {"tips": -5}, {"surcharges": -5}, {"metres": -1}, {"orders": 0},
        {"safe": ("lamp",)}, {"safe": ("helmet", "helmet")},
    ],
    ids=str,
)  # fmt: skip
def test_numbers_that_cannot_be(wrong: dict[str, Any]) -> None:
    made = _agreed()
    work = WorkDone("work-1", "agreement-1", "", "riders", spans("9-10"), 0, 1500, 300, "", safe=("helmet",))
    assert isinstance(doing.record_work(made.state, work, at("13")), WorkDone)
    with pytest.raises(BadInput):
        doing.record_work(made.state, replace(work, **wrong), at("13"))


def test_work_under_somebody_elses_agreement_is_as_if_there_were_none() -> None:
    made = _agreed()

    def told(agreement: str, operator: str) -> str:
        work = WorkDone("work-1", agreement, "", operator, spans("9-10"), 0, 1500, 300, "")
        found = doing.record_work(made.state, work, at("13"))
        assert isinstance(found, Refusal)
        return str(found).replace(agreement, "NAME")

    assert told("agreement-1", "shop") == told("agreement-7", "shop")


# ---- laws

minutes = st.integers(0, 300)
some_spans = st.lists(st.tuples(minutes, minutes), max_size=6)


@given(some_spans)
def test_spans_are_taken_if_and_only_if_no_moment_is_in_two(pairs: list[tuple[int, int]]) -> None:
    given_spans = tuple(Span(later(MONDAY, minutes=a), later(MONDAY, minutes=b)) for a, b in pairs)
    counted = [minute for a, b in pairs for minute in range(a, b)]
    sound = all(a < b for a, b in pairs) and len(set(counted)) == len(counted)
    if not sound:
        with pytest.raises(BadInput):
            checked_spans(given_spans, "it")
        return
    found = checked_spans(given_spans, "it")
    assert list(found) == sorted(given_spans, key=lambda span: span.start)


@given(minutes, minutes, minutes, minutes)
def test_spans_meet_if_they_have_a_minute_in_common(a: int, b: int, c: int, d: int) -> None:
    if a >= b or c >= d:
        return
    one, other = (Span(later(MONDAY, minutes=x), later(MONDAY, minutes=y)) for x, y in ((a, b), (c, d)))
    assert meet(one, other) == meet(other, one) == bool(set(range(a, b)) & set(range(c, d)))
