"""Transactions in memory: one at a time, on a copy of the store that replaces it at the commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from copy import deepcopy
from datetime import datetime, timedelta

from fakes.games import FakeAchievements, FakeGames, FakePrices
from fakes.jobs import FakeJobs
from fakes.rights import FakeRefunds, FakeSubscriptions
from fakes.sessions import FakeSessions
from fakes.store import Activity, Epoch, Store, StoredAnswer, User
from library_adapters.postgres.encoding import envelope, headers
from library_domain.accounts.model import ErasureJob
from library_domain.library.model import (
    AcquisitionType,
    Categories,
    GameInstallations,
    HeldRight,
    LibraryEntry,
)
from library_domain.outbox.model import OutboxMessage
from library_domain.shared.caller import current_caller
from library_domain.shared.clock import Clock
from library_domain.shared.errors import (
    DependencyUnavailable,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    UserErased,
)
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, IdSource, UserId
from library_domain.shared.ports import IDEMPOTENCY_HOURS, Answer, EventClaim, RequestClaim


class FakeLibrary:
    def __init__(self, transaction: "FakeTransaction") -> None:
        self._transaction = transaction

    async def entries(self, user_id: UserId, game_ids: tuple[GameId, ...]) -> dict[GameId, LibraryEntry]:
        store = self._transaction.store
        found = {g: deepcopy(store.entries[user_id, g]) for g in game_ids if (user_id, g) in store.entries}
        for game_id, entry in found.items():
            entry.last_played_at = store.activities.get((user_id, game_id), Activity()).last_played_at
        return found

    async def games_of(self, user_id: UserId, transaction_id: str) -> tuple[GameId, ...]:
        given = [
            game_id
            for (owner, game_id), entry in self._transaction.store.entries.items()
            if owner == user_id and any(grant.transaction_id == transaction_id for grant in entry.grants)
        ]
        return tuple(sorted(given))

    async def held_from(self, user_id: UserId, source_id: str) -> dict[GameId, HeldRight]:
        return {
            game_id: HeldRight(
                granted_at=grant.granted_at, expires_at=grant.expires_at, shown_until=entry.shown_until
            )
            for (owner, game_id), entry in self._transaction.store.entries.items()
            for grant in entry.grants
            if owner == user_id and grant.key == (AcquisitionType.SUBSCRIPTION, source_id)
        }

    async def save(self, *entries: LibraryEntry) -> None:
        for entry in entries:
            self._save(entry)

    def _save(self, entry: LibraryEntry) -> None:
        self._transaction.next_revision(entry.user_id)
        if entry.is_new or entry.is_changed:
            self._transaction.store.updated_at[entry.user_id, entry.game_id] = self._transaction.now()
        entry.is_new = entry.is_changed = entry.is_refiled = False
        entry.new_grants.clear()
        entry.redated_grants.clear()
        kept = deepcopy(entry)
        kept.events.clear()
        stored = self._transaction.store.entries.get((entry.user_id, entry.game_id))
        known = {grant.key: grant for grant in stored.grants} if stored else {}
        kept.grants[:] = [grant.merged(known.get(grant.key, grant)) for grant in kept.grants]
        self._transaction.store.entries[entry.user_id, entry.game_id] = kept


class FakeCategories:
    def __init__(self, transaction: "FakeTransaction") -> None:
        self._transaction = transaction

    async def of(self, user_id: UserId) -> Categories:
        kept = self._transaction.store.categories.get(user_id, {})
        return Categories(user_id=user_id, by_id=deepcopy(kept))

    async def save(self, categories: Categories) -> None:
        user_id = categories.user_id
        self._transaction.next_revision(user_id)
        self._transaction.store.categories[user_id] = deepcopy(categories.by_id)
        for (owner, _), entry in self._transaction.store.entries.items():
            if owner == user_id:
                entry.category_ids -= categories.deleted
        categories.changed.clear()
        categories.deleted.clear()


class FakeInstallations:
    def __init__(self, transaction: "FakeTransaction") -> None:
        self._transaction = transaction

    async def of(self, user_id: UserId, game_id: GameId) -> GameInstallations | None:
        store = self._transaction.store
        if (user_id, game_id) not in store.entries:
            return None
        kept = store.installations.get((user_id, game_id))
        return deepcopy(kept) or GameInstallations(user_id=user_id, game_id=game_id)

    async def save(self, installations: GameInstallations) -> None:
        if not installations.touched:
            return
        key = (installations.user_id, installations.game_id)
        self._transaction.next_revision(installations.user_id)
        if installations.changed:
            self._transaction.store.updated_at[key] = self._transaction.now()
        installations.touched.clear()
        installations.changed.clear()
        kept = deepcopy(installations)
        kept.events.clear()
        self._transaction.store.installations[key] = kept


class FakeErasures:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, user_id: UserId) -> ErasureJob | None:
        return self._store.erasures.get(user_id)

    async def save(self, job: ErasureJob) -> None:
        self._store.erasures[job.user_id] = job


class FakeTransaction:
    def __init__(self, store: Store, clock: Clock, ids: IdSource) -> None:
        self.store = store
        self.is_open = True
        self.locked: dict[UserId, int] = {}
        self._clock = clock
        self._ids = ids
        self._events: list[DomainEvent] = []
        self._catalog_changed = False

    @property
    def library(self) -> FakeLibrary:
        return FakeLibrary(self)

    @property
    def refunds(self) -> FakeRefunds:
        return FakeRefunds(self.store, self.next_revision)

    @property
    def subscriptions(self) -> FakeSubscriptions:
        return FakeSubscriptions(self.store, self.next_revision)

    @property
    def categories(self) -> FakeCategories:
        return FakeCategories(self)

    @property
    def installations(self) -> FakeInstallations:
        return FakeInstallations(self)

    @property
    def sessions(self) -> FakeSessions:
        return FakeSessions(self.store, self.next_revision, self.now)

    @property
    def games(self) -> FakeGames:
        return FakeGames(self.store, self._change_catalog)

    @property
    def achievements(self) -> FakeAchievements:
        return FakeAchievements(self.store, self._change_catalog)

    @property
    def prices(self) -> FakePrices:
        return FakePrices(self.store, self._change_catalog)

    @property
    def erasures(self) -> FakeErasures:
        return FakeErasures(self.store)

    @property
    def jobs(self) -> FakeJobs:
        return FakeJobs(self.store, self._clock)

    def record(self, *events: DomainEvent) -> None:
        for event in events:
            if event.is_change:
                self.next_revision(event.user_id)
            self._events.append(event)

    def now(self) -> datetime:
        return self._clock.now()

    def next_revision(self, user_id: UserId) -> int:
        if user_id not in self.locked:
            msg = "a transaction changes a user whose mutex it does not hold"
            raise RuntimeError(msg)
        return self.locked[user_id] + 1

    def lock(self, *users: UserId) -> None:
        wanted = sorted(set(users) - self.locked.keys())
        if wanted and self.locked and wanted[0] < max(self.locked):
            msg = "users are locked in ascending order, in one go"
            raise RuntimeError(msg)
        for user_id in wanted:
            user = self.store.users.setdefault(user_id, User())
            if user.erased_at is not None:
                raise UserErased(user_id=user_id)
            self.locked[user_id] = user.revision

    def _change_catalog(self) -> None:
        self._catalog_changed = True

    def flush(self) -> None:
        now = self._clock.now()
        epoch = self.store.epoch
        if self._catalog_changed and epoch.moves_at <= now + timedelta(seconds=10):
            self.store.epoch = Epoch(number=epoch.number + 1, moves_at=now + timedelta(minutes=1))
        counters: dict[UserId, int] = {}
        for event in self._events:
            user = self.store.users.get(event.user_id, User())
            if event.is_change:
                user.revision = self.next_revision(event.user_id)
                user.changed_at = max(now, user.changed_at or now)
            self._audit(event, user.revision)
            if event.topic is None:
                continue
            n = counters.get(event.user_id, 0)
            counters[event.user_id] = n + 1
            event_id = self._ids.new()
            self.store.outbox.append(
                OutboxMessage(
                    user_id=event.user_id,
                    revision=user.revision,
                    n=n,
                    id=event_id,
                    topic=event.topic,
                    event_type=event.event_type or "",
                    payload=envelope(event, event_id=event_id, revision=user.revision, n=n).encode(),
                    headers=tuple(headers(event, event_id=event_id, trace={}).items()),
                    written_at=user.changed_at or now,
                )
            )

    def _audit(self, event: DomainEvent, revision: int) -> None:
        caller = current_caller()
        if event.has_own_record and (not caller.roles or caller.actor_id == event.user_id):
            return
        self.store.audit.append(
            {
                "user_id": event.user_id,
                "game_id": event.game_id,
                "action": event.action,
                "actor_id": caller.actor_id,
                "request_id": caller.request_id,
                "revision": revision,
            }
        )


class FakeOnce:
    def __init__(self, replay: Answer | None) -> None:
        self.replay = replay
        self.answer: Answer | None = None

    def store(self, answer: Answer) -> None:
        self.answer = answer


class FakeUnitOfWork:
    """Drive it like the real one; `store` is what was committed."""

    def __init__(self, store: Store, *, clock: Clock, ids: IdSource, patience_seconds: float = 2.0) -> None:
        self.store = store
        self._clock = clock
        self._ids = ids
        self._patience_seconds = patience_seconds
        self._turn = asyncio.Lock()
        self._current: ContextVar[FakeTransaction | None] = ContextVar("fake", default=None)
        self._holder: FakeTransaction | None = None

    @asynccontextmanager
    async def begin(self, *users: UserId) -> AsyncIterator[FakeTransaction]:
        current = self._current.get()
        if current is not None and current.is_open:
            current.lock(*users)
            yield current
            return
        async with self._outermost(DependencyUnavailable("postgres")) as transaction:
            transaction.lock(*users)
            yield transaction

    @asynccontextmanager
    async def begin_if_free(self, user_id: UserId) -> AsyncIterator[FakeTransaction | None]:
        if self._holder is not None and user_id in self._holder.locked:
            yield None
            return
        async with self._outermost(DependencyUnavailable("postgres")) as transaction:
            if user_id not in transaction.store.users:
                yield None
                return
            transaction.lock(user_id)
            yield transaction

    @asynccontextmanager
    async def once(self, claim: EventClaim | RequestClaim) -> AsyncIterator[FakeOnce]:
        if isinstance(claim, EventClaim):
            async with self._outermost(DependencyUnavailable("postgres")) as transaction:
                key = (claim.user_id, claim.consumer, claim.event_id)
                done = key in transaction.store.inbox
                transaction.store.inbox.add(key)
                yield FakeOnce(Answer() if done else None)
            return
        async with self._outermost(IdempotencyInProgress()) as transaction:
            request_key = (claim.user_id, claim.operation, claim.key)
            stored = transaction.store.answers.get(request_key)
            expired = self._clock.now() - timedelta(hours=IDEMPOTENCY_HOURS)
            if stored is not None and stored.created_at > expired:
                if stored.request_sha256 != claim.request_sha256:
                    raise IdempotencyKeyReused
                yield FakeOnce(Answer(status=stored.status, body=stored.body, headers=stored.headers))
                return
            transaction.store.answers.pop(request_key, None)
            once = FakeOnce(None)
            yield once
            if once.answer is not None:
                transaction.store.answers[request_key] = StoredAnswer(
                    claim.request_sha256,
                    self._clock.now(),
                    once.answer.status,
                    once.answer.body,
                    once.answer.headers,
                )

    @asynccontextmanager
    async def _outermost(self, impatient: Exception) -> AsyncIterator[FakeTransaction]:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise impatient from None
        try:
            transaction = self._holder = FakeTransaction(deepcopy(self.store), self._clock, self._ids)
            token = self._current.set(transaction)
            try:
                yield transaction
                transaction.flush()
            finally:
                transaction.is_open = False
                self._holder = None
                self._current.reset(token)
            self.store.__dict__.update(transaction.store.__dict__)
        finally:
            self._turn.release()
