"""docs/calibration.md says what was measured, of every type."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.calibration import page, pictures, results
from benchmarks.calibration.contests import CONTESTS
from benchmarks.calibration.results import FalseAlarms, Power, Results
from benchmarks.calibration.subjects import subject_of, tried_types
from recwatch_exporter.checks.base import CheckType


@pytest.fixture(scope="module")
def stored() -> Results:
    found = results.read()
    assert found is not None, "nothing is stored: run `make calibrate`"
    return found


@pytest.fixture
def made_up() -> Results:
    rates = (
        FalseAlarms("ks", "users", 2000, 104, 1960, "scipy.stats.ks_2samp", 0, 199, 20.0),
        FalseAlarms("ks", "blocks", 2000, 150, 900, "scipy.stats.ks_2samp", 3, 199, 20.0),
        FalseAlarms("row_count", "independent", 100, 2, 5, "scipy.stats.binomtest", 0, 199, 1.0),
    )
    power = tuple(
        Power("ks, mean", shift, 500, {"recwatch": ours, "scipy": 200, "alibi-detect": 200, "evidently": 480})
        for shift, ours in ((0.0, 25), (0.1, 100))
    )
    return Results(1, {"numpy": "2.0"}, rates, power)


def test_the_page_is_made_from_what_is_stored(stored: Results) -> None:
    assert page.FILE.read_text(encoding="utf-8") == page.render(stored), (
        "docs/calibration.md is stale: run `python -m benchmarks.calibration --render`"
    )
    assert all((pictures.FOLDER / name).exists() for name in (pictures.RATES, pictures.POWER))


@pytest.mark.parametrize("kind", tried_types(), ids=lambda kind: kind.name)
def test_every_type_with_a_p_value_is_on_it(stored: Results, kind: CheckType) -> None:
    measured = {item.null for item in stored.false_alarms if item.type == kind.name}

    missing = {null.name for null in subject_of(kind).nulls} - measured
    assert not missing, f"run `python -m benchmarks.calibration --types {kind.name} --write`"


def test_every_contest_is_on_it(stored: Results) -> None:
    measured = {(item.contest, item.shift) for item in stored.power}

    assert measured >= {(name, shift) for name, contest in CONTESTS.items() for shift in contest.shifts}


def test_rates_outside_are_marked_in_words(made_up: Results) -> None:
    written = page.render(made_up)

    assert "1 of 3 rates below lie there; the others are marked and listed." in written
    assert "| `ks` | MovieLens, users | 2,000 | 104 | 0.052 [0.043, 0.063] |  |" in written
    assert "0.075 [0.064, 0.087] | **too many** |" in written
    assert "- `ks` on series, blocks of time: 0.075, too many: but with 2,000 splits its interval" in written
    assert "**A short run: 100 splits where 2,000 are asked for." in written
    assert "in 3 of 2,000 splits the statistic is not defined" in written


def test_what_is_not_tried_has_its_reason(made_up: Results) -> None:
    assert "- `row_count` on MovieLens, users: it asks how many rows come in a time" in page.render(made_up)


def test_power_behind_has_an_asterisk_and_a_verdict(made_up: Results) -> None:
    barred = replace(
        made_up,
        power=tuple(
            replace(item, detected={**item.detected, "scipy": 25, "alibi-detect": 26})
            if item.shift == 0
            else item
            for item in made_up.power
        ),
    )
    written = page.render(barred)

    assert "| 0.1 | 0.200\\* | 0.400 | 0.400 | 0.960 |" in written
    assert "No rival, for its false alarms: evidently." in written
    assert "At 0 of 1 sizes below it does, or is within two standard errors." in written


def test_pictures_are_drawn_of_any_results(made_up: Results, tmp_path: Path) -> None:
    pictures.draw(made_up, tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [pictures.POWER, pictures.RATES]
