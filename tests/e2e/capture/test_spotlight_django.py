"""Django with DEBUG and Spotlight: our page as its error page, and the badge in its others (`capture.md` 5.5)."""

import json
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from playwright.sync_api import Page, expect

from support.chromium import open_page, shot
from support.daemon import Daemon
from support.processes import Child, answers, free_port, get
from support.sample_shop import APPS

TITLE = "ValueError: card [creditcard] of [email] refused"


@pytest.fixture(scope="module")
def shop(sink: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the application. Its pages and the sink are two sites to a browser: 127.0.0.1, and localhost by the sink's."""
    folder, port = tmp_path_factory.mktemp("shop"), free_port()
    stream = f"http://localhost:{sink.port}/stream"
    app = Child([sys.executable, APPS / "django_debug_app.py", str(port), stream], cwd=folder, log=folder / "log")
    try:
        app.wait_until(lambda: answers(port, "/ready"), "Django")
        yield f"http://127.0.0.1:{port}"
    finally:
        app.stop()


@pytest.fixture
def page(browser: object, shop: str, sink: Daemon) -> Iterator[Page]:
    """May ask the application and the sink; the application has no icon, and answers errors with 500."""
    page, watch = open_page(browser, shop, f"http://localhost:{sink.port}")  # type: ignore[arg-type]
    watch.allow("favicon|status of (404|500)")
    yield page
    watch.check()
    page.context.close()


def test_capture_7_the_error_page_shows_the_error(page: Page, shop: str, sink: Daemon) -> None:
    answer = page.goto(f"{shop}/fail")
    assert answer is not None
    assert answer.status == 500
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    (newest,) = json.loads(get(sink.port, "/api/capture/events?type=error&limit=1")[1])["events"]
    assert newest["title"] == TITLE
    assert page.url == f"{shop}/fail#/errors/{newest['event_id']}"
    expect(page.get_by_text(newest["event_id"])).to_be_visible()
    page.get_by_role("tab", name="Raw").click()
    expect(page.get_by_role("tabpanel")).not_to_contain_text("4111")
    shot(page, "django-error-page")


def test_capture_7_other_pages_get_a_badge_with_the_errors_of_their_trace(page: Page, shop: str, sink: Daemon) -> None:
    # What shows the badge keeps the page's own scripts out; here, for once, a test looks inside.
    page.add_init_script(
        "const attach = Element.prototype.attachShadow;"
        "Element.prototype.attachShadow = function () { return attach.call(this, { mode: 'open' }); };"
        "window.before = Object.keys(window);"
    )
    page.goto(f"{shop}/")
    badge = page.get_by_role("link", name="1 error", exact=True)
    expect(badge).to_be_visible()
    trace = page.locator("meta[name=sentry-trace]").get_attribute("content")
    assert trace is not None
    assert badge.get_attribute("href") == f"http://localhost:{sink.port}/#/traces/{trace[:32]}"
    added = page.evaluate("Object.keys(window).filter((name) => !before.includes(name))")
    assert set(added) <= {"before", "__spotlight"}
    assert page.locator("body > div").count() == 1
    assert request(sink, "DELETE", "/clear") == 200
    expect(page.get_by_role("link", name="0 errors")).to_be_visible()
    shot(page, "django-badge")


def request(sink: Daemon, method: str, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", sink.port, timeout=10)
    connection.request(method, path)
    status = connection.getresponse().status
    connection.close()
    return status
