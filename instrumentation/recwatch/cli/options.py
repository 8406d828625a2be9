"""What the command line and the environment say together."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Options"]

_PROMETHEUS = "http://127.0.0.1:9090"


@dataclass(frozen=True)
class Options:
    """Where things are, and the arguments of one command.

    Attributes:
        store: the URL of the store with the training runs; a path was given for SQLite's file.
        artifacts: the folder with one folder a model.
        prometheus_url: the root of Prometheus's own paths.
        arguments: what the command was given.
    """

    store: str
    artifacts: Path
    prometheus_url: str
    arguments: Namespace

    @classmethod
    def of(cls, parsed: Namespace, environment: Mapping[str, str]) -> Self:
        """Fill in from the environment what the command line does not say; empty is as good as unset."""
        home = Path(environment.get("RECWATCH_HOME") or ".")
        store = parsed.store or environment.get("RECWATCH_STORE") or f"sqlite:///{home / 'data' / 'store.db'}"
        if "://" not in store:
            store = f"sqlite:///{store}"
        given = getattr(parsed, "prometheus_url", None)
        prometheus_url = given or environment.get("RECWATCH_PROMETHEUS_URL") or _PROMETHEUS
        return cls(store, parsed.artifacts or home / "artifacts", prometheus_url, parsed)
