"""Everything that can ever happen, on one screen.

The kinds below are names for ever: a fact written today must be read in ten years. A new field needs a default; a new
meaning needs a new kind. `FOLDS` are the pure functions that keep the state; each area folds its own rows and reads
the others'.
"""

from __future__ import annotations

from collections.abc import Iterator

from usufruct.core import epochs
from usufruct.core.access import (
    clauses,
    consent,
    consent_guardians,
    consent_head,
    consent_requests,
    consent_words,
    delegation,
    hold,
    opening,
    pricing,
    rulesets,
    templates,
)
from usufruct.core.access import facts as access
from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row, plain, rebuild
from usufruct.core.contract import auction
from usufruct.core.contract import facts as contract
from usufruct.core.contract import state as contract_state
from usufruct.core.dataspace import claims as dataspace_claims
from usufruct.core.dataspace import facts as dataspace
from usufruct.core.dataspace import state as dataspace_state
from usufruct.core.exchange import facts as exchange
from usufruct.core.exchange import state as exchange_state
from usufruct.core.income import complaints, disputes, invoices, ledger, levies, payout_facts, payout_state, posting
from usufruct.core.income import facts as income
from usufruct.core.income import state as income_state
from usufruct.core.lineage import facts as lineage
from usufruct.core.lineage import state as lineage_state
from usufruct.core.market import needs, previews
from usufruct.core.privacy import cubes, masking, totals, validation
from usufruct.core.privacy import facts as privacy
from usufruct.core.privacy import matching_facts as matching
from usufruct.core.privacy import state as privacy_state
from usufruct.core.registry import assurance, charter, credentials, grants, keys, operation, pool
from usufruct.core.registry import facts as registry
from usufruct.core.registry import state as registry_state
from usufruct.core.rulebook import levy
from usufruct.core.work import facts as work
from usufruct.core.work import state as work_state

