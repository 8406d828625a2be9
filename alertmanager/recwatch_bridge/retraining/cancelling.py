"""A person takes back a run that waits, whoever asked for it."""

from recwatch_bridge.retraining import notices
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.text import one_line

_NAME_LENGTH = 100
_REASON_LENGTH = 500


def cancel(books: Bookkeeper, run: Run, *, by: str, reason: str = "") -> bool:
    """End a run before it begins, and say so.

    Args:
        books: where outcomes are stored.
        run: one that is `pending`.
        by: who wants that: a name, never a secret.
        reason: why, in the person's words; may be empty.

    Returns:
        Whether it ended; it did not where it has begun, or ended, meanwhile.

    Raises:
        sqlalchemy.exc.DatabaseError: nothing was stored.
    """
    told = one_line(reason, _REASON_LENGTH)
    name = one_line(by, _NAME_LENGTH) or "somebody"
    why = f"cancelled by {name}: {told}" if told else f"cancelled by {name}"
    return books.finish(run, "withdrawn", notices.withdrawn(run, why), error=why)
