"""Reads of the library, from the store of the fakes."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from fakes.store import Store
from library_domain.catalog.model import ProductType
from library_domain.library.model import AcquisitionType, Grant, LibraryEntry, best, decide_access
from library_domain.library.queries import LibraryItem, LibraryItemDetail, LibraryPage, OwnedDLC, Rights
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page


class FakeLibraryReader:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, user_id: UserId, page: Page, *, now: datetime) -> LibraryPage:
        shown = [
            entry
            for entry in self._of(user_id)
            if self._kind(entry) is not ProductType.DLC and self._accessible(entry, now)
        ]
        shown.sort(key=lambda entry: self._order(entry.game_id))
        items = [self._item(entry, now) for entry in shown[page.offset : page.offset + page.limit]]
        return LibraryPage(items=items, total=len(shown))

    async def item(self, user_id: UserId, game_id: GameId, *, now: datetime) -> LibraryItemDetail | None:
        entry = self._store.entries.get((user_id, game_id))
        if entry is None:
            return None
        game = self._store.games.get(game_id)
        item = self._item(entry, now)
        rights = await self.rights(user_id, game_id)
        return LibraryItemDetail(
            **{field.name: getattr(item, field.name) for field in fields(item)},
            install_path=None,
            size_required=game.size_required if game else None,
            version=game.version if game else None,
            developer=game.developer if game else None,
            launch_options=list(game.launch_options) if game else [],
            devices=[],
            access=decide_access(rights.grants, parent_grants=rights.parent_grants, now=now),
        )

    async def rights(self, user_id: UserId, game_id: GameId) -> Rights:
        game = self._store.games.get(game_id)
        parent = game.parent_game_id if game else None
        return Rights(
            grants=self._grants(user_id, game_id),
            parent_grants=None if parent is None else self._grants(user_id, parent),
        )

    async def owned_dlc(self, user_id: UserId, game_id: GameId, *, now: datetime) -> Sequence[GameId]:
        return sorted(
            game.game_id
            for game in self._store.games.values()
            if game.parent_game_id == game_id and best(self._grants(user_id, game.game_id), now)
        )

    def _of(self, user_id: UserId) -> list[LibraryEntry]:
        return [entry for (owner, _), entry in self._store.entries.items() if owner == user_id]

    def _grants(self, user_id: UserId, game_id: GameId) -> list[Grant]:
        entry = self._store.entries.get((user_id, game_id))
        return [] if entry is None else list(entry.grants)

    def _accessible(self, entry: LibraryEntry, now: datetime) -> bool:
        return entry.revoked_at is None and (entry.access_expires_at is None or entry.access_expires_at > now)

    def _kind(self, entry: LibraryEntry) -> ProductType:
        game = self._store.games.get(entry.game_id)
        return game.product_type if game else entry.product_type

    def _order(self, game_id: GameId) -> tuple[bool, bytes, GameId]:
        game = self._store.games.get(game_id)
        name = game.sort_name if game else None
        return (name is None, (name or "").encode(), game_id)

    def _item(self, entry: LibraryEntry, now: datetime) -> LibraryItem:
        game = self._store.games.get(entry.game_id)
        is_family = entry.acquisition_type is AcquisitionType.FAMILY
        dlc = [
            part
            for part in self._of(entry.user_id)
            if self._kind(part) is ProductType.DLC
            and self._accessible(part, now)
            and part.game_id in self._store.games
            and self._store.games[part.game_id].parent_game_id == entry.game_id
        ]
        return LibraryItem(
            id=entry.id,
            user_id=entry.user_id,
            game_id=entry.game_id,
            name=game.name if game else None,
            product_type=self._kind(entry),
            acquisition_type=None if is_family else entry.acquisition_type,
            acquisition_date=entry.acquisition_date,
            is_hidden=False,
            is_favorite=False,
            last_played_at=None,
            total_playtime_seconds=0,
            installation_status="not_installed",
            installed=False,
            size_installed=None,
            platform=None,
            platforms=list(game.platforms) if game else [],
            categories=[],
            dlc=[
                OwnedDLC(
                    dlc_id=part.game_id,
                    name=self._store.games[part.game_id].name,
                    installed=False,
                    size_installed=None,
                    size_required=self._store.games[part.game_id].size_required,
                )
                for part in sorted(dlc, key=lambda part: self._order(part.game_id))
            ],
            family_shared=is_family,
            owner_id=None,
            notes=None,
            cover_url=game.cover_url if game else None,
            created_at=entry.created_at,
            updated_at=entry.created_at,
        )
