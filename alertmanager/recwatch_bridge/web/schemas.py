"""What the JSON API answers. Times are ISO 8601 in UTC or null."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """A JSON object; fields may be added to it later."""

    model_config = ConfigDict(ser_json_inf_nan="null")


class Error(Answer):
    """Why something was refused, and what to do."""

    error: str


class RunAnswer(Answer):
    """A retraining run."""

    id: str
    model: str
    trigger: str
    reasons: list[str]
    state: str
    serving: str | None = Field(description="the version in service when the run began")
    version: str | None = Field(description="the candidate")
    gate: dict[str, Any] | None = Field(
        description="the gate's decision; `approved_because` is what whoever approved it said"
    )
    reload: str | None
    error: str | None
    created_at: str | None
    not_before: str | None
    started_at: str | None
    finished_at: str | None
    log: str | None
    log_url: str | None
    approved_by: str | None
    approve_until: str | None
    watch: str | None
    watch_until: str | None


class LogAnswer(Answer):
    """The end of a trainer's log."""

    id: str
    log: str
    log_url: str | None


class MessageAnswer(Answer):
    """A message and what became of it."""

    id: str
    sink: str
    kind: str
    state: str
    subject: str
    created_at: str | None
    delivered_at: str | None
    attempts: int
    next_attempt_at: str | None
    error: str | None


class RollbackAnswer(Answer):
    """A rollback, or a promotion by hand."""

    id: str
    model: str
    kind: Literal["rollback", "promotion"]
    trigger: str
    state: str
    reason: str
    serving: str | None
    target: str | None
    reload: str | None
    error: str | None
    created_at: str | None
    finished_at: str | None


class VersionAnswer(Answer):
    """A published version."""

    version: str
    trained_at: str | None
    data_version: str | None
    metrics: dict[str, float]
    in_service: bool
    error: str | None = Field(description="why its manifest cannot be used")


class PromotionAnswer(Answer):
    """A change of the version in service."""

    version: str
    previous: str | None
    action: str
    reason: str
    at: str


class ModelAnswer(Answer):
    """A model in short."""

    model: str
    current: str | None
    rollback_target: str | None
    versions: int
    run: str | None = Field(description="the run that waits or goes on")
    error: str | None = Field(description="why its registry cannot be read")


class ModelDetailAnswer(ModelAnswer):
    """A model with its newest versions and changes, oldest first."""

    published: list[VersionAnswer]
    history: list[PromotionAnswer]


class SinkAnswer(Answer):
    """What waits for a sink."""

    sink: str
    pending: int
    oldest_at: str | None
    dead: int


class NotLoadedAnswer(Answer):
    """A version in service that the service could not be told to load."""

    model: str
    version: str
    change: str = Field(description="the run, or the rollback or promotion, that put it into service")
    since: str | None
    error: str


class StatusAnswer(Answer):
    """The bridge itself."""

    version: str
    ailing: list[str] = Field(description="workers that do not work")
    watchdog_at: str | None = Field(description="when Alertmanager's Watchdog was last heard")
    sinks: list[SinkAnswer]
    approving: list[str] = Field(description="runs that wait for a person")
    not_loaded: list[NotLoadedAnswer] = Field(description="what services could not be told to load")


class AskedAnswer(Answer):
    """What became of a question for a retraining."""

    run: str
    created: bool = Field(description="whether the run is new; otherwise it waited or went on already")
    not_before: str | None


class ChangeAnswer(Answer):
    """A change that was asked for: `GET /api/v1/rollbacks` tells what became of it."""

    id: str


class DecisionAnswer(Answer):
    """An answer for a candidate that was stored."""

    id: str
    approved: bool


class CancelledAnswer(Answer):
    """A run that waited, and is withdrawn."""

    id: str
    state: Literal["withdrawn"]


class RevivedAnswer(Answer):
    """How many dead letters are sent again."""

    count: int


class Command(BaseModel):
    """A JSON object that somebody sends; what is not known is an error."""

    model_config = ConfigDict(extra="forbid")


class ReasonCommand(Command):
    """Why, in the words of whoever asks."""

    reason: str = Field("", max_length=500)


class RollbackCommand(Command):
    """Which version is to be replaced by the one before it."""

    serving: str = Field(max_length=128, description="the version that is in service now")
    reason: str = Field("", max_length=500)


class PromoteCommand(Command):
    """Which version is to take the place of which."""

    version: str = Field(max_length=128)
    serving: str | None = Field(
        max_length=128, description="the version that is in service now; null for none"
    )
    reason: str = Field("", max_length=500)


class RetryCommand(Command):
    """Which dead letters are to be sent again: `ids`, or `all` (of one sink)."""

    ids: list[Annotated[str, Field(pattern="^[0-9a-f]{32}$")]] = Field(default_factory=list, max_length=500)
    all: bool = False
    sink: str | None = Field(None, pattern="^[a-z0-9_-]{1,32}$")
