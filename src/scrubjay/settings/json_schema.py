"""The configuration as a JSON schema: what editors check and complete while somebody types (`config/schema.json`).

Says of a file what `load` would say, as far as the form of single values goes; what follows from several of them is `resolve`'s. Wherever a
value stands, `${NAME}` and `${file:PATH}` may stand instead. A schema that refuses what is accepted would be worse than one that lets pass
what is not: patterns are no narrower than the parser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args, get_origin

import msgspec

from scrubjay.settings import inert
from scrubjay.settings.fields import ALIASES, FIELDS, SECTIONS
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_members import SERVERS_OWN, TOP
from scrubjay.settings.rule_tests import RuleTestFile
from scrubjay.settings.scalars import show
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Field, Section

Schema = dict[str, Any]

_VARIABLE: Final[Schema] = {"type": "string", "pattern": r"\$\{.+\}"}
_DECIMAL: Final = re.compile(r"\d+\.\d+")
_NUMBER: Final = r"^[0-9]+(\.[0-9]+)?"
_PATTERNS: Final[Mapping[str, str]] = {
    "bytes": _NUMBER + " ?(B|[kMGTPE]B|[KMGTPE]iB|KB)?$",
    "s": _NUMBER + " ?(ms|s|m|h|d)?$",
    "ms": _NUMBER + " ?(ms|s|m|h|d)?$",
    "url": r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\s]+/?$",
    "ip": r"^([0-9]+(\.[0-9]+){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%.+)?)$",
    "cidr": r"^([0-9]+(\.[0-9]+){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%.+)?)(/[0-9.]+)?$",
    "prefix": r"^(/[^?#]*)?$",
    "path": r"^.",
    "host:port": r":[0-9]+$",
    "dsn": r"^[A-Za-z]+://[^@]+@.+/.",
    "proxy": r"^([Hh][Tt][Tt][Pp][Ss]?://|[^/]+$)",
    "redis": r"^(rediss?(\+(sentinel|cluster))?|unix):",
    "relay": r"^.+=.+",
    "tag": r"^[^=]+=",
}
"""By unit: the form of a text."""
_RELAYS: Final[Schema] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"public_key": {"type": "string"}, "internal": {"type": "boolean"}},
        "required": ["public_key"],
        "additionalProperties": False,
    },
}
_TAGS: Final[Schema] = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
_MAPPINGS: Final[Mapping[str, Schema]] = {"relay": _RELAYS, "tag": _TAGS}
_PROJECT_PARTS: Final[Mapping[str, Iterable[str]]] = {
    "ProjectConfig": TOP,
    "ProjectOptions": SERVERS_OWN,
    "PublicKey": (),
    "DataScrubbing": (),
    "ScrubjayOptions": (),
    "SpikeProtection": (),
    "TrustedRelaySettings": (),
}
"""Part of a project file → what the reference knows in it beside what is declared."""


def json_schema() -> str:
    """`$defs/project` describes project files, `$defs/rule_tests` files of rule tests."""
    kinds = (ProjectConfig, RuleTestFile)
    (project, tests), definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for name, others in _PROJECT_PARTS.items():
        part = definitions[name]
        part["properties"] |= {other: {} for other in sorted(others) if other not in part["properties"]}
        part["additionalProperties"] = False
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "scrubjay",
        **_section(Settings, ""),
        "$defs": {"project": project, "rule_tests": tests, **definitions},
    }
    return json.dumps(schema, indent=2) + "\n"


def _section(kind: type[Section], prefix: str) -> Schema:
    properties: Schema = {}
    for name in kind.__struct_fields__:
        key = f"{prefix}{name}"
        properties[name] = _section(SECTIONS[key], f"{key}.") if key in SECTIONS else _field(FIELDS[key])
    known = {**{name: f"Without effect: {why}." for name, why in inert.ELSEWHERE.items()}}
    known |= {name: f"Another name of `{key}`." for name, key in ALIASES.items()}
    for name, text in sorted(known.items()):
        first, _, rest = name.removeprefix(prefix).partition(".")
        if name.startswith(prefix) and not rest:
            properties.setdefault(first, {"description": text})
    return {
        "type": ["object", "null"],
        "description": " ".join((kind.__doc__ or "").split()),
        "properties": properties,
        "additionalProperties": False,
    }


def _field(row: Field) -> Schema:
    kinds = [kind for option in row.options for kind in _option(row, option)]
    described: Schema = {"description": row.note.doc}
    if row.note.default is not None and not isinstance(row.note.default, tuple):
        described["default"] = row.note.default
    if row.note.example:
        described["examples"] = [row.note.example]
    return {**described, "anyOf": [*kinds, _VARIABLE, {"type": "null"}]}


def _option(row: Field, option: Any) -> list[Schema]:
    unit = row.note.unit or ""
    if get_origin(option) is Literal:
        words = get_args(option)
        numbers = [float(word) for word in words if isinstance(word, str) and _DECIMAL.fullmatch(word)]
        return [{"enum": [*words, *numbers]}]
    if get_origin(option) is tuple:
        item = get_args(option)[0]
        entry = {"enum": list(get_args(item))} if get_origin(item) is Literal else _text(unit)
        listed: Schema = {"type": "array", "items": {"anyOf": [entry, _VARIABLE]}}
        return [listed, _MAPPINGS[unit]] if unit in _MAPPINGS else [listed]
    if option is bool:
        return [{"type": "boolean"}, {"enum": ["on", "off"]}]
    if option in (int, float):
        return _number(row, option)
    return [_text(unit)]


def _text(unit: str) -> Schema:
    return {"type": "string", "pattern": _PATTERNS[unit]} if unit in _PATTERNS else {"type": ["string", "number"]}


def _number(row: Field, kind: type) -> list[Schema]:
    unit, low, high = row.note.unit or "", row.note.minimum, row.note.maximum
    number: Schema = {"type": "integer" if kind is int else "number", "minimum": low or 0}
    if high is not None:
        number["maximum"] = high
    pattern = _PATTERNS.get(unit, r"^[+-]?[0-9]+$" if kind is int else r"^[+-]?[0-9]")
    text: Schema = {"type": "string", "pattern": pattern}
    if low or high is not None:
        text["description"] = f"{show(low or 0, row)} to {show(high, row)}" if high else f"at least {show(low, row)}"
    return [number, text]
