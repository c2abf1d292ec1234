"""Several consumers write the read model of one game at once: nobody waits for somebody who waits for them."""

import asyncio
from datetime import datetime, timedelta

from builders import NOON, a_game, a_price, game_id
from fakes.clock import FakeClock
from integration.postgres.pods import open_pod

from library_adapters.postgres.games import PostgresGameReader
from library_domain.catalog.use_cases.change_price import ChangePrice, ChangePriceHandler
from library_domain.catalog.use_cases.update_game import UpdateGame, UpdateGameHandler

NAMES = ("Portal", "Portal 2", "Braid")
HOUR = timedelta(hours=1)
HURRY = {"pool_max": 8, "pool_timeout_seconds": 20.0, "lock_timeout_milliseconds": 20_000}


class Hours(FakeClock):
    """An hour passes with each look, so that every writer has an epoch to move."""

    def now(self) -> datetime:
        self.advance(HOUR)
        return super().now()


async def test_games_and_prices_told_at_once_do_not_deadlock_and_end_as_the_newest(database: str) -> None:
    async with open_pod(database, clock=Hours(), **HURRY) as pod:
        update, change = UpdateGameHandler(uow=pod.uow), ChangePriceHandler(uow=pod.uow)

        async with asyncio.TaskGroup() as group:
            for number in range(60):
                name, at = NAMES[number % 3], NOON + number * HOUR
                told = UpdateGame(
                    game=a_game(name, event_at=at, version=str(number)),
                    price=a_price(str(number), of=name, event_at=at),
                )
                group.create_task(update(told))
                group.create_task(change(ChangePrice(price=a_price("1000", of=name, event_at=at - 2 * HOUR))))

        known = await PostgresGameReader(pod.pool).known([game_id(name) for name in NAMES])
        prices = await pod.rows("SELECT amount FROM catalog.prices ORDER BY amount")
        told_prices = await pod.rows("SELECT 1 AS one FROM catalog.price_history")

    assert {game.version for game in known.values()} == {"57", "58", "59"}
    assert [row["amount"] for row in prices] == [57, 58, 59]
    assert len(told_prices) == 120
