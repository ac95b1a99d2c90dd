"""Text to value and back: sizes, durations, numbers, switches, and the variables that stand in for them.

Everything a setting can be written as, in YAML, in the environment or as a flag, is text first; its field decides how it is read
(`upstream-and-operations.md` 2.2). What addresses, paths and other texts look like is `texts`'. Pure but for `expand`, which reads the environment it is given and files of the config folder.

Invariant: `parse(show(value, field), field) == value` for every value that `parse` returns and that is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from scrubjay.settings.setting import Field, Secret, Unit
from scrubjay.settings.suggestions import nearest_value, nearest_word
from scrubjay.settings.texts import FORMS, Unusable
from scrubjay.settings.whole_files import read_whole

MAX_INTEGER: Final = 2**63 - 1

_UNITS: Final[dict[str, int]] = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGTPE", start=1)},
    "KB": 1024,
}
_DURATIONS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)?", re.ASCII)
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_VARIABLE: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_TRUE: Final = frozenset({"true", "on"})
_FALSE: Final = frozenset({"false", "off"})

_MOST_DIGITS: Final = 64
"""Longer numbers are out of every bound, and slow to read."""
_MOST_OF_A_FILE: Final = 1 << 20
_FOLDED: Final = {"logging.level": "error"}
"""Words that the reference reads in capitals too, and what it takes an empty text for."""

SIZES: Final = "bytes, or a number with B, kB, MB, GB, TB, PB, EB, KiB (= KB), MiB, GiB, TiB, PiB or EiB"


def expand(text: str, env: Mapping[str, str], folder: Path, *, partial: bool) -> str:
    """Replace `${NAME}` and `${file:PATH}` (relative to `folder`); `partial` allows them inside a longer text.

    Raises: Unusable, if a variable is not set or a file cannot be read.
    """
    if text.startswith("${") and "}" not in text:
        raise Unusable("`${` without `}`", "${NAME} or ${file:PATH}", near=f"{text}}}")
    if not partial and not (text.startswith("${") and text.find("}") == len(text) - 1):
        return text

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if name.startswith("file:"):
            return _read(folder / name.removeprefix("file:"))
        if name not in env:
            raise Unusable(
                f"the environment variable {name} is not set" if name else "no name in `${}`",
                "a variable that is set, or ${file:PATH}",
                near=f"${{{near}}}" if (near := nearest_word(name, env, cutoff=0.75)) else "",
            )
        return env[name]

    return _VARIABLE.sub(replacement, text)


def _read(path: Path) -> str:
    try:
        text = read_whole(path, _MOST_OF_A_FILE).decode()
    except (OSError, ValueError) as error:
        problem = f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        raise Unusable(problem, "a file of text, relative to the config folder") from error
    return text.replace("\r\n", "\n").removesuffix("\n")


def parse_size(text: str) -> int:
    """Bytes. Units are case-sensitive: `kB` is 1000, `KB` and `KiB` are 1024."""
    match = _SIZE.fullmatch(text)
    if match is None or (match[2] or "B") not in _UNITS or (match[2] is None and "." in match[1]):
        raise Unusable("no size", SIZES)
    whole, _, fraction = match[1].partition(".")
    unit = _UNITS[match[2] or "B"]
    scale: int = 10 ** len(fraction)
    size = int(whole) * unit + int(fraction or 0) * unit // scale
    if size > MAX_INTEGER:
        raise Unusable("too large", "at most 2^63 - 1 bytes")
    return size


def show_size(size: int) -> str:
    """With the first unit of MiB, MB, KiB, kB, B that leaves a whole number."""
    unit = next(unit for unit in ("MiB", "MB", "KiB", "kB", "B") if size % _UNITS[unit] == 0)
    return f"{size // _UNITS[unit]}{unit}" if size else "0B"


def parse_duration(text: str, unit: Literal["s", "ms"]) -> float:
    """A plain number in `unit`, or one with its own unit: `250ms`, `5s`, `2m`, `1h`, `1d`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise Unusable("no duration", f"a number of {unit}, or one with ms, s, m, h or d")
    value = float(match[1])
    return value if match[2] is None else value * _DURATIONS_MS[match[2]] / _DURATIONS_MS[unit]


