"""The first thing on a TLS connection: it is finished in time, or the connection ends and is counted (`upstream-and-operations.md` 2.4).

Owns how long a handshake may take, and what a failed one is called. The certificates are `certificates`', accepting is `port`'s. Invariant: a client
that is slow, or speaks something else, costs one connection for `HANDSHAKE_S` and nobody else anything.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final, Literal, Protocol

from aiohttp import web

from scrubjay.runtime.certificates import Certificates

HANDSHAKE_S: Final = 5.0
_FAREWELL_S: Final = 1.0
"""How long the other side may take to say that it has heard the end."""

Failure = Literal[
    "timeout", "gone", "plain_http", "garbage", "version", "cipher", "no_certificate", "untrusted", "distrusts_us", "other"
]  # fmt: skip

_BY_REASON: Final[dict[str, Failure]] = {
    "HTTP_REQUEST": "plain_http",
    "HTTPS_PROXY_REQUEST": "plain_http",
    "WRONG_VERSION_NUMBER": "garbage",
    "BAD_RECORD_TYPE": "garbage",
    "LENGTH_MISMATCH": "garbage",
    "PACKET_LENGTH_TOO_LONG": "garbage",
    "UNSUPPORTED_PROTOCOL": "version",
    "VERSION_TOO_LOW": "version",
    "NO_SHARED_CIPHER": "cipher",
    "NO_SUITABLE_KEY_SHARE": "cipher",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no_certificate",
    "CERTIFICATE_VERIFY_FAILED": "untrusted",
    "TLSV1_ALERT_UNKNOWN_CA": "distrusts_us",
    "SSLV3_ALERT_BAD_CERTIFICATE": "distrusts_us",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "distrusts_us",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "distrusts_us",
    "TLSV1_ALERT_PROTOCOL_VERSION": "version",
    "UNEXPECTED_EOF_WHILE_READING": "gone",
}
"""OpenSSL's words. Alerts are what the other side said of us."""


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def handshake_failed(self, reason: str, detail: str) -> None: ...


class Handshakes:
    """Of the main listener, or of the internal one."""

    def __init__(self, certificates: Certificates, observer: Observer, *, internal: bool = False) -> None:
        self._certificates = certificates
        self._is_internal = internal
        self._observer = observer

    async def serve(self, server: web.Server, connection: socket.socket) -> None:
        """Returns when requests are served on it. Raises `OSError` if it came to nothing, which is counted."""
        loop, certificates = asyncio.get_running_loop(), self._certificates
        try:
            await loop.connect_accepted_socket(
                server,
                connection,
                ssl=certificates.internal if self._is_internal else certificates.public,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=_FAREWELL_S,
            )
        except OSError as error:
            self._observer.handshake_failed(failure_of(error), self._told(error))
            raise

    def _told(self, error: OSError) -> str:
        """For the log: what would help. It holds nothing of the client but what its certificate lacks."""
        match failure_of(error):
            case "distrusts_us":
                return f"the client does not trust our certificate: {self._certificates.shown} ({_reason(error)})"
            case "untrusted":
                why = getattr(error, "verify_message", "")
                return f"the client's certificate is of no authority in tls.client_ca, or not good now: {why}"
            case "no_certificate":
                return "the client showed no certificate, which tls.client_ca demands"
            case "plain_http":
                return "the client speaks http to a port of https"
            case "version":
                return f"the client's versions of TLS are not ours, tls.min_version: {_reason(error)}"
            case _:
                return _reason(error)

    def __repr__(self) -> str:
        return f"<Handshakes {self._certificates!r}>"


def failure_of(error: OSError) -> Failure:
    if isinstance(error, ssl.SSLError):
        return _BY_REASON.get(getattr(error, "reason", None) or "", "other")
    if isinstance(error, ConnectionAbortedError):  # the loop's word for too slow
        return "timeout"
    return "gone"


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or str(error) or type(error).__name__
