"""What scrubbing did, as the page shows it: the diff of one record, suspects, the page over all rules, the workbench."""

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from support.chromium import Watch, shot
from support.corpus import recorded
from support.daemon import Daemon
from support.http_client import post
from support.shown_events import CARD, EMAIL, EVENT, LEFT, SECRETS, envelope

Send = Callable[[bytes], None]
ID = EVENT["event_id"]
PRESSED = """(button) => new Promise((said) => {
  new MutationObserver(() => said(button.textContent)).observe(button, { childList: true });
  button.click();
})"""
"""What a button says next; it says so for a moment only."""


def asked(sink: Daemon, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=30)
    connection.request("GET", f"/api/capture/{path}")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    document = json.loads(answer.read())
    connection.close()
    return document


@pytest.fixture
def opened(page: Page, sink: Daemon, send: Send) -> Locator:
    """The scrub view of the event."""
    send(envelope(EVENT))
    page.goto(f"{sink.url}/#/errors/{ID}/scrub")
    view = page.locator(".scrub")
    expect(view.locator(".diff")).to_be_visible()
    return view


def row(view: Locator, path: str) -> Locator:
    return view.locator(f'.diff [data-path="{path}"] > .pair')


def test_capture_12_the_diff_shows_before_and_after_side_by_side(opened: Locator, page: Page) -> None:
    value = row(opened, "/exception/values/1/value")
    expect(value.locator(".before del")).to_have_text([CARD, EMAIL, "203.0.113.77"])
    expect(value.locator(".after ins")).to_have_text(["[creditcard]", "[email]", "[ip]"])
    expect(value.locator(".after")).to_contain_text("card [creditcard] of [email] refused by [ip]")
    value.get_by_text("3 steps").click()
    expect(value.locator(".steps li")).to_have_count(3)
    expect(value.locator(".steps li").nth(1).locator("del")).to_have_text(EMAIL)

    expect(row(opened, "/user/ip_address").locator(".ghost")).to_have_text("ip_address")
    expect(row(opened, "/user/ip_address").locator(".before del")).to_have_text("203.0.113.77")
    expect(row(opened, "/request/headers/0/1").locator(".before .key")).to_have_text("Authorization")
    long = row(opened, "/extra/log")
    expect(long.locator(".before del")).to_have_text([EMAIL, "203.0.113.77"])
    expect(long.locator(".before .fold").first).to_contain_text("characters")
    assert opened.locator('.diff [data-path="/modules"]').count() == 0, "what is unchanged is folded"
    shot(page, "scrub-split")

    opened.locator(".diff > .plain .more").click()
    expect(opened.locator('.same [data-path="/modules"]')).to_be_visible()
    opened.get_by_role("button", name="Side by side").click()
    single = row(opened, "/tags/1/1")
    expect(single.locator("del")).to_have_text(EMAIL)
    expect(single.locator("ins")).to_have_text("[email]")
    shot(page, "scrub-one")


def test_capture_12_rules_are_found_again_and_filtered(opened: Locator) -> None:
    opened.locator(".diff .rule", has_text="@password:filter").first.click()
    lit = opened.locator(".diff .lit")
    expect(opened.locator(".legend")).to_contain_text("@password:filter")
    shown = lit.count()
    assert shown >= 3
    assert set(lit.evaluate_all("rows => rows.map((row) => row.dataset.rules.includes('@password:filter'))")) == {True}
    opened.get_by_role("button", name="Next change of this rule").click()
    opened.get_by_role("button", name="Show all alike").click()
    expect(lit).to_have_count(0)
    everything = opened.locator(".diff .changed").count()
    opened.locator(".sieve", has_text="@email:replace").click()
    expect(opened.locator('.diff [data-path="/user/ip_address"]')).to_have_count(0)
    assert 0 < opened.locator(".diff .changed").count() < everything
    opened.locator(".sieve", has_text="removed").click()
    expect(opened.locator(".clean")).to_have_text("No change matches.")


