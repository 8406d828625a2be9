"""The replayer beside the stack, and how far it is."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recwatch_local.stack import Stack
from recwatch_local.supervisor import MARK

FROM = "2003-05-01"
DAYS_PER_SECOND = 1.0


@contextmanager
def replaying(stack: Stack) -> Iterator[None]:
    """Send real history to the recommender for as long as this lasts."""
    argv = [
        *(sys.executable, "-m", "recommender.replay", "--url", stack.ports.url("recommender")),
        *("--from", FROM, "--days-per-second", str(DAYS_PER_SECOND)),
    ]
    environment = {**stack.environment, MARK: str(stack.layout.run)}
    with (stack.layout.logs / "replay.log").open("wb") as log:
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def replay_position(home: Path) -> str:
    """The day that the replay has reached and the requests it has sent, for a person."""
    try:
        position = json.loads((home / "data" / "replay.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "the replay begins"
    return f"{position['event_time'][:10]}, {position['requests']} requests"
