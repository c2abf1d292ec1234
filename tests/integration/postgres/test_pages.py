"""A page behind a position costs what the first one does, however far behind it is (contract 2, data 16)."""

from collections.abc import Awaitable, Callable, Iterator
from hashlib import md5
from typing import Any
from uuid import UUID

import pytest
from builders import NOON
from conftest import postgres_settings
from fakes.clock import FakeClock, SequentialIds
from integration.postgres.conftest import COLLECTOR, GAMES
from psycopg import sql

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.hot_reads.batches import SESSION
from library_adapters.postgres.library_reader import (
    PostgresLibraryReader,
    choose_page,
    page_parameters,
    page_statement,
)
from library_adapters.postgres.pool import Pool, open_pool
from library_adapters.postgres.statements import numbered, statements
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_domain.library.queries import LibraryQuery, LibrarySort
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Order, Page, Position

Explain = Callable[[Connection, LibraryQuery], Awaitable[dict[str, Any]]]
INDEXED = [sort for sort in LibrarySort if sort is not LibrarySort.NAME]
_POSITION = """
SELECT {key} AS key, game_id AS id
  FROM user_libraries
 WHERE user_id = %s AND ({key} IS NULL) = %s
 ORDER BY {key} {order}, game_id {order}
OFFSET %s LIMIT 1
"""


async def position(
    connection: Connection, query: LibraryQuery, *, null: bool, offset: int
) -> Position | None:
    statement = _POSITION.format(key=query.sort.value, order=query.order.value)
    row = await (await connection.execute(statement, (COLLECTOR, null, offset))).fetchone()
    return Position(**row) if row else None


async def explain_hot(connection: Connection, query: LibraryQuery) -> dict[str, Any]:
    """Run the statement that reads this page for many, as a session of hot reads plans it: once for all values."""
    text, names = numbered(statements("library_reader")[f"{page_statement(query)}.batch"])
    after = query.page.after
    values = page_parameters(query, NOON) | {
        "each_user_id": [COLLECTOR],
        "each_now": [NOON],
        "each_played_since": [None],
        "each_after_key": [after and after.key],
        "each_after_id": [after and after.id],
    }
    for name, value in SESSION.items():
        await connection.execute(f"SET {name} TO {value}")
    await connection.execute("DEALLOCATE ALL")
    await connection.execute(f"PREPARE planned AS {text}")
    literals = sql.SQL(", ").join(sql.Literal(values[name]) for name in names)
    called = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE planned({})").format(literals)
    (row,) = await (await connection.execute(called, prepare=False)).fetchall()
    return dict(row["QUERY PLAN"][0]["Plan"])


async def explain(connection: Connection, query: LibraryQuery) -> dict[str, Any]:
    """Run the statement of this page and return what the server did."""
    statement, parameters = choose_page(query, COLLECTOR, now=NOON)
    cursor = await connection.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters, prepare=False
    )
    (row,) = await cursor.fetchall()
    return dict(row["QUERY PLAN"][0]["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def pages_read(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("explain", [explain, explain_hot])
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("sort", INDEXED)
async def test_a_far_page_reads_as_little_as_the_first(
    collection_pool: Pool, sort: LibrarySort, order: Order, explain: Explain
) -> None:
    query = LibraryQuery(sort=sort, order=order)
    async with collection_pool.connection() as connection:
        far = [
            await position(connection, query, null=False, offset=GAMES // 2 - 50),
            await position(connection, query, null=True, offset=GAMES // 2 - 50),
        ]
        first = await explain(connection, query)
        behind = [
            await explain(connection, LibraryQuery(sort=sort, order=order, page=Page(after=each)))
            for each in far
            if each is not None
        ]

    assert len(behind) == (2 if sort is LibrarySort.LAST_PLAYED_AT else 1)
    index = f"user_libraries_by_{sort.value}"
    for plan in behind:
        assert index in {node.get("Index Name") for node in nodes(plan)}
        assert pages_read(plan) <= pages_read(first) * 1.5
        assert max(node["Actual Rows"] for node in nodes(plan)) <= 2 * (query.page.limit + 1)


async def test_the_list_by_name_is_planned_once_for_everybody(collection: str) -> None:
    """Planned for each user anew, it walked all of Catalog, and took five times as long."""
    async with open_pool(postgres_settings(collection, pool_min=1, pool_max=1)) as pool:
        for number in range(1, 40, 2):
            user = UserId(UUID(md5(b"user%d" % number, usedforsecurity=False).hexdigest()))
            assert (
                await PostgresLibraryReader(pool).page(user, LibraryQuery(), now=NOON)
            ).total == GAMES // 50
        async with pool.connection() as connection:
            planned = await (
                await connection.execute(
                    """SELECT generic_plans > custom_plans AS once FROM pg_prepared_statements
                        WHERE statement LIKE '%page_by_name%' OR statement LIKE '%library_reader.total%'"""
                )
            ).fetchall()

    assert planned == [{"once": True}] * 2


@pytest.mark.parametrize("changes", [{"is_hidden": True}, {"notes": "again"}, {"is_favorite": True}])
async def test_what_the_user_makes_of_a_game_touches_no_index(
    collection_pool: Pool, clock: FakeClock, ids: SequentialIds, changes: dict[str, Any]
) -> None:
    uow = PostgresUnitOfWork(collection_pool, postgres_settings("postgresql://unused"), clock=clock, ids=ids)
    game = GameId(UUID(md5(b"game7", usedforsecurity=False).hexdigest()))

    async with uow.begin(COLLECTOR) as tx:
        entry = (await tx.library.entries(COLLECTOR, (game,)))[game]
        entry.edit(now=NOON, game_name=None, **changes)
        await tx.library.save(entry)
        (done,) = await (
            await tx.connection.execute(
                "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'user_libraries'"
            )
        ).fetchall()

    assert done == {"n_tup_upd": 1, "n_tup_hot_upd": 1}
