"""Everything that the platform tells of players, in no order and several times: one state in the end.

Reliability C1 and C2: purchases, refunds, subscriptions, downloads and the catalog, and all of it again later.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from chaos.ledger import all_published, keep_evidence
from chaos.platform import SUBSCRIPTION, TOPICS, Told, history
from e2e.doors import Rest, Tail, sequences
from e2e.house import House, open_house
from e2e.purchases import derived
from figures import Report
from waiting import reached, until

from library_devstack.events import LIBRARY_EVENTS

USERS = 40
MOST_DELIVERIES = 4
HANDLED_SECONDS = 480
"""Far more than it takes, for machines that have other things to do as well."""
IN_ORDER, SHUFFLED = "in order", "shuffled"
NOT_SHOWN = {"id", "user_id", "created_at", "updated_at"}
LIVE_GRANTS = """
SELECT user_id, game_id, acquisition_type, source_id, purchase_type, price_amount, price_currency, gifted_by,
       granted_at, expires_at, revoked_at IS NULL AS live, revoke_reason
  FROM library_grants
 WHERE user_id = ANY(%(users)s)
   AND (acquisition_type <> 'subscription' OR expires_at IS NULL OR expires_at > now())
"""
INSTALLED = """
SELECT user_id, game_id, device_id, platform, status, install_path, installed_version, size_installed, event_at
  FROM user_installations
 WHERE user_id = ANY(%(users)s)
"""
TABLES = """
SELECT oid::regclass::text AS name
  FROM pg_class
 WHERE relkind IN ('r', 'p')
   AND NOT relispartition
   AND relnamespace IN ('public'::regnamespace, 'catalog'::regnamespace, 'evidence'::regnamespace)
   AND relname <> 'inbox'
   AND relname !~ 'yoyo'
 ORDER BY name
"""
CONTENT = (
    "SELECT count(*) AS rows, md5(string_agg(r::text, chr(10) ORDER BY r::text)) AS digest FROM {table} AS r"
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(
        tmp_path, deployables=("api", "consume", "work", "relay"), before_start=keep_evidence
    ) as house:
        yield house


def users_of(world: str) -> list[UUID]:
    return [derived("user", f"{world} {number}") for number in range(USERS)]


def in_order() -> list[Told]:
    return list(history(IN_ORDER, users=USERS, seed=4))


def shuffled() -> list[Told]:
    """Return what happens to the other world, each event one to four times, in no order at all."""
    chance = random.Random(40)
    deliveries = [
        each
        for each in history(SHUFFLED, users=USERS, seed=4)
        for _ in range(chance.randint(1, MOST_DELIVERIES))
    ]
    chance.shuffle(deliveries)
    return deliveries


async def test_histories_in_any_order_and_told_again_end_in_one_state(house: House, report: Report) -> None:
    payments, rest, announced = await house.payments(), await house.rest(), await house.tail(LIBRARY_EVENTS)
    buried = [await house.tail(f"{topic}.library-service.dlq") for topic in TOPICS]
    told, disorder = in_order(), shuffled()
    sent = 0

    async def tell(events: Sequence[Told]) -> None:
        nonlocal sent
        await payments.publish_to([(each.topic, each.event) for each in events])
        sent += len(events)
        await handled(house, sent)
        await worked_off(house)
        await all_published(house, announced, within=60)

    await tell(told)
    await tell(disorder)
    expected, actual = await state(house, rest, IN_ORDER), await state(house, rest, SHUFFLED)

    for page, wanted in zip(actual.pages, expected.pages, strict=True):
        assert {each["game_id"]: each for each in page} == {each["game_id"]: each for each in wanted}
        assert page == wanted
    assert actual.withdrawn == expected.withdrawn
    assert actual.grants == expected.grants
    assert actual.installed == expected.installed
    in_one_order(announced)
    report(
        f"{len(told)} events of {USERS} players ({kinds(told)}), in order once = shuffled in {len(disorder)} "
        f"deliveries: {sum(map(len, expected.pages))} items shown, {expected.withdrawn.total()} withdrawn, "
        f"{expected.grants.total()} rights, {expected.installed.total()} installations"
    )

    before, announcements = await content(house), len({each.id for each in announced.records})
    await tell(told)
    assert await content(house) == before
    await house.rows("DELETE FROM inbox")
    await tell([*told, *disorder])
    assert await content(house) == before
    report(
        f"all of it again, and once more after the inbox was emptied ({len(told) + len(told) + len(disorder)} "
        f"records): 0 of {sum(rows for rows, _ in before.values())} rows in {len(before)} tables changed, "
        f"{announcements} announcements as before"
    )
    assert len({each.id for each in announced.records}) == announcements
    assert not any(each.records for each in buried)


async def content(house: House) -> dict[str, tuple[int, str]]:
    """Return how many rows each table has, and a digest of them: all tables but the inbox itself."""
    found = {}
    for table in await house.rows(TABLES):
        (row,) = await house.rows(CONTENT.format(table=table["name"]))
        found[table["name"]] = row["rows"], row["digest"]
    return found


async def handled(house: House, count: int) -> None:
    """Wait until so many records were handled, and none waits."""

    async def done() -> float:
        return await house.metric("consume", "library_consumer_messages_total") - await house.metric(
            "consume", "library_consumer_messages_total", outcome="retried"
        )

    await reached(done, count, within=HANDLED_SECONDS, every=0.25, what="records handled")


async def worked_off(house: House) -> None:
    """Wait until no job is due or soon will be; a subscription that runs keeps one for its end."""

    async def idle() -> bool:
        due = await house.rows(
            "SELECT count(*) AS n FROM jobs WHERE due_at < now() + interval '1 day' AND state <> 'failed'"
        )
        return bool(due[0]["n"] == 0)

    await until(idle, within=120, every=0.25, what="no job that is due")


class State:
    """What a world came to, without what tells it from the other."""

    def __init__(self) -> None:
        self.pages: list[list[dict[str, Any]]] = []
        self.withdrawn: Counter[tuple[int, str]] = Counter()
        self.grants: Counter[tuple[object, ...]] = Counter()
        self.installed: Counter[tuple[object, ...]] = Counter()


async def state(house: House, rest: Rest, world: str) -> State:
    users, found = users_of(world), State()
    number_of = {user: number for number, user in enumerate(users)}
    for user in users:
        page = (await rest.page(user)).json()["data"]
        assert page["total"] == len(page["items"])
        found.pages.append(
            [{name: value for name, value in item.items() if name not in NOT_SHOWN} for item in page["items"]]
        )
        for item in (await rest.page(user, query="filter=withdrawn")).json()["data"]["items"]:
            # Which games a subscription once gave depends on which of its earlier states were ever seen.
            if item["acquisition_type"] != SUBSCRIPTION:
                found.withdrawn[number_of[user], item["game_id"]] += 1
    for statement, rows in ((LIVE_GRANTS, found.grants), (INSTALLED, found.installed)):
        for row in await house.rows(statement, {"users": users}):
            user, row["user_id"] = row["user_id"], number_of[row["user_id"]]
            if "source_id" in row:
                row["source_id"] = row["source_id"].replace(world, "").replace(str(user), "")
            rows[tuple(row.values())] += 1
    return found


def in_one_order(announced: Tail) -> None:
    """Hold every user's announcements to their order (I5)."""
    for numbers in sequences(announced.records).values():
        assert numbers == sorted(set(numbers))


def kinds(told: Sequence[Told]) -> str:
    counted = Counter(each.event["event_type"] for each in told)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))
