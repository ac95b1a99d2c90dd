import uuid

from scrubjay.core.capture.ids import CaptureIds, is_capture_id

NOW = 1_800_000_000.0


def test_ids_are_uuids_of_version_7_with_their_time():
    made = uuid.UUID(CaptureIds().next(NOW, 2**80 - 1))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == NOW * 1000


def test_capture_8_ids_increase_whatever_the_clock_and_the_dice_do():
    ids = CaptureIds()
    clock = (NOW, NOW, NOW + 0.0005, NOW - 60, NOW + 1, NOW + 0.5)
    entropy = (2**74 - 1, 0, 5, 2**73 - 1, 1, 0)
    made = [ids.next(*both) for both in zip(clock, entropy, strict=True)]
    assert made == sorted(set(made))
    assert {uuid.UUID(one).version for one in made} == {7}


def test_ids_go_on_after_those_of_somebody_else():
    theirs, ours = CaptureIds(), CaptureIds()
    made = [theirs.next(NOW + 60, 2**73 + 5) for _ in range(3)]
    ours.follow(made[-1])
    ours.follow(made[0])
    assert ours.next(NOW, 0) > made[-1]


def test_what_is_an_id():
    made = CaptureIds().next(NOW, 5)
    assert is_capture_id(made)
    assert not is_capture_id(made.upper())
    assert not is_capture_id(f"{made}-0")
    assert not is_capture_id("")
