"""What may be written for one project, in the reference's JSON form or in YAML with the same members.

Owns the types of a project's configuration; reading the folder of project files is `project_files`' business. Members that a
stage decides on (filters, quotas, sampling, rules) stay plain here: their own modules judge them, each so that one bad rule
disables that rule and no more. Follows `upstream-and-operations.md` 2.8; unknown members are ignored.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

ProjectId = Annotated[int, Meta(ge=0)]


class PublicKey(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key that clients authenticate with. `isEnabled: false` answers them 403."""

    public_key: Annotated[str, Meta(pattern="^[\\x21-\\x7e]{32}$")]
    numeric_id: ProjectId | None = None
    is_enabled: bool = True


class DataScrubbing(Struct, frozen=True, kw_only=True, rename="camel"):
    """`datascrubbingSettings`. Missing members are off (`scrubbing.md` 2); for a missing whole see `DEFAULT_SCRUBBING`."""

    scrub_data: bool = False
    scrub_defaults: bool = False
    scrub_ip_addresses: bool = False
    sensitive_fields: tuple[str, ...] = ()
    exclude_fields: tuple[str, ...] = ()


DEFAULT_SCRUBBING = DataScrubbing(scrub_data=True, scrub_defaults=True, scrub_ip_addresses=True)
"""Scrubbing is on unless a project says otherwise (table of decisions, `README.md` of the specification)."""


class ScrubjayOptions(Struct, frozen=True, kw_only=True):
    """`config.scrubjay`: what the reference does not know."""

    scrub: dict[str, Any] = field(default_factory=dict)
    """Overrides of the settings under `scrub.`: `profile`, `opaque`, `attachments`."""
    sampling: tuple[dict[str, Any], ...] = ()
    """Plain sampling rules, the first that matches wins (`decisions.md` 5.9)."""
    quotas: tuple[dict[str, Any], ...] = ()
    """As `config.quotas`, with the extensions of `decisions.md` 9.1."""


class ProjectOptions(Struct, frozen=True, kw_only=True, rename="camel"):
    """`config`: how the project's items are treated."""

    allowed_domains: tuple[str, ...] = ("*",)
    pii_config: dict[str, Any] | None = None
    datascrubbing_settings: DataScrubbing | None = None
    filter_settings: dict[str, Any] = field(default_factory=dict)
    quotas: tuple[Any, ...] = ()
    sampling: Any = None
    """Trace sampling in the reference's form; also read under its older name `dynamicSampling`."""
    dynamic_sampling: Any = None
    scrubjay: ScrubjayOptions = ScrubjayOptions()

    @property
    def scrubbing(self) -> DataScrubbing:
        """The switches in force: all three on for a project that has none of its own."""
        return DEFAULT_SCRUBBING if self.datascrubbing_settings is None else self.datascrubbing_settings

    @property
    def trace_sampling(self) -> Any:
        return self.dynamic_sampling if self.sampling is None else self.sampling


class ProjectConfig(Struct, frozen=True, kw_only=True, rename="camel"):
    """One project as its file has it. `project_id` None: the plan `default`, which serves every key without a file."""

    slug: str | None = None
    rev: str | None = None
    disabled: bool = False
    overlay: bool = False
    project_id: ProjectId | None = None
    organization_id: ProjectId | None = None
    public_keys: tuple[PublicKey, ...] = ()
    config: ProjectOptions = ProjectOptions()
