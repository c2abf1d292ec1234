"""Put a game into a category (contract, POST /games/{game_id}/categories)."""

from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.library.errors import GameNotFound
from library_domain.library.ports import LibraryUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, IdSource, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileItem:
    """Put this game into the category of this name, which is made on first use."""

    user_id: UserId
    game_id: GameId
    category: str


class FileItemHandler:
    """Let the entry and the categories decide; return the names of the game's categories.

    Raises GameNotFound for a game that the user never had, InvalidCategory naming `category_name`, and LimitReached.
    """

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock, ids: IdSource) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: FileItem) -> Sequence[str]:
        now = self._clock.now()
        async with self._uow.begin(command.user_id) as tx:
            entries = await tx.library.entries(command.user_id, (command.game_id,))
            if command.game_id not in entries:
                raise GameNotFound(game_id=command.game_id)
            entry = entries[command.game_id]
            categories = await tx.categories.of(command.user_id)
            games = await tx.games.known((command.game_id,))

            category = categories.find_or_create(
                command.category, category_id=self._ids.new(), now=now, field="category_name"
            )
            entry.edit(
                now=now,
                game_name=games[command.game_id].name if command.game_id in games else None,
                category_ids=entry.category_ids | {category.id},
            )
            await tx.categories.save(categories)
            await tx.library.save(entry)
            tx.record(*categories.events, *entry.events)
        return categories.names_of(entry.category_ids)
