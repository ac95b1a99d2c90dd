"""What may be written for one project, in the reference's JSON form or in YAML with the same members.

Owns the types of a project's configuration and their words in schema and reference; reading the folder of project files is
`project_files`' business. Members that a stage decides on (filters, quotas, sampling, rules) stay plain here: their own modules
judge them, each so that one bad rule disables that rule and no more. A fetched configuration has the same form, and
`fetched` reads it. Follows `upstream-and-operations.md` 2.8; unknown members are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

ProjectId = Annotated[int, Meta(ge=0)]


def _says(text: str) -> Meta:
    return Meta(description=text)


class PublicKey(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key that clients authenticate with."""

    public_key: Annotated[str, Meta(pattern="^[\\x21-\\x7e]{32}$", description="The key itself, 32 characters.")]
    numeric_id: Annotated[ProjectId | None, _says("Its number, which quotas with `scopeId` name.")] = None
    is_enabled: Annotated[bool, _says("False answers its clients 403.")] = True


class DataScrubbing(Struct, frozen=True, kw_only=True, rename="camel"):
    """`datascrubbingSettings`. Missing members are off (`scrubbing.md` 2); for a missing whole see `DEFAULT_SCRUBBING`."""

    scrub_data: Annotated[bool, _says("Master switch of all but `scrubIpAddresses`.")] = False
    scrub_defaults: Annotated[bool, _says("Passwords, card numbers, e-mail addresses and their like.")] = False
    scrub_ip_addresses: Annotated[bool, _says("Addresses of machines, the client's too.")] = False
    sensitive_fields: Annotated[tuple[str, ...], _says("Further names of fields whose values go.")] = ()
    exclude_fields: Annotated[tuple[str, ...], _says("Fields that the default rules leave alone.")] = ()


DEFAULT_SCRUBBING = DataScrubbing(scrub_data=True, scrub_defaults=True, scrub_ip_addresses=True)
"""Scrubbing is on unless a project says otherwise (table of decisions, `README.md` of the specification)."""


class TrustedRelaySettings(Struct, frozen=True, kw_only=True, rename="camel"):
    """`trustedRelaySettings`: what is demanded of relays that send for the project."""

    verify_signature: Annotated[
        Literal["disabled", "enabled"], _says("`enabled`: what no trusted relay has signed gets 403.")
    ] = "disabled"


class SpikeProtection(Struct, frozen=True, kw_only=True, rename="camel"):
    """`config.scrubjay.spike_protection`: hours far above the usual are cut off (`decisions.md` 9.2)."""

    enabled: Annotated[bool, _says("False only keeps what else is written here.")] = True
    factor: Annotated[float, Meta(ge=1, description="So many times the usual amount of an hour may come.")] = 3.0
    floor: Annotated[int, Meta(ge=1, description="So many items an hour may always come, of each category.")] = 1_000
    floor_bytes: Annotated[int, Meta(ge=1, description="So many bytes of attachments an hour may always come.")] = (
        50 * 1024 * 1024
    )


class ScrubjayOptions(Struct, frozen=True, kw_only=True):
    """`config.scrubjay`: what the reference does not know."""

    scrub: Annotated[dict[str, Any], _says("`profile`, `opaque`, `attachments`, over the settings under `scrub`.")] = (
        field(default_factory=dict)
    )
    sampling: Annotated[tuple[dict[str, Any], ...], _says("Plain sampling rules; the first that matches wins.")] = ()
    filters: Annotated[
        tuple[Any, ...], _says("Inbound filters by tag, logger, level and their kin (`filters.md`).")
    ] = ()
    quotas: Annotated[tuple[Any, ...], _says("As `config.quotas`, with this program's extensions (`quotas.md`).")] = ()
    spike_protection: Annotated[
        SpikeProtection | None, _says("Cuts off hours far above the usual. Without this member nothing is learnt.")
    ] = None


class ProjectOptions(Struct, frozen=True, kw_only=True, rename="camel"):
    """`config`: how the project's items are treated."""

    allowed_domains: Annotated[
        tuple[str, ...],
        _says("Origins that browsers may send from, `*` for a part; none: requests with an origin get 403."),
    ] = ("*",)
    pii_config: Annotated[dict[str, Any] | None, _says("Rules of scrubbing and where they apply.")] = None
    datascrubbing_settings: Annotated[
        DataScrubbing | None, _says("Switches of the default scrubbing. Without this member all three are on.")
    ] = None
    trusted_relays: Annotated[
        tuple[str, ...], _says("Public keys of relays that may fetch this configuration, and sign what they send.")
    ] = ()
    trusted_relay_settings: Annotated[TrustedRelaySettings, _says("What is demanded of such relays.")] = (
        TrustedRelaySettings()
    )
    filter_settings: Annotated[dict[str, Any], _says("Inbound filters (`filters.md`).")] = field(default_factory=dict)
    quotas: Annotated[
        tuple[Any, ...], _says("Rate limits (`quotas.md`); one that cannot be used is left out, the others stay.")
    ] = ()
    sampling: Annotated[Any, _says("Trace sampling in the reference's form; one that cannot be used is left out.")] = (
        None
    )
    dynamic_sampling: Annotated[Any, _says("The same, under its older name.")] = None
    scrubjay: Annotated[ScrubjayOptions, _says("What the reference does not know.")] = ScrubjayOptions()

    @property
    def scrubbing(self) -> DataScrubbing:
        """The switches in force: all three on for a project that has none of its own."""
        return DEFAULT_SCRUBBING if self.datascrubbing_settings is None else self.datascrubbing_settings

    @property
    def trace_sampling(self) -> Any:
        return self.dynamic_sampling if self.sampling is None else self.sampling


class ProjectConfig(Struct, frozen=True, kw_only=True, rename="camel"):
    """One project as its file has it. `project_id` None: the plan `default`, which serves every key without a file."""

    slug: Annotated[str | None, _says("A name for people.")] = None
    rev: Annotated[str | None, _says("A version for people.")] = None
    disabled: Annotated[bool, _says("True answers all its clients 403.")] = False
    overlay: Annotated[bool, _says("In mode `managed`: lies over the fetched configuration.")] = False
    project_id: Annotated[ProjectId | None, _says("The project's number; without it the file's name.")] = None
    organization_id: Annotated[ProjectId | None, _says("Its organisation's number.")] = None
    upstream: Annotated[str | None, _says("Where its items go, in place of `relay.upstream`.")] = None
    public_keys: Annotated[tuple[PublicKey, ...], _says("Its keys; at least one, none in the plan `default`.")] = ()
    config: Annotated[ProjectOptions, _says("How its items are treated.")] = ProjectOptions()


@dataclass(frozen=True, slots=True)
class Problem:
    """What of a project's configuration is not done as written; `kind`: of which rules, `project` for what is no rule."""

    kind: Literal["filter", "sampling", "quota", "project"]
    text: str

    def __str__(self) -> str:
        return self.text
