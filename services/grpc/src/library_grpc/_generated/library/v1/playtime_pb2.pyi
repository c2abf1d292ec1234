import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetUserPlaytimeRequest(_message.Message):
    __slots__ = ("user_id", "game_id", "limit", "page_token")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    game_id: str
    limit: int
    page_token: str
    def __init__(self, user_id: _Optional[str] = ..., game_id: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetUserPlaytimeResponse(_message.Message):
    __slots__ = ("total_playtime", "total_sessions", "average_session_duration", "longest_session", "last_played", "games", "next_page_token")
    TOTAL_PLAYTIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_SESSION_DURATION_FIELD_NUMBER: _ClassVar[int]
    LONGEST_SESSION_FIELD_NUMBER: _ClassVar[int]
    LAST_PLAYED_FIELD_NUMBER: _ClassVar[int]
    GAMES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    total_playtime: int
    total_sessions: int
    average_session_duration: int
    longest_session: int
    last_played: _timestamp_pb2.Timestamp
    games: _containers.RepeatedCompositeFieldContainer[GamePlaytime]
    next_page_token: str
    def __init__(self, total_playtime: _Optional[int] = ..., total_sessions: _Optional[int] = ..., average_session_duration: _Optional[int] = ..., longest_session: _Optional[int] = ..., last_played: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., games: _Optional[_Iterable[_Union[GamePlaytime, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GamePlaytime(_message.Message):
    __slots__ = ("game_id", "name", "total_playtime", "total_sessions", "average_session_duration", "longest_session", "last_played")
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PLAYTIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_SESSION_DURATION_FIELD_NUMBER: _ClassVar[int]
    LONGEST_SESSION_FIELD_NUMBER: _ClassVar[int]
    LAST_PLAYED_FIELD_NUMBER: _ClassVar[int]
    game_id: str
    name: str
    total_playtime: int
    total_sessions: int
    average_session_duration: int
    longest_session: int
    last_played: _timestamp_pb2.Timestamp
    def __init__(self, game_id: _Optional[str] = ..., name: _Optional[str] = ..., total_playtime: _Optional[int] = ..., total_sessions: _Optional[int] = ..., average_session_duration: _Optional[int] = ..., longest_session: _Optional[int] = ..., last_played: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetPlaytimeStatisticsRequest(_message.Message):
    __slots__ = ("user_id", "game_id", "start_date", "end_date", "aggregation")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    START_DATE_FIELD_NUMBER: _ClassVar[int]
    END_DATE_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    game_id: str
    start_date: _timestamp_pb2.Timestamp
    end_date: _timestamp_pb2.Timestamp
    aggregation: str
    def __init__(self, user_id: _Optional[str] = ..., game_id: _Optional[str] = ..., start_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., aggregation: _Optional[str] = ...) -> None: ...

class GetPlaytimeStatisticsResponse(_message.Message):
    __slots__ = ("aggregations", "total_playtime", "total_sessions", "average_session_duration")
    AGGREGATIONS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PLAYTIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_SESSION_DURATION_FIELD_NUMBER: _ClassVar[int]
    aggregations: _containers.RepeatedCompositeFieldContainer[PlaytimeAggregation]
    total_playtime: int
    total_sessions: int
    average_session_duration: float
    def __init__(self, aggregations: _Optional[_Iterable[_Union[PlaytimeAggregation, _Mapping]]] = ..., total_playtime: _Optional[int] = ..., total_sessions: _Optional[int] = ..., average_session_duration: _Optional[float] = ...) -> None: ...

class PlaytimeAggregation(_message.Message):
    __slots__ = ("period", "playtime", "sessions", "games_played")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    PLAYTIME_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    GAMES_PLAYED_FIELD_NUMBER: _ClassVar[int]
    period: str
    playtime: int
    sessions: int
    games_played: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, period: _Optional[str] = ..., playtime: _Optional[int] = ..., sessions: _Optional[int] = ..., games_played: _Optional[_Iterable[str]] = ...) -> None: ...

class StartGameSessionRequest(_message.Message):
    __slots__ = ("user_id", "game_id", "client_timestamp", "client_id", "game_version", "platform", "device_id", "takeover")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_VERSION_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    TAKEOVER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    game_id: str
    client_timestamp: _timestamp_pb2.Timestamp
    client_id: str
    game_version: str
    platform: str
    device_id: str
    takeover: bool
    def __init__(self, user_id: _Optional[str] = ..., game_id: _Optional[str] = ..., client_timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., client_id: _Optional[str] = ..., game_version: _Optional[str] = ..., platform: _Optional[str] = ..., device_id: _Optional[str] = ..., takeover: _Optional[bool] = ...) -> None: ...

class StartGameSessionResponse(_message.Message):
    __slots__ = ("session_id", "game_id", "start_time", "status", "resumed", "next_heartbeat_in_seconds")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    NEXT_HEARTBEAT_IN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    game_id: str
    start_time: _timestamp_pb2.Timestamp
    status: str
    resumed: bool
    next_heartbeat_in_seconds: int
    def __init__(self, session_id: _Optional[str] = ..., game_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[str] = ..., resumed: _Optional[bool] = ..., next_heartbeat_in_seconds: _Optional[int] = ...) -> None: ...

class EndGameSessionRequest(_message.Message):
    __slots__ = ("user_id", "session_id", "client_timestamp", "client_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    session_id: str
    client_timestamp: _timestamp_pb2.Timestamp
    client_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., client_timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., client_id: _Optional[str] = ...) -> None: ...

class EndGameSessionResponse(_message.Message):
    __slots__ = ("session_id", "game_id", "start_time", "end_time", "duration", "status", "total_playtime", "end_reason", "afk_seconds", "suspended_seconds")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PLAYTIME_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    AFK_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    game_id: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    duration: int
    status: str
    total_playtime: int
    end_reason: str
    afk_seconds: int
    suspended_seconds: int
    def __init__(self, session_id: _Optional[str] = ..., game_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[int] = ..., status: _Optional[str] = ..., total_playtime: _Optional[int] = ..., end_reason: _Optional[str] = ..., afk_seconds: _Optional[int] = ..., suspended_seconds: _Optional[int] = ...) -> None: ...
