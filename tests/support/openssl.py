"""A chain of certificates as operators have one, made by the real `openssl`: a root, an authority below it, and leaves.

Owns the files and their order: a leaf's file holds the leaf and the authority below the root, as servers want it. Who trusts the root is told to
trust `Chain.root`.
"""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.requirements import tool

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_AUTHORITY = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:relay.internal"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with those between it and its root, and its key."""

    cert: Path
    key: Path


def openssl(*arguments: str | Path) -> str:
    """Standard output; fails the test with what it said if it does not end well."""
    command = [str(tool("openssl")), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}: {ended.stderr}"
    return ended.stdout


class Chain:
    """`name` stands in the names of its authorities, so that messages can be told apart."""

    def __init__(self, folder: Path, name: str = "scrubjay test") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name = folder, name
        self.root = folder / "root.pem"
        self._root_key = folder / "root.key"
        subject = f"/CN={name} root"
        extensions = [part for line in _AUTHORITY.split("\n") if line for part in ("-addext", line)][:4]
        openssl(
            *("req", "-x509", *_KEY, "-keyout", self._root_key, "-out", self.root),
            *("-days", "30", "-subj", subject, *extensions),
        )
        self.authority = self._signed("authority", f"{name} authority", _AUTHORITY, self.root, self._root_key).cert

    def leaf(
        self,
        file: str,
        *,
        subject: str = "relay.internal",
        names: str = NAMES,
        usage: str = "serverAuth",
        days: int = 9,
    ) -> Pair:
        """`days` below 0: it is over already."""
        extensions = f"basicConstraints=CA:false\nextendedKeyUsage={usage}\nsubjectAltName={names}\n"
        made = self._signed(file, subject, extensions, self.authority, self.folder / "authority.key", days)
        made.cert.write_bytes(made.cert.read_bytes() + self.authority.read_bytes())
        return made

    def _signed(self, file: str, subject: str, extensions: str, by: Path, by_key: Path, days: int = 30) -> Pair:
        made = Pair(self.folder / f"{file}.pem", self.folder / f"{file}.key")
        request, said = self.folder / f"{file}.csr", self.folder / f"{file}.ext"
        openssl("req", "-new", *_KEY, "-keyout", made.key, "-out", request, "-subj", f"/CN={subject}")
        said.write_text(f"{extensions}authorityKeyIdentifier=keyid\n")
        openssl(
            *("x509", "-req", "-in", request, "-CA", by, "-CAkey", by_key, "-CAcreateserial", "-sha256"),
            *("-days", str(days), "-extfile", said, "-out", made.cert),
        )
        return made


def unreadable(pair: Pair, name: str = "relay.internal") -> Pair:
    """The same certificate, with this name of it in Teletex. OpenSSL takes it as it is; who asks `cryptography` for it gets an error."""
    der = ssl.PEM_cert_to_DER_cert(pair.cert.read_text().partition("-----END")[0] + "-----END CERTIFICATE-----\n")
    start = der.index(name.encode())
    made = pair.cert.with_suffix(".unreadable.pem")
    made.write_text(ssl.DER_cert_to_PEM_cert(der[: start - 2] + bytes((0x14, len(name), 0xFF)) + der[start + 1 :]))
    return Pair(made, pair.key)
