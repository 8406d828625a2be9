from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.layout import EVENT_TIME_KEYS
from recwatch_local.paths import ROOT
from recwatch_local.render import shorten_document, shorten_yaml, shortener


@pytest.mark.parametrize(
    ("text", "factor", "expected"),
    [
        ("5m", 60, "5s"),
        ("1h", 120, "30s"),
        ("15s", 60, "1s"),
        ("1s", 60, "1s"),
        ("500ms", 60, "500ms"),
        ("-1d", 60, "-24m"),
        ("1h30m", 90, "1m"),
        ("5m", 1, "5m"),
    ],
)
def test_a_duration_is_divided_and_never_below_a_second(text: str, factor: float, expected: str) -> None:
    assert shortener(factor)(text) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(rate(x_total[5m])) > 0.2", "sum(rate(x_total[5s])) > 0.2"),
        ("max_over_time(x[1h:5m] offset 1d)", "max_over_time(x[1m:5s] offset 24m)"),
        ("x offset -1h", "x offset -1m"),
        ("time() - x_timestamp_seconds > 3600", "time() - x_timestamp_seconds > 3600"),
        ('x{route="/5m"} == 5', 'x{route="/5m"} == 5'),
        ("level:metric:rate5m > 1", "level:metric:rate5m > 1"),
        ("over 5m it is slow", "over 5m it is slow"),
    ],
)
def test_in_an_expression_only_ranges_steps_and_offsets_change(expression: str, expected: str) -> None:
    assert shorten_document({"expr": expression}, shortener(60)) == {"expr": expected}


def test_kept_keys_numbers_and_names_stay() -> None:
    text = "a: {window: 60d, every: 1h, count: 5, name: 5minutes}\n"
    assert yaml.safe_load(shorten_yaml(text, 60, {"window"})) == {
        "a": {"window": "60d", "every": "1m", "count": 5, "name": "5minutes"}
    }


def _leaves(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _leaves(value, f"{path}.{key}")
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _leaves(value, f"{path}[{index}]")
    else:
        yield path, document


WITHOUT_DURATIONS = {"recording.thresholds.yml"}
CONFIGURATION = [
    ROOT / "prometheus" / "prometheus.yml",
    *(
        file
        for file in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
        if file.name not in WITHOUT_DURATIONS
    ),
    ROOT / "alertmanager" / "alertmanager.yml",
    ROOT / "alertmanager" / "bridge.yml",
    ROOT / "exporter" / "drift.yml",
]


@pytest.mark.parametrize("file", CONFIGURATION, ids=lambda file: file.name)
def test_the_demos_copies_differ_from_the_real_files_in_durations_alone(file: Path) -> None:
    real = yaml.safe_load(file.read_text(encoding="utf-8"))
    # Every duration of both becomes the same second, so that whatever else differs remains.
    alike = shortener(factor=1e12)
    copy = yaml.safe_load(shorten_yaml(file.read_text(encoding="utf-8"), 60, EVENT_TIME_KEYS))
    assert shorten_document(copy, alike) == shorten_document(real, alike)
    changed = [
        (path, old) for (path, old), (_, new) in zip(_leaves(real), _leaves(copy), strict=True) if old != new
    ]
    assert changed, "nothing in this file was shortened, so it need not be rendered"
    assert not [path for path, _ in changed if path.rpartition(".")[2] in EVENT_TIME_KEYS]
