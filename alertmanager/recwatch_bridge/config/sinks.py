"""Where messages go."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from recwatch.config import Duration, Strict
from recwatch.durations import parse_duration
from recwatch_bridge.config.values import LOOPBACK, NOTHING, SECOND, Address, RelativePath, Some


class Retry(Strict):
    """How long and how often a message is tried before it becomes a dead letter."""

    initial: Duration = SECOND
    max: Duration = parse_duration("1m")
    give_up_after: Duration = parse_duration("3d")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not NOTHING < self.initial <= self.max:
            raise ValueError("initial must be above 0 and at most max")
        return self


def _above_nothing(value: timedelta | None) -> timedelta | None:
    if value is not None and value <= NOTHING:
        raise ValueError("must be above 0; leave it out for no reminders")
    return value


RemindAfter = Annotated[Duration | None, AfterValidator(_above_nothing)]


class Email(Strict):
    """An SMTP server and who is written to.

    `ca_file` names certificates to trust instead of the system's; `remind_after` lets a repeat of a firing
    alert through when it was last told so long ago.
    """

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Literal["none", "starttls", "tls"] = "starttls"
    sender: Annotated[Address, Field(alias="from")]
    to: Some[Address]
    user: str | None = None
    password_file: RelativePath | None = None
    ca_file: RelativePath | None = None
    pictures: bool = True
    remind_after: RemindAfter = None
    timeout: Duration = parse_duration("10s")
    retry: Retry = Retry()

    @model_validator(mode="after")
    def _login(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together: give both or neither")
        if self.user is not None and self.tls == "none" and self.host not in LOOPBACK:
            raise ValueError("tls: none would send the password in clear: use starttls or tls")
        return self


class Slack(Strict):
    """A Slack incoming webhook; its address is a secret and therefore in a file."""

    webhook_url_file: RelativePath
    min_interval: Duration = SECOND
    pictures: bool = True
    remind_after: RemindAfter = None
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

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sinks that exist."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)
