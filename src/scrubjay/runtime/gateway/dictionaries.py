"""What both sides of a line know of what envelopes look like: zstd dictionaries that an operator put into the spool's folder.

A dictionary is `dict/<id>.zdict`, its id the first 16 hex digits of its SHA-256 (`upstream-and-operations.md` 7.3, 8.3). Files under another
name, or that zstd did not train, are none: a frame has to say which one it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import zstandard

_FOLDER: Final = "dict"
_MAX_BYTES: Final = 1024 * 1024
_MAX_COUNT: Final = 16
_ID_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Dictionary:
    """`data`: as in the file; `zstd`: ready for use."""

    data: bytes
    zstd: zstandard.ZstdCompressionDict

    def is_named_by(self, frame: bytes) -> bool:
        """Whether a zstd frame says that it needs this one."""
        try:
            return bool(zstandard.get_frame_parameters(frame).dict_id == self.zstd.dict_id())
        except zstandard.ZstdError:
            return False


def read_dictionaries(spool: str | None) -> Mapping[str, Dictionary]:
    """By id; none without a spool."""
    folder = Path(spool or "/nonexistent") / _FOLDER
    found: dict[str, Dictionary] = {}
    for path in sorted(folder.glob("*.zdict"))[:_MAX_COUNT]:
        try:
            data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
            dictionary = Dictionary(data, zstandard.ZstdCompressionDict(data))
        except (OSError, zstandard.ZstdError):
            continue
        if dictionary.zstd.dict_id() and path.stem == sha256(data).hexdigest()[:_ID_LENGTH]:
            found[path.stem] = dictionary
    return found
