"""Nothing that a captured event says is run, followed, drawn over the page or waited for, in any view and any tab (`capture.md` 10.1)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from support.chromium import LONGEST_TASK_MS, long_tasks, open_page, shot
from support.daemon import Daemon
from support.hostile_envelopes import HEBREW, MARKUP, PROTOTYPES, TRACE, hostile, large
from support.http_client import post
from support.processes import get

LOOK_AROUND = (Path(__file__).parents[2] / "support" / "look_around.js").read_text()
VIEWS = ("errors", "traces", "logs", "feedback", "scrubbing", "scrubbing/workbench", "envelopes", "setup")
SECTIONS = ("check-ins", "sessions", "client-reports", "metrics", "profiles", "replays", "attachments", "security")


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """As anywhere, but it takes its time: what cannot be scrubbed in a quarter of a second is not shown, and here it shall be."""
    options = {"capture": {"spotlight_port": None}, "scrub": {"max_event_ms": 60_000}, "limits": {"max_event_size": 20_000_000}}  # fmt: skip
    relay = Daemon(tmp_path_factory.mktemp("sink") / "relay", mode="capture", spool=False, options=options)
    relay.start()
    try:
        yield relay
    finally:
        relay.close()


def keep(sink: Daemon, envelopes: dict[str, bytes]) -> list[dict[str, Any]]:
    """All of them, and nothing else; the first record of each envelope comes back."""
    assert get(sink.port, "/api/capture/status")[0] == 200
    for name, body in envelopes.items():
        answer = post(sink.port, "/api/1/envelope/", body, {"User-Agent": MARKUP})
        assert answer.status == 200 or name == "no envelope", (name, answer.body)
    records = json.loads(get(sink.port, "/api/capture/events?limit=500")[1])["events"]
    return [record for record in records if record["id"].endswith(("-0", "-0.0"))]


def look(page: Page, sink: Daemon, address: str) -> int:
    """How many tabs there were."""
    place = address.partition("?")[0]
    if place.startswith(("errors/", "envelopes/")):
        with page.expect_response(lambda answer: answer.url.endswith(f"/{place.partition('/')[2]}")):
            page.goto(f"{sink.url}/#/{address}")
    else:
        page.goto(f"{sink.url}/#/{address}")
        page.locator(f"#view > .{place.partition('/')[0]}").wait_for()
    told = page.evaluate(LOOK_AROUND)
    assert not told["found"], "\n".join([address, *told["found"]])
    assert max(long_tasks(page), default=0) < LONGEST_TASK_MS, address
    return int(told["tabs"])


def test_nothing_hostile_runs_anywhere(page: Page, sink: Daemon) -> None:
    records = keep(sink, hostile())
    assert {record["type"] for record in records} >= {"error", "transaction", "span", "log", "feedback", "check_in", "release_health", "metric", "profile", "replay", "attachment", "client_report", "security", "other", "unparsable"}  # fmt: skip
    assert not [record for record in records if record.get("outcome_reason") == "unscrubbable"]
    tabs = sum(look(page, sink, f"errors/{record['id']}") for record in records)
    assert tabs > 3 * len(records)
    addresses = [*VIEWS, *(f"other/{section}" for section in SECTIONS), f"traces/{TRACE}"]
    for address in addresses + [f"envelopes/{record['capture_id']}" for record in records[::8]]:
        look(page, sink, address)
    for name in PROTOTYPES:
        look(page, sink, f"errors?{name}=1&tag.{name}={quote(MARKUP, safe='')}&q={name}")


def test_suggestions_and_chips_show_hostile_values_as_text(page: Page, sink: Daemon) -> None:
    keep(sink, {"error": hostile()["error"]})
    page.goto(f"{sink.url}/#/errors")
    expect(page.locator(".rows a").first).to_be_visible()
    for chip in page.locator(".chip").all():
        chip.click()
        expect(page.locator(".menu[open]")).to_be_visible()
        page.keyboard.press("Escape")
    search = page.locator("#search")
    for text in (
        *(f"{name}:" for name in PROTOTYPES),
        "environment:",
        "release:",
        f"{HEBREW}:",
        "level:<",
        '"',
        "a(b",
        "~[",
        "OR",
    ):
        search.fill(text)
        page.wait_for_function("() => document.activeElement.id === 'search'")
    search.fill("release:")
    expect(page.locator("#suggestions li").first).to_contain_text("<img")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.evaluate("window.pwned") is None


def test_on_a_phone_nothing_hostile_leaves_its_place(browser: Browser, sink: Daemon) -> None:
    records = keep(sink, {name: hostile()[name] for name in ("error", "transaction", "logs")})
    page, watch = open_page(browser, sink.url, phone=True)
    first = {record["type"]: record["id"] for record in records}
    error = f"errors/{first['error']}"
    for name, address, sign in (("error", error, ".exception"), ("scrub", f"{error}/scrub", ".figures"), ("trace", f"traces/{TRACE}", ".span-row"), ("logs", "logs", ".log-row")):  # fmt: skip
        page.goto(f"{sink.url}/#/{address}")
        page.locator(sign).first.wait_for()
        shot(page, f"phone-hostile-{name}")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, (
            address
        )
    page.context.close()
    watch.check()


def test_five_megabytes_of_anything_hold_up_nothing(page: Page, sink: Daemon) -> None:
    envelopes = large(5_000_000)
    for record in keep(sink, {name: envelopes[name] for name in ("event", "log", "span", "controls", "lines", "csv")})[
        :6
    ]:
        look(page, sink, f"errors/{record['id']}")
    for view in ("errors", "logs", "traces"):
        look(page, sink, view)
