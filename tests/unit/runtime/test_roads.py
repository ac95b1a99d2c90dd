"""The ways to the upstreams as configured."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from scrubjay.errors import ConfigError, Transient
from scrubjay.runtime import roads as module
from scrubjay.runtime.forwarding.carrier import Carrier
from scrubjay.runtime.forwarding.failover import FailOver
from scrubjay.runtime.roads import Roads, upstream_options
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.load import build
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret
from support.certificates import make_authority
from support.forwarding import until


def settings(**values: Any) -> Settings:
    """By dotted key, with two underscores for each dot."""
    given = {name.replace("__", "."): value for name, value in values.items()}
    return build({"relay.upstream": "http://127.0.0.1:9/", **given})


def roads(env: dict[str, str] | None = None, **values: Any) -> Roads:
    return Roads(
        settings(**values),
        Telemetry(),
        on_limits=lambda parcel, limits: None,
        on_denied=lambda key, project_id: None,
        env=env or {},
    )


def test_requests_are_made_as_configured() -> None:
    got = upstream_options(
        settings(
            http__encoding="gzip",
            http__encoding_fallback=False,
            http__timeout=7.0,
            http__min_upload_rate=10,
            http__host_header="h",
            http__upstream_path_prefix="/relay",
            http__rate_limited_policy="retry",
            http__ambiguous_counters="drop",
            limits__bare_429=5,
            limits__upstream_max=6,
        )
    )
    assert (got.encoding, got.encoding_fallback, got.timeout_s, got.min_upload_bytes_per_s) == ("gzip", False, 7.0, 10)
    assert (got.host_header, got.path_prefix, got.retries_throttled) == ("h", "/relay", True)
    assert (got.bare_429_s, got.longest_limit_s, got.drops_ambiguous_counters) == (5, 6, True)


def test_a_client_speaks_to_the_upstream_through_the_proxy() -> None:
    (client,) = roads(http__proxy=Secret("http://user:pw@proxy.example:3128"))._clients
    assert client.target("/x") == "http://127.0.0.1:9/x"
    assert client.proxy_header().startswith("Proxy-Authorization: Basic ")
    (plain,) = roads()._clients
    assert plain.target("/x") == "/x"
    (secure,) = roads(relay__upstream="https://sentry.example/")._clients
    assert str(secure.origin) == "https://sentry.example"


@pytest.mark.parametrize(
    ("env", "values", "path"),
    [
        ({"ALL_PROXY": "socks5://user:secret@proxy.example:1080"}, {}, "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"),
        ({}, {"http__proxy": Secret("ftp://user:secret@x")}, "http.proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    env: dict[str, str], values: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        roads(env, relay__upstream="http://sentry.example/", **values)
    assert caught.value.path == path
    assert "secret" not in str(caught.value)


def test_certificates_are_read_only_where_they_are_needed(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.pem")
    assert roads(http__ca_bundle=missing).trust is None
    for values in (
        {"relay__upstream": "https://sentry.example/"},
        {"relay__upstream": "http://sentry.example/", "http__proxy": Secret("https://proxy.example")},
    ):
        with pytest.raises(ConfigError) as caught:
            roads(http__ca_bundle=missing, **values)
        assert caught.value.path == "http.ca_bundle"


async def test_one_upstream_needs_no_choice_and_several_have_one() -> None:
    one, several = roads(), roads(relay__upstream=("http://127.0.0.1:9/", "https://other.example/"))
    assert isinstance(one.sender(lambda upstream, batches: Carrier(upstream, Telemetry(), batches=batches)), Carrier)
    assert isinstance(
        several.sender(lambda upstream, batches: Carrier(upstream, Telemetry(), batches=batches)), FailOver
    )
    assert [str(origin) for origin in several.origins] == ["http://127.0.0.1:9", "https://other.example"]
    assert repr(several).startswith("<Roads <Choice http://127.0.0.1:9>")
    await several.stop()


async def test_what_can_change_while_it_runs_does() -> None:
    subject = roads()
    subject.reconfigure(settings(http__connection_timeout=9.0, http__dns_cache=False, http__encoding="br"))
    assert subject._clients[0]._dialer.timeout_s == 9.0
    assert not subject._resolver.remembers
    assert "br" in repr(subject)
    await subject.stop()


async def test_operations_74_no_upstream_may_be_this_relay_itself() -> None:
    subject = roads(relay__upstream=("http://sentry.example/", "http://localhost:3000/"))
    await subject.refuse_ourselves("127.0.0.1", 3001)
    with pytest.raises(ConfigError) as caught:
        await subject.refuse_ourselves("0.0.0.0", 3000)
    assert (caught.value.path, caught.value.problem.split()[0]) == ("relay.upstream", "http://localhost:3000")
    proxied = roads(relay__upstream="http://localhost:3000/", http__proxy=Secret("http://proxy.example"))
    await proxied.refuse_ourselves("0.0.0.0", 3000)


async def test_operations_72_changed_files_are_read_and_broken_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_LOOK_AT_FILES_S", 0.005)
    caplog.set_level(logging.INFO, "scrubjay")
    bundle, _ = make_authority(tmp_path)
    subject = roads(relay__upstream="https://sentry.example/", http__ca_bundle=str(bundle))
    assert subject.trust is not None
    before = subject.trust.context
    subject.start()
    good = bundle.read_bytes()
    bundle.write_bytes(b"half of a certif")
    await until(lambda: "new certificates not used" in caplog.text)
    assert subject.trust.context is before
    bundle.write_bytes(good)
    await until(lambda: "new certificates in force" in caplog.text)
    assert subject._clients[0]._dialer.tls is subject.trust.context is not before
    await subject.stop()


async def test_who_does_not_verify_is_told_again_and_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert module._WARN_AGAIN_S == 600
    monkeypatch.setattr(module, "_WARN_AGAIN_S", 0.001)
    subject = roads(relay__upstream="https://sentry.example/", http__insecure_skip_verify=True)
    subject.start()
    await until(lambda: "the upstream's certificate is not verified" in caplog.text)
    await subject.stop()
    await asyncio.sleep(0)


# To upstreams that projects name


async def test_a_project_s_upstream_has_a_way_of_its_own_that_lasts() -> None:
    subject = roads(relay__upstream="http://sentry.example/", relay__port=3000)
    assert await subject.side("http://sentry.example/") is None
    assert await subject.side("http://127.0.0.1:3000/") is None
    way = await subject.side("http://127.0.0.1:9/")
    assert way is not None
    assert await subject.side("http://127.0.0.1:9/") is way
    assert subject.trust is None
    subject.reconfigure(settings(http__encoding="br"))
    assert "br" in repr(way)
    secure = await subject.side("https://127.0.0.1:9/")
    assert secure is not None
    assert subject.trust is not None
    assert secure._client._dialer.tls is subject.trust.context
    await subject.stop()
    assert way._client._closed


async def test_a_way_that_needs_certificates_nobody_can_read_is_no_outage(tmp_path: Path) -> None:
    subject = roads(relay__upstream="http://sentry.example/", http__ca_bundle=str(tmp_path / "none.pem"))
    with pytest.raises(Transient) as caught:
        await subject.side("https://127.0.0.1:9/")
    assert not caught.value.network
    await subject.stop()
