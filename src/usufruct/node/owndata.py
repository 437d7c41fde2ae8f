"""A worker's own data: her series, her payslips, everything she can take with her, and what she brings from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from usufruct.core import facts
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant, moment
from usufruct.core.base.records import Entry, Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.proof import receipt as receipts
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Party
from usufruct.core.work.own import portable
from usufruct.core.work.own import series as owndata
from usufruct.core.work.own.history import History, HistoryRead
from usufruct.core.work.own.portable import Brought, Clock, Export, Own, Proven, Series
from usufruct.core.work.own.series import MONTH
from usufruct.core.work.pay.rules import unknown
from usufruct.core.work.pay.state import Payslip
from usufruct.core.work.state import JobAgreement, Shift, Work
from usufruct.node import witness
from usufruct.node.node import Node
from usufruct.node.views import hidden, name_of
from usufruct.ports import Snapshot

LEAST = "work.tenth-workers-min"


def own(node: Node, party: str, every: str = MONTH) -> Own | Refusal:
    """What a worker sees of her own work.

    Raises:
        BadInput: neither months nor weeks are asked for.
    """
    owndata.naming(every)
    with node.store.read() as state:
        row = find_party(state, party)
        return _own(node, state, row, every) if row else unknown("nothing was shown", f"there is no party `{party}`")


def _own(node: Node, state: Snapshot, row: Party, every: str) -> Own:
    works, shifts = list(state.list(Work, worker=row.id)), list(state.list(Shift, worker=row.id))
    slips = tuple(state.list(Payslip, worker=row.id))
    operators = list(dict.fromkeys([*(one.operator for one in works), *(one.operator for one in shifts)]))
    currencies = list(dict.fromkeys([*(one.currency for one in works), *(one.currency for one in slips)]))
    currencies = currencies or ([node.about.currency] if shifts else [])
    names = {operator: name_of(state, operator) for operator in (*operators, *(slip.operator for slip in slips))}
    wanted = [
        (each, money) for money in currencies for each in (operators if len(operators) == 1 else ["", *operators])
    ]
    found = (_series(node, state, row.id, operator, names, money, every) for operator, money in wanted)
    histories = {(one.origin, one.there): one for one in state.list(History, party=row.id)}  # the newest of each
    return Own(
        row, tuple(one for one in found if one.times), slips, tuple(portable.services(state, row.id, clock_of(shifts))),
        tuple(histories.values()), names,
    )  # fmt: skip


def _series(
    node: Node, state: Reader, worker: str, operator: str, names: dict[str, str], currency: str, every: str
) -> Series:
    times = owndata.series(owndata.records(state, worker, currency, operator), every)
    if operator:
        least = node.rulebook.value(LEAST, node.clock.now())
        tenths = owndata.tenths(state, operator, worker, currency, every, least)
        times = [replace(time, tenth=tenths.get(time.name)) for time in times]
    return Series(operator, names.get(operator, ""), currency, every, tuple(times))


def clock_of(shifts: Sequence[Shift]) -> Clock:
    """The clock on the wall where most of somebody's shifts were; UTC where nobody said."""
    zones = [shift.zone for shift in shifts]
    try:
        zone = ZoneInfo(max(zones, key=zones.count)) if zones else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return portable.utc

    def local(at: Instant) -> tuple[int, int]:
        then = moment(at).astimezone(zone)
        return then.isoweekday(), then.hour

    return local


def payslip(node: Node, party: str, pay: str) -> tuple[Payslip, str] | Refusal:
    """A payslip of the worker who got it, or of the operator who paid; and what the operator is called."""
    with node.store.read() as state:
        slip = state.get(Payslip, pay)
        row = find_party(state, party)
        if slip is None or row is None or row.id not in (slip.worker, slip.operator):
            return unknown("no payslip was shown", f"there is no payslip `{pay}` of yours")
        return slip, name_of(state, slip.operator)


def export(node: Node, party: str) -> Export | Refusal:
    """Everything that a worker can take with her: figures, series, payslips, and every fact about her with its receipt."""
    with node.store.read() as state:
        row = find_party(state, party)
        if row is None:
            return unknown("nothing was exported", f"there is no party `{party}`")
        now = node.clock.now()
        shown = [entry for entry in state.history(row.id) if hidden(state, entry.fact, row.id, now) is None]
        proven = tuple(Proven(entry, witness.receipt(node, state, entry.seq).text()) for entry in shown)
        key = vkey(node.signer.name, node.signer.public)
        agreements = tuple(state.list(JobAgreement, worker=row.id))
        return Export(node.about.name, node.about.origin, key, now, _own(node, state, row, MONTH), agreements, proven)


def read_in(node: Node, party: str, brought: Brought, key: str) -> HistoryRead | Refusal:
    """Reads the export of another node as a claim of `party`. Whoever calls vouches for the `key` of that journal.

    A receipt counts once, and only if it leads to a checkpoint that this key signed.

    Raises:
        BadInput: the key is none.
    """
    entries: dict[int, Entry] = {}
    for number, text in enumerate(brought.receipts, 1):
        try:
            found = receipts.Receipt.parse(text)
            record = receipts.check(found, key, node.outside.verify)
        except ValueError as error:
            return refuse(
                "pay.history", "nothing was read in", f"receipt {number} proves nothing: {error}",
                remedy="bring the file as it was exported, and the key that the other node publishes",
            )  # fmt: skip
        try:
            entry = facts.decode(record)
        except ValueError:  # proven, and of a kind that this version does not know
            continue
        if brought.there in entry.fact.about():
            entries[found.index] = entry
    origin = key.partition("+")[0]
    if origin == node.about.origin:
        raise BadInput("input.history", "the export is this node's own", "it knows what it knows already")
    return node.record(
        lambda tx: portable.claim(
            tx, numbered("history", tx.next), party, origin, key, brought.there, brought.exported,
            [entries[index] for index in sorted(entries)], brought.digest,
        )
    )  # fmt: skip
