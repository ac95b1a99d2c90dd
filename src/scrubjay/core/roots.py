"""The project in which an envelope's trace began: whose sampling rules count, and whose configuration may have to be waited for.

That project is another than the envelope's own where one service calls another (`decisions.md` 4, 5.5). What the rules say is
`sampling`'s.
"""

from __future__ import annotations

from scrubjay.core.envelope import Envelope
from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.ports import Ports
from scrubjay.core.sampling.context import trace_key
from scrubjay.core.sampling.trace_rules import NO_RULES, DynamicSampling


def awaited(envelope: Envelope, key: str, plan: ProjectPlan | None, ports: Ports) -> str | None:
    """The key whose project's configuration must be known first: its own, or that of where its trace began (`decisions.md` 4)."""
    if plan is PENDING:
        return key
    if plan is None or plan.disabled or not ports.samples_traces:
        return None
    root = trace_key(envelope.headers)
    return root if root not in (None, key) and ports.plans.find(root) is PENDING else None


def rules_of_root(envelope: Envelope, own_key: str, plan: ProjectPlan, ports: Ports) -> DynamicSampling | None:
    """The rules of the project where the trace began; None if that project cannot be used (`decisions.md` 5.5)."""
    key = trace_key(envelope.headers)
    root = plan if key == own_key else ports.plans.find(key) if key is not None else None
    if root is None or root is PENDING or root.disabled or key in root.disabled_keys:
        return None
    if None not in (root.organization_id, plan.organization_id) and root.organization_id != plan.organization_id:
        return None
    return root.dynamic or NO_RULES
