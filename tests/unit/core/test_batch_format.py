from __future__ import annotations

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.batch_format import (
    Batch,
    BatchBounds,
    BatchReply,
    Capabilities,
    RecordError,
    decode_batch,
    decode_bits,
    encode_batch,
    encode_bits,
)
from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.spool_format import Record
from scrubjay.errors import BatchError, BatchTooLarge

META = b'{"k":"a94ae32be2584e0bbd7a4cbb95971fee","p":"42","r":1767323045678}'
BODY = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event","length":16}\n{"message":"hi"}\n'
ID = bytes.fromhex("0192f3a4b5c67d8e9fa0b1c2d3e4f506")
ID_TEXT = "0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506"
VECTOR = bytes.fromhex(
    "534a4231010020000192f3a4b5c67d8e9fa0b1c2d3e4f506010000003865c34d"
    "a700000043007b226b223a226139346165333262653235383465306262643761346362623935393731666565222c2270223a223432222c22"
    "72223a313736373332333034353637387d7b226576656e745f6964223a22396563373963333365633939343261623833353335383966636232"
    "6530346463227d0a7b2274797065223a226576656e74222c226c656e677468223a31367d0a7b226d657373616765223a226869227d0a11ed15eb"
    "534a424501000000"
)
BOUNDS = BatchBounds()
THREE = [Record(b"{}", b"one"), Record(b'{"k":"a"}', b""), Record(b"", b"three")]

records = st.lists(st.builds(Record, st.binary(max_size=40), st.binary(max_size=80)), min_size=1, max_size=12)


def with_header(data: bytes, **changes: int | bytes) -> bytes:
    """The batch under another header, its checksum right."""
    names = ("magic", "version", "flags", "length", "id", "count")
    fields = dict(zip(names, struct.unpack_from("<4sBBH16sI", data), strict=True)) | changes
    head = struct.pack("<4sBBH16sI", *fields.values())
    return head + struct.pack("<I", crc32(head)) + data[32:]


