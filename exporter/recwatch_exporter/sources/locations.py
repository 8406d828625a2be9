"""Where data is: a path or a glob, relative to the folder of the configuration."""

import glob
from dataclasses import dataclass
from pathlib import Path

from recwatch_exporter.errors import SourceError


@dataclass(frozen=True)
class Location:
    """A path as the configuration writes it, and the folder that it is relative to."""

    root: Path
    pattern: str

    def __str__(self) -> str:
        return str(self.path)

    @property
    def path(self) -> Path:
        """The path, globs left as they are."""
        return self.root / self.pattern

    @property
    def is_glob(self) -> bool:
        """Whether the path stands for any number of files."""
        return glob.has_magic(self.pattern)

    def files(self) -> tuple[Path, ...]:
        """The files that are there now, sorted; none for a glob that matches nothing.

        Hidden files are passed over: a writer names its file `.something` until it is complete. (DuckDB's own
        globs do match hidden files, so they are not used.)

        Raises:
            SourceError: when a path that is not a glob does not exist, or is a folder.
        """
        if self.is_glob:
            found = glob.glob(self.pattern, root_dir=self.root, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
            return tuple(sorted(self.root / name for name in found))
        if not self.path.exists():
            raise SourceError(f"{self.path} does not exist: write it first, or correct path")
        if self.path.is_dir():
            raise SourceError(f"{self.path} is a folder: write {self.path}/**/*.parquet for the files in it")
        return (self.path,)
