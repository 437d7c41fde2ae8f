"""What a person can have said about the use of data that are about her."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.access.consent_conditions import ANY, Conditions
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.terms.model import Ruleset


@dataclass(frozen=True, slots=True)
class ConsentGiven(Fact):
    """`party` consents to uses of the asset for `purpose` and what is narrower, on `conditions`.

    `version` numbers her words on the asset from 1 (0: it was not numbered); `notice` is the SHA-256 of what she was shown;
    `request` is what she answers, `by` the guardian who speaks for her.
    """

    KIND = "consent.given/1"
    asset: str
    party: str
    purpose: str
    version: int = 0
    notice: str = ""
    conditions: Conditions = ANY
    request: str = ""
    by: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class ConsentRefused(Fact):
    """`party` refuses uses of the asset for `purpose` and what is narrower, and takes back consents given there.

    With the root of the purpose tree: every use. With a `recipient`: uses by that party only. The rest as in
    `ConsentGiven`.
    """

    KIND = "consent.refused/1"
    asset: str
    party: str
    purpose: str
    version: int = 0
    notice: str = ""
    recipient: str = ""
    request: str = ""
    by: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class ConsentsRecorded(Fact):
    """Consents collected before the asset came to the node: the persons with these numbers consented to `purpose`.

    One fact for many persons; `evidence` is where the holder keeps the signed forms.
    """

    KIND = "consents.recorded/1"
    asset: str
    purpose: str
    numbers: tuple[int, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class UseObjected(Fact):
    """`party` objects to uses for `purpose` that rest on `basis` (none: on whichever), as GDPR article 21 lets her.

    It beats every permission, and no consent lifts it. For direct marketing it counts on every basis.
    """

    KIND = "use.objected/1"
    asset: str
    party: str
    purpose: str
    basis: str
    version: int
    by: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class ObjectionLifted(Fact):
    """`party` takes that objection back; whatever else she said stays."""

    KIND = "objection.lifted/1"
    asset: str
    party: str
    purpose: str
    basis: str
    version: int

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class UsedWord:
    """Word `version` of person `number` of an asset."""

    number: int
    version: int


@dataclass(frozen=True, slots=True)
class ConsentsUsed(Fact):
    """`use` rests on these words, whose uses are counted; recorded together with its admission.

    It is in nobody's own history: a receipt of it would show each of them the others.
    """

    KIND = "consents.used/1"
    use: str
    asset: str
    words: tuple[UsedWord, ...]


@dataclass(frozen=True, slots=True)
class RecordsShared(Fact):
    """The records of the persons with these numbers are about all of them (a household, a pair): none is used unless
    each lets it be used. `evidence` says how that is known."""

    KIND = "records.shared/1"
    asset: str
    numbers: tuple[int, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class ConsentRequested(Fact):
    """`asker` asks the persons of an asset, or `party` alone, for consent to `purpose` on `conditions`, until `until`.

    `text` are the asker's own words; `notice` is the SHA-256 of all that is shown with them.
    """

    KIND = "consent.requested/1"
    request: str
    asset: str
    asker: str
    purpose: str
    text: str
    notice: str
    until: Instant
    conditions: Conditions = ANY
    party: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.asker, self.party) if self.party else (self.asker,)


@dataclass(frozen=True, slots=True)
class RequestDeferred(Fact):
    """`party` will answer later, and does not want to be reminded before `until`."""

    KIND = "request.deferred/1"
    request: str
    party: str
    until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class RequestWithdrawn(Fact):
    """The asker takes a request back; what was answered stays."""

    KIND = "request.withdrawn/1"
    request: str
    asker: str

    def about(self) -> tuple[str, ...]:
        return (self.asker,)


@dataclass(frozen=True, slots=True)
class GuardianAppointed(Fact):
    """`guardian` speaks for `ward` until `until` (her majority, or the day that the appointment ends); `evidence` says
    where the appointment can be seen."""

    KIND = "guardian.appointed/1"
    guardian: str
    ward: str
    until: Instant
    evidence: str

    def about(self) -> tuple[str, ...]:
        return (self.guardian, self.ward)


@dataclass(frozen=True, slots=True)
class GuardianshipEnded(Fact):
    """The guardian no longer speaks for the ward, before the time was over; the consents that he gave end with it."""

    KIND = "guardianship.ended/1"
    guardian: str
    ward: str
    evidence: str

    def about(self) -> tuple[str, ...]:
        return (self.guardian, self.ward)


@dataclass(frozen=True, slots=True)
class HoldAllowed(Fact):
    """`party` may have its uses withheld on `ground`, for `days` at the longest, under a law that `basis` names.

    With 0 days: no longer.
    """

    KIND = "hold.allowed/1"
    party: str
    ground: str
    days: int
    basis: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class UseHeld(Fact):
    """What a use did, or a call, is withheld from the persons concerned, on `ground`, until `until`; then it opens by itself.

    It is recorded together with that. That the use happened is counted by each of them, and in public.
    """

    KIND = "use.held/1"
    use: str
    requester: str
    ground: str
    until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.requester,)


@dataclass(frozen=True, slots=True)
class Mandate:
    """How far a delegation goes: which `acts` (see `delegation.ACTS`) on which `assets` (and jobs, see `delegation.WORK`),
    for which `purposes` and what is narrower, in which `forms`; at most `uses` in all, at `price` a use and for `money` in
    all, in minor units of `currency`.

    With `further` the agent may delegate it on, so many times one after the other. `rules` are further ones. What is not
    said is not delegated: without `money` nothing may be spent; but without `uses`, or `price`, there is no such limit.
    """

    assets: tuple[str, ...]
    purposes: tuple[str, ...]
    currency: str
    acts: tuple[str, ...] = ("ask",)
    forms: tuple[str, ...] = ("aggregates",)
    uses: int | None = None
    price: int | None = None
    money: int = 0
    further: int = 0
    rules: Ruleset | None = None


@dataclass(frozen=True, slots=True)
class DelegationGranted(Fact):
    """`agent` may act for `principal` within the mandate, until `until`."""

    KIND = "delegation.granted/1"
    delegation: str
    principal: str
    agent: str
    mandate: Mandate
    until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.principal, self.agent)


@dataclass(frozen=True, slots=True)
class DelegationEnded(Fact):
    """The agent acts for the principal no more under this delegation; `by` is one of them, or who answers for the agent."""

    KIND = "delegation.ended/1"
    delegation: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class DelegationUsed(Fact):
    """`actors` act for `principal` under these delegations, one for each: `act` on the negotiation or agreement `on`.

    Who speaks first stands first. `money` is what the principal is bound to by it, and so many `uses` are counted. It is
    recorded together with the act; uses of data say it of themselves.
    """

    KIND = "delegation.used/1"
    principal: str
    actors: tuple[str, ...]
    delegations: tuple[str, ...]
    act: str
    on: str
    money: int = 0
    uses: int = 0

    def about(self) -> tuple[str, ...]:
        return (self.principal, *self.actors)
