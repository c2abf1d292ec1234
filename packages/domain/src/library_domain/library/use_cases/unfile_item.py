"""Take a game out of a category (contract, DELETE /games/{game_id}/categories/{name})."""

from collections.abc import Sequence
from dataclasses import dataclass

from library_domain.library.errors import CategoryNotFound, GameNotFound
from library_domain.library.ports import LibraryUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfileItem:
    """Take this game out of the category of this name, in whatever case; the category stays, empty or not."""

    user_id: UserId
    game_id: GameId
    category: str


class UnfileItemHandler:
    """Let the entry decide; return the names of the categories that remain.

    A game that is not in the category stays as it is, so that a repeated request succeeds.
    Raises GameNotFound for a game that the user never had, CategoryNotFound for a name that no category has.
    """

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: UnfileItem) -> Sequence[str]:
        async with self._uow.begin(command.user_id) as tx:
            entries = await tx.library.entries(command.user_id, (command.game_id,))
            if command.game_id not in entries:
                raise GameNotFound(game_id=command.game_id)
            entry = entries[command.game_id]
            categories = await tx.categories.of(command.user_id)
            category = categories.named(command.category)
            if category is None:
                raise CategoryNotFound(name=command.category)
            games = await tx.games.known((command.game_id,))

            entry.edit(
                now=self._clock.now(),
                game_name=games[command.game_id].name if command.game_id in games else None,
                category_ids=entry.category_ids - {category.id},
            )
            await tx.library.save(entry)
            tx.record(*entry.events)
        return categories.names_of(entry.category_ids)
