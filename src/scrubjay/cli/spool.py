"""`scrubjay spool`: the group; each verb is in a file of its kind (`upstream-and-operations.md` 7.11)."""

from __future__ import annotations

import click

from scrubjay.cli.spool_export import export
from scrubjay.cli.spool_import import import_
from scrubjay.cli.spool_look import cat, ls, stat
from scrubjay.cli.spool_mend import drop, repair, verify


@click.group("spool")
def spool() -> None:
    """Look into the spool, mend it, take out of it, put into it.

    `ls`, `stat`, `cat`, `verify` and `export` only read, and work on a relay that runs; `import` too, for it puts what it brings into
    a partition of its own. `repair` and `drop` need a relay that is stopped.
    """


for each in (ls, stat, cat, verify, repair, export, import_, drop):
    spool.add_command(each)
