"""What runs in the child process: fits, draws and what rows add, over numbers that come in on standard input.

The node starts this file by itself, in Python's isolated mode, with an empty environment and limits that it takes on before
anything else is loaded (see `fitting`). It opens no table, reads no file but its own libraries, and writes nothing but
one line of JSON. scikit-learn and the graphical models of mbi are loaded here only, so neither is ever in the node itself.

Whatever the rows hold, a fit comes to a model: where there is nothing to tell apart it says the same of every row.
"""

from __future__ import annotations

import base64
import hashlib
import json
import resource
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

STEPS = 1_000  # of mirror descent; the same for every job, so they take no time that tells of the data
EPSILON = sys.float_info.epsilon  # what boosting keeps a share away from 0 and 1
Job = Mapping[str, Any]


def main() -> None:
    """One job: limits and the place of the node's own code are arguments, the job comes in as JSON and then the rows."""
    memory, seconds, source = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.insert(0, source)
    warnings.simplefilter("ignore")
    sizes = [int(word) for word in sys.stdin.buffer.readline().split()]
    job, rows, held = (sys.stdin.buffer.read(size) for size in sizes)
    sys.stdout.write(json.dumps(run(json.loads(job), rows, held)))


def run(job: Job, rows: bytes, held: bytes) -> dict[str, Any]:
    """What a job comes to."""
    if job["do"] == "draw":
        return {"rows": draw(job["marginals"], job["rows"])}
    if job["do"] == "value":
        return {"shares": value(job, rows)}
    model = fit(job, rows)
    scores = score(model, job, read(held).tolist()) if job["scores"] else []
    if "validation" in job:
        scores += score(model, job, job["validation"])
        scores += [quality(job, rows)] if job["route"] == "exact" and "classes" in job else []
    return {"model": model, "scores": scores}


def fit(job: Job, rows: bytes) -> dict[str, Any]:
    """The model of a job, as `core.privacy.model` has it."""
    if job["route"] == "moments":
        return _from_moments(job)
    found = draw(job["marginals"], job["rows"]) if job["route"] == "synthetic" else read(rows)
    return fit_rows(job, found)[0]


def fit_rows(job: Job, rows: Any) -> tuple[dict[str, Any], Any]:
    """The model of rows of whole numbers, the label last; and what scikit-learn made, None if there was nothing to tell."""
    import numpy

    table = numpy.asarray(rows, dtype=numpy.int64).reshape(-1, len(job["inputs"]) + 1)
    label = job["label"]
    told = table[:, -1] if "classes" in job else table[:, -1] / label["grain"]
    present = [int(code) for code in numpy.unique(told)] if "classes" in job else []
    if not len(table) or len(present) == 1:
        return _constant(job, present), None
    estimator = _estimator(job)
    estimator.fit(design(job, table), told)
    if job["linear"]:
        return _with_linear(
            job, present, numpy.atleast_2d(estimator.coef_), numpy.atleast_1d(estimator.intercept_)
        ), estimator
    return _with_trees(job, present, estimator, table), estimator


def design(job: Job, table: Any) -> Any:
    """The inputs of every row, as `core.privacy.model` makes them of one."""
    import numpy

    parts = []
    for place, one in enumerate(job["inputs"]):
        column = table[:, place]
        if "values" in one:
            parts.append((column[:, None] == numpy.arange(len(one["values"]))[None, :]).astype(float))
        else:
            parts.append(((column / one["grain"] - float(one["centre"])) / float(one["half"]))[:, None])
    return numpy.hstack(parts)


def _estimator(job: Job) -> Any:
    """The estimator by name; random choices are the same each time."""
    from sklearn import ensemble, linear_model, tree

    classes = "classes" in job
    kinds = {
        "linear-regression": linear_model.LinearRegression,
        "ridge": linear_model.Ridge,
        "logistic-regression": linear_model.LogisticRegression,
        "decision-tree": tree.DecisionTreeClassifier if classes else tree.DecisionTreeRegressor,
        "random-forest": ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor,
        "gradient-boosting": ensemble.GradientBoostingClassifier if classes else ensemble.GradientBoostingRegressor,
    }
    parameters = {name: float(value) if "." in value else int(value) for name, value in job["parameters"]}
    if not job["linear"]:
        parameters["random_state"] = 0
    return kinds[job["estimator"]](**parameters)


def read(rows: bytes) -> Any:
    """Rows as they are sent: a column of whole numbers for each column."""
    import numpy
    import pyarrow

    table = pyarrow.ipc.open_stream(rows).read_all()
    return numpy.stack([column.to_numpy() for column in table.columns], axis=1)


# ---- models as numbers


def _frame(job: Job, present: Sequence[int]) -> dict[str, Any]:
    inputs = [{name: value for name, value in one.items() if name != "grain"} for one in job["inputs"]]
    found = {
        "format": job["format"], "estimator": job["estimator"], "label": job["label"]["column"], "inputs": inputs
    }  # fmt: skip
    return found | ({"classes": [job["classes"][code] for code in present]} if "classes" in job else {})


