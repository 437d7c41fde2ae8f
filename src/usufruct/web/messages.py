"""The bodies of the HTTP API: what programs send. What they get back are the node's own records."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from usufruct.core.privacy.release import DeclaredNoise, Expected
from usufruct.core.rulebook.levy import Surcharge

Id = Annotated[str, Meta(min_length=1, max_length=63, description="small letters, digits and hyphens")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Form = Literal["rows", "masked", "cubes", "aggregates", "computation"]
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
    evidence: Text = ""


class NewVerification(Struct, forbid_unknown_fields=True):
    """How the operator found out who a party is, and until when it goes by that (a year unless said)."""

    evidence: Text
    until: Day | None = None


class EndedVerification(Struct, forbid_unknown_fields=True):
    """Why the operator no longer goes by it."""

    evidence: Text


class NewRight(Struct, forbid_unknown_fields=True):
    """A right to pass on to `grantee`; what is not said goes as far as it does for who passes it on."""

    grantee: Id
    right: Text
    until: Day | None = None
    may_grant: bool = False
    further: Annotated[int, Meta(ge=1, le=31)] | None = None
    purposes: Annotated[list[Purpose], Meta(max_length=50)] = []
    columns: Annotated[list[Text], Meta(max_length=1000)] = []


class NewTransfer(Struct, forbid_unknown_fields=True):
    """Whom a right is given up to; what rests on it stays (`keeps: true`) or ends."""

    to: Id
    keeps: bool


class NewPledge(Struct, forbid_unknown_fields=True):
    """To whom a right is lent, for which pilot and until when; `exclusive` leaves it to nobody else meanwhile."""

    to: Id
    pilot: Id
    until: Day
    exclusive: bool = False
    may_grant: bool = False
    further: Annotated[int, Meta(ge=1, le=31)] | None = None
    purposes: Annotated[list[Purpose], Meta(max_length=50)] = []
    columns: Annotated[list[Text], Meta(max_length=1000)] = []


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
    until: Day | None = None


class EndedTransform(Struct, forbid_unknown_fields=True):
    """Why a transform's evidence no longer holds."""

    why: Text


class NewOffer(Struct, forbid_unknown_fields=True):
    """An offer of the operator. `price` as `5.00 EUR` for one question, or of another model (see `core.access.pricing`)."""

    offer: Id
    asset: Id
    purposes: Annotated[list[Purpose], Meta(min_length=1, max_length=50)]
    price: Text
    form: Text = "aggregates"
    years: Annotated[int, Meta(ge=1, le=30)] = 1
    until: Day | None = None
    standing: bool = False
    basis: Text = "Consent"
    ask_first: bool = False
    odrl: Annotated[str, Meta(max_length=1_048_576, description="further rules: ODRL as JSON-LD or Turtle")] = ""
    templates_only: Annotated[bool, Meta(description="for approved templates alone")] = False


class NewCellOffer(Struct, forbid_unknown_fields=True):
    """What a member's own cell is offered for, at what price a question."""

    purposes: Annotated[list[Purpose], Meta(min_length=1, max_length=50)]
    price: Text
    years: Annotated[int, Meta(ge=1, le=30)] = 1


class NewPool(Struct, forbid_unknown_fields=True):
    """The charter of a pool as TOML, and the cooperative that adopts it."""

    cooperative: Id
    charter: Annotated[str, Meta(min_length=1, max_length=200_000)]


class NewMembership(Struct, forbid_unknown_fields=True):
    """With which of her cells a member joins, and the digest of the `charter` that she read."""

    cell: Id
    charter: Text


class Message(Struct, forbid_unknown_fields=True):
    """A move in a negotiation: request, offer, accept, agree, verify, finalize or terminate."""

    message: Text


class NewQuestion(Struct, forbid_unknown_fields=True):
    """A question in SQL and what it is for. `micro_rho` is how much privacy budget it may spend, in millionths of rho;
    `hold` the ground on which the use is to be withheld from the persons concerned, for `hold_days`. A person counts in at
    most `groups_per_person` groups with at most `rows_per_group` rows in each; fewer make the noise smaller. What was asked
    before is answered as before and costs nothing, unless it is asked `anew`."""

    sql: Annotated[str, Meta(max_length=10_001)]
    purpose: Purpose
    micro_rho: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    hold: Text = ""
    hold_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    groups_per_person: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    rows_per_group: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    anew: bool = False


