"""The folder of project files: reading it, and noticing that it changed (`upstream-and-operations.md` 2.8). Beside it lies what
all projects share (`global_config`).

A file that cannot be used affects its own projects only: they keep the last version that could. The set is replaced as a whole,
and a deleted file takes its projects along. What a file says is `project_parsing`'s, whether that compiles to a plan `core.plan`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, find, locate, read_text
from scrubjay.settings.global_config import GlobalFile, load_global
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_parsing import MAX_ID, parse_project_file, parse_rules, steps_of
from scrubjay.settings.stamps import Stamp, stamp_of

SUFFIXES: Final = (".json", ".yaml", ".yml")
DEFAULT_STEM: Final = "default"
_ABOVE: Final[tuple[tuple[str, ...], ...]] = ((), ("config",), ("config", "piiConfig"))
_GONE: Final = (0, 0, 0)
"""The stamp of a file of rules that is not there: they stay in force, and it is a problem."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One file as it was last seen. `config` is its last good version, `problem` what is wrong with the present one."""

    path: Path
    stamp: Stamp
    config: ProjectConfig | None
    problem: str | None = None
    warnings: tuple[str, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)
    """What `config` was read from."""


@dataclass(frozen=True, slots=True)
class ProjectSet:
    """All projects of a folder, and what they share. `by_key` holds one entry per public key, each with its own key only.

    `documents`: those of the same keys, as they are written; `overlays`: of the keys whose configuration is fetched, what lies over it.
    """

    files: tuple[ProjectFile, ...] = ()
    by_key: Mapping[str, ProjectConfig] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    overlays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
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
                steps = steps_of(f".{dotted}")
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
    return _assemble(tuple(files), (*shared.problems, *skipped), shared, rules, managed=managed)


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
        config, document, slips = parse_project_file(read_text(path), where)
        if slips and strict:
            raise slips[0]
    except ConfigError as error:
        if old is None:
            return ProjectFile(path, stamp, None, str(error))
        return ProjectFile(path, stamp, old.config, str(error), document=old.document)
    placed, warnings = _place(config, path, managed=managed)
    return ProjectFile(path, stamp, placed, None, (*map(str, slips), *warnings), document)


def _read_rules(path: Path, stamp: Stamp, old: ProjectFile | None) -> ProjectFile:
    try:
        config = parse_rules(read_text(path), str(path))
    except ConfigError as error:
        return ProjectFile(path, stamp, old.config if old else None, str(error))
    return ProjectFile(path, stamp, replace(config, public_keys=(), project_id=None))


def _place(config: ProjectConfig, path: Path, *, managed: bool) -> tuple[ProjectConfig | None, tuple[str, ...]]:
    """What the file's name adds to its content; None where the file names no project."""
    warnings = []
    if config.overlay and not managed:
        warnings.append(f"{path}: overlay: nothing is fetched that it could lie over; taken as the whole configuration")
    if path.stem == DEFAULT_STEM:
        if config.public_keys or config.project_id is not None:
            warnings.append(f"{path}: the plan `default` has no publicKeys and no projectId; they are ignored")
        return replace(config, public_keys=(), project_id=None), tuple(warnings)
    if config.project_id is None and not (config.overlay and managed):
        stem = path.stem
        if not (stem.isascii() and stem.isdigit() and int(stem) <= MAX_ID):
            return None, (f"{path}: skipped, no projectId, and the file's name is no number",)
        config = replace(config, project_id=int(stem))
    if not config.public_keys:
        return None, (f"{path}: skipped, no publicKeys",)
    return config, tuple(warnings)


def _assemble(
    files: tuple[ProjectFile, ...], found: tuple[str, ...], shared: GlobalFile, rules: Path | None, *, managed: bool
) -> ProjectSet:
    warnings = [*found, *(warning for file in files for warning in file.warnings)]
    by_key: dict[str, ProjectConfig] = {}
    documents: dict[str, Mapping[str, Any]] = {}
    overlays: dict[str, Mapping[str, Any]] = {}
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
            if config.overlay and managed:
                overlays[key.public_key] = file.document
                continue
            by_key[key.public_key] = replace(config, public_keys=(key,))
            documents[key.public_key] = file.document
    return ProjectSet(files, by_key, documents, overlays, default, tuple(warnings), shared)
