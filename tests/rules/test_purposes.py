"""The purpose tree: its shape, what covers what, and how people may spell a purpose."""

from __future__ import annotations

import itertools
import tomllib
from importlib import resources

import pytest

from usufruct.core.rulebook import purposes

TEXT = resources.files("usufruct.core.rulebook").joinpath("purposes.toml").read_text(encoding="utf-8")
FILE = tomllib.loads(TEXT)
BROADER: dict[str, list[str]] = {purpose: entry["broader"] for purpose, entry in FILE["purposes"].items()}
ALL = sorted(BROADER)


def test_the_file_says_where_it_comes_from() -> None:
    assert FILE["version"] == "2.3"
    assert FILE["source"].startswith("W3C Data Privacy Vocabulary (DPV)")
    assert len(ALL) == 122


def test_the_root_is_the_only_purpose_with_nothing_broader() -> None:
    assert [purpose for purpose in ALL if not BROADER[purpose]] == [purposes.ROOT]


def test_everything_broader_is_a_purpose_and_named_once() -> None:
    for purpose in ALL:
        assert set(BROADER[purpose]) <= set(ALL), purpose
        assert len(set(BROADER[purpose])) == len(BROADER[purpose]), purpose


def test_nothing_is_broader_than_itself() -> None:
    # Taken away leaf by leaf, a graph without cycles leaves nothing.
    left = set(ALL)
    while leaves := left - {above for purpose in left for above in BROADER[purpose]}:
        left -= leaves
    assert not left


def test_labels_are_short_and_mean_one_purpose() -> None:
    labels = [purposes.label(purpose) for purpose in ALL]
    assert len(set(labels)) == len(ALL)
    for text in labels:
        assert 2 <= len(text.split()) <= 6, text
        assert text == " ".join(text.lower().split()), text


def test_ancestors_are_the_ways_up_itself_first_and_the_root_last() -> None:
    for purpose in ALL:
        above = purposes.ancestors(purpose)
        assert (above[0], above[-1]) == (purpose, purposes.ROOT)
        assert len(set(above)) == len(above)
        assert set(above) == {purpose}.union(*(purposes.ancestors(next_up) for next_up in BROADER[purpose]))
        for narrower, broader in itertools.combinations(above, 2):
            assert not purposes.covers(narrower, broader)


def test_descendants_are_the_ancestors_read_downwards() -> None:
    for purpose in ALL:
        below = purposes.descendants(purpose)
        assert below[0] == purpose
        assert len(set(below)) == len(below)
        assert set(below) == {other for other in ALL if purpose in purposes.ancestors(other)}
        for broader, narrower in itertools.combinations(below, 2):
            assert not purposes.covers(narrower, broader)
    assert set(purposes.descendants(purposes.ROOT)) == set(ALL)


def test_covering_is_a_partial_order() -> None:
    for purpose in ALL:
        assert purposes.covers(purpose, purpose)
    for one, other in itertools.permutations(ALL, 2):
        covered = purposes.covers(one, other)
        assert covered == (one in purposes.ancestors(other))
        if covered:
            assert not purposes.covers(other, one)
            assert all(purposes.covers(one, third) for third in purposes.descendants(other))


@pytest.mark.parametrize(
    ("broader", "narrower", "covered"),
    [
        ("ResearchAndDevelopment", "AcademicResearch", True),
        ("AcademicResearch", "ResearchAndDevelopment", False),
        ("Marketing", "DirectMarketing", True),
        ("Marketing", "AcademicResearch", False),
        ("Marketing", "TargetedAdvertising", True),
        ("Personalisation", "TargetedAdvertising", True),
        ("NonCommercialPurpose", "AcademicResearch", False),
        ("CommercialPurpose", "CommercialResearch", True),
        ("ResearchAndDevelopment", "CommercialResearch", True),
        ("PublicBenefit", "ProvideOfficialStatistics", True),
        ("FulfilmentOfObligation", "RightsFulfilment", True),
        ("Purpose", "SellDataToThirdParties", True),
    ],
)
def test_known_relations(broader: str, narrower: str, covered: bool) -> None:
    assert purposes.covers(broader, narrower) is covered


def test_orders_are_fixed() -> None:
    assert purposes.ancestors("AcademicResearch") == ("AcademicResearch", "ResearchAndDevelopment", "Purpose")
    assert purposes.ancestors("TargetedAdvertising") == (
        "TargetedAdvertising",
        "PersonalisedAdvertising",
        "Advertising",
        "Marketing",
        "Personalisation",
        "Purpose",
    )
    assert purposes.descendants("ResearchAndDevelopment") == (
        "ResearchAndDevelopment",
        "AcademicResearch",
        "ScientificResearch",
        "CommercialResearch",
        "NonCommercialResearch",
    )


