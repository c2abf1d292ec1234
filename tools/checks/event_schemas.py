"""JSON Schemas of the events that we consume, from the types by which we decode them (data 21)."""

import json
from typing import Any

import msgspec

from library_consumers.events.decoding import Envelope
from library_consumers.events.routes import ROUTES, Route

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """Return each consumed event's schema as JSON text, by the event's type."""
    return {
        event_type: json.dumps(schema(topic, event_type, route), indent=2, ensure_ascii=False) + "\n"
        for topic, routes in ROUTES.items()
        for event_type, route in routes.items()
    }


def schema(topic: str, event_type: str, route: Route) -> dict[str, Any]:
    """Return the schema of the envelope with this event's data in it."""
    (envelope, data), parts = msgspec.json.schema_components(
        [Envelope, route.data], ref_template="#/$defs/{name}"
    )
    body = parts.pop(envelope["$ref"].removeprefix("#/$defs/"))
    body["properties"]["event_type"] = {"const": event_type}
    body["properties"]["data"] = data
    whole = {
        "$schema": DIALECT,
        "$id": f"{event_type}.schema.json",
        **body,
        "title": event_type,
        "description": f"On the topic {topic}. Made by `make generate`; not written by hand. Unknown members are allowed.",
        "$defs": parts,
    }
    adapted: dict[str, Any] = adapt(whole)
    return adapted


def adapt(node: Any) -> Any:  # noqa: ANN401 - JSON
    """Say in JSON Schema's words what msgspec says in Python's."""
    if isinstance(node, list):
        return [adapt(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "decimal":
        # Decoded from either, never through a binary float.
        return node | {"type": ["number", "string"]}
    return {
        name: value.replace(r"\Z", "$") if name == "pattern" and isinstance(value, str) else adapt(value)
        for name, value in node.items()
    }
