"""Reads of the library, shaped for the answers; no entity is rebuilt for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

import msgspec

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.errors import driver_errors
from library_adapters.postgres.pool import Pool
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import LaunchOption
from library_domain.library.model import (
    PLAYABLE,
    AcquisitionType,
    CopyUse,
    category_key,
    decide_access,
)
from library_domain.library.queries import (
    RECENT,
    AccessRight,
    CategorySummary,
    Collection,
    CollectionSummary,
    Copy,
    Installation,
    LibraryFilter,
    LibraryItem,
    LibraryItemDetail,
    LibraryPage,
    LibraryQuery,
    LibrarySort,
    OwnedDLC,
    RecentSession,
    Rights,
    Version,
)
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Position
from library_domain.shared.text import sort_name

_SQL = statements("library_reader")


class PostgresLibraryReader:
    """Implements library_domain.library.queries.LibraryReader: each read is one statement, or two in one exchange."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def version(self, user_id: UserId, *, now: datetime) -> Version:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["version"], {"user_id": user_id, "now": now})
                (row,) = await cursor.fetchall()
        return Version(**row)

    async def page(self, user_id: UserId, query: LibraryQuery, *, now: datetime) -> LibraryPage:
        """See the port."""
        statement, parameters = choose_page(query, user_id, now=now)
        # By name whole libraries are sorted anyway, so one plan serves everybody, and costs a fifth in all. Else each is
        # planned for the values at hand: one plan would sort whole libraries too, which is cheaper for most players and dear
        # for those with thousands of games. A plan takes about two milliseconds.
        prepare = None if query.sort is LibrarySort.NAME else False
        with driver_errors():
            async with self._pool.connection() as connection, connection.pipeline():
                cursor = await connection.execute(statement, parameters, prepare=prepare)
                counting = (
                    await connection.execute(_SQL["total"], parameters, prepare=prepare)
                    if query.page.after is None
                    else None
                )
                rows = await cursor.fetchall()
                counted = await counting.fetchone() if counting else None
        return to_page(
            [tuple(row.values()) for row in rows], query, total=counted["total"] if counted else None
        )

    async def collections(self, user_id: UserId, *, now: datetime) -> Sequence[CollectionSummary]:
        """See the port."""
        parameters = {"user_id": user_id, "now": now, "recent": now - RECENT, "playable": list(PLAYABLE)}
        with driver_errors():
            async with self._pool.connection() as connection:
                (row,) = await (await connection.execute(_SQL["collections"], parameters)).fetchall()
        return [CollectionSummary(name=name, count=row[name]) for name in Collection]

    async def categories(self, user_id: UserId, *, now: datetime) -> Sequence[CategorySummary]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["categories"], {"user_id": user_id, "now": now})
                return [CategorySummary(**row) async for row in cursor]

    async def item(self, user_id: UserId, game_id: GameId, *, now: datetime) -> LibraryItemDetail | None:
        """See the port."""
        parameters = {"user_id": user_id, "game_id": game_id, "now": now}
        with driver_errors():
            async with self._pool.connection() as connection, connection.pipeline():
                rows = await connection.execute(_SQL["item"], parameters)
                rights = await connection.execute(_SQL["rights"], parameters)
                row, held = await rows.fetchone(), await rights.fetchall()
        return None if row is None else to_detail(tuple(row.values()), held, now=now)

    async def rights(self, user_id: UserId, game_id: GameId) -> Rights:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["access"], {"user_id": user_id, "game_id": game_id})
                return to_rights(await cursor.fetchall())

    async def rights_of(self, user_id: UserId, game_ids: Sequence[GameId]) -> Sequence[Rights]:
        """See the port."""
        rows: list[list[Mapping[str, Any]]] = [[] for _ in game_ids]
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    _SQL["access_to_each"], {"user_id": user_id, "game_ids": list(game_ids)}
                )
                async for row in cursor:
                    rows[row["n"] - 1].append(row)
        return [to_rights(each) for each in rows]

    async def players(self, copies: Sequence[Copy]) -> Sequence[CopyUse | None]:
        """See the port."""
        parameters = {
            "owner_ids": [copy.owner_id for copy in copies],
            "game_ids": [copy.game_id for copy in copies],
        }
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL["players"], parameters)
                found = {row["n"]: to_use(row) async for row in cursor}
        return [found.get(n) for n in range(1, len(copies) + 1)]

    async def owned_dlc(self, user_id: UserId, game_id: GameId, *, now: datetime) -> Sequence[GameId]:
        """See the port."""
        with driver_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    _SQL["owned_dlc"], {"user_id": user_id, "game_id": game_id, "now": now}
                )
                return [row["game_id"] async for row in cursor]


_KEYS = {sort: sort.value for sort in LibrarySort} | {LibrarySort.NAME: "sort_name"}
_LITERALLY = str.maketrans({sign: f"\\{sign}" for sign in "\\%_"})
# A fifth of what calling the enum takes.
_ACQUISITION_TYPES = {each.value: each for each in AcquisitionType}


