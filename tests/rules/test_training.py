"""Fits and syntheses before any node: what one person can change, what is charged for it, and models as numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy import marginals, moments
from usufruct.core.privacy.fitting import ESTIMATORS, FAR, GRAINS
from usufruct.core.privacy.marginals import Marginals
from usufruct.core.privacy.model import FORMAT, predictor
from usufruct.core.privacy.moments import Moments
from usufruct.core.privacy.rules import SIGMA_GRAIN
from usufruct.core.privacy.sample import Sample, coded
from usufruct.core.registry.facts import Column
from usufruct.engine import learning, sampling

SECTOR = Column("sector", "text", "personal", 3, values=("care", "trade", "office"))
AGE = Column("age", "integer", "personal", 3, low=-3, high=40)
UNION = Column("union", "boolean", "personal", 3)
WAGE = Column("wage", "decimal", "personal", 3, decimals=2, low=100, high=4000)
COLUMNS = (SECTOR, AGE, UNION, WAGE)

DATABASE = duckdb.connect(config={"threads": 1})

# What a cell may hold: also gaps, what is not on the list, and numbers far outside the bounds.
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["care", "trade", "office", "mine", None]), st.sampled_from([None, -(2**40), -3, 0, 17, 40, 2**40]),
        st.sampled_from([True, False, None]), st.sampled_from([None, -1, 100, 2000, 4000, 2**62]),
    ),
    max_size=6,
)  # fmt: skip
PERSONS = st.lists(st.tuples(st.integers(0, 65535), ROWS), max_size=6)


def lay(sample: Sample) -> tuple[Marginals, Moments]:
    counted = marginals.lay_out(sample, 8, [(0, 2), (1, 3)], [(0, 3)], 100_000, 10_000, "nothing")
    added = moments.lay_out(COLUMNS[:-1], WAGE, sample.rows_per_person, 100_000, "nothing")
    assert isinstance(counted, Marginals) and isinstance(added, Moments)
    return counted, added


def take(
    persons: Sequence[tuple[int, int, Sequence[tuple[Any, ...]]]], sample: Sample, in_it: str
) -> duckdb.DuckDBPyConnection:
    """A connection with the bounded rows of these persons (number, draw, rows)."""
    connection = DATABASE.cursor()
    connection.execute(
        'CREATE TEMP TABLE asset (_person INTEGER, _draw USMALLINT, sector VARCHAR, age BIGINT, "union" BOOLEAN, wage BIGINT)'
    )
    rows = [(number, draw, *row) for number, draw, found in persons for row in found]
    if rows:
        connection.executemany("INSERT INTO asset VALUES (?, ?, ?, ?, ?, ?)", rows)
    query, bound = sampling.bounded(sample, in_it, "", [])
    connection.execute(f"CREATE TEMP TABLE bounded AS {query}", bound)
    return connection


def apart(one: Sequence[int], other: Sequence[int]) -> int:
    """The square of the distance."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


@settings(max_examples=30, deadline=None)
@given(
    PERSONS,
    st.integers(0, 65535),
    ROWS,
    st.integers(1, 4),
    st.sampled_from([0, 20]),
    st.sampled_from([(), (0,), (0, 2)]),
)
def test_a_person_moves_the_exact_numbers_no_further_than_was_charged_for(
    others: list[tuple[int, Any]], draw: int, hers: list[Any], most: int, holdout: int, once: Any
) -> None:
    """The worst neighbours: all her rows there, or none of them; whoever stands where in the table."""
    sample = Sample("pay", "v", COLUMNS, None, most, holdout, True, once)
    counted, added = lay(sample)
    before = [(number, draw_of, rows) for number, (draw_of, rows) in enumerate(others)]
    without = take(before, sample, "1" * (len(others) + 1))
    with_her = take([(len(others), draw, hers), *before], sample, "1" * (len(others) + 1))
    counts = zip(sampling.count(without, counted), sampling.count(with_her, counted), strict=True)
    each = [apart(a, b) for a, b in counts]
    bounds = [most if set(places) & set(once) else most**2 for places in counted.sets]
    assert all(moved <= bound for moved, bound in zip(each, bounds, strict=True))
    charged = counted.charge * 2 * counted.sigma**2 / (SIGMA_GRAIN**2 * 10**6)  # D^2 = 2 sigma^2 rho
    assert sum(bounds) <= charged + 1e-6
    moved = apart(sampling.add_up(without, added, sample), sampling.add_up(with_her, added, sample))
    columns = len(COLUMNS) + 1
    most_it_moves = (most * moments.UNIT**2) ** 2 * columns * (columns + 1) // 2
    assert moved <= most_it_moves <= added.charge * 2 * added.sigma**2 / (SIGMA_GRAIN**2 * 10**6) + 1
    rows = [sum(sampling.count(taken, counted)[0]) for taken in (without, with_her)]
    held = [len(learning.read(sampling.rows(taken, sample, True))) if holdout else 0 for taken in (without, with_her)]
    assert 0 <= rows[1] + held[1] - rows[0] - held[0] <= most
    assert holdout or held == [0, 0]


