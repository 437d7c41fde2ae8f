"""The command line: one group of commands for each thing the node keeps.

Commands work on a node directory (`--dir`, or the environment variable `USUFRUCT_DIR`) and open it for as long as they
run. Whoever can read that directory is its steward, so there is no login here; `--as` says for which party one acts.
A refusal ends with status 3, a fault with status 2, and both say why and what would help.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from usufruct.core.base.faults import Fault
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.rules import id_of
from usufruct.node.node import Node

P = ParamSpec("P")
T = TypeVar("T")

PIPED_WIDTH = 110  # columns when the output is not a terminal

# No emoji: `party:label:vesting` is an account, and not a label with a tag in it.
out = Console(emoji=False, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, emoji=False, highlight=False, width=None if sys.stderr.isatty() else PIPED_WIDTH)

Directory = Annotated[Path, typer.Option("--dir", envvar="USUFRUCT_DIR", help="the node's directory")]
HERE = Path("node")

REFUSED, FAULTED = 3, 2


@dataclass(frozen=True, slots=True)
class Doors:
    """How to make and open a node; given by `main`, which alone knows what is plugged in."""

    create: Callable[..., Any]
    open: Callable[..., AbstractContextManager[Node]]


class Refused(Exception):
    """Carries a refusal out of a command."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


_given: ContextVar[Doors] = ContextVar("doors")


def give(found: Doors) -> None:
    """Tells the commands how to make and open a node."""
    _given.set(found)


def doors() -> Doors:
    """How to make and open a node."""
    return _given.get()


def party_of(node: Node, name: str) -> str:
    """The id of who is meant."""
    with node.store.read() as state:
        return id_of(state, name)


def done(result: T | Refusal) -> T:
    """What was done; a refusal ends the command."""
    if isinstance(result, Refusal):
        raise Refused(result)
    return result


def command(group: typer.Typer, name: str | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Registers a command whose refusals and faults are told to the person at the terminal."""

    def register(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except Refused as refused:
                tell_refusal(refused.refusal)
                raise typer.Exit(REFUSED) from None
            except Fault as fault:
                err.print(f"{fault.message} ({fault.code})\n  what to do: {fault.remedy}", markup=False)
                raise typer.Exit(FAULTED) from None

        return group.command(name)(told)

    return register


def tell_refusal(refusal: Refusal, to: Console = err) -> None:
    """A refusal, with its reasons and what would help."""
    to.print(f"no: {refusal.message} ({refusal.code})", markup=False)
    for reason in refusal.reasons:
        to.print(f"  because {reason}", markup=False)
    to.print(f"  what would help: {refusal.remedy}", markup=False)


def table(title: str, columns: list[str], rows: list[list[Any]], right: tuple[str, ...] = ()) -> None:
    """A table on the screen; `right` names the columns of numbers."""
    if title:
        out.print(title, style="bold", markup=False)
    shown = Table(box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    out.print(shown)


def group(help: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(help=help, no_args_is_help=True, pretty_exceptions_enable=False)
