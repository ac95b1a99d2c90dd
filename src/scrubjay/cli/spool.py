"""`scrubjay spool`: the group; each verb is in a file of its kind, imported when it is used (`upstream-and-operations.md` 7.11)."""

from __future__ import annotations

import importlib
from typing import Final

import click

VERBS: Final = {
    "ls": ("spool_look:ls", "List partitions and segments: what is in each, what of it waits."),
    "stat": ("spool_look:stat", "Sum up what waits: per project, by age, how much space it takes."),
    "cat": ("spool_look:cat", "Write what waits, a JSON object per record."),
    "verify": ("spool_verify:verify", "Read all of it and compare every checksum; exit code 4 on damage."),
    "repair": ("spool_mend:repair", "Set damaged bytes aside, and count what is lost."),
    "export": ("spool_export:export", "Copy what waits into files, or into a stream."),
    "import": ("spool_import:import_", "Put in an export, files of envelopes, the buffer of Sentry Relay."),
    "drop": ("spool_mend:drop", "Take records out for good."),
}
"""Verb → file and name, and its line in the help."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        file, _, name = VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"scrubjay.cli.{file}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])


@click.group("spool", cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def spool() -> None:
    """Look into the spool, mend it, take out of it, put into it.

    `ls`, `stat`, `cat`, `verify` and `export` only read, and work on a relay that runs; so does `import`, which puts what it brings
    into a partition of its own. `repair` and `drop` need a relay that is stopped.
    """
