"""The same purchases in order and once, and shuffled and up to five times: one state in the end (reliability C1)."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from chaos.ledger import all_published
from e2e.doors import Published, Rest, Tail, deduped, sequences
from e2e.house import House
from e2e.purchases import BOUGHT_AT, Purchase, derived, games, games_with_dlc
from figures import Report
from waiting import reached

from library_devstack.events import LIBRARY_EVENTS, Envelope

USERS = 100
PURCHASES = 2_500
EVENTS = 5_000
MOST_DELIVERIES = 5
HANDLED_SECONDS = 480
"""Far more than it takes, for machines that have other things to do as well."""
GAMES_OF_A_USER = 12
KINDS = ("direct", "direct", "gift", "free", "subscription")
IN_ORDER, SHUFFLED = "in order", "shuffled"
# What differs between two libraries that are the same to their owner; and which of several equal events came first.
NOT_SHOWN = {"id", "user_id", "created_at", "updated_at"}
GRANTS = """
SELECT user_id, game_id, acquisition_type, source_id, transaction_id, purchase_type, price_amount, price_currency,
       gifted_by, granted_at, expires_at, revoked_at, revoke_reason
  FROM library_grants
 WHERE user_id = ANY(%(users)s)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def users_of(world: str) -> list[UUID]:
    return [derived("user", f"{world} {number}") for number in range(USERS)]


def purchases_of(world: str) -> Iterator[Purchase]:
    """Yield the purchases in the order of time; every world has the same, under ids of its own."""
    chance = random.Random(5_000)
    users = users_of(world)
    for number in range(PURCHASES):
        user = number % USERS
        choice = chance.randrange(GAMES_OF_A_USER)
        base, dlc = games_with_dlc()[(user + choice) % len(games_with_dlc())]
        kind = chance.choice(KINDS)
        alone = choice % 3 == 0
        with_dlc = not alone and chance.random() < 0.5
        dlc_only = not alone and not with_dlc and chance.random() < 0.2
        yield Purchase(
            about=f"{world}:{number}",
            user=users[user],
            game=games()[user + choice].game_id if alone else dlc.game_id if dlc_only else base.game_id,
            product_type="dlc" if dlc_only else "game",
            dlc=(dlc.game_id,) if with_dlc else (),
            purchase_type=kind,
            gifted_by=derived("giver", number) if kind == "gift" else None,
            price=None if kind == "free" else Decimal(number),
            at=BOUGHT_AT + timedelta(minutes=number),
        )


def events_of(world: str) -> list[Envelope]:
    """Return the events: each purchase's own, and others that tell of some of them again."""
    chance = random.Random(PURCHASES)
    purchases = list(purchases_of(world))
    told = Counter(chance.choices(range(PURCHASES), k=EVENTS - PURCHASES))
    return [
        purchase.event(repetition=repetition)
        for number, purchase in enumerate(purchases)
        for repetition in range(1 + told[number])
    ]


def shuffled(events: Sequence[Envelope]) -> list[Envelope]:
    """Return each event one to five times, in no order at all."""
    chance = random.Random(15_000)
    deliveries = [event for event in events for _ in range(chance.randint(1, MOST_DELIVERIES))]
    chance.shuffle(deliveries)
    return deliveries


async def test_shuffled_and_repeated_events_end_in_the_state_of_in_order_once(
    house: House, report: Report
) -> None:
    payments, rest, announced = await house.payments(), await house.rest(), await house.tail(LIBRARY_EVENTS)
    in_order, in_disorder = events_of(IN_ORDER), shuffled(events_of(SHUFFLED))

    async def handled() -> float:
        return await house.metric("consume", "library_consumer_messages_total")

    await payments.publish_all(in_order)
    await payments.publish_all(in_disorder)
    await reached(
        handled, len(in_order) + len(in_disorder), within=HANDLED_SECONDS, every=0.25, what="records handled"
    )
    await all_published(house, announced, within=30)

    expected, actual = await state(house, rest, IN_ORDER), await state(house, rest, SHUFFLED)
    redelivered = await house.metric("consume", "library_consumer_messages_total", outcome="duplicate")
    report(
        f"{EVENTS} events ({PURCHASES} purchases, {EVENTS - PURCHASES} told again) of {USERS} users, "
        f"in order once = shuffled in {len(in_disorder)} deliveries: {sum(map(len, expected.pages))} items shown, "
        f"{len(expected.grants)} rights"
    )
    report(f"{redelivered:.0f} deliveries changed nothing; announced: {summary(announced)}")
    assert len(in_order) == EVENTS
    assert redelivered == len(in_disorder) - EVENTS
    assert actual.pages == expected.pages
    assert actual.grants == expected.grants
    assert products_announced(announced, SHUFFLED) == products_announced(announced, IN_ORDER)
    assert set(products_announced(announced, SHUFFLED).values()) == {1}
    for numbers in sequences(announced.records).values():
        assert numbers == sorted(set(numbers))


class State:
    """What a world came to, without what tells it from the other."""

    def __init__(self, pages: list[list[dict[str, Any]]], grants: Counter[tuple[object, ...]]) -> None:
        self.pages = pages
        self.grants = grants


async def state(house: House, rest: Rest, world: str) -> State:
    users = users_of(world)
    number_of = {user: number for number, user in enumerate(users)}
    pages = []
    for user in users:
        page = (await rest.page(user)).json()["data"]
        assert page["total"] == len(page["items"])
        pages.append(
            [{name: value for name, value in item.items() if name not in NOT_SHOWN} for item in page["items"]]
        )
    grants: Counter[tuple[object, ...]] = Counter()
    for row in await house.rows(GRANTS, {"users": users}):
        row["user_id"] = number_of[row["user_id"]]
        for name in ("source_id", "transaction_id"):
            row[name] = row[name].replace(world, "")
        grants[tuple(row.values())] += 1
    return State(pages, grants)


def products_announced(announced: Tail, world: str) -> Counter[tuple[int, str]]:
    """Count how often each user was told of each product: by itself, or as a DLC that came with its game.

    Which of the two, and which purchase of several was the first to bring it, is for the order of events to say.
    """
    number_of = {user: number for number, user in enumerate(users_of(world))}
    return Counter(
        (number_of[each.user], product)
        for each in deduped(announced.records)
        if each.type == "library.game.added" and each.user in number_of
        for product in (each.data["game_id"], *each.data["dlc"])
    )


def summary(announced: Tail) -> str:
    unique: list[Published] = deduped(announced.records)
    in_order = set(users_of(IN_ORDER))
    counts = Counter((each.type, each.user in in_order) for each in unique)
    return ", ".join(
        f"{counts[kind, True]} {kind} in order, {counts[kind, False]} shuffled"
        for kind in ("library.game.added", "library.game.updated")
    )
