"""What each part of the stack says of itself, asked by its own API. Nothing here is kept or guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from recwatch_local.stack import Stack

_TIMEOUT = 5.0


@dataclass(frozen=True)
class Sample:
    """One series of an instant query: labels, value, and the second it was asked for."""

    labels: Mapping[str, str]
    value: float
    at: float


class Apis:
    """The parts of one running stack."""

    def __init__(self, stack: Stack) -> None:
        self._ports = stack.ports
        self._bridge_token = (stack.layout.secrets / "bridge_admin_token").read_text(encoding="utf-8").strip()

    def _get(self, part: str, path: str, *, token: str | None = None, **parameters: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.get(
            self._ports.url(part) + path, params=parameters, headers=headers, timeout=_TIMEOUT
        )
        answer.raise_for_status()
        return answer.json()

    def query(self, expression: str) -> list[Sample]:
        """Ask Prometheus an instant query."""
        result = self._get("prometheus", "/api/v1/query", query=expression)["data"]["result"]
        return [Sample(row["metric"], float(row["value"][1]), float(row["value"][0])) for row in result]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Any]:
        """Ask Prometheus for series over time, as its API gives them."""
        window = {"start": str(start), "end": str(end), "step": str(step)}
        rows: list[Any] = self._get("prometheus", "/api/v1/query_range", query=expression, **window)["data"][
            "result"
        ]
        return rows

    def prometheus_alerts(self) -> list[Any]:
        """The alerts that Prometheus holds, pending or firing."""
        alerts: list[Any] = self._get("prometheus", "/api/v1/alerts")["data"]["alerts"]
        return alerts

    def targets(self) -> list[Any]:
        """Prometheus's active targets with their health."""
        targets: list[Any] = self._get("prometheus", "/api/v1/targets", state="active")["data"][
            "activeTargets"
        ]
        return targets

    def alertmanager_alerts(self) -> list[Any]:
        """The alerts that Alertmanager holds."""
        alerts: list[Any] = self._get("alertmanager", "/api/v2/alerts")
        return alerts

    def runs(self) -> list[Any]:
        """The bridge's retraining runs, oldest first."""
        runs: list[Any] = self._get("bridge", "/api/v1/runs", token=self._bridge_token)
        return sorted(runs, key=lambda run: run["created_at"])

    def deliveries(self) -> list[Any]:
        """The bridge's messages with their state, oldest first."""
        messages: list[Any] = self._get("bridge", "/api/v1/messages", token=self._bridge_token)
        return sorted(messages, key=lambda message: message["created_at"])

    def inbox(self) -> list[Any]:
        """What arrived at the local mail and Slack ends, oldest first."""
        messages: list[Any] = self._get("inbox", "/api/messages")
        return messages

    def serving(self) -> Any:
        """Model and version that the recommender serves."""
        return self._get("recommender", "/readyz")
