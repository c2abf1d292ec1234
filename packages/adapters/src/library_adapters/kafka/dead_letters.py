"""Dead letters: messages that can never work, kept with all that a person needs to mend and replay them (contract 6)."""

import traceback
from dataclasses import dataclass

from library_adapters.kafka.producer import Producer, RecordRefused
from library_adapters.kafka.records import Record
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DomainError
from library_domain.shared.topics import dead_letter_topic

PREFIX = "dlq_"
"""Of the headers that we add, and drop from what comes back."""
_MAX_TEXT_BYTES = 1_024
_MAX_STACK_BYTES = 4_096
_MAX_KEY_BYTES = 1_024
"""Of a record that is too large as it came: a key of ours is a UUID, and a compressed one may be of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a message is given up."""

    reason: str
    """A slug, such as `not_json`."""
    error: BaseException
    attempts: int
    group_id: str
    """Whose it was."""


class DeadLetters:
    """Writes to `{topic}.library-service.dlq`: key, value and headers as they came, and headers `dlq_*` on top.

    `dlq_*` are text: reason, error, exception, stack (its end, at most 4 KiB), topic, partition, offset, timestamp
    and failed_at (RFC 3339, UTC; a timestamp that is no time: its number), attempts, group. Those of an earlier burial
    are dropped: what counts is the last.
    """

    def __init__(self, producer: Producer, *, clock: Clock) -> None:
        self._producer = producer
        self._clock = clock

    async def bury(self, record: Record, failure: Failure) -> None:
        """Return when the dead letter is stored on all in-sync replicas.

        Raises DependencyUnavailable when it was not acknowledged in time: then the message must not be left.
        """
        notes = [(PREFIX + name, value.encode()) for name, value in self._notes(record, failure).items()]
        kept = [(name, value or b"") for name, value in record.headers if not name.startswith(PREFIX)]
        value = record.value
        if value is None and record.key is None:
            # aiokafka wants one of the two; the note tells that there was neither.
            value, notes = b"", [*notes, (f"{PREFIX}value_missing", b"true")]
        topic = dead_letter_topic(record.topic)
        try:
            await self._producer.send(topic, key=record.key, value=value, headers=[*kept, *notes])
        except RecordRefused:
            # Too large even for here, and the partition must go on. What is left out is still where `dlq_offset` says.
            key = record.key if len(record.key or b"") <= _MAX_KEY_BYTES else None
            omitted = len(value or b"") + (len(record.key or b"") if key is None else 0)
            notes.append((f"{PREFIX}omitted_bytes", str(omitted).encode()))
            await self._producer.send(topic, key=key, value=b"", headers=notes)

    def _notes(self, record: Record, failure: Failure) -> dict[str, str]:
        produced_at = record.produced_at
        stack = "".join(traceback.format_exception(failure.error))
        return {
            "reason": failure.reason,
            "error": _end(_text(failure.error), _MAX_TEXT_BYTES),
            "exception": f"{type(failure.error).__module__}.{type(failure.error).__qualname__}",
            "stack": _end(stack, _MAX_STACK_BYTES),
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "timestamp": produced_at.isoformat() if produced_at else str(record.timestamp_ms),
            "attempts": str(failure.attempts),
            "group": failure.group_id,
            "failed_at": self._clock.now().isoformat(),
        }


def _text(error: BaseException) -> str:
    # The details of a domain error are safe to show and name the field; its text is the same for all of its kind.
    return f"{error} {error.details}" if isinstance(error, DomainError) else str(error)


def _end(text: str, limit: int) -> str:
    """Return at most `limit` bytes of the end of the text, which is where an exception says what happened."""
    return text.encode(errors="replace")[-limit:].decode(errors="ignore")
