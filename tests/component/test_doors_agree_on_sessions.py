"""REST and gRPC begin and end sessions, and add them up, by the same rules (contract 5, details 3.5 to 3.8).

Worlds alike go through the same steps by one door or the other, and every answer is the same.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Literal

import pytest
from builders import NOON, a_dlc, a_game, a_grant, a_purchase, a_refund, a_subscription, game_id, user_id
from component.api.door import World
from component.sessions_by_doors import (
    Answer,
    Door,
    GrpcDoor,
    Refused,
    RestDoor,
    doors_of,
    in_memory,
    in_postgres,
)
from conftest import postgres_settings
from fakes.store import Store
from servers import borrowed

from library_adapters.postgres.pool import open_pool
from library_devstack.stack import Postgres
from library_domain.catalog.model import ProductType
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.end_withdrawn_sessions import EndWithdrawnSessions, EndWithdrawnSessionsHandler
from library_domain.library.model import AcquisitionType, LibraryEntry
from library_domain.library.use_cases.apply_subscription import ApplySubscription, ApplySubscriptionHandler
from library_domain.library.use_cases.change_subscription import ChangeSubscriptionHandler
from library_domain.library.use_cases.refund_purchase import RefundPurchaseHandler

PLAYER, FRIEND = "player", "friend"
GAMES = {
    name: str(game_id(name)) for name in ("Portal 2", "Braid", "Art book", "Rented", "Lent", "Unheard of")
}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DoorName = Literal["rest", "grpc"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that happens. By `through` it comes only if it can come either way."""

    does: Literal["start", "end", "beat", "stats", "wait", "refund"]
    who: str = PLAYER
    session: int | str = 0
    """Which of those that were begun; or an id."""
    members: Answer = field(default_factory=dict)
    span: timedelta = timedelta()


def start(game: str = "Portal 2", device: str | None = "desk", **members: Any) -> Step:
    who = members.pop("who", PLAYER)
    named = {} if device is None else {"device_id": device}
    return Step(does="start", who=who, members={"game_id": GAMES.get(game, game)} | named | members)


def end(session: int | str = 0, **told: Any) -> Step:
    return Step(does="end", session=session, **told)


def beat(session: int = 0, **members: int) -> Step:
    return Step(does="beat", session=session, members=members)


def stats(**members: str) -> Step:
    return Step(does="stats", members={name.rstrip("_"): value for name, value in members.items()})


def wait(span: timedelta) -> Step:
    return Step(does="wait", span=span)


def playing(minutes: int, session: int = 0) -> list[Step]:
    """Return the heartbeats of so many minutes."""
    return [step for _ in range(minutes) for step in (wait(MINUTE), beat(session))]


REFUND = Step(does="refund")
"""Alice's Portal 2, and the job that follows."""
SPRING = {"from_": "2026-11-01T00:00:00Z", "to": "2026-11-30T23:59:59Z"}