FACTS: tuple[type[Fact], ...] = (
    registry.PartyRegistered,
    registry.AssetRegistered,
    registry.AssetUpdated,
    registry.PersonsEnrolled,
    registry.PersonErased,
    registry.RightGranted,
    grants.RightTransferred,
    grants.RightPledged,
    grants.RightReleased,
    grants.RightRevoked,
    charter.PoolFounded,
    pool.PoolJoined,
    pool.PoolStored,
    credentials.CredentialAccepted,
    credentials.CredentialEnded,
    credentials.StatusListRead,
    credentials.CredentialIssued,
    credentials.CredentialRevoked,
    keys.KeyRegistered,
    keys.KeyRevoked,
    assurance.PartyVerified,
    lineage.StepRecorded,
    lineage.TransformRegistered,
    lineage.TransformEnded,
    contract.OfferPublished,
    contract.OfferWithdrawn,
    contract.NegotiationMoved,
    contract.AgreementReached,
    contract.AgreementEnded,
    contract.DutyReported,
    dataspace.PeerLinked,
    dataspace.PeerUnlinked,
    dataspace.OfferNoted,
    dataspace.ProcessOpened,
    dataspace.MessageQueued,
    dataspace.MessageAcknowledged,
    dataspace.MessageFailed,
    dataspace.AgreementTold,
    dataspace.TransferMoved,
    dataspace_claims.CredentialReceived,
    dataspace_claims.CredentialDropped,
    dataspace.PushBegan,
    dataspace.PushEnded,
    access.ConsentsRecorded,
    access.ConsentGiven,
    access.ConsentRefused,
    access.UseObjected,
    access.ObjectionLifted,
    access.ConsentsUsed,
    access.RecordsShared,
    access.ConsentRequested,
    access.RequestDeferred,
    access.RequestWithdrawn,
    access.GuardianAppointed,
    access.GuardianshipEnded,
    access.HoldAllowed,
    access.UseHeld,
    rulesets.RulesetAdopted,
    rulesets.RulesetEnded,
    rulesets.EntityDescribed,
    rulesets.EntityForgotten,
    opening.DataOpened,
    opening.DataClosed,
    opening.DataDelivered,
    templates.TemplateProposed,
    templates.TemplateApproved,
    templates.TemplateWithdrawn,
    access.DelegationGranted,
    access.DelegationEnded,
    access.DelegationUsed,
    clauses.OfferScheduled,
    clauses.RenewalDeclined,
    clauses.AgreementRenewed,
    clauses.FeeDue,
    clauses.NoticeGiven,
    clauses.AgreementLapsed,
    operation.OperationAuthorised,
    exchange.ServiceRegistered,
    exchange.ServiceWithdrawn,
    exchange.ClientRegistered,
    exchange.ServiceOpened,
    exchange.ServiceClosed,
    exchange.NodeLinked,
    exchange.CallAdmitted,
    exchange.CallSent,
    exchange.CallAnswered,
    exchange.CallReturned,
    exchange.CallAbandoned,
    exchange.CallRefused,
    exchange.PersonLookedUp,
    privacy.BudgetOpened,
    privacy.QueryAdmitted,
    privacy.QueryAnswered,
    privacy.QueryRepeated,
    privacy.QueryAbandoned,
    privacy.QueryRefused,
    matching.MatchAdmitted,
    matching.MatchCommitted,
    matching.MatchAnswered,
    matching.MatchAsked,
    matching.MatchRefused,
    matching.MatchAbandoned,
    masking.MaskDeclared,
    cubes.CubeDeclared,
    cubes.CubeBuilt,
    validation.ValidationTaken,
    totals.TotalDrawn,
    income.DivisionAdopted,
    income.CostStated,
    income.CreditGranted,
    income.CreditEnded,
    income.MeasureChosen,
    income.SharesRead,
    levy.LevyAdopted,
    levy.LevyEnded,
    income.LevyRemitted,
    income.SettlementSummed,
    income.PeriodPlanned,
    income.PeriodClosed,
    complaints.ComplaintMade,
    complaints.ComplaintAnswered,
    posting.CreditLimited,
    posting.PaymentReceived,
    posting.CurrencyExchanged,
    posting.PostingCorrected,
    payout_facts.PayoutInstructed,
    payout_facts.PayoutProposed,
    payout_facts.PayoutRefused,
    payout_facts.PayoutApproved,
    payout_facts.PayoutSent,
    payout_facts.PayoutEnded,
    payout_facts.StatementRead,
    pricing.EarningsReported,
    auction.AuctionOpened,
    auction.BidCommitted,
    auction.BidOpened,
    auction.AuctionSettled,
    invoices.InvoiceIssued,
    invoices.CreditNoteIssued,
    invoices.RefundMade,
    disputes.DisputeRaised,
    disputes.DisputeSettled,
    needs.NeedStated,
    needs.NeedWithdrawn,
    needs.NeedMatched,
    previews.PreviewsSet,
    work.JobPosted,
    work.JobWithdrawn,
    work.AvailabilityStated,
    work.WishesStated,
    work.JobAgreed,
    work.JobEnded,
    work.ShiftRecorded,
    work.WorkDone,
    epochs.EpochClosed,
)

