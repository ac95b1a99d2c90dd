"""A socket that has an address, and whose file or port is nobody else's meanwhile."""

import os
import socket
import stat

import pytest

from scrubjay.runtime import bound_socket as module
from scrubjay.runtime.bound_socket import bound_socket, bound_unix_socket, unix_socket_leaver


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_has_a_port_and_answers_nobody_yet(host):
    with bound_socket(host, 0) as made:
        port = made.getsockname()[1]
        assert port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port), timeout=10).close()


def test_a_port_can_be_shared_by_those_who_want_it():
    with bound_socket("127.0.0.1", 0, share=True) as first:
        port = first.getsockname()[1]
        with bound_socket("127.0.0.1", port, share=True) as second:
            assert second.getsockname()[1] == port
        first.listen()
        with pytest.raises(OSError, match="in use"):
            bound_socket("127.0.0.1", port)


def test_a_unix_socket_is_for_its_user_and_group(tmp_path):
    path = tmp_path / "s"
    before = os.umask(0o022)
    os.umask(before)
    with bound_unix_socket(str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert os.umask(before) == before
    with bound_unix_socket(str(path)):
        assert path.is_socket(), "what nobody listens on was left behind"


def test_a_unix_socket_is_in_use_before_anybody_accepts(tmp_path):
    """A second relay may come in the moment before a worker of the first is ready."""
    path = str(tmp_path / "s")
    with bound_unix_socket(path) as made, socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"patient")
        with pytest.raises(OSError, match="in use"):
            bound_unix_socket(path)
        made.listen(7)  # as a worker does when it is ready
        with made.accept()[0] as taken:
            assert taken.recv(100) == b"patient"


def test_a_unix_socket_in_use_is_left_alone(tmp_path):
    path = str(tmp_path / "s")
    with bound_unix_socket(path) as first:
        first.listen(0)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(path)
        with pytest.raises(OSError, match="in use"):
            bound_unix_socket(path)
        for client in clients:
            client.close()


def test_what_is_no_socket_or_somebody_else_s_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(OSError, match="no socket"):
        bound_unix_socket(str(path))
    assert path.read_text() == "precious"
    path.unlink()
    bound_unix_socket(str(path)).close()
    monkeypatch.setattr(module.os, "geteuid", lambda: 12345)
    with pytest.raises(OSError, match="another user"):
        bound_unix_socket(str(path))
    assert path.is_socket()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        bound_unix_socket(str(tmp_path / "gone" / "s"))


def test_at_the_end_it_goes_unless_it_is_another_by_then(tmp_path):
    path = tmp_path / "s"
    with bound_unix_socket(str(path)):
        leave = unix_socket_leaver(str(path))
        path.rename(tmp_path / "old")
        with bound_unix_socket(str(path)):
            leave()
            assert path.is_socket()
            unix_socket_leaver(str(path))()
            assert not path.exists()
            leave()