CASES: dict[str, tuple[Sequence[Step], str]] = {
    "begin": ([start()], "ok"),
    "begin with all that can be told": (
        [
            start(
                platform="linux",
                game_version="2.1.5",
                client_timestamp="2026-11-23T13:00:00+00:00",
                takeover=True,
            )
        ],
        "ok",
    ),
    "begin by the device's other name": ([start(device=None, client_id="desk")], "ok"),
    "begin by both names": ([start(client_id="desk")], "ok"),
    "begin again on the same device": ([start(), wait(MINUTE), start()], "ok"),
    "begin two games": ([start(), start("Braid")], "ok"),
    "begin on another device": ([start(), start(device="deck")], "SESSION_ALREADY_ACTIVE"),
    "begin on another device after the silence": ([start(), wait(4 * MINUTE), start(device="deck")], "ok"),
    "take over": ([start(), wait(MINUTE), start(device="deck", takeover=True)], "ok"),
    "take over, and the first ends": (
        [start(), wait(MINUTE), start(device="deck", takeover=True), end(0)],
        "ok",
    ),
    "begin a game that nobody knows": ([start("Unheard of")], "GAME_NOT_FOUND"),
    "begin another's game": ([start(who=FRIEND)], "GAME_NOT_FOUND"),
    "begin a DLC": ([start("Art book")], "VALIDATION_ERROR"),
    "begin what was refunded": ([REFUND, start()], "FORBIDDEN"),
    "begin what ran out": ([wait(DAY), start("Rented")], "FORBIDDEN"),
    "begin what its owner plays": ([start("Lent", who=FRIEND), start("Lent")], "GAME_IN_USE"),
    "begin what its borrower plays": ([start("Lent"), start("Lent", who=FRIEND)], "GAME_IN_USE"),
    "begin what its borrower played": ([start("Lent"), *playing(1), end(), start("Lent", who=FRIEND)], "ok"),
    "begin what is no game": ([start("Portal")], "VALIDATION_ERROR"),
    "begin on no device": ([start(device=None)], "VALIDATION_ERROR"),
    "begin on two devices": ([start(client_id="deck")], "VALIDATION_ERROR"),
    "begin on a device of a long name": ([start(device="x" * 101)], "VALIDATION_ERROR"),
    "begin on a device of 100 characters": ([start(device="ж" * 100)], "ok"),
    "begin on a device that cannot be named": ([start(device="a\0")], "VALIDATION_ERROR"),
    "begin a long version": ([start(game_version="1" * 51)], "VALIDATION_ERROR"),
    "begin on no platform of ours": ([start(platform="amiga")], "VALIDATION_ERROR"),
    "end at once": ([start(), end()], "ok"),
    "end": ([start(), *playing(5), end()], "ok"),
    "end twice": ([start(), *playing(2), end(), wait(HOUR), end()], "ok"),
    "end across midnight": ([start(), wait(12 * HOUR - 2 * MINUTE), end()], "ok"),
    "end after somebody was away": (
        [start(), *playing(3), *[wait(MINUTE), beat(idle_seconds=900)] * 20, end()],
        "ok",
    ),
    "end after the device slept": ([start(), wait(2 * MINUTE), beat(suspended_seconds=60), end()], "ok"),
    "end after the silence": ([start(), *playing(2), wait(HOUR), end()], "ok"),
    "end another's": ([start(), end(who=FRIEND)], "SESSION_NOT_FOUND"),
    "end what was never begun": ([end("0198f5a3-0000-7000-8000-000000000001")], "SESSION_NOT_FOUND"),
    "end an id that bears no time": ([end("0198f5a3-0000-4000-8000-000000000001")], "SESSION_NOT_FOUND"),
    "end what is no id": ([end("sess_12345_20250522083000")], "VALIDATION_ERROR"),
    "end what was withdrawn": ([start(), *playing(2), REFUND, end()], "ok"),
    "begin again after the end": ([start(), *playing(2), end(), start(), *playing(1, 1), end(1)], "ok"),
    "add up nothing": ([stats()], "ok"),
    "add up by day": ([start(), *playing(3), end(), stats(**SPRING, aggregation="daily")], "ok"),
    "add up by week": ([start(), *playing(3), end(), stats(**SPRING, aggregation="weekly")], "ok"),
    "add up by month": ([start(), *playing(3), end(), stats(**SPRING, aggregation="monthly")], "ok"),
    "add up one game": (
        [start(), start("Braid"), *playing(2), end(), end(1), stats(**SPRING, game_id=GAMES["Braid"])],
        "ok",
    ),
    "add up by year": ([stats(aggregation="yearly")], "VALIDATION_ERROR"),
    "add up too many days": ([stats(from_="2020-01-01T00:00:00Z")], "VALIDATION_ERROR"),
    "add up backwards": (
        [stats(from_="2026-11-02T00:00:00Z", to="2026-11-01T00:00:00Z")],
        "VALIDATION_ERROR",
    ),
    "add up to the end of time": ([stats(to="9999-12-31T23:59:59Z")], "VALIDATION_ERROR"),
}


