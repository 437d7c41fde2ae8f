"""Retraining: places in courses, who applies, and what the training fund pays for them.

Whoever teaches offers places: for which skill, at what price, when. A worker applies. A person decides, and with a yes the
price is *reserved* in the training fund, which the division of income fills (`income.accounts.TRAINING`); more than is there
and not promised to others cannot be. It is paid when the course is over: she holds the skill by a credential that counts
here, or the provider and a person of the operator say that she took part. If she did not come, the fund keeps it.

What she applies with, and what she is told, is hers alone and sealed with her key. What the fund promised and paid names the
course and the provider, and not her: so the ledger stands when she is erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.accounts import TRAINING, of_party
from usufruct.core.income.ledger import Account, Book
from usufruct.core.registry.facts import OfParty
from usufruct.core.registry.rules import find_party
from usufruct.core.work.skills import demand
from usufruct.core.work.skills import state as skills
from usufruct.core.work.skills.rules import uri

WORDS_MAX, SEATS_MAX, PRICE_MAX = 1_000, 1_000, 10**9
COMPLETED, ATTENDED, MISSED = "completed", "attended", "missed"
OUTCOMES = {
    COMPLETED: "she holds the skill by a credential that counts",
    ATTENDED: "she took part, and has no credential yet",
    MISSED: "she did not come; the fund keeps the price",
}


@dataclass(frozen=True, slots=True)
class Course:
    """What is taught: the `skill` that it leads to, where, between `starts` and `ends`, to `seats` people, for `price` minor
    units each."""

    title: str
    skill: str
    provider: str
    place: str
    starts: Instant
    ends: Instant
    price: int
    currency: str
    seats: int


@dataclass(frozen=True, slots=True)
class TrainingOffered(Fact):
    """One can apply for a `course` until it starts."""

    KIND = "training.offered/1"
    training: str
    course: Course
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.course.provider,)


@dataclass(frozen=True, slots=True)
class TrainingWithdrawn(Fact):
    """One can apply for it no more; who was promised a place keeps it."""

    KIND = "training.withdrawn/1"
    training: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class TrainingApplied(OfParty, Fact):
    """`party` asks that the fund pays a place, and says `why`."""

    KIND = "training.applied/1"
    application: str
    party: str
    training: str
    why: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class TrainingDecided(OfParty, Fact):
    """A person, `by`, said yes or no to an application."""

    KIND = "training.decided/1"
    application: str
    party: str
    approved: bool
    reasons: str
    by: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class PlacePromised(Fact):
    """Of the fund `amount` minor units are reserved for `provider`, for a place in a training. Its name is that of the
    application, which alone says whose it is."""

    KIND = "place.promised/1"
    place: str
    training: str
    provider: str
    amount: int
    currency: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.provider, self.by)


@dataclass(frozen=True, slots=True)
class PlaceEnded(Fact):
    """What became of a place that was promised: a key of `OUTCOMES`. But for `missed` the fund pays the provider."""

    KIND = "place.ended/1"
    place: str
    outcome: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


OPEN, WITHDRAWN = "open", "withdrawn"
WAITS, APPROVED, DECLINED = "waits", "approved", "declined"
PROMISED = "promised"


@dataclass(frozen=True, slots=True)
class Training(Row):
    """See `TrainingOffered`; of its seats `taken` are promised."""

    KEY = ("id",)
    INDEXED = ("stands",)
    id: str
    course: Course
    by: str
    since: Instant
    stands: str = OPEN
    taken: int = 0

    def free(self, at: Instant) -> bool:
        """Whether one can apply."""
        return self.stands == OPEN and at < self.course.starts and self.taken < self.course.seats


@dataclass(frozen=True, slots=True)
class Application(Row):
    """See `TrainingApplied`; it `stands` as it was decided."""

    KEY = ("id",)
    INDEXED = ("party", "stands")
    id: str
    party: str
    training: str
    why: str
    person: bool
    since: Instant
    stands: str = WAITS
    reasons: str = ""


@dataclass(frozen=True, slots=True)
class Place(Row):
    """See `PlacePromised`; it `stands` promised, or as a key of `OUTCOMES` says."""

    KEY = ("id",)
    INDEXED = ("stands",)
    id: str
    training: str
    provider: str
    amount: int
    currency: str
    since: Instant
    stands: str = PROMISED


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about training changes, those of the ledger among them."""
    match entry.fact:
        case TrainingOffered() as fact:
            yield Training(fact.training, fact.course, fact.by, entry.at)
        case TrainingWithdrawn() as fact:
            yield replace(_training(read, fact.training), stands=WITHDRAWN)
        case TrainingApplied() as fact:
            yield Application(fact.application, fact.party, fact.training, fact.why, fact.person, entry.at)
        case TrainingDecided() as fact:
            row = read.get(Application, fact.application)
            assert row is not None, "both are sealed with one key"
            yield replace(row, stands=APPROVED if fact.approved else DECLINED, reasons=fact.reasons)
        case PlacePromised() as fact:
            yield Place(fact.place, fact.training, fact.provider, fact.amount, fact.currency, entry.at)
            training = _training(read, fact.training)
            yield replace(training, taken=training.taken + 1)
            book = Book(read, entry)
            book.reserve(fact.place, TRAINING, of_party(fact.provider), fact.amount, fact.currency)
            yield from book.rows()
        case PlaceEnded() as fact:
            place = read.get(Place, fact.place)
            assert place is not None, "the rule looked"
            yield replace(place, stands=fact.outcome)
            yield from _settled(read, entry, place, fact.outcome)
        case _:
            return


