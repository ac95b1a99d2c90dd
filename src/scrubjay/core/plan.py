"""What is run: a project's configuration, compiled once and frozen.

`compile_plan` resolves names, vets patterns and builds tables, so that the hot path only looks things up. The revision is the hash
of everything that went in: equal revisions are the same plan, so a reload compiles only what changed. A plan that does not compile
raises `ConfigError` and never replaces a running one. Parts that may fail alone (one quota, one filter) are left out and named in
`problems` (`upstream-and-operations.md` 2.8). Projects whose rules are equal share what these are compiled to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from scrubjay.core.filters.chain import Filters
from scrubjay.core.filters.compile import compile_filters, supports_sampling
from scrubjay.core.origins import OriginRule, compile_origins
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quota_set import NO_QUOTAS, QuotaSet
from scrubjay.core.relays.vouching import signers_of
from scrubjay.core.sampling.plain import PlainSampling, compile_plain
from scrubjay.core.sampling.trace_rules import UNSUPPORTED, DynamicSampling, compile_dynamic
from scrubjay.core.scrub.policies import Policies, read_policies
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.settings.global_config import NOTHING_SHARED, GlobalConfig
from scrubjay.settings.project import DataScrubbing, Problem, ProjectConfig, SpikeProtection
from scrubjay.settings.schema import Settings
from scrubjay.settings.scrub import Scrub, over
from scrubjay.settings.setting import Secret


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Part:
    """Rules as they were compiled, and the problems that were found."""

    rules: Any
    problems: list[str]


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """Shared by all requests of one revision. `project_id` None: the plan serves any project (`default`, or none at all).

    `scrub` None: payloads leave as they came (mode `proxy` without a project file).
    """

    revision: str
    project_id: int | None = None
    upstream: str | None = None
    """Where its items go; None: where all go."""
    organization_id: int | None = None
    key_ids: tuple[tuple[str, int], ...] = ()
    disabled_keys: frozenset[str] = frozenset()
    disabled: bool = False
    allows_origin: OriginRule | None = None
    signers: tuple[bytes, ...] | None = None
    """The keys of which one must have signed what is sent (`verifySignature`); None: nothing is demanded."""
    filters: Filters | None = None
    dynamic: DynamicSampling | None = None
    folds_rates: bool = False
    plain: PlainSampling | None = None
    spikes: SpikeProtection | None = None
    quotas: QuotaSet = NO_QUOTAS
    scrub: ScrubProgram | None = None
    policies: Policies = field(default_factory=Policies)
    sends_client_ip: bool = True
    sends_user_agent: bool = True
    sends_origin: bool = True
    problems: tuple[Problem, ...] = ()
    parts: tuple[Part, ...] = ()
    """Kept alive for other plans."""

    def key_id(self, key: str) -> int | None:
        """The numeric id of a key, which quotas may name."""
        return next((number for name, number in self.key_ids if name == key), None) if self.key_ids else None

    def __repr__(self) -> str:
        name = "any project" if self.project_id is None else f"project {self.project_id}"
        return f"<ProjectPlan {self.revision} of {name}, {'scrubs' if self.scrub else 'forwards as it came'}>"


PENDING: Final = ProjectPlan(revision="pending", disabled=True)
"""In place of a plan that is not known yet. Whoever does not know it takes it for one that is switched off: nothing leaves under it."""

NO_PART: Final = Part(None, [])


class Programs:
    """What was compiled, by what it was compiled from, as long as a plan uses it: scrub programs, filters, sampling rules."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """`clock` gives the seconds that bound the time of one document (`scrub.max_event_ms`)."""
        self._clock = clock
        self._known: WeakValueDictionary[bytes, ScrubProgram] = WeakValueDictionary()
        self._parts: WeakValueDictionary[bytes, Part] = WeakValueDictionary()

    def program(
        self, pii_config: Mapping[str, object] | None, scrubbing: DataScrubbing, options: Scrub, *, hide_client_ip: bool
    ) -> ScrubProgram:
        """Raises `ConfigError`."""
        content = _content((pii_config, scrubbing, options, hide_client_ip))
        program = self._known.get(content)
        if program is None:
            program = self._known[content] = compile_program(
                pii_config=pii_config,
                settings=scrubbing,
                options=options,
                hide_client_ip=hide_client_ip,
                clock=self._clock,
            )
        return program

    def part(self, compiler: Callable[..., tuple[object, list[str]]], *config: object, **options: object) -> Part:
        """The rules that `compiler` makes of `config`. They must not depend on anything else, nor change."""
        content = _content((compiler.__name__, config, options))
        part = self._parts.get(content)
        if part is None:
            part = self._parts[content] = Part(*compiler(*config, **options))
        return part

    def __repr__(self) -> str:
        return f"<Programs {len(self._known)}, {len(self._parts)} sets of rules>"


def pass_plan(settings: Settings) -> ProjectPlan:
    """The plan of mode `proxy` for keys without a project file: nothing is looked at."""
    privacy = settings.privacy
    return ProjectPlan(
        revision="pass",
        sends_client_ip=privacy.send_client_ip != "none",
        sends_user_agent=privacy.send_user_agent,
        sends_origin=privacy.send_origin,
    )


def compile_plan(
    project: ProjectConfig, settings: Settings, programs: Programs | None = None, shared: GlobalConfig = NOTHING_SHARED
) -> ProjectPlan:
    """Compiles one project; `shared`: what goes for all. Raises `ConfigError` with the member's path where the whole cannot be used."""
    programs = programs or Programs()
    options, quirks = project.config, settings.compat.reference_quirks
    scrubbing = over(settings.scrub, options.scrubjay.scrub)
    # Scrubbing decides what the server may learn of the client's address, unless the operator decided (ingest.md 7.3).
    policy = settings.privacy.send_client_ip
    hides_client_ip = options.scrubbing.scrub_ip_addresses if policy == "auto" else policy == "none"
    policies = read_policies(scrubbing, settings.limits.max_replay_uncompressed_size)
    program = programs.program(options.pii_config, options.scrubbing, scrubbing, hide_client_ip=hides_client_ip)
    filters, dynamic = NO_PART, NO_PART
    if settings.filters.enabled:
        filters = programs.part(
            compile_filters,
            options.filter_settings,
            own=options.scrubjay.filters,
            global_filters=shared.filters,
            quirks=quirks,
        )
    if settings.sampling.dynamic and not supports_sampling(options.filter_settings, shared.filters):
        dynamic = Part(UNSUPPORTED, [])
    elif settings.sampling.dynamic and options.trace_sampling is not None:
        dynamic = programs.part(compile_dynamic, options.trace_sampling, quirks=quirks)
    spikes = options.scrubjay.spike_protection
    plain = programs.part(compile_plain, options.scrubjay.sampling)
    quotas, found = compile_quotas(options.quotas, options.scrubjay.quotas, shared.quotas, quirks=quirks)
    problems = [
        *(Problem("filter", text) for text in filters.problems),
        *(Problem("sampling", text) for text in (*dynamic.problems, *plain.problems)),
        *(Problem("quota", text) for text in found),
    ]
    return ProjectPlan(
        revision=revision_of(project, settings, shared),
        project_id=project.project_id,
        upstream=project.upstream,
        organization_id=project.organization_id,
        key_ids=tuple((key.public_key, key.numeric_id) for key in project.public_keys if key.numeric_id is not None),
        disabled_keys=frozenset(key.public_key for key in project.public_keys if not key.is_enabled),
        disabled=project.disabled,
        allows_origin=compile_origins(options.allowed_domains),
        signers=signers_of(options),
        filters=filters.rules,
        dynamic=dynamic.rules,
        folds_rates=settings.sampling.fold_rates,
        plain=plain.rules,
        spikes=spikes if spikes is not None and spikes.enabled else None,
        quotas=quotas,
        scrub=program,
        policies=policies,
        sends_client_ip=not hides_client_ip,
        sends_user_agent=settings.privacy.send_user_agent,
        sends_origin=settings.privacy.send_origin,
        problems=tuple(problems),
        parts=(filters, dynamic, plain),
    )


def revision_of(project: ProjectConfig, settings: Settings, shared: GlobalConfig = NOTHING_SHARED) -> str:
    """Twelve hex digits over the project, what goes for all, and the settings that a plan depends on."""
    bounds = settings.limits.max_replay_uncompressed_size
    decisions = (settings.filters, settings.sampling, settings.compat)
    parts = (project, shared, settings.scrub, settings.privacy, decisions, bounds)
    return sha256(_content(parts)).hexdigest()[:12]


def _content(parts: object) -> bytes:
    """What tells two configurations apart. Of a secret it holds a hash, so that it may be kept."""
    return msgspec.json.encode(parts, enc_hook=_without_secrets)


def _without_secrets(value: object) -> str:
    if isinstance(value, Secret):
        return sha256(value.reveal().encode()).hexdigest()
    raise TypeError(f"{type(value).__name__} is no part of a configuration")
