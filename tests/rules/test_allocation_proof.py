"""Certificates and reasons: what is right passes, what was tampered with does not, and what a worker reads is true."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocating import SECRETS, SEED, allocated, blocked, drawn, pairs, possible, proved, rounds
from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import certificate, encoding, largest_sum, lottery, reasons
from usufruct.core.work.allocation.certificate import Checked
from usufruct.core.work.allocation.instance import Instance
from usufruct.core.work.allocation.rule import STABLE, SUM
from usufruct.engine.allocation import checking

CHECKS = {"the core": certificate.check, "the engine": checking.check}


@given(rounds())
@settings(max_examples=200, deadline=None)
def test_what_was_allocated_by_the_rule_is_proved(instance: Instance) -> None:
    data, proof = encoding.encode(instance), certificate.encode(proved(instance))
    found = certificate.check(data, proof)
    assert isinstance(found, Checked), found
    assert found == checking._proved(data, proof)
    assert found.only and not found.missing
    assert found.matched == sum(1 for place in allocated(instance).taken if place >= 0)


@given(rounds(workers=5, jobs=4))
@settings(max_examples=60, deadline=None)
def test_no_other_allocation_and_no_other_price_is_proved(instance: Instance) -> None:
    data, right = encoding.encode(instance), proved(instance)
    for taken in possible(instance):
        if list(taken) != list(right.taken):
            assert isinstance(certificate.check(data, certificate.encode(replace(right, taken=taken))), Refusal)
    for job, price in enumerate(right.prices):
        for other in (price - 1, price + 1, price // 2 - 1, 0 if price else 1):
            prices = [*right.prices[:job], other, *right.prices[job + 1 :]]
            found = certificate.check(data, certificate.encode(replace(right, prices=prices)))
            assert isinstance(found, Refusal) and found.code == "allocation.prices"


def tampered(data: bytes, proof: bytes, chance: random.Random) -> Iterator[tuple[str, bytes, bytes]]:
    """What somebody could alter, each field of both files, as if he knew the format and kept it."""
    said = json.loads(proof)
    for field, value in said.items():
        for _ in range(10):
            changed = json.loads(proof)
            if isinstance(value, str):
                changed[field] = _other_text(value, chance)
            elif value:
                place = chance.randrange(len(value))
                changed[field][place] = _other(value[place], chance)
            else:
                changed[field] = [0]
            yield field, data, canonical.encode(changed) + b"\n"
    header = data.index(b"\n", data.index(b"\n") + 1)
    for part, low, high in (("head", 0, header + 1), ("columns", header + 1, len(data))):
        for _ in range(20):
            place, bit = chance.randrange(low, high), 1 << chance.randrange(8)
            yield part, data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :], proof


def _other_text(value: str, chance: random.Random) -> str:
    if not value:
        return "00ff"
    place = chance.randrange(len(value))
    return value[:place] + chance.choice([c for c in "0123456789abcdef" if c != value[place]]) + value[place + 1 :]


def _other(value: object, chance: random.Random) -> object:
    if isinstance(value, int):
        return chance.choice([other for other in (value - 1, value + 1, value + 5, -1, 0) if other != value])
    return None if value is None or chance.random() < 0.2 else _other_text(str(value), chance)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("method", [STABLE, SUM])
def test_what_was_tampered_with_is_refused_each_time(method: str, name: str) -> None:
    instance = drawn(random.Random(7), method, 40, 30, 6, values=range(1001))
    data, proof = encoding.encode(instance), certificate.encode(proved(instance))
    assert isinstance(CHECKS[name](data, proof), Checked)
    seen = {}
    for field, tampered_data, tampered_proof in tampered(data, proof, random.Random(8)):
        assert (tampered_data, tampered_proof) != (data, proof)
        found = CHECKS[name](tampered_data, tampered_proof)
        assert isinstance(found, Refusal), field
        assert found.code.startswith("allocation.") and found.reasons[0] and found.remedy
        seen[field] = seen.get(field, 0) + 1
    assert sum(seen.values()) >= 100
    assert seen.keys() == {*json.loads(proof), "head", "columns"}


@pytest.mark.parametrize("method", [STABLE, SUM])
def test_who_tampers_with_the_instance_cannot_make_the_digest_fit_and_keep_the_proof(method: str) -> None:
    """The attacker writes the digest of his own instance into the certificate; then the allocation is not that one's."""
    chance = random.Random(3)
    refused = 0
    for _ in range(100):
        instance = drawn(chance, method, 12, 6, 4)
        column = list(instance.values[0])
        if not column:
            continue
        right = proved(instance)
        place = chance.randrange(len(column))
        column[place] = (column[place] + 500) % 1001
        forged = replace(instance, values=(column, instance.values[1]))
        data = encoding.encode(forged)
        again = certificate.make(forged, allocated(forged), SECRETS, b"", data)
        found = certificate.check(data, certificate.encode(replace(right, instance=again.instance)))
        same = list(again.taken) == list(right.taken) and list(again.prices) == list(right.prices)
        assert isinstance(found, Checked) == same
        refused += not same
    assert refused > 9


