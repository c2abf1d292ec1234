"""Histories of purchases, refunds and subscriptions in any order, and a model that says what they come to (data 1)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Protocol
from uuid import UUID

from builders import NOON, a_dlc, a_game, a_purchase, game_id, user_id
from fakes.clock import FakeClock, SequentialIds
from hypothesis import strategies as st

from library_domain.flows.add_to_library import AddToLibrary, AddToLibraryHandler
from library_domain.library.model import Access, AcquisitionType, SubscriptionStatus
from library_domain.library.ports import OutdatedEntries
from library_domain.library.queries import LibraryFilter, LibraryQuery, LibraryReader
from library_domain.library.use_cases.apply_subscription import ApplySubscription, ApplySubscriptionHandler
from library_domain.library.use_cases.change_subscription import ChangeSubscription, ChangeSubscriptionHandler
from library_domain.library.use_cases.check_game_access import CheckGameAccess, CheckGameAccessHandler
from library_domain.library.use_cases.check_game_ownership import (
    CheckGameOwnership,
    CheckGameOwnershipHandler,
)
from library_domain.library.use_cases.expire_access import ExpireAccess, ExpireAccessHandler
from library_domain.library.use_cases.refund_purchase import RefundPurchase, RefundPurchaseHandler
from library_domain.shared.ids import GameId, UserId

Event = AddToLibrary | RefundPurchase | ChangeSubscription
PURCHASE, GIFT, SUBSCRIPTION, FREE, _ = AcquisitionType
PORTAL, ART_BOOK, RANGERS, NAMELESS = map(game_id, ("Portal 2", "Art book", "Rangers", "nobody knows it"))
PRODUCTS = (PORTAL, ART_BOOK, RANGERS, NAMELESS)
CATALOG = (a_game("Portal 2"), a_dlc("Art book", of="Portal 2"), a_game("Rangers"))
NEVER = datetime.max.replace(tzinfo=NOON.tzinfo)
HOUR = timedelta(hours=1)
MOST_STEPS = 50
_numbers = count(1)


class World(Protocol):
    """The fakes, or PostgreSQL."""

    @property
    def uow(self) -> Any: ...

    @property
    def reader(self) -> LibraryReader: ...

    @property
    def outdated(self) -> OutdatedEntries: ...

    async def revision(self, user: UserId) -> int: ...

    async def audit(self) -> list[dict[str, Any]]: ...

    async def outbox(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One delivery, and what happens before the next one."""

    event: Event
    passes: timedelta
    works: int
    """How many steps the job of each subscription takes."""
    sweeps: bool
    looks: bool


