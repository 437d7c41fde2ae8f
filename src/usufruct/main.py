"""Configuration, and the one place where everything is put together.

A node is a directory:

    node.toml         what the node says of itself, and its limits; people may edit it
    keys/signing.pem  the key that signs checkpoints; never leaves the machine
    keys/voice.pem    the key with which it speaks to other nodes; made anew if it is lost
    keys/last-signed  the newest checkpoint it signed; what keeps it from signing a second history
    keys/persons      persons' keys; what they seal can be erased by destroying them
    keys/others       secrets that other nodes gave this one
    keys/tables       the keys by which tables are sealed in backups
    journal.sqlite    the journal, its proofs and the state folded from it; unless `store` names a PostgreSQL database
    logins.sqlite     accounts, sessions, tokens
    catalogues.sqlite what other nodes have on offer, as it was last read
    attested.sqlite   what witnesses and time stamp authorities said of its checkpoints
    data/             one DuckDB file for each version of an asset
    scratch/          with Spark: what a question that runs may read, while it runs
    lock              held by the process that has the node open; with PostgreSQL the database keeps a lock instead
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from usufruct.cli import commands
from usufruct.cli.app import Doors
from usufruct.core.base.faults import BadInput, Fault, NodeBusy
from usufruct.core.base.ids import checked, did_web
from usufruct.core.base.instants import Instant, seconds
from usufruct.core.base.money import DECIMALS
from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace.messages import VERSION
from usufruct.core.income import banking
from usufruct.core.privacy.question import Question
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.proof.quorum import Trust
from usufruct.core.rulebook import parameters
from usufruct.engine.allocation.allocator import LocalAllocator
from usufruct.engine.duckdb import DuckDbEngine
from usufruct.engine.fitting import ChildTrainer
from usufruct.engine.matching import RistrettoMatching
from usufruct.engine.noise import OpenDpNoise
from usufruct.engine.settlement import NumpySettler
from usufruct.engine.spu import SpuIntersecting
from usufruct.node import call, erase, identity, match_use, register, stored, use
from usufruct.node.dataspace.doors import Connector
from usufruct.node.identities import Identities
from usufruct.node.node import About, Node, Outside, no_step
from usufruct.node.once import Once
from usufruct.peer.documents import HttpDocuments
from usufruct.peer.timestamp import HttpAuthority, read_roots
from usufruct.peer.witness import HttpWitnesses, read_trust
from usufruct.ports import Clock, Entropy, PayingAccount, Services, Settler, Signer, Store
from usufruct.store.attested import SqliteAttestations
from usufruct.store.crawled import SqliteCatalogues
from usufruct.store.guard import Guard
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import Argon2Passwords, KeyFile, SystemClock, SystemEntropy, VoiceFile, verify_signature
from usufruct.store.logins import SqliteLogins
from usufruct.store.orders import OrderFolder
from usufruct.store.sealing import TableKeys
from usufruct.store.sqlite import SqliteStore
from usufruct.store.vault import FolderVault
from usufruct.wire import dcp, dsp, openbadges, pain
from usufruct.wire.credentials import SdJwtCredentials, trusted_issuers
from usufruct.wire.oauth import AHEAD_SECONDS

# Every setting of node.toml: its default and what it is for. The reference page of the docs is held to this table.
SETTINGS: dict[str, tuple[Any, str]] = {
    "name": ("", "what people call the node"),
    "operator": ("", "the party that runs it"),
    "origin": ("", "the name of its journal and key, as in a signed checkpoint; never changes"),
    "currency": ("EUR", "the currency of its ledger"),
    "url": ("http://127.0.0.1:8000", "where people reach it"),
    "key": ("", "the public key of its journal (a C2SP verifier key); give it to whoever wants to verify"),
    "engine_memory": ("4GB", "how much memory one question may use, or taking in a table before it uses the disk"),
    "engine_seconds": (60, "how long one question may run"),
    "engine": ("", "a Spark Connect server that works out questions, sc://… or env:NAME; empty: DuckDB in this node"),
    "engine_folder": ("", "with Spark: where it finds what it may read, by the same path on each of its machines"),
    "ray": ("", "a Ray cluster that works out settlements, host:6379 or env:NAME; empty: this process does"),
    "witnesses": ("", "a tlog-policy file: the witnesses that are asked to sign checkpoints, and how many are enough"),
    "timestamp_url": ("", "a time stamp authority (RFC 3161) that is asked to stamp checkpoints"),
    "timestamp_ca": ("", "a PEM file with the root certificate of that authority"),
    "timestamp_minutes": (60, "how long to wait between two time stamps"),
    "store": (
        "",
        "a PostgreSQL database for the journal, postgresql://… or env:NAME; empty: a SQLite file in this directory",
    ),
    "store_wait": (0, "with PostgreSQL: for how many seconds to wait while another process leads the node"),
    "issuers": (
        [],
        "whose credentials are accepted: a list of { issuer, type, claims, keys, private }; see docs/guides/credentials.md",
    ),
    "peer_credentials": ([], "the types of credentials that another node must show before it is answered; empty: none"),
    "status_minutes": (1440, "how long a list of revoked credentials counts, from when its issuer signed it"),
    "spu_python": (
        "",
        "the Python of an environment with SecretFlow's SPU, for matches that find persons; empty: none",
    ),
    "spu_here": ("", "with SPU: where its program listens on this machine, as 127.0.0.1:9531"),
    "spu_there": ("", "with SPU: where this machine finds the other node's, the end of a tunnel"),
    "pay_from": ("", "the IBAN of the account that payouts are made from; empty: none are made"),
    "pay_from_bic": ("", "the BIC of that account's bank, if it wants to be named"),
    "openid_issuer": ("", "an OpenID Connect provider at which people may log in"),
    "openid_client": ("", "what this node is called there (its client id)"),
    "openid_secret": ("", "env:NAME, the variable that holds the node's secret there"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a node directory, see `SETTINGS`."""

    name: str
    operator: str
    origin: str
    currency: str
    url: str
    key: str
    engine_memory: str
    engine_seconds: int
    engine: str = field(repr=False)  # may hold a token
    engine_folder: str
    ray: str
    witnesses: str
    timestamp_url: str
    timestamp_ca: str
    timestamp_minutes: int
    store: str = field(repr=False)  # may hold a password
    store_wait: int
    issuers: list[Any]
    peer_credentials: list[Any]
    status_minutes: int
    spu_python: str
    spu_here: str
    spu_there: str
    pay_from: str
    pay_from_bic: str
    openid_issuer: str
    openid_client: str
    openid_secret: str


