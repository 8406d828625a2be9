"""What the service's requests and answers look like; anything else is refused with one clear message."""

from typing import Annotated, Literal, Self

from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from recommender.interactions import CLICK, RATING

MAX_TOPK = 100
_MAX_ID = 2**63 - 1  # the interaction log's columns are int64

Identifier = Annotated[int, Field(ge=0, le=_MAX_ID, strict=True)]
Year = Annotated[int, Field(ge=1800, le=2200, strict=True)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Filters(_Request):
    """Which films may be recommended: any of the genres, and a year within the bounds, both inclusive."""

    genres: Annotated[list[str], Field(max_length=50)] = []
    year_from: Year | None = None
    year_to: Year | None = None


class RecommendRequest(_Request):
    """Body of `POST /recommend`."""

    user_id: Identifier
    topk: Annotated[int, Field(ge=1, le=MAX_TOPK, strict=True)] = 10
    exclude_seen: bool = True
    filters: Filters = Filters()
    rerank: bool = False


class Item(BaseModel):
    """A recommended film; scores are comparable within one answer only."""

    item_id: int
    title: str
    score: float


class RecommendResponse(BaseModel):
    """Answer of `POST /recommend`.

    `version` is null before the first promotion. `fallback` names what stood in for the model. `folded_in`
    says that the user was new to the model and placed by his ratings.
    """

    model: str
    version: str | None
    items: list[Item]
    fallback: str | None
    folded_in: bool


class FeedbackRequest(_Request):
    """Body of `POST /feedback`. Without a timestamp it happened now."""

    user_id: Identifier
    item_id: Identifier
    event: Literal["click", "rating"]
    rating: Annotated[float, Field(ge=0.5, le=5.0)] | None = None
    timestamp: AwareDatetime | None = None

    @model_validator(mode="after")
    def _rating_belongs_to_ratings(self) -> Self:
        if self.event == RATING and self.rating is None:
            raise ValueError("rating: is required for the event `rating`; send stars from 0.5 to 5")
        if self.event == CLICK and self.rating is not None:
            raise ValueError("rating: a click has none; leave it out, or send the event `rating`")
        return self


class FeedbackResponse(BaseModel):
    """Answer of `POST /feedback`: taken, and in the log with the next flush."""

    accepted: Literal[True] = True


class ReloadResponse(BaseModel):
    """Answer of `POST /admin/reload`: the versions before and after."""

    old: str | None
    new: str | None


class Health(BaseModel):
    """Answer of `GET /healthz` and `GET /readyz`."""

    status: Literal["ok", "ready", "not ready"]
    model: str
    version: str | None


class Problem(BaseModel):
    """Answer to everything that went wrong."""

    error: str


def one_message(error: RequestValidationError) -> str:
    """All mistakes of a request in one line: field, remedy, what was found."""
    lines = []
    for item in error.errors():
        field = ".".join(str(part) for part in item["loc"][1:])
        text = str(item["msg"]).removeprefix("Value error, ")
        found = (
            ""
            if item["type"] in {"missing", "value_error", "json_invalid"}
            else f" (found {item['input']!r:.60})"
        )
        lines.append(f"{field}: {text}{found}" if field else f"{text}{found}")
    return "; ".join(lines)
