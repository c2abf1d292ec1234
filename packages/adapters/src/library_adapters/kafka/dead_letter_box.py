"""The dead letters of a topic, for a person who mended what made them (contract 6)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from library_adapters.kafka.clients import make_admin, make_reader, milliseconds
from library_adapters.kafka.dead_letters import PREFIX
from library_adapters.kafka.producer import KAFKA, Producer, RecordRefused
from library_adapters.kafka.records import Headers
from library_adapters.kafka.settings import KafkaSettings
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.topics import dead_letter_topic

REPLAYED_AT = f"{PREFIX}replayed_at"
"""The header of a record that came back; burying it once more drops it, as every other of that prefix."""
_FETCH_SECONDS = 0.2


class LetterRefused(Exception):
    """A dead letter cannot be published again; the text says why."""


class PurgeRefused(Exception):
    """The broker does not delete records; the text is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One dead letter: the message as it came, and the notes on why it is here."""

    topic: str
    """Where the message came from, and goes back to."""
    partition: int
    """Of the dead letter itself; where the message came from is in the notes."""
    offset: int
    buried_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers
    notes: Mapping[str, str] = field(default_factory=dict)
    """What the headers `dlq_*` say, without that prefix."""
    origin_partition: int | None = None
    """Where in its topic the message came from; None when nobody wrote that down, or there is no such partition."""

    @property
    def reason(self) -> str:
        """The slug of why it is here."""
        return self.notes.get("reason", "unknown")

    @property
    def digest(self) -> bytes:
        """What is the same for a message that was buried twice."""
        return blake2b(repr((self.key, self.value)).encode(), digest_size=16).digest()

    @property
    def missing(self) -> str | None:
        """What of the message is not here, None if all is."""
        if "omitted_bytes" in self.notes:
            return f"{self.notes['omitted_bytes']} bytes were too large to be kept"
        return "it had neither key nor value" if "value_missing" in self.notes else None


class DeadLetterBox:
    """Reads, replays and deletes dead letters. Everything that it waits for has a limit."""

    def __init__(self, settings: KafkaSettings, producer: Producer, *, clock: Clock) -> None:
        """Connect nothing yet; the producer is the caller's to close."""
        self._settings = settings
        self._producer = producer
        self._clock = clock

    async def letters(self, topic: str, *, since: datetime | None = None) -> AsyncGenerator[DeadLetter]:
        """Yield the dead letters of a topic that are there now and were buried since then, each partition's in order.

        Raises DependencyUnavailable when Kafka does not answer in time.
        """
        async with self._reader(topic) as (reader, partitions, origins):
            await self._seek(reader, partitions, since)
            # What is buried meanwhile is left out: else a replay of what fails again would never end.
            ends: dict[TopicPartition, int] = {}
            clock = asyncio.get_running_loop().time
            heard_at = clock()
            while not all([await _is_read(reader, each, ends) for each in partitions]):
                batches = await reader.getmany(timeout_ms=milliseconds(_FETCH_SECONDS))
                for each in partitions:
                    if each not in ends and (end := reader.highwater(each)) is not None:
                        ends[each] = end
                if not batches and clock() - heard_at > self._settings.request_timeout_seconds:
                    raise DependencyUnavailable(KAFKA)
                for source, records in batches.items():
                    for record in records:
                        letter = _letter(topic, record, origins)
                        if record.offset < ends[source] and (since is None or letter.buried_at >= since):
                            yield letter
                if batches:
                    heard_at = clock()  # not before: whoever reads may have taken its time

    async def replay(self, letter: DeadLetter) -> None:
        """Publish the message again, as it came and where it came from, so that its order within the key is as it was.

        Raises LetterRefused for one that is not whole or is refused, DependencyUnavailable when it was not acknowledged
        in time: it may have been stored all the same, and may be replayed once more.
        """
        if letter.missing is not None:
            raise LetterRefused(letter.missing)
        replayed = (REPLAYED_AT, self._clock.now().isoformat().encode())
        try:
            await self._producer.send(
                letter.topic,
                key=letter.key,
                value=letter.value,
                partition=letter.origin_partition,
                headers=[*((name, value or b"") for name, value in letter.headers), replayed],
            )
        except RecordRefused as refusal:
            raise LetterRefused(f"the broker says {refusal}") from refusal

    async def purge(self, topic: str, up_to: Mapping[int, int]) -> None:
        """Delete the dead letters of these partitions up to the named offsets, those included.

        Raises PurgeRefused by a broker that does not delete, DependencyUnavailable by one that does not answer in time.
        """
        wanted = {
            TopicPartition(dead_letter_topic(topic), partition): RecordsToDelete(before_offset=offset + 1)
            for partition, offset in up_to.items()
        }
        admin = make_admin(self._settings)
        try:
            async with asyncio.timeout(2 * self._settings.request_timeout_seconds):
                await admin.start()
                try:
                    await admin.delete_records(wanted)
                except KafkaError as error:
                    # It was there a moment ago. The embedded one hangs up at a request that it does not know.
                    raise PurgeRefused(str(error)) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise DependencyUnavailable(KAFKA) from error
        finally:
            await admin.close()

    @asynccontextmanager
    async def _reader(
        self, topic: str
    ) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition], Collection[int]]]:
        """Give a consumer of the topic's dead letters, their partitions, and the numbers of the topic's own."""
        reader = make_reader(self._settings)
        try:
            async with asyncio.timeout(2 * self._settings.request_timeout_seconds):
                await reader.start()
                await reader.topics()
            name = dead_letter_topic(topic)
            # Asked before the assignment, after which the client forgets every other topic.
            origins, numbers = (reader.partitions_for_topic(each) or frozenset() for each in (topic, name))
            partitions = [TopicPartition(name, number) for number in sorted(numbers)]
            reader.assign(partitions)
            yield reader, partitions, origins
        except (KafkaError, OSError, TimeoutError) as error:
            raise DependencyUnavailable(KAFKA) from error
        finally:
            await reader.stop()

    async def _seek(
        self, reader: AIOKafkaConsumer, partitions: list[TopicPartition], since: datetime | None
    ) -> None:
        if since is None or not partitions:
            return
        moment = int(since.timestamp() * 1000)
        async with asyncio.timeout(self._settings.request_timeout_seconds):
            found: dict[TopicPartition, Any] = await reader.offsets_for_times(
                dict.fromkeys(partitions, moment)
            )
        for source in partitions:
            if (place := found.get(source)) is not None:
                reader.seek(source, place.offset)
            else:
                await reader.seek_to_end(source)


async def _is_read(
    reader: AIOKafkaConsumer, source: TopicPartition, ends: Mapping[TopicPartition, int]
) -> bool:
    """Tell whether everything that the partition held at the first look was read; before that look, that it was not."""
    return source in ends and await reader.position(source) >= ends[source]


def _letter(
    topic: str, record: ConsumerRecord[bytes | None, bytes | None], origins: Collection[int]
) -> DeadLetter:
    headers, notes = [], dict[str, str]()
    for name, value in record.headers:
        if name.startswith(PREFIX):
            notes[name.removeprefix(PREFIX)] = (value or b"").decode(errors="replace")
        else:
            headers.append((name, value))
    noted = notes.get("partition", "")
    origin = int(noted) if noted.isdecimal() else None
    return DeadLetter(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        buried_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        key=record.key,
        value=record.value,
        headers=tuple(headers),
        notes=notes,
        origin_partition=origin if origin in origins else None,
    )
