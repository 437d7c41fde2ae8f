"""`party`, `asset`, `account`: who and what there is, and who may come in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import FAULTED, HERE, Directory, command, done, doors, group, out, table
from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.privacy.state import Budget
from usufruct.core.registry.assurance import Verified
from usufruct.core.registry.state import Asset, Party
from usufruct.core.rulebook.grades import GRADES
from usufruct.engine import intake, source
from usufruct.node import login, register, stored, update
from usufruct.wire import card

party = group("Persons, organisations, cooperatives, agents.")
asset = group("Tables that can be used under the node's rules.")
account = group("Passwords, one-time login links and tokens.")

EVERYONE = "everyone"


@command(party, "add")
def add_party(
    id: str,
    name: Annotated[str, typer.Option(help="what people call it")],
    kind: Annotated[str, typer.Option(help="person, organisation, public-body, cooperative or agent")] = "organisation",
    principal: Annotated[str | None, typer.Option(help="who answers for an agent")] = None,
    evidence: Annotated[str, typer.Option(help="how you found out who that is, and where that is kept")] = "",
    dir: Directory = HERE,
) -> None:
    """Register somebody."""
    with doors().open(dir) as node:
        fact = done(register.add_party(node, id, kind, name, principal, evidence))
    out.print(
        f"registered {fact.kind} {fact.party}: {fact.name}{', of whom you know who that is' if evidence else ''}",
        markup=False,
    )


@command(party, "verify")
def verify_party(
    id: str,
    evidence: Annotated[str, typer.Option(help="what was seen, and where it is kept; or why it is taken back")],
    until: Annotated[str | None, typer.Option(help="good until this day (default: a year)")] = None,
    end: Annotated[bool, typer.Option("--end", help="take it back")] = False,
    dir: Directory = HERE,
) -> None:
    """Record that you found out who somebody is; sensitive data are answered to nobody else."""
    last = instants.parse(until) if until else None
    with doors().open(dir) as node:
        found = register.unverify_party(node, id, evidence) if end else register.verify_party(node, id, evidence, last)
        fact = done(found)
    word = "no longer goes by it" if end else f"knows who that is, until {fact.until[:10]}"
    out.print(f"{fact.party}: the operator {word}", markup=False)


@command(party, "list")
def list_parties(dir: Directory = HERE) -> None:
    """Everybody the node knows, but for persons, who are counted; and until when you know who they are."""
    with doors().open(dir) as node, node.store.read() as state:
        parties, now = list(state.list(Party)), node.clock.now()
        known = {row.party: row.until[:10] for row in state.list(Verified) if row.until > now}
    others = [p for p in parties if p.kind != "person"]
    table(
        "parties", ["id", "kind", "name", "known until"], [[p.id, p.kind, p.name, known.get(p.id, "")] for p in others]
    )
    out.print(f"and {len(parties) - len(others)} persons")


TABLE = typer.Option("--table", help="which table of the file or database (or FILE#TABLE)")


@command(asset, "propose")
def propose(
    file: str,
    to: Annotated[Path | None, typer.Option(help="where to write the card (default: the screen)")] = None,
    name: Annotated[str, TABLE] = "",
) -> None:
    """Look at a table and propose its card, to be read and corrected by a person."""
    found = source.named(file, name)
    text = card.propose(source.called(found), intake.inspect(found), intake.propose(found))
    if to is None:
        out.print(text, markup=False, soft_wrap=True)
    elif to.exists():
        raise BadInput(
            "input.card", f"there is a file `{to}` already", "name another; what a person wrote is never lost"
        )
    else:
        to.write_text(text, encoding="utf-8")
        out.print(
            f"wrote {to}: read every line, correct it, then register with `usufruct asset add {to} {file}`",
            markup=False,
        )


@command(asset, "add")
def add_asset(
    card_file: Annotated[Path, typer.Argument(help="the card, TOML")],
    table_file: Annotated[str, typer.Argument(help="the table: a file, FILE#TABLE, or postgresql://…#TABLE")],
    publisher: Annotated[
        str | None, typer.Option("--as", help="the party that holds it (default: the operator)")
    ] = None,
    name: Annotated[str, TABLE] = "",
    dir: Directory = HERE,
) -> None:
    """Register a table under its card; the persons it is about become members."""
    if not card_file.is_file():
        raise BadInput("input.card", f"there is no file `{card_file}`", "make one with `usufruct asset propose`")
    text = card_file.read_text(encoding="utf-8")
    described, waiting = card.read(text), card.unconfirmed(text)
    found = source.named(table_file, name)
    with doors().open(dir) as node:
        made = done(register.add_asset(node, described, found, publisher or node.about.operator))
    quality = made.asset.quality
    out.print(
        f"registered {made.asset.id}: {quality.rows} rows about {quality.persons} persons ({made.new_members} new members)",
        markup=False,
    )
    if waiting:
        out.print(f"nobody confirmed {', '.join(waiting)}: registered as sensitive at least", markup=False)


@command(asset, "update")
def update_asset(
    id: str,
    table_file: Annotated[str, typer.Argument(help="the table: a file, FILE#TABLE, or postgresql://…#TABLE")],
    by: Annotated[
        str | None, typer.Option("--as", help="the party that holds the asset (default: the operator)")
    ] = None,
    name: Annotated[str, TABLE] = "",
    dir: Directory = HERE,
) -> None:
    """Let the rows of a table take the place of an asset's, under the same card and the same privacy budget."""
    found = source.named(table_file, name)
    with doors().open(dir) as node:
        made = done(update.update_asset(node, id, found, by or node.about.operator))
    quality = made.asset.quality
    out.print(
        f"updated {made.asset.id}: {quality.rows} rows, {quality.persons} persons so far ({made.new_members} new members); "
        "what was spent of its budget stays spent", markup=False, soft_wrap=True,
    )  # fmt: skip


