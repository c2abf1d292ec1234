"""`kill -9` of each process under load, ten times, at moments that a seed chooses (reliability A1, A3, A4)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from chaos.killing import KILLS, kill_repeatedly
from chaos.ledger import Ledger, keep_evidence, quantiles
from chaos.load import buying
from e2e.doors import Rest, Tail
from e2e.house import House, open_house
from e2e.purchases import Purchase, derived, games
from figures import Report
from waiting import ticks, until

from library_devstack.events import LIBRARY_EVENTS

USERS = 40
PER_SECOND = 20
SETTLING_SECONDS = 120
# A consumer that was killed keeps its partitions until its session ends. Production waits 10 s for it; ten kills in a
# test need not.
SETTINGS = {
    "LIBRARY_CONSUMERS__SESSION_TIMEOUT_SECONDS": "2",
    "LIBRARY_CONSUMERS__HEARTBEAT_INTERVAL_SECONDS": "0.5",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(360)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, settings=SETTINGS, before_start=keep_evidence) as house:
        yield house


async def test_ten_kills_of_the_consumer_lose_and_double_nothing(house: House, report: Report) -> None:
    ledger, announced = Ledger(), await house.tail(LIBRARY_EVENTS)

    async def effects() -> float:
        return await house.count("inbox")

    async def count_redelivered() -> None:
        redelivered.append(
            await house.metric("consume", "library_consumer_messages_total", outcome="duplicate")
        )

    redelivered: list[float] = []
    async with buying(await house.payments(), ledger, per_second=PER_SECOND, users=USERS):
        recoveries = await kill_repeatedly(
            house, "consume", progress=effects, seed=4, before=count_redelivered
        )
    await ledger.settled(house, announced, within=SETTLING_SECONDS)
    await count_redelivered()

    report(f"{KILLS} kill -9 of consume, {PER_SECOND} purchases/s: {await ledger.compare(house, announced)}")
    report(f"at least {sum(redelivered):.0f} events came again after their effect and changed nothing")
    report(f"from the kill to the next effect, start of the process included: {quantiles(recoveries)}")


async def test_ten_kills_of_the_relay_lose_nothing_and_keep_the_order(house: House, report: Report) -> None:
    ledger, announced = Ledger(), await house.tail(LIBRARY_EVENTS)
    at_any_moment = KILLS // 2

    async def published() -> float:
        return len(announced.records)

    async with buying(await house.payments(), ledger, per_second=PER_SECOND, users=USERS):
        recoveries = await kill_repeatedly(house, "relay", progress=published, seed=3, kills=at_any_moment)
        for _ in range(KILLS - at_any_moment):
            await kill_between_broker_and_mark(house, announced)
    await ledger.settled(house, announced, within=SETTLING_SECONDS)

    balance = await ledger.compare(house, announced)
    report(f"{KILLS} kill -9 of relay, {PER_SECOND} purchases/s: {balance}")
    report(f"from the kill to the next event, start of the process included: {quantiles(recoveries)}")
    assert balance.repetitions > 0, "no kill fell between the broker's acknowledgement and the mark"


async def kill_between_broker_and_mark(house: House, announced: Tail) -> None:
    """Kill the relay when the broker has its events and the outbox still has them too.

    The rows that it is about to remove are locked, so that it waits right there. The server notices only when the
    lock times out that the one who waited is dead: until then the rows stay locked, or it would remove them after all.
    """
    await house.kill("relay")

    async def waiting_rows() -> bool:
        return await house.count("outbox") > 0

    async def repeated() -> bool:
        return len(announced.records) - len({each.id for each in announced.records}) > repetitions

    await until(waiting_rows, within=30, what="rows in the outbox of a dead relay")
    async with house.locked("SELECT FROM outbox FOR UPDATE"):
        done = len(announced.records)

        async def published() -> bool:
            return len(announced.records) > done

        await house.start("relay")
        await until(published, within=30, every=0.005, what="events of the new relay")
        repetitions = len(announced.records) - len({each.id for each in announced.records})
        await house.kill("relay")
        await house.start("relay")
        await until(repeated, within=30, what="the same events of the next relay")


class Readers:
    """Clients that read all the time, and judge every answer that they get."""

    def __init__(self, rest: Rest, ledger: Ledger, pages: dict[Purchase, bytes]) -> None:
        self._rest = rest
        self._ledger = ledger
        self._pages = pages
        self._seen: set[Purchase] = set()
        self.answered = 0
        self.outcomes: Counter[str] = Counter()

    async def read(self, number: int) -> None:
        """Read one page that must be what it was, or one game that must not disappear."""
        try:
            if number % 2:
                await self._page(list(self._pages)[number % len(self._pages)])
            elif self._ledger.purchases:
                await self._item(self._ledger.purchases[-1 - number % min(50, len(self._ledger.purchases))])
        except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            self.outcomes[type(error).__name__] += 1

    async def _page(self, owned: Purchase) -> None:
        answer = await self._rest.page(owned.user)
        if self._counts(answer):
            assert answer.content == self._pages[owned]

    async def _item(self, bought: Purchase) -> None:
        was_there = bought in self._seen
        answer = await self._rest.item(bought.user, bought.game)
        if answer.status_code == httpx2.codes.NOT_FOUND:
            assert not was_there, f"{bought} disappeared"
            self._count("404 not there yet")
        elif self._counts(answer):
            item = answer.json()["data"]
            assert (item["user_id"], item["game_id"]) == (str(bought.user), str(bought.game))
            assert item["access"]["allowed"]
            self._seen.add(bought)

    def _counts(self, answer: httpx2.Response) -> bool:
        """Count the answer; return whether it has content to judge."""
        if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
            assert int(answer.headers["retry-after"]) > 0
            self.outcomes["503"] += 1
            return False
        assert answer.status_code == httpx2.codes.OK, answer.text
        self._count("200")
        return True

    def _count(self, outcome: str) -> None:
        self.outcomes[outcome] += 1
        self.answered += 1


async def test_ten_kills_of_the_api_give_no_wrong_answer(house: House, report: Report) -> None:
    ledger, announced = Ledger(), await house.tail(LIBRARY_EVENTS)
    payments, rest = await house.payments(), await house.rest()
    pages = await settled_pages(house, rest, ledger)
    readers, stop = Readers(rest, ledger, pages), asyncio.Event()

    async def answered() -> float:
        return readers.answered

    async def reading() -> None:
        async with asyncio.TaskGroup() as group:
            async for number in ticks(60, stop=stop):
                group.create_task(readers.read(number))

    async with asyncio.TaskGroup() as group, buying(payments, ledger, per_second=5, users=USERS):
        group.create_task(reading())
        try:
            recoveries = await kill_repeatedly(house, "api", progress=answered, seed=1, between=(30, 200))
        finally:
            stop.set()
    await ledger.settled(house, announced, within=SETTLING_SECONDS)

    report(f"{KILLS} kill -9 of api, 60 reads/s: every answer right; {dict(readers.outcomes.most_common())}")
    report(f"from the kill to the next answer, start of the process included: {quantiles(recoveries)}")
    report(str(await ledger.compare(house, announced)))


async def settled_pages(house: House, rest: Rest, ledger: Ledger) -> dict[Purchase, bytes]:
    """Return pages of users who buy nothing more, as they are."""
    payments = await house.payments()
    bought = [
        Purchase(
            about=f"settled {number}", user=derived("user", f"settled {number}"), game=games()[number].game_id
        )
        for number in range(20)
    ]
    for each in bought:
        await payments.publish(each.event())
        ledger.acknowledged(each)
    for each in bought:
        await rest.wait_for(each.user, each.game)
    return {each: (await rest.page(each.user)).content for each in bought}
