"""The docs are read by the tests: what they show is run, what they list is compared with the code, links lead somewhere.

In README.md, docs/start.md, docs/guides/ and docs/operating/ the fenced blocks are followed as a reader would follow
them, page by page, each page in a directory of its own that has `examples/` in it. The first words of a block say what to
do:

    sh            run it; it must succeed
    sh refused    run it; the node must refuse (status 3)
    sh fails      run it; it must end with status 1
    sh faults     run it; something must be wrong with what it is given (status 2)
    sh serve      run it in the background until the page ends, on a free port in place of 8000
    sh no-run     do not run it
    python        run it
    text          what the block before it printed: its pieces between `…` must occur there in this order
    text noisy    the same, but any number stands for any other

A guide, and a page on operating, begins where docs/start.md ends.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import importlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import typer
from litestar import Litestar

from privacy import world
from usufruct.cli import commands
from usufruct.cli.app import Doors, give
from usufruct.core import facts, oversight
from usufruct.core.base import faults, refusals
from usufruct.core.base.instants import Instant
from usufruct.core.privacy import rules
from usufruct.core.privacy.relations import resolve
from usufruct.core.registry.facts import Quality
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import parameters, purposes
from usufruct.core.rulebook.grades import GRADES
from usufruct.engine.replica import Replica
from usufruct.main import SETTINGS, create_node, open_node
from usufruct.node.node import Node
from usufruct.web.app import make_app, status_of
from usufruct.wire import card, charter, sql

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "usufruct"
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").glob("*.md")])
GUIDES = sorted([*(DOCS / "guides").glob("[!R]*.md"), *(DOCS / "operating").glob("[!R]*.md")])
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Numbers of facts, which depend on how often a served node closed an epoch; a page's own may stand for others.
PLACED = re.compile(
    r"(?<=fact )\d+|\b\d+(?= facts| signed checkpoints)"
    r"|(?:(?<=use-)|(?<=right-)|(?<=agreement-)|(?<=negotiation-)|(?<=step-)|(?<=call-)|(?<=plan-)|(?<=need-)|(?<=invoice-)|(?<=dispute-))\d{2,}\b"
)
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read(page: Path | str) -> str:
    return (REFERENCE / page if isinstance(page, str) else page).read_text(encoding="utf-8")


def prose(page: Path) -> str:
    return FENCE.sub("", read(page))


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, without heads."""
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    found = [[cell.strip("| ") for cell in row] for row in found]
    rules = {i for i, row in enumerate(found) if all(set(cell) <= {"-", ":", "|"} and cell for cell in row)}
    return [row for i, row in enumerate(found) if i not in rules and i + 1 not in rules]


def codes(cell: str) -> list[str]:
    """What stands in back-ticks."""
    return re.findall(r"`([^`]+)`", cell)


def sections(text: str, heading: str) -> dict[str, str]:
    """Text by the code that its heading of that level names."""
    parts = re.split(rf"^{heading} ", text, flags=re.MULTILINE)[1:]
    return {codes(part.splitlines()[0])[0]: part for part in parts if "`" in part.splitlines()[0]}


# ---- the prose


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for text, target in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{text} leads to {target}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", FENCE.sub("", read(there)), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_plain(page: Path) -> None:
    """No word with two meanings, no path of somebody's machine, no line too long to read beside code."""
    text = read(page)
    foreign = re.compile(
        r"Security-Policy|tlog-policy|hasPolicy|Referrer-Policy|PublicPolicyMaking|making laws and public policy"
    )
    banned = "the bare word *policy* is banned"  # where the glossary says so
    assert not re.search(r"\bpolic(y|ies)\b", foreign.sub("", text.replace(banned, "")), re.IGNORECASE)
    ours = re.compile(r"core/work/|/api/v1/(me/)?work/|/work/(me|mine|board|jobs|rounds|offers|agreements|operators)\b")
    assert not re.search(r"/(work|home|root|Users)/", ours.sub("", text))
    assert not re.search(r"[\U0001F300-\U0001FAFF☀-➿]", text)
    long = [line for line in text.splitlines() if len(line) > 125 and line[:1] not in "|`c" and "](" not in line]
    assert not long, long[0]


