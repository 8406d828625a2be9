from collections.abc import Callable
from pathlib import Path

import pytest

from recwatch.errors import ConfigError
from recwatch.registry import ModelRegistry
from recwatch_exporter.config import Check
from recwatch_exporter.freezing import plan

MakeCheck = Callable[..., Check]


def of_model(make_check: MakeCheck, folder: Path, **keys: str) -> Check:
    reference = {"artifact": str(folder), "file": "reference[1].parquet", **keys}
    return make_check(name=folder.name, timestamp="t", reference=reference)


def test_a_reference_elsewhere_stays(make_check: MakeCheck) -> None:
    check = make_check()

    made = plan([check], version=None)

    assert (made.checks, made.left_out, made.version) == ({"check": check}, {}, None)
    assert plan([check], version="v1").version == "v1"


def test_a_reference_of_a_version_becomes_a_path(make_check: MakeCheck, promote: Callable[..., Path]) -> None:
    folder = promote("als")
    version = ModelRegistry(folder).current()

    made = plan([of_model(make_check, folder, profile="drift.npz")], version=None)

    reference = made.checks["als"].reference
    assert reference is not None
    assert reference.path is not None
    (folder / str(version) / "reference[1].parquet").write_bytes(b"")
    assert reference.path.files() == (folder / str(version) / "reference[1].parquet",)
    assert (reference.artifact, reference.file, reference.profile) == (None, None, None)
    assert made.version == version


def test_checks_of_two_models(make_check: MakeCheck, promote: Callable[..., Path]) -> None:
    promote("als")
    both = [of_model(make_check, promote(name), file="a") for name in ("als", "bpr")]

    versions = {ModelRegistry(check.reference.artifact.path).current() for check in both if check.reference}  # type: ignore[union-attr]
    assert len(versions) == 2
    with pytest.raises(
        ConfigError, match=r"^the references belong to different versions: v.* \(.*\), v.* \("
    ):
        plan(both, version=None)


def test_no_version_in_service(make_check: MakeCheck, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"^no version in service in .*/als: promote one, or give --version$"
    ):
        plan([of_model(make_check, tmp_path / "als")], version=None)
