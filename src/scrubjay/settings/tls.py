"""TLS on our own listeners: the section `tls` (`upstream-and-operations.md` 2.4). TLS towards the upstream is `http.*`."""

from __future__ import annotations

from typing import Literal

from scrubjay.settings.setting import Section, setting

Version = Literal["1.2", "1.3"]


class Tls(Section, frozen=True):
    """TLS on our own listeners. The files are read again when they change; a pair that cannot be used never replaces one that can."""

    cert: str | None = setting(
        None,
        "Certificate that clients are shown, PEM, followed by those between it and its root. Null: no TLS.",
        unit="path",
        example="/etc/scrubjay/tls/tls.crt",
    )
    key: str | None = setting(None, "Its key, PEM, not encrypted.", unit="path", example="/etc/scrubjay/tls/tls.key")
    client_ca: str | None = setting(
        None,
        "Authorities of clients, PEM: who shows no certificate of theirs is not talked to.",
        unit="path",
        example="/etc/scrubjay/tls/clients.crt",
    )
    min_version: Version = setting("1.2", "Oldest version of TLS that is spoken.")
    internal: bool = setting(
        False, "The internal listener speaks TLS too. It asks nobody for a certificate: probes and scrapers have none."
    )
