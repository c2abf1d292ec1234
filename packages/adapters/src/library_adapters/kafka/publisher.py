"""Publishes what the outbox holds: `library_domain.outbox.ports.EventPublisher` over Kafka."""

import asyncio
from collections.abc import Sequence

from loguru import logger

from library_adapters.kafka.producer import Producer, RecordRefused
from library_domain.outbox.model import Delivery, OutboxMessage
from library_domain.shared.errors import DependencyUnavailable


class KafkaEventPublisher:
    """Sends events keyed by their user, so that one partition has all of a user's events, in order (contract 6)."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[Delivery]:
        """Send messages of different users side by side; return what the broker said of each, in their order."""
        try:
            await self._producer.connect()
        except DependencyUnavailable:
            return [Delivery.FAILED] * len(messages)
        return await asyncio.gather(*map(self._publish, messages))

    async def _publish(self, message: OutboxMessage) -> Delivery:
        try:
            await self._producer.send(
                message.topic,
                key=str(message.user_id).encode(),
                value=message.payload,
                headers=[(name, value.encode()) for name, value in message.headers],
            )
        except RecordRefused as refusal:
            logger.bind(event_id=str(message.id), topic=message.topic, reason=str(refusal)).error(
                "Kafka refuses an event for good"
            )
            return Delivery.REFUSED
        except DependencyUnavailable:
            return Delivery.FAILED
        return Delivery.ACKNOWLEDGED
