"""Stories for random histories about money and the market: each has in it all that its own facts refer to."""

from __future__ import annotations

from usufruct.core.access.pricing import EarningsReported
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Fact
from usufruct.core.contract.auction import AuctionOpened, AuctionSettled, BidCommitted, BidOpened, commitment
from usufruct.core.contract.facts import AgreementReached, OfferPublished, Terms
from usufruct.core.income.accounts import members_of, of_party
from usufruct.core.income.complaints import ComplaintAnswered, ComplaintMade
from usufruct.core.income.disputes import DisputeRaised, DisputeSettled
from usufruct.core.income.facts import MeasureChosen, SharesRead
from usufruct.core.income.invoices import CreditLine, CreditNoteIssued, InvoiceIssued, InvoiceLine, RefundMade
from usufruct.core.income.payout_facts import (
    BankLine,
    Move,
    PayoutApproved,
    PayoutEnded,
    PayoutInstructed,
    PayoutProposed,
    PayoutRefused,
    PayoutSent,
    Source,
    StatementRead,
)
from usufruct.core.income.posting import CreditLimited, CurrencyExchanged, PaymentReceived, PostingCorrected
from usufruct.core.market.needs import Need, NeedMatched, NeedStated, NeedWithdrawn
from usufruct.core.market.previews import PreviewsSet
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered
from usufruct.core.privacy.validation import ValidationTaken

NOW, THEN = Instant("2026-01-01T00:00:00.000Z"), Instant("2027-01-01T00:00:00.000Z")
TERMS = Terms("aggregates", ("AcademicResearch",), 5, "EUR", 1)
OWN = "DE89370400440532013000"


def money_stories(number: str, asset: str, a: str, b: str) -> list[list[Fact]]:
    """The stories, with names of their own; none of them needs another."""
    return [
        _postings(number, a, b),
        _invoices(number, asset, a, b),
        _reports(number, asset, a, b),
        _complaints(number, asset, a, b),
        _instructed(a, b),
        _payout(number, asset, a, b),
        _payouts_that_are_not_made(number, a, b),
        _auction(number, asset, a, b),
        _needs(number, asset, a, b),
        _measured(number, asset, a, b),
    ]


def _postings(number: str, party: str, by: str) -> list[Fact]:
    """Somebody has a limit; what the bank shows of her is explained, some of it is taken back, the rest is exchanged."""
    line = BankLine(f"line-{number}", "2026-01-01", 900, "unmatched", f"invoice {number}")
    return [
        CreditLimited(party, "EUR", 700, by),
        StatementRead(f"incoming-{number}", OWN, "EUR", f"incoming-file-{number}", 0, 900, (line,), by),
        PaymentReceived(party, 900, "EUR", line.reference, by, line.id),
        PostingCorrected(
            0, 0, 300, "some of it is another's", by
        ),  # of the payment; its place is known when it is told
        CurrencyExchanged(party, 600, "EUR", 650, "USD", "1.0833", "the central bank", by),
        CreditLimited(party, "EUR", None, by),
    ]


def _invoices(number: str, asset: str, issuer: str, payer: str) -> list[Fact]:
    """A use is invoiced, disputed and credited, and the money goes back."""
    use, invoice, note = f"use-{number}", f"invoice-{number}", f"credit-note-{number}"
    lines = (InvoiceLine(use, asset, "counts", 700, 1),)
    credited = (CreditLine(use, asset, 200, True), CreditLine(use, asset, 100, False))
    return [
        QueryAdmitted(use, payer, "agreement-1", asset, "v1", "AcademicResearch", "SELECT", "counts", 10, 700, "EUR", "seal"),
        QueryAnswered(use, payer, asset, "AcademicResearch", "counts", "answer", "contributions"),
        InvoiceIssued(invoice, issuer, payer, int(number), "2026-q1", 1, lines, "EUR", 700, 2_000, 140, "", THEN),
        DisputeRaised(f"dispute-{number}", invoice, (use,), payer, issuer, "asked twice", THEN),
        CreditNoteIssued(note, invoice, issuer, payer, int(number), credited, "EUR", 300, 60, "asked twice", issuer),
        DisputeSettled(f"dispute-{number}", True, "it was", issuer, payer, note),
        RefundMade(note, payer, 360, "EUR", "bank reference 1", issuer),
    ]  # fmt: skip


def _reports(number: str, asset: str, provider: str, payer: str) -> list[Fact]:
    """Earnings are reported, and put right; that they are disputed once more comes to nothing."""
    agreement, report, right = f"share-{number}", f"report-{number}", f"report-right-{number}"
    return [
        AgreementReached(agreement, "n", "offer-1", asset, provider, payer, TERMS, THEN, "right-1"),
        EarningsReported(report, agreement, asset, payer, "2026-q1", 1_000, 50, "EUR", payer),
        EarningsReported(right, agreement, asset, payer, "2026-q1", 200, 10, "EUR", provider, report),
        DisputeRaised(f"doubt-{number}", report, (report,), provider, payer, "it was more", THEN),
        DisputeSettled(f"doubt-{number}", False, "it was not", payer, provider),
    ]


