"""How far a long job is: a bar on standard error, on a terminal only, gone when the job is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total: int | None, unit: Literal["bytes", "records"]) -> Iterator[Advance]:
    """Gives what is to be called with how much more has been done. `total` None: nobody knows how much there is."""
    if not sys.stderr.isatty():
        yield lambda amount: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    amounts = (DownloadColumn(binary_units=True),) if unit == "bytes" else (MofNCompleteColumn(),)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *amounts,
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=total)
        yield lambda amount: bar.advance(task, amount)
