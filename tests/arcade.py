"""Players with their devices, on several pods and with sweepers: they play scripts, and the model explains what is stored.

Moves of one scene are made at the same time; the processes of some die halfway.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any, Literal, Protocol
from uuid import UUID

from builders import a_game, a_purchase, session_id, user_id
from fakes.clock import FakeClock
from players import UNKNOWN, Answer, Books, Deed, Player, explained
from waiting import until

from library_adapters.system import Uuid7Source
from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.start_session import StartSession, StartSessionHandler
from library_domain.playtime.errors import SessionAlreadyActive, SessionEnded, SessionNotFound
from library_domain.playtime.model import SessionId, SessionRecord, started_at
from library_domain.playtime.ports import StaleSessions
from library_domain.playtime.use_cases.end_session import EndSession, EndSessionHandler
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat, RecordHeartbeatHandler
from library_domain.playtime.use_cases.sweep_sessions import SweepSessions, SweepSessionsHandler
from library_domain.shared.clock import Clock
from library_domain.shared.ids import GameId, UserId

GAMES = (a_game("Portal 2"), a_game("Rangers"))
DEVICES = ("desktop", "deck")
WHO_PLAYS = "who plays"
"""Stands for the device that last began to play."""
NOBODYS = session_id("nobody's")
A_DAY_AND_MORE = timedelta(days=1, hours=1)
_numbers = count(1)


class Bookkeeper(Protocol):
    """Reads what is stored of a player."""

    async def books(self, user: UserId) -> Books: ...


@dataclass(frozen=True)
class SkewedClock:
    """A pod's clock, which is wrong by a little."""

    clock: FakeClock
    ahead: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.ahead


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One process of ours: its clock, its transactions, and the quick way if it has one."""

    clock: Clock
    uow: Any
    stale: StaleSessions
    quick: Any = None


@dataclass(frozen=True, kw_only=True)
class Move:
    """What one device does over one of the pods; a sweep is no device's."""

    kind: Literal["start", "beat", "end", "sweep"]
    player: int = 0
    device: str = DEVICES[0]
    game: int = 0
    pod: int = 0
    takeover: bool = False
    names_game: bool = False
    is_confused: bool = False
    """Whether it names a session that is not its player's."""
    idle: int = 0
    suspended: int = 0
    dies_after: int | None = None
    """So many steps of the event loop."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Time passes, then all the moves are made at once; as often as it says."""

    passes: timedelta
    moves: Sequence[Move]
    times: int = 1


@dataclass
class NotedIds:
    """Notes the session id that was minted."""

    minted: SessionId | None = None

    def new(self) -> UUID:
        return Uuid7Source().new()

    def new_at(self, moment: datetime) -> UUID:
        self.minted = SessionId(Uuid7Source().new_at(moment))
        assert started_at(self.minted) == moment
        return self.minted


