"""Events for the pages that show one record: one with something in every part, and one that means harm.

Every value is made up. `SECRETS` are those that scrubbing takes from the first; the second sets `window.pwned` if a page runs any of it.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any, Final

EMAIL: Final = "rosa.klein@ferry-line.example"
CARD: Final = "4111 1111 1111 1111"
SECRETS: Final = (EMAIL, CARD, "hunter2hunter2", "203.0.113.77", "s3cr3t-0p4qu3-v4lu3")
LEFT: Final = "anna@harbour.example"
"""In the name of a logger, where no rule reaches."""

_FRAMES: Final = [
    {"filename": "django/core/base.py", "function": "get_response", "lineno": 181, "in_app": False},
    {"filename": "django/utils/late.py", "function": "__call__", "lineno": 134, "in_app": False},
    {
        "filename": "shop/views.py", "function": "checkout", "module": "shop.views", "lineno": 42, "in_app": True,
        "pre_context": ["def checkout(request):", "    cart = Cart.of(request)"],
        "context_line": "    raise Refused(f'card {card} refused')", "post_context": ["", "def refund(request):"],
        "vars": {"card": f"'{CARD}'", "cart": {"lines": [1, 2, 3], "total": 129.39}, "password": "hunter2hunter2"},
    },
]  # fmt: skip

EVENT: Final[dict[str, Any]] = {
    "event_id": "0a" * 16, "platform": "python", "environment": "production", "release": "shop@2.4.1", "level": "error",
    "timestamp": 1795339938.0, "logger": f"shop mail={LEFT}", "transaction": "/checkout",
    "user": {"id": "7", "email": EMAIL, "ip_address": "203.0.113.77"},
    "tags": {"area": "cart", "customer": EMAIL},
    "request": {
        "url": "https://shop.example/checkout", "method": "POST", "query_string": [["cart", "17"], ["mail", EMAIL]],
        "headers": [["Authorization", "Bearer s3cr3t-0p4qu3-v4lu3"], ["Content-Type", "application/json"]],
        "data": {"card": CARD, "note": f"write to {EMAIL} or call +49 170 1234567", "items": [{"sku": "WIL-315"}],
                 "profile": {"password": "hunter2hunter2", "city": "Emden"}},
    },
    "exception": {"values": [
        {"type": "KeyError", "value": "'idempotency'", "mechanism": {"type": "chained", "handled": True},
         "stacktrace": {"frames": [{"filename": "shop/orders.py", "function": "call", "lineno": 81, "in_app": True}]}},
        {"type": "Refused", "value": f"card {CARD} of {EMAIL} refused by 203.0.113.77",
         "mechanism": {"type": "django", "handled": False}, "stacktrace": {"frames": _FRAMES}},
    ]},
    "threads": {"values": [
        {"id": 1, "name": "MainThread", "crashed": True},
        {"id": 2, "name": "worker", "stacktrace": {"frames": [{"filename": "shop/worker.py", "function": "loop", "lineno": 12, "in_app": True}]}},
    ]},
    "breadcrumbs": {"values": [
        {"timestamp": 1795339930.0, "type": "navigation", "category": "navigation", "data": {"from": "/cart", "to": "/checkout"}},
        {"timestamp": 1795339934.5, "type": "http", "category": "requests",
         "data": {"method": "POST", "url": "https://pay.example/charge", "status_code": 502}},
        {"timestamp": 1795339936.0, "level": "warning", "category": "shop.cart", "message": f"retry for {EMAIL}"},
    ]},
    "contexts": {
        "runtime": {"name": "CPython", "version": "3.11.7"}, "order": {"id": 42, "token": "s3cr3t-0p4qu3-v4lu3"},
        "flags": {"values": [{"flag": "new-checkout", "result": True}]},
    },
    "extra": {"log": "nothing here\n" * 60 + f"user {EMAIL} came from 203.0.113.77\n" + "nothing here\n" * 60,
              "order": {"lines": [{"sku": "WIL-315", "qty": 2}, {"sku": "SAF-548", "qty": 1}]}},
    "modules": {f"package-{number}": "1.0" for number in range(30)},
}  # fmt: skip

MARKUP: Final = '<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>'
_TURNED: Final = "\u202egpj.exe\u2069"


def hostile(event_id: str) -> dict[str, Any]:
    """Markup, scripts as links, escapes, marks of direction, and a lot of everything."""
    deep: dict[str, Any] = {}
    inner = deep
    for level in range(60):
        inner["inner"] = {"level": level}
        inner = inner["inner"]
    frame = {"filename": MARKUP, "in_app": True, "context_line": MARKUP, "vars": {"__proto__": MARKUP}}
    return {
        "event_id": event_id, "platform": "javascript", "level": "error", "environment": MARKUP, "release": f"{_TURNED}1.0",
        "transaction": MARKUP, "tags": {MARKUP: MARKUP, "link": "javascript:window.pwned=3"}, "user": {"username": f"{_TURNED}evil"},
        "request": {"url": "javascript:window.pwned=4", "method": MARKUP, "headers": {MARKUP: "x\x1b[31mred\x1b[0m\x00"}},
        "exception": {"values": [{"type": MARKUP, "value": f"{MARKUP}{_TURNED}" + "x" * 5000, "stacktrace": {
            "frames": [{**frame, "function": f"f{number}", "lineno": number} for number in range(1000)]}}]},
        "breadcrumbs": {"values": [{"timestamp": number, "category": MARKUP, "type": "http", "message": MARKUP,
                                    "data": {"url": "javascript:window.pwned=5"}} for number in range(90)]},
        "contexts": {"deep": deep, "wide": {f"key{number}": number for number in range(10_000)}, MARKUP: {"name": MARKUP}},
        "extra": {"long": "z" * 60_000, "emoji": "👩‍👩‍👧 😀 x@harbour.example 🦜", "arabic": "مرحبا بالعالم", "__proto__": {"polluted": 1}},
    }  # fmt: skip


def attachments() -> list[tuple[dict[str, Any], bytes]]:
    """One of each kind that has a preview, and two that must not run."""
    tree = {"rendering_system": "flutter", "windows": [{"type": "Window", "identifier": "main", "children": [{"type": "Button", "identifier": "pay"}]}]}  # fmt: skip
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned=6'><script>window.pwned=7</script></svg>"
    return [
        ({"filename": "screen.png", "content_type": "image/png"}, png(120, 60)),
        ({"filename": "rows.csv", "content_type": "text/csv"}, b'id,name\n1,"a, ""quoted"" name"\n2,<b>bold</b>\n'),
        ({"filename": "evil.svg", "content_type": "image/svg+xml"}, svg),
        ({"filename": "view.json", "content_type": "application/json", "attachment_type": "event.view_hierarchy"}, json.dumps(tree).encode()),
        ({"filename": "page.html", "content_type": "text/html"}, b"<script>window.pwned=8</script>"),
    ]  # fmt: skip


def png(width: int, height: int) -> bytes:
    """A picture of one colour that runs to another."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    line = b"\0" + b"".join(bytes((x * 255 // width, 90, 200)) for x in range(width))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(line * height)) + chunk(b"IEND", b"")
    )


def envelope(event: dict[str, Any], *attached: tuple[dict[str, Any], bytes]) -> bytes:
    """As an SDK sends it; text in it is UTF-8."""
    payload = json.dumps(event, ensure_ascii=False).encode()
    lines = [
        json.dumps({"event_id": event["event_id"]}).encode(),
        json.dumps({"type": "event", "length": len(payload)}).encode(),
        payload,
    ]
    for headers, data in attached:
        lines += [json.dumps({**headers, "type": "attachment", "length": len(data)}).encode(), data]
    return b"\n".join(lines)
