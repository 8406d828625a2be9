"""Where data is: a path or a glob, relative to the folder of the configuration."""

import errno
import glob
import os
from collections.abc import Iterator
from contextlib import suppress
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
            SourceError: when a path that is not a glob does not exist, or is a folder, or when a folder of a
                glob may not be read: files in it would be missing without a word.
        """
        try:
            return self._files()
        except PermissionError as error:
            place = error.filename or self.path
            raise SourceError(f"{place} may not be read: give the exporter's user the right to") from error
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror or error}") from error

    def _files(self) -> tuple[Path, ...]:
        if self.is_glob:
            _look_into_folders(self.root, Path(self.pattern).parts)
            found = glob.glob(self.pattern, root_dir=self.root, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
            return tuple(sorted(self.root / name for name in found))
        if not self.path.exists():
            raise SourceError(f"{self.path} does not exist: write it first, or correct path")
        if self.path.is_dir():
            raise SourceError(f"{self.path} is a folder: write {self.path}/**/*.parquet for the files in it")
        if not os.access(self.path, os.R_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(self.path))
        return (self.path,)


def _look_into_folders(root: Path, parts: tuple[str, ...]) -> None:
    """Raise `PermissionError` for a folder of a pattern that may not be read: `glob` passes it over."""
    for depth, part in enumerate(parts):
        above = parts[:depth]
        if not any(glob.has_magic(name) for name in (*above, part)):
            continue
        for folder in _folders(root, above, below=part == "**"):
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder):
                os.stat(f"{folder}/.")  # noqa: PTH116 - Path drops the dot, which asks whether it may be entered


def _folders(root: Path, above: tuple[str, ...], *, below: bool) -> Iterator[Path]:
    place = Path(*above)
    if not any(glob.has_magic(name) for name in above):
        yield root / place
    if below or any(glob.has_magic(name) for name in above):
        pattern = f"{place}/**/" if below else f"{place}/"
        for name in glob.iglob(pattern, root_dir=root, recursive=True):  # noqa: PTH207 - as `files` does
            yield root / name
