"""Watches which version is in service, so that a promotion runs the model's checks at once."""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic

from recwatch.errors import RegistryError
from recwatch.logs import event
from recwatch.registry import ModelRegistry

_LOG = logging.getLogger(__name__)
_PATIENCE_SECONDS = 1.0


class PromotionWatcher:
    """Polls `current` of some folders of versions, each in a thread of its own.

    A read may hang, as on a file system that is gone: nothing waits for it, and no other folder.

    Args:
        promoted: called with a folder whose version in service has changed, from any thread.
        seconds: between two looks.
        patience: how many seconds `watch` waits for the first look at a folder.
    """

    def __init__(
        self,
        promoted: Callable[[Path], None],
        *,
        seconds: float = 0.5,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._promoted = promoted
        self._seconds = seconds
        self._patience = patience
        self._lock = threading.Lock()
        self._folders: dict[Path, _Folder] = {}

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch these folders from now on, and no others; returns soon, whatever hangs."""
        with self._lock:
            before, self._folders = self._folders, {}
            for path in folders:
                known = before.pop(path) if path in before else _Folder(path, self._promoted, self._patience)
                self._folders[path] = known
            new = [folder for folder in self._folders.values() if not folder.started]
            for folder in before.values():
                folder.gone.set()
            for folder in new:
                folder.start(self._seconds)
        end = monotonic() + self._patience
        for folder in new:
            if not folder.seen.wait(max(0.0, end - monotonic())):
                _LOG.warning(
                    event("Version in service cannot be read yet: see its file system", folder=folder.path)
                )

    def stop(self) -> None:
        """Stop watching; a look that hangs is left behind."""
        self.watch(())


class _Folder:
    """One folder that is looked at until it is `gone` from the configuration."""

    def __init__(self, path: Path, promoted: Callable[[Path], None], patience: float) -> None:
        self.path = path
        self.gone = threading.Event()
        self.seen = threading.Event()
        self.started = False
        self._promoted = promoted
        self._version: str | None = None
        self._late_from = monotonic() + patience

    def start(self, seconds: float) -> None:
        self.started = True
        name = f"promotions of {self.path.name}"
        # A daemon: a read that hangs in the kernel must not keep the process from ending.
        threading.Thread(target=self._watch, args=(seconds,), name=name, daemon=True).start()

    def _watch(self, seconds: float) -> None:
        self._look_first()
        while not self.gone.wait(seconds):
            self._look()

    def _look_first(self) -> None:
        self._version = _current(self.path)
        late = monotonic() >= self._late_from
        self.seen.set()
        if late and not self.gone.is_set():
            # Checks have run since then: what they read may be older than what is in service.
            self._promoted(self.path)

    def _look(self) -> None:
        version = _current(self.path)
        if version == self._version or self.gone.is_set():
            return
        before, self._version = self._version, version
        _LOG.info(event("Version in service changed", folder=self.path, old=before, new=version))
        self._promoted(self.path)


def _current(folder: Path) -> str | None:
    """The version in service; None as well where it cannot be told: the checks that need it say so."""
    try:
        return ModelRegistry(folder).current()
    except (RegistryError, OSError, UnicodeDecodeError):
        return None
