"""Whose envelopes a verb sends, and where a DSN leads: to the relay of this configuration, to its upstream, or somewhere else."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from scrubjay.cli.own_listener import listener_url
from scrubjay.core.dsn import Dsn, parse_dsn
from scrubjay.errors import ConfigError
from scrubjay.runtime.forwarding.origin import Origin
from scrubjay.runtime.names import kept_instance_name
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings

_ANY: frozenset[str] = frozenset(("127.0.0.1", "0.0.0.0", "::1", "::"))  # noqa: S104  compared, not bound


@dataclass(frozen=True, slots=True)
class Target:
    """Whose key. `is_ours`: its DSN, if there is one, leads to this relay or its upstream."""

    key: str
    project_id: int
    is_ours: bool = True


def chosen(dsn: Dsn | None, loaded: Loaded) -> Target | None:
    """That of the DSN, else of the first project; None if there is none."""
    if dsn is not None:
        return Target(dsn.key, dsn.project_id, leads_here(dsn, loaded) or leads_upstream(dsn, loaded))
    return next((Target(key, each.project_id or 0) for key, each in loaded.projects.by_key.items()), None)


def read_dsn(text: str) -> Dsn:
    """Raises `ConfigError`."""
    try:
        return parse_dsn(text)
    except ValueError as error:
        raise ConfigError(
            f"no DSN: {error}", where="flag --dsn", accepted="scheme://key@host[:port]/project"
        ) from error


def leads_here(dsn: Dsn, loaded: Loaded) -> bool:
    ours = Origin.parse(listener_url(loaded.settings))
    names = {ours.host, loaded.settings.relay.host}
    if names & _ANY:
        names |= {"localhost", "127.0.0.1", "[::1]"}
    return _port(dsn) == ours.port and dsn.host.lower() in names


def leads_upstream(dsn: Dsn, loaded: Loaded) -> bool:
    origins = (Origin.parse(url) for url in loaded.settings.relay.upstreams)
    return any((dsn.host.lower().strip("[]"), _port(dsn)) == (origin.host, origin.port) for origin in origins)


def towards(dsn: Dsn, settings: Settings) -> Settings:
    """As if its server were the upstream: names, proxies, certificates and patience are those of this configuration."""
    port = "" if dsn.port is None else f":{dsn.port}"
    return replace(
        settings,
        relay=replace(settings.relay, upstream=f"{dsn.scheme}://{dsn.host}{port}"),
        http=replace(settings.http, upstream_path_prefix=dsn.path),
    )


def as_onlooker(settings: Settings) -> Settings:
    """The same for who is not the relay, and perhaps not its user either: what a relay finds missing in its folder is not made."""
    state_dir = settings.relay.state_dir
    if state_dir is None or kept_instance_name(state_dir):
        return settings
    return replace(settings, relay=replace(settings.relay, state_dir=None))


def _port(dsn: Dsn) -> int:
    return dsn.port or (443 if dsn.scheme == "https" else 80)
