"""Reads that arrive while others are under way are sent together (performance.md, trick 2; data 31).

There is no timer: who comes to an idle connection is sent at once, alone. While as many batches are in flight as a
connection may have, arrivals queue; the next batch takes all that ask for the same, up to its bound.

Reads of one kind have one connection at a time, and a connection has reads of one kind: what blocks one kind leaves the
others the other connections. A batch that fails is sent again one read at a time, so that only the bad one fails.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import Context
from functools import partial
from typing import Any

import msgspec
import psycopg
from loguru import logger
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, TracerProvider
from prometheus_client import CollectorRegistry
from psycopg import AsyncConnection
from psycopg.adapt import Loader
from psycopg.adapt import Transformer as NewTransformer
from psycopg.pq import Format
from psycopg.pq.abc import Buffer, PGresult

from library_adapters.postgres.connection import connection_arguments, connection_info
from library_adapters.postgres.deadline import seconds_left
from library_adapters.postgres.hot_reads.lanes import PLACES, Ask, Group, Lane, Record, Rows
from library_adapters.postgres.hot_reads.metrics import HotReadMetrics
from library_adapters.postgres.hot_reads.pipeline import ConnectionLost, NoAnswer, Pipeline
from library_adapters.postgres.hot_reads.reads import Line, Read, Shared
from library_adapters.postgres.settings import HotReadSettings, HotWriteSettings, PostgresSettings

_TICK_SECONDS = 0.1
_TRAVEL_SECONDS = 1.0
_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 1.0
_STOPPING = "the process stops"
# A prepared statement that the server does not have, or not any more as it was: a migration has changed its columns.
_STALE = frozenset({"26000", "0A000"})
SESSION = {
    # One plan for all values, made once: it would sort a player's whole library, which is cheap for most and dear for those
    # with thousands of games, if sorting were not made dear. Then it reads by the index that has the order, for all.
    "plan_cache_mode": "force_generic_plan",
    "enable_sort": "off",
    # Compiling a plan takes longer than any of these reads, and a dear sort looks like a plan that is worth it.
    "jit": "off",
}
"""What a session of hot reads has that others have not."""
WRITING_SESSION = {
    # Keys are few and known: a plan for all values finds them by their index. Also one that was made while the tables were
    # small, as that of running sessions is at night: it serves until they are analyzed again.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""What a session of hot writes has that others have not."""


