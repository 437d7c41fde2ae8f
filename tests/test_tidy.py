"""The shape of the house, held by a test: who may import whom, how long a module or a function may be, banned words.

The sizes are a ratchet, not a wish: they are what the code keeps today, and may only be tightened.
"""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "usufruct"
MODULES = sorted(SOURCE.rglob("*.py"))

# Lowest first; neighbours on one line never import each other.
ORDER = [
    ["core.base"],
    ["core.proof", "core.rulebook"],
    ["core.registry"],
    ["core.lineage"],
    ["core.terms"],
    ["core.contract"],
    ["core.access"],
    ["core.exchange"],
    ["core.dataspace"],
    ["core.privacy"],
    ["core.market"],
    ["core.income"],
    ["core.work", "core.cover"],
    ["core.oversight", "core.trace", "core.disclosure"],
    ["core.facts"],
    ["ports", "trainer", "attested", "allocator"],
    ["node", "store", "engine", "wire", "peer"],
    ["web", "client"],
    ["cli"],
    ["main"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}

MODULE_LINES, MEDIAN_LINES, FUNCTION_LINES, P90_LINES = 500, 160, 55, 35

# Words that would mean two things here; see GLOSSARY.md.
BANNED = re.compile(r"\b(policy|policies|utils)\b", re.IGNORECASE)
# Where the word is a foreign name that must be written.
FOREIGN = re.compile(r"asymmetric\.utils|Security-Policy|hasPolicy|Referrer-Policy|tlog-policy")

STANDARD = {"__future__", "array", "bisect", "collections", "dataclasses", "datetime", "decimal", "difflib", "fractions", "heapq",
            "functools", "hashlib", "hmac", "importlib", "itertools", "json", "math", "operator", "re", "struct", "tomllib",
            "types", "typing", "unicodedata", "base64", "binascii", "contextlib"}  # fmt: skip


def area(name: str) -> str | None:
    """The area a module belongs to: `core.privacy` for `usufruct.core.privacy.rules`."""
    parts = name.split(".")[1:]
    for length in (2, 1):
        if ".".join(parts[:length]) in RANK:
            return ".".join(parts[:length])
    return None


def module_name(path: Path) -> str:
    return ".".join(["usufruct", *path.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__")


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_one_way(path: Path) -> None:
    here = area(module_name(path))
    for name in imports(path):
        there = area(name) if name.startswith("usufruct.") else None
        if here is None or there is None or here == there:
            continue
        assert RANK[there] < RANK[here], f"{module_name(path)} must not import {name}"


@pytest.mark.parametrize("path", [p for p in MODULES if "core" in p.parts], ids=module_name)
def test_the_core_stands_on_the_standard_library_alone(path: Path) -> None:
    for name in imports(path):
        first = name.split(".")[0]
        pure = first in STANDARD or name.startswith("urllib.parse.")  # which opens nothing
        assert first == "usufruct" or pure, f"{module_name(path)} imports {name}"


@pytest.mark.parametrize("path", [p for p in MODULES if "core" in p.parts], ids=module_name)
def test_the_core_is_pure(path: Path) -> None:
    """No clock, no files, no output; only the rulebook's own data are read, through importlib.resources."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            assert called not in {"open", "print", "input", "now", "today", "eval", "exec"}, f"{path}:{node.lineno}"


def test_modules_are_short() -> None:
    lengths = {
        module_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES if p.name != "__init__.py"
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > MODULE_LINES}
    assert not too_long
    assert statistics.median(lengths.values()) <= MEDIAN_LINES


def test_functions_are_short() -> None:
    lengths = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lengths.append((node.end_lineno - node.lineno + 1, f"{module_name(path)}.{node.name}"))
    too_long = [item for item in lengths if item[0] > FUNCTION_LINES]
    assert not too_long
    assert sorted(lengths)[len(lengths) * 9 // 10][0] <= P90_LINES


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_every_module_and_public_name_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{module_name(path)} has no essay"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{module_name(path)}.{node.name} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_banned_words(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = BANNED.search(FOREIGN.sub("", line))
        assert not found, f"{module_name(path)}:{number} says `{found and found.group()}`"


def test_no_module_is_left_over() -> None:
    """Every module is imported by another, or is an entry point."""
    used = {name for path in MODULES for name in imports(path)}
    entries = {"usufruct", "usufruct.main", "usufruct.__main__"}
    for path in MODULES:
        name = module_name(path)
        if path.name != "__init__.py" and name not in entries:
            assert any(u == name or u.startswith(f"{name}.") for u in used), f"{name} is imported by nobody"


def test_the_locks_name_no_registry_and_agree() -> None:
    names = ("requirements.lock", "requirements-run.lock", "requirements-spark.lock", "requirements-ray.lock")
    common, *others = ((ROOT / name).read_text(encoding="utf-8") for name in names)
    assert "://" not in "".join((common, *others))
    pins, *more = (
        dict(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==(\S+)", text, re.MULTILINE)) for text in (common, *others)
    )
    for one in more:
        assert pins.items() & one.items() and all(pins.get(name, pin) == pin for name, pin in one.items())
    assert more[0].items() <= pins.items()
