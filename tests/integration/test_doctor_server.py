"""`scrubjay doctor` on the way to servers that are wrong in one way each: it says which, and what to do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scrubjay.cli.findings import Verdict
from support.doctoring import KEY, Setup, compile_once
from support.forward_proxy import ForwardProxy
from support.mini_upstream import Answer, mini_upstream
from support.openssl import Chain, Pair, unreadable
from support.processes import free_port


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(monkeypatch)


LIVE = "/api/0/relays/live/"


async def test_all_is_well(tmp_path: Path) -> None:
    async with mini_upstream() as server:
        found = await Setup(tmp_path, server.url).diagnosed()
        assert not found.bad(but=UNCONFIGURED), found
        assert [each.check for each in found.findings][-4:] == ["tcp", "http", "clock", "probe"]
        (probe,) = server.envelopes
        assert probe.header["event_id"] in found.of("probe")[0].text
        assert b"scrubjay doctor: a probe" in probe.body
        assert f"sentry_key={KEY}" in probe.headers["X-Sentry-Auth"]


async def test_nothing_is_sent_who_only_looks(tmp_path: Path) -> None:
    async with mini_upstream() as server:
        found = await Setup(tmp_path, server.url).diagnosed(probes=False)
        assert not found.of("probe")
        assert not server.envelopes
        assert [arrival.path for arrival in server.arrivals] == [LIVE]


async def test_who_looks_makes_nothing(tmp_path: Path) -> None:
    """The doctor may be another user than the relay, which could then not write where it has to."""
    async with mini_upstream() as server:
        setup = Setup(tmp_path, server.url, spool={"envelopes": {"path": str(tmp_path / "spool")}})
        before = _below(tmp_path)
        found = await setup.diagnosed()
        assert found.of("probe")[0].verdict is Verdict.OK
        assert _below(tmp_path) == before


def _below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_a_name_that_does_not_exist(tmp_path: Path) -> None:
    found = Setup(tmp_path, "http://no-such-server.invalid").diagnose()
    assert "no-such-server.invalid" in found.failed("dns").text
    assert found.findings[-1].verdict is Verdict.SKIPPED


def test_a_port_that_nobody_listens_on(tmp_path: Path) -> None:
    found = Setup(tmp_path, f"http://127.0.0.1:{free_port()}").diagnose()
    assert "nothing listens there" in found.failed("tcp").text
    assert "`relay.upstream`" in found.failed("tcp").remedy


@dataclass(frozen=True)
class Wrong:
    """What a server answers, and what is said of it."""

    name: str
    answers: dict[str, Answer]
    check: str
    text: str
    remedy: str
    is_failure: bool = True


UNCONFIGURED = ("relay", "configuration")
"""No relay runs, and there is no spool."""
PROBED = "/envelope/"
WRONG = [
    Wrong("hangs", {LIVE: Answer(hangs=True)}, "http", "does not answer", "hangs or is overloaded"),
    Wrong("speaks no HTTP", {LIVE: Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n")}, "http", "speaks no HTTP", "host and port"),
    Wrong("hangs up", {LIVE: Answer(reset="after")}, "http", "hangs up", "https://"),
    Wrong("away behind a proxy", {LIVE: Answer(503)}, "http", "answers 503", "start the server behind it"),
    Wrong(
        "moved",
        {LIVE: Answer(302, {"Location": "https://elsewhere.example/"})},
        "http",
        "elsewhere.example",
        "set `relay.upstream` to where it points",
        is_failure=False,
    ),
    Wrong(
        "years behind",
        {LIVE: Answer(headers={"Date": "Mon, 06 Jan 2020 10:00:00 GMT"})},
        "clock",
        "ahead of the server's",
        "NTP",
    ),
    Wrong(
        "years ahead",
        {LIVE: Answer(headers={"Date": "Tue, 06 Jan 2099 10:00:00 GMT"})},
        "clock",
        "behind the server's",
        "NTP",
    ),
    Wrong(
        "does not know the key",
        {PROBED: Answer(403, body=b'{"detail": "bad sentry DSN public key"}')},
        "probe",
        "403 bad sentry DSN public key",
        "compare with its Client Keys",
    ),
    Wrong("wants another key", {PROBED: Answer(401)}, "probe", "answers 401", "compare with its Client Keys"),
    Wrong("is no Sentry", {PROBED: Answer(404)}, "probe", "answers 404", "`http.upstream_path_prefix`"),
    Wrong("takes nothing so large", {PROBED: Answer(413)}, "probe", "answers 413", "client_max_body_size"),
    Wrong(
        "limits the project",
        {PROBED: Answer(429, {"X-Sentry-Rate-Limits": "120:error:project:quota_used", "Retry-After": "120"})},
        "probe",
        "limits this project for 1",
        "raise the project's quota",
    ),
    Wrong("is in trouble", {PROBED: Answer(500)}, "probe", "answers 500", "see its log"),
    Wrong("swallows envelopes", {PROBED: Answer(hangs=True)}, "probe", "no answer to an envelope", "tries again"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=[f"a server that {wrong.name}" for wrong in WRONG])
async def test_an_answer_that_is_wrong(wrong: Wrong, tmp_path: Path) -> None:
    async with mini_upstream() as server:
        server.by_path = wrong.answers
        patience = {"timeout": 0.3} if any(answer.hangs for answer in wrong.answers.values()) else {}
        found = await Setup(tmp_path, server.url, http=patience).diagnosed()
        named = (found.failed if wrong.is_failure else found.warned)(wrong.check)
        assert wrong.text in named.text
        assert wrong.remedy in named.remedy
        assert not [each for each in found.bad(but=(*UNCONFIGURED, wrong.check)) if each is not named], found


async def test_an_encoding_that_the_server_does_not_know(tmp_path: Path) -> None:
    async with mini_upstream(encodings=("identity", "gzip")) as server:
        found = await Setup(tmp_path, server.url).diagnosed()
        assert "zstd refused" in found.warned("probe").text
        assert "`http.encoding: gzip`" in found.warned("probe").remedy


# ---- certificates


@asynccontextmanager
async def _secure(pair: Pair) -> AsyncIterator[str]:
    """A server that shows this certificate: its URL."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.cert, pair.key)
    async with mini_upstream(ssl_context=context) as server:
        yield server.url


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"), "Acme")