def test_every_page_is_reached() -> None:
    """Each page of docs/ is linked from another."""
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for _, target in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", prose(page))
        if "://" not in target and target[:1] != "#"
    }
    assert [name_of(page) for page in DOCS.rglob("*.md") if page.resolve() not in linked] == []


def test_the_readme_is_short() -> None:
    assert len(read(ROOT / "README.md").splitlines()) <= 100
    assert "Apache License" in read(ROOT / "LICENSE") and "END OF TERMS AND CONDITIONS" in read(ROOT / "LICENSE")


@pytest.mark.parametrize("name", ["negotiation", "transfer"])
def test_the_states_are_drawn_from_the_code(name: str) -> None:
    diagram = module(DOCS / "diagram.py")
    assert diagram.section(name) in read(diagram.TABLES[name][0]), "run `python docs/diagram.py`"


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_decisions_have_one_shape() -> None:
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = read(page)
        assert re.match(rf"# {page.name[:4]}: .+\n\n\d{{4}}-\d\d-\d\d\n\n## Context\n", text), page.name
        assert text.index("\n## Context") < text.index("\n## Decision") < text.index("\n## Consequences"), page.name


def test_the_tests_that_pages_name_are_there() -> None:
    """A proof that names a test which is gone holds nothing."""
    named = {name for page in DOCS.rglob("*.md") for name in re.findall(r"`(test_[a-z0-9_]+)`", read(page))}
    defined = re.compile(r"^def (test_\w+)", re.MULTILINE)
    there = {name for path in (ROOT / "tests").rglob("test_*.py") for name in defined.findall(read(path))}
    assert named, "the proofs name tests"
    assert named - there == set()


def test_every_dependency_is_accounted_for() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    wanted = {(re.split(r"[><=]", d)[0], "") for d in project["dependencies"]}
    wanted |= {(re.split(r"[><=]", d)[0], x) for x, ds in project["optional-dependencies"].items() for d in ds}
    extras = set(project["optional-dependencies"])
    found = rows(read(DOCS / "decisions" / "0002-dependencies.md"))
    assert {(codes(row[0])[0], row[1] if row[1] in extras else "") for row in found} == wanted


# ---- the reference is complete, and lists nothing that is not there


WITHOUT_DIR = {
    "usufruct init", "usufruct journal verify", "usufruct journal check", "usufruct asset propose",
    "usufruct income check", "usufruct receipt verify", "usufruct receipt line", "usufruct journal timestamp-verify",
    "usufruct witness init", "usufruct witness add", "usufruct witness list", "usufruct witness serve",
    "usufruct restore", "usufruct hold grounds", "usufruct grades", "usufruct classify table",
    "usufruct income attacks", "usufruct classify confirm", "usufruct cover scheme examples", "usufruct cover estimate",
    "usufruct levy examples", "usufruct version", "usufruct terms check", "usufruct terms compare",
    "usufruct skill sample", "usufruct skill asked", "usufruct service compare", "usufruct consent receipt verify",
    "usufruct credential key", "usufruct credential sign", "usufruct auction seal", "usufruct statutory list",
    "usufruct statutory value", "usufruct statutory due", "usufruct statutory trip", "usufruct work read-tlc",
    "usufruct work read-mdrp", "usufruct finding packs", "usufruct finding audit", "usufruct work commit",
    "usufruct work allocate", "usufruct work check", "usufruct work explain",
}  # fmt: skip


def leaves(group: typing.Any, path: str) -> Iterator[tuple[str, typing.Any]]:
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from leaves(found, f"{path} {name}")
        else:
            yield f"{path} {name}", found


