"""What the service is told: by arguments, or by the environment where a server starts it by its factory."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from recommender.errors import SettingsError
from recommender.paths import Home


@dataclass(frozen=True)
class Settings:
    """Settings of the service.

    Attributes:
        home: where data and artifacts lie.
        model: the model to serve.
        admin_token_file: holds the bearer token of `/admin`; None refuses all of `/admin`.
        flush_seconds: how often what users did is written to the interaction log, as a file of its own.
        flush_records: so many records are written at once, however short they have waited.
    """

    home: Home
    model: str = "als"
    admin_token_file: Path | None = None
    flush_seconds: float = 30.0
    flush_records: int = 10_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read RECWATCH_HOME, _MODEL, _ADMIN_TOKEN_FILE and _FLUSH_SECONDS; empty is as good as unset.

        Raises:
            SettingsError: when one cannot be used.
        """
        flush_seconds = environment.get("RECWATCH_FLUSH_SECONDS")
        token_file = environment.get("RECWATCH_ADMIN_TOKEN_FILE")
        return cls(
            home=Home(Path(environment.get("RECWATCH_HOME") or ".")),
            model=environment.get("RECWATCH_MODEL") or "als",
            admin_token_file=Path(token_file) if token_file else None,
            flush_seconds=parse_seconds(flush_seconds) if flush_seconds else cls.flush_seconds,
        )


def parse_seconds(text: str) -> float:
    """Read the time between two flushes.

    Raises:
        SettingsError: when it is no number above 0.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError(f"{text!r} is no time between flushes: write seconds above 0, such as 30")
    return seconds
