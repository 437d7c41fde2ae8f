"""Rounds: opened by a person, and then each step when its time has come; what everybody, a chamber and a worker can read.

A round is closed from a snapshot, outside the writer's turn, for it may be large; what is sealed is of the journal up to the
head that is named. Its plan is worked out from what was sealed and from the seed alone, checked as a stranger would check it,
and only then recorded. Settling writes the job agreements down, all in one turn: it is done wholly or not at all, and once.

Everybody reads the rule, the commitments, what was opened, the head, the seed, the numbers and the certificate. The instance,
in which wishes and scores stand under numbers of the round, is for those who check for the others: the parties that speak for
the chambers, and stewards, who can hand it to an auditor. A worker reads what concerns her, in words, with her number and her
place.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.access.delegation import acting
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.proof.checkpoint import Checkpoint
from usufruct.core.proof.submission import checkpoint_in
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import ErasedPerson, Party
from usufruct.core.work import rules
from usufruct.core.work.allocation import certificate as proof
from usufruct.core.work.allocation import encoding, lottery
from usufruct.core.work.allocation.instance import Allocation
from usufruct.core.work.allocation.reasons import FILTERED, Reason, why
from usufruct.core.work.allocation.rule import AllocationRule
from usufruct.core.work.facts import JobAgreed, WishesStated
from usufruct.core.work.filters import Gate, Offered, candidate, first_no
from usufruct.core.work.rounds import rules as round_rules
from usufruct.core.work.rounds.assembling import Assembled, assemble
from usufruct.core.work.rounds.state import (
    CERTIFICATE_TYPE,
    CLOSED,
    INSTANCE_TYPE,
    OPEN,
    PLANNED,
    SETTLED,
    Entrant,
    LeftOut,
    Round,
    RoundAbandoned,
    RoundClosed,
    RoundOpened,
    RoundPlanned,
    RoundSettled,
    SeedCommitted,
    SeedOpened,
)
from usufruct.core.work.state import OPEN as STANDS
from usufruct.core.work.state import Job, Wishes
from usufruct.core.work.state import JobAgreement as Agreed
from usufruct.node.node import Node, or_undone
from usufruct.node.work import GATES
from usufruct.ports import Transaction

SALT_SIZE = 32
GONE = "gone"  # why a worker is left out who is not with the node any more
WITHDRAWN = "withdrawn"
NO_OPENING = "no chamber opened its secret in time"


# ---- what people and chambers say


def open_round(
    node: Node, round: str, rule: AllocationRule, speakers: tuple[str, str, str], closes: Instant, opens_until: Instant,
    by: str, replaces: str = "",
) -> RoundOpened | Refusal:  # fmt: skip
    """Opens a round; `speakers` are the parties that speak for workers, operators and customers.

    Raises:
        BadInput: the name cannot be.
    """

    def found(tx: Transaction) -> RoundOpened | Refusal:
        workers, operators, customers = (id_of(tx, name) for name in speakers)
        return round_rules.open_round(
            tx, round, id_of(tx, by), rule, (workers, operators, customers), closes, opens_until, replaces, tx.now
        )

    return node.record(found)


def commit(node: Node, round: str, by: str, commitment: str) -> SeedCommitted | Refusal:
    """A chamber commits to a secret.

    Raises:
        BadInput: the commitment is none.
    """
    return node.record(lambda tx: round_rules.commit(tx, round, id_of(tx, by), commitment, tx.now))


def wish(node: Node, round: str, by: str, jobs: tuple[str, ...], worker: str = "") -> WishesStated | Refusal:
    """Says which jobs of a round a worker would do, the best first: oneself, or a machine of one's own."""

    def rule(tx: Transaction) -> WishesStated | Refusal:
        party, _ = acting(tx, id_of(tx, by), ())
        return round_rules.wish(tx, round, id_of(tx, worker) if worker else party, party, jobs, tx.now)

    return node.record(rule)


def open_secret(node: Node, round: str, by: str, secret: str) -> SeedOpened | Refusal:
    """A chamber shows its secret.

    Raises:
        BadInput: the secret is none.
    """
    return node.record(lambda tx: round_rules.open_seed(tx, round, id_of(tx, by), secret, tx.now))


