"""Records that aiokafka cannot unpack, such as one with a header whose name is not UTF-8.

aiokafka decodes a record on its way out of the fetched batch, and raises there: no policy of ours hears of it, and the
same batch comes again for ever. A seek past the record does not help either, because a broker sends whole batches and
aiokafka decodes also what it skips. So the batch is fetched once more and made readable on its way in: what cannot be
unpacked becomes a record at the same offset without headers, which is buried like any other poison. All around it is
handed over as it came, and positions, seeks, pauses and aborted transactions stay aiokafka's own business.
"""

import inspect
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.record.util import calc_crc32c, decode_varint, encode_varint

OnUnreadable = Callable[[TopicPartition, int, Exception], None]
"""Told the partition, the position from which to fetch again, and why."""

_FETCH = 1
"""The key of this request in Kafka's protocol."""

# A batch of format 2 (KIP-98): base offset, length of what follows, leader epoch, magic, CRC, then what the CRC covers:
# attributes, last offset delta, first and last time, producer id, epoch and sequence, number of records.
_HEADER = struct.Struct(">qiibIhiqqqhii")
_LENGTH_COVERS_FROM = struct.calcsize(">qi")
_CRC_COVERS_FROM = struct.calcsize(">qiibI")
_CODEC_MASK, _CONTROL_MASK = 0x07, 0x20
_DECODERS: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}
_Refused = (ValueError, IndexError)


class MendingConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka publishes no types
    """A consumer that hands unreadable records over as empty ones and remembers where they are."""

    on_unreadable: OnUnreadable | None = None
    """Must seek and pause: the fetch after it is mended. Set once the consumer has started; until then errors pass."""

    def __init__(self, *topics: str, **options: object) -> None:
        """See AIOKafkaConsumer."""
        super().__init__(*topics, **options)
        self._suspects: set[TopicPartition] = set()
        self._unreadable: dict[TopicPartition, dict[int, str]] = {}
        self._send = self._client.send
        # The only place where a batch is still bytes; the fetcher is made by `start` and keeps this client.
        self._client.send = self._send_and_mend

    async def getone(self, *partitions: TopicPartition) -> ConsumerRecord[bytes | None, bytes | None]:
        """Return the next record. Raises what aiokafka raises of anything but the unpacking of a batch."""
        while True:
            try:
                return await super().getone(*partitions)
            except Exception as error:
                broken = self._broken()
                if not broken or self.on_unreadable is None:
                    raise
                for source, position in broken.items():
                    self._suspects.add(source)
                    self.on_unreadable(source, position, error)

    def why_unreadable(self, source: TopicPartition, offset: int) -> str | None:
        """Return what was wrong with a record that was mended, None for one that came as it is."""
        return self._unreadable.get(source, {}).get(offset)

    def _broken(self) -> dict[TopicPartition, int]:
        """Return the partitions whose fetched batch raised: an exhausted one drops its generator, a broken one keeps it."""
        broken = {}
        for source, fetched in self._fetcher._records.items():  # noqa: SLF001 - no public way; a test watches the names
            unpacked: Any = getattr(fetched, "_partition_records", None)
            generator = getattr(unpacked, "_records_iterator", None)
            if generator is not None and inspect.getgeneratorstate(generator) == inspect.GEN_CLOSED:
                broken[source] = unpacked.next_fetch_offset
        return broken

    async def _send_and_mend(self, node_id: int, request: object, **options: object) -> object:
        response = await self._send(node_id, request, **options)
        if self._suspects and getattr(response, "API_KEY", None) == _FETCH:
            response.topics = [
                (topic, [self._mend(topic, *partition) for partition in partitions])
                for topic, partitions in response.topics
            ]
        return response

    def _mend(self, topic: str, number: int, *rest: Any) -> tuple[object, ...]:  # noqa: ANN401 - untyped as it comes from aiokafka
        source = TopicPartition(topic, number)
        *between, record_set = rest
        if source in self._suspects and record_set:
            self._suspects.discard(source)
            record_set, self._unreadable[source] = mend(record_set)
        return number, *between, record_set


def mending(builder: Callable[..., AIOKafkaConsumer]) -> Callable[..., MendingConsumer]:
    """Return FastStream's builder of consumers, with its options, for consumers that mend."""
    options = builder.keywords if isinstance(builder, partial) else {}
    return partial(MendingConsumer, **options)


