"""The program `scrubjay`: which verbs there are, loaded when they are asked for.

Exit codes: 0 success, 1 an error of configuration or at run time, 2 an error of usage, 3 data lost at shutdown,
4 damage (`spool verify`), 5 an expectation failed (`test`, `capture assert`, `tail --fail-on`), 6 the time was over (`tail`, `capture wait`),
7 a sink is running there already (`capture`).
"""

from __future__ import annotations

import importlib
from typing import Final

import click

from scrubjay import __version__
from scrubjay.cli.verb import Invocation, shared_options

VERBS: Final = {
    "run": ("scrubjay.cli.run:run", "Start the relay."),
    "capture": (
        "scrubjay.cli.capture:capture",
        "Catch what SDKs send to this machine, and show it; ask what was caught.",
    ),
    "tail": ("scrubjay.cli.tail:tail", "Print what is captured, as it comes."),
    "scrub": ("scrubjay.cli.scrub:scrub", "Scrub files as the relay would, or show what it would take."),
    "check": ("scrubjay.cli.check:check", "Load everything, compile every plan, say where each value comes from."),
    "status": ("scrubjay.cli.status:status", "Show how the relay is: workers, upstream, the account, what is held."),
    "drops": ("scrubjay.cli.drops:drops", "Show what was lost last, and why."),
    "spool": ("scrubjay.cli.spool:spool", "Look into the spool, mend it, take out of it, put into it."),
    "pseudonym": ("scrubjay.cli.pseudonym:pseudonym", "Print the name that a value leaves under."),
    "audit": ("scrubjay.cli.audit:audit", "Check and show the log of what scrubbing did."),
    "test": ("scrubjay.cli.test:test", "Run rule tests; see what other rules would change."),
    "quotas": ("scrubjay.cli.quotas:quotas", "Show how far quotas are used up, and what is refused now."),
    "explain": ("scrubjay.cli.explain:explain", "Show what each stage would decide about an envelope, and why."),
    "import": ("scrubjay.cli.import_relay:import_", "Take over the configuration of Sentry Relay."),
    "config": ("scrubjay.cli.config:config", "Show, make or describe the configuration."),
    "credentials": ("scrubjay.cli.credentials:credentials", "The relay's own keys."),
    "dsn": ("scrubjay.cli.dsn:dsn", "Work with DSNs."),
    "healthcheck": ("scrubjay.cli.healthcheck:healthcheck", "Ask a running relay whether it is alive or ready."),
    "generate-completions": ("scrubjay.cli.completions:generate_completions", "Print a shell's completion script."),
}
"""Verb → where it is, and its line in the help, which must not need the import."""

HIDDEN: Final = {"worker": "scrubjay.cli.worker:worker"}
"""Verbs that programs use."""


class Program(click.Group):
    """Imports a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = VERBS[cmd_name][0] if cmd_name in VERBS else HIDDEN.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])


@click.group(cls=Program, params=shared_options(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scrubjay", message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """A relay beside your application: it scrubs, limits, samples, keeps on disk and forwards envelopes."""
    ctx.ensure_object(Invocation)


def main() -> None:
    """The console script."""
    program.main(prog_name="scrubjay")
