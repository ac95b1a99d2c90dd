"""Whether a manifest is one that Kubernetes, or the Prometheus operator, would take.

Owns the versions the chart is held against, and asking their own schemas: Kubernetes' strictly (no unknown field), with a kind that
the version does not know as a failure too; the operator's kinds by validators and declarations made from its CRDs. Leaves to
`manifests` what no schema says: names that have to agree, enumerations, references.
"""

import functools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import kubernetes_validate.utils

from support.environments import npm_folder
from support.helm import MONITORING, Manifest
from support.requirements import node_program

VERSIONS = ("1.29", "1.35", "1.36", "1.37")
"""The oldest that the chart supports, which is the first with native sidecars by default, and the three newest."""

OPERATOR = "@kubernetes-models/prometheus-operator"
OPERATOR_VERSION = "6.0.0"
_VALIDATE = """
import { readFileSync } from "node:fs";
const told = [];
for (const manifest of JSON.parse(readFileSync(0, "utf8"))) {
  const kind = await import(`%s/${manifest.apiVersion}/${manifest.kind}`);
  try { new kind[manifest.kind](manifest).validate(); } catch (error) { told.push(`${manifest.kind}: ${error.message}`); }
}
process.stdout.write(JSON.stringify(told));
"""
_FIELD = re.compile(r'^    "?([\w-]+)"?\??: (.+?);?$', re.MULTILINE)
_PARENTS = re.compile(r"^export interface \w+ extends (.+) \{$", re.MULTILINE)
_MODEL = re.compile(r"IComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1(\w+)")

# A file of definitions has a megabyte: read once, not once a manifest.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
kubernetes_validate.utils.all_versions = functools.cache(kubernetes_validate.utils.all_versions)


def findings(manifests: list[Manifest]) -> list[str]:
    """What the schemas of all versions have against them."""
    found: dict[str, None] = {}
    for manifest in manifests:
        if manifest["apiVersion"] == MONITORING:
            found |= dict.fromkeys(unknown_keys(manifest, manifest["kind"]))
        else:
            text = json.dumps(manifest, sort_keys=True)
            found |= dict.fromkeys(told for version in VERSIONS if (told := finding(text, version)))
    return list(found)


@functools.cache
def finding(text: str, version: str) -> str | None:
    """What one version has against one manifest, given as JSON: most stand in the charts of many values."""
    manifest = json.loads(text)
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{version}: {manifest['kind']}: {'.'.join(map(str, error.path))}: {error.message}"
    except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError) as error:
        return str(error.message)
    return None


def operator_findings(manifests: list[Manifest]) -> list[str]:
    """What the operator's own validators say of its kinds among `manifests`: types, required fields, formats."""
    ours = [manifest for manifest in manifests if manifest["apiVersion"] == MONITORING]
    if not ours:
        return []
    node = node_program()
    done = subprocess.run(
        [str(node), "--input-type=module", "--eval", _VALIDATE % OPERATOR],
        cwd=_operator(),
        input=json.dumps(ours),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told: list[str] = json.loads(done.stdout)
    return told


def unknown_keys(value: Any, model: str, at: str = "") -> list[str]:
    """Keys that the operator's model does not have: its validators let them pass, the cluster drops them silently."""
    fields = _fields(model)
    found = []
    for key, inner in value.items():
        here = f"{at}.{key}" if at else f"{model}.{key}"
        if key not in fields:
            found.append(f"{here}: no such field")
        elif named := _MODEL.search(fields[key]):
            for each in inner if isinstance(inner, list) else [inner]:
                found += unknown_keys(each, named[1], here) if isinstance(each, dict) else []
    return found


@functools.cache
def _fields(model: str) -> dict[str, str]:
    """Name → type as declared, inherited ones included. A kind is found by its own name, a part by that in its type."""
    path = _operator() / "node_modules" / OPERATOR / MONITORING / f"{model}.d.ts"
    interface, _, _ = path.read_text().partition("export declare class")
    fields = dict(_FIELD.findall(interface))
    for parents in _PARENTS.findall(interface):
        for parent in _MODEL.findall(parents):
            fields |= _fields(parent)
    if "TypeMeta" in interface:
        fields |= {"apiVersion": "string", "kind": "string"}
    return fields


@functools.cache
def _operator() -> Path:
    return npm_folder("prometheus-operator", f"{OPERATOR}@{OPERATOR_VERSION}")
