"""`scrubjay test`: rules tried out before they are run.

Without `--against`, the cases of files of rule tests; with it, what other rules would do to recorded traffic, in counts. Exit status
5 where an expectation fails, so that a deployment can be gated on it.
"""

from __future__ import annotations

from pathlib import Path

import click

from scrubjay.cli.verb import Invocation, pass_invocation, verb

EXPECTATION_FAILED = 5
_FILE = click.Path(path_type=Path, exists=True)


@verb("test")
@click.argument("files", metavar="FILE…", nargs=-1, type=_FILE)
@click.option(
    "--against", multiple=True, type=_FILE, metavar="RECORDING", help="Compare rules over recorded traffic instead."
)
@click.option(
    "--baseline", type=_FILE, metavar="OLD", help="The rules until now: a project file, or a file of rule tests."
)
@click.option("--fail-on-less", is_flag=True, help="Exit status 5 if anything is no longer removed.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write the results as JUnit XML too.")
@pass_invocation
@click.pass_context
def test(
    ctx: click.Context,
    invocation: Invocation,
    /,
    files: tuple[Path, ...],
    against: tuple[Path, ...],
    baseline: Path | None,
    fail_on_less: bool,
    as_json: bool,
    junit: Path | None,
) -> None:
    """Try out rules: run rule tests, or see what other rules would change."""
    from scrubjay.cli import rule_report as report
    from scrubjay.cli.rule_trials import compare, expand, run
    from scrubjay.cli.tables import console
    from scrubjay.cli.trial import plan_of

    if not files or bool(against) != bool(baseline):
        raise click.UsageError("give files of rule tests; or the new rules, --baseline and --against")
    loaded = invocation.load()
    if baseline is not None:
        if len(files) != 1:
            raise click.UsageError("--baseline compares with the rules of one file")
        comparison = compare(plan_of(baseline, loaded), plan_of(files[0], loaded), against)
        if as_json:
            click.echo(report.comparison_as_json(comparison))
        else:
            report.show_comparison(console(), comparison)
        ctx.exit(EXPECTATION_FAILED if fail_on_less and comparison.removes_less else 0)
    results = [result for file in expand(files) for result in run(file, loaded)]
    if junit is not None:
        report.write_junit(junit, results)
    if as_json:
        click.echo(report.results_as_json(results))
    else:
        report.show_results(console(), results)
    ctx.exit(EXPECTATION_FAILED if any(result.failures for result in results) else 0)
