"""Keeping the server from inferring an address where addresses are scrubbed (ingest.md 7.4, last paragraph).

scrubjay stands between client and server, so an address that the server infers would be wrong, or personal data. Payloads for which
the server infers nothing are left as they are; `screen.signs` tells cheaply which may not be.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.json_text import BRACE, BRACKET, NULL, Raw, decode_any, decode_array, decode_object, encode

_AUTO: Final = "{{auto}}"
_NEVER: Final = Raw(b'"never"')
_INFERRING_PLATFORMS = frozenset(("javascript", "cocoa", "objc"))


def hide_client_ip(data: bytes, shape: str) -> bytes:
    """The payload with whatever would make the server infer an address taken out or switched off."""
    if data.lstrip()[:1] != b"{":
        return data
    fields = decode_object(data)
    if shape in {"event", "replay_event"}:
        changed = _hide_in_event(fields)
    elif shape in {"session", "generic"}:
        changed = _hide_in_session(fields)
    elif shape.endswith("_container"):
        changed = _hide_in_container(fields)
    else:
        changed = _hide_in_attributes(fields, "data")
    return encode(fields) if changed else data


def _hide_in_event(fields: dict[str, Raw]) -> bool:
    name = "user" if "user" in fields or "sentry.interfaces.User" not in fields else "sentry.interfaces.User"
    user, sdk = _object(fields.get(name)), _object(fields.get("sdk"))
    settings = _object(sdk.get("settings"))
    address, infer = _value(user.get("ip_address")), _value(settings.get("infer_ip"))
    if infer == "never":
        infers = False
    elif infer is not None or address == _AUTO:
        infers = True
    else:
        infers = address is None and str(_value(fields.get("platform"))) in _INFERRING_PLATFORMS
    if address == _AUTO:
        user["ip_address"] = Raw(NULL)
        fields[name] = Raw(encode(user))
    if infers:
        settings["infer_ip"] = _NEVER
        sdk["settings"] = Raw(encode(settings))
        fields["sdk"] = Raw(encode(sdk))
    return infers or address == _AUTO


def _hide_in_session(fields: dict[str, Raw]) -> bool:
    attributes = _object(fields.get("attrs"))
    if _value(attributes.get("ip_address")) != _AUTO:
        return False
    del attributes["ip_address"]
    fields["attrs"] = Raw(encode(attributes))
    return True


def _hide_in_container(fields: dict[str, Raw]) -> bool:
    changed = False
    settings = _object(fields.get("ingest_settings"))
    if _value(fields.get("version")) == 2 and _value(settings.get("infer_ip")) == "auto":
        settings["infer_ip"] = _NEVER
        fields["ingest_settings"] = Raw(encode(settings))
        changed = True
    items = fields.get("items")
    if items is None or bytes(items)[:1] != b"[":
        return changed
    elements = decode_array(items)
    for index, element in enumerate(elements):
        entry = _object(element)
        if _hide_in_attributes(entry, "attributes"):
            elements[index] = Raw(encode(entry))
            changed = True
    if changed:
        fields["items"] = Raw(encode(elements))
    return changed


def _hide_in_attributes(fields: dict[str, Raw], member: str) -> bool:
    attributes = _object(fields.get(member))
    address = _value(attributes.get("client.address"))
    if isinstance(address, dict):
        address = address.get("value")
    if address != _AUTO:
        return False
    del attributes["client.address"]
    fields[member] = Raw(encode(attributes))
    return True


def _object(raw: Raw | None) -> dict[str, Raw]:
    return decode_object(raw) if raw is not None and bytes(raw)[0] == BRACE else {}


def _value(raw: Raw | None) -> object:
    """A small value; containers other than attributes are never asked for."""
    return None if raw is None or bytes(raw)[0] == BRACKET else decode_any(raw)
