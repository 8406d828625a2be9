import os
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest

from recwatch.errors import HealthError
from recwatch.health import ModelFile


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "latest.pkl"
    path.write_bytes(b"x" * 100)
    return path


def make_old(path: Path, age: timedelta) -> None:
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))


def test_it_measures_the_age(model: Path) -> None:
    make_old(model, timedelta(days=2))
    measured = ModelFile(str(model), min_bytes=100, max_age=timedelta(days=7))()
    assert measured.value == pytest.approx(2 * 86400, abs=60)
    assert measured.message == "100 bytes"


def test_a_file_of_the_future_is_new(model: Path) -> None:
    make_old(model, timedelta(days=-2))
    assert ModelFile(model)().value == 0


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(HealthError, match=r"nowhere: No such file or directory: train and publish a model"):
        ModelFile(tmp_path / "nowhere")()
    with pytest.raises(HealthError, match="is no file: name the model's file"):
        ModelFile(tmp_path)()


def test_an_empty_or_small_one_fails_and_is_measured(model: Path) -> None:
    model.write_bytes(b"")
    with pytest.raises(HealthError, match=r"has 0 bytes, fewer than 1$") as caught:
        ModelFile(model)()
    assert caught.value.value == pytest.approx(0, abs=60)
    model.write_bytes(b"x" * 9)
    with pytest.raises(HealthError, match=r"has 9 bytes, fewer than 10$"):
        ModelFile(model, min_bytes=10)()


def test_an_old_one_fails_and_is_measured(model: Path) -> None:
    make_old(model, timedelta(days=8))
    old = re.escape("latest.pkl is 8 days, 0:00:00 old, older than 7 days, 0:00:00")
    with pytest.raises(HealthError, match=old.replace("0:00:00\\ old", r"0:00:\d\d\ old")) as caught:
        ModelFile(model, max_age=timedelta(days=7))()
    assert caught.value.value == pytest.approx(8 * 86400, abs=60)
