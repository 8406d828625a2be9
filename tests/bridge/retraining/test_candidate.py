"""What is no candidate: a version that was in service, or another model's."""

from datetime import UTC, datetime

import pytest

from recwatch.registry import Manifest, Promotion
from recwatch_bridge.retraining import candidate

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HISTORY = [
    Promotion("v2", "v1", NOW, "by hand", "promote"),
    Promotion("v3", "v2", NOW, "by hand", "promote"),
    Promotion("v2", "v3", NOW, "v3 was bad", "rollback"),
]


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("v1", "v1 was in service before"),
        ("v2", "v2 is in service already"),
        ("v3", "v3 was in service before"),
        ("v4", "v4 was in service before"),
        ("v5", ""),
    ],
)
def test_what_was_in_service_is_not_new(version: str, why: str) -> None:
    assert candidate.not_new(version, HISTORY, current="v2", serving="v4") == why


def test_first_version_is_new() -> None:
    assert candidate.not_new("v1", [], current=None, serving="") == ""
    assert candidate.not_new("v1", [], current=None, serving=None) == ""


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("als", ""),
        ("als-of-europe", ""),
        ("b\npr", "v1 is a version of b pr, as its manifest.json says"),
    ],
)
def test_version_of_another_model(model: str, why: str) -> None:
    manifest = Manifest(model=model, version="v1", trained_at=NOW, data_version="test")
    assert candidate.of_another_model("v1", manifest, ("als", "als-of-europe")) == why
