"""A member's line of a closed period, with its proof, to be taken away."""

from __future__ import annotations

from usufruct.core.access import hold
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.facts import AssetStatement
from usufruct.core.income.lineproof import LineProof
from usufruct.core.income.settlement import Lines
from usufruct.core.income.state import Period, PeriodPlan
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Person
from usufruct.node import witness
from usufruct.node.node import Node


def line_proof(node: Node, member: str, period: str, asset: str) -> LineProof | Refusal:
    """What a member is paid for a period for her rows in an asset, with its proof.

    Not while a use in that plan is withheld, for the plan that she would be given names all uses that it divides.
    """
    with node.store.read() as state:
        closed = state.get(Period, period)
        plan = state.get(PeriodPlan, closed.plan) if closed else None
        person = next(state.list(Person, asset=asset, party=id_of(state, member)), None)
        found: AssetStatement | None = None
        if plan and person:
            found = next((s for s in plan.planned.statements if s.asset == asset and s.root), None)
        if not closed or not plan or not person or not found or person.number >= found.persons:
            return refuse(
                "registry.unknown", "no proof was given",
                f"`{member}` has no line of `{asset}` in a period `{period}` that can be proven",
                remedy="take a closed period of an asset that is about her; periods before there was a root have no proofs",
            )  # fmt: skip
        now = node.clock.now()
        if any(hold.active(state, use, now) for statement in plan.planned.statements for use in statement.uses):
            return refuse(
                "income.line-withheld", "no proof was given", "the plan names a use that is withheld for now",
                remedy="ask again when what is withheld has been told; the amount itself is on the page",
            )  # fmt: skip
        lines = Lines(found, state.evidence)
        line, (salt, chunk, path) = lines.line(person.number), lines.opening(person.number)
        planned, done = (witness.receipt(node, state, seq).text() for seq in (plan.seq, closed.seq))
        return LineProof(asset, person.number, line.paid, line.owed, salt, chunk, path, planned, done)
