"""The addresses in alerts, and others in their place. Pure functions."""

import copy
from dataclasses import dataclass
from typing import Any

__all__ = ["GRAFANA", "RUNBOOKS", "Addresses"]

GRAFANA = "http://localhost:3000"
RUNBOOKS = "https://github.com/recwatch/recwatch/blob/main/docs/runbooks"


@dataclass(frozen=True)
class Addresses:
    """Where dashboards and runbooks are.

    Attributes:
        grafana: what `dashboard_url` begins with.
        runbooks: what `runbook_url` begins with.
    """

    grafana: str = GRAFANA
    runbooks: str = RUNBOOKS

    def put_into_text(self, text: str) -> str:
        """A file of rules or a dashboard with these addresses."""
        text = text.replace(f"{GRAFANA}/d/", f"{self.grafana.rstrip('/')}/d/")
        return text.replace(f"{RUNBOOKS}/", f"{self.runbooks.rstrip('/')}/")

    def put(self, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The groups with these addresses; those given stay as they are."""
        groups = copy.deepcopy(groups)
        for annotations in (rule.get("annotations", {}) for group in groups for rule in group["rules"]):
            for key, old, new in (
                ("dashboard_url", GRAFANA, self.grafana),
                ("runbook_url", RUNBOOKS, self.runbooks),
            ):
                if annotations.get(key, "").startswith(f"{old}/"):
                    annotations[key] = new.rstrip("/") + annotations[key].removeprefix(old)
        return groups