def _settled(read: Reader, entry: Entry, place: Place, outcome: str) -> Iterator[Row]:
    """What was reserved for a place is paid, or set free."""
    if not place.amount:
        return
    book = Book(read, entry)
    if outcome == MISSED:
        book.void(place.id, TRAINING)
    else:
        book.post(place.id, TRAINING, place.amount, f"{place.id}: a place in {place.training}")
    yield from book.rows()


def _training(read: Reader, id: str) -> Training:
    row = read.get(Training, id)
    assert row is not None, "the rule looked"
    return row


# ---- what may be done


def offer(read: Reader, id: str, course: Course, by: str, operator: str, at: Instant) -> TrainingOffered | Refusal:
    """A provider, or the operator for it, offers places.

    Raises:
        BadInput: the skill is no URI, or the title is missing or very long.
    """
    uri(course.skill)
    title = _words(course.title, "a course has a title")
    who = find_party(read, course.provider)
    wrong = None
    if who is None or by not in (who.id, operator):
        wrong = (f"`{course.provider}` is nobody for whom you could offer", "offer in your own name")
    elif who.kind == "agent":
        wrong = ("an agent teaches nobody for pay", "name the party that answers for it")
    elif not at < course.starts < course.ends:
        wrong = ("it began already, or ends before it begins", "say from when to when it is, from now on")
    elif not 0 < course.seats <= SEATS_MAX or not 0 <= course.price <= PRICE_MAX:
        wrong = ("its seats or its price cannot be", f"say 1 to {SEATS_MAX} seats, and a price of nothing or more")
    if who is None or wrong is not None:
        said, remedy = wrong or ("there is no provider", "name one")
        return refuse("skill.training", "no training was offered", said, remedy=remedy)
    return TrainingOffered(id, replace(course, title=title, provider=who.id, place=holdable(course.place.strip())), by)


def withdraw(read: Reader, id: str, why: str, by: str, operator: str) -> TrainingWithdrawn | Refusal:
    """One can apply for a course no more. Raises BadInput: no reason is given."""
    row, said = read.get(Training, id), _words(why, "whoever withdraws a course says why")
    if row is None or row.stands != OPEN or by not in (row.by, row.course.provider, operator):
        return refuse("registry.unknown", "nothing was withdrawn", f"there is no training `{id}` of yours that is open",
                      remedy="choose one from `usufruct skill training`")  # fmt: skip
    return TrainingWithdrawn(id, said, by)


def apply(read: Reader, id: str, training: str, party: str, why: str, at: Instant) -> TrainingApplied | Refusal:
    """A worker asks that the fund pays her a place. Raises BadInput: she does not say why."""
    not_done = "you did not apply"
    row, who = read.get(Training, training), find_party(read, party)
    said = _words(why, "say in a sentence why you want it")
    if row is None or who is None or not row.free(at):
        return refuse("registry.unknown", not_done, f"there is no training `{training}` with a free seat",
                      remedy="choose one from `usufruct skill training`")  # fmt: skip
    if who.kind == "agent":
        return refuse("skill.training", not_done, "the fund pays for people", remedy="have a person apply")
    if row.course.skill in skills.held(read, who.id, at):
        return refuse("skill.training", not_done, "you hold that skill already", remedy="choose another training")
    for other in read.list(Application, party=who.id):
        place = read.get(Place, other.id)
        lasts = other.stands == WAITS or (place is not None and place.stands == PROMISED)
        if lasts and (other.training == training or other.stands == APPROVED):
            return refuse("skill.training", not_done, f"`{other.id}` is not over yet",
                          remedy="wait for the decision, or for the end of that training")  # fmt: skip
    return TrainingApplied(id, who.id, training, said, who.kind == "person")


