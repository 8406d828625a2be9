"""What Prometheus's HTTP API answers, as far as it is used."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Tolerant(BaseModel):
    # Later versions of Prometheus add fields.
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Alert(_Tolerant):
    """An alert, whatever its state."""

    labels: dict[str, str]
    annotations: Annotated[dict[str, str], Field(default_factory=dict)]
    state: str
    active_at: Annotated[datetime, Field(alias="activeAt")]
    value: float


class Alerts(_Tolerant):
    """What `/api/v1/alerts` gives."""

    alerts: list[Alert]


class Rule(_Tolerant):
    """An alerting or recording rule."""

    type: str
    name: str
    query: str
    labels: Annotated[dict[str, str], Field(default_factory=dict)]
    annotations: Annotated[dict[str, str], Field(default_factory=dict)]


class Group(_Tolerant):
    """A group of rules."""

    rules: list[Rule]


class Groups(_Tolerant):
    """What `/api/v1/rules` gives."""

    groups: list[Group]


class Sample(_Tolerant):
    """A series at one moment."""

    metric: dict[str, str]
    value: tuple[float, float]


class Vector(_Tolerant):
    """What an instant query gives, unless it is a scalar."""

    kind: Annotated[Literal["vector"], Field(alias="resultType")]
    result: list[Sample]


class Scalar(_Tolerant):
    """A number without labels."""

    kind: Annotated[Literal["scalar"], Field(alias="resultType")]
    result: tuple[float, float]


class Instant(_Tolerant):
    """What `/api/v1/query` gives."""

    answer: Annotated[Vector | Scalar, Field(discriminator="kind")]


class Samples(_Tolerant):
    """A series over time."""

    metric: dict[str, str]
    values: list[tuple[float, float]]


class Matrix(_Tolerant):
    """What `/api/v1/query_range` gives."""

    kind: Annotated[Literal["matrix"], Field(alias="resultType")]
    result: list[Samples]


class Answer(_Tolerant):
    """What is around every answer."""

    status: Literal["success", "error"]
    error: str = ""
    data: Any = None