def test_the_bounds_are_reached() -> None:
    """A bound that nobody reaches would hide one that is forgotten: some person moves everything as far as she may."""
    sample = Sample("pay", "v", COLUMNS, None, 3, 0, True)
    counted, added = lay(sample)
    row = ("care", 40, True, 4000)
    nobody, her = take([], sample, "1"), take([(0, 7, [row] * 5)], sample, "1")
    moved = sum(apart(a, b) for a, b in zip(sampling.count(nobody, counted), sampling.count(her, counted), strict=True))
    assert moved == len(counted.sets) * 9
    columns = len(COLUMNS) + 1
    assert apart(sampling.add_up(nobody, added, sample), sampling.add_up(her, added, sample)) == (
        9 * moments.UNIT**4 * columns * (columns + 1) // 2
    )


def test_the_bound_is_reached_where_a_value_occurs_once() -> None:
    sample = Sample("pay", "v", COLUMNS, None, 3, 0, True, (0,))
    counted, _ = lay(sample)
    rows = [(sector, 40, True, 4000) for sector in ("care", "trade", "office") for _ in range(2)]
    nobody, her = take([], sample, "1"), take([(0, 7, rows)], sample, "1")
    moved = [apart(a, b) for a, b in zip(sampling.count(nobody, counted), sampling.count(her, counted), strict=True)]
    assert moved == [3, 9, 9, 9, 3, 9, 3]  # by sector alone, and with another column


def test_who_is_left_out_of_the_population_is_not_looked_at() -> None:
    sample = Sample("pay", "v", COLUMNS, None, 3, 0, True)
    row = ("care", 40, True, 4000)
    taken = take([(0, 7, [row]), (1, 8, [row, row]), (2, 9, [row])], sample, "101")
    assert sampling.count(taken, lay(sample)[0])[0] == [2, 0, 0]
    assert sampling.contributions(taken, 3) == bytes([1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])


@given(st.integers(-50, 50), st.integers(0, 200), st.integers(2, 64))
def test_bins_cover_the_bounds_once_each(low: int, span: int, bins: int) -> None:
    cut = coded(Column("x", "integer", "personal", 3, low=low, high=low + span + 1), bins)
    ends = [cut.ends(code) for code in range(cut.size)]
    assert ends[0][0] == low and ends[-1][1] == low + span + 1
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(ends))
    for code, (first, last) in enumerate(ends):
        assert cut.code(first) == cut.code(last) == code


def test_pairs_that_hang_together_too_much_are_refused() -> None:
    columns = tuple(Column(f"x{n}", "integer", "personal", 3, low=0, high=1000) for n in range(8))
    sample = Sample("pay", "v", columns, None, 1, 0, True)
    ring = [(a, b) for a in range(8) for b in range(a)]
    found = marginals.lay_out(sample, 16, ring, (), 100_000, 10_000, "nothing was made")
    assert isinstance(found, Refusal) and found.code == "privacy.cells" and "form a tree" in found.remedy
    star = [(0, b) for b in range(1, 8)]
    assert isinstance(marginals.lay_out(sample, 16, star, (), 100_000, 10_000, "nothing was made"), Marginals)


# ---- models as numbers, against scikit-learn


def job(estimator: str, label: Column, **parameters: str) -> dict[str, Any]:
    """A job as the child process gets it."""
    from usufruct.engine.fitting import _input, _label

    linear = ESTIMATORS[estimator].linear
    found = {
        "estimator": estimator, "format": FORMAT, "linear": linear, "route": "exact", "grains": GRAINS, "far": FAR,
        "parameters": [(n, parameters.get(n, p.default)) for n, p in ESTIMATORS[estimator].parameters.items()],
        "inputs": [_input(column, linear) for column in COLUMNS if column is not label], "label": _label(label),
    }  # fmt: skip
    return found | ({"classes": list(label.values or (False, True))} if label in (SECTOR, UNION) else {})


def rows_for(label: Column, count: int = 300) -> Any:
    """Rows of codes and grains, the label last."""
    random = numpy.random.default_rng(3)
    table = {
        "sector": random.integers(0, 3, count), "age": random.integers(-3, 41, count), "union": random.integers(0, 2, count),
        "wage": random.integers(100, 4001, count),
    }  # fmt: skip
    table["union"] = (table["sector"] + random.integers(0, 2, count)) % 2
    table["wage"] = 100 + table["age"] * 20 + table["union"] * 500 + random.integers(60, 500, count)
    return numpy.stack([table[c.name] for c in (*(c for c in COLUMNS if c is not label), label)], axis=1)


