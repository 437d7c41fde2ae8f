"""A stack as TOML: which parts, how many of them, make which skill; and the examples that are shipped."""

from __future__ import annotations

from importlib import resources

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.work.skills.state import StackRule
from usufruct.wire import card

EXAMPLES = resources.files("usufruct.core.rulebook").joinpath("skills")
_TEXTS, _NUMBERS = ("name", "skill", "source", "authority"), ("needed", "months")


def sample() -> bytes:
    """Some twenty skills, as CSV, to try things out with; no framework that anybody else uses."""
    return EXAMPLES.joinpath("sample.csv").read_bytes()


def example() -> str:
    """A stack over the sample, as TOML; it applies nowhere."""
    return EXAMPLES.joinpath("cargo-courier.toml").read_text(encoding="utf-8")


def read(text: str) -> StackRule:
    """The stack that `text` holds.

    Raises:
        BadInput: not TOML; a field is missing, unknown or of another type.
    """
    value = card.parse(text, "the stack")
    unknown = sorted(value.keys() - {*_TEXTS, *_NUMBERS, "parts"})
    if unknown:
        raise _wrong(f"the unknown field `{unknown[0]}`", f"known are {', '.join((*_TEXTS, 'parts', *_NUMBERS))}")
    for name in _TEXTS:
        if not isinstance(value.get(name), str) or not value[name].strip():
            raise _wrong(f"`{name}` is missing or not a text", f'add {name} = "…"')
    parts = value.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise _wrong("`parts` is no list of URIs", 'add parts = ["…", "…"]')
    needed, months = value.get("needed", len(parts)), value.get("months", 0)
    if type(needed) is not int or type(months) is not int:
        raise _wrong("`needed` or `months` is no whole number", "write needed = 2")
    name, skill, source, authority = (holdable(value[field].strip()) for field in _TEXTS)
    return StackRule(name, skill, tuple(map(holdable, parts)), needed, source, authority, months)


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.stack", f"the stack cannot be read: {what}", remedy)
