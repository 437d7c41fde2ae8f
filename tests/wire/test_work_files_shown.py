"""Files of real work on the screen, as somebody reads them who has no node."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from test_mdrp import CARRIED, INSTANCE
from test_tlc import RIDE, times, write

from usufruct.cli import commands
from usufruct.wire import mdrp


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        commands.app(["work", *map(str, words)], prog_name="usufruct")
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in INSTANCE.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_an_instance_without_a_solution_has_no_pay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("read-mdrp", folder) == 0
    told = lines(capsys.readouterr().out)
    assert told[0].endswith(": 10.00 an order, 15.00 an hour at least")
    assert {"orders 3", "restaurants 2", "couriers 2", "courier hours 3.50", "orders for each courier hour 0.86",
            "orders an hour that earn the guarantee 1.50", "guaranteed, if nothing were carried 52.50"} <= set(told)  # fmt: skip
    assert "nothing more follows" in told[-1]


def test_a_solution_is_paid(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mdrp.write_solution(tmp_path / "found", mdrp.read(folder), CARRIED)
    assert run("read-mdrp", folder, "--solution", tmp_path / "found") == 0
    told = set(lines(capsys.readouterr().out))
    assert {"orders brought 3", "paid 52.50", "of which to reach the guarantee 22.50", "couriers topped up 2 (100.0 %)",
            "minutes from order to door: mean 15.33", "minutes from order to door: nine in ten within 21"} <= told  # fmt: skip
    # 20.00 in 90 minutes and 10.00 in two hours; engaged 20 and 12 minutes.
    assert {"whole shift 3.50 5.00 5.00 13.33", "engaged 0.53 50.00 50.00 60.00"} <= told


def test_trips_and_their_floor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(
        tmp_path / "trips.parquet", RIDE, {"driver_pay": 15.0}, {"hvfhs_license_num": "HV0009"}, {"driver_pay": None}
    )
    assert run("read-tlc", file, "--per-mile", "1.360", "--per-minute", "0.583") == 0
    told = lines(capsys.readouterr().out)
    # 31.31 for 40 minutes with a passenger, or 52 since they asked, of 46.10 that they paid.
    assert "HV0003 Uber 2 31.31 8.20 46.96 36.13 32.1 %" in told
    assert "HV0009 1 16.31 4.10 48.93 37.64 29.2 %" in told, "an operator whose name nobody knows has its licence"
    assert "HV0003 Uber 1.26 2.7 %" in told
    assert "HV0003 Uber 2 1 50.0 % 1.31" in told
    assert "left out a time, the distance, the fare or the driver's pay is missing 1 4" in told
    assert "the rates are those that were typed" in told
    assert "4 rows were read." in told and "The file names no driver" in " ".join(told)


def test_the_floor_is_the_city_s_of_the_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Published for 1 March 2024: 1.360 a mile, 1.760 in a car that takes wheelchairs, and 0.583 a minute."""
    later = times("2030-01-01 18:00:00", "2030-01-01 18:06:00", "2030-01-01 18:26:00", 1200)
    file = write(tmp_path / "trips.parquet", {"driver_pay": 16.30}, {"wav_match_flag": "Y"}, later)
    assert run("read-tlc", file) == 0
    told = lines(capsys.readouterr().out)
    # 16.31 less 16.30, and 3.42 x 1.760 + 20 x 0.583 = 17.68 less 16.31.
    assert "HV0003 Uber 2 2 100.0 % 1.38" in told
    assert any(line.startswith("the sector's rate for a mile in town, from 2024-03-01: 1.36 USD/mile") for line in told)
    assert "no rates are known from 2030-01-01 to 2030-01-01, on 1 of the days" in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("read-tlc", "none.parquet"), "there is no file `none.parquet` (input.tlc)"),
        (("read-tlc", __file__), "cannot be read as Parquet (input.tlc)"),
        (("read-tlc", __file__, "--per-mile", "1.36"), "`` is no rate in dollars (input.rate)"),
        (("read-tlc", __file__, "--per-mile", "-1", "--per-minute", "1"), "`-1` is no rate in dollars (input.rate)"),
        (("read-mdrp", "nowhere"), "`instance_parameters.txt`: there is no such file (input.mdrp)"),
    ],
)
def test_what_cannot_be_read(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_an_instance_can_be_written_for_other_programs(folder: Path, tmp_path: Path) -> None:
    day = mdrp.read(folder)
    mdrp.write(tmp_path / day.name, day)
    again = mdrp.read(tmp_path / day.name)
    assert again == day
    assert (tmp_path / day.name / mdrp.ORDERS).read_text(encoding="utf-8") == INSTANCE[mdrp.ORDERS]
    assert Fraction(again.conduct.per_hour, 60) == 25
