"""Dead letters that are hard to write."""

from dataclasses import dataclass, field

import pytest
from fakes.clock import FakeClock

from library_adapters.kafka import DeadLetters, Poison, Record
from library_adapters.kafka.dead_letters import Failure
from library_adapters.kafka.producer import Headers, RecordRefused
from library_domain.shared.errors import ValidationFailed


@dataclass
class Sent:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


@dataclass
class FakeProducer:
    """Refuses records of more than `limit` bytes."""

    limit: int = 1_000_000
    sent: list[Sent] = field(default_factory=list)

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        assert not (key is None and value is None), "aiokafka refuses this"
        if len(key or b"") + len(value or b"") + sum(len(each) for _, each in headers) > self.limit:
            raise RecordRefused("MessageSizeTooLargeError")
        self.sent.append(Sent(topic, key, value, dict(headers)))


def record(
    value: bytes | None, *, key: bytes | None = b"key", headers: Headers = (), timestamp_ms: int = 0
) -> Record:
    return Record(
        topic="payment-events",
        partition=3,
        offset=7,
        timestamp_ms=timestamp_ms,
        key=key,
        value=value,
        headers=tuple(headers),
    )


def failure(error: BaseException) -> Failure:
    return Failure(reason="slug", error=error, attempts=2, group_id="group")


@pytest.fixture
def producer() -> FakeProducer:
    return FakeProducer()


@pytest.fixture
def letters(producer: FakeProducer) -> DeadLetters:
    return DeadLetters(producer, clock=FakeClock())  # type: ignore[arg-type]


async def test_a_record_of_nothing_says_that_it_had_no_value(
    letters: DeadLetters, producer: FakeProducer
) -> None:
    await letters.bury(record(None, key=None), failure(Poison("tombstone", "no value")))

    (sent,) = producer.sent
    assert (sent.key, sent.value) == (None, b"")
    assert sent.headers["dlq_value_missing"] == b"true"


async def test_a_record_that_is_too_large_even_here_leaves_its_note(
    letters: DeadLetters, producer: FakeProducer
) -> None:
    huge = record(b"x" * 2_000_000, headers=[("also", b"y" * 500_000)])

    await letters.bury(huge, failure(Poison("oversized", "2000000 bytes")))

    (sent,) = producer.sent
    assert (sent.key, sent.value) == (b"key", b"")
    assert sent.headers["dlq_omitted_bytes"] == b"2000000"
    assert sent.headers["dlq_offset"] == b"7"
    assert "also" not in sent.headers


async def test_a_key_that_is_too_large_even_here_is_left_out(
    letters: DeadLetters, producer: FakeProducer
) -> None:
    await letters.bury(record(b"v", key=b"k" * 2_000_000), failure(Poison("not_json", "no JSON")))

    (sent,) = producer.sent
    assert (sent.key, sent.value) == (None, b"")
    assert sent.headers["dlq_omitted_bytes"] == b"2000001"


@pytest.mark.parametrize("timestamp_ms", [2**61, -(10**15), -(2**63), 2**63 - 1])
async def test_a_timestamp_that_is_no_time_hinders_nothing(
    letters: DeadLetters, producer: FakeProducer, timestamp_ms: int
) -> None:
    await letters.bury(record(b"v", timestamp_ms=timestamp_ms), failure(Poison("not_json", "no JSON")))

    (sent,) = producer.sent
    assert sent.headers["dlq_timestamp"] == str(timestamp_ms).encode()


async def test_texts_are_bounded_and_keep_their_end(letters: DeadLetters, producer: FakeProducer) -> None:
    await letters.bury(record(b"v"), failure(RuntimeError("ж" * 10_000 + "end")))

    (sent,) = producer.sent
    assert len(sent.headers["dlq_error"]) <= 1_024
    assert len(sent.headers["dlq_stack"]) <= 4_096
    assert sent.headers["dlq_error"].decode().endswith("end")
    assert sent.headers["dlq_stack"].decode().rstrip().endswith("end")


async def test_a_domain_error_tells_its_field(letters: DeadLetters, producer: FakeProducer) -> None:
    await letters.bury(record(b"v"), failure(ValidationFailed(field="amount", reason="out_of_range")))

    (sent,) = producer.sent
    assert b"'field': 'amount'" in sent.headers["dlq_error"]
