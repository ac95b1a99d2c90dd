"""The folder of project files: reading it, and noticing that it changed (`upstream-and-operations.md` 2.8). Beside it lies what
all projects share (`global_config`).

A file that cannot be used affects its own projects only: they keep the last version that could. The set is replaced as a whole,
and a deleted file takes its projects along. Whether a configuration compiles to a plan is `core.plan`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, decode_json, find, locate, read_text, to_plain
from scrubjay.settings.global_config import GlobalFile, load_global
from scrubjay.settings.project import ProjectConfig, ProjectOptions
from scrubjay.settings.project_members import unknown_members
from scrubjay.settings.stamps import Stamp, stamp_of
from scrubjay.settings.suggestions import shown

SUFFIXES: Final = (".json", ".yaml", ".yml")
DEFAULT_STEM: Final = "default"
RULE_KEYS: Final = frozenset({"rules", "applications", "vars"})
_PATH_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_ABOVE: Final[tuple[tuple[str, ...], ...]] = ((), ("config",), ("config", "piiConfig"))
_GONE: Final = (0, 0, 0)
"""The stamp of a file of rules that is not there: they stay in force, and it is a problem."""
_MAX_ID: Final = 2**64 - 1
_WORDS: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    " | ": " or ",
}
_TYPES: Final = re.compile(r"\b(?:str|int|float|bool|array|object)\b| \| ")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One file as it was last seen. `config` is its last good version, `problem` what is wrong with the present one."""

    path: Path
    stamp: Stamp
    config: ProjectConfig | None
    problem: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectSet:
    """All projects of a folder, and what they share. `by_key` holds one entry per public key, each with its own key only."""

    files: tuple[ProjectFile, ...] = ()
    by_key: Mapping[str, ProjectConfig] = field(default_factory=dict)
    default: ProjectConfig | None = None
    warnings: tuple[str, ...] = ()
    shared: GlobalFile = field(default_factory=GlobalFile)

    @property
    def problems(self) -> tuple[str, ...]:
        """Files that cannot be used as they are now."""
        return tuple(file.problem for file in self.files if file.problem)

    def place_of(self, project: ProjectConfig, dotted: str) -> tuple[str, int | None]:
        """The file of one of these projects, and the line of what `dotted` names in it, as far as they can be told.

        `dotted` begins at the file's root, in `config` or in `config.piiConfig`.
        """
        for file in self.files:
            if file.config is not None and file.config.config is project.config:
                where = str(file.path)
                steps = _steps(f".{dotted}")
                with suppress(ConfigError):
                    root = compose(read_text(file.path), where)
                    lines = (locate(root, [*above, *steps]) for above in _ABOVE if find(root, [*above, *steps[:1]]))
                    return where, next(lines, None)
                return where, None
        return "", None

    def is_current(self, folder: Path | None, rules: Path | None = None) -> bool:
        """Whether the files are as they were seen. Never raises."""
        return self.shared.is_current and {file.path: file.stamp for file in self.files} == scan(folder, rules)


def scan(folder: Path | None, rules: Path | None = None) -> dict[Path, Stamp]:
    """Project files and their stamps. Never raises."""
    found = {path: stamp for path, stamp in _entries(folder) if path.suffix in SUFFIXES and stamp is not None}
    return found if rules is None else {**found, rules: stamp_of(rules) or _GONE}


def load_projects(
    folder: Path | None,
    previous: ProjectSet | None = None,
    *,
    rules: Path | None = None,
    managed: bool = False,
    strict: bool = False,
) -> ProjectSet:
    """Read what changed since `previous`. Never raises: what is wrong stands in `problems` and `warnings`.

    `rules`: a file that says what the plan `default` is, in place of the folder's. `strict`: a file with an unknown member cannot be used.
    """
    known = {file.path: file for file in previous.files} if previous else {}
    files = []
    for path, stamp in scan(folder, rules).items():
        old = known.get(path)
        if old is not None and old.stamp == stamp:
            files.append(old)
        else:
            files.append(
                _read_rules(path, stamp, old)
                if path == rules
                else _read(path, stamp, old, managed=managed, strict=strict)
            )
    skipped = tuple(
        f"{path}: skipped, no regular file named *{', *'.join(SUFFIXES)}"
        for path, stamp in _entries(folder)
        if not path.name.startswith(".") and (stamp is None or path.suffix not in SUFFIXES)
    )
    shared = load_global(folder.parent, previous.shared if previous else None) if folder else GlobalFile()
    return _assemble(tuple(files), (*shared.problems, *skipped), shared, rules)


def _entries(folder: Path | None) -> Iterator[tuple[Path, Stamp | None]]:
    """Everything in the folder, in order of name; no stamp for what is no regular file, or is gone again."""
    try:
        paths = sorted(folder.iterdir()) if folder else []
    except OSError:
        return
    for path in paths:
        yield path, stamp_of(path)


def _read(path: Path, stamp: Stamp, old: ProjectFile | None, *, managed: bool, strict: bool) -> ProjectFile:
    where = str(path)
    try:
        text = read_text(path)
        document = _document(text, where)
        config = _project_of(document, text, where)
        slips = list(_unknown(document, text, where))
        if slips and strict:
            raise slips[0]
    except ConfigError as error:
        return ProjectFile(path, stamp, old.config if old else None, str(error))
    placed, warnings = _place(config, path, managed=managed)
    return ProjectFile(path, stamp, placed, None, (*map(str, slips), *warnings))


