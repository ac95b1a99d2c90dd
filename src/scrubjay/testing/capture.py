"""What a test asks of a sink: what has arrived for it, whether that is what it expects, and what scrubbing did to it.

Each `Capture` has a public key and a project number of its own, so that tests that share a sink do not see each other's events, not even
when they overlap. Filters are those of the capture API (`capture.md` 9.2) as keyword arguments; a name that it does not know raises `ValueError` and names
the nearest one, so that a typing error cannot make a test pass.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from scrubjay.capture_client import ApiError, CaptureClient, NoAnswer
from scrubjay.testing import failures
from scrubjay.testing.event import Event, Report, Source
from scrubjay.testing.filters import FilterValue, described, matching, parameters
from scrubjay.testing.housing import TUNNEL
from scrubjay.testing.trace import Trace

T = TypeVar("T")

WITHIN_S: Final = 5.0
SETTLE_S: Final = 0.05
"""How long `one` looks for a second one."""
_MAX_PROJECT: Final = 2**31
_PAGE: Final = 500


class Capture:
    """One test's share of a sink.

    `within` are seconds that a call waits at most; it returns as soon as what it waits for is there. Whatever fails raises `AssertionError` with
    what nearly matched and what did arrive. `SinkFailed` is raised if the sink could not start.
    """

    def __init__(
        self,
        client: CaptureClient,
        check: Callable[[], None],
        *,
        key: str | None = None,
        project: int | None = None,
        is_alone: bool = False,
    ) -> None:
        """`key`: 32 characters. `is_alone`: it sees whatever arrives, for any key and project."""
        self.key = key or secrets.token_hex(16)
        """The public key of its DSN."""
        self.project = project or 1 + secrets.randbelow(_MAX_PROJECT - 1)
        """The project number of its DSN."""
        self.mark = _mark(time.time())
        """A capture id before everything that arrives from now on: a value for the filter `since`."""
        self._client = client
        self._check = check
        self._misbehaves = False
        self._scope: list[tuple[str, str]] = [] if is_alone else [("project", str(self.project))]
        self._source = Source(
            detail=lambda record_id: self._ask(lambda: self._client.event(record_id)),
            report=lambda record_id: self._ask(lambda: self._client.report(record_id)),
            exported=lambda record_id, form: self._ask(lambda: self._client.exported(record_id, form)),
            attachment=lambda record_id, number: self._ask(lambda: self._client.attachment(record_id, number)),
        )

    # Where to send

    @property
    def url(self) -> str:
        """The sink's address, which is that of its page too."""
        return self._client.url

    @property
    def dsn(self) -> str:
        """What to start an SDK with."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{self.key}@{parts.netloc}/{self.project}"

    @property
    def spotlight_url(self) -> str:
        """For an SDK's switch `spotlight` without a DSN. Node's drops the query, and with it the key: give that one the DSN."""
        return f"{self.url}/api/{self.project}/envelope/?sentry_key={self.key}"

    @property
    def tunnel_url(self) -> str:
        """For a browser SDK's option `tunnel`, beside the DSN."""
        return f"{self.url}{TUNNEL}"

    # What has arrived

    def events(self, **filters: FilterValue) -> list[Event]:
        """What is there now, oldest first. Does not wait."""
        return [Event(row, self._source) for row in self._rows(parameters(filters))]

    def wait(self, n: int = 1, *, within: float = WITHIN_S, settle: float = 0.0, **filters: FilterValue) -> list[Event]:
        """At least `n` records, oldest first. `settle`: seconds without another match after that."""
        __tracebackhide__ = True
        answer = self._wait(filters, n, within, settle, exactly=False)
        if not answer["satisfied"]:
            self._fail(f"{_records(n)} with {described(filters)} wanted", answer)
        return [Event(row, self._source) for row in reversed(answer["events"])]

    def one(self, *, within: float = WITHIN_S, settle: float = SETTLE_S, **filters: FilterValue) -> Event:
        """The only record that matches; a second one within `settle` seconds is a failure."""
        __tracebackhide__ = True
        answer = self._wait(filters, 1, within, settle, exactly=True)
        if not answer["satisfied"]:
            self._fail(f"exactly one record with {described(filters)} wanted, {_found(answer)}", answer)
        return Event(answer["events"][0], self._source)

    def none(self, *, within: float = 0.3, **filters: FilterValue) -> None:
        """Nothing that matches is there, nor arrives within the time."""
        __tracebackhide__ = True
        answer = self._wait(filters, 1, within, 0.0, exactly=False)
        if answer["satisfied"]:
            wanted = f"no record with {described(filters)} wanted, {_found(answer)}"
            raise AssertionError(failures.unexpected(wanted, answer["events"]))

    def logs(self, **filters: FilterValue) -> list[Event]:
        """The log lines that are there now, oldest first."""
        return self.events(**{"type": "log", **filters})

    def trace(self, trace_id: str) -> Trace:
        """The tree of spans of a trace; 8 digits of its id do. It is read as it is now: wait for its transaction first."""
        __tracebackhide__ = True
        try:
            return Trace.of(self._ask(lambda: self._client.trace(trace_id)))
        except LookupError:
            arrived = sorted({str(row["trace_id"]) for row in self._rows([]) if row.get("trace_id")})
            raise AssertionError(f"no trace {trace_id}; there are: {', '.join(arrived) or 'none'}") from None

    # What is expected

    def expect(
        self,
        match: Mapping[str, FilterValue] | None = None,
        *,
        count: int | Mapping[str, int] | None = None,
        each: Mapping[str, FilterValue] | None = None,
        any: Mapping[str, FilterValue] | None = None,  # noqa: A002 - the API's own word
        absent: str | Mapping[str, object] | None = None,
        name: str = "",
        within: float = WITHIN_S,
        settle: float = 0.0,
    ) -> dict[str, Any]:
        """One expectation in the form of `capture.md` 9.4; the report. `each` holds for all that match, `any` for at least one, `absent`
        (`{"regex": …}`, or a text) occurs nowhere in what would have left. Without `count` at least one has to match.
        """
        __tracebackhide__ = True
        texts = {"text": absent} if isinstance(absent, str) else absent
        members = {"count": count, "each": each and matching(each), "any": any and matching(any), "absent": texts}
        expectation: dict[str, object] = {
            "name": name or described(match or {}),
            "match": {**dict(self._scope), **matching(match or {})},
            **{member: value for member, value in members.items() if value is not None},
        }
        asked = {"within_ms": within * 1000, "settle_ms": settle * 1000, "expect": [expectation]}
        report = self._ask(lambda: self._client.expect(asked))
        if not report.get("passed"):
            elsewhere = f"wanted project={self.project}, but "  # other tests' records, which are no help here
            lines = str(report.get("text") or report).splitlines()
            shown = (line.removesuffix("; nearest:") for line in lines if elsewhere not in line)
            raise AssertionError("\n".join((*shown, "Arrived:", *(failures.rows(self._rows([])) or ("  nothing",)))))
        return report

    def assert_clean(self, *, allow_empty: bool = False, **filters: FilterValue) -> None:
        """Nothing that arrived still looks personal. That nothing has arrived is a failure too, unless `allow_empty`."""
        __tracebackhide__ = True
        events = self.events(**filters)
        if not events and not allow_empty:
            raise AssertionError(
                f"nothing{f' with {described(filters)}' if filters else ''} has arrived, so that nothing was looked at: "
                f"wait for it first\n"
                f"This test's DSN is {self.dsn}"
            )
        found = [
            f"  {event!r}\n" + "".join(f"      {failures.plain(str(suspect))}\n" for suspect in event.report.suspects)
            for event in self.events(**{**filters, "has": "suspects"})
        ]
        if found:
            raise AssertionError(
                f"what scrubbing left still looks personal in {_records(len(found))}:\n{''.join(found)}"
            )

    def report(self, event: Event) -> Report:
        """What scrubbing did to a record."""
        return event.report

    # What is done

    def faults(self, *faults: Mapping[str, object]) -> None:
        """What the sink does wrong from now on with what is sent for this project, such as `{"action": "status", "code": 503, "times": 2}`
        (`capture.md` 13); in place of what it did wrong before. Without any, nothing.
        """
        project = self._scope[0][1] if self._scope else None
        self._ask(lambda: self._client.inject(faults, project))
        self._misbehaves = bool(faults)

    def behave(self) -> None:
        """Ends the faults, if there are any."""
        if self._misbehaves:
            self.faults()

    def clear(self) -> int:
        """Forgets what has arrived; how many records that was."""
        return self._ask(lambda: self._client.remove(self._scope))

    def new_mark(self) -> str:
        """A capture id after everything that is there, and before everything that will be."""
        return self._ask(self._client.mark)

    def ndjson(self) -> Iterator[bytes]:
        """All that has arrived, a record per line, in pieces."""
        return self._ask(lambda: self._client.export(self._scope))

    def overview(self) -> str:
        """What has arrived, a line each; empty for nothing."""
        return "\n".join(failures.row(row) for row in self._rows([]))

    # How it asks

    def _wait(
        self, filters: Mapping[str, FilterValue], n: int, within: float, settle: float, *, exactly: bool
    ) -> dict[str, Any]:
        __tracebackhide__ = True
        asked = [*self._scope, *parameters(filters), ("limit", str(_PAGE))]
        return self._ask(
            lambda: self._client.wait(asked, count=n, timeout_s=within, settle_ms=settle * 1000, exactly=exactly)
        )

    def _rows(self, asked: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        """All that match, oldest first."""
        rows: list[dict[str, Any]] = []
        more: list[tuple[str, str]] = []
        while True:
            params = [*self._scope, *asked, ("order", "asc"), ("limit", str(_PAGE)), *more]
            answer = self._ask(lambda params=params: self._client.events(params))  # type: ignore[misc]
            rows += answer["events"]
            if not answer.get("more"):
                return rows
            more = [("cursor", str(answer["cursor"]))]

    def _ask(self, question: Callable[[], T]) -> T:
        """Raises `ValueError` for what the API does not understand, `LookupError` for what is not there, `SinkFailed` if nobody answers."""
        __tracebackhide__ = True
        self._check()
        try:
            return question()
        except NoAnswer:
            self._check()
            raise
        except ApiError as error:
            if error.status == 400:
                raise ValueError(str(error)) from None
            if error.status == 404:
                raise LookupError(str(error)) from None
            raise

    def _fail(self, wanted: str, answer: Mapping[str, Any]) -> None:
        __tracebackhide__ = True
        elsewhere = []
        if self._scope:
            since = [("since", self.mark), ("limit", str(_PAGE))]
            elsewhere = [str(row.get("project")) for row in self._ask(lambda: self._client.events(since))["events"]]
        raise AssertionError(failures.unsatisfied(wanted, answer, self._rows([]), elsewhere, self.dsn))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.dsn}>"


def _records(n: int) -> str:
    return "1 record" if n == 1 else f"{n} records"


def _found(answer: Mapping[str, Any]) -> str:
    return f"{len(answer.get('events') or ()) or 'none'} found"


def _mark(now_unix: float) -> str:
    """The lowest capture id of a moment: they are UUIDv7."""
    digits = f"{int(now_unix * 1000):012x}70008000000000000000"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
