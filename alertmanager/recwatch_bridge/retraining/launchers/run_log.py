"""What a launcher of remote runs keeps of them in the run's folder: a log of its own, and the result file."""

import logging
from collections.abc import Callable, Sequence

from recwatch_bridge.clock import readable, wall
from recwatch_bridge.retraining.launchers.base import Order
from recwatch_bridge.text import one_line, paragraphs

_LINE = 500
_DETAIL = 20_000

log = logging.getLogger(__name__)


class RunLog:
    """Adds lines to the logs of runs, each line once where it says what the last one said.

    Args:
        secrets: gives what no line may repeat: an answer might repeat what it was asked with.
    """

    def __init__(self, secrets: Callable[[], Sequence[str]]) -> None:
        self._secrets = secrets
        self._last: dict[str, str] = {}

    def say(self, order: Order, text: str) -> None:
        """Add a line, unless it is the last one."""
        line = self.plain(text)
        if self._last.get(order.run_id) == line:
            return
        self._last[order.run_id] = line
        log.info("run %s: %s", order.run_id, line)
        self._append(order, f"{readable(wall())} {line}\n")

    def detail(self, order: Order, text: str) -> None:
        """Add several lines, such as a traceback."""
        self._append(order, f"{paragraphs(self._hidden(text), _DETAIL)}\n")

    def plain(self, text: str) -> str:
        """Return a text as one line without secrets."""
        return one_line(self._hidden(text), _LINE)

    def forget(self, order: Order) -> None:
        """Forget the last line of a run that has ended."""
        self._last.pop(order.run_id, None)

    def _hidden(self, text: str) -> str:
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _append(self, order: Order, text: str) -> None:
        try:
            with order.log.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError as error:
            log.warning("run %s: its log cannot be written: %s", order.run_id, error)


def write_result(order: Order, result: bytes) -> str | None:
    """Write the result file whole or not at all; returns why that cannot be done, or None."""
    part = order.result.with_name(f"{order.result.name}.part")
    try:
        order.folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(result)
        part.replace(order.result)
    except OSError as error:
        return f"{order.result} cannot be written: {error.strerror}"
    return None
