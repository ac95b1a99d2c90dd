"""The reference's configuration, read and put into ours; whatever has no equivalent is named (`scrubjay import relay`).

Owns the reference's folder (`upstream-and-operations.md` 2): `config.yml`, `projects/*.json` of its mode `static`, and
`global_config.json`. Most keys are the same in both, so what is left to say is which ones mean nothing here, or something else.
Values are never repeated in what is said, since any of them may be a secret. Whether rules compile is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

import msgspec
from yaml.nodes import MappingNode, Node

from scrubjay.errors import ConfigError
from scrubjay.settings import inert
from scrubjay.settings.document import compose, decode_json, is_null, leaves, line_of, read_text, to_plain
from scrubjay.settings.fields import ALIASES, FIELDS, map_of
from scrubjay.settings.global_config import FILE_NAME as GLOBAL_NAME
from scrubjay.settings.project import ProjectOptions
from scrubjay.settings.project_members import SERVERS_OWN, TOP
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.scalars import is_list, parse, takes_one
from scrubjay.settings.suggestions import nearest_key
from scrubjay.settings.texts import Unusable

Kind = Literal["changed", "no equivalent", "unknown", "cannot be used"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

CONFIG: Final = "config.yml"
_UPSTREAM: Final = "https://sentry.io/"
_FILE_REFERENCE: Final = re.compile(r"\$\{file:([^}]*)\}")
_OPTIONS: Final = frozenset(info.encode_name for info in msgspec.structs.fields(ProjectOptions))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that did not come over as it was. `where`: the file, with a line if there is one."""

    kind: Kind
    where: str
    member: str
    text: str


@dataclass(slots=True)
class Imported:
    """`settings`, `projects` (by file name without suffix) and what is `shared` by them, as documents of ours.

    `credentials`: there are some.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    taken: int = 0
    credentials: bool = False

    def note(self, kind: Kind, where: str, member: str, text: str) -> None:
        self.findings.append(Finding(kind, where, member, text))


def read_folder(folder: Path) -> Imported:
    """Raises: ConfigError, if the folder is none of the reference's, or a file cannot be read at all."""
    config, projects = folder / CONFIG, sorted((folder / "projects").glob("*.json"))
    if not config.is_file() and not projects:
        raise ConfigError(
            f"neither {CONFIG} nor projects/*.json", where=str(folder), accepted="a folder of the reference"
        )
    imported = Imported(credentials=(folder / "credentials.json").is_file())
    if config.is_file():
        _read_config(config, imported)
    for path in projects:
        _read_project(path, imported)
    if (folder / GLOBAL_NAME).is_file():
        _read_global_config(folder / GLOBAL_NAME, imported)
    _settle_mode(imported)
    return imported


def _read_config(path: Path, imported: Imported) -> None:
    root = compose(read_text(path), str(path))
    if root is None or is_null(root):
        return
    if not isinstance(root, MappingNode):
        raise ConfigError("the file must be a mapping of sections", where=str(path), line=line_of(root))
    for name, node in leaves(root, str(path)):
        key = ALIASES.get(name, name)
        where = f"{path}:{line_of(node)}"
        if is_null(node):
            continue  # null means the default
        if key in FIELDS or map_of(key) is not None:
            _take_setting(key, node, path, imported)
        elif inert.covers(inert.ELSEWHERE, key):
            imported.note("no equivalent", where, key, inert.why(key))
        else:
            near = nearest_key(key, FIELDS)
            asks = f"; did you mean `{near}`?" if near else ""
            imported.note("unknown", where, key, f"no key of ours, nor a known one of the reference{asks}")


def _take_setting(key: str, node: Node, path: Path, imported: Imported) -> None:
    where = f"{path}:{line_of(node)}"
    value = to_plain(node, str(path))
    whole = map_of(key)
    row, member = FIELDS[whole or key], key.removeprefix(f"{whole}.")
    many = isinstance(value, list)
    texts = value if isinstance(value, list) else [value]
    try:
        if not (is_list(row) and whole is None if many else takes_one(row) or whole is not None):
            raise Unusable("wrong form", "a single value" if many else "a list")
        for text in texts:
            if "${" not in str(text):
                parse(_as_written(text) if whole is None else f"{member}={_as_written(text)}", row)
    except Unusable as error:
        accepted = f"; accepted: {error.accepted}" if error.accepted else ""
        imported.note("cannot be used", where, key, f"the value is not taken{accepted}")
        return
    section = imported.settings
    *sections, name = key.split(".")
    for part in sections:
        section = section.setdefault(part, {})
    section[name] = [_with_paths(text, path) for text in texts] if many else _with_paths(value, path)
    imported.taken += 1


