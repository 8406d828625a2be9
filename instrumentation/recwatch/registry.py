"""A model's versions on disk: publish, promote, roll back, history, prune.

    artifacts/als/v3_20261121_031500/    one folder a version: the model's files and manifest.json
    artifacts/als/current                the version in service, one line, replaced atomically
    artifacts/als/history.jsonl          every promotion and rollback, oldest first

Readers need no lock. Whoever changes something holds `artifacts/als/.lock` while doing so. A process may be
killed at any moment: names that begin with a dot are what it left behind, read by nobody, deleted later.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from recwatch.errors import PromotionConflictError, RegistryError
from recwatch.manifest import MANIFEST, Manifest, Promotion
from recwatch.registry_files import claim, delete, flush_to_disk, locked, set_aside, sweep
from recwatch.registry_journal import Journal, completed, undoable

__all__ = ["ANY_VERSION", "Manifest", "ModelRegistry", "Promotion", "model_names"]

_VERSION = re.compile(r"v(?P<number>\d{1,9})(?:_[A-Za-z0-9][A-Za-z0-9._-]*)?")
_LOCK_SECONDS = 60.0


class _Any(Enum):
    VERSION = "any version"


ANY_VERSION: Final = _Any.VERSION
"""What `expected` is where it does not matter which version is in service."""


def _now() -> datetime:
    return datetime.now(UTC)


def model_names(artifacts: Path) -> list[str]:
    """The models that have versions in a folder such as `artifacts/`, by name; none where it is missing."""
    if not artifacts.is_dir():
        return []
    folders = [entry for entry in artifacts.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    return sorted(folder.name for folder in folders if ModelRegistry(folder).versions())


class ModelRegistry:
    """The versions of one model.

    Args:
        folder: the model's folder, such as `artifacts/als`; its name is the model's. It need not exist yet.
        clock: gives the time of a promotion, aware.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = _now) -> None:
        self.folder = Path(folder)
        self._clock = clock
        self._journal = Journal(self.folder)

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
            RegistryError: when `current` cannot be read, or holds something else than a version's name.
        """
        name = self._journal.current()
        return None if name is None else _checked(name)

    def history(self) -> list[Promotion]:
        """Every promotion and rollback, oldest first.

        Raises:
            RegistryError: when the history cannot be read, or a line of it is damaged.
        """
        return self._journal.history()

    def rollback_target(self) -> str | None:
        """The version that `rollback` would put into service; None where there was none before.

        Raises:
            RegistryError: when `current` or the history is damaged.
        """
        return _rollback_target(self._history_to_now())

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

        What earlier publications left behind that were killed is deleted.

        Yields:
            An empty folder. Write the model's files and the manifest (`Manifest.write`) into it.

        Raises:
            RegistryError: when the version exists already, the folder cannot be written, or the block left no
                usable manifest.
        """
        target = self.folder / _checked(version)
        with self._changing():
            self._refuse_existing(target)
            sweep(self.folder)
            partial = Path(tempfile.mkdtemp(prefix=f".publish-{version}-", dir=self.folder))
            claimed = claim(partial)
        try:
            partial.chmod(0o755)
            yield partial
            found = Manifest.read(partial)
            if (found.model, found.version) != (self.model, version):
                raise RegistryError(
                    f"{MANIFEST} says {found.model} {found.version}: make it {self.model} {version}"
                )
            for file in partial.rglob("*"):
                if not file.is_symlink():
                    flush_to_disk(file)
            os.utime(partial)  # the version's age counts from here
            flush_to_disk(partial)
            self._refuse_existing(target)
            self._rename(partial, target)
            flush_to_disk(self.folder)
        finally:
            delete(partial)
            os.close(claimed)

    def promote(self, version: str, *, reason: str, expected: str | _Any | None = ANY_VERSION) -> Promotion:
        """Put a published version into service. Promoting the version in service again changes nothing.

        Args:
            version: the version.
            reason: why, in words for whoever reads the history.
            expected: the version that must be in service now (None: no version), such as the one that the
                new one was compared with; by default any.

        Raises:
            PromotionConflictError: when another version than the expected one is in service.
            RegistryError: when there is no such version, it is damaged, or the folder cannot be written. The
                version in service stays.
        """
        with self._changing():
            self._check_whole(version)
            history = self._complete_history()
            previous = self.current()
            if version == previous:
                return history[-1]
            self._expect(expected, previous, f"promote {version}")
            promotion = Promotion(version, previous, self._clock(), reason, "promote")
            self._journal.switch(promotion, history)
            return promotion

    def rollback(self, *, reason: str, expected: str | _Any | None = ANY_VERSION) -> Promotion:
        """Put the version back into service that was there before the current one came.

        Rolling back twice goes back two versions: a rollback undoes a promotion, never another rollback.

        Args:
            reason: why, in words for whoever reads the history.
            expected: the version to roll back from; by default whichever is in service.

        Raises:
            PromotionConflictError: when another version than the expected one is in service.
            RegistryError: when there is nothing to go back to, it is gone or damaged, or the folder cannot be
                written. The version in service stays.
        """
        with self._changing():
            history = self._complete_history()
            previous = self.current()
            self._expect(expected, previous, "roll back")
            version = _rollback_target(history)
            if version is None:
                raise RegistryError(
                    f"{self.model}: nothing to roll back to: no version was in service before"
                )
            self._check_whole(version)
            promotion = Promotion(version, previous, self._clock(), reason, "rollback")
            self._journal.switch(promotion, history)
            return promotion

    def prune(
        self, *, keep: int = 5, min_age: timedelta = timedelta(days=1), dry_run: bool = False
    ) -> list[str]:
        """Delete old versions, but neither the one in service nor the one that a rollback would choose.

        A version leaves by one rename and is deleted afterwards, so that a reader finds it whole or not at
        all. What killed processes left behind is deleted too.

        Args:
            keep: how many of the newest versions stay, at least 1, so that no number is given twice.
            min_age: versions published later than this before now stay.
            dry_run: change nothing.

        Returns:
            What was deleted, or would be, oldest first.

        Raises:
            RegistryError: when `current` or the history is damaged, the folder cannot be written, or a
                version could not be deleted wholly.
        """
        if keep < 1:
            raise RegistryError(f"keep is {keep}: keep at least 1 version")
        if dry_run:
            return self._superfluous(keep, min_age)
        with self._changing():
            self._complete_history()
            sweep(self.folder)
            versions = self._superfluous(keep, min_age)
            aside = [set_aside(self.folder / version) for version in versions]
            if aside:
                flush_to_disk(self.folder)
        left = [folder.name for folder in aside if not delete(folder)]
        if left:
            raise RegistryError(
                f"{self.model}: not deleted wholly: {', '.join(left)}: see that this user may delete in "
                f"{self.folder}, and prune again"
            )
        return versions

    def _superfluous(self, keep: int, min_age: timedelta) -> list[str]:
        kept = {*self.versions()[-keep:], self.current(), self.rollback_target()}
        now = self._clock()
        return [
            version
            for version in self.versions()
            if version not in kept and now - _published(self.folder / version) >= min_age
        ]

    def _history_to_now(self) -> list[Promotion]:
        history, current = self.history(), self.current()
        return history if current is None else completed(history, current, self._clock())

    def _complete_history(self) -> list[Promotion]:
        self.current()  # damage is named before anything is written
        return self._journal.complete()

    def _check_whole(self, version: str) -> None:
        # Not the model's name: a folder that was copied or renamed must still be able to roll back.
        found = self.manifest(version).version
        if found != version:
            raise RegistryError(
                f"{self.path(version) / MANIFEST} says {found}: restore the version, or publish it again"
            )

    def _expect(self, expected: str | _Any | None, found: str | None, change: str) -> None:
        if not isinstance(expected, _Any) and found != expected:
            raise PromotionConflictError(self.model, change, expected, found)

    def _refuse_existing(self, target: Path) -> None:
        if target.exists():
            raise RegistryError(
                f"{self.model}: version {target.name} exists already: publish under another name"
            )

    def _rename(self, partial: Path, target: Path) -> None:
        try:
            partial.rename(target)
        except OSError:
            self._refuse_existing(target)  # another process published it just now
            raise

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            with locked(self.folder / ".lock", timeout=_LOCK_SECONDS):
                yield
        except OSError as error:
            raise RegistryError(
                f"{self.model}: {self.folder} cannot be written ({error.strerror or error}): make room, or "
                f"see that this user may write there"
            ) from error


def _checked(version: str) -> str:
    """Refuse what is not a version's name: it becomes part of a path."""
    if not _VERSION.fullmatch(version):
        raise RegistryError(f"{version!r} is not a version: write one such as v3_20261121_031500")
    return version


def _number(version: str) -> int:
    match = _VERSION.fullmatch(version)
    return int(match["number"]) if match else 0


def _rollback_target(history: list[Promotion]) -> str | None:
    before = undoable(history)
    return before[-2] if len(before) > 1 else None


def _published(folder: Path) -> datetime:
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
