"""What is pushed, as it comes through a real Pushgateway and our prometheus.yml into a real Prometheus."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
import yaml
from prometheus_client import CollectorRegistry

from recwatch.pipeline import PipelineRun
from recwatch.store import open_store
from recwatch.testing import wait_until
from recwatch.training import TrainingRun
from recwatch_local.paths import ROOT

_FOLDER = ROOT / "prometheus"

Samples = list[dict[str, Any]]
Ask = Callable[[str], Samples]


class Running(Protocol):
    url: str


@pytest.fixture
def ask(
    run_prometheus: Callable[..., AbstractContextManager[Running]],
    pushgateway: str,
    tmp_path: Path,
) -> Iterator[Ask]:
    """Asks a Prometheus that scrapes the Pushgateway as prometheus.yml says."""
    document = yaml.safe_load((_FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    (scrape,) = (job for job in document["scrape_configs"] if job["job_name"] == "pushgateway")
    (tmp_path / "targets").mkdir()
    for discovery in scrape["file_sd_configs"]:
        for name in discovery["files"]:
            (group,) = yaml.safe_load((_FOLDER / "targets/local" / Path(name).name).read_text())
            target = [{"targets": [pushgateway], "labels": group["labels"]}]
            (tmp_path / name).write_text(yaml.safe_dump(target))
    with run_prometheus(tmp_path, [], scrapes=[scrape]) as prometheus:

        def query(expression: str) -> Samples:
            answer = requests.get(f"{prometheus.url}/api/v1/query", params={"query": expression}, timeout=10)
            assert answer.ok, answer.text
            found: Samples = answer.json()["data"]["result"]
            return found

        yield query


def value(ask: Ask, expression: str) -> float | None:
    found = ask(expression)
    return float(found[0]["value"][1]) if found else None


def test_what_trainers_push_is_of_the_service_training_and_grows(
    ask: Ask, pushgateway: str, store_url: str
) -> None:
    model = f"als-{uuid.uuid4().hex}"
    in_progress = f'training_in_progress{{model="{model}"}}'
    seconds, runs = f'training_seconds_total{{model="{model}"}}', f'training_runs_total{{model="{model}"}}'
    for number in (1, 2, 3):  # three processes, as their registries say
        registry = CollectorRegistry()
        with TrainingRun(model, push=pushgateway, store_url=store_url, registry=registry) as run:
            # Their start is seen before their end, as with trainings of more than a scrape's interval.
            wait_until(lambda: value(ask, in_progress) == 1, timeout=30)
            run._started -= 1800
        wait_until(lambda: value(ask, in_progress) == 0, timeout=30)
        assert (value(ask, seconds) or 0.0) >= 1800 * number
    with open_store(store_url) as store:
        trained = store.elapsed_ms(model) // 1000
    assert 3 * 1800 <= trained < 4 * 1800
    # What `increase()` adds up is from sample to sample: it extrapolates to the range's ends besides.
    assert value(ask, f"resets({seconds}[5m])") == 0
    assert (value(ask, f"increase({seconds}[5m])") or 0.0) >= trained
    assert value(ask, f"max_over_time({seconds}[5m]) - min_over_time({seconds}[5m])") == trained
    assert value(ask, f'sum({runs[:-1]},status="completed"}})') == 3
    for sample in ask(f'{{__name__=~"training_.+|push_time_seconds",model="{model}"}}'):
        labels = sample["metric"]
        assert (labels["service"], labels["job"]) == ("training", "training"), labels
        assert "instance" not in labels, labels  # whoever pushed is no target
        assert not [label for label in labels if label.startswith("exported_")]


def test_what_pipelines_push_is_of_the_service_pipelines(ask: Ask, pushgateway: str) -> None:
    pipeline = f"titles-{uuid.uuid4().hex}"
    with (
        PipelineRun(pipeline, push=pushgateway, registry=CollectorRegistry()) as run,
        run.stage("encode"),
    ):
        wait_until(lambda: value(ask, f'pipeline_in_progress{{pipeline="{pipeline}"}}') == 1, timeout=30)
    wait_until(lambda: value(ask, f'pipeline_in_progress{{pipeline="{pipeline}"}}') == 0, timeout=30)
    found = ask(f'{{__name__=~"pipeline_.+",pipeline="{pipeline}"}}')
    assert {sample["metric"]["__name__"] for sample in found} >= {
        "pipeline_runs_total",
        "pipeline_stage_duration_seconds",
        "pipeline_last_success_timestamp_seconds",
    }
    assert {(sample["metric"]["service"], sample["metric"]["job"]) for sample in found} == {
        ("pipelines", "pipelines")
    }


def test_what_the_pushgateway_says_of_itself_is_its_own(ask: Ask) -> None:
    wait_until(lambda: value(ask, 'up{job="pushgateway"}') == 1, timeout=30)
    wait_until(lambda: bool(ask("pushgateway_build_info")), timeout=30)
    for name in ("up", "pushgateway_build_info"):
        (sample,) = ask(f'{name}{{job="pushgateway"}}')
        assert sample["metric"]["service"] == "pushgateway"
