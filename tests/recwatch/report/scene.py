"""Two periods of three models, as Prometheus would have scraped and recorded them."""

import math

from tests.recwatch.report.blocks import END, Scene, Value, between, steady, switch

_DAY = 86_400.0


def normal(seconds: float = 7 * _DAY, *, lively: bool = True) -> Scene:
    """A week in which much happened."""
    scene = Scene(seconds, lively)
    _traffic(scene)
    _objectives(scene)
    _drift(scene)
    _quality(scene)
    _training(scene)
    _alerts(scene)
    _retraining(scene)
    return scene


def _wave(seconds: float, *, about: float, by: float = 0.5) -> float:
    return about * (1 - by * math.cos(2 * math.pi * (seconds / _DAY - 0.15)))


def _counter(scene: Scene, rate: float, growth: float = 1.0) -> Value:
    """A counter that rises by so much a second, `growth` times as fast in the second period."""
    period = scene.seconds

    def at(_f: float, seconds: float) -> float:
        late = max(seconds - period, 0.0)
        count = rate * (min(seconds, period) + growth * late)
        wave = 0.5 * rate * _DAY / (2 * math.pi) if scene.lively else 0.0
        return count - wave * math.sin(2 * math.pi * (seconds / _DAY - 0.15)) + wave

    return at


def _traffic(scene: Scene) -> None:
    shares = {"0.05": 0.5, "0.1": 0.75, "0.25": 0.95, "0.5": 0.99, "1": 1.0, "+Inf": 1.0}
    slow = {"0.05": 0.2, "0.1": 0.5, "0.25": 0.8, "0.5": 0.95, "1": 1.0, "+Inf": 1.0}
    for service, model, rate, by_le in (
        ("shop", "als", 2.0, shares),
        ("shop", "bpr", 0.5, shares),
        ("media", "two_tower", 1.0, slow),
    ):
        names = {"service": service, "model": model}
        counts = names | {"variant": "a"}
        error = 0.04 if model == "als" else 0.0
        scene.add(
            "recommender_requests_total",
            _counter(scene, rate * (1 - error), 1.1),
            outcome="success",
            **counts,
        )
        scene.add("recommender_requests_total", _counter(scene, rate * error, 1.5), outcome="error", **counts)
        scene.add("recommender_requests_total", _counter(scene, 0.01), outcome="cancelled", **counts)
        scene.add(
            "recommender_errors_total", _counter(scene, rate * error, 1.5), error="TimeoutError", **counts
        )
        scene.add("recommender_fallbacks_total", _counter(scene, rate * 0.1), method="popular", **counts)
        for le, share in by_le.items():
            buckets = counts | {"reranked": "no", "le": le}
            scene.add("recommender_request_duration_seconds_bucket", _counter(scene, rate * share), **buckets)
        for arm, taken in (("a", 0.03), ("b", 0.033)):
            scene.add("recommender_impressions_total", _counter(scene, rate * 5), variant=arm, **names)
            scene.add("recommender_clicks_total", _counter(scene, rate * 5 * taken), variant=arm, **names)
        scene.add("service_model:recommender_requests:rate5m", _rate(scene, rate), **names)
        for quantile, about in (("p50", 0.035), ("p95", 0.12), ("p99", 0.26)):
            name = f"service_model:recommender_request_duration_seconds:{quantile}_rate5m"
            scene.add(name, _latency(scene, about * (2 if model == "two_tower" else 1), model), **names)
        scene.add("service_model:recommender_errors:ratio_rate5m", _errors(error), **names)
    scene.add("alert:threshold:used", steady(0.5), alert="RecommenderLatencyP99High")
    scene.add("alert:threshold:used", steady(0.2), alert="RecommenderLatencyHigh")


def _rate(scene: Scene, rate: float) -> Value:
    return lambda f, seconds: _wave(seconds, about=rate * (1.1 if f > 0 else 1)) if scene.lively else rate


def _latency(scene: Scene, about: float, model: str) -> Value:
    def at(f: float, seconds: float) -> float:
        noise = 1 + 0.08 * math.sin(seconds / 1_700) + 0.05 * math.sin(seconds / 770)
        incident = 2.6 if model == "als" and 0.55 < f < 0.62 else 1.0
        return about * incident * (noise * _wave(seconds, about=1.0, by=0.2) if scene.lively else 1.0)

    return at


def _errors(ratio: float) -> Value:
    return lambda f, _seconds: ratio * (4 if 0.55 < f < 0.62 else 0.6) if ratio else 0.0