def _complaints(number: str, asset: str, party: str, operator: str) -> list[Fact]:
    """One complaint is upheld, and one is rejected."""
    right, wrong = f"complaint-{number}", f"complaint-again-{number}"
    return [
        ComplaintMade(right, party, "period-1", asset, "a row was left out", THEN),
        ComplaintMade(wrong, party, "period-2", asset, "and another", THEN),
        ComplaintAnswered(right, party, "period-1", asset, True, "it was", operator, 20, "EUR"),
        ComplaintAnswered(wrong, party, "period-2", asset, False, "it was not", operator, turn_to="the court"),
    ]


def _instructed(a: str, b: str) -> list[Fact]:
    """One wants to be paid, and one gives what she is owed away."""
    return [
        PayoutInstructed(a, "bank", "A. Holder", "IT60X0542811101000000123456", "UNCRITMMXXX", by=a),
        PayoutInstructed(b, "purse", by=b),
    ]


def _payout(number: str, asset: str, party: str, by: str) -> list[Fact]:
    """Of four payments that were approved one is left out, two are booked together, one is rejected; one comes back."""
    payout, members, its = f"payout-{number}", members_of(asset), of_party(party)

    def line(n: int, amount: int, found: str, account: str, first: int, count: int = 1) -> BankLine:
        moves, reason = (Move(account, abs(amount)),), "" if found in ("paid", "part") else "AC04"
        return BankLine(
            f"{payout}-line-{n}", "2026-01-02", amount, found, "", f"{payout}-{first}", payout, first, count, moves, reason
        )  # fmt: skip

    lines = (
        line(0, -300, "part", members, 0, 2), line(1, -500, "rejected", its, 2), line(2, 100, "returned", members, 0)
    )  # fmt: skip
    return [
        PayoutProposed(payout, None, "EUR", 4, 1, (Source(members, 400, 30), Source(its, 500, 0)), "lines"),
        PayoutApproved(payout, by),
        PayoutSent(payout, "digest", 3, 800, (3,), (Move(members, 100),)),
        StatementRead(f"outgoing-{number}", OWN, "EUR", f"outgoing-file-{number}", None, None, lines, by),
    ]


def _payouts_that_are_not_made(number: str, party: str, by: str) -> list[Fact]:
    """One payout is refused; of another one payment is made, and then no more is heard of it."""
    refused, ended, its = f"payout-refused-{number}", f"payout-ended-{number}", of_party(party)
    paid = BankLine(
        f"{ended}-line", "2026-01-03", -40, "paid", "", f"{ended}-0", ended, 0, 1, (Move(its, 40),)
    )  # fmt: skip
    return [
        PayoutProposed(refused, None, "EUR", 1, 0, (Source(its, 40, 0),), "lines"),
        PayoutProposed(ended, None, "EUR", 2, 0, (Source(its, 90, 0),), "lines"),
        PayoutRefused(refused, "too early", by),
        PayoutApproved(ended, by),
        PayoutSent(ended, "digest", 2, 90),
        StatementRead(f"late-{number}", OWN, "EUR", f"late-file-{number}", 90, 50, (paid,), by),
        PayoutEnded(ended, "the bank never had the rest", by),
    ]


def _auction(number: str, asset: str, provider: str, bidder: str) -> list[Fact]:
    """Two bid, one shows her bid, and gets the agreement at the reserve."""
    auction, agreement, nonce = f"auction-{number}", f"won-{number}", "a1" * 32
    return [
        AuctionOpened(auction, asset, provider, TERMS, 100, NOW, THEN),
        BidCommitted(auction, bidder, commitment(auction, bidder, 300, nonce)),
        BidCommitted(auction, "fay", commitment(auction, "fay", 200, nonce)),
        BidOpened(auction, bidder, 300, nonce),
        AgreementReached(agreement, "", auction, asset, provider, bidder, TERMS, THEN, "right-1"),
        AuctionSettled(auction, bidder, 100, agreement, 2, 1),
    ]


def _needs(number: str, asset: str, provider: str, by: str) -> list[Fact]:
    """What somebody looks for is offered, with previews; then she looks for it no more."""
    need, offer = f"need-{number}", f"wanted-{number}"
    return [
        NeedStated(need, by, Need(("paid",), "AcademicResearch", "aggregates", "EUR", 500), THEN),
        OfferPublished(offer, asset, provider, TERMS, END_OF_TIME),
        PreviewsSet(offer, provider, True),
        NeedMatched(need, by, offer, asset, 80),
        NeedWithdrawn(need, by),
    ]


def _measured(number: str, asset: str, by: str, requester: str) -> list[Fact]:
    """How uses are divided is chosen; one is measured by the rows that came with it; somebody reads what each adds."""
    use, measure = f"use-{number}-measured", "knn-shapley/1 k=5 copies=first"
    return [
        MeasureChosen(asset, "value", by),
        QueryAdmitted(use, requester, "agreement-1", asset, "v1", "AcademicResearch", "fit", "fit", 10, 5, "EUR", "seal"),
        ValidationTaken(use, requester, "digest", 80, measure, "kept"),
        QueryAnswered(
            use, requester, asset, "AcademicResearch", "fit", "answer", "contributions", measure=measure, shares="shares"
        ),
        SharesRead((asset,), "SELECT MAX(paid)", ("nr",), by),
    ]  # fmt: skip
