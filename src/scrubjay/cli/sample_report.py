"""What became of samples, for people and for programs, and where to look for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrubjay.cli.destination import Target
    from scrubjay.cli.sample_delivery import Answer
    from scrubjay.cli.samples import Sample
    from scrubjay.settings.schema import Settings


def document(sample: Sample, answer: Answer) -> dict[str, object]:
    """One of them, for programs."""
    return {
        "kind": sample.kind,
        "id": sample.event_id,
        "status": answer.status,
        "reason": "" if answer.is_taken else answer.detail,
        "rate_limits": answer.headers.get("x-sentry-rate-limits"),
        "retry_after": answer.headers.get("retry-after"),
    }


def where_to_look(settings: Settings, place: str, target: Target, sample: Sample, *, is_local: bool) -> str:
    what = f"`{sample.event_id}`" if sample.event_id else "the environment `sample`"
    if not is_local:
        return f"at {place}, project {target.project_id}: search for {what}"
    if settings.relay.mode == "capture":
        from scrubjay.cli.own_listener import listener_url

        return f"at {listener_url(settings)} in the browser, or `scrubjay tail --port {settings.relay.port}`"
    server = settings.relay.upstreams[0] if settings.relay.upstreams else "the server"
    return f"at {server}, project {target.project_id}: search for {what}; if it does not arrive: `scrubjay drops`"


def show(
    place: str, target: Target, sent: Sequence[Sample], answers: Sequence[Answer], look: str, *, is_local: bool
) -> None:
    from scrubjay.cli.terminal import Screen, safe

    screen = Screen()

    def line(label: str, text: str, style: str = "") -> None:
        screen.write([(f"{label:<10}", ""), (safe(text), style)], hang=10)

    line("to", f"{place}, project {target.project_id}, key {target.key[:8]}…")
    for sample, answer in zip(sent, answers, strict=True):
        what = " ".join(filter(None, (sample.kind, sample.event_id)))
        if answer.is_taken:
            line("sent", f"{what}: {answer.status}", "good")
        else:
            line("refused", f"{what}: {answer.status} {answer.detail}", "bad")
            line("do", "see `scrubjay drops`" if is_local else _advice(answer.status, target))
        limits, retry_after = answer.headers.get("x-sentry-rate-limits"), answer.headers.get("retry-after")
        if limits or retry_after:
            line("limits", f"{limits or 'all'}{f', again in {retry_after} s' if retry_after else ''}", "warn")
    if any(answer.is_taken for answer in answers):
        line("look", look)


def _advice(status: int, target: Target) -> str:
    from scrubjay.cli.doctor_probe import refused_advice

    return refused_advice(status, target)