def _objectives(scene: Scene) -> None:
    for service, model, slo, start, end in (
        ("shop", "als", "availability", 0.9, -0.12),
        ("shop", "als", "latency", 0.8, 0.55),
        ("shop", "bpr", "availability", 1.0, 0.97),
        ("media", "two_tower", "availability", 0.6, 0.2),
    ):
        names = {"service": service, "model": model, "slo": slo}
        scene.add("service_model:slo_objective:ratio", steady(0.99 if slo == "latency" else 0.995), **names)
        scene.add("service_model:slo_budget:left30d", _falling(start, end), **names)
        scene.add("service_model:slo_requests:increase3d", steady(60_000.0), **names)
        scene.add(
            "service_model:slo_errors:ratio_rate30d",
            steady((0.01 if slo == "latency" else 0.005) * (1 - end)),
            **names,
        )


def _falling(start: float, end: float) -> Value:
    return lambda f, _seconds: (
        start if f < 0.5 else end if f > 0.7 else start + (end - start) * (f - 0.5) / 0.2
    )


def _drift(scene: Scene) -> None:
    for check, kind, feature, threshold, effect, p_value, since in (
        ("rating_scale", "ks", "rating", 0.1, 0.199, 0.006, 0.4),
        ("popularity", "spearman", "item_id", 0.8, 0.91, 0.62, None),
        ("embeddings", "embedding", "vector", 0.9, 0.97, None, None),
    ):
        names = {"service": "drift-exporter", "check": check}
        names |= {"type": kind, "feature": feature, "segment": "all"}
        now = switch(2.0 if since is None else since, effect if since is None else 0.04, effect)
        scene.add("drift_effect_size", now, **names)
        scene.add("drift_threshold", steady(threshold), **names)
        scene.add("drift_detected", switch(2.0 if since is None else since, 0.0, 1.0), **names)
        if p_value is not None:
            scene.add("drift_p_value", steady(p_value), **names)
        few = check == "popularity"
        _check(scene, check, "bpr" if few else "als", 400.0 if few else 52_110.0)
    # Two that have no result: one of too few rows, one that never ran. And an age, of which rows say nothing.
    for check, kind, threshold in (
        ("ratings", "ks", 0.1),
        ("late", "psi", 0.2),
        ("model_age", "freshness", 604_800),
    ):
        names = {"service": "drift-exporter", "check": check}
        names |= {"type": kind, "feature": "rating", "segment": "all"}
        scene.add("drift_threshold", steady(threshold), **names)
        if kind == "freshness":
            scene.add("drift_effect_size", steady(985.0), **names)
            scene.add("drift_detected", steady(0.0), **names)
    scene.add("drift_check_model_info", steady(1.0), service="drift-exporter", check="late", model="als")
    _check(scene, "ratings", "als", 40.0)
    _check(scene, "model_age", "als", 1.0)


def _check(scene: Scene, check: str, model: str, rows: float) -> None:
    """Add what the exporter and the rules say of a check that ran."""
    names = {"service": "drift-exporter", "check": check}
    scene.add("drift_check_model_info", steady(1.0), model=model, **names)
    scene.add("drift_check_success", steady(1.0), **names)
    scene.add("drift_min_rows", steady(1000.0), **names)
    scene.add("drift_rows", steady(rows), window="current", **names)
    if check != "model_age":
        scene.add("drift_rows", steady(310_000.0), window="reference", **names)
        scene.add("service_check:drift_rows_missing:max", steady(float(rows < 1000)), **names)


def _quality(scene: Scene) -> None:
    for model, metric, good, now, degraded in (
        ("als", "ndcg@10", 0.21, 0.19, 1.0),
        ("bpr", "ndcg@10", 0.18, 0.184, 0.0),
    ):
        names = {"service": "shop", "model": model, "metric": metric}
        scene.add("model_quality", _falling(good, now), **names)
        scene.add("model_quality_baseline", steady(good), **names)
        scene.add("model_quality_degraded", switch(0.6, 0.0, degraded), **names)
        scene.add("model_quality_samples", steady(12_500.0), service="shop", model=model)
    for arm, quality in (("a", 0.19), ("b", 0.205)):
        names = {"service": "shop", "model": "als", "variant": arm}
        scene.add("model_variant_quality", steady(quality), metric="ndcg@10", **names)
        scene.add("model_variant_samples", steady(6_250.0), **names)
    test = {"service": "shop", "model": "als", "variant": "b", "metric": "ndcg@10"}
    for name, number in (("", 0.015), ("_low", 0.004), ("_high", 0.026)):
        scene.add(f"model_variant_difference{name}", steady(number), **test)
    scene.add("model_variant_p_value", steady(0.008), **test)
    scene.add("model_sample_ratio_p_value", steady(0.41), service="shop", model="als")


