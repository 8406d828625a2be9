"""Which version is in service, and the history of how it came to be: two files that never disagree.

A change is written in this order, and every step is atomic:

    .history.next   the history with the new line
    current         the version in service; from here on the change has happened
    history.jsonl   takes the place of .history.next

Killed before the second step nothing has changed. Killed after it, a reader takes the last line from
`.history.next`, and the next change finishes the third step.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from recwatch.errors import RegistryError
from recwatch.manifest import Action, Promotion
from recwatch.registry_files import flush_to_disk, write_beside

__all__ = ["Journal", "completed", "undoable"]


class Journal:
    """`current` and `history.jsonl` of a model's folder.

    Readers need no lock; `complete` and `switch` are for whoever holds the registry's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current = folder / "current"
        self._history = folder / "history.jsonl"
        self._next = folder / ".history.next"

    def current(self) -> str | None:
        """What `current` names, unchecked; None where there is none.

        Raises:
            RegistryError: when it cannot be read.
        """
        # Whatever is no version's name is refused by the registry, also bytes that are no text.
        text = _text_of(self._current)
        return None if text is None else text.strip()

    def history(self) -> list[Promotion]:
        """Every change, oldest first, also one that was killed before its last step.

        Raises:
            RegistryError: when a line is damaged, or the file cannot be read.
        """
        history = _read(self._history)
        begun = _text_of(self._next)
        try:
            following = _lines(begun)
        except RegistryError:
            return history
        done = following[:-1] == history and following[-1:] != [] and following[-1].version == self.current()
        return following if done else history

    def complete(self) -> list[Promotion]:
        """The history, on disk as it is returned, after finishing what a crash or a hand left unfinished."""
        history = self.history()
        if len(history) > len(_read(self._history)):
            self._next.replace(self._history)
            flush_to_disk(self._folder)
        self._next.unlink(missing_ok=True)
        current = self.current()
        if current is None:
            return history
        at = datetime.fromtimestamp(self._current.stat().st_mtime, UTC)
        whole = completed(history, current, at)
        if len(whole) > len(history):
            write_beside(self._history, _text(whole)).replace(self._history)
            flush_to_disk(self._folder)
        return whole

    def switch(self, promotion: Promotion, history: Sequence[Promotion]) -> None:
        """Change the version in service and add its line.

        Raises:
            OSError: when a file cannot be written; the version in service stays then.
        """
        following = write_beside(self._next, _text([*history, promotion]))
        try:
            current = write_beside(self._current, f"{promotion.version}\n")
        except BaseException:
            following.unlink(missing_ok=True)
            raise
        following.replace(self._next)
        current.replace(self._current)
        flush_to_disk(self._folder)
        self._next.replace(self._history)
        flush_to_disk(self._folder)


def completed(history: Sequence[Promotion], current: str, at: datetime) -> list[Promotion]:
    """The history with a last line that leads to the version in service, where somebody wrote it by hand.

    Such a change tells itself by where it led: to the version that a rollback would have chosen, or to
    another. Taken for a promotion, a rollback would be undone by the next one.
    """
    if history and history[-1].version == current:
        return list(history)
    previous = history[-1].version if history else None
    action: Action = "rollback" if undoable(history)[-2:-1] == [current] else "promote"
    return [*history, Promotion(current, previous, at, "found in service without a record", action)]


def undoable(history: Sequence[Promotion]) -> list[str]:
    """The versions in service as a stack: a promotion puts one on top, a rollback takes one off."""
    stack: list[str] = []
    for item in history:
        if item.action == "promote":
            stack.append(item.version)
        elif stack:
            stack.pop()
    return stack


def _read(path: Path) -> list[Promotion]:
    return _lines(_text_of(path))


def _lines(text: str | None) -> list[Promotion]:
    return [Promotion.from_json(line) for line in (text or "").splitlines() if line]


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RegistryError(
            f"{path} cannot be read ({error.strerror or error}): see that this user may read it"
        ) from error


def _text(history: Sequence[Promotion]) -> str:
    return "".join(f"{item.to_json()}\n" for item in history)
