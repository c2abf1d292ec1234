"""The topics of this service (contract 6), made by `topics ensure` before the first deployment."""

from library_adapters.kafka import KafkaSettings, ensure_topics
from library_domain.shared.topics import CONSUMED, PUBLISHED


async def ensure(settings: KafkaSettings) -> list[str]:
    """Make what is missing; return a line for each topic.

    Raises TopicRefused when the broker does not want one, DependencyUnavailable when it does not answer in time.
    """
    topics = await ensure_topics(settings, consumed=CONSUMED, published=PUBLISHED)
    return [
        *(f"created  {name}" for name in topics.created),
        *(f"existed  {name}" for name in topics.existing),
    ]