def abandon(node: Node, round: str, by: str, why: str) -> RoundAbandoned | Refusal:
    """Gives a round up, before any secret is open.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    return node.record(lambda tx: round_rules.abandon(tx, round, id_of(tx, by), why))


# ---- close, plan, settle


def close(node: Node, round: str, gates: tuple[Gate, ...] | None = None) -> RoundClosed | Refusal:
    """Closes the wishes of a round: seals what its rule may look at, and names the journal's head."""
    salt, now = node.entropy.bytes(SALT_SIZE), node.clock.now()
    with node.store.read() as state:
        row = round_rules.can_close(state, round, now)
        if isinstance(row, Refusal):
            return row
        note = state.checkpoint()
        assert note is not None, "the round was opened"
        head = checkpoint_in(note)
        made = assemble(state, row, salt, now, GATES if gates is None else gates)
    data = encoding.encode(made.instance)
    node.reach("round before closed")

    def command(tx: Transaction) -> RoundClosed:
        row = or_undone(round_rules.can_close(tx, round, tx.now))
        or_undone(_overtaken(tx, row, head, made))
        for fact in made.entered:
            tx.append(fact)
        closed = _closed(row, head, tx.attach(INSTANCE_TYPE, data), made)
        tx.append(closed)
        return closed

    closed = node.together(command)
    node.reach("round after closed")
    return closed


def _closed(row: Round, head: Checkpoint, seal: str, made: Assembled) -> RoundClosed:
    found = made.instance
    return RoundClosed(
        row.id, head.root.hex(), head.size, seal, len(found.workers), len(found.jobs), sum(found.seats), len(found.job),
        len(found.barred_job),
    )  # fmt: skip


def _overtaken(read: Reader, row: Round, head: Checkpoint, made: Assembled) -> Refusal | None:
    """Whether something came into the round, or somebody left the node, after the head was looked at."""
    later = any(one.seq >= head.size for one in read.list(Wishes, round=row.id))
    later = later or any(one.seq >= head.size for one in read.list(Job, round=row.id))
    people = (read.get(Party, fact.party) for fact in made.entered)
    gone = any(who is None or (who.key_slot is not None and read.get(ErasedPerson, who.key_slot)) for who in people)
    if not later and not gone and head.size >= row.seq:
        return None
    return refuse(
        "work.round", "the round was not closed", "something came in between", remedy="close it again; nothing was lost"
    )  # fmt: skip


def plan(node: Node, round: str) -> RoundPlanned | Refusal:
    """Works out who gets which job, from what was sealed and the seed, with its certificate."""
    with node.store.read() as state:
        row = round_rules.can_plan(state, round, node.clock.now())
        if isinstance(row, Refusal):
            return row
        data = state.evidence(row.instance)
    instance, seed = encoding.decode(data), round_rules.seed_of(row)
    found = node.allocator.match(instance, seed)
    secrets = [bytes.fromhex(secret) if secret else None for secret in row.secrets]
    made = proof.encode(proof.make(instance, found, secrets, bytes.fromhex(row.head), data))
    checked = node.allocator.check(data, made)
    assert not isinstance(checked, Refusal), checked
    node.reach("round before planned")

    def command(tx: Transaction) -> RoundPlanned:
        again = or_undone(round_rules.can_plan(tx, round, tx.now))
        if again.secrets != row.secrets:
            or_undone(refuse(
                "work.round", "the round was not planned", "a secret was opened meanwhile", remedy="plan it again"
            ))  # fmt: skip
        planned = RoundPlanned(
            numbered("plan", tx.next),
            round,
            seed.hex(),
            round_rules.missing(row),
            tx.attach(CERTIFICATE_TYPE, made),
            checked.matched,
        )
        tx.append(planned)
        return planned

    planned = node.together(command)
    node.reach("round after planned")
    return planned


def settle(node: Node, round: str, gates: tuple[Gate, ...] | None = None) -> RoundSettled | Refusal:
    """Carries a round's plan out: the job agreements, all of them at once. Done twice it is done once."""
    node.reach("round before settled")

    def command(tx: Transaction) -> RoundSettled:
        row = or_undone(round_rules.can_settle(tx, round))
        if row.state == SETTLED:
            return RoundSettled(row.id, row.plan, row.agreed, row.left)
        agreed, left = 0, []
        for number, name in _planned(tx, row):
            entrant = next(iter(tx.list(Entrant, round=row.id, number=number)), None)
            fact = _agreed(tx, row, entrant, name, GATES if gates is None else gates)
            if isinstance(fact, str):
                left.append(LeftOut(number, name, fact))
            else:
                tx.append(fact)
                agreed += 1
                node.reach("round amid settled")
        settled = RoundSettled(row.id, row.plan, agreed, tuple(left))
        tx.append(settled)
        return settled

    settled = node.together(command)
    node.reach("round after settled")
    return settled


def _planned(tx: Transaction, row: Round) -> list[tuple[str, str]]:
    """The numbers that the certificate gives a job, each with it, in the order of the jobs."""
    instance = encoding.decode(tx.evidence(row.instance))
    made = proof.decode(tx.evidence(row.certificate))
    return sorted(Allocation(made.taken, made.prices).pairs(instance), key=lambda pair: (pair[1], pair[0]))


