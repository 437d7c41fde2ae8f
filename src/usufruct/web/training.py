"""The HTTP API of what is worked out in the node: fits, and synthetic tables."""

from __future__ import annotations

from litestar import Router, post
from litestar.params import JSONBody

from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.fitting import Fit
from usufruct.core.privacy.learnt import Learnt
from usufruct.core.privacy.synthesis import Synthesis
from usufruct.node import synthesize, train
from usufruct.node.use import Answered, Refused
from usufruct.web import messages
from usufruct.web.api import AnyRequest, RefusedHere
from usufruct.web.auth import node_of, who_is
from usufruct.wire import fit as wire
from usufruct.wire import validation

ASK = {"rule": ("ask",)}


@post(
    "/fits", opt=ASK, sync_to_thread=True, status_code=200, summary="Have a model fitted",
    request_max_body_size=2 * validation.BYTES_MAX,
)  # fmt: skip
def fit(request: AnyRequest, data: JSONBody[messages.NewFit]) -> messages.LearntBody:
    """Fits a model in the node for a purpose, or refuses with reasons; either way with a receipt."""
    who, condition = who_is(request), wire.condition(data.asset, data.where)
    unread = condition if isinstance(condition, Refusal) else None
    job = Fit(
        data.estimator, data.asset, data.label, tuple(data.features), tuple(data.parameters.items()),
        None if isinstance(condition, Refusal) else condition, data.where, data.out, data.holdout, data.rows_per_person, data.bins,
        tuple((pair[0], pair[1]) for pair in data.pairs),
        validation.read(data.validation.encode()) if data.validation else None, data.measure,
    )  # fmt: skip
    asked = train.Asked(who.party, job, data.purpose, data.micro_rho, unread, who.actors, who.signed)
    return _body(train.train(node_of(request), asked))


@post(
    "/products",
    opt={"rule": ("ask", "steward")},
    sync_to_thread=True,
    status_code=200,
    summary="Make a synthetic table",
)
def make_product(request: AnyRequest, data: JSONBody[messages.NewProduct]) -> messages.LearntBody:
    """Makes a synthetic table of an asset that you may operate and have an agreement on, and registers it."""
    who, condition = who_is(request), wire.condition(data.asset, data.where)
    unread = condition if isinstance(condition, Refusal) else None
    wanted = Synthesis(
        data.asset, data.product, data.title, tuple(data.columns), tuple((pair[0], pair[1]) for pair in data.pairs),
        tuple((pair[0], pair[1]) for pair in data.checks), None if isinstance(condition, Refusal) else condition, data.where,
        data.rows_per_person, data.bins,
    )  # fmt: skip
    asked = synthesize.Asked(who.party, wanted, data.purpose, data.micro_rho, unread, who.actors, who.signed)
    return _body(synthesize.synthesize(node_of(request), asked))


def _body(result: Answered[Learnt] | Refused) -> messages.LearntBody:
    if isinstance(result, Refused):
        raise RefusedHere(result.refusal, result.use, result.receipt.text())
    learnt = result.answer
    return messages.LearntBody(
        result.use, result.meaning, result.purpose, result.agreement, dict(learnt.scores), list(learnt.columns),
        [list(row) for row in learnt.rows], list(learnt.measures), None if learnt.model is None else dict(learnt.model),
        list(learnt.notes), str(result.price), result.charge, result.budget_left, result.budget_total, result.receipt.text(),
    )  # fmt: skip


router = Router("/api/v1", route_handlers=[fit, make_product])
