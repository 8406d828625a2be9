import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.registry import ANY_VERSION, Manifest, ModelRegistry, Promotion, model_names

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


def test_a_promotion_is_made_only_over_the_version_that_was_expected(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b", "v3_c"):
        publish(models, version)
    models.promote("v1_a", reason="first", expected=None)
    with pytest.raises(PromotionConflictError, match="no version was expected in service, and it is v1_a"):
        models.promote("v2_b", reason="drift", expected=None)
    models.promote("v2_b", reason="drift", expected="v1_a")
    with pytest.raises(PromotionConflictError) as conflict:
        models.promote("v3_c", reason="drift", expected="v1_a")
    assert (conflict.value.expected, conflict.value.found) == ("v1_a", "v2_b")
    assert models.current() == "v2_b"
    models.promote("v3_c", reason="drift", expected=ANY_VERSION)


def test_what_is_in_service_already_is_no_conflict(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b"):
        publish(models, version)
        models.promote(version, reason="drift")
    # As a caller does that died after promoting, before it had noted that.
    assert models.promote("v2_b", reason="again", expected="v1_a").reason == "drift"


def test_a_rollback_is_made_only_from_the_version_that_was_expected(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b", "v3_c"):
        publish(models, version)
        models.promote(version, reason="drift")
    assert models.rollback_target() == "v2_b"
    models.rollback(reason="worse", expected="v3_c")
    with pytest.raises(PromotionConflictError, match="cannot roll back: v3_c was expected"):
        models.rollback(reason="worse", expected="v3_c")
    assert models.current() == "v2_b"


@pytest.mark.parametrize("damage", ["missing", "cut short", "of another version"])
def test_a_damaged_version_does_not_come_into_service(models: ModelRegistry, damage: str) -> None:
    for version in ("v1_a", "v2_b"):
        publish(models, version)
        models.promote(version, reason="drift")
    for version in ("v1_a", "v3_c"):
        models.path("v1_a").parent.joinpath(version).mkdir(exist_ok=True)
        file = models.path(version) / "manifest.json"
        if damage == "missing":
            file.unlink(missing_ok=True)
        elif damage == "cut short":
            file.write_text('{"model": "als"')
        else:
            manifest("v2_b").write(file.parent)
    with pytest.raises(RegistryError, match=r"v3_c/manifest\.json"):
        models.promote("v3_c", reason="drift")
    with pytest.raises(RegistryError, match=r"v1_a/manifest\.json"):
        models.rollback(reason="worse")
    assert models.current() == "v2_b"


def test_a_rollback_to_a_version_that_is_gone_is_refused(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b"):
        publish(models, version)
        models.promote(version, reason="drift")
    models.path("v1_a").rename(models.folder.parent / "v1_a")
    with pytest.raises(RegistryError, match="no version v1_a"):
        models.rollback(reason="worse")
    assert models.current() == "v2_b"


def age(models: ModelRegistry, version: str, days: int) -> None:
    at = (AT - timedelta(days=days)).timestamp()
    os.utime(models.path(version), (at, at))


def test_prune_keeps_what_may_still_be_needed(models: ModelRegistry) -> None:
    for number in range(1, 9):
        publish(models, f"v{number}_a")
        age(models, f"v{number}_a", 30 if number != 4 else 1)
    for number in (1, 2, 3):
        models.promote(f"v{number}_a", reason="drift")
    models.rollback(reason="worse")  # v2 is in service, v1 before
    pruned = ["v3_a", "v5_a", "v6_a"]
    assert models.prune(keep=2, min_age=timedelta(days=2), dry_run=True) == pruned
    assert len(models.versions()) == 8
    assert models.prune(keep=2, min_age=timedelta(days=2)) == pruned
    assert models.versions() == ["v1_a", "v2_a", "v4_a", "v7_a", "v8_a"]
    assert models.prune(keep=2, min_age=timedelta(days=2)) == []
    assert models.rollback(reason="worse").version == "v1_a"
    assert not list(models.folder.glob(".p*"))


def test_a_version_s_age_counts_from_its_publication(models: ModelRegistry) -> None:
    plain = ModelRegistry(models.folder)
    with plain.publish("v1_a") as folder:
        manifest("v1_a").write(folder)
        os.utime(folder, (0, 0))
    publish(plain, "v2_b")
    assert plain.prune(keep=1) == []
    assert plain.prune(keep=1, min_age=timedelta(0)) == ["v1_a"]


def test_prune_keeps_at_least_one(models: ModelRegistry) -> None:
    with pytest.raises(RegistryError, match="keep at least 1"):
        models.prune(keep=0)
    assert ModelRegistry(models.folder).prune() == []


@pytest.mark.parametrize("file", ["current", "history.jsonl"])
def test_prune_deletes_nothing_where_it_cannot_tell_what_is_needed(models: ModelRegistry, file: str) -> None:
    for version in ("v1_a", "v2_b", "v3_c"):
        publish(models, version)
        age(models, version, 30)
        models.promote(version, reason="drift")
    (models.folder / file).write_text("damaged\n")
    for dry_run in (True, False):
        with pytest.raises(RegistryError):
            models.prune(keep=1, dry_run=dry_run)
    assert len(models.versions()) == 3


def test_a_reader_with_an_open_file_reads_on(models: ModelRegistry) -> None:
    for version in ("v1_a", "v2_b"):
        publish(models, version)
        age(models, version, 30)
    with (models.path("v1_a") / "model.npz").open("rb") as file:
        assert models.prune(keep=1) == ["v1_a"]
        assert file.read() == b"factors"


def test_what_a_killed_publication_left_is_deleted_by_the_next(models: ModelRegistry) -> None:
    publish(models, "v1_a")
    (models.folder / ".publish-v2_b-x").mkdir()
    (models.folder / ".publish-v2_b-x" / "model.npz").write_bytes(b"half")
    assert models.versions() == ["v1_a"]
    with models.publish("v3_c") as first:
        manifest("v3_c").write(first)
        publish(models, "v4_d")  # leaves alone what a live process works on
    assert models.versions() == ["v1_a", "v3_c", "v4_d"]
    assert not list(models.folder.glob(".publish-*"))


def test_of_two_publications_of_one_version_the_first_stays(models: ModelRegistry) -> None:
    def publish_twice() -> None:
        with models.publish("v1_a") as folder:
            publish(models, "v1_a")
            (folder / "model.npz").write_bytes(b"second")
            manifest("v1_a").write(folder)

    with pytest.raises(RegistryError, match="exists already"):
        publish_twice()
    assert (models.path("v1_a") / "model.npz").read_bytes() == b"factors"


@pytest.fixture
def read_only(
    models: ModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModelRegistry]:
    """Two versions, one in service, in a folder that this user may read alone."""
    for version in ("v1_a", "v2_b"):
        publish(models, version)
        age(models, version, 30)
    models.promote("v1_a", reason="first")
    models.folder.chmod(0o555)
    (models.folder / ".lock").chmod(0o444)
    # Root may write anywhere. Another user reaches the folder only from its parent on.
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(65534)
    yield ModelRegistry(Path("artifacts") / "als", clock=lambda: AT)
    if privileged:
        os.seteuid(0)
    models.folder.chmod(0o755)


def test_a_folder_that_is_read_only_can_be_read(read_only: ModelRegistry) -> None:
    assert (read_only.current(), read_only.versions()) == ("v1_a", ["v1_a", "v2_b"])
    assert [item.version for item in read_only.history()] == ["v1_a"]
    assert read_only.prune(keep=1, dry_run=True) == []
    assert read_only.rollback_target() is None


def test_a_folder_that_is_read_only_costs_a_clear_error(read_only: ModelRegistry) -> None:
    def publish_one() -> None:
        publish(read_only, "v3_c")

    for change in (
        lambda: read_only.promote("v2_b", reason="drift"),
        lambda: read_only.rollback(reason="worse"),
        lambda: read_only.prune(keep=1),
        publish_one,
    ):
        with pytest.raises(RegistryError, match=r"artifacts/als cannot be written \(Permission denied\)"):
            change()
    assert read_only.current() == "v1_a"


PROMOTE_WITHOUT_ROOM = """
import resource, signal, sys
from pathlib import Path
from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.registry import ModelRegistry

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else writing ends the process
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    ModelRegistry(Path(sys.argv[1])).promote("v2_b", reason="drift")
except RegistryError as error:
    print(error)
"""


@pytest.mark.parametrize("room", ["0", "10", "200"])
def test_without_room_the_version_in_service_stays(models: ModelRegistry, room: str) -> None:
    for version in ("v1_a", "v2_b"):
        publish(models, version)
    models.promote("v1_a", reason="first")
    before = models.history()
    command = [sys.executable, "-c", PROMOTE_WITHOUT_ROOM, str(models.folder), room]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "als cannot be written (File too large): make room" in answer.stdout
    assert (models.current(), models.history()) == ("v1_a", before)
    assert sorted(entry.name for entry in models.folder.glob(".*")) == [".lock"]


def test_models_are_the_folders_with_versions(models: ModelRegistry, tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    assert model_names(artifacts) == []
    publish(models, "v1_a")
    (artifacts / "empty").mkdir()
    (artifacts / ".hidden" / "v1_a").mkdir(parents=True)
    (artifacts / "file").touch()
    assert model_names(artifacts) == ["als"]
