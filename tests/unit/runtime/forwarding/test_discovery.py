"""Whether the upstream takes batches, and when it is asked (upstream-and-operations 8.3)."""

import asyncio
from hashlib import sha256

import pytest
import zstandard

from scrubjay.core.batch_format import Capabilities
from scrubjay.errors import Transient
from scrubjay.runtime.forwarding.discovery import NEGATIVE_S, POSITIVE_S, Discovery, Offer
from scrubjay.runtime.forwarding.http_reply import Reply
from support.forwarding import Observed, until

SAID = Capabilities("1.0.0")
SAMPLES = [b'{"event_id":"%032x","message":"hello %d"}' % (number * 7919, number) * 3 for number in range(2000)]


@pytest.fixture(scope="module")
def trained() -> bytes:
    return zstandard.train_dictionary(4096, SAMPLES).as_bytes()


def capabilities(said: Capabilities = SAID) -> Reply:
    return Reply(200, {"x-scrubjay": "1"}, said.encode(), reusable=True)


def plain(status: int = 404, body: bytes = b"{}", **headers: str) -> Reply:
    return Reply(status, headers, body, reusable=True)


class Line:
    """Answers by path; an exception is raised."""

    def __init__(self, answer: Reply | Exception, **by_path: Reply | Exception) -> None:
        self.answer = answer
        self.by_path = by_path
        self.asked: list[str] = []

    async def call(self, route, method, path, headers="", body=b""):
        assert (route, method, headers, body) == ("capabilities", "GET", "", b"")
        self.asked.append(path)
        answer = self.by_path.get(path.rpartition("/")[2] or "", self.answer)
        if isinstance(answer, Exception):
            raise answer
        return answer, 0.01


class Asking:
    """A discovery with a clock that is set by hand."""

    def __init__(self, answer, *, can_sign=True, wants_dictionary=False, **by_path) -> None:
        self.line = Line(answer, **by_path)
        self.observed = Observed()
        self.now_mono = 1_000.0
        self.changes = 0
        self.discovery = Discovery(
            self.line,
            self.observed,
            can_sign=can_sign,
            on_change=self._changed,
            wants_dictionary=wants_dictionary,
            now_mono=lambda: self.now_mono,
        )

    def _changed(self) -> None:
        self.changes += 1


class TestAnswers:
    async def test_a_scrubjay_is_believed(self):
        asking = Asking(capabilities(Capabilities("1", max_batch_bytes=1000, max_batch_envelopes=7)))
        assert await asking.discovery.ask() == POSITIVE_S
        assert asking.discovery.offer == Offer(7, 1000, 64 * 1024 * 1024)
        assert (asking.line.asked, asking.changes) == (["/api/scrubjay/capabilities/"], 1)
        assert asking.observed.requests == [("ok", 200, "capabilities", "")]

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(plain(404), id="operations-102 another server"),
            pytest.param(plain(401), id="not for us"),
            pytest.param(plain(501), id="not implemented"),
            pytest.param(plain(200, SAID.encode()), id="the header is missing"),
            pytest.param(plain(200, b"<html>", **{"x-scrubjay": "1"}), id="cannot be read"),
            pytest.param(capabilities(Capabilities("9", versions=[2])), id="another version"),
            pytest.param(capabilities(Capabilities("9", encodings=["br"])), id="no encoding that we know"),
        ],
    )
    async def test_anything_else_means_plain_envelopes_for_ten_minutes(self, answer):
        asking = Asking(answer)
        assert await asking.discovery.ask() == NEGATIVE_S
        assert asking.discovery.offer is None
        assert asking.changes == 0

    @pytest.mark.parametrize("answer", [Transient("reset"), plain(503), plain(500), plain(429)])
    async def test_without_an_answer_all_stays_as_it_is_and_the_question_comes_again_soon(self, answer):
        asking = Asking(capabilities())
        await asking.discovery.ask()
        asking.line.answer = answer
        assert await asking.discovery.ask() == 10.0
        assert asking.discovery.offer is not None

    async def test_what_was_there_can_be_gone(self):
        asking = Asking(capabilities())
        await asking.discovery.ask()
        asking.line.answer = plain(404)
        assert await asking.discovery.ask() == NEGATIVE_S
        assert (asking.discovery.offer, asking.changes) == (None, 2)

    async def test_without_credentials_there_is_no_use_in_a_server_that_wants_signatures(self):
        asking = Asking(capabilities(), can_sign=False)
        assert await asking.discovery.ask() == NEGATIVE_S
        assert asking.discovery.offer is None
        assert asking.observed.requests[-1][0] == "unsigned"
        asking.line.answer = capabilities(Capabilities("1", requires_auth=False))
        assert await asking.discovery.ask() == POSITIVE_S

    async def test_the_best_encodings_come_first(self):
        asking = Asking(capabilities(Capabilities("1", encodings=["identity", "br", "gzip"])))
        await asking.discovery.ask()
        assert asking.discovery.offer.encodings == ("gzip", "identity")


