import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from library_grpc._generated.library.v1 import playtime_pb2 as _playtime_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetUserLibraryRequest(_message.Message):
    __slots__ = ("user_id", "limit", "offset", "sort_by", "sort_order", "filter")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SORT_BY_FIELD_NUMBER: _ClassVar[int]
    SORT_ORDER_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    limit: int
    offset: int
    sort_by: str
    sort_order: str
    filter: str
    def __init__(self, user_id: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., sort_by: _Optional[str] = ..., sort_order: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class GetUserLibraryResponse(_message.Message):
    __slots__ = ("items", "total", "limit", "offset")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[LibraryItem]
    total: int
    limit: int
    offset: int
    def __init__(self, items: _Optional[_Iterable[_Union[LibraryItem, _Mapping]]] = ..., total: _Optional[int] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class LibraryItem(_message.Message):
    __slots__ = ("game_id", "name", "type", "installed", "size_installed", "last_played", "total_playtime", "categories", "dlc", "family_shared", "hidden")
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    INSTALLED_FIELD_NUMBER: _ClassVar[int]
    SIZE_INSTALLED_FIELD_NUMBER: _ClassVar[int]
    LAST_PLAYED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PLAYTIME_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    DLC_FIELD_NUMBER: _ClassVar[int]
    FAMILY_SHARED_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    game_id: str
    name: str
    type: str
    installed: bool
    size_installed: int
    last_played: _timestamp_pb2.Timestamp
    total_playtime: int
    categories: _containers.RepeatedScalarFieldContainer[str]
    dlc: _containers.RepeatedCompositeFieldContainer[DlcInfo]
    family_shared: bool
    hidden: bool
    def __init__(self, game_id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., installed: _Optional[bool] = ..., size_installed: _Optional[int] = ..., last_played: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_playtime: _Optional[int] = ..., categories: _Optional[_Iterable[str]] = ..., dlc: _Optional[_Iterable[_Union[DlcInfo, _Mapping]]] = ..., family_shared: _Optional[bool] = ..., hidden: _Optional[bool] = ...) -> None: ...

class DlcInfo(_message.Message):
    __slots__ = ("dlc_id", "name", "installed")
    DLC_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INSTALLED_FIELD_NUMBER: _ClassVar[int]
    dlc_id: str
    name: str
    installed: bool
    def __init__(self, dlc_id: _Optional[str] = ..., name: _Optional[str] = ..., installed: _Optional[bool] = ...) -> None: ...

class CheckGameAccessRequest(_message.Message):
    __slots__ = ("user_id", "game_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    game_id: str
    def __init__(self, user_id: _Optional[str] = ..., game_id: _Optional[str] = ...) -> None: ...

class CheckGameAccessResponse(_message.Message):
    __slots__ = ("has_access", "access_type", "reason", "expires_at", "owner_id", "in_use_by")
    HAS_ACCESS_FIELD_NUMBER: _ClassVar[int]
    ACCESS_TYPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    IN_USE_BY_FIELD_NUMBER: _ClassVar[int]
    has_access: bool
    access_type: str
    reason: str
    expires_at: _timestamp_pb2.Timestamp
    owner_id: str
    in_use_by: str
    def __init__(self, has_access: _Optional[bool] = ..., access_type: _Optional[str] = ..., reason: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., owner_id: _Optional[str] = ..., in_use_by: _Optional[str] = ...) -> None: ...

class BatchCheckGameAccessRequest(_message.Message):
    __slots__ = ("user_id", "game_ids")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_IDS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    game_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_id: _Optional[str] = ..., game_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchCheckGameAccessResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[CheckGameAccessResponse]
    def __init__(self, results: _Optional[_Iterable[_Union[CheckGameAccessResponse, _Mapping]]] = ...) -> None: ...

class CheckGameOwnershipRequest(_message.Message):
    __slots__ = ("user_id", "game_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GAME_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    game_id: str
    def __init__(self, user_id: _Optional[str] = ..., game_id: _Optional[str] = ...) -> None: ...

class CheckGameOwnershipResponse(_message.Message):
    __slots__ = ("owned", "ownership_type", "purchase_date", "dlc_owned")
    OWNED_FIELD_NUMBER: _ClassVar[int]
    OWNERSHIP_TYPE_FIELD_NUMBER: _ClassVar[int]
    PURCHASE_DATE_FIELD_NUMBER: _ClassVar[int]
    DLC_OWNED_FIELD_NUMBER: _ClassVar[int]
    owned: bool
    ownership_type: str
    purchase_date: _timestamp_pb2.Timestamp
    dlc_owned: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, owned: _Optional[bool] = ..., ownership_type: _Optional[str] = ..., purchase_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dlc_owned: _Optional[_Iterable[str]] = ...) -> None: ...
