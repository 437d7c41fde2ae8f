"""Attacks 28 to 30: who would draw the lottery again, alter an allocation, or learn from a reason what others said."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from allocating import COMMITMENTS, ROUND, SECRETS, SEED, allocated, blocked, drawn, possible, proved
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import certificate, encoding, lottery, reasons
from usufruct.core.work.allocation.certificate import Checked
from usufruct.core.work.allocation.rule import STABLE, SUM
from usufruct.engine.allocation import checking

CHECKS = (certificate.check, checking.check)


# ---- 28: the lottery


def test_who_cancels_and_begins_again_gets_no_other_number() -> None:
    """An operator who wants ann first has her drawn until she is; only a new secret would give another draw, and is refused."""
    assert lottery.redrawn(COMMITMENTS, COMMITMENTS) is None
    first = lottery.number(SEED, "ann")
    for number in range(20):
        secret = bytes([number]) * 32
        again = (COMMITMENTS[0], lottery.commitment(secret, ROUND), COMMITMENTS[2])
        refusal = lottery.redrawn(COMMITMENTS, again)
        assert (refusal is None) == (secret == SECRETS[1])
        kept = lottery.seed(SECRETS, b"whatever the journal grew to", ROUND)
        assert lottery.number(kept, "ann") == first


def test_a_secret_that_was_open_in_one_round_says_nothing_in_the_next() -> None:
    """A commitment is good for the round that it was made for, and a seed is that round's."""
    for round in ("tuesday", "monday-2", ""):
        assert isinstance(lottery.opened(round, COMMITMENTS, SECRETS), Refusal)
        assert lottery.seed(SECRETS, b"", round) != SEED


def test_a_round_drawn_with_other_secrets_than_were_committed_to_proves_nothing() -> None:
    instance = drawn(random.Random(1), STABLE, 8, 6)
    data = encoding.encode(instance)
    for number in range(10):
        secrets = (bytes([40 + number]) * 32, *SECRETS[1:])
        seed = lottery.seed(secrets, b"", ROUND)
        proof = certificate.encode(certificate.make(instance, allocated(instance, seed), secrets))
        for check in CHECKS:
            found = check(data, proof)
            assert isinstance(found, Refusal) and found.code == "allocation.opening"


def test_a_chosen_seed_proves_nothing() -> None:
    instance = drawn(random.Random(1), SUM, 8, 6)
    data = encoding.encode(instance)
    for number in range(10):
        seed = bytes([number]) * 32
        made = replace(certificate.make(instance, allocated(instance, seed), SECRETS), seed=seed.hex())
        for check in CHECKS:
            found = check(data, certificate.encode(made))
            assert isinstance(found, Refusal) and found.code == "allocation.seed"


# ---- 29: the certificate


@pytest.mark.parametrize("check", CHECKS)
def test_an_operator_who_favours_somebody_cannot_prove_it(check: object) -> None:
    """Every allocation that moves one worker to where she would rather be, with or without a swap."""
    assert callable(check)
    chance = random.Random(13)
    tried = 0
    for method in (STABLE, SUM):
        for _ in range(3):
            instance = drawn(chance, method, 5, 4, values=range(1001))
            right = proved(instance)
            data = encoding.encode(instance)
            assert isinstance(check(data, certificate.encode(right)), Checked)
            for taken in possible(instance):
                if list(taken) != list(right.taken):
                    tried += 1
                    assert isinstance(check(data, certificate.encode(replace(right, taken=taken))), Refusal), taken
    assert tried > 50


def test_the_jobs_own_best_is_not_taken_for_the_workers() -> None:
    chance, found = random.Random(17), 0
    while found < 10:
        instance = drawn(chance, STABLE, 6, 5, 5, seats=1, values=range(1001))
        right = proved(instance)
        for taken in possible(instance):
            if list(taken) != list(right.taken) and not blocked(instance, taken):
                for check in CHECKS:
                    answer = check(encoding.encode(instance), certificate.encode(replace(right, taken=taken)))
                    assert isinstance(answer, Refusal) and answer.code == "allocation.not-best"
                found += 1


@pytest.mark.parametrize("check", CHECKS)
def test_prices_that_were_made_higher_or_lower_are_refused(check: object) -> None:
    """A higher price would tell a worker that she was further away than she was, a lower one that she was nearer."""
    assert callable(check)
    chance = random.Random(19)
    for _ in range(30):
        instance = drawn(chance, SUM, 6, 4, values=range(1001))
        right = proved(instance)
        for job, price in enumerate(right.prices):
            for other in (price + 2**20, price - 2**20, price // 2 if price > 1 else 5):
                prices = [*right.prices[:job], other, *right.prices[job + 1 :]]
                found = check(encoding.encode(instance), certificate.encode(replace(right, prices=prices)))
                assert isinstance(found, Refusal) and found.code == "allocation.prices"


# ---- 30: reasons


@pytest.mark.parametrize("method", [STABLE, SUM])
def test_a_reason_names_nobody_else_and_no_job_that_she_was_not_asked_about(method: str) -> None:
    instance = drawn(random.Random(21), method, 30, 12, 5)
    made = proved(instance)
    for worker in instance.workers:
        text = repr(reasons.why(instance, made, worker))
        mine = instance.place(worker)
        assert mine is not None
        asked = {
            *instance.job[instance.starts[mine] : instance.starts[mine + 1]],
            *instance.barred_job[instance.barred_starts[mine] : instance.barred_starts[mine + 1]],
        }
        assert "worker-" not in text
        for place, job in enumerate(instance.jobs):
            assert (f"{job}'" in text) == (place in asked)


@pytest.mark.parametrize("method", [STABLE, SUM])
def test_what_others_wish_and_why_they_were_not_considered_does_not_show(method: str) -> None:
    """Somebody else wishes otherwise and is forbidden something else, where that does not alter the allocation: each worker
    reads the same."""
    chance, compared = random.Random(23), 0
    while compared < 40:
        instance = drawn(chance, method, 10, 6, 4)
        other = chance.randrange(len(instance.workers))
        start, end = instance.starts[other], instance.starts[other + 1]
        rank = list(instance.rank)
        rank[start:end] = [number + 7 for number in rank[start:end]]
        words = tuple((code, f"{text}, of which nobody else should hear") for code, text in instance.words)
        changed = replace(instance, rank=rank, words=words)
        made = proved(changed)
        for worker in instance.workers[:other] + instance.workers[other + 1 :]:
            here = [one for one in reasons.why(instance, proved(instance), worker) if one.outcome != reasons.FILTERED]
            there = [one for one in reasons.why(changed, made, worker) if one.outcome != reasons.FILTERED]
            assert here == there
            own = [one.words for one in reasons.why(changed, made, worker) if one.outcome == reasons.FILTERED]
            place = instance.place(worker)
            assert place is not None
            assert len(own) == instance.barred_starts[place + 1] - instance.barred_starts[place]
            compared += 1
