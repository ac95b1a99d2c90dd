"""What follows from several settings at once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings import resolve as resolving
from scrubjay.settings.credentials import generate, write_credentials
from scrubjay.settings.load import Loaded, load
from scrubjay.settings.resolve import in_container

LoadText = Callable[..., Loaded]

UPSTREAM = "relay: {upstream: 'https://h'}"


@pytest.mark.parametrize(
    ("text", "mode", "origin"),
    [
        ("", "capture", "default without an upstream"),
        (UPSTREAM, "static", "default with an upstream"),
        ("relay: {mode: capture, upstream: 'https://h'}", "capture", "scrubjay.yaml:1"),
        ("relay: {mode: proxy}", "proxy", "scrubjay.yaml:1"),
    ],
)
def test_the_mode_follows_from_what_is_there(load_text: LoadText, text: str, mode: str, origin: str) -> None:
    loaded = load_text(text)
    assert loaded.settings.relay.mode == mode
    assert loaded.origins["relay.mode"].endswith(origin)


def test_proxy_and_managed_have_the_reference_s_upstream(load_text: LoadText, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mode `static` needs an upstream") as caught:
        load_text("relay: {mode: static}")
    assert caught.value.path == "relay.upstream"
    assert load_text("").settings.relay.upstream is None
    write_credentials(tmp_path / "conf", generate())
    for mode in ("proxy", "managed"):
        loaded = load_text(f"relay: {{mode: {mode}}}")
        assert loaded.settings.relay.upstream == "https://sentry.io/"
        assert loaded.origins["relay.upstream"] == f"default of mode `{mode}`"


def test_operations_8_managed_needs_credentials(load_text: LoadText, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`managed` needs credentials.*`scrubjay credentials generate`") as caught:
        load_text("relay: {mode: managed}")
    assert caught.value.path == "relay.mode"
    write_credentials(tmp_path / "conf", generate())
    assert load_text("relay: {mode: managed}").settings.relay.mode == "managed"
    assert load_text("relay: {mode: proxy}").credentials is not None


def test_credentials_alone_mean_managed(load_text: LoadText, tmp_path: Path) -> None:
    write_credentials(tmp_path / "conf", generate())
    loaded = load_text("")
    assert (loaded.settings.relay.mode, loaded.origins["relay.mode"]) == ("managed", "default with credentials")
    assert not loaded.settings.http.forward
    assert loaded.settings.projects.unknown == "reject"


@pytest.mark.parametrize(("workers", "count"), [("1", 1), ("3", 3), ("auto", 5), ("100", 100)])
def test_workers_are_counted(load_text: LoadText, monkeypatch: pytest.MonkeyPatch, workers: str, count: int) -> None:
    monkeypatch.setattr(resolving, "processors", lambda: 5)
    loaded = load_text(f"relay: {{mode: proxy, workers: {workers}}}")
    assert loaded.settings.relay.workers == count
    assert loaded.origins["relay.workers"] == "`auto`: one per processor" or workers != "auto"
    assert not [text for text in loaded.warnings if "workers" in text]


def test_a_large_machine_has_no_more_workers_than_partitions(
    load_text: LoadText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "processors", lambda: 256)
    assert load_text("relay: {mode: proxy, workers: auto}").settings.relay.workers == 100


def test_auto_can_be_named(load_text: LoadText) -> None:
    loaded = load_text("relay: {mode: proxy, workers: auto}\nlimits: {max_thread_count: 7}")
    assert loaded.settings.relay.workers == 7
    assert loaded.origins["relay.workers"] == "`auto`: limits.max_thread_count"
    assert load_text("relay: {mode: proxy, workers: 2}\nlimits: {max_thread_count: 7}").settings.relay.workers == 2


@pytest.mark.parametrize(("workers", "warned"), [("1", False), ("auto", False), ("4", True)])
def test_a_capture_has_one_worker_and_says_so(load_text: LoadText, workers: str, warned: bool) -> None:
    loaded = load_text(f"relay:\n  workers: {workers}\n")
    assert loaded.settings.relay.workers == 1
    told = [text for text in loaded.warnings if "relay.workers" in text]
    assert bool(told) == warned
    assert all("scrubjay.yaml:2" in text and "mode `capture` runs in one worker" in text for text in told)


def test_the_address_in_a_container(load_text: LoadText, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.settings.load.in_container", lambda env: True)
    loaded = load_text(UPSTREAM)
    assert (loaded.settings.relay.host, loaded.origins["relay.host"]) == ("0.0.0.0", "default in a container")
    assert load_text("relay: {upstream: 'https://h', host: 127.0.0.1}").settings.relay.host == "127.0.0.1"
    assert load_text("").settings.relay.host == "127.0.0.1"  # a capture never opens itself


def test_what_a_container_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files: dict[str, str] = {}

    class FakePath:
        def __init__(self, name: str) -> None:
            self.name = name

        def exists(self) -> bool:
            return self.name in files

        def read_text(self, encoding: str) -> str:
            if self.name not in files:
                raise FileNotFoundError(self.name)
            return files[self.name]

    monkeypatch.setattr(resolving, "Path", FakePath)
    assert not in_container({})
    assert in_container({"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert in_container({"container": "podman"})
    files["/proc/self/cgroup"] = "0::/user.slice\n"
    assert not in_container({})
    files["/proc/self/cgroup"] = "12:pids:/docker/3f\n"
    assert in_container({})
    files.clear()
    files["/.dockerenv"] = ""
    assert in_container({})


def test_the_folder_of_state_files(load_text: LoadText) -> None:
    assert load_text("spool: {envelopes: {path: /s}}").settings.relay.state_dir == "/s/run"
    assert load_text("relay: {state_dir: /r}").settings.relay.state_dir == "/r"
    assert load().settings.relay.state_dir.startswith(tempfile.gettempdir())  # type: ignore[union-attr]


def test_a_spool_named_like_the_reference_s_file(load_text: LoadText, tmp_path: Path) -> None:
    assert load_text("spool: {envelopes: {path: /s/x.db}}").settings.spool.envelopes.path == "/s/x.db.d"
    assert load_text("spool: {envelopes: {path: /s/x.sqlite}}").settings.spool.envelopes.path == "/s/x.sqlite.d"
    (tmp_path / "file").write_text("")
    path = tmp_path / "file"
    assert load_text(f"spool: {{envelopes: {{path: {path}}}}}").settings.spool.envelopes.path == f"{path}.d"
    assert load_text(f"spool: {{envelopes: {{path: {tmp_path}}}}}").settings.spool.envelopes.path == str(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "relay: {upstream: 'http://127.0.0.1:3000'}",
        "relay: {upstream: 'http://localhost:3000'}",
        "relay: {upstream: 'http://192.0.2.1:3000', host: 192.0.2.1}",
        "relay: {upstream: 'http://[::1]:3000', host: '::'}",
        "relay: {upstream: 'http://localhost', port: 80}",
    ],
)
def test_operations_74_a_relay_does_not_feed_itself(load_text: LoadText, text: str) -> None:
    with pytest.raises(ConfigError, match="own address"):
        load_text(text)


@pytest.mark.parametrize(
    "text",
    ["relay: {upstream: 'http://127.0.0.1:3001'}", "relay: {upstream: 'http://127.0.0.1:3000', host: 192.0.2.1}"],
)
def test_operations_74_neighbours_are_fine(load_text: LoadText, text: str) -> None:
    load_text(text)


def test_client_certificates_come_in_pairs(load_text: LoadText) -> None:
    with pytest.raises(ConfigError, match=r"http\.client_cert: a client certificate needs both"):
        load_text("http: {client_cert: x}")
    with pytest.raises(ConfigError, match=r"http\.client_key: a client certificate needs both"):
        load_text("http: {client_key: x}")


def test_a_capture_on_a_network_needs_a_token(load_text: LoadText) -> None:
    with pytest.raises(ConfigError, match=r"needs `capture.token`"):
        load_text("relay: {host: 0.0.0.0}")
    for none in ("''", "' '"):
        with pytest.raises(ConfigError, match=r"needs `capture.token`"):
            load_text(f"relay: {{host: 0.0.0.0}}\ncapture: {{token: {none}}}")
    load_text("relay: {host: 0.0.0.0}\ncapture: {token: t}")
    load_text("relay: {host: '::1'}")


def test_so_does_one_beside_forwarding_which_has_one_worker_too(load_text: LoadText) -> None:
    beside = "relay: {upstream: 'https://h', host: 0.0.0.0, workers: 3}\ncapture: {enabled: true%s}"
    with pytest.raises(ConfigError, match=r"`capture.enabled` shows what it catches"):
        load_text(beside % "")
    loaded = load_text(beside % ", token: t")
    assert loaded.settings.relay.workers == 1
    assert any("`capture.enabled` runs in one worker" in text for text in loaded.warnings)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        (UPSTREAM, "reject"),
        ("relay: {mode: proxy}", "forward"),
        (UPSTREAM + "\nprojects: {unknown: forward}", "forward"),
    ],
)
def test_unknown_projects_by_mode(load_text: LoadText, text: str, unknown: str) -> None:
    assert load_text(text).settings.projects.unknown == unknown


@pytest.mark.parametrize(
    "url",
    ["ftp://h/x", "https://", "h/x", "https://h:0/", "https://h:x/", "https://h/a b", "https://h/ä", "https://[h/"],
)
def test_webhooks_go_to_an_http_address_which_is_not_shown(load_text: LoadText, url: str) -> None:
    with pytest.raises(ConfigError, match=r"webhooks\.url") as refusal:
        load_text(f"webhooks: {{url: '{url}'}}")
    assert url not in str(refusal.value)


def test_webhooks_may_carry_credentials(load_text: LoadText) -> None:
    url = load_text(
        "webhooks: {url: 'https://user:word@h:8443/hooks/x?y=z', events: [spike.start]}"
    ).settings.webhooks.url
    assert url is not None
    assert (str(url), url.reveal()) == ("***", "https://user:word@h:8443/hooks/x?y=z")


def test_events_that_do_not_exist_are_refused(load_text: LoadText) -> None:
    with pytest.raises(ConfigError, match=r"spike\.stop.*unknown word"):
        load_text("webhooks: {events: [spike.stop]}")
