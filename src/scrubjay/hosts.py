"""How a host is written before a port."""

from __future__ import annotations


def url_host(host: str) -> str:
    """An IPv6 address stands in brackets; all else stays (RFC 3986, 3.2.2)."""
    return f"[{host}]" if ":" in host else host
