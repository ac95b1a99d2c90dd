"""TLS on the listener: a real chain, changing certificates under load, what is spoken, and clients that show their own."""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sentry_sdk

from support.daemon import KEY, Daemon
from support.openssl import Chain, Pair
from support.processes import answers, free_port, wait_for
from support.recorder import Recorder, recording
from support.requirements import tool
from support.tls_load import post, post_once, tls_load, trusting

Daemons = Callable[..., Daemon]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def pair(chain: Chain) -> Pair:
    return chain.leaf("relay")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recording() as server:
        yield server


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, pair: Pair, upstream: Recorder) -> Iterator[Daemon]:
    """One that asks for no certificates, and takes 30 connections at once."""
    daemon = Daemon(
        tmp_path_factory.mktemp("tls") / "relay",
        mode="proxy",
        upstream=upstream.url,
        options={
            "relay": {"internal_port": free_port()},
            "tls": {"cert": str(pair.cert), "key": str(pair.key)},
            "limits": {"max_connections": 30},
        },
    )
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.close()


def failures(daemon: Daemon, reason: str) -> float:
    return daemon.metrics().get(("scrubjay_tls_handshakes_failed_total", frozenset({("reason", reason)})), 0)


def https(daemon: Daemon, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=60, context=context)


# Changing certificates


def swap(folder: Path, version: str, pair: Pair) -> None:
    """As Kubernetes does it: files behind a link behind a link, and one of them changes in one step."""
    made = folder / version
    made.mkdir()
    shutil.copy(pair.cert, made / "tls.crt")
    shutil.copy(pair.key, made / "tls.key")
    (folder / "next").symlink_to(version)
    (folder / "next").rename(folder / "..data")
    for name in ("tls.crt", "tls.key"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")


@pytest.mark.parametrize("workers", [1, 2])
def test_certificates_change_under_load_and_no_request_fails(
    daemons: Daemons, chain: Chain, upstream: Recorder, tmp_path: Path, workers: int
) -> None:
    pairs = [chain.leaf(f"rotated-{workers}-{number}") for number in range(3)]
    secret = tmp_path / "secret"
    secret.mkdir()
    swap(secret, "v0", pairs[0])
    daemon = daemons(
        mode="proxy",
        upstream=upstream.url,
        options={
            "relay": {"workers": workers, "internal_port": free_port()},
            "tls": {"cert": str(secret / "tls.crt"), "key": str(secret / "tls.key")},
        },
    )
    daemon.start()

    def refused() -> float:
        return daemon.metrics().get(("scrubjay_certificates_refused", frozenset({("of", "listener")})), 0)

    def seen(count: int) -> Callable[[], bool]:
        return lambda: len(book.serials) == count and not refused()

    with tls_load(daemon.port, trusting(chain.root)) as book:
        wait_for(lambda: book.answered > 50, "requests are answered")
        swap(secret, "v1", pairs[1])
        daemon.signal(signal.SIGHUP)
        wait_for(seen(2), "the second certificate is shown")
        swap(secret, "half", Pair(pairs[2].cert, pairs[1].key))
        daemon.signal(signal.SIGHUP)
        wait_for(refused, "a pair that does not fit is refused")
        before = book.answered
        wait_for(lambda: book.answered > before + 20, "the old one goes on")
        assert len(book.serials) == 2
        swap(secret, "v2", pairs[2])  # nobody tells it
        wait_for(seen(3), "the third certificate is shown")
        before = book.answered
        wait_for(lambda: book.answered > before + 20, "requests are answered")
    assert book.failures == []
    assert "is not that of the certificate in" in daemon.log
    assert sum(name == "scrubjay_tls_expiry_seconds" for name, _ in daemon.metrics()) == 1
    assert daemon.stop() == 0


@pytest.mark.deep
def test_workers_are_replaced_under_tls_and_no_request_fails(
    daemons: Daemons, chain: Chain, pair: Pair, upstream: Recorder
) -> None:
    """A setting that needs other workers: connections that are being made when one ends are not lost."""
    daemon = daemons(
        mode="proxy",
        upstream=upstream.url,
        options={
            "relay": {"workers": 2, "internal_port": free_port()},
            "tls": {"cert": str(pair.cert), "key": str(pair.key)},
        },
    )
    daemon.start()
    wait_for(lambda: daemon.log.count("is ready") == 2, "both workers are ready")
    with tls_load(daemon.port, trusting(chain.root), keeping=0, making=4) as book:
        wait_for(lambda: book.answered > 50, "requests are answered")
        daemon.configure(tls={"min_version": "1.3"})
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: daemon.log.count("is ready") == 4, "both workers are others")
    assert book.failures == []
    old = trusting(chain.root)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        https(daemon, old).connect()
    wait_for(lambda: failures(daemon, "version") == 1, "it is counted")


