"""Who somebody is, by what others say of her and by her keys: credentials shown and issued, keys registered.

Showing a credential goes: nonce → holder signs it → used up → issuer's keys fetched → signatures verified → status list
fetched and verified → facts. The nonce is used up before anything is fetched, so nobody without one can make this node
ask others, and a presentation that somebody overheard is worth nothing. What is fetched is fetched outside the writer's
turn; only facts go through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput, NodeFault, PeerFault
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import END_OF_TIME, Instant, later, moment
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry import credentials, keys
from usufruct.core.registry.credentials import (
    Credential,
    CredentialAccepted,
    CredentialEnded,
    CredentialIssued,
    CredentialRevoked,
    IssuedCredential,
    Listed,
    Scalar,
    Shown,
    StatusList,
    StatusReference,
    TrustedIssuer,
)
from usufruct.core.registry.keys import KeyRegistered, KeyRevoked, PartyKey
from usufruct.core.registry.rules import find_party, id_of
from usufruct.core.registry.state import Party
from usufruct.node import login
from usufruct.node.node import Node
from usufruct.ports import Transaction

NONCE_MINUTES = 10
RECHECK_SECONDS = 900  # status lists are read again after so long, or sooner if they run out sooner
LIST_ROOM = 2**20  # credentials in this node's own status list, ever
LIST_SECONDS = 3600  # for how long the node's own list is good once it is signed
STATUS_PATH = "/api/v1/credentials/status"


# ---- credentials that parties show


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a holder signs: `nonce`, for `audience`, before `until`."""

    nonce: str
    audience: str
    until: Instant


def challenge(node: Node, party: str) -> Challenge:
    """A nonce for a party that wants to show a credential; good once."""
    with node.store.read() as state:
        found = find_party(state, party)
    if found is None:
        raise BadInput("input.party", f"there is no party `{party}`", "register the party first")
    until = later(node.clock.now(), minutes=NONCE_MINUTES)
    return Challenge(login.issue_nonce(node, found.id, until), node.about.url, until)


def present(node: Node, party: str, text: str, agreed: tuple[str, ...] = ()) -> CredentialAccepted | Refusal:
    """A party shows a credential, and agrees to have these of its claims kept and used by rules.

    Raises:
        BadInput: it is no credential.
        PeerFault: the issuer's keys or status list cannot be fetched now.
    """
    with node.store.read() as state:
        party = id_of(state, party)
    named = node.identities.credentials.named(text)
    if not login.use_nonce(node, party, named.nonce):
        return refuse(
            "identity.holder", "the credential was not accepted", "it does not answer a nonce that this node gave you",
            remedy="ask for a new nonce; each is good once, and for ten minutes",
        )  # fmt: skip
    trusted = _trusted(node, named.issuer, named.type)
    if trusted is None:
        return refuse(
            "identity.untrusted", "the credential was not accepted",
            f"this node trusts `{named.issuer}` for no credential `{named.type}`",
            remedy=f"ask the steward of {node.about.name} whose credentials are accepted",
        )  # fmt: skip
    at = node.clock.now()
    document = _document(node, trusted)
    shown = node.identities.credentials.verify(text, trusted, document, node.about.url, named.nonce, at)
    if isinstance(shown, Refusal):
        return shown
    listed = _listed(node, trusted, document, shown.status.uri, at) if shown.status.uri else None
    if isinstance(listed, Refusal):
        return listed
    if listed is not None and listed.value(shown.status.index) != 0:
        return refuse(
            "identity.status", "the credential was not accepted", "its issuer has revoked or suspended it",
            remedy="ask its issuer why",
        )  # fmt: skip
    return _accept(node, party, shown, trusted, listed, agreed)


def _accept(
    node: Node, party: str, shown: Shown, trusted: TrustedIssuer, listed: Listed | None, agreed: tuple[str, ...]
) -> CredentialAccepted | Refusal:
    def command(tx: Transaction) -> CredentialAccepted | Refusal:
        older = credentials.is_older(tx, shown.status.uri, listed) if listed else None
        if older is not None:  # somebody else has read a newer one since this was fetched
            return older
        found = credentials.accept(tx, numbered("credential", tx.next), party, shown, trusted, agreed)
        if isinstance(found, CredentialAccepted):
            tx.append(found)
            if listed is not None:
                _take(tx, found.status_uri, trusted.issuer, listed)
        return found

    return node.store.write(command)


def forget(node: Node, party: str, credential: str) -> CredentialEnded | Refusal:
    """A party takes a credential back: rules no longer use it."""

    def rule(tx: Transaction) -> CredentialEnded | Refusal:
        return credentials.end(tx, credential, id_of(tx, party), "forgotten")

    found = node.record(rule)
    assert isinstance(found, CredentialEnded | Refusal)
    return found


