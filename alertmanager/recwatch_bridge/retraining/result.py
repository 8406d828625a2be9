"""The file in which a trainer says what it made."""

from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
)

from recwatch_bridge.errors import ResultError

MAX_BYTES = 64 * 1024 * 1024


class Result(BaseModel):
    """What `RECWATCH_RESULT` holds.

    Attributes:
        version: the candidate, published in the model's registry folder.
        metrics: the candidate's, by name.
        serving_metrics: those of the version in service on the same hold-out; None where none is in service.
        samples: how many (users, rows) the metrics are means of.
        pairs: by metric and sample, the candidate's and the serving version's value, for the bootstrap.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=True)

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    metrics: dict[str, float]
    serving_metrics: dict[str, float] | None = None
    samples: NonNegativeInt
    pairs: Annotated[dict[str, list[tuple[FiniteFloat, FiniteFloat]]], Field(default_factory=dict)]


def read_result(path: Path) -> Result:
    """Read a trainer's result file.

    Raises:
        ResultError: when it is missing, too large or not what a trainer is to write.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ResultError("the trainer wrote no result file: write JSON to $RECWATCH_RESULT") from None
    except OSError as error:
        raise ResultError(f"the result file cannot be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise ResultError(f"the result file is larger than {MAX_BYTES} bytes: leave out `pairs`")
    try:
        return Result.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise ResultError(f"the result file cannot be used: {place}: {first['msg']}") from None
