"""Kafka: members of a consumer group with the acknowledgement policy, dead letters, the outbox's publisher, topics."""

from library_adapters.kafka.consumers import Consumers, Group
from library_adapters.kafka.dead_letter_box import DeadLetter, DeadLetterBox, LetterRefused, PurgeRefused
from library_adapters.kafka.dead_letters import DeadLetters
from library_adapters.kafka.producer import Producer
from library_adapters.kafka.publisher import KafkaEventPublisher
from library_adapters.kafka.records import Handle, Judge, Outcome, Poison, Record, Verdict
from library_adapters.kafka.settings import ConsumerSettings, KafkaSettings, TopicSettings
from library_adapters.kafka.topics import EnsuredTopics, TopicRefused, ensure_topics

__all__ = [
    "ConsumerSettings",
    "Consumers",
    "DeadLetter",
    "DeadLetterBox",
    "DeadLetters",
    "EnsuredTopics",
    "Group",
    "Handle",
    "Judge",
    "KafkaEventPublisher",
    "KafkaSettings",
    "LetterRefused",
    "Outcome",
    "Poison",
    "Producer",
    "PurgeRefused",
    "Record",
    "TopicRefused",
    "TopicSettings",
    "Verdict",
    "ensure_topics",
]
