"""What `scrubjay doctor` finds on the way to a server, step by step: name, forward proxy, connection, TLS, answer, clock.

Each step is judged by itself; the first that fails ends the way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from scrubjay.cli import doctor_answer, doctor_network, doctor_tls
from scrubjay.cli.doctor_way import Way, ends_way, proxy_wants_password
from scrubjay.cli.findings import Finding, failed, skipped, warning
from scrubjay.runtime.forwarding.connection import Connection, NoReply


async def look(way: Way) -> AsyncIterator[Finding]:
    """From the name to the answer. It has answered if nothing failed."""
    steps = (
        doctor_network.name_service,
        doctor_network.proxy,
        doctor_network.connection,
        _security,
        doctor_answer.answer,
    )
    for place, step in enumerate(steps):
        async for finding in step(way):
            yield finding
            if ends_way(finding):
                if place + 1 < len(steps):
                    yield skipped("server", "what comes after that cannot be looked at")
                return


async def _security(way: Way) -> AsyncIterator[Finding]:
    """A connection as the relay makes it, through the proxy and with TLS where there are."""
    if way.settings.http.insecure_skip_verify and way.origin.scheme == "https":
        yield warning(
            "tls",
            "`http.insecure_skip_verify` is on: anybody can pretend to be the server",
            "switch it off, and set `http.ca_bundle` where the authority is your own",
        )
    connection: Connection | None = None
    try:
        if way.origin.scheme == "https":
            connection, finding = await doctor_tls.secured(way.dialer(way.tls), way.name)
            yield finding
        elif way.proxy is not None:
            connection = await way.dialer(way.tls).connect()
    except NoReply as error:
        yield await _refused(error, way)
    finally:
        if connection is not None:
            connection.close()


async def _refused(error: NoReply, way: Way) -> Finding:
    text = str(error)
    if "proxy answered 407" in text:
        return proxy_wants_password()
    if "proxy answered" in text:
        return failed(
            "proxy",
            f"it does not let us through to {way.origin}: {text}",
            f"allow {way.origin.netloc} in the proxy, or leave it out with NO_PROXY",
        )
    if error.failure == "tls":
        return await doctor_tls.refused(error, way.name, way.dialer)
    return failed(
        "tls",
        f"no connection with {way.name}: {text}",
        "the server takes connections and says nothing: see whether it speaks TLS on this port",
    )
