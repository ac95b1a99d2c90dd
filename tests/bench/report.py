"""One line of a benchmark's result, and the table of all lines."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure beside its goal; `met` is None where there is no goal."""

    what: str
    figure: str = ""
    goal: str = ""
    met: bool | None = None
    detail: str = ""

    @property
    def verdict(self) -> str:
        return {True: "yes", False: "NO", None: ""}[self.met]


def machine() -> str:
    """What the figures were taken on, in one line."""
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123 - a pseudo file
            model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, Linux {platform.release()}"


def print_row(row: Row) -> None:
    """At once, as a row is known: a run takes minutes."""
    print(f"{row.what:<48} {row.figure:>12} {row.goal:>12} {row.verdict:>4}  {row.detail}".rstrip(), flush=True)


def print_table(groups: Iterable[tuple[str, Iterable[Row]]]) -> list[Row]:
    """Print every group under its title; all rows, for whoever wants to judge them."""
    print(machine())
    print(f"{'':<48} {'figure':>12} {'goal':>12} {'met':>4}")
    seen = []
    for title, rows in groups:
        print(f"-- {title}", flush=True)
        for row in rows:
            print_row(row)
            seen.append(row)
    return seen
