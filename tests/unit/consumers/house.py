"""The door for events with the real use cases over fakes, and events to knock with."""

import json
from dataclasses import replace
from typing import Any

from builders import a_game, game_id, user_id
from fakes.clock import FakeClock, SequentialIds
from fakes.games import FakeCatalog, FakeGameReader
from fakes.store import Store
from fakes.unit_of_work import FakeUnitOfWork
from prometheus_client import CollectorRegistry

from library_adapters.kafka import Outcome, Record
from library_adapters.telemetry import DoorMetrics
from library_consumers.application import Application
from library_consumers.door import Door
from library_consumers.events.routes import ROUTES
from library_domain.accounts.use_cases.record_erasure import RecordErasureHandler
from library_domain.catalog.use_cases.change_price import ChangePriceHandler
from library_domain.catalog.use_cases.learn_games import LearnGamesHandler
from library_domain.catalog.use_cases.update_achievement import UpdateAchievementHandler
from library_domain.catalog.use_cases.update_game import UpdateGameHandler
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import LibraryEntry
from library_domain.library.use_cases.change_subscription import ChangeSubscriptionHandler
from library_domain.library.use_cases.defer_installation import DeferInstallationHandler
from library_domain.library.use_cases.record_installation import RecordInstallationHandler
from library_domain.library.use_cases.refund_purchase import RefundPurchaseHandler

EVENT_ID = "0190c1a2-7b3c-7def-8123-456789abcdef"
LATER_EVENT_ID = "0190c1a2-7b3c-7def-8123-000000000002"
ABSENT = object()
TOPICS = {event_type: topic for topic, routes in ROUTES.items() for event_type in routes}


def event(event_type: str, data: dict[str, Any], /, **envelope: Any) -> bytes:
    """Return an event; members of its data and envelope that are ABSENT are left out."""
    members: dict[str, Any] = {
        "event_id": EVENT_ID,
        "event_type": event_type,
        "source": "another-service",
        "subject": str(user_id("alice")),
        "timestamp": "2026-11-23T11:59:58.123456Z",
        "version": "1.0",
        "data_content_type": "application/json",
        "data": _present(data),
    }
    return json.dumps(_present(members | envelope)).encode()


def purchase(changed: dict[str, Any] | None = None, /, **envelope: Any) -> bytes:
    """Return a good purchase with members of its data and envelope replaced."""
    data: dict[str, Any] = {
        "user_id": str(user_id("alice")),
        "game_id": str(game_id("Portal 2")),
        "transaction_id": "txn-1",
        "purchase_type": "direct",
        "price": {"amount": 1999.90, "currency": "RUB"},
    }
    return event("payment.purchase.completed", data | (changed or {}), **envelope)


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def record(value: bytes | None, *, topic: str = "payment-events") -> Record:
    return Record(topic=topic, partition=0, offset=0, timestamp_ms=0, key=None, value=value)


class House:
    """The door with the real use cases over fakes."""

    def __init__(self) -> None:
        self.store = Store()
        self.catalog = FakeCatalog(a_game("Portal 2"))
        self.clock, ids = FakeClock(), SequentialIds()
        uow = FakeUnitOfWork(self.store, clock=self.clock, ids=ids)
        reader = FakeGameReader(self.store)
        self.record_installation = RecordInstallationHandler(uow=uow, clock=self.clock)
        application = Application(
            once=uow.once,
            learn_games=LearnGamesHandler(reader=reader, catalog=self.catalog, uow=uow, clock=self.clock),
            add_to_library=AddToLibraryHandler(uow=uow, clock=self.clock, ids=ids),
            refund_purchase=RefundPurchaseHandler(uow=uow, clock=self.clock),
            change_subscription=ChangeSubscriptionHandler(uow=uow, clock=self.clock),
            update_game=UpdateGameHandler(uow=uow),
            update_achievement=UpdateAchievementHandler(uow=uow),
            change_price=ChangePriceHandler(uow=uow),
            record_installation=self.record_installation,
            defer_installation=DeferInstallationHandler(uow=uow),
            record_erasure=RecordErasureHandler(uow=uow, clock=self.clock),
        )
        self.registry = CollectorRegistry()
        self._application = application
        self.door = self.door_with()

    def door_with(self, **use_cases: Any) -> Door:
        return Door(
            replace(self._application, **use_cases),
            routes=ROUTES,
            clock=self.clock,
            metrics=DoorMetrics("kafka", self.registry if not use_cases else CollectorRegistry()),
        )

    async def take(self, value: bytes | None, *, topic: str = "payment-events") -> Outcome:
        return await self.door(record(value, topic=topic))

    async def told(self, event_type: str, data: dict[str, Any], /, **envelope: Any) -> Outcome:
        """Take an event of its topic."""
        return await self.take(event(event_type, data, **envelope), topic=TOPICS[event_type])

    def entry(self, game: str = "Portal 2", *, of: str = "alice") -> LibraryEntry:
        return self.store.entries[user_id(of), game_id(game)]