def _training(scene: Scene) -> None:
    start = END - scene.seconds

    def ended(*moments: float) -> Value:
        """The time of the last of the runs that ended at these places."""

        def at(f: float, _seconds: float) -> float | None:
            over = [moment for moment in moments if moment <= f]
            return start + over[-1] * scene.seconds if over else None

        return at

    pushed = {"service": "training", "job": "training"}
    scene.add("training_last_success_timestamp_seconds", ended(-0.8, 0.25, 0.65), model="als", **pushed)
    # Nobody had pushed for it before its first run.
    scene.add("training_last_success_timestamp_seconds", ended(0.3), model="bpr", **pushed)
    scene.add("training_last_failure_timestamp_seconds", ended(0.45), model="als", **pushed)
    for model, before, now in (("als", 92.0, 131.0), ("bpr", 44.0, 44.0)):
        scene.add("training_duration_seconds", switch(0.65, before, now), model=model, **pushed)
        names = {"model": model, "metric": "ndcg@10"}
        scene.add("training_metric", switch(0.65, 0.19, 0.212), split="test", **names, **pushed)
        spread = names | {"metric": "ndcg@10_std"}
        scene.add("training_metric", switch(0.65, 0.001, 0.002), split="test", **spread, **pushed)
        scene.add("training_baseline_metric", steady(0.12), **names, **pushed)


def _alerts(scene: Scene) -> None:
    for name, severity, service, model, start, end, more in (
        ("Watchdog", "none", "prometheus", "", -1.0, 2.0, {}),
        ("AvailabilityBudgetBurn", "critical", "shop", "als", 0.56, 0.61, {"slo": "availability"}),
        ("ErrorBudgetSpent", "warning", "shop", "als", 0.68, 2.0, {"slo": "availability"}),
        ("DriftDetected", "warning", "drift-exporter", "als", 0.41, 2.0, {"check": "rating_scale"}),
        ("RecommenderLatencyHigh", "warning", "shop", "als", -0.4, -0.3, {"symptom": "latency"}),
        ("RecommenderLatencyHigh", "warning", "shop", "als", 0.55, 0.63, {"symptom": "latency"}),
        ("PipelineFailed", "info", "loader", "", 0.1, 0.15, {"pipeline": "nightly"}),
    ):
        names = {"alertname": name, "alertstate": "firing", "severity": severity, "service": service, **more}
        names |= {"model": model} if model else {}
        scene.add("ALERTS", between(start, end), **names, part=f"{start}")
    scene.add("up", steady(1.0), job="recommender", service="shop")
    scene.add("up", switch(0.9, 1.0, 0.0), job="recommender", service="media")


def _retraining(scene: Scene) -> None:
    bridge = {"service": "bridge", "job": "bridge"}
    for model, status, first in (
        ("als", "promoted", 0.65),
        ("als", "failed", 0.45),
        ("als", "refused", 2.0),
        ("bpr", "promoted", 0.3),
    ):
        labels = {"model": model, "trigger": "alert", "status": status}
        scene.add("bridge_retrains_total", switch(first, 0.0, 1.0), **labels, **bridge)
    for model, first in (("als", 0.65), ("bpr", 0.3)):
        done = {"model": model, "outcome": "success", **bridge}
        scene.add("bridge_promotions_total", switch(first, 0.0, 1.0), **done)
        scene.add("bridge_rollbacks_total", switch(0.8 if model == "bpr" else 2.0, 0.0, 1.0), **done)
        scene.add("bridge_retrain_duration_seconds_sum", switch(first, 0.0, 120.0), model=model, **bridge)
        scene.add("bridge_retrain_duration_seconds_count", switch(first, 0.0, 1.0), model=model, **bridge)
    scene.add("bridge_dead_letters", steady(0.0), sink="email", **bridge)
    for model, version, start, end in (
        ("als", "v3_20261101_031500", -1.0, 0.65),
        ("als", "v4_20261113_204800", 0.65, 2.0),
        ("bpr", "v7_20261020_031500", -1.0, 0.3),
        ("bpr", "v8_20261111_092400", 0.3, 0.8),
        ("bpr", "v7_20261020_031500", 0.8, 2.0),
        ("two_tower", "2026-09", -1.0, 2.0),
    ):
        names = {"model": model, "version": version, "service": "shop"}
        scene.add("recommender_model_info", between(start, end), **names, part=f"{start}")
