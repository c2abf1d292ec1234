"""Events of the platform as Payment would publish them, and the way into Kafka."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

PAYMENT_EVENTS = "payment-events"
LIBRARY_EVENTS = "library-events"
_REQUEST_TIMEOUT_MILLISECONDS = 10_000
_LINGER_MILLISECONDS = 5
_FETCH_WAIT_MILLISECONDS = 50

Envelope = Mapping[str, Any]


def purchase_completed(
    *,
    event_id: UUID,
    user_id: UUID,
    game_id: UUID,
    transaction_id: str,
    at: datetime,
    product_type: str = "game",
    purchase_type: str = "direct",
    price: Decimal | None = None,
    currency: str = "RUB",
    dlc: Sequence[UUID] = (),
    gifted_by: UUID | None = None,
) -> Envelope:
    """Return the envelope of a `payment.purchase.completed` (contract 6; details 3.1)."""
    data: dict[str, Any] = {
        "user_id": str(user_id),
        "game_id": str(game_id),
        "product_type": product_type,
        "transaction_id": transaction_id,
        "purchase_type": purchase_type,
        "purchased_at": _rfc3339(at),
    }
    if price is not None:
        # Two places survive a binary float, which is all that the json module writes.
        data["price"] = {"amount": float(price), "currency": currency}
    if dlc:
        data["dlc"] = [str(each) for each in dlc]
    if gifted_by is not None:
        data["gifted_by"] = str(gifted_by)
    return {
        "event_id": str(event_id),
        "event_type": "payment.purchase.completed",
        "source": "payment-service",
        "subject": str(user_id),
        "timestamp": _rfc3339(at),
        "version": "1.0",
        "data_content_type": "application/json",
        "data": data,
    }


def parse(text: str) -> list[Envelope]:
    """Read one event, a list of them, or one per line. Raises ValueError, naming the place."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        documents = [
            _parse_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    else:
        documents = whole if isinstance(whole, list) else [whole]
    for number, document in enumerate(documents, 1):
        if not isinstance(document, dict):
            raise ValueError(f"event {number} is not an object")  # noqa: TRY004 - the input is bad, not the call
    return documents


def _parse_line(number: int, line: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(line)
    except json.JSONDecodeError as malformed:
        raise ValueError(
            f"line {number} is not JSON: {malformed.msg} at column {malformed.colno}"
        ) from malformed


@asynccontextmanager
async def open_producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer that waits for all replicas; what is in its hands is sent before it closes."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        linger_ms=_LINGER_MILLISECONDS,
        request_timeout_ms=_REQUEST_TIMEOUT_MILLISECONDS,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def open_reader(
    bootstrap: str, topic: str, *, from_start: bool = False
) -> AsyncIterator[AIOKafkaConsumer]:
    """Give the records of a topic, from the oldest or from now on. Without a group: joining one takes seconds."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=_FETCH_WAIT_MILLISECONDS
    )
    await consumer.start()
    try:
        await consumer.topics()
        numbers = sorted(consumer.partitions_for_topic(topic) or ())
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        seek = consumer.seek_to_beginning if from_start else consumer.seek_to_end
        await seek(*partitions)
        yield consumer
    finally:
        await consumer.stop()


def one_line(value: bytes | None) -> str:
    """Return the value of a record as one line of JSON; what is no JSON becomes a string of it."""
    text = (value or b"").decode(errors="backslashreplace")
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        document = text
    return json.dumps(document, ensure_ascii=False)


def record(envelope: Envelope) -> dict[str, Any]:
    """Return key, value and headers of the event's Kafka record: keyed by user, with CloudEvents headers."""
    attributes = {
        "ce_id": envelope.get("event_id"),
        "ce_type": envelope.get("event_type"),
        "ce_source": envelope.get("source"),
        "ce_time": envelope.get("timestamp"),
        "ce_specversion": "1.0",
    }
    key = envelope.get("subject")
    return {
        "key": None if key is None else str(key).encode(),
        "value": json.dumps(envelope, ensure_ascii=False).encode(),
        "headers": [(name, str(value).encode()) for name, value in attributes.items() if value is not None],
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
