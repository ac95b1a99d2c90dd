"""What scrubbing took is nowhere it does not belong: not in the page while it is "safe to share", not in any answer without originals."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from support.chromium import open_page
from support.daemon import Daemon
from support.http_client import post
from support.processes import get
from support.shown_events import CARD, EMAIL, EVENT, SECRETS, envelope

ID = EVENT["event_id"]
PERSONAL: dict[str, Any] = EVENT | {"extra": EVENT.get("extra", {}) | {EMAIL: "a key", "deep": {CARD: {EMAIL: [CARD]}}}}
"""Keys are personal, too."""
Send = Callable[[bytes], None]
EVERYTHING = """() => {
  const values = [...document.querySelectorAll('input, textarea, select')].map((field) => field.value);
  const stored = [localStorage, sessionStorage].flatMap((store) => Object.values(store));
  return [document.documentElement.outerHTML, document.title, location.href, ...values, ...stored, ...window.copied].join('\\n');
}"""
UNFOLD = """async () => {
  const rest = () => new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve, 0)); });
  for (let round = 0; round < 4; round += 1) {
    for (const one of document.querySelectorAll('main details:not([open])')) one.open = true;
    for (const one of document.querySelectorAll('main button.more')) one.click();
    await rest();
  }
}"""
COPIES = """
window.copied = [];
navigator.clipboard.writeText = async (text) => { window.copied.push(text); };
navigator.clipboard.write = async (items) => {
  for (const item of items) window.copied.push(await (await item.getType('text/plain')).text());
};
"""
ANSWERS = (
    "status", "events", f"events/{ID}", f"events/{ID}/report", f"events/{ID}/export?as=json", f"events/{ID}/export?as=markdown", f"events/{ID}/export?as=curl",
    f"events/{ID}/export?as=python", f"events/{ID}/export?as=envelope", "envelopes", "export", "rules", "stats", "traces", "wait?count=1&timeout=0", f"events/{ID}/original",
)  # fmt: skip


def secrets_in(text: str | bytes) -> list[str]:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return [secret for secret in SECRETS if secret in said]


def settle(page: Page) -> None:
    page.wait_for_function("() => !/Comparing…|Reading…|Looking…/.test(document.querySelector('main').textContent)")
    page.evaluate(UNFOLD)


def press_copies(page: Page) -> None:
    for name in ("JSON", "Markdown", "curl", "Python test", "Link"):
        page.locator(".jobs").get_by_role("button", name=name, exact=True).click()
    page.wait_for_function("() => window.copied.length >= 5")


@pytest.fixture
def shared(page: Page, sink: Daemon, send: Send) -> Page:
    page.add_init_script(COPIES)
    send(envelope(PERSONAL))
    return page


def test_masked_from_the_start_nothing_original_is_anywhere(shared: Page, sink: Daemon) -> None:
    page = shared
    page.add_init_script("localStorage.setItem('scrubjay.masked', 'yes')")
    page.goto(f"{sink.url}/#/errors/{ID}")
    page.locator(".recordhead").wait_for()
    for tab in page.get_by_role("tab").all():
        tab.click()
        settle(page)
        assert secrets_in(page.evaluate(EVERYTHING)) == [], tab.text_content()
    press_copies(page)
    page.get_by_role("tab", name="Scrub").click()
    page.get_by_role("button", name="Side by side").click()
    settle(page)
    assert secrets_in(page.evaluate(EVERYTHING)) == []
    for address in ("errors", "scrubbing", f"scrubbing/workbench?ids={ID}", "envelopes"):
        page.goto(f"{sink.url}/#/{address}")
        page.locator("#view > *").first.wait_for()
        if "workbench" in address:
            page.locator(".results article .diff").first.wait_for()
        settle(page)
        assert secrets_in(page.evaluate(EVERYTHING)) == [], address


@pytest.mark.parametrize("place", [f"errors/{ID}/scrub", f"scrubbing/workbench?ids={ID}"], ids=["scrub", "workbench"])
def test_masked_late_what_was_shown_is_gone_at_once(shared: Page, sink: Daemon, place: str) -> None:
    page = shared
    page.goto(f"{sink.url}/#/{place}")
    page.locator("main .diff").first.wait_for()
    settle(page)
    assert secrets_in(page.evaluate(EVERYTHING)), "the test sees originals where they are shown"
    hidden = page.evaluate(f"() => {{ document.getElementById('eye').click(); return ({EVERYTHING})(); }}")
    assert secrets_in(hidden) == [], "in the same moment"
    settle(page)
    assert secrets_in(page.evaluate(EVERYTHING)) == []


@pytest.fixture(scope="module", params=["shape", "none"])
def keeping_less(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    options = {"capture": {"spotlight_port": None, "originals": request.param}}
    relay = Daemon(tmp_path_factory.mktemp("less") / "relay", mode="capture", spool=False, options=options)
    relay.start()
    try:
        yield relay
    finally:
        relay.close()


def test_without_originals_no_answer_and_no_view_has_any(browser: Browser, keeping_less: Daemon) -> None:
    sink = keeping_less
    assert post(sink.port, "/api/1/envelope/", envelope(PERSONAL)).status == 200
    assert get(sink.port, "/api/capture/assert")[0] in (404, 405)
    answers = {path: get(sink.port, f"/api/capture/{path}") for path in ANSWERS}
    assert {path: secrets_in(body) for path, (_, body) in answers.items() if secrets_in(body)} == {}
    assert {path: status for path, (status, _) in answers.items() if status != 200} == {ANSWERS[-1]: 409}
    (newest,) = json.loads(answers["events"][1])["events"]
    assert secrets_in(get(sink.port, f"/envelope/{newest['capture_id']}")[1]) == []
    assert secrets_in(dry_run(sink)) == []
    page, watch = open_page(browser, sink.url)
    page.add_init_script(COPIES)
    page.goto(f"{sink.url}/#/errors/{ID}/scrub")
    page.locator(".scrub .diff").wait_for()
    settle(page)
    press_copies(page)
    assert secrets_in(page.evaluate(EVERYTHING)) == []
    expect(page.locator(".scrub .mode")).to_contain_text("riginals")
    page.context.close()
    watch.check()


def dry_run(sink: Daemon) -> str:
    body: dict[str, Any] = {"rules": {"rules": {}, "applications": {"**": ["@anything:remove"]}}, "ids": [ID]}
    answer = post(sink.port, "/api/capture/dry-run", json.dumps(body).encode(), {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    return answer.body.decode()
