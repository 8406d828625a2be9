"""The public names of every module: taking one away, or adding one by accident, fails here."""

import importlib
import inspect
import pkgutil

import pytest

import recwatch

PUBLIC = {
    "recwatch": ["__version__"],
    "recwatch.asgi": ["MetricsEndpoint", "MetricsMiddleware", "metrics_endpoint"],
    "recwatch.config": ["Duration", "Strict", "expand_variables", "load_config"],
    "recwatch.durations": ["format_duration", "parse_duration"],
    "recwatch.entry": ["run"],
    "recwatch.errors": [
        "ConfigError",
        "DurationError",
        "PromotionConflictError",
        "RecwatchError",
        "RegistryError",
        "StoreError",
    ],
    "recwatch.exposition": ["Selection", "render", "without_created"],
    "recwatch.logs": ["DATE_FORMAT", "FORMAT", "configure", "event", "file_handler", "formatter"],
    "recwatch.manifest": ["MANIFEST", "Action", "Manifest", "Promotion"],
    "recwatch.metrics": [
        "DroppedWrites",
        "HealthMetrics",
        "HttpMetrics",
        "QualityMetrics",
        "ServingMetrics",
        "TrainingMetrics",
        "render",
        "without_created",
    ],
    "recwatch.provenance": ["git_commit"],
    "recwatch.push": ["REASONS", "TARGET", "push"],
    "recwatch.recorder": ["Consumer", "Recorder"],
    "recwatch.redaction": ["mask_passwords"],
    "recwatch.registry": ["ANY_VERSION", "Manifest", "ModelRegistry", "Promotion", "model_names"],
    "recwatch.registry_files": [
        "claim",
        "delete",
        "flush_to_disk",
        "is_claimed",
        "locked",
        "set_aside",
        "sweep",
        "write_beside",
    ],
    "recwatch.registry_journal": ["Journal", "completed", "undoable"],
    "recwatch.routes": ["UNMATCHED", "Found", "RouteTemplates"],
    "recwatch.scores": [
        "Embeddings",
        "Scores",
        "content_score",
        "diversity",
        "semantic_alignment",
        "unit_vectors",
    ],
    "recwatch.serving": ["Outcome", "RecommenderMetrics", "RecommenderRequest"],
    "recwatch.serving_request": ["Arm", "Outcome", "RecommenderRequest"],
    "recwatch.store": [
        "Store",
        "UtcDateTime",
        "create_store_engine",
        "iteration_metrics",
        "metadata",
        "open_store",
        "predictions",
        "requests",
        "reranking_metrics",
        "service_health",
        "training_runs",
    ],
    "recwatch.store.engine": ["as_store_error", "create_store_engine"],
    "recwatch.store.migrate": ["VERSIONS", "upgrade"],
    "recwatch.store.store": ["Store", "open_store"],
    "recwatch.store.tables": [
        "iteration_metrics",
        "metadata",
        "prediction_sequences",
        "predictions",
        "requests",
        "reranking_metrics",
        "service_health",
        "training_runs",
        "variant_totals",
    ],
    "recwatch.store.times": ["UtcDateTime"],
    "recwatch.testing": ["MailServer", "SlackServer", "free_port", "wait_until"],
    "recwatch.testing.inbox": ["Inbox", "main"],
    "recwatch.testing.mail": ["MailServer"],
    "recwatch.testing.mailbox": ["LoopThread", "Mailbox", "Orders", "Receiver"],
    "recwatch.testing.message": ["Message", "from_email", "from_slack"],
    "recwatch.testing.page": ["content_security_policy", "render_cards", "render_page"],
    "recwatch.testing.slack": ["Payload", "SlackServer", "find_fault"],
    "recwatch.testing.waiting": ["free_port", "wait_until"],
    "recwatch.testing.web": ["WebThread"],
    "recwatch.training": ["TrainingRun", "Unit"],
    "recwatch.training_lines": [
        "as_columns",
        "early_stopping_line",
        "iteration_line",
        "metrics_line",
        "number",
        "pick",
    ],
    "recwatch.training_log": ["REASONS", "TARGET", "RunLog"],
    "recwatch.training_record": ["REASONS", "TARGET", "RunRecord"],
}


def modules() -> list[str]:
    found = pkgutil.walk_packages(recwatch.__path__, "recwatch.")
    return ["recwatch", *(module.name for module in found)]


def test_every_module_is_pinned() -> None:
    assert sorted(modules()) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_names_are_these(name: str) -> None:
    assert sorted(importlib.import_module(name).__all__) == sorted(PUBLIC[name])


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_names_are_there_typed_and_explained(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    for public in PUBLIC[name]:
        value = getattr(module, public)
        if inspect.isfunction(value):
            assert value.__doc__, public
            assert "return" in inspect.get_annotations(value), public
        elif inspect.isclass(value) and value.__module__.startswith("recwatch"):
            assert value.__doc__, public
