import socket
from dataclasses import astuple, replace

import pytest

from recwatch_local.errors import LocalError, PortTakenError
from recwatch_local.ports import HOST, Ports, free_ports, ports_from, require_free


def test_variables_move_ports() -> None:
    assert ports_from({"RECWATCH_PROMETHEUS_PORT": "19090", "HOME": "/"}) == replace(
        Ports(), prometheus=19090
    )


@pytest.mark.parametrize("text", ["", "x", "0", "65536", "-1"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(LocalError, match=r"RECWATCH_BRIDGE_PORT=.* is no port: use a number from 1 to 65535"):
        ports_from({"RECWATCH_BRIDGE_PORT": text})


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports()
    require_free(ports)
    assert len(set(astuple(ports))) == len(Ports.parts())


def test_a_taken_port_is_named_with_the_way_to_move_it() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        ports = replace(free_ports(), bridge=port)
        with pytest.raises(
            PortTakenError, match=rf"127\.0\.0\.1:{port} \(bridge\); to move it: RECWATCH_BRIDGE_PORT="
        ):
            require_free(ports)


def test_ports_are_put_into_a_list_of_targets_even_where_two_change_places() -> None:
    ports = replace(Ports(), prometheus=9095, bridge=9090)
    text = "targets: ['127.0.0.1:9090', '127.0.0.1:9095', '127.0.0.1:8000']"
    assert ports.replace_in(text) == "targets: ['127.0.0.1:9095', '127.0.0.1:9090', '127.0.0.1:8000']"