async def test_an_authority_that_is_trusted(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("good", days=60)) as url:
        found = await Setup(tmp_path, url, http={"ca_bundle": str(chain.root)}).diagnosed()
        assert "issued by `Acme authority`" in found.of("tls")[0].text
        assert found.of("tls")[0].verdict is Verdict.OK
        assert found.of("probe")[0].verdict is Verdict.OK


async def test_an_authority_that_is_missing_is_named(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("private")) as url:
        found = (await Setup(tmp_path, url).diagnosed()).failed("tls")
        assert "the authority `Acme root` is missing here" in found.text
        assert "issued by `Acme authority`" in found.text
        assert "`http.ca_bundle`" in found.remedy


@pytest.mark.parametrize("is_verified", [True, False])
async def test_a_certificate_that_cannot_be_read(chain: Chain, tmp_path: Path, is_verified: bool) -> None:
    pair = chain.leaf("unreadable")
    async with _secure(unreadable(pair) if is_verified else unreadable(pair, "Acme authority")) as url:
        http = {"ca_bundle": str(chain.root), "insecure_skip_verify": not is_verified}
        found = (await Setup(tmp_path, url, http=http).diagnosed()).failed("tls")
        assert "shows a certificate that cannot be read" in found.text


async def test_a_server_that_leaves_out_what_is_between(chain: Chain, tmp_path: Path) -> None:
    pair = chain.leaf("alone")
    pair.cert.write_text(
        pair.cert.read_text().partition("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n"
    )
    async with _secure(pair) as url:
        setup = Setup(tmp_path, url, http={"ca_bundle": str(chain.root)})
        found = (await setup.diagnosed()).failed("tls")
        assert "the authority `Acme authority` is missing here" in found.text
        assert "the server must send the certificates between" in found.remedy


async def test_a_certificate_that_is_over(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("old", days=-1)) as url:
        found = (await Setup(tmp_path, url, http={"ca_bundle": str(chain.root)}).diagnosed()).failed("tls")
        assert "expired on" in found.text
        assert "renew it on the server" in found.remedy


async def test_a_certificate_that_will_soon_be_over(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("short", days=3)) as url:
        found = await Setup(tmp_path, url, http={"ca_bundle": str(chain.root)}).diagnosed()
        assert "expires in" in found.warned("tls").text
        assert found.of("probe")[0].verdict is Verdict.OK


async def test_a_certificate_for_another_name(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("other", names="DNS:sentry.acme.example")) as url:
        found = (await Setup(tmp_path, url, http={"ca_bundle": str(chain.root)}).diagnosed()).failed("tls")
        assert "for sentry.acme.example, not for 127.0.0.1" in found.text
        assert "`http.tls_server_name: sentry.acme.example`" in found.remedy


async def test_a_certificate_that_is_signed_by_itself(tmp_path: Path, chain: Chain) -> None:
    async with _secure(Pair(chain.root, chain.folder / "root.key")) as url:
        found = (await Setup(tmp_path, url).diagnosed()).failed("tls")
        assert "signed by itself" in found.text


async def test_a_server_that_speaks_no_tls(tmp_path: Path) -> None:
    async with mini_upstream() as server:
        found = (await Setup(tmp_path, server.url.replace("http:", "https:")).diagnosed()).failed("tls")
        assert "speaks no TLS on this port" in found.text
        assert "http://" in found.remedy


def _strict(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Shakes hands with those who show a certificate, until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(5)
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)


def test_a_server_that_wants_a_certificate_of_ours(chain: Chain, tmp_path: Path) -> None:
    pair = chain.leaf("strict", days=60)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(chain.root))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pair.cert, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_strict, args=(listener, context), daemon=True)
        server.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        found = Setup(tmp_path, url, http={"ca_bundle": str(chain.root)}).diagnose().failed("tls")
        listener.shutdown(socket.SHUT_RDWR)
    server.join(5)
    assert "wants a certificate of ours" in found.text
    assert "`http.client_cert`" in found.remedy