def create_node(
    directory: Path,
    name: str,
    operator: str,
    operator_name: str,
    currency: str,
    origin: str = "",
    url: str = "",
    store: str = "",
    pay_from: str = "",
) -> Settings:
    """A new node directory, with its key, and its operator as the first party.

    Raises:
        BadInput: the directory holds a node already, or an id, currency or store cannot be.
        NodeFault: the store cannot be reached.
    """
    checked(operator, "the operator")
    if currency not in DECIMALS:
        raise BadInput(
            "input.money", f"`{currency}` is not a currency this node knows", f"use one of {', '.join(DECIMALS)}"
        )
    if (directory / "node.toml").exists():
        raise BadInput(
            "input.directory", f"`{directory}` holds a node already", "choose another directory, or use that node"
        )
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)  # what is in it concerns nobody else on this machine
    (directory / "keys").mkdir(exist_ok=True)
    if not (directory / "keys" / "signing.pem").exists():  # else a crash came between the key and the settings
        KeyFile.create(directory / "keys" / "signing.pem")
    origin = origin or f"{operator}.example/journal"
    key = KeyFile(origin, directory / "keys" / "signing.pem")
    values = {
        "name": name,
        "operator": operator,
        "origin": origin,
        "currency": currency,
        "key": vkey(origin, key.public),
    }
    given = {"url": url, "store": store, "pay_from": banking.iban(pay_from) if pay_from else ""}
    values |= {name: value for name, value in given.items() if value}
    _write_settings(directory, values)
    try:
        with open_node(directory) as node:
            fact = register.add_party(node, operator, "cooperative", operator_name)
            assert not isinstance(fact, Refusal)
    except Fault:
        (directory / "node.toml").unlink()  # so that one can try again
        raise
    return read_settings(directory)


def _write_settings(directory: Path, values: dict[str, Any]) -> None:
    lines = []
    for setting, (default, meaning) in SETTINGS.items():
        lines += [f"# {meaning}", f"{setting} = {json.dumps(values.get(setting, default), ensure_ascii=False)}", ""]
    (directory / "node.toml").write_text("\n".join(lines), encoding="utf-8")


