"""Whose configuration an envelope needs, and whose sampling rules count (`decisions.md` 4, 5.5); on the path: test_pipeline_pending, _traces."""

from dataclasses import replace

import pytest

from scrubjay.core.envelope import Envelope
from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.roots import awaited, rules_of_root
from scrubjay.core.sampling.trace_rules import NO_RULES
from support.path import KEY, Path, Plans

ROOT = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
OWN = ProjectPlan("own", organization_id=1)


def traced(key: str | None) -> Envelope:
    return Envelope({"trace": {"trace_id": "a" * 32, "public_key": key}} if key else {}, [])


@pytest.mark.parametrize(
    ("own", "root", "key", "expected"),
    [
        (PENDING, OWN, ROOT, KEY),
        (PENDING, PENDING, None, KEY),
        (OWN, PENDING, ROOT, ROOT),
        (OWN, PENDING, KEY, None),
        (OWN, PENDING, None, None),
        (OWN, OWN, ROOT, None),
        (OWN, None, ROOT, None),
        (None, PENDING, ROOT, None),
        (replace(OWN, disabled=True), PENDING, ROOT, None),
    ],
)
def test_its_own_first_then_that_of_the_trace(
    own: ProjectPlan | None, root: ProjectPlan | None, key: str | None, expected: str | None
) -> None:
    ports = Path(None, plans=Plans({KEY: own, ROOT: root})).ports
    assert awaited(traced(key), KEY, own, ports) == expected


def test_where_nobody_samples_by_traces_no_other_project_matters() -> None:
    ports = Path(None, plans=Plans({KEY: OWN, ROOT: PENDING}), samples_traces=False).ports
    assert awaited(traced(ROOT), KEY, OWN, ports) is None


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (ProjectPlan("r", organization_id=1), NO_RULES),
        (ProjectPlan("r", organization_id=2), None),
        (PENDING, None),
        (None, None),
    ],
)
def test_a_project_that_cannot_be_used_has_no_say(root: ProjectPlan | None, expected: object) -> None:
    ports = Path(None, plans=Plans({ROOT: root})).ports
    assert rules_of_root(traced(ROOT), KEY, OWN, ports) is expected
