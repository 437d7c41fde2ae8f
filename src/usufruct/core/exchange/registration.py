"""What may be registered: services, clients, access rights, links to other nodes.

Ids are those of X-Road: `instance/class/member/subsystem`, and a service code behind it for a service. The parts are
kept decoded and joined by `/`, which none of them may hold. Addresses are the steward's, never a caller's; what they
resolve to is checked again whenever a connection is opened.
"""

from __future__ import annotations

import re

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import xroad
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.exchange.facts import (
    ClientRegistered,
    NodeLinked,
    ServiceClosed,
    ServiceOpened,
    ServiceRegistered,
    ServiceWithdrawn,
)
from usufruct.core.exchange.state import OWN, AccessRight, Client, LinkedNode, Service, subsystem_of
from usufruct.core.proof.checkpoint import parse_vkey
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import purposes as tree

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
RESERVED = ("listMethods", "allowedMethods", "getOpenAPI", "listClients", "listCalls")  # what the node answers itself
GRADE_LIMIT = 4  # what is graded above never leaves a node

_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[!-~]*)?")
_PERSON = re.compile(r"path:[1-9][0-9]?|query:[A-Za-z0-9._~-]{1,64}|")
_PREFIX = re.compile(r"[a-z0-9-]{0,32}")


def register_service(read: Reader, wanted: ServiceRegistered) -> ServiceRegistered | Refusal:
    """A service, as the steward describes it.

    Raises:
        BadInput: the description contradicts itself.
    """
    service = xroad(wanted.service, (5,), "a service")
    not_done = f"service `{service}` was not registered"
    code = service.rpartition("/")[2]
    if code in RESERVED:
        raise BadInput("input.xroad", f"`{code}` is a service that every node answers itself", "choose another code")
    _check_description(wanted)
    if not 0 <= wanted.grade <= GRADE_LIMIT:
        return refuse(
            "access.grade", not_done, f"what is graded {wanted.grade} never leaves a node",
            remedy=f"register services of grade {GRADE_LIMIT} or less",
        )  # fmt: skip
    if read.get(Party, wanted.publisher) is None:
        return refuse(
            "registry.unknown",
            not_done,
            f"there is no party `{wanted.publisher}`",
            remedy="register the publisher first",
        )
    known = read.get(Service, service)
    if known is not None and known.open:
        return refuse(
            "registry.exists", not_done, "a service of that id is there already",
            remedy="withdraw it first, or choose another code",
        )  # fmt: skip
    methods = tuple(method for method in METHODS if method in wanted.methods)
    return ServiceRegistered(
        service, wanted.publisher, holdable(wanted.title.strip()), wanted.url.rstrip("/"), normal_purposes(wanted.purposes),
        methods, wanted.grade, wanted.person, wanted.prefix, wanted.description, wanted.private,
    )  # fmt: skip


def _check_description(wanted: ServiceRegistered) -> None:
    if not wanted.title.strip():
        raise BadInput("input.service", "the service has no title", "give one that the people it is about understand")
    unknown = set(wanted.methods) - set(METHODS)
    if unknown or not wanted.methods:
        raise BadInput("input.service", "the methods cannot be", f"name at least one of {', '.join(METHODS)}")
    if not _PERSON.fullmatch(wanted.person) or not _PREFIX.fullmatch(wanted.prefix):
        raise BadInput(
            "input.service", f"`{wanted.person}` does not say where a call says whom it is about",
            "write path:2 for the second segment behind the service code, or query:code for a parameter; and a prefix in "
            "small letters, digits and hyphens",
        )  # fmt: skip
    if wanted.url not in OWN.values():
        checked_url(wanted.url)
    if wanted.description:
        checked_url(wanted.description)


def checked_url(url: str) -> str:
    """`url` without a final slash, if a service can lie there.

    Raises:
        BadInput: not http or https, no host, or with a query, a fragment, a name or a password.
    """
    if _URL.fullmatch(url) and not set(url) & set("?#@\\"):
        return url.rstrip("/")
    raise BadInput(
        "input.url",
        f"`{url}` cannot be the address of a service",
        "write http:// or https://, a host, and a path if any",
    )


