"""Planting labelled values in envelopes: in every string position of every item, as values and as keys, in each form they occur in.

Owns positions and forms. Values are `labels`' business, which positions stay is `staying`'s, finding them again `searching`'s. What is
planted is new each time, so that a value that is found tells where it was put.
"""

import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from support import staying
from support.labels import KINDS, Label, Source
from support.recorder import WireItem, read_envelope

FORMS: dict[str, Callable[[str], str]] = {
    "bare": str,
    "sentence": lambda text: f"order 17 of {text} was refused",
    "json": lambda text: json.dumps({"step": 2, "note": text}),
    "json escaped": lambda text: json.dumps([{"note": json.dumps({"inner": text}, ensure_ascii=False)}]),
    "url": lambda text: f"https://shop.example/cart?step=2&q={quote(text, safe='')}#top",
    "form": lambda text: f"step=2&q={quote(text, safe='')}",
    "form with plus": lambda text: f"step=2&q={quote_plus(text)}",
    "url with plus": lambda text: f"https://shop.example/cart?step=2&q={quote_plus(text)}",
    "cookie": lambda text: f"theme=dark; note={text}",
    "lines": lambda text: f"first line\n{text}\r\nlast line",
}
"""How a value stands in a text."""
_ONLY_AT = {
    "form with plus": re.compile(r"request\.data|request\.query_string"),
    "url with plus": re.compile(r"request\.url"),
}
"""Where `+` is a space (scrubbing.md 15.6); elsewhere it is a plus."""
_PAIRS = re.compile(r".*\b(?:query_string|cookies)")
_NO_PAIRS = ("bare", "sentence", "cookie", "lines")
"""What stands in a text of pairs is percent-encoded: `=`, `+` and `;` mean something there."""
_KEYED = re.compile(
    r"(?:event|transaction): (?:extra|user\.data|request\.data|contexts\.order|.*\.(?:vars|order)|breadcrumbs.*\.data)"
)
"""Containers whose keys are the application's own."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One value, and where it was put."""

    label: Label
    place: str
    form: str

    def __str__(self) -> str:
        return f"{self.label.kind} ({self.form}) at {self.place}"