@dataclass(frozen=True, slots=True)
class CredentialLine:
    """A credential as its party sees it; `stands` in words."""

    id: str
    issuer: str
    type: str
    claims: dict[str, tuple[Scalar, ...]]
    until: Instant
    stands: str


def shown_by(node: Node, party: str) -> list[CredentialLine]:
    """The credentials that a party has shown, the newest first."""
    at = node.clock.now()
    with node.store.read() as state:
        rows = list(state.list(Credential, party=id_of(state, party)))
        counting = {row.id for row in rows if credentials.counts(state, row, at)}
    return [
        CredentialLine(
            row.id, row.issuer, row.type, {claim.name: claim.values for claim in row.claims}, row.until,
            "counts" if row.id in counting
            else f"ended: {credentials.ENDS[row.ended]}" if row.ended
            else "ran out" if at >= row.until
            else "waits for a fresh status list",
        )
        for row in reversed(rows)
    ]  # fmt: skip


def recheck(node: Node) -> str:
    """Reads status lists again that are due, and ends what was revoked or ran out; in words, what was done.

    Raises:
        NodeFault: a list cannot be had, or does not hold; the credentials on it lapse when the last reading runs out.
    """
    now = node.clock.now()
    with node.store.read() as state:
        counting = list(state.list(Credential, ended=""))
        lists = {row.status_uri: row for row in counting if now < row.until and row.status_uri}
        found = [(state.get(StatusList, uri), row.type) for uri, row in lists.items()]
    due = [(row, type) for row, type in found if row is not None and _due(row, now)]
    past = [row for row in counting if now >= row.until]
    ended = node.store.write(lambda tx: _end(tx, past, "expired")) if past else 0
    wrong = []
    for row, type in due:
        try:
            ended += _recheck(node, row, type, now)
        except (PeerFault, NodeFault) as fault:
            wrong.append(str(fault))
    if wrong:
        raise NodeFault("node.status", "; ".join(wrong), "see that the issuer's server can be reached")
    return f"{len(due)} status lists read, {ended} credentials ended" if due or ended else ""


def _due(row: StatusList, now: Instant) -> bool:
    half = (moment(row.until) - moment(row.read)) / 2
    return now >= later(row.read, seconds=min(RECHECK_SECONDS, half.total_seconds()))


def _recheck(node: Node, row: StatusList, type: str, now: Instant) -> int:
    trusted = _trusted(node, row.issuer, type)
    if trusted is None:
        return 0  # `recover` ended what was on it
    listed = _listed(node, trusted, _document(node, trusted), row.uri, now)
    if isinstance(listed, Refusal):
        raise NodeFault("node.status", str(listed), "see that the issuer publishes it anew")

    def command(tx: Transaction) -> int:
        return 0 if credentials.is_older(tx, row.uri, listed) else _take(tx, row.uri, row.issuer, listed)

    return node.store.write(command)


def _take(tx: Transaction, uri: str, issuer: str, listed: Listed) -> int:
    """Records a reading; how many credentials it ends."""
    facts = list(credentials.reading(tx, uri, issuer, listed))
    for fact in facts:
        tx.append(fact)
    return len(facts) - 1


def _end(tx: Transaction, which: list[Credential], why: str) -> int:
    facts = [credentials.end(tx, row.id, row.party, why) for row in which]
    ends = [fact for fact in facts if isinstance(fact, CredentialEnded)]
    for fact in ends:
        tx.append(fact)
    return len(ends)


def recover(node: Node) -> int:
    """Ends credentials of issuers whom the settings no longer trust; returns how many. Run when the node opens."""
    with node.store.read() as state:
        gone = [row for row in state.list(Credential, ended="") if _trusted(node, row.issuer, row.type) is None]
    return node.store.write(lambda tx: _end(tx, gone, "untrusted")) if gone else 0


def _trusted(node: Node, issuer: str, type: str) -> TrustedIssuer | None:
    return next((one for one in node.identities.trusted if (one.issuer, one.type) == (issuer, type)), None)


def _document(node: Node, trusted: TrustedIssuer) -> bytes:
    address = node.identities.credentials.document_of(trusted)
    return node.identities.documents.get(address, trusted.private) if address else b""


def _listed(node: Node, trusted: TrustedIssuer, document: bytes, uri: str, at: Instant) -> Listed | Refusal:
    """The issuer's status list, unless it is older than one that was read before."""
    text = node.identities.documents.get(uri, trusted.private)
    listed = node.identities.credentials.status_list(text, uri, trusted, document, at, node.identities.status_seconds)
    if isinstance(listed, Refusal):
        return listed
    with node.store.read() as state:
        return credentials.is_older(state, uri, listed) or listed


# ---- credentials that this node issues