def test_every_command_and_option_is_documented() -> None:
    app = dict(leaves(typer.main.get_command(commands.app), "usufruct"))
    found = sections(read("commands.md"), "###")
    assert set(found) == set(app)
    for name, command in app.items():
        usage = FENCE.findall(found[name])[0][1]
        listed = {option for row in rows(found[name]) for option in re.findall(r"`(--[a-z-]+)", row[0])}
        has = {o for p in command.params for o in [*p.opts, *p.secondary_opts] if o[:2] == "--" and o != "--help"}
        assert ("--dir" in has) == (name not in WITHOUT_DIR), name
        assert listed == has - ({"--dir"} if name != "usufruct demo" else set()), name
        assert usage.startswith(name), name
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        places = [(p.metavar or p.name).upper().rstrip("?") for p in arguments]
        shown = [word.strip("[]") for word in usage.splitlines()[0].removeprefix(name).split() if "-" not in word]
        assert [word for word in shown if word.isupper() and word.strip("[]") in places] == places, name


def test_a_group_of_commands_is_the_same_alone() -> None:
    """Only the group that is asked for is built: the whole takes longer to build than many commands run."""

    def built(words: list[str]) -> dict[str, typing.Any]:
        app = leaves(typer.main.get_command(commands.wanted(words)), "usufruct")
        return {path: (one.help, [(p.name, p.opts, p.required, p.default) for p in one.params]) for path, one in app}

    whole = built([])
    groups = {added.name for added in commands.app.registered_groups}
    for name in groups:
        assert built([str(name), "--help"]) == {path: one for path, one in whole.items() if path.split()[1] == name}
    assert all(built([word]) == whole for word in ("--help", "version", "nothing"))


FRAMEWORK = ("/api/description", "/api/description/{path}")  # aliases of the description that the framework adds


def route_rows(app: Litestar) -> set[tuple[str, str, str]]:
    found = set()
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if route.path_format in FRAMEWORK:
                continue
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                rule = handler.opt["rule"]
                found.add((str(method), route.path_format, rule if isinstance(rule, str) else ", ".join(rule)))
    return found


def documented_routes(text: str) -> set[tuple[str, str, str]]:
    found = set()
    for row in rows(text):
        match = re.fullmatch(r"`([A-Z]+) (/\S*)`", row[0])
        if match:
            found.add((match[1], match[2], row[1]))
    return found


def test_every_route_and_its_rule_is_documented() -> None:
    app = make_app(typing.cast(Node, None))
    assert documented_routes(read("api.md")) == route_rows(app)


def test_every_body_is_documented() -> None:
    bodies = {}
    for route in make_app(typing.cast(Node, None)).routes:
        for handler in getattr(route, "route_handlers", []) if route.path.startswith("/api/v1/") else []:
            if "POST" not in handler.http_methods:
                continue
            kind = typing.get_type_hints(getattr(handler.fn, "func", handler.fn)).get("data")
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                bodies[route.path_format] = {f.name + "?" * (not f.required) for f in msgspec.structs.fields(kind)}
    found = {}
    for row in rows(read("api.md")):
        match = re.fullmatch(r"`POST (/\S*)`", row[0])
        if match and match[1] in bodies:
            found[match[1]] = set(codes(row[2]))
    assert found == bodies


def test_every_fact_and_field_is_documented() -> None:
    found = sections(read("facts.md"), "###")
    kinds = {fact.KIND: fact for fact in facts.FACTS}
    parts: dict[str, type] = {}
    for kind in kinds.values():
        for part in nested(kind, set()):
            assert parts.setdefault(part.__name__, part) is part, f"two shapes are called {part.__name__}"
    assert set(found) == {*kinds, *parts}
    for name, kind in {**kinds, **parts}.items():
        assert [codes(row[0])[0] for row in rows(found[name])] == [f.name for f in dataclasses.fields(kind)], name


def nested(kind: type, seen: set[type]) -> Iterator[type]:
    """The records that a record holds; some hold others of their own kind."""
    for hint in typing.get_type_hints(kind).values():
        waiting = [hint]
        while waiting:
            part = waiting.pop()
            waiting += typing.get_args(part)
            if dataclasses.is_dataclass(part) and isinstance(part, type) and part not in seen:
                seen.add(part)
                yield part
                yield from nested(part, seen)


