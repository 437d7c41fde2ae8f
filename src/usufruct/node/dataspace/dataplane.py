"""What a consumer elsewhere has under a transfer: an address with a token of its own, and governed uses behind it.

A token is good for one party and one transfer, for a few minutes, and until the transfer is next suspended or ends. It
names how often that had been suspended when the token was made; so the fact of a suspension ends it, and nothing has to
be deleted in time. A token that is unknown, of another transfer or party, or worn out is told the same, whatever lies at
the address.

Behind the address is no copy of the data but a use like any other: decided, charged, priced and recorded, under the
agreement of the transfer alone. It leaves only if the transfer is still started then. What a plain request gets follows
from the form that was agreed: records, a cube, or, where only questions are answered, what can be asked and how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from usufruct.core.base.faults import BadInput, Unwelcome
from usufruct.core.base.instants import later
from usufruct.core.base.records import Fact, Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.state import Agreement
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.messages import PULL, DataAddress, TransferStart
from usufruct.core.dataspace.state import DataTransfer, Process, by_pid
from usufruct.core.lineage.standing import standing
from usufruct.core.privacy.cubes import Cube
from usufruct.core.privacy.question import Question, Scan
from usufruct.core.privacy.release import Answer
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import grades
from usufruct.core.rulebook.grades import RECORDS
from usufruct.node import cubes, login, rows
from usufruct.node.asking import Asked
from usufruct.node.login import Identity
from usufruct.node.node import Node
from usufruct.node.use import Answered, Refused, Under, Wanted

HTTP = "https://w3id.org/idsa/v4.1/HTTP"
TOKEN_MINUTES = 10
NO_DATA = "no data were given"


# ---- addresses


def address_for(node: Node, process: Process) -> DataAddress | None:
    """Where the consumer pulls from, with a new token; None if this node pushes."""
    if process.format != PULL:
        return None
    with node.store.read() as read:
        pauses = _pauses(read, process)
    until = later(node.clock.now(), minutes=TOKEN_MINUTES)
    token = login.issue_data_token(node, process.peer, _good_for(process, pauses), until)
    return DataAddress(
        HTTP, f"{node.connector.url}/data/{process.pid}",
        (("authorization", token), ("authType", "bearer"), ("expiresAt", until)),
    )  # fmt: skip


def renew(node: Node, peer: str, pid: str) -> TransferStart | Refusal:
    """The start of a transfer once more, with a new address; the tokens before it are good no more."""
    with node.store.read() as read:
        process = by_pid(read, pid, peer)
        if process is None or not _pulled(process) or rules.open_peer(read, peer) is None:
            return rules.unknown("transfer", pid)
        ended, pauses = _ended(read, process), _pauses(read, process)
    if ended is not None:
        return ended
    login.end_data_tokens(node, peer, _good_for(process, pauses))
    return TransferStart(process.pid, process.theirs, address_for(node, process))


def _pulled(process: Process) -> bool:
    return process.kind == "transfer" and process.role == "provider" and process.format == PULL


def _pauses(read: Reader, process: Process) -> int:
    row = read.get(DataTransfer, process.id)
    return row.pauses if row is not None else 0


def _good_for(process: Process, pauses: int) -> str:
    return f"{process.id}/{pauses}"


# ---- whoever comes


@dataclass(frozen=True, slots=True)
class Opened:
    """A transfer that is started, and the agreement and asset that it is about."""

    process: Process
    agreement: Agreement
    asset: Asset


def unwelcome() -> Unwelcome:
    """What is told of every token that is not good at an address, and where there is none."""
    return Unwelcome(
        "login.token", "the token is not good for data at this address",
        "send the token of the newest address as it stands, in `Authorization`; `POST …/token` gives another",
    )  # fmt: skip


def opened(node: Node, who: Identity, pid: str) -> Opened | Refusal:
    """What lies at an address, for who came with a data token.

    Raises:
        Unwelcome: the token is not for this.
    """
    with node.store.read() as read:
        process = by_pid(read, pid, who.party)
        if process is None or not _pulled(process) or rules.open_peer(read, who.party) is None:
            raise unwelcome()
        transfer, _, pauses = next(iter(who.scopes), "").partition("/")
        if transfer != process.id:
            raise unwelcome()
        ended = _ended(read, process)
        if ended is None and pauses != str(_pauses(read, process)):
            raise unwelcome()
        return ended or what_is_agreed(read, process)


def what_is_agreed(read: Reader, process: Process) -> Opened:
    """What a transfer of this node's is about."""
    agreement = read.get(Agreement, process.subject)
    assert agreement is not None, "no transfer is begun without one"
    asset = read.get(Asset, agreement.asset)
    assert asset is not None, "nor is an agreement reached"
    return Opened(process, agreement, asset)