@dataclass(frozen=True)
class House:
    """A world and its doors."""

    world: World
    rest: RestDoor
    grpc: GrpcDoor


class Play:
    """A new player in a house, and what was answered; sessions are named by their order, so that ids need not be the same."""

    def __init__(self, house: House, player: str) -> None:
        self._world, self._rest, self._grpc = house.world, house.rest, house.grpc
        self._player, self._id_of_player = player, user_id(player)
        self._world.clock.advance(NOON - self._world.clock.now())
        vars(self._world.store).update(vars(Store()))  # the fakes copy it for each transaction
        self.ids: list[str] = []
        self.answers: list[str] = []

    async def furnish(self) -> None:
        """Give the player two games and a DLC for good, one for an hour, and one of a friend's."""
        world = self._world
        games = [*map(a_game, ("Portal 2", "Braid", "Rented", "Lent")), a_dlc("Art book", of="Portal 2")]
        async with world.uow.begin() as tx:
            await tx.games.save(games)
        add = AddToLibraryHandler(uow=world.uow, clock=world.clock, ids=world.ids)
        for game in ("Portal 2", "Braid", "Art book"):
            await add(a_purchase(game, by=self._player, transaction_id=game))
        change = ChangeSubscriptionHandler(uow=world.uow, clock=world.clock)
        await change(a_subscription("Rented", by=self._player, expires_at=NOON + HOUR))
        apply = ApplySubscriptionHandler(uow=world.uow, clock=world.clock, ids=world.ids)
        await apply(ApplySubscription(user_id=self._id_of_player, subscription_id="s-1"))
        friend = self._name(FRIEND)
        await add(a_purchase("Lent", by=friend))
        grant = a_grant(AcquisitionType.FAMILY, source_id=str(user_id(friend)))
        lent = LibraryEntry.open(
            entry_id=world.ids.new(),
            user_id=self._id_of_player,
            game_id=game_id("Lent"),
            product_type=ProductType.GAME,
            grant=grant,
            now=NOON,
        )
        lent.add(grant, now=NOON, game_name="Lent")
        async with world.uow.begin(self._id_of_player) as tx:
            await tx.library.save(lent)
            tx.record(*lent.events)

    def _name(self, who: str) -> str:
        return self._player if who == PLAYER else f"{who}-of-{self._player}"

    async def go(self, step: Step, through: DoorName) -> Answer | Refused | None:
        door: Door = self._rest if through == "rest" else self._grpc
        answer: Answer | Refused | None = None
        who = self._name(step.who)
        match step.does:
            case "start":
                answer = await door.start(who, step.members)
                if isinstance(answer, dict) and answer["session_id"] not in self.ids:
                    self.ids.append(answer["session_id"])
            case "end":
                answer = await door.end(who, self._id(step.session))
            case "beat":
                session = {"session_id": self._id(step.session)}
                answer = await self._rest.beat(who, step.members | session)
            case "stats":
                answer = await door.stats(who, step.members)
            case "wait":
                self._world.clock.advance(step.span)
            case "refund":
                await self._refund()
        self.answers.append(self._named(answer))
        return answer

    async def _refund(self) -> None:
        uow, clock = self._world.uow, self._world.clock
        await RefundPurchaseHandler(uow=uow, clock=clock)(
            a_refund("Portal 2", by=self._player, event_time=clock.now())
        )
        await EndWithdrawnSessionsHandler(uow=uow, clock=clock)(
            EndWithdrawnSessions(user_id=self._id_of_player)
        )

    def _id(self, session: int | str) -> str:
        if isinstance(session, str):
            return session
        return self.ids[session] if session < len(self.ids) else "0198f5a3-0000-7000-8000-000000000001"

    def _named(self, answer: object) -> str:
        text = json.dumps(answer, sort_keys=True, default=repr)
        for number, session_id in enumerate(self.ids):
            text = text.replace(session_id, f"session {number}")
        return text