def test_every_setting_is_documented() -> None:
    found = {codes(row[0])[0]: codes(row[1]) for row in rows(read("settings.md"))}
    documented = {name: default for name, default in found.items() if name.islower()}
    assert set(found) - set(documented) == {"USUFRUCT_DIR", "USUFRUCT_TOKEN"}
    assert documented == {name: ([str(d)] if d else []) for name, (d, _) in SETTINGS.items()}


def fault_codes() -> dict[str, str]:
    """Every code of a fault that the source names, and the class of the fault."""
    classes = {n for n, c in vars(faults).items() if isinstance(c, type) and issubclass(c, faults.Fault)}
    found = {"input.http": "BadInput", "node.bug": "NodeFault"}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in classes:
                    found[node.args[0].value] = name
    return found


def test_every_refusal_and_fault_is_documented() -> None:
    found = {codes(row[0])[0]: row for row in rows(read("refusals.md")) if codes(row[0])}
    assert set(found) == {*refusals.CODES, *fault_codes()}
    for code in refusals.CODES:
        assert found[code][1] == str(status_of(code)), code
    status = {"BadInput": "400", "Unwelcome": "403"}
    for code, kind in fault_codes().items():
        special = {"login.needed": "401", "login.token": "401", "input.http": "4xx", "node.bug": "500"}
        assert found[code][1] == special.get(code, status.get(kind, "503")), code


def test_every_parameter_is_documented() -> None:
    found = {
        codes(row[0])[0]: (row[1].replace(",", ""), row[2]) for row in rows(read("parameters.md")) if "." in row[0]
    }
    wanted = {p.name: (str(p.value), p.effective[:10]) for p in parameters.shipped()}  # type: ignore[attr-defined]
    assert found == wanted


def test_every_warning_is_documented() -> None:
    assert {codes(row[0])[0] for row in rows(read("warnings.md"))} == set(oversight.KINDS)


def test_every_purpose_is_documented() -> None:
    found = dict(re.findall(r"^ *- `(\w+)`: (.+)$", read("purposes.md"), flags=re.MULTILINE))
    assert found == {p: purposes.label(p) for p in purposes.descendants(purposes.ROOT)}


def test_every_field_of_a_card_is_documented() -> None:
    text = read("card.md")
    table, columns = text.split("## Columns")
    columns, steps = columns.split("## Steps")
    assert {codes(row[0])[0] for row in rows(table)} == card._CARD_FIELDS
    assert {codes(row[0])[0] for row in rows(steps)} == card._STEP_FIELDS
    assert {codes(row[0])[0] for row in rows(columns) if codes(row[0])} == card._COLUMN_FIELDS
    assert {codes(row[0])[0] for row in rows(read("charter.md"))} == charter._FIELDS
    page = read(DOCS / "concepts" / "the-decision.md")
    for grade in GRADES:
        forms = ", ".join(grade.forms) or "nothing"
        assert f"| {grade.number} | {grade.name} | {grade.harm} | {forms} |" in page


def test_limits_are_what_the_code_says() -> None:
    found = [row for row in rows(read(DOCS / "operating" / "limits.md")) if len(row) == 3]
    assert found
    for what, limit, where in found:
        module, _, constant = codes(where)[0].rpartition(".")
        number = int(limit.split()[0].replace(",", "")) * (1024 * 1024 if limit.endswith("MiB") else 1)
        assert getattr(importlib.import_module(f"usufruct.{module}"), constant) == number, what


def test_the_glossary_has_one_meaning_each_in_order() -> None:
    words = [row[0] for row in rows(read(ROOT / "GLOSSARY.md"))]
    assert words == sorted(set(words), key=str.lower)
    assert {"party", "asset", "right", "class", "grade", "scenario", "purpose", "terms", "agreement", "use", "rule",
            "rulebook", "fact", "journal", "receipt", "refusal", "budget", "plan", "replay"} <= set(words)  # fmt: skip


