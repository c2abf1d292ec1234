"""Make a category (contract, POST /categories)."""

from dataclasses import dataclass

from library_domain.library.ports import LibraryUnitOfWork
from library_domain.library.queries import CategorySummary
from library_domain.shared.clock import Clock
from library_domain.shared.ids import IdSource, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCategory:
    """Make this user a category of this name; the colour is `#RRGGBB`."""

    user_id: UserId
    name: str
    color: str | None = None


class CreateCategoryHandler:
    """Let the user's categories decide. Raises InvalidCategory, ValidationFailed, CategoryExists, LimitReached."""

    def __init__(self, *, uow: LibraryUnitOfWork, clock: Clock, ids: IdSource) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: CreateCategory) -> CategorySummary:
        async with self._uow.begin(command.user_id) as tx:
            categories = await tx.categories.of(command.user_id)
            category = categories.create(
                command.name, color=command.color, category_id=self._ids.new(), now=self._clock.now()
            )
            await tx.categories.save(categories)
            tx.record(*categories.events)
        return CategorySummary(
            id=category.id,
            name=category.name,
            color=category.color,
            items_count=0,
            created_at=category.created_at,
            updated_at=category.updated_at,
        )
