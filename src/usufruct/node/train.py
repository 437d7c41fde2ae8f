"""A data user has a model fitted to data that she never sees.

What the grade permits decides how (see `core.privacy.fitting`); the order is that of every use (see `use`). Between the
two facts: the sample is taken where the data lie, noise is put on everything that came of it but the rows, the fit is
done in a process of its own, and noise is put on its scores. If the data user brought rows of her own, the model is scored on
them too, and what each person's rows add to telling them is what the money is divided by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from usufruct.core.access.rules import Permit
from usufruct.core.access.rules import decide as permitted
from usufruct.core.base.canonical import holdable
from usufruct.core.base.records import Fact, Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.neighbours import Measure
from usufruct.core.privacy import ticks
from usufruct.core.privacy.fitting import NOT_DONE, Fit, FitPlan, plan_fit
from usufruct.core.privacy.learnt import Learnt, of_fit
from usufruct.core.privacy.synthesis import Synthesis, SynthesisPlan
from usufruct.core.privacy.validation import MEDIA_TYPE, Validation, ValidationTaken
from usufruct.core.registry.pool import Membership, Pool
from usufruct.node import stored
from usufruct.node.asking import request_of
from usufruct.node.node import Node
from usufruct.node.use import Admitted, Answered, Decided, Deed, Ran, Refused, Shares, Wanted, carry_out
from usufruct.ports import Transaction

FORM = "computation"

JobT = TypeVar("JobT", Fit, Synthesis)
PlanT = TypeVar("PlanT", FitPlan, SynthesisPlan)


@dataclass(frozen=True, slots=True)
class Asked(Generic[JobT]):
    """A job as it came in, for a purpose; `unread` is why its condition could not be read. `actors` act for the requester;
    `signed`: it came with a proof of a key that only its sender has."""

    requester: str
    job: JobT
    purpose: str
    micro_rho: int | None = None
    unread: Refusal | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False


def train(node: Node, asked: Asked[Fit]) -> Answered[Learnt] | Refused:
    """Fits, or refuses; either way it is a fact when this returns.

    Raises:
        EngineFault: it could not be worked out; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on.
    """

    def plan(tx: Transaction, permit: Permit) -> FitPlan | Refusal:
        found = plan_fit(
            tx, asked.job, permit.asset, permit.agreement.consumer, node.rulebook, tx.now, permit.group_min, asked.micro_rho
        )  # fmt: skip
        return found if isinstance(found, Refusal) else lacking(node, found.route, NOT_DONE) or found

    return compute(node, asked, plan, partial(_work, node))


def compute(
    node: Node, asked: Asked[JobT], plan: Callable[[Transaction, Permit], PlanT | Refusal],
    work: Callable[[Admitted[PlanT], tuple[bytes, ...]], Ran[Learnt]],
) -> Answered[Learnt] | Refused:  # fmt: skip
    """Carries a job out; `plan` makes the plan of what was permitted."""
    job = asked.job

    def decide(tx: Transaction, wanted: Wanted) -> Decided[PlanT, Learnt]:
        if asked.unread is not None:
            return None, asked.unread
        request = request_of(tx, wanted, job.asset, FORM, job.read(), job.where)
        permit = permitted(tx, request, tx.now)
        if isinstance(permit, Refusal):
            return request, permit
        found = plan(tx, permit)
        if isinstance(found, Refusal):
            return request, found
        tick = ticks.length(node.rulebook, tx.now, permit.asset.quality.rows, computing=True)
        own = job.validation if isinstance(job, Fit) else None
        noting = _taken(tx, request.requester, own, permit, found) if own is not None else None
        return request, Deed(((request, permit),), found, holdable(job.in_words()), tick, found.charge, noting=noting)

    wanted = Wanted(
        asked.requester, job.text(), asked.purpose, actors=asked.actors, signed=asked.signed, asset=job.asset
    )
    return carry_out(node, wanted, decide, work)


def lacking(node: Node, route: str, not_done: str) -> Refusal | None:
    """Whether the node has what a route needs."""
    extra = node.trainer.missing(route)
    if extra is None:
        return None
    return refuse(
        "fit.missing", not_done, f"this node was installed without the extra `{extra}`",
        remedy=f"ask the steward to install it with `pip install usufruct[{extra}]`",
    )  # fmt: skip


def _work(node: Node, admitted: Admitted[FitPlan], populations: tuple[bytes, ...]) -> Ran[Learnt]:
    plan, permit = admitted.deed.plan, admitted.deed.permit
    stored.check(node, permit.asset.id, permit.asset.version)
    sampled = node.trainer.sample(
        plan.sample, plan.marginals, plan.moments, plan.route == "exact", populations[0], permit.persons
    )  # fmt: skip
    node.reach("train after sample")
    counts, sums = sampled.counts, sampled.sums
    if plan.marginals is not None:
        counts = [node.noise.add(exact, plan.marginals.deviation) for exact in counts]
    if plan.moments is not None:
        sums = node.noise.add(sums, plan.moments.deviation)
    model, exact = node.trainer.fit(plan, replace(sampled, counts=counts, sums=sums))
    held, own = exact[: len(plan.scores)], exact[len(plan.scores) :]
    scores = [
        node.noise.add(one, scoring.deviation) if scoring.sigma else one
        for one, scoring in zip(held, plan.scores, strict=True)
    ]
    shares = _shares(node, plan, permit, populations[0])
    return Ran(of_fit(plan, model, scores, own), (sampled.contributions,), (shares,))


def measure_of(read: Reader, permit: Permit, by_model: bool) -> Measure | None:
    """How contributions to a training are measured; None for what is about nobody. Whose row of a table it is, its holder
    answers for, and of her own copies each person is paid for one. To a pool everybody brings her own, so of copies who came
    first is paid, whatever names the others have."""
    if not permit.asset.person_column:
        return None
    if by_model:
        return Measure(k=0)
    return Measure(copies="first" if read.get(Pool, permit.asset.id) is not None else "person")


def _taken(tx: Transaction, requester: str, own: Validation, permit: Permit, plan: PlanT) -> Callable[[str], Fact]:
    """The fact of the requester's own rows, from the id of the use."""
    kept, measure = tx.attach(MEDIA_TYPE, own.data), measure_of(tx, permit, isinstance(plan, FitPlan) and plan.by_model)
    return lambda use: ValidationTaken(use, requester, own.digest, len(own.rows), measure.name if measure else "", kept)


def _shares(node: Node, plan: FitPlan, permit: Permit, population: bytes) -> Shares | None:
    """What each person's rows add; None if there is nothing to measure by, or nobody to pay."""
    with node.store.read() as state:
        measure = measure_of(state, permit, plan.by_model) if plan.validation else None
        if measure is None:
            return None
        deposits = [0] * permit.persons if measure.copies == "first" else []
        for member in state.list(Membership, pool=permit.asset.id) if deposits else ():
            if member.number < len(deposits):
                deposits[member.number] = member.seq
    return Shares(measure.name, node.trainer.value(plan, measure, population, permit.persons, deposits))
