from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recwatch.errors import HealthError
from recwatch.health import RegistryVersion
from recwatch.registry import Manifest, ModelRegistry


@pytest.fixture
def registry_of_als(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "als")


def publish(registry: ModelRegistry, trained_at: datetime) -> str:
    version = registry.new_version(trained_at)
    with registry.publish(version) as folder:
        manifest = {"model": "als", "version": version, "trained_at": trained_at, "data_version": "d"}
        Manifest(**manifest).write(folder)  # type: ignore[arg-type]
    registry.promote(version, reason="test")
    return version


def test_it_measures_the_time_since_the_training(registry_of_als: ModelRegistry) -> None:
    version = publish(registry_of_als, datetime.now(UTC) - timedelta(hours=3))
    measured = RegistryVersion(registry_of_als.folder, max_age=timedelta(hours=4))()
    assert measured.value == pytest.approx(3 * 3600, abs=60)
    assert measured.message == version
    old = rf"{version} was trained 3:00:\d\d ago, more than 2:00:00"
    with pytest.raises(HealthError, match=old) as caught:
        RegistryVersion(registry_of_als.folder, max_age=timedelta(hours=2))()
    assert caught.value.value == pytest.approx(3 * 3600, abs=60)


def test_nothing_in_service_fails(registry_of_als: ModelRegistry) -> None:
    with pytest.raises(HealthError, match="no version of als is in service: promote one"):
        RegistryVersion(registry_of_als.folder)()


def test_a_damaged_version_fails(registry_of_als: ModelRegistry) -> None:
    version = publish(registry_of_als, datetime.now(UTC))
    (registry_of_als.folder / version / "manifest.json").write_text("{}")
    with pytest.raises(HealthError, match=r"manifest\.json lacks"):
        RegistryVersion(str(registry_of_als.folder))()
