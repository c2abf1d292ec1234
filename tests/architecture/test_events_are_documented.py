"""docs/events names every event that we publish and consume, and every member that it carries."""

from dataclasses import fields
from pathlib import Path

import pytest

from library_consumers.events.routes import ROUTES
from library_domain.library import events
from library_domain.shared.events import DomainEvent

EVENTS = Path(__file__).parents[2] / "docs/events"
PUBLISHED = [
    declared
    for declared in vars(events).values()
    if isinstance(declared, type) and issubclass(declared, DomainEvent) and declared.topic is not None
]


def row_of(event_type: str) -> str:
    lines = (EVENTS / "README.md").read_text().splitlines()
    return next(line for line in lines if f"`{event_type}`" in line)


@pytest.mark.parametrize("event", PUBLISHED)
def test_published_event_is_described_with_its_members(event: type[DomainEvent]) -> None:
    row = row_of(str(event.event_type))

    assert f"`{event.topic}`" in row
    assert [f.name for f in fields(event) if f.name != "occurred_at" and f"`{f.name}`" not in row] == []


@pytest.mark.parametrize(
    ("topic", "event_type"),
    [(topic, event_type) for topic, routes in ROUTES.items() for event_type in routes],
)
def test_consumed_event_is_described_with_its_schema(topic: str, event_type: str) -> None:
    assert f"`{topic}`" in row_of(event_type)
    assert (EVENTS / f"{event_type}.schema.json").exists()