def _read_rules(path: Path, stamp: Stamp, old: ProjectFile | None) -> ProjectFile:
    try:
        config = parse_rules(read_text(path), str(path))
    except ConfigError as error:
        return ProjectFile(path, stamp, old.config if old else None, str(error))
    return ProjectFile(path, stamp, replace(config, public_keys=(), project_id=None))


def parse_rules(text: str, where: str) -> ProjectConfig:
    """Rules that stand alone, as in `piiConfig`, beside the default ones; or a whole project. Raises: ConfigError."""
    document = _document(text, where)
    if isinstance(document, dict) and "config" not in document:
        if not document.keys() & RULE_KEYS:
            accepted = f"a project file, or what stands in its `piiConfig`: {', '.join(sorted(RULE_KEYS))}"
            raise ConfigError("there are no rules in it", where=where, accepted=accepted)
        return ProjectConfig(config=ProjectOptions(pii_config=document))
    return parse_project(text, where)


def parse_project(text: str, where: str) -> ProjectConfig:
    """One project in JSON, if `where` says so by its suffix, else in YAML. Raises: ConfigError with path and line."""
    return _project_of(_document(text, where), text, where)


def _project_of(document: object, text: str, where: str) -> ProjectConfig:
    try:
        config = msgspec.convert(document, ProjectConfig)
    except msgspec.ValidationError as error:
        problem, dotted, steps = plain_problem(error)
        said = f"{_quoted(document, steps)}{problem}"
        raise ConfigError(said, where=where, path=dotted, line=_line(text, where, steps)) from error
    for name, number in (("projectId", config.project_id), ("organizationId", config.organization_id)):
        if number is not None and number > _MAX_ID:
            said = f"{shown(str(number))}: an id has at most 64 bits"
            raise ConfigError(said, where=where, path=name, line=_line(text, where, [name]))
    return config


def _unknown(document: object, text: str, where: str) -> Iterator[ConfigError]:
    for steps, near in unknown_members(document):
        dotted = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
        yield ConfigError("unknown member", where=where, path=dotted, line=_line(text, where, steps), near=near)


def plain_problem(error: msgspec.ValidationError) -> tuple[str, str, list[str | int]]:
    """What msgspec found, in an operator's words, and where: as a dotted path, and step by step."""
    problem, _, path = str(error).partition(" - at `$")
    return _plain_words(problem), path.removesuffix("`").removeprefix("."), _steps(path.removesuffix("`"))


def _steps(path: str) -> list[str | int]:
    return [name or int(index) for name, index in _PATH_STEP.findall(path)]


def _document(text: str, where: str) -> object:
    if not where.endswith(".json"):
        return to_plain(compose(text, where), where)
    return decode_json(text, where)


def _line(text: str, where: str, steps: Sequence[str | int]) -> int | None:
    """Best effort: what JSON writes otherwise than YAML has no line."""
    try:
        return locate(compose(text, where), steps) if steps else 1
    except ConfigError:
        return None


def _quoted(document: Any, steps: Sequence[str | int]) -> str:
    """The single value that stands at a place, with a colon; nothing if there is none."""
    for step in steps:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return ""
    if document is None or isinstance(document, dict | list):
        return ""
    return f"{shown(document if isinstance(document, str) else msgspec.json.encode(document).decode())}: "


def _plain_words(problem: str) -> str:
    """msgspec's words for types, in words that an operator of a YAML file knows."""
    problem = re.sub(r"`str` matching regex .*", "a key of 32 characters", problem)
    return _TYPES.sub(lambda match: _WORDS[match[0]], problem.replace("Expected", "expected")).replace("`", "")


def _place(config: ProjectConfig, path: Path, *, managed: bool) -> tuple[ProjectConfig | None, tuple[str, ...]]:
    """What the file's name adds to its content; None where the file names no project."""
    warnings = []
    if config.overlay and not managed:
        warnings.append(f"{path}: overlay: nothing is fetched that it could lie over; taken as the whole configuration")
    if path.stem == DEFAULT_STEM:
        if config.public_keys or config.project_id is not None:
            warnings.append(f"{path}: the plan `default` has no publicKeys and no projectId; they are ignored")
        return replace(config, public_keys=(), project_id=None), tuple(warnings)
    if config.project_id is None:
        stem = path.stem
        if not (stem.isascii() and stem.isdigit() and int(stem) <= _MAX_ID):
            return None, (f"{path}: skipped, no projectId, and the file's name is no number",)
        config = replace(config, project_id=int(stem))
    if not config.public_keys:
        return None, (f"{path}: skipped, no publicKeys",)
    return config, tuple(warnings)


def _assemble(
    files: tuple[ProjectFile, ...], found: tuple[str, ...], shared: GlobalFile, rules: Path | None
) -> ProjectSet:
    warnings = [*found, *(warning for file in files for warning in file.warnings)]
    by_key: dict[str, ProjectConfig] = {}
    owner: dict[str, Path] = {}
    default: ProjectConfig | None = None
    for file in files:
        config = file.config
        if config is None:
            continue
        if file.path == rules:
            default = config
            continue
        if file.path.stem == DEFAULT_STEM:
            if default is not None and rules is None:
                warnings.append(f"{file.path}: a second plan `default`; ignored")
            default = default or config
        for key in config.public_keys:
            if key.public_key in owner:
                warnings.append(f"{file.path}: a key of {owner[key.public_key]} again; ignored")
                continue
            owner[key.public_key] = file.path
            by_key[key.public_key] = replace(config, public_keys=(key,))
    return ProjectSet(files, by_key, default, tuple(warnings), shared)
