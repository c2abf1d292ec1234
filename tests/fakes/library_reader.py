"""Reads of the library, from the store of the fakes."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial

from fakes.store import Activity, Store
from library_domain.catalog.model import Game, ProductType
from library_domain.library.model import (
    PLAYABLE,
    AcquisitionType,
    Category,
    CopyUse,
    DeviceInstallation,
    GameInstallations,
    Grant,
    LibraryEntry,
    best,
    category_key,
    decide_access,
)
from library_domain.library.queries import (
    RECENT_SESSIONS,
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
from library_domain.shared.paging import Order, Position
from library_domain.shared.text import sort_name

Key = str | int | datetime | None


def _is_behind(after: Position, key: Key, game_id: GameId, *, turn: int) -> bool:
    if key is None or after.key is None:
        return key is None and (
            after.key is not None or ((game_id > after.id) == (turn > 0) and game_id != after.id)
        )
    here, there = (key, game_id), (after.key, after.id)
    return here != there and (here > there) == (turn > 0)


def _installed_at(device: DeviceInstallation) -> datetime:
    return device.installed_at or datetime.min.replace(tzinfo=UTC)


def _device(device: DeviceInstallation) -> Installation:
    files = device.files
    return Installation(
        device_id=device.device_id,
        platform=device.platform,
        status=device.status,
        failed_reason=device.failed_reason,
        install_path=files.install_path if files else None,
        installed_version=files.installed_version if files else None,
        size_installed=files.size_installed if files else None,
        size_total=files.size_total if files else None,
        installed_at=device.installed_at,
    )


def _size_installed(installations: GameInstallations) -> int | None:
    shown = installations.best
    return shown.files.size_installed if shown and shown.files else None


class FakeLibraryReader:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def version(self, user_id: UserId, *, now: datetime) -> Version:
        user, epoch = self._store.users.get(user_id), self._store.epoch
        return Version(
            timeline="1",
            epoch=epoch.number - (epoch.moves_at > now),
            revision=user.revision if user else 0,
        )

    async def page(self, user_id: UserId, query: LibraryQuery, *, now: datetime) -> LibraryPage:
        page, turn = query.page, -1 if query.order is Order.DESC else 1
        found = [entry for entry in self._of(user_id) if self._passes(entry, query.filter, now)]

        def key_of(entry: LibraryEntry) -> Key:
            return self._key(entry, query.sort)

        # What has no key comes last both ways; the game id turns with the order.
        keyed = [entry for entry in found if key_of(entry) is not None]
        keyless = [entry for entry in found if key_of(entry) is None]
        keyed.sort(key=lambda entry: (key_of(entry), entry.game_id))
        keyless.sort(key=lambda entry: entry.game_id)
        shown = [*keyed[::turn], *keyless[::turn]]
        if page.after is not None:
            behind = partial(_is_behind, page.after, turn=turn)
            shown = [entry for entry in shown if behind(key_of(entry), entry.game_id)]
        shown = shown[page.offset : page.offset + page.limit + 1]
        items = shown[: page.limit]
        last = items[-1] if len(shown) > len(items) else None
        return LibraryPage(
            items=[self._item(entry, now) for entry in items],
            total=len(found) if page.after is None else None,
            next=None if last is None else Position(key=key_of(last), id=last.game_id),
        )

    async def collections(self, user_id: UserId, *, now: datetime) -> Sequence[CollectionSummary]:
        return [
            CollectionSummary(name=name, count=self._count(user_id, LibraryFilter(collection=name), now))
            for name in Collection
        ]

    async def categories(self, user_id: UserId, *, now: datetime) -> Sequence[CategorySummary]:
        categories = self._store.categories.get(user_id, {}).values()
        return [
            CategorySummary(
                id=category.id,
                name=category.name,
                color=category.color,
                items_count=self._count(user_id, LibraryFilter(category=category.name), now),
                created_at=category.created_at,
                updated_at=category.updated_at,
            )
            for category in sorted(categories, key=lambda category: category.key)
        ]

    async def item(self, user_id: UserId, game_id: GameId, *, now: datetime) -> LibraryItemDetail | None:
        entry = self._store.entries.get((user_id, game_id))
        if entry is None:
            return None
        game = self._store.games.get(game_id)
        item = self._item(entry, now)
        rights = await self.rights(user_id, game_id)
        best = self._installations(entry).best
        files = best.files if best else None
        return LibraryItemDetail(
            **{field.name: getattr(item, field.name) for field in fields(item)},
            install_path=files.install_path if files else None,
            size_required=game.size_required if game else None,
            version=(files.installed_version if files else None) or (game.version if game else None),
            developer=game.developer if game else None,
            launch_options=list(game.launch_options) if game else [],
            devices=self._devices(entry),
            playtime_sessions=self._recent(entry),
            access=decide_access(rights.grants, parent_grants=rights.parent_grants, now=now),
        )

    async def rights(self, user_id: UserId, game_id: GameId) -> Rights:
        game = self._store.games.get(game_id)
        parent = game.parent_game_id if game and game.product_type is ProductType.DLC else None
        return Rights(
            grants=self._rights(user_id, game_id),
            parent_grants=None if parent is None else self._rights(user_id, parent),
            in_use_by=self._player(user_id, game_id) if self._rights(user_id, game_id) else None,
        )

    async def rights_of(self, user_id: UserId, game_ids: Sequence[GameId]) -> Sequence[Rights]:
        return [await self.rights(user_id, game_id) for game_id in game_ids]

    async def players(self, copies: Sequence[Copy]) -> Sequence[CopyUse | None]:
        return [self._player(copy.owner_id, copy.game_id) for copy in copies]

    async def owned_dlc(self, user_id: UserId, game_id: GameId, *, now: datetime) -> Sequence[GameId]:
        return sorted(
            game.game_id
            for game in self._store.games.values()
            if game.product_type is ProductType.DLC
            and game.parent_game_id == game_id
            and best(self._grants(user_id, game.game_id), now)
        )

    def _player(self, owner_id: UserId, game_id: GameId) -> CopyUse | None:
        lease = self._store.leases.get((owner_id, game_id))
        return None if lease is None else CopyUse(user_id=lease.player_id, since=lease.since)

    def _of(self, user_id: UserId) -> list[LibraryEntry]:
        return [entry for (owner, _), entry in self._store.entries.items() if owner == user_id]

    def _rights(self, user_id: UserId, game_id: GameId) -> list[AccessRight]:
        names = [each.name for each in fields(AccessRight)]
        return [
            AccessRight(**{name: getattr(grant, name) for name in names})
            for grant in self._grants(user_id, game_id)
        ]

    def _grants(self, user_id: UserId, game_id: GameId) -> list[Grant]:
        entry = self._store.entries.get((user_id, game_id))
        return [] if entry is None else list(entry.grants)

    def _count(self, user_id: UserId, wanted: LibraryFilter, now: datetime) -> int:
        return sum(self._passes(entry, wanted, now) for entry in self._of(user_id))

    def _passes(self, entry: LibraryEntry, wanted: LibraryFilter, now: datetime) -> bool:
        activity, since, game = self._activity(entry), wanted.played_since(now), self._game(entry)
        played = activity.last_played_at
        categories = self._categories(entry)
        return (
            self._kind(entry) is not ProductType.DLC
            and self._accessible(entry, now) is not wanted.withdrawn
            and wanted.is_hidden in (None, entry.is_hidden)
            and (not wanted.kinds or self._kind(entry) in wanted.kinds)
            and (wanted.statuses is None or self._installations(entry).status in wanted.statuses)
            and (not wanted.only_favorite or entry.is_favorite)
            and (not wanted.only_shared or entry.acquisition_type is AcquisitionType.FAMILY)
            and (not wanted.only_unplayed or played is None)
            and (since is None or (played is not None and played >= since))
            and (wanted.q is None or (game is not None and sort_name(wanted.q) in (game.sort_name or "")))
            and (wanted.category is None or category_key(wanted.category) in {c.key for c in categories})
        )

    def _key(self, entry: LibraryEntry, sort: LibrarySort) -> Key:
        activity, game = self._activity(entry), self._game(entry)
        keys: dict[LibrarySort, Key] = {
            LibrarySort.NAME: game.sort_name if game else None,
            LibrarySort.ACQUISITION_DATE: entry.acquisition_date,
            LibrarySort.LAST_PLAYED_AT: activity.last_played_at,
            LibrarySort.TOTAL_PLAYTIME: activity.total_playtime,
            LibrarySort.INSTALLATION_STATUS: self._installations(entry).status.value,
        }
        return keys[sort]

    def _game(self, entry: LibraryEntry) -> Game | None:
        return self._store.games.get(entry.game_id)

    def _activity(self, entry: LibraryEntry) -> Activity:
        return self._store.activities.get((entry.user_id, entry.game_id), Activity())

    def _installations(self, entry: LibraryEntry) -> GameInstallations:
        key = (entry.user_id, entry.game_id)
        return self._store.installations.get(
            key, GameInstallations(user_id=entry.user_id, game_id=entry.game_id)
        )

    def _devices(self, entry: LibraryEntry) -> list[Installation]:
        shown = [each for each in self._installations(entry).devices.values() if each.is_shown]
        there = [each for each in shown if each.installed_at]
        there.sort(key=lambda each: each.device_id)
        there.sort(key=_installed_at, reverse=True)
        coming = sorted((each for each in shown if not each.installed_at), key=lambda each: each.device_id)
        return [_device(each) for each in (*there, *coming)]

    def _recent(self, entry: LibraryEntry) -> list[RecentSession]:
        sessions = [
            kept.record.session
            # Of two that began in the same second the one that ended last comes first.
            for (user_id, _), kept in reversed(self._store.ended.items())
            if user_id == entry.user_id and kept.record.session.game_id == entry.game_id
        ]
        sessions.sort(key=lambda session: session.start_time, reverse=True)
        return [
            RecentSession(
                id=session.id,
                start_time=session.start_time,
                end_time=session.end_time,
                duration_seconds=session.duration_seconds,
            )
            for session in sessions[:RECENT_SESSIONS]
        ]

    def _categories(self, entry: LibraryEntry) -> list[Category]:
        known = self._store.categories.get(entry.user_id, {})
        return sorted((known[each] for each in entry.category_ids), key=lambda category: category.key)

    def _accessible(self, entry: LibraryEntry, now: datetime) -> bool:
        return entry.revoked_at is None and (entry.access_expires_at is None or entry.access_expires_at > now)

    def _kind(self, entry: LibraryEntry) -> ProductType:
        game = self._game(entry)
        return game.product_type if game else entry.product_type

    def _order(self, game_id: GameId) -> tuple[bool, bytes, GameId]:
        game = self._store.games.get(game_id)
        name = game.sort_name if game else None
        return (name is None, (name or "").encode(), game_id)

    def _item(self, entry: LibraryEntry, now: datetime) -> LibraryItem:
        game, activity = self._game(entry), self._activity(entry)
        installations = self._installations(entry)
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
            is_hidden=entry.is_hidden,
            is_favorite=entry.is_favorite,
            last_played_at=activity.last_played_at,
            total_playtime_seconds=activity.total_playtime,
            installation_status=installations.status,
            installed=installations.status in PLAYABLE,
            size_installed=_size_installed(installations),
            platform=installations.best.platform if installations.best else None,
            platforms=list(game.platforms) if game else [],
            categories=[category.name for category in self._categories(entry)],
            dlc=[
                OwnedDLC(
                    dlc_id=part.game_id,
                    name=self._store.games[part.game_id].name,
                    installed=self._installations(part).status in PLAYABLE,
                    size_installed=_size_installed(self._installations(part)),
                    size_required=self._store.games[part.game_id].size_required,
                )
                for part in sorted(dlc, key=lambda part: self._order(part.game_id))
            ],
            family_shared=is_family,
            owner_id=None,
            notes=entry.notes,
            cover_url=game.cover_url if game else None,
            created_at=entry.created_at,
            updated_at=self._store.updated_at.get((entry.user_id, entry.game_id), entry.created_at),
        )
