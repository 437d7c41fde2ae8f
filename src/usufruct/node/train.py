"""A data user has a model fitted to data that she never sees.

What the grade permits decides how (see `core.privacy.fitting`); the order is that of every use (see `use`). Between the
two facts: the sample is taken where the data lie, noise is put on everything that came of it but the rows, the fit is
done in a process of its own, and noise is put on its scores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from usufruct.core.access.rules import Permit
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.fitting import NOT_DONE, Fit, FitPlan, plan_fit
from usufruct.core.privacy.learnt import of_fit
from usufruct.node.node import Node
from usufruct.node.use import Admitted, Asking, Done, Ran, Refused, carry_out
from usufruct.ports import Transaction


@dataclass(frozen=True, slots=True)
class Asked:
    """A job as it came in, for a purpose; `unread` is why its condition could not be read. `actors` act for the requester;
    `signed`: it came with a proof of a key that only its sender has."""

    requester: str
    fit: Fit
    purpose: str
    micro_rho: int | None = None
    unread: Refusal | None = None
    actors: tuple[str, ...] = ()
    signed: bool = False


def train(node: Node, asked: Asked) -> Done | Refused:
    """Fits, or refuses; either way it is a fact when this returns.

    Raises:
        EngineFault: it could not be worked out; the use is abandoned and its charge spent.
        NodeFault: the node cannot go on.
    """

    def plan(tx: Transaction, permit: Permit) -> FitPlan | Refusal:
        found = plan_fit(
            tx,
            asked.fit,
            permit.asset,
            permit.agreement.consumer,
            node.rulebook,
            tx.now,
            permit.group_min,
            asked.micro_rho,
        )
        if isinstance(found, Refusal):
            return found
        return lacking(node, found.route, NOT_DONE) or found

    def work(admitted: Admitted[FitPlan], population: bytes) -> Ran:
        return _work(node, admitted, population)

    fit = asked.fit
    return carry_out(node, Asking(
        asked.requester, asked.purpose, fit.asset, fit.text(), fit.in_words(), fit.read(), fit.where, plan, asked.unread,
        asked.actors, asked.signed,
    ), work)  # fmt: skip


def lacking(node: Node, route: str, not_done: str) -> Refusal | None:
    """Whether the node has what a route needs."""
    extra = node.trainer.missing(route)
    if extra is None:
        return None
    return refuse(
        "fit.missing", not_done, f"this node was installed without the extra `{extra}`",
        remedy=f"ask the steward to install it with `pip install usufruct[{extra}]`",
    )  # fmt: skip


def _work(node: Node, admitted: Admitted[FitPlan], population: bytes) -> Ran:
    plan, persons = admitted.plan, admitted.permit.persons
    sampled = node.trainer.sample(
        plan.sample, plan.marginals, plan.moments, plan.route == "exact", population, persons
    )  # fmt: skip
    node.reach("train after sample")
    counts, sums = sampled.counts, sampled.sums
    if plan.marginals is not None:
        counts = [node.noise.add(exact, plan.marginals.deviation) for exact in counts]
    if plan.moments is not None:
        sums = node.noise.add(sums, plan.moments.deviation)
    model, exact_scores = node.trainer.fit(plan, replace(sampled, counts=counts, sums=sums))
    scores = [
        node.noise.add(exact, scoring.deviation) if scoring.sigma else exact
        for exact, scoring in zip(exact_scores, plan.scores, strict=True)
    ]
    return Ran(population, of_fit(plan, model, scores), sampled.contributions)
