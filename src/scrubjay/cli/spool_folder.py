"""What the verbs of `scrubjay spool` have in common: which spool, which of its records, and how what is in it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from scrubjay.cli.verb import Invocation
from scrubjay.core.envelope import decode_json
from scrubjay.core.spool_format import age_ms
from scrubjay.errors import ConfigError
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.disk import Clock
from scrubjay.runtime.spool.inspection import Flaw, PartitionView, inspect
from scrubjay.runtime.spool.types import StoredRecord
from scrubjay.runtime.spool_opening import codec_of
from scrubjay.settings.load import Loaded

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_SEQUENCES: Final = re.compile(r"(?P<first>\d{1,20})?(?P<range>-)?(?P<last>\d{1,20})?")
_PARTITION: Final = re.compile(r"p?(\d{1,2})")

path_option = click.option(
    "--path", type=click.Path(path_type=Path), metavar="DIR", help="The spool; default: that of the configuration."
)
state_option = click.option(
    "--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the state files are."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
project_option = click.option("--project", metavar="K", help="Only of this project: its public key, or its id.")


class _Sequences(click.ParamType[range]):
    """`A-B`, `A-`, `-B` or `A`."""

    name = "A-B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> range:
        if isinstance(value, range):
            return value
        match = _SEQUENCES.fullmatch(value)
        if match is None or not (match["first"] or match["last"]):
            self.fail(f"{value!r} is no range of numbers", param, ctx)
        first = int(match["first"] or 0)
        last = int(match["last"]) if match["last"] else 2**64 if match["range"] else first
        return range(first, last + 1)


class _Partition(click.ParamType[int]):
    """`p00`, or the number alone."""

    name = "pNN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = None if isinstance(value, int) else _PARTITION.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is no partition: they are called p00 to p99", param, ctx)
        return int(match[1])


def selection_options(command: Decorated) -> Decorated:
    """`project`, `seq` and `partition`, for `Selection`."""
    for option in (
        click.option("--partition", type=_Partition(), help="Only of this partition."),
        click.option("--seq", type=_Sequences(), help="Only these numbers, which count in each partition."),
        project_option,
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are meant."""

    project: str | None = None
    seq: range | None = None

    def takes(self, sequence: int, meta: bytes) -> bool:
        if self.seq is not None and sequence not in self.seq:
            return False
        if self.project is None:
            return True
        facts = facts_of(meta)
        return self.project in (facts.get("k"), facts.get("p"))


def facts_of(meta: bytes) -> dict[str, Any]:
    """The facts of a record; none, if they cannot be read."""
    try:
        facts = decode_json(meta)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


@dataclass(frozen=True, slots=True)
class SpoolFolder:
    """A spool and what is configured for it."""

    root: Path
    loaded: Loaded
    clock: Clock

    def partitions(self, only: int | None = None) -> list[PartitionView]:
        """Raises `SpoolError`, `ConfigError` where the one that is asked for does not exist."""
        found = inspect(self.root)
        if only is None:
            return found
        found = [each for each in found if each.slot == only]
        if not found:
            raise ConfigError(f"there is no partition p{only:02d} in {self.root}", where="flag --partition")
        return found

    def codec(self) -> Codec:
        """Raises `ConfigError` for a key that is none."""
        return codec_of(self.loaded.settings.spool.envelopes)


def open_folder(invocation: Invocation, path: Path | None, state_dir: Path | None = None) -> SpoolFolder:
    """The spool that a flag names, else that of the configuration. Raises `ConfigError`."""
    flags = {
        key: (str(value), flag)
        for key, value, flag in (
            ("spool.envelopes.path", path, "--path"),
            ("relay.state_dir", state_dir, "--state-dir"),
        )
        if value is not None
    }
    loaded = invocation.load(flags)
    root = loaded.settings.spool.envelopes.path
    if root is None:
        raise ConfigError(
            "no spool is configured", path="spool.envelopes.path", accepted="a folder, there or with --path"
        )
    return SpoolFolder(Path(root), loaded, Clock())


def disk_bytes(partitions: Sequence[PartitionView]) -> int:
    """About how much there is to read."""
    total = 0
    for file in (file for partition in partitions for file in partition.directory.glob("*.seg")):
        with suppress(FileNotFoundError):  # a relay that runs deletes what it has sent
            total += file.lstat().st_size
    return total


def age_s(clock: Clock, record: StoredRecord) -> float:
    """How long a record has waited, since it was received."""
    received = facts_of(record.meta).get("r")
    waited_ms = age_ms(
        received_ms=int(received) if isinstance(received, int | float) else record.written_ms,
        written_ms=record.written_ms,
        written_boot_ms=record.written_boot_ms,
        same_boot=record.same_boot,
        now_ms=clock.wall_ms(),
        now_boot_ms=clock.boot_ms(),
    )
    return waited_ms / 1000


def flaw_text(flaw: Flaw) -> str:
    """A flaw in a sentence."""
    place = f"{flaw.file}, bytes {flaw.offset:,} to {flaw.end:,}"
    lost = f"; {flaw.records:,} records are lost" if flaw.records else ""
    return f"{place}: {_FLAWS[flaw.kind]}{lost}"


_FLAWS: Final = {
    "header": "the segment's header is not one",
    "frames": "no frame stands here",
    "payload": "a frame is not as it was written",
    "torn": "a torn end, as a crash leaves one",
    "acks": "a torn end of acknowledgements; some records may be sent again",
    "unreadable": "the disk cannot read it",
}


def size_text(size_bytes: float) -> str:
    """`512 B`, `1.4 KiB`, `20.0 MiB`."""
    if size_bytes < 1024:
        return f"{int(size_bytes)} B"
    for unit, factor in (("KiB", 1), ("MiB", 2), ("GiB", 3)):
        if size_bytes < 1024 ** (factor + 1):
            return f"{size_bytes / 1024**factor:.1f} {unit}"
    return f"{size_bytes / 1024**4:,.1f} TiB"


def shown(text: object) -> str:
    """What stands in a record, for a terminal: nothing in it moves the cursor."""
    return "".join(char if char.isprintable() else "?" for char in str(text))
