"""What games cost and cost before, in PostgreSQL (data 22)."""

from collections.abc import Callable

from library_adapters.postgres.connection import Connection
from library_adapters.postgres.statements import statements
from library_domain.catalog.model import GamePrice

_SQL = statements("prices")


class PostgresPrices:
    """Implements library_domain.catalog.ports.PriceRepository on an open transaction."""

    def __init__(self, connection: Connection, *, on_change: Callable[[], None]) -> None:
        self._connection = connection
        self._on_change = on_change

    async def save(self, price: GamePrice) -> bool:
        """See the port."""
        row = {
            "game_id": price.game_id,
            "currency": price.currency,
            "amount": price.amount.amount,
            "original_amount": price.original_amount.amount,
            "discount_percent": price.discount_percent,
            "valid_from": price.valid_from,
            "valid_until": price.valid_until,
            "event_at": price.event_at,
            "event_id": price.event_id,
        }
        async with self._connection.pipeline():
            remembered = await self._connection.execute(_SQL["remember_price"], row)
            current = await self._connection.execute(_SQL["set_price"], row)
        if current.rowcount > 0:
            self._on_change()
        return remembered.rowcount > 0
