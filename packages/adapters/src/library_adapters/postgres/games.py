"""The read model of Catalog in PostgreSQL."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import Game, LaunchOption, ProductType
from library_domain.shared.ids import GameId

_SQL = statements("games")


class PostgresGames:
    """Implements library_domain.catalog.ports.GameRepository on an open transaction."""

    def __init__(
        self, connection: Connection, *, now: Callable[[], datetime], on_change: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._now = now
        self._on_change = on_change

    async def known(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        """See the port."""
        return await _known(self._connection, ids)

    async def save(self, games: Sequence[Game]) -> int:
        """See the port. Rows are written in ascending id, so that two savers cannot deadlock."""
        now = self._now()
        rows = [_to_row(game, now=now) for game in sorted(games, key=lambda game: game.game_id)]
        async with self._connection.cursor() as cursor:
            await cursor.executemany(_SQL["save_game"], rows)
            replaced = max(cursor.rowcount, 0)
        if replaced:
            self._on_change()
        return replaced


class PostgresGameReader:
    """Implements library_domain.catalog.ports.GameReader."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def known(self, ids: Sequence[GameId]) -> Mapping[GameId, Game]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                return await _known(connection, ids)


async def _known(connection: Connection, ids: Sequence[GameId]) -> dict[GameId, Game]:
    cursor = await connection.execute(_SQL["known_games"], {"game_ids": list(ids)})
    return {row["game_id"]: _to_game(row) async for row in cursor}


def _to_row(game: Game, *, now: datetime) -> dict[str, Any]:
    return {
        "game_id": game.game_id,
        "name": game.name,
        "sort_name": game.sort_name,
        "product_type": game.product_type,
        "parent_game_id": game.parent_game_id,
        "platforms": list(game.platforms),
        "size_required": game.size_required,
        "version": game.version,
        "sharing_allowed": game.sharing_allowed,
        "cloud_saves_supported": game.cloud_saves_supported,
        "launch_options": msgspec.json.encode(game.launch_options).decode(),
        "achievements_total": game.achievements_total,
        "cover_url": game.cover_url,
        "developer": game.developer,
        "is_deleted": game.is_deleted,
        "is_stub": game.is_stub,
        "event_at": game.event_at,
        "event_id": game.event_id,
        "now": now,
    }


def _to_game(row: dict[str, Any]) -> Game:
    return Game(
        game_id=row["game_id"],
        event_at=row["event_at"],
        event_id=row["event_id"],
        name=row["name"],
        product_type=ProductType(row["product_type"]),
        parent_game_id=row["parent_game_id"],
        platforms=tuple(row["platforms"]),
        size_required=row["size_required"],
        version=row["version"],
        sharing_allowed=row["sharing_allowed"],
        cloud_saves_supported=row["cloud_saves_supported"],
        launch_options=tuple(msgspec.convert(row["launch_options"], list[LaunchOption])),
        achievements_total=row["achievements_total"],
        cover_url=row["cover_url"],
        developer=row["developer"],
        is_deleted=row["is_deleted"],
    )
