"""axe-core finds no serious fault in any view, wide and on a phone; in the dark it looks at contrasts."""

from collections.abc import Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from support.chromium import open_page
from support.corpus import recorded
from support.daemon import Daemon
from support.environments import npm_folder
from support.http_client import post

VIEWS = ("errors", "traces", "logs", "feedback", "scrubbing", "other", "envelopes", "setup")
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def axe() -> str:
    folder = npm_folder("axe", "axe-core@4.14.1")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def faults(page: Page, axe: str, rules: Sequence[str] = ()) -> list[str]:
    """What axe-core calls serious or critical, by all its rules or by these: rule, help, and the first places."""
    page.evaluate(axe)
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    result: dict[str, Any] = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{fault['impact']} {fault['id']}: {fault['help']}: {[node['target'] for node in fault['nodes'][:3]]}"
        for fault in result["violations"]
        if fault["impact"] in SERIOUS
    ]


def addresses(page: Page, sink: Daemon) -> list[str]:
    """Every view, and the details of the first error with each of its tabs."""
    page.goto(f"{sink.url}/#/errors")
    first = page.evaluate(
        "fetch('api/capture/events?type=error&has=stacktrace&limit=1').then((r) => r.json()).then((a) => a.events[0].id)"
    )
    return [*VIEWS, *(f"errors/{first}/{tab}" for tab in ("", "scrub", "raw"))]


@pytest.fixture(scope="module")
def full(sink: Daemon) -> Daemon:
    """The sink with one of each kind that each client sends."""
    for one in {(one.client, one.kind): one for one in recorded("envelope")}.values():
        assert post(sink.port, "/api/1/envelope/", one.body).status == 200
    return sink


@pytest.mark.parametrize(
    ("phone", "dark"), [(False, False), (False, True), (True, False)], ids=["wide", "dark", "phone"]
)
def test_capture_12_no_view_has_a_serious_fault(
    full: Daemon, browser: Browser, axe: str, phone: bool, dark: bool
) -> None:
    page, watch = open_page(browser, full.url, phone=phone, dark=dark)
    found = {}
    for address in addresses(page, full):
        page.goto(f"{full.url}/#/{address}")
        page.wait_for_function("!document.querySelector('[aria-busy=true]')")
        if serious := faults(page, axe, ["color-contrast"] if dark else ()):
            found[address] = serious
    page.context.close()
    assert not found, "\n".join(f"{address}: {fault}" for address, many in found.items() for fault in many)
    watch.check()