def _text(value: float) -> str:
    return repr(float(value))


def _constant(job: Job, present: Sequence[int]) -> dict[str, Any]:
    """Nothing to tell apart: the one class there is, or the middle."""
    width = sum(len(one.get("values", (0,))) for one in job["inputs"])
    middle = "0.0" if "classes" in job else _text(job["label"]["middle"])
    part = {"coefficients": [["0.0"] * width], "intercepts": [middle]}
    return _frame(job, present or [0]) | {"linear": part}


def _with_linear(job: Job, present: Sequence[int], coefficients: Any, intercepts: Any) -> dict[str, Any]:
    part = {
        "coefficients": [[_text(w) for w in row] for row in coefficients],
        "intercepts": [_text(b) for b in intercepts],
    }
    return _frame(job, present) | {"linear": part}


def _with_trees(job: Job, present: Sequence[int], estimator: Any, table: Any) -> dict[str, Any]:
    if job["estimator"] == "decision-tree":
        stages, combine, rate = [[estimator]], "mean", 1.0
    elif job["estimator"] == "random-forest":
        stages, combine, rate = [[one] for one in estimator.estimators_], "mean", 1.0
    else:
        stages, combine, rate = [list(stage) for stage in estimator.estimators_], "sum", estimator.learning_rate
    outputs = len(present) if "classes" in job and combine == "mean" else len(stages[0])
    start = [0.0] * outputs
    if combine == "sum":
        start = _start(job, estimator, stages, design(job, table[:1]))
    part = {
        "combine": combine, "rate": _text(rate), "start": [_text(value) for value in start],
        "stages": [[_tree(one.tree_) for one in stage] for stage in stages],
    }  # fmt: skip
    return _frame(job, present) | {"trees": part}


def _start(job: Job, estimator: Any, stages: Sequence[Sequence[Any]], row: Any) -> list[float]:
    """Where boosting began: what it was before its first stage, the same for every row."""
    raw = estimator.init_
    if "classes" not in job:
        return [float(raw.predict(row)[0])]
    import numpy

    shares = numpy.clip(raw.predict_proba(row)[0], EPSILON, 1 - EPSILON)
    if len(stages[0]) == 1:
        return [float(numpy.log(shares[1] / (1 - shares[1])))]
    logs = numpy.log(shares)
    return [float(value) for value in logs - logs.mean()]


def _tree(tree: Any) -> dict[str, Any]:
    leaf = tree.children_left < 0
    return {
        "input": [-1 if end else int(place) for end, place in zip(leaf, tree.feature, strict=True)],
        "threshold": ["0.0" if end else _text(value) for end, value in zip(leaf, tree.threshold, strict=True)],
        "left": [int(node) for node in tree.children_left], "right": [int(node) for node in tree.children_right],
        "value": [[_text(value) for value in found[0]] if end else [] for end, found in zip(leaf, tree.value, strict=True)],
    }  # fmt: skip


def _from_moments(job: Job) -> dict[str, Any]:
    """A linear model from noisy sums of products: the nearest ones that rows could have, as far as the noise lets it be told,
    and then least squares. It always has one answer, for no direction is left with less than the noise."""
    import numpy

    laid = job["moments"]
    size, unit = laid["terms"], laid["unit"] ** 2
    products = numpy.zeros((size, size))
    products[numpy.triu_indices(size)] = numpy.array(laid["sums"], dtype=float) / unit
    products = products + products.T - numpy.diag(numpy.diag(products))
    gram, cross = products[:-1, :-1], products[:-1, -1]
    least = max(1.0, laid["deviation"] / unit * numpy.sqrt(size))
    values, vectors = numpy.linalg.eigh(gram)
    gram = (vectors * numpy.maximum(values, least)) @ vectors.T
    alpha = dict(job["parameters"]).get("alpha", "0")
    penalty = float(alpha) * numpy.eye(size - 1)
    penalty[0, 0] = 0.0  # the constant is not held back, as scikit-learn has it
    weights = numpy.linalg.solve(gram + penalty, cross)
    label = job["label"]
    weights = weights * label["half"]
    return _with_linear(job, (), [weights[1:]], [weights[0] + label["middle"]])


# ---- scores


def score(model: Mapping[str, Any], job: Job, table: Sequence[Sequence[int]]) -> list[list[int]]:
    """The exact scores of rows, the label last. Each row is told by itself, so what one adds depends on no other."""
    from usufruct.core.privacy.model import predictor

    tell = _remembered(predictor(model), job)
    if "classes" in job:
        places = {_key(value): place for place, value in enumerate(job["classes"])}
        counts = [0] * len(places) ** 2
        for row in table:
            counts[row[-1] * len(places) + places[_key(tell(row))]] += 1
        return [counts]
    label, grains = job["label"], job["grains"]
    rows = errors = squares = 0
    for row in table:
        off = min(1 / job["far"], abs(row[-1] / label["grain"] - tell(row)) / (2 * label["half"]))
        rows, errors, squares = rows + 1, errors + int(off * grains), squares + int(off * off * grains)
    return [[rows], [errors], [squares]]


