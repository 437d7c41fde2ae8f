"""Records, in the widest form that may leave.

Who asks for rows gets them as they are, or masked, or not at all. Which of these is no choice of hers: the request is put
to the whole decision once for each form, the widest first, and the first permit counts. So grade, agreement, its rules,
right and purpose must *all* let the wider form out before it leaves, and the strictest of them wins.
"""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.access.gates import covers
from usufruct.core.access.proof import Request
from usufruct.core.access.rules import Permit, decide
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.state import in_force
from usufruct.core.rulebook.grades import RECORDS


def decide_records(read: Reader, request: Request, at: Instant) -> tuple[Request, Permit | Refusal]:
    """The decision on a request for rows, and the request in the form that was decided: in the widest that is permitted of
    those that an agreement of hers covers. Where none is, the refusal that the least stands behind, and of two the one
    that is nearer to a yes: that of the narrower form.

    Masked rows are drawn from a view of the whole table (see `core.privacy.masking`), whatever part of it was asked for.
    So they are asked for without a `reach`, and whoever limited her consent to a part is not in them.
    """
    hers = in_force(read, request.requester, request.asset, at)
    agreed = [one.terms.form for one in hers if request.agreement in ("", one.id)]
    covered = [form for form in RECORDS if any(covers(one, form) for one in agreed)]
    refused: list[tuple[Request, Refusal]] = []
    for form in covered or RECORDS[:1]:
        asked = replace(request, form=form, reach=request.reach if form == "rows" else ())
        found = decide(read, asked, at)
        if isinstance(found, Permit):
            return asked, found
        refused.insert(0, (asked, found))
    return min(refused, key=lambda one: len(one[1].reasons))
