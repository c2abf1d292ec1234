"""How an event looks on Kafka and in the audit log (contract 6; details 3.7)."""

from collections.abc import Mapping
from dataclasses import fields
from uuid import UUID

import msgspec

from library_domain.shared.events import DomainEvent

SOURCE = "library-service"
ENVELOPE_VERSION = "1.0"
_CLOUDEVENTS_VERSION = "1.0"

# Money goes out as a number with two places (details 3.11), never through a binary float.
_encoder = msgspec.json.Encoder(decimal_format="number")

_NOT_DATA = frozenset({"occurred_at"})
_AUDIT_COLUMNS = frozenset({"user_id", "game_id"})


def envelope(event: DomainEvent, *, event_id: UUID, revision: int, n: int) -> str:
    """Return the event as it is published: one JSON document."""
    return _encoder.encode(
        {
            "event_id": event_id,
            "event_type": event.event_type,
            "source": SOURCE,
            "subject": event.user_id,
            "timestamp": event.occurred_at,
            "version": ENVELOPE_VERSION,
            "data_content_type": "application/json",
            "producer": SOURCE,
            "sequence": {"revision": revision, "n": n},
            "data": _members(event, without=_NOT_DATA),
        }
    ).decode()


def headers(event: DomainEvent, *, event_id: UUID, trace: Mapping[str, str]) -> dict[str, str]:
    """Return the record's headers: CloudEvents attributes, `id` as Debezium's router names it, the trace (details 2.28)."""
    attributes = {
        "id": event_id,
        "ce_id": event_id,
        "ce_type": event.event_type,
        "ce_source": SOURCE,
        "ce_time": event.occurred_at,
        "ce_specversion": _CLOUDEVENTS_VERSION,
    }
    # Written as the payload writes them, so that header and member are the same text.
    return {name: str(msgspec.to_builtins(value)) for name, value in attributes.items()} | dict(trace)


def audit_details(event: DomainEvent) -> str:
    """Return what the audit row keeps of the event beside its columns, as JSON."""
    return _encoder.encode(_members(event, without=_NOT_DATA | _AUDIT_COLUMNS)).decode()


def _members(event: DomainEvent, *, without: frozenset[str]) -> dict[str, object]:
    return {f.name: getattr(event, f.name) for f in fields(event) if f.name not in without}