async def count_games(
    connection: Connection, user_id: UserId, wanted: LibraryFilter, *, now: datetime
) -> int:
    """Return how many games the list has that pass the filter."""
    parameters = {"user_id": user_id, "now": now, **_conditions(wanted, now)}
    row = await (await connection.execute(_SQL["total"], parameters, prepare=False)).fetchone()
    return int(row["total"]) if row else 0


def choose_page(
    query: LibraryQuery, user_id: UserId, *, now: datetime
) -> tuple[LiteralString, dict[str, Any]]:
    """Return the statement that reads this part of the list, and its parameters."""
    return _SQL[page_statement(query)], {"user_id": user_id, "now": now} | page_parameters(query, now)


def page_statement(query: LibraryQuery) -> str:
    """Return the name of the statement that reads this part of the list."""
    key, direction = _KEYS[query.sort], query.order.value.upper()
    if query.page.after is None:
        return f"page_by_name.{direction}" if query.sort is LibrarySort.NAME else f"page.{key}.{direction}"
    if query.page.after.key is None:
        return f"page_after_null.{key}.{direction}"
    return f"page_after.{key}.{direction}"


def page_parameters(query: LibraryQuery, now: datetime) -> dict[str, Any]:
    """Return what says which part of whose list ever is asked for."""
    after = query.page.after
    position = (
        {"offset": query.page.offset} if after is None else {"after_key": after.key, "after_id": after.id}
    )
    # One more than asked for tells whether anything follows.
    return {"limit": query.page.limit + 1, **position, **_conditions(query.filter, now)}


def _conditions(wanted: LibraryFilter, now: datetime) -> dict[str, Any]:
    """Return the parameters that say which games pass."""
    return {
        "withdrawn": wanted.withdrawn,
        "is_hidden": wanted.is_hidden,
        "kinds": list(wanted.kinds) or None,
        "statuses": None if wanted.statuses is None else list(wanted.statuses),
        "only_favorite": wanted.only_favorite,
        "only_shared": wanted.only_shared,
        "only_unplayed": wanted.only_unplayed,
        "played_since": wanted.played_since(now),
        "name_like": None if wanted.q is None else _containing(sort_name(wanted.q)),
        "category_key": None if wanted.category is None else category_key(wanted.category),
    }


def _containing(text: str) -> str:
    """Return the LIKE pattern of names that contain this text literally."""
    return f"%{text.translate(_LITERALLY)}%"


def to_page(rows: Sequence[Sequence[Any]], query: LibraryQuery, *, total: int | None) -> LibraryPage:
    """Make the page that the rows of its statement stand for; one row more than it shows says that something follows.

    A row's columns are the members of an item, in their order, and the key to sort by.
    """
    shown = rows[: query.page.limit]
    # By place: by name it takes twenty times as long, and then so do pages.
    items = [LibraryItem(*row[:-1]) for row in shown]
    for item in items:
        item.dlc = _to_dlc(item.dlc)
    follows = len(rows) > len(shown)
    return LibraryPage(
        items=items, total=total, next=Position(key=shown[-1][-1], id=items[-1].game_id) if follows else None
    )


def to_detail(row: Sequence[Any], rights: Sequence[Mapping[str, Any]], *, now: datetime) -> LibraryItemDetail:
    """Make the item that the rows of the statements `item` and `rights` stand for.

    The columns of the one are the members of the item, in their order, but for the last, which the others decide.
    """
    held = to_rights(rights)
    access = decide_access(held.grants, parent_grants=held.parent_grants, now=now)
    *members, launch_options, devices, playtime_sessions = row
    members += [
        msgspec.convert(launch_options, list[LaunchOption]) if launch_options else [],
        msgspec.convert(devices, list[Installation]) if devices else [],
        msgspec.convert(playtime_sessions, list[RecentSession]) if playtime_sessions else [],
        access,
    ]
    item = LibraryItemDetail(*members)
    item.dlc = _to_dlc(item.dlc)
    return item


def _to_dlc(told: Any) -> list[OwnedDLC]:  # noqa: ANN401 - a JSON document
    return msgspec.convert(told, list[OwnedDLC]) if told else []


def to_rights(rows: Iterable[Mapping[str, Any]]) -> Rights:
    """Make the rights that the rows of `rights` stand for, or of `access`, which tells who plays the copy."""
    grants: list[AccessRight] = []
    parent_grants: list[AccessRight] = []
    has_parent = False
    in_use_by: CopyUse | None = None
    for row in rows:
        has_parent = has_parent or row["has_parent"]
        if row["acquisition_type"] is not None:  # it is where only a base game is known
            (grants if row["of_game"] else parent_grants).append(_to_access_right(row))
        if row.get("player_id") is not None:
            in_use_by = to_use(row)
    return Rights(grants=grants, parent_grants=parent_grants if has_parent else None, in_use_by=in_use_by)


def _to_access_right(row: Mapping[str, Any]) -> AccessRight:
    return AccessRight(
        acquisition_type=_ACQUISITION_TYPES[row["acquisition_type"]],
        source_id=row["source_id"],
        granted_at=row["granted_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def to_use(row: Mapping[str, Any]) -> CopyUse:
    """Make the use that a row of copy_leases stands for."""
    return CopyUse(user_id=row["player_id"], since=row["since"])
