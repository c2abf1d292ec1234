"""What is told of an ended session, and what is suspicious about it (details 1.26 and 3.7)."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from builders import NOON, a_session
from timeline import Timeline

from library_domain.playtime.events import PlaytimeAnomalyNoticed, PlaytimeUpdated, SessionEndedEvent
from library_domain.playtime.model import EndedSession, EndReason, SessionRecord, Sums

TODAY = NOON.date()
HOUR = timedelta(hours=1)


def ended(length: timedelta = HOUR, *, idle: int = 0) -> EndedSession:
    session, model = a_session(), Timeline.beginning(NOON)
    end = NOON + length
    now = NOON
    while now + timedelta(minutes=3) < end:
        now += timedelta(minutes=3)
        session.contact(now, idle_seconds=idle)
        model.contact(now, idle=idle)
    assert session.played_seconds == model.played
    return session.end(end, EndReason.CLIENT)


def told(
    session: EndedSession, *, by_day: Mapping[date, int] | None = None, long_running: int = 0
) -> list[Any]:
    sums = Sums(total_playtime_seconds=10_000, by_day=by_day or {}, long_running=long_running)
    return list(SessionRecord.of(session, sums).events(now=NOON + HOUR, game_name="Portal 2"))


def anomalies(events: list[Any]) -> list[tuple[Any, ...]]:
    noticed = [event for event in events if isinstance(event, PlaytimeAnomalyNoticed)]
    return [(event.kind, event.day, event.seconds, event.games) for event in noticed]


def test_an_end_is_told_with_what_it_counted_and_what_the_game_comes_to() -> None:
    session = ended()

    end, update = told(session)

    assert isinstance(end, SessionEndedEvent)
    assert (end.event_type, end.topic) == ("library.session.ended", "playtime-events")
    assert (end.duration_seconds, end.afk_seconds, end.suspended_seconds) == (3_600, 0, 0)
    assert (end.start_time, end.end_time, end.reason) == (NOON, NOON + HOUR, "client")
    assert isinstance(update, PlaytimeUpdated)
    assert (update.event_type, update.topic) == ("library.playtime.updated", "playtime-events")
    assert end.total_playtime_seconds == update.total_playtime_seconds == 10_000
    assert (update.last_played_at, update.session_id) == (NOON + HOUR, session.id)
    assert {end.game_name, update.game_name} == {"Portal 2"}


def test_what_a_player_does_is_audited_by_its_record_but_what_is_suspicious_always() -> None:
    end, update, anomaly = told(ended(), by_day={TODAY: 90_000})

    assert end.has_own_record
    assert update.has_own_record
    assert not anomaly.has_own_record
    assert anomaly.topic is None


@pytest.mark.parametrize(
    ("by_day", "expected"),
    [
        ({TODAY: 72_000}, []),
        ({TODAY: 72_001}, [("long_day", TODAY, 72_001, None)]),
        (
            {TODAY: 80_000, TODAY + timedelta(days=1): 80_001},
            [("long_day", TODAY, 80_000, None), ("long_day", TODAY + timedelta(days=1), 80_001, None)],
        ),
    ],
)
def test_more_than_twenty_hours_of_one_day_are_suspicious(
    by_day: dict[date, int], expected: list[tuple[Any, ...]]
) -> None:
    assert anomalies(told(ended(), by_day=by_day)) == expected


@pytest.mark.parametrize(
    ("minutes", "others", "expected"),
    [
        (61, 2, []),
        (60, 3, []),
        (61, 3, [("many_games", None, None, 4)]),
        (61, 9, [("many_games", None, None, 10)]),
    ],
)
def test_more_than_three_games_at_once_for_more_than_an_hour_are_suspicious(
    minutes: int, others: int, expected: list[tuple[Any, ...]]
) -> None:
    session = ended(timedelta(minutes=minutes))

    assert anomalies(told(session, long_running=others)) == expected


@pytest.mark.parametrize(
    ("length", "idle", "expected"),
    [
        (12 * HOUR, 0, []),
        (12 * HOUR + timedelta(seconds=1), 0, [("never_idle", None, 43_201, None)]),
        (13 * HOUR, 5, []),
    ],
)
def test_never_to_be_idle_in_more_than_twelve_hours_is_suspicious(
    length: timedelta, idle: int, expected: list[tuple[Any, ...]]
) -> None:
    assert anomalies(told(ended(length, idle=idle))) == expected


def test_nothing_is_suspicious_to_whoever_only_reads_the_record() -> None:
    record = SessionRecord(session=ended(13 * HOUR), total_playtime_seconds=10_000)

    assert anomalies(list(record.events(now=NOON, game_name=None))) == []


def test_sums_grow_by_a_session_on_the_days_it_fell() -> None:
    session = a_session(now=NOON.replace(hour=23, minute=59)).end(
        NOON.replace(hour=23, minute=59) + timedelta(seconds=100), EndReason.CLIENT
    )
    before = Sums(total_playtime_seconds=5, by_day={TODAY: 7}, long_running=1)

    after = before.plus(session)

    assert after.total_playtime_seconds == 105
    assert after.by_day == {TODAY: 67, TODAY + timedelta(days=1): 40}
    assert after.long_running == 1
    assert before.by_day == {TODAY: 7}
