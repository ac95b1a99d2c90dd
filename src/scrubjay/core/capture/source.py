"""Where an item comes from: browser, mobile or server, decided in the order of `capture.md` 7.3.

Payloads may have any shape; nothing here raises.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.capture.reading import Json, get, pairs, text

_MOBILE: Final = (
    "cocoa",
    "android",
    "react-native",
    "dart",
    "flutter",
    "capacitor",
    "cordova",
    "xamarin",
    "maui",
    "unity",
    "kotlin",
)
_SERVER_JS: Final = ("node", "bun", "deno", "serverless", "aws", "google-cloud", "cloudflare", "vercel", "electron", "nextjs",
                     "nuxt", "remix", "sveltekit", "solidstart", "astro", "nestjs", "hono", "elysia", "tanstackstart")  # fmt: skip


def inferred_source(part: Json, sdk: str, user_agent: str) -> str:
    """`sdk`: its name, of the payload or the envelope."""
    platform = text(part.get("platform"))
    if any(word in sdk for word in _MOBILE):
        return "mobile"
    if user_agent.startswith("Mozilla/"):
        return "browser"
    if part.get("server_name") or get(part, "contexts", "runtime") or platform not in ("", "javascript"):
        return "server"
    if dict(pairs(part.get("tags"))).get("runtime") == "browser":
        return "browser"
    if sdk.startswith("sentry.javascript.") and not any(word in sdk for word in _SERVER_JS):
        return "browser"
    return "server"
