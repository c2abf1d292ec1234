"""What docs/events promises: the schemas that hold back what no service of the platform would publish, and examples."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs

from library_adapters.system import Uuid7Source
from library_devstack.events import Envelope
from library_devstack.stack import StackError
from library_devstack.workspace import workspace

_SCHEMA, _EXAMPLE = ".schema.json", ".example.json"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_LONGEST_COMPLAINT = 300


class EventContract:
    """The schemas and examples of one directory."""

    def __init__(self, directory: Path | None = None) -> None:
        """Take docs/events of the workspace unless told otherwise; nothing is read before it is needed."""
        self._directory = directory or workspace() / "docs/events"
        self._validators: dict[str, jsonschema_rs.Draft7Validator] = {}

    @cached_property
    def _schemas(self) -> dict[str, dict[str, Any]]:
        found = {
            path.name.removesuffix(_SCHEMA): json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(self._directory.glob(f"*{_SCHEMA}"))
        }
        if not found:
            raise StackError(f"no schemas of events in {self._directory}")
        return found

    def topic_of(self, event_type: str) -> str:
        """Return where events of this type go. Raises StackError for a type without a schema."""
        try:
            return str(self._schemas[event_type]["x-topic"])
        except KeyError:
            known = ", ".join(self._schemas)
            raise StackError(f"no event type {event_type!r}; there are: {known}") from None

    def check(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Raise StackError, naming event and member, unless each belongs on the topic and fits its schema."""
        for number, envelope in enumerate(envelopes, 1):
            complaint = self._complaint(topic, envelope)
            if complaint is not None:
                raise StackError(f"event {number}, {complaint}")

    def _complaint(self, topic: str, envelope: Envelope) -> str | None:
        event_type = envelope.get("event_type")
        if event_type not in self._schemas:
            return f"of type {event_type!r}: there is no such type"
        home = self.topic_of(event_type)
        if home != topic:
            return f"{event_type}: belongs on {home}"
        try:
            self._validator(event_type).validate(envelope)
        except jsonschema_rs.ValidationError as problem:
            member = ".".join(map(str, problem.instance_path)) or "the event"
            return f"{event_type}: {member}: {problem.message[:_LONGEST_COMPLAINT]}"
        return None

    def _validator(self, event_type: str) -> jsonschema_rs.Draft7Validator:
        if event_type not in self._validators:
            self._validators[event_type] = jsonschema_rs.Draft7Validator(
                self._schemas[event_type], validate_formats=True
            )
        return self._validators[event_type]

    def example(
        self, event_type: str, *, user: UUID | None, game: UUID | None, changes: Mapping[str, object]
    ) -> Envelope:
        """Return the example of this type as an event of this moment: a new id, and its times moved along.

        `changes` replace members of its data. Raises StackError for a type that there is no example of.
        """
        self.topic_of(event_type)
        text = (self._directory / f"{event_type}{_EXAMPLE}").read_text(encoding="utf-8")
        told = datetime.fromisoformat(json.loads(text)["timestamp"])
        envelope: dict[str, Any] = json.loads(_moved(text, datetime.now(UTC) - told))
        data = envelope["data"]
        ids = {"user_id": user, "game_id": game}
        data |= {name: str(given) for name, given in ids.items() if given is not None and name in data}
        data |= changes
        envelope["event_id"] = str(Uuid7Source().new())
        envelope["subject"] = data.get("user_id", data.get("game_id"))
        return envelope


def _moved(text: str, by: timedelta) -> str:
    """Return the text with each time in it moved."""

    def move(found: re.Match[str]) -> str:
        moved = datetime.fromisoformat(found.group()) + by
        return moved.isoformat().replace("+00:00", "Z")

    return _TIME.sub(move, text)
