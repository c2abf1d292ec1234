"""A refund while the game is played: the session ends in the work of another process, within a second (details 3.8)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from time import perf_counter

import pytest
from builders import a_game, a_purchase, a_refund, game_id, user_id
from component.consumers.processes import Environment, all_up, ended, readiness, started
from conftest import postgres_settings
from fakes.clock import FakeClock
from figures import Report
from waiting import until

from library_adapters.postgres.pool import Pool
from library_adapters.postgres.unit_of_work import PostgresUnitOfWork
from library_adapters.system import SystemClock, Uuid7Source
from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.flows.start_session import StartSession, StartSessionHandler
from library_domain.library.errors import AccessDenied
from library_domain.library.use_cases.refund_purchase import RefundPurchaseHandler
from library_domain.playtime.model import EndReason, SessionId, SessionRecord
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat, RecordHeartbeatHandler
from library_domain.shared.ids import UserId

PORTAL = game_id("Portal 2")
PLAYERS = [user_id(f"player {number}") for number in range(5)]
SECOND = timedelta(seconds=1)


@dataclass
class Shop:
    """The other processes' part: purchases, play and refunds, as of any time."""

    uow: PostgresUnitOfWork

    async def sell(self, user: UserId) -> None:
        async with self.uow.begin() as tx:
            await tx.games.save([a_game("Portal 2")])
        add = AddToLibraryHandler(uow=self.uow, clock=SystemClock(), ids=Uuid7Source())
        await add(a_purchase("Portal 2", user_id=user, transaction_id=f"t-{user}"))

    async def start(self, user: UserId, at: datetime) -> SessionId:
        start = StartSessionHandler(uow=self.uow, clock=FakeClock(at), ids=Uuid7Source())
        command = StartSession(user_id=user, game_id=PORTAL, device_id="desk", platform=Platform.LINUX)
        return (await start(command)).session.id

    async def beat(self, user: UserId, session: SessionId, at: datetime) -> None:
        beat = RecordHeartbeatHandler(uow=self.uow, clock=FakeClock(at))
        await beat(RecordHeartbeat(user_id=user, session_id=session))

    async def refund(self, user: UserId) -> None:
        refund = RefundPurchaseHandler(uow=self.uow, clock=SystemClock())
        await refund(a_refund(f"t-{user}", user_id=user, event_time=datetime.now(UTC)))

    async def record(self, user: UserId, session: SessionId) -> SessionRecord | None:
        async with self.uow.begin() as tx:
            return await tx.sessions.ended(user, session)


@pytest.fixture
async def shop(pool: Pool, database: str) -> Shop:
    return Shop(PostgresUnitOfWork(pool, postgres_settings(database), clock=SystemClock(), ids=Uuid7Source()))


async def test_it_ends_within_a_second_and_its_time_counts(
    shop: Shop, pool: Pool, connected: Environment, unused_tcp_port: int, report: Report
) -> None:
    waited: list[float] = []
    async with started("work", connected, unused_tcp_port) as work:
        await readiness(unused_tcp_port, all_up)
        for player in PLAYERS:
            await shop.sell(player)
            now = datetime.now(UTC)
            session = await shop.start(player, now - 100 * SECOND)
            await shop.beat(player, session, now - 40 * SECOND)

            await shop.refund(player)
            refunded = perf_counter()
            record = await until(
                partial(shop.record, player, session), within=30, what="the session is over", every=0.01
            )
            waited.append(perf_counter() - refunded)

            assert record is not None
            assert record.session.reason is EndReason.ACCESS_REVOKED
            assert record.session.duration_seconds >= 100
            assert (
                record.session.end_time - record.session.start_time
                == record.session.duration_seconds * SECOND
            )
            assert record.total_playtime_seconds == record.session.duration_seconds
            with pytest.raises(AccessDenied):
                await shop.start(player, datetime.now(UTC))
        assert await ended(work) == 0

    report(
        f"{len(waited)} sessions ended {median(waited):.2f} s after the refund (median; {max(waited):.2f} at most)"
    )
    assert median(waited) < 1.0
    async with pool.connection() as connection:
        rows = await (
            await connection.execute(
                "SELECT sum(total_playtime) AS items, (SELECT sum(duration) FROM playtime_sessions) AS records,"
                " (SELECT sum(total_playtime) FROM playtime_stats_daily) AS days,"
                " (SELECT sum(total_playtime) FROM playtime_stats_monthly) AS months,"
                " (SELECT count(*) FROM active_sessions) + (SELECT count(*) FROM copy_leases) AS left"
                " FROM user_libraries"
            )
        ).fetchall()
    (sums,) = rows
    assert sums["items"] == sums["records"] == sums["days"] == sums["months"]
    assert sums["left"] == 0
