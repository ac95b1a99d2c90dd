"""How long things are remembered, and how configurations of projects are fetched: the section `cache`.

Names, units and defaults are the reference's (`upstream-and-operations.md` 2.3, 5); `persist` is ours (2.4).
"""

from __future__ import annotations

from scrubjay.settings.setting import Section, setting


class Cache(Section, frozen=True):
    """How long things are remembered. What is said of fetching is of mode `managed`."""

    file_interval: float = setting(
        10, "Look for changed project files this often.", unit="s", minimum=0.01, reload=True
    )
    miss_expiry: float = setting(
        60,
        "Time for which a key that the upstream denied is refused here, and a relay that it does not know is not asked for again.",
        unit="s",
        minimum=0,
        reload=True,
    )
    project_expiry: float = setting(
        300,
        "Age from which a project's configuration is fetched anew when it is used.",
        unit="s",
        minimum=0,
        reload=True,
    )
    project_grace_period: float = setting(
        120,
        "Time beyond it for which the old one is used meanwhile; in an outage it is used without end.",
        unit="s",
        minimum=0,
        reload=True,
    )
    project_refresh_interval: float | None = setting(
        None,
        "Fetch configurations this often even if they are not used; counts between `project_expiry` and the end of the grace period.",
        unit="s",
        minimum=1,
        example="360",
        reload=True,
    )
    project_request_full_config: bool = setting(
        False, "Ask for everything that the upstream knows of a project; it gives that to its own relays alone."
    )
    persist: bool = setting(
        True,
        "Keep the last good configurations in the spool, for a start while the upstream is away.",
        shown="true, with a spool",
    )
    batch_interval: float = setting(
        100, "Time for which keys gather before their configurations are fetched.", unit="ms", minimum=0, reload=True
    )
    batch_size: int = setting(500, "Keys in one request for configurations.", minimum=1, maximum=10_000, reload=True)
    global_config_fetch_interval: float = setting(
        10, "Fetch what holds for all projects this often.", unit="s", minimum=0.01, reload=True
    )
    relay_expiry: float = setting(
        3600,
        "Time for which the key of a relay that sends to this one is remembered.",
        unit="s",
        minimum=0,
        reload=True,
    )
    downstream_relays_batch_interval: float = setting(
        100, "Time for which relays gather before their keys are asked for.", unit="ms", minimum=0, reload=True
    )
