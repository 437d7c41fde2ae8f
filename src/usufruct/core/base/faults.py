"""Faults: the exceptions of the project.

There are three kinds of no. A `Refusal` (see `refusals`) is a value: the rules were asked and said no. A fault is an
exception: something was wrong with what came in, or with the node itself. A bug is an assertion and stops the work.

    Fault                 has a code, what was wrong, and what to do about it
    ├── BadInput          theirs: it cannot be read or contradicts itself; nothing was done
    ├── Unwelcome         theirs: no or wrong credentials
    └── NodeFault         ours: the node cannot go on; nothing acknowledged is lost
        ├── ClockWentBack
        ├── NodeBusy      a second process holds the node's directory
        ├── StoreFull
        ├── JournalDamaged
        ├── EngineFault   the query engine failed or ran over its limits
        └── PeerFault     somebody else's server failed us
"""

from __future__ import annotations


class Fault(Exception):
    """Something is wrong; `code` names it, `remedy` says what would help."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


class BadInput(Fault):
    """What came in cannot be read or contradicts itself."""


class Unwelcome(Fault):
    """No credentials, wrong credentials, or credentials that do not reach this far."""


class NodeFault(Fault):
    """The node itself cannot go on."""


class ClockWentBack(NodeFault):
    """The machine's clock is behind the last fact."""


class NodeBusy(NodeFault):
    """Another process holds the node's directory."""


class StoreFull(NodeFault):
    """The disk took no more bytes; the batch was undone."""


class JournalDamaged(NodeFault):
    """The journal contradicts itself."""


class EngineFault(NodeFault):
    """The query engine failed or ran over its limits."""


class PeerFault(NodeFault):
    """Somebody else's server did not answer, or not as it must."""
