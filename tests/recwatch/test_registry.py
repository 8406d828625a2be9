import itertools
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from recwatch.errors import RegistryError
from recwatch.registry import Manifest, ModelRegistry, Promotion

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def manifest(version: str, model: str = "als") -> Manifest:
    return Manifest(
        model=model,
        version=version,
        trained_at=AT,
        data_version="2003-03-01/2003-05-01",
        newest_event=AT - timedelta(days=1),
        parameters={"factors": 64},
        metrics={"ndcg@10": 0.189},
        git_commit="0123abc",
    )


def publish(models: ModelRegistry, version: str) -> None:
    with models.publish(version) as folder:
        (folder / "model.npz").write_bytes(b"factors")
        manifest(version).write(folder)


@pytest.fixture
def models(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "artifacts" / "als", clock=lambda: AT)


def test_a_model_without_a_folder_has_no_versions(models: ModelRegistry) -> None:
    assert models.model == "als"
    assert models.versions() == []
    assert models.current() is None
    assert models.history() == []
    assert not models.folder.exists()


def test_versions_are_numbered_and_dated_in_utc(models: ModelRegistry) -> None:
    assert models.new_version(AT) == "v1_20261121_031500"
    publish(models, "v2_20261121_031500")
    assert models.new_version(AT.astimezone(timezone(timedelta(hours=7)))) == "v3_20261121_031500"


def test_versions_are_sorted_by_number(models: ModelRegistry) -> None:
    for version in ("v10_20261121_031500", "v9_20261121_031500", "v1_20261121_031500"):
        publish(models, version)
    assert [version.split("_")[0] for version in models.versions()] == ["v1", "v9", "v10"]


def test_a_number_is_not_used_twice_after_its_version_was_deleted(models: ModelRegistry) -> None:
    publish(models, "v1_a")
    models.promote("v1_a", reason="first")
    for file in models.path("v1_a").iterdir():
        file.unlink()
    models.path("v1_a").rmdir()
    assert models.new_version(AT).startswith("v2_")


def test_a_published_version_is_complete(models: ModelRegistry) -> None:
    with models.publish("v1_a") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "model.npz").write_bytes(b"factors")
        manifest("v1_a").write(folder)
        assert models.versions() == []
    assert models.versions() == ["v1_a"]
    assert models.manifest("v1_a") == manifest("v1_a")
    assert (models.path("v1_a") / "deep" / "model.npz").read_bytes() == b"factors"
    assert models.path("v1_a").stat().st_mode & 0o777 == 0o755
    assert not list(models.folder.glob(".publish-*"))


def test_a_failed_publication_leaves_nothing(models: ModelRegistry) -> None:
    def fail() -> None:
        with models.publish("v1_a") as folder:
            (folder / "model.npz").write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [entry.name for entry in models.folder.iterdir()] == [".lock"]


def test_a_version_is_published_once(models: ModelRegistry) -> None:
    publish(models, "v1_a")
    with pytest.raises(RegistryError, match="exists already"):
        publish(models, "v1_a")


def test_publishing_asks_for_a_manifest_of_that_version(models: ModelRegistry) -> None:
    with pytest.raises(RegistryError, match=r"manifest.json is missing"), models.publish("v1_a"):
        pass
    with (
        pytest.raises(RegistryError, match="says als v2_b: make it als v1_a"),
        models.publish("v1_a") as folder,
    ):
        manifest("v2_b").write(folder)
    assert models.versions() == []


@pytest.mark.parametrize("version", ["", "../als", "v1/../..", "latest", "v1_", ".lock", "v1_a\n"])
def test_what_is_not_a_version_is_refused(models: ModelRegistry, version: str) -> None:
    with pytest.raises(RegistryError, match="is not a version"):
        models.path(version)


def test_an_unknown_version_is_answered_with_the_known_ones(models: ModelRegistry) -> None:
    publish(models, "v1_a")
    with pytest.raises(RegistryError, match="choose one of: v1_a"):
        models.promote("v2_b", reason="typing error")
    assert models.current() is None


