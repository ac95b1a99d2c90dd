"""Recovery is total: whatever happened to the bytes, the spool opens, hands out only what was written, and says what it lost."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrubjay.runtime.spool.types import Damaged, SpoolOptions
from support.simulated_disk import SimulatedDisk
from support.spool_log import FOLDER, open_log, record, waiting

OPTIONS = SpoolOptions(fsync="never", segment_bytes=1_500)
FIRST = FOLDER / "00000000000000000001.seg"
NOISE = random.Random(11).randbytes(2_000)
THREE_FRAMES = [["one" * 20, "two" * 20], ["three" * 20, "four", "five"], ["six" * 20]]


def written(frames: list[list[bytes | str]], options: SpoolOptions = OPTIONS) -> SimulatedDisk:
    disk = SimulatedDisk()
    log, _ = open_log(disk, options=options)
    for bodies in frames:
        log.append([record(body) for body in bodies])
    disk.kill()
    return disk


def files(disk: SimulatedDisk) -> dict:
    return {path: bytes(inode.cached) for path, inode in disk.names.items()}


def restored(content: dict) -> SimulatedDisk:
    disk = SimulatedDisk()
    for path, data in content.items():
        disk.put(path, data)
    return disk


def opened(disk: SimulatedDisk) -> tuple[dict[int, bytes], int, int]:
    """What can be read, how many records are said to be lost, and how many tails were cut."""
    log, recovery = open_log(disk, options=OPTIONS)
    found = {each.sequence: each.body for each in waiting(log)}
    lost = sum(event.records for event in log.shelf.events if isinstance(event, Damaged))
    assert log.shelf.records == len(found)
    log.append([record("goes on")])
    assert waiting(log)[-1].body == b"goes on"
    return found, lost, recovery.found.torn_tails


THREE = files(written(THREE_FRAMES))
ALL = opened(restored(THREE))[0]
SIZE = len(THREE[FIRST])


def check(disk: SimulatedDisk) -> None:
    found, lost, torn = opened(disk)
    assert found.items() <= ALL.items()
    assert len(found) + lost == len(ALL) or torn
    assert opened(disk)[1:] == (0, 0), "what was found once is not found again"


def test_any_byte_of_three_frames():
    for position in range(SIZE):
        disk = restored(THREE)
        disk.content(FIRST)[position] ^= 0xFF
        check(disk)


@pytest.mark.deep
def test_any_bit_of_three_frames():
    for position in range(SIZE * 8):
        disk = restored(THREE)
        disk.content(FIRST)[position // 8] ^= 1 << position % 8
        check(disk)


def test_operations_77_any_length_is_a_prefix_of_what_was_written():
    for length in range(SIZE):
        disk = restored(THREE)
        del disk.content(FIRST)[length:]
        found, lost, _ = opened(disk)
        assert list(found.items()) == list(ALL.items())[: len(found)]
        assert lost == 0


MANY = files(written([[b"%d:" % number + NOISE[: number * 37 % 700]] * (1 + number % 3) for number in range(40)]))
ALL_MANY = opened(restored(MANY))[0]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(path.name for path in MANY)),
            st.sampled_from(["zero", "noise", "cut", "remove", "grow", "swap"]),
            st.floats(0, 1, exclude_max=True),
            st.integers(1, 600),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 2**32),
)
def test_any_damage_to_many_segments(damages, seed):
    rng = random.Random(seed)
    disk = restored(MANY)
    for name, kind, place, length in damages:
        path = FOLDER / name
        if path not in disk.names:
            continue
        content = disk.content(path)
        start = int(place * len(content))
        piece = min(length, len(content) - start)
        if kind == "zero":
            content[start : start + piece] = bytes(piece)
        elif kind == "noise":
            content[start : start + piece] = rng.randbytes(piece)
        elif kind == "cut":
            del content[start:]
        elif kind == "grow":
            content.extend(rng.randbytes(length))
        elif kind == "swap":
            content[start : start + 64] = content[:64]
        else:
            del disk.names[path]
    found, _, _ = opened(disk)
    assert found.items() <= ALL_MANY.items()
    assert list(found) == sorted(found)
    assert opened(disk)[1:] == (0, 0)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=400), st.binary(max_size=64))
def test_any_bytes_under_the_names_of_ours(segment, acks):
    disk = SimulatedDisk()
    disk.put(FIRST, segment)
    disk.put(FIRST.with_suffix(".ack"), acks)
    found, _, _ = opened(disk)
    assert found == {}
