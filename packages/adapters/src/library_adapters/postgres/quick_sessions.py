"""Sessions over the shared connections: heartbeats, starts and ends of many users in one statement each (data 31).

The rules stay where they are: a batch reads, the domain decides for each, and a batch writes what was decided, where all still
is as it was read. What is not simple, or was refused, goes the ordinary way, and so do requests with an Idempotency-Key, which
are in a transaction already.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry, Counter

from library_adapters.postgres.encoding import envelope, headers
from library_adapters.postgres.errors import POSTGRES, driver_errors
from library_adapters.postgres.hot_reads.batches import HotReads, open_hot_reads
from library_adapters.postgres.hot_reads.pipeline import ConnectionLost
from library_adapters.postgres.hot_reads.reads import Read
from library_adapters.postgres.library_reader import to_rights
from library_adapters.postgres.sessions import session_row
from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.statements import statements
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork, is_audited
from library_domain.catalog.model import ProductType
from library_domain.flows.start_session import SeenStart
from library_domain.playtime.model import AT_ONCE_AFTER, Session, SessionId, SessionRecord, Sums
from library_domain.playtime.ports import SeenEnd, SeenSession, SeenUser
from library_domain.shared.clock import Clock
from library_domain.shared.errors import DependencyUnavailable
from library_domain.shared.events import DomainEvent
from library_domain.shared.ids import GameId, IdSource, UserId, outbox_shard

_SQL = statements("sessions")
_RIGHTS = statements("library_reader")["rights.batch"]
_RUNNING = Read.made_of("session", {"quick_running": _SQL["quick_running.batch"]})
_BEFORE_START = Read.made_of(
    "start", {"quick_before_start": _SQL["quick_before_start.batch"], "quick_rights": _RIGHTS}
)
_BEFORE_END = Read.made_of("end", {"quick_before_end": _SQL["quick_before_end.batch"]})
SESSION_READS = (_RUNNING, _BEFORE_START, _BEFORE_END)
"""What a connection that reads for what is below must know."""

_KEEP = Read.made_of("heartbeat", {"quick_keep": _SQL["quick_keep"]}, one_by="user_id")
_OPEN = Read.made_of("start", {"quick_open": _SQL["quick_open"]}, one_by="user_id")
_CLOSE = Read.made_of("end", {"quick_close": _SQL["quick_close"]}, one_by="user_id")
SESSION_WRITES = (_KEEP, _OPEN, _CLOSE)
"""What a connection that writes must know."""

_DAY = timedelta(days=1)
_ENDS = 2
"""How many events an end publishes; a further one is news that nobody is in a hurry for."""


class PostgresQuickSessions:
    """Implements library_domain.playtime.ports.QuickSessions and library_domain.flows.start_session.QuickStarts.

    `in_transaction` tells whether the task has a transaction open; the other calls are those of PostgresUnitOfWork.
    """

    def __init__(
        self,
        *,
        reads: HotReads,
        writes: HotReads,
        in_transaction: Callable[[], bool],
        clock: Clock,
        ids: IdSource,
        registry: CollectorRegistry,
        trace_headers: Callable[[], Mapping[str, str]] = dict,
        on_outbox: Callable[[], None] = lambda: None,
        on_events: Callable[[Sequence[DomainEvent]], None] = lambda _: None,
    ) -> None:
        self._reads = reads
        self._writes = writes
        self._in_transaction = in_transaction
        self._clock = clock
        self._ids = ids
        self._trace_headers = trace_headers
        self._on_outbox = on_outbox
        self._on_events = on_events
        self._writes_total = Counter(
            "library_quick_writes",
            "Writes of sessions over the shared connections: `done`, `refused` because something had changed or was locked, or"
            " `failed`; whatever was not done went the ordinary way.",
            ("write", "outcome"),
            registry=registry,
        )

    async def running(self, user_id: UserId, session_id: SessionId) -> SeenSession | None:
        """See the port."""
        if self._in_transaction():
            return None
        with driver_errors():
            (rows,) = await self._reads.ask(_RUNNING, [_RUNNING.line(user_id=user_id, session_id=session_id)])
        if not rows.of_line[0]:
            return None
        return _seen(rows.mapping(rows.of_line[0][0]))

    async def keep(self, session: Session, *, seen: SeenSession) -> bool:
        """See the port."""
        return await self._write(_KEEP, session_row(session) | {"session_id": session.id, "sign": seen.sign})

    async def before_end(self, user_id: UserId, session_id: SessionId) -> SeenEnd | None:
        """See the port."""
        if self._in_transaction():
            return None
        line = _BEFORE_END.line(
            user_id=user_id, session_id=session_id, long_before=self._clock.now() - AT_ONCE_AFTER
        )
        with driver_errors():
            (rows,) = await self._reads.ask(_BEFORE_END, [line])
        if not rows.of_line[0]:
            return None
        row = rows.mapping(rows.of_line[0][0])
        user = SeenUser(revision=row.pop("revision"), changed_at=row.pop("changed_at"))
        first = row["start_time"].date()
        sums = Sums(
            total_playtime_seconds=row.pop("total_playtime"),
            by_day={first: row.pop("first_day"), first + _DAY: row.pop("second_day")},
            long_running=row.pop("long_running"),
        )
        return SeenEnd(user=user, game_name=row.pop("game_name"), running=_seen(row), sums=sums)

    async def close(self, record: SessionRecord, events: Sequence[DomainEvent], *, seen: SeenEnd) -> bool:
        """See the port. What is not the player's own copy, or suspicious, is refused: it concerns others, or is audited."""
        ended = record.session
        if ended.owner_id != ended.user_id or len(events) != _ENDS or any(map(is_audited, events)):
            return False
        first, *rest = ended.days
        second = rest[0] if rest else None
        told, other = self._published(events, seen.user)
        done = await self._write(
            _CLOSE,
            told
            | {f"other_{name}": value for name, value in other.items()}
            | {
                "sign": seen.running.sign,
                "session_id": ended.id,
                "end_time": ended.end_time,
                "end_reason": ended.reason,
                "over_since": ended.over_since,
                "first_day": first.day,
                "first_seconds": first.active_seconds,
                "second_day": None if second is None else second.day,
                "second_seconds": 0 if second is None else second.active_seconds,
                "duration": ended.duration_seconds,
                "afk_seconds": ended.afk_seconds,
                "suspended_seconds": ended.suspended_seconds,
                "told_idle": ended.told_idle,
                "total_after": record.total_playtime_seconds,
            },
        )
        return self._tell(events) if done else False

    async def before_start(self, user_id: UserId, game_id: GameId) -> SeenStart | None:
        """See the port."""
        if self._in_transaction():
            return None
        line = _BEFORE_START.line(user_id=user_id, game_id=game_id)
        with driver_errors():
            rows, rights = await self._reads.ask(_BEFORE_START, [line])
        if not rows.of_line[0]:
            return None
        row = rows.mapping(rows.of_line[0][0])
        return SeenStart(
            user=SeenUser(revision=row["revision"], changed_at=row["changed_at"]),
            library_item_id=row["library_item_id"],
            kind=ProductType(row["kind"]),
            grants=to_rights([rights.mapping(each) for each in rights.of_line[0]]).grants,
            game_name=row["game_name"],
            last_played_at=row["last_played_at"],
            is_free=row["is_free"],
        )

    async def open(self, session: Session, event: DomainEvent, *, seen: SeenStart) -> bool:
        """See the port."""
        if is_audited(event):
            return False
        (told,) = self._published([event], seen.user)
        done = await self._write(_OPEN, session_row(session) | {"session_id": session.id} | told)
        return self._tell([event]) if done else False

    async def _write(self, write: Read, values: Mapping[str, object]) -> bool:
        try:
            (rows,) = await self._writes.ask(write, [write.line(**values)])
        except psycopg.Error as error:
            if error.sqlstate is None and not isinstance(error, ConnectionLost):
                raise DependencyUnavailable(POSTGRES) from error  # it was not even sent
            # Nobody knows whether it is there, or the server had something against it: the ordinary way finds out.
            self._writes_total.labels(write.kind, "failed").inc()
            return False
        done = bool(rows.of_line[0])
        self._writes_total.labels(write.kind, "done" if done else "refused").inc()
        return done

    def _published(self, events: Sequence[DomainEvent], user: SeenUser) -> list[dict[str, object]]:
        """Return the rows of the outbox, as PostgresTransaction makes them."""
        trace = self._trace_headers()
        written_at = max(self._clock.now(), user.changed_at)
        return [self._row(event, n, user.revision + 1, written_at, trace) for n, event in enumerate(events)]

    def _row(
        self, event: DomainEvent, n: int, revision: int, written_at: datetime, trace: Mapping[str, str]
    ) -> dict[str, object]:
        event_id = self._ids.new()
        return {
            "user_id": event.user_id,
            "revision": revision,
            "written_at": written_at,
            "shard": outbox_shard(event.user_id),
            "topic": event.topic,
            "event_id": event_id,
            "type": event.event_type,
            "payload": envelope(event, event_id=event_id, revision=revision, n=n),
            "headers": msgspec.json.encode(headers(event, event_id=event_id, trace=trace)).decode(),
        }

    def _tell(self, events: Sequence[DomainEvent]) -> bool:
        self._on_outbox()
        self._on_events(events)
        return True