def _ended(read: Reader, process: Process) -> Refusal | None:
    """Why nothing is had under a transfer now. Who shows the token that goes with a start proves that it has arrived, though
    its acknowledgement may still be on the way."""
    row = read.get(DataTransfer, process.id)
    if row is not None and (row.state == "STARTED" or process.pending == "start"):
        return None
    state = row.state if row is not None else "START"
    remedy = "resume it" if state == "SUSPENDED" else "ask for another transfer under the agreement"
    return refuse("contract.transition", NO_DATA, f"the transfer stands at {state}", remedy=remedy)


# ---- governed uses


Noting = Callable[[str], Fact]


def ask(
    node: Node, of: Opened, text: str, question: Question | Refusal, purpose: str, micro_rho: int | None = None,
    anew: bool = False, noting: Noting | None = None,
) -> Answered[Answer] | Refused:  # fmt: skip
    """Answers a question under a transfer, or refuses it.

    Raises:
        BadInput: no purpose is named, and the agreement is for several.
        EngineFault: it could not be worked out; the use is abandoned.
    """
    purpose = _purpose(of.agreement, purpose)
    return rows.ask(node, Asked(
        of.process.peer, text, question, purpose, micro_rho, anew=anew, under=_under(of, noting)
    ))  # fmt: skip


def download(
    node: Node, of: Opened, purpose: str, cube: str = "", noting: Noting | None = None
) -> Answered[Answer] | Refused | None:
    """What the agreement lets out without a question: records as they are, masked, or a cube of the asset; None where it
    lets nothing out unasked, or there are several cubes and none was named.

    Raises:
        BadInput: as `ask`.
        EngineFault: as `ask`.
    """
    form, asset = of.agreement.terms.form, of.asset.id
    if form in RECORDS:
        text = f"all of {asset} that may leave"
        question = Question(text, Scan(asset, asset), "rows", _columns(node, of))
        return ask(node, of, text, question, purpose, noting=noting)
    there = cubes_of(node, of) if form == "cubes" else ()
    cube = cube or (there[0] if len(there) == 1 else "")
    if not cube or form != "cubes":
        return None
    wanted = Wanted(
        of.process.peer, f"cube {cube}", _purpose(of.agreement, purpose), asset=asset, under=_under(of, noting)
    )
    return cubes.get(node, cube, wanted)


def _columns(node: Node, of: Opened) -> tuple[str, ...]:
    """The columns that may leave in the widest form in which any may; none if none may, and then that is refused."""
    forms, now = RECORDS[RECORDS.index(of.agreement.terms.form) :], node.clock.now()
    table, masked = grades.in_force(now).grades, rows.mask(node, of.asset.id, of.process.peer)
    with node.store.read() as read:
        card = standing(read, of.asset, now)
    there = set() if isinstance(masked, Refusal) else {rule.column for rule, _ in masked.rules}
    if not isinstance(masked, Refusal) and masked.view.linked:
        there.add(card.person_column)
    for form in forms:
        graded = [column.name for column in card.columns if form in table[column.grade].forms]
        leaving = tuple(name for name in graded if form != "masked" or name in there)
        if leaving:
            return leaving
    return ()


def cubes_of(node: Node, of: Opened) -> tuple[str, ...]:
    """The cubes of what a transfer is about, that were built."""
    with node.store.read() as read:
        return tuple(cube.id for cube in read.list(Cube, asset=of.asset.id) if cube.builds)


def _purpose(agreement: Agreement, purpose: str) -> str:
    """What it is for: what is said, or the only thing that was agreed."""
    agreed = agreement.terms.purposes
    if purpose or len(agreed) == 1:
        return purpose or agreed[0]
    raise BadInput("input.purpose", "it is not said what for", f"name a purpose: {', '.join(agreed)}")


def _under(of: Opened, noting: Noting | None) -> Under:
    return Under(of.agreement.id, lambda tx: _ended(tx, of.process), noting)
