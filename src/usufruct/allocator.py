"""The door to where allocations are worked out and checked: a port like those of `ports`, in a file of its own."""

from __future__ import annotations

from typing import Protocol

from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation.certificate import Checked
from usufruct.core.work.allocation.instance import Allocation, Instance


class Allocator(Protocol):
    """Works out the one right allocation of an instance and a seed, and checks certificates. Whoever stands here gives the same
    bytes as `core.work.allocation`, sooner."""

    def missing(self, pairs: int) -> str | None:
        """The extra that should be installed for a round of so many pairs, which would take minutes without; None if none."""

    def match(self, instance: Instance, seed: bytes) -> Allocation:
        """The allocation by the instance's rule: the best for the workers of all stable ones, or the one with the largest sum
        and the highest prices."""

    def check(self, instance_bytes: bytes, certificate_bytes: bytes) -> Refusal | Checked:
        """Whether the certificate proves its allocation of the instance. The words are the core's."""
