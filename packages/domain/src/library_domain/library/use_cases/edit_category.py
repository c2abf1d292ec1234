"""Rename or recolour a category (contract, PATCH /categories/{category_id})."""

from dataclasses import dataclass
from uuid import UUID

from library_domain.library.errors import CategoryNotFound
from library_domain.library.ports import LibraryUnitOfWork
from library_domain.library.queries import CategorySummary, LibraryReader
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId
from library_domain.shared.unset import UNSET, Unset


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCategory:
    """Change what is set; None takes the colour away."""

    user_id: UserId
    category_id: UUID
    name: str | Unset = UNSET
    color: str | Unset | None = UNSET


class EditCategoryHandler:
    """Let the user's categories decide, then show the category as it is committed.

    Raises CategoryNotFound, InvalidCategory, ValidationFailed and CategoryExists.
    """

    def __init__(self, *, uow: LibraryUnitOfWork, reader: LibraryReader, clock: Clock) -> None:
        self._uow = uow
        self._reader = reader
        self._clock = clock

    async def __call__(self, command: EditCategory) -> CategorySummary:
        now = self._clock.now()
        async with self._uow.begin(command.user_id) as tx:
            categories = await tx.categories.of(command.user_id)
            categories.edit(command.category_id, name=command.name, color=command.color, now=now)
            await tx.categories.save(categories)
            tx.record(*categories.events)

        for category in await self._reader.categories(command.user_id, now=now):
            if category.id == command.category_id:
                return category
        # Deleted by another request meanwhile.
        raise CategoryNotFound(category_id=command.category_id)