@command(asset, "check")
def check_asset(id: str, dir: Directory = HERE) -> None:
    """Look at the whole stored table of an asset: is it the one that the journal names, and as its card says?"""
    with doors().open(dir) as node:
        found = done(stored.examine(node, id))
    if not found.wrong:
        out.print(f"{found.asset}: the stored table is whole, version {found.version}", markup=False)
        return
    for wrong in found.wrong:
        out.print(f"{found.asset}: {wrong}", markup=False)
    out.print("restore the node's data folder from a backup; until then no question is answered from it", markup=False)
    raise typer.Exit(FAULTED)


@command(asset, "list")
def list_assets(dir: Directory = HERE) -> None:
    """All assets, their columns' grades and what is left of their privacy budgets."""
    with doors().open(dir) as node, node.store.read() as state:
        rows = []
        for row in state.list(Asset):
            budget = state.get(Budget, row.id, row.version)
            left = budget.left * 100 // budget.total if budget else 0
            grades = ", ".join(f"{c.name}: {GRADES[c.grade].name}" for c in row.columns)
            figures = ("", "") if row.charter else (row.quality.rows, row.quality.persons)
            rows.append([row.id, row.title, *figures, f"{left} %", grades])
    table(
        "assets", ["id", "title", "rows", "persons", "budget left", "grades"], rows, ("rows", "persons", "budget left")
    )


@command(asset, "consents")
def record_consents(
    id: str,
    purpose: Annotated[str, typer.Option(help="a purpose of the tree, as AcademicResearch")],
    evidence: Annotated[str, typer.Option(help="where the signed forms are kept")],
    members: Annotated[str, typer.Option(help="a file with one member a line, or `everyone`")] = EVERYONE,
    dir: Directory = HERE,
) -> None:
    """Take over consents that were collected before."""
    chosen = None
    if members != EVERYONE:
        path = Path(members)
        if not path.is_file():
            raise BadInput(
                "input.members", f"there is no file `{members}`", "write one member a line, or say `everyone`"
            )
        chosen = path.read_text(encoding="utf-8").split()
    with doors().open(dir) as node:
        fact = done(register.record_consents(node, id, purpose, chosen, evidence))
    out.print(f"recorded the consent of {len(fact.numbers)} members to {fact.purpose}")


@command(account, "password")
def set_password(
    id: str,
    role: Annotated[str, typer.Option(help="steward, user or member")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="asked for if not given")
    ],
    dir: Directory = HERE,
) -> None:
    """Give a party an account with a password."""
    with doors().open(dir) as node:
        login.set_password(node, id, role, password)
    out.print(f"{id} can log in as {role}", markup=False)


@command(account, "link")
def make_link(
    id: str, role: Annotated[str, typer.Option(help="steward, user or member")], dir: Directory = HERE
) -> None:
    """A link that logs a party in, once, within a day."""
    with doors().open(dir) as node:
        out.print(f"{node.about.url}/enter#{login.issue_link(node, id, role)}", markup=False, soft_wrap=True)


@command(account, "token")
def make_token(
    id: str,
    role: Annotated[str, typer.Option(help="steward, user or member")],
    scope: Annotated[list[str] | None, typer.Option(help="what it may do (default: all that the role may)")] = None,
    days: Annotated[int, typer.Option(help="how long it lives")] = 90,
    label: Annotated[str, typer.Option(help="what it is for")] = "",
    dir: Directory = HERE,
) -> None:
    """A token for a program; shown once."""
    with doors().open(dir) as node:
        scopes = tuple(scope or login.ROLES.get(role, ()))
        out.print(login.issue_token(node, id, role, scopes, days, label), markup=False, soft_wrap=True)


@command(account, "tokens")
def list_tokens(id: str, dir: Directory = HERE) -> None:
    """A party's tokens, by name; never the tokens themselves."""
    with doors().open(dir) as node:
        rows = [list(token) for token in login.tokens(node, id)]
    table(f"tokens of {id}", ["name", "label", "scopes", "until"], rows)


@command(account, "revoke")
def revoke_token(id: str, name: str, dir: Directory = HERE) -> None:
    """Revoke a token by its name."""
    with doors().open(dir) as node:
        if not login.revoke_token(node, id, name):
            raise BadInput("input.token", f"{id} has no token `{name}`", "list them with `usufruct account tokens`")
    out.print(f"revoked {name}", markup=False)
