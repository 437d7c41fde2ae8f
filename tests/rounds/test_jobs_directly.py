"""Jobs that are taken directly, or offered, through the use cases: what each side finds, and what strangers see."""

from __future__ import annotations

from rounds.world import RIDERS, SHOP, World
from story import done
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.node import findings, work


def test_a_job_is_posted_taken_done_and_ended(here: World) -> None:
    job = here.post(conditions=("helmet",), seats=2)
    first, second = (done(work.take(here.node, job, name)) for name in ("anu", "bert"))
    assert isinstance(work.take(here.node, job, "carmen"), Refusal)
    done(work.end(here.node, second.agreement, "bert", "a flat tyre"))
    third = done(work.take(here.node, job, "carmen"))  # the seat is free again
    here.go(50)
    done(work.record_shift(here.node, RIDERS, "anu", here.at(48), here.at(50), (here.span(48, 49),), "Europe/Tallinn"))
    told = work.Done(first.agreement, (here.span(48, 49),), 1800, 300, 2500, 100, safe=("helmet",))
    record = done(work.record_work(here.node, RIDERS, told))
    anu, riders = work.mine(here.node, "anu"), work.mine(here.node, RIDERS)
    assert [row.id for row in anu.agreements] == [first.agreement]
    assert [row.id for row in riders.agreements] == [first.agreement, second.agreement, third.agreement]
    assert [row.id for row in anu.works] == [row.id for row in riders.works] == [record.work]
    assert [row.taken for row in riders.posted] == [2]
    assert [row.ended.partition(": ")[2] for row in riders.agreements] == ["", "a flat tyre", ""]


def test_an_offer_keeps_a_seat_for_somebody_one_worked_with(here: World) -> None:
    assert isinstance(work.offer(here.node, here.post(), "anu", RIDERS), Refusal)
    done(work.take(here.node, here.post(starts=90, ends=99), "anu"))
    job = here.post()
    offer = done(work.offer(here.node, job, "anu", RIDERS, here.at(10)))
    found = work.job_shown(here.node, job)
    assert found is not None and (found.free, found.kept) == (0, 1)
    assert isinstance(work.take(here.node, job, "bert"), Refusal)
    assert isinstance(work.accept(here.node, offer.offer, "bert"), Refusal)
    assert [row.id for row in work.mine(here.node, "anu").offers] == [offer.offer]
    agreed = done(work.accept(here.node, offer.offer, "anu"))
    assert agreed.job == job and work.mine(here.node, "anu").offers == ()
    assert isinstance(work.accept(here.node, offer.offer, "anu"), Refusal)


def test_who_declines_or_lets_the_time_pass_gives_the_seat_back(here: World) -> None:
    done(work.take(here.node, here.post(starts=90, ends=99), "anu"))
    for give_back in ("declines", "waits"):
        job = here.post()
        offer = done(work.offer(here.node, job, "anu", RIDERS, here.at(10)))
        if give_back == "declines":
            done(work.decline(here.node, offer.offer, "anu"))
        else:
            here.go(11)
        assert isinstance(work.accept(here.node, offer.offer, "anu"), Refusal)
        found = work.job_shown(here.node, job)
        assert found is not None and found.free == 1
        done(work.take(here.node, job, "bert" if give_back == "declines" else "carmen"))


def test_a_private_person_who_posts_a_job_is_not_named_in_public(here: World) -> None:
    job = here.post(by="dina")
    shown = work.job_shown(here.node, job)
    assert shown is not None and shown.job.by == ""
    assert [one.job.by for one in work.open_jobs(here.node)] == [""]
    assert done(work.take(here.node, job, "anu")).poster == here.id("dina")


def test_open_jobs_are_found_by_place_and_skill(here: World) -> None:
    north, bike = here.post(place="tartu-north"), here.post(skills=("urn:bike",))
    gone = here.post(until=here.at(5))
    done(work.withdraw(here.node, here.post(), RIDERS, "it rains"))
    here.go(6)
    assert [one.job.id for one in work.open_jobs(here.node)] == [north, bike]
    assert [one.job.id for one in work.open_jobs(here.node, place="tartu-north")] == [north]
    assert [one.job.id for one in work.open_jobs(here.node, skill="urn:bike")] == [bike]
    shown = work.job_shown(here.node, gone)
    assert shown is not None and shown.free == 0


def test_a_skill_counts_once_a_credential_shows_it(here: World) -> None:
    job = here.post(skills=("urn:bike",))
    found = work.take(here.node, job, "anu")
    assert isinstance(found, Refusal) and "`urn:bike`" in found.reasons[0]
    here.skilled("anu", "urn:bike", "urn:van")
    done(work.take(here.node, job, "anu"))


def test_a_gate_keeps_a_worker_from_a_job(here: World) -> None:
    """What others watch (hours left, restricted accounts) is handed in, and asked last."""
    job = here.post()
    found = work.take(here.node, job, "anu", gates=(lambda *_: "9 h 40 of 11 h rest; from 06:20 on",))
    assert isinstance(found, Refusal) and "11 h rest" in found.reasons[0]
    done(work.take(here.node, job, "anu", gates=(lambda *_: None,)))


def test_a_time_zone_is_one_of_the_list(here: World) -> None:
    done(work.take(here.node, here.post(), "anu"))
    here.go(50)
    for zone in ("Mars/Olympus", "../etc/passwd", ""):
        try:
            work.record_shift(here.node, RIDERS, "anu", here.at(48), here.at(49), (), zone)
        except BadInput:
            continue
        raise AssertionError(zone)


def test_agreements_on_jobs_and_on_data_have_one_series(here: World) -> None:
    agreed = done(work.take(here.node, here.post(by=SHOP), "anu"))
    with here.node.store.read() as state:
        assert agreed.agreement == f"agreement-{state.size() - 1}"


def test_a_restricted_account_takes_no_job_there_and_others_elsewhere(here: World) -> None:
    """What a person decided about an account holds for jobs that are taken, and for rounds."""
    first, second = here.post(), here.post(by=SHOP)
    done(work.take(here.node, here.post(starts=90, ends=99), "anu"))
    done(findings.restrict(
        here.node, "anu", RIDERS, "suspended", "a complaint is looked into", "Mari, 555 0100", None, RIDERS
    ))  # fmt: skip
    found = work.take(here.node, first, "anu")
    assert isinstance(found, Refusal) and found.code == "work.taker"
    done(work.take(here.node, second, "anu"))
