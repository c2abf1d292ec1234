"""What games offer to achieve, in PostgreSQL."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import GameAchievement

_SQL = statements("achievements")


class PostgresAchievements:
    """Implements library_domain.catalog.ports.AchievementRepository on an open transaction."""

    def __init__(
        self, connection: Connection, *, now: Callable[[], datetime], on_change: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._now = now
        self._on_change = on_change

    async def save(self, achievement: GameAchievement) -> bool:
        """See the port."""
        row = asdict(achievement) | {"now": self._now()}
        cursor = await self._connection.execute(_SQL["save_achievement"], row)
        if cursor.rowcount > 0:
            self._on_change()
        return cursor.rowcount > 0
