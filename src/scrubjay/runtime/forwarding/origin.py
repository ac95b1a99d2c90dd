"""Where a server is, and which forward proxy leads to it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from scrubjay.hosts import url_host


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a server."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Origin:
        """Raises `ValueError` for what is no HTTP address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"no HTTP address: {url!r}")
        return cls(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))

    @property
    def netloc(self) -> str:
        """As in a `Host` header: the port only where it is not the scheme's."""
        host = url_host(self.host)
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy; `authorization` is the value of its header."""

    origin: Origin
    authorization: str | None = None

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Raises `ValueError` for what is no HTTP proxy."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        authorization = None
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + b64encode(credentials.encode()).decode("ascii")
        return cls(Origin.parse(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"), authorization)

    def header(self) -> str:
        return f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""
