"""bridge.yml as strict models; docs/bridge.md describes every key."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from recwatch.config import Duration, Strict
from recwatch.durations import parse_duration

_ADDRESS = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECOND = parse_duration("1s")


def _against_base(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base", Path())
    return Path(base, path)


RelativePath = Annotated[Path, AfterValidator(_against_base)]
"""A path that is relative to the configuration's folder, unless it is absolute."""

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]


Entry = TypeVar("Entry")


def _not_empty(value: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if not value:
        raise ValueError("must not be empty: add one at least")
    return value


Some = Annotated[tuple[Entry, ...], AfterValidator(_not_empty)]


def _is_address(value: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise ValueError("is not an email address: write it as name@example.com")
    return value


Address = Annotated[str, AfterValidator(_is_address)]


def _is_http_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", value):
        raise ValueError("is not an address: write it as http://host:port/path")
    return value


class Token(Strict):
    """A bearer token, the content of a file, and what it is good for."""

    file: RelativePath
    scopes: Some[Literal["alerts", "manage"]]


class Retry(Strict):
    """How long and how often a message is tried before it becomes a dead letter."""

    initial: Duration = SECOND
    max: Duration = parse_duration("1m")
    give_up_after: Duration = parse_duration("3d")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not parse_duration("0") < self.initial <= self.max:
            raise ValueError("initial must be above 0 and at most max")
        return self


class Email(Strict):
    """An SMTP server and who is written to."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Literal["none", "starttls", "tls"] = "starttls"
    sender: Annotated[Address, Field(alias="from")]
    to: Some[Address]
    user: str | None = None
    password_file: RelativePath | None = None
    timeout: Duration = parse_duration("10s")
    retry: Retry = Retry()

    @model_validator(mode="after")
    def _login(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together: give both or neither")
        if self.user is not None and self.tls == "none" and self.host not in _LOOPBACK:
            raise ValueError("tls: none would send the password in clear: use starttls or tls")
        return self


class Slack(Strict):
    """A Slack incoming webhook; its address is a secret and therefore in a file."""

    webhook_url_file: RelativePath
    min_interval: Duration = SECOND
    timeout: Duration = parse_duration("10s")
    retry: Retry = Retry()


class Sinks(Strict):
    """Where messages go. What is left out does not exist: its path answers 404."""

    email: Email | None = None
    slack: Slack | None = None

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.email is None and self.slack is None:
            raise ValueError("names no sink: add email, slack or both")
        return self


class Command(Strict):
    """A trainer that is a process: a fixed argument list, never a shell line."""

    type: Literal["command"]
    argv: Some[Annotated[str, Field(min_length=1)]]
    cwd: RelativePath = Field(default=Path(), validate_default=True)


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


class Model(Strict):
    """How a model is retrained, judged, promoted and reloaded."""

    launcher: Command
    artifacts: RelativePath
    cooldown: Duration = parse_duration("1h")
    max_per_day: PositiveInt = 6
    timeout: Duration = parse_duration("1h")
    gate: Annotated[dict[str, GateRule], Field(default_factory=dict)]
    min_samples: NonNegativeInt = 50
    reload_url: Annotated[str, AfterValidator(_is_http_url)] | None = None
    reload_token_file: RelativePath | None = None

    @model_validator(mode="after")
    def _reload(self) -> Self:
        if self.reload_token_file is not None and self.reload_url is None:
            raise ValueError("reload_token_file without reload_url: add reload_url or remove it")
        if self.timeout <= parse_duration("0"):
            raise ValueError("timeout must be above 0")
        return self


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004
        raise ValueError("is not an address to listen on: write it as 127.0.0.1:9095")
    return value


class BridgeConfig(Strict):
    """The whole of bridge.yml."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:9095"
    store: str
    runs_dir: RelativePath | None = None
    tokens: Some[Token]
    sinks: Sinks
    models: Annotated[dict[ModelName, Model], Field(default_factory=dict)]
    max_body_bytes: PositiveInt = 4 * 1024 * 1024
    retention: Duration = Field(default=parse_duration("90d"), validate_default=True)

    @field_validator("store")
    @classmethod
    def _database(cls, value: str, info: ValidationInfo) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("is not a database address: write it as sqlite:///bridge.db") from None
        if url.get_backend_name() != "sqlite":
            raise ValueError("must be an SQLite file for now: write it as sqlite:///bridge.db")
        if not url.database or url.database == ":memory:":
            raise ValueError("must name a file, or an alert would not survive a restart: sqlite:///bridge.db")
        return str(url.set(database=str(_against_base(Path(url.database), info))))

    @field_validator("retention")
    @classmethod
    def _remembers_enough(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        # Cooldown and max_per_day are counted from the runs that are kept.
        models: dict[str, Model] = info.data.get("models", {})
        if value < max([parse_duration("1d"), *(model.cooldown for model in models.values())]):
            raise ValueError("must be at least 1d and no shorter than any model's cooldown")
        return value

    @property
    def runs_folder(self) -> Path:
        """Where runs keep their logs and result files: `runs_dir`, or beside the database."""
        database = Path(make_url(self.store).database or "bridge.db")
        return self.runs_dir or database.with_name(f"{database.stem}-runs")


def split_listen(address: str) -> tuple[str, int]:
    """Split `host:port`; an IPv6 host may stand in brackets."""
    host, _, port = _listen(address).rpartition(":")
    return host.strip("[]"), int(port)
