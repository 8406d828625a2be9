"""Where the two windows of a check come from: the sides of drift.yml."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator

from recwatch.config import Strict
from recwatch.redaction import mask_passwords
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.schedule import PositiveDuration
from recwatch_exporter.sources.frames import Frame, is_frame
from recwatch_exporter.sources.locations import Location
from recwatch_exporter.sources.urls import check_driver, check_url, dialect_of

Scalar = bool | int | float | str
Text = Annotated[str, Field(min_length=1)]


def _location(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a path, such as data/*.parquet")
    base = (info.context or {}).get("base", Path())
    return Location(root=base, pattern=value)


def _location_or_frame(value: object, info: ValidationInfo) -> object:
    return Frame(value) if is_frame(value) else _location(value, info)


Place = Annotated[Location, BeforeValidator(_location)]


class Side(Strict):
    """Where one window's data is: files, a query, a table, or a file of a model's version in service."""

    path: Annotated[Location | Frame, BeforeValidator(_location_or_frame)] | None = None
    query: Text | None = None
    table: Text | None = None
    database: Text | None = None
    artifact: Place | None = None
    file: Text | None = None
    filter: dict[str, Scalar] = Field(default_factory=dict)
    window: PositiveDuration | None = None
    _root: Path = PrivateAttr(default_factory=Path)

    @property
    def root(self) -> Path:
        """The folder of the configuration: what `database` and `query` name is relative to it."""
        return self._root

    @model_validator(mode="after")
    def _is_relative_to_the_configuration(self, info: ValidationInfo) -> Self:
        self._root = (info.context or {}).get("base", Path())
        return self

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("path", "query", "table", "artifact") if getattr(self, name) is not None]
        if len(given) != 1 and not (not given and self._stands_alone):
            raise ValueError(
                "give one of path, query, table (of a database), or artifact (a model's folder of versions)"
            )
        if self.database is not None:
            check_url(self.database)
            check_driver(self.database)
        elif isinstance(self.path, Location) and "://" in self.path.pattern:
            raise ValueError(
                f"path {mask_passwords(self.path.pattern)} is a URL, and nothing is downloaded: "
                "mount the storage and give the path there, or add database, an engine that reads it"
            )
        if self.table is not None and self.database is None:
            raise ValueError("table needs database, such as sqlite:///data/recwatch.db: where the table is")
        if self.artifact is not None and self.database is not None:
            raise ValueError("artifact is read from files: remove database")
        if self.artifact is None and self.file is not None:
            raise ValueError("file belongs to artifact: give the whole path in path")
        if self.file is not None:
            _inside(self.file, "file")
        return self

    @model_validator(mode="after")
    def _reads_only(self) -> Self:
        dialect = dialect_of(self.database)
        if self.query is not None and dialect is not None:
            # sqlglot takes a while to load, and most configurations have no query.
            from recwatch_exporter.sources.queries import only_select  # noqa: PLC0415

            try:
                only_select(self.query, dialect)
            except SourceError as error:
                raise ValueError(str(error)) from error
        return self

    @property
    def _stands_alone(self) -> bool:
        return False


class Reference(Side):
    """What is taken as normal; its window is counted back from its newest event.

    With `profile`, what `recwatch-exporter profile` froze stands in for the data: a file of the version in
    service beside `artifact`, or else a path.
    """

    profile: Place | None = None

    @model_validator(mode="after")
    def _profile_replaces_data(self) -> Self:
        if self.profile is None:
            return self
        if self.artifact is not None:
            _inside(self.profile.pattern, "profile")
        elif self.path or self.query or self.table:
            raise ValueError(
                "profile stands in for path, query and table: keep one (`recwatch-exporter profile` reads "
                "the data from a configuration without profile)"
            )
        return self

    @property
    def _stands_alone(self) -> bool:
        return self.profile is not None


class Current(Side):
    """What is held against it."""

    follow: Literal["newest_event", "clock"] = "newest_event"

    @model_validator(mode="after")
    def _follow_needs_window(self) -> Self:
        if "follow" in self.model_fields_set and self.window is None:
            raise ValueError("follow says where window ends: add window, such as 30d")
        return self


def _inside(name: str, key: str) -> None:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"{key} must lie in the version's folder: remove the leading / and every ..")
