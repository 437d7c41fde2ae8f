"""The noise, taken at its word: what is declared as its standard deviation is what is drawn.

The draws cannot be seeded, and should not be: a seed would be a way in. So each test makes a fixed number of them and
allows 5.8 standard errors, which a right sampler oversteps once in 150 million tries; the forty checks here together
stay below one false alarm in a million. What each would catch is tested too, on samplers that are wrong on purpose.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest

from usufruct.engine.noise import OpenDpNoise

DRAWS = 20_000
ERRORS = 5.8
SIGMAS = [Fraction(1, 2), Fraction(1), Fraction(143, 64), Fraction(1000), Fraction(2**40) + Fraction(1, 64)]

Sampler = Callable[[Sequence[int], Fraction], list[int]]


def weights(sigma: Fraction) -> dict[int, float]:
    """The discrete Gaussian of parameter sigma: exact to the digits of a float, for small sigma."""
    reach = math.ceil(12 * sigma)
    raw = {k: math.exp(-(k * k) / (2 * float(sigma) ** 2)) for k in range(-reach, reach + 1)}
    whole = sum(raw.values())
    return {k: weight / whole for k, weight in raw.items()}


def moments(sigma: Fraction) -> tuple[float, float]:
    """Its variance and fourth moment; from sigma = 10 on those of the Gaussian, to more digits than can be seen."""
    if sigma > 10:
        return float(sigma) ** 2, 3 * float(sigma) ** 4
    table = weights(sigma)
    return sum(p * k**2 for k, p in table.items()), sum(p * k**4 for k, p in table.items())


def complaints(sample: Sampler, sigma: Fraction, draws: int = DRAWS) -> list[str]:
    """What is wrong with a sampler of noise, as far as draws can tell."""
    found = sample([0] * draws, sigma)
    variance, fourth = moments(sigma)
    wrong = []
    if not all(type(value) is int for value in found) or len(found) != draws:
        return ["not one whole number for each value"]
    if abs(sum(found) / draws) > ERRORS * math.sqrt(variance / draws):
        wrong.append("mean")
    measured = sum(value**2 for value in found) / draws
    if abs(measured - variance) > ERRORS * math.sqrt((fourth - variance**2) / draws):
        wrong.append("variance")
    for lag in (1, 2, 7):
        together = sum(a * b for a, b in zip(found, found[lag:], strict=False)) / (draws - lag)
        if abs(together) > ERRORS * variance / math.sqrt(draws - lag):
            wrong.append(f"the draws are not independent at distance {lag}")
    beyond = sum(abs(value) > 2 * sigma for value in found) / draws
    chance = (
        0.0455003
        if sigma > 100
        else sum(p for k, p in weights(min(sigma, Fraction(100))).items() if abs(k) > 2 * sigma)
    )
    if chance * draws > 200 and abs(beyond - chance) > ERRORS * math.sqrt(chance * (1 - chance) / draws):
        wrong.append("tail")
    return wrong


@pytest.fixture(scope="module")
def noise() -> OpenDpNoise:
    return OpenDpNoise()


@pytest.mark.parametrize("sigma", SIGMAS, ids=lambda s: f"{float(s):g}")
def test_the_noise_is_what_is_declared(noise: OpenDpNoise, sigma: Fraction) -> None:
    assert complaints(noise.add, sigma) == []


WRONG: dict[str, tuple[str, Sampler]] = {
    "half the deviation": ("variance", lambda values, s: OpenDpNoise().add(values, s / 2)),
    "nine tenths of it": ("variance", lambda values, s: OpenDpNoise().add(values, s * 9 / 10)),
    "no noise": ("variance", lambda values, s: list(values)),
    "a bias": ("mean", lambda values, s: [v + math.ceil(s / 10) for v in OpenDpNoise().add(values, s)]),
    "one draw for all": ("", lambda values, s: [v + OpenDpNoise().add([0], s)[0] for v in values[:1]] * len(values)),
    "each draw twice": (
        "independent", lambda values, s: [v for v in OpenDpNoise().add(values[::2], s) for _ in range(2)],
    ),
    "floats": ("whole number", lambda values, s: [random.gauss(0, float(s)) for _ in values]),  # type: ignore[misc]
    "cut off": ("tail", lambda values, s: [max(-2 * int(s), min(2 * int(s), v)) for v in OpenDpNoise().add(values, s)]),
    "evenly spread": ("tail", lambda values, s: [round(random.uniform(-1.732 * float(s), 1.732 * float(s))) for _ in values]),
}  # fmt: skip


@pytest.mark.parametrize(("complaint", "sampler"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_sampler_would_be_noticed(complaint: str, sampler: Sampler) -> None:
    assert any(complaint in found for found in complaints(sampler, Fraction(1000)))


def test_small_noise_has_the_weights_of_the_discrete_gaussian(noise: OpenDpNoise) -> None:
    """Not those of a rounded Gaussian, which are other ones and would not have the proof."""
    sigma = Fraction(1, 2)
    found = noise.add([0] * DRAWS, sigma)
    for value, chance in weights(sigma).items():
        if abs(value) <= 1:
            error = math.sqrt(chance * (1 - chance) / DRAWS)
            assert abs(found.count(value) / DRAWS - chance) < ERRORS * error, value
    rounded = 0.5 * (math.erf(0.5 / float(sigma) / math.sqrt(2)) - math.erf(-0.5 / float(sigma) / math.sqrt(2)))
    off = abs(rounded - weights(sigma)[0])
    assert off > 2 * ERRORS * math.sqrt(rounded * (1 - rounded) / DRAWS), (
        "the sample is large enough to tell the two apart"
    )


def test_the_least_sigma_there_is(noise: OpenDpNoise) -> None:
    """One 64th: so narrow that anything but nought comes once in 10^889."""
    assert noise.add([0, 5, -7] * 100, Fraction(1, 64)) == [0, 5, -7] * 100


def test_noise_lies_around_each_value(noise: OpenDpNoise) -> None:
    values = [0, 1, -1, 10**6, -(10**12), 2**61, -(2**61), 2**62]
    sigma = Fraction(10)
    for _ in range(50):
        assert all(abs(a - b) <= 120 for a, b in zip(noise.add(values, sigma), values, strict=True)), "12 deviations"


def test_what_is_too_large_is_brought_to_the_end_first(noise: OpenDpNoise) -> None:
    """One that grows beyond is not another number all at once, as it would be if it wrapped around."""
    ends = noise.add([2**62 + 1, 2**63, 2**64, 10**40, -(2**62) - 1, -(2**63), -(2**64), -(10**40)], Fraction(10))
    assert all(abs(value - 2**62) < 130 for value in ends[:4])
    assert all(abs(value + 2**62) < 130 for value in ends[4:])


@pytest.mark.parametrize("bits", [53, 62, 71, 100])
def test_noise_beyond_64_bits_saturates(noise: OpenDpNoise, bits: int) -> None:
    """The widest bounds a card can have come to some 71 bits: the answer is worthless then, not wrong or late."""
    found = noise.add([2**62, -(2**62), 0] * 50, Fraction(2**bits))
    assert all(-(2**63) <= value < 2**63 for value in found)
    if bits >= 71:
        assert {value < 0 for value in found} == {True, False}
        assert sum(value in (-(2**63), 2**63 - 1) for value in found) > 140


def test_what_was_declared_is_never_rounded_down(monkeypatch: pytest.MonkeyPatch, noise: OpenDpNoise) -> None:
    """The nearest float of a large fraction may lie below it."""
    import usufruct.engine.noise as module

    scales: list[float] = []
    real = module.make_gaussian
    monkeypatch.setattr(module, "make_gaussian", lambda *args, scale: scales.append(scale) or real(*args, scale=scale))  # type: ignore[func-returns-value]
    rng = random.Random(1)
    for sigma in [Fraction(rng.getrandbits(bits) | 1, 64) for bits in range(1, 90)]:
        noise.add([0], sigma)
        assert sigma <= Fraction(scales[-1]) <= sigma * (1 + Fraction(1, 2**52)), sigma


def test_no_two_calls_draw_the_same(noise: OpenDpNoise) -> None:
    calls = {tuple(noise.add([0] * 20, Fraction(1000))) for _ in range(50)}
    calls |= {tuple(OpenDpNoise().add([0] * 20, Fraction(1000))) for _ in range(50)}
    assert len(calls) == 100


def test_nothing_to_do(noise: OpenDpNoise) -> None:
    assert noise.add([], Fraction(1)) == []


def test_what_ten_thousand_values_cost(noise: OpenDpNoise, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, not judged: machines differ."""
    with capsys.disabled():
        for sigma in (Fraction(2), Fraction(1000), Fraction(2**40)):
            begun = time.perf_counter()
            assert len(noise.add([0] * 10_000, sigma)) == 10_000
            print(f"\nnoise on 10,000 values, sigma {float(sigma):g}: {time.perf_counter() - begun:.3f} s", end="")