ROWS: tuple[type[Row], ...] = (
    registry_state.Party,
    registry_state.Asset,
    registry_state.Stored,
    registry_state.Person,
    registry_state.ErasedPerson,
    registry_state.Right,
    charter.Charter,
    pool.Pool,
    pool.PoolChunk,
    pool.Membership,
    credentials.Credential,
    credentials.StatusList,
    credentials.IssuedCredential,
    keys.PartyKey,
    assurance.Verified,
    lineage_state.Step,
    lineage_state.Transform,
    lineage_state.Link,
    dataspace_state.Peer,
    dataspace_state.NotedOffer,
    dataspace_state.Process,
    dataspace_state.Begun,
    dataspace_state.HeldAgreement,
    dataspace_state.DataTransfer,
    dataspace_claims.OwnCredential,
    dataspace_state.Push,
    contract_state.Offer,
    contract_state.Negotiation,
    contract_state.Agreement,
    contract_state.Agreed,
    contract_state.AgreementUses,
    contract_state.Duty,
    consent_head.ConsentHead,
    consent.ConsentChunk,
    consent.ObjectionChunk,
    consent.SharedRecords,
    consent_words.ConsentWord,
    consent_words.ConsentCount,
    consent_requests.ConsentRequest,
    consent_requests.RequestAnswer,
    consent_guardians.Guardianship,
    hold.HoldRight,
    hold.Hold,
    rulesets.AdoptedRuleset,
    rulesets.Entity,
    opening.OpenData,
    templates.Template,
    delegation.Delegation,
    clauses.OfferSchedule,
    clauses.Running,
    clauses.EarnedFee,
    exchange_state.Service,
    exchange_state.Client,
    exchange_state.AccessRight,
    exchange_state.LinkedNode,
    exchange_state.Call,
    exchange_state.Traffic,
    privacy_state.Budget,
    privacy_state.Spent,
    privacy_state.Use,
    matching.Match,
    masking.Mask,
    cubes.Cube,
    cubes.CubeBuild,
    validation.ValidationSet,
    totals.DrawnTotal,
    ledger.Transfer,
    ledger.Account,
    levy.AdoptedLevy,
    levies.LevyTaken,
    levies.LevyOwed,
    levies.LevyYear,
    income_state.AdoptedDivision,
    income_state.Cost,
    income_state.Credit,
    income_state.Vesting,
    ledger.Reservation,
    ledger.CreditLimit,
    ledger.Corrected,
    payout_state.Instruction,
    payout_state.Payout,
    payout_state.LastPayout,
    payout_state.Payment,
    payout_state.PaidTogether,
    payout_state.Statement,
    payout_state.SeenLine,
    income_state.PeriodPlan,
    income_state.Period,
    income_state.LastPeriod,
    complaints.Complaint,
    income_state.LastSettlement,
    income_state.ChosenMeasure,
    income_state.Summed,
    pricing.Reported,
    auction.Auction,
    auction.Bid,
    invoices.Invoice,
    invoices.CreditNote,
    invoices.Numbering,
    invoices.Billed,
    disputes.Dispute,
    disputes.Disputed,
    needs.StatedNeed,
    needs.NeedMatch,
    previews.Previews,
    work_state.Job,
    work_state.Availability,
    work_state.Wishes,
    work_state.JobAgreement,
    work_state.Shift,
    work_state.Work,
    epochs.Epoch,
    epochs.LastEpoch,
)

FOLDS = (
    registry_state.fold,
    pool.fold,
    credentials.fold,
    keys.fold,
    assurance.fold,
    lineage_state.fold,
    contract_state.fold,
    dataspace_state.fold,
    dataspace_claims.fold,
    consent.fold,
    consent_requests.fold,
    consent_guardians.fold,
    rulesets.fold,
    opening.fold,
    templates.fold,
    delegation.fold,
    clauses.fold,
    pricing.fold,
    auction.fold,
    exchange_state.fold,
    hold.fold,
    ledger.fold,
    levy.fold,
    levies.fold,
    privacy_state.fold,
    matching.fold,
    masking.fold,
    cubes.fold,
    validation.fold,
    totals.fold,
    income_state.fold,
    complaints.fold,
    payout_state.fold,
    invoices.fold,
    disputes.fold,
    needs.fold,
    previews.fold,
    work_state.fold,
    epochs.fold,
)

BY_KIND = {fact.KIND: fact for fact in FACTS}
assert len(BY_KIND) == len(FACTS), "two facts share a kind"


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows of state that one fact changes, as they are after it."""
    for area in FOLDS:
        yield from area(read, entry)


def encode(entry: Entry) -> bytes:
    """The record of a fact at its place: canonical bytes of sequence number, instant, kind and fields."""
    return canonical.encode({
        "seq": entry.seq, "at": entry.at, "kind": entry.fact.KIND, "fact": plain(entry.fact)
    })  # fmt: skip


def decode(record: bytes) -> Entry:
    """The fact that a record holds.

    Raises:
        ValueError: the bytes are not canonical, or of a kind or shape this version does not know.
    """
    value = canonical.decode(record)
    if not isinstance(value, dict) or value.keys() != {"seq", "at", "kind", "fact"}:
        raise ValueError("a record has the fields seq, at, kind and fact")
    seq, at, kind = value["seq"], value["at"], value["kind"]
    if type(seq) is not int or seq < 0 or not isinstance(at, str) or not isinstance(kind, str):
        raise ValueError("a record has a number that counts from 0, an instant and the name of a kind")
    if kind not in BY_KIND:
        raise ValueError(f"no fact of kind `{kind}` is known")
    return Entry(seq, Instant(at), rebuild(BY_KIND[kind], value["fact"]))
