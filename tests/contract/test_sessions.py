"""Where sessions are kept: that which runs, that which ended, and its sums (data 5 to 9)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from builders import NOON, a_report, a_session, game_id, session_id, user_id
from contract.libraries import ALICE
from contract.played import DOOM, PORTAL, begin, finish, found, keep_up, kept, own, platform, play
from contract.worlds import World
from fakes.clock import FakeClock

from library_domain.catalog.model import Platform
from library_domain.flows.add_to_library import AddToLibraryHandler
from library_domain.library.model import InstallationStatus
from library_domain.library.use_cases.record_installation import RecordInstallation, RecordInstallationHandler
from library_domain.playtime.errors import GameInUse, SessionAlreadyActive
from library_domain.playtime.model import EndReason, SessionId, started_at
from library_domain.playtime.use_cases.record_heartbeat import RecordHeartbeat, RecordHeartbeatHandler
from library_domain.shared.access import Role
from library_domain.shared.caller import Caller, acting
from library_domain.shared.errors import UserErased

BOB = user_id("bob")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
async def library(world: World, add: AddToLibraryHandler) -> None:
    """Give Alice two games, and Bob one of them."""
    await own(world, add, "Portal 2", "Doom")
    await own(world, add, "Portal 2", by="bob")


class TestOpen:
    async def test_is_found_as_it_was_opened_by_its_id_by_its_game_and_among_all(self, world: World) -> None:
        session = await begin(
            world, device_id="desktop", platform="linux", game_version="1.2", client_time=NOON + HOUR
        )

        assert session.clock_skew_seconds == 3_600
        assert await found(world, session) == session
        async with world.uow.begin() as tx:
            assert await tx.sessions.running_game(ALICE, PORTAL) == session
            assert await tx.sessions.all_running(ALICE) == [session]

    async def test_is_nobody_elses(self, world: World) -> None:
        session = await begin(world)

        async with world.uow.begin() as tx:
            assert await tx.sessions.running(BOB, session.id) is None
            assert await tx.sessions.running_game(BOB, PORTAL) is None
            assert await tx.sessions.running_game(ALICE, DOOM) is None
            assert await tx.sessions.all_running(BOB) == []

    async def test_takes_the_copy_until_it_ends(self, world: World) -> None:
        session = await begin(world)
        assert await world.copies() == {(ALICE, PORTAL): (session.id, ALICE, NOON)}

        await finish(world, session, NOON + MINUTE)
        assert await world.copies() == {}

    async def test_raises_the_revision_by_one(self, world: World) -> None:
        before = await world.revision(ALICE)
        await begin(world)

        assert await world.revision(ALICE) == before + 1

    async def test_several_games_at_once_are_listed_by_their_ids(self, world: World) -> None:
        sessions = [await begin(world), await begin(world, NOON + MINUTE, game_id=DOOM)]

        async with world.uow.begin() as tx:
            assert await tx.sessions.all_running(ALICE) == sorted(sessions, key=lambda each: each.id)

    async def test_one_of_a_game_that_is_played_already_is_refused_and_nothing_is_left(
        self, world: World
    ) -> None:
        session = await begin(world, device_id="desktop")

        with pytest.raises(SessionAlreadyActive) as refused:
            await begin(world, NOON + MINUTE, device_id="laptop")

        assert refused.value.details == {
            "session_id": session.id,
            "device_id": "desktop",
            "start_time": NOON,
        }
        assert await world.copies() == {(ALICE, PORTAL): (session.id, ALICE, NOON)}
        assert await found(world, session) == session

    async def test_one_of_a_copy_that_somebody_plays_is_refused_and_nothing_is_left(
        self, world: World
    ) -> None:
        await begin(world)
        before = await world.revision(BOB)

        with pytest.raises(GameInUse) as refused:
            await begin(world, NOON + MINUTE, user_id=BOB, owner_id=ALICE)

        assert refused.value.details == {"in_use_by": {"user_id": ALICE, "since": NOON}}
        async with world.uow.begin() as tx:
            assert await tx.sessions.all_running(BOB) == []
        assert await world.revision(BOB) == before

    async def test_a_borrowed_copy_is_given_back_to_its_owner(self, world: World) -> None:
        session = await begin(world, user_id=BOB, owner_id=ALICE)
        assert await world.copies() == {(ALICE, PORTAL): (session.id, BOB, NOON)}

        await finish(world, session, NOON + MINUTE)
        await begin(world, NOON + MINUTE)

        assert set(await world.copies()) == {(ALICE, PORTAL)}


class TestKeep:
    async def test_writes_what_a_sign_of_life_changed_without_the_mutex_and_no_revision(
        self, world: World
    ) -> None:
        session = await begin(world, NOON.replace(hour=23, minute=58))
        before = await world.revision(ALICE)

        async with world.uow.begin() as tx:
            running = await tx.sessions.running(ALICE, session.id)
            assert running is not None
            running.contact(session.start_time + 3 * MINUTE, idle_seconds=20, suspended_seconds=30)
            await tx.sessions.keep(running)

        assert running.active_second_day > 0
        assert running.told_idle
        assert await found(world, session) == running
        assert await world.revision(ALICE) == before

    async def test_of_an_erased_user_is_refused_and_nothing_is_written(
        self, world: World, clock: FakeClock
    ) -> None:
        session = await begin(world)
        await world.erase(ALICE, NOON)
        clock.advance(MINUTE)
        beat = RecordHeartbeatHandler(uow=world.uow, clock=clock)

        with pytest.raises(UserErased):
            await beat(RecordHeartbeat(user_id=ALICE, session_id=session.id))

        async with world.uow.begin() as tx:
            assert await tx.sessions.all_running(ALICE) == [session]


class TestClose:
    async def test_the_record_is_told_the_same_ever_after(self, world: World, clock: FakeClock) -> None:
        session = await begin(world, platform="linux", game_version="1.2", client_time=NOON - HOUR)
        await keep_up(world, session, NOON + 5 * MINUTE, idle_seconds=10, suspended_seconds=30)
        record = await finish(world, session, NOON + 6 * MINUTE)

        assert record.session.reason is EndReason.CLIENT
        assert record.session.told_idle
        assert record.session.suspended_seconds == 60
        assert await found(world, session) is None
        clock.advance(HOUR)
        assert await kept(world, record) == record

    async def test_another_users_id_or_an_id_of_nothing_finds_no_record(self, world: World) -> None:
        record = await play(world, NOON, NOON + MINUTE)

        async with world.uow.begin() as tx:
            assert await tx.sessions.ended(BOB, record.session.id) is None
            for nothing in (
                session_id("nothing"),
                UUID(int=0),
                game_id("Portal 2"),
                UUID(int=(1 << 128) - 1),
            ):
                assert await tx.sessions.ended(ALICE, SessionId(nothing)) is None

    async def test_nobody_ends_it_twice(self, world: World) -> None:
        session = await begin(world)
        record = await finish(world, session, NOON + MINUTE)

        with pytest.raises((RuntimeError, KeyError, psycopg.errors.UniqueViolation)):
            async with world.uow.begin(ALICE) as tx:
                await tx.sessions.close(record.session)

        assert await world.days(ALICE) == {(date(2026, 11, 23), PORTAL): (60, 1, 60, NOON + MINUTE)}
        assert await world.activity(ALICE, PORTAL) == (60, NOON + MINUTE)

    async def test_its_time_is_added_to_the_item_the_day_and_the_month(self, world: World) -> None:
        await play(world, NOON, NOON + 10 * MINUTE)
        await play(world, NOON + HOUR, NOON + HOUR + 30 * MINUTE)
        record = await play(world, NOON + 2 * HOUR, NOON + 2 * HOUR + 20 * MINUTE)

        end = NOON + 2 * HOUR + 20 * MINUTE
        assert record.total_playtime_seconds == 3_600
        assert await world.activity(ALICE, PORTAL) == (3_600, end)
        assert await world.days(ALICE) == {(date(2026, 11, 23), PORTAL): (3_600, 3, 1_800, end)}
        assert await world.months(ALICE) == {(PORTAL, 2026, 11): (3_600, 3, 1_800, NOON, end)}

    @pytest.mark.parametrize(
        "midnight", [datetime(2026, 11, 24, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
    )
    async def test_seconds_fall_on_their_days_and_the_session_on_the_day_it_began(
        self, world: World, midnight: datetime
    ) -> None:
        start, end = midnight - 10 * MINUTE, midnight + 5 * MINUTE
        await play(world, start, end)

        eve = (midnight - SECOND).date()
        assert await world.days(ALICE) == {
            (eve, PORTAL): (600, 1, 900, end),
            (midnight.date(), PORTAL): (300, 0, 0, end),
        }
        months = await world.months(ALICE)
        if midnight.day == 1:
            assert months == {
                (PORTAL, 2026, 12): (600, 1, 900, start, end),
                (PORTAL, 2027, 1): (300, 0, 0, start, end),
            }
        else:
            assert months == {(PORTAL, 2026, 11): (900, 1, 900, start, end)}

    async def test_a_session_without_a_second_counts_as_one(self, world: World) -> None:
        await play(world, NOON, NOON)

        assert await world.days(ALICE) == {(date(2026, 11, 23), PORTAL): (0, 1, 0, NOON)}

    async def test_the_last_time_it_was_played_never_goes_back(self, world: World) -> None:
        await play(world, NOON, NOON + HOUR)
        await play(world, NOON - HOUR, NOON - 30 * MINUTE)

        assert await world.activity(ALICE, PORTAL) == (5_400, NOON + HOUR)
        assert await world.days(ALICE) == {(date(2026, 11, 23), PORTAL): (5_400, 2, 3_600, NOON + HOUR)}
        assert await world.months(ALICE) == {(PORTAL, 2026, 11): (5_400, 2, 3_600, NOON - HOUR, NOON + HOUR)}

    async def test_the_sums_of_the_day_are_of_all_games_and_of_nobody_else(self, world: World) -> None:
        await play(world, NOON, NOON + HOUR, game_id=DOOM)
        await play(world, NOON, NOON + HOUR, user_id=BOB, owner_id=BOB)
        record = await play(world, NOON + HOUR, NOON + HOUR + MINUTE)

        assert record.sums is not None
        assert record.sums.by_day == {date(2026, 11, 23): 3_660}
        assert record.sums.total_playtime_seconds == record.total_playtime_seconds == 60

    async def test_games_that_run_beside_it_for_longer_than_an_hour_are_counted(self, world: World) -> None:
        await begin(world, NOON, game_id=DOOM)
        session = await begin(world, NOON)
        await keep_up(world, session, NOON + HOUR)
        exactly = await finish(world, session, NOON + HOUR)
        longer = await play(world, NOON + HOUR, NOON + HOUR + SECOND)

        assert [record.sums and record.sums.long_running for record in (exactly, longer)] == [0, 1]

    async def test_what_is_shown_takes_the_revision_of_the_end(self, world: World, clock: FakeClock) -> None:
        session = await begin(world)
        clock.advance(MINUTE)
        before = await world.revision(ALICE)
        await finish(world, session, NOON + MINUTE)

        assert await world.revision(ALICE) == before + 1
        item = await world.reader.item(ALICE, PORTAL, now=clock.now())
        assert item is not None
        assert (item.total_playtime_seconds, item.last_played_at) == (60, NOON + MINUTE)
        assert item.updated_at == clock.now()


class TestAudit:
    """A session's record is its own audit (data 8, ADR 0032)."""

    @pytest.mark.parametrize(
        ("caller", "audited"),
        [
            (Caller(actor_id=ALICE, roles=frozenset({Role.USER})), []),
            (Caller(), []),
            (Caller(roles=frozenset({Role.SYSTEM})), ["end_session", "start_session", "update_playtime"]),
            (
                Caller(actor_id=BOB, roles=frozenset({Role.ADMIN})),
                ["end_session", "start_session", "update_playtime"],
            ),
        ],
        ids=["the player", "nobody", "the system", "somebody else"],
    )
    async def test_only_what_somebody_did_for_the_player_is_audited(
        self, world: World, caller: Caller, audited: list[str]
    ) -> None:
        before = len(await world.audit())
        with acting(caller):
            await play(world, NOON, NOON + MINUTE)

        actions = [row["action"] for row in await world.audit()]
        assert sorted(action for action in actions if "session" in action or "playtime" in action) == audited
        assert len(actions) == before + len(audited)
        assert [row["type"] for row in await world.outbox()][-3:] == [
            "library.session.started",
            "library.session.ended",
            "library.playtime.updated",
        ]

    async def test_what_is_suspicious_always_is(self, world: World) -> None:
        with acting(Caller(actor_id=ALICE, roles=frozenset({Role.USER}))):
            record = await play(world, NOON.replace(hour=1), NOON.replace(hour=22))

        assert record.session.duration_seconds == 21 * 3_600
        noticed = [row for row in await world.audit() if row["action"] == "playtime_anomaly"]
        assert len(noticed) == 2


class TestPlatform:
    async def test_is_what_download_told_last_of_this_device(self, world: World, clock: FakeClock) -> None:
        record = RecordInstallationHandler(uow=world.uow, clock=clock)
        for game, minute, told, device in (
            (PORTAL, 0, Platform.WINDOWS, "desktop"),
            (DOOM, 1, Platform.LINUX, "desktop"),
            (DOOM, 2, Platform.MACOS, "laptop"),
        ):
            report = a_report(InstallationStatus.INSTALLED, minute=minute, device_id=device, platform=told)
            await record(RecordInstallation(user_id=ALICE, game_id=game, report=report))

        assert await platform(world, "desktop") == "linux"
        assert await platform(world, "laptop") == "macos"
        assert await platform(world, "phone") is None
        assert await platform(world, "desktop", BOB) is None


def test_the_id_of_a_session_bears_its_start() -> None:
    session = a_session(now=NOON + timedelta(milliseconds=123))

    assert started_at(session.id) == session.start_time == NOON
