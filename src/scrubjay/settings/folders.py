"""Where a configuration is looked for when nobody said where (`upstream-and-operations.md` 2.1).

Below the working directory, ours before the reference's; in a container then where the reference's image has its own, so that what was mounted
for it is found, and last what our image brings along. A place beyond the working directory counts only with a file in it, since a volume
may stand there empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scrubjay.settings.resolve import in_container

FILE_NAMES: Final = ("scrubjay.yaml", "config.yml")
FOLDERS: Final = (".scrubjay", ".relay")
MOUNTED: Final = ("/work/.relay", "/etc/relay", "/etc/scrubjay")
"""In a container: below the working directory of the reference's image, at its volume, and what our image brings along."""


def usual_folder(env: Mapping[str, str]) -> Path | None:
    """The first that is there."""
    local = next((path for path in map(Path, FOLDERS) if path.is_dir()), None)
    if local is not None or not in_container(env):
        return local
    return next((path for path in map(Path, MOUNTED) if any((path / name).is_file() for name in FILE_NAMES)), None)
