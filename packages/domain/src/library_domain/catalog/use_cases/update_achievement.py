"""Take over what Catalog says of an achievement (details 3.1)."""

from dataclasses import dataclass

from library_domain.catalog.model import GameAchievement
from library_domain.catalog.ports import CatalogUnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAchievement:
    """The whole state of an achievement; of a game that we know or not."""

    achievement: GameAchievement


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAchievementResult:
    """Whether it was news."""

    changed: bool


class UpdateAchievementHandler:
    """Keep the newest state of the achievement, whatever the order in which states arrive."""

    def __init__(self, *, uow: CatalogUnitOfWork) -> None:
        self._uow = uow

    async def __call__(self, command: UpdateAchievement) -> UpdateAchievementResult:
        async with self._uow.begin() as tx:
            changed = await tx.achievements.save(command.achievement)
        return UpdateAchievementResult(changed=changed)
