import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from recwatch_exporter.config import Check
from recwatch_exporter.exposition import Exposition
from recwatch_exporter.metrics import DriftCollector, ReloadStatus
from recwatch_exporter.process.state import State
from recwatch_exporter.results import CheckResult, Finding

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
RELOAD = ReloadStatus(successful=True, succeeded_at=7.0)


@pytest.fixture
def state(make_check: Callable[..., Check]) -> State:
    """More checks than are written together, one that has said nothing yet, one with hostile names."""
    state = State()
    checks = [make_check(name=f"check_{number}", models=["als"]) for number in range(70)]
    state.configure(checks)
    for number, check in enumerate(checks[1:]):
        state.succeeded(check, result(number / 70), at=9.0, duration=0.5)
    state.succeeded(checks[5], result(0.5, feature='a"\\\n# HELP x\r\n# EOF'), at=9.0, duration=0.5)
    state.failed(checks[6], "timeout", "took too long", duration=1.0)
    return state


def result(statistic: float, feature: str = "rating") -> CheckResult:
    finding = Finding(
        type="ks",
        feature=feature,
        statistic=statistic,
        p_value=0.01,
        effect_size=statistic,
        threshold=0.1,
        detected=True,
    )
    return CheckResult(findings=(finding,), rows={"current": 70}, newest={}, enough_rows=True)


def slowly(state: State, accept: str) -> bytes:
    registry = CollectorRegistry()
    registry.register(DriftCollector(state, RELOAD))
    encode, _ = choose_encoder(accept)
    return bytes(encode(registry))


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_it_writes_what_the_collector_collects(state: State, accept: str) -> None:
    exposition = Exposition(state, RELOAD)

    text, content_type = exposition.write(accept)

    assert text == slowly(state, accept)
    assert content_type == choose_encoder(accept)[1]


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_compressed_it_says_the_same(state: State, accept: str) -> None:
    compressed, _ = Exposition(state, RELOAD).write(accept, compressed=True)

    assert gzip.decompress(compressed) == slowly(state, accept)


def test_a_change_shows_at_once(state: State) -> None:
    exposition = Exposition(state, RELOAD)
    exposition.write(compressed=True)
    found = state.get("check_40")
    assert found is not None

    state.succeeded(found.check, result(0.123456), at=10.0, duration=0.5)

    assert gzip.decompress(exposition.write(compressed=True)[0]) == slowly(state, "")
    assert b"0.123456" in exposition.write()[0]


def test_checks_that_come_and_go(state: State, make_check: Callable[..., Check]) -> None:
    exposition = Exposition(state, RELOAD)
    exposition.write(compressed=True)
    checks = [item.check for item in state.all()]

    state.configure([*checks[10:], make_check(name="new")])

    assert gzip.decompress(exposition.write(compressed=True)[0]) == slowly(state, "")
    state.configure([])
    assert exposition.write()[0] == slowly(state, "")


def test_what_has_not_changed_is_not_written_again(state: State) -> None:
    """Known by its object, which is replaced with every change."""
    exposition = Exposition(state, RELOAD)
    exposition.write()
    (form,) = exposition._forms.values()
    before = dict(form._checks)
    found = state.get("check_40")
    assert found is not None
    state.succeeded(found.check, replace(result(0.2), enough_rows=False), at=10.0, duration=0.5)

    exposition.write()

    assert {name for name, kept in form._checks.items() if kept is not before[name]} == {"check_40"}


def test_a_reload_that_failed_shows(state: State) -> None:
    reload = ReloadStatus(successful=True, succeeded_at=7.0)
    exposition = Exposition(state, reload)
    assert b"drift_exporter_config_last_reload_successful 1.0" in exposition.write()[0]

    reload.successful = False

    assert b"drift_exporter_config_last_reload_successful 0.0" in exposition.write()[0]
