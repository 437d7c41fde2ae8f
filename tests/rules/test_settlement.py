"""Settlements: nobody loses a millionth, whatever is carried; the bytes; and one person's proof."""

from __future__ import annotations

import hashlib
import sys
from array import array
from fractions import Fraction
from itertools import count

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from usufruct.core.income import segment
from usufruct.core.income.division import divide
from usufruct.core.income.facts import AssetStatement
from usufruct.core.income.measure import MICRO, Portion
from usufruct.core.income.segment import CHUNK, PIECE, Index, Piece
from usufruct.core.income.settlement import Line, Lines, Settlement, line_of, settle
from usufruct.core.proof.tree import leaf_hash, root_of, verify_inclusion
from usufruct.engine import piecework
from usufruct.engine import settlement as numbers
from usufruct.engine.settlement import NumpySettler

SEED = bytes(range(32))
PERSONS = 6


def kept(found: Settlement) -> tuple[AssetStatement, dict[str, bytes]]:
    """A settlement as it is read again, with the evidence."""
    evidence: dict[str, bytes] = {}
    seals = count()

    def attach(_: str, data: bytes) -> str:
        seal = f"{next(seals):064x}"
        evidence[seal] = data
        return seal

    lines = found.keep(attach)
    totals = {"root": found.root, "persons": found.persons, "paid_out": found.paid, "carried": found.carried}
    return AssetStatement("pay", (), 0, (), 0, found.payees, lines, **totals), evidence


def lines_of(found: Settlement) -> list[Line]:
    statement, evidence = kept(found)
    read = Lines(statement, evidence.__getitem__)
    return [read.line(number) for number in range(found.persons)]


weight = st.one_of(st.integers(0, 4), st.integers(0, 10**9))
weights = st.lists(weight, min_size=1, max_size=PERSONS)
period = st.lists(st.tuples(st.integers(0, 3000), weights.filter(any)), max_size=4)


@given(st.lists(period, min_size=1, max_size=6), st.integers(0, 400))
def test_over_all_periods_nobody_gains_or_loses(periods: list[list[tuple[int, list[int]]]], least: int) -> None:
    """Paid and carried together are the pools, to the millionth, after each period; each person is within a millionth a
    portion of her exact share; and what is carried is below a unit, or below the least that is paid out."""
    pool, exact, paid, portions = 0, [Fraction()] * PERSONS, [0] * PERSONS, 0
    before: tuple[bytes, ...] = ()
    for number, uses in enumerate(periods):
        found = settle(
            [Portion(f"{number}/{n}", amount * MICRO, by) for n, (amount, by) in enumerate(uses)],
            before,
            PERSONS,
            least,
            SEED,
        )
        pool += sum(amount for amount, _ in uses)
        portions += len(uses)
        lines = lines_of(found)
        for person, line in enumerate(lines):
            exact[person] += sum(
                (Fraction(amount * MICRO * by[person], sum(by)) for amount, by in uses if person < len(by)), Fraction()
            )
            paid[person] += line.paid
            assert abs(paid[person] * MICRO + line.carried_out - exact[person]) < max(portions, 1)
            assert line.carried_out < max(least, 1) * MICRO
            assert line.paid == 0 or line.paid >= least
            assert line.carried_in + line.due == line.paid * MICRO + line.carried_out
            if not any(by[person] for _, by in uses if person < len(by)):
                assert line.due == 0
        assert sum(paid) * MICRO + sum(line.carried_out for line in lines) == pool * MICRO
        assert found.carried * MICRO == sum(line.carried_out for line in lines)
        assert (found.paid, found.payees) == (sum(line.paid for line in lines), sum(line.paid > 0 for line in lines))
        before = found.pieces


def test_over_twelve_periods_of_tiny_shares_nobody_is_off_by_a_cent() -> None:
    """Largest remainders of whole cents, anew each period, leave people off by cents; the carry leaves nobody so."""
    by = [1 + n % 7 for n in range(400)]
    whole, pool = sum(by), 60
    before: tuple[bytes, ...] = ()
    paid, anew = [0] * len(by), [0] * len(by)
    for month in range(12):
        found = settle([Portion(f"month-{month}", pool * MICRO, by)], before, len(by), 1, SEED)
        paid = [a + line.paid for a, line in zip(paid, lines_of(found), strict=True)]
        anew = [a + b for a, b in zip(anew, divide(pool, by, f"month-{month}"), strict=True)]
        before = found.pieces
    exact = [Fraction(12 * pool * weight, whole) for weight in by]
    assert max(abs(a - b) for a, b in zip(paid, exact, strict=True)) < 1
    assert max(abs(a - b) for a, b in zip(anew, exact, strict=True)) > 1, "what it is compared with is no straw man"