class _JsonbLoader(Loader):
    """Decodes jsonb as psycopg does, but faster."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:  # noqa: ANN401 -- whatever the document is
        """Return the document, which comes after the version that jsonb begins with."""
        return msgspec.json.decode(data[1:])


class HotReads:
    """Takes reads and answers them. Of one event loop."""

    def __init__(
        self,
        settings: PostgresSettings,
        *,
        reads: Iterable[Read],
        registry: CollectorRegistry,
        tracer: Tracer | None = None,
        are_writes: bool = False,
    ) -> None:
        self._settings = settings
        self._what = "write" if are_writes else "read"
        self._hot: HotReadSettings | HotWriteSettings = (
            settings.hot_writes if are_writes else settings.hot_reads
        )
        self._preparations = {each.name: each for read in reads for each in read.preparations()}
        self._tracer = tracer
        self._loop = asyncio.get_running_loop()
        self._lanes = [Lane() for _ in range(self._hot.connections)]
        self._groups: dict[object, Group] = {}
        self._names: dict[bytes, tuple[str, ...]] = {}
        self._opened = 0
        self._waiting = 0
        self._in_flight = 0
        self._is_sending_soon = False
        self._is_closed = False
        self.has_tried = asyncio.Event()
        """A connection is open, or could not be opened."""
        self._metrics = HotReadMetrics(
            registry, what=self._what, waiting=lambda: self._waiting, in_flight=lambda: self._in_flight
        )
        # Patience is counted in ticks: one that a busy event loop makes longer counts no more for it, so that an answer
        # which has come, but was not looked at yet, is not taken for a dead server.
        self._ticks = 0
        self._ticking: asyncio.TimerHandle | None = None
        self._queue_ticks = round(self._hot.queue_timeout_seconds / _TICK_SECONDS)
        self._answer_ticks = round(
            (self._hot.statement_timeout_milliseconds / 1000 + _TRAVEL_SECONDS) / _TICK_SECONDS
        )

    @property
    def connections(self) -> int:
        """How many it wants."""
        return self._hot.connections

    async def ask(self, read: Read, lines: Sequence[Line], shared: Shared = ()) -> list[Rows]:
        """Return the rows of the read's statements for each of the lines.

        Raises psycopg.Error: what the server has against it, or OperationalError when the queue is full, or nobody
        answers in time, or the connection is lost twice.
        """
        context = trace.get_current_span().get_span_context()
        if self._tracer is None or (context.is_valid and not context.trace_flags.sampled):
            return await self._ask(read, lines, shared)
        with self._tracer.start_as_current_span(
            "UPDATE" if read.writes else "SELECT",
            kind=SpanKind.CLIENT,
            attributes={
                "db.system": "postgresql",
                "db.statement": read.statements[0].text.decode(),
                "library.read": read.kind,
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                return await self._ask(read, lines, shared)
            except psycopg.Error as error:
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", type(error).__qualname__)
                raise

    async def _ask(self, read: Read, lines: Sequence[Line], shared: Shared) -> list[Rows]:
        if seconds_left() == 0:
            raise psycopg.OperationalError("the caller's time is over")
        if self._is_closed:
            raise ConnectionLost(_STOPPING)
        if self._waiting >= self._hot.waiting_max:
            raise psycopg.OperationalError("the queue of reads is full")
        key = (read, shared)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key, read, shared)
        ask = Ask(lines, self._loop.create_future(), group, self._loop.time(), self._ticks)
        self._enqueue(ask)
        try:
            return await ask.answer
        finally:
            # Who leaves, leaves room; if it is in flight already, nobody looks at the answer.
            self._leave(ask)

    def _enqueue(self, ask: Ask) -> None:
        ask.group.asks[ask] = None
        self._waiting += 1
        self._send_soon()
        if self._ticking is None:
            self._ticking = self._loop.call_later(_TICK_SECONDS, self._tick, context=Context())

    def _leave(self, ask: Ask) -> None:
        if ask in ask.group.asks:
            del ask.group.asks[ask]
            self._waiting -= 1
            if not ask.group.asks:
                del self._groups[ask.group.key]

    def _again(self, ask: Ask, reason: str, *, after: int = 0) -> None:
        """Queue it once more, before all others, in a group of its own."""
        if ask.answer.done():
            return
        if self._is_closed:
            self._refuse([ask], ConnectionLost(_STOPPING))
            return
        self._metrics.retries.labels(reason).inc()
        ask.group = Group(ask, ask.group.read, ask.group.shared, after=after)
        ask.tick, ask.queued_at = self._ticks, self._loop.time()
        self._groups = {ask: ask.group, **self._groups}
        self._enqueue(ask)

    def _send_soon(self) -> None:
        """Send at the end of this turn of the event loop, together with whoever else comes in it."""
        if not self._is_sending_soon:
            self._is_sending_soon = True
            # A context of its own: what is sent for many belongs to no one's trace or logs.
            self._loop.call_soon(self._send, context=Context())

    def _send(self) -> None:
        self._is_sending_soon = False
        lanes = [lane for lane in self._lanes if lane.takes_more]
        held = {lane.kind: lane for lane in lanes if lane.expected}
        idle = [lane for lane in lanes if not lane.expected]
        is_one_left_out = False
        for group in list(self._groups.values()):
            kind = group.read.kind
            lane = held.get(kind)
            if lane is None or lane.number <= group.after:
                lane = next((each for each in idle if each.number > group.after), None)
                if lane is None:
                    # Somebody must run dry for it, unless what it waits for is not even open.
                    is_one_left_out |= any(each.number > group.after for each in lanes)
                    continue
                idle.remove(lane)
                lane.kind = kind
                held[kind] = lane
            elif is_one_left_out and lane.expected:
                continue  # it runs dry, for the one who has waited longer
            while group.asks and lane.takes_more and lane.expected < self._hot.in_flight:
                self._send_batch(group, lane)
            if group.asks:
                # It had its turn.
                self._groups[group.key] = self._groups.pop(group.key)

    def _send_batch(self, group: Group, lane: Lane) -> None:
        pipeline = lane.pipeline
        if pipeline is None:
            raise RuntimeError("a batch goes to a connection that is not open")
        asks: list[Ask] = []
        lines: list[Line] = []
        users: set[bytes] = set()
        for ask in list(group.asks):
            if lines and len(lines) + len(ask.lines) > self._hot.batch:
                break
            if group.read.one_by is not None:
                user = ask.lines[0][group.read.one_by]
                if user in users:
                    continue  # its turn comes with the next batch
                users.add(user)
            asks.append(ask)
            lines += ask.lines
        commands = group.read.executions(lines, group.shared)
        now = self._loop.time()
        for ask in asks:
            self._leave(ask)
        if not pipeline.expected:
            lane.tick = self._ticks
        self._metrics.batch_size.labels(group.read.kind).observe(len(asks))
        self._metrics.queue_seconds.labels(group.read.kind).observe(now - asks[0].queued_at)
        self._in_flight += 1
        pipeline.send(*commands, answered=partial(self._answered, group, asks, lane))

    def _answered(
        self,
        group: Group,
        asks: Sequence[Ask],
        lane: Lane,
        outcome: Sequence[PGresult] | psycopg.Error,
    ) -> None:
        self._in_flight -= 1
        lane.tick = self._ticks
        if not isinstance(outcome, psycopg.Error):
            try:
                self._hand_out(group, asks, outcome, lane)
            except psycopg.Error as error:  # a value that Python has no place for, such as an infinite time
                outcome = error
        if isinstance(outcome, psycopg.Error):
            self._failed(asks, outcome)
        if self._groups:
            self._send_soon()

    def _failed(self, asks: Sequence[Ask], error: psycopg.Error) -> None:
        if isinstance(error, NoAnswer):
            # Whoever waited so long for nothing has no time to wait again.
            self._refuse(asks, error)
        elif isinstance(error, ConnectionLost):
            if asks[0].group.read.writes:
                self._refuse(asks, error)
            else:
                self._send_once_more(asks, error)
        elif error.sqlstate in _STALE:
            self._send_once_more(asks, error)
            # The other connections know no better.
            for lane in self._lanes:
                if lane.pipeline is not None:
                    lane.pipeline.retire()
        elif len(asks) > 1:
            for ask in asks:
                self._again(ask, "refused")
        else:
            self._refuse(asks, error)

    def _send_once_more(self, asks: Iterable[Ask], error: psycopg.Error) -> None:
        for ask in asks:
            if ask.was_lost:
                self._refuse([ask], error)
            else:
                ask.was_lost = True
                # Where one connection was lost, the others often are, and it only has not been noticed yet.
                self._again(ask, "lost", after=self._opened)

    @staticmethod
    def _refuse(asks: Iterable[Ask], error: psycopg.Error) -> None:
        for ask in asks:
            if not ask.answer.done():
                # One each, as the pipeline does; what the server says has more to it than text, and one who hears it.
                ask.answer.set_exception(
                    type(error)(str(error)) if isinstance(error, ConnectionLost) else error
                )

    def _hand_out(self, group: Group, asks: Sequence[Ask], results: Sequence[PGresult], lane: Lane) -> None:
        """Divide the rows among those who asked for them."""
        transformer = lane.transformer
        if transformer is None:
            raise RuntimeError("an answer came from a connection that was never open")
        count = sum(len(ask.lines) for ask in asks)
        found: list[Rows] = []
        for statement, result in zip(group.read.statements, results, strict=True):
            transformer.set_pgresult(result)
            lines: list[list[Record]] = [[] for _ in range(count)]
            for record in transformer.load_rows(0, result.ntuples, tuple):
                lines[record[0] - 1].append(record)
            if statement.name not in self._names:
                # Asked once: a result whose columns are others is no answer to the statement that was prepared.
                self._names[statement.name] = tuple(
                    (result.fname(place) or b"").decode() for place in range(PLACES, result.nfields)
                )
            found.append(Rows(self._names[statement.name], lines))
        start = 0
        for ask in asks:
            end = start + len(ask.lines)
            if not ask.answer.done():
                ask.answer.set_result([Rows(each.names, each.of_line[start:end]) for each in found])
            start = end

    def _tick(self) -> None:
        """Give up what takes too long."""
        self._ticks += 1
        for lane in self._lanes:
            if self._is_silent(lane) and lane.pipeline is not None:
                # It may have answered while this loop was busy elsewhere.
                lane.pipeline.look()
                if self._is_silent(lane):
                    lane.pipeline.end(NoAnswer("the server did not answer in time"))
        for group in list(self._groups.values()):
            for ask in list(group.asks):
                if self._ticks - ask.tick > self._queue_ticks:
                    self._leave(ask)
                    self._refuse([ask], ConnectionLost("no connection had room in time"))
        is_needed = self._waiting or self._in_flight
        self._ticking = self._loop.call_later(_TICK_SECONDS, self._tick) if is_needed else None

    def _is_silent(self, lane: Lane) -> bool:
        pipeline = lane.pipeline
        return pipeline is not None and pipeline.expected > 0 and self._ticks - lane.tick > self._answer_ticks

    async def keep_open(self, number: int) -> None:
        """Keep one of the connections open, until cancelled. The database's absence is survived."""
        lane = self._lanes[number]
        failures = 0
        while True:
            try:
                async with await AsyncConnection.connect(
                    connection_info(self._settings, **self._session()), **connection_arguments()
                ) as connection:
                    failures = 0
                    await self._serve(lane, connection)
            except psycopg.Error as error:
                # The first of a row is news.
                logger.log(
                    "DEBUG" if failures else "WARNING",
                    f"hot {self._what}s have lost a connection: {{}}",
                    error,
                )
                self.has_tried.set()
            pause = min(_MAX_PAUSE_SECONDS, _PAUSE_SECONDS * 2**failures)
            failures += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- so that not all come back at once

    def _session(self) -> dict[str, object]:
        session: dict[str, object] = {"statement_timeout": self._hot.statement_timeout_milliseconds}
        if isinstance(self._hot, HotWriteSettings):
            return session | WRITING_SESSION | {"lock_timeout": self._hot.lock_timeout_milliseconds}
        return session | SESSION

    async def _serve(self, lane: Lane, connection: AsyncConnection[Any]) -> None:
        """Let the lane use the connection until that is lost or has lived long enough."""
        ended: asyncio.Future[psycopg.Error | None] = self._loop.create_future()
        connection.adapters.register_loader("jsonb", _JsonbLoader)
        pipeline = Pipeline(connection, on_end=ended.set_result)
        lane.transformer = NewTransformer(connection)
        try:
            await self._prepare(pipeline)
            self._opened += 1
            lane.number = self._opened
            lane.pipeline = pipeline
            self.has_tried.set()
            self._send_soon()
            await asyncio.wait([ended], timeout=self._settings.connection_lifetime_seconds)
            pipeline.retire()
            await asyncio.wait([ended])
            if (error := ended.result()) is not None:
                raise error
        finally:
            lane.pipeline = None
            pipeline.end(None)

    async def _prepare(self, pipeline: Pipeline) -> None:
        prepared: asyncio.Future[None] = self._loop.create_future()

        def answered(outcome: Sequence[PGresult] | psycopg.Error) -> None:
            if prepared.done():
                return
            if isinstance(outcome, psycopg.Error):
                prepared.set_exception(outcome)
            else:
                prepared.set_result(None)

        pipeline.send(*self._preparations.values(), answered=answered)
        try:
            async with asyncio.timeout(self._settings.connect_timeout_seconds + _TRAVEL_SECONDS):
                await prepared
        except TimeoutError as error:
            raise NoAnswer("the server did not prepare the statements in time") from error

    def close(self) -> None:
        """Refuse all that wait, and all that come."""
        self._is_closed = True
        for group in list(self._groups.values()):
            for ask in list(group.asks):
                self._leave(ask)
                self._refuse([ask], ConnectionLost(_STOPPING))


@asynccontextmanager
async def open_hot_reads(
    settings: PostgresSettings,
    *,
    reads: Iterable[Read],
    registry: CollectorRegistry,
    tracer_provider: TracerProvider | None = None,
    are_writes: bool = False,
) -> AsyncIterator[HotReads]:
    """Open connections in the background: a process starts while the database is away (reliability B11).

    The first try is waited for, no longer than a connection may take: else a process would call itself ready and, on a
    busy machine, refuse its first callers.
    """
    tracer = None if tracer_provider is None else tracer_provider.get_tracer("library")
    hot = HotReads(settings, reads=reads, registry=registry, tracer=tracer, are_writes=are_writes)
    async with AsyncExitStack() as stack:
        for number in range(hot.connections):
            task = asyncio.create_task(hot.keep_open(number), name=f"hot-reads-{number}", context=Context())
            stack.push_async_callback(_cancelled, task)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.connect_timeout_seconds):
                    await hot.has_tried.wait()
            yield hot
        finally:
            hot.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
