"""Which versions of the Dataspace Protocol a connector speaks, and where (section "Exposure of Versions")."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.dataspace.messages import VERSION

BINDING = "HTTPS"


@dataclass(frozen=True, slots=True)
class Version:
    """A version spoken at `path`, below the root at which it was asked for; `auth` is protocol and version of how to show
    oneself there (`DCP`, `1.0`), with its `profiles`; all empty if that is not said."""

    version: str
    path: str
    binding: str = BINDING
    auth: tuple[str, str] = ("", "")
    profiles: tuple[str, ...] = ()
    service: str = ""
    identifiers: str = ""  # identifierType, as `did:web`


def base(root: str, versions: tuple[Version, ...]) -> str | None:
    """Where a connector whose root this is speaks our version; None if it does not. Of several the first."""
    for one in versions:
        if one.version == VERSION and one.binding == BINDING:
            return root.rstrip("/") + "/" + one.path.strip("/") if one.path.strip("/") else root.rstrip("/")
    return None