def test_capture_12_the_switch_for_sharing_masks_every_original(opened: Locator, page: Page) -> None:
    assert CARD in page.content()
    page.keyboard.press("s")
    expect(opened.locator(".mode")).to_contain_text("safe to share")
    for details in opened.get_by_text("steps", exact=False).all():
        details.click()
    content = page.content()
    assert not [secret for secret in SECRETS if secret in content]
    expect(row(opened, "/tags/1/1").locator("del")).to_have_text("•" * 12)
    page.keyboard.press("s")
    expect(row(opened, "/tags/1/1").locator("del")).to_have_text(EMAIL)


@pytest.mark.parametrize("mode", ["shape", "none"])
def test_capture_12_without_originals_shapes_or_places_are_shown(
    page: Page, sink: Daemon, send: Send, mode: str
) -> None:
    def without(route: Route) -> None:
        report = route.fetch().json()
        for change in report["changes"]:
            before = change.pop("before", "")
            if mode == "shape":
                change["shape_before"] = {
                    "length": len(before),
                    "classes": ["digit"],
                    "first": before[:1],
                    "last": before[-1:],
                }
        route.fulfill(json=report | {"mode": mode})

    page.route("**/report", without)
    send(envelope(EVENT))
    page.goto(f"{sink.url}/#/errors/{ID}/scrub")
    cell = page.locator('.diff [data-path="/request/data/card"] .before')
    expect(cell).to_contain_text("19 characters: digit 4…1" if mode == "shape" else "19 characters")
    expect(page.locator('.diff [data-path="/request/data/card"] .after mark')).to_have_text("[Filtered]")
    assert not [secret for secret in SECRETS if secret in page.content()]


def test_capture_12_a_suspect_leads_to_a_rule_that_is_tried(
    watched: tuple[Page, Watch], sink: Daemon, send: Send
) -> None:
    page, watch = watched
    watch.allow("400")  # rules that cannot be
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    report = {"mode": "full", "changes": [], "totals": {}, "bytes_removed": 0, "time_ms": 0.5, "suspects": [
        {"path": "/user/id", "detector": "secret_entropy", "reason": "no rule for it", "kind": "string", "ranges": [[0, 1]], "excerpt": "7", "confidence": "low"},
    ]}  # fmt: skip
    page.route("**/report", lambda route: route.fulfill(json=report))
    send(envelope({**EVENT, "event_id": "0" * 32}))
    send(envelope(EVENT))
    page.goto(f"{sink.url}/#/errors/{ID}/scrub")
    still = page.locator(".still")
    expect(still).to_contain_text("No rule looks for it.")
    still.locator(".path").click()
    expect(page.locator(".diff mark.suspect").last).to_have_text("7")
    shot(page, "scrub-suspects")
    still.get_by_role("button", name="Make a rule").click()

    editor = page.get_by_label("Candidate rules")
    expect(editor).to_have_value(
        '{\n  "rules": {},\n  "applications": {\n    "user.id": [\n      "@anything:filter"\n    ]\n  }\n}'
    )
    outcome = page.locator(".results article")
    expect(outcome.locator(".sieve").first).to_have_text("1 place more")
    expect(outcome.locator("del")).to_have_text("7")
    expect(outcome.locator("ins")).to_have_text("[Filtered]")
    shot(page, "workbench")
    copies = page.locator(".bench .buttons .buttons button")
    expect(copies).to_have_text(["Copy as configuration", "Copy as rule test"])
    for number, part in enumerate(("user.id", "expect")):
        assert copies.nth(number).evaluate(PRESSED) == "Copied"
        assert part in page.evaluate("navigator.clipboard.readText()")
    editor.fill("applications: {'user id': ['@email']}")
    expect(page.get_by_role("alert")).to_contain_text("user id")
    editor.fill("applications: {user.id: ['@anything:hash']}")
    expect(outcome.locator(".rule")).to_have_text("@anything:hash")
    page.get_by_role("button", name="Rules in force").click()
    expect(outcome.locator(".sieve").first).to_have_text("0 places more")
    page.locator(".picker label").last.click()
    expect(outcome).to_have_count(2)


def test_capture_12_what_still_looks_personal_stands_above_the_diff(opened: Locator, page: Page) -> None:
    still = opened.locator(".still")
    expect(still).to_contain_text("no rule reaches it")
    still.locator(".path", has_text="logger").click()
    expect(opened.locator('.diff [data-path="/logger"] mark.suspect').last).to_have_text(f"mail={LEFT}")


