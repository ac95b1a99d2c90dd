"""Folding our rate into the client's, for servers that extrapolate from the context's `sample_rate` (`decisions.md` 5.8).

So that what the server sees is as if the client had sampled at the product of both rates: its own number in the context, where it sent one,
stays below the rate exactly for traces that were kept. Whether to fold is a setting, and one relay of a chain is enough to do it; at which
rate is the rules' business, and must follow from the trace's root project alone.
"""

from __future__ import annotations

from scrubjay.core.sampling.context import TraceContext
from scrubjay.core.sampling.unit import keeps


def fold(context: TraceContext, rate: float) -> TraceContext | None:
    """The context to send on with what is kept, None if the trace is left out. A rate of 1 changes nothing."""
    if rate >= 1:
        return context
    if rate <= 0:
        return None
    folded = rate if context.sample_rate is None else context.sample_rate * rate
    number = context.sample_rand
    is_kept = keeps(context.trace_id, rate) if number is None else number < folded
    return context.sampled_at(folded) if is_kept else None
