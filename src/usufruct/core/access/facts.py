"""What a person can have said about the use of data that are about her."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact


@dataclass(frozen=True, slots=True)
class ConsentGiven(Fact):
    """`party` consents to uses of the asset for `purpose` and what is narrower."""

    KIND = "consent.given/1"
    asset: str
    party: str
    purpose: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class ConsentRefused(Fact):
    """`party` refuses uses of the asset for `purpose` and what is narrower, and takes back consents given there.

    With the root of the purpose tree: every use.
    """

    KIND = "consent.refused/1"
    asset: str
    party: str
    purpose: str

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