class TestLearnt:
    async def test_what_batches_taught_is_kept_until_the_server_says_something_else(self):
        asking = Asking(capabilities())
        await asking.discovery.ask()
        asking.discovery.halve()
        assert asking.discovery.step_down()
        learnt = asking.discovery.offer
        assert (learnt.records, learnt.wire_bytes, learnt.encodings) == (500, 8 * 1024 * 1024, ("gzip", "identity"))
        await asking.discovery.ask()
        assert asking.discovery.offer == learnt
        asking.line.answer = capabilities(Capabilities("1.0.1"))
        await asking.discovery.ask()
        assert asking.discovery.offer.records == 1000

    async def test_what_batches_taught_is_tried_anew_after_an_hour(self):
        asking = Asking(capabilities())
        await asking.discovery.ask()
        for _ in range(30):
            asking.discovery.halve()
        asking.now_mono += 3599
        await asking.discovery.ask()
        assert (asking.discovery.offer.records, asking.changes) == (1, 1)
        asking.now_mono += 1
        await asking.discovery.ask()
        assert (asking.discovery.offer.records, asking.changes) == (1000, 2), "and who groups by it hears of it"
        asking.now_mono += 3600
        await asking.discovery.ask()
        assert asking.changes == 2

    async def test_bounds_never_fall_below_one(self):
        asking = Asking(capabilities(Capabilities("1", max_batch_envelopes=2)))
        await asking.discovery.ask()
        for _ in range(3):
            asking.discovery.halve()
        assert asking.discovery.offer.records == 1

    async def test_operations_104_the_dictionary_goes_before_the_encoding(self, trained):
        name = sha256(trained).hexdigest()[:16]
        said = Capabilities("1", dictionaries=["x\r\nX-Evil: 1", "0123456789abcdef", name])
        asking = Asking(capabilities(said), wants_dictionary=True, **{name: plain(200, trained)})
        asking.line.by_path["0123456789abcdef"] = plain(200, b"not what its name says")
        await asking.discovery.ask()
        assert asking.discovery.offer.dictionary.name == name
        assert not any("Evil" in path for path in asking.line.asked)
        seen = []
        while asking.discovery.step_down():
            seen.append((asking.discovery.offer.dictionary, asking.discovery.offer.encodings[0]))
        assert seen == [(None, "zstd"), (None, "gzip"), (None, "identity")]

    @pytest.mark.parametrize(
        "answer", [Transient("reset"), plain(404), plain(200, b"no dictionary"), plain(200, b"raw content")]
    )
    async def test_without_a_dictionary_it_goes_without(self, answer):
        name = sha256(b"raw content").hexdigest()[:16]
        asking = Asking(capabilities(Capabilities("1", dictionaries=[name])), wants_dictionary=True, **{name: answer})
        assert await asking.discovery.ask() == POSITIVE_S
        assert asking.discovery.offer.dictionary is None

    async def test_a_damaged_dictionary_is_none(self, trained):
        damaged = trained[:8] + bytes(100)
        name = sha256(damaged).hexdigest()[:16]
        asking = Asking(
            capabilities(Capabilities("1", dictionaries=[name])), wants_dictionary=True, **{name: plain(200, damaged)}
        )
        assert await asking.discovery.ask() == POSITIVE_S
        assert asking.discovery.offer.dictionary is None

    async def test_a_dictionary_that_nobody_wants_is_not_fetched(self):
        asking = Asking(capabilities(Capabilities("1", dictionaries=["0123456789abcdef"])))
        await asking.discovery.ask()
        assert len(asking.line.asked) == 1

    def test_without_an_offer_there_is_nothing_to_learn(self):
        asking = Asking(plain())
        asking.discovery.halve()
        assert not asking.discovery.step_down()


class TestWhen:
    async def settled(self, asking, count):
        """So many questions were asked, and the last one was answered."""
        await until(lambda: len(asking.line.asked) == count)
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(asking.line.asked) == count

    async def test_it_asks_at_the_start_and_when_there_is_reason(self):
        asking = Asking(plain())
        asking.discovery.start()
        asking.discovery.start()
        await self.settled(asking, 1)
        asking.discovery.heard()
        await self.settled(asking, 1)
        asking.now_mono += 10.0
        asking.line.answer = capabilities()
        asking.discovery.heard()
        await self.settled(asking, 2)
        assert asking.discovery.offer is not None
        asking.now_mono += 10.0
        asking.discovery.heard()
        await self.settled(asking, 2)
        asking.discovery.doubt()
        await self.settled(asking, 3)
        asking.discovery.stop()
        assert (asking.discovery.offer, asking.changes) == (None, 2)

    async def test_it_asks_again_when_the_answer_is_old(self):
        asking = Asking(capabilities())
        loop = asyncio.get_running_loop()
        asking.discovery.start()
        await self.settled(asking, 1)
        due_s = [handle.when() - loop.time() for handle in loop._scheduled if not handle.cancelled()]
        assert any(POSITIVE_S - 1 < each <= POSITIVE_S for each in due_s)
        asking.discovery.stop()

    async def test_operations_103_who_lost_them_asks_when_they_are_offered_again(self):
        asking = Asking(capabilities())
        asking.discovery.start()
        await self.settled(asking, 1)
        asking.now_mono += 60.0
        asking.discovery.lost()
        assert asking.discovery.offer is None
        asking.now_mono += 10.0
        asking.discovery.heard()
        await self.settled(asking, 2)
        assert asking.discovery.offer is not None
        asking.discovery.stop()

    async def test_who_was_refused_does_not_ask_for_ten_minutes(self):
        asking = Asking(capabilities())
        asking.discovery.start()
        await self.settled(asking, 1)
        asking.discovery.refused()
        asking.now_mono += NEGATIVE_S - 1
        asking.discovery.heard()
        asking.discovery.doubt()
        await self.settled(asking, 1)
        asking.now_mono += 1
        asking.discovery.heard()
        await self.settled(asking, 2)
        asking.discovery.stop()
        assert repr(asking.discovery) == "<Discovery None>"
