"""The chart under the real helm, old and new: for every set of values it gives manifests that a cluster takes, and that fit together."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrubjay.settings.load import Source, read
from support.chart_values import CASES, EXTERNAL, GATEWAY
from support.helm import RELAY_CHART, Helm, Manifest, helm
from support.kubernetes_schemas import VERSIONS, findings, operator_findings
from support.manifests import contradictions, pod_specs
from support.pod_security import violations

HELMS = ("helm-3", "helm-4")
UNPRIVILEGED = "daemonset, no port of the node"
"""All others on nodes have a port or a folder of theirs, which the standard `restricted` forbids."""


@pytest.fixture(params=HELMS)
def either(request: pytest.FixtureRequest) -> Helm:
    return helm(request.param)


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_valid_in_every_version_and_fits_together(case: str) -> None:
    old, new = (helm(name).text(RELAY_CHART, CASES[case]).split() for name in HELMS)
    assert old == new, "both helms give the same"
    manifests = helm("helm-4").template(RELAY_CHART, CASES[case])
    assert not findings(manifests)
    assert not contradictions(manifests, external=EXTERNAL)
    if not case.startswith("daemonset") or case == UNPRIVILEGED:
        assert not [told for each in manifests for spec in pod_specs(each) for told in violations(spec)]


def test_every_value_is_changed_somewhere() -> None:
    values = yaml.safe_load((RELAY_CHART / "values.yaml").read_text())
    changed = {path for case in CASES.values() for key, value in case.items() for path in _paths(value, key)}
    unchanged = {path for path in _paths(values) if not any(f"{path}.".startswith(f"{each}.") for each in changed)}
    assert not {path for path in unchanged if not any(each.startswith(f"{path}.") for each in changed)}


def test_the_operators_own_validators_find_nothing() -> None:
    watched = [
        helm("helm-4").template(RELAY_CHART, values) for values in CASES.values() if "metrics.serviceMonitor" in values
    ]
    everything = [manifest for manifests in watched for manifest in manifests]
    assert {each["kind"] for each in everything} >= {"ServiceMonitor", "PrometheusRule"}
    assert not operator_findings(everything)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_supported_cluster_gets_the_same(version: str) -> None:
    for case in ("gateway, everything", "daemonset, everything"):
        newest = helm("helm-4").text(RELAY_CHART, CASES[case])
        assert helm("helm-4").text(RELAY_CHART, CASES[case], kubernetes=version) == newest


def test_lint_has_nothing_to_say(either: Helm) -> None:
    either.lint(RELAY_CHART, GATEWAY)
    either.lint(RELAY_CHART, CASES["gateway, everything"])


def test_the_package_is_the_chart(either: Helm, tmp_path: Path) -> None:
    archive = either.package(RELAY_CHART, tmp_path)
    assert either.text(archive, CASES["gateway, everything"]) == either.text(RELAY_CHART, CASES["gateway, everything"])


@pytest.mark.parametrize(
    "case", ["gateway", "gateway, open", "gateway, everything", "daemonset", "sidecar", "sidecar, watched"]
)
def test_who_has_installed_it_is_told_what_to_do(case: str) -> None:
    notes = helm("helm-4").notes(RELAY_CHART, CASES[case])
    assert "scrubjay" in notes
    assert "%!" not in notes, "a wrong verb of a format"
    assert "<no value>" not in notes
    assert ("kubectl -n shop exec" in notes) == (not case.startswith("sidecar"))


def test_who_has_installed_mode_managed_is_told_to_register_the_key() -> None:
    managed = {
        "config": {"relay": {"mode": "managed", "upstream": "https://sentry.example/"}},
        "projects": {"default": None},
    }
    managed["credentials"] = {"existingSecret": "relay-identity"}
    notes = helm("helm-4").notes(RELAY_CHART, managed)
    assert "scrubjay credentials show" in notes
    assert "everything is refused" not in notes


@pytest.mark.parametrize(("secret", "is_told"), [(None, True), ("${file:secrets/registration}", False)])
def test_pods_where_relays_register_have_to_share_a_secret(secret: str | None, is_told: bool) -> None:
    auth = {"registration": "local", **({} if secret is None else {"registration_secret": secret})}
    values = {"config": {"relay": {"upstream": "https://sentry.example/"}, "auth": auth}}
    assert ("auth.registration_secret" in helm("helm-4").notes(RELAY_CHART, values)) == is_told


def test_the_program_takes_every_configuration_without_a_complaint(tmp_path: Path) -> None:
    different = {json.dumps([_folder(case), CASES[case].get("extraEnv", [])]): case for case in CASES}
    assert len(different) > 10
    for number, (text, case) in enumerate(different.items()):
        files, variables = json.loads(text)
        for name, content in files.items():
            path = tmp_path / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        env = {each["name"]: each["value"] for each in variables}
        loaded = read(Source(tmp_path / str(number), env=env, strict=True))
        assert len(loaded.warnings) == (case == "gateway, no projects"), (case, loaded.warnings)
        assert not loaded.projects.problems, case
        assert loaded.settings.relay.upstream, case


def _folder(case: str) -> dict[str, str]:
    """The folder of configuration that the pods see: name → content; of Secrets something that could stand in them."""
    manifests = helm("helm-4").template(RELAY_CHART, CASES[case])
    projects = {f"projects/{name}": text for name, text in _data(manifests, "-projects").items()}
    secrets = {"admin-token": "token", "redis-url": "redis://redis", "spool-key": f"{'A' * 43}="}
    return {**_data(manifests, "-config"), **projects, **{f"secrets/{name}": text for name, text in secrets.items()}}


def _paths(value: Any, path: str = "") -> set[str]:
    """The dotted keys at which something other than a map stands."""
    if not isinstance(value, dict) or not value:
        return {path}
    return {inner for key, each in value.items() for inner in _paths(each, f"{path}.{key}".lstrip("."))}


def _data(manifests: list[Manifest], suffix: str) -> dict[str, str]:
    maps = (each for each in manifests if each["kind"] == "ConfigMap" and each["metadata"]["name"].endswith(suffix))
    return next(maps).get("data") or {}