def test_capture_12_the_page_over_all_rules(page: Page, sink: Daemon, send: Send) -> None:
    send(envelope(EVENT))
    asked(sink, "events?has=changes")  # waits for reports that are on their way
    page.goto(f"{sink.url}/#/scrubbing")
    table = page.get_by_role("region", name="Rules that fired")
    expect(table.get_by_role("link", name="@email:replace")).to_be_visible()
    expect(page.locator(".rulename").first).to_be_visible()
    expect(page.locator(".bars").first).to_contain_text("user")
    shot(page, "scrubbing")
    table.get_by_role("link", name="@email:replace").click()
    expect(page.locator(".rows a").first).to_be_visible()
    assert "rule=" in page.url


def test_capture_12_pieces_of_every_recorded_change_give_both_texts(page: Page, sink: Daemon) -> None:
    for entry in recorded("event", "event-attachment", "transaction", "log"):
        post(sink.port, "/api/1/envelope/", entry.body)
    page.goto(sink.url)
    wrong = page.evaluate(
        """async () => {
          const { compose } = await import(new URL('static/diff.js', document.baseURI).href);
          const { events } = await (await fetch('api/capture/events?has=changes&limit=500')).json();
          const wrong = [];
          let seen = 0;
          const report = async ({ id }) => ({ id, ...(await (await fetch(`api/capture/events/${id}/report`)).json()) });
          for (const { id, changes } of await Promise.all(events.map(report))) {
            const places = Map.groupBy(changes.filter((one) => one.kind === 'string' && one.before !== undefined), (one) => one.path);
            for (const [path, steps] of places) {
              const pieces = compose(steps);
              seen += 1;
              const before = pieces.map((piece) => piece.before).join('');
              const after = pieces.map((piece) => piece.after).join('');
              if (before !== steps[0].before || after !== (steps.at(-1).after ?? '')) wrong.push([id, path, before, after]);
            }
          }
          return { wrong, seen };
        }"""
    )
    assert wrong["wrong"] == []
    assert wrong["seen"] > 20


COMPOSED: list[tuple[str, list[Any], list[list[str]]]] = [
    ("a range beside another of an earlier step", [("ab 12 cd", [[3, 5]], "ab [n] cd"), ("ab [n] cd", [[0, 2]], "X [n] cd")],
     [["ab", "X"], [" ", " "], ["12", "[n]"], [" cd", " cd"]]),
    ("a range over what an earlier step made", [("ab 12 cd", [[3, 5]], "ab [n] cd"), ("ab [n] cd", [[0, 6]], "* cd")],
     [["ab 12", "*"], [" cd", " cd"]]),
    ("characters outside the first plane", [("😀 a@b 😀 c@d", [[2, 5], [8, 11]], "😀 [e] 😀 [e]")],
     [["😀 ", "😀 "], ["a@b", "[e]"], [" 😀 ", " 😀 "], ["c@d", "[e]"]]),
    ("replacements of unequal length", [("ann, robert", [[0, 3], [5, 11]], "p1, p22222")], [["ann", "p1"], [", ", ", "], ["robert", "p22222"]]),
    ("masks", [("12 345", [[0, 2], [3, 6]], "** ***")], [["12", "**"], [" ", " "], ["345", "***"]]),
    ("a value that went", [("12", [[0, 2]], None)], [["12", ""]]),
    ("steps that do not follow each other", [("ab", [[0, 1]], "xb"), ("other", [[0, 5]], "z")], [["ab", "z"]]),
]  # fmt: skip


def test_capture_12_pieces(page: Page, sink: Daemon) -> None:
    page.goto(sink.url)
    changes = [
        [{"before": before, "ranges": ranges, "after": after, "rule": "r"} for before, ranges, after in steps]
        for _, steps, _ in COMPOSED
    ]
    found = page.evaluate(
        """async (cases) => {
          const { compose } = await import(new URL('static/diff.js', document.baseURI).href);
          return cases.map((changes) => compose(changes).map((piece) => [piece.before, piece.after]));
        }""",
        changes,
    )
    names = [case[0] for case in COMPOSED]
    assert dict(zip(names, found, strict=True)) == {name: pieces for name, _, pieces in COMPOSED}