def test_a_missing_opening_is_seen_for_ever() -> None:
    instance = drawn(random.Random(1), STABLE, 8, 6)
    secrets = (SECRETS[0], None, SECRETS[2])
    made = certificate.make(
        instance, allocated(instance, lottery.seed(secrets, b"head", instance.round)), secrets, b"head"
    )
    found = certificate.check(encoding.encode(instance), certificate.encode(made))
    assert isinstance(found, Checked) and found.missing == ("operators",)
    for wrong in (replace(made, head=""), replace(made, openings=tuple(secret.hex() for secret in SECRETS), head="")):
        assert isinstance(certificate.check(encoding.encode(instance), certificate.encode(wrong)), Refusal)


@pytest.mark.parametrize("data", [b"", b"{}\n", b"[]\n", b"null\n", b"\xff\n", b'{"format":1}\n'])
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    instance = encoding.encode(drawn(random.Random(1), STABLE, 2, 2))
    for check in CHECKS.values():
        found = check(instance, data)
        assert isinstance(found, Refusal) and found.code == "allocation.unreadable"


@given(st.binary(max_size=300))
def test_bytes_that_are_no_instance_are_never_read(data: bytes) -> None:
    for made in (data, encoding.MAGIC + data):
        with pytest.raises(BadInput):
            encoding.decode(made)


# ---- reasons


def read(instance: Instance) -> Iterator[tuple[int, reasons.Reason, int]]:
    made = proved(instance)
    for who, worker in enumerate(instance.workers):
        for one in reasons.why(instance, made, worker):
            yield who, one, made.taken[who]


@given(rounds())
@settings(max_examples=150, deadline=None)
def test_every_pair_has_one_reason_and_it_fits_the_allocation(instance: Instance) -> None:
    met = set()
    for who, one, own in read(instance):
        job = instance.jobs.index(one.job)
        met.add((who, job))
        assert (one.outcome == reasons.GOT) == (job == own)
        assert one.words and one.outcome in reasons.OUTCOMES
        assert bool(one.change) == (one.outcome not in (reasons.GOT, reasons.BETTER))
    assert len(met) == len(instance.job) + len(instance.barred_job)


def lifted(instance: Instance, who: int, job: str, more: int) -> Instance:
    """The round in which a worker has more points for a job; the part `skill` counts once."""
    pair = next(at for at in pairs(instance, who) if instance.jobs[instance.job[at]] == job)
    skill = list(instance.values[1])
    skill[pair] += more
    return replace(instance, values=(instance.values[0], skill))


@given(rounds(STABLE))
@settings(max_examples=150, deadline=None)
def test_with_as_many_points_more_a_job_would_rather_have_her_and_with_fewer_it_would_not(instance: Instance) -> None:
    taken = tuple(allocated(instance).taken)
    for who, one, _ in read(instance):
        if one.more:
            assert blocked(lifted(instance, who, one.job, one.more), taken)
            assert not blocked(lifted(instance, who, one.job, one.more - 1), taken)


@given(rounds(SUM))
@settings(max_examples=150, deadline=None)
def test_with_fewer_points_more_than_a_price_says_nothing_would_have_changed(instance: Instance) -> None:
    taken = list(allocated(instance).taken)
    for who, one, _ in read(instance):
        if one.more > 1:
            assert list(allocated(lifted(instance, who, one.job, one.more - 1)).taken) == taken


@given(rounds(SUM, workers=5, jobs=4))
@settings(max_examples=100, deadline=None)
def test_who_has_nothing_gets_the_job_with_the_points_that_the_reason_says_and_one_more(instance: Instance) -> None:
    """For who has no job at all the price says exactly what she would need, up to the lottery."""
    for who, one, own in read(instance):
        if own >= 0 or one.outcome != reasons.PRICE:
            continue
        best = largest_sum.match(lifted(instance, who, one.job, one.more + 1), SEED)
        assert best.taken[who] == instance.jobs.index(one.job)


def test_who_is_not_of_the_round_has_no_reasons() -> None:
    instance = drawn(random.Random(1), STABLE, 3, 3)
    with pytest.raises(BadInput, match="not of this round"):
        reasons.why(instance, proved(instance), "nobody")
