"""`global_config.json`: what goes for all projects (`upstream-and-operations.md` 2.9, 5.6); in mode `managed` the upstream sends the same.

Owns reading the file, noticing that it changed, and what its members mean. Of the reference's members those count that are decided here, `filters` and
`quotas`; their own modules judge them. One bad member counts as missing, and costs no other. A file that cannot be read never stops
a start; while it cannot be read, its last good version stays in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scrubjay.errors import ConfigError
from scrubjay.settings.document import decode_json, read_text
from scrubjay.settings.stamps import Stamp, stamp_of

FILE_NAME: Final = "global_config.json"


@dataclass(frozen=True, slots=True)
class GlobalConfig:
    """`filters`: a list of filters with its version, as it is written; `quotas`: as `config.quotas` of a project."""

    filters: Any = None
    quotas: tuple[Any, ...] = ()


NOTHING_SHARED: Final = GlobalConfig()


@dataclass(frozen=True, slots=True)
class GlobalFile:
    """The file as it was last seen. `config` is its last good version, read from `document`; `problems` what is wrong with the present one."""

    config: GlobalConfig = NOTHING_SHARED
    path: Path | None = None
    stamp: Stamp | None = None
    problems: tuple[str, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_current(self) -> bool:
        """Whether the file is as it was seen. Never raises."""
        return self.path is None or stamp_of(self.path) == self.stamp


def load_global(folder: Path, previous: GlobalFile | None = None) -> GlobalFile:
    """What is in the folder of the configuration. Never raises."""
    path = folder / FILE_NAME
    stamp = stamp_of(path)
    if previous is not None and (previous.path, previous.stamp) == (path, stamp):
        return previous
    if stamp is None:
        return GlobalFile(path=path)
    try:
        document = _read(path)
    except ConfigError as error:
        last_good = GlobalFile() if previous is None else previous
        return GlobalFile(last_good.config, path, stamp, (str(error),), last_good.document)
    config, problems = read_global(document, str(path))
    return GlobalFile(config, path, stamp, problems, document)


def read_global(document: Mapping[str, Any], where: str) -> tuple[GlobalConfig, tuple[str, ...]]:
    """What a document says, and what is wrong with it. Never raises."""
    problems = []
    filters, quotas = document.get("filters"), document.get("quotas")
    if filters is not None and not isinstance(filters, dict):
        problems.append(f"{where}: filters: an object with `version` and `filters` is expected; there are none")
        filters = None
    if quotas is not None and not isinstance(quotas, list):
        problems.append(f"{where}: quotas: a list is expected; there are none")
        quotas = None
    return GlobalConfig(filters, tuple(quotas or ())), tuple(problems)


def _read(path: Path) -> dict[str, Any]:
    document = decode_json(read_text(path), str(path))
    if not isinstance(document, dict):
        raise ConfigError("the file must be an object", where=str(path))
    return document
