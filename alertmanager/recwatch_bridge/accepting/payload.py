"""What Alertmanager posts (webhook payload, version 4): strict where we rely on it, tolerant elsewhere."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from recwatch_bridge.errors import PayloadError
from recwatch_bridge.text import one_line

Status = Literal["firing", "resolved"]

# A label may hold one, and not every database could: better to tell of the alert without it than not at all.
_NUL = re.compile(rb"((?<!\\)(?:\\\\)*)\\u0000")
_REPLACEMENT = rb"\1\\ufffd"


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years that can be stored") from None


def _null_is_empty(value: Any) -> Any:
    # Go writes a nil map or slice as null.
    return {} if value is None else value


Time = Annotated[AwareDatetime, AfterValidator(_utc)]
Pairs = Annotated[dict[str, str], BeforeValidator(_null_is_empty)]


class _Tolerant(BaseModel):
    """Newer versions of Alertmanager add fields; they are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Alert(_Tolerant):
    """One alert of a group."""

    status: Status
    labels: Pairs
    annotations: Annotated[Pairs, Field(default_factory=dict)]
    starts_at: Annotated[Time, Field(alias="startsAt")]
    ends_at: Annotated[Time | None, Field(alias="endsAt")] = None
    generator_url: Annotated[str, Field(alias="generatorURL")] = ""
    fingerprint: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]*$")]

    @property
    def name(self) -> str:
        """The alert's name, or a word for an alert that has none."""
        return self.labels.get("alertname") or "Alert"

    @cached_property
    def episode(self) -> tuple[str, str]:
        """What firing and resolved of one episode share: the fingerprint and the start, ISO 8601 in UTC."""
        return self.fingerprint, self.starts_at.isoformat()

    @property
    def is_held(self) -> bool:
        """Whether its rule keeps it open because nobody can tell yet: `action: wait` asks for nothing.

        Nor does anything but `act`: Prometheus puts the text of an error where a template fails.
        """
        return self.annotations.get("action", "act") != "act"


class Webhook(_Tolerant):
    """A group of alerts as one webhook carries it."""

    receiver: str = ""
    status: Status
    alerts: tuple[Alert, ...]
    truncated: Annotated[int, Field(alias="truncatedAlerts", ge=0, le=1_000_000_000)] = 0
    group_key: Annotated[str, Field(alias="groupKey")] = ""
    group_labels: Annotated[Pairs, Field(alias="groupLabels", default_factory=dict)]

    def of(self, status: Status) -> Sequence[Alert]:
        """The group's alerts of one status."""
        return [alert for alert in self.alerts if alert.status == status]


def parse_webhook(body: bytes) -> Webhook:
    """Read a webhook's body. A NUL character in it becomes U+FFFD.

    Raises:
        PayloadError: with the first few mistakes, each with its place.
    """
    if rb"\u0000" in body:
        body = _NUL.sub(_REPLACEMENT, body)
    try:
        return Webhook.model_validate_json(body)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False, include_context=False)
        shown = [
            f"{'.'.join(str(part) for part in item['loc']) or 'body'}: {item['msg']}" for item in mistakes[:5]
        ]
        more = [f"and {len(mistakes) - 5} more"] if len(mistakes) > len(shown) else []
        # A key of the body may be part of a place, and the text goes to the log.
        raise PayloadError(one_line("; ".join(shown + more), 1_000)) from None
