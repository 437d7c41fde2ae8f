"""A round on file, as TOML: for whoever allocates without a node, and to try a rule out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.work.allocation.instance import CHAMBERS, Candidate, Filtered, Instance, build
from usufruct.core.work.allocation.rule import AFTER, AllocationRule, Part
from usufruct.wire import card

_FIELDS = {
    "round", "method", "reveal", "weights", "seats", "workers", "commitments", "secrets", "head", "candidate", "filtered"
}  # fmt: skip
_PAIR = {"worker", "job"}


@dataclass(frozen=True, slots=True)
class RoundFile:
    """An instance, with what its chambers opened, in the order of `CHAMBERS`, and the journal's head that stands in."""

    instance: Instance
    secrets: tuple[bytes | None, ...]
    head: bytes


def read(text: str) -> RoundFile:
    """The round that `text` holds.

    Raises:
        BadInput: not TOML; a field is missing, unknown or of another type; or the round contradicts itself.
    """
    value = card.parse(text, "the round")
    _known(value, _FIELDS, "the round")
    weights = _numbers(value, "weights")
    rule = AllocationRule(
        _text(value, "method"), tuple(Part(name, weight) for name, weight in weights.items()),
        value.get("reveal", AFTER),
    )  # fmt: skip
    said, opened = _texts(value, "commitments"), _texts(value, "secrets")
    secrets = tuple(_bytes(opened[chamber], "a secret") if chamber in opened else None for chamber in CHAMBERS)
    workers = value.get("workers", [])
    if not isinstance(workers, list) or not all(isinstance(worker, str) for worker in workers):
        raise _wrong("`workers` is no list of names", "name there who has no pair at all, or leave it out")
    found = build(
        _text(value, "round"), rule, _numbers(value, "seats"),
        [_candidate(row, weights) for row in _rows(value, "candidate")],
        [_filtered(row) for row in _rows(value, "filtered")],
        tuple(said.get(chamber, "") for chamber in CHAMBERS), workers,
    )  # fmt: skip
    return RoundFile(found, secrets, _bytes(value.get("head", ""), "the head"))


def _candidate(row: dict[str, Any], weights: Mapping[str, int]) -> Candidate:
    _known(row, {*_PAIR, "rank", *weights}, "a candidate")
    return Candidate(
        _text(row, "worker"), _text(row, "job"), _number(row, "rank"), tuple(_number(row, name) for name in weights)
    )


def _filtered(row: dict[str, Any]) -> Filtered:
    _known(row, {*_PAIR, "code", "words"}, "a filtered pair")
    return Filtered(_text(row, "worker"), _text(row, "job"), _text(row, "code"), _text(row, "words"))


def _rows(value: dict[str, Any], field: str) -> list[dict[str, Any]]:
    found = value.get(field, [])
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _wrong(f"`{field}` is no list of tables", f"write each as [[{field}]]")
    return found


def _table(value: dict[str, Any], field: str) -> dict[str, Any]:
    found = value.get(field, {})
    if not isinstance(found, dict):
        raise _wrong(f"`{field}` is no table", f"write it as [{field}]")
    return found


def _numbers(value: dict[str, Any], field: str) -> dict[str, int]:
    found = _table(value, field)
    return {name: _number(found, name) for name in found}


def _texts(value: dict[str, Any], field: str) -> dict[str, str]:
    found = _table(value, field)
    _known(found, set(CHAMBERS), f"`{field}`")
    return {name: _text(found, name) for name in found}


def _known(value: dict[str, Any], fields: set[str], what: str) -> None:
    unknown = next((field for field in value if field not in fields), None)
    if unknown is not None:
        raise _wrong(f"{what} has the unknown field `{unknown}`", f"known are {', '.join(sorted(fields))}")


def _text(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    if not isinstance(found, str) or not found:
        raise _wrong(f"`{field}` is missing, or no text", f'say {field} = "…"')
    return found


def _number(value: dict[str, Any], field: str) -> int:
    found = value.get(field)
    if type(found) is not int:
        raise _wrong(f"`{field}` is missing, or no whole number", f"say {field} = and a whole number")
    return found


def _bytes(text: object, what: str) -> bytes:
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        raise _wrong(f"{what} is not hexadecimal", "write two digits for each byte") from None


def _wrong(message: str, remedy: str) -> BadInput:
    return BadInput("input.allocation", message, remedy)
