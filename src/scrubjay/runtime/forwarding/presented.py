"""What a server showed that is not trusted, and what of that is missing here: in words for whoever reads a log (`upstream-and-operations.md` 6.9).

OpenSSL names neither the certificate nor the authority: without, a root that was not installed, a chain that the server sends by half and a certificate
that ended look alike. Nothing here decides what is trusted.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_MISSING: Final = frozenset({2, 19, 20, 21})
"""OpenSSL's codes for a chain that ends at somebody whom nobody here knows."""
_SELF_SIGNED: Final = 18
_OVER: Final = 10

_MEANINGS: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server demands a client certificate: set http.client_cert and http.client_key",
    "TLSV1_ALERT_UNKNOWN_CA": "the server does not trust the authority of our client certificate, http.client_cert",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the server does not take our client certificate, http.client_cert",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "our client certificate has expired, http.client_cert",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server wants other versions or ciphers, or a client certificate, http.client_cert",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server speaks no version of TLS that we speak",
    "UNSUPPORTED_PROTOCOL": "the server speaks no version of TLS that we speak",
    "WRONG_VERSION_NUMBER": "the server does not speak TLS there",
}
"""OpenSSL's words, and what they come to here. Alerts are what the server said."""


def chain_of(tls: ssl.SSLObject) -> list[bytes]:
    """All certificates that the other side showed, its own first, in DER. Before Python 3.13 that has no public name."""
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return list(public())
    hidden: Any = getattr(tls, "_sslobj", None)
    if hidden is not None and hasattr(hidden, "get_unverified_chain"):
        return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in hidden.get_unverified_chain()]
    own = tls.getpeercert(binary_form=True)
    return [own] if own else []


def presented(chain: Sequence[bytes], verify_code: int, now_unix: float | None = None) -> str:
    """Whose certificate it was, and who is missing. Empty for what cannot be read."""
    from cryptography import x509  # noqa: PLC0415 - 8 MiB of memory, for what hardly ever happens

    try:
        shown = [x509.load_der_x509_certificate(each) for each in chain]
        return _told(shown, verify_code, now_unix or time.time()) if shown else ""
    except ValueError:  # names and dates are looked at when they are asked for
        return ""


def _told(shown: Sequence[Certificate], verify_code: int, now_unix: float) -> str:
    leaf = shown[0]
    told = f"it showed {_subject(leaf)}, issued by {leaf.issuer.rfc4514_string()}, good until {_until(leaf)}"
    if verify_code == _SELF_SIGNED:
        return f"{told}; it has signed itself: to trust it, put it into http.ca_bundle"
    if verify_code in _MISSING:
        return f"{told}; {_missing(shown[-1])}: put that authority into http.ca_bundle"
    over = next((each for each in shown[1:] if each.not_valid_after_utc.timestamp() <= now_unix), None)
    if verify_code == _OVER and over is not None:
        return f"{told}; what is over is {_subject(over)}, since {_until(over)}"
    return told


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's own word for it, where it has one, and what it means."""
    word = getattr(error, "reason", None) or str(error)
    return f"{word}: {_MEANINGS[word]}" if word in _MEANINGS else word


def _missing(last: Certificate) -> str:
    if last.subject == last.issuer:
        return f"its root {_subject(last)} is not trusted here"
    return f"no {last.issuer.rfc4514_string()} is trusted here"


def _subject(certificate: Certificate) -> str:
    return certificate.subject.rfc4514_string() or "no subject"


def _until(certificate: Certificate) -> str:
    return f"{certificate.not_valid_after_utc:%Y-%m-%d}"