def _agreed(
    tx: Transaction, row: Round, entrant: Entrant | None, name: str, gates: tuple[Gate, ...]
) -> JobAgreed | str:
    """The job agreement that the plan says; or, where it cannot be any more, which rule is in the way."""
    job, who = tx.get(Job, name), tx.get(Party, entrant.party) if entrant is not None else None
    if who is None:
        return GONE
    if job is None or job.stands != STANDS or job.taken >= job.terms.seats:
        return WITHDRAWN
    no = first_no(tx, candidate(tx, who, tx.now), Offered(job.id, job.by, job.terms), tx.now, gates, herself=True)
    if no is not None:
        return no.rule
    return JobAgreed(numbered("agreement", tx.next), job.id, who.id, job.by, job.terms, row.id)


def follow(node: Node) -> str:
    """Takes the steps of all rounds that are due; says in words which, empty if none was."""
    now = node.clock.now()
    with node.store.read() as state:
        rows = [row for at in (OPEN, CLOSED, PLANNED) for row in state.list(Round, state=at)]
    done: list[tuple[str, str, object]] = []
    for row in rows:
        if row.state == OPEN and row.closes <= now:
            done.append((row.id, "closed", close(node, row.id)))
        elif row.state == CLOSED and (row.opens_until <= now or all(row.secrets)):
            if any(row.secrets):
                done.append((row.id, "planned", plan(node, row.id)))
            else:
                done.append((row.id, f"given up: {NO_OPENING}", abandon(node, row.id, node.about.operator, NO_OPENING)))
        elif row.state == PLANNED:
            done.append((row.id, "settled", settle(node, row.id)))
    return "; ".join(f"{id}: {step}" for id, step, found in done if not isinstance(found, Refusal))


# ---- what there is to read


def listed(node: Node) -> list[Round]:
    """All rounds, the newest first."""
    with node.store.read() as state:
        return list(reversed(list(state.list(Round))))


def shown(node: Node, round: str) -> Round | None:
    """A round as everybody sees it."""
    with node.store.read() as state:
        return state.get(Round, round)


def certificate(node: Node, round: str) -> bytes | None:
    """The certificate of a round that is planned, for everybody: it names workers by their place alone."""
    with node.store.read() as state:
        row = state.get(Round, round)
        return state.evidence(row.certificate) if row is not None and row.certificate else None


def instance(node: Node, round: str, party: str, every: bool) -> bytes | None:
    """The instance of a round that is closed, for a party that speaks for a chamber of it, and for who may see `every` one."""
    with node.store.read() as state:
        row = state.get(Round, round)
        if row is None or not row.instance or not (every or row.chamber_of(id_of(state, party))):
            return None
        return state.evidence(row.instance)


@dataclass(frozen=True, slots=True)
class Own:
    """What came of a round for one worker: her `number`, her `place` in the certificate (None before it is planned), her
    lottery `rank` among so many `workers`, and one reason for each job that she wished for."""

    round: str
    state: str
    number: str
    place: int | None
    rank: int | None
    workers: int
    agreement: str
    reasons: tuple[Reason, ...]


def own(node: Node, round: str, by: str, worker: str = "") -> Own | Refusal:
    """Why a worker got, or did not get, each job that she wished for, and what would have changed it."""
    with node.store.read() as state:
        party, _ = acting(state, id_of(state, by), ())
        who = rules.worker_of(state, id_of(state, worker) if worker else party, party)
        row, entrant = state.get(Round, round), state.get(Entrant, round, who.id) if who is not None else None
        if row is None or entrant is None:
            return refuse(
                "registry.unknown", "there is nothing to explain", f"you took part in no round `{round}` that is closed",
                remedy="say what you wish before a round closes, and look again then",
            )  # fmt: skip
        agreed = next((one.id for one in state.list(Agreed, worker=entrant.party) if one.round == round), "")
        if not row.certificate:
            reasons, place, rank = _kept_from(entrant), None, None
        else:
            data = encoding.decode(state.evidence(row.instance))
            told = why(data, proof.decode(state.evidence(row.certificate)), entrant.number)
            reasons = tuple(one for one in told if one.outcome != FILTERED) + _kept_from(entrant)
            place = data.place(entrant.number)
            assert place is not None, "who has a number is in the instance"
            rank = lottery.ranks(bytes.fromhex(row.seed), data.workers)[place] + 1
        return Own(round, row.state, entrant.number, place, rank, row.workers, agreed, reasons)


def _kept_from(entrant: Entrant) -> tuple[Reason, ...]:
    """The jobs from which a filter kept her, with her own figures, which the instance does not have."""
    return tuple(
        Reason(one.job, FILTERED, f"you were not considered: {one.words} ({one.rule})",
               "had this rule been met, you would have been considered")
        for one in entrant.kept_from
    )  # fmt: skip