def issue(
    node: Node, issuer: str, party: str, type: str, claims: Mapping[str, Scalar], holder: str, days: int
) -> str | Refusal:
    """A credential for one of the node's own, bound to `holder`, her public JWK; each claim hers to disclose or not.

    `issuer` is the node's did:web. What is claimed is in the credential only, and in no record.

    Raises:
        BadInput: it cannot be bound to that key, a claim's name is taken, or it would never end.
    """
    if not 1 <= days <= 3660:
        raise BadInput("input.days", f"a credential cannot live {days} days", "let it live 1 to 3660")
    type = holdable(type.strip())
    if not type:
        raise BadInput("input.credential", "the credential has no type", "give an address that names the type")

    def command(tx: Transaction) -> str | Refusal:
        who = find_party(tx, party)
        if who is None:
            return refuse(
                "registry.unknown", "no credential was issued", f"there is no party `{party}`",
                remedy="register the party first",
            )  # fmt: skip
        index, until = free_place(node, tx), later(tx.now, days=days)
        status = StatusReference(node.about.url + STATUS_PATH, index)
        text = node.identities.credentials.issue(
            issuer, type, claims, holder, status, tx.now, until, node.signer.public, node.signer.sign,
            lambda: node.entropy.bytes(16),
        )  # fmt: skip
        tx.append(CredentialIssued(index, who.id, type, until, who.kind == "person"))
        return text

    return node.store.write(command)


def free_place(node: Node, tx: Transaction) -> int:
    """A place by lot, so that neighbours in the list have nothing to do with each other; one that nobody ever had.

    A place does not become free when its credential runs out. Address and place are together a name of the credential
    (Token Status List, section 13.3, advises against giving it twice): whoever has an old list, or a clock that is behind,
    would read of one what was said of the other, and whoever once saw the first could watch the second.
    """
    for _ in range(1000):
        index = int.from_bytes(node.entropy.bytes(4)) % LIST_ROOM
        if tx.get(IssuedCredential, index) is None:
            return index
    raise NodeFault("node.status", "the node's status list is full, for good", "issue credentials from another node")


def revoke(node: Node, index: int) -> CredentialRevoked | Refusal:
    """A credential that this node issued is good no more, as soon as whoever relies on it reads the list again."""

    def rule(tx: Transaction) -> CredentialRevoked | Refusal:
        row = tx.get(IssuedCredential, index)
        if row is None or row.stands != "good":
            return refuse(
                "registry.unknown", "no credential was revoked", f"there is no credential at place {index} that is good",
                remedy="choose one from the list of issued credentials",
            )  # fmt: skip
        return CredentialRevoked(index)

    found = node.record(rule)
    assert isinstance(found, CredentialRevoked | Refusal)
    return found


def issued(node: Node) -> list[IssuedCredential]:
    """Every credential that this node issued."""
    with node.store.read() as state:
        return list(state.list(IssuedCredential))


def status_list(node: Node, issuer: str) -> str:
    """The node's own status list, signed now."""
    with node.store.read() as state:
        revoked = [row.index for row in state.list(IssuedCredential, stands="revoked")]
    return node.identities.credentials.publish_status(
        issuer, node.about.url + STATUS_PATH, revoked, LIST_ROOM, node.clock.now(), LIST_SECONDS, node.signer.public,
        node.signer.sign,
    )  # fmt: skip


# ---- keys of parties


def register_key(
    node: Node, party: str, role: str, thumbprint: str, jwk: str, until: Instant = END_OF_TIME, did: str = ""
) -> KeyRegistered | Refusal:
    """From now on who signs with this key speaks for the party in that role.

    Raises:
        BadInput: the party cannot have an account in that role.
    """
    id = login.checked_account(node, party, role)
    found = node.record(lambda tx: keys.register(tx, id, thumbprint, jwk, role, until, did))
    assert isinstance(found, KeyRegistered | Refusal)
    return found


def revoke_key(node: Node, party: str, thumbprint: str) -> KeyRevoked | Refusal:
    """From the next request on the key speaks for nobody."""
    found = node.record(lambda tx: keys.revoke(tx, id_of(tx, party), thumbprint))
    assert isinstance(found, KeyRevoked | Refusal)
    return found


def keys_of(node: Node, party: str) -> list[PartyKey]:
    """A party's keys, with those that were revoked."""
    with node.store.read() as state:
        return list(state.list(PartyKey, party=id_of(state, party)))


def speaks_for(node: Node, thumbprint: str) -> PartyKey | None:
    """The key with that thumbprint, if it speaks now for a party that is there."""
    with node.store.read() as state:
        row = keys.speaks_for(state, thumbprint, node.clock.now())
        return row if row is not None and state.get(Party, row.party) is not None else None