ColumnName = Annotated[str, Meta(min_length=1, max_length=200)]
ColumnPair = Annotated[list[ColumnName], Meta(min_length=2, max_length=2)]
Condition = Annotated[str, Meta(max_length=5_000, description="as after WHERE in SQL")]
MicroRho = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class NewFit(Struct, forbid_unknown_fields=True):
    """A model to be fitted in the node; see `usufruct train`. `parameters` are decimals written as text."""

    estimator: Text
    asset: Text
    label: ColumnName
    features: Annotated[list[ColumnName], Meta(min_length=1, max_length=50)]
    purpose: Purpose
    parameters: Annotated[dict[str, Text], Meta(max_length=10)] = {}
    where: Condition = ""
    out: Text = "model"
    holdout: int = 20
    rows_per_person: int | None = None
    bins: int = 16
    pairs: Annotated[list[ColumnPair], Meta(max_length=200)] = []
    micro_rho: MicroRho | None = None
    validation: Annotated[str, Meta(max_length=8_388_608, description="labelled rows of your own, as CSV")] = ""
    measure: Text = "neighbours"


class NewProduct(Struct, forbid_unknown_fields=True):
    """A synthetic table to be made and registered as `product`; see `usufruct synthesize`."""

    product: Id
    asset: Text
    title: Text
    columns: Annotated[list[ColumnName], Meta(min_length=2, max_length=50)]
    purpose: Purpose
    pairs: Annotated[list[ColumnPair], Meta(max_length=200)] = []
    checks: Annotated[list[ColumnPair], Meta(max_length=200)] = []
    where: Condition = ""
    rows_per_person: int | None = None
    bins: int = 16
    micro_rho: MicroRho | None = None


class DutyWord(Struct, forbid_unknown_fields=True):
    """What became of a duty."""

    duty: Text
    fulfilled: bool


class TriedRequest(Struct, forbid_unknown_fields=True):
    """What would be asked: which columns of an asset, for what, in which form."""

    asset: Text
    purpose: Purpose
    form: Form = "aggregates"
    columns: Annotated[list[Text], Meta(max_length=1_000)] = []


class Erasure(Struct, forbid_unknown_fields=True):
    """The person to be erased, named once more."""

    member: Id


class NewHold(Struct, forbid_unknown_fields=True):
    """Who may withhold its uses, on which ground, for how many days at the longest, and the law that allows it."""

    party: Id
    ground: Text
    days: Annotated[int, Meta(ge=0, le=3650)]
    basis: Text


class RowsBody(Struct, forbid_unknown_fields=True):
    """Only rows whose `column` lies from `low` to `high` (as `12.50`), or holds one of `values`."""

    column: Text
    low: Annotated[str, Meta(max_length=40)] = ""
    high: Annotated[str, Meta(max_length=40)] = ""
    values: Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(max_length=50)] = []


class ConditionsBody(Struct, forbid_unknown_fields=True):
    """What a consent is limited to; see the docs on rights and consent."""

    mode: Text = "store"
    until: Day | None = None
    uses: Annotated[int, Meta(ge=0)] = 0
    frequency: Annotated[int, Meta(ge=0)] = 0
    per: Annotated[str, Meta(max_length=10)] = ""
    rows: Annotated[list[RowsBody], Meta(max_length=50)] = []
    recipients: Annotated[list[Text], Meta(max_length=50)] = []
    agreements: Annotated[list[Id], Meta(max_length=50)] = []


class Word(Struct, forbid_unknown_fields=True):
    """A member's yes (`consent: true`) or no, for herself or for a ward; `notice` is the digest of what she read."""

    asset: Id
    purpose: Purpose
    consent: bool
    conditions: ConditionsBody | None = None
    notice: Annotated[str, Meta(max_length=64)] = ""
    ward: Annotated[str, Meta(max_length=63)] = ""


class NewNotice(Struct, forbid_unknown_fields=True):
    """A yes that she thinks of, to see what it would mean."""

    asset: Id
    purpose: Purpose
    conditions: ConditionsBody | None = None
    ward: Annotated[str, Meta(max_length=63)] = ""


class NewObjection(Struct, forbid_unknown_fields=True):
    """A member's objection to uses on a legal basis, as `LegitimateInterest`; none means on any. With `lift`, its end."""

    asset: Id
    purpose: Purpose
    basis: Annotated[str, Meta(max_length=100)] = ""
    ward: Annotated[str, Meta(max_length=63)] = ""
    lift: bool = False


