"""What `scrubjay doctor` finds in a server's answer: whether there is one, whose it is, and what time it is there."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Final

from scrubjay.cli import doctor_tls
from scrubjay.cli.doctor_way import Way, proxy_wants_password
from scrubjay.cli.findings import Finding, failed, ok, skipped, warning
from scrubjay.errors import ConfigError, Transient
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.upstream import PROBE_PATH

_DRIFT_S: Final = 30.0
_BAD_DRIFT_S: Final = 300.0
"""From here on servers take our signatures for old ones."""


async def answer(way: Way) -> AsyncIterator[Finding]:
    """What the relay asks during an outage: any answer will do, but those of a proxy that does not reach the server."""
    began_unix = time.time()
    try:
        reply, took_s = await way.upstream.call("probe", "GET", PROBE_PATH)
    except Transient as error:
        is_secure, is_cut = way.origin.scheme == "https", not str(error).startswith(("timeout", "broken"))
        against = await doctor_tls.objection(way.dialer(way.tls)) if is_secure and is_cut else None
        yield against or _silence(error, way)
        return
    except ConfigError as error:
        yield failed("http", str(error), "correct it")
        return
    finding = _judge(reply, took_s, way)
    yield finding
    if finding.verdict != "failed":
        yield _clock(reply, began_unix + took_s / 2)


def _silence(error: Transient, way: Way) -> Finding:
    text = str(error)
    if text.startswith("timeout"):
        return failed(
            "http",
            f"{way.origin} takes the connection and does not answer: {text}",
            "the server hangs or is overloaded: see its log; `http.timeout` is how long we wait",
        )
    if text.startswith("broken"):
        return failed("http", f"{way.origin} speaks no HTTP: {text}", "see host and port in `relay.upstream`")
    other = "" if way.origin.scheme == "https" else "; if it speaks TLS on this port, write https://"
    return failed("http", f"{way.origin} hangs up without an answer: {text}", f"see its log{other}")


def _judge(reply: Reply, took_s: float, way: Way) -> Finding:
    text = f"{way.origin} answers {reply.status} within {took_s * 1000:.0f} ms"
    if reply.status in (502, 503, 504):
        return failed(
            "http",
            f"{text}: what stands before the server does not reach it",
            "start the server behind it; for the relay this is an outage",
        )
    if reply.status == 407:
        return proxy_wants_password()
    if 300 <= reply.status < 400:
        return warning(
            "http",
            f"{text}, and points elsewhere: {reply.detail()}",
            "set `relay.upstream` to where it points: the relay follows nobody",
        )
    if reply.status >= 500:
        return warning("http", f"{text}: {reply.detail()}", "the server is in trouble: see its log")
    return ok("http", text, status=reply.status)


def _clock(reply: Reply, now_unix: float) -> Finding:
    try:
        theirs_unix = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except ValueError:
        return skipped("clock", "the server does not say what time it is")
    ahead_s = now_unix - theirs_unix
    text = f"this machine's clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the server's"
    advice = "set it by NTP (`timedatectl`); if it is right, the server's is wrong"
    if abs(ahead_s) >= _BAD_DRIFT_S:
        return failed(
            "clock", f"{text}: signatures are refused, and times of events are wrong", advice, ahead_s=ahead_s
        )
    if abs(ahead_s) >= _DRIFT_S:
        return warning("clock", text, advice, ahead_s=ahead_s)
    return ok("clock", "right, by the server's", ahead_s=round(ahead_s, 1))
