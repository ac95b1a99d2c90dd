"""What `scrubjay doctor` finds of a server's certificates: for whom they are, until when, who issued them, and whose authority is missing here.

The connection is the relay's own. What fails there is looked at once more without verifying, and nothing is sent.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from scrubjay.cli.doctor_setup import lifetime
from scrubjay.cli.findings import Finding, failed
from scrubjay.runtime.forwarding.connection import Connection, NoReply
from scrubjay.runtime.forwarding.dialing import Dialer

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_DER: Final = 2
"""The encoding, as OpenSSL's binding numbers it."""
_LISTEN_S: Final = 1.0
_BUNDLE: Final = "if you know that authority, put its certificate into a file and set `http.ca_bundle` to it; else somebody is in between"

DialerFor = Callable[[ssl.SSLContext], Dialer]
"""The same way with other certificates."""


async def secured(dialer: Dialer, name: str) -> tuple[Connection, Finding]:
    """A connection whose certificates hold. Raises `NoReply`."""
    connection = await dialer.connect()
    tls = connection.tls
    assert tls is not None
    try:
        certificate = _chain(tls)[0]
        ends_unix, issuer = certificate.not_valid_after_utc.timestamp(), _name(certificate.issuer)
    except ValueError as error:
        connection.close()
        raise NoReply("tls", "the certificate cannot be read") from error
    found = lifetime("tls", f"the certificate of {name}", ends_unix, "it on the server")
    text = f"{tls.version()}; {found.text}, issued by {issuer}"
    return connection, Finding(found.check, found.verdict, text, found.remedy)


async def refused(error: NoReply, name: str, dialer_for: DialerFor) -> Finding:
    """Why there is no connection with certificates that hold."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        connection = await dialer_for(context).connect()
    except NoReply:
        return _no_tls(error, name)
    try:
        chain = _chain(connection.tls) if connection.tls is not None else []
        return _judge(error, name, chain) if chain else _no_tls(error, name)
    except ValueError:
        return failed("tls", f"{name} shows a certificate that cannot be read", "have another one made for the server")
    finally:
        connection.close()


def _no_tls(error: NoReply, name: str) -> Finding:
    """Nobody gets a connection, whatever they trust."""
    text = str(error)
    if "WRONG_VERSION" in text or "RECORD_LAYER" in text or "PACKET_LENGTH" in text:
        return failed(
            "tls", f"{name} speaks no TLS on this port ({text})", "http:// in `relay.upstream`, or another port"
        )
    if "CERTIFICATE_REQUIRED" in text or "HANDSHAKE_FAILURE" in text:
        return _wants_ours(text)
    return failed("tls", f"no handshake with {name}: {text}", "see what the server speaks: `openssl s_client -connect`")


def _wants_ours(text: str) -> Finding:
    return failed(
        "tls",
        f"the server refuses us, or wants a certificate of ours: {text}",
        "set `http.client_cert` and `http.client_key` to what the server's operator gave you",
    )


async def objection(dialer: Dialer) -> Finding | None:
    """What a server has against us that it told after the handshake, as from TLS 1.3 on, and that is lost where we had written already."""
    try:
        connection = await dialer.connect()
    except NoReply:
        return None
    try:
        await connection.exchange(b"", b"", _LISTEN_S)
    except NoReply as error:
        return _wants_ours(str(error)) if error.failure == "tls" else None
    finally:
        connection.close()
    return None


def _judge(error: NoReply, name: str, chain: list[Certificate]) -> Finding:
    leaf, top, now_unix = chain[0], chain[-1], time.time()
    for each in chain:
        if each.not_valid_after_utc.timestamp() < now_unix:
            return lifetime(
                "tls",
                f"the certificate of {_name(each.subject)}",
                each.not_valid_after_utc.timestamp(),
                "it on the server",
            )
        if each.not_valid_before_utc.timestamp() > now_unix:
            return failed(
                "tls",
                f"the certificate of {_name(each.subject)} is good from {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on",
                "this machine's clock is wrong, or the certificate was made too early",
            )
    names = _names(leaf)
    if "mismatch" in str(error).lower():
        return failed(
            "tls",
            f"the certificate is for {', '.join(names) or _name(leaf.subject)}, not for {name}",
            f"use a name of it in `relay.upstream`, or set `http.tls_server_name: {(names or ['NAME'])[0]}`",
        )
    issuer = _name(top.issuer)
    if top.issuer == top.subject:
        what = (
            "the certificate is signed by itself"
            if len(chain) == 1
            else f"its authority, {issuer}, is not trusted here"
        )
        return failed("tls", f"{what}: {name} shows {_name(leaf.subject)}", _BUNDLE, missing=issuer)
    chained = "" if len(chain) > 1 else "; or the server must send the certificates between its own and the root"
    return failed(
        "tls",
        f"the authority {issuer} is missing here: {name} shows {_name(leaf.subject)}, issued by {_name(leaf.issuer)}",
        _BUNDLE + chained,
        missing=issuer,
    )


def _chain(tls: ssl.SSLObject) -> list[Certificate]:
    """What the server showed, its own certificate first. The public name for it came with Python 3.13."""
    from cryptography.x509 import load_der_x509_certificate

    if hasattr(tls, "get_unverified_chain"):
        shown = tls.get_unverified_chain()
    else:
        shown = [each.public_bytes(_DER) for each in getattr(tls, "_sslobj").get_unverified_chain() or ()]  # noqa: B009
    return [load_der_x509_certificate(each) for each in shown]


def _names(certificate: Certificate) -> list[str]:
    from cryptography.x509 import DNSName, ExtensionNotFound, IPAddress, SubjectAlternativeName

    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except (ExtensionNotFound, ValueError):
        return []
    return [*names.get_values_for_type(DNSName), *map(str, names.get_values_for_type(IPAddress))]


def _name(name: object) -> str:
    """As people call it: the common name, if it has one."""
    text = getattr(name, "rfc4514_string")()  # noqa: B009
    common = next((part[3:] for part in text.split(",") if part.startswith("CN=")), "")
    return f"`{common or text or 'no name'}`"
