"""`right`: who may do what with an asset. Grant, transfer, pledge, release, revoke, and show it as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, party_of
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import refuse
from usufruct.core.registry.rights import Limits, until_in_words
from usufruct.core.registry.title import Line
from usufruct.node import rights
from usufruct.node.node import Node
from usufruct.node.rights import Title

right = group("Who may hold, use, operate and benefit.")

Id = Annotated[str, typer.Argument(metavar="RIGHT", help="a right by its id, as `right-17`")]
To = Annotated[str, typer.Option(help="the party that gets it")]
By = Annotated[str | None, typer.Option("--as", help="the party that acts (default: the operator)")]
MayGrant = Annotated[bool, typer.Option("--may-grant", help="and may pass it on again")]
Further = Annotated[int | None, typer.Option(help="how many times more it may be passed on at most")]
Purposes = Annotated[list[str] | None, typer.Option("--purpose", help="what it is for only; may be repeated")]
Columns = Annotated[list[str] | None, typer.Option("--column", help="a column it is for only; may be repeated")]


@command(right, "grant")
def grant(
    asset: str,
    name: Annotated[str, typer.Argument(metavar="RIGHT", help="hold, use, operate or benefit")],
    to: To,
    by: By = None,
    until: Annotated[str | None, typer.Option(help="a day; default: as long as the grantor has it")] = None,
    may_grant: MayGrant = False,
    further: Further = None,
    purpose: Purposes = None,
    column: Columns = None,
    dir: Directory = HERE,
) -> None:
    """Pass a right on, no farther than one has it."""
    limits = _limits(until, may_grant, further, purpose, column)
    with doors().open(dir) as node:
        fact = done(rights.grant(node, _party(node, by), _party(node, to), asset, name, limits))
    out.print(f"{fact.id}: {to} may {fact.right} {asset} {until_in_words(fact.until)}", markup=False)


@command(right, "draw")
def draw(
    asset: str,
    person: Annotated[str, typer.Option("--as", help="the person whom the asset is about")],
    dir: Directory = HERE,
) -> None:
    """Make a person's part of the right to benefit a right by name, to transfer or pledge it."""
    with doors().open(dir) as node:
        fact = done(rights.draw(node, asset, party_of(node, person)))
    out.print(f"{fact.id}: {person} may benefit from {asset}, and may pass it on", markup=False)


@command(right, "transfer")
def transfer(
    id: Id,
    to: To,
    keeps: Annotated[
        bool | None, typer.Option("--keeps/--ends", help="whether what rests on it stays, or ends; one must be said")
    ] = None,
    by: By = None,
    dir: Directory = HERE,
) -> None:
    """Give a right up wholly to another."""
    if keeps is None:
        raise BadInput(
            "input.transfer",
            f"it is not said what becomes of what rests on `{id}`",
            "say `--keeps` for that it stays, or `--ends` for that it ends",
        )
    with doors().open(dir) as node:
        fact = done(rights.transfer(node, id, _party(node, by), _party(node, to), keeps))
    called = "" if fact.becomes == id else f" as {fact.becomes}; what rested on {id} has ended"
    out.print(f"{id} is now {to}'s{called}", markup=False)


@command(right, "pledge")
def pledge(
    id: Id,
    to: To,
    pilot: Annotated[str, typer.Option(help="the pilot it is lent for")],
    until: Annotated[str, typer.Option(help="the day on which it comes back")],
    exclusive: Annotated[bool, typer.Option("--exclusive", help="nobody else may use it meanwhile")] = False,
    by: By = None,
    may_grant: MayGrant = False,
    further: Further = None,
    purpose: Purposes = None,
    column: Columns = None,
    dir: Directory = HERE,
) -> None:
    """Lend a right to a pilot until a day."""
    limits = _limits(until, may_grant, further, purpose, column)
    with doors().open(dir) as node:
        fact = done(rights.pledge(node, id, _party(node, by), _party(node, to), pilot, limits, exclusive))
    out.print(f"{fact.id}: {id} is lent to {to} for the pilot {pilot} {until_in_words(fact.until)}", markup=False)


@command(right, "release")
def release(id: Id, by: By = None, dir: Directory = HERE) -> None:
    """Give a right back before its end."""
    with doors().open(dir) as node:
        fact = done(rights.release(node, id, _party(node, by)))
    out.print(f"{id} went back; it was {fact.by}'s", markup=False)


@command(right, "revoke")
def revoke(id: Id, by: By = None, dir: Directory = HERE) -> None:
    """Take a right back that one gave, or that rests on one's data; what rests on it ends."""
    with doors().open(dir) as node:
        done(rights.revoke(node, id, _party(node, by)))
    out.print(f"{id} is revoked, and all that rested on it has ended", markup=False)


@command(right, "show")
def show(
    asset: str,
    viewer: Annotated[str | None, typer.Option("--as", help="the party that looks (default: the steward)")] = None,
    dir: Directory = HERE,
) -> None:
    """The title of an asset: who holds which right, from whom, until when, and what became of it."""
    with doors().open(dir) as node:
        found = rights.title(node, asset, _party(node, viewer), viewer is None)
    if found is None:
        done(refuse(
            "registry.unknown", "there is no title to show", f"there is no asset `{asset}` that is open to you",
            remedy="list the assets with `usufruct asset list`",
        ))  # fmt: skip
        return
    for line in tree(found):
        out.print(line, markup=False, soft_wrap=True)


def tree(found: Title) -> Iterator[str]:
    """A title as lines of text, each right below what it rests on."""
    yield f"{found.asset.id}: {found.asset.title}"
    if found.members:
        yield f"rests on the grants of {found.members}, each on a cell of her own"
    lines = found.lines
    for place, line in enumerate(lines):
        margin = "".join("│  " if _goes_on(lines, place, depth) else "   " for depth in range(line.depth))
        head = "├─ " if _goes_on(lines, place, line.depth) else "└─ "
        may = "may" if line.state in ("good", "lent") else "could"
        yield f"{margin}{head}{line.right.id}: {line.holder} {may} {line.right.right}, from {line.giver}"
        below = "│  " if _goes_on(lines, place, line.depth) else "   "
        said = "; ".join([*line.terms(), *([line.broken.why] if line.broken else [])])
        yield f"{margin}{below}  {said}"


def _goes_on(lines: tuple[Line, ...], place: int, depth: int) -> bool:
    """Whether another branch of that depth follows before the tree goes back up."""
    later = next((line.depth for line in lines[place + 1 :] if line.depth <= depth), -1)
    return later == depth


def _party(node: Node, name: str | None) -> str:
    """The id of who is meant; the operator if nobody is named."""
    return party_of(node, name) if name else node.about.operator


def _limits(
    until: str | None, may_grant: bool, further: int | None, purposes: list[str] | None, columns: list[str] | None
) -> Limits:
    end = parse_instant(until) if until else None
    return Limits(end, may_grant, further, tuple(purposes or ()), tuple(columns or ()))
