"""Making topics (details 1.27)."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import PolicyViolationError
from integration.kafka.conftest import PARTITIONS

from library_adapters.kafka import KafkaSettings, TopicRefused, ensure_topics


async def test_makes_what_is_missing_and_leaves_the_rest_alone(settings: KafkaSettings) -> None:
    first = await ensure_topics(settings, consumed=["made-first"], published=["made-too"])
    second = await ensure_topics(settings, consumed=["made-first", "made-second"])

    assert first.created == ("made-first", "made-too", "made-first.library-service.dlq")
    assert first.existing == ()
    assert second.created == ("made-second", "made-second.library-service.dlq")
    assert second.existing == ("made-first", "made-first.library-service.dlq")


async def test_topics_have_the_partitions_of_the_settings(settings: KafkaSettings) -> None:
    await ensure_topics(settings, published=["partitioned"])

    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    (topic,) = await admin.describe_topics(["partitioned"])
    await admin.close()
    assert len(topic["partitions"]) == PARTITIONS


async def test_a_topic_that_the_broker_refuses_is_named(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The embedded broker accepts whatever a real one would refuse.
    class Answer:
        topic_errors = (("refused", PolicyViolationError.errno, "not with us"),)

    async def create_topics(*args: object) -> Answer:
        return Answer()

    monkeypatch.setattr(AIOKafkaAdminClient, "create_topics", create_topics)

    with pytest.raises(TopicRefused, match="refused: not with us"):
        await ensure_topics(settings, published=["refused"])
