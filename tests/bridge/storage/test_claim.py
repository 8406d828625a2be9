import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recwatch.errors import StoreError
from recwatch_bridge.storage.store import Store

HOLD = """
import sys
from recwatch_bridge.storage.store import Store
Store(sys.argv[1]).claim()
print("claimed", flush=True)
sys.stdin.read()
"""


def test_one_bridge_a_file_also_after_a_kill(tmp_path: Path, open_store: Callable[[str], Store]) -> None:
    url = f"sqlite:///{tmp_path}/bridge.db"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdin is not None
    assert other.stdout.readline() == "claimed\n"
    store = open_store(url)
    with pytest.raises(StoreError, match=r"another bridge uses .*bridge\.db: stop it, or use PostgreSQL"):
        store.claim()
    other.kill()
    other.wait()
    store.claim()
    store.claim()
    other.stdin.close()
    other.stdout.close()


def test_a_closed_store_has_no_claim(tmp_path: Path, open_store: Callable[[str], Store]) -> None:
    url = f"sqlite:///{tmp_path}/bridge.db"
    first = open_store(url)
    first.claim()
    first.close()
    open_store(url).claim()


def test_a_lock_file_that_cannot_be_made(tmp_path: Path, open_store: Callable[[str], Store]) -> None:
    (tmp_path / "bridge.db.lock").mkdir()
    with pytest.raises(StoreError, match=r"bridge\.db\.lock: cannot be written .*: let the bridge write"):
        open_store(f"sqlite:///{tmp_path}/bridge.db").claim()


def test_several_bridges_share_postgresql(postgresql_url: str, open_store: Callable[[str], Store]) -> None:
    for _ in range(2):
        store = open_store(postgresql_url)
        store.claim()
        assert store.is_shared
