"""A fitted model as numbers, and what it says of a row.

A model leaves as a mapping of names to numbers, written as the shortest decimals that come back to the same float: no
code is needed to read it, and none can hide in it. It says of every input how it comes from a row, so a model can be
asked with the values that people write:

    {"format": "usufruct-model/1", "estimator": …, "label": …, "classes": […],        no classes: a number is told
     "inputs": [{"column": …, "values": […]} or {"column": …, "centre": …, "half": …}],
     "linear": {"coefficients": [[…] for each output], "intercepts": […]}              or
     "trees": {"combine": "mean" or "sum", "start": […], "rate": …, "stages": [[tree for each output] …]}}

A number becomes (value - centre) / half, a value of a list becomes as many inputs of 0 or 1 as the list is long. A tree
goes left where an input, as a 32-bit float, is not above the threshold, as scikit-learn has it. A row is looked at by
itself, so what is said of one person's rows depends on no others; the node scores with this very code.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

FORMAT = "usufruct-model/1"
Row = Mapping[str, Any]


def predictor(model: Mapping[str, Any]) -> Callable[[Row], Any]:
    """What tells the label of a row: one of the classes, or a number. A row has a value for each input's column; one that
    is not on the list counts as none of it.

    Raises:
        ValueError: it is not a model in this format.
    """
    if model.get("format") != FORMAT:
        raise ValueError(f"not a model in the format {FORMAT}")
    inputs = [_input(one) for one in model["inputs"]]
    columns = [one["column"] for one in model["inputs"]]
    outputs = _linear(model["linear"]) if "linear" in model else _trees(model["trees"])
    classes = model.get("classes", ())

    def tell(row: Row) -> Any:
        terms: list[float] = []
        for column, one in zip(columns, inputs, strict=True):
            terms += one(row[column])
        found = outputs(terms)
        if not classes:
            return found[0]
        if len(found) == 1:
            return classes[0] if len(classes) == 1 else classes[_upper(found[0], "linear" in model)]
        return classes[max(range(len(found)), key=lambda place: (found[place], -place))]

    return tell


def _upper(output: float, linear: bool) -> int:
    """Of two classes the second, where the one output is above 0, or for trees not below it."""
    return int(output > 0 if linear else output >= 0)


def _input(one: Mapping[str, Any]) -> Callable[[Any], list[float]]:
    if "values" in one:
        values = one["values"]
        return lambda found: [float(type(found) is type(value) and found == value) for value in values]
    centre, half = float(one["centre"]), float(one["half"])
    return lambda found: [(float(found) - centre) / half]


def _linear(part: Mapping[str, Any]) -> Callable[[Sequence[float]], list[float]]:
    rows = [
        (list(map(float, row)), float(last)) for row, last in zip(part["coefficients"], part["intercepts"], strict=True)
    ]

    def outputs(terms: Sequence[float]) -> list[float]:
        return [sum(w * term for w, term in zip(row, terms, strict=True)) + last for row, last in rows]

    return outputs


def _trees(part: Mapping[str, Any]) -> Callable[[Sequence[float]], list[float]]:
    rate, start = float(part["rate"]), list(map(float, part["start"]))
    stages = [[_tree(tree) for tree in stage] for stage in part["stages"]]
    mean = part["combine"] == "mean"

    def outputs(terms: Sequence[float]) -> list[float]:
        single = array("f", terms)
        found = list(start)
        for stage in stages:
            if len(stage) == 1:  # one tree that tells all outputs
                leaves = stage[0](single)
                found = [value + rate * leaf for value, leaf in zip(found, leaves, strict=True)]
            else:
                found = [value + rate * tree(single)[0] for value, tree in zip(found, stage, strict=True)]
        return [value / len(stages) for value in found] if mean else found

    return outputs


def _tree(tree: Mapping[str, Any]) -> Callable[[Sequence[float]], list[float]]:
    inputs, thresholds = tree["input"], list(map(float, tree["threshold"]))
    lefts, rights = tree["left"], tree["right"]
    leaves = [list(map(float, value)) for value in tree["value"]]

    def leaf(terms: Sequence[float]) -> list[float]:
        node = 0
        while inputs[node] >= 0:
            node = lefts[node] if terms[inputs[node]] <= thresholds[node] else rights[node]
        return leaves[node]

    return leaf
