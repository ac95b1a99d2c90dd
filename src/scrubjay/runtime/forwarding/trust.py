"""Which certificates are trusted, and which one is shown to the upstream (`upstream-and-operations.md` 6.9).

The system's roots count, and beside them `http.ca_bundle` and what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Invariant: files that cannot
be used replace nothing that works.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.settings.whole_files import read_whole

_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_MOST_BYTES: Final = 4 << 20
"""All authorities there are take a tenth of it."""

_Stamps = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class TrustOptions:
    """The settings `http.*` of the same names."""

    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    insecure_skip_verify: bool = False


class Trust:
    """`context` is in force until the next `renew`. Raises `ConfigError` for files that cannot be used."""

    def __init__(self, options: TrustOptions, env: Mapping[str, str]) -> None:
        self._options = options
        named = [options.ca_bundle, options.client_cert, options.client_key, *(env.get(name) for name in _VARIABLES)]
        self._files = [Path(name) for name in named if name]
        self._stamps = self._stamp()
        self.context = self._load()

    @property
    def has_changed(self) -> bool:
        """Whether a file is another than the one that was read."""
        return self._stamp() != self._stamps

    def renew(self) -> None:
        """Reads all of it again; it takes some hundredths of a second. Raises `ConfigError`, and then nothing has changed."""
        stamps = self._stamp()
        self.context, self._stamps = self._load(), stamps

    def _stamp(self) -> _Stamps:
        return tuple(map(_stamp_of, self._files))

    def _load(self) -> ssl.SSLContext:
        options = self._options
        context = ssl.create_default_context()
        _add_system_roots(context)
        try:
            if options.ca_bundle is not None:
                _look_at(options.ca_bundle)
                context.load_verify_locations(cafile=options.ca_bundle)
        except OSError as error:  # SSLError is one
            raise _unusable(error, "http.ca_bundle") from error
        try:
            if options.client_cert is not None:
                _look_at(options.client_cert, options.client_key)
                context.load_cert_chain(options.client_cert, options.client_key, password="")
        except OSError as error:
            raise _unusable(error, "http.client_cert") from error
        if options.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def __repr__(self) -> str:
        return f"<Trust {[str(file) for file in self._files]}>"


def _add_system_roots(context: ssl.SSLContext) -> None:
    """Those in whose place the variables' stand."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile != paths.openssl_cafile and Path(paths.openssl_cafile).is_file():
        context.load_verify_locations(cafile=paths.openssl_cafile)
    if paths.capath != paths.openssl_capath and Path(paths.openssl_capath).is_dir():
        context.load_verify_locations(capath=paths.openssl_capath)


def _look_at(*files: str | None) -> None:
    """OpenSSL would wait for a pipe, and read a device for ever. Raises `OSError`."""
    for file in files:
        if file is not None:
            read_whole(Path(file), _MOST_BYTES)


def _unusable(error: Exception, path: str) -> ConfigError:
    return ConfigError(f"the certificate cannot be used: {error}", path=path)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Of a file or a folder; None while it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