@dataclass(frozen=True, kw_only=True)
class History:
    """What happened to one user, as it was delivered, and when we look."""

    user: UserId
    events: Sequence[Event]
    steps: Sequence[Step]
    later: timedelta


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw events that make sense together, each delivered one to three times in any order while time passes."""
    name = f"player {next(_numbers)}"
    user = user_id(name)
    hours = st.integers(min_value=-48, max_value=-1).map(lambda number: NOON + number * HOUR)
    number = count(1)

    def told() -> dict[str, Any]:
        return {"event_id": UUID(int=next(number)), "event_time": draw(hours)}

    events: list[Event] = []
    for transaction in range(draw(st.integers(0, 3))):
        source = f"t-{transaction}"
        kind = draw(st.sampled_from([PURCHASE, GIFT, SUBSCRIPTION, FREE]))
        game = draw(st.sampled_from(["Portal 2", "Rangers", "nobody knows it"]))
        events += [
            a_purchase(
                game,
                by=name,
                transaction_id=source,
                acquisition_type=kind,
                dlc=(ART_BOOK,) if draw(st.booleans()) else (),
                purchased_at=draw(hours),
                **told(),
            )
            for _ in range(draw(st.integers(1, 2)))
        ]
        for _ in range(draw(st.integers(0, 2))):
            products = draw(st.sampled_from([(), (game_id(game),), (ART_BOOK,), (game_id(game), ART_BOOK)]))
            events.append(RefundPurchase(user_id=user, transaction_id=source, dlc=products, **told()))
    alike = draw(st.sampled_from(["s", "t"]))
    for subscription in range(draw(st.integers(0, 2))):
        events += [
            ChangeSubscription(
                user_id=user,
                subscription_id=f"{alike}-{subscription}",
                status=draw(st.sampled_from(SubscriptionStatus)),
                games=draw(st.frozensets(st.sampled_from(PRODUCTS))),
                expires_at=NOON + draw(st.integers(-24, 96)) * HOUR,
                **told(),
            )
            for _ in range(draw(st.integers(1, 3)))
        ]
    delivered = [event for event in events for _ in range(draw(st.integers(1, 3)))]
    return History(
        user=user,
        events=events,
        steps=[
            Step(
                event=event,
                passes=draw(st.sampled_from([0, 0, 0, 1, 3])) * HOUR,
                works=draw(st.integers(0, 2)),
                sweeps=draw(st.booleans()),
                looks=draw(st.booleans()),
            )
            for event in draw(st.permutations(delivered))
        ],
        later=draw(st.sampled_from([0, 1, 12, 48])) * HOUR,
    )


class Player:
    """Drives the use cases as the consumers, their jobs and the sweeper do."""

    def __init__(self, world: World, user: UserId) -> None:
        self.world, self.user, self.clock = world, user, FakeClock()
        uow, clock, ids = world.uow, self.clock, SequentialIds()
        self._add = AddToLibraryHandler(uow=uow, clock=clock, ids=ids)
        self._refund = RefundPurchaseHandler(uow=uow, clock=clock)
        self._change = ChangeSubscriptionHandler(uow=uow, clock=clock)
        self._apply = ApplySubscriptionHandler(uow=uow, clock=clock, ids=ids)
        self._expire = ExpireAccessHandler(outdated=world.outdated, uow=uow, clock=clock)
        self._access = CheckGameAccessHandler(reader=world.reader, clock=clock)
        self._ownership = CheckGameOwnershipHandler(reader=world.reader, clock=clock)
        self.subscriptions: set[str] = set()

    async def deliver(self, event: Event) -> None:
        match event:
            case AddToLibrary():
                await self._add(event)
            case RefundPurchase():
                await self._refund(event)
            case ChangeSubscription():
                self.subscriptions.add(event.subscription_id)
                await self._change(event)

    async def work(self, steps: int = MOST_STEPS) -> None:
        """Let the job of each subscription do so many steps, of one game each."""
        for subscription in sorted(self.subscriptions):
            command = ApplySubscription(user_id=self.user, subscription_id=subscription, limit=1)
            for _ in range(steps):
                result = await self._apply(command)
                assert result.again_at is None or (result.done and result.again_at > self.clock.now())
                if result.done:
                    break
            else:
                assert steps < MOST_STEPS, "a job that never ends"

    async def sweep(self) -> None:
        while (await self._expire(ExpireAccess(limit=2))).more:
            pass

    async def shown(self, wanted: LibraryFilter) -> dict[GameId, Any]:
        page = await self.world.reader.page(self.user, LibraryQuery(filter=wanted), now=self.clock.now())
        assert page.total == len(page.items)
        return {item.game_id: item for item in page.items}

    async def look(self) -> dict[GameId, bool]:
        """Return what may be played, after making sure that every way to ask says so."""
        now = self.clock.now()
        listed, withdrawn = await self.shown(LibraryFilter()), await self.shown(LibraryFilter(withdrawn=True))
        assert listed.keys() & withdrawn.keys() == set()
        playable = {}
        for game in PRODUCTS:
            verdict = await self._access(CheckGameAccess(user_id=self.user, game_id=game))
            ownership = await self._ownership(CheckGameOwnership(user_id=self.user, game_id=game))
            item = await self.world.reader.item(self.user, game, now=now)
            if item is None:
                assert verdict.reason == "not_owned"
                assert game not in listed.keys() | withdrawn.keys()
            else:
                assert Access.of(item.access, user_id=self.user, use=None) == verdict
            if game == ART_BOOK:
                base = listed.get(PORTAL) or withdrawn.get(PORTAL)
                under_it = [part.dlc_id for part in base.dlc] if base else []
                assert game not in listed.keys() | withdrawn.keys()
                assert (game in under_it) == (ownership.owned and base is not None)
            else:
                assert (game in listed) == verdict.allowed == ownership.owned
                assert (game in withdrawn) == (item is not None and not verdict.allowed)
            playable[game] = verdict.allowed
        return playable

    async def replay(self, history: History) -> None:
        """Deliver everything as it was first delivered, up to the moment of the last look."""
        for step in history.steps:
            await self.deliver(step.event)
            self.clock.advance(step.passes)
            await self.work(step.works)
            if step.sweeps:
                await self.sweep()
            if step.looks:
                await self.look()
        self.clock.advance(history.later)
        await self.work()
        await self.sweep()

    async def traces(self) -> tuple[int, int, int]:
        """Return what must not grow when nothing changes: the revision, and how many rows tell of changes."""
        audit = [row for row in await self.world.audit() if row["user_id"] == self.user]
        outbox = [row for row in await self.world.outbox() if row["user_id"] == self.user]
        return await self.world.revision(self.user), len(audit), len(outbox)

    async def announced(self) -> dict[GameId, list[str]]:
        """Return what was published of each product's coming and going, in order."""
        told: defaultdict[GameId, list[str]] = defaultdict(list)
        for row in await self.world.outbox():
            data = row["event"]["data"]
            if row["user_id"] != self.user or row["type"] == "library.game.updated":
                continue
            for product in (data["game_id"], *data.get("dlc", ())):
                told[GameId(UUID(product))].append(row["type"].removeprefix("library.game."))
        return told


