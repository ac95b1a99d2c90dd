"""`scrubjay spool`: the group; each verb is in a file of its kind, imported when it is used (`upstream-and-operations.md` 7.11)."""

from __future__ import annotations

from typing import Final

import click

from scrubjay.cli.lazy_group import LazyGroup

VERBS: Final = {
    "ls": ("scrubjay.cli.spool_look:ls", "List partitions and segments: what is in each, what of it waits."),
    "stat": ("scrubjay.cli.spool_look:stat", "Sum up what waits: per project, by age, how much space it takes."),
    "cat": ("scrubjay.cli.spool_look:cat", "Write what waits, a JSON object per record."),
    "verify": ("scrubjay.cli.spool_verify:verify", "Read all of it and compare every checksum; exit code 4 on damage."),
    "repair": ("scrubjay.cli.spool_mend:repair", "Set damaged bytes aside, and count what is lost."),
    "export": ("scrubjay.cli.spool_export:export", "Copy what waits into files, or into a stream."),
    "import": (
        "scrubjay.cli.spool_import:import_",
        "Put in an export, files of envelopes, the buffer of Sentry Relay.",
    ),
    "drop": ("scrubjay.cli.spool_mend:drop", "Take records out for good."),
}
"""Verb → file and name, and its line in the help."""


@click.group("spool", cls=LazyGroup, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
def spool() -> None:
    """Look into the spool, mend it, take out of it, put into it.

    `ls`, `stat`, `cat`, `verify` and `export` only read, and work on a relay that runs; so does `import`, which puts what it brings
    into a partition of its own. `repair` and `drop` need a relay that is stopped.
    """
