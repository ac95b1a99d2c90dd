"""How tables and amounts look on a terminal and in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_WIDTH_IN_A_PIPE = 1_000
_UNBOUNDED = 100_000


def console() -> Console:
    """Standard output; wide in a pipe, where nobody can widen the window."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDTH_IN_A_PIPE, highlight=False)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]], *, right: Iterable[str] = ()) -> Table:
    """Cells are taken as they are: nothing in them is markup. `right`: columns of numbers."""
    made = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False)
    numbers = set(right)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made


def fits(made: Table, out: Console) -> bool:
    """Whether no cell of it has to be folded there."""
    return Measurement.get(out, out.options.update(width=_UNBOUNDED), made).maximum <= out.width


def ago(seconds: float) -> str:
    """`5s`, `3m`, `2h`, `4d`: the largest unit that fits."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"