async def played(
    house: House, player: str, steps: Iterable[tuple[Step, DoorName]]
) -> tuple[list[str], Answer | Refused | None]:
    """Return every answer in words, and the last one as it was."""
    play, answer = Play(house, player), None
    await play.furnish()
    for step, through in steps:
        answer = await play.go(step, through)
    return play.answers, answer


@pytest.fixture(scope="module")
async def houses(postgres: Postgres, migrated: str) -> AsyncIterator[list[House]]:
    """Open two houses in memory and one in PostgreSQL."""
    async with AsyncExitStack() as stack:
        configured = postgres_settings(stack.enter_context(borrowed(postgres, migrated)), pool_max=5)
        pool = await stack.enter_async_context(open_pool(configured))
        worlds = (in_memory(), in_memory(), in_postgres(pool, configured))
        yield [House(world, *await stack.enter_async_context(doors_of(world))) for world in worlds]


@pytest.mark.parametrize("name", CASES)
async def test_in_each_case(name: str, houses: list[House]) -> None:
    steps, expected = CASES[name]
    player = f"player-{[*CASES].index(name)}"
    by_rest, by_grpc, stored = houses

    rest, last = await played(by_rest, player, ((step, "rest") for step in steps))
    grpc, _ = await played(by_grpc, player, ((step, "grpc") for step in steps))
    in_database, _ = await played(stored, player, ((step, "grpc") for step in steps))

    assert rest == grpc == in_database
    assert (last.code if isinstance(last, Refused) else "ok") == expected


def an_evening(random: Random) -> list[Step]:
    """Make up what happens to two games on two devices in some hours."""
    makers: list[Callable[[], Step]] = [
        lambda: start(
            random.choice(["Portal 2", "Braid"]),
            random.choice(["desk", "deck"]),
            takeover=random.random() < 0.5,
        ),
        lambda: end(random.randrange(4)),
        lambda: beat(random.randrange(4), idle_seconds=random.choice([0, 0, 30, 700])),
        lambda: wait(timedelta(seconds=random.choice([1, 59, 60, 150, 181, 3_600]))),
        lambda: wait(MINUTE),
        stats,
    ]
    steps = [random.choice(makers)() for _ in range(random.randint(1, 25))]
    if random.random() < 0.5:
        steps.insert(random.randint(0, len(steps)), REFUND)
    return [*steps, *map(end, range(4)), stats()]


@pytest.mark.parametrize("seed", range(30))
async def test_whichever_door_each_step_takes(seed: int, houses: list[House]) -> None:
    random = Random(seed)
    steps = an_evening(random)
    doors: list[DoorName] = [random.choice(("rest", "grpc")) for _ in steps]
    by_rest, by_both, _ = houses

    alone, _ = await played(by_rest, "somebody", ((step, "rest") for step in steps))
    mixed, _ = await played(by_both, "somebody", zip(steps, doors, strict=True))

    assert mixed == alone


async def test_about_everything_that_was_ever_played(houses: list[House]) -> None:
    house = houses[0]
    play = Play(house, "somebody")
    await play.furnish()
    for number, game in enumerate(["Portal 2", "Braid", "Rented"]):
        for step in (start(game), *playing(number + 1, number), end(number)):
            await play.go(step, "rest")

    pages = await house.grpc.lifetime("somebody", limit=2)
    told = await house.rest.stats("somebody", {})

    assert isinstance(told, dict)
    assert [page.total_playtime for page in pages] == [told["total_playtime_seconds"]] * 2 == [360, 360]
    assert [page.total_sessions for page in pages] == [told["sessions_count"]] * 2 == [3, 3]
    shown = [(each.name, each.total_playtime) for page in pages for each in page.games]
    assert shown == [("Rented", 180), ("Braid", 120), ("Portal 2", 60)]
    assert [bool(page.next_page_token) for page in pages] == [True, False]
