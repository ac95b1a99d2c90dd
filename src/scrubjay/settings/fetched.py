"""A project's configuration as the upstream gives it, and what a local file lays over it (`upstream-and-operations.md` 2.8, 5.2).

Owns what the document of a stranger means. Fetching it is `runtime.managed`'s, compiling it `core.plan`'s. It is taken as it is: without
`datascrubbingSettings` all three switches are off. What guards is strict: with bad members about scrubbing, signatures or who the project is,
nothing is read at all, so that nothing leaves unscrubbed. All else fails by itself: a bad list of quotas is a project without
quotas and a `Problem` (`decisions.md` 12, Q14). Invariant: whatever the document is, nothing but `ConfigError` is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from scrubjay.errors import ConfigError
from scrubjay.settings.project import (
    DataScrubbing,
    Problem,
    ProjectConfig,
    ProjectId,
    ProjectOptions,
    PublicKey,
    ScrubjayOptions,
    SpikeProtection,
    TrustedRelaySettings,
)
from scrubjay.settings.project_parsing import MAX_ID, plain_problem
from scrubjay.settings.texts import Unusable, parse_upstream

_MAX_DEPTH: Final = 100
"""As of a local file."""

_Kind = Literal["filter", "sampling", "quota", "project"]


class _Scrub(Struct, frozen=True):
    scrub: dict[str, Any] = {}


class _Guards(Struct, frozen=True, rename="camel"):
    pii_config: dict[str, Any] | None = None
    datascrubbing_settings: DataScrubbing = DataScrubbing()
    trusted_relay_settings: TrustedRelaySettings = TrustedRelaySettings()
    scrubjay: _Scrub = _Scrub()


class _Strict(Struct, frozen=True, rename="camel"):
    """What must be right; the rest of the document is not looked at."""

    slug: str | None = None
    disabled: bool = False
    project_id: ProjectId | None = None
    config: _Guards = _Guards()


def read_fetched(document: object, key: str) -> tuple[ProjectConfig, tuple[Problem, ...]]:
    """The project as `key` has it, and what of it is left out. Raises: ConfigError."""
    members, strict = _sound(document)
    parts = _Parts()
    options: Mapping[str, Any] = members.get("config", {})
    guards = strict.config
    config = ProjectConfig(
        slug=strict.slug,
        rev=parts.take(members, "rev", str, None),
        disabled=strict.disabled,
        project_id=strict.project_id,
        organization_id=parts.number(members, "organizationId"),
        upstream=parts.upstream(members),
        public_keys=(parts.key(members, key),),
        config=ProjectOptions(
            allowed_domains=parts.texts(options, "allowedDomains", ("*",)),
            pii_config=guards.pii_config,
            datascrubbing_settings=guards.datascrubbing_settings,
            trusted_relays=parts.texts(options, "trustedRelays", ()),
            trusted_relay_settings=guards.trusted_relay_settings,
            filter_settings=parts.take(options, "filterSettings", dict[str, Any], {}, "filter"),
            quotas=parts.take(options, "quotas", tuple[Any, ...], (), "quota"),
            sampling=options.get("sampling"),
            dynamic_sampling=options.get("dynamicSampling"),
            scrubjay=_ours(options.get("scrubjay", {}), guards.scrubjay.scrub, parts),
        ),
    )
    return config, tuple(parts.problems)


def _ours(options: Mapping[str, Any], scrub: dict[str, Any], parts: _Parts) -> ScrubjayOptions:
    """What another scrubjay sends, or an overlay says."""
    return ScrubjayOptions(
        scrub=scrub,
        sampling=parts.take(options, "sampling", tuple[dict[str, Any], ...], (), "sampling"),
        filters=parts.take(options, "filters", tuple[Any, ...], (), "filter"),
        quotas=parts.take(options, "quotas", tuple[Any, ...], (), "quota"),
        spike_protection=parts.take(options, "spike_protection", SpikeProtection, None, "quota"),
    )


class _Parts:
    """Members that may be missing or bad, each without the others. Null is as good as missing."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def take(self, members: Mapping[str, Any], name: str, kind: Any, default: Any, of: _Kind = "project") -> Any:
        value = members.get(name)
        if value is None:
            return default
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._leave_out(name, plain_problem(error)[0], of)
            return default

    def texts(self, members: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list without its bad entries; the default, if it has no others."""
        listed = self.take(members, name, list[Any], None)
        if listed is None:
            return default
        found = tuple(entry for entry in listed if isinstance(entry, str))
        if len(found) != len(listed):
            self._leave_out(name, f"{len(listed) - len(found)} entries are no texts")
        return found if found or not listed else default

    def number(self, members: Mapping[str, Any], name: str) -> int | None:
        found: int | None = self.take(members, name, ProjectId, None)
        if found is not None and found > MAX_ID:
            self._leave_out(name, "an id has at most 64 bits")
            return None
        return found

    def upstream(self, members: Mapping[str, Any]) -> str | None:
        text = self.take(members, "upstream", str, None)
        try:
            return None if text is None else parse_upstream(text)
        except Unusable as error:
            self._leave_out("upstream", str(error))
            return None

    def key(self, members: Mapping[str, Any], key: str) -> PublicKey:
        """The entry of `key`. A project that lists others only is not its own, and takes nothing from it."""
        listed = self.take(members, "publicKeys", list[Any], [])
        keys = [entry for entry in listed if _is_key(entry)]
        for entry in keys:
            if entry["publicKey"] == key:
                is_enabled = self.take(entry, "isEnabled", bool, True)
                return PublicKey(public_key=key, numeric_id=self.number(entry, "numericId"), is_enabled=is_enabled)
        if keys:
            self.problems.append(Problem("project", "publicKeys: the key is not among them, so that it is refused"))
        return PublicKey(public_key=key, is_enabled=not keys)

    def _leave_out(self, name: str, problem: str, kind: _Kind = "project") -> None:
        self.problems.append(Problem(kind, f"{name}: {problem}; left out"))


def overlaid(document: object, overlay: Mapping[str, Any], built_in: Container[str] = ()) -> dict[str, Any]:
    """The document with a local one over it, whose null takes a member away. Both stay as they are.

    A rule of the document that takes the name of a `built_in` one is left out: what the overlay means by `@email` is not for others to say.

    Raises: ConfigError, also for a document that could not be read without the overlay, which must not hide that.
    """
    members, _ = _sound(document)
    _check_depth(overlay)
    over = {name: value for name, value in overlay.items() if name != "overlay"}
    return _merged(_without_rules(members, built_in), over)


def _without_rules(document: dict[str, Any], names: Container[str]) -> dict[str, Any]:
    config = document.get("config", {})
    rules = (config.get("piiConfig") or {}).get("rules")
    if not isinstance(rules, dict) or not any(name in names for name in rules):
        return document
    kept = {name: rule for name, rule in rules.items() if name not in names}
    return {**document, "config": {**config, "piiConfig": {**config["piiConfig"], "rules": kept}}}


_RULES: Final = "config.piiConfig.rules"
_APPLICATIONS: Final = "config.piiConfig.applications"


def _merged(document: Mapping[str, Any], patch: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    made = dict(document)
    for name, value in patch.items():
        path, old = f"{above}{name}", made.get(name)
        if value is None:
            made.pop(name, None)
        elif path in _UNITED and isinstance(value, list):
            # What is no list stays as an entry, so that whoever reads it says so.
            made[name] = _UNITED[path](old if isinstance(old, list) else [] if old is None else [old], value)
        elif above == f"{_APPLICATIONS}." and old is not None:
            made[name] = _appended(old, value, path)
        elif isinstance(value, dict) and above != f"{_RULES}.":
            if path in (_RULES, _APPLICATIONS) and not isinstance(old, dict | None):
                raise ConfigError("expected an object", path=path)
            made[name] = _merged(old if isinstance(old, dict) else {}, value, f"{path}.")
        else:
            made[name] = value
    return made


def _both(theirs: list[Any], ours: list[Any]) -> list[Any]:
    return [*theirs, *(entry for entry in ours if entry not in theirs)]


def _quotas(theirs: list[Any], ours: list[Any]) -> list[Any]:
    """Ours take the place of theirs with the same id."""
    ids = [quota["id"] for quota in ours if isinstance(quota, dict) and quota.get("id") is not None]
    return [*(quota for quota in theirs if not (isinstance(quota, dict) and quota.get("id") in ids)), *ours]


def _keys(theirs: list[Any], ours: list[Any]) -> list[Any]:
    """Ours say what is different with a key that they know; which keys there are is theirs to say, if they do."""
    by_name = {entry["publicKey"]: entry for entry in ours if _is_key(entry)}
    return [{**entry, **by_name.get(entry["publicKey"], {})} for entry in theirs if _is_key(entry)] or ours


def _is_key(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("publicKey"), str)


_UNITED: Final[Mapping[str, Callable[[list[Any], list[Any]], list[Any]]]] = {
    "publicKeys": _keys,
    "config.quotas": _quotas,
    "config.features": _both,
}
"""Lists that are not replaced."""


def _appended(old: object, ours: object, path: str) -> list[Any]:
    """Rules of one selector. A form that says more than which rules speaks of all of them, so that it cannot be joined."""
    if not isinstance(old, list) or not isinstance(ours, list):
        raise ConfigError("rules of both sides can be joined only if both are lists", path=path)
    return _both(old, ours)


def _sound(document: object) -> tuple[dict[str, Any], _Strict]:
    """Its members, and those that must be right. Raises: ConfigError."""
    if not isinstance(document, dict):
        raise ConfigError("expected an object")
    _check_depth(document)
    try:
        msgspec.json.encode(document)
        strict = msgspec.convert(document, _Strict)
    except msgspec.ValidationError as error:
        problem, dotted, _ = plain_problem(error)
        raise ConfigError(problem, path=dotted) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"not JSON: {error}") from None
    if strict.project_id is not None and strict.project_id > MAX_ID:
        raise ConfigError("an id has at most 64 bits", path="projectId")
    return document, strict


def _check_depth(document: object) -> None:
    """Raises: ConfigError, for what is too deep for those who follow it down."""
    level: list[Any] = [document]
    for _ in range(_MAX_DEPTH):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise ConfigError(f"more than {_MAX_DEPTH} levels deep")


def _inside(value: object) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
