"""One use, from its request to its end: the order that every use keeps, whatever is worked out in between.

    read and decide → admitted (the charge is reserved) → worked out where the data lie → decided again
    → answered (the charge is spent, contributions counted, the price owed) → what came of it leaves with its receipt

Each append is on disk before the step after it. A crash between the two facts leaves an admitted use without an end;
when the node opens again it is abandoned and its charge stays spent, for the data may have been looked at. Nothing of
an answer leaves before its fact, so there is no result without one.

Between the two facts an agreement, a right or a consent may end. So it is decided again in the very transaction that
would let the answer out: after the fact that ends something is on disk, nothing is released that rests on it. Where only
a person has gone, it is worked out again without her, and nobody is told: a refusal would tell of her.

What is about several assets is a use of each of them: each is decided, charged, priced and recorded by itself, and the
answer leaves if it may leave for all.

How long it takes depends on the data. So once they may have been looked at, whatever comes of it leaves at a tick: when a
time is over that follows from what the catalogue shows, or when a multiple of that is (see `core.privacy.ticks`).

This file is the only one that knows the order. How a question, rows, a cube, a fit or a synthetic table is decided and
worked out, `carry_out` is given by those who know. A match waits for another node in between: it goes the same steps, one
by one (see `match_use`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from usufruct.core.access import consent, delegation, hold
from usufruct.core.access.facts import UseHeld
from usufruct.core.access.proof import MEDIA_TYPE, Request
from usufruct.core.access.rules import Permit, prove, stands
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import Fault
from usufruct.core.base.ids import numbered
from usufruct.core.base.money import Money
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.income.measure import ROWS, SHARES_TYPE
from usufruct.core.income.posting_rules import covered
from usufruct.core.privacy import ticks
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused, QueryRepeated
from usufruct.core.privacy.spending import paying
from usufruct.core.privacy.state import Budget, Use
from usufruct.core.proof.receipt import Receipt
from usufruct.core.rulebook.levy import Surcharge
from usufruct.node.node import Node
from usufruct.ports import Transaction

ENDED = "what permitted it ended before the answer could leave"  # why a use was abandoned
STOPPED = "the node stopped before it could answer"
KEPT_TEXT = 2_000  # characters of what was typed that are kept in the journal
POPULATION = "application/vnd.usufruct.population.v1"


class Encoded(Protocol):
    """Whatever can leave."""

    def encode(self) -> bytes:
        """Canonical bytes, as sealed into the journal."""


PlanT = TypeVar("PlanT")
AnswerT = TypeVar("AnswerT", bound=Encoded)


@dataclass(frozen=True, slots=True)
class Under:
    """What a use rests on beside its permits: it is judged by this `agreement` alone. `standing` says why it may not be done,
    when it is admitted and again when it would leave; `noting` makes a further fact of the admission, from the id of the use."""

    agreement: str
    standing: Callable[[Transaction], Refusal | None]
    noting: Callable[[str], Fact] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What came in: `text` says all of it; `asset` is the one that it names, where that is known before anything is decided.
    `hold` is the ground on which the use is to be withheld from the persons concerned, for `hold_days` (None: as long as
    the requester may). `actors` act for the requester, the one who speaks first; what an agent asks in its own name, it asks
    for its principal. `signed`: it came with a proof of a key that only its sender has. `under`: what else it rests on."""

    requester: str
    text: str
    purpose: str
    hold: str = ""
    hold_days: int | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False
    asset: str = ""
    under: Under | None = None

    @property
    def agreement(self) -> str:
        """The only agreement that counts; empty if any does."""
        return self.under.agreement if self.under else ""


@dataclass(frozen=True, slots=True)
class Deed(Generic[PlanT]):
    """A use that may be done: of each asset a request and its permit, the `plan`, and what it means in words. Each asset about
    persons pays `charge`, in micro-rho, and `nano_delta`. `digest` is that of a plan whose answer may be given again. What
    comes of it leaves at a `tick`, in milliseconds. `form` is what is noted of the answer. What was `built` beforehand is of
    that population and let out as it is, whoever has gone since. `noting` makes a further fact of the admission, from the id
    of the use; `standing` says why it may not be let out, if more must stand then than the permits."""

    parts: tuple[tuple[Request, Permit], ...]
    plan: PlanT
    meaning: str
    tick: int
    charge: int = 0
    nano_delta: int = 0
    digest: str = ""
    template: str = ""
    form: str = "aggregates"
    built: bytes | None = None
    noting: Callable[[str], Fact] | None = None
    standing: Callable[[Transaction], Refusal | None] | None = None

    @property
    def populations(self) -> tuple[bytes, ...]:
        """Whose rows of each asset may be used."""
        return tuple(permit.population if self.built is None else self.built for _, permit in self.parts)

    @property
    def levies(self) -> tuple[Surcharge, ...]:
        """What is owed on top of the prices, of all assets together."""
        return tuple(levy for _, permit in self.parts for levy in permit.levies)

    @property
    def permit(self) -> Permit:
        """That of the first asset."""
        return self.parts[0][1]