class TestBatch:
    def test_vector_operations_99(self) -> None:
        assert encode_batch(ID, [Record(META, BODY)], scrubbed=False) == VECTOR
        assert len(VECTOR) == 211
        assert decode_batch(VECTOR, BOUNDS) == Batch(ID, [Record(META, BODY)], scrubbed=False)

    @given(records, st.binary(min_size=16, max_size=16), st.booleans())
    def test_what_is_written_is_read(self, given_records: list[Record], batch_id: bytes, scrubbed: bool) -> None:
        data = encode_batch(batch_id, given_records, scrubbed=scrubbed)
        assert decode_batch(data, BOUNDS) == (batch_id, given_records, scrubbed)

    @pytest.mark.parametrize(
        ("data", "offset", "record"),
        [
            pytest.param(b"", 0, 0, id="empty"),
            pytest.param(VECTOR[:39], 39, 0, id="short"),
            pytest.param(b"SJB2" + VECTOR[4:], 0, 0, id="magic"),
            pytest.param(with_header(VECTOR, version=2), 0, 0, id="version"),
            pytest.param(with_header(VECTOR, flags=2), 0, 0, id="flag that nobody knows"),
            pytest.param(with_header(VECTOR, length=40), 0, 0, id="header length"),
            pytest.param(VECTOR[:9] + b"\xff" + VECTOR[10:], 28, 0, id="header checksum"),
            pytest.param(with_header(VECTOR, count=0), 24, 0, id="no records"),
            pytest.param(with_header(VECTOR, count=2), 203, 1, id="operations-99 more records announced"),
            pytest.param(VECTOR[:-8] + b"SJBF" + VECTOR[-4:], 203, 1, id="operations-99 trailer"),
            pytest.param(VECTOR[:-4] + b"\2\0\0\0", 203, 1, id="operations-99 count in the trailer"),
            pytest.param(VECTOR[:60] + b"?" + VECTOR[61:], 32, 0, id="operations-99 record checksum"),
            pytest.param(VECTOR[:-9] + VECTOR[-8:], 32, 0, id="record cut short"),
            pytest.param(VECTOR[:-8] + b"!" + VECTOR[-8:], 203, 1, id="bytes before the trailer"),
            pytest.param(VECTOR + b"!", 203, 1, id="bytes behind the trailer"),
        ],
    )
    def test_what_is_no_batch_is_told_where(self, data: bytes, offset: int, record: int) -> None:
        with pytest.raises(BatchError) as caught:
            decode_batch(data, BOUNDS)
        assert (caught.value.offset, caught.value.record) == (offset, record)
        assert not isinstance(caught.value, BatchTooLarge)

    def test_a_bad_record_is_named_by_its_index(self) -> None:
        data = bytearray(encode_batch(ID, THREE))
        data[32 + 15 + 19 + 8] ^= 1
        with pytest.raises(BatchError, match="checksum") as caught:
            decode_batch(bytes(data), BOUNDS)
        assert (caught.value.offset, caught.value.record) == (32 + 15 + 19, 2)

    def test_fewer_records_announced_than_come(self) -> None:
        with pytest.raises(BatchError, match="between") as caught:
            decode_batch(with_header(encode_batch(ID, THREE), count=2), BOUNDS)
        assert caught.value.record == 2

    def test_bounds(self) -> None:
        data = encode_batch(ID, THREE)
        assert decode_batch(data, BatchBounds(3, len(data))).records == THREE
        with pytest.raises(BatchTooLarge, match="at most 2"):
            decode_batch(data, BatchBounds(2, len(data)))
        with pytest.raises(BatchTooLarge, match="bytes"):
            decode_batch(data, BatchBounds(3, len(data) - 1))

    def test_a_huge_count_allocates_nothing(self) -> None:
        with pytest.raises(BatchTooLarge, match="4294967295 records"):
            decode_batch(with_header(VECTOR, count=0xFFFF_FFFF), BOUNDS)

    @given(st.data())
    def test_no_damage_goes_unseen(self, data: st.DataObject) -> None:
        whole = encode_batch(ID, THREE)
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = bytearray(whole)
        damaged[at] ^= data.draw(st.integers(1, 255))
        with pytest.raises(BatchError):
            decode_batch(bytes(damaged), BOUNDS)
        with pytest.raises(BatchError):
            decode_batch(whole[:at], BOUNDS)

    @given(st.binary(max_size=300))
    def test_any_bytes_end_in_the_error(self, data: bytes) -> None:
        with pytest.raises(BatchError):
            decode_batch(data, BOUNDS)

    def test_a_meta_that_does_not_fit_is_not_written(self) -> None:
        with pytest.raises(ValueError, match="65536"):
            encode_batch(ID, [Record(bytes(65536), b"")])


class TestBits:
    @pytest.mark.parametrize(
        ("text", "bits"),
        [
            pytest.param("7wE=", [1, 1, 1, 1, 0, 1, 1, 1, 1, 0], id="operations-100 ack"),
            pytest.param("EAA=", [0, 0, 0, 0, 1, 0, 0, 0, 0, 0], id="operations-100 drop"),
            pytest.param("/w==", [1] * 8, id="full byte"),
            pytest.param("", [], id="none"),
        ],
    )
    def test_vectors(self, text: str, bits: list[int]) -> None:
        assert encode_bits([bool(bit) for bit in bits]) == text
        assert decode_bits(text, len(bits)) == [bool(bit) for bit in bits]

    @given(st.lists(st.booleans(), max_size=70))
    def test_what_is_written_is_read(self, bits: list[bool]) -> None:
        assert decode_bits(encode_bits(bits), len(bits)) == bits

    @pytest.mark.parametrize(
        ("text", "count"),
        [("7wE=", 16 + 1), ("7wE=", 8), ("7wU=", 10), ("7wE", 10), ("7w-=", 10), ("é", 3), ("7wE=", 0)],
    )
    def test_another_map_is_refused(self, text: str, count: int) -> None:
        with pytest.raises(ValueError, match=r"."):
            decode_bits(text, count)


REPLY = BatchReply(
    ID,
    decode_bits("7wE=", 10),
    decode_bits("EAA=", 10),
    [RecordError(4, 403, "project_id"), RecordError(9, 503, "spool_full", 5)],
    [("a94ae32be2584e0bbd7a4cbb95971fee", "60:error:key:local_burst")],
)
REPLY_BYTES = (
    b'{"batch_id":"0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506","count":10,"ack":"7wE=","drop":"EAA=","errors":[{"i":4,'
    b'"status":403,"reason":"project_id"},{"i":9,"status":503,"reason":"spool_full","retry_after":5}],"rate_limits":'
    b'[{"key":"a94ae32be2584e0bbd7a4cbb95971fee","value":"60:error:key:local_burst"}]}'
)


