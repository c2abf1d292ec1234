"""Reads of the library, shaped for the answers; no entity is rebuilt for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.library import to_grant
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import LaunchOption
from library_domain.library.model import decide_access
from library_domain.library.queries import (
    Installation,
    LibraryItem,
    LibraryItemDetail,
    LibraryPage,
    OwnedDLC,
    Rights,
)
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page

_SQL = statements("library_reader")


class PostgresLibraryReader:
    """Implements library_domain.library.queries.LibraryReader: each read is one statement, or two in one exchange."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, user_id: UserId, page: Page, *, now: datetime) -> LibraryPage:
        """See the port."""
        parameters = {"user_id": user_id, "now": now, "limit": page.limit, "offset": page.offset}
        with driver_errors():
            async with self._pool.connection() as connection, connection.pipeline():
                rows = await connection.execute(_SQL["page"], parameters)
                total = await connection.execute(_SQL["total"], parameters)
                items = [LibraryItem(**_members(row)) async for row in rows]
                counted = await total.fetchone()
        return LibraryPage(items=items, total=counted["total"] if counted else 0)

    async def item(self, user_id: UserId, game_id: GameId, *, now: datetime) -> LibraryItemDetail | None:
        """See the port."""
        parameters = {"user_id": user_id, "game_id": game_id, "now": now}
        with driver_errors():
            async with self._pool.connection() as connection, connection.pipeline():
                rows = await connection.execute(_SQL["item"], parameters)
                rights = await connection.execute(_SQL["rights"], parameters)
                row = await rows.fetchone()
                held = _rights(await rights.fetchall())
        if row is None:
            return None
        return LibraryItemDetail(
            **_members(row),
            launch_options=msgspec.convert(row["launch_options"], list[LaunchOption]),
            devices=msgspec.convert(row["devices"], list[Installation]),
            access=decide_access(held.grants, parent_grants=held.parent_grants, now=now),
        )

    async def rights(self, user_id: UserId, game_id: GameId) -> Rights:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["rights"], {"user_id": user_id, "game_id": game_id})
                return _rights(await cursor.fetchall())

    async def owned_dlc(self, user_id: UserId, game_id: GameId, *, now: datetime) -> Sequence[GameId]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    _SQL["owned_dlc"], {"user_id": user_id, "game_id": game_id, "now": now}
                )
                return [row["game_id"] async for row in cursor]


_CONVERTED = frozenset({"launch_options", "devices"})


def _members(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a read model that are columns, with the DLC made into theirs."""
    members = {name: value for name, value in row.items() if name not in _CONVERTED}
    members["dlc"] = msgspec.convert(row["dlc"], list[OwnedDLC])
    return members


def _rights(rows: Sequence[Mapping[str, Any]]) -> Rights:
    grants = [to_grant(row) for row in rows if row["of_game"]]
    parent_grants = [to_grant(row) for row in rows if row["acquisition_type"] and not row["of_game"]]
    has_parent = any(row["has_parent"] for row in rows)
    return Rights(
        grants=grants,
        parent_grants=parent_grants if has_parent else None,
    )
