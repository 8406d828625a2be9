from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from recwatch.metrics import DroppedWrites
from recwatch.textfile import REASONS, write_textfile


def write(folder: Path, registry: CollectorRegistry, model: str = "als") -> bool:
    key = {"model": model}
    return write_textfile(
        folder, registry, job="training", grouping_key=key, dropped=DroppedWrites.of(registry)
    )


def dropped(registry: CollectorRegistry, reason: str) -> float | None:
    labels = {"target": "textfile", "reason": reason}
    return registry.get_sample_value("recwatch_dropped_writes_total", labels)


def test_metrics_of_its_names_are_replaced_and_the_others_stay(tmp_path: Path) -> None:
    for name, value in (("first_value", 1), ("second_value", 2), ("first_value", 3)):
        registry = CollectorRegistry()
        Gauge(name, "A value.", registry=registry).set(value)
        Counter(f"{name}_changes_total", "Changes.", registry=registry).inc(value)
        Histogram("seconds", "Time.", buckets=(1, 2), registry=registry).observe(value)
        assert write(tmp_path, registry)
    (file,) = tmp_path.iterdir()
    assert file.name == "recwatch_training_als.prom"
    assert file.stat().st_mode & 0o777 == 0o644
    families = {
        family.name: family
        for family in text_string_to_metric_families(file.read_text())
        if family.name != "recwatch_dropped_writes"
    }
    assert {name: family.type for name, family in families.items()} == {
        "first_value": "gauge",
        "first_value_changes": "counter",
        "second_value": "gauge",
        "second_value_changes": "counter",
        "seconds": "histogram",
    }
    first, second = families["first_value"].samples[0], families["second_value_changes"].samples[0]
    assert (first.value, first.labels) == (3, {"model": "als"})
    assert (second.name, second.value) == ("second_value_changes_total", 2)
    assert families["first_value"].documentation == "A value."


def test_a_model_s_name_makes_no_path(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    Gauge("value", "A value.", registry=registry).set(1)
    assert write(tmp_path / "collector", registry, model="../als/v 1")
    assert [file.name for file in (tmp_path / "collector").iterdir()] == [
        "recwatch_training_..%2Fals%2Fv%201.prom"
    ]


def test_what_cannot_be_read_is_counted_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "recwatch_training_als.prom").write_text("value{model=als oops")
    registry = CollectorRegistry()
    Gauge("value", "A value.", registry=registry).set(1)
    assert write(tmp_path, registry)
    assert 'value{model="als"} 1.0' in (tmp_path / "recwatch_training_als.prom").read_text()
    assert dropped(registry, "unreadable") == 1


def test_a_folder_that_cannot_be_written_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    registry = CollectorRegistry()
    assert not write(tmp_path / "file", registry)
    assert dropped(registry, "unwritable") == 1


def test_the_reasons_are_these() -> None:
    assert REASONS == ("unreadable", "unwritable")
