"""Batches made readable, as aiokafka's own unpacking sees them."""

import struct

import pytest
from aiokafka.codec import gzip_encode
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from library_adapters.kafka.unreadable import mend

CRC, COVERED = 17, 21


def batch(
    *values: bytes, headers: dict[bytes, list[tuple[str, bytes]]] | None = None, base: int = 0
) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for number, value in enumerate(values):
        named = (headers or {}).get(value, [("name", b"kept")])
        builder.append(number, timestamp=1_000 + number, key=b"key", value=value, headers=named)
    built = bytearray(builder.build())
    struct.pack_into(">q", built, 0, base)
    return bytes(built)


def spoiled(whole: bytes, old: bytes, new: bytes) -> bytes:
    """Return a batch with bytes replaced, and a CRC that says nothing happened, as a producer would send it."""
    return sealed(whole.replace(old, new))


def sealed(whole: bytes) -> bytes:
    out = bytearray(whole)
    struct.pack_into(">i", out, 8, len(out) - 12)
    struct.pack_into(">I", out, CRC, calc_crc32c(bytes(out[COVERED:])))
    return bytes(out)


def unpacked(record_set: bytes) -> list[tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes]]]]:
    records, read = MemoryRecords(record_set), []
    while records.has_next():
        following = records.next_batch()
        assert isinstance(following, DefaultRecordBatch)
        assert following.validate_crc()
        read += [(each.offset, each.timestamp, each.key, each.value, each.headers) for each in following]
    return read


HEADERS = {b"bad": [("name", b"kept"), ("NAME", b"x")]}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_header_name_that_is_no_text_costs_only_the_headers_of_its_record(compressed: bool) -> None:
    broken = spoiled(batch(b"first", b"bad", b"last", headers=HEADERS, base=7), b"NAME", b"N\xff\xfeE")
    if compressed:
        packed = bytearray(broken[:61] + gzip_encode(broken[61:]))
        packed[22] |= 1
        broken = sealed(bytes(packed))
    with pytest.raises(Exception, match=r"decode|structure"):
        unpacked(broken)

    mended, why = mend(batch(b"zero") + broken)

    named = [("name", b"kept")]
    assert unpacked(mended) == [
        (0, 1_000, b"key", b"zero", named),
        (7, 1_000, b"key", b"first", named),
        (8, 1_001, b"key", b"bad", []),
        (9, 1_002, b"key", b"last", named),
    ]
    assert why == {8: "a header's name is not UTF-8"}


def test_a_record_that_is_no_record_is_emptied_within_its_bounds() -> None:
    # The length of the value now leads beyond its record.
    broken = spoiled(batch(b"first", b"bad", b"last"), b"\x06bad", b"\x60bad")

    mended, why = mend(broken)

    assert [(offset, value) for offset, _, _, value, _ in unpacked(mended)] == [
        (0, b"first"),
        (1, None),
        (2, b"last"),
    ]
    assert list(why) == [1]


def test_one_empty_record_stands_for_a_rest_whose_bounds_are_lost() -> None:
    whole = batch(b"first", b"second", b"third")
    cut = sealed(whole[: whole.index(b"second")])

    mended, why = mend(cut)

    assert [(offset, value) for offset, _, _, value, _ in unpacked(mended)] == [(0, b"first"), (1, None)]
    assert list(why) == [1]
    assert MemoryRecords(mended).next_batch().next_offset == 3


def test_what_is_readable_or_was_damaged_on_its_way_or_is_incomplete_stays() -> None:
    good = batch(b"first", b"second")
    damaged = good[:-1] + b"!"

    for record_set in (good, damaged, good + good[:70], good[:20], b""):
        assert mend(record_set) == (record_set, {})