# What is spoken


def s_client(daemon: Daemon, chain: Chain, *options: str) -> tuple[bool, str]:
    """Whether `openssl s_client` comes through, and what it says."""
    command = [
        str(tool("openssl")),
        "s_client",
        "-connect",
        f"127.0.0.1:{daemon.port}",
        "-CAfile",
        str(chain.root),
        *options,
    ]
    ended = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
    told = ended.stdout + ended.stderr
    return "Cipher is (NONE)" not in told and "Cipher is" in told, told


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        (("-tls1", "-cipher", "ALL:@SECLEVEL=0"), False),
        (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), False),
        (("-tls1_2",), True),
        (("-tls1_3",), True),
        (("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"), True),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"), True),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"), False),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"), False),
        (("-tls1_2", "-cipher", "AES128-GCM-SHA256"), False),
        (("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"), False),
        (("-tls1_2", "-cipher", "NULL:@SECLEVEL=0"), False),
        (("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"), False),
        (("-tls1_2", "-cipher", "3DES:RC4:@SECLEVEL=0"), False),
    ],
    ids=lambda value: "_".join(value).strip("-") if isinstance(value, tuple) else "",
)
def test_versions_and_ciphers(relay: Daemon, chain: Chain, options: tuple[str, ...], taken: bool) -> None:
    came_through, told = s_client(relay, chain, *options)
    assert came_through == taken, told
    if taken:
        assert "Verify return code: 0 (ok)" in told
        assert "Compression: NONE" in told


def test_the_language_is_agreed_on(relay: Daemon, chain: Chain) -> None:
    assert "ALPN protocol: http/1.1" in s_client(relay, chain, "-alpn", "h2,http/1.1")[1]


def test_nobody_begins_anew_on_an_old_connection(relay: Daemon, chain: Chain) -> None:
    command = [
        str(tool("openssl")),
        "s_client",
        "-connect",
        f"127.0.0.1:{relay.port}",
        "-CAfile",
        str(chain.root),
        "-tls1_2",
    ]
    ended = subprocess.run(command, input="R\n", capture_output=True, text=True, timeout=30, check=False)
    assert "no renegotiation" in (ended.stdout + ended.stderr).lower()


# Clients that do not know us, and clients that we do not know


def test_a_client_with_another_authority_is_named_in_our_log(relay: Daemon, tmp_path: Path) -> None:
    stranger = Chain(tmp_path / "other", "somebody else")
    before = failures(relay, "distrusts_us")
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer certificate"):
        https(relay, trusting(stranger.root)).connect()
    wait_for(lambda: failures(relay, "distrusts_us") > before, "it is counted")
    assert (
        "the client does not trust our certificate: CN=relay.internal, issued by CN=scrubjay test authority"
        in relay.log
    )


def test_who_speaks_in_the_clear_is_told_apart(relay: Daemon) -> None:
    before = failures(relay, "plain_http")
    with pytest.raises((OSError, http.client.HTTPException)):
        post_once(http.client.HTTPConnection("127.0.0.1", relay.port, timeout=10))
    wait_for(lambda: failures(relay, "plain_http") > before, "it is counted")
    assert "the client speaks http to a port of https" in relay.log


