"""Two relays and three consumers, killed and started again at random, under everything that reaches the library.

Reliability A3 and A4 at once, with the invariants I1, I2, I4 to I6, I11 and I12 of its section 3.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from chaos.ledger import keep_evidence
from chaos.platform import PAYMENTS, Told, download, refund
from e2e.doors import Payments, Tail, deduped, sequences
from e2e.house import House, open_house
from e2e.purchases import Purchase, derived, games
from figures import Report
from waiting import ticks, until

from library_devstack.events import LIBRARY_EVENTS

SECONDS = 120.0
PER_SECOND = 15
USERS = 40
CONSUMERS = ("consume", "consume-2", "consume-3")
RELAYS = ("relay", "relay-2")
SETTLING_SECONDS = 180
SEED = 11
# A consumer that was killed keeps its partitions until its session ends. Production waits 10 s for it; kills without
# pause need not.
SETTINGS = {
    "LIBRARY_CONSUMERS__SESSION_TIMEOUT_SECONDS": "2",
    "LIBRARY_CONSUMERS__HEARTBEAT_INTERVAL_SECONDS": "0.5",
    "LIBRARY_CONSUMERS__WORKERS": "1",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(
        tmp_path,
        settings=SETTINGS,
        before_start=keep_evidence,
        deployables=("api", "work", *CONSUMERS, *RELAYS),
        more={"consume-2": "consume", "consume-3": "consume", "relay-2": "relay"},
    ) as house:
        yield house


@dataclass
class Promises:
    """What the broker acknowledged: each event is owed its effect, once."""

    events: dict[UUID, Told] = field(default_factory=dict)
    bought: set[tuple[UUID, UUID]] = field(default_factory=set)
    refunded: set[tuple[UUID, UUID]] = field(default_factory=set)
    installed: set[tuple[UUID, UUID]] = field(default_factory=set)
    spoiled: int = 0

    @property
    def claims(self) -> set[UUID]:
        """Events that leave a row in the inbox: those of downloads are guarded by their time alone."""
        return {event_id for event_id, told in self.events.items() if told.topic == PAYMENTS}

    @property
    def owned(self) -> set[tuple[UUID, UUID]]:
        return self.bought - self.refunded


async def happen(number: int, payments: Payments, promises: Promises) -> None:
    """Let one thing happen to one player: a purchase, and of some also a refund or an installation, in any order."""
    user = derived("user", f"kills {number % USERS}")
    bought = Purchase(
        about=f"kills {number}", user=user, game=games()[number // USERS + number % USERS].game_id
    )
    told = [Told(PAYMENTS, bought.event())]
    if number % 5 == 0:
        told.append(refund(bought, at=bought.at))
    if number % 7 == 0:
        told.append(download("installed", user, bought.game, device="desk", at=bought.at))
    if number % 2:
        told.reverse()
    for each in told:
        await payments.publish_to([(each.topic, each.event)])
        promises.events[UUID(each.event["event_id"])] = each
    promises.bought.add((user, bought.game))
    if number % 5 == 0:
        promises.refunded.add((user, bought.game))
    if number % 7 == 0:
        promises.installed.add((user, bought.game))
    if number % 20 == 3:
        await payments.publish_to([(PAYMENTS, {**bought.event(), "version": "9.0"})])
        promises.spoiled += 1


async def killing(house: House, stop: asyncio.Event) -> Counter[str]:
    """Kill a random process, or end a relay, start it again, and so on, so that never all of a kind are away for long.

    Consumers are killed only. The embedded broker remembers the leader of a group that left it before all had joined, waits
    for it ever after, and so never lets anybody in again; Kafka chooses another. A killed one it forgets in time.
    """
    chance, done = random.Random(SEED), Counter[str]()
    while not stop.is_set():
        name = chance.choice((*CONSUMERS, *RELAYS))
        if name in CONSUMERS or chance.random() < 0.5:
            await house.kill(name)
            done[f"kill -9 {name}"] += 1
        else:
            code, _ = await house.terminate(name)
            assert code == 0, house.log(name)[-2_000:]
            done[f"SIGTERM {name}"] += 1
        await house.start(name)
    return done


async def test_two_minutes_of_random_kills_lose_double_and_reorder_nothing(
    house: House, report: Report
) -> None:
    payments, announced = await house.payments(), await house.tail(LIBRARY_EVENTS)
    buried = await house.tail(f"{PAYMENTS}.library-service.dlq")
    promises, stop = Promises(), asyncio.Event()

    async def load() -> None:
        async with asyncio.TaskGroup() as group:
            async for number in ticks(PER_SECOND, stop=stop):
                group.create_task(happen(number, payments, promises))

    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        kills = group.create_task(killing(house, stop))
        asyncio.get_running_loop().call_later(SECONDS, stop.set)

    await settled(house, announced, promises)
    done = kills.result()
    report(f"{SECONDS:.0f} s, {', '.join(f'{count} {what}' for what, count in sorted(done.items()))}")
    report(await compare(house, announced, buried, promises))


async def settled(house: House, announced: Tail, promises: Promises) -> None:
    left: Counter[str] = Counter()

    async def idle() -> bool:
        left["claims"] = len(promises.claims) - await house.count("inbox")
        left["installations"] = len(promises.installed) - await house.count("user_installations")
        left["jobs"] = await house.count("jobs")
        return not any(left.values())

    async def published() -> bool:
        committed = await house.count("evidence.outbox")
        return await house.count("outbox") == 0 and len({e.id for e in announced.records}) >= committed

    what = f"the effects of {len(promises.events)} events"
    try:
        await until(idle, within=SETTLING_SECONDS, every=0.25, what=what)
    except AssertionError as missing:
        raise AssertionError(f"{missing}; still to come: {dict(left)}") from None
    await until(published, within=60, every=0.25, what="an empty outbox and its events on Kafka")


async def compare(house: House, announced: Tail, buried: Tail, promises: Promises) -> str:
    """Fail on the first difference between what was promised and what is there; return the counts."""
    unique = deduped(announced.records)
    owned = await house.rows("SELECT user_id, game_id FROM library_grants WHERE revoked_at IS NULL")
    shown = await house.rows("SELECT user_id, game_id FROM user_libraries WHERE revoked_at IS NULL")
    installed = await house.rows("SELECT user_id, game_id FROM user_installations WHERE status = 'installed'")
    claimed = await house.rows("SELECT event_id FROM inbox")
    committed = await house.rows("SELECT id FROM evidence.outbox")

    # I1, I2, I6: nothing lost, nothing twice.
    assert pairs(owned) == Counter(promises.owned)
    assert pairs(shown) == Counter(promises.owned)
    assert pairs(installed) == Counter(promises.installed)
    assert Counter(row["event_id"] for row in claimed) == Counter(promises.claims)
    # I4: what was committed is on Kafka, and nothing else is.
    assert {each.id for each in unique} == {row["id"] for row in committed}
    # I5: each user's events in order, whichever relay sent them.
    for user, numbers in sequences(announced.records).items():
        assert numbers == sorted(set(numbers)), user
    # I11: every revision of a user has its audit row.
    unaudited = await house.rows(
        """SELECT user_id, revision FROM user_revisions AS r
            WHERE revision <> (SELECT count(DISTINCT revision) FROM library_audit_log AS a
                                WHERE a.user_id = r.user_id AND a.revision > 0)"""
    )
    assert not unaudited
    # I12: every poison is a dead letter. One that was buried just before a kill may be buried again.
    origins = Counter((each.headers["dlq_partition"], each.headers["dlq_offset"]) for each in buried.records)
    assert len(origins) == promises.spoiled
    assert await house.count("outbox_parked") == 0
    return (
        f"{len(promises.events)} acknowledged events, {len(claimed)} of them in the inbox; {len(promises.bought)} purchases, "
        f"{len(promises.refunded)} refunds, {len(promises.installed)} installations: lost 0, doubled 0; "
        f"{len(committed)} committed events = {len(unique)} event ids on Kafka in order "
        f"({len(announced.records) - len(unique)} repetitions); {promises.spoiled} poisoned = {len(origins)} dead letters "
        f"({len(buried.records) - len(origins)} repetitions)"
    )


def pairs(rows: list[dict[str, UUID]]) -> Counter[tuple[UUID, UUID]]:
    return Counter((row["user_id"], row["game_id"]) for row in rows)
