"""The pytest plugin (`capture.md` 12): fixtures `sentry_sink` and `sentry_capture`, the marker `sentry_rules`, what stands in the report of a failure.

Loaded in every run of pytest where scrubjay is installed, so that it imports nothing before a fixture is asked for, and above all nothing of the
relay: what is imported before a coverage measurement begins is not measured.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from scrubjay.testing.capture import Capture
    from scrubjay.testing.sink import CaptureSink

SCOPES = ("session", "package", "module", "class", "function")
ENVIRONMENTS = ("off", "dsn", "spotlight")
_MAX_SHOWN = 50
_YES = ("on", "true", "yes", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("scrubjay", "what the application sends to its error tracker")
    group.addoption(
        "--sentry-capture-dir",
        metavar="DIR",
        help="Write what was captured in each failed test to a file in DIR, as NDJSON.",
    )
    parser.addini("sentry_capture_env", "Set SENTRY_DSN for each test that uses `sentry_capture` (`dsn`, or `on`), or SENTRY_SPOTLIGHT (`spotlight`); `off`.", default="off")  # fmt: skip
    parser.addini("sentry_sink_scope", f"How long a sink lives: {', '.join(SCOPES)}.", default="session")
    parser.addini("sentry_sink_process", "Run the sink in a process of its own.", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "sentry_rules(file): scrub what this test captures by the rules in `file`, beside the test or the root.",
    )


def _scope(fixture_name: str, config: pytest.Config) -> str:
    scope = str(config.getini("sentry_sink_scope"))
    if scope not in SCOPES:
        raise pytest.UsageError(f"sentry_sink_scope: {scope!r} is none of {', '.join(SCOPES)}")
    return scope


@pytest.fixture(scope=_scope)  # type: ignore[arg-type]  # a word of `SCOPES`, looked up when it is needed
def sentry_sink(pytestconfig: pytest.Config) -> Iterator[CaptureSink]:
    """A capture sink on a free port, shared by the tests of this process; `sentry_capture` is a test's own share of it."""
    from scrubjay.testing.sink import CaptureSink  # noqa: PLC0415

    with CaptureSink(process=bool(pytestconfig.getini("sentry_sink_process"))) as sink:
        yield sink


@pytest.fixture(scope=_scope)  # type: ignore[arg-type]  # as above
def _sentry_sinks_by_rules(pytestconfig: pytest.Config) -> Iterator[dict[Path, CaptureSink]]:
    """Sinks with rules of their own, by the file."""
    sinks: dict[Path, CaptureSink] = {}
    yield sinks
    for sink in sinks.values():
        sink.close()


@pytest.fixture
def sentry_capture(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Capture]:
    """What this test's application sends, with a DSN of its own: `sentry_capture.dsn`, `.one(...)`, `.wait(...)`, `.assert_clean()`."""
    capture = _sink_of(request).capture()
    request.node.stash[_CAPTURED] = capture
    environment = _environment(request.config)
    if environment != "off":
        given = {"SENTRY_DSN": capture.dsn} if environment == "dsn" else {"SENTRY_SPOTLIGHT": capture.spotlight_url}
        for name in ("SENTRY_DSN", "SENTRY_SPOTLIGHT"):  # with both, everything would arrive twice
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
    yield capture
    with suppress(Exception):  # a sink that failed has told the test
        capture.behave()


def _environment(config: pytest.Config) -> str:
    """Which variables are set."""
    given = str(config.getini("sentry_capture_env")).lower()
    environment = "dsn" if given in _YES else given
    if environment not in ENVIRONMENTS:
        raise pytest.UsageError(f"sentry_capture_env: {given!r} is none of {', '.join(ENVIRONMENTS)}, or on")
    return environment


def _sink_of(request: pytest.FixtureRequest) -> CaptureSink:
    marker = request.node.get_closest_marker("sentry_rules")
    if marker is None:
        sink: CaptureSink = request.getfixturevalue("sentry_sink")
        return sink
    rules = _rules_file(request, *marker.args)
    sinks: dict[Path, CaptureSink] = request.getfixturevalue("_sentry_sinks_by_rules")
    if rules not in sinks:
        from scrubjay.testing.sink import CaptureSink  # noqa: PLC0415

        sinks[rules] = CaptureSink(rules=rules, process=bool(request.config.getini("sentry_sink_process")))
    return sinks[rules]


def _rules_file(request: pytest.FixtureRequest, *given: object) -> Path:
    if len(given) != 1 or not isinstance(given[0], str | Path):
        raise pytest.UsageError("sentry_rules takes one file, such as @pytest.mark.sentry_rules('rules.yml')")
    folders = (request.path.parent, request.config.rootpath)
    for folder in folders:
        if (folder / given[0]).is_file():
            return (folder / given[0]).resolve()
    raise pytest.UsageError(
        f"sentry_rules: there is no file {given[0]} in {' or '.join(map(str, dict.fromkeys(folders)))}"
    )


_CAPTURED: pytest.StashKey[Capture] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    capture = item.stash.get(_CAPTURED, None)
    if report.when == "call" and report.failed and capture is not None:
        try:
            _attach(item, report, capture)
        except Exception as error:  # noqa: BLE001  the test's own failure is what counts
            report.sections.append(("sentry capture", f"what was captured cannot be shown: {error}"))
    return report


def _attach(item: pytest.Item, report: pytest.TestReport, capture: Capture) -> None:
    lines = capture.overview().splitlines()
    shown = [*lines[:_MAX_SHOWN], *([f"and {len(lines) - _MAX_SHOWN} more"] if len(lines) > _MAX_SHOWN else [])]
    folder = item.config.getoption("--sentry-capture-dir")
    if folder and lines:
        path = Path(str(folder)) / f"{_file_name(item.nodeid)}.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(capture.ndjson())
        shown.append(f"All of it: {path}")
    report.sections.append(("sentry capture", "\n".join(shown or ("nothing has arrived",))))


def _file_name(node_id: str) -> str:
    """A test's name, as far as any file system takes it."""
    plain = "".join(one if one.isalnum() or one in "-_." else "-" for one in node_id)
    return plain.strip("-.")[-150:]
