"""What follows from the facts, counted again: evidence, data, state, ledger and budgets.

The audit hands over the entries one by one; here they are folded in memory, and in the end what the file holds is
compared with what they come to. Rows of state are named by the entry that last made them. Behind an entry that is not
what was recorded nothing more can follow, so from there on nothing is compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from usufruct.core import facts
from usufruct.core.access import proof
from usufruct.core.base import canonical
from usufruct.core.base.records import Entry, Fact, Row, plain
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import measure, settlement
from usufruct.core.income.accounts import members_of
from usufruct.core.income.earned import earned_by, portions_of
from usufruct.core.income.facts import AssetStatement, PeriodClosed, PeriodPlanned, SettlementSummed
from usufruct.core.income.payout import MEDIA_TYPE as PAYOUT
from usufruct.core.income.payout_facts import PayoutProposed
from usufruct.core.income.segment import INDEX_TYPE, PIECE_TYPE, Index
from usufruct.core.income.state import LastSettlement, PeriodPlan, Summed
from usufruct.core.income.told import portions_told, weights_of
from usufruct.core.privacy import totals
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.privacy.state import Budget
from usufruct.core.privacy.totals import DrawnTotal, TotalDrawn
from usufruct.core.proof.commitment import seal
from usufruct.core.registry.facts import AssetRegistered, AssetUpdated, PersonErased
from usufruct.core.registry.pool import PoolStored
from usufruct.core.work.allocation import certificate
from usufruct.core.work.rounds import rules as round_rules
from usufruct.core.work.rounds.state import CERTIFICATE_TYPE, INSTANCE_TYPE, Round, RoundClosed, RoundPlanned
from usufruct.ports import KeyRing, Settler
from usufruct.store import reckoning, tables
from usufruct.store.memory import MemoryState
from usufruct.store.reroot import Reroot

Find = Callable[[int | None, str], None]
"""`find(entry, what)`: takes a finding down."""

Select = Callable[..., Iterator[tuple[Any, ...]]]
"""`select(query, *values)`: rows of the file."""


class _Unsealed(Exception):
    """Evidence is missing or was changed."""


class Recount:
    """The facts folded again, to be compared with what the file holds."""

    def __init__(self, find: Find, select: Select, keyring: KeyRing, data: Path, settler: Settler) -> None:
        self.evidence = self.rows = 0
        self._settler = settler
        self._find, self._select, self._data = find, select, data
        self._complete = True
        self._reroot: Reroot | None = Reroot(find, select, keyring)
        self._state = MemoryState()
        self._made: dict[tuple[type[Row], str], int] = {}  # the entry that last made a row
        self._about: set[tuple[str, int]] = set()
        self._sealed: dict[str, tuple[int, str]] = {}  # seal -> the entry that names it, and the media type
        self._assets: dict[str, tuple[int, str, str]] = {}  # the entry that last said what is stored, file and digest
        self._unnamed = False  # an index of a settlement cannot be read, so what it names is not known
        self._settled: dict[str, int] = {}  # seal of a settlement -> what its lines must sum to
        self._closed: list[tuple[int, PeriodClosed]] = []

    def stop(self, entry: int) -> None:
        """From this entry on nothing follows."""
        if self._complete:
            self._complete = False
            self._find(entry, "because of this, the facts from here on were not compared with state and ledger")

    def add(self, entry: Entry) -> None:
        """Folds the next entry."""
        for digest, media_type in _seals(entry.fact):
            self._sealed[digest] = (entry.seq, media_type)
        self._about.update((party, entry.seq) for party in entry.fact.about())
        match entry.fact:
            case AssetRegistered() | AssetUpdated() as fact:
                self._assets[fact.asset] = (entry.seq, f"{fact.asset}-{fact.version}.duckdb", fact.stored)
            case PersonErased() as fact:
                for removed in fact.removed:
                    _, file, _ = self._assets.get(removed.asset, (0, "", ""))
                    self._assets[removed.asset] = (entry.seq, file, removed.stored)
            case PoolStored() as fact:
                _, file, _ = self._assets.get(fact.pool, (0, "", ""))
                self._assets[fact.pool] = (entry.seq, file, fact.stored)
            case TotalDrawn() as fact if not totals.paid_for(fact):
                self._find(entry.seq, f"the noise on a total of `{fact.asset}` that is told is less than was paid for")
            case PeriodPlanned() as fact:
                self._settled.update((s.lines, s.members) for s in fact.statements if not s.root)
            case PeriodClosed() as fact:
                self._closed.append((entry.seq, fact))
        if self._complete:
            if isinstance(entry.fact, PeriodPlanned):
                self._look_at_lines(entry.seq, entry.fact)
            if isinstance(entry.fact, RoundPlanned):
                self._look_at_round(entry.seq, entry.fact)
            self._fold(entry)

    def _look_at_round(self, entry: int, planned: RoundPlanned) -> None:
        """The certificate proves the plan of a round, of the instance that was sealed, by the secrets that were opened."""
        row = self._state.get(Round, planned.round)
        try:
            instance = self._opened(row.instance) if row else b""
            checked = certificate.check(instance, self._opened(planned.certificate))
        except _Unsealed:
            return  # whoever counts evidence names what is missing or was changed
        if isinstance(checked, Refusal):
            self._find(entry, f"the plan of the round `{planned.round}` is not proved: {checked.reasons[0]}")
        elif row is None or round_rules.seed_of(row).hex() != planned.seed or checked.matched != planned.matched:
            self._find(entry, f"the plan of the round `{planned.round}` does not follow from its secrets and its head")

    def _look_at_lines(self, entry: int, planned: PeriodPlanned) -> None:
        """Every line of a plan's settlements follows from the uses, and from the settlement before."""
        for statement in planned.statements:
            if statement.root:
                try:
                    wrong = self._wrong_lines(entry, planned, statement)
                except _Unsealed:
                    self._unnamed = True
                    continue  # whoever counts evidence names what is missing or was changed
                except ValueError as error:
                    wrong = str(error)
                if wrong:
                    self._find(entry, f"the settlement of `{statement.asset}` does not follow: {wrong}")

    def _wrong_lines(self, entry: int, planned: PeriodPlanned, said: AssetStatement) -> str:
        index = Index.decode(self._opened(said.lines))
        self._sealed.update((seal, (entry, PIECE_TYPE)) for seal in index.seals)
        last = self._state.get(LastSettlement, said.asset, planned.currency)
        if said.before != (last.lines if last else ""):
            return "it does not carry on from the settlement before it"
        before = (self._opened(seal) for seal in Index.decode(self._opened(said.before)).seals) if last else ()
        earned = earned_by(self._state, self._opened, said.asset, planned.first, planned.last)
        if earned is None:
            return "the asset earned nothing in it"
        name = f"{planned.period}/{said.asset}"
        pool = said.members - said.floor
        portions = portions_of(earned, pool, said.floor, name, index.persons)
        if said.told:
            row = self._state.get(DrawnTotal, said.draw)
            prices = tuple(use.price for use in earned.uses)
            if row is None or (row.asset, row.fact.uses, row.fact.prices) != (said.asset, said.uses, prices):
                return "the total that it tells was not drawn for it"
            weights = weights_of(earned.uses, row.fact.most, index.persons)
            if said.told != totals.told(row.fact, sum(weights)):
                return "the total that it tells does not follow from the uses and the draw"
            portions = portions_told(name, pool, weights, said.told)
        made = self._settler.settle(portions, before, index.persons, index.least, index.seed)
        if made.pieces != tuple(map(self._opened, index.seals)) or made.roots != index.roots:
            return "its lines are not what the uses and the carried amounts come to"
        sums: AssetStatement | SettlementSummed = said
        if said.tells:
            summed = self._state.get(Summed, said.lines)
            left = made.left(said.members, sum(portion.amount for portion in portions))
            if summed is None or summed.fact.fund != left:
                return "what it leaves over is not what its lines leave"
            sums = summed.fact
        counted = (made.root, made.persons, made.payees, made.paid, made.carried)
        same = counted == (said.root, said.persons, sums.paid, sums.paid_out, sums.carried)
        return "" if same else "its totals are not those of its lines"

    def _fold(self, entry: Entry) -> None:
        try:
            for row in facts.fold(self._state, entry):
                self._state.put(row)
                self._made[type(row), row.key] = entry.seq
                if isinstance(row, Budget) and not (row.reserved >= 0 <= row.spent and row.left >= 0):
                    self._find(entry.seq, f"the budget of `{row.asset}` is overdrawn: {row.left} micro-rho are left")
            if self._reroot:
                self._reroot.add(self._state, entry, self._opened)
        except _Unsealed:
            self._reroot = None  # whoever counts evidence names what is wrong; whom it concerned nobody can say
        except Exception as error:  # a signed fact that the rules would never have let happen
            self._find(entry.seq, f"does not follow from the entries before it: {error or type(error).__name__}")
            self.stop(entry.seq)

    def _opened(self, digest: str) -> bytes:
        for salt, data in self._select("SELECT salt, bytes FROM evidence WHERE seal = ?", digest):
            if _is_sealed(digest, salt, data):
                return bytes(data)
        raise _Unsealed(digest)

    def look_at_evidence(self) -> None:
        """Every piece is what an entry sealed, and no piece is missing."""
        missing = dict(self._sealed)
        for digest, media_type, salt, data in self._select("SELECT seal, media_type, salt, bytes FROM evidence"):
            self.evidence += 1
            entry, wanted = missing.pop(digest, (None, None))
            if entry is None:
                if self._complete and not (self._unnamed and media_type == PIECE_TYPE):
                    self._find(None, f"no entry names the evidence {str(digest)[:12]}…")
            elif not _is_sealed(digest, salt, data) or media_type != wanted:
                self._find(entry, f"the evidence {digest[:12]}… that this entry names was changed")
            elif digest in self._settled and _total(data) != self._settled[digest]:
                self._find(entry, f"the lines of the settlement {digest[:12]}… do not sum to what its statement says")
        for digest, (entry, _) in missing.items():
            self._find(entry, f"the evidence {digest[:12]}… that this entry names is missing")

    def look_at_data(self) -> None:
        """The table of every asset is the file that was registered."""
        for asset, (entry, name, wanted) in self._assets.items():
            try:
                with (self._data / name).open("rb") as file:
                    stored = hashlib.file_digest(file, "sha256").hexdigest()
            except (OSError, ValueError):
                self._find(entry, f"the stored table of `{asset}` is missing")
                continue
            if stored != wanted:
                self._find(entry, f"the stored table of `{asset}` is not what was registered")

    def look_at_state(self) -> None:
        """Every row is the one that the facts make, and every fact stands in the right histories."""
        if not self._complete:
            return
        if self._reroot:
            self._reroot.end(self._state)
        version = next(self._select("SELECT value FROM meta WHERE name = 'state'"), (None,))[0]
        if version != tables.state_version():
            self._find(None, f"the state was folded by another version ({version}); open the node, then verify again")
            return
        for kind in facts.ROWS:
            self._look_at_rows(kind)
        found = set(self._select("SELECT party, seq FROM about"))
        for party, seq in sorted(found ^ self._about, key=str):
            known = seq if type(seq) is int else None
            self._find(known, f"the history of `{party}` has this entry wrongly, or lacks it")

    def _look_at_rows(self, kind: type[Row]) -> None:
        name, wanted = tables.table(kind).name, self._state.rows[kind]
        places = {key: place for place, key in enumerate(wanted, 1)}
        columns = ", ".join(["place", "key", "body", *(f"by_{field}" for field in kind.INDEXED)])
        for place, key, *rest in self._select(f"SELECT {columns} FROM {name} ORDER BY place"):
            self.rows += 1
            if key not in places:
                self._find(None, f"`{name}` has a row `{key}` that no entry made")
                continue
            row = wanted[key]
            expected = [canonical.encode(plain(row)), *(getattr(row, field) for field in kind.INDEXED)]
            if (place, rest) != (places.pop(key), expected):
                self._find(self._made[kind, key], f"`{key}` in `{name}` is not what this entry made it")
        for key in places:
            self._find(self._made[kind, key], f"`{key}`, which this entry made, is missing from `{name}`")

    def look_at_ledger(self) -> None:
        """Balances are the sums of transfers and sum to zero, and so with what is reserved; a control transfer is what its
        settlement comes to; and nobody is paid more than she is owed (see `reckoning`)."""
        if not self._complete:
            return
        for made, what in reckoning.balances(self._state):
            self._find(self._made.get(made) if made else None, what)
        posted = reckoning.posted(self._state)
        for seq, closed in self._closed:
            plan = self._state.get(PeriodPlan, closed.plan)
            for statement in plan.planned.statements if plan else ():
                if posted[seq, members_of(statement.asset)] != statement.members:
                    self._find(seq, f"the settlement of `{statement.asset}` is not what was posted for its members")
        try:
            for seq, what in reckoning.payouts(self._state, self._opened):
                self._find(seq, what)
        except _Unsealed:
            return  # whoever counts evidence names what is wrong with it


