"""JSON Schemas of the events: of others' from the types by which we decode them, of ours from the facts that we record.

Draft 07, because AsyncAPI means that by a schema and every one of its tools reads it.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, get_args, get_type_hints
from uuid import UUID

import msgspec

from library_adapters.postgres.encoding import ENVELOPE_VERSION, SOURCE
from library_consumers.events.decoding import MAJOR_VERSION, Envelope
from library_consumers.events.routes import ROUTES
from library_domain.catalog.model import Platform, ProductType
from library_domain.library import events as library_events
from library_domain.library.model import AcquisitionType, InstallationStatus
from library_domain.playtime import events as playtime_events
from library_domain.playtime.model import EndReason
from library_domain.shared.events import DomainEvent

DIALECT = "http://json-schema.org/draft-07/schema#"
_DEFINITIONS = "#/definitions/{name}"
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_MADE = "Made by `make generate`; not written by hand. Unknown members are allowed."
_KNOWN_VALUES: dict[str, type[StrEnum]] = {
    "acquisition_type": AcquisitionType,
    "grant_kind": AcquisitionType,
    "product_type": ProductType,
    "platform": Platform,
    "previous_status": InstallationStatus,
    "current_status": InstallationStatus,
    "SessionEndedEvent.reason": EndReason,
}
"""Members of ours, or of one fact, whose values are listed, not closed: a reader has to bear one that is added tomorrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSchema:
    """One type of event: where it goes, and its schema."""

    topic: str
    event_type: str
    summary: str
    schema: dict[str, Any]

    @property
    def file(self) -> str:
        """The name of its file in docs/events."""
        return f"{self.event_type}.schema.json"

    @property
    def example_file(self) -> str:
        """The name of the file with an example beside it."""
        return f"{self.event_type}.example.json"

    @property
    def text(self) -> str:
        """The schema as it is written there."""
        return json.dumps(self.schema, indent=2, ensure_ascii=False) + "\n"


def consumed() -> list[EventSchema]:
    """Return the schema of every event that we consume."""
    return [
        _schema(topic, event_type, *_components(Envelope, route.data))
        for topic, routes in ROUTES.items()
        for event_type, route in routes.items()
    ]


def published() -> list[EventSchema]:
    """Return the schema of every event that we publish."""
    return [
        _schema(str(fact.topic), str(fact.event_type), *_components(Published, _data(fact)))
        for fact in published_facts()
    ]


def published_facts() -> Iterator[type[DomainEvent]]:
    """Yield the facts that go to a topic, in the order in which they are declared."""
    for declared in (*vars(library_events).values(), *vars(playtime_events).values()):
        if isinstance(declared, type) and issubclass(declared, DomainEvent) and declared.topic is not None:
            yield declared


class Sequence(msgspec.Struct, frozen=True, kw_only=True):
    """Within a user, the order of what happened."""

    revision: Annotated[int, msgspec.Meta(ge=1)]
    n: Annotated[int, msgspec.Meta(ge=0)]


class Published(Envelope, frozen=True, kw_only=True):
    """What is around the data of an event of ours."""

    source: str
    subject: UUID
    data_content_type: str
    producer: str
    sequence: Sequence


_Parts = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def _components(envelope: type[Envelope], data: type[Any]) -> _Parts:
    """Return the envelope's schema, a reference to the data's, and what both refer to."""
    (around, within), parts = msgspec.json.schema_components([envelope, data], ref_template=_DEFINITIONS)
    return parts.pop(around["$ref"].rpartition("/")[2]), within, parts


def _schema(
    topic: str, event_type: str, envelope: dict[str, Any], data: dict[str, Any], parts: dict[str, Any]
) -> EventSchema:
    members = envelope["properties"] | {
        "event_type": {"const": event_type},
        "version": {"type": "string", "pattern": rf"^{MAJOR_VERSION}\.[0-9]{{1,4}}$"},
        "data": data,
    }
    if "sequence" in members:
        parts = {name: part | {"required": [*part["properties"]]} for name, part in parts.items()}
        members |= {
            "source": {"const": SOURCE},
            "producer": {"const": SOURCE},
            "version": {"const": ENVELOPE_VERSION},
            "data_content_type": {"const": "application/json"},
        }
    whole = {
        "$schema": DIALECT,
        "$id": f"{event_type}.schema.json",
        "title": event_type,
        "description": f"On the topic {topic}. {_MADE}",
        "x-topic": topic,
        "type": "object",
        "properties": members,
        "required": envelope["required"],
        "definitions": parts,
    }
    summary = (
        parts[data["$ref"].rpartition("/")[2]]["description"].partition("\n")[0].partition(";")[0].rstrip(".")
    )
    return EventSchema(topic=topic, event_type=event_type, summary=summary, schema=_adapted(whole))


def _data(fact: type[DomainEvent]) -> type[msgspec.Struct]:
    """Return the type of what is published of a fact: its fields, but for the time, which the envelope has."""
    hints = get_type_hints(fact)
    members = [
        (each.name, _published_type(fact, each.name, hints[each.name]))
        for each in fields(fact)
        if each.name != "occurred_at"
    ]
    return msgspec.defstruct(fact.__name__, members, namespace={"__doc__": fact.__doc__}, kw_only=True)


def _published_type(fact: type[DomainEvent], name: str, hint: Any) -> Any:  # noqa: ANN401 - a type hint has none
    if name == "game_id":
        return UUID  # what has none is audited, not published
    alternatives = get_args(hint) or (hint,)
    if datetime in alternatives:
        aware = Annotated[datetime, msgspec.Meta(tz=True)]
        return aware | None if type(None) in alternatives else aware
    known = _KNOWN_VALUES.get(f"{fact.__name__}.{name}", _KNOWN_VALUES.get(name))
    if known is not None:
        values = ", ".join(value for value in known if value != AcquisitionType.FAMILY)
        said = Annotated[str, msgspec.Meta(description=f"{values}; more may come")]
        return said | None if type(None) in alternatives else said
    return hint


def _adapted(node: Any) -> Any:  # noqa: ANN401 - JSON
    """Say in JSON Schema's words what msgspec says in Python's."""
    if isinstance(node, list):
        return [_adapted(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "decimal":
        return {"type": "number", "minimum": 0}  # as we write them: two places, never through a binary float
    if node.get("format") == "uuid":
        return node | {"pattern": _UUID}  # draft 07 knows no such format
    return {
        name: _TEXTS[name](value) if name in _TEXTS and isinstance(value, str) else _adapted(value)
        for name, value in node.items()
    }


_TEXTS: dict[str, Callable[[str], str]] = {
    "pattern": lambda pattern: pattern.replace(r"\Z", "$"),
    # Of a docstring what is said of the value, not what our code raises.
    "description": lambda text: inspect.cleandoc(text).partition("\n\nRaises")[0],
}
