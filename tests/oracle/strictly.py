"""Profile `strict` as a callable for compare.py, to count leaks: `strict` never keeps what the reference removes.

Agreement is not asked of it, since it removes more, and refuses rules that the reference skips in silence.
"""

from scrubjay import scrub_event


def strictly(payload, pii_config):
    return scrub_event(payload, pii_config, profile="strict")
