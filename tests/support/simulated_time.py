"""An event loop whose clock jumps to the next timer as soon as nobody has anything to do: hours pass in no time, and in the same order each time.

For code that waits with the loop's own timers. Threads and sockets have no place here: whoever waits for one would see no time pass.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Waits by moving the clock."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits, and for nothing that could come")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def simulated(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. Exceptions that nobody took are errors."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        unhandled: list[dict[str, Any]] = []
        runner.get_loop().set_exception_handler(lambda loop, context: unhandled.append(context))
        result = runner.run(work)
    assert not unhandled, unhandled
    return result


def now_s() -> float:
    """The simulated clock."""
    return asyncio.get_running_loop().time()
