"""The cases of OpenFisca-France for micro-entrepreneurs and for part-time work, against our tables and rules.

Read from the source archive of openfisca-france 176.1.8; nothing of it is run. What we claim is stated by the outputs below.
Where its model knows an activity less closely than the law does, its own habit is followed: until 2022 it takes services for a
trader's, from then on for a craft's, and liberal professions for the CIPAV's unless a case says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archives import Case, Tally, cases, day, fetched, files, minor, number

from usufruct.core.base.instants import Instant
from usufruct.core.rulebook import statutory

TURNOVER = ("ebic_impv", "ebic_imps", "ebnc_impo")  # sales, services, liberal professions
BASES = {"assiette_vente": "ebic_impv", "assiette_service": "ebic_imps", "assiette_proflib": "ebnc_impo"}
CONTRIBUTIONS = ("cotisations_non_salarie_micro_social", "cotisations_non_salarie")
TAX, PART = "microsocial", "coefficient_proratisation"
CLAIMED = (*BASES, *CONTRIBUTIONS, TAX, PART)


def people(case: Case) -> list[dict[str, Any]]:
    """What is put in, by person."""
    return list(case.input["individus"].values()) if "individus" in case.input else [case.input]


def put_in(person: dict[str, Any], name: str, year: str) -> Fraction:
    said = person.get(name, "0")
    return number(said[year] if isinstance(said, dict) else said)


def of_person(person: dict[str, Any], year: str) -> dict[str, Fraction]:
    """Her turnover by regime."""
    sales, services, liberal = (put_in(person, name, year) for name in TURNOVER)
    tourism = services * put_in(person, "part_meubles_tourisme_classes", year)
    general = liberal * put_in(person, "part_bnc_non_cipav", year)
    by_regime = {
        "sales": sales, "tourism": tourism, "craft" if year > "2022" else "services": services - tourism,
        "liberal": general, "cipav": liberal - general,
    }  # fmt: skip
    return {f"fr.micro.{name}": turnover for name, turnover in by_regime.items() if turnover}


def due(case: Case, year: str, tax: bool) -> Fraction:
    """The contributions of all in the case, or the tax that is paid with them."""
    on, total = day(year), 0
    for person in people(case):
        for regime, turnover in of_person(person, year).items():
            without = statutory.contributions(regime, minor(turnover), on).minor
            total += statutory.contributions(regime, minor(turnover), on, tax=True).minor - without if tax else without
    return Fraction(total, 100)


def hours_part(case: Case, on: Instant) -> Fraction:
    return statutory.part_time("FR", number(case.input["heures_remunerees_volume"]), on).value


def found(case: Case, name: str, period: str) -> Fraction:
    if name == PART:
        return hours_part(case, day(period))
    if name == TAX:
        return due(case, period, tax=True)
    if name in CONTRIBUTIONS:
        return -due(case, period, tax=False)
    return sum((put_in(person, BASES[name], period) for person in people(case)), Fraction(0))


def test_cases(record_property: Callable[[str, object], None]) -> None:
    source = fetched("openfisca-france", "176.1.8", source=True)
    tally = Tally()
    texts = files(source, lambda name: name.startswith("tests/") and name.endswith((".yaml", ".yml")))
    for case in cases(texts, CLAIMED):
        if PART in case.output and case.input.get("contrat_de_travail") != "temps_partiel":
            tally.leave_out("pay by days of the year and not by hours")
            continue
        period = case.said["period"]
        claimed = [(name, said) for name, said in case.output.items() if name in CLAIMED]
        tally.settle(case, [(name, found(case, name, period), number(said)) for name, said in claimed])
    tally.report(record_property)
