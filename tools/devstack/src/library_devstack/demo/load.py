"""Playing the data set through Kafka, as Payment would have, and watching it arrive in the libraries."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from importlib.resources import files
from uuid import UUID

import psycopg
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from library_devstack.console import PROGRAM, notes
from library_devstack.events import PAYMENT_EVENTS, open_producer, record
from library_devstack.sample import Dataset
from library_devstack.sample.dataset import player_id
from library_devstack.sample.purchases import Purchase, purchases_of
from library_devstack.stack import StackError

_AHEAD_ROWS = 2_000
"""How far publishing may be ahead of what is visible: the broker keeps everything in memory."""
_LOOK_SECONDS = 0.25
_STALLED_SECONDS = 60.0
_TELL_SECONDS = 3.0
"""Between two lines of progress where a bar cannot be drawn."""
_CONNECT_TIMEOUT_SECONDS = 5
_SQL = files(__package__)
_OWNED = _SQL.joinpath("owned.sql").read_bytes()
_COUNT = _SQL.joinpath("count.sql").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load did; seconds from the first event published to the last row visible."""

    events: int
    rows: int
    seconds: float


async def load(dataset: Dataset, *, dsn: str, bootstrap: str) -> Loaded:
    """Publish the purchases that are not in the libraries yet, in the order of time, and wait until they are.

    Raises StackError when nothing becomes visible for a minute.
    """
    users = [player_id(player) for player in dataset.libraries]
    async with await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_SECONDS
    ) as connection:
        owned = {(user, game) async for user, game in await connection.execute(_OWNED, [users])}
        missing = _missing(dataset, owned)
        wanted = sum(len(purchase.products - owned) for purchase in missing)
        began = time.monotonic()
        if missing:
            await _play(
                missing, wanted=wanted, arrived=_Arrived(connection, users, len(owned)), bootstrap=bootstrap
            )
    return Loaded(events=len(missing), rows=wanted, seconds=time.monotonic() - began)


def _missing(dataset: Dataset, owned: set[tuple[UUID, UUID]]) -> list[Purchase]:
    purchases = (purchase for player in dataset.libraries for purchase in purchases_of(dataset, player))
    missing = [purchase for purchase in purchases if not purchase.products <= owned]
    return sorted(missing, key=lambda purchase: str(purchase.event["timestamp"]))


class _Arrived:
    """Counts the users' rows beyond those that were there."""

    def __init__(self, connection: psycopg.AsyncConnection, users: list[UUID], already: int) -> None:
        self._connection = connection
        self._users = users
        self._already = already

    async def rows(self) -> int:
        cursor = await self._connection.execute(_COUNT, [self._users])
        row = await cursor.fetchone()
        return (row[0] if row else 0) - self._already


async def _play(missing: list[Purchase], *, wanted: int, arrived: _Arrived, bootstrap: str) -> None:
    waiting = deque(missing)
    ahead = visible = 0
    moved_at = told_at = time.monotonic()
    with _bar() as bar:
        publishing = bar.add_task("events published", total=len(missing))
        arriving = bar.add_task("rows visible", total=wanted)
        async with open_producer(bootstrap) as producer:
            while visible < wanted:
                while waiting and ahead - visible < _AHEAD_ROWS:
                    purchase = waiting.popleft()
                    await producer.send(PAYMENT_EVENTS, **record(purchase.event))
                    ahead += len(purchase.products)
                bar.update(publishing, completed=len(missing) - len(waiting))
                await asyncio.sleep(_LOOK_SECONDS)

                before, visible = visible, await arrived.rows()
                bar.update(arriving, completed=visible)
                if not notes.is_terminal and time.monotonic() - told_at > _TELL_SECONDS:
                    told_at = time.monotonic()
                    notes.print(f"  {visible} of {wanted} rows visible")
                if visible > before:
                    moved_at = time.monotonic()
                elif time.monotonic() - moved_at > _STALLED_SECONDS:
                    raise StackError(
                        f"{visible} of {wanted} library rows are visible and no more for {_STALLED_SECONDS:g} s; "
                        f"see `{PROGRAM} logs consume`"
                    )


def _bar() -> Progress:
    return Progress(
        TextColumn("  {task.description:<17}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=notes,
    )