def _as_written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_paths(value: object, path: Path) -> object:
    """Files are named relative to the folder of the configuration, which will be another one."""
    if not isinstance(value, str):
        return value
    return _FILE_REFERENCE.sub(lambda match: f"${{file:{(path.parent / match[1]).absolute()}}}", value)


def _settle_mode(imported: Imported) -> None:
    """The mode and the upstream, which the reference need not name; and what files mean beside projects that are fetched."""
    relay: dict[str, Any] = imported.settings.setdefault("relay", {})
    if "mode" not in relay:
        relay["mode"] = "managed" if imported.credentials else "static"
        if not imported.credentials:
            imported.note(
                "changed", CONFIG, "relay.mode",
                "the default, `managed`, needs credentials, and there are none: `static`, with the projects that were in files and a plan"
                " `default` for all others",
            )  # fmt: skip
            imported.projects.setdefault("default", {"config": {}})
    if relay["mode"] == "managed":
        for stem in imported.projects:
            imported.note(
                "changed", f"projects/{stem}.json", "",
                "not read there: here it takes the place of what the server says of its keys; with `overlay: true` it adds to that",
            )  # fmt: skip
    relay.setdefault("upstream", _UPSTREAM)


# ---- projects


def _read_project(path: Path, imported: Imported) -> None:
    where = str(path)
    try:
        document = decode_json(read_text(path), where)
    except ConfigError as error:
        imported.note("cannot be used", where, "", error.problem)
        return
    if not isinstance(document, dict):
        imported.note("cannot be used", where, "", "no object")
        return
    made = dict(_members(document, where, imported))
    if path.stem.isdecimal() and str(made.get("projectId")) == path.stem:
        del made["projectId"]  # the file's name says it
    try:
        project = parse_project(msgspec.json.encode(made).decode(), where)
    except ConfigError as error:
        imported.note("cannot be used", where, error.path, error.problem)
        return
    if project.project_id is None and not path.stem.isdecimal() and path.stem != "default":
        imported.note("cannot be used", where, "projectId", "there is none, and the file's name is no number")
    elif not project.public_keys and path.stem != "default":
        imported.note("cannot be used", where, "publicKeys", "without a key nothing can reach the project")
    else:
        imported.projects[path.stem] = made


def _members(document: Mapping[str, Any], where: str, imported: Imported) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if name == "publicKeys" and isinstance(value, dict):
            # The oldest form: key → whether it is enabled.
            yield name, [{"publicKey": key, "isEnabled": enabled} for key, enabled in value.items()]
        elif name == "config" and isinstance(value, dict):
            yield name, dict(_options(cast("dict[str, Any]", value), where, imported))
        elif name in ("slug", "rev", "disabled", "publicKeys", "projectId", "organizationId", "upstream"):
            if value is not None:
                yield name, value
        elif name not in TOP:
            imported.note("unknown", where, name, "no member of a project")
    if not document.get("config"):
        yield "config", {}


def _options(config: Mapping[str, Any], where: str, imported: Imported) -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if name in _OPTIONS:
            # Null is as good as absent to the reference.
            if value is not None:
                yield name, value
        elif name in SERVERS_OWN:
            imported.note("no equivalent", where, f"config.{name}", "the server's own business")
        else:
            imported.note("unknown", where, f"config.{name}", "no member of a project's configuration")
    if config.get("datascrubbingSettings") is None:
        imported.note(
            "changed", where, "config.datascrubbingSettings",
            "absent, which was off: here all three switches are on; `datascrubbingSettings: {}` turns them off",
        )  # fmt: skip


def _read_global_config(path: Path, imported: Imported) -> None:
    try:
        document = decode_json(read_text(path), str(path))
    except ConfigError as error:
        imported.note("cannot be used", str(path), "", error.problem)
        return
    for name, value in document.items() if isinstance(document, dict) else ():
        if name in {"quotas", "filters"}:
            imported.shared[name] = value
        else:
            imported.note("no equivalent", str(path), str(name), "not read here")
