"""A capture sink for as long as somebody needs it, with or without pytest: `with CaptureSink() as sink:`."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from scrubjay.capture_client import CaptureClient
from scrubjay.testing.capture import Capture
from scrubjay.testing.housing import Elsewhere, Housing, InProcess, InThread, Lodging

SAMPLE_KEY: Final = "decafbaddecafbaddecafbaddecafbad"
PATIENCE_S: Final = 30.0
"""For an answer, the sink's loading included."""


class CaptureSink(Capture):
    """Listens on a free port of 127.0.0.1 until it is closed, and sees whatever arrives there; `capture()` gives a test a share of its own.

    It runs in a thread of this process and is open at once, while the relay is loaded behind the open port (about a second, once per process): the
    first answer waits for that. With `process=True` it is a process of its own, started when the constructor returns; so choose where a test
    replaces clocks or sockets for its whole process. Errors of starting are `SinkFailed`, from the first call that needs the sink.
    """

    def __init__(
        self,
        *,
        rules: str | PathLike[str] | None = None,
        config: str | PathLike[str] | None = None,
        originals: Literal["full", "shape", "none"] = "full",
        settings: Mapping[str, str] | None = None,
        process: bool = False,
        url: str | None = None,
        token: str | None = None,
    ) -> None:
        """`rules`: a file with scrub rules, a `piiConfig` or a project file; `config`: a configuration folder, whose mode and address do not count;
        `settings`: dotted key → value, such as `{"capture.max_envelopes": "5000"}`; `originals`: what is kept of values that scrubbing takes.
        `url`: a sink that somebody else has started, with its `token`; nothing else may be given then.
        """
        if url is not None and (rules or config or settings or process):
            raise TypeError("a sink that is there already cannot be configured from here: give `url` and `token` alone")
        lodging = Lodging(
            rules=None if rules is None else Path(rules),
            config=None if config is None else Path(config),
            settings={"capture.originals": originals, **(settings or {})},
        )
        home: type[InProcess | InThread] = InProcess if process else InThread
        self._housing: Housing = home(lodging) if url is None else Elsewhere(url)
        client = CaptureClient(self._housing.url, token=token, timeout_s=PATIENCE_S)
        super().__init__(client, self._housing.check, key=SAMPLE_KEY, project=1, is_alone=True)

    def capture(self, *, key: str | None = None, project: int | None = None) -> Capture:
        """A share of this sink with a key and a project number of its own."""
        return Capture(self._client, self._check, key=key, project=project)

    def close(self) -> None:
        """Ends within 200 ms, once it is loaded; a second time does nothing."""
        self._housing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
