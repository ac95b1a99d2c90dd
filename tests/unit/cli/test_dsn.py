"""`scrubjay dsn rewrite`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Call = Callable[..., Result]
Folder = Callable[..., Path]
KEY = "a94ae32be2584e0bbd7a4cbb95971fee"


def test_a_dsn_is_pointed_at_the_listener(call: Call, folder: Folder) -> None:
    assert call("dsn", "rewrite", f"https://{KEY}@o1.ingest.example/42").stdout == f"http://{KEY}@127.0.0.1:3000/42\n"
    conf = str(folder("relay: {host: '::', port: 9, upstream: 'https://h'}"))
    assert call("dsn", "rewrite", "-c", conf, f"https://{KEY}@h/a/b/7").stdout == f"http://{KEY}@[::1]:9/7\n"


def test_no_dsn(call: Call) -> None:
    result = call("dsn", "rewrite", "https://h/1")
    assert result.exit_code == 1
    assert result.stderr.startswith("config: no DSN: ")
