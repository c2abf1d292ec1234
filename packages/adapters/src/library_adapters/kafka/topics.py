"""Topics: made once, never changed (details 1.27)."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from library_adapters.kafka.clients import make_admin
from library_adapters.kafka.producer import KAFKA
from library_adapters.kafka.settings import KafkaSettings
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.topics import dead_letter_topic

_MILLISECONDS_PER_HOUR = 3_600_000


class TopicRefused(Exception):
    """The broker will not make a topic; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsuredTopics:
    """Which topics were made and which were there before, whatever their settings."""

    created: tuple[str, ...]
    existing: tuple[str, ...]


async def ensure_topics(
    settings: KafkaSettings, *, consumed: Collection[str] = (), published: Collection[str] = ()
) -> EnsuredTopics:
    """Make each topic that is missing, and the dead-letter topics of the consumed ones; leave the others as they are.

    Raises TopicRefused when the broker does not want one, DependencyUnavailable when it does not answer in time.
    """
    wanted = [
        *(_topic(name, settings) for name in (*consumed, *published)),
        *(_dead_letters(name, settings) for name in consumed),
    ]
    try:
        async with asyncio.timeout(2 * settings.request_timeout_seconds):
            answers = await _create(settings, wanted)
    except (KafkaError, OSError, TimeoutError) as error:
        raise DependencyUnavailable(KAFKA) from error

    created, existing = [], []
    for name, code, message in answers:
        if code == NoError.errno:
            created.append(name)
        elif code == TopicAlreadyExistsError.errno:
            existing.append(name)
        else:
            raise TopicRefused(f"{name}: {message or for_code(code).__name__}")
    return EnsuredTopics(created=tuple(created), existing=tuple(existing))


async def _create(settings: KafkaSettings, wanted: list[NewTopic]) -> list[tuple[str, int, str | None]]:
    admin = make_admin(settings)
    try:
        await admin.start()
        response: Any = await admin.create_topics(wanted)
    finally:
        await admin.close()
    return [(each[0], each[1], each[2]) for each in response.topic_errors]


def _topic(name: str, settings: KafkaSettings) -> NewTopic:
    return _new(name, settings, hours=settings.topics.retention_hours, largest=settings.max_message_bytes)


def _dead_letters(name: str, settings: KafkaSettings) -> NewTopic:
    return _new(
        dead_letter_topic(name),
        settings,
        hours=settings.topics.dead_letter_retention_hours,
        largest=settings.max_request_bytes,
    )


def _new(name: str, settings: KafkaSettings, *, hours: int, largest: int) -> NewTopic:
    return NewTopic(
        name,
        num_partitions=settings.topics.partitions,
        replication_factor=settings.topics.replication_factor,
        topic_configs={
            "cleanup.policy": "delete",
            "max.message.bytes": str(largest),
            "min.insync.replicas": str(settings.topics.min_insync_replicas),
            "retention.ms": str(hours * _MILLISECONDS_PER_HOUR),
        },
    )