def as_typed(work: dict[str, Any], row: Sequence[int]) -> dict[str, Any]:
    """A row as people write it."""
    return {
        one["column"]: one["values"][code] if "values" in one else code / one["grain"]
        for one, code in zip(work["inputs"], row, strict=False)
    }


CASES = [
    (name, label)
    for name, one in ESTIMATORS.items()
    for label in ((UNION, SECTOR) if one.classes else ()) + ((WAGE,) if one.numbers else ())
]


@pytest.mark.parametrize(("estimator", "label"), CASES, ids=lambda case: getattr(case, "name", case))
def test_a_model_as_numbers_tells_what_scikit_learn_tells(estimator: str, label: Column) -> None:
    work, rows = job(estimator, label, n_estimators="7"), rows_for(label)
    model, fitted = learning.fit_rows(work, rows)
    theirs = fitted.predict(learning.design(work, rows))
    tell = predictor(model)
    for row, their in zip(rows, theirs, strict=True):
        ours = tell(as_typed(work, [int(value) for value in row]))
        if "classes" in work:
            assert ours == work["classes"][int(their)]
        else:
            assert ours == pytest.approx(their, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("estimator", "label"), CASES, ids=lambda case: getattr(case, "name", case))
@pytest.mark.parametrize("spoil", ["empty", "one row", "one label", "one value"])
def test_nothing_that_the_rows_hold_can_make_a_fit_fail(estimator: str, label: Column, spoil: str) -> None:
    rows = rows_for(label, 40)
    if spoil == "empty":
        rows = rows[:0]
    elif spoil == "one row":
        rows = rows[:1]
    elif spoil == "one label":
        rows[:, -1] = rows[0, -1]
    else:
        rows[:, :-1] = rows[0, :-1]
    work = job(estimator, label, n_estimators="3")
    model = learning.fit_rows(work, rows)[0]
    told = predictor(model)(as_typed(work, [1, 1, 1]))
    assert told in work["classes"] if "classes" in work else math.isfinite(told)
    assert set(model) - {"classes", "linear", "trees"} == {"format", "estimator", "label", "inputs"}


def test_a_ridge_of_moments_without_noise_is_scikit_learns() -> None:
    from sklearn.linear_model import Ridge

    work, rows = job("ridge", WAGE), rows_for(WAGE)
    inputs, label = learning.design(work, rows), (rows[:, -1] - 2050) / 1950
    terms = numpy.hstack([numpy.ones((len(rows), 1)), inputs, label[:, None]])
    sums = [round(float((terms[:, a] * terms[:, b]).sum()) * moments.UNIT**2) for a in range(8) for b in range(a, 8)]
    assert terms.shape[1] == 8
    found = learning._from_moments(
        work | {"moments": {"terms": 8, "unit": moments.UNIT, "sums": sums, "deviation": 0.0}}
    )
    theirs = Ridge(alpha=1).fit(inputs, rows[:, -1] / 100)
    ours = [float(weight) for weight in found["linear"]["coefficients"][0]]
    # Eigenvalues below 1, that is less than one row, are raised to it; one of the terms of a list is that of the others.
    tell: Callable[[Any], Any] = predictor(found)
    for row, their in zip(rows[:20], theirs.predict(inputs[:20]), strict=True):
        assert tell(as_typed(work, [int(value) for value in row])) == pytest.approx(their, abs=0.1)
    assert ours[3] == pytest.approx(theirs.coef_[3], rel=0.02)  # age


@pytest.mark.parametrize("sums", [[0] * 36, [10**15] * 36, [-(10**15)] * 36, list(range(-18, 18))])
def test_any_noisy_moments_come_to_a_model(sums: list[int]) -> None:
    laid = {"terms": 8, "unit": moments.UNIT, "sums": sums, "deviation": 5e6}
    found = learning._from_moments(job("linear-regression", WAGE) | {"moments": laid})
    assert all(math.isfinite(float(weight)) for weight in found["linear"]["coefficients"][0])


def test_a_row_adds_to_the_scores_at_most_what_was_charged_for() -> None:
    far = {
        "format": FORMAT,
        "inputs": job("ridge", WAGE)["inputs"],
        "linear": {"coefficients": [["9e99"] * 6], "intercepts": ["nan"]},
    }
    work, rows = job("ridge", WAGE), rows_for(WAGE, 5)
    import pyarrow as pa

    table = pa.table({f"c{place}": rows[:, place] for place in range(4)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    scores = learning.score(far, work | {"scores": True}, learning.read(sink.getvalue()).tolist())
    assert scores == [[5], [5 * (GRAINS // FAR)], [5 * (GRAINS // FAR**2)]]


def test_what_is_no_model_is_not_asked() -> None:
    with pytest.raises(ValueError, match="not a model"):
        predictor({"format": "pickle"})
