"""A socket that has a port and does not listen yet."""

import socket

import pytest

from scrubjay.runtime.bound_socket import bound_socket


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_has_a_port_and_answers_nobody_yet(host):
    with bound_socket(host, 0) as made:
        port = made.getsockname()[1]
        assert port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port), timeout=1).close()


def test_a_port_can_be_shared_by_those_who_want_it():
    with bound_socket("127.0.0.1", 0, share=True) as first:
        port = first.getsockname()[1]
        with bound_socket("127.0.0.1", port, share=True) as second:
            assert second.getsockname()[1] == port
        first.listen()
        with pytest.raises(OSError, match="in use"):
            bound_socket("127.0.0.1", port)
