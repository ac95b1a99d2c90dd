"""A sink of its own for each file of tests, and a browser page that must not go wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from support.chromium import Watch, chromium, open_page
from support.daemon import Daemon
from support.http_client import post


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while it is there an event loop runs in this process, and asynchronous tests after it could not."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A relay in mode `capture` with nothing configured but its ports, and that it looks for source maps."""
    relay = Daemon(
        tmp_path_factory.mktemp("sink") / "relay",
        mode="capture",
        spool=False,
        options={"capture": {"spotlight_port": None, "fetch_sourcemaps": True}},
    )
    relay.start()
    try:
        yield relay
    finally:
        relay.close()


@pytest.fixture
def watched(browser: Browser, sink: Daemon) -> Iterator[tuple[Page, Watch]]:
    """A page and what is held against it; for tests that mean some of it (`Watch.allow`)."""
    page, watch = open_page(browser, sink.url)
    try:
        yield page, watch
        watch.check()
    finally:
        page.context.close()


@pytest.fixture
def page(watched: tuple[Page, Watch]) -> Page:
    """A page that may ask the sink alone, and must not report a single error. It is not opened yet: `page.goto(sink.url)`."""
    return watched[0]


@pytest.fixture
def send(sink: Daemon) -> Callable[[bytes | Path], None]:
    """Posts an envelope, or a file of the corpus, to the sink as an SDK would."""

    def send_envelope(envelope: bytes | Path) -> None:
        body = envelope.read_bytes() if isinstance(envelope, Path) else envelope
        answer = post(sink.port, "/api/1/envelope/", body)
        assert answer.status == 200, answer.body

    return send_envelope
