"""A user's categories in PostgreSQL."""

from collections.abc import Callable
from typing import Any

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
from library_domain.library.model import Categories, Category
from library_domain.shared.ids import UserId

_SQL = statements("categories")


class PostgresCategories:
    """Implements library_domain.library.ports.CategoryRepository on an open transaction."""

    def __init__(self, connection: Connection, *, next_revision: Callable[[UserId], int]) -> None:
        self._connection = connection
        self._next_revision = next_revision

    async def of(self, user_id: UserId) -> Categories:
        """See the port."""
        cursor = await self._connection.execute(_SQL["categories"], {"user_id": user_id})
        return Categories(user_id=user_id, by_id={row["id"]: Category(**row) async for row in cursor})

    async def save(self, categories: Categories) -> None:
        """See the port. What is deleted goes first: its name may have been taken again."""
        revision = self._next_revision(categories.user_id)
        if categories.deleted:
            await self._connection.execute(
                _SQL["delete_categories"], {"user_id": categories.user_id, "ids": list(categories.deleted)}
            )
        changed = [categories.by_id[each] for each in categories.changed if each in categories.by_id]
        if changed:
            async with self._connection.cursor() as cursor:
                await cursor.executemany(
                    _SQL["save_category"], [_to_row(each, revision=revision) for each in changed]
                )
        categories.changed.clear()
        categories.deleted.clear()


def _to_row(category: Category, *, revision: int) -> dict[str, Any]:
    return {
        "id": category.id,
        "user_id": category.user_id,
        "name": category.name,
        "name_key": category.key,
        "color": category.color,
        "revision": revision,
        "created_at": category.created_at,
        "updated_at": category.updated_at,
    }
