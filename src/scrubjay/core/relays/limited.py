"""What a relay behind this one may see of a project's configuration (`upstream-and-operations.md` 2.8 column L, 5.5).

Plain JSON values in and out; a document is never changed. Who asks is `callers`' business, which document a key has `runtime.projects`'s.
Invariants: a key is told of no other key of its project; where our own items for a project go (`upstream`) is never passed on; a local file's
configuration says outright what it leaves to our defaults, which are not those of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from scrubjay.core.envelope import encode_json

LIMITED: Final = frozenset(
    ("allowedDomains", "trustedRelays", "piiConfig", "datascrubbingSettings", "filterSettings", "features", "trimming", "measurements",
     "breakdownsV2", "performanceScore", "sessionMetrics", "txNameRules", "txNameReady", "spanDescriptionRules")
)  # fmt: skip
"""Of `config`: what a relay gets that is not the operator's own."""
_ABOUT: Final = ("disabled", "projectId", "organizationId", "slug", "rev", "lastChange")
"""Beside `config` and `publicKeys`: what such a relay gets of the rest."""
_OURS: Final = frozenset(("upstream", "overlay", "publicKeys", "config"))
"""What is made anew, or means something here alone."""
_DEFAULT_SCRUBBING: Final = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}
_REVISION_DIGITS: Final = 12


def trusts(document: Mapping[str, Any], public_key: str) -> bool:
    """Whether the project lets the relay with this key read its configuration."""
    trusted = _object(document.get("config")).get("trustedRelays")
    return isinstance(trusted, list) and public_key in trusted


def served(document: Mapping[str, Any], key: str, *, full: bool, upstream: str | None = None) -> dict[str, Any]:
    """The configuration of `key`, whole or limited. `upstream`: where relays behind us are to send, if we say so."""
    config = _object(document.get("config"))
    if full:
        shown = {name: value for name, value in document.items() if name not in _OURS}
    else:
        shown = {name: document[name] for name in _ABOUT if name in document}
        config = {name: value for name, value in config.items() if name in LIMITED}
    shown["publicKeys"] = [_entry(document.get("publicKeys"), key)]
    shown["config"] = config
    if upstream is not None:
        shown["upstream"] = upstream
    return shown


def of_file(document: Mapping[str, Any], project_id: int | None) -> dict[str, Any]:
    """A local file's document as one that could have been fetched.

    The revision is made of the content too: who forgets to write a new one must not leave relays with old rules.
    """
    config = dict(_object(document.get("config")))
    if config.get("datascrubbingSettings") is None:
        config["datascrubbingSettings"] = dict(_DEFAULT_SCRUBBING)
    made = {**document, "disabled": document.get("disabled") is True, "projectId": project_id, "config": config}
    return revised(made)


def revised(document: Mapping[str, Any]) -> dict[str, Any]:
    """One whose content is not that of its revision alone: with a revision that is made of both."""
    digest = sha256(encode_json(document)).hexdigest()[:_REVISION_DIGITS]
    written = document.get("rev")
    return {**document, "rev": f"{written}.{digest}" if isinstance(written, str) else digest}


def _entry(entries: object, key: str) -> dict[str, Any]:
    """What the document says of the key itself."""
    found = entries if isinstance(entries, list) else ()
    return next((each for each in found if isinstance(each, dict) and each.get("publicKey") == key), {"publicKey": key})


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
