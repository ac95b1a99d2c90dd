"""How a verb reaches the relay of this machine."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.cli.own_listener import ask, listener_url, local_address
from scrubjay.settings.load import build
from scrubjay.settings.setting import Secret
from support.openssl import Chain

Call = Callable[..., Result]

TLS = {"tls.cert": "c.pem", "tls.key": "k.pem"}
INTERNAL = {"relay.internal_host": "0.0.0.0", "relay.internal_port": 3001}
UNIX = {"relay.unix_socket": "/run/r.sock"}


@pytest.mark.parametrize(
    ("values", "address", "public"),
    [
        ({}, "127.0.0.1:3000", "127.0.0.1:3000"),
        ({"relay.host": "0.0.0.0"}, "127.0.0.1:3000", "127.0.0.1:3000"),
        ({"relay.host": "::"}, "[::1]:3000", "[::1]:3000"),
        ({"relay.host": "10.0.0.1", "relay.port": 9}, "10.0.0.1:9", "10.0.0.1:9"),
        (TLS, "https://127.0.0.1:3000", "https://127.0.0.1:3000"),
        (INTERNAL, "127.0.0.1:3001", "127.0.0.1:3000"),
        ({**TLS, **INTERNAL}, "127.0.0.1:3001", "https://127.0.0.1:3000"),
        ({**TLS, **INTERNAL, "tls.internal": True}, "https://127.0.0.1:3001", "https://127.0.0.1:3000"),
        (UNIX, "127.0.0.1:3000", "127.0.0.1:3000"),
        ({**TLS, **UNIX, "tls.client_ca": "a.pem"}, "unix:/run/r.sock", "unix:/run/r.sock"),
        ({**TLS, **UNIX, **INTERNAL, "tls.client_ca": "a.pem"}, "127.0.0.1:3001", "unix:/run/r.sock"),
    ],
)
def test_where_it_answers_follows_from_the_settings(values: dict[str, object], address: str, public: str) -> None:
    settings = build(values)
    assert local_address(settings) == address
    assert local_address(settings, public=True) == public


def test_applications_are_told_of_the_main_listener() -> None:
    assert listener_url(build({**INTERNAL, **UNIX})) == "http://127.0.0.1:3000"
    assert listener_url(build({**TLS, "relay.host": "::"})) == "https://[::1]:3000"


@contextmanager
def answering(listener: socket.socket, tls: ssl.SSLContext | None = None) -> Iterator[list[bytes]]:
    """One connection is answered with 200."""
    heard: list[bytes] = []

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with tls.wrap_socket(connection, server_side=True) if tls else connection as wire:
                heard.append(wire.recv(4096))
                wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass

    thread = threading.Thread(target=serve, name="answering")
    thread.start()
    try:
        yield heard
    finally:
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


def server_side(chain: Chain, *, wants_clients: bool) -> ssl.SSLContext:
    pair = chain.leaf("server", usage="serverAuth,clientAuth")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that a refusal comes with the handshake
    if wants_clients:
        context.load_verify_locations(chain.root)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.mark.parametrize("wants_clients", [False, True])
def test_a_probe_speaks_tls_and_shows_our_own_certificate_if_it_must(
    call: Call, tmp_path: Path, chain: Chain, wants_clients: bool
) -> None:
    context = server_side(chain, wants_clients=wants_clients)
    listener = socket.create_server(("127.0.0.1", 0))
    authority = f", client_ca: {chain.root}" if wants_clients else ""
    (tmp_path / "scrubjay.yaml").write_text(
        f"relay: {{port: {listener.getsockname()[1]}, upstream: 'https://h'}}\n"
        f"tls: {{cert: {chain.folder / 'server.pem'}, key: {chain.folder / 'server.key'}{authority}}}\n"
    )
    with answering(listener, context) as heard:
        assert call("healthcheck", "-c", str(tmp_path), "--timeout", "10").exit_code == 0
    assert heard[0].startswith(b"GET /api/relay/healthcheck/live/ ")


def test_without_a_readable_certificate_it_goes_without_one(call: Call, tmp_path: Path, chain: Chain) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    (tmp_path / "scrubjay.yaml").write_text(
        f"relay: {{port: {listener.getsockname()[1]}, upstream: 'https://h'}}\n"
        "tls: {cert: gone.pem, key: gone.pem, client_ca: gone.pem}\n"
    )
    with answering(listener, server_side(chain, wants_clients=True)):
        result = call("healthcheck", "-c", str(tmp_path), "--timeout", "10")
    assert result.exit_code == 1
    assert "no answer from https://127.0.0.1:" in result.stderr


@pytest.mark.parametrize("scheme", ["http", "unix"])
def test_an_address_may_be_given(call: Call, tmp_path: Path, scheme: str) -> None:
    if scheme == "unix":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        address = f"unix:{tmp_path / 's'}"
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with answering(listener) as heard:
        assert call("healthcheck", "--addr", address, "--timeout", "10").exit_code == 0
    assert heard


def test_nobody_listens_on_the_socket(call: Call, tmp_path: Path) -> None:
    result = call("healthcheck", "--addr", f"unix:{tmp_path / 'none'}")
    assert result.exit_code == 1
    assert "no answer from unix:" in result.stderr


@pytest.mark.parametrize(("token", "shown"), [(None, False), (Secret("t0ken"), True)])
def test_the_token_of_administration_is_shown(token: Secret | None, shown: bool) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    settings = build({"relay.port": listener.getsockname()[1], "admin.token": token})
    with answering(listener) as heard:
        assert ask(settings, "POST", "/x", timeout_s=10, body=b"{}", headers={"X-One": "1"}) == (200, b"")
    assert heard[0].startswith(b"POST /x ")
    assert b"X-One: 1" in heard[0]
    assert (b"Authorization: Bearer t0ken" in heard[0]) is shown


def test_who_speaks_no_http_is_nobody() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"220 mail.example ESMTP\r\n")

    thread = threading.Thread(target=greet, name="mail")
    thread.start()
    with listener, pytest.raises(OSError, match="220 mail"):
        ask(build({"relay.port": listener.getsockname()[1]}), "GET", "/", timeout_s=10)
    thread.join(10)
