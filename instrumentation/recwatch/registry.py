"""A model's versions on disk: publish, promote, roll back, history.

    artifacts/als/v3_20261121_031500/    one folder a version: the model's files and manifest.json
    artifacts/als/current                the version in service, one line, replaced atomically
    artifacts/als/history.jsonl          every promotion and rollback, oldest first

Readers need no lock. Whoever changes the version in service holds `artifacts/als/.lock` while doing so.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from recwatch.errors import RegistryError
from recwatch.manifest import MANIFEST, Action, Manifest, Promotion

__all__ = ["Manifest", "ModelRegistry", "Promotion"]

_VERSION = re.compile(r"v(?P<number>\d{1,9})(?:_[A-Za-z0-9][A-Za-z0-9._-]*)?")


def _now() -> datetime:
    return datetime.now(UTC)


class ModelRegistry:
    """The versions of one model.

    Args:
        folder: the model's folder, such as `artifacts/als`; its name is the model's. It need not exist yet.
        clock: gives the time of a promotion, aware.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = _now) -> None:
        self.folder = Path(folder)
        self._clock = clock

    @property
    def model(self) -> str:
        """The model's name."""
        return self.folder.name

    def versions(self) -> list[str]:
        """Every published version, oldest first."""
        if not self.folder.is_dir():
            return []
        names = [entry.name for entry in self.folder.iterdir() if entry.is_dir()]
        return sorted(
            (name for name in names if _VERSION.fullmatch(name)), key=lambda name: (_number(name), name)
        )

    def path(self, version: str) -> Path:
        """The folder of a published version.

        Raises:
            RegistryError: when there is no such version.
        """
        path = self.folder / _checked(version)
        if not path.is_dir():
            known = ", ".join(self.versions()) or "none"
            raise RegistryError(
                f"{self.model}: no version {version} in {self.folder}: choose one of: {known}"
            )
        return path

    def manifest(self, version: str) -> Manifest:
        """The manifest of a published version.

        Raises:
            RegistryError: when the version or its manifest is missing or damaged.
        """
        return Manifest.read(self.path(version))

    def current(self) -> str | None:
        """The version in service; None before the first promotion.

        Raises:
            RegistryError: when `current` holds something else than a version's name.
        """
        try:
            # Whatever is no version's name is refused below, also bytes that are no text.
            text = (self.folder / "current").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        return _checked(text.strip())

    def history(self) -> list[Promotion]:
        """Every promotion and rollback, oldest first.

        Raises:
            RegistryError: when a line of the history is damaged.
        """
        try:
            lines = (self.folder / "history.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return [Promotion.from_json(line) for line in lines if line]

    def new_version(self, now: datetime) -> str:
        """A name for the next version, such as `v3_20261121_031500` (UTC).

        Args:
            now: the time of the training, aware.
        """
        taken = [*self.versions(), *(promotion.version for promotion in self.history())]
        number = 1 + max((_number(version) for version in taken), default=0)
        return f"v{number}_{now.astimezone(UTC):%Y%m%d_%H%M%S}"

    @contextmanager
    def publish(self, version: str) -> Iterator[Path]:
        """Fill a temporary folder that becomes the version's folder, or vanishes if the block fails.

        Yields:
            An empty folder. Write the model's files and the manifest (`Manifest.write`) into it.

        Raises:
            RegistryError: when the version exists already, or the block left no usable manifest.
        """
        target = self.folder / _checked(version)
        self._refuse_existing(target)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".publish-{version}-", dir=self.folder))
        try:
            partial.chmod(0o755)
            yield partial
            found = Manifest.read(partial)
            if (found.model, found.version) != (self.model, version):
                raise RegistryError(
                    f"{MANIFEST} says {found.model} {found.version}: make it {self.model} {version}"
                )
            for file in partial.rglob("*"):
                _flush_to_disk(file)
            self._refuse_existing(target)
            partial.rename(target)
            _flush_to_disk(self.folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def promote(self, version: str, *, reason: str) -> Promotion:
        """Put a published version into service. Promoting the version in service again changes nothing.

        Raises:
            RegistryError: when there is no such version.
        """
        with self._locked():
            self.manifest(version)
            history = self._complete_history()
            previous = self.current()
            if version == previous:
                return history[-1]
            return self._switch(Promotion(version, previous, self._clock(), reason, "promote"), history)

    def rollback(self, *, reason: str) -> Promotion:
        """Put the version back into service that was there before the current one came.

        Rolling back twice goes back two versions: a rollback undoes a promotion, never another rollback.

        Raises:
            RegistryError: when there is nothing to go back to.
        """
        with self._locked():
            history = self._complete_history()
            before = _undoable(history)
            if len(before) < 2:  # noqa: PLR2004 - the version in service and the one before it
                raise RegistryError(
                    f"{self.model}: nothing to roll back to: no version was in service before"
                )
            previous, version = before[-1], before[-2]
            self.manifest(version)
            return self._switch(Promotion(version, previous, self._clock(), reason, "rollback"), history)

    def _switch(self, promotion: Promotion, history: list[Promotion]) -> Promotion:
        _replace_text(self.folder / "current", f"{promotion.version}\n")
        self._write_history([*history, promotion])
        return promotion

    def _complete_history(self) -> list[Promotion]:
        """The history, with the last line added if a crash came between `current` and it.

        What was cut short tells itself by where it led: to the version that a rollback would have chosen, or
        to another. Taken for a promotion, a rollback would be undone by the next one.
        """
        history, current = self.history(), self.current()
        if current is None or (history and history[-1].version == current):
            return history
        previous = history[-1].version if history else None
        action: Action = "rollback" if _undoable(history)[-2:-1] == [current] else "promote"
        at = datetime.fromtimestamp((self.folder / "current").stat().st_mtime, UTC)
        history.append(Promotion(current, previous, at, "found in service without a record", action))
        self._write_history(history)
        return history

    def _write_history(self, history: list[Promotion]) -> None:
        _replace_text(self.folder / "history.jsonl", "".join(f"{item.to_json()}\n" for item in history))

    def _refuse_existing(self, target: Path) -> None:
        if target.exists():
            raise RegistryError(
                f"{self.model}: version {target.name} exists already: publish under another name"
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _checked(version: str) -> str:
    """Refuse what is not a version's name: it becomes part of a path."""
    if not _VERSION.fullmatch(version):
        raise RegistryError(f"{version!r} is not a version: write one such as v3_20261121_031500")
    return version


def _number(version: str) -> int:
    match = _VERSION.fullmatch(version)
    return int(match["number"]) if match else 0


def _undoable(history: list[Promotion]) -> list[str]:
    """The versions in service as a stack: a promotion puts one on top, a rollback takes one off."""
    stack: list[str] = []
    for item in history:
        if item.action == "promote":
            stack.append(item.version)
        elif stack:
            stack.pop()
    return stack


def _replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new content, never a part, also after a crash."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _flush_to_disk(path.parent)


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