def test_sql_is_answered_and_refused_as_documented() -> None:
    """Over the tables of the page and of docs/start.md: by the gate, the cards and the budget, and by the second reader."""
    text = read("sql.md")
    written = [block for info, block in FENCE.findall(text) if info == "toml card"]
    cards = [card.read((ROOT / "examples" / "clinic.toml").read_text(encoding="utf-8")), *map(card.read, written)]
    assets = {one.asset: registered(one) for one in cards}
    for info, block in FENCE.findall(text):
        for question in re.split(r"\n(?! )", block.strip()) if info.startswith("sql") else ():
            refused = refusal_of(question, assets)
            assert (refused is not None) == (info == "sql refused"), (question, refused)
    assert set(re.findall(r"^## (.+)$", text, flags=re.MULTILINE)) >= {"What is answered", "What is refused"}


def registered(one: Card) -> Asset:
    return Asset(
        one.asset, "op", "", one.title, one.description, one.licence, (), "v", one.person_column, one.columns,
        one.rows_per_person, one.once_per, Quality(0, 0, ()), Instant("2026-11-01T00:00:00.000Z"),
    )  # fmt: skip


def refusal_of(text: str, assets: dict[str, Asset]) -> refusals.Refusal | None:
    question = sql.parse(text)
    if isinstance(question, refusals.Refusal):
        return question
    view = resolve(question, assets)
    if isinstance(view, refusals.Refusal):
        return view
    found = rules.plan(question, view, assets, world.RULEBOOK, world.NOW)
    if isinstance(found, refusals.Refusal):
        return found
    assert Replica().agrees(text, [assets[name] for name in question.assets], len(question.labels)), text
    return None


# ---- what the pages show is run


class Reader:
    """Somebody who follows a page in a directory, block by block, with the programs of `first` before all others."""

    def __init__(self, folder: Path, first: Path | None = None, token: str = "") -> None:
        self.folder, self.token = folder, token
        self.installed = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        self.env = (
            {**self.installed, "PATH": f"{first}{os.pathsep}{self.installed['PATH']}"} if first else self.installed
        )
        self.port = free_port()
        self.output: str | None = None
        self.server: subprocess.Popen[bytes] | None = None
        self.placed: dict[str, str] = {}  # numbers of facts on the page, and those that were printed

    def follow(self, page: Path) -> None:
        try:
            for info, text in FENCE.findall(read(page)):
                self.do(info.split(), text)
        finally:
            self.stop()

    def do(self, info: list[str], text: str) -> None:
        match info:
            case ["sh"]:
                self.shell(text, 0)
            case ["sh", "fails"]:
                self.shell(text, 1)
            case ["sh", "faults"]:
                self.shell(text, 2)
            case ["sh", "refused"]:
                self.shell(text, 3)
            case ["python"]:
                self.run([sys.executable, "-c", text.replace("usu_…", self.token)], 0)
            case ["sh", "serve"]:
                self.serve(text)
            case ["sh", "no-run"]:
                self.output = None
            case ["text", *noisy]:
                self.compare(text, bool(noisy))

    def shell(self, text: str, status: int) -> None:
        """Runs commands: plain ones of ours in this process, for speed; what needs a shell as a shell would."""
        text = re.sub(r"\b\d{3,}\b", lambda number: self.placed.get(number[0], number[0]), text)
        lines = text.replace("\\\n", " ").splitlines()
        if "curl" in text and shutil.which("curl") is None:
            self.output = None
        elif not all(re.fullmatch(r"usufruct [^$`|<>;&]*", line) for line in lines):
            self.run(["bash", "-euo", "pipefail", "-c", text], status)
        else:
            self.run_lines(lines, status)

    def run_lines(self, lines: list[str], status: int) -> None:
        printed = io.StringIO()
        for line in lines:
            with (
                contextlib.chdir(self.folder),
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
            ):
                ended = run_here(shlex.split(line)[1:])
            assert ended == (status if line is lines[-1] else 0), f"{line}\n{printed.getvalue()}"
        self.output = printed.getvalue()

    def run(self, command: list[str], status: int) -> None:
        command = [word.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}") for word in command]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{command[-1]}\n{done.stdout}"
        self.output = done.stdout

    def compare(self, expected: str, noisy: bool) -> None:
        if self.output is None:
            return
        printed = " ".join(self.output.split())
        if noisy:
            printed, expected = NUMBER.sub("#", printed), NUMBER.sub("#", expected)
        place = 0
        for piece in (" ".join(part.split()) for part in expected.split("…")):
            named = PLACED.findall(piece)
            found = re.compile(r"(\d+)".join(map(re.escape, PLACED.split(piece)))).search(printed, place)
            assert found, f"`{piece}` is not in what was printed:\n{self.output}"
            self.placed |= dict(zip(named, found.groups(), strict=True))
            place = found.end()

    def serve(self, text: str) -> None:
        command = [*text.split(), "--port", str(self.port)]
        self.server = subprocess.Popen(command, cwd=self.folder, env=self.installed, stdout=subprocess.DEVNULL)
        for _ in range(1200):
            assert self.server.poll() is None, "the node did not serve"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("the node does not answer")

    def stop(self) -> None:
        if self.server is not None:
            self.server.terminate()
            self.server.wait(20)
            self.server = None


