"""The database of a bridge that may be running, for commands that look at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from recwatch.errors import StoreError
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.secret import read_secret
from recwatch_bridge.storage.store import Store


@contextmanager
def open_store(settings: BridgeConfig) -> Iterator[Store]:
    """Open the configured database; it is not made, because it would belong to whoever runs the command.

    Raises:
        ConfigError: when its password cannot be read.
        StoreError: when it is not there, is of another version, or cannot be used.
    """
    url = make_url(settings.store)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise StoreError(
            f"{url.database}: is not there: the bridge makes it when it starts for the first time"
        )
    password = None
    if settings.store_password_file is not None:
        password = read_secret(settings.store_password_file, "store_password_file")
    store = Store(settings.store, password, made=True)
    try:
        yield store
    finally:
        store.close()
