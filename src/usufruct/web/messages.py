"""The bodies of the HTTP API: what programs send. What they get back are the node's own records."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=63, description="small letters, digits and hyphens")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Purpose = Annotated[
    str, Meta(min_length=1, max_length=100, description="a purpose of the DPV tree, as AcademicResearch")
]
Day = Annotated[str, Meta(min_length=10, max_length=40, description="2026-11-22, or a moment with its time zone")]


class NewParty(Struct, forbid_unknown_fields=True):
    """Somebody to register."""

    party: Id
    kind: Text
    name: Text
    principal: Id | None = None


class NewRight(Struct, forbid_unknown_fields=True):
    """A right to pass on, from the operator to `grantee`."""

    grantee: Id
    right: Text
    until: Day | None = None
    may_grant: bool = False


class CollectedConsents(Struct, forbid_unknown_fields=True):
    """Consents collected before; `members` missing means everybody in the asset."""

    purpose: Purpose
    evidence: Text
    members: Annotated[list[Id], Meta(max_length=1_000_000)] | None = None


class NewStep(Struct, forbid_unknown_fields=True):
    """Something done with data outside the node. `by` missing means the operator, `at` missing means now."""

    kind: Text
    how: Annotated[str, Meta(min_length=1, max_length=2000)]
    outputs: Annotated[list[Id], Meta(min_length=1, max_length=1000)]
    inputs: Annotated[list[Id], Meta(max_length=1000)] = []
    by: Id | None = None
    purpose: Purpose | None = None
    evidence: Annotated[str, Meta(max_length=2000)] = ""
    at: Day | None = None


class NewTransform(Struct, forbid_unknown_fields=True):
    """How something less sensitive is made of `inputs`, with the evidence for it: an address, or `sha256:` and a digest."""

    transform: Id
    title: Text
    kind: Text
    inputs: Annotated[list[Id], Meta(min_length=1, max_length=1000)]
    evidence: Text
    authority: Text
    lowers_grade_to: Annotated[int, Meta(ge=0, le=6)] | None = None
    purposes: Annotated[list[Purpose], Meta(max_length=50)] = []


class NewOffer(Struct, forbid_unknown_fields=True):
    """An offer of the operator. `price` as `5.00 EUR`, for one question."""

    offer: Id
    asset: Id
    purposes: Annotated[list[Purpose], Meta(min_length=1, max_length=50)]
    price: Text
    form: Text = "aggregates"
    years: Annotated[int, Meta(ge=1, le=30)] = 1
    until: Day | None = None
    standing: bool = False


class Message(Struct, forbid_unknown_fields=True):
    """A move in a negotiation: request, offer, accept, agree, verify, finalize or terminate."""

    message: Text


class NewQuestion(Struct, forbid_unknown_fields=True):
    """A question in SQL and what it is for. `micro_rho` is how much privacy budget it may spend, in millionths of rho;
    `hold` the ground on which the use is to be withheld from the persons concerned, for `hold_days`."""

    sql: Annotated[str, Meta(max_length=10_001)]
    purpose: Purpose
    micro_rho: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    hold: Text = ""
    hold_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class Erasure(Struct, forbid_unknown_fields=True):
    """The person to be erased, named once more."""

    member: Id


class NewHold(Struct, forbid_unknown_fields=True):
    """Who may withhold its uses, on which ground, for how many days at the longest, and the law that allows it."""

    party: Id
    ground: Text
    days: Annotated[int, Meta(ge=0, le=3650)]
    basis: Text


class Word(Struct, forbid_unknown_fields=True):
    """A member's yes (`consent: true`) or no."""

    asset: Id
    purpose: Purpose
    consent: bool


class NewPeriod(Struct, forbid_unknown_fields=True):
    """A period to plan."""

    period: Id


class Approval(Struct, forbid_unknown_fields=True):
    """The plan that is approved."""

    plan: Id


class NewAccount(Struct, forbid_unknown_fields=True):
    """An account: a role for a party, and its password."""

    party: Id
    role: Text
    password: Annotated[str, Meta(min_length=1, max_length=1000)]


class NewLink(Struct, forbid_unknown_fields=True):
    """A one-time login for a party in a role."""

    party: Id
    role: Text


class NewToken(Struct, forbid_unknown_fields=True):
    """A token for a program; the steward may make one for any `party` and `role`, others for themselves."""

    scopes: Annotated[list[Text], Meta(min_length=1, max_length=10)]
    days: Annotated[int, Meta(ge=1, le=366)] = 90
    label: Annotated[str, Meta(max_length=100)] = ""
    party: Id | None = None
    role: Text | None = None


class AnswerBody(Struct):
    """An answer: `columns` and `rows` of a table (`measures` hold decimals as text), how to read it, what it cost, and
    its receipt as text."""

    use: str
    meaning: str
    purpose: str
    agreement: str
    columns: list[str]
    rows: list[list[Any]]
    measures: list[str]
    notes: list[str]
    price: str
    charge: int
    budget_left: int
    budget_total: int
    receipt: str


class RefusalBody(Struct):
    """A no: its `code`, what was refused, why, and the smallest change that would help. A refused question has a `use`
    and a `receipt` too."""

    code: str
    message: str
    reasons: list[str]
    remedy: str
    use: str = ""
    receipt: str = ""


class FaultBody(Struct):
    """Something was wrong with the request, or with the node: its `code`, what, and what to do."""

    code: str
    message: str
    remedy: str
