"""What `scrubjay doctor` finds on the way to a server: its name, a forward proxy, the connection, TLS, the answer, the clock.

The way is the relay's own (`runtime.roads`): names, proxies, certificates and time limits of this configuration. Each step is judged by itself;
the first that fails ends the way.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final

from scrubjay.cli import doctor_tls
from scrubjay.cli.findings import Finding, failed, ok, skipped, warning
from scrubjay.errors import ConfigError, Transient
from scrubjay.runtime.forwarding.connection import Connection, NoReply
from scrubjay.runtime.forwarding.dialing import Dialer
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.forwarding.origin import Origin, Proxy
from scrubjay.runtime.forwarding.resolving import AddressInfo, Resolver
from scrubjay.runtime.roads import Roads
from scrubjay.runtime.upstream import PROBE_PATH, Upstream
from scrubjay.settings.schema import Settings

_DRIFT_S: Final = 30.0
_BAD_DRIFT_S: Final = 300.0
"""From here on servers take our signatures for old ones."""
_FIREWALL: Final = "something on the way drops it: ask for a rule that lets this machine out, or set `http.proxy`"


@dataclass(frozen=True, slots=True)
class Way:
    """One of the servers that are sent to, and how."""

    settings: Settings
    origin: Origin
    proxy: Proxy | None
    tls: ssl.SSLContext | None
    upstream: Upstream

    @property
    def near(self) -> Origin:
        """Who is connected to: the proxy, if there is one."""
        return self.origin if self.proxy is None else self.proxy.origin

    @property
    def name(self) -> str:
        return self.settings.http.tls_server_name or self.origin.host

    def dialer(self, tls: ssl.SSLContext | None) -> Dialer:
        return Dialer(
            self.origin,
            tls=tls,
            server_name=self.settings.http.tls_server_name,
            proxy=self.proxy,
            proxy_tls=self.tls,
            resolver=Resolver(remembers=False),
            timeout_s=self.settings.http.connection_timeout,
        )


def ways_of(roads: Roads, settings: Settings) -> list[Way]:
    tls = roads.trust.context if roads.trust else None
    return [
        Way(settings, origin, proxy, tls, upstream)
        for origin, proxy, upstream in zip(roads.origins, roads.proxies, roads.upstreams, strict=True)
    ]


async def look(way: Way) -> AsyncIterator[Finding]:
    """From the name to the answer. It has answered if nothing failed."""
    steps = (_name_service, _proxy, _connection, _security, _answer)
    for place, step in enumerate(steps):
        async for finding in step(way):
            yield finding
            if finding.verdict == "failed" and finding.check != "clock":
                if place + 1 < len(steps):
                    yield skipped("server", "what comes after that cannot be looked at")
                return


async def _name_service(way: Way) -> AsyncIterator[Finding]:
    host, port = way.near.host, way.near.port
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return
    patience_s = way.settings.http.connection_timeout
    try:
        async with asyncio.timeout(patience_s):
            infos = await _resolved(host, port)
    except TimeoutError:
        yield failed(
            "dns", f"no answer about {host} within {patience_s:g} s", "see /etc/resolv.conf: its name server is away"
        )
        return
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            yield failed(
                "dns",
                f"the name service fails for {host}: {error.strerror}",
                "see /etc/resolv.conf: its name server is away, or refuses",
            )
        else:
            named = "http.proxy" if way.proxy else "relay.upstream"
            yield failed(
                "dns",
                f"there is no host {host} ({error.strerror})",
                f"see its spelling in `{named}`; a name of a cluster or a VPN is known only there",
            )
        return
    except UnicodeError:
        yield failed("dns", f"{host} is no name", "see its spelling in `relay.upstream`")
        return
    addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
    yield ok("dns", f"{host} is {', '.join(addresses)}", addresses=addresses)


async def _resolved(host: str, port: int) -> Sequence[AddressInfo]:
    """By a thread that nobody waits for at the end: a name server that is away takes half a minute to be given up."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Sequence[AddressInfo]] = loop.create_future()

    def end(result: Sequence[AddressInfo] | Exception) -> None:
        if future.done():  # nobody waits any more
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def ask() -> None:
        result: Sequence[AddressInfo] | Exception
        try:
            result = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            result = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(end, result)

    threading.Thread(target=ask, name="name service", daemon=True).start()
    return await future


async def _proxy(way: Way) -> AsyncIterator[Finding]:
    if way.proxy is None:
        return
    source = "`http.proxy`" if way.settings.http.proxy else "the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)"
    yield ok("proxy", f"{way.proxy.origin} leads to {way.origin}, by {source}")


async def _connection(way: Way) -> AsyncIterator[Finding]:
    """Each address by itself: one that is dead makes connections slow, and is seen nowhere else."""
    near, patience_s = way.near, way.settings.http.connection_timeout
    infos = await asyncio.get_running_loop().getaddrinfo(near.host, near.port, type=socket.SOCK_STREAM)
    places = list(dict.fromkeys((info[0], str(info[4][0])) for info in infos))
    results = await asyncio.gather(*(_reach(address, near.port, patience_s) for _, address in places))
    dead = [(address, error) for (_, address), error in zip(places, results, strict=True) if error is not None]
    what = f"{'the proxy ' if way.proxy else ''}{near.host}:{near.port}"
    if len(dead) == len(places):
        yield _unreachable(what, dead[0][1], patience_s, is_proxy=way.proxy is not None)
    elif dead and len({family for family, _ in places}) == 1:
        addresses = ", ".join(address for address, _ in dead)
        yield warning(
            "tcp",
            f"{what}: no connection to {addresses}, to the others there is",
            "take them out of the name service, or repair them: each attempt costs time",
        )
    else:
        yield ok("tcp", f"{what} takes connections")


async def _reach(address: str, port: int, patience_s: float) -> OSError | None:
    try:
        async with asyncio.timeout(patience_s):
            _, writer = await asyncio.open_connection(address, port)
    except OSError as error:  # TimeoutError is one
        return error
    writer.close()
    return None


def _unreachable(what: str, error: OSError, patience_s: float, *, is_proxy: bool) -> Finding:
    key = "http.proxy" if is_proxy else "relay.upstream"
    if isinstance(error, ConnectionRefusedError):
        return failed(
            "tcp",
            f"{what} refuses connections: nothing listens there",
            f"start the server, or correct the port in `{key}`",
        )
    if isinstance(error, TimeoutError):
        return failed("tcp", f"{what} does not answer within {patience_s:g} s", _FIREWALL)
    if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return failed("tcp", f"there is no way to {what}: {error.strerror}", "see this machine's network and routes")
    return failed("tcp", f"no connection to {what}: {error.strerror or error}", "see this machine's network")


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
        return failed(
            "proxy",
            "it wants to know who we are (407)",
            "put user and password into `http.proxy`: http://USER:PASSWORD@HOST:PORT",
        )
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


async def _answer(way: Way) -> AsyncIterator[Finding]:
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
        return failed(
            "proxy",
            "it wants to know who we are (407)",
            "put user and password into `http.proxy`: http://USER:PASSWORD@HOST:PORT",
        )
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
