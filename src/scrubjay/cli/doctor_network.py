"""What `scrubjay doctor` finds before anything is said to a server: its name, the forward proxy, whether connections are taken."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

from scrubjay.cli.doctor_way import Way
from scrubjay.cli.findings import Finding, failed, ok, warning
from scrubjay.runtime.forwarding.resolving import AddressInfo

_FIREWALL: Final = "something on the way drops it: ask for a rule that lets this machine out, or set `http.proxy`"


async def name_service(way: Way) -> AsyncIterator[Finding]:
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


async def proxy(way: Way) -> AsyncIterator[Finding]:
    if way.proxy is None:
        return
    source = "`http.proxy`" if way.settings.http.proxy else "the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)"
    yield ok("proxy", f"{way.proxy.origin} leads to {way.origin}, by {source}")


async def connection(way: Way) -> AsyncIterator[Finding]:
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
