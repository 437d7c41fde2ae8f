"""Every dated value in the parameter files of three other projects, against our tables: equal, or left out for a stated reason.

The files are those of openfisca-france 176.1.8, policyengine-uk 2.162.0 and policyengine-us 2.68.0, read as text. On each of
their dates our table must say the same; and each of our figures must be one of theirs, or be named below with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from archives import Tally, day, fetched, files, number, read

from usufruct.core.base.instants import Instant
from usufruct.core.rulebook import statutory

SMIC = "marche_travail/salaire_minimum/smic/"
MICRO = "prelevements_sociaux/professions_liberales/auto_entrepreneur/"
RATES, TRAINING = MICRO + "cotisations_prestations/", MICRO + "formation_professionnelle/"
TAX = "impot_revenu/calcul_revenus_imposables/rpns/microsocial/"
FRANCE = {
    SMIC + "smic_b_horaire": "fr.smic.hour",
    RATES + "vente": "fr.micro.rate.sales",
    RATES + "service": "fr.micro.rate.liberal",
    RATES + "service_bic": "fr.micro.rate.services",
    RATES + "cipav": "fr.micro.rate.cipav",
    RATES + "meuble_tour_class": "fr.micro.rate.tourism",
    TRAINING + "ventecom_chiffre_affaires": "fr.micro.training.sales",
    TRAINING + "servicecom_chiffre_affaires": "fr.micro.training.services",
    TRAINING + "artisans_hors_alsace_chiffre_affaires": "fr.micro.training.craft",
    TRAINING + "artisans_alsace_chiffre_affaires": "fr.micro.training.craft-alsace",
    TRAINING + "professions_liberales_chiffre_affaires": "fr.micro.training.liberal",
    TAX + "vente": "fr.micro.tax.sales",
    TAX + "servi": "fr.micro.tax.services",
    TAX + "bnc": "fr.micro.tax.liberal",
}
UNITED_STATES = {
    "self_employment/rate/social_security": "us.se.social-security",
    "self_employment/rate/medicare": "us.se.medicare",
    "self_employment/net_earnings_exemption": "us.se.least",
    "ald/misc/employer_share": "us.se.employer-share",
    "ald/self_employment_tax/percent_deductible": "us.se.deductible",
    "payroll/social_security/cap": "us.wage-base",
    "payroll/medicare/additional/rate": "us.additional-medicare",
}
# Ours that are none of theirs: what was known before it was changed, what they begin later, and years without training.
OURS = {
    "fr.micro.rate.liberal 2026-01-01": "published in 2024 for 2026, and lowered in 2025",
    "us.wage-base 2018-01-01": "announced in October 2017, and lowered in November",
    "fr.micro.rate.services": "theirs begins in 2022; before, it is in the file of the liberal professions",
    "fr.micro.training": "none until 2011, which they do not state",
    "gb.minimum-wage": "theirs begins in 2012",
}
EVER = "0000-01-01"  # theirs for what has no beginning; held against our first day
# Days of publication that we read otherwise.
JOURNAL = {
    "fr.micro.rate.services 2022-10-01": "theirs has day and month exchanged: the decree is of 7 December, and so are its others",
}  # fmt: skip


def dated(values: dict[str, Any]) -> Iterator[tuple[str, Fraction]]:
    """The values of a file by date, without those that are null."""
    for date, said in values.items():
        value = said["value"] if isinstance(said, dict) else said
        if value not in ("null", "~", ""):
            yield date, number(value)


class Compared:
    """What was found equal, what was left out, and which of our figures were met."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.met: set[tuple[str, Instant]] = set()

    def value(self, name: str, date: str, theirs: Fraction, key: int = 0) -> None:
        first = statutory.shipped().table(name).figures[0].effective
        on = first if date == EVER else day(date)
        if on < first:
            self.tally.leave_out(f"`{name}` begins on {first[:10]}")
            return
        figure = statutory.shipped().figure(name, on)
        self.met.add((name, figure.effective))
        self.say(f"{name} on {date}", figure.at(key), theirs)

    def say(self, what: str, ours: Fraction, theirs: Fraction) -> None:
        if ours == theirs:
            self.tally.passed += 1
        else:
            self.tally.wrong.append(f"{what}: {ours} for {theirs}")

    def ours_are_theirs(self, prefix: str) -> None:
        """Each of our figures was met, or is named with its reason."""
        for table in statutory.shipped():
            for figure in table.figures if table.name.startswith(prefix) else ():
                named = f"{table.name} {figure.effective[:10]}"
                unmet = (table.name, figure.effective) not in self.met
                if unmet and not any(named.startswith(reason) for reason in OURS):
                    self.tally.wrong.append(f"{named} is none of theirs")


