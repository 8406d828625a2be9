"""The public names of every module: taking one away, or adding one by accident, fails here."""

import importlib
import inspect
import pkgutil

import pytest

import recwatch

PUBLIC = {
    "recwatch": ["__version__"],
    "recwatch.asgi": ["MetricsEndpoint", "MetricsMiddleware", "metrics_endpoint"],
    "recwatch.callbacks": ["EpochCallback", "ImplicitCallback", "fit_surprise"],
    "recwatch.callbacks.epochs": ["EpochCallback"],
    "recwatch.callbacks.implicit": ["ImplicitCallback"],
    "recwatch.callbacks.surprise": ["fit_surprise"],
    "recwatch.cli": [],
    "recwatch.cli.__main__": [],
    "recwatch.cli.compare": ["run"],
    "recwatch.cli.comparison": ["Figure", "compare_figures", "differing", "direction"],
    "recwatch.cli.curves": ["draw", "has_curves"],
    "recwatch.cli.entry": ["main"],
    "recwatch.cli.errors": ["CommandError"],
    "recwatch.cli.filenames": ["chart_name"],
    "recwatch.cli.main": ["main"],
    "recwatch.cli.models": ["run"],
    "recwatch.cli.options": ["Options"],
    "recwatch.cli.output": ["Output"],
    "recwatch.cli.parser": ["create_parser"],
    "recwatch.cli.plot": ["run"],
    "recwatch.cli.records": ["Run", "find_run", "list_runs", "open_existing"],
    "recwatch.cli.runs": ["run"],
    "recwatch.cli.text": ["NOTHING", "duration", "moment", "number", "percent", "printable", "sparkline"],
    "recwatch.config": ["Duration", "Strict", "expand_variables", "load_config"],
    "recwatch.django": ["MetricsMiddleware", "metrics_view"],
    "recwatch.django_request_id": ["DjangoRequestIdMiddleware"],
    "recwatch.durations": ["format_duration", "parse_duration"],
    "recwatch.entry": ["run"],
    "recwatch.errors": [
        "ConfigError",
        "DurationError",
        "PromotionConflictError",
        "QualityError",
        "RecwatchError",
        "RegistryError",
        "StoreError",
    ],
    "recwatch.exposition": ["Selection", "forget", "render", "without_created"],
    "recwatch.guarded": ["Guarded", "Unrecorded", "guarded"],
    "recwatch.gunicorn": ["child_exit", "on_starting"],
    "recwatch.histogram": ["Histogram", "Series", "observe_all", "quick"],
    "recwatch.http": ["CANCELLED", "ERROR", "HttpRecorder", "Status"],
    "recwatch.log_files": ["REASONS", "TARGET", "LogFile"],
    "recwatch.log_json": ["configure_structlog", "formatter"],
    "recwatch.log_rotation": ["Rotated", "Rotation", "find_rotated", "next_name", "surplus"],
    "recwatch.logs": [
        "DATE_FORMAT",
        "FORMAT",
        "Event",
        "Rotation",
        "close",
        "configure",
        "event",
        "file_handler",
        "formatter",
        "json_formatter",
        "one_line",
    ],
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
    "recwatch.multiprocess": ["WorkerMetrics", "clear", "fold", "folder"],
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
    "recwatch.request_id": [
        "HEADER",
        "KEY",
        "RequestIdMiddleware",
        "WsgiRequestIdMiddleware",
        "bind",
        "choose",
        "current",
    ],
    "recwatch.requestlog": ["RequestLog"],
    "recwatch.routes": ["UNMATCHED", "Found", "RouteTemplates", "readable"],
    "recwatch.scrape": ["Scrape", "answer"],
    "recwatch.scores": [
        "Embeddings",
        "Scores",
        "content_score",
        "diversity",
        "semantic_alignment",
        "unit_vectors",
    ],
    "recwatch.service_log": ["ServiceLog"],
    "recwatch.serving": ["Outcome", "RecommenderMetrics", "RecommenderRequest"],
    "recwatch.serving_request": ["Arm", "Outcome", "RecommenderRequest"],
    "recwatch.store": [
        "Retention",
        "Store",
        "UtcDateTime",
        "aggregate",
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
    "recwatch.store.aggregates": ["HOURS", "MINUTES", "Span", "aggregate", "make_rows", "resume"],
    "recwatch.store.aggregator": ["Aggregator"],
    "recwatch.store.bulk_insert": ["BulkInsert"],
    "recwatch.store.engine": ["as_store_error", "create_store_engine", "parse_url"],
    "recwatch.store.migrate": ["VERSIONS", "upgrade"],
    "recwatch.store.request_rows": ["COLUMNS", "Row", "row_maker"],
    "recwatch.store.request_writer": ["RequestWriter", "oldest_time"],
    "recwatch.store.reranking": ["summarize_hour"],
    "recwatch.store.retention": ["Retention", "prune"],
    "recwatch.store.service_health": ["summarize_minute"],
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
    "recwatch.store.upkeep": ["Upkeep"],
    "recwatch.testing": ["MailServer", "SlackServer", "free_port", "wait_until"],
    "recwatch.testing.inbox": ["Inbox", "main"],
    "recwatch.testing.mail": ["MailServer"],
    "recwatch.testing.mailbox": ["LoopThread", "Mailbox", "Orders", "Receiver"],
    "recwatch.testing.message": ["Message", "from_email", "from_slack"],
    "recwatch.testing.page": ["content_security_policy", "render_cards", "render_page"],
    "recwatch.testing.slack": ["Payload", "SlackServer", "find_fault"],
    "recwatch.testing.waiting": ["free_port", "wait_until"],
    "recwatch.testing.web": ["WebThread"],
    "recwatch.textfile": ["REASONS", "TARGET", "write_textfile"],
    "recwatch.training": [
        "LOST_AFTER",
        "LostRun",
        "TrainingRun",
        "Unfinished",
        "Unit",
        "recover_lost_runs",
        "start_run",
    ],
    "recwatch.training.effects": ["Effects"],
    "recwatch.training.figures": [
        "CrossValidation",
        "as_columns",
        "as_json",
        "cross_validate",
        "improvement",
        "pick",
        "without_columns",
    ],
    "recwatch.training.lines": [
        "cross_validation_line",
        "early_stopping_line",
        "iteration_line",
        "metrics_line",
        "number",
    ],
    "recwatch.training.log": ["REASONS", "TARGET", "RunLog"],
    "recwatch.training.process": ["Process", "current", "is_alive"],
    "recwatch.training.publisher": ["Publisher", "publish_counts"],
    "recwatch.training.record": ["HEARTBEAT_SECONDS", "REASONS", "TARGET", "RunRecord"],
    "recwatch.training.recovery": ["LOST_AFTER", "LostRun", "closed", "opened", "recover_lost_runs"],
    "recwatch.training.run": ["TrainingRun", "Unfinished", "Unit"],
    "recwatch.training.scrape": ["REASONS", "TARGET", "MetricsServer"],
    "recwatch.training.worker": ["Worker"],
    "recwatch.user_ids": ["Mode", "UserIds"],
    "recwatch.worker_files": [
        "Kind",
        "Values",
        "WorkerFile",
        "families",
        "merge",
        "read",
        "worker_files",
        "write",
    ],
    "recwatch.wsgi": ["MetricsMiddleware", "metrics_app", "route_in_environ"],
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
