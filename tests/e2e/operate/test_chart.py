"""The chart under the real helm, old and new: for every set of values it gives manifests that a cluster takes, and that fit together."""

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
ON_NODES = {"ports of the node", "volume scrubjay-spool: hostPath", "prepare: may be root", "prepare: has capabilities"}


@pytest.fixture(params=HELMS)
def either(request: pytest.FixtureRequest) -> Helm:
    return helm(request.param)


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_valid_in_every_version_and_fits_together(case: str) -> None:
    old, new = (helm(name).template(RELAY_CHART, CASES[case]) for name in HELMS)
    assert old == new, "both helms give the same"
    assert not findings(new)
    assert not contradictions(new, external=EXTERNAL)


def test_every_value_is_changed_somewhere() -> None:
    values = yaml.safe_load((RELAY_CHART / "values.yaml").read_text())
    changed = {path for case in CASES.values() for key, value in case.items() for path in _paths(value, key)}
    unchanged = {path for path in _paths(values) if not any(f"{path}.".startswith(f"{each}.") for each in changed)}
    assert not {path for path in unchanged if not any(each.startswith(f"{path}.") for each in changed)}


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("daemonset")])
def test_pods_may_run_where_the_standard_restricted_is_enforced(case: str) -> None:
    for manifest in helm("helm-4").template(RELAY_CHART, CASES[case]):
        for spec in pod_specs(manifest):
            assert not violations(spec)


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


@pytest.mark.parametrize("case", CASES)
def test_the_program_takes_the_configuration_without_a_complaint(case: str, tmp_path: Path) -> None:
    manifests = {each["metadata"]["name"]: each for each in helm("helm-4").template(RELAY_CHART, CASES[case])}
    files = {
        **_data(manifests, "-config"),
        **{f"projects/{key}": text for key, text in _data(manifests, "-projects").items()},
    }
    files |= {
        "secrets/admin-token": "t",
        "secrets/redis-url": "redis://redis",
        "secrets/spool-key": "AAAA" * 10 + "AAA=",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    env = {each["name"]: each["value"] for each in CASES[case].get("extraEnv", ())}
    loaded = read(Source(tmp_path, env=env, strict=True))
    assert len(loaded.warnings) == (case == "gateway, no projects"), loaded.warnings
    assert not loaded.projects.problems
    assert set(loaded.settings.relay.upstream or ()) or env


def _paths(value: Any, path: str = "") -> set[str]:
    """The dotted keys at which something other than a map stands."""
    if not isinstance(value, dict) or not value:
        return {path}
    return {inner for key, each in value.items() for inner in _paths(each, f"{path}.{key}".lstrip("."))}


def _data(manifests: dict[str, Manifest], suffix: str) -> dict[str, str]:
    found = next(each for name, each in manifests.items() if name.endswith(suffix) and each["kind"] == "ConfigMap")
    return found.get("data") or {}
