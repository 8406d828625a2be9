"""The whole of bridge.yml."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, ValidationInfo, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from recwatch.config import Duration, Strict
from recwatch.durations import format_duration, parse_duration
from recwatch_bridge.config.models import Model
from recwatch_bridge.config.sinks import Sinks
from recwatch_bridge.config.values import HttpRoot, ModelName, RelativePath, Some, Word, against_base
from recwatch_bridge.config.watching import Report, Watchdog, WeeklyLook

Scope = Literal["alerts", "read", "manage"]


class Token(Strict):
    """A bearer token, the content of a file, and what it is good for; `name` is told of who used it."""

    file: RelativePath
    scopes: Some[Scope]
    name: Word | None = None


def _listen(value: Any) -> str:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004
        raise ValueError("is not an address to listen on: write it as 127.0.0.1:9095")
    return str(value)


class BridgeConfig(Strict):
    """The whole of bridge.yml.

    `external_url` is where people reach the page, for links in messages.
    """

    listen: Annotated[str, BeforeValidator(_listen)] = "127.0.0.1:9095"
    external_url: HttpRoot | None = None
    store: str
    store_password_file: RelativePath | None = None
    runs_dir: RelativePath | None = None
    prometheus_url: HttpRoot | None = None
    prometheus_token_file: RelativePath | None = None
    templates_dir: RelativePath | None = None
    tokens: Some[Token]
    sinks: Sinks
    watchdog: Watchdog | None = None
    weekly_look: WeeklyLook = WeeklyLook()
    report: Report = Report(enabled=False)
    models: Annotated[dict[ModelName, Model], Field(default_factory=dict)]
    max_body_bytes: PositiveInt = 4 * 1024 * 1024
    retention: Duration = Field(default=parse_duration("90d"), validate_default=True)

    @field_validator("store")
    @classmethod
    def _database(cls, value: str, info: ValidationInfo) -> str:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):  # a port that is no number
            raise ValueError("is not a database address: write it as sqlite:///bridge.db") from None
        if url.drivername in ("postgresql", "postgresql+psycopg"):
            return _postgresql(value)
        if url.get_backend_name() == "postgresql":
            raise ValueError("names another driver: write it as postgresql+psycopg://user@host/database")
        if url.drivername not in ("sqlite", "sqlite+pysqlite"):
            raise ValueError("must be SQLite or PostgreSQL: write it as sqlite:///bridge.db")
        if not url.database or url.database == ":memory:":
            raise ValueError("must name a file, or an alert would not survive a restart: sqlite:///bridge.db")
        return str(url.set(database=str(against_base(Path(url.database), info))))

    @field_validator("retention")
    @classmethod
    def _remembers_enough(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        # Cooldown and max_per_day are counted from the runs that are kept.
        models: dict[str, Model] = info.data.get("models", {})
        if value < parse_duration("1d"):
            raise ValueError("must be at least 1d")
        for name, model in models.items():
            if value < model.cooldown:
                longest = format_duration(model.cooldown)
                raise ValueError(f"must be no shorter than models.{name}.cooldown, which is {longest}")
        return value

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.prometheus_token_file is not None and self.prometheus_url is None:
            raise ValueError("prometheus_token_file without prometheus_url: add prometheus_url or remove it")
        watched = [name for name, model in self.models.items() if model.watch is not None]
        if watched and self.prometheus_url is None:
            raise ValueError(f"models.{watched[0]}.watch asks Prometheus: add prometheus_url")
        if self.report.enabled:
            self._can_report()
        if not self.store.startswith("postgresql") and self.store_password_file is not None:
            raise ValueError("store_password_file is for PostgreSQL: remove it, or name a server at store")
        if self.store.startswith("postgresql") and self.runs_dir is None:
            raise ValueError("runs_dir is required with PostgreSQL: a folder that every bridge can reach")
        return self

    def _can_report(self) -> None:
        if self.prometheus_url is None:
            raise ValueError("report is made of what Prometheus knows: add prometheus_url")
        missing = [name for name in self.report.sinks if name not in self.sinks.names]
        if missing:
            raise ValueError(
                f"report.sinks names {missing[0]}, which sinks lacks: add it there or leave it out"
            )

    @model_validator(mode="after")
    def _folders_of_their_own(self) -> Self:
        owners: dict[Path, str] = {}
        for name, model in self.models.items():
            other = owners.setdefault(model.artifacts.resolve(), name)
            if other != name:
                raise ValueError(
                    f"models.{name}.artifacts is the folder of {other}: each model needs one of its own, "
                    f"such as artifacts/{name}"
                )
        return self

    @property
    def runs_folder(self) -> Path:
        """Where runs keep their logs and result files: `runs_dir`, or beside the database."""
        database = Path(make_url(self.store).database or "bridge.db")
        return self.runs_dir or database.with_name(f"{database.stem}-runs")


def _postgresql(value: str) -> str:
    url = make_url(value)
    if url.password is not None or "password" in url.query:
        raise ValueError("holds a password: put it into a file and name that at store_password_file")
    return value


def split_listen(address: str) -> tuple[str, int]:
    """Split `host:port`; an IPv6 host may stand in brackets."""
    host, _, port = _listen(address).rpartition(":")
    return host.strip("[]"), int(port)
