"""A Prometheus that holds two days in which much happened."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from recwatch.report.series import Answers, Series
from tests.recwatch.report import scene


class Tools(Protocol):
    promtool: Path


@pytest.fixture(scope="session")
def scenes() -> Any:
    """The module that makes up what Prometheus holds."""
    return scene


@pytest.fixture(scope="session")
def day(
    run_prometheus: Callable[..., AbstractContextManager[Any]],
    tools: Tools,
    scenes: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of a Prometheus that holds two days whose numbers can be worked out."""
    folder = tmp_path_factory.mktemp("report-day")
    scenes.normal(86_400.0, lively=False).write(folder, tools.promtool)
    with run_prometheus(folder, []) as prometheus:
        yield prometheus.url


@pytest.fixture(scope="session")
def end(scenes: Any) -> float:
    """The end of the period, in seconds since the epoch."""
    return float(scenes.END)


Given = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture(scope="session")
def answers() -> Callable[..., Answers]:
    """Builds answers of values at the end of the period, and of the one before."""

    def at(given: Given) -> dict[str, tuple[Series, ...]]:
        return {
            name: tuple(Series(labels, (0.0,), (value,)) for labels, value in found)
            for name, found in given.items()
        }

    def build(now: Given, before: Given | None = None, **courses: list[Series]) -> Answers:
        return Answers(at(now) | {name: tuple(found) for name, found in courses.items()}, at(before or {}))

    return build
