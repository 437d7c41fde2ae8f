"""A round from its opening to the job agreements, what cannot be done on the way, and who can check what."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rounds.world import COURIERS, OPERATOR, RIDERS, ROUND, RULE, SECRETS, SHOP, SHOPS, SPEAKER, UNION, World, world
from story import done
from usufruct.core.base.refusals import Refusal
from usufruct.core.proof.submission import checkpoint_in
from usufruct.core.work.allocation import certificate as proof
from usufruct.core.work.allocation import encoding, lottery
from usufruct.core.work.allocation.instance import Allocation
from usufruct.core.work.allocation.rule import BEFORE, AllocationRule, Part
from usufruct.core.work.rounds.state import CERTIFICATE_TYPE, Entrant, RoundPlanned
from usufruct.core.work.state import Job, JobAgreement
from usufruct.node import erase, rounds, work
from usufruct.ports import Transaction
from usufruct.store.audit import verify


def opened(here: World, jobs: int = 2, **more: Any) -> list[str]:
    """A round with so many jobs, to which all chambers committed."""
    here.open(**more)
    posted = [here.post(round=ROUND, title=f"job {number}") for number in range(jobs)]
    here.commit()
    return posted


def wished(here: World, jobs: int = 2) -> list[str]:
    """A round for whose jobs all four couriers wish, the first one best; its time has come."""
    posted = opened(here, jobs)
    for name in COURIERS:
        here.wish(name, *posted)
    here.go(12)
    return posted


def planned(here: World, jobs: int = 2) -> list[str]:
    """The same up to its plan."""
    posted = wished(here, jobs)
    done(rounds.close(here.node, ROUND))
    here.reveal()
    done(rounds.plan(here.node, ROUND))
    return posted


def agreements(here: World) -> list[JobAgreement]:
    with here.node.store.read() as state:
        return list(state.list(JobAgreement))


def refused(found: object) -> Refusal:
    assert isinstance(found, Refusal), found
    return found


def test_a_round_gives_each_job_to_the_first_by_lot_among_equals(here: World) -> None:
    jobs = planned(here)
    settled = done(rounds.settle(here.node, ROUND))
    assert (settled.agreed, settled.left) == (2, ())
    by_rank = {(own := done(rounds.own(here.node, ROUND, name))).rank: own for name in COURIERS}
    assert [by_rank[rank].reasons[0].outcome for rank in (1, 2, 3, 4)] == ["got", "lottery", "lottery", "lottery"]
    assert by_rank[2].reasons[1].outcome == "got"
    assert {row.job for row in agreements(here)} == set(jobs)
    assert {row.id for row in agreements(here)} == {by_rank[1].agreement, by_rank[2].agreement}
    assert all(row.round == ROUND for row in agreements(here))


def test_settled_twice_is_settled_once(here: World) -> None:
    planned(here)
    first = done(rounds.settle(here.node, ROUND))
    with here.node.store.read() as state:
        size = state.size()
    assert done(rounds.settle(here.node, ROUND)) == first
    with here.node.store.read() as state:
        assert state.size() == size


def test_a_follower_takes_each_step_when_it_is_time_and_no_sooner(here: World) -> None:
    opened(here)
    here.wish("anu", *opened_jobs(here))
    here.go(11)
    assert rounds.follow(here.node) == ""
    here.go(12)
    assert rounds.follow(here.node) == f"{ROUND}: closed"
    here.reveal("workers", "customers")
    assert rounds.follow(here.node) == ""
    here.go(14)
    assert [rounds.follow(here.node) for _ in range(3)] == [f"{ROUND}: planned", f"{ROUND}: settled", ""]
    row = rounds.shown(here.node, ROUND)
    assert row is not None and row.missing == ("operators",) and row.agreed == 1


def opened_jobs(here: World) -> list[str]:
    return [one.job.id for one in work.open_jobs(here.node, round=ROUND)]


# ---- the lots cannot be chosen


def test_a_stranger_works_the_seed_out_from_what_is_public(here: World) -> None:
    planned(here)
    row = rounds.shown(here.node, ROUND)
    assert row is not None
    secrets = [bytes.fromhex(secret) for secret in row.secrets]
    assert [lottery.commitment(secret, ROUND) for secret in secrets] == list(row.commitments)
    assert lottery.seed(secrets, b"", ROUND).hex() == row.seed


def test_a_chamber_that_keeps_its_secret_is_replaced_by_the_head_that_was_named_before(here: World) -> None:
    wished(here)
    with here.node.store.read() as state:
        head = checkpoint_in(state.checkpoint() or "")
    closed = done(rounds.close(here.node, ROUND))
    assert (closed.head, closed.size) == (head.root.hex(), head.size)
    here.reveal("workers", "operators")
    assert refused(rounds.plan(here.node, ROUND)).code == "work.round"
    here.go(14)
    found = done(rounds.plan(here.node, ROUND))
    given = [bytes.fromhex(SECRETS[chamber]) for chamber in ("workers", "operators")]
    assert found.missing == ("customers",)
    assert found.seed == lottery.seed([*given, None], head.root, ROUND).hex()


def test_a_round_of_which_nobody_opened_a_secret_is_given_up_and_not_drawn(here: World) -> None:
    jobs = wished(here)
    done(rounds.close(here.node, ROUND))
    here.go(14)
    assert "alone" in refused(rounds.plan(here.node, ROUND)).reasons[0]
    assert rounds.follow(here.node) == f"{ROUND}: given up: {rounds.NO_OPENING}"
    here.open("tuesday", closes=20, replaces=ROUND)
    with here.node.store.read() as state:
        assert {job.id for job in state.list(Job, round="tuesday")} == set(jobs)
    old = rounds.shown(here.node, ROUND)
    assert old is not None and (old.state, old.came_to, old.agreed) == ("abandoned", "tuesday", 0)
    assert refused(rounds.open_round(
        here.node, "again", RULE, (UNION, RIDERS, SHOPS), here.at(30), here.at(31), OPERATOR, ROUND
    ))  # fmt: skip


def test_from_the_first_opened_secret_on_nobody_begins_again(here: World) -> None:
    """Else whoever knows the lots could cancel and restart until a good number comes."""
    wished(here)
    done(rounds.close(here.node, ROUND))
    here.reveal("workers")
    assert refused(rounds.abandon(here.node, ROUND, OPERATOR, "other lots, please")).code == "allocation.redraw"
    here.reveal("operators", "customers")
    done(rounds.plan(here.node, ROUND))
    assert refused(rounds.abandon(here.node, ROUND, OPERATOR, "other lots, please")).code == "work.round"
    assert refused(rounds.plan(here.node, ROUND)).code == "work.round"
    assert refused(rounds.close(here.node, ROUND)).code == "work.round"


def test_a_commitment_is_of_one_chamber_and_one_round_and_stands(here: World) -> None:
    here.open()
    secret = bytes.fromhex(SECRETS["workers"])
    mine = lottery.commitment(secret, ROUND)
    assert refused(rounds.commit(here.node, ROUND, SHOP, mine)).code == "registry.unknown"
    here.commit("workers")
    assert refused(rounds.commit(here.node, ROUND, UNION, mine)).code == "work.round"  # once
    assert refused(rounds.commit(here.node, ROUND, RIDERS, mine)).code == "work.round"  # and not another's
    here.commit("operators")
    here.go(12)
    assert refused(rounds.commit(here.node, ROUND, SHOPS, "ab" * 32)).code == "work.round"  # and in time
    assert refused(rounds.open_secret(here.node, ROUND, UNION, SECRETS["workers"])).code == "work.round"  # not yet
    done(rounds.close(here.node, ROUND))
    assert refused(rounds.open_secret(here.node, ROUND, UNION, SECRETS["operators"])).code == "allocation.opening"
    assert refused(rounds.open_secret(here.node, ROUND, SHOPS, SECRETS["customers"])).code == "allocation.opening"
    assert refused(rounds.open_secret(here.node, ROUND, SHOP, SECRETS["workers"])).code == "registry.unknown"
    here.reveal("workers")
    assert refused(rounds.open_secret(here.node, ROUND, UNION, SECRETS["workers"])).code == "work.round"


def test_a_secret_of_another_round_is_none_of_this(here: World) -> None:
    here.open()
    done(rounds.commit(here.node, ROUND, UNION, lottery.commitment(bytes.fromhex(SECRETS["workers"]), "sunday")))
    here.go(12)
    done(rounds.close(here.node, ROUND))
    assert refused(rounds.open_secret(here.node, ROUND, UNION, SECRETS["workers"])).code == "allocation.opening"


# ---- what is sealed stays as it was


def test_what_comes_after_the_closing_changes_nothing(here: World) -> None:
    """Neither wishes nor what somebody says of herself, for the instance was sealed before anybody knew the lots."""
    jobs = wished(here)
    done(rounds.close(here.node, ROUND))
    late = refused(rounds.wish(here.node, ROUND, "anu", (jobs[1],)))
    assert late.code == "registry.unknown"
    assert refused(work.post(here.node, RIDERS, here.terms(), None, ROUND)).code == "registry.unknown"
    assert refused(work.withdraw(here.node, jobs[0], RIDERS, "we would rather not")).code == "work.round"
    before = rounds.instance(here.node, ROUND, UNION, every=False)
    done(work.state_availability(here.node, here.id("anu"), (here.span(40, 60),), hourly_floor=10**6))
    here.reveal()
    done(rounds.plan(here.node, ROUND))
    assert rounds.instance(here.node, ROUND, UNION, every=False) == before


def test_somebody_who_is_busy_meanwhile_is_left_out_and_nobody_moves_up(here: World) -> None:
    planned(here, jobs=1)
    other = here.post(by=SHOP)
    winner = next(name for name in COURIERS if done(rounds.own(here.node, ROUND, name)).reasons[0].outcome == "got")
    done(work.take(here.node, other, winner))
    settled = done(rounds.settle(here.node, ROUND))
    assert settled.agreed == 0 and [one.why for one in settled.left] == ["overlap"]
    own = done(rounds.own(here.node, ROUND, winner))
    assert settled.left[0].number == own.number and own.agreement == ""
    assert [row.job for row in agreements(here)] == [other]


def test_a_seat_that_a_settled_round_left_over_can_be_taken(here: World) -> None:
    here.open()
    job = here.post(round=ROUND, seats=2)
    here.commit()
    here.wish("anu", job)
    assert refused(work.take(here.node, job, "bert")).code == "work.job"
    here.go(12)
    done(rounds.close(here.node, ROUND))
    here.reveal()
    done(rounds.plan(here.node, ROUND))
    assert refused(work.take(here.node, job, "bert")).code == "work.job"
    done(rounds.settle(here.node, ROUND))
    assert done(work.take(here.node, job, "bert")).round == ""
    assert refused(work.take(here.node, job, "carmen")).code == "work.job"


def test_who_is_erased_meanwhile_is_left_out_and_the_proof_still_holds(here: World) -> None:
    planned(here, jobs=1)
    winner = next(name for name in COURIERS if done(rounds.own(here.node, ROUND, name)).reasons[0].outcome == "got")
    done(erase.erase(here.node, winner, OPERATOR))
    settled = done(rounds.settle(here.node, ROUND))
    assert [one.why for one in settled.left] == [rounds.GONE]
    with here.node.store.read() as state:
        assert len(list(state.list(Entrant, round=ROUND))) == len(COURIERS) - 1
    data, made = rounds.instance(here.node, ROUND, UNION, every=False), rounds.certificate(here.node, ROUND)
    assert data is not None and made is not None
    assert not isinstance(proof.check(data, made), Refusal)


def test_the_audit_finds_a_plan_that_nobody_drew(tmp_path: Path) -> None:
    """Whoever runs the node writes a plan of his own into the journal: the certificate of what was sealed is another."""
    with world(tmp_path / "node") as here:
        wished(here)
        done(rounds.close(here.node, ROUND))
        here.reveal()
        data = rounds.instance(here.node, ROUND, UNION, every=False)
        row = rounds.shown(here.node, ROUND)
        assert data is not None and row is not None
        secrets = [bytes.fromhex(secret) for secret in row.secrets]
        nobody = proof.make(encoding.decode(data), Allocation([-1] * len(COURIERS)), secrets, b"", data)

        def forge(tx: Transaction) -> None:
            seal = tx.attach(CERTIFICATE_TYPE, proof.encode(nobody))
            tx.append(RoundPlanned("plan-x", ROUND, nobody.seed, (), seal, 0))

        here.node.store.write(forge)
    (finding,) = verify(tmp_path / "node").findings
    assert finding.what.startswith(f"the plan of the round `{ROUND}` is not proved: ")


# ---- who reads what


def test_what_keeps_her_from_a_job_is_told_to_her_with_her_figures_and_to_nobody_else(here: World) -> None:
    jobs = opened(here)
    anu = here.id("anu")
    done(work.state_availability(here.node, anu, (here.span(40, 60),), ("tartu-centre",), 1777))
    for name in ("anu", "bert"):
        here.wish(name, *jobs)
    here.go(12)
    assert done(rounds.close(here.node, ROUND)).kept_apart == 2
    own = done(rounds.own(here.node, ROUND, "anu"))
    assert [one.outcome for one in own.reasons] == ["filtered", "filtered"] and "17.77 EUR" in own.reasons[0].words
    here.reveal()
    done(rounds.plan(here.node, ROUND))
    own = done(rounds.own(here.node, ROUND, "anu"))
    assert [one.outcome for one in own.reasons] == ["filtered", "filtered"] and "17.77 EUR" in own.reasons[0].words
    data, made = rounds.instance(here.node, ROUND, UNION, every=False), rounds.certificate(here.node, ROUND)
    assert data is not None and made is not None
    for secret in ("17.77", anu, here.id("bert")):
        assert secret.encode() not in data + made
    assert own.number.encode() in data and own.number.encode() not in made


def test_the_whole_is_for_those_who_check_for_the_others(here: World) -> None:
    planned(here)
    for party in (UNION, RIDERS, SHOPS):
        assert rounds.instance(here.node, ROUND, party, every=False) is not None
    for party in (SHOP, "anu", here.id("anu"), "nobody"):
        assert rounds.instance(here.node, ROUND, party, every=False) is None
    assert rounds.instance(here.node, "no-round", UNION, every=True) is None
    assert rounds.certificate(here.node, "no-round") is None


def test_the_certificate_is_checked_without_a_solver_and_no_other_passes(here: World) -> None:
    planned(here)
    data, made = rounds.instance(here.node, ROUND, UNION, every=False), rounds.certificate(here.node, ROUND)
    assert data is not None and made is not None
    checked = proof.check(data, made)
    assert not isinstance(checked, Refusal) and (checked.workers, checked.matched) == (4, 2)
    said = proof.decode(made)
    swapped = proof.encode(replace(said, taken=list(reversed(said.taken))))
    assert swapped == made or isinstance(proof.check(data, swapped), Refusal)
    empty = proof.encode(replace(said, taken=[-1] * len(said.taken)))
    assert isinstance(proof.check(data, empty), Refusal)


def test_who_took_no_part_reads_the_same_as_of_a_round_that_is_not_there(here: World) -> None:
    planned(here)
    absent = str(refused(rounds.own(here.node, "no-round", "anu"))).replace("no-round", "NAME")
    for by, worker in (("city-riders", ""), ("anu", "bert"), ("nobody", "")):
        assert str(refused(rounds.own(here.node, ROUND, by, worker))).replace(ROUND, "NAME") == absent


def test_a_number_leads_nowhere(here: World) -> None:
    """It is drawn anew for each round, from a salt that is kept nowhere: not from her id alone."""
    wished(here)
    done(rounds.close(here.node, ROUND))
    with here.node.store.read() as state:
        found = {row.party: row.number for row in state.list(Entrant, round=ROUND)}
    assert len(set(found.values())) == len(COURIERS)
    for party, number in found.items():
        assert number != hashlib.sha256(party.encode()).hexdigest()[:16]


# ---- the rule


def test_who_earned_less_so_far_comes_first(here: World) -> None:
    first = here.post(starts=1, ends=3)
    agreed = done(work.take(here.node, first, "anu"))
    here.go(4)
    done(work.record_work(here.node, RIDERS, work.Done(agreed.agreement, (here.span(1, 2),), 2000, 500)))
    jobs = opened(here)
    for name in ("anu", "bert"):
        here.wish(name, *jobs)
    here.go(12)
    done(rounds.close(here.node, ROUND))
    data = rounds.instance(here.node, ROUND, UNION, every=False)
    assert data is not None
    here.reveal()
    done(rounds.plan(here.node, ROUND))
    anu, bert = (done(rounds.own(here.node, ROUND, name)) for name in ("anu", "bert"))
    assert (bert.reasons[0].outcome, bert.reasons[0].points) == ("got", 2000)
    assert (anu.reasons[0].outcome, anu.reasons[0].points, anu.reasons[1].outcome) == ("points", 0, "got")


def test_the_largest_sum_has_a_certificate_too(here: World) -> None:
    rule = AllocationRule("sum", (Part("wish", 3), Part("pay", 1)))
    here.open(rule=rule)
    jobs = [here.post(round=ROUND, minutes=60), here.post(round=ROUND, minutes=90)]
    here.commit()
    here.wish("anu", *jobs)
    here.wish("bert", *jobs[:1])
    here.go(12)
    done(rounds.close(here.node, ROUND))
    here.reveal()
    done(rounds.plan(here.node, ROUND))
    assert done(rounds.settle(here.node, ROUND)).agreed == 2
    assert done(rounds.own(here.node, ROUND, "bert")).reasons[0].outcome == "got"


@pytest.mark.parametrize(
    ("rule", "speakers", "closes", "ends", "code"),
    [
        (AllocationRule("stable", (Part("wish", 1),)), (UNION, RIDERS, SHOPS), 12, 14, "allocation.rule"),
        (AllocationRule("best", ()), (UNION, RIDERS, SHOPS), 12, 14, "allocation.rule"),
        (AllocationRule("stable", (), BEFORE), (UNION, RIDERS, SHOPS), 12, 14, "work.round"),
        (RULE, (UNION, UNION, SHOPS), 12, 14, "work.round"),
        (RULE, (UNION, "nobody", SHOPS), 12, 14, "registry.unknown"),
        (RULE, (UNION, RIDERS, SHOPS), -1, 14, "work.round"),
        (RULE, (UNION, RIDERS, SHOPS), 12, 12, "work.round"),
    ],
)
def test_a_round_that_cannot_be(
    rule: AllocationRule, speakers: tuple[str, str, str], closes: float, ends: float, code: str, here: World
) -> None:
    found = rounds.open_round(here.node, ROUND, rule, speakers, here.at(closes), here.at(ends), OPERATOR)
    assert refused(found).code == code


def test_a_job_that_begins_before_the_round_can_be_settled_does_not_come_in(here: World) -> None:
    here.open()
    assert refused(work.post(here.node, RIDERS, here.terms(13, 20), None, ROUND)).code == "work.round"
    done(work.post(here.node, RIDERS, here.terms(14, 20), None, ROUND))


def test_wishes_are_for_open_jobs_of_the_round_each_once(here: World) -> None:
    jobs, other = opened(here), here.post()
    for wrong in ((*jobs, jobs[0]), (other,), ("job-999",)):
        refused(rounds.wish(here.node, ROUND, "anu", wrong))
    here.wish("anu", *jobs)
    here.wish("anu")  # takes her out again
    here.wish("bert", jobs[0])
    done(work.withdraw(here.node, jobs[0], RIDERS, "it rains"))
    here.go(12)
    closed = done(rounds.close(here.node, ROUND))
    assert (closed.workers, closed.jobs, closed.pairs) == (0, 1, 0)


def test_speakers_are_told_apart(here: World) -> None:
    here.open()
    row = rounds.shown(here.node, ROUND)
    assert row is not None
    assert {party: row.chamber_of(party) for party in (*SPEAKER.values(), SHOP)} == {
        UNION: "workers", RIDERS: "operators", SHOPS: "customers", SHOP: ""
    }  # fmt: skip
