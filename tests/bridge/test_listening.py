import pytest

from recwatch.errors import ConfigError
from recwatch_bridge.listening import check_listen, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_listens_and_may_be_asked_meanwhile(host: str) -> None:
    check_listen(f"{host}:0")
    with listen(f"{host}:0") as listener:
        check_listen(f"{host}:{listener.getsockname()[1]}")


@pytest.mark.parametrize("ask", [listen, check_listen])
def test_address_that_is_not_this_machines(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:0: cannot listen there \("):
        ask("192.0.2.1:0")