def read_settings(directory: Path) -> Settings:
    """The settings of a node directory.

    Raises:
        BadInput: it is not one, or a setting is unknown, missing or of another type.
    """
    path = directory / "node.toml"
    if not path.exists():
        raise BadInput("input.directory", f"`{directory}` is not a node", "make one with `usufruct init`")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput("input.settings", f"`node.toml` is not TOML: {error}", "correct it at that place") from None
    for name, value in found.items():
        if name not in SETTINGS:
            raise BadInput(
                "input.settings", f"`node.toml` has the unknown setting `{name}`", f"known: {', '.join(SETTINGS)}"
            )
        if type(value) is not type(SETTINGS[name][0]):
            raise BadInput("input.settings", f"setting `{name}` is of the wrong type", f"it is {SETTINGS[name][1]}")
    return Settings(**{name: found.get(name, default) for name, (default, _) in SETTINGS.items()})


@contextlib.contextmanager
def open_node(directory: Path, clock: Clock | None = None, reach: Callable[[str], None] = no_step) -> Iterator[Node]:
    """The node in a directory, open and recovered; closed at the end.

    Raises:
        BadInput: it is not a node.
        NodeBusy: another process has it open, or moved its journal meanwhile.
        JournalDamaged: its journal is not what was last signed.
    """
    settings = read_settings(directory)
    with contextlib.nullcontext() if settings.store else _locked(directory):
        clock = clock or SystemClock()
        entropy = SystemEntropy()
        signer = KeyFile(settings.origin, directory / "keys" / "signing.pem")
        keyring = KeyRing(directory / "keys" / "persons")
        guard = Guard(directory / "keys" / "last-signed", vkey(signer.name, signer.public))
        store = _open_store(directory, settings, clock, entropy, signer, keyring, guard, reach)
        logins = SqliteLogins(directory / "logins.sqlite")
        attestations = SqliteAttestations(directory / "attested.sqlite")
        catalogues = SqliteCatalogues(directory / "catalogues.sqlite")
        try:
            engine = _open_engine(directory, settings)
            node = Node(
                About(settings.name, settings.operator, settings.origin, settings.currency, settings.url),
                store,
                logins,
                engine,
                OpenDpNoise(),
                ChildTrainer(engine),
                clock,
                entropy,
                signer,
                keyring,
                TableKeys(directory / "keys" / "tables", entropy),
                Argon2Passwords(),
                parameters.shipped(),
                _outside(directory, settings, attestations),
                _identities(directory, settings, clock.now()),
                RistrettoMatching(entropy.bytes),
                _payer(directory, settings),
                reach,
                intersecting=_intersecting(settings),
                settler=_open_settler(settings),
                allocator=LocalAllocator(),
                connector=_connector(directory, settings, catalogues),
            )
            _recover(node)
            yield node
        finally:
            for opened in (store, logins, keyring, guard, attestations, catalogues):
                opened.close()


def _recover(node: Node) -> None:
    """Ends what the process before was in the middle of."""
    erase.recover(node)
    register.settle(node)
    identity.recover(node)
    match_use.recover(node)
    use.recover(node)
    stored.forget(node)
    call.recover(node)


def _payer(directory: Path, settings: Settings) -> OrderFolder:
    """Who brings orders to the bank.

    Raises:
        BadInput: the account that the settings name cannot be.
    """
    account = None
    if settings.pay_from:
        number, bank = banking.iban(settings.pay_from), banking.bic(settings.pay_from_bic)
        account = PayingAccount(number, banking.latin(settings.name), bank)
    return OrderFolder(directory / "payouts", account, pain.write)


def _connector(directory: Path, settings: Settings, catalogues: SqliteCatalogues) -> Connector:
    """This node as others know it that speak the Dataspace Protocol."""

    def services() -> Services:
        from usufruct.peer.services import HttpServices  # takes a fifth of a second to load

        return HttpServices()

    def parse(text: str) -> Question | Refusal:
        from usufruct.wire import sql  # so does this

        return sql.parse(text)

    url = f"{settings.url.rstrip('/')}/dataspace/{VERSION}"
    vault = FolderVault(directory / "keys" / "others")
    return Connector(did_web(settings.url), url, dsp, vault, services, catalogues, parse)


def _intersecting(settings: Settings) -> SpuIntersecting | None:
    """SPU, where the settings say that it is."""
    if not settings.spu_python:
        return None
    return SpuIntersecting(settings.spu_python, settings.spu_here, settings.spu_there)


