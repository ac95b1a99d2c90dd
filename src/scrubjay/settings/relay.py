"""Where it listens, where it forwards to and as how many processes: the section `relay` (`upstream-and-operations.md` 2.3, 2.4)."""

from __future__ import annotations

from typing import Final, Literal

from scrubjay.settings.setting import Section, setting

Mode = Literal["managed", "proxy", "static", "capture"]

MAX_WORKERS: Final = 100
"""As many as the spool has partitions."""


class Relay(Section, frozen=True):
    """Where it listens and where it forwards to."""

    mode: Mode = setting(
        "capture",
        "`managed` registers with the upstream and fetches its projects from it, `static` scrubs by local project files, `proxy` forwards "
        "as it came, `capture` ends in the built-in page.",
        shown="managed with credentials, else static with an upstream, else capture",
    )
    upstream: str | tuple[str, ...] | None = setting(
        None,
        "Server to forward to: scheme, host and port, no path. Of a list the first that is there; the first of all has precedence.",
        unit="url",
        example="https://sentry.example/",
        shown="none; in `managed` and `proxy` `https://sentry.io/`",
    )
    advertised_upstream: str | None = setting(
        None,
        "Upstream for envelopes that is named to relays behind this one, with the configurations they fetch here.",
        unit="url",
        example="https://relay.example/",
        reload=True,
    )
    advertised_version: str = setting(
        "26.10.0",
        "Version of the reference that is named at the registration; servers refuse relays that are too old.",
        unit="version",
        reload=True,
    )
    host: str = setting("127.0.0.1", "Address to listen on.", unit="ip", shown="127.0.0.1; in a container 0.0.0.0")
    port: int = setting(3000, "Port to listen on; 0 takes a free one.", minimum=0, maximum=65535)
    internal_host: str | None = setting(
        None,
        "Address of a second listener, for health, metrics and administration: they answer there and nowhere else.",
        unit="ip",
        example="127.0.0.1",
        shown="none; `host`, if `internal_port` is set",
    )
    internal_port: int | None = setting(
        None,
        "Its port; 0 takes a free one.",
        minimum=0,
        maximum=65535,
        example="3001",
        shown="none; `port`, if `internal_host` is set",
    )
    unix_socket: str | None = setting(
        None,
        "Listen on this Unix socket too, in the clear and for its user and group alone; peers there are trusted proxies.",
        unit="path",
        example="/run/scrubjay/relay.sock",
    )
    workers: int | Literal["auto"] = setting(
        1,
        "Worker processes that share the port; `auto`: one per processor that may be used. Mode `capture` has one.",
        minimum=1,
        maximum=MAX_WORKERS,
    )
    profile: Literal["default", "sidecar"] = setting(
        "default",
        "`sidecar`: one worker, small windows and buffers, under 100 MiB at full load; what is set by itself stays.",
    )
    override_project_ids: bool = setting(
        False, "Accept a project id in the path that is not the plan's; the plan's is used.", reload=True
    )
    state_dir: str | None = setting(
        None,
        "Folder of the state files that `scrubjay status` and `scrubjay drops` read.",
        unit="path",
        example="/var/lib/scrubjay/run",
        shown="`run` in the spool's folder, else a private folder below the system's temporary one",
    )
    trusted_proxies: tuple[str, ...] | None = setting(
        None,
        "Peers whose address headers (`X-Forwarded-For` and its kin) count; addresses or networks.",
        unit="cidr",
        example="[10.0.0.0/8]",
        shown="every peer",
        reload=True,
    )
    shutdown_delay: float = setting(
        0,
        "After SIGTERM keep accepting for this long, while unready (Kubernetes: 5).",
        unit="s",
        minimum=0,
        reload=True,
    )
    config_reload_interval: float | None = setting(
        None,
        "Look for changes of the configuration this often; null: on SIGHUP only.",
        unit="s",
        minimum=0,
        example="30",
        reload=True,
    )

    @property
    def admin_host(self) -> str:
        """Address of the listener on which health, metrics and administration answer."""
        return self.host if self.internal_host is None else self.internal_host

    @property
    def upstreams(self) -> tuple[str, ...]:
        """All of them, the one with precedence first."""
        if self.upstream is None:
            return ()
        return (self.upstream,) if isinstance(self.upstream, str) else self.upstream