def changed(**changes: object) -> bytes:
    document = decode_json(REPLY_BYTES)
    assert isinstance(document, dict)
    return encode_json({name: value for name, value in (document | changes).items() if value is not None})


class TestReply:
    def test_the_example_of_the_specification(self) -> None:
        assert REPLY.encode() == REPLY_BYTES
        assert BatchReply.decode(REPLY_BYTES, ID, 10) == REPLY

    def test_remarks_that_are_not_there_are_not_written(self) -> None:
        reply = BatchReply(ID, [True], [False])
        assert b"errors" not in reply.encode()
        assert b"rate_limits" not in reply.encode()
        read = BatchReply.decode(reply.encode(), ID, 1)
        assert (read.acked, read.dropped, read.errors, read.rate_limits) == ([True], [False], [], [])

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"", id="missing"),
            pytest.param(REPLY_BYTES[:-20], id="short"),
            pytest.param(b"[]", id="no object"),
            pytest.param(changed(batch_id="0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f507"), id="wrong id"),
            pytest.param(changed(batch_id="nonsense"), id="no id"),
            pytest.param(changed(batch_id=7), id="id that is no text"),
            pytest.param(changed(count=9), id="wrong count"),
            pytest.param(changed(ack=None), id="without map"),
            pytest.param(changed(drop="7wH="), id="unused bits"),
            pytest.param(changed(drop="ABCD"), id="map too long"),
            pytest.param(changed(drop="AQA="), id="both"),
        ],
    )
    def test_what_is_no_whole_reply_to_this_batch(self, data: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            BatchReply.decode(data, ID, 10)

    def test_odd_remarks_are_passed_over(self) -> None:
        errors = [
            7,
            {},
            {"i": 10},
            {"i": -1},
            {"i": 1, "status": "x", "reason": 5, "retry_after": -1},
            {"i": 2, "retry_after": 1e300},
            {"i": 3, "retry_after": 10**400},
            {"i": 4, "retry_after": 599, "reason": "x" * 999},
        ]
        limits = [None, {"key": 1, "value": "x"}, {"key": "k"}, {"key": "k", "value": "v"}]
        read = BatchReply.decode(changed(errors=errors, rate_limits=limits), ID, 10)
        waits_s = [(error.index, error.retry_after_s) for error in read.errors]
        assert waits_s == [(1, None), (2, 600.0), (3, 600.0), (4, 599.0)], "nobody is put off for good"
        assert read.errors[0] == RecordError(1, 0, "")
        assert read.errors[-1].reason == "x" * 200
        assert read.rate_limits == [("k", "v")]

    @pytest.mark.parametrize("value", [None, 7, "x", {}])
    def test_remarks_of_another_type_are_none(self, value: object) -> None:
        assert BatchReply.decode(changed(errors=value, rate_limits=value), ID, 10).errors == []


class TestCapabilities:
    def test_the_document_of_the_specification(self) -> None:
        said = Capabilities("1.0.0", dictionaries=("3f9a1c0be2d47788",))
        assert said.encode() == (
            b'{"scrubjay":"1.0.0","batch":{"versions":[1],"encodings":["zstd","gzip","identity"],"max_batch_bytes":16777216,'
            b'"max_batch_envelopes":1000,"max_decompressed_bytes":67108864,"dictionaries":["3f9a1c0be2d47788"],"auth":"required"}}'
        )
        assert Capabilities.decode(said.encode()).encode() == said.encode()

    def test_bounds_that_are_not_named_are_ours(self) -> None:
        said = Capabilities.decode(b'{"batch":{"versions":[1,"2"],"encodings":7,"auth":"optional"}}')
        assert said == Capabilities("", versions=[1], encodings=[], dictionaries=[], requires_auth=False)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"{}",
            b'{"batch":1}',
            b'{"batch":{"max_batch_bytes":0}}',
            b'{"batch":{"max_batch_envelopes":"9"}}',
            b'{"batch":{"max_decompressed_bytes":1%b}}' % (b"0" * 400),
        ],
    )
    def test_anything_else_is_refused(self, data: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            Capabilities.decode(data)
