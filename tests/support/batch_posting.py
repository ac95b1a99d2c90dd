"""A post to a gateway that has said what it takes, and answers in turn."""

import pytest
import zstandard

from scrubjay.core.batch_format import BatchBounds, BatchReply, Capabilities, decode_batch
from scrubjay.runtime.forwarding.batch_post import BatchOptions, BatchPost
from scrubjay.runtime.forwarding.http_client import Origin
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.forwarding.shipment import Shipment, Waiting
from scrubjay.runtime.upstream import Upstream, UpstreamOptions
from support.forwarding import Observed, parcel
from support.loopback import DECODERS

OPEN = Capabilities("1", requires_auth=False)


def taken(batch):
    return BatchReply(batch.id, [True] * len(batch.records), [False] * len(batch.records))


class Gateway:
    """In place of the client: a scrubjay that answers batches in turn, the last answer again and again."""

    origin = Origin("http", "gateway.example", 3000)

    def __init__(self, *answers, said=OPEN, dictionary=b"") -> None:
        self.answers = list(answers) or [taken]
        self.said = said
        self.dictionary = dictionary
        self.heads = []
        self.wires = []
        self.batches = []
        self.before_answer = lambda: None

    def target(self, path):
        return path

    def proxy_header(self):
        return ""

    async def request(self, head, body, timeout_s, *, once=False, keeps_bytes=0):
        method, path = head.split(b" ", 2)[:2]
        self.timeout_s = timeout_s
        if method == b"GET":
            found = self.said.encode() if path.endswith(b"/capabilities/") else self.dictionary
            return Reply(200, {"x-scrubjay": "1"}, found, reusable=True)
        self.heads.append(head.decode())
        self.wires.append(body)
        batch = decode_batch(self.decoded(), BatchBounds())
        self.batches.append(batch)
        self.before_answer()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(batch)
        if isinstance(answer, BatchReply):
            answer = Reply(200, {}, answer.encode(), reusable=True)
        if isinstance(answer, int):
            answer = Reply(answer, {}, b'{"detail":"because"}', reusable=True)
        return answer

    @property
    def headers(self):
        return dict(line.split(": ", 1) for line in self.heads[-1].split("\r\n")[1:-2])

    @property
    def encoding(self):
        return self.headers.get("Content-Encoding", "identity")

    def decoded(self):
        if "X-Scrubjay-Dict" in self.headers:
            known = zstandard.ZstdCompressionDict(self.dictionary)
            return zstandard.ZstdDecompressor(dict_data=known).decompress(self.wires[-1])
        return DECODERS[self.encoding](self.wires[-1])


class Measured(Observed):
    def __init__(self) -> None:
        super().__init__()
        self.sizes = []

    def batch(self, envelopes, size_bytes):
        self.sizes.append((envelopes, size_bytes))

    @property
    def results(self):
        return [(result, status) for result, status, route, _ in self.requests if route == "batch"]


class Posting:
    """A post to a gateway that has said what it takes."""

    def __init__(self, *answers, said=OPEN, dictionary=b"", signer=None, **options) -> None:
        self.gateway = Gateway(*answers, said=said, dictionary=dictionary)
        self.observed = Measured()
        self.denied, self.limits, self.changes = [], [], 0
        self.now_mono = 1_000.0
        self.upstream = Upstream(
            self.gateway,
            self.observed,
            UpstreamOptions(),
            on_limits=lambda each, limits: self.limits.append((each.key, limits)),
            on_denied=lambda key, project_id: self.denied.append(key),
            now_unix=lambda: 1_767_323_100.0,
            now_mono=lambda: self.now_mono,
        )
        self.post = BatchPost(
            self.upstream,
            self.observed,
            BatchOptions(**options),
            signer=signer,
            now_unix=lambda: 1_767_323_100.0,
            now_mono=lambda: self.now_mono,
        )
        self.post.listen(self)

    def on_change(self) -> None:
        self.changes += 1

    async def open(self):
        await self.post._discovery.ask()
        return self

    async def send(self, shipment):
        return list(await self.post.send(shipment, self.now_mono))

    async def fails(self, shipment, kind):
        with pytest.raises(kind) as caught:
            await self.send(shipment)
        return caught.value


def shipment(*names, since_mono=1_000.0, **changes):
    return Shipment([Waiting(parcel(name, **changes), 0, since_mono) for name in names], "batch")
