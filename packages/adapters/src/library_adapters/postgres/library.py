"""Library entries and rights in PostgreSQL."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import ProductType
from library_domain.library.model import AcquisitionType, Grant, HeldRight, LibraryEntry
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.money import Money

_SQL = statements("library")
# An entry is filed only where it stands.
_IN_ORDER = ("insert_entry", "update_entry", "unfile", "file", "put_grant", "redate_grant")


class PostgresLibrary:
    """Implements library_domain.library.ports.LibraryRepository on an open transaction.

    No row is locked: the user's mutex is held, and nothing writes a user's rows without it.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        next_revision: Callable[[UserId], int],
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._next_revision = next_revision
        self._now = now

    async def entries(self, user_id: UserId, game_ids: tuple[GameId, ...]) -> dict[GameId, LibraryEntry]:
        """See the port."""
        return await read_entries(self._connection, user_id, game_ids)

    async def games_of(self, user_id: UserId, transaction_id: str) -> tuple[GameId, ...]:
        """See the port."""
        parameters = {"user_id": user_id, "transaction_id": transaction_id}
        cursor = await self._connection.execute(_SQL["games_of"], parameters)
        return tuple([row["game_id"] async for row in cursor])

    async def held_from(self, user_id: UserId, source_id: str) -> dict[GameId, HeldRight]:
        """See the port."""
        parameters = {"user_id": user_id, "source_id": source_id}
        cursor = await self._connection.execute(_SQL["held_from"], parameters)
        return {row.pop("game_id"): HeldRight(**row) async for row in cursor}

    async def save(self, *entries: LibraryEntry) -> None:
        """See the port."""
        now = self._now()
        rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in entries:
            revision = self._next_revision(entry.user_id)
            if entry.is_new or entry.is_changed:
                name = "insert_entry" if entry.is_new else "update_entry"
                rows[name].append(_to_row(entry, revision=revision, now=now))
            if entry.is_refiled:
                filed = _filed_row(entry, now=now)
                rows["unfile"].append(filed)
                rows["file"].append(filed)
            for name, grants in (("put_grant", entry.new_grants), ("redate_grant", entry.redated_grants)):
                rows[name] += [_grant_row(entry, grant, revision=revision, now=now) for grant in grants]
        async with self._connection.pipeline(), self._connection.cursor() as cursor:
            for name in filter(rows.get, _IN_ORDER):
                await cursor.executemany(_SQL[name], rows[name])
        for entry in entries:
            entry.is_new = entry.is_changed = entry.is_refiled = False
            entry.new_grants.clear()
            entry.redated_grants.clear()


class PostgresOutdatedEntries:
    """Implements library_domain.library.ports.OutdatedEntries."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, *, now: datetime, limit: int) -> Mapping[UserId, Sequence[GameId]]:
        """See the port."""
        found: defaultdict[UserId, list[GameId]] = defaultdict(list)
        with driver_errors():
            async with self._pool.connection() as connection:
                async for row in await connection.execute(_SQL["outdated"], {"now": now, "limit": limit}):
                    found[row["user_id"]].append(row["game_id"])
        return found


async def read_entries(
    connection: Connection, user_id: UserId, game_ids: Sequence[GameId]
) -> dict[GameId, LibraryEntry]:
    """Return the user's entries for these games, each with all its grants; games without a row are absent."""
    parameters = {"user_id": user_id, "game_ids": list(game_ids)}
    async with connection.pipeline():
        entries = await connection.execute(_SQL["entries"], parameters)
        grants = await connection.execute(_SQL["grants"], parameters)
    grants_of: defaultdict[GameId, list[Grant]] = defaultdict(list)
    async for row in grants:
        grants_of[row["game_id"]].append(to_grant(row))
    return {row["game_id"]: _to_entry(row, grants_of[row["game_id"]]) async for row in entries}


def to_grant(row: Mapping[str, Any]) -> Grant:
    """Make the right that a row of library_grants stands for."""
    price = None if row["price_amount"] is None else Money(row["price_amount"], row["price_currency"])
    return Grant(
        acquisition_type=AcquisitionType(row["acquisition_type"]),
        source_id=row["source_id"],
        granted_at=row["granted_at"],
        event_time=row["event_time"],
        event_id=row["event_id"],
        transaction_id=row["transaction_id"],
        purchase_type=row["purchase_type"],
        price=price,
        gifted_by=row["gifted_by"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        revoke_reason=row["revoke_reason"],
    )


def _to_entry(row: Mapping[str, Any], grants: list[Grant]) -> LibraryEntry:
    return LibraryEntry(
        id=row["id"],
        user_id=row["user_id"],
        game_id=row["game_id"],
        product_type=ProductType(row["product_type"]),
        acquisition_type=AcquisitionType(row["acquisition_type"]),
        acquisition_date=row["acquisition_date"],
        created_at=row["created_at"],
        access_expires_at=row["access_expires_at"],
        shown_until=row["shown_until"],
        revoked_at=row["revoked_at"],
        revoke_reason=row["revoke_reason"],
        is_hidden=row["is_hidden"],
        is_favorite=row["is_favorite"],
        notes=row["notes"],
        last_played_at=row["last_played_at"],
        category_ids=frozenset(row["category_ids"]),
        grants=grants,
    )


def _to_row(entry: LibraryEntry, *, revision: int, now: datetime) -> dict[str, Any]:
    return {
        "id": entry.id,
        "user_id": entry.user_id,
        "game_id": entry.game_id,
        "product_type": entry.product_type,
        "acquisition_type": entry.acquisition_type,
        "acquisition_date": entry.acquisition_date,
        "access_expires_at": entry.access_expires_at,
        "shown_until": entry.shown_until,
        "revoked_at": entry.revoked_at,
        "revoke_reason": entry.revoke_reason,
        "is_hidden": entry.is_hidden,
        "is_favorite": entry.is_favorite,
        "notes": entry.notes,
        "created_at": entry.created_at,
        "revision": revision,
        "now": now,
    }


def _filed_row(entry: LibraryEntry, *, now: datetime) -> dict[str, Any]:
    return {
        "user_id": entry.user_id,
        "id": entry.id,
        "category_ids": list(entry.category_ids),
        "now": now,
    }


def _grant_row(entry: LibraryEntry, grant: Grant, *, revision: int, now: datetime) -> dict[str, Any]:
    return {
        "user_id": entry.user_id,
        "game_id": entry.game_id,
        "acquisition_type": grant.acquisition_type,
        "source_id": grant.source_id,
        "transaction_id": grant.transaction_id,
        "purchase_type": grant.purchase_type,
        "price_amount": grant.price.amount if grant.price else None,
        "price_currency": grant.price.currency if grant.price else None,
        "gifted_by": grant.gifted_by,
        "granted_at": grant.granted_at,
        "expires_at": grant.expires_at,
        "revoked_at": grant.revoked_at,
        "revoke_reason": grant.revoke_reason,
        "event_time": grant.event_time,
        "event_id": grant.event_id,
        "revision": revision,
        "now": now,
    }
