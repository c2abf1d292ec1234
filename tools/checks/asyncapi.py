"""The AsyncAPI document of the events that we consume and publish, over their schemas and examples in docs/events."""

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import event_schemas
import yaml
from event_schemas import EventSchema

from library_adapters.kafka import ConsumerSettings
from library_consumers.groups import groups_of
from library_domain.shared.topics import CONSUMED, dead_letter_topic

EVENTS = Path(__file__).parents[2] / "docs/events"
_DESCRIPTION = (
    "What the Library Service consumes and publishes on Kafka. Everything arrives at least once, in order per key; "
    "readers accept members that they do not know. docs/events/README.md says more."
)
_TEXT = {"type": "string"}
_TEXTS_OF_DEAD_LETTERS = (
    *("reason", "error", "exception", "stack", "topic", "partition", "offset", "timestamp"),
    *("attempts", "group", "failed_at"),
)
_CLOUDEVENTS = ("id", "ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion", "traceparent")


def document() -> str:
    """Return the document as YAML."""
    consumed, published = event_schemas.consumed(), event_schemas.published()
    whole = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Library Service",
            "version": version("library-consumers"),
            "description": _DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "channels": {
            **_channels(consumed),
            **_channels(published),
            **{dead_letter_topic(topic): _dead_letter_channel(topic) for topic in CONSUMED},
        },
        "operations": {
            **{
                f"consume.{group.group_id}.{topic}": _operation("receive", topic)
                | {"bindings": {"kafka": {"groupId": {"type": "string", "enum": [group.group_id]}}}}
                for group in groups_of(ConsumerSettings().group_id)
                for topic in group.topics
            },
            **{f"publish.{topic}": _operation("send", topic) for topic in _topics(published)},
            **{f"bury.{topic}": _operation("send", dead_letter_topic(topic)) for topic in CONSUMED},
        },
        "components": {
            "messages": {
                **{each.event_type: _message(each) for each in consumed},
                **{
                    each.event_type: _message(each) | {"headers": _headers(_CLOUDEVENTS)}
                    for each in published
                },
                "dead-letter": {
                    "title": "A message that can never work",
                    "summary": "Key, value and headers as they came, and on top why it is here.",
                    "headers": _headers(f"dlq_{name}" for name in _TEXTS_OF_DEAD_LETTERS),
                    "payload": {},
                },
            }
        },
    }
    head = "# Made by `make generate`; not written by hand.\n"
    unshared = json.loads(json.dumps(whole))  # YAML would write anchors where two members are one object
    return head + yaml.safe_dump(unshared, sort_keys=False, allow_unicode=True, width=120)


def _topics(schemas: list[EventSchema]) -> list[str]:
    return [*dict.fromkeys(each.topic for each in schemas)]


def _channels(schemas: list[EventSchema]) -> dict[str, Any]:
    return {
        topic: {
            "address": topic,
            "messages": {
                each.event_type: {"$ref": f"#/components/messages/{each.event_type}"}
                for each in schemas
                if each.topic == topic
            },
        }
        for topic in _topics(schemas)
    }


def _dead_letter_channel(topic: str) -> dict[str, Any]:
    return {
        "address": dead_letter_topic(topic),
        "messages": {"dead-letter": {"$ref": "#/components/messages/dead-letter"}},
    }


def _operation(action: str, topic: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{topic}"}}


def _message(event: EventSchema) -> dict[str, Any]:
    about = "game" if event.topic == "catalog-events" else "user"
    return {
        "name": event.event_type,
        "title": event.event_type,
        "summary": event.summary,
        "contentType": "application/json",
        "payload": {"$ref": event.file},
        "bindings": {
            "kafka": {"key": {"type": "string", "format": "uuid", "description": f"The {about}'s id."}}
        },
        "examples": [{"payload": json.loads((EVENTS / event.example_file).read_text())}],
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(names, _TEXT)}