@pytest.mark.parametrize("purpose", ALL)
def test_every_purpose_is_found_by_its_id_and_by_its_label(purpose: str) -> None:
    assert purposes.known(purpose)
    words = purposes.label(purpose)
    for text in (purpose, f"dpv:{purpose}", words, words.upper(), f"  {words.capitalize()} "):
        assert purposes.normal(text) == purpose
    for text in (purpose, purpose.upper(), f"dpv:{purpose}", words, words.replace(" ", "")):
        assert purposes.nearest(text)[0] == purpose


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("academic research", "AcademicResearch"),
        ("Academic  Research", "AcademicResearch"),
        ("protection of ipr", "ProtectionOfIPR"),
        ("Improve Internal CRM Processes", "ImproveInternalCRMProcesses"),
        ("marketing", "Marketing"),
        ("any purpose at all", "Purpose"),
        ("academicresearch", None),
        ("academicResearch", None),
        ("DPV:AcademicResearch", None),
        ("dpv: AcademicResearch", None),
        ("dpv:dpv:AcademicResearch", None),
        ("dpv:academic research", None),
        ("odrl:AcademicResearch", None),
        ("academic-research", None),
        ("research", None),
        ("dpv:", None),
        ("", None),
    ],
)
def test_normal_takes_exact_spellings_only(text: str, purpose: str | None) -> None:
    assert purposes.normal(text) == purpose


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("academicresearch", "AcademicResearch"),
        ("ACADEMIC RESEARCH", "AcademicResearch"),
        ("dpv:AcademicReserch", "AcademicResearch"),
        ("DPV: academic-research", "AcademicResearch"),
        ("scientific reserach", "ScientificResearch"),
        ("marketting", "Marketing"),
        ("paying supliers", "VendorPayment"),
    ],
)
def test_nearest_finds_what_was_meant(text: str, first: str) -> None:
    assert purposes.nearest(text)[0] == first


def test_nearest_names_three_different_purposes_at_most() -> None:
    assert purposes.nearest("personnel performance") == (
        "PersonnelPerformancePrediction",
        "PersonnelPerformanceMonitoring",
        "PersonnelPerformanceManagement",
    )
    for text in ("research", "advertising", "recruitment", "verification", "service", *ALL):
        found = purposes.nearest(text)
        assert len(set(found)) == len(found) <= 3
        assert all(purposes.known(purpose) for purpose in found)


@pytest.mark.parametrize("text", ["", "   ", "dpv:", "x", "7", "zzzzzzzzzzzz", "q" * 100_000])
def test_nearest_names_nothing_where_nothing_is_near(text: str) -> None:
    assert purposes.nearest(text) == ()


def test_an_id_nobody_knows_is_a_bug_of_the_caller() -> None:
    assert not purposes.known("Fun")
    assert not purposes.known("dpv:Marketing")
    for asked in (purposes.label, purposes.ancestors, purposes.descendants):
        with pytest.raises(KeyError):
            asked("Fun")


def test_what_is_not_in_the_tree_is_covered_by_nothing() -> None:
    for broader, narrower in (("Fun", "Marketing"), ("Marketing", "Fun"), ("Fun", "Fun"), (purposes.ROOT, "Fun")):
        assert not purposes.covers(broader, narrower)
    assert purposes.meet(["Fun", "Marketing"], ["Fun", "DirectMarketing"]) == ("DirectMarketing",)
    assert purposes.broadest(["Fun"]) == ()


@pytest.mark.parametrize(
    ("prohibited", "purpose", "against"),
    [
        ((), "Marketing", None),
        (("Marketing",), "DirectMarketing", "Marketing"),
        (("DirectMarketing",), "Marketing", "DirectMarketing"),  # or it would be done under the broader name
        (("ResearchAndDevelopment",), "CommercialPurpose", "ResearchAndDevelopment"),  # both cover CommercialResearch
        (("DirectMarketing",), "AcademicResearch", None),
        (("AcademicResearch", "DirectMarketing"), "Marketing", "DirectMarketing"),
        (("Fun",), "AcademicResearch", "Fun"),
        (("Marketing",), "Fun", "Marketing"),
        ((), "Fun", None),
    ],
)
def test_a_prohibition_reaches_down_and_what_is_too_broad(
    prohibited: tuple[str, ...], purpose: str, against: str | None
) -> None:
    assert purposes.forbids(prohibited, purpose) == against


def test_a_prohibition_forbids_whatever_could_serve_it() -> None:
    for one in ALL:
        for other in ALL:
            meets = bool(set(purposes.descendants(one)) & set(purposes.descendants(other)))
            assert (
                (purposes.forbids((one,), other) is not None) == meets == (purposes.forbids((other,), one) is not None)
            )


def test_no_spelling_means_two_purposes() -> None:
    # `normal` would silently prefer the later one.
    meanings: dict[str, set[str]] = {}
    for purpose in ALL:
        for text in (purpose, purposes.label(purpose)):
            meanings.setdefault("".join(text.lower().split()), set()).add(purpose)
    assert all(len(found) == 1 for found in meanings.values())
