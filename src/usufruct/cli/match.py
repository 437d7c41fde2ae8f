"""`match`: how many persons this node's table shares with one of another node, and what comes of that."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import HERE, REFUSED, Directory, command, doors, group, out, party_of, table, tell_refusal
from usufruct.cli.service import outbound
from usufruct.cli.use import tell
from usufruct.core.privacy.release import Answer
from usufruct.node import match as matching
from usufruct.node import match_questions, query
from usufruct.node.node import Node
from usufruct.wire import sql

match = group("Tables of two nodes matched, without either showing the other whom it is about.")


class Kind(StrEnum):
    """What a match finds out."""

    COUNT = "count"
    SUM = "sum"
    MATCHED = "matched"


@command(match, "run")
def run(
    kind: Annotated[Kind, typer.Argument(help="how many are in both, a total over those, or which of ours they are")],
    asset: Annotated[str, typer.Argument(help="this node's table")],
    theirs: Annotated[str, typer.Argument(help="the other node's table")],
    service: Annotated[str, typer.Option(help="the other node's match service: instance/class/member/subsystem/match")],
    client: Annotated[str, typer.Option(help="as which of our systems to call it")],
    by: Annotated[str, typer.Option("--as", help="the party that asks")],
    purpose: Annotated[str, typer.Option(help="what it is for, as AcademicResearch")],
    on: Annotated[str, typer.Option(help="our column of identifiers (default: what persons are known as)")] = "",
    their: Annotated[str, typer.Option(help="their column of identifiers (default: what persons are known as)")] = "",
    value: Annotated[str, typer.Option(help="of a sum: their column that is added up")] = "",
    prefix: Annotated[str, typer.Option(help="what stands before the names that our persons are known as")] = "",
    key: Annotated[str, typer.Option(help="the public key that the other node must have (default: any)")] = "",
    spu: Annotated[
        bool, typer.Option("--spu", help="leave a match of persons to SPU, where both nodes have it")
    ] = False,
    dir: Directory = HERE,
) -> None:
    """Match a table with one of another node."""
    with doors().open(dir) as node:
        asked = matching.Asked(
            party_of(node, by),
            str(kind),
            asset,
            service,
            client,
            theirs,
            purpose,
            on,
            their,
            value,
            prefix,
            key,
            matching.PROTOCOLS[1] if spu else "",
        )
        done = asyncio.run(_match(node, asked))
    if isinstance(done, matching.Refused):
        tell_refusal(done.refusal)
        raise typer.Exit(REFUSED)
    answer = done.answer
    out.print(f"answer: {done.meaning}", markup=False, soft_wrap=True)
    table("", list(answer.columns), [list(row) for row in answer.rows], answer.measures)
    for note in answer.notes:
        out.print(f"  {note}", markup=False, soft_wrap=True)
    out.print(
        f"cost: {done.price}, and {done.charge} micro-rho of the privacy budget here. Receipt: fact {done.receipt.index} "
        f"({done.use}, {done.match})",
        markup=False,
        soft_wrap=True,
    )


async def _match(node: Node, asked: matching.Asked) -> matching.Answered | matching.Refused:
    async with outbound() as services:
        return await matching.match(node, services, asked)


@command(match, "ask")
def ask(
    name: Annotated[str, typer.Argument(metavar="MATCH", help="a match that found persons, as match-290")],
    text: Annotated[str, typer.Argument(metavar="SQL")],
    by: Annotated[str, typer.Option("--as", help="the party that asks")],
    purpose: Annotated[str, typer.Option(help="what it is for: that of the match")],
    micro_rho: Annotated[int | None, typer.Option(help="privacy budget to spend, in millionths of rho")] = None,
    receipt: Annotated[Path | None, typer.Option(help="where to write the receipt")] = None,
    dir: Directory = HERE,
) -> None:
    """Ask a question over the persons of a match: of our table, about those who are in the other's too."""
    with doors().open(dir) as node:
        asked = query.Asked(party_of(node, by), text, sql.parse(text), purpose, micro_rho)
        result = asyncio.run(_ask(node, asked, name))
    tell(result, receipt)


async def _ask(node: Node, asked: query.Asked, name: str) -> query.Answered[Answer] | query.Refused:
    async with outbound() as services:
        return await match_questions.ask(node, services, asked, name)


@command(match, "list")
def list_matches(
    by: Annotated[str | None, typer.Option("--as", help="only those of this party (default: all)")] = None,
    dir: Directory = HERE,
) -> None:
    """The matches of this node with others, the newest first."""
    with doors().open(dir) as node:
        found = matching.matches(node, party_of(node, by) if by else None)
    rows = [
        [
            row.id,
            row.at[:16],
            row.kind,
            row.asset,
            row.side,
            row.peer,
            row.party,
            row.state,
            row.code,
            str(row.questions),
        ]
        for row in found
    ]
    names = ["match", "at", "kind", "asset", "this node", "with", "for", "state", "why not", "questions"]
    table("", names, rows, ("questions",))
