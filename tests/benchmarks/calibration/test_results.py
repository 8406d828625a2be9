from pathlib import Path

import pytest

from benchmarks.calibration.results import FalseAlarms, Power, Results, read, write


def alarms(name: str, null: str, number: int, splits: int = 2000) -> FalseAlarms:
    return FalseAlarms(name, null, splits, number, 1900, "plain", 0, 199, 1.5)


def power(shift: float, ours: int, scipy: int, evidently: int) -> Power:
    return Power("ks, mean", shift, 100, {"recwatch": ours, "scipy": scipy, "evidently": evidently})


@pytest.fixture
def results() -> Results:
    return Results(
        seed=1,
        versions={"numpy": "2"},
        false_alarms=(alarms("ks", "users", 100), alarms("psi", "users", 150)),
        power=(power(0, 5, 5, 30), power(0.1, 50, 55, 90), power(0.2, 60, 80, 99)),
    )


def test_what_is_written_is_read_again(results: Results, tmp_path: Path) -> None:
    write(results, tmp_path / "results.json")

    assert read(tmp_path / "results.json") == results
    assert read(tmp_path / "none.json") is None


def test_a_library_with_too_many_false_alarms_is_no_rival(results: Results) -> None:
    assert results.rivals("ks, mean") == ("scipy",)


def test_we_are_behind_where_the_best_rival_is_two_standard_errors_above(results: Results) -> None:
    assert [item.shift for item in results.behind()] == [0.2]


def test_newer_results_take_the_place_of_older_ones(results: Results) -> None:
    newer = Results(
        2, {}, (alarms("psi", "users", 90), alarms("psi", "blocks", 80)), (power(0.2, 81, 80, 99),)
    )

    merged = results.merged(newer)

    assert [(item.type, item.null, item.alarms) for item in merged.false_alarms] == [
        ("ks", "users", 100),
        ("psi", "users", 90),
        ("psi", "blocks", 80),
    ]
    assert merged.behind() == []


def test_types_that_are_no_more_go(results: Results) -> None:
    assert [item.type for item in results.of(["psi"]).false_alarms] == ["psi"]