def _seals(fact: Fact) -> Iterator[tuple[str, str]]:
    """The evidence that a fact names, with its media type."""
    match fact:
        case QueryAdmitted():
            yield fact.population, "application/vnd.usufruct.population.v1"
            if fact.decision:
                yield fact.decision, proof.MEDIA_TYPE
        case QueryRefused() if fact.decision:
            yield fact.decision, proof.MEDIA_TYPE
        case QueryAnswered():
            yield fact.answer, "application/vnd.usufruct.answer.v1+json"
            yield fact.contributions, "application/vnd.usufruct.contributions.v1"
            if fact.shares:
                yield fact.shares, measure.SHARES_TYPE
        case PeriodPlanned():
            for statement in fact.statements:
                yield statement.lines, INDEX_TYPE if statement.root else settlement.FIRST_TYPE
        case PayoutProposed():
            yield fact.lines, PAYOUT
        case RoundClosed():
            yield fact.instance, INSTANCE_TYPE
        case RoundPlanned():
            yield fact.certificate, CERTIFICATE_TYPE


def _is_sealed(digest: str, salt: Any, data: Any) -> bool:
    try:
        return seal(salt, data) == digest
    except (ValueError, TypeError):
        return False


def _total(data: bytes) -> int | None:
    """What the lines of a settlement sum to; None if they are no lines."""
    try:
        return settlement.total_paid(data)
    except ValueError:
        return None
