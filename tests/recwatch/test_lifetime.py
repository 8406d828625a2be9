import gc
import os
import signal
import subprocess
import sys

import pytest
import requests

from recwatch import lifetime
from recwatch.testing import free_port, wait_until

EXIT = """
from recwatch.lifetime import keep

class Owner:
    def __init__(self, name):
        self.name = name
        keep(self, at_exit=lambda owner, seconds: print(owner.name, 0 < seconds <= 5))

kept = [Owner("made first"), Owner("made last")]
Owner("gone")
"""
SERVE = """
import sys
import uvicorn
from starlette.applications import Starlette
from recwatch.asgi import MetricsMiddleware, metrics_endpoint
from recwatch.lifetime import keep

class Owner:
    def __init__(self):
        keep(self, flush=lambda owner, seconds: print("flushed", 0 < seconds <= 5, flush=True))

kept = Owner()
app = Starlette()
app.add_middleware(MetricsMiddleware)
app.add_route("/metrics", metrics_endpoint())
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


class Owner:
    def __init__(self) -> None:
        self.forked_in = 0
        self.flushed: list[float] = []
        lifetime.keep(self, after_fork=Owner.after_fork, flush=Owner.flush)

    def after_fork(self) -> None:
        self.forked_in = os.getpid()

    def flush(self, timeout: float) -> None:
        self.flushed.append(timeout)


def test_the_exit_is_told_to_those_who_live_the_youngest_first() -> None:
    done = subprocess.run([sys.executable, "-c", EXIT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["made last True", "made first True"]


def test_a_flush_is_told_to_all_with_what_is_left_of_the_time() -> None:
    owners = [Owner(), Owner()]
    lifetime.flush_all(timeout=3.0)
    assert [len(owner.flushed) for owner in owners] == [1, 1]
    assert 0 < owners[0].flushed[0] <= owners[1].flushed[0] <= 3.0


def test_nobody_is_kept_alive() -> None:
    flushed = (owner := Owner()).flushed
    del owner
    gc.collect()
    lifetime.flush_all()
    assert flushed == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_is_told_before_anything_else_runs_there() -> None:
    owner = Owner()
    child = os.fork()
    if child == 0:
        os._exit(0 if owner.forked_in == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert owner.forked_in == 0


def test_what_waits_is_written_where_the_server_ends_without_an_exit() -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:

        def ready() -> bool:
            assert server.poll() is None
            try:
                return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).ok
            except requests.ConnectionError:
                return False

        wait_until(ready, timeout=30)
        server.terminate()
        out, _ = server.communicate(timeout=30)
    assert server.returncode == -signal.SIGTERM
    assert out == "flushed True\n"
