"""Members of project files that mean nothing here: a slip of the pen must not switch off what it was to switch on.

Owns which members the reference knows beside ours (`upstream-and-operations.md` 2.8): those are ignored in silence, since a relay of this
kind has no use for them. All others are named with their line and the member that was probably meant. What stands inside rules, filters and
quotas is judged by those who compile them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import msgspec

from scrubjay.settings.project import (
    DataScrubbing,
    ProjectConfig,
    ProjectOptions,
    PublicKey,
    ScrubjayOptions,
    SpikeProtection,
    TrustedRelaySettings,
)
from scrubjay.settings.suggestions import nearest_word

SERVERS_OWN: Final = frozenset(
    ("features", "trimming", "measurements", "breakdownsV2", "performanceScore",
     "sessionMetrics", "transactionMetrics", "metricExtraction", "metricConditionalTagging", "metrics", "txNameRules", "txNameReady",
     "spanDescriptionRules", "spanAttributes", "groupingConfig", "eventRetention", "downsampledEventRetention", "retentions")
)  # fmt: skip
"""Below `config`: what the server decides with these is not for a relay to decide."""
TOP: Final = frozenset(
    ("projectId", "organizationId", "slug", "rev", "lastChange", "disabled", "publicKeys", "config", "overlay", "lastFetch",
     "organizationSlug")
)  # fmt: skip
"""Of the whole file."""


@dataclass(frozen=True)
class _Shape:
    """What may stand somewhere: `names` and those of `kind`; `inner` says the same of members, of each entry where one is a list."""

    kind: type[msgspec.Struct]
    names: frozenset[str] = frozenset()
    inner: Mapping[str, _Shape] = field(default_factory=dict)

    @cached_property
    def known(self) -> frozenset[str]:
        return self.names | {info.encode_name for info in msgspec.structs.fields(self.kind)}


_SCRUBJAY: Final = _Shape(ScrubjayOptions, inner={"spike_protection": _Shape(SpikeProtection)})
_OPTIONS: Final = _Shape(
    ProjectOptions,
    SERVERS_OWN,
    {
        "datascrubbingSettings": _Shape(DataScrubbing),
        "trustedRelaySettings": _Shape(TrustedRelaySettings),
        "scrubjay": _SCRUBJAY,
    },
)
_PROJECT: Final = _Shape(ProjectConfig, TOP, {"config": _OPTIONS, "publicKeys": _Shape(PublicKey)})


def unknown_members(document: object) -> Iterator[tuple[list[str | int], str]]:
    """The way to each, and the member that was probably meant there."""
    return _unknown(document, _PROJECT, [])


def _unknown(value: object, shape: _Shape, path: list[str | int]) -> Iterator[tuple[list[str | int], str]]:
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _unknown(entry, shape, [*path, index])
    elif isinstance(value, dict):
        for name, inside in value.items():
            if name in shape.inner:
                yield from _unknown(inside, shape.inner[name], [*path, name])
            elif name not in shape.known:
                yield [*path, name], nearest_word(name, shape.known)
