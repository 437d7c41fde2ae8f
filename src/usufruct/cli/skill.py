"""`skill`: frameworks of skills, whose certificates count, what adds up, what one holds and lacks, badges; `skill train`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, table
from usufruct.cli.credential import read_text
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import did_web
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.node import badges as badge_case
from usufruct.node import skills as use_case
from usufruct.node.badges import Draft
from usufruct.node.skills import Edition
from usufruct.wire import esco
from usufruct.wire import stack as wire

skill = group("Skills: frameworks, recognised certificates, stacks, what is one away, training.")

By = Annotated[str | None, typer.Option("--as", help="who signs (default: the operator)")]
Party = Annotated[str, typer.Argument(metavar="PARTY", help="whose skills")]
Why = Annotated[str, typer.Argument(help="why")]


# ---- frameworks


@command(skill, "load")
def load(
    path: Annotated[Path, typer.Argument(help="ESCO's folder of CSV files, or one CSV with uri, label, broader")],
    framework: Annotated[str, typer.Option("--name", help="what the node calls it")],
    edition: Annotated[str, typer.Option("--edition", help="its version, as 1.2.0")],
    title: Annotated[str, typer.Option(help="its title")] = "",
    source: Annotated[str, typer.Option(help="where it was published")] = "",
    licence: Annotated[str, typer.Option(help="under which licence")] = "",
    language: Annotated[str, typer.Option(help="which of ESCO's languages")] = "en",
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Adopt a framework of skills, or another version of one."""
    found, digest = _esco(path, language) if path.is_dir() else _plain(path)
    about = Edition(framework, edition, title or framework, source or path.name, licence or "not stated", digest)
    with doors().open(dir) as node:
        fact = done(use_case.load(node, about, found.skills, by or node.about.operator))
    out.print(f"adopted {fact.framework} {fact.version}: {fact.skills} skills", markup=False)
    if found.left_out:
        out.print(f"  {found.left_out} relations left out: they are about something it does not name", markup=False)


def _esco(folder: Path, language: str) -> tuple[esco.Found, str]:
    names = sorted(each.name for each in folder.iterdir())
    tables: dict[str, bytes] = {}
    for name in (esco.SKILLS, esco.BROADER, esco.HIERARCHY):
        file = esco.file_of(name, names, language)
        if file is not None:
            tables[name] = (folder / file).read_bytes()
    if esco.SKILLS not in tables:
        raise BadInput("input.skills", f"`{folder}` has no {esco.SKILLS}_{language}.csv", "name the folder it is in")
    digest = hashlib.sha256(b"".join(hashlib.sha256(text).digest() for text in tables.values())).hexdigest()
    return esco.read(tables[esco.SKILLS], tables.get(esco.BROADER), tables.get(esco.HIERARCHY)), digest


def _plain(path: Path) -> tuple[esco.Found, str]:
    if not path.is_file():
        raise BadInput("input.skills", f"there is no file `{path}`", "name a folder of ESCO's, or a CSV file")
    text = path.read_bytes()
    return esco.read_plain(text), hashlib.sha256(text).hexdigest()


@command(skill, "sample")
def sample(
    stack: Annotated[bool, typer.Option("--stack", help="print an example of a stack instead, as TOML")] = False,
) -> None:
    """Print a small framework to try things out with."""
    typer.echo(wire.example() if stack else wire.sample().decode(), nl=False)


@command(skill, "find")
def find(
    text: Annotated[str, typer.Argument(help="what the skill is called")],
    most: Annotated[int, typer.Option(min=1, max=use_case.FIND_MAX, help="how many to show")] = 10,
    dir: Directory = HERE,
) -> None:
    """Find a skill by what people call it."""
    with doors().open(dir) as node:
        found = use_case.find(node, text, most)
    if not found:
        out.print(f"no skill is called `{text}`", markup=False)
    for one in found:
        above = f" ({', '.join(one.broader)})" if one.broader else ""
        out.print(f"{one.label}{above}\n  {one.uri}", markup=False, soft_wrap=True)