def parse(text: str, field: Field) -> Any:
    """The value of a single text. Raises: Unusable."""
    try:
        return _one(text.lower() or _FOLDED[field.key] if field.key in _FOLDED else text, field)
    except Unusable as error:
        near = nearest_value(text, _words(field), lambda guess: _is_taken(guess, field))
        raise Unusable(str(error), error.accepted, near=near) from error


def _is_taken(text: str, field: Field) -> bool:
    try:
        _one(text, field)
    except Unusable:
        return False
    return True


def _words(field: Field) -> tuple[str, ...]:
    """What is accepted word by word, alone or in a list."""
    kinds = [get_args(kind)[0] if get_origin(kind) is tuple else kind for kind in field.options]
    return tuple(word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind))


def is_list(field: Field) -> bool:
    return any(get_origin(option) is tuple for option in field.options)


def takes_one(field: Field) -> bool:
    """Whether a single value will do; of some settings one or several may be given."""
    return any(get_origin(option) is not tuple for option in field.options)


def is_text(field: Field) -> bool:
    """Whether variables may stand inside a longer text."""
    return any(option in (str, Secret) or get_origin(option) is tuple for option in field.options)


def _one(text: str, field: Field) -> Any:
    options = field.options
    words = tuple(word for option in options if get_origin(option) is Literal for word in get_args(option))
    if text in words:
        return text
    kinds = [option for option in options if get_origin(option) is not Literal]
    if not kinds:
        raise Unusable("unknown word", ", ".join(words))
    try:
        return _plain(text, field, kinds[0])
    except Unusable as error:
        raise Unusable(str(error), ", ".join((*words, error.accepted))) from error


def _plain(text: str, field: Field, kind: Any) -> Any:
    note = field.note
    if kind is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise Unusable("no switch", "true, false")
        return text.lower() in _TRUE
    convert = FORMS.get(note.unit) if note.unit else None
    if kind is Secret:
        return Secret(convert(text) if convert else text)
    if get_origin(kind) is tuple and get_origin(get_args(kind)[0]) is Literal:
        words = get_args(get_args(kind)[0])
        if text not in words:
            raise Unusable("unknown word", ", ".join(words))
        return text
    if kind is str or get_origin(kind) is tuple:
        return convert(text) if convert else text
    return _bounded(_number(text, note.unit, kind), field)


def _number(text: str, unit: Unit | None, kind: type[int] | type[float]) -> float:
    if len(text) > _MOST_DIGITS:
        raise Unusable("too long for a number", f"at most {_MOST_DIGITS} characters")
    if unit == "bytes":
        return parse_size(text)
    if unit in ("s", "ms"):
        value = parse_duration(text, unit)
        if kind is int and value != int(value):
            raise Unusable("no whole number", f"a whole number of {unit}")
        return kind(value)
    if (_INTEGER if kind is int else _NUMBER).fullmatch(text) is None:
        raise Unusable("no number", "a whole number" if kind is int else "a number")
    return kind(text)


def _bounded(value: float, field: Field) -> float:
    low, high = field.note.minimum, field.note.maximum
    if low is None:
        low = 0
    if value < low or value > (MAX_INTEGER if high is None else high):
        bounds = f"at least {show(low, field)}" if high is None else f"{show(low, field)} to {show(high, field)}"
        raise Unusable("out of bounds", bounds)
    return value


def show(value: Any, field: Field) -> str:
    """As it would be written; secrets masked."""
    if value is None:
        return "null"
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, int) and field.note.unit == "bytes":
        return show_size(value)
    if isinstance(value, int | float):
        return str(int(value)) if value == int(value) else str(value)
    return str(value)
