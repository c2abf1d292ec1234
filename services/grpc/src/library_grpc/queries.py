"""`LibraryQueryService`, and `LibraryService`, which is part of it: messages to queries and back; nothing is decided here.

The checks of access, which games and downloads ask all the time, use Google's messages on the same server: they cost a
tenth of betterproto2's (ADR 0010).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from grpclib.const import Cardinality, Handler
from grpclib.server import Stream

from library_domain.library.model import Access, AcquisitionType
from library_domain.library.queries import Filter, LibraryFilter, LibraryItem, LibraryQuery, LibrarySort
from library_domain.library.use_cases.batch_check_game_access import MAX_GAMES, BatchCheckGameAccess
from library_domain.library.use_cases.check_game_access import CheckGameAccess
from library_domain.library.use_cases.check_game_ownership import CheckGameOwnership
from library_domain.library.use_cases.list_library import ListLibrary
from library_domain.shared.errors import ValidationFailed
from library_domain.shared.ids import GameId, UserId
from library_domain.shared.paging import Order, Page
from library_grpc._generated.library.v1 import (
    CheckGameOwnershipRequest,
    CheckGameOwnershipResponse,
    DlcInfo,
    GetUserLibraryRequest,
    GetUserLibraryResponse,
    LibraryQueryServiceBase,
    LibraryServiceBase,
)
from library_grpc._generated.library.v1 import LibraryItem as LibraryItemMessage
from library_grpc._generated.library.v1.library_pb2 import (
    BatchCheckGameAccessRequest,
    BatchCheckGameAccessResponse,
    CheckGameAccessRequest,
    CheckGameAccessResponse,
)
from library_grpc.application import Application
from library_grpc.playtime import PlaytimeMethods, SessionMethods, StatisticsMethods
from library_grpc.values import uuid, word

OWNERSHIP_TYPES: Mapping[AcquisitionType, str] = MappingProxyType(
    {
        AcquisitionType.PURCHASE: "purchased",
        AcquisitionType.GIFT: "gifted",
        AcquisitionType.SUBSCRIPTION: "subscription",
        AcquisitionType.FREE: "free",
        AcquisitionType.FAMILY: "family_shared",
    },
)
"""The spec's example has other words than its enum (details 1.10)."""

_QUERIES = "/library.v1.LibraryQueryService"
_MAX_FILTER = 256
_VERDICTS_REMEMBERED = 1_024


class LibraryMethods:
    """What both services have."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def get_user_library(self, message: GetUserLibraryRequest) -> GetUserLibraryResponse:
        """Return a part of the user's library. Raises ValidationFailed naming the field that is wrong."""
        query = _library_query(message)
        user_id = UserId(uuid(message.user_id, "user_id"))
        page = await self._application.list_library(ListLibrary(user_id=user_id, query=query))
        return GetUserLibraryResponse(
            items=[_item(item) for item in page.items],
            total=page.total or 0,
            limit=query.page.limit,
            offset=query.page.offset,
        )

    async def check_game_ownership(self, message: CheckGameOwnershipRequest) -> CheckGameOwnershipResponse:
        """Tell whether the user owns the game. Raises ValidationFailed for an id that is no UUID."""
        ownership = await self._application.check_ownership(
            CheckGameOwnership(
                user_id=UserId(uuid(message.user_id, "user_id")),
                game_id=GameId(uuid(message.game_id, "game_id")),
            ),
        )
        held = ownership.acquisition_type
        return CheckGameOwnershipResponse(
            owned=ownership.owned,
            ownership_type=OWNERSHIP_TYPES[held] if held else "",
            purchase_date=ownership.acquired_at,
            dlc_owned=[str(game_id) for game_id in ownership.dlc_owned],
        )


class LibraryExamples(LibraryMethods, StatisticsMethods, SessionMethods, LibraryServiceBase):
    """The service by the name of the spec's examples (details 1.32)."""


