"""Give up a category (contract, DELETE /categories/{category_id})."""

from dataclasses import dataclass
from uuid import UUID

from library_domain.library.ports import LibraryUnitOfWork
from library_domain.shared.clock import Clock
from library_domain.shared.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCategory:
    """Take this category away; its games stay in the library."""

    user_id: UserId
    category_id: UUID


class DeleteCategoryHandler:
    """Let the user's categories decide. Raises CategoryNotFound."""

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def __call__(self, command: DeleteCategory) -> None:
        async with self._uow.begin(command.user_id) as tx:
            categories = await tx.categories.of(command.user_id)
            categories.delete(command.category_id, now=self._clock.now())
            await tx.categories.save(categories)
            tx.record(*categories.events)
