"""An upstream before a client that keeps the requests and answers them in turn."""

from scrubjay.runtime.forwarding.http_client import Origin
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.upstream import Upstream, UpstreamOptions
from support.forwarding import Observed
from support.loopback import DECODERS
from support.recorder import read_envelope


class Server:
    """In place of the client: keeps the requests, answers in turn (the last answer again and again)."""

    origin = Origin("https", "sentry.example", 8443)

    def __init__(self, *answers):
        self.answers = list(answers) or [200]
        self.requests = []
        self.closed = False

    def target(self, path):
        return path

    def proxy_header(self):
        return ""

    async def request(self, head, body, timeout_s, *, once=False, keeps_bytes=0):
        self.once = once
        self.requests.append((head.decode(), body, timeout_s))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            answer = Reply(answer, {}, b'{"detail": "because"}', reusable=True)
        return answer

    def close(self):
        self.closed = True

    @property
    def head(self):
        return self.requests[-1][0]

    @property
    def headers(self):
        lines = self.head.split("\r\n")[1:-2]
        return dict(line.split(": ", 1) for line in lines)

    @property
    def encodings(self):
        return [
            next((line[18:] for line in head.split("\r\n") if line.startswith("Content-Encoding: ")), "identity")
            for head, _, _ in self.requests
        ]

    @property
    def envelope(self):
        return read_envelope(DECODERS[self.encodings[-1]](self.requests[-1][1]))


def upstream(*answers, now_unix=1_767_323_100.0, signer=None, **options):
    server, observed, limits, denied = Server(*answers), Observed(), [], []
    subject = Upstream(
        server,
        observed,
        UpstreamOptions(**options),
        on_limits=lambda parcel, learnt: limits.append((parcel.key, learnt)),
        on_denied=lambda key, project_id: denied.append(key),
        signer=signer,
        now_unix=lambda: now_unix,
        now_mono=lambda: 1_000.0,
    )
    subject.seen = (server, observed, limits, denied)
    return subject, server


def reply(status, body=b"", **headers):
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, reusable=True)