def test_promotions_and_rollbacks_are_kept(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b", "v3_c"):
        publish(models, version)
        models.promote(version, reason=f"drift before {version}")
    assert models.rollback(reason="worse") == Promotion("v2_b", "v3_c", AT, "worse", "rollback")
    assert models.rollback(reason="worse too").version == "v1_a"
    assert models.current() == "v1_a"
    assert [(item.action, item.version, item.previous) for item in models.history()] == [
        ("promote", "v1_a", None),
        ("promote", "v2_b", "v1_a"),
        ("promote", "v3_c", "v2_b"),
        ("rollback", "v2_b", "v3_c"),
        ("rollback", "v1_a", "v2_b"),
    ]
    assert (models.folder / "current").read_text() == "v1_a\n"


def test_a_rollback_undoes_the_promotion_that_came_after_another_rollback(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b", "v3_c"):
        publish(models, version)
    models.promote("v1_a", reason="first")
    models.promote("v2_b", reason="drift")
    models.rollback(reason="worse")
    models.promote("v3_c", reason="drift")
    assert models.rollback(reason="worse").version == "v1_a"


def test_without_an_earlier_version_there_is_no_rollback(models: ModelRegistry) -> None:
    with pytest.raises(RegistryError, match="nothing to roll back to"):
        models.rollback(reason="none")
    publish(models, "v1_a")
    models.promote("v1_a", reason="first")
    with pytest.raises(RegistryError, match="nothing to roll back to"):
        models.rollback(reason="none")


def test_promoting_twice_changes_nothing(models: ModelRegistry) -> None:
    publish(models, "v1_a")
    first = models.promote("v1_a", reason="first")
    assert models.promote("v1_a", reason="again") == first
    assert len(models.history()) == 1


def test_a_crash_between_current_and_history_is_repaired(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b"):
        publish(models, version)
    models.promote("v1_a", reason="first")
    (models.folder / "current").write_text("v2_b\n")
    repaired = models.promote("v2_b", reason="once more after the crash")
    assert (repaired.version, repaired.previous) == ("v2_b", "v1_a")
    assert repaired.reason == "found in service without a record"
    assert models.rollback(reason="worse").version == "v1_a"


def test_a_rollback_cut_short_is_recorded_as_one(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b", "v3_c"):
        publish(models, version)
        models.promote(version, reason="drift")
    (models.folder / "current").write_text("v2_b\n")  # as a crash before the line in history leaves it
    assert models.rollback(reason="worse").version == "v1_a"
    assert [(item.action, item.version) for item in models.history()[3:]] == [
        ("rollback", "v2_b"),
        ("rollback", "v1_a"),
    ]


def test_damage_is_named(models: ModelRegistry) -> None:
    publish(models, "v1_a")
    (models.path("v1_a") / "manifest.json").write_text('{"model": "als"')
    with pytest.raises(RegistryError, match=r"manifest.json cannot be used .* restore it"):
        models.manifest("v1_a")
    (models.folder / "history.jsonl").write_text('{"version": "v1_a", "action": "destroy"}\n')
    with pytest.raises(RegistryError, match="neither promote nor rollback"):
        models.history()
    (models.folder / "current").write_text("../../etc\n")
    with pytest.raises(RegistryError, match="is not a version"):
        models.current()


def test_times_must_be_aware() -> None:
    with pytest.raises(RegistryError, match="without a time zone"):
        Manifest(model="als", version="v1_a", trained_at=datetime(2026, 1, 1), data_version="x")  # noqa: DTZ001


def test_a_manifest_reads_back_without_its_optional_parts(tmp_path: Path) -> None:
    bare = Manifest(model="als", version="v1_a", trained_at=AT, data_version="x")
    bare.write(tmp_path)
    assert Manifest.read(tmp_path) == bare


PROMOTE_MANY = """
import sys
from pathlib import Path
from recwatch.registry import ModelRegistry

for _ in range(20):
    ModelRegistry(Path(sys.argv[1])).promote(sys.argv[2], reason="one of two processes")
"""


def test_concurrent_promotions_leave_an_unbroken_chain(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b"):
        publish(models, version)
    processes = [
        subprocess.Popen([sys.executable, "-c", PROMOTE_MANY, str(models.folder), version])
        for version in ("v1_a", "v2_b")
    ]
    assert [process.wait() for process in processes] == [0, 0]
    history = models.history()
    assert history[-1].version == models.current()
    for earlier, later in itertools.pairwise(history):
        assert later.previous == earlier.version
