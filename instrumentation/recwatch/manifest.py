"""What a version says of itself (`manifest.json`) and what was done with it (a line of `history.jsonl`)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self, cast

from recwatch.errors import RegistryError

__all__ = ["MANIFEST", "Action", "Manifest", "Promotion"]

MANIFEST = "manifest.json"
Action = Literal["promote", "rollback"]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Where a version comes from and how good it is.

    Attributes:
        model: the model's name, such as `als`.
        version: the version's name, such as `v3_20261121_031500`.
        trained_at: when the training ended, aware.
        data_version: what the training data was, such as a hash or a date range.
        newest_event: the time of the newest training record, aware; None where records have no time.
        parameters: hyper-parameters; anything that JSON can hold.
        metrics: name to value, such as `{"ndcg@10": 0.189}`.
        git_commit: the commit that the trainer ran from; None outside a repository.
    """

    model: str
    version: str
    trained_at: datetime
    data_version: str
    newest_event: datetime | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    git_commit: str | None = None

    def __post_init__(self) -> None:
        _require_aware("trained_at", self.trained_at)
        if self.newest_event is not None:
            _require_aware("newest_event", self.newest_event)

    def write(self, folder: Path) -> Path:
        """Write `manifest.json` into a version's folder and return its path."""
        document = asdict(self) | {
            "trained_at": self.trained_at.isoformat(),
            "newest_event": None if self.newest_event is None else self.newest_event.isoformat(),
        }
        path = folder / MANIFEST
        path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of a version's folder; keys that a later release adds are passed over.

        Raises:
            RegistryError: when the file is missing or damaged.
        """
        path = folder / MANIFEST
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            newest_event = document.get("newest_event")
            return cls(
                model=_text(document["model"]),
                version=_text(document["version"]),
                trained_at=datetime.fromisoformat(document["trained_at"]),
                data_version=_text(document["data_version"]),
                newest_event=None if newest_event is None else datetime.fromisoformat(newest_event),
                parameters=dict(document.get("parameters", {})),
                metrics={_text(name): float(value) for name, value in document.get("metrics", {}).items()},
                git_commit=document.get("git_commit"),
            )
        except FileNotFoundError:
            raise RegistryError(
                f"{path} is missing: write one with Manifest.write before publishing"
            ) from None
        except KeyError as error:
            raise RegistryError(f"{path} lacks {error}: write it with Manifest.write") from error
        except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise RegistryError(
                f"{path} cannot be used ({error!r}): restore it, or train and publish again"
            ) from error


@dataclass(frozen=True)
class Promotion:
    """A change of the version in service.

    Attributes:
        version: the version that came into service.
        previous: the version that was in service before; None the first time.
        at: when, aware.
        reason: why, in the words of whoever asked for it.
        action: `promote` or `rollback`.
    """

    version: str
    previous: str | None
    at: datetime
    reason: str
    action: Action

    def to_json(self) -> str:
        """One line of `history.jsonl`, without the newline."""
        return json.dumps(asdict(self) | {"at": self.at.isoformat()})

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read a line of `history.jsonl`.

        Raises:
            RegistryError: when the line is damaged.
        """
        try:
            document = json.loads(line)
            action = document["action"]
            if action not in ("promote", "rollback"):
                raise ValueError(f"action {action!r} is neither promote nor rollback")  # noqa: TRY301
            return cls(
                version=str(document["version"]),
                previous=document["previous"],
                at=datetime.fromisoformat(document["at"]),
                reason=str(document["reason"]),
                action=cast("Action", action),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RegistryError(
                f"history.jsonl: {line!r:.120} cannot be used ({error!r}): remove that line"
            ) from error


def _text(value: object) -> str:
    """Return a value as text; JSON can spell halves of surrogate pairs, which no file or database takes.

    Raises:
        UnicodeEncodeError: a ValueError, when it holds one.
    """
    text = str(value)
    text.encode()
    return text


def _require_aware(name: str, value: datetime) -> None:
    if value.tzinfo is None:
        raise RegistryError(f"{name} is {value}, without a time zone: pass an aware datetime, such as UTC")
