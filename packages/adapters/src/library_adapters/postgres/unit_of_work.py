"""Transactions with the user's mutex, the claim of an event or request, the audit log and the outbox (data 9 to 12)."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg import errors as pg
from psycopg.types.json import Jsonb

from library_adapters.postgres.achievements import PostgresAchievements
from library_adapters.postgres.categories import PostgresCategories
from library_adapters.postgres.connection import Connection
from library_adapters.postgres.encoding import audit_details, envelope, headers
from library_adapters.postgres.erasures import PostgresErasures
from library_adapters.postgres.errors import POSTGRES, driver_errors
from library_adapters.postgres.games import PostgresGames
from library_adapters.postgres.installations import PostgresInstallations
from library_adapters.postgres.jobs import PostgresJobs
from library_adapters.postgres.keyed_lock import KeyedLock, NotInTurn
from library_adapters.postgres.library import PostgresLibrary
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.prices import PostgresPrices
from library_adapters.postgres.refunds import PostgresRefunds
from library_adapters.postgres.sessions import PostgresSessions
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.statements import statements
from library_adapters.postgres.subscriptions import PostgresSubscriptions
from library_domain.shared.caller import current_caller
from library_domain.shared.clock import Clock
from library_domain.shared.errors import (
    DependencyUnavailable,
    DomainError,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    UserErased,
)
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import IdSource, UserId, outbox_shard
from library_domain.shared.ports import IDEMPOTENCY_HOURS, Answer, EventClaim, RequestClaim

_SQL = statements("unit_of_work")
_MOVE_EPOCH = statements("epoch")["move_epoch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LockedUser:
    revision: int
    changed_at: datetime


@dataclass(slots=True)
class PostgresTransaction:
    """One open transaction; satisfies the transaction port of every slice."""

    connection: Connection
    clock: Clock
    ids: IdSource
    trace_headers: Callable[[], Mapping[str, str]]
    locked: dict[UserId, _LockedUser] = field(default_factory=dict)
    events: list[DomainEvent] = field(default_factory=list)
    catalog_changed: bool = False
    is_open: bool = True

    @property
    def library(self) -> PostgresLibrary:
        """Library entries and rights."""
        return PostgresLibrary(self.connection, next_revision=self.next_revision, now=self.clock.now)

    @property
    def refunds(self) -> PostgresRefunds:
        """What was refunded."""
        return PostgresRefunds(self.connection, next_revision=self.next_revision, now=self.clock.now)

    @property
    def subscriptions(self) -> PostgresSubscriptions:
        """Subscriptions as they were last told."""
        return PostgresSubscriptions(self.connection, next_revision=self.next_revision, now=self.clock.now)

    @property
    def categories(self) -> PostgresCategories:
        """The user's categories."""
        return PostgresCategories(self.connection, next_revision=self.next_revision)

    @property
    def installations(self) -> PostgresInstallations:
        """What the user's devices have."""
        return PostgresInstallations(self.connection, next_revision=self.next_revision, now=self.clock.now)

    @property
    def sessions(self) -> PostgresSessions:
        """Running sessions and records."""
        return PostgresSessions(self.connection, next_revision=self.next_revision, now=self.clock.now)

    @property
    def games(self) -> PostgresGames:
        """The read model of games."""
        return PostgresGames(self.connection, now=self.clock.now, on_change=self._change_catalog)

    @property
    def achievements(self) -> PostgresAchievements:
        """The read model of achievements."""
        return PostgresAchievements(self.connection, now=self.clock.now, on_change=self._change_catalog)

    @property
    def prices(self) -> PostgresPrices:
        """The read model of prices."""
        return PostgresPrices(self.connection, on_change=self._change_catalog)

    @property
    def erasures(self) -> PostgresErasures:
        """Accounts that ended."""
        return PostgresErasures(self.connection)

    @property
    def jobs(self) -> PostgresJobs:
        """The queue of later work."""
        return PostgresJobs(self.connection, now=self.clock.now)

    def record(self, *events: DomainEvent) -> None:
        """Keep the events until the transaction ends."""
        for event in events:
            if event.is_change:
                self.next_revision(event.user_id)
            self.events.append(event)

    def next_revision(self, user_id: UserId) -> int:
        """Return the revision that stamps what this transaction changes for the user.

        Raises RuntimeError when the transaction does not hold the user's mutex: that is a bug of the use case.
        """
        try:
            return self.locked[user_id].revision + 1
        except KeyError:
            msg = "a transaction changes a user whose mutex it does not hold"
            raise RuntimeError(msg) from None

    async def lock(self, *users: UserId) -> None:
        """Take the mutex of every user, in ascending id; users that are held already are skipped.

        Raises RuntimeError when that would break the order, UserErased for an erased user.
        """
        wanted = sorted(set(users) - self.locked.keys())
        if wanted and self.locked and wanted[0] < max(self.locked):
            msg = "users are locked in ascending order, in one go"
            raise RuntimeError(msg)
        for user_id in wanted:
            self.locked[user_id] = await self._lock(user_id)

    async def lock_if_free(self, user_id: UserId) -> bool:
        """Take the user's mutex unless somebody holds it; tell whether it was taken. Raises UserErased."""
        parameters = {"user_id": user_id}
        row = await (await self.connection.execute(_SQL["lock_user_if_free"], parameters)).fetchone()
        if row is None:
            return False
        self.locked[user_id] = _held(user_id, row)
        return True

    async def _lock(self, user_id: UserId) -> _LockedUser:
        row = await (await self.connection.execute(_SQL["lock_user"], {"user_id": user_id})).fetchone()
        if row is None:
            await self.connection.execute(_SQL["open_user"], {"user_id": user_id, "now": self.clock.now()})
            row = await (await self.connection.execute(_SQL["lock_user"], {"user_id": user_id})).fetchone()
        if row is None:
            msg = "the revision row that was just made is not there"
            raise RuntimeError(msg)
        return _held(user_id, row)

    def _change_catalog(self) -> None:
        self.catalog_changed = True

    async def flush(self) -> bool:
        """Write revisions, audit rows and outbox rows of what was recorded; return whether the relay has work."""
        if self.catalog_changed:
            # The last row of all: whoever holds the epoch waits for no other writer of the catalog.
            await self.connection.execute(_MOVE_EPOCH, {"now": self.clock.now()})
        if not self.events:
            return False
        now = self.clock.now()
        # A user's own clock never goes backwards, so written_at orders the outbox whatever pod wrote it.
        changed = {event.user_id for event in self.events if event.is_change}
        written_at = {user_id: max(now, self.locked[user_id].changed_at) for user_id in changed}
        trace = self.trace_headers()
        outbox: list[dict[str, object]] = []
        published: Counter[UserId] = Counter()
        for event in self.events:
            if event.topic is not None:
                n = published[event.user_id]
                outbox.append(self._outbox_row(event, n, written_at[event.user_id], trace))
                published[event.user_id] += 1
        async with self.connection.pipeline(), self.connection.cursor() as cursor:
            await cursor.executemany(
                _SQL["raise_revision"],
                [
                    {"user_id": user_id, "revision": self.next_revision(user_id), "changed_at": at}
                    for user_id, at in written_at.items()
                ],
            )
            audited = [self._audit_row(event, now) for event in self.events if is_audited(event)]
            if audited:
                await cursor.executemany(_SQL["audit"], audited)
            if outbox:
                await cursor.executemany(_SQL["publish"], outbox)
        return bool(outbox)

    def _audit_row(self, event: DomainEvent, now: datetime) -> dict[str, object]:
        caller = current_caller()
        return {
            "id": self.ids.new(),
            "user_id": event.user_id,
            "game_id": event.game_id,
            "action": event.action,
            "details": audit_details(event),
            "actor_id": caller.actor_id,
            "actor_role": ",".join(sorted(caller.roles)) or None,
            "ip_address": caller.ip_address,
            "user_agent": caller.user_agent,
            "request_id": caller.request_id,
            "revision": self.next_revision(event.user_id) if event.is_change else None,
            "created_at": now,
        }

    def _outbox_row(
        self, event: DomainEvent, n: int, written_at: datetime, trace: Mapping[str, str]
    ) -> dict[str, object]:
        event_id = self.ids.new()
        revision = self.next_revision(event.user_id)
        return {
            "user_id": event.user_id,
            "revision": revision,
            "n": n,
            "id": event_id,
            "topic": event.topic,
            "type": event.event_type,
            "payload": envelope(event, event_id=event_id, revision=revision, n=n),
            "headers": Jsonb(headers(event, event_id=event_id, trace=trace)),
            "shard": outbox_shard(event.user_id),
            "written_at": written_at,
        }


