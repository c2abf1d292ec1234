"""Change what the user makes of a game (contract, PATCH /{game_id})."""

from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.library.errors import GameNotFound
from library_domain.library.ports import LibraryUnitOfWork
from library_domain.library.queries import LibraryItemDetail, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, IdSource, UserId
from library_domain.shared.unset import UNSET, Unset


@dataclass(frozen=True, slots=True, kw_only=True)
class EditItem:
    """Change what is set. `categories` replaces them by name, making those that are missing; None clears the notes."""

    user_id: UserId
    game_id: GameId
    is_hidden: bool | Unset = UNSET
    is_favorite: bool | Unset = UNSET
    categories: Sequence[str] | Unset = UNSET
    notes: str | Unset | None = UNSET


class EditItemHandler:
    """Let the entry and the categories decide, then show the item as it is committed.

    Raises GameNotFound for a game that the user never had, ValidationFailed, InvalidCategory and LimitReached.
    """

    def __init__(self, *, uow: LibraryUnitOfWork, reader: LibraryReader, clock: Clock, ids: IdSource) -> None:
        self._uow = uow
        self._reader = reader
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: EditItem) -> LibraryItemDetail:
        now = self._clock.now()
        async with self._uow.begin(command.user_id) as tx:
            entries = await tx.library.entries(command.user_id, (command.game_id,))
            if command.game_id not in entries:
                raise GameNotFound(game_id=command.game_id)
            entry = entries[command.game_id]
            categories = await tx.categories.of(command.user_id)
            games = await tx.games.known((command.game_id,))

            entry.edit(
                now=now,
                game_name=games[command.game_id].name if command.game_id in games else None,
                is_hidden=command.is_hidden,
                is_favorite=command.is_favorite,
                notes=command.notes,
                category_ids=UNSET
                if command.categories is UNSET
                else [
                    categories.find_or_create(
                        name, category_id=self._ids.new(), now=now, field=f"categories[{n}]"
                    ).id
                    for n, name in enumerate(command.categories)
                ],
            )
            await tx.categories.save(categories)
            await tx.library.save(entry)
            tx.record(*categories.events, *entry.events)

        item = await self._reader.item(command.user_id, command.game_id, now=now)
        if item is None:
            # Erased meanwhile: nothing else takes a row away.
            raise GameNotFound(game_id=command.game_id)
        return item
