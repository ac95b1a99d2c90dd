"""The program `scrubjay`: which verbs there are, loaded when they are asked for, and what its exit codes mean."""

from __future__ import annotations

from typing import Final

import click

from scrubjay import __version__
from scrubjay.cli.lazy_group import LazyGroup
from scrubjay.cli.verb import Invocation, shared_options

VERBS: Final = {
    "run": ("scrubjay.cli.run:run", "Start the relay."),
    "capture": (
        "scrubjay.cli.capture:capture",
        "Catch what SDKs send to this machine, and show it; ask what was caught.",
    ),
    "tail": ("scrubjay.cli.tail:tail", "Print what is captured, as it comes."),
    "mcp": ("scrubjay.cli.mcp:mcp", "Let an editor's assistant look at what is captured."),
    "scrub": ("scrubjay.cli.scrub:scrub", "Scrub files as the relay would, or show what it would take."),
    "check": ("scrubjay.cli.check:check", "Load everything, compile every plan, say where each value comes from."),
    "doctor": (
        "scrubjay.cli.doctor:doctor",
        "Look at everything from the configuration to the server; say what to do.",
    ),
    "send": ("scrubjay.cli.send:send", "Send a sample: an error, a transaction, a log, a check-in."),
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

EXIT_CODES: Final = {
    0: "success",
    1: "an error of configuration or at run time; `doctor`, `check`: something is wrong",
    2: "an error of usage: no such verb or flag",
    3: "data was lost at the end of `run`",
    4: "damage: `spool verify`",
    5: "an expectation failed: `test`, `capture assert`, `tail --fail-on`",
    6: "the time was over: `tail`, `capture wait`",
    7: "a sink is running there already: `capture`",
}
HIDDEN: Final = {"worker": "scrubjay.cli.worker:worker"}
"""Verbs that programs use."""


class Program(LazyGroup):
    """All verbs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in EXIT_CODES.items()])


@click.group(
    cls=Program,
    verbs=VERBS,
    hidden=HIDDEN,
    params=shared_options(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="scrubjay", message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """A relay beside your application: it scrubs, limits, samples, keeps on disk and forwards envelopes."""
    ctx.ensure_object(Invocation)


def main() -> None:
    """The console script."""
    program.main(prog_name="scrubjay")