@dataclass(kw_only=True)
class Arcade:
    """Plays scripts on the pods, and compares what is stored with the model after each scene."""

    clock: FakeClock
    pods: Sequence[Pod]
    keeper: Bookkeeper
    players: list[UserId] = field(default_factory=list)
    models: dict[UserId, Player] = field(default_factory=dict)
    remembered: dict[tuple[UserId, str, GameId], SessionId] = field(default_factory=dict)
    """The session that a device thinks it plays."""
    playing: dict[tuple[UserId, GameId], str] = field(default_factory=dict)
    """The device that last began to play."""
    answers: Counter[str] = field(default_factory=Counter)
    """What was answered, and how sessions ended: a script that never gets anywhere proves nothing."""

    async def open(self, players: int) -> None:
        """Let new players buy every game."""
        pod = self.pods[0]
        add = AddToLibraryHandler(uow=pod.uow, clock=pod.clock, ids=Uuid7Source())
        for _ in range(players):
            name = f"arcade {next(_numbers)}"
            for game in GAMES:
                await add(a_purchase(game.name or "", by=name))
            self.players.append(user_id(name))
            self.models[user_id(name)] = Player()

    async def play(self, script: Sequence[Scene]) -> None:
        """Play it, and assert after each scene that some order of what was done explains what is there."""
        for scene in script:
            for number in range(1, scene.times + 1):
                self.clock.advance(scene.passes)
                deeds = await self._at_once(scene.moves)
                for user in self.players:
                    await self._understand(user, deeds[user], is_last=number == scene.times)

    async def close(self) -> None:
        """Let everybody stop without a word, sweep, and assert that every second is where it belongs, once."""
        await self.play([Scene(passes=A_DAY_AND_MORE, moves=[Move(kind="sweep")])])
        for user in self.players:
            books = await self.keeper.books(user)
            assert (books.live, books.leases) == ({}, {})
            every_second_is_counted_once(books)
            self.answers.update(f"ended {record[4]}" for record in books.records.values())

    async def _at_once(self, moves: Sequence[Move]) -> dict[UserId, list[Deed]]:
        deeds: dict[UserId, list[Deed]] = {user: [] for user in self.players}
        for move, deed in zip(moves, await asyncio.gather(*map(self._make, moves)), strict=True):
            if deed is not None:
                deeds[self.players[move.player]].append(deed)
        untouched = [user for user in self.players if not deeds[user]]
        for move in moves:
            if move.kind == "sweep":
                now = self.pods[move.pod].clock.now()
                for user, model in self.models.items():
                    for live in list(model.live.values()):
                        deed = Deed(kind="sweep", now=now, answer=None, session=live.session)
                        if user in untouched:
                            model.do(deed)
                        else:
                            # Whoever is busy may be left alone.
                            deeds[user].append(deed)
        return deeds

    async def _understand(self, user: UserId, deeds: Sequence[Deed], *, is_last: bool) -> None:
        """Find an order of the deeds that explains every answer and what is stored; the model goes on from there."""
        model = self.models[user]
        if not is_last and len(deeds) <= 1 and all(deed.answer is not None for deed in deeds):
            # There is only one order, and what is stored is looked at when the scene is over.
            for deed in deeds:
                assert model.do(deed) == deed.answer
            return

        async def explanation() -> Player | None:
            return explained(model, deeds, await self.keeper.books(user))

        found = await explanation()
        if found is None and any(deed.answer is None for deed in deeds):
            # What a process sent before it died may have arrived since.
            found = await until(explanation, within=5, what=f"an order that explains {deeds}")
        if found is None:
            raise AssertionError(await self._riddle(user, deeds))
        self.models[user] = found

    async def _riddle(self, user: UserId, deeds: Sequence[Deed]) -> str:
        """Tell what one order would have left, and what is there."""
        expected = self.models[user].copy()
        told = [f"{deed}\n  is {expected.do(deed)} in this order" for deed in deeds]
        there, books = await self.keeper.books(user), expected.books()
        for each in fields(Books):
            model, stored = getattr(books, each.name), getattr(there, each.name)
            if model != stored:
                told.append(f"{each.name} of the model:\n  {model}\nand stored:\n  {stored}")
        return "no order explains\n" + "\n".join(told)

    async def _make(self, move: Move) -> Deed | None:
        """Make the move; return what was done to the player's sessions, None for a sweep."""
        pod = self.pods[move.pod]
        if move.kind == "sweep":
            await _sweep(pod)
            return None
        user, game, ids = self.players[move.player], GAMES[move.game].game_id, NotedIds()
        device = self.playing.get((user, game), DEVICES[0]) if move.device == WHO_PLAYS else move.device
        whose = self.players[move.player - 1] if move.is_confused else user
        deed = Deed(
            kind=move.kind,
            now=pod.clock.now(),
            answer=None,
            session=self.remembered.get((whose, device, game), NOBODYS),
            game=game if move.kind == "start" or move.names_game else None,
            device=device,
            takeover=move.takeover,
            idle=move.idle,
            suspended=move.suspended,
        )
        task = asyncio.create_task(_answer(pod, user, deed, ids))
        if move.dies_after is not None:
            for _ in range(move.dies_after):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        answer = None if task.cancelled() else task.result()
        self.answers[f"{move.kind}: {answer[0] if answer else 'killed'}"] += 1
        if move.kind == "start":
            if answer is not None and answer[0] != "elsewhere":
                self.remembered[user, device, game] = answer[1]
                self.playing[user, game] = device
            deed = replace(deed, session=ids.minted)
        return replace(deed, answer=answer)


