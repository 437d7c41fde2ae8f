"""What can have happened to data before they came to the node, between two assets, and after an answer left."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Fact

# The five stations of a chain, in the order in which data pass them.
STEPS = {
    "collected": "taken down for the first time, from persons or by an instrument",
    "stored": "put somewhere to be kept",
    "processed": "changed, joined or selected",
    "analysed": "turned into findings",
    "served": "handed on, to people or to a service",
}

TRANSFORMS = {
    "aggregation": "many records become one",
    "anonymisation": "nobody can be told from the records by anyone",
    "pseudonymisation": "nobody can be told from the records without what is kept apart",
}


@dataclass(frozen=True, slots=True)
class StepRecorded(Fact):
    """Something was done with data outside the node: `by` a party made `outputs` of `inputs`, at `at`, as `how` says.

    An item is an asset, a use, or the name of something that the node does not hold (a paper form, a report). Only
    what is collected has no inputs. `evidence` says where it can be looked up.
    """

    KIND = "step.recorded/1"
    id: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    by: str
    how: str
    at: Instant
    purpose: str = ""
    evidence: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class TransformRegistered(Fact):
    """What is made of `inputs` in this way may be graded down to `lowers_grade_to`, or used for `purposes` beyond theirs.

    `evidence` is the digest or the address of the assessment that says so, `authority` who made it, `until` how long it
    holds: from then on what was made in this way is graded as its inputs are.
    """

    KIND = "transform.registered/1"
    id: str
    title: str
    kind: str
    inputs: tuple[str, ...]
    evidence: str
    authority: str
    by: str
    lowers_grade_to: int | None = None
    purposes: tuple[str, ...] = ()
    until: Instant = END_OF_TIME

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class TransformEnded(Fact):
    """The evidence of a transform no longer holds, for what `why` says: what it lowered is lowered no more."""

    KIND = "transform.ended/1"
    id: str
    by: str
    why: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)
