"""The transaction as use cases see it (data 9 to 12)."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import UserId

IDEMPOTENCY_HOURS = 24
"""A stored answer older than this counts as absent, purged or not (data 11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClaim:
    """A consumed event: its effect happens once per consumer (contract 6)."""

    user_id: UserId
    consumer: str
    event_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClaim:
    """A request with an Idempotency-Key: its effect happens once per user, operation and key (data 11)."""

    user_id: UserId
    operation: str
    key: str
    request_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the first request answered, byte for byte; empty for an event."""

    status: int = 0
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Once(Protocol):
    """An open claim."""

    @property
    def replay(self) -> Answer | None:
        """The stored answer if this claim was done before, else None: go ahead."""
        ...

    def store(self, answer: Answer) -> None:
        """Keep the answer; it is written when the block ends. Without it nothing of a request is kept."""
        ...


class Recorder(Protocol):
    """The part of a transaction that every slice needs."""

    def record(self, *events: DomainEvent) -> None:
        """Write each event to the audit log, and to the outbox if it has a topic, when the transaction commits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPayload:
    """What a job is given beside its key. Of two for one key the newer stays: the later `event_time`, then `event_id`."""

    data: bytes
    event_time: datetime
    event_id: UUID


class JobQueue(Protocol):
    """Work over many rows or with other services, done later by a runner (data 20)."""

    async def enqueue(
        self,
        kind: str,
        keys: Sequence[str],
        *,
        payload: JobPayload | None = None,
        run_after: datetime | None = None,
    ) -> None:
        """Ask for one job of this kind per key, at once or not before `run_after`; it comes with this transaction.

        Asking for one that waits is asking once, for the earlier of the two times. Asking for one that runs means that
        it runs once more, from its beginning: what it has read already may be what has changed.
        """
        ...


class Accounts(Protocol):
    """Account, the service."""

    async def exists(self, user_id: UserId) -> bool:
        """Tell whether there is such a user; the answer may be a minute old.

        Raises DependencyUnavailable when it does not answer in time.
        """
        ...


TransactionT_co = TypeVar("TransactionT_co", bound=Recorder, covariant=True)


class UnitOfWork(Protocol[TransactionT_co]):
    """Transactions. Commit when the block ends normally, roll back when it raises."""

    def begin(self, *users: UserId) -> AbstractAsyncContextManager[TransactionT_co]:
        """Open a transaction that holds the mutex of every user it concerns, taken in ascending id.

        Joins the transaction that is open in this task, if any; then the outermost block commits.
        The users' revisions rise by one each if an event of theirs was recorded, otherwise not.

        Raises UserErased for an erased user and DependencyUnavailable when the database does not answer in time.
        """
        ...

    def once(self, claim: EventClaim | RequestClaim) -> AbstractAsyncContextManager[Once]:
        """Open a transaction in which the claim is taken before anything else (data 9).

        A second taker of a running claim waits for the first, at most two seconds.

        Raises IdempotencyInProgress when the wait is over, IdempotencyKeyReused when the same key came with
        another request, DependencyUnavailable when the database does not answer in time.
        """
        ...
