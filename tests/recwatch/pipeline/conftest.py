from collections.abc import Callable
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from recwatch.pipeline import PipelineRun


class Unreadable(Exception):  # noqa: N818 - reads as what happened
    pass


@pytest.fixture
def build() -> Callable[..., PipelineRun]:
    """A whole run of two stages, by a process of its own; `fail` ends it in the second one."""

    def run_it(
        pipeline: str = "titles",
        *,
        fail: bool = False,
        registry: CollectorRegistry | None = None,
        push: str | None = None,
        store_url: str | None = None,
    ) -> PipelineRun:
        registry = CollectorRegistry() if registry is None else registry
        run = PipelineRun(pipeline, push=push, store_url=store_url, registry=registry)
        try:
            with run:
                with run.stage("read"):
                    pass
                with run.stage("encode"):
                    if fail:
                        raise Unreadable("titles.csv")  # noqa: TRY301 - as a pipeline does
        except Unreadable:
            assert fail
        return run

    return run_it


@pytest.fixture
def pushed(
    pushed_by: Callable[[str, str, str], dict[tuple[str, ...], float]],
) -> Callable[[str], dict[tuple[str, ...], float]]:
    """What the Pushgateway holds of a pipeline: (name, other labels ...) to value."""
    return partial(pushed_by, "pipelines", "pipeline")
