"""Watches which version is in service, so that a promotion runs the model's checks at once."""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from recwatch.errors import RegistryError
from recwatch.logs import event
from recwatch.registry import ModelRegistry

_LOG = logging.getLogger(__name__)


class PromotionWatcher:
    """Polls `current` of some folders of versions.

    Args:
        promoted: called with a folder whose version in service has changed.
        seconds: between two looks.
    """

    def __init__(self, promoted: Callable[[Path], None], *, seconds: float = 0.5) -> None:
        self._promoted = promoted
        self._seconds = seconds
        self._seen: dict[Path, str | None] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="promotions", daemon=True)

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch these folders from now on, and no others."""
        with self._lock:
            self._seen = {folder: self._seen.get(folder, _current(folder)) for folder in folders}

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once."""
        with self._lock:
            folders = list(self._seen)
        for folder in folders:
            version = _current(folder)
            with self._lock:
                if folder not in self._seen or self._seen[folder] == version:
                    continue
                before, self._seen[folder] = self._seen[folder], version
            _LOG.info(event("Version in service changed", folder=folder, old=before, new=version))
            self._promoted(folder)

    def _watch(self) -> None:
        while not self._stop.wait(self._seconds):
            self.look()


def _current(folder: Path) -> str | None:
    """The version in service; None as well where it cannot be told: the checks that need it say so."""
    try:
        return ModelRegistry(folder).current()
    except (RegistryError, OSError, UnicodeDecodeError):
        return None