def _key(value: Any) -> tuple[str, Any]:
    """True and 1 are two classes."""
    return type(value).__name__, value


def _remembered(tell: Callable[[Mapping[str, Any]], Any], job: Job) -> Callable[[Sequence[int]], Any]:
    """Tells rows of whole numbers; the same row is worked out once."""
    known: dict[tuple[int, ...], Any] = {}
    inputs = job["inputs"]

    def of_row(row: Sequence[int]) -> Any:
        name = tuple(row[:-1])
        if name not in known:
            known[name] = tell({
                one["column"]: one["values"][code] if "values" in one else code / one["grain"]
                for one, code in zip(inputs, name, strict=True)
            })  # fmt: skip
        return known[name]

    return of_row


# ---- what persons' rows add


def value(job: Job, rows: bytes) -> str:
    """Each person's share in what all rows tell of those for validation, as base64 of the numbers that a use keeps."""
    import numpy

    from usufruct.core.income.neighbours import Measure
    from usufruct.engine.valuation.contribution import Records, Validation, measured
    from usufruct.engine.valuation.embedding import embed

    table, asked = read(rows), numpy.asarray(job["validation"], dtype=numpy.int64)
    who = table[:, 0]
    deposits = numpy.asarray(job["deposits"] or [0] * job["persons"], dtype=numpy.int64)
    records = Records(embed(table[:, 1:-1], job["columns"]), table[:, -1], who, deposits[who])
    validation = Validation(embed(asked[:, :-1], job["columns"]), asked[:, -1])
    measure = Measure(job["k"], job["copies"])
    if not measure.k:
        return base64.b64encode(_by_model(job, table, asked, records, measure)).decode()
    paid = measured(records, validation, measure, job["persons"], job["near"])
    return base64.b64encode(paid.encode()).decode()


def _by_model(job: Job, table: Any, asked: Any, records: Any, measure: Any) -> bytes:
    """The same by the very model, fitted to the rows that count of every coalition."""
    import numpy

    from usufruct.core.income.neighbours import SHARE_UNIT
    from usufruct.engine.valuation import contribution, holders

    def tell(features: Any, labels: Any, rows: Any) -> Any:
        _, estimator = fit_rows(job, numpy.hstack((features, labels[:, None])))
        told = estimator.predict(design(job, rows))
        return told if "classes" in job else numpy.rint(told * job["label"]["grain"])

    at = contribution.sieve(records, measure, job["near"]).counting
    values = holders.shares(
        table[at, 1:-1], table[at, -1], table[at, 0], asked[:, :-1], asked[:, -1], job["persons"], tell, job["near"]
    )
    units = [max(0, int(value * SHARE_UNIT / len(asked))) for value in values]
    return numpy.array(units, "<u8").tobytes()


def quality(job: Job, rows: bytes) -> list[int]:
    """How often rows were told rightly by trees that did not see them, and of how many times; nothing is paid by it."""
    from usufruct.engine.valuation.embedding import embed
    from usufruct.engine.valuation.quality import out_of_bag

    table = read(rows)
    known = out_of_bag(embed(table[:, :-1], job["columns"]), table[:, -1]) if len(table) else None
    return [sum(known.right), sum(known.times)] if known else [0, 0]


# ---- synthetic rows


def draw(laid: Mapping[str, Any], rows: int) -> list[list[int]]:
    """That many rows that follow the noisy marginals, the same each time: a code for a column with a list, and for a number
    a grain from its bin. The model is that of McKenna, Miklau and Sheldon (2019), by their own library."""
    import mbi
    import numpy

    names = [f"c{place}" for place in range(len(laid["columns"]))]
    domain = mbi.Domain(names, [one["size"] for one in laid["columns"]])
    measured = [
        mbi.LinearMeasurement(
            numpy.array(counts, dtype=float), tuple(names[place] for place in columns), laid["deviation"]
        )
        for columns, counts in zip(laid["sets"], laid["noised"], strict=True)
    ]
    model = mbi.estimation.MirrorDescent().estimate(domain, measured, known_total=float(rows), iters=STEPS)
    # Repeatable, and no secret: all of this is made of what may leave anyway.
    digest = hashlib.sha256(json.dumps([laid["noised"], rows]).encode()).digest()
    numpy.random.seed(list(digest))  # which mbi draws from
    drawn = model.synthetic_data(rows=rows).to_dict()
    random = numpy.random.default_rng(list(digest))
    columns = []
    for name, one in zip(names, laid["columns"], strict=True):
        codes = numpy.asarray(drawn[name], dtype=numpy.int64)
        if one["bins"]:
            ends = numpy.array(one["bins"], dtype=numpy.int64)
            codes = random.integers(ends[codes, 0], ends[codes, 1] + 1)
        columns.append(codes)
    table: list[list[int]] = numpy.stack(columns, axis=1).tolist()
    return table


if __name__ == "__main__":
    main()
