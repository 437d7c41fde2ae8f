"""`pool`: members' own data, put together under a charter. Found, show, join, leave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, Directory, command, done, doors, group, out, party_of
from usufruct.core.base.faults import BadInput
from usufruct.node import pool as pools
from usufruct.wire import charter

pool = group("Members' own data, put together under a charter.")

Name = Annotated[str, typer.Argument(metavar="POOL", help="the pool, by the name of its asset")]
Member = Annotated[str, typer.Argument(metavar="MEMBER", help="the member whose own data it is")]


@command(pool, "found")
def found(
    file: Annotated[Path, typer.Argument(help="the charter, TOML")],
    cooperative: Annotated[str, typer.Option(help="the cooperative that adopts it")],
    dir: Directory = HERE,
) -> None:
    """Adopt a charter, which is never changed again, and register its pool."""
    if not file.is_file():
        raise BadInput("input.charter", f"there is no file `{file}`", "write the charter as TOML, and name its file")
    draft = charter.read(file.read_text(encoding="utf-8"))
    with doors().open(dir) as node:
        row = done(pools.found(node, draft, party_of(node, cooperative), node.about.operator))
    out.print(f"founded {row.pool} under the charter {row.digest}", markup=False, soft_wrap=True)


@command(pool, "show")
def show(
    name: Name,
    member: Annotated[str | None, typer.Option("--as", help="the member who looks: her place, and her cells")] = None,
    dir: Directory = HERE,
) -> None:
    """The charter of a pool, its digest, and how many members it has, in steps."""
    with doors().open(dir) as node:
        shown = done(pools.show(node, name))
        place = done(pools.place(node, party_of(node, member), name)) if member else None
    out.print(shown.charter.words.rstrip(), markup=False, soft_wrap=True)
    state = "; over" if shown.over else ""
    out.print(f"digest {shown.charter.digest}\n{name}: {shown.members}{state}", markup=False, soft_wrap=True)
    if place is None:
        return
    if place.member is not None:
        out.print(f"{member} is in, with {place.member.cell}, since {place.member.since[:10]}", markup=False)
        return
    for choice in place.choices:
        out.print(f"{choice.cell.id}: {'; '.join(choice.misfits) or 'fits'}", markup=False, soft_wrap=True)


@command(pool, "join")
def join(
    member: Member,
    name: Name,
    cell: Annotated[str, typer.Option(help="the cell that she brings; it must fit the charter")],
    shown: Annotated[str, typer.Option("--charter", help="the digest of the charter that she read, from `pool show`")],
    dir: Directory = HERE,
) -> None:
    """Bring a member's own cell into a pool, under the charter that she read."""
    with doors().open(dir) as node:
        fact = done(pools.join(node, party_of(node, member), name, cell, shown))
    out.print(f"{member} is in {name} with {fact.cell}; she can leave at any time", markup=False)


@command(pool, "leave")
def leave(member: Member, name: Name, dir: Directory = HERE) -> None:
    """Leave a pool: no later question counts her, and her rows are taken out."""
    with doors().open(dir) as node:
        place = done(pools.leave(node, party_of(node, member), name))
    out.print(f"{member} left {name}; {place.cell} is in her own hands alone", markup=False)
