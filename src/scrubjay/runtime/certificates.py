"""The certificate that our listeners show, its key, and whose clients they talk to (`upstream-and-operations.md` 2.4).

Owns reading the files of `tls.*`, what of TLS is spoken, and taking over new files while we run. Who looks at them, and when, is `doors`'s; what is
trusted of upstreams is `forwarding.trust`'s. Invariant: files that cannot be used replace nothing that works: a pair of which only one half
is new yet, as files that are written one after the other are for a moment, waits for the other half.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.settings.stamps import Stamp, stamp_of
from scrubjay.settings.tls import Tls, Version
from scrubjay.settings.whole_files import read_whole

_VERSIONS: Final[dict[Version, ssl.TLSVersion]] = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CIPHERS_OF_1_2: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Keys that are forgotten with their connection, and encryption that notices changes. Those of TLS 1.3 are all of this kind."""
_ALPN_PROTOCOL: Final = "http/1.1"
_MOST_BYTES: Final = 4 << 20
"""All authorities there are take a tenth of it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client is shown: the first certificate of the file. `until_unix`: when the first of all in the file ends."""

    subject: str
    issuer: str
    until_unix: float

    def __str__(self) -> str:
        until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.until_unix))
        return f"{self.subject or 'no subject'}, issued by {self.issuer}, good until {until}"


class Certificates:
    """`public`, `internal` and `shown` are in force until the next `renew`. Raises `ConfigError` for files that cannot be used.

    The internal listener never asks for certificates: what probes it and scrapes it has none.
    """

    def __init__(self, options: Tls, now_unix: Callable[[], float] = time.time) -> None:
        self._options = options
        self._now_unix = now_unix
        self._files = [Path(name) for name in (options.cert, options.key, options.client_ca) if name is not None]
        self._stamps = self._look()
        self.public, self.internal, self.shown = _read(options)

    @property
    def is_expired(self) -> bool:
        """Whether the certificate that is shown, or one above it in its file, has expired."""
        return self.shown.until_unix <= self._now_unix()

    def has_changed(self) -> bool:
        """Whether a file is another than the one that was read last, or tried."""
        return self._look() != self._stamps

    def renew(self) -> None:
        """Reads all of it again. Raises `ConfigError`, and then what was in force still is."""
        self._stamps = self._look()
        public, internal, shown = _read(self._options)
        if shown.until_unix <= self._now_unix() and not self.is_expired:
            raise ConfigError(f"the new certificate has expired already: {shown}", path="tls.cert")
        self.public, self.internal, self.shown = public, internal, shown

    def _look(self) -> list[Stamp | None]:
        return [stamp_of(file) for file in self._files]

    def __repr__(self) -> str:
        return f"<Certificates {self.shown}>"


def certificates_of(options: Tls) -> Certificates | None:
    """None without TLS. Raises `ConfigError` for files that cannot be used."""
    return None if options.cert is None else Certificates(options)


def _read(options: Tls) -> tuple[ssl.SSLContext, ssl.SSLContext, Shown]:
    """For the main listener, for the internal one, and what both show."""
    assert options.cert is not None, "settings.listeners sees to that"
    assert options.key is not None, "settings.listeners sees to that"
    shown = _shown(_text_of(options.cert, "tls.cert"), options.cert)
    if b"ENCRYPTED" in _text_of(options.key, "tls.key"):
        raise ConfigError(
            f"the key in {options.key} is encrypted", path="tls.key", accepted="a key without a passphrase"
        )
    public = internal = _context(options.cert, options.key, options.min_version)
    if options.client_ca is not None:
        public = _context(options.cert, options.key, options.min_version)
        _ask_for_certificates(public, options.client_ca)
    return public, internal, shown


def _context(cert: str, key: str, least: Version) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[least]
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS_OF_1_2)
    context.set_alpn_protocols([_ALPN_PROTOCOL])
    try:
        context.load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise ConfigError(_why_no_pair(error, cert, key), path="tls.key") from error
    return context


def _ask_for_certificates(context: ssl.SSLContext, authorities: str) -> None:
    _text_of(authorities, "tls.client_ca")
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        problem = f"no authority in {authorities}: {_reason(error)}"
        raise ConfigError(problem, path="tls.client_ca", accepted="certificates in PEM") from error
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an authority that is named is one, whoever stands above it


def _shown(pem: bytes, file: str) -> Shown:
    from cryptography import x509  # noqa: PLC0415  8 MiB of memory, for those who use TLS

    try:
        leaf, *others = x509.load_pem_x509_certificates(pem)
        until_unix = min(each.not_valid_after_utc.timestamp() for each in (leaf, *others))
        return Shown(leaf.subject.rfc4514_string(), leaf.issuer.rfc4514_string(), until_unix)
    except ValueError as error:  # names and dates are looked at when they are asked for
        raise ConfigError(f"no certificate in {file}", path="tls.cert", accepted="certificates in PEM") from error


def _text_of(file: str, key: str) -> bytes:
    try:
        return read_whole(Path(file), _MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}", path=key, accepted="a file") from error


def _why_no_pair(error: Exception, cert: str, key: str) -> str:
    reason = _reason(error)
    if reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key} is not that of the certificate in {cert}"
    return f"{cert} and {key} cannot be used: {reason}"


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error)