def parameters(path: str, name: str, version: str, source: bool = False) -> dict[str, Any]:
    """The parameter files of a package by their names below `path`."""
    held = fetched(name, version, source)
    texts = files(held, lambda one: one.startswith(path) and one.endswith(".yaml"))
    return {one.removeprefix(path).removesuffix(".yaml"): text for one, text in texts}


def test_france(record_property: Callable[[str, object], None]) -> None:
    theirs = parameters("openfisca_france/parameters/", "openfisca-france", "176.1.8", source=True)
    compared = Compared()
    for file, name in FRANCE.items():
        said = read(theirs[file])
        for date, value in dated(said["values"]):
            compared.value(name, date, value)
        journal(compared, name, said["metadata"].get("official_journal_date", {}))
    for date, value in dated(read(theirs[RATES + "service"])["values"]):
        if date < "2022":
            compared.value("fr.micro.rate.services", date, value)
    monthly(compared, dated(read(theirs[SMIC + "smic_b_mensuel"])["values"]))
    compared.ours_are_theirs("fr.micro")
    compared.ours_are_theirs("fr.smic.hour")
    compared.tally.report(record_property, cents=False)


def journal(compared: Compared, name: str, published: dict[str, str]) -> None:
    """Days of the official journal, where both know one."""
    for figure in statutory.shipped().table(name).figures:
        date = figure.effective[:10]
        theirs = published.get(date)
        if theirs is None or not figure.published:
            continue
        if f"{name} {date}" in JOURNAL:
            compared.tally.leave_out(JOURNAL[f"{name} {date}"])
        elif figure.known[:10] == theirs:
            compared.tally.passed += 1
        elif f"{name} {date}" not in OURS:
            compared.tally.wrong.append(f"{name}, for {date}: published on {figure.known[:10]}, they say {theirs}")


def monthly(compared: Compared, values: Iterator[tuple[str, Fraction]]) -> None:
    """The monthly amounts, which theirs has as published since 2012."""
    for date, value in values:
        if date < "2012":
            compared.tally.leave_out("a month before 2012 is reckoned with 151.67 hours in theirs")
        else:
            ours = Fraction(statutory.monthly_minimum("FR", day(date)).minor, 100)
            compared.say(f"the month on {date}", ours, value)


def test_united_kingdom(record_property: Callable[[str, object], None]) -> None:
    theirs = parameters("policyengine_uk/parameters/gov/hmrc/minimum_wage/", "policyengine-uk", "2.162.0")
    compared = Compared()
    for bracket in read(theirs["non_apprentice"])["brackets"]:
        (age,) = bracket["threshold"].values()
        for date, value in dated(bracket["amount"]):
            compared.value("gb.minimum-wage.hour", date, value, int(age))
    for date, value in dated(read(theirs["apprentice"])["values"]):
        compared.value("gb.minimum-wage.apprentice", date, value)
    compared.ours_are_theirs("gb.")
    compared.tally.report(record_property, cents=False)


def test_united_states(record_property: Callable[[str, object], None]) -> None:
    theirs = parameters("policyengine_us/parameters/gov/irs/", "policyengine-us", "2.68.0")
    compared = Compared()
    last = statutory.shipped().table("us.wage-base").figures[-1].effective[:10]
    for file, name in UNITED_STATES.items():
        for date, value in dated(read(theirs[file])["values"]):
            if name == "us.wage-base" and date > last:
                compared.tally.leave_out("a forecast of the wage base")
            else:
                compared.value(name, date, value)
    for status, values in read(theirs["payroll/medicare/additional/exclusion"]).items():
        for date, value in dated(values) if status.isupper() else ():
            ours = {"JOINT": "joint", "SEPARATE": "separate"}.get(status, "single")
            compared.value(f"us.additional-medicare.{ours}", date, value)
    compared.ours_are_theirs("us.")
    compared.tally.report(record_property, cents=False)
