"""Messages as a door sees them, and what it says of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum

from aiokafka import TopicPartition

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One message, as Kafka has it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When it was produced, milliseconds since 1970."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    unreadable: str | None = None
    """Why it could not be unpacked; then what could be is here, and the headers are not."""

    @property
    def source(self) -> TopicPartition:
        """The partition that it comes from."""
        return TopicPartition(self.topic, self.partition)

    @property
    def produced_at(self) -> datetime | None:
        """When it was produced; None for what is no time: brokers take any number that a producer sends."""
        try:
            return datetime.fromtimestamp(self.timestamp_ms / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            return None


class Outcome(StrEnum):
    """How a message that did not fail ended; also the metric's label."""

    PROCESSED = "processed"
    DUPLICATE = "duplicate"
    """It had its effect before."""
    SKIPPED = "skipped"
    """It does not concern us, as an unknown event type (details 2.16)."""


class Verdict(Enum):
    """What a failure means for its message. Each door owns the table from failures to verdicts (style 18)."""

    RETRY = "retry"
    """The message is good and something else is not: again, for as long as it takes."""
    RETRY_SOME = "retry_some"
    """Nobody expected this: perhaps the message, perhaps the world. A few times, then it is a dead letter."""
    DEAD_LETTER = "dead_letter"
    """It can never work."""
    SKIP = "skip"
    """It can never work, and nobody needs to look at it."""


class Poison(Exception):
    """The message itself is bad. `reason` is a slug for machines, the text is for people and names the field."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


Handle = Callable[[Record], Awaitable[Outcome]]
"""What a door does with a message; whatever it raises is judged."""
Judge = Callable[[Exception], Verdict]
"""The door's table; `Poison` never reaches it."""