class NewConsentRequest(Struct, forbid_unknown_fields=True):
    """What all members in an asset are asked, in the asker's own words, for so many days; with `member`, she alone."""

    asset: Id
    purpose: Purpose
    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    conditions: ConditionsBody | None = None
    days: Annotated[int, Meta(ge=1, le=366)] = 30
    member: Annotated[str, Meta(max_length=63)] = ""


class NewAnswer(Struct, forbid_unknown_fields=True):
    """yes, no or later. A yes may be narrower than what was asked, and carries the digest of the notice; later, `days`."""

    answer: Text
    notice: Annotated[str, Meta(max_length=64)] = ""
    purpose: Annotated[str, Meta(max_length=100)] = ""
    conditions: ConditionsBody | None = None
    days: Annotated[int, Meta(ge=1, le=366)] = 7
    ward: Annotated[str, Meta(max_length=63)] = ""


class NewGuardian(Struct, forbid_unknown_fields=True):
    """Who speaks for whom, until when, and where that can be seen."""

    guardian: Id
    ward: Id
    until: Day
    evidence: Text


class GuardianRelief(Struct, forbid_unknown_fields=True):
    """Who speaks for whom no more, and where that can be seen."""

    guardian: Id
    ward: Id
    evidence: Text


class NewSharedRecords(Struct, forbid_unknown_fields=True):
    """Members whose records are about all of them."""

    members: Annotated[list[Id], Meta(min_length=2, max_length=50)]
    evidence: Text


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


class NewCube(Struct, forbid_unknown_fields=True):
    """A table of totals to declare: persons counted, and `sums` added up, by `keys`, of those who allow `purpose`; no figure
    about fewer than `least` persons."""

    cube: Id
    asset: Id
    keys: Annotated[list[Text], Meta(min_length=1, max_length=4)]
    purpose: Purpose
    sums: Annotated[list[Text], Meta(max_length=20)] = []
    least: Annotated[int, Meta(ge=0, le=10_000)] = 0


class NewDelivery(Struct, forbid_unknown_fields=True):
    """What a cube is wanted for; `hold` as in a question."""

    purpose: Purpose
    hold: Text = ""
    hold_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class MaskBody(Struct, forbid_unknown_fields=True):
    """How a column is masked: `show`, `omit`, or `band` with a `width` as `5.00`."""

    column: Text
    rule: Literal["show", "band", "omit"]
    width: Annotated[str, Meta(max_length=40)] = ""


class NewMask(Struct, forbid_unknown_fields=True):
    """How masked rows are made; `least` persons at least must be alike, and rows are `linked` by pseudonyms or not."""

    columns: Annotated[list[MaskBody], Meta(max_length=1_000)] = []
    least: Annotated[int, Meta(ge=0, le=10_000)] = 0
    linked: bool = True


class LearntBody(Struct):
    """What came of a fit or a synthesis: `scores`, a table (`measures` hold decimals as text), the `model`, cost and receipt."""

    use: str
    meaning: str
    purpose: str
    agreement: str
    scores: dict[str, str]
    columns: list[str]
    rows: list[list[Any]]
    measures: list[str]
    model: dict[str, Any] | None
    notes: list[str]
    price: str
    charge: int
    budget_left: int
    budget_total: int
    receipt: str


class AnswerBody(Struct):
    """An answer: `columns` and `rows` of a table (`measures` hold decimals as text), how to read it, what it cost (in
    micro-rho and nano-delta), its receipt as text, and the `spread`: the noise on each number. `repeated`: it was given
    before, and cost nothing now. `form` is that of the answer. `levies` (in minor units) are owed on top."""

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
    nano_delta: int = 0
    spread: list[DeclaredNoise] = []
    repeated: bool = False
    form: str = "aggregates"
    levies: list[Surcharge] = []


class PreviewBody(Struct):
    """What a question would cost, in micro-rho and nano-delta, and the `margins` its measures would have; `milliseconds`
    until the answer would leave. The `levies` would be owed on top of the price."""

    meaning: str
    charge: int
    nano_delta: int
    budget_left: int
    budget_total: int
    price: str
    margins: list[Expected]
    notes: list[str]
    milliseconds: int
    levies: list[Surcharge] = []


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
