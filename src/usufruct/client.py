"""A data user's side: connect to a node, ask, get a table or a refusal that explains itself. And a member's: her book, and
whether it is whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx
    import pandas
    import polars
    import pyarrow

    from usufruct.core.proof.book import Audit

LOOK_SECONDS = 0.2  # between two looks at what waits for another node


class Refused(Exception):
    """The node said no. `code` names the rule, `reasons` say why, `remedy` is the smallest change that would help."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.code: str = body["code"]
        self.message: str = body["message"]
        self.reasons: tuple[str, ...] = tuple(body.get("reasons", ()))
        self.remedy: str = body["remedy"]
        self.use: str = body.get("use", "")
        self.receipt: str = body.get("receipt", "")
        why = "".join(f"\n  because {reason}" for reason in self.reasons)
        super().__init__(f"{self.message} ({self.code}){why}\n  what would help: {self.remedy}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A table with error bounds (`X_margin` beside each total `X`, at 95 %), and all that goes with it.

    `charge`, `budget_left` and `budget_total` are millionths of zCDP's rho; `receipt` proves the use, see
    `usufruct receipt`.
    """

    use: str
    meaning: str
    purpose: str
    table: pyarrow.Table
    notes: tuple[str, ...]
    price: str
    charge: int
    budget_left: int
    budget_total: int
    receipt: str

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a pandas data frame."""
        return self.table.to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The table as a polars data frame."""
        import polars

        frame = polars.from_arrow(self.table)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def _repr_html_(self) -> str:
        """As notebooks show it: each total with its margin in one cell, and what it cost."""
        names = self.table.column_names
        margins = {name for name in names if name.endswith("_margin") and name.removesuffix("_margin") in names}
        shown = [name for name in names if name not in margins]
        head = "".join(f"<th>{escape(name)}</th>" for name in shown)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(_cell(row, name))}</td>' for name in shown)}</tr>"
            for row in self.table.to_pylist()
        )
        cost = f"{self.price}; {100 * self.budget_left / self.budget_total:.0f} % of the privacy budget is left"
        return (
            f"<p>{escape(self.meaning)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{escape(cost)}</p>"
        )


def _question(sql: str, purpose: str, micro_rho: int | None, wishes: dict[str, Any]) -> dict[str, Any]:
    body = {"sql": sql, "purpose": purpose, "micro_rho": micro_rho, **wishes}
    return {name: value for name, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of a fit: `scores` as decimals in text, each with its `…_margin`, and the `model` as numbers, None if only
    the scores were asked for; the rest as in `Answer`."""

    use: str
    meaning: str
    purpose: str
    scores: Mapping[str, str]
    table: pyarrow.Table
    model: Mapping[str, Any] | None
    notes: tuple[str, ...]
    price: str
    charge: int
    budget_left: int
    budget_total: int
    receipt: str

    def predict(self, row: Mapping[str, Any]) -> Any:
        """What the model tells of a row, which has a value for each feature: a class, or a number.

        Raises:
            ValueError: there is no model.
        """
        from usufruct.core.privacy.model import predictor

        return predictor(self.model or {})(row)


@dataclass(frozen=True, slots=True)
class Connection:
    """A node and the token to ask it with."""

    url: str
    token: str
    timeout: float = 120

    def query(self, sql: str, *, purpose: str, micro_rho: int | None = None, match: str = "", **wishes: Any) -> Answer:
        """Asks a question for a purpose of the DPV tree; `micro_rho` is the precision to pay for. `match` is the match over
        whose persons it is asked, as `match-290` (none: over all). Further wishes are `groups_per_person`, `rows_per_group`
        and `anew` (not the answer that the same question got before).

        Raises:
            Refused: the node said no, or could not read the request; the exception says why and what would help.
        """
        path = f"/matches/{quote(match, safe='')}/queries" if match else "/queries"
        return _answer(self._call("POST", path, _question(sql, purpose, micro_rho, wishes)))

    def run(
        self, template: str, values: Mapping[str, Any], *, purpose: str = "", micro_rho: int | None = None
    ) -> Answer:
        """Runs an approved template with these values, each as text or as a number. Without a purpose it is for the one that
        the template is approved for.

        Raises:
            Refused: as for `query`.
        """
        said = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
        body: dict[str, Any] = {"values": said, "purpose": purpose}
        if micro_rho is not None:
            body["micro_rho"] = micro_rho
        return _answer(self._call("POST", f"/templates/{template}/queries", body))

    def preview(self, sql: str, *, purpose: str, micro_rho: int | None = None, **wishes: Any) -> dict[str, Any]:
        """What a question would cost and how exact its answer would be; takes what `query` takes, and costs nothing.

        Raises:
            Refused: it would be refused.
        """
        found: dict[str, Any] = self._call("POST", "/queries/preview", _question(sql, purpose, micro_rho, wishes))
        return found

    def fit(
        self, estimator: str, *, asset: str, label: str, features: Sequence[str], purpose: str,
        parameters: Mapping[str, float | int | str] | None = None, validation: Path | str = "", **more: Any,
    ) -> Fitted:  # fmt: skip
        """Has a model fitted in the node: `estimator` as `ridge` or `random-forest`. `validation` are rows of your own that are
        already labelled, as the path of a CSV file or as CSV: the model is scored on them, and people are paid by what their rows
        add to telling them. `more` are further fields of the job, as `where`, `out`, `holdout`, `micro_rho`.

        Raises:
            Refused: as `query`.
        """
        job = {
            "estimator": estimator, "asset": asset, "label": label, "features": list(features), "purpose": purpose,
            "parameters": {name: str(value) for name, value in (parameters or {}).items()},
            "validation": validation.read_bytes().decode() if isinstance(validation, Path) else validation,
        }  # fmt: skip
        found = self._call("POST", "/fits", job | more)
        return Fitted(
            found["use"], found["meaning"], found["purpose"], found["scores"],
            _table(found["columns"], found["rows"], found["measures"]), found["model"], tuple(found["notes"]), found["price"],
            found["charge"], found["budget_left"], found["budget_total"], found["receipt"],
        )  # fmt: skip

    def match(
        self, kind: str, asset: str, theirs: str, *, service: str, client: str, purpose: str, **more: str
    ) -> dict[str, Any]:
        """Matches a table of the node with `theirs` of another, through that node's match `service`, called as `client`:
        `count`, `sum` or `matched`. `more` are `identifier`, `their_identifier`, `value`, `prefix`, `their_key`. The numbers
        are decimals in text; a match of large tables may need a longer timeout.

        Raises:
            Refused: either node said no.
        """
        body = {
            "kind": kind,
            "asset": asset,
            "theirs": theirs,
            "service": service,
            "client": client,
            "purpose": purpose,
        }
        found = self._call("POST", "/matches", body | more)
        return {**found, **dict(zip(found["columns"], found["rows"][0], strict=True))}

    def catalogue(self) -> dict[str, Any]:
        """What the node offers, in DCAT terms."""
        found: dict[str, Any] = self._call("GET", "/catalogue")
        return found

    def request(self, offer: str) -> dict[str, Any]:
        """Requests an offer as it stands; the negotiation and where it stands."""
        found: dict[str, Any] = self._call("POST", f"/offers/{offer}/requests")
        return found

    def send(self, negotiation: str, message: str) -> dict[str, Any]:
        """Moves a negotiation (`accept`, `verify`, `terminate`)."""
        found: dict[str, Any] = self._call("POST", f"/negotiations/{negotiation}/messages", {"message": message})
        return found

    def search(self, columns: Sequence[str], *, purpose: str, budget: str, **more: Any) -> dict[str, Any]:
        """Ranks what is offered for a need: `columns` or what they mean, a `purpose`, and the `budget` of the first year, as
        `100.00 EUR`. `more` are `form`, `years` (`2021-2023`), `persons`, `uses`, `asset`. What does not meet it says what
        stands in the way.

        Raises:
            Refused: the need cannot be read.
        """
        found: dict[str, Any] = self._call("POST", "/market/search", _need(columns, purpose, budget, more))
        return found

    def need(self, columns: Sequence[str], *, purpose: str, budget: str, **more: Any) -> dict[str, Any]:
        """Says what is looked for; `needs` tells of each offer that could meet it. Takes what `search` takes, but `asset`, and
        `until`.

        Raises:
            Refused: as `search`.
        """
        found: dict[str, Any] = self._call("POST", "/needs", _need(columns, purpose, budget, more))
        return found

    def needs(self) -> list[dict[str, Any]]:
        """What is looked for, with the offers that could meet it, the newest first."""
        found: list[dict[str, Any]] = self._call("GET", "/needs")
        return found

    def preview_of(self, offer: str, *, purpose: str) -> Answer:
        """A little of what an offer's data can tell, for nothing and within the allowance.

        Raises:
            Refused: there are no previews of it, or the allowance is used up.
        """
        return _answer(self._call("POST", f"/offers/{quote(offer, safe='')}/previews", {"purpose": purpose}))

    def bid(self, auction: str, bidder: str, amount: str) -> str:
        """Sends a sealed bid, as `150.00 EUR`, in an auction; `bidder` is the id of the party that the token is for. Returns
        the secret number: keep it, for without it the bid cannot be opened.

        Raises:
            Refused: it was not taken.
        """
        import secrets

        from usufruct.core.base.money import parse
        from usufruct.core.contract.auction import commitment

        nonce = secrets.token_hex(32)
        sealed = commitment(auction, bidder, parse(amount).minor, nonce)
        self._call("POST", f"/auctions/{quote(auction, safe='')}/bids", {"commitment": sealed})
        return nonce

    def open_bid(self, auction: str, amount: str, nonce: str) -> None:
        """Opens a bid that was sent, with the number that was kept.

        Raises:
            Refused: it is too early or too late, or not what was committed to.
        """
        self._call("POST", f"/auctions/{quote(auction, safe='')}/bids/opening", {"amount": amount, "nonce": nonce})

    def invoices(self) -> list[dict[str, Any]]:
        """The invoices to be paid, the newest first."""
        found: list[dict[str, Any]] = self._call("GET", "/invoices")
        return found

    def invoice(self, id: str) -> dict[str, Any]:
        """One invoice, by the names and numbers of EN 16931."""
        found: dict[str, Any] = self._call("GET", f"/invoices/{quote(id, safe='')}")
        return found

    def peer(self, party: str) -> Peer:
        """Another node, by the party whose it is; nothing is sent until something is asked."""
        return Peer(self, party)

    def counting_key(self) -> str:
        """A member's key file as text, by which she counts her records: to be fetched once, early, and kept secret."""
        return json.dumps(self._call("GET", "/me/key"), indent=1)

    def book(self) -> Any:
        """The book of a member's records as the node shows it; nothing in it is believed before it is audited."""
        return self._call("GET", "/me/book")

    def audit(self, key: str, kept: str = "") -> tuple[Audit, str]:
        """Whether a member is shown every record about her, each as it was made. Trusts nothing but `key`, the text of
        her key file. `kept` is what the audit before this gave to keep; with what was found comes what to keep now,
        which after an audit that is not sound is what it was.

        Raises:
            Refused: the node showed no book.
            ValueError: `key` or `kept` cannot be read.
        """
        from usufruct.core.proof import keeping
        from usufruct.store.keys import SystemClock, verify_signature

        before = keeping.parse_kept(kept) if kept else None
        known = keeping.CountingKey.parse(key)
        found = keeping.check(self.book(), known, verify_signature, SystemClock().now(), before)
        return found, keeping.kept_text(found.keep) if found.sound and found.keep else kept

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._send(method, path, body).json()

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        import httpx

        headers = {"Authorization": f"Bearer {self.token}"}
        response = httpx.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=self.timeout)
        if response.is_success:
            return response
        try:
            found = response.json()
        except ValueError:
            found = {}
        raise Refused(found.get("refusal") or found.get("fault") or {
            "code": "input.http", "message": f"the node answered with status {response.status_code}",
            "remedy": "check the address",
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pulled:
    """What another node gave: `body`, bytes of the type that it names. A node like ours answers as to a question."""

    media_type: str
    body: bytes

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError if it is none."""
        return json.loads(self.body)

    def answer(self) -> Answer:
        """The body as an answer, with its table. Raises ValueError or KeyError if it is none."""
        return _answer(self.json())


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node, as the node that is connected knows it; that one does the talking."""

    connection: Connection
    party: str

    def catalogue(self, words: str = "") -> list[dict[str, Any]]:
        """What it has on offer, as it was last read: each `dataset` with its `offers`, and their `terms` in words.

        Raises:
            Refused: there is no such peer, or it was never read and cannot be reached.
        """
        found = self.connection._call("GET", f"{self._path}/catalogue?words={quote(words, safe='')}")
        datasets: list[dict[str, Any]] = found["datasets"]
        return datasets

    def read_catalogue(self) -> int:
        """Has its catalogue read now; how many datasets there are.

        Raises:
            Refused: it cannot be reached.
        """
        entries: int = self.connection._call("POST", f"{self._path}/catalogue")["entries"]
        return entries

    def negotiate(
        self, dataset: str, offer: str = "", *, wait: float = 60, told: Callable[[str], None] | None = None
    ) -> dict[str, Any]:
        """Asks for an offer on a dataset (the only one there is, unless said) and waits, in seconds, for the agreement, which
        it returns: `negotiation` is what `pull` takes. `told` is called with each state.

        Raises:
            Refused: there is no such offer, or the other node said no; the exception says why.
            TimeoutError: nothing was decided yet. It goes on; the page "Other nodes" of the portal shows how.
        """
        begun = self.connection._call("POST", f"{self._path}/negotiations", {"dataset": dataset, "offer": offer})
        end = self._come_to(begun["process"], ("FINALIZED",), wait, told)
        return next(one for one in self.agreements() if one["negotiation"] == end["process"])

    def agreements(self) -> list[dict[str, Any]]:
        """The agreements with it that are in force, the newest first."""
        held = self.connection._call("GET", "/agreements-held")
        return [one for one in held if one["peer"] == self.party]

    def transfer(self, agreement: Mapping[str, Any] | str, *, wait: float = 60) -> dict[str, Any]:
        """Asks for the data of an agreement (or the negotiation that came to it) and waits until they can be had.

        Raises:
            Refused, TimeoutError: as `negotiate`.
        """
        name = agreement if isinstance(agreement, str) else agreement["negotiation"]
        begun = self.connection._call("POST", f"/agreements-held/{quote(name, safe='')}/transfers", {})
        return self._come_to(begun["process"], ("STARTED",), wait, None)

    def pull(
        self, agreement: Mapping[str, Any], sql: str = "", *, purpose: str = "", form: str = "json", wait: float = 60
    ) -> Pulled:
        """Has data under an agreement: what a question asks, or without one what the other node gives to who just comes.
        Goes on in a transfer that is started, or asks for one. `form` is `json` or `csv`.

        Raises:
            Refused, TimeoutError: as `negotiate`; the question was refused there, with the reasons.
        """
        started = next((one for one in self.connection._call("GET", "/processes") if _pulls(one, agreement)), None)
        transfer = started or self.transfer(agreement, wait=wait)
        body = {"sql": sql, "purpose": purpose, "form": form}
        response = self.connection._send("POST", f"/processes/{quote(transfer['process'], safe='')}/pulls", body)
        return Pulled(response.headers["content-type"], response.content)

    @property
    def _path(self) -> str:
        return f"/peers/{quote(self.party, safe='')}"

    def _come_to(
        self, process: str, good: Sequence[str], wait: float, told: Callable[[str], None] | None
    ) -> dict[str, Any]:
        """The process once it is in a good state; each state is told on the way."""
        until, shown = time.monotonic() + wait, 0
        while True:
            found: dict[str, Any] = self.connection._call("GET", f"/processes/{quote(process, safe='')}")
            for step in found["history"][shown:]:
                if told is not None:
                    told(step["state"])
            shown = len(found["history"])
            if found["state"] in good:
                return found
            if found["failed"] or found["state"] in ("TERMINATED", "COMPLETED"):
                raise Refused({
                    "code": "contract.ended", "message": f"{found['kind']} `{process}` with `{self.party}` came to nothing",
                    "reasons": found["failed"] or found["reasons"], "remedy": "ask for another offer, or ask who runs that node",
                })  # fmt: skip
            if time.monotonic() > until:
                raise TimeoutError(
                    f"`{self.party}` has not answered within {wait} seconds; {process} is {found['state']}"
                )
            time.sleep(LOOK_SECONDS)


def _pulls(process: Mapping[str, Any], agreement: Mapping[str, Any]) -> bool:
    """Whether data can be pulled in a transfer, under that agreement."""
    told = {"kind": "transfer", "state": "STARTED", "format": "HttpData-PULL", "role": "consumer", "peer": agreement["peer"],
            "agreement": agreement["named"], "party": agreement["party"]}  # fmt: skip
    return all(process[name] == value for name, value in told.items())


def connect(url: str, token: str, *, timeout: float = 120) -> Connection:
    """A connection to the node at `url`; nothing is sent until something is asked. `timeout` in seconds."""
    return Connection(url.rstrip("/"), token, timeout)


def _answer(found: Mapping[str, Any]) -> Answer:
    return Answer(
        found["use"], found["meaning"], found["purpose"], _table(found["columns"], found["rows"], found["measures"]),
        tuple(found["notes"]), found["price"], found["charge"], found["budget_left"], found["budget_total"],
        found["receipt"],
    )  # fmt: skip


def _need(columns: Sequence[str], purpose: str, budget: str, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"columns": list(columns), "purpose": purpose, "budget": budget, **more}


def _cell(row: Mapping[str, Any], name: str) -> str:
    """A value as it is read: with its margin, or a word where nothing can be said."""
    value, margin = row[name], row.get(f"{name}_margin")
    if value is None:
        return "too uncertain"
    return str(value) if margin is None else f"{value} ± {margin}"


def _table(columns: list[str], rows: list[list[Any]], measures: list[str]) -> pyarrow.Table:
    """The answer as Arrow; measures come as exact decimals in text and become numbers here."""
    import pyarrow

    arrays = {}
    for index, column in enumerate(columns):
        values = [row[index] for row in rows]
        if column in measures:
            convert = float if any("." in value for value in values if value is not None) else int
            values = [None if value is None else convert(value) for value in values]
        arrays[column] = pyarrow.array(values)
    return pyarrow.table(arrays)
