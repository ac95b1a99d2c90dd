"""The examples at the end of each verb's help: (command, what it does), by the verb as it is called.

They also stand in `docs/command-line.md`. Invariant: each one is a command that this program takes, and each verb has some (a test tries
them all).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Examples = tuple[tuple[str, str], ...]

_KEY: Final = "a94ae32be2584e0bbd7a4cbb95971fee"
_EVENT: Final = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
_DSN: Final = f"https://{_KEY}@sentry.example/1"

EXAMPLES: Final[Mapping[str, Examples]] = {
    "": (
        ("scrubjay run", "start: what is configured, else a capture on this machine"),
        ("scrubjay doctor", "what is wrong, and what to do about it"),
        ("scrubjay send error", "something to look at"),
        ("scrubjay drops", "what was lost last, and why"),
    ),
    "run": (
        ("scrubjay run", "by the configuration in ./.scrubjay, else capture on this machine"),
        ("scrubjay run -c /etc/scrubjay", "by another folder"),
        ("scrubjay run --mode proxy --upstream https://sentry.example", "forward as it came, without a configuration"),
        ("scrubjay run --workers auto", "one worker per processor"),
    ),
    "capture": (
        ("scrubjay capture", "catch; the first lines say what to paste into an app"),
        ("scrubjay capture --record calls.jsonl --open", "keep it in a file too, and open the page"),
        ("scrubjay capture --open-recording calls.jsonl", "look at a recording"),
        ("scrubjay capture run -- pytest", "run a command whose SDK sends to a sink of its own"),
    ),
    "capture assert": (
        ("scrubjay capture assert --type error --exception ValueError --count 1 --within 10s", "exactly one, soon"),
        ("scrubjay capture assert --no-suspects", "nothing that looks personal was left"),
        ("scrubjay capture assert --absent '[\\w.]+@[\\w.]+'", "no mail address anywhere"),
        ("scrubjay capture assert --expect expectations.json", "expectations from a file"),
    ),
    "capture wait": (
        ("scrubjay capture wait --type error", "until there is one; exit code 6 if there is none in time"),
        ("scrubjay capture wait --type transaction --count 3 --timeout 30s", "until there are three"),
    ),
    "capture mark": (
        ("scrubjay capture mark", "print a mark of now, for --since"),
        ('scrubjay capture wait --since "$(scrubjay capture mark)"', "only what comes from now on"),
    ),
    "capture clear": (
        ("scrubjay capture clear", "forget everything"),
        ("scrubjay capture clear --type session", "forget all sessions"),
    ),
    "capture export": (
        ("scrubjay capture export --type error -o errors.jsonl", "all errors, one a line"),
        (f"scrubjay capture export --as markdown {_EVENT}", "one, to paste into an issue"),
        (f"scrubjay capture export --as envelope -o one.envelope {_EVENT}", "as it came, scrubbed"),
    ),
    "capture run": (
        ("scrubjay capture run -- pytest", "with SENTRY_SPOTLIGHT set to a sink of its own"),
        ("scrubjay capture run --dsn --assert expectations.json -- ./app", "also set SENTRY_DSN; judge what came"),
    ),
    "tail": (
        ("scrubjay tail", "all that is captured, as it comes"),
        ("scrubjay tail errors logs --stack", "errors with their stacks, and logs"),
        ("scrubjay tail --diff", "what scrubbing took"),
        ("scrubjay tail --format json --count 10", "ten lines for programs"),
    ),
    "mcp": (
        ("scrubjay mcp", "by the editor; the sink runs with capture.mcp: true"),
        ("scrubjay mcp --port 3000", "of another sink on this machine"),
    ),
    "scrub": (
        ("scrubjay scrub event.json", "what would leave the relay"),
        ("scrubjay scrub -o clean/ recorded/", "a folder of recordings, scrubbed"),
        ("scrubjay scrub --explain event.json", "which rule took what, and what still looks personal"),
        ("scrubjay scrub --diff --project new.yaml event.json", "what a project's new rules would change"),
        ("scrubjay scrub --selectors event.json", "what to write into `applications`"),
    ),
    "check": (
        ("scrubjay check", "each value and its origin; exit code 1 if anything is refused"),
        ("scrubjay check -c conf --strict-config", "unknown keys are errors too: for a deployment's gate"),
        ("scrubjay check --json", "for programs"),
    ),
    "doctor": (
        ("scrubjay doctor", "this configuration, the relay that runs, its server"),
        (f"scrubjay doctor --dsn {_DSN}", "with the key of an application"),
        ("scrubjay doctor --no-probe", "look only, send no event"),
        ("scrubjay doctor --json", "for programs"),
    ),
    "send": (
        ("scrubjay send error", "to the relay of this configuration"),
        (f"scrubjay send transaction --dsn {_DSN}", "somewhere else"),
    ),
    "send error": (
        ("scrubjay send error", "an exception with data that scrubbing takes"),
        ('scrubjay send error --message "after the upgrade"', "with a text to search for"),
        (f"scrubjay send error --dsn {_DSN} --json", "somewhere else, for programs"),
    ),
    "send transaction": (("scrubjay send transaction", "a request with a database query and a call"),),
    "send log": (("scrubjay send log", "three lines of a log"),),
    "send check-in": (
        ("scrubjay send check-in", "a job that begins and ends well"),
        ("scrubjay send check-in --monitor nightly --status error", "one that fails"),
    ),
    "status": (
        ("scrubjay status", "workers, upstream, the account, what is held"),
        ("scrubjay status --json", "for programs"),
        ("scrubjay status --state-dir /var/lib/scrubjay/run", "of a relay whose configuration is elsewhere"),
    ),
    "drops": (
        ("scrubjay drops", "the last losses, counts by reason, remedies"),
        ("scrubjay drops --reason cors -n 100", "only those of one reason"),
        ("scrubjay drops --outcome lost --project 42 --json", "real losses of one project, for programs"),
    ),
    "spool": (
        ("scrubjay spool stat", "how much waits, of whom, since when"),
        ("scrubjay spool verify", "compare every checksum"),
    ),
    "spool ls": (("scrubjay spool ls", "partitions and segments"), ("scrubjay spool ls --json", "for programs")),
    "spool stat": (
        ("scrubjay spool stat", "what waits, by project"),
        ("scrubjay spool stat --path /var/lib/scrubjay", "of another folder"),
    ),
    "spool cat": (
        (f"scrubjay spool cat --project {_KEY}", "headers of what waits of one key"),
        ("scrubjay spool cat --seq 17 --body", "one envelope whole"),
    ),
    "spool verify": (
        ("scrubjay spool verify", "exit code 4 if something is damaged"),
        ("scrubjay spool verify --json", "for programs"),
    ),
    "spool repair": (("scrubjay spool repair", "of a relay that is stopped"),),
    "spool export": (
        ("scrubjay spool export --out waiting/", "copy what waits into files"),
        ("scrubjay spool export --out - | ssh other scrubjay spool import -", "to another machine"),
    ),
    "spool import": (
        ("scrubjay spool import waiting/", "put in what was exported"),
        (f"scrubjay spool import --dsn {_DSN} --scrub old.envelope", "an envelope from elsewhere, scrubbed first"),
    ),
    "spool drop": (
        ("scrubjay spool drop --older-than 2d --dry-run", "what would go"),
        (f"scrubjay spool drop --project {_KEY} --yes", "all of one key, without asking"),
    ),
    "pseudonym": (
        ("printf jane@example.com | scrubjay pseudonym --family email", "the name under which it leaves"),
        ("printf jane | scrubjay pseudonym --scope project --project 42", "where each project has names of its own"),
    ),
    "audit": (("scrubjay audit verify", "nobody edited the log"), ("scrubjay audit show", "what scrubbing did")),
    "audit verify": (
        ("scrubjay audit verify", "the log of this configuration"),
        ("scrubjay audit verify audit.jsonl", "another"),
        ("scrubjay audit verify --json", "for programs"),
    ),
    "audit show": (
        ("scrubjay audit show --project 42", "counts of one project"),
        ("scrubjay audit show --since 2030-01-31 --items --json", "each item since a day, for programs"),
    ),
    "test": (
        ("scrubjay test rules.yaml", "run the cases; exit code 5 if one fails"),
        ("scrubjay test rules.yaml --junit report.xml", "results for CI"),
        (
            "scrubjay test new.yaml --baseline old.yaml --against recorded/ --fail-on-less",
            "what new.yaml removes more, less and otherwise",
        ),
    ),
    "quotas": (
        ("scrubjay quotas --follow", "windows, use, what is refused now, until interrupted"),
        ("scrubjay quotas --owner 'project 42' --json", "of one project, for programs"),
    ),
    "explain": (
        (f"scrubjay explain event.envelope --key {_KEY}", "each stage's decision, by this configuration"),
        ("scrubjay explain --live event.envelope", "by the relay that runs, with its limits as they are"),
        ("scrubjay explain --origin https://shop.example event.envelope", "as if a page had sent it"),
    ),
    "import": (("scrubjay import relay old -o conf", "the configuration of Sentry Relay"),),
    "import relay": (
        ("scrubjay import relay old", "writes .scrubjay"),
        ("scrubjay import relay old -o conf --force", "writes conf, over what is there"),
        ("scrubjay check -c conf", "shows what it means"),
    ),
    "config": (
        ("scrubjay config show", "what is in force"),
        ("scrubjay config init --mode static --upstream https://sentry.example", "make a folder to begin with"),
    ),
    "config show": (
        ("scrubjay config show", "as a file that could be loaded, secrets masked"),
        ("scrubjay config show -f debug", "each value with its origin"),
        ("scrubjay config show -f json", "for programs"),
    ),
    "config init": (
        ("scrubjay config init", "asks, and writes .scrubjay"),
        ("scrubjay config init --yes --mode static --upstream https://sentry.example", "asks nothing"),
    ),
    "config schema": (("scrubjay config schema > schema.json", "for editors"),),
    "config render": (
        ("scrubjay config render", "write the generated pages of this repository"),
        ("scrubjay config render --check", "exit code 1 if one is not up to date"),
    ),
    "credentials": (
        ("scrubjay credentials generate", "a new identity"),
        ("scrubjay credentials show", "id and public key"),
    ),
    "credentials generate": (
        ("scrubjay credentials generate", "writes credentials.json into the config folder"),
        ("scrubjay credentials generate --stdout", "prints them, with the secret, for a secret store"),
    ),
    "credentials show": (("scrubjay credentials show", "never the secret"),),
    "credentials set": (("scrubjay credentials set --id random", "another id, the same keys"),),
    "credentials remove": (("scrubjay credentials remove --yes", "asks nothing"),),
    "dsn": ((f"scrubjay dsn rewrite {_DSN}", "what to configure in the application"),),
    "dsn rewrite": ((f"scrubjay dsn rewrite {_DSN}", "the same key and project, at this relay"),),
    "healthcheck": (
        ("scrubjay healthcheck", "is it alive? exit code 0 or 1"),
        ("scrubjay healthcheck --mode ready --timeout 2", "does it take traffic?"),
    ),
    "generate-completions": (
        ("source <(scrubjay generate-completions -f bash)", "for this shell; put the line into ~/.bashrc for all"),
        (
            "scrubjay generate-completions -f fish > ~/.config/fish/completions/scrubjay.fish",
            "where fish looks for it",
        ),
    ),
}