def run_here(arguments: list[str]) -> int:
    """Runs one of our commands in this process; its status."""
    give(Doors(create_node, open_node))
    try:
        commands.app(arguments, prog_name="usufruct")
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("a command ends the process")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of somebody who has followed docs/start.md to its end."""
    folder = tmp_path_factory.mktemp("start")
    shutil.copytree(ROOT / "examples", folder / "examples")
    Reader(folder).follow(DOCS / "start.md")
    return folder


def test_the_start_page_can_be_followed(started: Path) -> None:
    assert (started / "node" / "journal.sqlite").exists()


def test_the_first_answer_takes_under_ten_commands() -> None:
    text = read(DOCS / "start.md")
    first = [line for info, block in FENCE.findall(text) if info == "sh" for line in block.splitlines()]
    names = [line for line in first if line.startswith("usufruct ")]
    assert next(i for i, line in enumerate(names, 1) if line.startswith("usufruct query")) < 10


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_guides_can_be_followed(page: Path, started: Path, forked: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(started, folder)
    Reader(folder, forked).follow(page)


FORKED = (
    "cd node && USUFRUCT_DIR=. usufruct party list | head -3",
    "usufruct asset propose /dev/stdin < examples/clinic.csv > card.toml; cat card.toml",
    "usufruct query 'SELECT patient FROM visits' --as health-institute --purpose ImproveHealthcare",
    "usufruct asset show visits --dir nowhere",
    "NO_COLOR=1 usufruct query",
)


def test_a_command_that_is_forked_is_the_command(started: Path, forked: Path, tmp_path: Path) -> None:
    """The guides' commands in a shell are forked from a process that has loaded them: whoever types them sees no difference."""
    told = []
    for name, first in (("installed", None), ("forked", forked)):
        folder = shutil.copytree(started, tmp_path / name)
        env = Reader(folder, first).env
        run = [subprocess.run(["bash", "-c", line], cwd=folder, env=env, capture_output=True) for line in FORKED]
        told.append([(done.returncode, done.stdout, done.stderr) for done in run])
    assert told[0] == told[1]
    assert [status for status, _, _ in told[0]] == [0, 0, 3, 2, 2]
    assert all(out or err for _, out, err in told[0])


def test_the_readme_can_be_followed(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.run(["usufruct", "demo", "--once", "--dir", "demo-node"], 0)
    assert reader.output is not None
    reader.token = reader.output.split()[-1]
    reader.serve("usufruct serve --dir demo-node")
    reader.follow(ROOT / "README.md")