@command(skill, "asked")
def asked(
    folder: Annotated[Path, typer.Argument(help="ESCO's folder of CSV files")],
    occupation: Annotated[str, typer.Argument(help="the URI of an occupation")],
    language: Annotated[str, typer.Option(help="which of ESCO's languages")] = "en",
) -> None:
    """The skills that are essential to an occupation, by ESCO: for whoever writes a job."""
    names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    file = esco.file_of(esco.OCCUPATIONS, names, language)
    if file is None:
        raise BadInput("input.skills", f"`{folder}` has no {esco.OCCUPATIONS}_{language}.csv", "name ESCO's folder")
    for uri in esco.asked_by((folder / file).read_bytes(), occupation):
        out.print(uri, markup=False, soft_wrap=True)


# ---- whose word counts, and what adds up


@command(skill, "recognise")
def recognise(
    issuer: Annotated[
        str, typer.Argument(help="the issuer as its credentials name it: did:web:…, did:key:…, https://…")
    ],
    why: Annotated[str, typer.Argument(help="why its word is good")],
    uri: Annotated[str, typer.Option("--skill", help="for this skill only (default: for all)")] = "",
    branch: Annotated[bool, typer.Option("--branch", help="and for all that lie under it")] = False,
    months: Annotated[int, typer.Option(help="only what was awarded within so many months (0: whenever)")] = 0,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Let an issuer's certificates count."""
    with doors().open(dir) as node:
        fact = done(use_case.recognise(node, issuer, uri, branch, months, why, by or node.about.operator))
        known = {one.issuer for one in node.identities.trusted}
    out.print(f"recognised: {fact.recognition}", markup=False)
    if issuer not in known:
        out.print(
            "  the settings (`issuers` in node.toml) do not trust its signature yet, so nothing of it is accepted"
        )


@command(skill, "recognised")
def recognised(dir: Directory = HERE) -> None:
    """Whose certificates count, and for what."""
    with doors().open(dir) as node:
        found = use_case.recognised(node)
        names = use_case.labels(node, [one.skill for one in found if one.skill])
    for one in found:
        what = names[one.skill] + (" and all under it" if one.branch else "") if one.skill else "all skills"
        recent = f", awarded within {one.months} months" if one.months else ""
        out.print(f"{one.id}: {one.issuer} for {what}{recent}\n  {one.why}", markup=False, soft_wrap=True)
    if not found:
        out.print("no issuer is recognised")


@command(skill, "unrecognise")
def unrecognise(
    id: Annotated[str, typer.Argument(metavar="RECOGNITION", help="from `skill recognised`")],
    why: Why,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Let an issuer's certificates count no more."""
    with doors().open(dir) as node:
        fact = done(use_case.end_recognition(node, id, why, by or node.about.operator))
    out.print(f"ended {fact.recognition}", markup=False)


@command(skill, "stack")
def stack(
    file: Annotated[Path, typer.Argument(help="the stack, as TOML")], by: By = None, dir: Directory = HERE
) -> None:
    """Let several certificates add up to a skill."""
    rule = wire.read(read_text(file))
    with doors().open(dir) as node:
        fact = done(use_case.stack(node, rule, by or node.about.operator))
    out.print(f"adopted {rule.name}, version {fact.number}: {rule.needed} of {len(rule.parts)}", markup=False)


@command(skill, "stacks")
def stacks(dir: Directory = HERE) -> None:
    """What adds up to a skill."""
    with doors().open(dir) as node:
        found = use_case.stacks(node)
        names = use_case.labels(node, [uri for one in found for uri in (one.rule.skill, *one.rule.parts)])
    for one in found:
        rule = one.rule
        recent = f", awarded within {rule.months} months" if rule.months else ""
        out.print(f"{one.name}: {rule.needed} of these{recent} make `{names[rule.skill]}`", markup=False)
        for part in rule.parts:
            out.print(f"  {names[part]}", markup=False)
        out.print(f"  set by {rule.authority}: {rule.source}", markup=False)
    if not found:
        out.print("no stack applies")


@command(skill, "unstack")
def unstack(
    name: Annotated[str, typer.Argument(metavar="STACK", help="the stack")], why: Why, by: By = None,
    dir: Directory = HERE,
) -> None:  # fmt: skip
    """End a stack."""
    with doors().open(dir) as node:
        fact = done(use_case.end_stack(node, name, why, by or node.about.operator))
    out.print(f"ended {fact.name}", markup=False)


# ---- of one party, and of all


@command(skill, "held")
def held(party: Party, dir: Directory = HERE) -> None:
    """What a party holds, until when, and by whose word."""
    with doors().open(dir) as node:
        found = use_case.held(node, party)
    rows = [[one.label, _day(one.until), one.issuer or one.of] for one in found]
    table("", ["skill", "until", "by the word of"], rows)


@command(skill, "away")
def away(party: Party, dir: Directory = HERE) -> None:
    """Which one certificate more would open most jobs for a party."""
    with doors().open(dir) as node:
        found, currency = use_case.away(node, party), node.about.currency
    out.print(f"{found.now} open jobs can be taken now", markup=False)
    for step in found.steps:
        pay = "" if step.hourly is None else f", {Money(step.hourly, currency)} an hour in the middle"
        out.print(f"{step.label}: one certificate away from {step.jobs} more{pay}", markup=False)


@command(skill, "figures")
def figures(dir: Directory = HERE) -> None:
    """Demand and supply by skill, as everybody may read them."""
    with doors().open(dir) as node:
        found = use_case.figures(node)
    few = f"fewer than {found.least}"
    rows = [
        [one.label, few if one.seats is None else one.seats, few if one.persons is None else f"{one.persons} or more",
         "" if one.hourly is None else Money(one.hourly, found.currency)]
        for one in found.skills
    ]  # fmt: skip
    table(f"as of {found.at}", ["skill", "open seats", "persons", "pay an hour"], rows, ("open seats", "pay an hour"))


@command(skill, "gaps")
def gaps(dir: Directory = HERE) -> None:
    """Where which skills are missing for open jobs."""
    with doors().open(dir) as node:
        found = use_case.gaps(node)
    rows = [[one.place, one.label, one.seats, one.persons, one.short] for one in found]
    table("", ["place", "skill", "seats", "persons", "missing"], rows, ("seats", "persons", "missing"))


@command(skill, "badge")
def badge(
    party: Annotated[str, typer.Argument(help="to whom")],
    key: Annotated[Path, typer.Argument(help="her public key, as a JWK")],
    skills: Annotated[list[str], typer.Option("--skill", help="a skill that it shows; may be repeated")],
    achievement: Annotated[str, typer.Option(help="the URI of the achievement")],
    name: Annotated[str, typer.Option(help="what the achievement is called")],
    description: Annotated[str, typer.Option(help="what it is")],
    criteria: Annotated[str, typer.Option(help="how it is earned")],
    days: Annotated[int, typer.Option(help="for how many days it is good")] = 730,
    awarded: Annotated[str, typer.Option(help="the day on which it was earned (default: today)")] = "",
    to: Annotated[Path, typer.Option(help="where to put it")] = Path("badge.txt"),
    dir: Directory = HERE,
) -> None:
    """Give somebody an Open Badge 3.0, bound to her key."""
    when = parse_instant(awarded) if awarded else None
    draft = Draft(achievement, name, description, criteria, tuple(skills), days, when)
    with doors().open(dir) as node:
        issuer = did_web(node.about.url)
        text = done(badge_case.give(node, issuer, party, read_text(key), draft))
    to.write_text(text + "\n", encoding="utf-8")
    out.print(f"a badge of {issuer} for {party}: {to}", markup=False, soft_wrap=True)


def _day(at: Instant) -> str:
    return "without end" if at == END_OF_TIME else at[:10]
