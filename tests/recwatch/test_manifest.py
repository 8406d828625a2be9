"""Manifests that a trainer may have written in any way."""

import json
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import RegistryError
from recwatch.registry import Manifest

GOOD: dict[str, Any] = {
    "model": "als",
    "version": "v1",
    "trained_at": "2026-11-21T03:15:00+00:00",
    "data_version": "x",
}


def with_more(text: str) -> str:
    return f"{json.dumps(GOOD)[:-1]}, {text}}}"


def test_what_is_needed_is_enough(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(GOOD))
    assert (Manifest.read(tmp_path).version, Manifest.read(tmp_path).metrics) == ("v1", {})


@pytest.mark.parametrize(
    "text",
    [
        with_more(f'"parameters": {{"a": {"[" * 100_000}{"]" * 100_000}}}'),
        with_more(f'"metrics": {{"a": 1{"0" * 400}}}'),
        with_more('"metrics": {"\\ud800": 1}'),
        json.dumps(GOOD | {"version": "v\ud800"}),
        json.dumps(GOOD | {"model": "\udfff"}),
        json.dumps(GOOD | {"data_version": "\ud800"}),
        json.dumps(GOOD | {"metrics": []}),
        "[]",
    ],
    ids=["deep", "huge", "metric", "version", "model", "data", "list", "no object"],
)
def test_nonsense_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RegistryError, match=r"manifest\.json cannot be used .*restore it") as caught:
        Manifest.read(tmp_path)
    str(caught.value).encode()
