import socket

import pytest

from recwatch.testing import free_port, wait_until


def test_it_returns_the_first_true_answer() -> None:
    answers = iter(["", "", "ready", "later"])
    assert wait_until(lambda: next(answers)) == "ready"


def test_it_gives_up_in_time_and_names_the_condition() -> None:
    with pytest.raises(TimeoutError, match=r"the alert did not come about .* last answer: \[\]"):
        wait_until(list, timeout=0.0, what="the alert")


def test_a_free_port_can_be_taken() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] > 0
