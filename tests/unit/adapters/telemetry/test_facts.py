from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from library_adapters.telemetry import FactMetrics
from library_domain.library.events import GameHidden
from library_domain.playtime.events import PlaytimeAnomalyNoticed, SessionEndedEvent
from library_domain.playtime.model import Anomaly, EndReason
from library_domain.shared.ids import GameId, UserId

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE, GAME, SESSION = UserId(UUID(int=1)), GameId(UUID(int=2)), UUID(int=3)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def ended(seconds: int, reason: EndReason) -> SessionEndedEvent:
    return SessionEndedEvent(
        user_id=ALICE,
        game_id=GAME,
        occurred_at=NOW,
        game_name="Portal",
        session_id=SESSION,
        start_time=NOW - timedelta(seconds=seconds),
        end_time=NOW,
        reason=reason,
        duration_seconds=seconds,
        afk_seconds=0,
        suspended_seconds=0,
        total_playtime_seconds=seconds,
        device_id="pc",
        platform=None,
        game_version=None,
        owner_id=ALICE,
    )


def suspicious(kind: Anomaly) -> PlaytimeAnomalyNoticed:
    return PlaytimeAnomalyNoticed(
        user_id=ALICE,
        game_id=GAME,
        occurred_at=NOW,
        kind=kind,
        session_id=SESSION,
        day=date(2026, 11, 23),
        seconds=72_001,
        games=None,
    )


def test_facts_are_counted_by_their_type_and_by_their_action_if_nobody_is_told(
    registry: CollectorRegistry,
) -> None:
    count = FactMetrics(registry)

    count([GameHidden(user_id=ALICE, game_id=GAME, occurred_at=NOW, is_hidden=True)] * 2)
    count([suspicious(Anomaly.LONG_DAY)])

    def facts(kind: str) -> float | None:
        return registry.get_sample_value("library_facts_total", {"type": kind})

    assert (facts("library.game.hidden"), facts("playtime_anomaly")) == (2, 1)


def test_sessions_are_counted_by_their_end_and_their_time_is_measured(registry: CollectorRegistry) -> None:
    count = FactMetrics(registry)

    count([ended(600, EndReason.CLIENT), ended(7_000, EndReason.AFK)])
    count([ended(100, EndReason.CLIENT)])

    def sample(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"library_session{name}", labels)

    assert sample("s_ended_total", reason="client") == 2
    assert sample("s_ended_total", reason="afk") == 1
    assert sample("_played_seconds_sum") == 7_700
    assert sample("_played_seconds_bucket", le="900.0") == 2


def test_every_reason_and_every_kind_is_shown_before_there_is_any(registry: CollectorRegistry) -> None:
    count = FactMetrics(registry)

    for kind in Anomaly:
        assert registry.get_sample_value("library_playtime_anomalies_total", {"kind": kind}) == 0
        count([suspicious(kind)])
        assert registry.get_sample_value("library_playtime_anomalies_total", {"kind": kind}) == 1
    for reason in EndReason:
        assert registry.get_sample_value("library_sessions_ended_total", {"reason": reason}) == 0
