"""Plain wiring: each adapter is named once (architecture, law 7)."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from library_adapters.catalog import open_catalog
from library_adapters.kafka import Consumers, DeadLetters, KafkaEventPublisher, Producer
from library_adapters.postgres.games import PostgresGameReader
from library_adapters.postgres.jobs import PostgresJobStore
from library_adapters.postgres.outbox import PostgresOutboxShards, PostgresParkedMessages
from library_adapters.postgres.pool import open_pool, ping
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.postgres.wakeup import relay_wakeup
from library_adapters.system import SystemClock, Uuid7Source, clock_of
from library_adapters.telemetry import (
    DoorMetrics,
    FactMetrics,
    Instrument,
    Management,
    Tracing,
    new_registry,
    trace_headers,
)
from library_consumers.application import Application
from library_consumers.door import Door, judge
from library_consumers.events.routes import ROUTES
from library_consumers.groups import GroupName, groups_of
from library_consumers.jobs import Steps
from library_consumers.relay import Relay, RelayMetrics
from library_consumers.settings import ConsumeSettings, OutboxSettings, RelaySettings, WorkSettings
from library_consumers.work import Worker, WorkMetrics, jitter
from library_domain.accounts.use_cases.record_erasure import RecordErasureHandler
from library_domain.catalog.ports import FETCH_METADATA
from library_domain.catalog.use_cases.change_price import ChangePriceHandler
from library_domain.catalog.use_cases.fetch_metadata import FetchMetadataHandler
from library_domain.catalog.use_cases.learn_games import LearnGamesHandler
from library_domain.catalog.use_cases.update_achievement import UpdateAchievementHandler
from library_domain.catalog.use_cases.update_game import UpdateGameHandler
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.end_withdrawn_sessions import EndWithdrawnSessionsHandler
from library_domain.jobs.use_cases.work_job import RetryPolicy, WorkJobHandler
from library_domain.library.ports import END_WITHDRAWN
from library_domain.library.use_cases.apply_subscription import ApplySubscriptionHandler
from library_domain.library.use_cases.change_subscription import APPLY_SUBSCRIPTION, ChangeSubscriptionHandler
from library_domain.library.use_cases.defer_installation import RECORD_INSTALLATION, DeferInstallationHandler
from library_domain.library.use_cases.record_installation import RecordInstallationHandler
from library_domain.library.use_cases.refund_purchase import RefundPurchaseHandler
from library_domain.outbox.ports import ParkedMessages
from library_domain.outbox.use_cases.relay_events import RelayEventsHandler


@asynccontextmanager
async def open_consumers(
    settings: ConsumeSettings, *, names: Collection[GroupName] = ()
) -> AsyncIterator[tuple[Consumers, Management]]:
    """Open what `consume` works with, and the management port, which says that the process is starting.

    `names` are those of the groups to be a member of; none means all.

    Nothing here waits for Kafka, PostgreSQL or Catalog: each may come later.
    """
    async with AsyncExitStack() as stack:
        registry = new_registry()
        management = await stack.enter_async_context(Management(settings.management, registry))
        tracing = Tracing(settings.tracing, component="consumers")
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        clock, ids = clock_of(settings.clock), Uuid7Source()
        pool = await stack.enter_async_context(
            open_pool(settings.postgres, registry=registry, tracer_provider=tracing.provider)
        )
        management.watch("postgres", partial(ping, pool))
        wakeup = await stack.enter_async_context(relay_wakeup(settings.postgres))
        catalog = await stack.enter_async_context(
            open_catalog(settings.catalog, registry=registry, tracer_provider=tracing.provider)
        )
        producer = Producer(settings.kafka)
        stack.push_async_callback(producer.close)

        uow = PostgresUnitOfWork(
            pool,
            settings.postgres,
            clock=clock,
            ids=ids,
            trace_headers=trace_headers,
            on_outbox=wakeup.call,
            on_events=FactMetrics(registry),
        )
        games = PostgresGameReader(pool)
        use_case = partial(
            Instrument(registry=registry, tracing=tracing),
            timeout_seconds=settings.consumers.operation_timeout_seconds,
        )
        application = Application(
            once=uow.once,
            learn_games=use_case(
                LearnGamesHandler(reader=games, catalog=catalog, uow=uow, clock=clock),
                name="catalog.learn_games",
            ),
            add_to_library=use_case(AddToLibraryHandler(uow=uow, clock=clock, ids=ids), name="library.add"),
            refund_purchase=use_case(RefundPurchaseHandler(uow=uow, clock=clock), name="library.refund"),
            change_subscription=use_case(
                ChangeSubscriptionHandler(uow=uow, clock=clock), name="library.change_subscription"
            ),
            update_game=use_case(UpdateGameHandler(uow=uow), name="catalog.update_game"),
            update_achievement=use_case(UpdateAchievementHandler(uow=uow), name="catalog.update_achievement"),
            change_price=use_case(ChangePriceHandler(uow=uow), name="catalog.change_price"),
            record_installation=use_case(
                RecordInstallationHandler(uow=uow, clock=clock), name="library.record_installation"
            ),
            defer_installation=use_case(DeferInstallationHandler(uow=uow), name="library.defer_installation"),
            record_erasure=use_case(
                RecordErasureHandler(uow=uow, clock=clock), name="accounts.record_erasure"
            ),
        )
        consumers = Consumers(
            kafka=settings.kafka,
            settings=settings.consumers,
            groups=groups_of(settings.consumers.group_id, names),
            handle=Door(application, routes=ROUTES, clock=clock, metrics=DoorMetrics("kafka", registry)),
            judge=judge,
            dead_letters=DeadLetters(producer, clock=SystemClock()),
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
        clock = clock_of(settings.clock)
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


@asynccontextmanager
async def open_parked(settings: OutboxSettings) -> AsyncIterator[ParkedMessages]:
    """Open what the commands `outbox parked` work with."""
    async with open_pool(settings.postgres) as pool:
        yield PostgresParkedMessages(pool)


@asynccontextmanager
async def open_worker(settings: WorkSettings) -> AsyncIterator[tuple[Worker, Management]]:
    """Open what `work` works with, and the management port, which says that the process is starting.

    Nothing here waits for PostgreSQL or Catalog: either may come later.
    """
    async with AsyncExitStack() as stack:
        registry = new_registry()
        management = await stack.enter_async_context(Management(settings.management, registry))
        tracing = Tracing(settings.tracing, component="work")
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        clock, ids = clock_of(settings.clock), Uuid7Source()
        pool = await stack.enter_async_context(
            open_pool(settings.postgres, registry=registry, tracer_provider=tracing.provider)
        )
        management.watch("postgres", partial(ping, pool))
        wakeup = await stack.enter_async_context(relay_wakeup(settings.postgres))
        catalog = await stack.enter_async_context(
            open_catalog(settings.catalog, registry=registry, tracer_provider=tracing.provider)
        )
        uow = PostgresUnitOfWork(
            pool,
            settings.postgres,
            clock=clock,
            ids=ids,
            trace_headers=trace_headers,
            on_outbox=wakeup.call,
            on_events=FactMetrics(registry),
        )
        use_case = partial(
            Instrument(registry=registry, tracing=tracing),
            timeout_seconds=settings.work.operation_timeout_seconds,
        )
        steps = Steps(
            fetch_metadata=use_case(
                FetchMetadataHandler(reader=PostgresGameReader(pool), catalog=catalog, uow=uow),
                name=FETCH_METADATA,
            ),
            apply_subscription=use_case(
                ApplySubscriptionHandler(uow=uow, clock=clock, ids=ids), name=APPLY_SUBSCRIPTION
            ),
            record_installation=use_case(
                RecordInstallationHandler(uow=uow, clock=clock), name=RECORD_INSTALLATION
            ),
            end_withdrawn=use_case(EndWithdrawnSessionsHandler(uow=uow, clock=clock), name=END_WITHDRAWN),
            clock=clock,
        ).by_kind()
        store = PostgresJobStore(pool, clock=clock, ids=ids)
        policy = RetryPolicy(
            first_pause=timedelta(seconds=settings.work.retry_min_seconds) * settings.clock.rate,
            longest_pause=timedelta(seconds=settings.work.retry_max_seconds) * settings.clock.rate,
            failures_max=settings.work.failures_max,
        )
        worker = Worker(
            store=store,
            work_job=WorkJobHandler(store=store, steps=steps, policy=policy, clock=clock, jitter=jitter),
            kinds=steps,
            settings=settings.work,
            clock=clock,
            lease=timedelta(seconds=settings.work.lease_seconds) * settings.clock.rate,
            metrics=WorkMetrics(registry),
        )
        yield worker, management