@dataclass(slots=True)
class Planter:
    """Puts a value in each position that does not stay.

    `most`: how often in the same position, such as a variable of the frames of one stack. `share`: in how many of a hundred.
    """

    source: Source
    most: int = 2
    share: int = 100
    plants: list[Plant] = field(default_factory=list)
    _times: Counter[str] = field(default_factory=Counter)

    def text(self, item_type: str, path: str) -> str | None:
        """What to put at a position; None if its text stays, by the table or because it is not its turn."""
        if staying.reason(item_type, path) is not None or self.source.turn.randrange(100) >= self.share:
            return None
        form = list(FORMS)[self._turn % len(FORMS)]
        if form in _ONLY_AT and not _ONLY_AT[form].fullmatch(path):
            form = "url"
        if form in _NO_PAIRS and _PAIRS.fullmatch(path):
            form = "form"
        label = self._label(item_type, path, form)
        return None if label is None else FORMS[form](label.text)

    def _label(self, item_type: str, path: str, form: str) -> Label | None:
        place = f"{item_type}: {path}"
        if self._times[place] >= self.most:
            return None
        self._times[place] += 1
        # Kinds and forms go round at different paces, so that in time each of one meets each of the other.
        kind = list(KINDS)[(self._turn // len(FORMS) + self._turn) % len(KINDS)]
        label = self.source.label(kind)
        self.plants.append(Plant(label, place, form))
        return label

    @property
    def _turn(self) -> int:
        return len(self.plants)

    def again(self) -> None:
        """Each position may be used `most` times more."""
        self._times.clear()

    def document(self, item_type: str, node: Any, path: str = "") -> Any:
        """The document with values in its texts, and as further keys of the application's containers."""
        if isinstance(node, dict):
            out = {key: self.document(item_type, value, _step(path, key)) for key, value in node.items()}
            if node and _KEYED.fullmatch(f"{item_type}: {path}"):
                label = self._label(item_type, f"{path}.<key>", "key")
                if label is not None and label.kind == "password":  # words judge what stands below a key, not keys
                    out["password"] = label.needles[0]
                elif label is not None:
                    out[label.text] = "x"
            return out
        if isinstance(node, list) and node and all(_is_pair(each) for each in node):
            return [[name, self.document(item_type, value, _step(path, name))] for name, value in node]
        if isinstance(node, list):
            return [self.document(item_type, value, _step(path, "*")) for value in node]
        if isinstance(node, str):
            text = self.text(item_type, path)
            return node if text is None else text
        return node

    def lines(self, item_type: str, path: str, count: int) -> str:
        """A text file with values in it."""
        found = (self.text(item_type, path) for _ in range(count))
        return "\n".join(f"2026-11-20T10:00:0{at % 10} INFO {text}" for at, text in enumerate(found))

    def envelope(self, body: bytes) -> bytes:
        """An envelope with values in header, item headers and payloads."""
        headers, items = read_envelope(body)
        return write_envelope(self.document("envelope header", headers), [self.item(item) for item in items])

    def item(self, item: WireItem) -> WireItem:
        headers = self.document("item header", item.headers)
        item_type = item.headers["type"]
        if item_type == "replay_recording":
            return WireItem(headers, self._recording(item.payload))
        if item_type == "form_data":
            return WireItem(headers, self._form_data(item.payload))
        try:
            document = json.loads(item.payload)
        except ValueError:
            return WireItem(headers, self._file(item))
        return WireItem(headers, self._spelled(self.document(item_type, document)))

    def _spelled(self, document: Any) -> bytes:
        """With escapes or without; half a surrogate pair, which recordings of browsers hold, has no other spelling."""
        try:
            return json.dumps(document, ensure_ascii=self.source.turn.random() < 0.3).encode()
        except UnicodeEncodeError:
            return json.dumps(document).encode()

    def _recording(self, payload: bytes) -> bytes:
        head, _, body = payload.partition(b"\n")
        packed = not body.startswith(b"[")
        frames = json.loads(zlib.decompress(body) if packed else body)
        text = json.dumps(self.document("replay_recording", frames)).encode()
        return head + b"\n" + (zlib.compress(text) if packed else text)

    def _form_data(self, payload: bytes) -> bytes:
        pairs = ((name, self.text("form_data", name.decode()) or value.decode()) for name, value in read_form(payload))
        return write_form((name.decode(), value) for name, value in pairs)

    def _file(self, item: WireItem) -> bytes:
        """Bytes that are no JSON: a text is written anew, in its coding; anything else stays what it is."""
        coding = "utf-16-le" if b"\0" in item.payload[:8] else "utf-8"
        if item.headers.get("content_type", "text/plain").startswith("text/"):
            return self.lines(f"attachment {coding}", "text", 12).encode(coding)
        return item.payload


def _is_pair(node: Any) -> bool:
    """Of a list of headers or tags, whose names are keys."""
    return isinstance(node, list) and len(node) == 2 and isinstance(node[0], str)


def _step(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def write_envelope(headers: dict[str, Any], items: list[WireItem]) -> bytes:
    lines = [json.dumps(headers).encode()]
    for item in items:
        lines += [json.dumps(item.headers | {"length": len(item.payload)}).encode(), item.payload]
    return b"\n".join([*lines, b""])


def read_form(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of the length-prefixed form (`ingest.md` A.5)."""
    texts, at = [], 0
    while at < len(payload):
        (size,) = struct.unpack_from("<I", payload, at)
        texts.append(payload[at + 4 : at + 4 + size])
        at += 4 + size
    yield from zip(texts[::2], texts[1::2], strict=True)


def write_form(pairs: Any) -> bytes:
    texts = [text.encode() for pair in pairs for text in pair]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)
