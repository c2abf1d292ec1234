"""Reads of the library by shared connections; what costs more with the size of a library goes to the pool as ever."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product

from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry

from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.hot_reads.batches import HotReads, open_hot_reads
from library_adapters.postgres.hot_reads.reads import Read, Shared
from library_adapters.postgres.library_reader import (
    PostgresLibraryReader,
    page_parameters,
    page_statement,
    to_detail,
    to_page,
    to_rights,
)
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.settings import PostgresSettings
from library_domain.library.queries import (
    LibraryFilter,
    LibraryItemDetail,
    LibraryPage,
    LibraryQuery,
    LibrarySort,
    Rights,
    Version,
)
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Order, Page

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_VERSION = Read.of("version", "version")
_ITEM = Read.of("item", "item", "rights")
_ACCESS = Read.of("rights", "access")


def _page_reads() -> Iterator[tuple[str, Read]]:
    """Yield the read of every page whose order an index gives; the first ones are counted too."""
    for sort, order in product(LibrarySort, Order):
        name = f"{sort.value}.{order.value.upper()}"
        if sort is LibrarySort.NAME:
            continue
        yield f"page.{name}", Read.of("page", f"page.{name}", "total")
        yield f"page_after.{name}", Read.of("page", f"page_after.{name}")
        if sort is LibrarySort.LAST_PLAYED_AT:
            yield f"page_after_null.{name}", Read.of("page", f"page_after_null.{name}")


_PAGES = dict(_page_reads())
LIBRARY_READS = (_VERSION, _ITEM, _ACCESS, *_PAGES.values())
"""What a connection for the reader below must know."""

_SHARED_REMEMBERED = 1_000


@asynccontextmanager
async def open_library_reader(
    pool: Pool,
    settings: PostgresSettings,
    *,
    registry: CollectorRegistry,
    tracer_provider: TracerProvider | None = None,
    beside: Iterable[Read] = (),
) -> AsyncIterator[tuple[PostgresLibraryReader, HotReads | None]]:
    """Open the reader that the settings choose, and what it reads by, which knows the reads `beside` too."""
    if not settings.hot_reads.enabled:
        yield PostgresLibraryReader(pool), None
        return
    async with open_hot_reads(
        settings, reads=(*LIBRARY_READS, *beside), registry=registry, tracer_provider=tracer_provider
    ) as hot:
        yield HotLibraryReader(pool, hot), hot


class HotLibraryReader(PostgresLibraryReader):
    """Implements library_domain.library.queries.LibraryReader: what is asked for most, by shared connections."""

    def __init__(self, pool: Pool, hot: HotReads) -> None:
        super().__init__(pool)
        self._hot = hot

    async def version(self, user_id: UserId, *, now: datetime) -> Version:
        """See the port."""
        with driver_errors():
            (rows,) = await self._hot.ask(_VERSION, [_VERSION.line(user_id=user_id, now=now)])
        ((row,),) = rows.of_line
        timeline, epoch, revision = rows.values(row)
        return Version(timeline=timeline, epoch=epoch, revision=revision)

    async def page(self, user_id: UserId, query: LibraryQuery, *, now: datetime) -> LibraryPage:
        """See the port."""
        if query.sort is LibrarySort.NAME or query.filter.q is not None:
            return await super().page(user_id, query, now=now)
        statement = page_statement(query)
        read = _PAGES[statement]
        after = query.page.after
        line = read.line(
            user_id=user_id,
            now=now,
            played_since=query.filter.played_since(now),
            after_key=None if after is None else after.key,
            after_id=None if after is None else after.id,
        )
        shared = _shared(statement, query.filter, query.page.limit, query.page.offset)
        with driver_errors():
            rows, *counted = await self._hot.ask(read, [line], shared)
        total = counted[0].of_line[0][0][-1] if counted else None
        return to_page([rows.values(row) for row in rows.of_line[0]], query, total=total)

    async def item(self, user_id: UserId, game_id: GameId, *, now: datetime) -> LibraryItemDetail | None:
        """See the port."""
        with driver_errors():
            rows, rights = await self._hot.ask(_ITEM, [_ITEM.line(user_id=user_id, game_id=game_id, now=now)])
        if not rows.of_line[0]:
            return None
        held = [rights.mapping(row) for row in rights.of_line[0]]
        return to_detail(rows.values(rows.of_line[0][0]), held, now=now)

    async def rights(self, user_id: UserId, game_id: GameId) -> Rights:
        """See the port."""
        with driver_errors():
            (rows,) = await self._hot.ask(_ACCESS, [_ACCESS.line(user_id=user_id, game_id=game_id)])
        return to_rights(map(rows.mapping, rows.of_line[0]))

    async def rights_of(self, user_id: UserId, game_ids: Sequence[GameId]) -> Sequence[Rights]:
        """See the port."""
        lines = _ACCESS.lines("game_id", game_ids, user_id=user_id)
        with driver_errors():
            (rows,) = await self._hot.ask(_ACCESS, lines)
        return [to_rights(map(rows.mapping, line)) for line in rows.of_line]


@lru_cache(maxsize=_SHARED_REMEMBERED)
def _shared(statement: str, wanted: LibraryFilter, limit: int, offset: int) -> Shared:
    """Return what the reads of a batch have in common; most clients ask for the same few parts of a list."""
    query = LibraryQuery(filter=wanted, page=Page(limit=limit, offset=offset))
    # What depends on the time differs between them, and is not taken from here.
    return _PAGES[statement].share(page_parameters(query, _ANY_TIME))