def test_clients_have_to_show_a_certificate_of_the_right_authority(
    daemons: Daemons, chain: Chain, pair: Pair, upstream: Recorder, tmp_path: Path
) -> None:
    authority = Chain(tmp_path / "clients", "clients")
    socket_path = tmp_path / "relay.sock"
    daemon = daemons(
        mode="proxy",
        upstream=upstream.url,
        options={
            "relay": {"internal_port": free_port(), "unix_socket": str(socket_path)},
            "tls": {
                "cert": str(pair.cert),
                "key": str(pair.key),
                "client_ca": str(authority.authority),
                "internal": True,
            },
        },
    )
    daemon.launch()
    inside = trusting(chain.root)

    def is_ready() -> bool:
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.admin_port, timeout=5, context=inside)
        with closing(connection), suppress(OSError):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    wait_for(is_ready, "the internal listener speaks TLS and asks probes for nothing")

    def asked(client: Pair | None) -> int:
        context = trusting(chain.root)
        if client is not None:
            context.load_cert_chain(client.cert, client.key)
        return post_once(https(daemon, context))

    assert asked(authority.leaf("right", usage="clientAuth")) == 200
    for wrong in (
        None,
        chain.leaf("stranger", usage="clientAuth"),
        authority.leaf("over", usage="clientAuth", days=-1),
        authority.leaf("server", usage="serverAuth"),
    ):
        with pytest.raises((OSError, http.client.HTTPException)):
            asked(wrong)
    wait_for(lambda: "the client showed no certificate, which tls.client_ca demands" in daemon.log, "it is told")
    wait_for(lambda: "of no authority in tls.client_ca" in daemon.log, "the strangers are told")
    assert daemon.run("healthcheck", "--mode", "ready").returncode == 0
    assert daemon.run("healthcheck", "--addr", f"unix:{socket_path}").returncode == 1, "health is the internal one's"


# Nobody is in anybody's way


def test_slow_handshakes_and_garbage_cost_nobody_else_anything(relay: Daemon, chain: Chain) -> None:
    garbage, gone = failures(relay, "garbage"), failures(relay, "gone")
    slow = [socket.create_connection(("127.0.0.1", relay.port)) for _ in range(20)]
    for each in slow[:10]:
        each.sendall(b"\x16\x03\x01\x02\x00\x01")  # the begin of a hello
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", relay.port)) as noise:
            noise.sendall(b"\x00" * 300)
    with socket.create_connection(("127.0.0.1", relay.port)) as half:
        half.sendall(b"\x16\x03\x01")
    context, taken_s = trusting(chain.root), []
    for _ in range(30):
        began_mono = time.monotonic()
        assert post_once(https(relay, context)) == 200
        taken_s.append(time.monotonic() - began_mono)
    assert sorted(taken_s)[15] < 2.0, "one alone may be the machine's"
    wait_for(lambda: failures(relay, "garbage") - garbage >= 50 and failures(relay, "gone") > gone, "they are counted")
    wait_for(lambda: failures(relay, "timeout") >= 20, "who says nothing is sent away")
    for each in slow:
        each.close()


def test_no_more_connections_than_allowed_are_open(relay: Daemon, chain: Chain) -> None:
    context = trusting(chain.root)
    kept = [https(relay, context) for _ in range(30)]
    for each in kept:
        assert post(each) == 200
    waiting = socket.create_connection(("127.0.0.1", relay.port))
    waiting.settimeout(0.3)
    with waiting, pytest.raises(TimeoutError):
        context.wrap_socket(waiting, server_hostname="127.0.0.1")
    for each in kept:
        each.close()
    assert post_once(https(relay, context)) == 200, "there is room again"


def test_an_sdk_comes_through(relay: Daemon, chain: Chain, upstream: Recorder) -> None:
    client = sentry_sdk.Client(
        f"https://{KEY}@localhost:{relay.port}/1", ca_certs=str(chain.root), default_integrations=False
    )
    client.capture_event({"message": "from an sdk, over tls"})
    client.close(timeout=10)
    wait_for(
        lambda: any(b"from an sdk, over tls" in delivery.body for delivery in upstream.deliveries), "the event arrives"
    )
    assert answers(relay.admin_port, "/readyz")
