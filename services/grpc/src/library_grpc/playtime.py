"""Methods of playtime and sessions, shared by the services that offer them: messages to commands and back; nothing is decided here."""

from collections.abc import Mapping
from types import MappingProxyType

from library_domain.catalog.model import Platform
from library_domain.flows.start_session import StartSession
from library_domain.playtime.model import HEARTBEAT_INTERVAL, Aggregation, SessionId, SessionStatus
from library_domain.playtime.queries import GamePlaytime
from library_domain.playtime.use_cases.end_session import EndSession
from library_domain.playtime.use_cases.show_lifetime import ShowLifetime
from library_domain.playtime.use_cases.show_stats import ShowStats
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Page
from library_grpc import page_tokens
from library_grpc._generated.library.v1 import (
    EndGameSessionRequest,
    EndGameSessionResponse,
    GetPlaytimeStatisticsRequest,
    GetPlaytimeStatisticsResponse,
    GetUserPlaytimeRequest,
    GetUserPlaytimeResponse,
    LibraryCommandServiceBase,
    PlaytimeAggregation,
    StartGameSessionRequest,
    StartGameSessionResponse,
)
from library_grpc._generated.library.v1 import GamePlaytime as GamePlaytimeMessage
from library_grpc.application import Application
from library_grpc.values import line, uuid, word

MAX_DEVICE_ID = 100
MAX_GAME_VERSION = 50
_HEARTBEAT_SECONDS = int(HEARTBEAT_INTERVAL.total_seconds())
_FIELDS: Mapping[object, str] = MappingProxyType({"from": "start_date", "to": "end_date"})
"""Names of our fields, by the names that the rules and REST have for them."""


class PlaytimeMethods:
    """Sums of what was played."""

    _application: Application

    async def get_playtime_stats(self, message: GetUserPlaytimeRequest) -> GetUserPlaytimeResponse:
        """Return what was ever played. Raises ValidationFailed naming the field that is wrong."""
        user_id = UserId(uuid(message.user_id, "user_id"))
        game_id = _game(message.game_id)
        after = None
        if message.page_token:
            after = page_tokens.read(message.page_token, user_id=user_id, game_id=game_id)
        page = await self._application.show_lifetime(
            ShowLifetime(
                user_id=user_id,
                game_id=game_id,
                page=Page(limit=message.limit, after=after) if message.limit else Page(after=after),
            )
        )
        return GetUserPlaytimeResponse(
            total_playtime=page.total_playtime_seconds,
            total_sessions=page.sessions_count,
            average_session_duration=page.average_session_seconds,
            longest_session=page.longest_session_seconds,
            last_played=page.last_played_at,
            games=[_played(game) for game in page.games],
            next_page_token=""
            if page.next is None
            else page_tokens.write(page.next, user_id=user_id, game_id=game_id),
        )


class StatisticsMethods:
    """Sums of some days; the spec's examples name them too."""

    _application: Application

    async def get_playtime_statistics(
        self, message: GetPlaytimeStatisticsRequest
    ) -> GetPlaytimeStatisticsResponse:
        """Return what was played on some days. Raises ValidationFailed naming the field that is wrong."""
        query = ShowStats(
            user_id=UserId(uuid(message.user_id, "user_id")),
            game_id=_game(message.game_id),
            start=message.start_date,
            end=message.end_date,
            aggregation=word(Aggregation, message.aggregation, "aggregation")
            if message.aggregation
            else Aggregation.DAILY,
        )
        try:
            stats = await self._application.show_stats(query)
        except ValidationFailed as error:
            field = error.details["field"]
            raise ValidationFailed(**error.details | {"field": _FIELDS.get(field, field)}) from error
        return GetPlaytimeStatisticsResponse(
            aggregations=[
                PlaytimeAggregation(
                    period=each.period,
                    playtime=each.total_playtime_seconds,
                    sessions=each.sessions_count,
                    games_played=[str(game_id) for game_id in each.games_played],
                )
                for each in stats.periods
            ],
            total_playtime=stats.total_playtime_seconds,
            total_sessions=stats.sessions_count,
            average_session_duration=float(stats.average_session_seconds),
        )


class SessionMethods:
    """The beginning and the end of a session; the spec's examples name them too."""

    _application: Application

    async def start_game_session(self, message: StartGameSessionRequest) -> StartGameSessionResponse:
        """Begin a session. Raises ValidationFailed naming the field that is wrong, and what the rules refuse."""
        result = await self._application.start_session(
            StartSession(
                user_id=UserId(uuid(message.user_id, "user_id")),
                game_id=GameId(uuid(message.game_id, "game_id")),
                device_id=_device(message),
                platform=word(Platform, message.platform, "platform") if message.platform else None,
                game_version=line(message.game_version, "game_version", maximum=MAX_GAME_VERSION) or None,
                client_time=message.client_timestamp,
                takeover=message.takeover,
            )
        )
        session = result.session
        return StartGameSessionResponse(
            session_id=str(session.id),
            game_id=str(session.game_id),
            start_time=session.start_time,
            status=session.status,
            resumed=result.resumed,
            next_heartbeat_in_seconds=_HEARTBEAT_SECONDS,
        )

    async def end_game_session(self, message: EndGameSessionRequest) -> EndGameSessionResponse:
        """End the session, or answer how it ended. Raises ValidationFailed naming the field that is wrong, and SessionNotFound."""
        line(message.client_id, "client_id", maximum=MAX_DEVICE_ID)
        record = await self._application.end_session(
            EndSession(
                user_id=UserId(uuid(message.user_id, "user_id")),
                session_id=SessionId(uuid(message.session_id, "session_id")),
            )
        )
        session = record.session
        return EndGameSessionResponse(
            session_id=str(session.id),
            game_id=str(session.game_id),
            start_time=session.start_time,
            end_time=session.end_time,
            duration=session.duration_seconds,
            status=SessionStatus.COMPLETED,
            total_playtime=record.total_playtime_seconds,
            end_reason=session.reason,
            afk_seconds=session.afk_seconds,
            suspended_seconds=session.suspended_seconds,
        )


class LibraryCommands(SessionMethods, LibraryCommandServiceBase):
    """The service whose methods change something."""

    def __init__(self, application: Application) -> None:
        self._application = application


def _game(text: str) -> GameId | None:
    return GameId(uuid(text, "game_id")) if text else None


def _device(message: StartGameSessionRequest) -> str:
    """Return the device by either of its names. Raises ValidationFailed without one, and for two devices."""
    device_id = line(message.device_id, "device_id", maximum=MAX_DEVICE_ID)
    client_id = line(message.client_id, "client_id", maximum=MAX_DEVICE_ID)
    if not device_id and not client_id:
        raise ValidationFailed(field="device_id", reason="missing")
    if device_id and client_id and device_id != client_id:
        raise ValidationFailed(field="client_id", reason="contradicts_device_id")
    return device_id or client_id


def _played(game: GamePlaytime) -> GamePlaytimeMessage:
    return GamePlaytimeMessage(
        game_id=str(game.game_id),
        name=game.name or "",
        total_playtime=game.total_playtime_seconds,
        total_sessions=game.sessions_count,
        average_session_duration=game.average_session_seconds,
        longest_session=game.longest_session_seconds,
        last_played=game.last_played_at,
    )
