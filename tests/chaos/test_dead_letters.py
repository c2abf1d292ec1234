"""Dead letters that are sent again after a fix (reliability C5), and failures beside poison (C4)."""

import asyncio
import json
import random
from collections.abc import Collection

import pytest
from chaos.ledger import Ledger
from chaos.load import purchase
from e2e.house import House
from e2e.purchases import Purchase
from figures import Report
from waiting import reached, until

from library_adapters.kafka import DeadLetters, KafkaSettings, Poison, Producer, Record
from library_adapters.kafka.dead_letters import Failure
from library_adapters.system import SystemClock
from library_devstack.events import LIBRARY_EVENTS, PAYMENT_EVENTS, record

LETTERS = 1_000
USERS = 50
GOOD, POISON = 100, 20
REASON = "invalid_data"

pytestmark = pytest.mark.slow


async def bury(house: House, purchases: Collection[Purchase]) -> None:
    """Make dead letters of good messages, as a version with a bug would have done."""
    producer = Producer(KafkaSettings(bootstrap_servers=house.bootstrap, enable_idempotence=False))
    dead_letters = DeadLetters(producer, clock=SystemClock())
    failure = Failure(
        reason=REASON, error=Poison(REASON, "data.price: a bug"), attempts=1, group_id="library-service"
    )
    try:
        for number, bought in enumerate(purchases):
            message = record(bought.event())
            await dead_letters.bury(
                Record(
                    topic=PAYMENT_EVENTS,
                    partition=0,
                    offset=number,
                    timestamp_ms=0,
                    key=message["key"],
                    value=message["value"],
                    headers=tuple(message["headers"]),
                ),
                failure,
            )
    finally:
        await producer.close()


@pytest.mark.timeout(300)
async def test_a_thousand_dead_letters_replayed_twice_have_their_effect_once(
    house: House, report: Report
) -> None:
    ledger, announced = Ledger(), await house.tail(LIBRARY_EVENTS)
    purchases = [purchase(number, users=USERS) for number in range(LETTERS)]
    for bought in purchases:
        ledger.acknowledged(bought)
    await bury(house, purchases)

    async def handled() -> float:
        return await house.metric("consume", "library_consumer_messages_total")

    for times in (1, 2):
        code, output = await house.run(
            "library_consumers", "dlq", "replay", PAYMENT_EVENTS, "--all", "--reason", REASON, "--json"
        )
        assert (code, json.loads(output)["replayed"]) == (0, LETTERS)
        await reached(handled, times * LETTERS, within=120, what="replayed messages handled")
    await ledger.settled(house, announced, within=60)

    duplicates = await house.metric("consume", "library_consumer_messages_total", outcome="duplicate")
    report(f"{LETTERS} dead letters replayed twice: {await ledger.compare(house, announced)}")
    assert duplicates == LETTERS


@pytest.mark.timeout(300)
async def test_a_failing_database_makes_no_dead_letters_of_the_good_ones(
    house: House, report: Report
) -> None:
    payments, ledger = await house.payments(), Ledger()
    buried, announced = (
        await house.tail(f"{PAYMENT_EVENTS}.library-service.dlq"),
        await house.tail(LIBRARY_EVENTS),
    )
    good = [purchase(number, users=USERS, name="good") for number in range(GOOD)]
    bad = [
        {**purchase(number, users=USERS, name="bad").event(), "version": "9.0"} for number in range(POISON)
    ]
    told = [*(each.event() for each in good), *bad]
    random.Random(4).shuffle(told)

    async def retried() -> float:
        return await house.metric("consume", "library_consumer_messages_total", outcome="retried")

    async def all_buried() -> bool:
        return len(buried.records) >= POISON

    await house.stop("postgres")
    await payments.publish_all(told)
    for each in good:
        ledger.acknowledged(each)
    await reached(retried, 10, within=60, what="messages that met the absent database")
    retries_a_second = await pace_of(house)
    await house.start("postgres")
    await ledger.settled(house, announced, within=60)
    await until(all_buried, within=30, what=f"{POISON} dead letters")

    report(
        f"{GOOD} good and {POISON} poisoned messages while PostgreSQL was away: {len(buried.records)} dead letters; "
        f"{retries_a_second:.1f} retries a second over all partitions; {await ledger.compare(house, announced)}"
    )
    assert {each.headers["dlq_reason"] for each in buried.records} == {"unknown_version"}
    assert len(buried.records) == POISON
    assert retries_a_second < 50  # no hot loop


async def pace_of(house: House) -> float:
    """Return how often a second a message is tried that cannot work now."""
    before = await house.metric("consume", "library_consumer_messages_total", outcome="retried")
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def more() -> bool:
        now = await house.metric("consume", "library_consumer_messages_total", outcome="retried")
        return now >= before + 10

    await until(more, within=60, what="further retries")
    now = await house.metric("consume", "library_consumer_messages_total", outcome="retried")
    return (now - before) / (loop.time() - began)