def test_a_bundle_that_cannot_be_read(tmp_path: Path) -> None:
    found = Setup(tmp_path, "https://127.0.0.1:9", http={"ca_bundle": str(tmp_path / "none.pem")}).diagnose()
    assert "http.ca_bundle" in found.failed("upstream").text


async def test_nobody_is_verified(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("unverified", days=60)) as url:
        found = await Setup(tmp_path, url, http={"insecure_skip_verify": True}).diagnosed()
        assert "anybody can pretend" in found.warned("tls").text


# ---- proxies


async def test_a_proxy_that_lets_through(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("behind", days=60)) as url, ForwardProxy() as proxy:
        found = await Setup(tmp_path, url, http={"ca_bundle": str(chain.root), "proxy": proxy.url}).diagnosed()
        assert not found.bad(but=UNCONFIGURED), found
        assert "by `http.proxy`" in found.of("proxy")[0].text
        assert "jo:pw" not in repr(found)


async def test_a_proxy_that_does_not(chain: Chain, tmp_path: Path) -> None:
    async with _secure(chain.leaf("walled")) as url, ForwardProxy() as proxy:
        proxy.refuses = True
        found = (await Setup(tmp_path, url, http={"proxy": proxy.url}).diagnosed()).failed("proxy")
        assert "403" in found.text
        assert "NO_PROXY" in found.remedy


def test_a_proxy_that_is_away(tmp_path: Path) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    found = Setup(tmp_path, "https://sentry.example", http={"proxy": proxy}).diagnose().failed("tcp")
    assert found.text.startswith("the proxy 127.0.0.1")
    assert "`http.proxy`" in found.remedy


def test_an_upstream_that_is_this_relay(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    setup.config["relay"]["upstream"] = f"http://localhost:{setup.port}"
    setup.write()
    found = setup.diagnose()
    assert "own" in (found.of("upstream") or found.of("configuration"))[0].text
    assert found.bad()
