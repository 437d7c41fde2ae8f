"""Refusals: a *no* with its reasons and the smallest change that would make it *yes*.

A refusal is a value, never an exception: the rules were asked, they answered, and the answer is a fact like any other.
Its code is one of the table below; the table is the whole list of what this node can say no to, and the reference page
of the docs is held to it by a test.

Messages are written for the person who asked: small letters, no full stop, what she typed in back-ticks.
"""

from __future__ import annotations

from dataclasses import dataclass

CODES: dict[str, str] = {
    # what was asked could not be understood; decided from the text alone
    "query.malformed": "the question is not SQL that can be read",
    "query.statements": "more than one statement, or a statement that is not a question",
    "query.unsupported": "a construct outside the allow-list",
    "query.value": "a value is missing, or not one that the template takes",
    # may this party do this, for this purpose, at this grade?
    "access.unknown-purpose": "the purpose is not in the purpose tree",
    "access.no-agreement": "no agreement covers this use; the same answer is given for assets that do not exist",
    "access.purpose": "the agreement does not cover this purpose",
    "access.form": "the agreement, or the grade of a column, does not allow this form of answer",
    "access.grade": "a column is graded above what this node lets anyone use",
    "access.assurance": "it is not known surely enough who asks, for data of that grade",
    "access.basis": "data of that grade need explicit consent or a law, and the agreement names another basis",
    "access.rights": "the chain of rights behind the agreement is broken or has ended",
    "access.terms": "the rules of the agreement, or of a ruleset, do not permit it, or not now",
    "access.no-ruleset": "no ruleset for this type of resource is open to the asker; the same where there is none",
    "access.prohibited": "the asset, or an agreement of the requester on it, prohibits it",
    "access.template": "the template is not approved, or not by who may; the same answer is given where there is none",
    "access.ended": "what permitted the use ended before the answer could leave",
    "access.delegation": "who acts for another has no delegation that reaches so far",
    "access.human-only": "only a person may sign this decision, and no machine for her",
    # a person's word
    "consent.notice": "what the person was shown is not what would be recorded",
    "consent.guardian": "a yes must wait: the ward's for her majority, a guardian's where the ward herself refused",
    "consent.narrower": "an answer goes beyond what was asked",
    "consent.closed": "a request for consent was answered, taken back, or has run out",
    "consent.asked": "the same is being asked already, or too much is",
    "access.not-open": "the asset is not open, or cannot be; the same answer is given for assets that do not exist",
    "access.busy": "more open data were asked for in this minute than the node gives away",
    # calls of services
    "exchange.closed": "no such service, or it is not open to this client",
    "exchange.no-purpose": "the call names no purpose, and none is set for the client",
    "exchange.method": "the service is not open to this method",
    "exchange.person": "the call does not say plainly whom it is about",
    "access.hold": "the party may not have its uses withheld on this ground, or not for so long",
    # what may be let out
    "privacy.column": "no such column in the asset",
    "privacy.key": "this column cannot be grouped by",
    "privacy.measure": "this column cannot be added up or averaged",
    "privacy.literal": "a value does not fit the column it is compared with",
    "privacy.mask": "masked rows do not hold this column, or the mask cannot be changed any more",
    "privacy.cube": "a cube cannot be declared, built or let out so; persons could be told from what is shown beside it",
    "privacy.cells": "the answer would have too many cells",
    "privacy.budget": "the asset's privacy budget does not cover the question",
    "privacy.quota": "the data user has had its part of the asset's privacy budget",
    "privacy.precision": "the precision asked for is outside what the node allows",
    # fits and syntheses
    "fit.job": "not a job that this node does: an unknown estimator or parameter, or columns that do not suit it",
    "fit.column": "nothing can be learnt from the column: it has neither a list nor bounds, or says whom a row is about",
    "fit.missing": "the node was installed without what the job needs",
    "fit.validation": "the rows to score and measure by are not of the card, too few, or too many",
    # matches with other nodes
    "match.asset": "the table cannot be matched: it is about no persons, or their number is not public",
    "match.size": "the table has too few persons to be matched, or too many",
    "match.often": "there were as many matches under the agreement today as may be",
    "match.small": "the result is about too few persons, or looks so in the noise; the same whatever it is",
    "match.protocol": "SPU cannot make this match, or one of the nodes has none",
    "match.unknown": "you have no such match that found persons",
    "match.question": "the question cannot be asked over the persons of that match",
    "match.ended": "the match does not stand any more; the same whatever ended it",
    "match.run": "there is no such run, or it cannot go on; the same whatever was wrong",
    "match.peer": "the other node refused",
    # the register
    "registry.unknown": "no such party, asset, offer, negotiation or period, or it is not yours",
    "registry.exists": "the name is taken",
    "registry.update": "these rows cannot take the place of the asset's",
    "registry.no-person-column": "the table has no column that says whom a row is about",
    "registry.operation": "only a public body authorises an organisation, and only for data of class public",
    "pool.charter": "the charter cannot be adopted",
    "pool.fit": "the member's cell is not what the charter of the pool describes",
    "pool.ended": "the charter of the pool has run out",
    "rights.not-held": "one cannot grant what one does not hold",
    "rights.pledged": "the right is lent to a pilot, or others have what the pledge would take from them",
    # who somebody is
    "identity.credential": "the credential does not hold: not signed by its issuer, run out, or not in order",
    "identity.holder": "whoever shows the credential did not prove that it is hers, here and now",
    "identity.status": "the credential is revoked, or whether it is cannot be known",
    "identity.untrusted": "this node does not trust that issuer for that type of credential",
    # lineage
    "lineage.grade": "a column is graded lower than what it was made of",
    "lineage.purposes": "a purpose goes beyond those of the asset, or of what it was made of",
    "lineage.transform": "the transform does not reach that far",
    "lineage.undeclared": "an asset comes from another without saying so",
    "lineage.cycle": "something would come of itself",
    "lineage.party": "a step is the doing of an organisation, not of a person",
    # offers, negotiations, agreements
    "contract.transition": "the negotiation does not allow this step from where it stands",
    "contract.not-yours": "this step belongs to the other side",
    "contract.offer-closed": "the offer is withdrawn or has run out",
    "contract.terms": "the terms ask for what cannot be granted",
    "contract.crossed": "a message of another node is about another process or dataset than it was sent for",
    "contract.busy": "another node has begun too much here that is not over",
    "contract.ended": "a negotiation or transfer with another node came to nothing",
    "contract.format": "data are not transferred in that way",
    "contract.push": "data of a transfer were not pushed to where the consumer wants them",
    "contract.pull": "another node gave no data under a transfer",
    "contract.auction": "the auction does not allow this, or not now",
    "contract.reported": "the earnings of that period were reported",
    "terms.kind": "the rules are only offered or asked for, and bind nobody yet",
    "terms.cost": "the rules are more, or deeper, than this node reads",
    "terms.conflict": "the rules contradict each other, and do not say which of them wins",
    # income
    "income.period-closed": "the period is already closed",
    "income.nothing-to-divide": "nothing was earned since the last period closed",
    "income.stale-plan": "another plan was closed first; the parent of this one is no longer the last",
    "income.line-withheld": "the plan that proves a line names a use that is withheld for now",
    "income.shares": "what was written cannot be a rule of division; its shares must add up to the whole",
    "income.told": "the total of a period cannot be told under noise without taking too much of the members' share",
    "income.rule-late": "a rule of division applies to what is earned from now on only",
    "income.cost": "the cost says no amount, or not what for",
    "levy.rule": "what was written cannot be a levy",
    "levy.remitted": "more was to be remitted than was taken, or no reference was given",
    "income.credit": "the credit is of no known kind, or says not how much, why or until when",
    "income.complaint": "it is too late to complain, or it was done before; or the answer lacks what goes with it",
    "income.measure": "uses wait to be divided by the measure that was agreed to",
    "income.holders": "what each holder adds cannot be worked out for this total",
    # the ledger, and payments
    "ledger.limit": "the account does not cover the price, within its limit",
    "ledger.correction": "the posting cannot be corrected so",
    "ledger.exchange": "the amount cannot be exchanged",
    "payout.nothing": "there is nothing to pay out",
    "payout.stale": "another payout was approved first, or the accounts do not hold that much any more",
    "payout.account": "the node knows no account to pay from",
    "payout.state": "the payout does not stand where this could be done",
    "payout.statement": "the bank's statement is not of the account that the node pays from",
    # pay for work
    "pay.nothing": "no work waits to be paid",
    "pay.window": "the time of a pay run is not over, does not follow the last one, or holds too much",
    "pay.stale": "another pay run was carried out after this one was planned",
    "pay.state": "the plan was carried out, or refused",
    "pay.correction": "a payslip cannot be corrected by that amount",
    "pay.history": "an export of another node does not hold, or is not about who brings it",
    "income.nothing-to-invoice": "nothing is owed that is not on an invoice already",
    "income.credit-note": "no more can be credited, or paid back, than is left",
    "income.disputed": "this cannot be disputed, or decided, or not again",
    # work
    "work.job": "the job cannot be posted, offered or taken so, or not any more",
    "work.taker": "a rule keeps the worker from the job; the first that does is named",
    "work.spans": "the time of a shift or of work cannot be: to come, outside its agreement, or recorded already",
    "work.round": "the round does not allow this, or not now",
    # work: allocation
    "allocation.rule": "a round cannot be allocated by this rule",
    "allocation.opening": "what a chamber opened is not what it committed to for this round",
    "allocation.redraw": "the lottery of a round would be drawn again",
    "allocation.unreadable": "the bytes are not those of an instance, or not of a certificate",
    "allocation.instance": "the certificate is of another instance",
    "allocation.seed": "the seed does not come of what the chambers opened",
    "allocation.impossible": "the certificate gives somebody what she could not have, or more seats than there are",
    "allocation.blocking": "a worker and a job would both rather have each other",
    "allocation.not-best": "the allocation is stable, and there is one that is better for every worker it changes",
    "allocation.prices": "the prices do not prove that the sum is the largest, or could be higher",
    # hours and conditions of work
    "hours.limit": "a limit of working time would be broken, or a rest cut short",
    "hours.condition": "what was written cannot be a condition of work, or would change the past",
    "hours.restricted": "the worker's account at the operator is restricted, suspended or ended",
    "hours.appeal": "it is too late to appeal, or it was done before; or the answer lacks what goes with it",
    # cover
    "cover.scheme": "what was written cannot be a scheme",
    "cover.late": "a scheme applies to what is earned from now on only",
    "cover.fund": "the fund has no title, an unknown currency, or a reserve that cannot be",
    "cover.joining": "the scheme does not let one join or leave so",
    "cover.claim": "the claim, or the decision on it, lacks what goes with it",
    "cover.short": "the fund, or the account, does not hold what was granted",
    # the market
    "market.need": "the need was stated already, or has run out, or there are too many",
    "market.period": "the asset does not cover the time that is needed",
    "market.persons": "the asset is about fewer persons than are needed",
    "market.budget": "it costs more than the budget",
    "market.preview": "there are no previews of the offer; the same answer is given for offers that do not exist",
    "market.allowance": "the data user had the previews of the asset that one may have in a time",
    # skills and training
    "skill.framework": "the framework cannot be adopted so",
    "skill.recognition": "the issuer cannot be recognised so",
    "skill.stack": "the stack cannot be adopted",
    "skill.training": "the training cannot be offered, applied for, promised or ended so",
    "skill.fund": "the training fund does not cover the place",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rules said no.

    `code` is a key of `CODES`; `message` says what was refused; `reasons` say why, one sentence each, the deciding one
    first; `remedy` is the smallest change that would be allowed, or the person to turn to.
    """

    code: str
    message: str
    reasons: tuple[str, ...]
    remedy: str

    def __post_init__(self) -> None:
        assert self.code in CODES, f"refusal code `{self.code}` is not in the table"

    def __str__(self) -> str:
        return f"{self.message}: {'; '.join(self.reasons)}. {self.remedy}"


def refuse(code: str, message: str, *reasons: str, remedy: str) -> Refusal:
    """A `Refusal` in one line."""
    return Refusal(code, message, reasons, remedy)
