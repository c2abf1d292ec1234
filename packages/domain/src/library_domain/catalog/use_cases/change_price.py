"""Take over what a game costs (contract 4.4, data 22)."""

from dataclasses import dataclass

from library_domain.catalog.model import GamePrice
from library_domain.catalog.ports import CatalogUnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePrice:
    """A price in one currency."""

    price: GamePrice


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePriceResult:
    """Whether it was news."""

    changed: bool


class ChangePriceHandler:
    """Keep every price that was told, and the newest as the current one, whatever the order in which they arrive."""

    def __init__(self, *, uow: CatalogUnitOfWork) -> None:
        self._uow = uow

    async def __call__(self, command: ChangePrice) -> ChangePriceResult:
        async with self._uow.begin() as tx:
            changed = await tx.prices.save(command.price)
        return ChangePriceResult(changed=changed)
