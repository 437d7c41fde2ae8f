"""What can have happened to a right after it was granted."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact


@dataclass(frozen=True, slots=True)
class RightTransferred(Fact):
    """`by` gave the right up wholly, and `to` has it instead.

    `becomes` is the id under which `to` has it. Where that is `right` itself, what rested on it stays; where it is a new
    one, all that rested on the old one ended.
    """

    KIND = "right.transferred/1"
    right: str
    asset: str
    by: str
    to: str
    becomes: str

    def about(self) -> tuple[str, ...]:
        return (self.by, self.to)


@dataclass(frozen=True, slots=True)
class RightPledged(Fact):
    """`pledger` lent the right `rests_on` to `to`, for the pilot of that name, until `until`; `id` is what is lent.

    While an `exclusive` pledge lasts nobody else can use the right, the pledger neither.
    """

    KIND = "right.pledged/1"
    id: str
    rests_on: str
    asset: str
    right: str
    pledger: str
    to: str
    pilot: str
    until: Instant
    purposes: tuple[str, ...]
    columns: tuple[str, ...] = ()
    may_grant: bool = False
    further: int | None = None
    exclusive: bool = False

    def about(self) -> tuple[str, ...]:
        return (self.pledger, self.to)


@dataclass(frozen=True, slots=True)
class RightReleased(Fact):
    """`by`, who held the right, gave it back to `to` before its end; what rested on it ended with it."""

    KIND = "right.released/1"
    right: str
    asset: str
    by: str
    to: str

    def about(self) -> tuple[str, ...]:
        return (self.by, self.to)


@dataclass(frozen=True, slots=True)
class RightRevoked(Fact):
    """`by` took the right from `holder`, and with it ended all that rested on it, at once."""

    KIND = "right.revoked/1"
    right: str
    asset: str
    by: str
    holder: str

    def about(self) -> tuple[str, ...]:
        return (self.by, self.holder)
