"""Checks in every state, as pages show them: made, not measured, so that these tests need no data."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from recwatch.testing import wait_until
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.config import Check, check_model
from recwatch_exporter.exporter import Exporter
from recwatch_exporter.metrics import DriftCollector
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.results import CheckResult, Finding
from recwatch_exporter.web.app import create_app

HOSTILE = "</td><script>alert('data')</script>\u202e\ud800 \N{CLAPPER BOARD}"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def now() -> float:
    """2026-03-02 09:00 UTC."""
    return NOW


@pytest.fixture
def check() -> Callable[..., Check]:
    """A check without its file: ks of the column `rating`, or as it is told."""

    def make(name: str = "ratings", type_: str = "ks", **keys: Any) -> Check:
        kind = TYPES[type_]
        plain: dict[str, Any] = {
            "name": name,
            "type": type_,
            "threshold": kind.default_threshold,
            "reference": {"path": "ref.parquet"},
            "current": {"path": "cur.parquet"},
        }
        if "columns" not in keys:
            plain["column"] = "rating"
        if kind.key == "required":
            plain["key"] = "item_id"
        return check_model(kind).model_validate(plain | keys)

    return make


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """A finding of a check with 1,000 rows against 500, not detected, or as it is told."""

    def make(check: Check, effect_size: float | None = 0.05, **keys: Any) -> Finding:
        plain: dict[str, Any] = {
            "type": check.type,
            "feature": check.label,
            "statistic": effect_size,
            "effect_size": effect_size,
            "p_value": 0.4 if check.has_p_value else None,
            "threshold": check.threshold,
            "detected": False,
            "n_reference": 1000,
            "n_current": 500,
        }
        return Finding(**(plain | keys))

    return make


@pytest.fixture
def state() -> Callable[..., CheckState]:
    """The state of a check that succeeded a minute ago with these findings."""

    def make(check: Check, *findings: Finding, **keys: Any) -> CheckState:
        result = CheckResult(
            findings=findings,
            rows={"reference": 1000, "current": 500},
            newest={"current": datetime.fromtimestamp(NOW - 3600, UTC)},
            enough_rows=all(item.enough_rows for item in findings),
        )
        plain = CheckState(
            check=check,
            result=result,
            success=True,
            last_success=NOW - 60,
            last_result=NOW - 60,
            duration=1.5,
        )
        return replace(plain, **keys)

    return make


@pytest.fixture
def hostile() -> str:
    """Text as data may hold it."""
    return HOSTILE


@pytest.fixture
def exporter(config_file: Callable[..., Path], finding: Callable[..., Finding]) -> Exporter:
    """An exporter that runs nothing, with a check in every state and hostile text wherever data stands."""
    sides = {"reference": {"path": "ref.parquet"}, "current": {"path": "cur.parquet"}}
    plain = {"type": "ks", "column": "rating", **sides}
    names = ("drifted", "failed", "overdue", "few", "waiting", "steady")
    made = Exporter(
        config_file(
            *({"name": name, **plain} for name in names),
            {"name": "hostile", **plain, "column": HOSTILE.replace("\ud800", ""), "segment_by": "country"},
            {
                "name": "titles",
                "type": "embedding",
                "column": "vector",
                "key": "item_id",
                "models": ["als"],
                **sides,
            },
        )
    )
    made.state.configure(made.config.checks)
    check = {item.name: item for item in made.config.checks}
    bins = {"labels": ["4", "4.5", "5"], "reference": [0.5, 0.0, 0.5], "current": [0.3, 0.4, 0.3]}
    of_vectors = {"labels": [HOSTILE, "b"], "current": [0.2, 0.8]}
    worst = [{"id": HOSTILE, "cosine": 0.1}]
    found: dict[str, list[Finding]] = {
        "drifted": [finding(check["drifted"], 0.199, p_value=0.006, detected=True, details={"bins": bins})],
        "failed": [finding(check["failed"])],
        "overdue": [finding(check["overdue"])],
        "few": [finding(check["few"], n_current=3, enough_rows=False)],
        "steady": [finding(check["steady"])],
        "hostile": [
            finding(check["hostile"], feature=HOSTILE, details={HOSTILE: HOSTILE}),
            finding(check["hostile"], feature=HOSTILE, segment=HOSTILE),
        ],
        "titles": [
            finding(check["titles"], 0.97, details={"bins": of_vectors, "worst": worst, "nan": float("nan")})
        ],
    }
    for name, findings in found.items():
        result = CheckResult(
            findings=tuple(findings),
            rows={"reference": 1000, "current": findings[0].n_current or 0},
            newest={"current": datetime.fromtimestamp(NOW - 3600, UTC)},
            enough_rows=all(item.enough_rows for item in findings),
        )
        last = NOW - (86400 if name == "overdue" else 60)
        for runs_ago in (2, 1, 0):
            made.state.succeeded(check[name], result, at=last - 3600 * runs_ago, duration=0.5)
    made.state.failed(
        check["failed"], "source", f"current: {HOSTILE} cannot be read: give a file", duration=1
    )
    return made


@pytest.fixture
def site(exporter: Exporter) -> Iterator[str]:
    """The exporter's web application on a free port: its URL."""
    registry = CollectorRegistry()
    registry.register(DriftCollector(exporter.state, exporter.reload_status))
    app = create_app(exporter, registry, None, clock=lambda: NOW)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
