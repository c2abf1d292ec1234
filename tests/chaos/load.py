"""Load that goes on whatever happens to the service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chaos.ledger import Ledger
from e2e.doors import Payments
from e2e.purchases import Purchase, derived, games
from waiting import ticks


def purchase(number: int, *, users: int, name: str = "load") -> Purchase:
    """Return the purchase of this number: users take turns, and none buys a game twice."""
    user, game = number % users, number // users
    return Purchase(
        about=f"{name} {number}",
        user=derived("user", f"{name} {user}"),
        game=games()[(game + user) % len(games())].game_id,
    )


@asynccontextmanager
async def buying(
    payments: Payments,
    ledger: Ledger,
    *,
    per_second: float,
    users: int,
    make: Callable[..., Purchase] = purchase,
) -> AsyncIterator[None]:
    """Publish purchases at this rate while the block runs, and write down those that the broker acknowledged.

    At the end it waits for the acknowledgements that are still out.
    """
    stop = asyncio.Event()

    async def buy(number: int) -> None:
        bought = make(number, users=users)
        await payments.publish(bought.event())
        ledger.acknowledged(bought)

    async def load() -> None:
        async with asyncio.TaskGroup() as group:
            async for number in ticks(per_second, stop=stop):
                group.create_task(buy(number))

    task = asyncio.create_task(load(), name="load")
    try:
        yield
    finally:
        stop.set()
        await task
