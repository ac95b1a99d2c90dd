"""Clients that send over TLS all the time, and verify whom they talk to: some keep their connection, some make a new one for each request.

Owns their threads and their book. Whatever goes wrong is a failure: nothing is tried again.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from support.daemon import KEY
from support.http_client import auth

TARGET = "/api/1/envelope/"
BODY = b'{}\n{"type":"event"}\n{"message":"over tls"}'


@dataclass
class Book:
    """What the clients saw. `serials` are those of the certificates that they were shown."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    serials: set[str] = field(default_factory=set)
    is_over: bool = False


def trusting(*authorities: Path) -> ssl.SSLContext:
    """A client's context that trusts these and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for authority in authorities:
        context.load_verify_locations(authority)
    return context


def post(connection: http.client.HTTPConnection, body: bytes = BODY) -> int:
    """The status; the connection stays."""
    connection.request("POST", TARGET, body, auth(KEY))
    answer = connection.getresponse()
    answer.read()
    return answer.status


def post_once(connection: http.client.HTTPConnection, body: bytes = BODY) -> int:
    """The status; the connection goes, whatever happens."""
    with closing(connection):
        return post(connection, body)


@contextmanager
def tls_load(port: int, context: ssl.SSLContext, *, keeping: int = 2, making: int = 2) -> Iterator[Book]:
    """Sends until the block ends."""
    book = Book()
    clients = [
        threading.Thread(target=_client, args=(port, context, book, keeps), name=f"tls-load-{number}")
        for number, keeps in enumerate([True] * keeping + [False] * making)
    ]
    for client in clients:
        client.start()
    try:
        yield book
    finally:
        book.is_over = True
        for client in clients:
            client.join(30)
        assert not any(client.is_alive() for client in clients)


def _client(port: int, context: ssl.SSLContext, book: Book, keeps: bool) -> None:
    connection: http.client.HTTPSConnection | None = None
    while not book.is_over:
        try:
            if connection is None:
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
                connection.connect()
                book.serials.add(str((connection.sock.getpeercert() or {}).get("serialNumber")))
            status = post(connection)
        except (OSError, http.client.HTTPException) as error:
            book.failures.append(repr(error))
            connection = None
            continue
        if status != 200:
            book.failures.append(f"status {status}")
        book.answered += 1
        if not keeps:
            with suppress(OSError):
                connection.close()
            connection = None
        time.sleep(0.002)
    if connection is not None:
        connection.close()
