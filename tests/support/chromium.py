"""The capture page in a real, headless Chromium, and what a test may hold against it.

Owns the browser (Debian's `chromium`, driven by PyPI's `playwright`, which downloads none), and a `Watch` over everything that must not happen:
errors on the console, exceptions, refusals by the content security policy, requests to any host but the page's own. `shot` takes
the pictures that people look at before a change of the page lands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from support.requirements import tool

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""Without the first there is no Chromium for root; the others stop traffic of its own."""
WIDE = {"width": 1400, "height": 900}
PHONE = {"width": 360, "height": 760}
PATIENCE_MS = 60_000
"""For what takes a second where a browser has a processor to itself."""
expect.set_options(timeout=PATIENCE_MS)
LONGEST_TASK_MS = 1000
"""On a machine that has much else to do; 40 to 300 ms alone."""
LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(Math.round(entry.duration));
}).observe({ type: 'longtask', buffered: true });
"""


@dataclass
class Watch:
    """What went wrong in a page since it was opened."""

    hosts: frozenset[str]
    problems: list[str] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Problems like this are meant: a connection that a test cuts, a 404 that it asks for."""
        self.allowed.append(re.compile(pattern))

    def attach(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("console", lambda said: self.problems.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("request", lambda request: self._look_at(request.url))
        page.on("dialog", self._refuse)
        page.on("popup", lambda other: self.problems.append(f"another window: {other.url}"))

    def _refuse(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _look_at(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in self.hosts:
            self.problems.append(f"request to another host: {url}")

    def check(self) -> None:
        left = [problem for problem in self.problems if not any(one.search(problem) for one in self.allowed)]
        assert not left, "\n".join(left)


@contextmanager
def chromium() -> Iterator[Browser]:
    program = tool("chromium", "Debian: chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


def open_page(
    browser: Browser, *urls: str, phone: bool = False, dark: bool = False, **options: Any
) -> tuple[Page, Watch]:
    """A page of its own, with nothing stored, that may ask the hosts of `urls`. The caller closes its context."""
    context = browser.new_context(
        viewport=PHONE if phone else WIDE, color_scheme="dark" if dark else "light", reduced_motion="reduce", **options
    )
    context.add_init_script(LONG_TASKS)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watch = Watch(frozenset(urlsplit(url).netloc for url in urls))
    watch.attach(page)
    return page, watch


def screenshot_folder() -> Path:
    default = Path(__file__).parents[2] / "build" / "screenshots"
    return Path(os.environ.get("SCRUBJAY_SCREENSHOTS") or default)


def shot(page: Page, name: str, *, whole: bool = False) -> None:
    """Pictures of what the page shows now, light and dark: `name-light.png`, `name-dark.png`."""
    folder = screenshot_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=whole, animations="disabled")
    page.emulate_media(color_scheme="light")


def long_tasks(page: Page) -> list[int]:
    """Milliseconds of each task that held up the page for 50 ms or more."""
    return page.evaluate("window.longTasks")  # type: ignore[no-any-return]
