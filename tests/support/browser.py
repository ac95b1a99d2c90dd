"""Runs the sample shop with @sentry/react in a real, headless Chromium.

Owns the bundle (esbuild, once per cache folder and source), a page server on loopback and the browser run. Chromium is
the system's; its driver is npm's playwright-core, which never downloads a browser.
"""

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from support.environments import locked, npm_folder
from support.planted import ORDER
from support.requirements import node_program, tool
from support.sample_shop import APPS

PACKAGES = ("@sentry/react@11.12.0", "react@19.3.1", "react-dom@19.3.1", "esbuild@0.28.2", "playwright-core@1.65.1")
_PAGE = '<!doctype html><meta charset="utf-8"><title>shop</title><div id="shop"></div><script src="shop.js"></script>'


@dataclass(frozen=True)
class Visit:
    """What one visit of the page did on the network."""

    responses: list[tuple[str, str, int]]
    failures: list[tuple[str, str]]
    console: list[str]
    flushed: bool

    def sent_to(self, url: str) -> list[tuple[str, int]]:
        """Method and status of each request to an address that starts with `url`."""
        return [(method, status) for method, address, status in self.responses if address.startswith(url)]


def fail_to_pay_in_browser(dsn: str, folder: Path, *, tunnel: str = "", everything: bool = False) -> Visit:
    """Open the shop, type the planted order, press the button. The SDK has flushed on return.

    `everything`: it records a replay, sends feedback with a picture, and logs too.
    """
    node = node_program()
    chromium = tool("chromium", "Debian: chromium")
    modules = npm_folder("browser", *PACKAGES)
    site = _site(modules)
    driver = folder / "drive_browser.cjs"
    driver.write_bytes((APPS / "drive_browser.cjs").read_bytes())
    if not (link := folder / "node_modules").exists():
        link.symlink_to(modules / "node_modules")
    with served(site) as address:
        options = {"dsn": dsn, "tunnel": tunnel} | ({"all": "1"} if everything else {})
        page = f"{address}/index.html?{urlencode(options)}"
        run = {"browser": str(chromium), "page": page, "order": ORDER}
        done = subprocess.run(
            [str(node), str(driver), json.dumps(run)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, f"the browser run failed:\n{done.stderr}"
    report = json.loads(done.stdout)
    responses = [(method, url, status) for method, url, status in report["responses"]]
    failures = [(url, error) for url, error in report["failures"]]
    return Visit(responses, failures, report["console"], report["flushed"])


def _site(modules: Path) -> Path:
    """A folder with the page and its bundle, built again only if the source changed."""
    source = (APPS / "browser_shop.jsx").read_bytes()
    site = modules / f"site-{hashlib.sha256(source).hexdigest()[:10]}"
    with locked(modules / "site.lock"):
        if not (site / "index.html").exists():
            site.mkdir(exist_ok=True)
            entry = modules / "browser_shop.jsx"
            entry.write_bytes(source)
            esbuild = [
                str(modules / "node_modules" / ".bin" / "esbuild"),
                str(entry),
                "--bundle",
                "--minify",
                "--jsx=automatic",
            ]
            subprocess.run([*esbuild, f"--outfile={site / 'shop.js'}", "--log-level=error"], check=True, timeout=120)
            (site / "index.html").write_text(_PAGE)
    return site


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Nothing: the browser's own report is enough."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="page server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
