"""One connection over which statements are sent without waiting for one another's answers (performance.md, trick 1).

libpq in its pipeline mode, without psycopg's cursors: those give one task at a time its turn. Nothing here waits; answers
come as calls from the event loop. Each exchange ends with a Sync of its own, so that what fails in one leaves the others
alone.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg import errors as pg
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

Answered = Callable[[Sequence[PGresult] | psycopg.Error], None]
"""Called once for each exchange: with the results of its statements, or with what was wrong with one of them."""


class ConnectionLost(psycopg.OperationalError):
    """The connection ended before the answer; whether the server did anything is not known."""


class NoAnswer(ConnectionLost):
    """The server said nothing for longer than any statement may take, so the connection was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Have the server parse a statement once, under a name."""

    name: bytes
    text: bytes

    def send(self, connection: PGconn) -> None:
        """Put it on the wire."""
        connection.send_prepare(self.name, self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """Run a prepared statement; its rows come in binary."""

    name: bytes
    values: Sequence[bytes | None]
    formats: Sequence[Format]

    def send(self, connection: PGconn) -> None:
        """Put it on the wire."""
        connection.send_query_prepared(self.name, self.values, self.formats, Format.BINARY)


@dataclass(slots=True)
class _Exchange:
    answered: Answered
    results: list[PGresult] = field(default_factory=list)
    refusal: psycopg.Error | None = None


class Pipeline:
    """Sends exchanges over an open connection that nobody else uses; they are answered in their order.

    `on_end` is called when the connection has ended, after all that was still expected got ConnectionLost.
    """

    def __init__(
        self, connection: AsyncConnection[Any], *, on_end: Callable[[psycopg.Error | None], None]
    ) -> None:
        self._connection = connection.pgconn
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._expected: deque[_Exchange] = deque()
        self._is_writing = False
        self.is_retiring = False
        self.is_open = True
        self._connection.nonblocking = 1
        self._connection.enter_pipeline_mode()
        self._socket = self._connection.socket
        self._loop.add_reader(self._socket, self.look)

    @property
    def expected(self) -> int:
        """How many exchanges were not answered yet."""
        return len(self._expected)

    @property
    def takes_more(self) -> bool:
        """Whether it is open, and is to stay so."""
        return self.is_open and not self.is_retiring

    def send(self, *commands: Prepare | Execute, answered: Answered) -> None:
        """Send the commands as one exchange; `answered` is called later, or before this returns if that fails."""
        if not self.is_open:
            answered(ConnectionLost("the connection has ended"))
            return
        self._expected.append(_Exchange(answered))
        try:
            for command in commands:
                command.send(self._connection)
            self._connection.pipeline_sync()
            self._flush()
        except psycopg.OperationalError as error:
            self.end(ConnectionLost(str(error)))

    def look(self) -> None:
        """Take what the server has sent. The event loop calls it; so may who begins to doubt that there is a server."""
        try:
            self._connection.consume_input()
            self._take()
            if self._is_writing:
                self._flush()
            if self.is_open and self._connection.status == ConnStatus.BAD:
                self.end(ConnectionLost(self._connection.get_error_message()))
        except psycopg.OperationalError as error:
            self.end(ConnectionLost(str(error)))

    def retire(self) -> None:
        """End as soon as nothing is expected any more."""
        self.is_retiring = True
        if not self._expected:
            self.end(None)

    def end(self, error: ConnectionLost | None) -> None:
        """Close the connection; what is still expected gets an error like this one. A second call does nothing."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._connection.finish()
        self._is_writing = False
        unanswered, self._expected = self._expected, deque()
        for exchange in unanswered:
            # One each: an exception that several tasks raise collects the traces of all of them.
            exchange.answered(
                type(error)(str(error)) if error is not None else ConnectionLost("the connection was closed")
            )
        self._on_end(error)

    def _take(self) -> None:
        in_a_row = 0
        while self._expected and in_a_row < 2 and not self._connection.is_busy():  # noqa: PLR2004 -- see below
            result = self._connection.get_result()
            # One None ends the results of a statement; a second says that nothing more has come.
            in_a_row = in_a_row + 1 if result is None else 0
            if result is None:
                continue
            exchange = self._expected[0]
            match result.status:
                case ExecStatus.TUPLES_OK | ExecStatus.COMMAND_OK:
                    exchange.results.append(result)
                case ExecStatus.PIPELINE_SYNC:
                    self._expected.popleft()
                    exchange.answered(exchange.refusal or exchange.results)
                case ExecStatus.PIPELINE_ABORTED:
                    pass  # the one before it has the reason
                case _:
                    exchange.refusal = pg.error_from_result(result)
        if self.is_retiring and not self._expected:
            self.end(None)

    def _flush(self) -> None:
        """Send what is buffered; what the socket does not take now is sent when it does."""
        is_rest = self._connection.flush() == 1
        if is_rest and not self._is_writing:
            self._loop.add_writer(self._socket, self._flush_more)
        elif self._is_writing and not is_rest:
            self._loop.remove_writer(self._socket)
        self._is_writing = is_rest

    def _flush_more(self) -> None:
        try:
            if self.is_open:
                self._flush()
        except psycopg.OperationalError as error:
            self.end(ConnectionLost(str(error)))
