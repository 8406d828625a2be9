"""The steps of the loop, each confirmed by the component in which it happens."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from recwatch_demo.apis import Apis
from recwatch_demo.timeline import Step

MODEL = "als"
CHECK = "rating_scale"
ALERT = "DriftDetected"
# What the subject of a message about this very alert says.
SUBJECT = (ALERT, f"check {CHECK} ", f"model {MODEL}")
ALPHA = 0.01
_DRIFT = f'{{check="{CHECK}"}}'


@dataclass(frozen=True)
class Loop:
    """What the steps look at.

    Attributes:
        apis: the running stack.
        local_ends: what ends in the inbox, of `email` and `slack`; the bridge is asked about the rest.
    """

    apis: Apis
    local_ends: frozenset[str]

    def steps(self) -> list[Step]:
        """The steps in the order in which they are told."""
        return [
            Step("targets_up", "Every part is scraped", self.targets_up),
            Step("model_served", "A model is served", self.model_served),
            Step("first_request", "First request", self.first_request, ("targets_up", "model_served")),
            Step("drift_seen", "Drift seen", self.drift_seen, ("first_request",)),
            Step("alert_firing", "Alert fires in Prometheus", self.alert_firing, ("drift_seen",)),
            Step("alert_routed", "Alertmanager has it", self.alert_routed, ("alert_firing",)),
            Step("email_alert", "Email tells it", self.email_alert, ("alert_firing",)),
            Step("retraining_started", "Retraining started", self.retraining_started, ("alert_firing",)),
            Step(
                "email_retraining",
                "Email tells of the retraining",
                partial(self.told, "email"),
                ("retraining_started",),
            ),
            Step(
                "slack_retraining",
                "Slack tells of the retraining",
                partial(self.told, "slack"),
                ("retraining_started",),
            ),
            Step("gated", "Candidate passed the gate", self.gated, ("retraining_started",)),
            Step("promoted", "New version promoted", self.promoted, ("gated",)),
            Step("new_version_served", "New version is served", self.new_version_served, ("promoted",)),
            Step("drift_gone", "Drift below its threshold", self.drift_gone, ("new_version_served",)),
            Step("alert_resolved", "Alert resolved", self.alert_resolved, ("drift_gone",)),
            Step("email_resolved", "Email tells that it is over", self.email_resolved, ("alert_resolved",)),
        ]

    def runs(self) -> list[Any]:
        """The model's retraining runs, oldest first."""
        return [run for run in self.apis.runs() if run["model"] == MODEL]

    def targets_up(self) -> str | None:
        """Prometheus reaches every target that it has."""
        targets = self.apis.targets()
        if not targets or any(target["health"] != "up" for target in targets):
            return None
        return "Prometheus: up = 1 for " + ", ".join(sorted(target["labels"]["job"] for target in targets))

    def model_served(self) -> str | None:
        """The recommender answers for a version."""
        serving = self.apis.serving()
        return f"recommender: serves {serving['model']} {serving['version']}"

    def first_request(self) -> str | None:
        """Prometheus has counted a request."""
        samples = self.apis.query('sum(recommender_requests_total{outcome="success"}) > 0')
        return f"Prometheus: recommender_requests_total = {samples[0].value:.0f}" if samples else None

    def drift_seen(self) -> str | None:
        """The drift gauge is 1."""
        return self._drift(detected=True)

    def alert_firing(self) -> str | None:
        """Prometheus holds the alert as firing."""
        for alert in self._alerts(self.apis.prometheus_alerts()):
            if alert["state"] == "firing":
                return (
                    f"Prometheus: {ALERT} since {alert['activeAt'][:19]}: {alert['annotations']['summary']}"
                )
        return None

    def alert_routed(self) -> str | None:
        """Alertmanager holds the alert and names its receivers."""
        for alert in self._alerts(self.apis.alertmanager_alerts()):
            if alert["status"]["state"] == "active":
                receivers = ", ".join(sorted(receiver["name"] for receiver in alert["receivers"]))
                return f"Alertmanager: {alert['status']['state']}, to {receivers}"
        return None

    def email_alert(self) -> str | None:
        """A mail about the alert has arrived."""
        return self._message("email", SUBJECT, but_not=("RESOLVED",))

    def retraining_started(self) -> str | None:
        """The bridge has a run of the model."""
        for run in self.runs():
            if run["started_at"]:
                return f"bridge: run {run['id']} because of {'; '.join(run['reasons'])[:160]}"
        return None

    def told(self, kind: str) -> str | None:
        """A message about the retraining has arrived at one end."""
        return self._message(kind, ("Retraining started", MODEL))

    def gated(self) -> str | None:
        """The gate let a candidate pass."""
        for run in self.runs():
            if run["gate"] and run["gate"]["passed"]:
                return f"bridge: {run['version']}: {run['gate']['summary']}"
        return None

    def promoted(self) -> str | None:
        """Prometheus has counted a promotion, and the bridge names the version."""
        counted = self.apis.query(f'bridge_promotions_total{{model="{MODEL}",outcome="success"}} > 0')
        versions = [run["version"] for run in self.runs() if run["state"] == "promoted"]
        if not counted or not versions:
            return None
        return f"Prometheus: bridge_promotions_total = {counted[0].value:.0f}; bridge: {MODEL} {versions[0]}"

    def new_version_served(self) -> str | None:
        """The recommender itself says that it serves a version that the bridge promoted."""
        serving = self.apis.serving()
        if serving["version"] not in {run["version"] for run in self.runs() if run["state"] == "promoted"}:
            return None
        failed = self.apis.query('sum(http_requests_total{service="recommender",status=~"5.."}) or vector(0)')
        return f"recommender: serves {serving['version']}; {failed[0].value:.0f} requests failed so far"

    def drift_gone(self) -> str | None:
        """The gauge is 0, the effect below its threshold, and both windows hold enough rows to say so."""
        enough = self.apis.query(f"min(drift_rows{_DRIFT}) >= max(drift_min_rows{_DRIFT})")
        below = self.apis.query(f"drift_effect_size{_DRIFT} < drift_threshold{_DRIFT}")
        return self._drift(detected=False) if enough and below else None

    def alert_resolved(self) -> str | None:
        """Neither Prometheus nor Alertmanager holds the alert any more."""
        if self._alerts(self.apis.prometheus_alerts()) or self._alerts(self.apis.alertmanager_alerts()):
            return None
        return f"Prometheus and Alertmanager: no {ALERT} for {MODEL}, {CHECK}"

    def how_it_is(self) -> str:
        """Whether it stayed so: in one line, what a person would ask at the end."""
        firing = [
            alert for alert in self._alerts(self.apis.prometheus_alerts()) if alert["state"] == "firing"
        ]
        rounds = len([run for run in self.runs() if run["started_at"]])
        state = "has come back" if firing else "has not come back"
        return f"the alert {state}; {rounds} {'retraining' if rounds == 1 else 'retrainings'} in all"

    def email_resolved(self) -> str | None:
        """A mail has arrived that says so."""
        return self._message("email", ("RESOLVED", *SUBJECT))

    def _drift(self, *, detected: bool) -> str | None:
        values = {
            name: self.apis.query(f"drift_{name}{_DRIFT}")
            for name in ("detected", "statistic", "effect_size", "threshold", "p_value")
        }
        if not all(values.values()) or bool(values["detected"][0].value) is not detected:
            return None
        rows = {row.labels["window"]: row.value for row in self.apis.query(f"drift_rows{_DRIFT}")}
        reference, current = rows.get("reference", 0), rows.get("current", 0)
        return (
            f"Prometheus: drift_detected{_DRIFT} = {values['detected'][0].value:.0f}; "
            f"PSI {values['statistic'][0].value:.3f}, beyond chance {values['effect_size'][0].value:.3f} "
            f"(threshold {values['threshold'][0].value:g}), "
            f"p {values['p_value'][0].value:.3f}, rows {reference:.0f} and {current:.0f}"
        )

    def _alerts(self, alerts: Iterable[Any]) -> list[Any]:
        wanted = {"alertname": ALERT, "check": CHECK, "model": MODEL}
        return [alert for alert in alerts if wanted.items() <= alert["labels"].items()]

    def _message(self, kind: str, words: tuple[str, ...], but_not: tuple[str, ...] = ()) -> str | None:
        if kind in self.local_ends:
            found = [
                (message["subject"], "inbox") for message in self.apis.inbox() if message["kind"] == kind
            ]
        else:
            sent = [message for message in self.apis.deliveries() if message["sink"] == kind]
            found = [(message["subject"], "bridge") for message in sent if message["state"] == "delivered"]
        for subject, where in found:
            if all(word in subject for word in words) and not any(word in subject for word in but_not):
                return f"{where}: {kind}: {subject}"
        return None
