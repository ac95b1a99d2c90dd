"""The capture page in a real Chromium: an event arrives while it is open, and is shown as it would leave."""

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.browser import PACKAGES
from support.daemon import Daemon
from support.environments import npm_folder
from support.http_client import auth
from support.planted import BEARER, CARD, EMAIL, PASSWORD, found
from support.processes import answers, wait_for
from support.requirements import node_program, tool
from support.sample_shop import APPS

TITLE = "PaymentError: <img src=x onerror='window.pwned=1'> no"
EVENT = {
    "event_id": "5d2c7a5e1b8f4c0e9a3d6f7081920abc",
    "platform": "python",
    "environment": "production",
    "exception": {
        "values": [
            {
                "type": "PaymentError",
                "value": f"<img src=x onerror='window.pwned=1'> no\ncard {CARD} of {EMAIL}",
                "stacktrace": {
                    "frames": [
                        {"filename": "lib/http.py", "function": "dispatch", "lineno": 9, "in_app": False},
                        {"filename": "shop/views.py", "function": "checkout", "lineno": 42, "in_app": True,
                         "context_line": "    charge(cart)", "vars": {"password": PASSWORD}},
                    ]
                },
            }
        ]
    },
    "request": {"headers": {"Authorization": f"Bearer {BEARER}"}, "url": "https://shop.example/pay"},
    "extra": {"note": f"grüße an {EMAIL}", "\u2028": "odd"},
}  # fmt: skip


def look(relay: Daemon, folder: Path) -> dict[str, Any]:
    """What one visit of the page saw and asked for."""
    node = node_program()
    chromium = tool("chromium", "Debian: chromium")
    modules = npm_folder("browser", *PACKAGES)
    driver = folder / "drive_capture_page.cjs"
    driver.write_bytes((APPS / driver.name).read_bytes())
    (folder / "node_modules").symlink_to(modules / "node_modules")
    payload = json.dumps(EVENT)
    header = {"event_id": EVENT["event_id"]}
    body = "\n".join((json.dumps(header), json.dumps({"type": "event", "length": len(payload)}), payload))
    run = {
        "browser": str(chromium),
        "page": f"{relay.url}/",
        "title": TITLE,
        "post": {"url": f"{relay.url}/api/1/envelope/", "headers": auth(), "body": body},
        "screenshot": str(folder / "page.png"),
    }
    command = [str(node), str(driver), json.dumps(run)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"the browser run failed:\n{done.stderr}\n{relay.log}"
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_an_event_shows_up_scrubbed_and_nothing_else_is_asked_for(
    daemons: Callable[..., Daemon], tmp_path: Path
) -> None:
    relay = daemons(mode="capture", spool=False, options={"capture": {"spotlight_port": None}})
    relay.start()
    seen = look(relay, tmp_path)

    assert seen["posted"] == 200
    assert "Waiting for the first event" in seen["empty"]
    assert f"@127.0.0.1:{relay.port}/1" in seen["empty"]

    assert TITLE in seen["row"], "payloads are shown as text"
    assert "scrubbed" in seen["row"]
    assert seen["pwned"] == "undefined"
    assert seen["windowTitle"] == "(1) scrubjay capture"

    assert seen["headings"][0] == TITLE
    assert "Stack trace" in seen["headings"]
    assert len(seen["changes"]) >= 4
    assert any("Authorization" in change for change in seen["changes"])
    assert any("extra" in change and "note" in change for change in seen["changes"])
    assert "[email]" in seen["marks"]
    assert "[Filtered]" in seen["marks"]
    assert "checkout" in seen["detail"]
    assert found(json.dumps(seen).encode()) == {}, "as it would leave"

    assert seen["lang"] == "en"
    assert seen["light"] != seen["dark"]
    assert seen["afterReload"] == {"background": seen["dark"], "title": TITLE}, "the address and the theme are kept"

    assert {urlsplit(url).netloc for url in seen["requests"]} == {f"127.0.0.1:{relay.port}"}
    assert seen["errors"] == []
    assert seen["violations"] == []
    account = relay.account()
    assert account.closed
    assert account.ended["captured"] == {"error": 1}


def test_who_waits_for_events_does_not_hold_up_the_end(daemons: Callable[..., Daemon]) -> None:
    relay = daemons(mode="capture", spool=False, options={"capture": {"spotlight_port": None}})
    relay.start()
    waiting = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=60)
    waiting.request("GET", "/api/capture/wait?count=1&timeout=60")
    wait_for(lambda: answers(relay.port, "/api/capture/status"), "the request before it was taken")
    started = time.monotonic()
    assert relay.stop() == 0
    assert time.monotonic() - started < 10
    assert json.loads(waiting.getresponse().read())["satisfied"] is False
    waiting.close()
