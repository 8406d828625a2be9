"""`recwatch-exporter profile`, and checks that read what it wrote."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recwatch.config import load_config
from recwatch.registry import ModelRegistry
from recwatch_exporter.config import Check, Config
from recwatch_exporter.errors import SourceError
from recwatch_exporter.main import main
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import CheckResult
from recwatch_exporter.run import run_check

pytestmark = pytest.mark.usefixtures("root_logger")
Days = Callable[..., Any]


@pytest.fixture
def model(promote: Callable[..., Path], write: Callable[..., Path], days: Days) -> Path:
    """A version with a reference, and a log that came after it."""
    rng = np.random.default_rng(0)
    columns = {"rating": rng.integers(1, 6, 200).astype(float), "country": rng.choice(["de", "fr"], 200)}
    folder = promote("als", reference={**columns, "timestamp": days(np.linspace(0, 10, 200))})
    later = {"rating": rng.integers(2, 6, 150).astype(float), "country": rng.choice(["de", "it"], 150)}
    write("log/a.parquet", **later, timestamp=days(np.linspace(11, 20, 150)))
    return folder


def checks(folder: Path, **reference: str) -> list[dict[str, Any]]:
    shared = {
        "timestamp": "timestamp",
        "min_rows": 10,
        "reference": {"artifact": str(folder), **reference},
        "current": {"path": "log/*.parquet"},
    }
    return [
        {**shared, "name": "ratings", "type": "ks", "column": "rating", "threshold": 0.1},
        {**shared, "name": "scale", "type": "psi", "column": "rating", "segment_by": "country"},
        {**shared, "name": "countries", "type": "psi", "column": "country"},
    ]


def run(check: Check) -> CheckResult:
    return run_check(check, now=datetime(2003, 6, 1, tzinfo=UTC), deadline=Deadline(timedelta(minutes=1)))


def test_a_check_with_a_profile_finds_what_it_found_with_the_data(
    model: Path, config_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    of_data = [
        run(check)
        for check in load_config(config_file(*checks(model, file="reference.parquet")), Config).checks
    ]
    version = ModelRegistry(model).current()
    output = model / str(version) / "drift.npz"
    config = config_file(*checks(model, file="reference.parquet", profile="drift.npz"))

    assert main(["profile", "--config", str(config), "--output", str(output)]) == 0

    assert capsys.readouterr().out == f"{output}: 3 checks frozen of version {version}\n"
    (model / str(version) / "reference.parquet").write_bytes(b"rewritten")
    of_profile = [run(check) for check in load_config(config, Config).checks]
    assert of_profile == of_data


def test_a_profile_of_a_version_that_is_not_in_service_yet(
    model: Path,
    config_file: Callable[..., Path],
    promote: Callable[..., Path],
    days: Days,
    tmp_path: Path,
) -> None:
    config = str(config_file(checks(model, file="reference.parquet")[0]))
    first = str(ModelRegistry(model).current())
    promote("als", reference={"rating": [1.0] * 20, "country": ["de"] * 20, "timestamp": days(range(20))})
    output = tmp_path / "old.npz"

    assert main(["profile", "--config", config, "--version", first, "--output", str(output)]) == 0

    (check,) = load_config(config_file(checks(model, profile="drift.npz")[0]), Config).checks
    now = str(ModelRegistry(model).current())
    output.rename(model / now / "drift.npz")
    with pytest.raises(
        SourceError,
        match=rf"^reference: .* belongs to version {first}, not to version {now}: make it anew by",
    ):
        run(check)


def test_what_cannot_be_frozen_is_told_and_left_out(
    model: Path,
    config_file: Callable[..., Path],
    write: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.parquet", item_id=np.arange(60), vector=[[1.0, 2.0]] * 60)
    side = {"path": "a.parquet"}
    titles: dict[str, Any] = {"name": "titles", "type": "embedding", "column": "vector", "key": "item_id"}
    titles |= {"reference": side, "current": side}
    fresh = {"name": "fresh", "type": "freshness", "observed_at": "item_id", "current": side}
    frozen = {**checks(model, profile="drift.npz")[0], "name": "frozen"}
    again = {**frozen, "name": "again", "reference": {"profile": "drift.npz"}}
    good = checks(model, file="reference.parquet")[0]
    output = tmp_path / "drift.npz"

    config = str(config_file(good, titles, fresh, frozen, again))
    assert main(["profile", "--config", config, "--output", str(output)]) == 0

    rows = "needs the rows of its reference themselves: keep the reference as data"
    told = dict(line.split(": ", 1) for line in capsys.readouterr().err.splitlines())
    assert told == {
        "titles": f"left out: embedding {rows}",
        "fresh": "left out: freshness has no reference here",
        "frozen": "left out: its reference names a profile alone: add file, the data that it is made of",
        "again": "left out: its reference is a profile already: give its data instead",
    }
    assert main(["profile", "--config", config, "--output", str(tmp_path / "b.npz"), "titles"]) == 1
    assert not (tmp_path / "b.npz").exists()


def test_one_reference_that_cannot_be_read_writes_nothing(
    model: Path, config_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, other, _ = checks(model, file="reference.parquet")
    broken = {**other, "name": "broken", "reference": {"path": "nothing.parquet"}}
    output = tmp_path / "drift.npz"

    assert main(["profile", "--config", str(config_file(good, broken)), "--output", str(output)]) == 1

    *_, why, summary = capsys.readouterr().err.splitlines()
    assert why.startswith("broken: reference: ")
    assert "nothing.parquet does not exist" in why
    assert summary == "no profile is written: 1 of 2 checks failed"
    assert not output.exists()


def test_a_place_where_it_cannot_be_written(
    model: Path, config_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(config_file(checks(model, file="reference.parquet")[0]))

    assert main(["profile", "--config", config, "--output", str(tmp_path / "no" / "drift.npz")]) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'no'} is no folder: make it, or correct --output\n"

    assert main(["profile", "--config", config, "--output", str(tmp_path)]) == 1
    assert f"{tmp_path}: the profile cannot be written: " in capsys.readouterr().err


@pytest.mark.parametrize(("version", "message"), [("v9", "no version v9 in"), ("../x", "is not a version")])
def test_a_version_that_is_not_there(
    model: Path,
    config_file: Callable[..., Path],
    version: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = str(config_file(checks(model, file="reference.parquet")[0]))

    assert main(["profile", "--config", config, "--output", "nowhere", "--version", version]) == 1
    assert message in capsys.readouterr().err
