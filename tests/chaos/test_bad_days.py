"""A dependency goes away and comes back: what still works meanwhile, and how soon everything does again."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import httpx2
import pytest
from chaos.ledger import Ledger, keep_evidence
from chaos.load import buying, purchase
from e2e.doors import Grpc, Payments, Rest, Tail
from e2e.house import DEPLOYABLES, STORES, House, open_house
from e2e.purchases import Purchase, derived, games
from figures import Report
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from waiting import ticks, until

from library_devstack.events import LIBRARY_EVENTS

USERS = 20
OUTAGE_SECONDS = 10.0
RECOVERED_SECONDS = 5.0
"""How soon after PostgreSQL is up everything works again (the issue; reliability B1)."""
STOPPED_SECONDS = 25.0
"""How long a process may take to end after SIGTERM (reliability A6)."""
_numbers = count()


@dataclass
class Day:
    """A house with clients at every door, and what was promised through them."""

    house: House
    rest: Rest
    grpc: Grpc
    payments: Payments
    announced: Tail
    ledger: Ledger = field(default_factory=Ledger)

    async def buy(self, *, game: int = 0) -> Purchase:
        """Buy something new, and return when the broker has the event."""
        number = next(_numbers)
        bought = Purchase(
            about=f"day {number}", user=derived("user", f"day {number}"), game=games()[game].game_id
        )
        await self.payments.publish(bought.event())
        self.ledger.acknowledged(bought)
        return bought

    async def buy_and_see(self) -> float:
        """Return the seconds from a purchase to the game in the library."""
        began = time.monotonic()
        bought = await self.buy()
        await self.rest.wait_for(bought.user, bought.game, within=60)
        return time.monotonic() - began

    async def balance(self, *, within: float = 60) -> str:
        """Compare everything that was ever promised here with what is there."""
        await self.ledger.settled(self.house, self.announced, within=within)
        return str(await self.ledger.compare(self.house, self.announced))


@pytest.fixture(scope="module")
async def day(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """One house for all days: each ends as it began."""
    async with open_house(tmp_path_factory.mktemp("bad-days"), before_start=keep_evidence) as house:
        day = Day(
            house=house,
            rest=await house.rest(),
            grpc=await house.grpc(),
            payments=await house.payments(),
            announced=await house.tail(LIBRARY_EVENTS),
        )
        await day.buy_and_see()
        yield day


@asynccontextmanager
async def reading(day: Day, *, per_second: float) -> AsyncIterator[Counter[str]]:
    """Read the library of a user at this rate while the block runs; count the answers.

    Whatever is not 200 must be a 503 that says when to come again. At the end the last answers are waited for.
    """
    answers: Counter[str] = Counter()
    stop = asyncio.Event()
    owned = day.ledger.purchases[0]

    async def read() -> None:
        answer = await day.rest.item(owned.user, owned.game)
        answers[str(answer.status_code)] += 1
        if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
            assert answer.json()["error"]["code"] == "DEPENDENCY_UNAVAILABLE"
            assert int(answer.headers["retry-after"]) > 0
        else:
            assert answer.status_code == httpx2.codes.OK, answer.text

    async def load() -> None:
        async with asyncio.TaskGroup() as group:
            async for _ in ticks(per_second, stop=stop):
                group.create_task(read())

    task = asyncio.create_task(load(), name="readers")
    try:
        yield answers
    finally:
        stop.set()
        await task


async def seconds_until(condition: Callable[[], Awaitable[bool]], *, what: str) -> float:
    """Return how long it took until the condition held."""
    began = time.monotonic()
    await until(condition, within=60, what=what)
    return time.monotonic() - began


@pytest.mark.slow
async def test_kafka_silent_for_ten_seconds_stops_no_read_and_loses_no_event(
    day: Day, report: Report
) -> None:
    """SIGSTOP: the embedded broker keeps everything in memory, so it must not end."""
    house = day.house
    before = house.pids(*DEPLOYABLES)

    async def drained() -> bool:
        return await house.count("outbox") == 0

    await until(drained, within=60, what="an empty outbox")
    # Let events wait in the outbox when the broker goes silent: the relay sleeps while they are written.
    house.component("relay").pause()
    waiting = [await day.buy() for _ in range(20)]
    for bought in waiting:
        await day.rest.wait_for(bought.user, bought.game)
    house.component("kafka").pause()
    house.component("relay").resume()

    async with reading(day, per_second=20) as answers:
        try:
            async for second in ticks(1):
                if second == OUTAGE_SECONDS:
                    break
            assert await house.count("outbox") == len(waiting)
        finally:
            # Whatever is found: the days after this one need it.
            house.component("kafka").resume()

        drain, visible = await asyncio.gather(
            seconds_until(drained, what="an empty outbox"), day.buy_and_see()
        )

    report(f"Kafka silent for {OUTAGE_SECONDS:.0f} s: reads {dict(answers)}")
    report(
        f"after it: {len(waiting)} waiting events out in {drain:.1f} s, the next purchase visible in {visible:.1f} s"
    )
    report(await day.balance())
    assert set(answers) == {"200"}
    assert house.pids(*DEPLOYABLES) == before


@pytest.mark.slow
async def test_postgres_away_is_503_and_all_is_well_within_five_seconds_of_its_return(
    day: Day, report: Report
) -> None:
    house = day.house
    before = house.pids(*DEPLOYABLES)

    async def rest_answers() -> bool:
        return (await day.rest.item(owned.user, owned.game)).status_code == httpx2.codes.OK

    async def rest_refuses() -> bool:
        return not await rest_answers()

    async def grpc_answers() -> bool:
        return await day.grpc.may_play(owned.user, owned.game)

    async def effects() -> bool:
        return await house.count("inbox") > applied

    async def events() -> bool:
        return len(day.announced.records) > published

    owned = day.ledger.purchases[0]
    made = partial(purchase, name="postgres away")
    async with (
        reading(day, per_second=10) as answers,
        buying(day.payments, day.ledger, per_second=10, users=USERS, make=made),
    ):
        await until(effects_of_load(house), within=30, what="the load's first effects")
        await house.stop("postgres")
        await until(rest_refuses, within=10, what="a 503")
        assert not await grpc_answers()
        async for second in ticks(1):
            if second == 3:
                break
        await house.start("postgres")
        applied, published = await house.count("inbox"), len(day.announced.records)
        recovered = await asyncio.gather(
            seconds_until(rest_answers, what="REST after PostgreSQL's return"),
            seconds_until(grpc_answers, what="gRPC after PostgreSQL's return"),
            seconds_until(effects, what="effects after PostgreSQL's return"),
            seconds_until(events, what="events after PostgreSQL's return"),
        )

    names = ("REST", "gRPC", "consumer", "relay")
    report(f"PostgreSQL away: reads {dict(answers)}, each 503 with Retry-After")
    report(
        "after PostgreSQL was ready: "
        + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in zip(names, recovered, strict=True))
    )
    report(await day.balance())
    assert set(answers) == {"200", "503"}
    assert max(recovered) < RECOVERED_SECONDS
    assert house.pids(*DEPLOYABLES) == before


def effects_of_load(house: House) -> Callable[[], Awaitable[bool]]:
    async def some() -> bool:
        return await house.count("inbox", [derived("user", f"postgres away {n}") for n in range(USERS)]) >= 10

    return some


async def test_redis_away_changes_nothing(day: Day, report: Report) -> None:
    await day.house.stop("redis")

    async with reading(day, per_second=20) as answers:
        visible = max([await day.buy_and_see() for _ in range(10)])

    await day.house.start("redis")
    report(f"Redis away: reads {dict(answers)}, ten purchases visible in at most {visible:.2f} s")
    assert set(answers) == {"200"}


async def test_catalog_and_the_token_issuer_away_stop_no_purchase_and_no_read(
    day: Day, report: Report
) -> None:
    """The stand-ins are one process: Catalog, Account and the issuer with its keys go together."""
    await day.house.stop("standins")

    async with reading(day, per_second=20) as answers:
        new = games()[-1]
        began = time.monotonic()
        bought = await day.buy(game=-1)
        item = await day.rest.wait_for(bought.user, bought.game, within=30)
        visible = time.monotonic() - began
        [record] = await day.announced.wait_for(bought.user)

    await day.house.start("standins")
    jobs = await day.house.rows("SELECT kind FROM jobs WHERE key = %(key)s", {"key": str(new.game_id)})
    report(
        f"Catalog and token issuer away: reads {dict(answers)}, a purchase of a new game visible in {visible:.2f} s"
    )
    assert (item["name"], record.data["game_name"]) == (None, None)
    assert jobs == [{"kind": "catalog.fetch_metadata"}]
    assert set(answers) == {"200"}


@pytest.mark.slow
async def test_every_process_ends_with_0_when_told_to_and_loses_nothing(day: Day, report: Report) -> None:
    house = day.house
    await house.start("sweeper")
    made = partial(purchase, name="terminated")

    ended = {}
    async with buying(day.payments, day.ledger, per_second=10, users=USERS, make=made):
        for name in (*DEPLOYABLES, "sweeper"):
            ended[name] = await house.terminate(name)
            if name != "sweeper":
                await house.start(name)

    report(
        "SIGTERM under load: "
        + ", ".join(f"{name} {code} in {took:.1f} s" for name, (code, took) in ended.items())
    )
    report(await day.balance())
    assert {code for code, _ in ended.values()} == {0}
    assert max(took for _, took in ended.values()) < STOPPED_SECONDS


@pytest.mark.slow
async def test_every_process_starts_without_any_dependency_and_works_when_they_come(
    cold_house: House, report: Report
) -> None:
    house = cold_house
    await house.start(*DEPLOYABLES, "sweeper")
    before = house.pids(*DEPLOYABLES, "sweeper")
    rest, grpc = await house.rest(), await house.grpc()
    buyer, game = derived("user", "comes early"), games()[0].game_id
    refused = await rest.item(buyer, game)
    with pytest.raises(GRPCError) as refusal:
        await grpc.access(buyer, game)
    states = {name: (await house.readiness(name))["dependencies"] for name in DEPLOYABLES}

    await house.start(*STORES)
    met = house.log("relay").count("tries again")

    async def meets_no_tables() -> bool:
        return house.log("relay").count("tries again") > met

    await until(meets_no_tables, within=30, what="the relay at a database without tables")
    await house.migrate()
    began = time.monotonic()
    payments, announced = await house.payments(), await house.tail(LIBRARY_EVENTS)
    await payments.publish(Purchase(about="early", user=buyer, game=game).event())

    async def visible() -> bool:
        answer = await rest.item(buyer, game)
        assert answer.status_code in {200, 404, 503}, answer.text
        return answer.status_code == httpx2.codes.OK

    async def accessible() -> bool:
        return await grpc.may_play(buyer, game)

    await until(visible, within=60, what="the purchase over REST")
    await until(accessible, within=60, what="the purchase over gRPC")
    await announced.wait_for(buyer, within=60)
    report(
        f"started without any dependency: all of it works {time.monotonic() - began:.1f} s after they came"
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0
    assert refusal.value.status is Status.UNAVAILABLE
    assert all(state["status"] != "up" for each in states.values() for state in each.values())
    assert house.pids(*DEPLOYABLES, "sweeper") == before
