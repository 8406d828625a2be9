"""What single sections say of what is out of the ordinary."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recwatch.report.document import Cell
from recwatch.report.period import period_until
from recwatch.report.sections import drift, quality, retraining, training
from recwatch.report.series import Answers, Series

END = 1_794_812_400.0
PERIOD = period_until(END, timedelta(days=7))
HOUR = 3_600.0
Build = Callable[..., Answers]


@pytest.mark.parametrize(
    ("at", "cell"),
    [
        (END - HOUR, Cell("1 h ago", "", "2026-11-16 06:00 UTC")),
        (END + 60, Cell("0 s ago", "", "2026-11-16 07:01 UTC")),
        (0.0, Cell("never", "bad")),
        (
            END * 1_000,
            Cell("in the future", "bad", "no date: 1.79e+12 UTC: it is to be seconds since the epoch"),
        ),
    ],
)
def test_when_a_model_was_trained(answers: Build, at: float, cell: Cell) -> None:
    given = answers({"trained_last": [({"model": "als"}, at)], "trained_first": [({"model": "als"}, at)]})
    assert training.build(given, PERIOD).tables[0].rows[0][-1] == cell


def test_a_model_that_is_bad_in_one_service_alone(answers: Build) -> None:
    names = [{"service": service, "model": "als", "metric": "ndcg@10"} for service in ("media", "shop")]
    given = answers(
        {
            "quality": [(names[0], 0.1), (names[1], 0.2)],
            "quality_baseline": [(one, 0.2) for one in names],
            "quality_degraded": [(names[0], 1.0), (names[1], 0.0)],
            "quality_samples": [(names[0], 100.0), (names[1], 200.0)],
        },
        quality_course=[Series(one, (END,), (0.1,)) for one in names],
    )
    section = quality.build(given, PERIOD)
    assert [[cell.text for cell in row] for row in section.tables[0].rows] == [
        ["als", "media", "ndcg@10", "degraded", "0.1", "0.2", "100"],
        ["als", "shop", "ndcg@10", "good", "0.2", "0.2", "200"],
    ]
    assert [picture.title for picture in section.pictures] == [
        "als on media: ndcg@10",
        "als on shop: ndcg@10",
    ]


def test_a_version_that_went_away_is_not_in_service(answers: Build) -> None:
    step = PERIOD.step

    def seen(version: str, first: int, last: int) -> Series:
        times = tuple(PERIOD.start + step * number for number in range(first, last + 1))
        return Series({"model": version[:3], "version": version}, times, tuple(1.0 for _ in times))

    points = round(PERIOD.seconds / step)
    given = answers(
        {},
        versions=[
            seen("als-1", 1, points // 2),
            seen("als-2", points // 2 + 1, points),
            seen("bpr-1", 1, 24),
        ],
    )
    [table] = retraining.build(given, PERIOD).tables
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["als", "als-2", "2026-11-12 19:00 UTC", "1"],
        ["bpr", "none", "-", "0"],
    ]
    assert table.rows[1][1] == Cell("none", "bad", "bpr-1 was last seen 2026-11-10 07:00 UTC")


def test_two_exporters_with_a_check_of_one_name(answers: Build) -> None:
    names = [
        {"service": service, "check": "ratings", "type": "ks", "feature": "rating", "segment": "all"}
        for service in ("eu", "us")
    ]
    given = answers(
        {
            "effect_size": [(names[0], 0.3), (names[1], 0.02)],
            "threshold": [(one, 0.1) for one in names],
            "detected": [(names[0], 1.0), (names[1], 0.0)],
            "drift_rows": [(one | {"window": "current"}, 500.0) for one in names],
            "drift_models": [(names[0] | {"model": "als"}, 1.0), (names[1] | {"model": "bpr"}, 1.0)],
        }
    )
    [table] = drift.build(given, PERIOD).tables
    assert [[cell.text for cell in row[:4]] for row in table.rows] == [
        ["ratings · eu", "als", "drift", "0.3"],
        ["ratings · us", "bpr", "no drift", "0.02"],
    ]
    [alone] = drift.findings(given.of_models(frozenset({"bpr"})))
    assert (alone.name, alone.service, alone.drifts) == ("ratings", "us", 0)