def free_in_fund(read: Reader, currency: str) -> int:
    """What the training fund has and has not promised, in minor units."""
    account = read.get(Account, TRAINING, currency)
    return max(account.free, 0) if account else 0


def decide(
    read: Reader, application: str, approved: bool, reasons: str, by: str, operator: str, at: Instant
) -> list[TrainingDecided | PlacePromised] | Refusal:
    """Yes or no to an application, within what the fund has. Raises BadInput: no reasons are given."""
    not_done, row = "nothing was decided", read.get(Application, application)
    said = _words(reasons, "a decision has reasons")
    if row is None or row.stands != WAITS or by != operator:
        return refuse("registry.unknown", not_done, f"there is no application `{application}` that waits for you",
                      remedy="choose one from `usufruct skill applications`")  # fmt: skip
    if row.party == by:
        return refuse("skill.training", not_done, "nobody decides on an application of her own",
                      remedy="have somebody else apply")  # fmt: skip
    decided = TrainingDecided(application, row.party, approved, said, by, row.person)
    if not approved:
        return [decided]
    training = _training(read, row.training)
    course = training.course
    if not training.free(at):
        return refuse("skill.training", not_done, "the training has begun, was withdrawn, or has no free seat",
                      remedy="decline, and name another one")  # fmt: skip
    free = free_in_fund(read, course.currency)
    if course.price > free:
        return refuse(
            "skill.fund", not_done,
            f"the place costs {Money(course.price, course.currency)}, and the fund has {Money(free, course.currency)}",
            remedy="wait until more income was divided, or find a cheaper place",
        )  # fmt: skip
    return [
        decided,
        PlacePromised(application, row.training, course.provider, course.price, course.currency, by),
    ]


def end(read: Reader, place: str, outcome: str, by: str, operator: str, at: Instant) -> PlaceEnded | Refusal:
    """What became of a place. That the course was completed is shown by a credential, and not said."""
    not_done, row = "nothing was recorded", read.get(Place, place)
    if row is None or row.stands != PROMISED or by != operator:
        return refuse("registry.unknown", not_done, f"there is no place `{place}` that is promised",
                      remedy="choose one from `usufruct skill applications`")  # fmt: skip
    if outcome not in OUTCOMES:
        raise BadInput("input.training", f"`{outcome}` is no outcome", f"say one of {', '.join(OUTCOMES)}")
    course, whose = _training(read, row.training).course, read.get(Application, place)
    if outcome == COMPLETED and (whose is None or course.skill not in skills.held(read, whose.party, at)):
        return refuse("skill.training", not_done, "no credential shows that she holds the skill",
                      remedy="have her show it, or record that she attended")  # fmt: skip
    if outcome != COMPLETED and at < course.ends:
        return refuse("skill.training", not_done, f"the training goes on until {course.ends[:10]}",
                      remedy="wait for its end")  # fmt: skip
    return PlaceEnded(place, outcome, by)


def _words(text: str, what: str) -> str:
    said = holdable(text.strip())
    if not said or len(said) > WORDS_MAX:
        raise BadInput("input.training", what, f"write it in a sentence or two, of {WORDS_MAX} characters at most")
    return said


# ---- which one


@dataclass(frozen=True, slots=True)
class Ranked:
    """A course that one can apply for: it would open `jobs` more jobs, at `hourly` minor units an hour in the middle."""

    training: Training
    label: str
    jobs: int
    hourly: int | None


def ranked(read: Reader, party: str, at: Instant, currency: str) -> list[Ranked]:
    """The courses that one can apply for, for this worker: most jobs first, then the better paid, then the cheaper. What she
    holds already is left out."""
    _, steps = demand.away(read, party, at, currency)
    by_skill = {step.skill: step for step in steps}
    has = skills.held(read, party, at)
    found = []
    for row in read.list(Training, stands=OPEN):
        if row.free(at) and row.course.skill not in has:
            step = by_skill.get(row.course.skill)
            label = skills.label_of(read, row.course.skill)
            found.append(Ranked(row, label, step.jobs if step else 0, step.hourly if step else None))
    return sorted(found, key=lambda one: (-one.jobs, -(one.hourly or 0), one.training.course.price, one.training.id))
