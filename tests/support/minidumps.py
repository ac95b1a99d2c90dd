"""Small minidumps that are valid: header, directory, one thread, two memory ranges, one module, two Linux streams."""

from __future__ import annotations

import struct

_STACK_AT, _HEAP_AT = 0x7000, 0x9000


def minidump(
    *,
    stack: bytes = b"",
    heap: bytes = b"",
    module: str = "m",
    debug: bytes = b"",
    signature: bytes = b"RSDS",
    environment: bytes | None = b"",
    command: bytes | None = b"",
    old: bool = False,
    gap: bool = False,
    memory64: bool = False,
) -> bytes:
    """`old`: a debug record of the older kind; `gap`: lists are aligned; `memory64`: memory is listed in the other form too."""
    streams: list[tuple[int, bytes]] = []
    count = 5 + memory64 - (environment is None) - (command is None)
    body = bytearray(32 + 12 * count)

    def put(data: bytes) -> int:
        at = len(body)
        body.extend(data)
        return at

    def listed(*entries: bytes) -> bytes:
        return struct.pack("<I", len(entries)) + (b"\0" * 4 if gap else b"") + b"".join(entries)

    stack_range = struct.pack("<QII", _STACK_AT, len(stack), put(stack))
    heap_range = struct.pack("<QII", _HEAP_AT, len(heap), put(heap))
    wide = module.encode("utf-16-le")
    name = put(struct.pack("<I", len(wide)) + wide + b"\0\0")
    record = (b"NB10" + b"\1" * 12 if old else signature + b"\1" * 20) + debug + b"\0"
    view = put(record)
    thread = b"\2" * 24 + stack_range + b"\0" * 8
    code = b"\3" * 20 + struct.pack("<I", name) + b"\4" * 52 + struct.pack("<II", len(record) if debug else 0, view)
    streams += [
        (3, listed(thread)),
        (4, listed(code + b"\0" * 24)),
        (5, listed(stack_range, heap_range)),
    ]
    streams += [(kind, text) for kind, text in ((0x47670007, environment), (0x47670006, command)) if text is not None]
    if memory64:
        streams.append((9, struct.pack("<QQ", 0, 0)))
    directory = b""
    for kind, data in streams:
        directory += struct.pack("<III", kind, len(data), put(data))
    body[:32] = struct.pack("<4sIIIIIQ", b"MDMP", 42899, count, 32, 0, 0, 0)
    body[32 : 32 + len(directory)] = directory
    return bytes(body)
