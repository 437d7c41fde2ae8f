"""What can have happened between two parties."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.rulebook.bases import CONSENT
from usufruct.core.terms.model import Ruleset


@dataclass(frozen=True, slots=True)
class Terms:
    """What is offered or agreed: the `form` of answer (see `grades.FORMS`), for which `purposes` (each covers what is
    narrower), at what `price` in minor units of `currency` a question, for how many `years` from the agreement on.

    `basis` is the legal basis of the use of persons' data (see `bases.BASES`); with `ask_first` only those persons count who
    said yes to a request of the consumer. `rules` are further permissions, prohibitions and duties; without any, what the
    other fields say is permitted.
    """

    form: str
    purposes: tuple[str, ...]
    price: int
    currency: str
    years: int
    basis: str = CONSENT
    ask_first: bool = False
    rules: Ruleset | None = None


@dataclass(frozen=True, slots=True)
class OfferPublished(Fact):
    """`provider` offers uses of an asset on these terms, until `until`. A `standing` offer is agreed to at once when
    somebody requests it unchanged."""

    KIND = "offer.published/1"
    offer: str
    asset: str
    provider: str
    terms: Terms
    until: Instant
    standing: bool = False

    def about(self) -> tuple[str, ...]:
        return (self.provider,)


@dataclass(frozen=True, slots=True)
class OfferWithdrawn(Fact):
    """Nobody can request the offer any more; agreements reached on it stay."""

    KIND = "offer.withdrawn/1"
    offer: str


@dataclass(frozen=True, slots=True)
class NegotiationMoved(Fact):
    """One side sent `message` and the negotiation came to `state`; see `negotiation.MOVES`. `reasons` are what another node
    gave for ending it, or was given."""

    KIND = "negotiation.moved/1"
    negotiation: str
    offer: str
    provider: str
    consumer: str
    by: str
    message: str
    state: str
    reasons: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.provider, self.consumer)


@dataclass(frozen=True, slots=True)
class AgreementReached(Fact):
    """Provider and consumer agreed; `right` is the provider's right to use that the agreement rests on."""

    KIND = "agreement.reached/1"
    agreement: str
    negotiation: str
    offer: str
    asset: str
    provider: str
    consumer: str
    terms: Terms
    until: Instant
    right: str

    def about(self) -> tuple[str, ...]:
        return (self.provider, self.consumer)


@dataclass(frozen=True, slots=True)
class AgreementEnded(Fact):
    """One side ended the agreement; no use is admitted under it from here on."""

    KIND = "agreement.ended/1"
    agreement: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class DutyReported(Fact):
    """The provider says that a duty of the agreement's rules was fulfilled, or that it was violated."""

    KIND = "duty.reported/1"
    agreement: str
    duty: str
    fulfilled: bool
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)
