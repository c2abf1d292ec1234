"""docs/events names every event that we publish and consume, and every member that it carries."""

from dataclasses import fields
from pathlib import Path

import pytest

from library_consumers.events.routes import ROUTES
from library_consumers.groups import TOPICS
from library_domain.library import events as library_events
from library_domain.playtime import events as playtime_events
from library_domain.shared.events import DomainEvent
from library_domain.shared.topics import CONSUMED

EVENTS = Path(__file__).parents[2] / "docs/events"
PUBLISHED = [
    declared
    for declared in (*vars(library_events).values(), *vars(playtime_events).values())
    if isinstance(declared, type) and issubclass(declared, DomainEvent) and declared.topic is not None
]


def row_of(event_type: str) -> str:
    lines = (EVENTS / "README.md").read_text().splitlines()
    return next(line for line in lines if f"`{event_type}`" in line and line.startswith("| `"))


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
    row = row_of(event_type)

    assert f"`{topic}`" in row
    assert f"({event_type}.schema.json)" in row
    assert any(f"`{name}`" in row for name, topics in TOPICS.items() if topic in topics)


def test_every_topic_is_consumed_in_one_group_and_has_routes() -> None:
    in_groups = [topic for topics in TOPICS.values() for topic in topics]

    assert sorted(in_groups) == sorted(CONSUMED) == sorted(ROUTES)
