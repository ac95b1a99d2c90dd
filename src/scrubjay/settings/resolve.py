"""What follows from several settings at once: the mode, the address, the folder of state files, and what does not go together.

The table of modes is the first row of the decisions in the specification's `README.md`; the start-up checks are
`upstream-and-operations.md` 2.6, as far as they need no disk and no network.
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from scrubjay.settings.credentials import FILE_NAME
from scrubjay.settings.listeners import Refuse, check_listeners, with_internal
from scrubjay.settings.processors import processors
from scrubjay.settings.profiles import with_profile
from scrubjay.settings.relay import MAX_WORKERS, Mode, Relay
from scrubjay.settings.schema import Settings
from scrubjay.settings.stamps import stamp_of
from scrubjay.settings.texts import web_address

DEFAULT_UPSTREAM: Final = "https://sentry.io/"
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound


def resolve(
    settings: Settings, given: frozenset[str], *, credentials: bool, container: bool, refuse: Refuse
) -> tuple[Settings, dict[str, str]]:
    """Fill in what depends on other settings; `given` are the keys that the operator set.

    Returns the settings and, for each key that was filled in, why. Raises: ConfigError.
    """
    settings, derived = with_profile(settings, given)
    relay = settings.relay
    if "relay.mode" not in given:
        mode, derived["relay.mode"] = _mode(credentials, relay.upstream)
        relay = replace(relay, mode=mode)
    if relay.mode == "managed" and not credentials:
        problem = "mode `managed` needs credentials, by which the upstream knows the relay"
        raise refuse(
            "relay.mode",
            f"{problem}: put them back, or make others (`scrubjay credentials generate`) and tell the upstream",
            f"a {FILE_NAME}, or another mode",
        )
    if relay.upstream is None and relay.mode in ("managed", "proxy"):
        relay = replace(relay, upstream=DEFAULT_UPSTREAM)
        derived["relay.upstream"] = f"default of mode `{relay.mode}`"
    if relay.upstream is None and relay.mode == "static":
        raise refuse("relay.upstream", "mode `static` needs an upstream", "scheme://host[:port]")
    if "relay.host" not in given and container and relay.mode != "capture":
        relay = replace(relay, host="0.0.0.0")  # noqa: S104 - a container's own network
        derived["relay.host"] = "default in a container"
    relay, filled = with_internal(relay)
    derived |= filled
    if relay.workers != 1 and _captures(settings, relay):
        relay = replace(relay, workers=1)
        derived["relay.workers"] = f"{_what_captures(relay)} runs in one worker"
    elif relay.workers == "auto":
        named = settings.limits.max_thread_count
        relay = replace(relay, workers=named or min(MAX_WORKERS, processors()))
        derived["relay.workers"] = "`auto`: limits.max_thread_count" if named else "`auto`: one per processor"
    path = _spool_folder(settings.spool.envelopes.path)
    if relay.state_dir is None:
        relay = replace(relay, state_dir=_state_dir(path, relay.port))
        derived["relay.state_dir"] = "default in the spool" if path else "default"
    settings = replace(settings, relay=relay)
    if path is not None and path != settings.spool.envelopes.path:
        envelopes = replace(settings.spool.envelopes, path=path)
        settings = replace(settings, spool=replace(settings.spool, envelopes=envelopes))
    if settings.projects.unknown == "auto":
        unknown = "forward" if relay.mode == "proxy" else "reject"
        settings = replace(settings, projects=replace(settings.projects, unknown=unknown))
        derived["projects.unknown"] = f"default of mode `{relay.mode}`"
    if "http.forward" not in given and relay.mode == "proxy":
        settings = replace(settings, http=replace(settings.http, forward=True))
        derived["http.forward"] = "default of mode `proxy`"
    _check(settings, refuse)
    check_listeners(settings, refuse)
    return settings, derived


def _mode(credentials: bool, upstream: str | tuple[str, ...] | None) -> tuple[Mode, str]:
    if credentials:
        return "managed", "default with credentials"
    if upstream is not None:
        return "static", "default with an upstream"
    return "capture", "default without an upstream"


def _spool_folder(path: str | None) -> str | None:
    """The reference's spool is a file; ours stands beside it (`upstream-and-operations.md` 2.3)."""
    if path is not None and (path.endswith((".db", ".sqlite")) or stamp_of(Path(path)) is not None):
        return f"{path}.d"
    return path


def _state_dir(spool: str | None, port: int) -> str:
    if spool is not None:
        return str(Path(spool) / "run")
    return str(Path(tempfile.gettempdir()) / f"scrubjay-{os.getuid()}-{port}")


def _check(settings: Settings, refuse: Refuse) -> None:
    relay = settings.relay
    listening = [(relay.host, relay.port)]
    if relay.internal_host is not None and relay.internal_port is not None:
        listening.append((relay.internal_host, relay.internal_port))
    if any(_is_own(upstream, *address) for upstream in relay.upstreams for address in listening):
        raise refuse("relay.upstream", "the upstream is this relay's own address", "another server")
    if relay.upstream is not None and len(set(relay.upstreams)) != max(1, len(relay.upstreams)):
        raise refuse("relay.upstream", "the list is empty, or names a server twice", "different servers")
    if (settings.http.client_cert is None) != (settings.http.client_key is None):
        alone = "http.client_cert" if settings.http.client_key is None else "http.client_key"
        raise refuse(alone, "a client certificate needs both `http.client_cert` and `http.client_key`", "both, or none")
    token = settings.capture.token
    if (
        _captures(settings, relay)
        and not _is_loopback(relay.admin_host)
        and (token is None or not token.reveal().strip())
    ):
        problem = f"{_what_captures(relay)} shows what it catches: on any address but loopback it needs `capture.token`"
        key = "relay.host" if relay.internal_host is None else "relay.internal_host"
        raise refuse(key, problem, "127.0.0.1, or a token")
    if settings.webhooks.url is not None and web_address(settings.webhooks.url.reveal()) is None:
        accepted = "http or https, a host, optionally a port, path and query; ASCII, no spaces"
        raise refuse("webhooks.url", "no HTTP address", accepted)


def _captures(settings: Settings, relay: Relay) -> bool:
    return relay.mode == "capture" or settings.capture.enabled


def _what_captures(relay: Relay) -> str:
    return "mode `capture`" if relay.mode == "capture" else "`capture.enabled`"


def _is_own(upstream: str, host: str, port: int) -> bool:
    parts = urlsplit(upstream)
    names = {host, *_LOCAL_NAMES} if host in _LOCAL_NAMES else {host}
    return parts.hostname in names and (parts.port or {"http": 80, "https": 443}[parts.scheme]) == port


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def in_container(env: Mapping[str, str]) -> bool:
    """Docker, Podman, Kubernetes or our image, where a relay that listens on loopback could not be reached."""
    if {"KUBERNETES_SERVICE_HOST", "container"} & env.keys() or Path("/.dockerenv").exists():
        return True
    try:
        return "/docker" in Path("/proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:
        return False