def is_audited(event: DomainEvent) -> bool:
    """Tell whether the event gets an audit row.

    Every event does, unless it has a record of its own (data 8) and was caused by the user or by nobody, as when a session
    is found to be over.
    """
    caller = current_caller()
    return not event.has_own_record or bool(caller.roles and caller.actor_id != event.user_id)


def _held(user_id: UserId, row: Mapping[str, Any]) -> _LockedUser:
    if row["erased_at"] is not None:
        raise UserErased(user_id=user_id)
    return _LockedUser(revision=row["revision"], changed_at=row["changed_at"])


class PostgresOnce:
    """A claim that this transaction holds, or the answer of the one that had it first."""

    def __init__(self, replay: Answer | None) -> None:
        self.replay = replay
        self.answer: Answer | None = None

    def store(self, answer: Answer) -> None:
        """Keep the answer; it is written when the block ends."""
        self.answer = answer


class PostgresUnitOfWork:
    """Implements library_domain.shared.ports.UnitOfWork on PostgreSQL.

    `trace_headers` gives the headers that continue the current trace; `on_outbox` is called after each commit that
    wrote outbox rows, `on_events` after each that recorded something, with what it was.
    """

    def __init__(
        self,
        pool: Pool,
        settings: PostgresSettings,
        *,
        clock: Clock,
        ids: IdSource,
        trace_headers: Callable[[], Mapping[str, str]] = dict,
        on_outbox: Callable[[], None] = lambda: None,
        on_events: Callable[[Sequence[DomainEvent]], None] = lambda _: None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._trace_headers = trace_headers
        self._on_outbox = on_outbox
        self._on_events = on_events
        self._patience_seconds = settings.lock_timeout_milliseconds / 1000
        self._users = KeyedLock(waiting_max=settings.user_waiting_max)
        self._claims = KeyedLock(waiting_max=settings.user_waiting_max)
        self._current: ContextVar[PostgresTransaction | None] = ContextVar("transaction", default=None)

    def is_open_here(self) -> bool:
        """Tell whether this task has a transaction open, which `begin` would join."""
        current = self._current.get()
        return current is not None and current.is_open

    @asynccontextmanager
    async def begin(self, *users: UserId) -> AsyncIterator[PostgresTransaction]:
        """See the port."""
        current = self._current.get()
        if current is not None and current.is_open:
            with driver_errors():
                await current.lock(*users)
            yield current
            return
        async with self._outermost(*users) as transaction:
            with driver_errors():
                await transaction.lock(*users)
            yield transaction

    @asynccontextmanager
    async def begin_if_free(self, user_id: UserId) -> AsyncIterator[PostgresTransaction | None]:
        """See library_domain.playtime.ports.PlaytimeUnitOfWork. It is always a new transaction, whatever is open."""
        async with self._users.hold_if_free(user_id) as is_ours:
            if not is_ours:
                yield None
                return
            async with self._transaction() as transaction:
                with driver_errors():
                    is_free = await transaction.lock_if_free(user_id)
                yield transaction if is_free else None

    @asynccontextmanager
    async def once(self, claim: EventClaim | RequestClaim) -> AsyncIterator[PostgresOnce]:
        """See the port."""
        async with self._alone_with(claim), self._outermost(claim.user_id) as transaction:
            match claim:
                case EventClaim():
                    once = await self._claim_event(transaction, claim)
                    yield once
                case RequestClaim():
                    once = await self._claim_request(transaction, claim)
                    yield once
                    if once.replay is None:
                        await self._keep_answer(transaction, claim, once.answer)

    @asynccontextmanager
    async def _outermost(self, *users: UserId) -> AsyncIterator[PostgresTransaction]:
        """Open the transaction that commits; one writer per user at a time goes to the pool."""
        try:
            async with (
                self._users.hold(sorted(set(users)), timeout_seconds=self._patience_seconds),
                self._transaction() as transaction,
            ):
                yield transaction
        except NotInTurn as error:
            raise DependencyUnavailable(POSTGRES) from error

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[PostgresTransaction]:
        with driver_errors():
            async with self._pool.connection() as connection, connection.transaction():
                transaction = PostgresTransaction(connection, self._clock, self._ids, self._trace_headers)
                token = self._current.set(transaction)
                try:
                    yield transaction
                    wrote_outbox = await transaction.flush()
                finally:
                    transaction.is_open = False
                    self._current.reset(token)
        if wrote_outbox:
            self._on_outbox()
        if transaction.events:
            self._on_events(transaction.events)

    @asynccontextmanager
    async def _alone_with(self, claim: EventClaim | RequestClaim) -> AsyncIterator[None]:
        """Let one taker of a claim go on to the pool; the others wait in memory, then see what it left."""
        key: tuple[object, ...]
        in_progress: DomainError
        if isinstance(claim, EventClaim):
            key, in_progress = (
                (claim.user_id, claim.consumer, claim.event_id),
                DependencyUnavailable(POSTGRES),
            )
        else:
            key, in_progress = (claim.user_id, claim.operation, claim.key), IdempotencyInProgress()
        try:
            async with self._claims.hold([key], timeout_seconds=self._patience_seconds):
                yield
        except NotInTurn as error:
            raise in_progress from error

    async def _claim_event(self, transaction: PostgresTransaction, claim: EventClaim) -> PostgresOnce:
        cursor = await transaction.connection.execute(
            _SQL["claim_event"],
            {
                "user_id": claim.user_id,
                "consumer": claim.consumer,
                "event_id": claim.event_id,
                "now": self._clock.now(),
            },
        )
        return PostgresOnce(None if await cursor.fetchone() else Answer())

    async def _claim_request(self, transaction: PostgresTransaction, claim: RequestClaim) -> PostgresOnce:
        now = self._clock.now()
        key: dict[str, object] = {"user_id": claim.user_id, "operation": claim.operation, "key": claim.key}
        try:
            cursor = await transaction.connection.execute(
                _SQL["claim_request"],
                key
                | {
                    "request_sha256": claim.request_sha256,
                    "now": now,
                    "expired": now - timedelta(hours=IDEMPOTENCY_HOURS),
                },
            )
        except (pg.LockNotAvailable, pg.QueryCanceled) as error:
            # Where a statement may take no longer than a lock, the server names the statement.
            raise IdempotencyInProgress from error
        if await cursor.fetchone():
            return PostgresOnce(None)
        stored = await (await transaction.connection.execute(_SQL["stored_answer"], key)).fetchone()
        if stored is None:
            # It was purged between the two statements; the client's next try will be the first.
            raise IdempotencyInProgress
        if stored["request_sha256"] != claim.request_sha256:
            raise IdempotencyKeyReused
        return PostgresOnce(
            Answer(
                status=stored["status"],
                body=stored["body"],
                headers=tuple((name, value) for name, value in stored["headers"]),
            )
        )

    @staticmethod
    async def _keep_answer(
        transaction: PostgresTransaction, claim: RequestClaim, answer: Answer | None
    ) -> None:
        key: dict[str, object] = {"user_id": claim.user_id, "operation": claim.operation, "key": claim.key}
        if answer is None:
            await transaction.connection.execute(_SQL["release_request"], key)
        else:
            await transaction.connection.execute(
                _SQL["keep_answer"],
                key
                | {
                    "status": answer.status,
                    "body": answer.body,
                    "headers": Jsonb([list(header) for header in answer.headers]),
                },
            )


__all__ = ["PostgresOnce", "PostgresTransaction", "PostgresUnitOfWork"]
