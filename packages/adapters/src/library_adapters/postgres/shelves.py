"""Whole libraries in PostgreSQL, each read in one snapshot."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.installations import to_device
from library_adapters.postgres.library import read_entries
from library_adapters.postgres.library_reader import count_games
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.snapshot import snapshot
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import Platform, ProductType
from library_domain.library.model import (
    DeviceInstallation,
    GameInstallations,
    InstallationStatus,
    InstallationSummary,
    Shelf,
)
from library_domain.library.queries import Hidden, LibraryFilter
from library_domain.shared.ids import GameId, UserId

_SQL = statements("shelves")


class PostgresUsers:
    """Implements library_domain.flows.verify_users.Users."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def after(self, user_id: UserId | None, *, limit: int) -> Sequence[UserId]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["users"], {"after": user_id, "limit": limit})
                return [UserId(row["user_id"]) async for row in cursor]


class PostgresShelves:
    """Implements library_domain.library.ports.Shelves."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, user_id: UserId, *, now: datetime) -> Shelf:
        """See the port."""
        mine = {"user_id": user_id}
        async with snapshot(self._pool) as connection:
            revision = await (await connection.execute(_SQL["revision"], mine)).fetchone()
            rows = await (await connection.execute(_SQL["shown"], mine)).fetchall()
            granted = await (await connection.execute(_SQL["granted"], mine)).fetchall()
            devices: defaultdict[GameId, dict[str, DeviceInstallation]] = defaultdict(dict)
            async for row in await connection.execute(_SQL["devices"], mine):
                devices[row["game_id"]][row["device_id"]] = to_device(row)
            entries = await read_entries(connection, user_id, [row["game_id"] for row in rows])
            listed = await count_games(connection, user_id, LibraryFilter(hidden=Hidden.INCLUDED), now=now)
        return Shelf(
            user_id=user_id,
            revision=revision["revision"] if revision else 0,
            entries=entries,
            kinds={row["game_id"]: ProductType(row["kind"]) for row in rows},
            revisions={row["game_id"]: row["revision"] for row in rows},
            granted=frozenset(row["game_id"] for row in granted),
            summaries={
                row["game_id"]: InstallationSummary(
                    installation_status=InstallationStatus(row["installation_status"]),
                    install_device_id=row["install_device_id"],
                    platform=None if row["platform"] is None else Platform(row["platform"]),
                    install_event_at=row["install_event_at"],
                )
                for row in rows
            },
            installations={
                game_id: GameInstallations(user_id=user_id, game_id=game_id, devices=found)
                for game_id, found in devices.items()
            },
            listed=listed,
        )
