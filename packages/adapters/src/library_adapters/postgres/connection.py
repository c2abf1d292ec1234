"""How we connect to PostgreSQL: every wait is bounded, on the server's side and on ours."""

from math import ceil
from typing import Any, Self, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg import errors as pg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row

from library_adapters.postgres.settings import PostgresSettings
from library_adapters.postgres.statements import statements

_SQL = statements("session")

_T = TypeVar("_T")

# What an answer may take beyond the time that the statement has: the way there and back.
_TRAVEL_SECONDS = 1.0
# Callers who are alike bring deadlines that are nearly alike: rounded, they find the session as the last one left it.
_STEP_MILLISECONDS = 50
_KEEPALIVE_IDLE_SECONDS = 5
_KEEPALIVE_INTERVAL_SECONDS = 2
_KEEPALIVE_COUNT = 3


class Connection(AsyncConnection[DictRow]):
    """A connection that gives up when the server does not answer at all.

    The server's timeouts are worth nothing when it is frozen or the network swallows packets, and cancelling the task
    is no way out either: psycopg then asks the server to stop and waits for its answer. So an exchange that takes
    longer than any statement may, ends here, and the connection with it.
    """

    answer_seconds: float | None = None
    _most_milliseconds: int | None = None
    _allowed_milliseconds: int | None = None

    async def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:  # noqa: ASYNC109 -- psycopg's signature
        """See psycopg. Raises OperationalError when our patience ends; a caller that brings its own gets its own error."""
        if timeout is not None or self.answer_seconds is None:
            return await super().wait(gen, interval, timeout)
        try:
            return await super().wait(gen, interval, self.answer_seconds)
        except pg._WaitTimeout as error:  # noqa: SLF001 -- it has no public name; tests/integration/postgres holds it
            self.pgconn.finish()
            msg = f"no answer within {self.answer_seconds:g} s"
            raise psycopg.OperationalError(msg) from error

    def bound(self, settings: PostgresSettings) -> Self:
        """Give up when an exchange takes longer than the settings allow any statement."""
        self._most_milliseconds = self._allowed_milliseconds = settings.statement_timeout_milliseconds
        self.answer_seconds = self._most_milliseconds / 1000 + _TRAVEL_SECONDS
        return self

    async def allow(self, seconds: float | None) -> None:
        """Let the statements that follow run so long, and never longer than the settings say; None: as long as those say.

        Rounded up, so that it is the caller's deadline that ends a call and this that ends what the server still does.
        The server is told only what it has not been told already. Raises psycopg.OperationalError.
        """
        most = self._most_milliseconds
        if most is None:
            return
        steps = None if seconds is None else ceil(seconds * 1000 / _STEP_MILLISECONDS)
        milliseconds = most if steps is None else min(most, max(1, steps) * _STEP_MILLISECONDS)
        if milliseconds != self._allowed_milliseconds:
            # A plain cursor, so that no trace shows it.
            await AsyncCursor(self).execute(_SQL["allow"], {"milliseconds": milliseconds})
            self._allowed_milliseconds = milliseconds
            self.answer_seconds = milliseconds / 1000 + _TRAVEL_SECONDS


def connection_info(settings: PostgresSettings, **session: object) -> str:
    """Return the DSN with our timeouts in it; the server enforces them, whatever becomes of this process.

    `session` are further settings of the server for the connection, or other values for those that we set anyway.
    """
    options = {
        "statement_timeout": settings.statement_timeout_milliseconds,
        "lock_timeout": settings.lock_timeout_milliseconds,
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout_milliseconds,
        "timezone": "UTC",
        # The same in the other direction as below: a relay that vanished must not hold its shards for hours.
        "tcp_keepalives_idle": _KEEPALIVE_IDLE_SECONDS,
        "tcp_keepalives_interval": _KEEPALIVE_INTERVAL_SECONDS,
        "tcp_keepalives_count": _KEEPALIVE_COUNT,
    } | session
    return make_conninfo(
        settings.dsn.get_secret_value(),
        connect_timeout=settings.connect_timeout_seconds,
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
        # Notice a host that vanished without a goodbye.
        keepalives_idle=_KEEPALIVE_IDLE_SECONDS,
        keepalives_interval=_KEEPALIVE_INTERVAL_SECONDS,
        keepalives_count=_KEEPALIVE_COUNT,
        tcp_user_timeout=10_000,
    )


def connection_arguments() -> dict[str, Any]:
    """Return what every connection of ours is opened with."""
    return {"autocommit": True, "row_factory": dict_row, "prepare_threshold": 2}


async def connect(settings: PostgresSettings) -> Connection:
    """Open a connection beside the pool. Raises psycopg.OperationalError when that does not succeed in time."""
    connection = await Connection.connect(connection_info(settings), **connection_arguments())
    return connection.bound(settings)