class LibraryQueries(LibraryMethods, PlaytimeMethods, StatisticsMethods, LibraryQueryServiceBase):
    """The service with all of its methods."""

    async def get_library(self, message: GetUserLibraryRequest) -> GetUserLibraryResponse:
        """See `get_user_library`."""
        return await self.get_user_library(message)

    def __mapping__(self) -> dict[str, Handler]:
        return super().__mapping__() | {
            f"{_QUERIES}/CheckGameAccess": Handler(
                self._check_access, Cardinality.UNARY_UNARY, CheckGameAccessRequest, CheckGameAccessResponse
            ),
            f"{_QUERIES}/BatchCheckGameAccess": Handler(
                self._batch_check_access,
                Cardinality.UNARY_UNARY,
                BatchCheckGameAccessRequest,
                BatchCheckGameAccessResponse,
            ),
        }

    async def _check_access(self, stream: Stream[CheckGameAccessRequest, CheckGameAccessResponse]) -> None:
        """Tell whether the user may play the game. Raises ValidationFailed for an id that is no UUID."""
        message = await _request(stream)
        verdict = await self._application.check_access(
            CheckGameAccess(
                user_id=UserId(uuid(message.user_id, "user_id")),
                game_id=GameId(uuid(message.game_id, "game_id")),
            ),
        )
        await stream.send_message(_access(verdict))

    async def _batch_check_access(
        self, stream: Stream[BatchCheckGameAccessRequest, BatchCheckGameAccessResponse]
    ) -> None:
        """Tell of each game whether the user may play it. Raises ValidationFailed for too many, or what is no UUID."""
        message = await _request(stream)
        if len(message.game_ids) > MAX_GAMES:
            # Before any of them is read.
            raise ValidationFailed(field="game_ids", reason="too_many", maximum=MAX_GAMES)
        verdicts = await self._application.batch_check_access(
            BatchCheckGameAccess(
                user_id=UserId(uuid(message.user_id, "user_id")),
                game_ids=[GameId(uuid(each, "game_ids")) for each in message.game_ids],
            ),
        )
        await stream.send_message(BatchCheckGameAccessResponse(results=map(_access, verdicts)))


async def _request(stream: Stream[Any, Any]) -> Any:  # noqa: ANN401 - each method knows its own
    """Return the one message of a unary call; `wire` has refused a call without it."""
    return await stream.recv_message()


@lru_cache(maxsize=_VERDICTS_REMEMBERED)
def _access(verdict: Access) -> CheckGameAccessResponse:
    """Return the message for a verdict, to be sent and not changed: nearly all verdicts are one of a handful."""
    members: dict[str, Any] = {"has_access": verdict.allowed}
    if verdict.via is not None:
        members["access_type"] = verdict.via
    if verdict.reason is not None:
        members["reason"] = verdict.reason
    if verdict.expires_at is not None:
        members["expires_at"] = verdict.expires_at
    if verdict.owner_id is not None:
        members["owner_id"] = str(verdict.owner_id)
    if verdict.in_use_by is not None:
        members["in_use_by"] = str(verdict.in_use_by.user_id)
    return CheckGameAccessResponse(**members)


def _library_query(message: GetUserLibraryRequest) -> LibraryQuery:
    """Return what of the library is asked for. Raises ValidationFailed naming the field that is wrong."""
    return LibraryQuery(
        filter=LibraryFilter.named(_words(message.filter)),
        sort=word(LibrarySort, message.sort_by, "sort_by") if message.sort_by else LibrarySort.NAME,
        order=word(Order, message.sort_order, "sort_order") if message.sort_order else Order.ASC,
        page=Page(limit=message.limit, offset=message.offset)
        if message.limit
        else Page(offset=message.offset),
    )


def _words(text: str) -> Sequence[Filter]:
    if len(text) > _MAX_FILTER:
        raise ValidationFailed(field="filter", reason="too_long", maximum=_MAX_FILTER)
    return [word(Filter, each.strip(), "filter") for each in text.split(",")] if text.strip() else []


def _item(item: LibraryItem) -> LibraryItemMessage:
    return LibraryItemMessage(
        game_id=str(item.game_id),
        name=item.name or "",
        type=item.product_type,
        installed=item.installed,
        size_installed=item.size_installed or 0,
        last_played=item.last_played_at,
        total_playtime=item.total_playtime_seconds,
        categories=item.categories,
        dlc=[
            DlcInfo(dlc_id=str(part.dlc_id), name=part.name or "", installed=part.installed)
            for part in item.dlc
        ],
        family_shared=item.family_shared,
        hidden=item.is_hidden,
    )
