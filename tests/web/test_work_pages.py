"""The pages of work: what everybody reads of the exchange, what a worker and an operator do on theirs, and what nobody learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import jobsite
import story
from support import SetClock
from usufruct.core.base.instants import in_months, later
from usufruct.core.work.facts import Span
from usufruct.core.work.public import Quartiles
from usufruct.core.work.state import OPEN, Availability, Job, JobAgreement
from usufruct.node import work, work_day, work_views
from usufruct.node.node import Node
from usufruct.node.work import Done


@pytest.fixture
def workers(node: Node) -> tuple[str, ...]:
    """Six couriers, two operators, a customer."""
    return jobsite.register_all(node, 6)


def rows(node: Node, kind: type[Any], **where: str) -> list[Any]:
    with node.store.read() as state:
        return list(state.list(kind, **where))


def test_everybody_reads_demand_and_supply_and_no_number_of_a_few(
    stranger: Any, node: Node, workers: tuple[str, ...]
) -> None:
    assert "There was no round yet" in stranger.get("/work").text
    jobsite.offer_themselves(node, workers[:4])
    for place in jobsite.PLACES:
        story.done(work.post(node, "city-riders", jobsite.terms(node, place=place, seats=3)))
    node.clock.move(minutes=2)  # type: ignore[attr-defined]
    shown = stranger.get("/work")
    assert "Open jobs 4" in shown.text and "Seats that are free 12" in shown.text
    assert "tartu-centre 3 fewer than 5" in shown.text  # four would work there
    assert "not shown: fewer than 5 workers" in shown.text
    assert not any(worker in shown.source for worker in workers) and "Courier" not in shown.source
    assert shown.source.count("/work/jobs/") == 4
    assert stranger.get("/work?place=narva").source.count("/work/jobs/") == 1


def test_the_page_is_worked_out_once_a_minute(
    stranger: Any, node: Node, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, real = [], work_views.exchange
    monkeypatch.setattr(work_views, "exchange", lambda node: looked.append(1) or real(node))
    for _ in range(3):
        stranger.get("/work")
    assert len(looked) == 1
    node.clock.move(seconds=61)  # type: ignore[attr-defined]
    stranger.get("/work")
    assert len(looked) == 2


def test_last_months_pay_is_told_from_five_workers_on(node: Node, workers: tuple[str, ...], clock: SetClock) -> None:
    """Each of five couriers works an hour; the first does two orders at once in it, which is still an hour."""
    clock.at = later(clock.at[:8] + "01T00:00:00.000Z", days=40)  # type: ignore[arg-type]
    agreements = []
    for worker in workers[:5]:
        job = story.done(work.post(node, "city-riders", jobsite.terms(node, 1, 6)))
        agreements.append(story.done(work.take(node, job.job, worker)))
    clock.at = later(agreements[-1].terms.ends, hours=1)
    for count, agreed in enumerate(agreements):
        assert work_views.exchange(node).paid is None
        span = Span(agreed.terms.starts, later(agreed.terms.starts, minutes=60))
        for part in (600, 400 + count) if count == 0 else (1_000 + count,):
            story.done(work.record_work(node, "city-riders", Done(agreed.agreement, (span,), part + 1, 1)))
    assert work_views.exchange(node).paid is None  # the month is not over
    clock.at = in_months(clock.at, 1)
    assert work_views.exchange(node).paid == Quartiles(5, 1_001, 1_002, 1_003)
    clock.at = in_months(clock.at, 1)
    assert work_views.exchange(node).paid is None


def test_a_job_is_read_by_everybody_and_taken_by_who_is_logged_in(
    browse: Callable[..., Any], stranger: Any, node: Node, workers: tuple[str, ...]
) -> None:
    job = story.done(work.post(node, "corner-bakery", jobsite.terms(node))).job
    shown = stranger.get(f"/work/jobs/{job}")
    assert "Corner Bakery" in shown.text and "13.50 EUR an hour" in shown.text and "Take this job" not in shown.text
    mine, late = browse(workers[0], "user"), browse(workers[1], "user")
    page = late.get(f"/work/jobs/{job}")
    after = mine.press(mine.get(f"/work/jobs/{job}"), f"/work/jobs/{job}/taking")
    assert after.title.startswith("Your day") and "For Corner Bakery" in after.text
    assert "Full" in stranger.get(f"/work/jobs/{job}").text
    too_late = late.press(page, f"/work/jobs/{job}/taking")
    assert too_late.status in (403, 409) and "Courier 1" not in too_late.text and "not taken" in too_late.text
    agreed = rows(node, JobAgreement, worker=workers[0])[0]
    ended = mine.press(after, f"/work/agreements/{agreed.id}/ending", why="ill")
    assert "No job of yours is to come" in ended.text
    assert rows(node, JobAgreement, worker=workers[0])[0].ended.endswith(": ill")


def test_a_private_person_who_posts_a_job_is_not_named(stranger: Any, node: Node, workers: tuple[str, ...]) -> None:
    job = story.done(work.post(node, workers[5], jobsite.terms(node, title="Help with a move"))).job
    for path in ("/work", f"/work/jobs/{job}"):
        shown = stranger.get(path)
        assert "Help with a move" in shown.text and "a private person" in shown.text
        assert workers[5] not in shown.source and "Courier 6" not in shown.source


def test_a_worker_says_when_she_would_work_and_is_told_what_cannot_be_read(
    browse: Callable[..., Any], node: Node, workers: tuple[str, ...]
) -> None:
    mine, day = browse(workers[0], "user"), jobsite.at(node, 1, 0)[:10]
    typed = {"spans": f"{day} 08:00-12:00\n{day} 13:00-16:30", "places": "tartu-centre, narva", "floor": "12.50",
             "refusals": "by:fast-wheels", "minutes": "1200"}  # fmt: skip
    page = mine.get("/work/me")
    after = mine.press(page, "/work/me/availability", **typed)
    said = rows(node, Availability)[0]
    assert (said.hourly_floor, said.minutes_max, said.places) == (1_250, 1_200, ("tartu-centre", "narva"))
    assert [span.end[11:16] for span in said.spans] == ["12:00", "16:30"]
    form = after.form("/work/me/availability")  # what stands is what the form shows
    assert form.fields["floor"] == "12.50" and form.fields["places"] == "tartu-centre, narva"
    wrong = mine.press(after, "/work/me/availability", **{**typed, "spans": "tomorrow morning"})
    assert wrong.status == 400 and "`tomorrow morning` is no time" in wrong.source.replace("<code>", "`").replace(
        "</code>", "`"
    )
    assert rows(node, Availability) == [said]


def test_a_night_is_told_with_both_its_days_and_shown_as_it_was_said(
    browse: Callable[..., Any], node: Node, workers: tuple[str, ...]
) -> None:
    mine = browse(workers[0], "user")
    night = f"{jobsite.at(node, 1, 0)[:10]} 22:00 - {jobsite.at(node, 2, 0)[:10]} 06:00"
    for _ in range(2):  # what the form shows can be sent again
        page = mine.press(mine.get("/work/me"), "/work/me/availability", spans=night)
        (span,) = rows(node, Availability)[0].spans
        assert (span.start, span.end) == (jobsite.at(node, 1, 22), jobsite.at(node, 2, 6))
        assert night in page.source
    assert "You are in no scheme here" in page.text


def test_a_day_has_three_lengths_by_the_clock_where_she_works(
    browse: Callable[..., Any], node: Node, workers: tuple[str, ...], clock: SetClock
) -> None:
    jobsite.fill(node, clock)
    day = work_day.day(node, workers[0])
    assert [(one.name, one.time // 60_000) for one in day.definitions] == [
        ("engaged", 63),
        ("online", 140),
        ("whole shift", 180),
    ]
    assert [one.hourly for one in day.definitions] == [1_066, 480, 373]
    assert day.start[11:16] == "22:00" and day.date == day.end[:10]  # midnight in Tallinn, in winter
    mine = browse(workers[0], "user")
    shown = mine.get("/work/me")
    assert "10.66 EUR, over 1 h 03" in shown.text and "3.73 EUR, over 3 h" in shown.text
    after = mine.press(shown, f"/work/offers/{day.offers[0][0].id}", ("word", "accept"))
    assert "Nobody has offered you a job" in after.text and "Breakfast rolls" in after.text


def test_a_poster_posts_and_withdraws_by_a_form_and_sees_who_does_what(
    browse: Callable[..., Any], node: Node, workers: tuple[str, ...]
) -> None:
    mine, day = browse("city-riders", "user"), jobsite.at(node, 2, 0)[:10]
    typed = {"title": "Parcels <b>", "place": "narva", "starts": f"{day}T09:00", "ends": f"{day}T12:00", "minutes": "90",
             "per_hour": "14.00", "seats": "2", "conditions": "helmet, lights"}  # fmt: skip
    after = mine.press(mine.get("/work/board"), "/work/board/jobs", **typed)
    job = rows(node, Job, by="city-riders")[0]
    assert (job.terms.title, job.terms.conditions, job.terms.pay.per_hour) == (
        "Parcels <b>",
        ("helmet", "lights"),
        1_400,
    )
    assert "Parcels <b>" in after.text and "Parcels <b>" not in after.source
    story.done(work.take(node, job.id, workers[1]))
    assert "Courier 2" in mine.get("/work/board").text and "1 of 2 seats agreed" in mine.get("/work/board").text
    assert "Courier 2" not in browse("fast-wheels", "user").get("/work/board").text
    withdrawn = mine.press(mine.get("/work/board"), f"/work/board/jobs/{job.id}/withdrawal", why="rain")
    assert "Withdrawn" in withdrawn.text and rows(node, Job, by="city-riders")[0].stands != OPEN
    late = mine.press(withdrawn, "/work/board/jobs", **{**typed, "minutes": "-5"})
    assert late.status == 400 and "is not a whole number" in late.text


def test_what_is_not_there_and_what_is_not_yours_answer_alike(
    browse: Callable[..., Any], node: Node, workers: tuple[str, ...], clock: SetClock
) -> None:
    jobsite.fill(node, clock)
    offer = work_day.day(node, workers[0]).offers[0][0].id
    other = browse(workers[3], "user")
    for mine, none in (
        (f"/work/offers/{offer}", "/work/offers/job-offer-9999"),
        (f"/work/agreements/{rows(node, JobAgreement, worker=workers[0])[0].id}/ending", "/work/agreements/agreement-9999/ending"),
        (f"/work/board/jobs/{rows(node, Job, by='city-riders')[0].id}/withdrawal", "/work/board/jobs/job-9999/withdrawal"),
    ):  # fmt: skip
        token = other.get("/work/me").form("/work/me/availability").fields
        csrf = {
            name: value
            for name, value in token.items()
            if name not in ("spans", "places", "floor", "refusals", "minutes")
        }
        found = [other.send(path, word="accept", why="I say so", **csrf) for path in (mine, none)]
        ids = [
            path.rsplit("/", 2)[-2] if path.endswith(("ending", "withdrawal")) else path.rsplit("/", 1)[-1]
            for path in (mine, none)
        ]
        said = [page.text.replace(id, "ID") for page, id in zip(found, ids, strict=True)]
        assert found[0].status == found[1].status >= 400 and said[0] == said[1] and "This form was not" not in said[0]
