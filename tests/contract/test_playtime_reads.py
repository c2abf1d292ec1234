"""Histories, sums and reports: what comes must be what a walk through the sessions says (contract 2, details 3.8)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from builders import NOON, a_session, game_id
from contract.playtime import (
    DAY,
    GAMES,
    SECOND,
    Visit,
    busiest,
    entry_id,
    newest_first,
    own,
    play,
    somebody,
    streaks,
    tally,
)
from contract.worlds import World
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from library_domain.catalog.model import ProductType
from library_domain.library.model import Loss
from library_domain.playtime.model import Aggregation, Days, ReportPeriod
from library_domain.playtime.queries import GamePlaytime, SessionQuery, StatsQuery
from library_domain.shared.paging import Page

# Partitions lie ready from the month of the tests' noon to the third behind it: over the turn of a year.
FIRST, LAST = date(2026, 11, 1), date(2027, 2, 26)
WINTER = [FIRST + n * DAY for n in range((LAST - FIRST).days + 2)]

Time = tuple[datetime | None, datetime | None]


def at(day: date, *, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def in_order(time: Time) -> bool:
    start, end = time
    return start is None or end is None or start < end


# Mostly around the turn of the year, and mostly on few hours: where they meet is what can go wrong.
starts = st.builds(
    lambda day, minute: at(day) + timedelta(minutes=minute),
    st.sampled_from([*WINTER[:-1], *[date(2026, 12, 28) + n * DAY for n in range(8)] * 16]),
    st.integers(0, 48).map(lambda n: n * 30 % 1_440 + n % 3),
)
visits = st.lists(
    st.builds(
        Visit,
        game=st.sampled_from(GAMES),
        start=starts,
        seconds=st.sampled_from([0, 1, 7, 600, 1_801, 5_401, 20_000]),
        awake=st.integers(0, 3),
    ),
    max_size=6,
)
moments = st.none() | starts
times = st.tuples(moments, moments).filter(in_order)
games = st.none() | st.sampled_from(GAMES)
spans = st.tuples(st.sampled_from(WINTER), st.integers(1, 60)).map(
    lambda span: Days(first=span[0], end=span[0] + span[1] * DAY)
)
# The world outlives an example; each example has a user of its own.
shared_world = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def days_of(days: Days) -> list[date]:
    return [days.first + n * DAY for n in range(days.count)]


def of(game: str | None, played: Sequence[Visit]) -> list[Visit]:
    return [visit for visit in played if game in (None, visit.game)]


def named(game: GamePlaytime) -> tuple[UUID, str | None]:
    return game.game_id, game.name


def figures(part: object) -> tuple[object, ...]:
    """Return the sums that a statistic has of everything, or of a game."""
    names = ("total_playtime_seconds", "sessions_count", "average_session_seconds", "longest_session_seconds")
    return (*(getattr(part, name) for name in names), getattr(part, "last_played_at"))  # noqa: B009


NAMES = {game_id(game): game for game in GAMES[:-1]}


@given(played=visits, game=games, time=times, limit=st.integers(1, 4))
@shared_world
async def test_the_history_is_the_same_in_one_part_by_offset_and_behind_positions(
    world: World, played: list[Visit], game: str | None, time: Time, limit: int
) -> None:
    start, end = time
    user = somebody()
    await own(world, user, *GAMES)
    await play(world, user, *played)
    asked = {"game_id": None if game is None else game_id(game), "start": start, "end": end}
    expected = [
        visit.id
        for visit in newest_first(of(game, played))
        if (start is None or start <= visit.start) and (end is None or visit.start < end)
    ]

    whole = await world.playtime.sessions(user, SessionQuery(**asked))  # type: ignore[arg-type]
    middle = await world.playtime.sessions(user, SessionQuery(**asked, page=Page(limit=limit, offset=1)))  # type: ignore[arg-type]
    part = await world.playtime.sessions(user, SessionQuery(**asked, page=Page(limit=limit)))  # type: ignore[arg-type]
    behind = [session.id for session in part.items]
    while part.next is not None:
        part = await world.playtime.sessions(
            user,
            SessionQuery(**asked, page=Page(limit=limit, after=part.next)),  # type: ignore[arg-type]
        )
        behind += [session.id for session in part.items]
        assert part.total is None

    assert [session.id for session in whole.items] == behind == expected
    assert [session.id for session in middle.items] == expected[1 : 1 + limit]
    assert whole.total == middle.total == len(expected)
    assert (whole.next, middle.next is None) == (None, len(expected) <= 1 + limit)


@given(played=visits, days=spans, aggregation=st.sampled_from(Aggregation), game=games)
@example(
    played=[Visit(start=at(date(2026, 12, 31), hour=23, minute=30)), Visit(start=at(date(2027, 1, 3)))],
    days=Days(first=date(2026, 12, 1), end=date(2027, 2, 1)),
    aggregation=Aggregation.WEEKLY,
    game=None,
)
@shared_world
async def test_the_sums_are_those_of_a_walk_through_the_days(
    world: World, played: list[Visit], days: Days, aggregation: Aggregation, game: str | None
) -> None:
    user = somebody()
    await own(world, user, *GAMES)
    await play(world, user, *played)
    asked = days_of(days)
    expected = tally(of(game, played), asked)
    periods: dict[str, list[date]] = {}
    for day in asked:
        periods.setdefault(aggregation.name_of(day), []).append(day)
    by_period = {name: tally(of(game, played), of_period) for name, of_period in periods.items()}

    stats = await world.playtime.stats(
        user,
        StatsQuery(days=days, aggregation=aggregation, game_id=None if game is None else game_id(game)),
    )

    assert figures(stats) == expected.figures
    assert stats.sessions_per_week == round(expected.sessions / (days.count / 7), 2)
    assert stats.games_count == len(expected.by_game)
    assert {each.game_id: figures(each) for each in stats.games} == {
        each: sums.figures for each, sums in expected.by_game.items()
    }
    assert [named(each) for each in stats.games] == [(each, NAMES.get(each)) for each in expected.ranking]
    assert [
        (each.period, each.total_playtime_seconds, each.sessions_count, each.games_played)
        for each in stats.periods
    ] == [
        (name, sums.seconds, sums.sessions, sums.ranking) for name, sums in by_period.items() if sums.by_game
    ]
    assert (stats.first_day, stats.last_day, stats.aggregation) == (asked[0], asked[-1], aggregation)


@given(played=visits, game=games, limit=st.integers(1, 2))
@shared_world
async def test_a_lifetime_is_everything_in_parts(
    world: World, played: list[Visit], game: str | None, limit: int
) -> None:
    user = somebody()
    await own(world, user, *GAMES)
    await play(world, user, *played)
    expected = tally(of(game, played), WINTER)
    one = None if game is None else game_id(game)

    part = await world.playtime.lifetime(user, game_id=one, page=Page(limit=limit))
    second = await world.playtime.lifetime(user, game_id=one, page=Page(limit=limit, offset=1))
    seen = part.games
    assert figures(part) == expected.figures
    while part.next is not None:
        part = await world.playtime.lifetime(user, game_id=one, page=Page(limit=limit, after=part.next))
        seen += part.games
        assert figures(part) == expected.figures

    assert [named(each) for each in seen] == [(each, NAMES.get(each)) for each in expected.ranking]
    assert [figures(each) for each in seen] == [expected.by_game[each].figures for each in expected.ranking]
    assert second.games == seen[1 : 1 + limit]


@given(played=visits, period=st.sampled_from(["2026", "2027", "2026-11", "2026-12", "2027-01", "2025"]))
@example(played=[Visit(seconds=1, awake=0)], period="2026-11")
@shared_world
async def test_a_report_tells_what_stands_out(world: World, played: list[Visit], period: str) -> None:
    user = somebody()
    await own(world, user, *GAMES)
    await play(world, user, *played)
    asked = [day for day in WINTER if day.isoformat().startswith(period)]
    expected = tally(played, asked)
    days_played = {day for visit in played for day in visit.by_day if day in asked}

    report = await world.playtime.report(user, ReportPeriod.named(period))

    assert (report.total_playtime_seconds, report.sessions_count) == (expected.seconds, expected.sessions)
    assert (report.games_count, report.days_played) == (len(expected.by_game), len(days_played))
    assert [named(each) for each in report.top_games] == [
        (each, NAMES.get(each)) for each in expected.ranking
    ]
    assert [figures(each) for each in report.top_games] == [
        expected.by_game[each].figures for each in expected.ranking
    ]
    assert (report.busiest_weekday, report.busiest_hour) == busiest(played, set(asked))
    streak = report.longest_streak
    assert (None if streak is None else (streak.days, streak.last_day)) == max(
        streaks(days_played), default=None
    )
    assert streak is None or streak.first_day == streak.last_day - (streak.days - 1) * DAY
    assert (report.new_games_count, report.new_games) == (0, [])
    assert report.period == period


async def test_a_session_is_shown_whole_when_it_is_over(world: World) -> None:
    user = somebody()
    await own(world, user, "Portal")
    visit = Visit(seconds=100, awake=2)
    await play(world, user, visit)

    (session,) = (await world.playtime.sessions(user, SessionQuery())).items

    assert (session.id, session.user_id, session.owner_id) == (visit.id, user, user)
    assert (session.game_id, session.game_name) == (visit.game_id, "Portal")
    assert (session.start_time, session.end_time) == (visit.start, visit.end)
    assert (session.duration_seconds, session.played_seconds) == (66, 66)
    assert (session.afk_seconds, session.suspended_seconds) == (34, 0)
    assert (session.device_id, session.platform, session.game_version) == ("desktop", "windows", "2.1.5")
    assert (session.is_active, session.status, session.end_reason) == (False, "completed", "client")
    assert session.last_heartbeat_at == visit.end
    assert session.created_at == session.updated_at == NOON


async def test_a_running_session_shows_what_its_last_sign_of_life_left(world: World) -> None:
    user, other = somebody(), somebody()
    await own(world, user, "Portal", "Ёж")
    async with world.uow.begin(user) as tx:
        for game, minutes in (("Portal", 30), ("Ёж", 29)):
            session = a_session(
                user_id=user,
                game_id=game_id(game),
                library_item_id=entry_id(user, game),
                owner_id=user,
                now=NOON - timedelta(minutes=minutes),
            )
            session.contact(session.start_time + timedelta(seconds=60), suspended_seconds=20)
            if game == "Portal":
                for minute in range(2, 14):
                    moment = session.start_time + timedelta(minutes=minute)
                    session.contact(moment, idle_seconds=(minute - 1) * 60)
            await tx.sessions.open(session)

    away, here = (await world.playtime.running(user))[::-1]

    assert (away.game_name, away.status, here.game_name, here.status) == ("Portal", "afk", "Ёж", "active")
    assert (here.played_seconds, here.suspended_seconds, here.afk_seconds) == (40, 20, 0)
    assert (here.end_time, here.duration_seconds, here.end_reason, here.is_active) == (None, None, None, True)
    assert here.start_time == here.created_at == NOON - timedelta(minutes=29)
    assert here.last_heartbeat_at == here.updated_at == NOON - timedelta(minutes=28)
    assert (await world.playtime.sessions(user, SessionQuery())).items == []
    assert await world.playtime.running(other) == []


async def test_nothing_of_another_player_is_shown(world: World) -> None:
    user, other = somebody(), somebody()
    await own(world, other, "Portal", since=NOON)
    await play(world, other, Visit())
    november = ReportPeriod.named("2026-11")

    stats = await world.playtime.stats(user, StatsQuery(days=november.days))
    report = await world.playtime.report(user, november)

    assert (await world.playtime.sessions(user, SessionQuery())).total == 0
    assert (await world.playtime.lifetime(user, game_id=None, page=Page())).games == []
    assert (stats.sessions_count, stats.games, stats.periods, stats.last_played_at) == (0, [], [], None)
    assert (report.sessions_count, report.longest_streak, report.new_games_count) == (0, None, 0)


async def test_new_games_are_those_that_came_in_the_period_and_were_not_given_back(world: World) -> None:
    user = somebody()
    first, end = at(date(2026, 12, 1)), at(date(2027, 1, 1))
    await own(world, user, "Too early", since=first - SECOND)
    await own(world, user, "Early", since=first)
    await own(world, user, "Late", since=end - SECOND)
    await own(world, user, "Too late", since=end)
    await own(world, user, "An addition", since=first, kind=ProductType.DLC)
    await own(world, user, "Given back", since=first)
    async with world.uow.begin(user) as tx:
        entry = (await tx.library.entries(user, (game_id("Given back"),)))[game_id("Given back")]
        entry.revoke("Given back", at=NOON, reason=Loss.REFUNDED, now=NOON, game_name=None)
        await tx.library.save(entry)

    report = await world.playtime.report(user, ReportPeriod.named("2026-12"))

    assert [(new.name, new.acquisition_date) for new in report.new_games] == [
        ("Late", end - SECOND),
        ("Early", first),
    ]
    assert report.new_games_count == 2
