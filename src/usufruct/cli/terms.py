"""`terms`: rules in ODRL looked at before anybody agrees to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import command, done, group, out
from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.terms import analysis
from usufruct.core.terms.evaluate import Terms
from usufruct.core.terms.model import KINDS, Ruleset
from usufruct.core.terms.rules import activate, bounded, cost
from usufruct.wire import odrl

terms = group("Rules in ODRL: what they come to, and how two differ.")

Uid = Annotated[str, typer.Option(help="which ruleset, if the file says several")]


@command(terms, "check")
def check(file: Path, uid: Uid = "") -> None:
    """What rules say that is not understood, contradicts itself or changes nothing, and whether they can be in force."""
    rules = _rules(file, uid)
    spent, numbers = cost(rules), [_many(len(rules.of(kind)), kind) for kind in KINDS if rules.of(kind)]
    _say(f"{rules.uid}: {rules.kind}, {', '.join(numbers) or 'no rules'}")
    _say(f"cost: {_many(spent.constraints, 'constraint')} with their values, {_many(spent.depth, 'level')}")
    found = done(bounded(rules))
    for flag in found.flags:
        _say(f"not understood{f' in {flag.rule}' if flag.rule else ''}: {flag.what}")
    for name in found.untold:
        _say(f"not known to this node: {name}, so no permission holds by it and every prohibition does")
    for conflict in analysis.conflicts(found):
        _say(
            f"{'conflict' if conflict.sure else 'perhaps a conflict'}: {conflict.permission} and {conflict.prohibition}"
        )
    for shadow in analysis.shadowed(found):
        _say(
            f"changes nothing: {shadow.rule}, {f'for the {shadow.by} say all it says' if shadow.by else 'it never applies'}"
        )
    result = activate(rules)
    if isinstance(result, Refusal):
        _say(f"cannot be in force: {'; '.join(result.reasons)}; {result.remedy}")
    else:
        _say("can be in force")


@command(terms, "compare")
def compare(one: Path, other: Path) -> None:
    """Whether one file of rules permits anything that another does not, both ways."""
    first, second = _read(one), _read(other)
    for a, b, more in (
        (one, other, analysis.permits_more(first, second)),
        (other, one, analysis.permits_more(second, first)),
    ):
        told = {True: "permits something", False: "permits nothing", None: "may or may not permit something"}[more]
        _say(f"{a.name} {told} that {b.name} does not")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _say(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)


def _read(file: Path) -> Terms:
    return done(bounded(_rules(file, "")))


def _rules(file: Path, uid: str) -> Ruleset:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("input.file", f"`{file}` cannot be read: {error}", "name a file of JSON-LD or Turtle") from None
    return odrl.read(text, uid)
