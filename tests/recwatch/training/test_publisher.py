"""What a Pushgateway and a textfile hold over several runs."""

import socket
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from recwatch.testing import free_port
from recwatch.training import TrainingRun, start_run

Train = Callable[..., TrainingRun]
Figures = dict[tuple[str, ...], float]
Pushed = Callable[[str], Figures]
Dropped = Callable[[str, str], float | None]


def hold_to_the_facts(history: list[Figures]) -> None:
    """Of four runs, the second and the fourth of them failed."""
    runs = [(at["training_runs_total", "completed"], at["training_runs_total", "failed"]) for at in history]
    assert runs == [(1, 0), (1, 1), (2, 1), (2, 2)]
    success = [at["training_last_success_timestamp_seconds",] for at in history]
    assert success[0] == success[1] < success[2] == success[3]
    assert ("training_last_failure_timestamp_seconds",) not in history[0]
    assert history[1]["training_last_failure_timestamp_seconds",] >= success[1]
    for at in history:  # a failed run leaves the figures of the last good one
        assert at["training_metric", "recall@10", "test"] == 0.234
        assert at["training_in_progress",] == 0
        assert not [name for name, *_ in at if name.endswith("_created")]


@pytest.mark.parametrize("prefix", ["", "http://", "pushgateway://"])
def test_a_real_pushgateway_over_several_runs(
    train: Train, pushed: Pushed, pushgateway: str, store_url: str, prefix: str
) -> None:
    model, history = f"als-{uuid.uuid4().hex}", []
    for fail in (False, True, False, True):
        registry = CollectorRegistry()
        train(model, fail=fail, registry=registry, push=prefix + pushgateway, store_url=store_url)
        labels = {"target": "pushgateway", "reason": "unreachable"}
        assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 0
        history.append(pushed(model))
    hold_to_the_facts(history)


def read(file: Path, model: str) -> Figures:
    found = {}
    for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("model") == model
            found[sample.name, *labels.values()] = sample.value
    return found


def test_a_textfile_over_several_runs(train: Train, tmp_path: Path, store_url: str) -> None:
    folder, history = tmp_path / "collector", []
    for fail in (False, True, False, True):
        options = {"push": f"textfile:{folder}", "store_url": store_url, "registry": CollectorRegistry()}
        train("als", fail=fail, **options)
        (file,) = folder.iterdir()
        assert file.name == "recwatch_training_als.prom"
        history.append(read(file, "als"))
    hold_to_the_facts(history)


def test_two_models_of_one_process_do_not_mix(
    train: Train, pushed: Pushed, dropped: Dropped, pushgateway: str
) -> None:
    first, second = f"als-{uuid.uuid4().hex}", f"bpr-{uuid.uuid4().hex}"
    train(first, push=pushgateway)
    train(second, fail=True, push=pushgateway)
    assert dropped("pushgateway", "refused") == 0
    assert pushed(first)["training_runs_total", "completed"] == 1
    assert pushed(second)["training_runs_total", "completed"] == 0
    assert ("training_loss",) not in pushed(second)


@pytest.mark.parametrize("fail", [False, True])
def test_a_training_under_way_is_seen_at_the_pushgateway(
    pushed: Pushed, pushgateway: str, registry: CollectorRegistry, *, fail: bool
) -> None:
    model = f"als-{uuid.uuid4().hex}"
    run = TrainingRun(model, registry=registry, push=pushgateway).start()
    ours = {key: value for key, value in pushed(model).items() if not key[0].startswith("push_")}
    counters: Figures = {("training_seconds_total",): 0.0}
    counters.update({("training_runs_total", status): 0.0 for status in ("completed", "failed")})
    assert ours == {("training_in_progress",): 1, **counters}
    run.fail("for the test") if fail else run.finish()
    assert pushed(model)["training_in_progress",] == 0


def test_a_pushgateway_that_does_not_answer_is_not_waited_for_again(train: Train, dropped: Dropped) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run = train(push=f"127.0.0.1:{silent.getsockname()[1]}")
    assert run.status == "completed"
    publisher = run._effects._publisher
    assert publisher is not None
    assert publisher._timeout == 0.5
    assert dropped("pushgateway", "timeout") == 2


def test_a_pushgateway_that_is_down_costs_a_count_and_a_line(
    train: Train, dropped: Dropped, caplog: pytest.LogCaptureFixture
) -> None:
    run = train(push=f"127.0.0.1:{free_port()}")
    assert run.error is None
    assert dropped("pushgateway", "unreachable") == 2  # at the start and at the end
    assert "Write dropped | target=pushgateway, reason=unreachable" in caplog.text


def test_a_folder_that_cannot_be_written_costs_a_count(
    train: Train, dropped: Dropped, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert train(push=f"textfile:{tmp_path / 'file'}").status == "completed"
    assert dropped("textfile", "unwritable") == 2


def test_runs_of_several_processes_are_counted_together(
    pushed: Pushed, pushgateway: str, store_url: str
) -> None:
    model = f"als-{uuid.uuid4().hex}"

    def start() -> TrainingRun:  # with a registry of its own, as a process has
        return start_run(model, store_url=store_url, push=pushgateway, registry=CollectorRegistry())

    def published() -> tuple[float, ...]:
        found = pushed(model)
        status = ("completed", "failed")
        return found["training_in_progress",], *(found["training_runs_total", name] for name in status)

    start().finish()
    first, second = start(), start()
    assert published() == (2, 1, 0)
    first.fail("for the test")
    assert published() == (1, 1, 1)
    second.fail("for the test")
    assert published() == (0, 1, 2)
    first = start()
    second = start()
    second.finish()
    first.finish()
    assert published() == (0, 3, 2)