def normal_purposes(names: tuple[str, ...]) -> tuple[str, ...]:
    """The purposes that these names spell.

    Raises:
        BadInput: none is named, or one is not in the tree.
    """
    if not names:
        raise BadInput("input.purpose", "no purpose is named", "name at least one; no purpose means no use")
    return tuple(dict.fromkeys(map(tree.checked, names)))


def withdraw_service(read: Reader, service: str) -> ServiceWithdrawn | Refusal:
    """The steward takes a service back, from everybody."""
    row = read.get(Service, service)
    if row is None or not row.open:
        return _unknown("service", service)
    return ServiceWithdrawn(service)


def register_client(read: Reader, client: str, party: str, via: str, key: str) -> ClientRegistered | Refusal:
    """A calling system and whose it is; a second time to give it another way to prove itself.

    Raises:
        BadInput: the id or the key cannot be.
    """
    client = xroad(client, (3, 4), "a client")
    if key:
        try:
            parse_vkey(key)
        except ValueError as error:
            raise BadInput("input.key", str(error), "give the public key that the other node prints") from None
    for name in (party, via):
        if read.get(Party, name) is None:
            return refuse(
                "registry.unknown", f"client `{client}` was not registered", f"there is no party `{name}`",
                remedy="register the party first",
            )  # fmt: skip
    known = read.get(Client, client)
    if known is not None and known.party != party:
        return refuse(
            "registry.exists", f"client `{client}` was not registered", f"it belongs to `{known.party}`",
            remedy="a system that changes hands gets another subsystem code",
        )  # fmt: skip
    return ClientRegistered(client, party, via, key)


def open_service(
    read: Reader, service: str, client: str, purposes: tuple[str, ...], default: str, until: Instant | None, at: Instant
) -> ServiceOpened | Refusal:
    """The steward lets a client call a service; a second time in place of the first.

    Raises:
        BadInput: a purpose is not in the tree, or the default is not among those allowed.
    """
    not_done = f"`{service}` was not opened to `{client}`"
    allowed = normal_purposes(purposes)
    chosen = normal_purposes((default,))[0] if default else ""
    if chosen and not any(tree.covers(broader, chosen) for broader in allowed):
        raise BadInput("input.purpose", f"the default `{default}` is not among the purposes", "allow it too")
    row = read.get(Service, service)
    if read.get(Client, client) is None:
        return _unknown("client", client)
    if (row is None or not row.open) and read.get(LinkedNode, subsystem_of(service)) is None:
        return _unknown("service", service)
    own = row.purposes if row and row.open else (tree.ROOT,)
    beyond = [p for p in allowed if not any(tree.covers(broader, p) for broader in own)]
    if beyond:
        return refuse(
            "access.purpose", not_done, f"the service itself is not for {beyond[0]}",
            remedy=f"open it for {', '.join(own)}, or what is narrower",
        )  # fmt: skip
    if until is not None and until <= at:
        return refuse("contract.terms", not_done, "it would have ended already", remedy="open it until a later day")
    return ServiceOpened(service, client, allowed, chosen, until or END_OF_TIME)


def close_service(read: Reader, service: str, client: str) -> ServiceClosed | Refusal:
    """The steward takes an access right back."""
    row = read.get(AccessRight, service, client)
    if row is None or not row.open:
        return _unknown("access right", f"{service} {client}")
    return ServiceClosed(service, client)


def link_node(subsystem: str, url: str, private: bool) -> NodeLinked:
    """Says which node answers for a subsystem.

    Raises:
        BadInput: the id or the address cannot be.
    """
    if checked_url(url).count("/") > 2:
        raise BadInput("input.url", f"`{url}` has a path", "name scheme, host and port of the other node only")
    return NodeLinked(xroad(subsystem, (4,), "a subsystem"), url.rstrip("/"), private)


def _unknown(what: str, name: str) -> Refusal:
    return refuse(
        "registry.unknown", "nothing was done", f"there is no {what} `{name}`", remedy="see `usufruct service list`"
    )
