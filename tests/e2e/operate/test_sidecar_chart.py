"""What the templates `scrubjay.sidecar.*` make of a chart that includes them, under both helms and in all versions of Kubernetes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.chart_values import ADDED, EXTERNAL, SECRETS, WATCHED
from support.helm import EXAMPLE_CHART, RELAY_CHART, HelmError, Manifest, helm
from support.kubernetes_schemas import finding, findings, operator_findings
from support.manifests import containers, contradictions, pod_specs
from support.pod_security import violations

ROOT = RELAY_CHART.parents[1]
TEMPLATES = sorted(RELAY_CHART.glob("templates/*.tpl"))
HELMS = ("helm-3", "helm-4")
KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
UPSTREAM = {"upstream": "https://errors.example/"}


def _below(values: dict[str, Any]) -> dict[str, Any]:
    """Values of the chart as values of one that depends on it."""
    return {f"scrubjay.{key}": value for key, value in values.items()}


CASES: dict[str, dict[str, Any]] = {
    "as it stands": {},
    "an ordinary container": {"scrubjay.sidecar.native": False},
    "nothing to install": {"packages": []},
    "a RAM disk": {"scrubjay.sidecar.emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
    "watched": _below(WATCHED),
    "watched, over TLS": _below({**WATCHED, "tls.existingSecret": "certificate", "tls.internal": True}),
    "all secrets": _below(SECRETS),
    "more of everything": _below(ADDED),
    "other ports": {"scrubjay.relay.port": 9000, "scrubjay.internalPort": 9001},
    "an ordinary container with everything": {
        "scrubjay.sidecar.native": False,
        **_below({**WATCHED, **SECRETS, **ADDED}),
    },
}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return helm("helm-3").resolve(EXAMPLE_CHART, tmp_path_factory.mktemp("charts"))


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_valid_in_every_version_and_fits_together(case: str, chart: Path) -> None:
    old, new = (helm(name).text(chart, CASES[case]).split() for name in HELMS)
    assert old == new, "both helms give the same"
    manifests = helm("helm-4").template(chart, CASES[case])
    assert not findings(manifests)
    assert not operator_findings(manifests)
    assert not contradictions(manifests, external=EXTERNAL)
    assert not violations(_pod(manifests)), "the application's namespace may enforce the standard `restricted`"


@pytest.mark.parametrize("program", HELMS)
def test_lint_has_nothing_to_say(program: str, chart: Path) -> None:
    helm(program).lint(chart)


def test_a_native_sidecar_is_the_first_to_start_and_nothing_makes_the_pod_unready(chart: Path) -> None:
    pod = _pod(helm("helm-4").template(chart))
    first = pod["initContainers"][0]
    assert (first["name"], first["restartPolicy"]) == ("scrubjay", "Always")
    assert first["startupProbe"]["httpGet"] == {"path": "/startupz", "port": "internal"}
    assert first["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "internal"}
    assert "readinessProbe" not in first
    assert "lifecycle" not in first
    assert [each["name"] for each in pod["containers"]] == ["app"]


def test_an_ordinary_one_is_waited_for_and_waits(chart: Path) -> None:
    pod = _pod(helm("helm-4").template(chart, {"scrubjay.sidecar": {"native": False, "applicationGraceSeconds": 7}}))
    assert [each["name"] for each in pod["initContainers"]] == ["packages"]
    first = pod["containers"][0]
    assert (first["name"], "restartPolicy" in first) == ("scrubjay", False)
    assert first["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "7"]
    assert "scrubjay healthcheck" in first["lifecycle"]["postStart"]["exec"]["command"][2]
    assert pod["terminationGracePeriodSeconds"] == 7 + 10 + 5


@pytest.mark.parametrize(
    ("application_s", "shutdown", "together_s"),
    [(30, None, 45), (0, None, 15), (10, 20, 35), (10, "2m", 135), (10, "1500ms", 17)],
)
def test_the_grace_period_is_the_sum(chart: Path, application_s: int, shutdown: object, together_s: int) -> None:
    limits = {} if shutdown is None else {"limits": {"shutdown_timeout": shutdown}}
    values = {
        "scrubjay.config": {"relay": UPSTREAM, **limits},
        "scrubjay.sidecar.applicationGraceSeconds": application_s,
    }
    assert _pod(helm("helm-4").template(chart, values))["terminationGracePeriodSeconds"] == together_s


@pytest.mark.parametrize(
    ("dsn", "rewritten"),
    [
        (f"https://{KEY}@errors.example/1", f"http://{KEY}@127.0.0.1:3000/1"),
        (f"https://{KEY}:secret@errors.example:8443/42", f"http://{KEY}@127.0.0.1:3000/42"),
        (f"http://{KEY}@o1.errors.example/some/path/7", f"http://{KEY}@127.0.0.1:3000/7"),
        (f"https://{KEY}@[2001:db8::1]:9000/3", f"http://{KEY}@127.0.0.1:3000/3"),
    ],
)
def test_the_application_gets_a_dsn_of_the_relay(chart: Path, dsn: str, rewritten: str) -> None:
    pod = _pod(helm("helm-4").template(chart, {"dsn": dsn}))
    assert {"name": "SENTRY_DSN", "value": rewritten} in pod["containers"][0]["env"]


def test_a_dsn_over_tls_where_the_relay_has_a_certificate(chart: Path) -> None:
    values = {"scrubjay.tls.existingSecret": "certificate", "scrubjay.relay.port": 3443}
    pod = _pod(helm("helm-4").template(chart, values))
    assert {"name": "SENTRY_DSN", "value": f"https://{KEY}@127.0.0.1:3443/1"} in pod["containers"][0]["env"]


def test_the_configuration_is_that_of_a_sidecar(chart: Path) -> None:
    config = yaml.safe_load(_named(helm("helm-4").template(chart), "r-scrubjay-config")["data"]["scrubjay.yaml"])
    assert config["relay"] | {"profile": "sidecar", "host": "127.0.0.1", "internal_host": "0.0.0.0"} == config["relay"]
    assert config["relay"] | {"workers": 1, "shutdown_delay": 0} == config["relay"]
    assert config["spool"]["envelopes"]["ephemeral"] is True
    assert config["spool"]["envelopes"]["max_disk_size"] == "538MiB", "the volume of 700Mi divided by 1.3"


def test_nothing_runs_beside_the_pods_of_the_application(chart: Path) -> None:
    kinds = sorted(each["kind"] for each in helm("helm-4").template(chart))
    assert kinds == ["ConfigMap", "ConfigMap", "ConfigMap", "Deployment"]


def test_names_of_ours_in_the_pod_begin_with_ours(chart: Path) -> None:
    pod = _pod(helm("helm-4").template(chart))
    assert {each["name"] for each in pod["volumes"]} - {"code", "packages", "tmp"} == {
        "scrubjay-config",
        "scrubjay-projects",
        "scrubjay-spool",
        "scrubjay-tmp",
    }
    ours = next(each for each in containers(pod) if each["name"] == "scrubjay")
    assert all(each["name"].startswith("scrubjay-") for each in ours["volumeMounts"])


def test_a_dependency_under_another_name_works_too(tmp_path: Path) -> None:
    chart = helm("helm-4").resolve(EXAMPLE_CHART, tmp_path)
    for path in (chart / "Chart.yaml", chart / "values.yaml", *chart.glob("templates/*.yaml")):
        text = path.read_text().replace(".Subcharts.scrubjay", ".Subcharts.relay").replace("\nscrubjay:", "\nrelay:")
        path.write_text(text.replace("- name: scrubjay\n", "- name: scrubjay\n    alias: relay\n"))
    for program in HELMS:
        manifests = helm(program).template(chart)
        assert not findings(manifests)
        assert not contradictions(manifests)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"scrubjay.shape": "gateway"}, "a chart that includes the templates of the sidecar must set it to sidecar"),
        ({"dsn": "https://errors.example/1"}, "the application's DSN must be scheme://KEY@HOST/PROJECT"),
        ({"dsn": "https://public@errors.example/1"}, "with a key of 32 characters"),
        (
            {"scrubjay.config": {"relay": UPSTREAM, "limits": {"shutdown_timeout": "${WAIT}"}}},
            "config.limits.shutdown_timeout is ${WAIT}: a sidecar's must be a duration",
        ),
        ({"scrubjay.replicaCounts": 1}, "replicaCounts"),
    ],
    ids=["gateway beside it", "no DSN", "no key", "unknown time to end", "a value that does not exist"],
)
@pytest.mark.parametrize("program", HELMS)
def test_wrong_values_are_refused_in_words(values: dict[str, Any], told: str, program: str, chart: Path) -> None:
    with pytest.raises(HelmError) as refused:
        helm(program).text(chart, values)
    assert told in str(refused.value)


def test_the_chart_of_the_page_is_one(tmp_path: Path) -> None:
    for program in HELMS:
        chart = helm(program).resolve(_chart_of_the_page(tmp_path / f"of {program}"), tmp_path / program)
        manifests = helm(program).template(chart)
        assert not findings(manifests)
        assert not contradictions(manifests)
        pod = _pod(manifests)
        assert [each["name"] for each in containers(pod)] == ["scrubjay", "shop"]
        assert {"name": "SENTRY_DSN", "value": f"http://{KEY}@127.0.0.1:3000/1"} in pod["containers"][0]["env"]


def test_the_gateway_of_the_page_is_one() -> None:
    page = (ROOT / "docs" / "sidecar.md").read_text()
    (values,) = re.findall(r"^```yaml\n(config:\n.+?)^```$", page, re.MULTILINE | re.DOTALL)
    manifests = helm("helm-4").template(RELAY_CHART, yaml.safe_load(values))
    assert not findings(manifests)
    assert not contradictions(manifests)
    config = yaml.safe_load(_named(manifests, "r-scrubjay-config")["data"]["scrubjay.yaml"])
    assert config["gateway"] == {"batch_require_auth": False}


def test_older_clusters_get_an_ordinary_container(tmp_path: Path) -> None:
    chart = helm("helm-3").resolve(_chart_of_the_page(tmp_path / "page"), tmp_path / "resolved")
    for version, native, is_taken in (("1.25", False, True), ("1.25", True, False), ("1.29", True, True)):
        manifests = helm("helm-3").template(chart, {"scrubjay.sidecar.native": native}, kubernetes=version)
        workload = next(each for each in manifests if each["kind"] == "Deployment")
        assert (finding(json.dumps(workload), version) is None) == is_taken


def test_the_page_names_every_template() -> None:
    page = (ROOT / "docs" / "sidecar.md").read_text()
    defined = re.findall(r'define "(scrubjay\.sidecar\.\w+)"', "".join(path.read_text() for path in TEMPLATES))
    for name in set(defined) - {f"scrubjay.sidecar.{inner}" for inner in ("config", "container", "check")}:
        assert f"| `{name}` |" in page


def _chart_of_the_page(folder: Path) -> Path:
    """The files that docs/sidecar.md shows, each in a block that begins with its name."""
    page = (ROOT / "docs" / "sidecar.md").read_text()
    blocks = dict(re.findall(r"^```yaml\n# (\S+)\n(.+?)^```$", page, re.MULTILINE | re.DOTALL))
    assert sorted(blocks) == ["Chart.yaml", "templates/deployment.yaml", "values.yaml"]
    for name, text in blocks.items():
        (folder / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "shop" / name).write_text(text)
    return folder / "shop"


def _pod(manifests: list[Manifest]) -> dict[str, Any]:
    (spec,) = (spec for each in manifests for spec in pod_specs(each))
    return spec


def _named(manifests: list[Manifest], name: str) -> Manifest:
    return next(each for each in manifests if each["metadata"]["name"] == name)
