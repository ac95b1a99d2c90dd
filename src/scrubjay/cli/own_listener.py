"""How a verb reaches the relay of this machine: the listener that answers, in its own language (`upstream-and-operations.md` 2.4, 9.1).

Where health and administration answer follows from the settings: the internal listener if there is one, else the main one. Certificates are not
verified: they are made for the names by which clients call the relay, and this asks an address of this machine.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from contextlib import closing, suppress
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scrubjay.hosts import url_host

if TYPE_CHECKING:
    import ssl

    from scrubjay.settings.schema import Settings
    from scrubjay.settings.tls import Tls

_UNIX: Final = "unix:"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def local_address(settings: Settings, *, public: bool = False) -> str:
    """What to call it: `127.0.0.1:3000`, `https://127.0.0.1:3001` or `unix:/run/relay.sock`. `public`: where envelopes are taken.

    The Unix socket is asked where the main listener would want a certificate of us.
    """
    relay, tls = settings.relay, settings.tls
    if not public and relay.internal_host is not None and relay.internal_port is not None:
        return _shown(relay.internal_host, relay.internal_port, is_secure=tls.internal)
    if tls.client_ca is not None and relay.unix_socket is not None:
        return f"{_UNIX}{relay.unix_socket}"
    return _shown(relay.host, relay.port, is_secure=tls.cert is not None)


def listener_url(settings: Settings) -> str:
    """Where this machine's applications send to: scheme, address and port of the main listener."""
    shown = _shown(settings.relay.host, settings.relay.port, is_secure=settings.tls.cert is not None)
    return shown if "://" in shown else f"http://{shown}"


def local_connection(settings: Settings, timeout_s: float, *, public: bool = False) -> http.client.HTTPConnection:
    """To `local_address`; it opens with its first request."""
    return connection_to(local_address(settings, public=public), timeout_s, settings.tls)


def connection_to(address: str, timeout_s: float, tls: Tls | None = None) -> http.client.HTTPConnection:
    """`address`: IP:PORT, with `https://` before it for TLS, or `unix:PATH`. Where certificates are asked for, that of `tls` is shown."""
    if address.startswith(_UNIX):
        return UnixConnection(address.removeprefix(_UNIX), timeout_s)
    scheme, between, rest = address.rpartition("://")
    if between and scheme == "https":
        return http.client.HTTPSConnection(rest, timeout=timeout_s, context=_unverified(tls))
    return http.client.HTTPConnection(rest, timeout=timeout_s)


def ask(
    settings: Settings,
    method: str,
    path: str,
    *,
    timeout_s: float,
    body: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, bytes]:
    """Status and body of the relay's answer; the token of administration is shown. Raises `OSError` if nobody answers, or not in HTTP."""
    token = settings.admin.token
    proof = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
    with closing(local_connection(settings, timeout_s)) as connection:
        try:
            connection.request(method, path, body, {**headers, **proof})
            reply = connection.getresponse()
            return reply.status, reply.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error


def _unverified(tls: Tls | None) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls is not None and tls.client_ca is not None and tls.cert is not None:
        with suppress(OSError):  # then it goes without, and is told so
            context.load_cert_chain(tls.cert, tls.key)
    return context


def _shown(host: str, port: int, *, is_secure: bool) -> str:
    address = ip_address(host)
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    place = f"{url_host(str(address))}:{port}"
    return f"https://{place}" if is_secure else place