def _open_store(
    directory: Path,
    settings: Settings,
    clock: Clock,
    entropy: Entropy,
    signer: Signer,
    keyring: KeyRing,
    guard: Guard,
    reach: Callable[[str], None],
) -> Store:
    """The journal, where the settings say that it is."""
    store: Store
    if not settings.store:
        store = SqliteStore(directory / "journal.sqlite", clock, entropy, signer, keyring, guard, reach)
    else:
        try:
            from usufruct.store.pg import address_of
            from usufruct.store.postgres import PostgresStore
        except ImportError:
            raise BadInput(
                "input.store", "PostgreSQL needs the extra `pg`", "install it with `pip install usufruct[pg]`"
            ) from None
        address = address_of(settings.store)
        store = PostgresStore(address, clock, entropy, signer, keyring, guard, reach, settings.store_wait)
    if read_settings(directory) != settings:  # read before anything kept others from changing them
        store.close()
        raise NodeBusy("node.busy", "the settings were changed while the node was being opened", "open it again")
    return store


def _open_engine(directory: Path, settings: Settings) -> DuckDbEngine:
    """What works out questions, as the settings say."""
    data, memory, seconds = directory / "data", settings.engine_memory, settings.engine_seconds
    if not settings.engine:
        return DuckDbEngine(data, memory, seconds)
    try:
        from usufruct.engine.spark import SparkEngine, address_of
    except ImportError:
        raise BadInput(
            "input.settings", "the setting `engine` needs the extra `spark`", "install it with `pip install usufruct[spark]`"
        ) from None  # fmt: skip
    folder = directory / (settings.engine_folder or "scratch")
    return SparkEngine(data, address_of(settings.engine), folder, memory, seconds)


def _open_settler(settings: Settings) -> Settler:
    """What works out settlements, as the settings say."""
    if not settings.ray:
        return NumpySettler()
    try:
        from usufruct.engine.ray import RayCluster, address_of
    except ImportError:
        raise BadInput(
            "input.settings", "the setting `ray` needs the extra `ray`", "install it with `pip install usufruct[ray]`"
        ) from None
    return RayCluster(address_of(settings.ray))


def _outside(directory: Path, settings: Settings, attestations: SqliteAttestations) -> Outside:
    """Whom the settings name to confirm checkpoints.

    Raises:
        BadInput: a file that they name cannot be read, or an authority without the root to trust it by.
    """
    trust = read_trust(directory / settings.witnesses) if settings.witnesses else Trust((), (), {}, "")
    authority = None
    if settings.timestamp_url:
        authority = HttpAuthority(settings.timestamp_url, read_roots(directory / settings.timestamp_ca))
    return Outside(
        attestations, HttpWitnesses(), verify_signature, trust, authority, max(1, settings.timestamp_minutes)
    )


def _identities(directory: Path, settings: Settings, now: Instant) -> Identities:
    """Whom the settings believe about who somebody is.

    Raises:
        BadInput: an issuer has no keys that could be found, or the provider is named only in part.
    """
    trusted = trusted_issuers(settings.issuers)
    if settings.status_minutes < 1:
        raise BadInput("input.settings", "`status_minutes` is less than 1", "let lists count for a minute at least")
    openid = None
    if settings.openid_issuer:
        from usufruct.peer.openid import HttpOpenId, read_secret  # takes a while to load, and few nodes need it

        openid = HttpOpenId(settings.openid_issuer, settings.openid_client, read_secret(settings.openid_secret))
    once = Once(seconds(now), AHEAD_SECONDS)
    types = tuple(str(one) for one in settings.peer_credentials)
    unissued = sorted(set(types) - {one.type for one in trusted})
    if unissued:
        raise BadInput(
            "input.settings",
            f"`peer_credentials` names `{unissued[0]}`, which nobody is trusted for",
            "name its issuer in `issuers`",
        )
    voice = VoiceFile(directory / "keys" / "voice.pem")
    return Identities(
        trusted, settings.status_minutes * 60, SdJwtCredentials(), HttpDocuments(), openid, once, dcp, voice, types,
        badges=openbadges,
    )  # fmt: skip


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[IO[str]]:
    """Keeps other processes out for as long as this one has the node open; a crash lets go of it."""
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise NodeBusy(
                "node.busy",
                f"the node in `{directory}` is open in another process ({lock.read().strip() or 'unknown'})",
                "stop that process first, or use the running node through its web address",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


def run() -> None:
    """The command line."""
    commands.run(Doors(create_node, open_node))