def mend(record_set: bytes) -> tuple[bytes, dict[int, str]]:
    """Return the fetched batches with unreadable records emptied, and by offset why each was.

    A batch that the CRC says was damaged on its way, or in a format without headers, stays as it is.
    """
    mended, broken, position = bytearray(), dict[int, str](), 0
    while len(record_set) - position >= _HEADER.size:
        _, length, _, magic, *_ = _HEADER.unpack_from(record_set, position)
        end = position + _LENGTH_COVERS_FROM + length
        if magic != 2 or not position + _HEADER.size <= end <= len(record_set):  # noqa: PLR2004 - the format's number
            break
        mended += _mend_batch(bytes(record_set[position:end]), broken)
        position = end
    return bytes(mended) + bytes(record_set[position:]), broken


def _mend_batch(batch: bytes, broken: dict[int, str]) -> bytes:
    base, _, epoch, magic, crc, attributes, *covered, count = _HEADER.unpack_from(batch)
    codec = attributes & _CODEC_MASK
    if (
        attributes & _CONTROL_MASK
        or codec not in _DECODERS
        or calc_crc32c(memoryview(batch)[_CRC_COVERS_FROM:]) != crc
    ):
        return batch
    before = len(broken)
    records = _mend_records(base, codec, batch[_HEADER.size :], count, broken)
    if len(broken) == before:
        return batch
    body = b"".join(records)
    length = _HEADER.size - _LENGTH_COVERS_FROM + len(body)
    header = bytearray(_HEADER.size)
    _HEADER.pack_into(
        header, 0, base, length, epoch, magic, 0, attributes & ~_CODEC_MASK, *covered, len(records)
    )
    struct.pack_into(
        ">I", header, struct.calcsize(">qiib"), calc_crc32c(bytes(header[_CRC_COVERS_FROM:]) + body)
    )
    return bytes(header) + body


def _mend_records(base: int, codec: int, body: bytes, count: int, broken: dict[int, str]) -> list[bytes]:
    """Return the records of a batch; where even their bounds are lost, one empty record stands for all the rest."""
    records: list[bytes] = []
    delta = -1
    try:
        reader = _Reader(_DECODERS[codec](body))
        for _ in range(count):
            start = reader.position
            length = reader.varint()
            record = _Reader(reader.take(length))
            delta, why, emptied = _read(record, delta)
            if why is not None:
                broken[base + delta] = why
            records.append(emptied if why is not None else reader.data[start : reader.position])
    except Exception as error:  # noqa: BLE001 - the decoders raise whatever they like
        delta += 1
        broken[base + delta] = f"the rest of its batch cannot be unpacked: {error}"
        records.append(_record(0, delta, None, None))
    return records


def _read(record: "_Reader", before: int) -> tuple[int, str | None, bytes]:
    """Return the offset delta, what is wrong if anything is, and then the record without its headers."""
    delta, time_delta = before + 1, 0
    key: bytes | None = None
    value: bytes | None = None
    try:
        record.take(1)
        time_delta, delta = record.varint(), record.varint()
        key, value = record.nullable(), record.nullable()
        for _ in range(record.count()):
            record.take(record.count()).decode()
            record.nullable()
        if record.position != len(record.data):
            raise ValueError("it is longer than its parts")
    except UnicodeDecodeError:
        why = "a header's name is not UTF-8"
    except _Refused as error:
        why = f"it cannot be unpacked: {error}"
    else:
        return delta, None, b""
    return delta, why, _record(time_delta, delta, key, value)


def _record(time_delta: int, delta: int, key: bytes | None, value: bytes | None) -> bytes:
    body = bytearray(1)
    encode_varint(time_delta, body.append)
    encode_varint(delta, body.append)
    for part in (key, value):
        encode_varint(-1 if part is None else len(part), body.append)
        body += part or b""
    encode_varint(0, body.append)
    whole = bytearray()
    encode_varint(len(body), whole.append)
    return bytes(whole + body)


class _Reader:
    """Reads fields one after the other. Raises ValueError or IndexError where the bytes end too early."""

    def __init__(self, data: bytes) -> None:
        self.data = bytes(data)
        self.position = 0

    def varint(self) -> int:
        value, self.position = decode_varint(self.data, self.position)
        return int(value)

    def count(self) -> int:
        if (value := self.varint()) < 0:
            raise ValueError("a length is negative")
        return value

    def take(self, length: int) -> bytes:
        end = self.position + length
        if length < 0 or end > len(self.data):
            raise ValueError("it ends too early")
        taken, self.position = self.data[self.position : end], end
        return taken

    def nullable(self) -> bytes | None:
        length = self.varint()
        return None if length < 0 else self.take(length)
