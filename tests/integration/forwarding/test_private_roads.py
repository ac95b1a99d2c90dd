"""A whole relay behind proxies and before servers with certificates of their own (upstream-and-operations 6.9)."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path
from typing import Any

import pytest

from scrubjay.runtime import roads
from support.certificates import make_authority, server_context
from support.forward_proxy import ForwardProxy
from support.forwarding import until
from support.mini_upstream import MiniUpstream
from support.relay import relay

EVENT = b'{}\n{"type":"event"}\n{"message":"x"}\n'
HTTP = {"retry_delay": 0.02, "outage_grace_period": 60}


def told(one: Any, result: str) -> bool:
    return any(labels[1] == result for labels in one.worker.telemetry.values.series["scrubjay_upstream_requests_total"])


@pytest.mark.parametrize("by", ["setting", "variable", "secure"])
async def test_operations_73_through_the_proxy(tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Envelopes and calls that are passed on; the upstream's name is known to the proxy alone."""
    bundle, certificate = make_authority(tmp_path)
    context = server_context(certificate)
    async with MiniUpstream(ssl_context=context) as server, ForwardProxy(context if by == "secure" else None) as proxy:
        http: dict[str, Any] = {**HTTP, "ca_bundle": str(bundle), "tls_server_name": "sentry.internal"}
        if by == "variable":
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        else:
            http["proxy"] = proxy.url
        options = {"relay": {"upstream": f"https://sentry.example:{server.port}"}, "http": http}
        async with relay(tmp_path / "r", options=options) as one:
            assert (await one.env(EVENT)).status == 200
            await server.until_delivered(1)
            before = len(proxy.heads)
            assert (await one.send("GET", "/api/0/x/")).status == 200
            assert len(proxy.heads) == before + 1
        assert server.delivered[0].headers["Host"] == f"sentry.example:{server.port}"
        for head in proxy.heads:
            assert head.startswith(b"CONNECT sentry.example:%d HTTP/1.1\r\n" % server.port)
            assert b"Proxy-Authorization: Basic am86cHc=\r\n" in head


async def test_operations_73_no_proxy_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with MiniUpstream() as server, ForwardProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8, 127.0.0.0/8")
        async with relay(tmp_path / "r", options={"relay": {"upstream": server.url}}) as one:
            assert (await one.env(EVENT)).status == 200
            await server.until_delivered(1)
            assert (await one.send("GET", "/api/0/x/")).status == 200
        assert proxy.heads == []


async def test_operations_72_a_private_authority_and_its_successor_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not trusted: counted as `tls`. Trusted: delivered. Another authority, the file replaced: delivered again, and what waited too."""
    monkeypatch.setattr(roads, "_LOOK_AT_FILES_S", 0.02)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        make_authority(tmp_path / name)
    bundle = tmp_path / "trusted.pem"
    shutil.copy(tmp_path / "new" / "ca.pem", bundle)
    server = MiniUpstream(ssl_context=server_context(tmp_path / "old" / "server.pem"))
    async with server:
        options = {"relay": {"upstream": server.url}, "http": {**HTTP, "ca_bundle": str(bundle)}}
        async with relay(tmp_path / "r", options=options) as one:
            assert (await one.env(EVENT)).status == 200
            await until(lambda: told(one, "tls"))
            assert server.arrivals == []
            shutil.copy(tmp_path / "old" / "ca.pem", bundle)
            await server.until_delivered(1)
            await server.stop()
            server._ssl = server_context(tmp_path / "new" / "server.pem")
            await server.start()
            assert (await one.env(EVENT)).status == 200
            shutil.copy(tmp_path / "new" / "ca.pem", bundle)
            await server.until_delivered(2)


async def test_a_certificate_of_ours_is_shown_to_who_asks(tmp_path: Path) -> None:
    bundle, certificate = make_authority(tmp_path)
    context = server_context(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=bundle)
    async with MiniUpstream(ssl_context=context) as server:
        http = {**HTTP, "ca_bundle": str(bundle), "client_cert": str(certificate), "client_key": str(certificate)}
        async with relay(tmp_path / "r", options={"relay": {"upstream": server.url}, "http": http}) as one:
            assert (await one.env(EVENT)).status == 200
            await server.until_delivered(1)
            assert (await one.send("GET", "/api/0/x/")).status == 200
