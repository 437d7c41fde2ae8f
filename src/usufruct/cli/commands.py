"""All commands in one place, and the few that stand alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usufruct import __version__
from usufruct.cli import demo, journal, register, trade, use
from usufruct.cli.app import HERE, Directory, Doors, command, doors, give, group, out

app = group("Usufruct: a node that puts data and work to use without giving them away.")
app.add_typer(register.party, name="party")
app.add_typer(register.asset, name="asset")
app.add_typer(register.right, name="right")
app.add_typer(register.account, name="account")
app.add_typer(trade.offer, name="offer")
app.add_typer(trade.agreement, name="agreement")
app.add_typer(use.member, name="member")
app.add_typer(journal.journal, name="journal")
app.add_typer(journal.receipt, name="receipt")
app.add_typer(journal.period, name="period")
command(app, "query")(use.ask)
command(app, "warnings")(journal.warnings)


@command(app)
def init(
    directory: Path,
    operator: Annotated[str, typer.Option(help="id of the party that runs the node")],
    name: Annotated[str, typer.Option(help="what people call it")],
    currency: Annotated[str, typer.Option(help="the currency of its ledger")] = "EUR",
    origin: Annotated[str, typer.Option(help="name of its journal: your domain and a path, without a scheme")] = "",
    url: Annotated[str, typer.Option(help="where people will reach it, as https://node.example")] = "",
) -> None:
    """Make a new node in a directory."""
    settings = doors().create(journal.checked_directory(directory), name, operator, name, currency, origin, url)
    out.print(f"made a node for {name} in {directory}\nits public key: {settings.key}", markup=False, soft_wrap=True)


@command(app)
def serve(
    dir: Directory = HERE,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="the port to listen on")] = 8000,
) -> None:
    """Serve the node's portal and API until stopped."""
    import uvicorn

    from usufruct.web.app import make_app  # only this command needs the web, and it takes half a second to load

    with doors().open(dir) as node:
        out.print(f"{node.about.name} on http://{host}:{port} (stop with Ctrl-C)", markup=False)
        uvicorn.run(make_app(node), host=host, port=port, log_level="warning", access_log=False)


@command(app, "demo")
def run_demo(
    dir: Annotated[Path, typer.Option("--dir", help="where to leave the node")] = Path("demo-node"),
    once: Annotated[bool, typer.Option("--once", help="end after the story instead of serving the node")] = False,
    port: Annotated[int, typer.Option(help="the port to serve it on")] = 8000,
) -> None:
    """The whole story on real data: pay records of 545 workers."""
    demo.tell(dir, doors(), f"http://127.0.0.1:{port}")
    if not once:
        serve(dir, port=port)


@command(app)
def version() -> None:
    """Which version this is."""
    out.print(__version__)


def run(found: Doors) -> None:
    """The command line, over these doors."""
    give(found)
    app()
