from collections.abc import Sequence

import pytest

from scrubjay.core.capture.context_lines import MAX_FRAMES, Frame, snip, with_context

FILE = [f"line {number}" for number in range(1, 21)]
FRAME = {"filename": "src/app.js", "lineno": 10, "colno": 3, "function": "pay"}


def read(frame: Frame) -> Sequence[str] | None:
    return FILE if frame["filename"] == "src/app.js" else None


def filled(frame: object) -> object:
    (one,) = with_context({"frames": [frame]}, read)["frames"]  # type: ignore[misc]
    return one


def test_capture_6_five_lines_on_each_side() -> None:
    trace = with_context({"frames": [FRAME], "registers": {}}, read)
    assert trace == {
        "frames": [
            FRAME
            | {
                "pre_context": ["line 5", "line 6", "line 7", "line 8", "line 9"],
                "context_line": "line 10",
                "post_context": ["line 11", "line 12", "line 13", "line 14", "line 15"],
            }
        ],
        "registers": {},
    }


@pytest.mark.parametrize(
    ("line", "before", "after"), [(1, [], FILE[1:6]), (20, FILE[14:19], []), (3, FILE[:2], FILE[3:8])]
)
def test_at_the_ends_of_a_file_there_are_fewer(line: int, before: list[str], after: list[str]) -> None:
    frame = filled(FRAME | {"lineno": line})
    assert isinstance(frame, dict)
    assert (frame["pre_context"], frame["context_line"], frame["post_context"]) == (before, FILE[line - 1], after)


@pytest.mark.parametrize(
    "frame",
    [
        {"function": "pay"},
        FRAME | {"filename": ""},
        FRAME | {"filename": 5},
        FRAME | {"lineno": None},
        FRAME | {"lineno": "10"},
        FRAME | {"lineno": True},
        FRAME | {"lineno": 0},
        FRAME | {"lineno": -4},
        FRAME | {"lineno": 21},
        {name: value for name, value in FRAME.items() if name != "colno"},
        FRAME | {"filename": "node_modules/left-pad/index.js"},
        FRAME | {"filename": "elsewhere.js"},
        "no frame",
        None,
    ],
)
def test_capture_6_all_other_frames_are_untouched(frame: object) -> None:
    assert filled(frame) == frame


@pytest.mark.parametrize("trace", [{}, {"frames": None}, {"frames": "text"}, {"frames": {"0": FRAME}}, {"frames": 5}])
def test_a_trace_without_frames_is_returned(trace: dict[str, object]) -> None:
    assert with_context(trace, read) == trace


def test_of_a_long_trace_the_frames_nearest_to_the_error_get_lines() -> None:
    frames = with_context({"frames": [FRAME] * (MAX_FRAMES + 3)}, read)["frames"]
    assert isinstance(frames, list)
    assert ["context_line" in frame for frame in frames] == [False] * 3 + [True] * MAX_FRAMES


@pytest.mark.parametrize(
    ("length", "column", "start", "end"),
    [
        (150, 75, 0, 150),
        (151, 0, 0, 140),
        (1000, 64, 0, 140),
        (1000, 65, 5, 145),
        (1000, 500, 440, 580),
        (1000, 918, 858, 998),
        (1000, 916, 856, 996),
        (1000, 915, 855, 995),
        (1000, 5000, 860, 1000),
        (1000, -7, 0, 140),
    ],
)
def test_capture_6_long_lines_are_cut_around_the_column(length: int, column: int, start: int, end: int) -> None:
    line = "".join(chr(0x4E00 + at) for at in range(length))
    cut = snip(line, column)
    if end > length - 5:
        start, end = (0, length) if length <= 150 else (length - 140, length)
    assert cut == ("{snip} " if start else "") + line[start:end] + (" {snip}" if end < length else "")
