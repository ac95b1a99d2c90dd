"""A machine whose wall clock jumps, whose disk fails and whose time flies, for a relay that runs as a process: `faulty_system.c`, compiled on demand.

Owns the compiling and the page in memory through which a test says what is wrong now. Real devices that fail are
`small_disks`', the spool's own seam for a disk `simulated_disk`'s.
"""

from __future__ import annotations

import mmap
import struct
import subprocess
from pathlib import Path
from typing import Final

from support.requirements import tool

SOURCE: Final = Path(__file__).with_name("faulty_system.c")
_PAGE: Final = struct.Struct("=qiiiiq")
ALWAYS: Final = -1


class FaultySystem:
    """Without fault at first. `env` is what a process needs in its environment to live in it."""

    def __init__(self, folder: Path) -> None:
        library, page = folder / "faulty_system.so", folder / "faults"
        compiler = str(tool("gcc", "Debian: gcc libc6-dev"))
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE)], check=True)
        page.write_bytes(bytes(mmap.PAGESIZE))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.env = {"LD_PRELOAD": str(library), "FAULTY_SYSTEM": str(page)}
        self._sync, self._write = (0, 0), (0, 0)
        self.shift_s = 0
        self.passed_s = 0

    def shift_clock(self, seconds: int) -> None:
        """From now on the wall clock is so much ahead of the truth."""
        self.shift_s = seconds
        self._tell()

    def pass_time(self, seconds: int) -> None:
        """So many seconds have gone by at once, by every clock. Who sleeps in the kernel learns of it when it wakes."""
        self.passed_s += seconds
        self._tell()

    def fail_sync(self, number: int, times: int = ALWAYS) -> None:
        self._sync = (number, times)
        self._tell()

    def fail_write(self, number: int, times: int = ALWAYS) -> None:
        self._write = (number, times)
        self._tell()

    def heal(self) -> None:
        """The disk works again."""
        self._sync = self._write = (0, 0)
        self._tell()

    def _tell(self) -> None:
        _PAGE.pack_into(self._page, 0, self.shift_s, *self._sync, *self._write, self.passed_s)
