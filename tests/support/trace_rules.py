"""Rules of trace sampling for tests, in the reference's form."""

from typing import Any

ALWAYS = {"op": "and", "inner": []}


def rule(rule_id: int, rate: float = 0.25, **members: Any) -> dict[str, Any]:
    """A rule for all traces; `members` replace its own."""
    value = {"type": "sampleRate", "value": rate}
    return {"id": rule_id, "type": "trace", "samplingValue": value, "condition": ALWAYS, **members}


def config(*rules: Any, **members: Any) -> dict[str, Any]:
    return {"version": 2, "rules": list(rules), **members}


def is_in(environment: str) -> dict[str, Any]:
    return {"op": "eq", "name": "trace.environment", "value": environment}
