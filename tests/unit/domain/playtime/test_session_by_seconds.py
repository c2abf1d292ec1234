"""Sessions of any course come to what a walk through their seconds comes to (contract 4.2, data 6 and 7)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from builders import a_session
from hypothesis import example, given, settings
from hypothesis import strategies as st
from timeline import Timeline

from library_domain.playtime.model import AFK_AFTER, AFK_MAX, LENGTH_MAX, SILENCE_MAX, EndReason, Session

LIVING = (EndReason.CLIENT, EndReason.TAKEN_OVER, EndReason.ACCESS_REVOKED)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Call:
    """A sign of life, so long after the one before; it may come from a pod whose clock is behind."""

    passes: timedelta
    idle: int = 0
    suspended: int = 0


def around(*limits: int) -> st.SearchStrategy[int]:
    return st.sampled_from([limit + by for limit in limits for by in (-1, 0, 1) if limit + by >= 0])


passing = st.one_of(
    st.integers(-5, 200), around(0, 30, 60, 180), st.floats(-2, 181, width=32).map(lambda x: round(x, 6))
).map(lambda seconds: timedelta(seconds=seconds))
telling = st.one_of(st.just(0), st.just(100_000), st.integers(0, 200), around(1, 60, 180))
calls = st.builds(Call, passing, telling, telling)
away = st.builds(
    Call, around(60, 170).map(lambda seconds: timedelta(seconds=seconds)), st.just(100_000), telling
)
"""Nobody is there."""
courses = st.lists(
    st.one_of(
        st.lists(calls, max_size=5),
        st.builds(lambda call, times: [call] * times, st.one_of(calls, away), st.integers(1, 30)),
    ),
    max_size=8,
).map(lambda parts: [call for part in parts for call in part])
starts = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - zone follows
    st.integers(-1_000, 1_000).map(lambda by: datetime(2027, 1, 1, tzinfo=UTC) + by * _SECOND),
)
lates = st.one_of(around(0, 1, 180, 3_600, 86_400), st.integers(0, 200_000)).map(lambda n: n * _SECOND)


def follow(session: Session, model: Timeline, course: list[Call]) -> datetime:
    """Let both live through the course, until one of the rules ends it; return the time then."""
    now = session.start_time
    for call in course:
        now += call.passes
        ending, broken = session.over(now), model.broken(now)
        assert (ending is None) == (broken is None)
        if ending is not None:
            break
        before = session.played_seconds
        session.contact(now, idle_seconds=call.idle, suspended_seconds=call.suspended)
        model.contact(now, idle=call.idle, asleep=call.suspended)
        assert session.played_seconds == model.played >= before
        assert (session.status == "afk") == model.is_afk
    return now


@settings(max_examples=400)
@given(starts, courses, lates, st.sampled_from(LIVING))
@example(datetime(2026, 12, 31, 23, 50, tzinfo=UTC), [Call(60 * _SECOND)] * 20, 0 * _SECOND, EndReason.CLIENT)
@example(
    datetime(2026, 12, 31, 23, 50, tzinfo=UTC), [Call(170 * _SECOND)] * 600, 0 * _SECOND, EndReason.CLIENT
)
def test_every_second_is_counted_once_as_what_it_was(
    start: datetime, course: list[Call], late: timedelta, reason: EndReason
) -> None:
    session, model = a_session(now=start), Timeline.beginning(start)
    now = follow(session, model, course) + late

    ended, expected = session.end(now, reason), model.end(now, reason)

    assert {share.day: share.active_seconds for share in ended.days} == expected.active_by_day
    assert (ended.afk_seconds, ended.suspended_seconds) == (expected.afk, expected.suspended)
    assert (ended.end_time, ended.reason, ended.over_since) == (
        expected.end,
        expected.reason,
        expected.over_since,
    )


@given(starts, courses, lates)
def test_active_away_and_suspended_fill_the_time_between_start_and_end(
    start: datetime, course: list[Call], late: timedelta
) -> None:
    session = a_session(now=start)
    now = follow(session, Timeline.beginning(start), course) + late
    played = session.played_seconds

    ended = session.end(now, EndReason.CLIENT)

    parts = (ended.duration_seconds, ended.afk_seconds, ended.suspended_seconds)
    assert min(parts) >= 0
    assert sum(parts) * _SECOND == ended.end_time - ended.start_time
    assert ended.duration_seconds >= played
    assert timedelta() <= ended.end_time - ended.start_time <= LENGTH_MAX
    assert 1 <= len(ended.days) <= 2
    midnight = datetime.combine(ended.days[0].day + timedelta(days=1), datetime.min.time(), UTC)
    first, second = midnight - ended.start_time, ended.end_time - midnight
    assert ended.days[0].active_seconds * _SECOND <= first
    assert sum(share.active_seconds for share in ended.days[1:]) * _SECOND <= max(second, timedelta())


@given(starts, courses, st.lists(lates, min_size=2, max_size=5))
def test_a_session_that_is_over_ends_the_same_whoever_notices_when(
    start: datetime, course: list[Call], lates: list[timedelta]
) -> None:
    session = a_session(now=start)
    now = follow(session, Timeline.beginning(start), course)
    over_at = max(now, session.last_heartbeat_at) + SILENCE_MAX + _SECOND

    ends = [session.end(over_at + late, reason) for late in lates for reason in (*LIVING, EndReason.TIMEOUT)]

    assert all(end == ends[0] for end in ends)
    assert ends[0].reason in (EndReason.TIMEOUT, EndReason.AFK, EndReason.MAX_DURATION)
    assert ends[0].over_since <= over_at
    assert ends[0].end_time <= ends[0].over_since


@given(starts, courses, lates)
def test_a_session_is_over_from_a_moment_on_and_not_before(
    start: datetime, course: list[Call], late: timedelta
) -> None:
    session = a_session(now=start)
    now = max(follow(session, Timeline.beginning(start), course), session.last_heartbeat_at)
    ending = session.over(now + AFK_MAX)
    assert ending is not None

    assert session.over(ending.since) == session.over(ending.since + late) == ending
    assert session.over(ending.since - timedelta(microseconds=1)) is None


@given(starts, st.lists(st.tuples(st.booleans(), st.integers(1, 180)), max_size=20))
def test_without_a_pause_of_ten_minutes_every_waking_second_counts(
    start: datetime, gaps: list[tuple[bool, int]]
) -> None:
    session = a_session(now=start)
    now, waking = session.start_time, 0
    for slept, gap in gaps:
        now += gap * _SECOND
        session.contact(now, suspended_seconds=gap if slept else 0)
        waking += 0 if slept else gap

    assert AFK_AFTER > SILENCE_MAX
    assert session.played_seconds == waking
    assert session.afk_seconds == 0
