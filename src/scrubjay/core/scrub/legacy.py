"""The five legacy switches, converted into the advanced form (scrubbing.md 2).

The JSON form equals what the reference's library makes of the same settings. In memory `sensitiveFields` ignore case, as in the
running reference; JSON cannot say so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from scrubjay.core.scrub.detectors.secrets import SESSION_COOKIES
from scrubjay.core.scrub.selectors import KeyItem, Path, SelectorError, parse_selector, print_selector
from scrubjay.errors import ConfigError

SENSITIVE_RULE = "strip-fields"
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&\-~]")
_BASIC = "($string || $number || $array || $object)"
EXEMPT_PLACES = "debug_meta.** || $frame.filename || $frame.abs_path || $logentry.formatted || $error.value || $http.headers.user-agent"
_IP_FIELDS = "$http.env.REMOTE_ADDR || $user.ip_address || $sdk.client_ip || $span.sentry_tags.'user.ip' || attributes.'client.address'"
AI_KEYS = (
    "gen_ai.input.messages", "gen_ai.prompt", "gen_ai.request.messages", "gen_ai.tool.call.arguments", "gen_ai.tool.input",
    "gen_ai.tool.call.result", "gen_ai.tool.output", "gen_ai.output.messages", "gen_ai.response.tool_calls",
    "gen_ai.response.text", "gen_ai.response.object", "gen_ai.tool.definitions", "gen_ai.request.available_tools",
    "gen_ai.tool.name", "mcp.prompt.result", "mcp.tool.result.content",
)  # fmt: skip
TEXT_RULES = ("@email:replace", "@creditcard:replace", "@iban:replace", "@usssn:replace", "@bearer:replace")


@dataclass(frozen=True, slots=True)
class Switches:
    """The settings, read and checked."""

    scrub_data: bool = False
    scrub_ip_addresses: bool = False
    scrub_defaults: bool = False
    sensitive_fields: tuple[str, ...] = ()
    exclude_fields: tuple[str, ...] = ()

    @property
    def defaults(self) -> bool:
        """Whether the default rule set runs."""
        return self.scrub_data and self.scrub_defaults


def read_switches(settings: Mapping[str, object]) -> Switches:
    """Raises ConfigError on wrong types, null included."""
    if not isinstance(settings, Mapping):
        raise ConfigError("must be an object", path="datascrubbingSettings")

    def flag(name: str) -> bool:
        value = settings.get(name, False)
        if not isinstance(value, bool):
            raise ConfigError("must be true or false", path=f"datascrubbingSettings.{name}")
        return value

    def texts(name: str) -> tuple[str, ...]:
        value = settings.get(name, ())
        if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
            raise ConfigError("must be an array of texts", path=f"datascrubbingSettings.{name}")
        return tuple(value)

    return Switches(
        flag("scrubData"),
        flag("scrubIpAddresses"),
        flag("scrubDefaults"),
        texts("sensitiveFields"),
        texts("excludeFields"),
    )


def sensitive_words(switches: Switches) -> tuple[str, ...]:
    """The entries of `sensitiveFields` that count, trimmed."""
    if not switches.scrub_data:
        return ()
    return tuple(entry for entry in (entry.strip() for entry in switches.sensitive_fields) if entry)


def sensitive_pattern(words: tuple[str, ...]) -> str:
    return "|".join(_SPECIAL.sub(r"\\\g<0>", word) for word in words)


def convert_settings(settings: Mapping[str, object]) -> dict[str, Any]:
    """Legacy settings as an advanced config in JSON form; `{}` if nothing results."""
    switches = read_switches(settings)
    rules: dict[str, Any] = {}
    applications: dict[str, list[str]] = {}
    base: list[str] = []
    if switches.defaults:
        base.append("@common:filter")
    if switches.scrub_ip_addresses:
        base.append("@ip:replace")
    if words := sensitive_words(switches):
        base.append(SENSITIVE_RULE)
        rules[SENSITIVE_RULE] = {
            "type": "redact_pair",
            "keyPattern": sensitive_pattern(words),
            "redaction": {"method": "replace", "text": "[Filtered]"},
        }
    if base:
        applications[_base_selector(switches.exclude_fields)] = base
    if switches.scrub_ip_addresses:
        applications[_IP_FIELDS] = ["@anything:remove"]
    if switches.defaults:
        applications[_texts_selector()] = list(TEXT_RULES)
        applications[_cookie_selector()] = ["@anything:filter"]
        applications[_bulk_cookie_selector()] = ["@cookies:filter"]
    config: dict[str, Any] = {}
    if rules:
        config["rules"] = rules
    if applications:
        config["applications"] = applications
    return config


def _base_selector(exclude_fields: tuple[str, ...]) -> str:
    out = f"{_BASIC} && !({EXEMPT_PLACES})"
    for entry in exclude_fields:
        if not (text := entry.strip()):
            continue
        try:
            excluded = parse_selector(text, legacy_words=False)
        except (SelectorError, RecursionError):
            excluded = Path((KeyItem(text),))
        printed = print_selector(excluded)
        out += f" && !{printed}" if isinstance(excluded, Path) else f" && !({printed})"
    return out


def _texts_selector() -> str:
    paths = ["$logentry.formatted", "$log.body"]
    for key in AI_KEYS:
        paths += [f"$span.data.'{key}'", f"attributes.'{key}'.value"]
    return " || ".join(paths)


def ai_texts_selector() -> str:
    """The same texts in the legacy view, where an attribute is its value (gap G14)."""
    return " || ".join(f"attributes.'{key}'" for key in AI_KEYS)


def _cookie_selector() -> str:
    paths = []
    for cookie in SESSION_COOKIES:
        paths += [
            f"*.cookies.{_printed_key(cookie)}",
            f"*.'http.request.header.cookie.{cookie}'",
            f"*.'http.response.header.set-cookie.{cookie}'",
        ]
    return " || ".join(paths)


def _printed_key(key: str) -> str:
    return print_selector(Path((KeyItem(key),)))


def _bulk_cookie_selector() -> str:
    paths = []
    for key in ("http.request.header.cookie", "http.response.header.set-cookie"):
        paths += [f"*.'{key}'.*", f"*.'{key}'"]
    return " || ".join(paths)


def as_mapping(settings: object) -> Mapping[str, object] | None:
    """Settings as the mapping of JSON, whether they come as one or as a settings struct with snake_case fields."""
    if settings is None or isinstance(settings, Mapping):
        return cast("Mapping[str, object] | None", settings)
    names = {
        "scrub_data": "scrubData",
        "scrub_ip_addresses": "scrubIpAddresses",
        "scrub_defaults": "scrubDefaults",
        "sensitive_fields": "sensitiveFields",
        "exclude_fields": "excludeFields",
    }
    try:
        return {key: getattr(settings, name) for name, key in names.items()}
    except AttributeError:
        raise ConfigError("must be an object", path="datascrubbingSettings") from None
