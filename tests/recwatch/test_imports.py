"""A service that is only watched installs prometheus_client alone: the base must import without the rest."""

import subprocess
import sys

import pytest

BLOCK_THE_REST = """
import importlib.abc
import sys

class OnlyTheBase(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top not in {"recwatch", "prometheus_client"}:
            raise ModuleNotFoundError(f"{name} is not part of the base install", name=name)

sys.meta_path.insert(0, OnlyTheBase())
"""
IMPORT = """
import importlib

importlib.import_module(sys.argv[1])
"""
TRAIN = """
from prometheus_client import REGISTRY
from recwatch.training import TrainingRun

with TrainingRun("als", parameters={}, store_url="sqlite:///nowhere.db") as run:
    run.iteration(1, 1, loss=1.0)
labels = {"target": "store", "reason": "unavailable"}
print(REGISTRY.get_sample_value("recwatch_dropped_writes_total", labels))
"""
BASE = [
    "recwatch",
    "recwatch.asgi",
    "recwatch.better",
    "recwatch.callbacks",
    "recwatch.callbacks.epochs",
    "recwatch.callbacks.implicit",
    "recwatch.callbacks.surprise",
    "recwatch.cli",
    "recwatch.cli.entry",
    "recwatch.durations",
    "recwatch.entry",
    "recwatch.errors",
    "recwatch.exposition",
    "recwatch.extras",
    "recwatch.guarded",
    "recwatch.gunicorn",
    "recwatch.histogram",
    "recwatch.http",
    "recwatch.labelled",
    "recwatch.health",
    "recwatch.health.celery_workers",
    "recwatch.log_files",
    "recwatch.log_rotation",
    "recwatch.lifespan",
    "recwatch.lifetime",
    "recwatch.logs",
    "recwatch.manifest",
    "recwatch.metric_kinds",
    "recwatch.metrics",
    "recwatch.multiprocess",
    "recwatch.pending",
    "recwatch.pipeline",
    "recwatch.pipeline.effects",
    "recwatch.pipeline.run",
    "recwatch.pipeline.stages",
    "recwatch.provenance",
    "recwatch.push",
    "recwatch.recorder",
    "recwatch.redaction",
    "recwatch.registry",
    "recwatch.registry_files",
    "recwatch.registry_journal",
    "recwatch.report",
    "recwatch.report.asking",
    "recwatch.report.building",
    "recwatch.report.document",
    "recwatch.report.errors",
    "recwatch.report.period",
    "recwatch.report.prometheus",
    "recwatch.report.questions",
    "recwatch.report.scale",
    "recwatch.report.sections",
    "recwatch.report.sections.alerts",
    "recwatch.report.sections.attention",
    "recwatch.report.sections.common",
    "recwatch.report.sections.drift",
    "recwatch.report.sections.errors",
    "recwatch.report.sections.quality",
    "recwatch.report.sections.retraining",
    "recwatch.report.sections.slo",
    "recwatch.report.sections.traffic",
    "recwatch.report.sections.training",
    "recwatch.report.series",
    "recwatch.report.summary",
    "recwatch.report.svg",
    "recwatch.report.units",
    "recwatch.request_id",
    "recwatch.routes",
    "recwatch.runs",
    "recwatch.runs.counting",
    "recwatch.runs.publisher",
    "recwatch.runs.run",
    "recwatch.runs.texts",
    "recwatch.runs.unfinished",
    "recwatch.runs.worker",
    "recwatch.scrape",
    "recwatch.shared",
    "recwatch.service_log",
    "recwatch.serving",
    "recwatch.serving_request",
    "recwatch.textfile",
    "recwatch.training",
    "recwatch.training.begin",
    "recwatch.training.effects",
    "recwatch.training.elapsed",
    "recwatch.training.figures",
    "recwatch.training.lifecycle",
    "recwatch.training.lines",
    "recwatch.training.liveness",
    "recwatch.training.log",
    "recwatch.training.process",
    "recwatch.training.publisher",
    "recwatch.training.record",
    "recwatch.training.recovery",
    "recwatch.training.run",
    "recwatch.training.scrape",
    "recwatch.turns",
    "recwatch.web_types",
    "recwatch.worker_files",
    "recwatch.wsgi",
    "recwatch.user_ids",
]


def run_alone(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCK_THE_REST + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", BASE)
def test_the_base_needs_prometheus_client_alone(name: str) -> None:
    result = run_alone(IMPORT, name)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "requirement"),
    [
        ("recwatch.django", "django"),
        ("recwatch.django_request_id", "django"),
        ("recwatch.health.database", "recwatch[store]"),
        ("recwatch.health.django", "django"),
        ("recwatch.health.redis_server", "redis"),
        ("recwatch.log_json", "recwatch[logs]"),
        ("recwatch.quality", "recwatch[quality]"),
        ("recwatch.requestlog", "recwatch[store]"),
        ("recwatch.scores", "recwatch[scores]"),
        ("recwatch.store", "recwatch[store]"),
        ("recwatch.testing", "recwatch[testing]"),
    ],
)
def test_an_extra_says_what_to_install(name: str, requirement: str) -> None:
    last = run_alone(IMPORT, name).stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: ")
    assert last.endswith(f" is not part of the base install: pip install '{requirement}'")


def test_an_extra_that_is_a_command_says_what_it_lacks() -> None:
    assert "is not part of the base install" in run_alone(IMPORT, "recwatch.config").stderr


def test_a_training_goes_on_where_the_extra_is_missing() -> None:
    result = run_alone(TRAIN)
    assert (result.returncode, result.stdout) == (0, "2.0\n"), result.stderr
    assert "pip install 'recwatch[store]'" in result.stderr


def test_importing_registers_nothing() -> None:
    show = "import prometheus_client\nprint(prometheus_client.generate_latest().decode())"
    result = run_alone(f"import {', '.join(BASE)}\n{show}")
    assert "python_info" in result.stdout
    for prefix in ("recwatch_", "http_", "recommender_", "training_"):
        assert prefix not in result.stdout
