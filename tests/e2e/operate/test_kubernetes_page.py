"""docs/kubernetes.md says what is so: its values install, its commands exist, its figures of size are those of the chart."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from scrubjay.cli.program import program
from support.helm import RELAY_CHART, HelmError, helm
from support.kubernetes_schemas import findings

PAGE = (Path(__file__).parents[3] / "docs" / "kubernetes.md").read_text()
VALUES = [
    block for block in re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL) if not block.startswith("# of the application")
]
COMMANDS = [line.removeprefix("$ ") for line in PAGE.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("block", VALUES, ids=lambda block: block.split("\n", 1)[0])
def test_the_values_that_it_shows_install(block: str) -> None:
    assert findings(helm("helm-4").template(RELAY_CHART, yaml.safe_load(block))) == []


def test_the_refusal_that_it_shows_is_the_chart_s() -> None:
    command = next(command for command in COMMANDS if command.startswith("helm template"))
    settings = dict(re.findall(r"--set (\w+)=(\d+)", command))
    shown = PAGE.partition(command)[2].partition("```")[0].strip()
    with pytest.raises(HelmError) as refused:
        helm("helm-4").text(RELAY_CHART, {name: int(value) for name, value in settings.items()})
    assert shown in str(refused.value)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("helm ")])
def test_the_words_for_helm_are_helm_s(command: str) -> None:
    words = shlex.split(command)
    for name in ("helm-3", "helm-4"):
        told = subprocess.run(
            [helm(name).program, words[1], "--help"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        assert f"helm {words[1]} " in told
        assert all(f"{word} " in told for word in words if word.startswith("--"))
    assert all((Path(__file__).parents[3] / word).is_dir() for word in words if word.startswith("helm/"))


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if "scrubjay -- scrubjay" in command or command.startswith("scrubjay ")]
)
def test_the_verbs_that_it_names_are_ours(command: str) -> None:
    """And their flags. What pods run is behind the two dashes."""
    words = shlex.split(re.split(r" [<>] ", command.rpartition(" -- ")[2])[0])[1:]
    known: click.Command = program
    context = click.Context(known)
    while words and isinstance(known, click.Group):
        found = known.get_command(context, words.pop(0))
        assert found is not None, command
        known, context = found, click.Context(found, parent=context)
    known.make_context(command, words, resilient_parsing=False)


def test_its_sizes_are_the_chart_s() -> None:
    values = yaml.safe_load((RELAY_CHART / "values.yaml").read_text())
    assert f"default limit of {values['resources']['limits']['memory'][:-2]} MiB" in PAGE
    assert f"the default of {values['resources']['requests']['cpu']} is for a quiet site" in PAGE


def test_what_it_names_is_there() -> None:
    docs = Path(__file__).parents[3] / "docs"
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", PAGE)]
    assert not [link for link in links if link and not (docs / link).is_file()]
    alerts = yaml.safe_load((RELAY_CHART / "files" / "alerts.yaml").read_text())
    known = {rule.get("alert") for group in alerts["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(Scrubjay\w+)`", PAGE)) <= known