@dataclass(frozen=True, kw_only=True)
class Right:
    """One right as the model sees it."""

    kind: AcquisitionType
    since: datetime
    ends_at: datetime

    @property
    def rank(self) -> tuple[int, datetime]:
        return list(AcquisitionType).index(self.kind), self.since


class Model:
    """What a library must come to, computed from the set of events alone."""

    def __init__(self, events: Sequence[Event], now: datetime) -> None:
        self.now = now
        self.purchases = [event for event in events if isinstance(event, AddToLibrary)]
        self.refunds = [event for event in events if isinstance(event, RefundPurchase)]
        self.states = [event for event in events if isinstance(event, ChangeSubscription)]

    def rights(self, game: GameId) -> list[Right]:
        """Return every right that any event gave, dead ones too."""
        return [*self._bought(game), *self._subscribed(game)]

    def live(self, game: GameId) -> list[Right]:
        return sorted(
            (right for right in self.rights(game) if right.ends_at > self.now), key=lambda r: r.rank
        )

    def playable(self, game: GameId) -> bool:
        return bool(self.live(game)) and (game != ART_BOOK or bool(self.live(PORTAL)))

    def is_bought(self, game: GameId) -> bool:
        return bool(self._bought(game))

    def was_subscribed(self, game: GameId) -> bool:
        return any(game in state.games for state in self.states)

    def _bought(self, game: GameId) -> list[Right]:
        named = [each for each in self.purchases if game in (each.game_id, *each.dlc)]
        rights = []
        for transaction in {each.transaction_id for each in named}:
            messages = [each for each in named if each.transaction_id == transaction]
            refunds = [
                each.event_time
                for each in self.refunds
                if each.transaction_id == transaction and (not each.dlc or game in each.dlc)
            ]
            rights.append(
                Right(
                    kind=messages[0].acquisition_type,
                    since=min(each.purchased_at for each in messages),
                    ends_at=min(refunds, default=NEVER),
                )
            )
        return rights

    def _subscribed(self, game: GameId) -> list[Right]:
        rights = []
        for subscription in {state.subscription_id for state in self.states}:
            states = [state for state in self.states if state.subscription_id == subscription]
            newest = max(states, key=lambda state: (state.event_time, state.event_id))
            if game not in newest.games:
                continue
            ends_at = newest.expires_at
            if newest.status is SubscriptionStatus.EXPIRED:
                ends_at = min(ends_at, newest.event_time)
            since = min(state.event_time for state in states if game in state.games)
            rights.append(Right(kind=SUBSCRIPTION, since=since, ends_at=ends_at))
        return rights


async def holds_for(world: World, history: History) -> None:
    """Deliver the history and assert that the library is what the model says, and stays so when all of it comes again."""
    player = Player(world, history.user)

    await player.replay(history)

    model = Model(history.events, player.clock.now())
    assert await player.look() == {game: model.playable(game) for game in PRODUCTS}
    async with world.uow.begin(history.user) as tx:
        entries = await tx.library.entries(history.user, PRODUCTS)
    for game in PRODUCTS:
        entry, live = entries.get(game), model.live(game)
        if live:
            assert entry is not None
            assert (entry.revoked_at, entry.revoke_reason) == (None, None)
            assert (entry.acquisition_type, entry.acquisition_date) == (live[0].kind, live[0].since)
            assert (entry.access_expires_at or NEVER) == max(right.ends_at for right in live)
        elif model.is_bought(game):
            assert entry is not None
            assert entry.revoked_at is not None
            if not model.was_subscribed(game):
                assert entry.revoked_at == max(right.ends_at for right in model.rights(game))
                assert entry.revoke_reason == "refunded"
        else:
            # What a subscription gave and took again while no job looked has left nothing.
            assert entry is None or (entry.revoked_at is not None and model.was_subscribed(game))
    for game, told in (await player.announced()).items():
        assert told == [("added", "access_revoked")[n % 2] for n in range(len(told))]
        assert (told[-1] == "added") == bool(model.live(game))

    before = await player.traces()
    for event in history.events:
        await player.deliver(event)
    await player.work()
    await player.sweep()

    assert await player.traces() == before
