"""Checking Ed25519ph signatures (RFC 8032, sections 5.1 and 8), the variant that signs a hash of the message.

The cryptography package has none of it. Only public values are handled, so nothing here needs to take constant time; one check takes
some milliseconds, which only senders whose key is known can ask for. Plain Ed25519 is `signatures`'s.
"""

from __future__ import annotations

from hashlib import sha512
from typing import Final

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_1: Final = pow(2, (_P - 1) // 4, _P)
_DOMAIN: Final = b"SigEd25519 no Ed25519 collisions\x01\x00"
"""Prehashed, with an empty context."""

Point = tuple[int, int, int, int]
"""Extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z."""

_NEUTRAL: Final[Point] = (0, 1, 1, 0)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of `public_key` (32 bytes) signed `message` with `signature` (64 bytes)."""
    holder = _decode(public_key)
    scalar = int.from_bytes(signature[32:], "little")
    if holder is None or scalar >= _ORDER:
        return False
    digest = sha512(_DOMAIN + signature[:32] + public_key + sha512(message).digest()).digest()
    challenge = int.from_bytes(digest, "little") % _ORDER
    return _encode(_add(_times(scalar, _BASE), _times(challenge, _negative(holder)))) == signature[:32]


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: Point) -> Point:
    total = _NEUTRAL
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _negative(point: Point) -> Point:
    return -point[0] % _P, point[1], point[2], -point[3] % _P


def _encode(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(data: bytes) -> Point | None:
    """The point, None for bytes that are none."""
    number = int.from_bytes(data, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _SQRT_MINUS_1 % _P
        if (x * x - square) % _P:
            return None
    if not x and odd:
        return None
    if x & 1 != odd:
        x = _P - x
    return x, y, 1, x * y % _P


def _base() -> Point:
    point = _decode((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    assert point is not None
    return point


_BASE: Final = _base()
