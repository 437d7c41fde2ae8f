"""An instance as bytes: a line that names the format, a line of canonical JSON, and then each column as little-endian numbers.

The columns follow one another with nothing between: seats of each job, number of pairs of each worker, and of each pair its
job, its rank and its parts; then the number of pairs forbidden to each worker, and of each of these its job and why. All are
of 32 bits, but the parts, which are of 16. The header says how many there are. One instance has one spelling; other bytes are
not read, so that the digest of the bytes stands for the instance.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from usufruct.core.base import canonical
from usufruct.core.work.allocation.instance import Instance, bad, sums, validate
from usufruct.core.work.allocation.rule import AllocationRule, Part

MAGIC = b"usufruct-instance/1\n"
_LITTLE = array("H", [1]).tobytes() == b"\x01\x00"
_FIELDS = {"candidates", "commitments", "filtered", "jobs", "round", "rule", "words", "workers"}
_SIZES = {"H": 2, "I": 4}


def encode(instance: Instance) -> bytes:
    """The canonical bytes of an instance."""
    header: dict[str, canonical.Value] = {
        "round": instance.round,
        "rule": {
            "method": instance.rule.method,
            "parts": [{"name": part.name, "weight": part.weight} for part in instance.rule.parts],
            "reveal": instance.rule.reveal,
        },
        "commitments": list(instance.commitments),
        "workers": list(instance.workers),
        "jobs": list(instance.jobs),
        "words": [list(pair) for pair in instance.words],
        "candidates": len(instance.job),
        "filtered": len(instance.barred_job),
    }
    columns = (
        _packed("I", instance.seats), _packed("I", _counts(instance.starts)), _packed("I", instance.job),
        _packed("I", instance.rank), *(_packed("H", column) for column in instance.values),
        _packed("I", _counts(instance.barred_starts)), _packed("I", instance.barred_job),
        _packed("I", instance.barred_why),
    )  # fmt: skip
    return b"".join((MAGIC, canonical.encode(header), b"\n", *columns))


def decode(data: bytes) -> Instance:
    """The instance whose canonical bytes are `data`.

    Raises:
        BadInput: they are not those of an instance.
    """
    found = assemble(*split(data), _unpacked, sums)
    validate(found)
    return found


def split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header of canonical bytes, and what follows it.

    Raises:
        BadInput: there is no header of an instance.
    """
    end = data.find(b"\n", len(MAGIC))
    if not data.startswith(MAGIC) or end < 0:
        raise bad("these are not the bytes of an instance", "take the file that the allocation wrote")
    try:
        header = canonical.decode(data[len(MAGIC) : end])
    except ValueError as error:
        raise bad(f"the header of the instance cannot be read: {error}", "take the file as it was written") from None
    if not isinstance(header, dict) or set(header) != _FIELDS or not _typed(header):
        raise bad("the header of the instance has not the fields that it must have", "take the file as it was written")
    return header, memoryview(data)[end + 1 :]


def assemble(
    header: dict[str, Any], body: memoryview, unpacked: Callable[[str, memoryview], Any], summed: Callable[[Any], Any],
) -> Instance:  # fmt: skip
    """The instance of a header and its columns, not looked at yet; `unpacked` reads a column of a type code, `summed` turns
    counts into starts.

    Raises:
        BadInput: the columns are not as long as the header says.
    """
    rule = AllocationRule(
        header["rule"]["method"],
        tuple(Part(part["name"], part["weight"]) for part in header["rule"]["parts"]),
        header["rule"]["reveal"],
    )
    people, jobs, pairs, barred = len(header["workers"]), len(header["jobs"]), header["candidates"], header["filtered"]
    shape = [("I", jobs), ("I", people), ("I", pairs), ("I", pairs), *[("H", pairs)] * len(rule.parts)]
    shape += [("I", people), ("I", barred), ("I", barred)]
    if sum(_SIZES[code] * count for code, count in shape) != len(body):
        raise bad("the columns of the instance are not as long as its header says", "take the file as it was written")
    columns, start = [], 0
    for code, count in shape:
        end = start + _SIZES[code] * count
        columns.append(unpacked(code, body[start:end]))
        start = end
    seats, counts, job, rank, *values, barred_counts, barred_job, barred_why = columns
    return Instance(
        header["round"], rule, tuple(header["commitments"]), tuple(header["workers"]), tuple(header["jobs"]), seats,
        summed(counts), job, rank, tuple(values), summed(barred_counts), barred_job, barred_why,
        tuple((code, words) for code, words in header["words"]),
    )  # fmt: skip


def _typed(header: dict[str, Any]) -> bool:
    rule = header["rule"]
    texts = [header["commitments"], header["workers"], header["jobs"]]
    return (
        isinstance(header["round"], str)
        and isinstance(rule, dict)
        and set(rule) == {"method", "parts", "reveal"}
        and isinstance(rule["method"], str)
        and isinstance(rule["reveal"], str)
        and isinstance(rule["parts"], list)
        and all(isinstance(part, dict) and set(part) == {"name", "weight"} for part in rule["parts"])
        and all(isinstance(part["name"], str) and type(part["weight"]) is int for part in rule["parts"])
        and all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in texts)
        and all(type(header[name]) is int and header[name] >= 0 for name in ("candidates", "filtered"))
        and isinstance(header["words"], list)
        and all(isinstance(each, list) and [type(text) for text in each] == [str, str] for each in header["words"])
    )


def _packed(code: str, numbers: Sequence[int]) -> bytes:
    found = array(code, numbers)
    if not _LITTLE:
        found.byteswap()
    return found.tobytes()


def _unpacked(code: str, data: memoryview) -> array[int]:
    found: array[int] = array(code)
    found.frombytes(data)
    if not _LITTLE:
        found.byteswap()
    return found


def _counts(starts: Sequence[int]) -> list[int]:
    return [starts[place + 1] - starts[place] for place in range(len(starts) - 1)]
