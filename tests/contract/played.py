"""Sessions as the suites of playtime's ports need them."""

from datetime import datetime, timedelta
from typing import Any

from builders import NOON, a_game, a_purchase, a_session, game_id
from contract.libraries import ALICE, learn
from contract.worlds import World

from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.playtime.model import EndReason, Session, SessionRecord
from library_domain.shared.ids import UserId

PORTAL, DOOM = game_id("Portal 2"), game_id("Doom")


async def own(world: World, add: AddToLibraryHandler, *games: str, by: str = "alice") -> None:
    await learn(world, *map(a_game, games))
    for game in games:
        await add(a_purchase(game, by=by))


async def begin(world: World, at: datetime = NOON, **overrides: Any) -> Session:
    """Open a session of a game that is owned: Portal 2 and Alice's, unless it is said otherwise."""
    session = a_session(now=at, **overrides)
    async with world.uow.begin(session.user_id) as tx:
        entries = await tx.library.entries(session.user_id, (session.game_id,))
        session.library_item_id = entries[session.game_id].id
        await tx.sessions.open(session)
        tx.record(session.started(now=at, game_name=None))
    return session


async def finish(world: World, session: Session, at: datetime) -> SessionRecord:
    """End the session as its client would; its own rules may have ended it before."""
    async with world.uow.begin(session.user_id) as tx:
        running = await tx.sessions.running(session.user_id, session.id)
        assert running is not None
        record = await tx.sessions.close(running.end(at, EndReason.CLIENT))
        tx.record(*record.events(now=at, game_name=None))
    return record


async def keep_up(world: World, session: Session, until: datetime, **told: int) -> None:
    """Send the heartbeats of a player who is there, the last of them at `until`."""
    while session.last_heartbeat_at < until:
        at = min(until, session.last_heartbeat_at + timedelta(minutes=3))
        session.contact(at, **told)
    async with world.uow.begin() as tx:
        await tx.sessions.keep(session)


async def play(world: World, start: datetime, end: datetime, **overrides: Any) -> SessionRecord:
    """Play from start to end with somebody there all the time."""
    session = await begin(world, start, **overrides)
    await keep_up(world, session, end)
    return await finish(world, session, end)


async def found(world: World, session: Session) -> Session | None:
    async with world.uow.begin() as tx:
        running: Session | None = await tx.sessions.running(session.user_id, session.id)
        return running


async def kept(world: World, record: SessionRecord) -> SessionRecord | None:
    async with world.uow.begin() as tx:
        ended: SessionRecord | None = await tx.sessions.ended(record.session.user_id, record.session.id)
        return ended


async def platform(world: World, device_id: str, user: UserId = ALICE) -> str | None:
    async with world.uow.begin() as tx:
        known: str | None = await tx.sessions.platform_of(user, device_id)
        return known
