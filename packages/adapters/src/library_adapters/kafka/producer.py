"""A producer that outlives its errors."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
)
from loguru import logger

from library_adapters.kafka.clients import make_producer
from library_adapters.kafka.settings import KafkaSettings
from library_domain.shared.errors import DependencyUnavailable

KAFKA = "kafka"
"""The name of this dependency."""

Headers = Sequence[tuple[str, bytes]]

_REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError, InvalidTopicError)
_ABANDON_SECONDS = 1.0
_PASSING = (KafkaConnectionError, KafkaTimeoutError)
"""Errors that aiokafka does not call retriable and that leave a producer whole."""


class RecordRefused(Exception):
    """The broker will never take this record: it is too large, or its topic's name is not one."""


class Producer:
    """Sends records and waits for their acknowledgement; connects when first needed.

    aiokafka's producer can end in a state that only a new one leaves: an idempotent one after a gap in its sequence
    fails every later record (aiokafka #1017), and a dead sender task fails them too. Any error that is not known to
    pass therefore replaces it. A timeout does not: the late record is still in its queue, and a second copy behind it
    keeps the order that a new producer would break.
    """

    def __init__(
        self, settings: KafkaSettings, *, make: Callable[[KafkaSettings], AIOKafkaProducer] = make_producer
    ) -> None:
        self._settings = settings
        self._make = make
        self._producer: asyncio.Task[AIOKafkaProducer] | None = None

    async def connect(self) -> None:
        """Connect unless connected. Raises DependencyUnavailable when there is no answer in time."""
        try:
            async with asyncio.timeout(self._settings.delivery_timeout_seconds):
                await self._current()
        except (KafkaError, OSError, TimeoutError) as error:
            raise DependencyUnavailable(KAFKA) from error

    async def check(self) -> None:
        """Ask the cluster who is in it. Raises DependencyUnavailable when there is no answer in time."""
        try:
            async with asyncio.timeout(self._settings.delivery_timeout_seconds):
                await (await self._current()).client.fetch_all_metadata()
        except (KafkaError, OSError, TimeoutError) as error:
            raise DependencyUnavailable(KAFKA) from error

    async def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None = None,
    ) -> None:
        """Return when all in-sync replicas have the record; without a partition, in that of its key.

        Raises RecordRefused for one that can never be stored and DependencyUnavailable when it was not acknowledged
        in `delivery_timeout_seconds`; it may have been stored all the same.
        """
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._settings.delivery_timeout_seconds):
                producer = await self._current()
                await producer.send_and_wait(
                    topic, value=value, key=key, partition=partition, headers=list(headers)
                )
        except _REFUSALS as error:
            raise RecordRefused(type(error).__name__) from error
        except (KafkaError, OSError, TimeoutError) as error:
            if producer is not None and _is_fatal(error):
                self._replace(producer, error)
            raise DependencyUnavailable(KAFKA) from error

    async def close(self) -> None:
        """Send what waits, as far as that works in time, and disconnect."""
        starting, self._producer = self._producer, None
        if starting is None:
            return
        await asyncio.wait([starting], timeout=self._settings.request_timeout_seconds)
        starting.cancel()
        await asyncio.wait([starting])
        if not _failed(starting):
            await self._stop(starting.result())

    async def _current(self) -> AIOKafkaProducer:
        """Return the producer, started. One start is for all who wait, and goes on when their time is up.

        So the next to come finds it further on, and nobody cuts it off in between, where aiokafka would leave a
        connection open: each of its steps has a timeout of its own.
        """
        if self._producer is None or _failed(self._producer):
            self._producer = asyncio.create_task(self._start())
        return await asyncio.shield(self._producer)

    async def _start(self, *, after: AIOKafkaProducer | None = None) -> AIOKafkaProducer:
        if after is not None:
            await self._stop(after)
        producer = self._make(self._settings)
        try:
            await producer.start()
        except BaseException:
            await self._stop(producer)
            raise
        return producer

    def _replace(self, broken: AIOKafkaProducer, error: BaseException) -> None:
        """Stop a broken producer before the next one starts, so that nothing of it arrives behind newer records."""
        held = self._producer
        if held is None or _failed(held) or not held.done() or held.result() is not broken:
            return  # another record that failed with it has done this
        logger.bind(error=type(error).__name__).error("the Kafka producer is broken and is replaced")
        self._producer = asyncio.create_task(self._start(after=broken))

    async def _stop(self, producer: AIOKafkaProducer) -> None:
        try:
            async with asyncio.timeout(self._settings.request_timeout_seconds):
                await producer.stop()
        except (KafkaError, OSError, TimeoutError) as error:
            logger.bind(error=type(error).__name__).warning("a Kafka producer is stopped with records unsent")
            await _abandon(producer)


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close what `stop` did not come to: it waits for every record first, and an idempotent producer never gives up."""
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(_ABANDON_SECONDS):
            await producer._sender.close()  # noqa: SLF001 - aiokafka has no other way out; a test watches the name
    await producer.client.close()


def _failed(task: asyncio.Task[AIOKafkaProducer]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _is_fatal(error: BaseException) -> bool:
    return isinstance(error, KafkaError) and not error.retriable and not isinstance(error, _PASSING)