@asynccontextmanager
async def open_quick_sessions(
    uow: PostgresUnitOfWork,
    settings: PostgresSettings,
    *,
    reads: HotReads | None,
    clock: Clock,
    ids: IdSource,
    registry: CollectorRegistry,
    tracer_provider: TracerProvider | None = None,
    trace_headers: Callable[[], Mapping[str, str]] = dict,
    on_outbox: Callable[[], None] = lambda: None,
    on_events: Callable[[Sequence[DomainEvent]], None] = lambda _: None,
) -> AsyncIterator[PostgresQuickSessions | None]:
    """Open the quick way beside `uow`; None if the settings want none, or there are no shared connections to read by."""
    if reads is None or not settings.hot_writes.enabled:
        yield None
        return
    async with open_hot_reads(
        settings, reads=SESSION_WRITES, registry=registry, tracer_provider=tracer_provider, are_writes=True
    ) as writes:
        yield PostgresQuickSessions(
            reads=reads,
            writes=writes,
            in_transaction=uow.is_open_here,
            clock=clock,
            ids=ids,
            registry=registry,
            trace_headers=trace_headers,
            on_outbox=on_outbox,
            on_events=on_events,
        )


def _seen(row: dict[str, Any]) -> SeenSession:
    sign = row.pop("sign")
    return SeenSession(session=Session(**row), sign=sign)
