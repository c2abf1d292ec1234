"""The topics of this service, by name (contract 6)."""

from library_domain.shared.events import LIBRARY_EVENTS, PLAYTIME_EVENTS

CONSUMED = ("payment-events", "catalog-events", "download-events", "account-events")
"""Other services'. Each has a topic of our dead letters beside it."""
PUBLISHED = (LIBRARY_EVENTS, PLAYTIME_EVENTS, "achievement-events", "wishlist-events", "savegame-events")
"""Ours."""


def dead_letter_topic(topic: str) -> str:
    """Return the name of the topic that takes the dead letters of another."""
    return f"{topic}.library-service.dlq"
