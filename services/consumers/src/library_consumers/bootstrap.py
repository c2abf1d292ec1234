"""Plain wiring: each adapter is named once (architecture, law 7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from library_adapters.catalog import open_catalog
from library_adapters.kafka import Consumers, DeadLetters, KafkaEventPublisher, Producer
from library_adapters.postgres.games import PostgresGameReader
from library_adapters.postgres.outbox import PostgresOutboxShards
from library_adapters.postgres.pool import open_pool, ping
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.postgres.wakeup import relay_wakeup
from library_adapters.system import SystemClock, Uuid7Source
from library_adapters.telemetry import (
    DoorMetrics,
    Instrument,
    Management,
    Tracing,
    new_registry,
    trace_headers,
)
from library_consumers.application import Application
from library_consumers.door import Door, judge
from library_consumers.events.routes import ROUTES
from library_consumers.relay import Relay, RelayMetrics
from library_consumers.settings import ConsumeSettings, RelaySettings
from library_domain.catalog.use_cases.learn_games import LearnGamesHandler
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.outbox.use_cases.relay_events import RelayEventsHandler


@asynccontextmanager
async def open_consumers(settings: ConsumeSettings) -> AsyncIterator[tuple[Consumers, Management]]:
    """Open what `consume` works with, and the management port, which says that the process is starting.

    Nothing here waits for Kafka, PostgreSQL or Catalog: each may come later.
    """
    async with AsyncExitStack() as stack:
        registry = new_registry()
        management = await stack.enter_async_context(Management(settings.management, registry))
        tracing = Tracing(settings.tracing, component="consumers")
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        clock, ids = SystemClock(), Uuid7Source()
        pool = await stack.enter_async_context(open_pool(settings.postgres, tracer_provider=tracing.provider))
        management.watch("postgres", partial(ping, pool))
        wakeup = await stack.enter_async_context(relay_wakeup(settings.postgres))
        catalog = await stack.enter_async_context(
            open_catalog(settings.catalog, registry=registry, tracer_provider=tracing.provider)
        )
        producer = Producer(settings.kafka)
        stack.push_async_callback(producer.close)

        uow = PostgresUnitOfWork(
            pool, settings.postgres, clock=clock, ids=ids, trace_headers=trace_headers, on_outbox=wakeup.call
        )
        games = PostgresGameReader(pool)
        instrument = Instrument(registry=registry, tracing=tracing)
        seconds = settings.consumers.operation_timeout_seconds
        application = Application(
            once=uow.once,
            learn_games=instrument(
                LearnGamesHandler(reader=games, catalog=catalog, uow=uow, clock=clock),
                name="catalog.learn_games",
                timeout_seconds=seconds,
            ),
            add_to_library=instrument(
                AddToLibraryHandler(uow=uow, clock=clock, ids=ids),
                name="library.add",
                timeout_seconds=seconds,
            ),
        )
        consumers = Consumers(
            kafka=settings.kafka,
            settings=settings.consumers,
            topics=tuple(ROUTES),
            handle=Door(application, routes=ROUTES, clock=clock, metrics=DoorMetrics("kafka", registry)),
            judge=judge,
            dead_letters=DeadLetters(producer, group_id=settings.consumers.group_id, clock=clock),
            registry=registry,
            tracer_provider=tracing.provider,
        )
        management.watch("kafka", producer.check)
        management.watch("kafka-group", consumers.check)
        yield consumers, management


@asynccontextmanager
async def open_relay(settings: RelaySettings) -> AsyncIterator[tuple[Relay, Management]]:
    """Open what `relay` works with, and the management port, which says that the process is starting.

    Nothing here waits for Kafka or PostgreSQL: either may come later.
    """
    async with AsyncExitStack() as stack:
        registry = new_registry()
        management = await stack.enter_async_context(Management(settings.management, registry))
        clock = SystemClock()
        shards = await stack.enter_async_context(PostgresOutboxShards(settings.postgres, clock=clock))
        producer = Producer(settings.kafka)
        stack.push_async_callback(producer.close)
        management.watch("postgres", shards.check)
        management.watch("kafka", producer.check)
        relay = Relay(
            shards=shards,
            relay_events=RelayEventsHandler(shards=shards, publisher=KafkaEventPublisher(producer)),
            settings=settings.relay,
            clock=clock,
            metrics=RelayMetrics(registry),
        )
        yield relay, management