async def _answer(pod: Pod, user: UserId, deed: Deed, ids: NotedIds) -> Answer:
    """Call the use case; return its result or refusal as the model tells them."""
    assert deed.session is not None
    match deed.kind:
        case "start":
            return await _start(pod, user, deed, ids)
        case "beat":
            beat = RecordHeartbeatHandler(uow=pod.uow, clock=pod.clock, quick=pod.quick)
            try:
                shown = await beat(
                    RecordHeartbeat(
                        user_id=user,
                        session_id=deed.session,
                        idle_seconds=deed.idle,
                        suspended_seconds=deed.suspended,
                    )
                )
            except SessionEnded as refusal:
                return "over", *(refusal.details[name] for name in _TOLD)
            except SessionNotFound:
                return UNKNOWN
            return "alive", shown.status, shown.played_seconds
        case _:
            end = EndSessionHandler(uow=pod.uow, clock=pod.clock, quick=pod.quick)
            try:
                record = await end(EndSession(user_id=user, session_id=deed.session, game_id=deed.game))
            except SessionNotFound:
                return UNKNOWN
            return "over", *_told(record)


async def _start(pod: Pod, user: UserId, deed: Deed, ids: NotedIds) -> Answer:
    assert deed.game is not None
    start = StartSessionHandler(uow=pod.uow, clock=pod.clock, ids=ids, quick=pod.quick)
    command = StartSession(
        user_id=user,
        game_id=deed.game,
        device_id=deed.device,
        platform=Platform.LINUX,
        takeover=deed.takeover,
    )
    try:
        result = await start(command)
    except SessionAlreadyActive as refusal:
        there = refusal.details
        return "elsewhere", there["session_id"], there["device_id"], there["start_time"]
    if result.resumed:
        return "resumed", result.session.id, result.session.played_seconds
    return "started", result.session.id, result.session.start_time


async def _sweep(pod: Pod) -> None:
    """Go through all sessions, in batches that are smaller than what is there."""
    sweep = SweepSessionsHandler(stale=pod.stale, uow=pod.uow, clock=pod.clock)
    result = await sweep(SweepSessions(limit=2))
    while result.next_after is not None:
        assert result.failed == []
        result = await sweep(SweepSessions(limit=2, after=result.next_after))
    assert result.failed == []


_TOLD = (
    "session_id",
    "reason",
    "end_time",
    "duration_seconds",
    "afk_seconds",
    "suspended_seconds",
    "total_playtime_seconds",
)


def _told(record: SessionRecord) -> tuple[Any, ...]:
    session = record.session
    return (
        session.id,
        session.reason,
        session.end_time,
        session.duration_seconds,
        session.afk_seconds,
        session.suspended_seconds,
        record.total_playtime_seconds,
    )


def every_second_is_counted_once(books: Books) -> None:
    """Look at what is stored of a player, without any model."""
    for game in {record[0] for record in books.records.values()}:
        records = sorted(record[2:] for record in books.records.values() if record[0] == game)
        played = 0
        for start, end, _, over_since, active, first_day, afk, suspended, _ in records:
            assert min(active - first_day, first_day, afk, suspended) >= 0
            assert active + afk + suspended == (end - start).total_seconds()
            assert start <= end <= over_since
            played += active
        for earlier, later in pairwise(records):
            assert earlier[1] <= later[0], "a second was played twice"
        assert books.items[game][0] == max(record[-1] for record in records) == played
        assert sum(day[0] for (_, of), day in books.days.items() if of == game) == played
        assert sum(month[0] for (_, _, of), month in books.months.items() if of == game) == played
        assert sum(day[1] for (_, of), day in books.days.items() if of == game) == len(records)
    assert books.told == Counter(
        (fact, session) for session in books.records for fact in ("started", "ended", "updated")
    )