@dataclass(frozen=True, slots=True)
class Again(Generic[AnswerT]):
    """What the requester was answered before, in `use`, and gets again for nothing; `decode` reads it."""

    use: Use
    decode: Callable[[bytes], AnswerT]


Decided = tuple[Request | None, Deed[PlanT] | Again[AnswerT] | Refusal]
"""What was decided, with the request that decided it, if it could be read."""


@dataclass(frozen=True, slots=True)
class Admitted(Generic[PlanT]):
    """A use that may look at the data; `uses` are its ids, one for each asset."""

    uses: tuple[str, ...]
    deed: Deed[PlanT]


@dataclass(frozen=True, slots=True)
class Shares:
    """What each person's part in one asset's use comes to by a `measure`: whole numbers (see `core.income.measure.shares`)."""

    measure: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Ran(Generic[AnswerT]):
    """What came of working a plan out, and how many rows of each person counted, for each asset; and each person's `shares`,
    where the money is divided by something else. `closing` is asked in the
    transaction that lets it out; unless it refuses, what it returns is done there at the end."""

    answer: AnswerT
    contributions: tuple[bytes, ...]
    shares: tuple[Shares | None, ...] = ()
    closing: Callable[[Transaction], Refusal | Callable[[], None]] | None = None


@dataclass(frozen=True, slots=True)
class Answered(Generic[AnswerT]):
    """An answer and all that goes with it; `charge`, `budget_left` and `budget_total` in micro-rho. `repeated`: it was given
    before. `form` is that of the answer, `levies` what is owed on top of the price."""

    use: str
    answer: AnswerT
    meaning: str
    purpose: str
    agreement: str
    price: Money
    charge: int
    budget_left: int
    budget_total: int
    receipt: Receipt
    repeated: bool = False
    form: str = "aggregates"
    levies: tuple[Surcharge, ...] = ()

    @property
    def owed(self) -> Money:
        """The price, and the levies on top of it."""
        return Money(self.price.minor + sum(levy.amount for levy in self.levies), self.price.currency)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal and its own receipt: that one asked, and what one was told, can be proven too."""

    use: str
    refusal: Refusal
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class _No:
    """A refusal, and the number of the fact that says so."""

    use: str
    refusal: Refusal
    seq: int


def carry_out(
    node: Node, wanted: Wanted, decide: Callable[[Transaction, Wanted], Decided[PlanT, AnswerT]],
    work: Callable[[Admitted[PlanT], tuple[bytes, ...]], Ran[AnswerT]],
) -> Answered[AnswerT] | Refused:  # fmt: skip
    """Carries one use out; either way it is a fact when this returns. `decide` decides and plans, in the transaction in which
    the use is admitted; `work` works a plan out over a population of each asset.

    Raises:
        EngineFault: it could not be worked out; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on; an admitted use is abandoned when it opens again.
    """
    began = node.clock.steady()
    wanted = replace(wanted, text=holdable(wanted.text), purpose=holdable(wanted.purpose), asset=holdable(wanted.asset))
    node.reach("query before admitted")
    begun = node.store.write(lambda tx: _begin(tx, wanted, decide))
    node.reach("query after admitted")
    match begun:
        case Admitted():
            with at_tick(node, began, begun.deed.tick):
                return _go_on(node, begun, work)
        case _No():
            return _refused(node, begun)
        case again, seq:
            return _repeated(node, again, seq)


@contextmanager
def at_tick(node: Node, began: int, tick: int) -> Iterator[None]:
    """Whatever comes of it, it is over at a multiple of `tick` milliseconds after it `began`."""
    try:
        yield
    finally:
        wait(node, began, tick)


def wait(node: Node, began: int, tick: int) -> None:
    """Returns at the next multiple of `tick` milliseconds after something `began`."""
    node.clock.sleep(ticks.until_next(node.clock.steady() - began, tick))


def _begin(
    tx: Transaction, wanted: Wanted, decide: Callable[[Transaction, Wanted], Decided[PlanT, AnswerT]]
) -> Admitted[PlanT] | tuple[Again[AnswerT], int] | _No:
    """Decide and plan; then the facts, one way or the other."""
    requester, actors = delegation.acting(tx, wanted.requester, wanted.actors)
    wanted = replace(wanted, requester=requester, actors=actors)
    use = numbered("use", tx.next)
    held = hold.place(tx, use, requester, wanted.hold, wanted.hold_days, tx.now) if wanted.hold else None
    request, decision = decide(tx, wanted)
    if wanted.under is not None:
        decision = _resting(tx, wanted.under, decision)
    if isinstance(held, Refusal):
        decision = held
    if isinstance(decision, Deed):
        decision = covered(tx, requester, _prices(decision)) or decision
    if isinstance(held, UseHeld):
        tx.append(held)  # first, and whatever becomes of it: so nobody is ever shown what is withheld
    match decision:
        case Refusal():
            return _No(use, decision, refuse(tx, use, wanted, request, decision))
        case Again():
            of = decision.use
            return decision, tx.append(QueryRepeated(of.id, requester, of.asset, of.purpose, actors)).seq
        case _:
            return Admitted(admit(tx, use, wanted, decision), decision)


def _resting(
    tx: Transaction, under: Under, decision: Deed[PlanT] | Again[AnswerT] | Refusal
) -> Deed[PlanT] | Again[AnswerT] | Refusal:
    """What was decided, resting on `under` too."""
    if isinstance(decision, Refusal):
        return decision
    ended = under.standing(tx)
    if ended is not None:
        return ended
    return replace(decision, standing=under.standing, noting=under.noting) if isinstance(decision, Deed) else decision


def _prices(deed: Deed[Any]) -> Iterator[tuple[int, str]]:
    """What each part costs, with what is owed on top of its price."""
    for _, permit in deed.parts:
        yield permit.owed, permit.agreement.terms.currency


def _go_on(
    node: Node, admitted: Admitted[PlanT], work: Callable[[Admitted[PlanT], tuple[bytes, ...]], Ran[AnswerT]]
) -> Answered[AnswerT] | Refused:
    populations = admitted.deed.populations
    while True:
        ran = _worked(node, admitted, partial(work, admitted, populations))
        node.reach("query before answered")
        released = node.store.write(partial(_release, admitted, populations, ran))
        node.reach("query after answered")
        match released:
            case int():
                return _reply(node, admitted, ran.answer, released)
            case _No():
                return _refused(node, released)
            case left:
                populations = left


def _worked(node: Node, admitted: Admitted[PlanT], work: Callable[[], Ran[AnswerT]]) -> Ran[AnswerT]:
    """What comes of the work; if it fails, the use is abandoned."""
    try:
        node.reach("query before run")
        ran = work()
        node.reach("query after run")
        return ran
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        node.store.write(lambda tx: _abandon(tx, admitted, cause))
        raise


def _release(
    admitted: Admitted[PlanT], populations: tuple[bytes, ...], ran: Ran[AnswerT], tx: Transaction
) -> int | tuple[bytes, ...] | _No:
    """Lets the answer out, if what permitted it still does: the number of the first fact. Else the populations that are left,
    if only persons are gone, or why not."""
    deed, left = admitted.deed, []
    ended = deed.standing(tx) if deed.standing is not None else None
    if ended is not None:
        return _No(admitted.uses[0], ended, _abandon(tx, admitted, ENDED))
    for (request, permit), was in zip(deed.parts, populations, strict=True):
        again = stands(tx, request, permit, tx.now)
        if isinstance(again, Refusal):
            return _No(admitted.uses[0], again, _abandon(tx, admitted, ENDED))
        # Whoever joined a pool meanwhile is behind the end, or a bit that was not set.
        left.append(bytes(a & b for a, b in zip(was, again.population, strict=False)))
    if deed.built is None and tuple(left) != populations:
        return tuple(left)
    then = ran.closing(tx) if ran.closing is not None else None
    if isinstance(then, Refusal):
        return _No(admitted.uses[0], then, _abandon(tx, admitted, "what was made could not be kept"))
    seqs = [
        answer(tx, use, request, permit, deed.meaning, ran.answer, counted, shares)
        for use, (request, permit), counted, shares in zip(
            admitted.uses, deed.parts, ran.contributions, ran.shares or (None,) * len(admitted.uses), strict=True
        )
    ]
    if then is not None:
        then()
    return seqs[0]


# ---- the facts of each step


def refuse(tx: Transaction, use: str, wanted: Wanted, request: Request | None, refusal: Refusal) -> int:
    """The fact of a no, with the proof of it if there was a `request` to decide on; returns its number."""
    asset = wanted.asset or (request.asset if request else "")
    return tx.append(QueryRefused(
        use, wanted.requester, asset[:KEPT_TEXT], wanted.purpose[:KEPT_TEXT], _kept(wanted.text), refusal.code,
        refusal.reasons, refusal.remedy, tx.attach(MEDIA_TYPE, prove(tx, request, tx.now).encode()) if request else "",
        wanted.actors,
    )).seq  # fmt: skip


def admit(tx: Transaction, use: str, wanted: Wanted, deed: Deed[Any]) -> tuple[str, ...]:
    """The facts of an admission: for each asset a use of its own, of which the first is `use`; returns their ids."""
    uses: list[str] = []
    paid = {permit.asset.id for _, permit in deed.parts}
    for (_, permit), population in zip(deed.parts, deed.populations, strict=True):
        each = numbered("use", tx.next) if uses else use
        sources = [one for one in paying(tx, permit.asset) if one.id not in paid]
        paid.update(one.id for one in sources)
        charge, nano_delta = (deed.charge, deed.nano_delta) if permit.asset.person_column else (0, 0)
        tx.append(QueryAdmitted(
            each, wanted.requester, permit.agreement.id, permit.asset.id, permit.asset.version, permit.purpose,
            _kept(wanted.text), deed.meaning, charge, permit.price, permit.agreement.terms.currency,
            tx.attach(POPULATION, population), tx.attach(MEDIA_TYPE, permit.proof.encode()), wanted.actors,
            permit.delegations, nano_delta, use if uses else "", "" if uses else deed.digest, deed.template, deed.form,
            tuple(f"{one.id}/{one.version}" for one in sources), permit.levies, permit.priced_by,
        ))  # fmt: skip
        counted = consent.used(tx, each, permit.asset.id, permit.purpose, population, permit.circumstances)
        if counted is not None:
            tx.append(counted)
        uses.append(each)
    if deed.noting is not None:
        tx.append(deed.noting(use))
    return tuple(uses)


def answer(
    tx: Transaction, use: str, request: Request, permit: Permit, meaning: str, let_out: Encoded, contributions: bytes,
    shares: Shares | None = None,
) -> int:  # fmt: skip
    """The fact that lets an answer out, of one asset; returns its number."""
    return tx.append(QueryAnswered(
        use, request.requester, permit.asset.id, permit.purpose, meaning,
        tx.attach("application/vnd.usufruct.answer.v1+json", let_out.encode()),
        tx.attach("application/vnd.usufruct.contributions.v1", contributions), request.actors,
        shares.measure if shares else ROWS, tx.attach(SHARES_TYPE, shares.data) if shares else "",
    )).seq  # fmt: skip


def _abandon(tx: Transaction, admitted: Admitted[PlanT], cause: str) -> int:
    seqs = [tx.append(QueryAbandoned(use, cause)).seq for use in admitted.uses]
    return seqs[0]


def _kept(text: str) -> str:
    return text if len(text) <= KEPT_TEXT else text[:KEPT_TEXT] + "…"


# ---- what leaves


def _refused(node: Node, no: _No) -> Refused:
    with node.store.read() as state:
        return Refused(no.use, no.refusal, state.receipt(no.seq))


def _reply(node: Node, admitted: Admitted[PlanT], answer: AnswerT, seq: int) -> Answered[AnswerT]:
    deed, permit = admitted.deed, admitted.deed.permit
    price = Money(sum(each.price for _, each in deed.parts), permit.agreement.terms.currency)
    with node.store.read() as state:
        budget = state.get(Budget, permit.asset.id, permit.asset.version)
        assert budget is not None
        return Answered(
            admitted.uses[0], answer, deed.meaning, permit.purpose, permit.agreement.id, price, deed.charge, budget.left,
            budget.total, state.receipt(seq), form=deed.form, levies=deed.levies,
        )  # fmt: skip


def _repeated(node: Node, again: Again[AnswerT], seq: int) -> Answered[AnswerT]:
    use = again.use
    with node.store.read() as state:
        budget = state.get(Budget, use.asset, use.version)
        assert budget is not None
        return Answered(
            use.id, again.decode(state.evidence(use.answer)), use.meaning, use.purpose, use.agreement,
            Money(0, use.currency), 0, budget.left, budget.total, state.receipt(seq), repeated=True,
        )  # fmt: skip


def recover(node: Node) -> int:
    """Abandons the uses that a crash left admitted; returns how many. Run when the node opens, before it serves."""

    def command(tx: Transaction) -> int:
        open_uses = list(tx.list(Use, state="admitted"))
        for use in open_uses:
            tx.append(QueryAbandoned(use.id, STOPPED))
        return len(open_uses)

    with node.store.read() as state:
        if next(state.list(Use, state="admitted"), None) is None:
            return 0
    return node.store.write(command)
