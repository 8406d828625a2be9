"""What is done about a model: how it is retrained, judged, promoted, watched and rolled back."""

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from recwatch.config import Duration, Strict
from recwatch.durations import parse_duration
from recwatch_bridge.config.launchers import Launcher
from recwatch_bridge.config.values import NOTHING, HttpUrl, RelativePath


class GateRule(Strict):
    """One demand on one metric; exactly one of the three."""

    ratio: NonNegativeFloat | None = None
    at_most: NonNegativeFloat | None = None
    at_least: float | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.ratio, self.at_most, self.at_least)) != 1:
            raise ValueError("needs exactly one of ratio, at_most and at_least")
        return self


class Approval(Strict):
    """A person must agree before a candidate that passed the gate is promoted."""

    within: Duration = parse_duration("1d")

    @model_validator(mode="after")
    def _above_nothing(self) -> Self:
        if self.within <= NOTHING:
            raise ValueError("within must be above 0")
        return self


def _is_share(value: float) -> float:
    if not 0 < value <= 1:
        raise ValueError("is not a share above 0: write 5 % as 0.05")
    return value


class Watch(Strict):
    """What a promoted version must hold in service, asked of Prometheus; otherwise it is rolled back.

    `query` gives one number, the share of errors, and may name `$model` and `$window` (since the promotion);
    by default the share of `recommender_requests_total` with outcome `error`, where there are `min_requests`.
    """

    period: Annotated[Duration, Field(alias="for")] = parse_duration("10m")
    max_errors: Annotated[float, AfterValidator(_is_share)] = 0.05
    min_requests: NonNegativeInt = 50
    query: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _above_nothing(self) -> Self:
        if self.period <= NOTHING:
            raise ValueError("for must be above 0")
        return self


def _switched(value: Any) -> Any:
    """`true` is the mapping without keys, `false` is nothing."""
    if value is True:
        return {}
    return None if value is False else value


class Model(Strict):
    """How a model is retrained, judged, promoted, reloaded and watched."""

    launcher: Launcher
    artifacts: RelativePath
    cooldown: Duration = parse_duration("1h")
    max_per_day: PositiveInt = 6
    timeout: Duration = parse_duration("1h")
    gate: Annotated[dict[str, GateRule], Field(default_factory=dict)]
    min_samples: NonNegativeInt = 50
    approval: Annotated[Approval | None, BeforeValidator(_switched)] = None
    reload_url: HttpUrl | None = None
    reload_token_file: RelativePath | None = None
    watch: Annotated[Watch | None, BeforeValidator(_switched)] = None

    @model_validator(mode="after")
    def _reload(self) -> Self:
        if self.reload_token_file is not None and self.reload_url is None:
            raise ValueError("reload_token_file without reload_url: add reload_url or remove it")
        if self.timeout <= NOTHING:
            raise ValueError("timeout must be above 0")
        return self