@given(
    st.lists(weight, min_size=2, max_size=PERSONS).filter(any), st.integers(0, 10**6), st.randoms(use_true_random=False)
)
def test_the_order_of_persons_moves_a_millionth_at_most(by: list[int], pool: int, chance: object) -> None:
    order = list(range(len(by)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    here = lines_of(settle([Portion("n", pool * MICRO, by)], (), len(by), 1, SEED))
    there = lines_of(settle([Portion("n", pool * MICRO, [by[i] for i in order])], (), len(by), 1, SEED))
    assert all(abs(here[i].due - there[place].due) <= 1 for place, i in enumerate(order))


@given(weights.filter(any), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_larger_pool_is_never_worth_less_than_a_millionth_less(by: list[int], pool: int, more: int) -> None:
    small, large = (
        lines_of(settle([Portion("n", amount * MICRO, by)], (), len(by), 1, SEED)) for amount in (pool, pool + more)
    )
    assert all(b.due >= a.due - 1 for a, b in zip(small, large, strict=True))


def test_below_the_least_everything_is_carried_and_stays_hers() -> None:
    assert line_of(99 * MICRO + 5, 0, 100) == Line(99 * MICRO + 5, 0, 0, 99 * MICRO + 5)
    assert line_of(MICRO, 99 * MICRO + 5, 100) == Line(MICRO, 100, 99 * MICRO + 5, 5)
    assert line_of(MICRO - 1, 0, 1).paid == line_of(MICRO - 1, 0, 0).paid == 0
    assert line_of(0, 99 * MICRO, 100).owed == 99


# --- the kernel


large = st.one_of(weight, st.integers(0, 2**32 - 1), st.integers(0, 2**57))


@given(st.lists(large, min_size=1, max_size=40).filter(any), st.integers(0, 2**63 - 1), st.text(max_size=4))
def test_numpy_divides_as_the_reference(by: list[int], total: int, name: str) -> None:
    assume(sum(by) < 2**62)
    assert numbers.divide(total, numbers.words(array("Q", by)), name).tolist() == divide(total, by, name)


@given(st.integers(1, 10**6), st.integers(1, 300), st.text(max_size=4))
def test_numpy_draws_the_same_lots(total: int, equal: int, name: str) -> None:
    assert numbers.divide(total, numbers.words([5] * equal), name).tolist() == divide(total, [5] * equal, name)


portion = st.tuples(st.integers(0, 10**9), st.lists(st.one_of(st.just(0), large), min_size=1, max_size=300).filter(any))


@given(
    st.lists(st.lists(portion, max_size=3), min_size=1, max_size=3),
    st.integers(0, 10**6),
    st.binary(min_size=32, max_size=32),
)
def test_numpy_settles_as_the_reference(periods: list[list[tuple[int, list[int]]]], least: int, seed: bytes) -> None:
    before: tuple[bytes, ...] = ()
    for number, uses in enumerate(periods):
        portions = [Portion(f"{number}/{n}", amount * MICRO, by) for n, (amount, by) in enumerate(uses)]
        persons = max([4, *(len(by) for _, by in uses)])
        made = NumpySettler().settle(portions, iter(before), persons, least, seed)
        assert made == settle(portions, before, persons, least, seed)
        before = made.pieces


def test_numbers_that_do_not_fit_are_left_to_the_reference() -> None:
    for amount, by in ((2**63, [1, 2]), (5, [2**62, 2**62]), (5, [2**70, 1])):
        portions = [Portion("n", amount * MICRO, by)]
        assert numbers.fits(portions, ()) is False
        if amount == 5:
            assert NumpySettler().settle(portions, (), 2, 1, SEED) == settle(portions, (), 2, 1, SEED)


def test_a_settlement_of_several_pieces() -> None:
    """More persons than one piece holds, and more again in the period after: both ways to the same bytes, and a proof for
    the first and the last of each piece and chunk."""
    before: tuple[bytes, ...] = ()
    for persons in (PIECE + CHUNK + 3, 2 * PIECE + 1):
        by = array("I", (n % 11 for n in range(persons)))
        portions = [Portion("a", 9_999 * MICRO, by), Portion("b", 77 * MICRO, [0] * (persons - 1) + [1])]
        made = NumpySettler().settle(portions, before, persons, 2, SEED)
        assert made == settle(portions, before, persons, 2, SEED)
        statement, evidence = kept(made)
        read = Lines(statement, evidence.__getitem__)
        for number in (0, 1, CHUNK - 1, CHUNK, PIECE - 1, PIECE, persons - 1):
            line, (salt, entry, path) = read.line(number), read.opening(number)
            place = number % CHUNK * 32
            assert entry[place : place + 32] == segment.commitment(salt, line.paid, line.owed)
            chunks = -(-persons // CHUNK)
            assert verify_inclusion(entry, number // CHUNK, chunks, path, bytes.fromhex(made.root))
        assert read.line(persons) == Line(0, 0)
        due, paid = read.columns()
        assert (len(due), sum(due), sum(paid), paid[5]) == (persons, 10_076 * MICRO, made.paid, read.line(5).paid)
        before = made.pieces


@pytest.mark.parametrize("program", [sys.executable, "/bin/false", "/bin/echo", "/nowhere"])
def test_helpers_make_the_same_pieces_and_may_die(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that works, one that ends at once, one that answers nonsense, one that is not there."""
    monkeypatch.setattr(piecework, "WORTH_IT", 1)
    monkeypatch.setattr(piecework, "_cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", program)
    persons = 5 * PIECE
    portions = [Portion("n", 4_000 * MICRO, array("I", (n % 7 for n in range(persons))))]
    helped = NumpySettler().settle(portions, (), persons, 1, SEED)
    monkeypatch.setattr(piecework, "WORTH_IT", 1000)
    assert helped == NumpySettler().settle(portions, (), persons, 1, SEED)


# --- the bytes


@given(st.integers(1, 5 * CHUNK))
def test_the_root_is_that_of_rfc_6962_over_the_chunks(persons: int) -> None:
    found = settle([Portion("n", 50 * MICRO, [1] * persons)], (), persons, 1, SEED)
    amounts = [(line.paid, line.owed) for line in lines_of(found)]
    entries = [
        segment.entry(SEED, start // CHUNK, amounts[start : start + CHUNK]) for start in range(0, persons, CHUNK)
    ]
    assert found.root == root_of(entries).hex()
    assert Piece(found.pieces[0]).leaves() == [leaf_hash(entry) for entry in entries]


def test_the_bytes_are_these_for_ever() -> None:
    found = settle([Portion("n", 10 * MICRO, [1, 2, 0])], (), 3, 1, bytes(32))
    assert [(line.due, line.paid, line.owed) for line in lines_of(found)] == [
        (3333333, 3, 0),
        (6666667, 6, 0),
        (0, 0, 0),
    ]
    assert found.pieces[0].hex() == (
        "03000000" "040001" "d5dc3200" "abb96500" "00000000" "030600" + Piece(found.pieces[0]).leaves()[0].hex()
    )  # fmt: skip
    salts = hashlib.shake_256(b"usufruct/lines/v2\n" + bytes(32) + bytes(8)).digest(48)
    said = [b"\2" + salts[16 * n : 16 * n + 16] + bytes([paid]) + bytes(15) for n, paid in enumerate((3, 6, 0))]
    entry = b"".join(hashlib.sha256(line).digest() for line in said)
    assert found.root == hashlib.sha256(b"\0" + entry).hexdigest()
    assert found.root == "998bf908c9781ca9c026f1e5a302c6a3e35eea704cf8490b86d810ea45129f53"
    statement, evidence = kept(found)
    assert evidence[statement.lines][:48].hex() == "03000000000000000100000000000000" + "00" * 32


@pytest.mark.parametrize(
    "data", [b"", bytes(6), bytes(8), b"\x01\0\0\0\x03\0\0" + bytes(35), b"\x01\0\0\0\x01\0\0" + bytes(34)]
)
def test_what_is_no_piece(data: bytes) -> None:
    with pytest.raises(ValueError, match="a piece of a settlement"):
        Piece(data)


@pytest.mark.parametrize("data", [b"", bytes(47), bytes(112), b"\1" + bytes(47), b"\1" + bytes(110)])
def test_what_is_no_index(data: bytes) -> None:
    with pytest.raises(ValueError, match="a settlement's index"):
        Index.decode(data)


def test_salts_hide_equal_lines() -> None:
    entry = segment.entry(SEED, 0, [(5, 0)] * CHUNK)
    assert len({entry[start : start + 32] for start in range(0, len(entry), 32)}) == CHUNK
    assert segment.entry(bytes(32), 0, [(5, 0)] * CHUNK) != entry != segment.entry(SEED, 1, [(5, 0)] * CHUNK)
