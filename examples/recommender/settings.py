"""What the service is told: by arguments, or by the environment where a server starts it by its factory."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from recommender.errors import SettingsError
from recommender.paths import Home

Value = TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """Settings of the service.

    Attributes:
        home: where data and artifacts lie.
        model: the model to serve.
        admin_token_file: holds the bearer token of `/admin`; None refuses all of `/admin`.
        flush_seconds: how often what users did is written to the interaction log, as a file of its own.
        flush_records: so many records are written at once, however short they have waited.
        feedback_seconds: how long a list waits for what is taken from it before its quality is judged.
        rerank_test: whether half of the lists are reranked, to be compared with the others.
    """

    home: Home
    model: str = "als"
    admin_token_file: Path | None = None
    flush_seconds: float = 30.0
    flush_records: int = 10_000
    feedback_seconds: float = 6 * 3600.0
    rerank_test: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read RECWATCH_HOME, _MODEL, _ADMIN_TOKEN_FILE, _FLUSH_SECONDS, _FEEDBACK_SECONDS and _RERANK_TEST.

        What is empty is as good as unset.

        Raises:
            SettingsError: when one cannot be used.
        """
        token_file = environment.get("RECWATCH_ADMIN_TOKEN_FILE")
        return cls(
            home=Home(Path(environment.get("RECWATCH_HOME") or ".")),
            model=environment.get("RECWATCH_MODEL") or "als",
            admin_token_file=Path(token_file) if token_file else None,
            flush_seconds=_read(environment, "RECWATCH_FLUSH_SECONDS", parse_seconds, cls.flush_seconds),
            feedback_seconds=_read(
                environment, "RECWATCH_FEEDBACK_SECONDS", parse_seconds, cls.feedback_seconds
            ),
            rerank_test=_read(environment, "RECWATCH_RERANK_TEST", parse_switch, cls.rerank_test),
        )


def _read(environment: Mapping[str, str], name: str, parse: Callable[[str], Value], default: Value) -> Value:
    text = environment.get(name)
    if not text:
        return default
    try:
        return parse(text)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


def parse_switch(text: str) -> bool:
    """Read what is on or off.

    Raises:
        SettingsError: when it is neither.
    """
    if text not in {"on", "off"}:
        raise SettingsError(f"{text!r:.60} is neither: write on or off")
    return text == "on"


def parse_seconds(text: str) -> float:
    """Read a time.

    Raises:
        SettingsError: when it is no number above 0.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError(f"{text!r} is no time: write seconds above 0, such as 30")
    return seconds
