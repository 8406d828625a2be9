"""What the service is told: by arguments, or by the environment where a server starts it by its factory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from recommender.paths import Home


@dataclass(frozen=True)
class Settings:
    """Settings of the service.

    Attributes:
        home: where data and artifacts lie.
        model: the model to serve.
        admin_token_file: holds the bearer token of `/admin`; None refuses all of `/admin`.
        flush_seconds: how often what users did is written to the interaction log.
    """

    home: Home
    model: str = "als"
    admin_token_file: Path | None = None
    flush_seconds: float = 1.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read RECWATCH_HOME, RECWATCH_MODEL and RECWATCH_ADMIN_TOKEN_FILE; empty is as good as unset."""
        token_file = environment.get("RECWATCH_ADMIN_TOKEN_FILE")
        return cls(
            home=Home(Path(environment.get("RECWATCH_HOME") or ".")),
            model=environment.get("RECWATCH_MODEL") or "als",
            admin_token_file=Path(token_file) if token_file else None,
        )
